/*
 * A switch-over that an operator asks for: the writer is fenced, a replica is
 * given a second to have all its data, then the Sentinels, or the writer itself
 * where there are none, are told to fail over. If anything goes wrong the
 * writer resumes. Control thread only.
 */
#ifndef HEALTH_SWITCHOVER_H
#define HEALTH_SWITCHOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "health/members.h"

struct event_base;
struct switchover;

/* How it went, in words. Called once, never before switchover_start() has
 * returned; the switch-over is gone when it returns. */
typedef void (*switchover_done_cb)(bool ok, const char *text, void *arg);

/* Begin, to that server (NULL: whichever is best; Sentinels choose themselves).
 * NULL with the reason in error if it cannot be begun. The caller evaluates the
 * group after this, and when it has called back. */
struct switchover *switchover_start(struct event_base *base, struct members *m,
    struct group *g, const char *to, switchover_done_cb done, void *arg,
    char *error, size_t size);

/* Give it up: it calls back. */
void switchover_cancel(struct switchover *s);

/* Time has passed, or something has changed. */
void switchover_step(struct switchover *s);

#endif
