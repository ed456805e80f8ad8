/*
 * Histograms. The bounds are 1, 2.5 and 5 of each decade where it matters.
 */
#include "base/histogram.h"

#define MS   INT64_C(1000)
#define S    (1000 * MS)
#define MIN  (60 * S)
#define HOUR (60 * MIN)

const int64_t histogram_bounds[][HISTOGRAM_BOUNDS] = {
    [HISTOGRAM_SHORT] = {250, 500, MS, 5 * MS / 2, 5 * MS, 10 * MS, 25 * MS,
	50 * MS, 100 * MS, 250 * MS, S, 5 * S, 15 * S, MIN},
    [HISTOGRAM_LONG] = {MS, 5 * MS, 25 * MS, 100 * MS, 500 * MS, S, 5 * S,
	30 * S, MIN, 10 * MIN, HOUR, 6 * HOUR, 24 * HOUR, 7 * 24 * HOUR},
};

void
histogram_add(struct histogram *h, enum histogram_scale scale, int64_t us)
{
	int i;

	if (us < 0)
		us = 0;
	for (i = 0; i < HISTOGRAM_BOUNDS; i++)
		if (us <= histogram_bounds[scale][i])
			break;
	atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(
	    &h->sum_us, (uint64_t)us, memory_order_relaxed);
}

void
histogram_clear(struct histogram *h)
{
	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		atomic_store_explicit(&h->counts[i], 0, memory_order_relaxed);
	atomic_store_explicit(&h->sum_us, 0, memory_order_relaxed);
}

void
histogram_read(const struct histogram *h, struct histogram_sums *sums)
{
	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		sums->counts[i] +=
		    atomic_load_explicit(&h->counts[i], memory_order_relaxed);
	sums->sum_us += atomic_load_explicit(&h->sum_us, memory_order_relaxed);
}
