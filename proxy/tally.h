/*
 * Figures that are no sums: maxima, rates and mean times of one server, one
 * frontend or the whole proxy. Written by all workers at the pace of
 * connections; any thread may read.
 */
#ifndef PROXY_TALLY_H
#define PROXY_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/counters.h"

/* The times of a session that have means and maxima. */
enum tally_time { TALLY_QUEUE, TALLY_CONNECT, TALLY_TOTAL, TALLY_TIMES };

struct tally {
	_Atomic uint32_t sessions_max, queued_max, rate_max;
	_Atomic uint64_t window; /* second, begun before it and in it: packed */
	_Atomic int64_t last;    /* clock_ms() of the newest; 0 none */
	_Atomic uint32_t samples;          /* that the sums are made of */
	_Atomic uint64_t sum[TALLY_TIMES]; /* ms, see tally.c */
	_Atomic uint32_t max[TALLY_TIMES]; /* ms */
};

/* A session begins at this clock_ms(); so many are there with it. */
void tally_begin(struct tally *t, int64_t now, uint32_t sessions);

/* So many clients wait. */
void tally_queued(struct tally *t, uint32_t queued);

/* A session that was connected has ended, and took so long. */
void tally_end(struct tally *t, const uint32_t ms[TALLY_TIMES]);

/* Add the figures to f; sessions and queued are the caller's. */
void tally_read(const struct tally *t, int64_t now, struct figures *f);

/* Forget the maxima. */
void tally_reset(struct tally *t);

#endif
