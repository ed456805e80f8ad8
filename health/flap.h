/*
 * A server that goes up and down all the time: which of its changes are worth a
 * line in the log. Pure: no clock, no log.
 */
#ifndef HEALTH_FLAP_H
#define HEALTH_FLAP_H

#include <stdbool.h>
#include <stdint.h>

#define FLAP_CHANGES  10    /* that are logged within */
#define FLAP_QUIET_MS 60000 /* this, which also is the calm that ends it */

/* One server's; empty as zeros. */
struct flap {
	int64_t began, last; /* clock_ms() of the first and the newest change */
	unsigned changes;    /* since began */
	unsigned withheld;   /* of these, those that were not logged */
};

enum flap_verdict {
	FLAP_LOG,     /* log it */
	FLAP_LOG_END, /* log it, and that more will be withheld */
	FLAP_WITHHOLD
};

/* Something has changed now. */
enum flap_verdict flap_change(struct flap *f, int64_t now);

/* Has it been calm for long enough since changes were withheld? Returns how
 * many these were, once; else 0. */
unsigned flap_calm(struct flap *f, int64_t now);

#endif
