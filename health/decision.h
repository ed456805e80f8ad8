/*
 * What was decided: one record for each change of a writer, for the log and the
 * page.
 */
#ifndef HEALTH_DECISION_H
#define HEALTH_DECISION_H

#include <stdint.h>

#include "base/histogram.h"
#include "health/writer.h"

/* One change of the writer, for the log and the page. */
struct decision {
	int64_t wall_us; /* clock_wall_us() */
	char backend[64];
	char from[64], to[64]; /* server names; "" none */
	enum writer_action action;
	enum writer_cause cause;
	int votes, voters;
	int64_t took_ms;          /* from the evidence to the publication */
	unsigned sessions_closed; /* of the old writer */
	int64_t fenced_us;        /* from the evidence until no write passed, */
	int64_t closed_us;        /* and until they all were closed */
	unsigned held;            /* clients that waited for it */
	int64_t held_ms;          /* since the old writer was fenced */
	char evidence[128];       /* in words, "" the cause says it all */
	int64_t from_offset, to_offset;
};

/* What was counted of one backend's writer. */
struct writer_counts {
	uint64_t changes; /* times that another server took the writes */
	uint64_t fences[WRITER_CAUSES]; /* writes taken away, for this cause */
	struct histogram switches; /* from the evidence to another writer */
	struct histogram closed;   /* from the evidence to the last session */
};

#define MONITOR_DECISIONS 256 /* so many are kept */

#endif
