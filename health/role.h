/*
 * What observations make of one server: UP or DOWN by rise and fall, its role
 * at once. Pure: no clock, no socket, no log.
 */
#ifndef HEALTH_ROLE_H
#define HEALTH_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "health/observation.h"

enum health {
	HEALTH_UNCHECKED, /* no probe has ended: not eligible for anything */
	HEALTH_UP,
	HEALTH_DOWN
};

/* What is true of one server, from all observations so far. */
struct server_state {
	enum health health;
	enum role role;           /* last one told */
	struct observation last;  /* the newest; NONE before the first */
	struct observation known; /* the newest that told the role */
	unsigned good, bad;       /* probes in a row */
	unsigned failures; /* probes that failed while it was not simply DOWN */
	unsigned accused;  /* times that sessions on it were such */
	int64_t health_since, role_since; /* clock_ms(), 0 never */
	bool returnee;    /* was away or restarted, and is a primary since */
	bool was_replica; /* was a replica before it was a primary */
	bool offset_restarted; /* same server, new run: its offset fell */
	unsigned restarts;     /* new run ids seen */
};

/* What one observation changed. */
struct role_change {
	bool health, role, restarted, result;
	bool gone;   /* DOWN by refusal, reset or end of file */
	bool silent; /* DOWN by timeout */
};

/* Take one observation into account. fall and rise are at least 1; the first
 * good probe of an unchecked server is enough. */
struct role_change role_update(struct server_state *s,
    const struct observation *o, unsigned fall, unsigned rise);

/* Ready for reads as a replica of that writer's data: up, link up, not syncing
 * or loading. writer may be NULL (none: lineage is not looked at). recent says
 * that the writer changed in the last 30 s: a replica that still holds the old
 * writer's data will do then, whatever its link. */
bool role_readable(const struct server_state *s,
    const struct server_state *writer, bool recent);

const char *health_str(enum health health);

#endif
