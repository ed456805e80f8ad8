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
#include "base/proxy_header.h"
#include "conf/format.h"
#include "conf/step.h"
#include "health/observation.h"

struct event_base;
struct places;
struct script;

/* The steps, and whom they are for: what they say can differ by that (all of it
 * borrowed). */
struct script_subject {
	const struct conf_step *steps;
	size_t n;
	struct format_names names;
	/* The PROXY header of connections that are as usual, and of those for
	 * which a step asks for one. */
	enum proxy_version header, own_header;
};

/* Called once for each script_start(), never before that has returned. */
typedef void (*script_done_cb)(const struct observation *, void *);

/* Copies the subject. The hosts of its connects are added to places, which is
 * borrowed. */
struct script *script_new(struct event_base *base,
    const struct script_subject *of, struct places *places, script_done_cb done,
    void *arg);

/* Close and free; a running attempt does not call back. Allowed in the
 * callback. */
void script_free(struct script *s);

/* Start one attempt. Never call it while one runs, or a place has no address.
 */
void script_start(
    struct script *s, const struct addr *addr, int64_t timeout_ms);

/* Is an attempt under way? */
bool script_running(const struct script *s);

/* Does this come to its steps? */
bool script_matches(const struct script *s, const struct script_subject *of);

#endif
