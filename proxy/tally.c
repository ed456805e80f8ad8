/*
 * Maxima, rates and means without a lock, as HAProxy has them, so that its
 * users find the figures that they know: a rate is that of the last second up
 * to now, a mean that of about the last 512 sessions.
 */
#include "proxy/tally.h"

#define SAMPLES 512

/* A window: 24 bits of the second, and 20 each of two counts. */
#define COUNT_BITS 20
#define COUNT_MAX  ((1u << COUNT_BITS) - 1)
#define SECOND_MAX ((1u << 24) - 1)

/* What a window says. */
struct counts {
	uint32_t second, before, now;
};

/* A window as of that second. */
static struct counts
unpack(uint64_t window, int64_t now)
{
	struct counts c = {(uint32_t)(now / 1000) & SECOND_MAX, 0, 0};
	uint32_t second = (uint32_t)(window >> (2 * COUNT_BITS));
	uint32_t before = (uint32_t)(window >> COUNT_BITS) & COUNT_MAX;
	uint32_t in = (uint32_t)window & COUNT_MAX;

	if (second == c.second) {
		c.before = before;
		c.now = in;
	} else if (((second + 1) & SECOND_MAX) == c.second) {
		c.before = in;
	}
	return c;
}

/* The rate that a window says: of the second before, the share that is less
 * than a second ago. */
static uint32_t
rate(const struct counts *c, int64_t now)
{
	uint32_t left = (uint32_t)(1000 - now % 1000);

	return c->now + c->before * left / 1000;
}

/* Raise a maximum. */
static void
raise(_Atomic uint32_t *max, uint32_t n)
{
	uint32_t was = atomic_load_explicit(max, memory_order_relaxed);

	while (was < n && !atomic_compare_exchange_weak(max, &was, n))
		;
}

void
tally_begin(struct tally *t, int64_t now, uint32_t sessions)
{
	uint64_t was = atomic_load(&t->window), next;
	struct counts c;

	do {
		c = unpack(was, now);
		if (c.now < COUNT_MAX)
			c.now++;
		next = (uint64_t)c.second << (2 * COUNT_BITS) |
		       (uint64_t)c.before << COUNT_BITS | c.now;
	} while (!atomic_compare_exchange_weak(&t->window, &was, next));
	raise(&t->rate_max, rate(&c, now));
	raise(&t->sessions_max, sessions);
	atomic_store_explicit(&t->last, now, memory_order_relaxed);
}

void
tally_queued(struct tally *t, uint32_t queued)
{
	raise(&t->queued_max, queued);
}

/* Of how many samples a sum is. */
static uint64_t
weight(uint32_t samples)
{
	return samples == 0 ? 1 : samples > SAMPLES ? SAMPLES : samples;
}

/* A sum with one sample more: the first ones are added up, then each pushes a
 * mean one out. */
static uint64_t
add_sample(uint64_t sum, uint32_t samples, uint32_t ms)
{
	if (samples > SAMPLES)
		sum -= (sum + SAMPLES - 1) / SAMPLES;
	return sum + ms;
}

void
tally_end(struct tally *t, const uint32_t ms[TALLY_TIMES])
{
	uint32_t n = atomic_fetch_add(&t->samples, 1) + 1;
	uint64_t was;
	int i;

	if (n == UINT32_MAX) /* not to begin again */
		atomic_store(&t->samples, SAMPLES + 1);
	for (i = 0; i < TALLY_TIMES; i++) {
		was = atomic_load(&t->sum[i]);
		while (!atomic_compare_exchange_weak(
		    &t->sum[i], &was, add_sample(was, n, ms[i])))
			;
		raise(&t->max[i], ms[i]);
	}
}

/* One mean, as of that many samples. */
static unsigned
mean(const struct tally *t, enum tally_time time)
{
	uint64_t n = weight(atomic_load(&t->samples));

	return (unsigned)((atomic_load(&t->sum[time]) + n - 1) / n);
}

void
tally_read(const struct tally *t, int64_t now, struct figures *f)
{
	struct counts c = unpack(atomic_load(&t->window), now);
	int64_t last = atomic_load(&t->last);

	f->sessions_max = atomic_load(&t->sessions_max);
	f->queued_max = atomic_load(&t->queued_max);
	f->rate = rate(&c, now);
	f->rate_max = atomic_load(&t->rate_max);
	f->last_session = last == 0 ? -1 : now < last ? 0 : now - last;
	f->queue_ms = mean(t, TALLY_QUEUE);
	f->connect_ms = mean(t, TALLY_CONNECT);
	f->total_ms = mean(t, TALLY_TOTAL);
	f->queue_ms_max = atomic_load(&t->max[TALLY_QUEUE]);
	f->connect_ms_max = atomic_load(&t->max[TALLY_CONNECT]);
	f->total_ms_max = atomic_load(&t->max[TALLY_TOTAL]);
}

void
tally_reset(struct tally *t)
{
	int i;

	atomic_store(&t->sessions_max, 0);
	atomic_store(&t->queued_max, 0);
	atomic_store(&t->rate_max, 0);
	for (i = 0; i < TALLY_TIMES; i++)
		atomic_store(&t->max[i], 0);
}
