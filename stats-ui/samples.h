/*
 * The last hour of one server in a bounded ring: what the small curves of the
 * page show. A sample is of half a minute and holds its worst, so that a short
 * peak is not lost. Pure.
 */
#ifndef STATS_UI_SAMPLES_H
#define STATS_UI_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLES   120
#define SAMPLE_MS 30000

enum sample_kind {
	SAMPLE_SESSIONS,
	SAMPLE_BYTES, /* a second, in both directions */
	SAMPLE_CHECK, /* what a check took, us */
	SAMPLE_LAG,   /* ms */
	SAMPLE_KINDS
};

#define SAMPLE_NONE UINT32_MAX /* not known */

struct samples {
	uint32_t ring[SAMPLE_KINDS][SAMPLES]; /* complete ones */
	size_t n, next;                       /* of the ring */
	uint32_t now[SAMPLE_KINDS];           /* the one that grows */
	int64_t began;                        /* that one; clock_ms() */
	uint64_t bytes;                       /* ever, when it began */
};

/* Begin, with so many bytes ever. */
void samples_begin(struct samples *s, int64_t now, uint64_t bytes);

/* What is true now: the kinds, but for SAMPLE_BYTES, which comes of how many
 * bytes there ever were. Call it some times a second. */
void samples_note(struct samples *s, int64_t now,
    const uint32_t look[SAMPLE_KINDS], uint64_t bytes);

/* Copy one kind, oldest first, the growing one last. Returns how many. */
size_t samples_read(
    const struct samples *s, enum sample_kind kind, uint32_t out[SAMPLES + 1]);

#endif
