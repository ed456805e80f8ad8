/*
 * Durations by size, as Prometheus takes them: how many there were up to each
 * of some bounds, and their sum. Any thread may add and read; a reader may see
 * one that is half added.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/* The upper bounds, in microseconds: one list for what takes a moment, one for
 * what may take days. */
enum histogram_scale { HISTOGRAM_SHORT, HISTOGRAM_LONG };

#define HISTOGRAM_BOUNDS 14

extern const int64_t histogram_bounds[][HISTOGRAM_BOUNDS];

struct histogram {
	_Atomic uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* the last: beyond */
	_Atomic uint64_t sum_us;
};

/* The same as plain numbers, of one or several. */
struct histogram_sums {
	uint64_t counts[HISTOGRAM_BOUNDS + 1];
	uint64_t sum_us;
};

/* One more; less than nothing is nothing. */
void histogram_add(struct histogram *h, enum histogram_scale scale, int64_t us);

/* Forget all. */
void histogram_clear(struct histogram *h);

/* Add what there is to sums. */
void histogram_read(const struct histogram *h, struct histogram_sums *sums);

#endif
