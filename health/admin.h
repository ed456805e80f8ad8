/*
 * What an operator has said of one server: ready, drain or maintenance, its
 * weight, a health that is forced on it. Pure: no clock, no socket, no log. The
 * names are those of HAProxy's "set server".
 */
#ifndef HEALTH_ADMIN_H
#define HEALTH_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

#define ADMIN_WEIGHT_MAX 256

/* Weights for balancing are in these parts, so that a slow start of weight 1
 * has steps too. */
#define ADMIN_WEIGHT_PARTS 16

enum admin_state {
	ADMIN_READY,
	ADMIN_DRAIN, /* keeps its sessions, takes no new ones */
	ADMIN_MAINT  /* serves nobody, is never the writer */
};

/* A health that stands until checks say otherwise, or are enabled again. */
enum admin_health {
	ADMIN_CHECKED, /* none: as the checks find it */
	ADMIN_UP,
	ADMIN_STOPPING, /* as in drain */
	ADMIN_DOWN
};

struct admin {
	enum admin_state state;
	unsigned weight;  /* 0 to ADMIN_WEIGHT_MAX */
	unsigned maxconn; /* 0: no limit */
	enum admin_health health;
	bool unchecked;    /* checks do not change the health */
	unsigned against;  /* checks in a row that say otherwise */
	char *host;        /* where it is instead of where the file says; */
	uint16_t port;     /* NULL: as the file says */
	bool was_down;     /* since it took sessions last */
	int64_t slow_from; /* clock_ms() its slow start began; 0 none */

	/* As the file had it when that was taken over. */
	struct {
		bool disabled;
		unsigned weight, maxconn;
	} file;
};

/* Take over what a load says of the server: all of it if fresh, else what the
 * file has changed since the last load. What an operator has set stays. */
void admin_configure(struct admin *a, const struct conf_server *cs, bool fresh);
void admin_clear(struct admin *a);

/* Is a server up that the checks find so? */
bool admin_up(const struct admin *a, bool checked_up);

/* A check has ended: a forced health may end with it. up: the checks' verdict;
 * good: this one's. */
void admin_check(
    struct admin *a, bool up, bool good, unsigned rise, unsigned fall);

/* It is able to take sessions at that clock_ms(), or is not. */
void admin_note(
    struct admin *a, const struct conf_server *cs, bool able, int64_t now);

/* Does it take no new sessions, whatever its weight? */
bool admin_drains(const struct admin *a);

/* Its weight now, in parts: less than what it was given during a slow start,
 * but at least 1 if that is not 0. */
unsigned admin_parts(
    const struct admin *a, const struct conf_server *cs, int64_t now);

/* Parts as the weight that HAProxy shows: rounded up. */
unsigned admin_shown_weight(unsigned parts);

const char *admin_state_str(enum admin_state state);
const char *admin_health_str(enum admin_health health);

#endif
