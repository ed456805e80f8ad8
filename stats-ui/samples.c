/*
 * Samples of the last hour.
 */
#include <string.h>

#include "stats-ui/samples.h"

/* Begin the next sample. */
static void
begin_next(struct samples *s, int64_t now, uint64_t bytes)
{
	for (size_t k = 0; k < SAMPLE_KINDS; k++)
		s->now[k] = SAMPLE_NONE;
	s->began = now;
	s->bytes = bytes;
}

void
samples_begin(struct samples *s, int64_t now, uint64_t bytes)
{
	memset(s, 0, sizeof(*s));
	begin_next(s, now, bytes);
}

/* Bytes a second since the growing sample began. A counter that has fallen was
 * cleared. */
static uint32_t
byte_rate(const struct samples *s, int64_t now, uint64_t bytes)
{
	uint64_t rate;

	if (now - s->began < 1000)
		return s->now[SAMPLE_BYTES];
	rate = bytes < s->bytes
		   ? 0
		   : (bytes - s->bytes) * 1000 / (uint64_t)(now - s->began);
	return rate >= SAMPLE_NONE ? SAMPLE_NONE - 1 : (uint32_t)rate;
}

void
samples_note(struct samples *s, int64_t now, const uint32_t look[SAMPLE_KINDS],
    uint64_t bytes)
{
	for (size_t k = 0; k < SAMPLE_KINDS; k++)
		if (k != SAMPLE_BYTES && look[k] != SAMPLE_NONE &&
		    (s->now[k] == SAMPLE_NONE || look[k] > s->now[k]))
			s->now[k] = look[k];
	s->now[SAMPLE_BYTES] = byte_rate(s, now, bytes);
	if (now - s->began < SAMPLE_MS)
		return;
	for (size_t k = 0; k < SAMPLE_KINDS; k++)
		s->ring[k][s->next] = s->now[k];
	s->next = (s->next + 1) % SAMPLES;
	s->n += s->n < SAMPLES;
	begin_next(s, now, bytes);
}

size_t
samples_read(
    const struct samples *s, enum sample_kind kind, uint32_t out[SAMPLES + 1])
{
	size_t first = (s->next + SAMPLES - s->n) % SAMPLES;

	for (size_t i = 0; i < s->n; i++)
		out[i] = s->ring[kind][(first + i) % SAMPLES];
	out[s->n] = s->now[kind];
	return s->n + 1;
}
