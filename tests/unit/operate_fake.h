/*
 * What an operator sets, remembered and not done.
 */
#ifndef TESTS_OPERATE_FAKE_H
#define TESTS_OPERATE_FAKE_H

#include "health/operate.h"
#include "stats-ui/admin_ops.h"
#include "tests/unit/stats_fake.h"

/* The newest order, in words; "" none. Of sessions and counters too. */
extern char fake_order[160];

/* Frontends are as they were set. */
extern enum frontend_state fake_frontends[FAKE_FRONTENDS];

/* Sessions to list, and whether they are listed at once or by fake_answer(). */
extern struct session_view fake_sessions[2];
extern size_t fake_nsessions;
extern bool fake_later;
void fake_answer(void);

#endif
