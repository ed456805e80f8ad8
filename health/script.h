/*
 * The player of scripts: one attempt is a connection of its own, the steps one
 * by one, and one absolute deadline. What an answer means is expect.c's.
 */
#ifndef HEALTH_SCRIPT_H
#define HEALTH_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "conf/step.h"
#include "health/observation.h"

struct event_base;
struct script;

/* Called once for each script_start(), never before that has returned. */
typedef void (*script_done_cb)(const struct observation *, void *);

/* Copies the steps. */
struct script *script_new(struct event_base *base,
    const struct conf_step *steps, size_t n, script_done_cb done, void *arg);

/* Close and free; a running attempt does not call back. Allowed in the
 * callback. */
void script_free(struct script *s);

/* Start one attempt. Never call it while one runs. */
void script_start(
    struct script *s, const struct addr *addr, int64_t timeout_ms);

/* Is an attempt under way? */
bool script_running(const struct script *s);

/* Are these its steps? */
bool script_matches(
    const struct script *s, const struct conf_step *steps, size_t n);

#endif
