/*
 * How far a replica is behind its writer, and which replicas serve reads in
 * spite of it. Pure: no clock, no socket, no log.
 *
 * The lag of a replica, as of its own check, is for how long the writer's
 * offset had been beyond the replica's by then, and by how much. Both are lower
 * bounds, so that a replica that keeps up does not seem late only because it
 * and the writer are not asked at the same moment: what the writer was seen at
 * after the replica was asked does not count. The truth is not less, and more
 * by at most
 *   - what happened between two checks of the writer, and during one check of
 *     each (a probe may see any moment of its duration), and
 *   - for times longer than LAG_SAMPLES checks an eighth of the lag, because
 *     old samples are thinned out; in bytes only the newest samples count.
 * A replica behind the oldest sample lags for at least the time since that.
 */
#ifndef HEALTH_LAG_H
#define HEALTH_LAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/observation.h"

/* At 256 a day of ten checks a second is known to within an eighth. */
#define LAG_SAMPLES 256

/* When the writer was first seen at an offset. */
struct lag_sample {
	int64_t at; /* clock_ms() */
	int64_t offset;
};

/* One lineage of one writer; empty as zeros. */
struct lag_history {
	int writer; /* any number of the caller's that tells writers apart */
	char replid[REDIS_ID_MAX];
	struct lag_sample samples[LAG_SAMPLES]; /* oldest first, both rise */
	size_t n;
};

struct lag {
	int64_t ms, bytes; /* both -1: unknown */
};

/* Take what was seen of the writer. Another writer or lineage, or an offset
 * that has fallen, begins anew. Seeing the same twice does no harm. */
void lag_note(struct lag_history *h, int writer, const struct observation *o);

/* The lag of a replica by what was seen of it. Unknown if it is of another
 * lineage, has no data, or was asked before the history began. */
struct lag lag_of(const struct lag_history *h, const struct observation *o);

/* The keys max-lag, max-lag-bytes and min-readers. */
struct lag_limits {
	int64_t ms;     /* 0: none */
	uint64_t bytes; /* 0: none */
	unsigned min_readers;
};

/* One replica of a group, before and after a choice. */
struct lag_reader {
	bool fit;       /* but for its lag: role_readable() */
	bool served;    /* reads, until now */
	struct lag lag; /* unknown changes nothing about lagging */
	bool lagging;   /* beyond a limit, and not back at half of both since */
	bool reads;     /* set: serves reads now */
};

/* Choose who serves reads: all that are fit and not lagging, and if these are
 * fewer than min_readers, the least lagging of those that are fit as well. Who
 * serves already makes way only for one that lags less than half as much. */
void lag_choose(struct lag_reader *r, size_t n, const struct lag_limits *l);

#endif
