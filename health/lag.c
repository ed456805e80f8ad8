/*
 * Offsets of a writer over time, and what they say of its replicas. The history
 * keeps all of the near past and thins out the far: what it forgets is always
 * the sample that matters least, relative to its age.
 */
#include <float.h>
#include <string.h>

#include "health/lag.h"

/* How much worse a lag could be judged without sample i, as a share of it. */
static double
worth(const struct lag_history *h, size_t i, int64_t now)
{
	const struct lag_sample *s = &h->samples[i];

	return (double)(s[1].at - s[-1].at) / (double)(now - s[-1].at);
}

/* Make room for one: the oldest and the newest stay. */
static void
thin_out(struct lag_history *h, int64_t now)
{
	size_t i, least = 1;

	for (i = 2; i + 1 < h->n; i++) {
		if (worth(h, i, now) < worth(h, least, now))
			least = i;
	}
	h->n--;
	memmove(&h->samples[least], &h->samples[least + 1],
	    (h->n - least) * sizeof(h->samples[0]));
}

void
lag_note(struct lag_history *h, int writer, const struct observation *o)
{
	struct lag_sample *newest;

	if (h->n > 0 && (h->writer != writer || strcmp(h->replid, o->replid) ||
			    o->offset < h->samples[h->n - 1].offset))
		h->n = 0;
	if (h->n > 0) {
		newest = &h->samples[h->n - 1];
		if (o->offset == newest->offset)
			return;
		if (o->at <= newest->at) {
			newest->offset = o->offset;
			return;
		}
	}
	h->writer = writer;
	memcpy(h->replid, o->replid, sizeof(h->replid));
	if (h->n == LAG_SAMPLES)
		thin_out(h, o->at);
	h->samples[h->n].at = o->at;
	h->samples[h->n++].offset = o->offset;
}

/* Is that a replica with data of this lineage? */
static bool
is_comparable(const struct lag_history *h, const struct observation *o)
{
	return h->n > 0 && o->role == ROLE_REPLICA && o->replid[0] != '\0' &&
	       strcmp(h->replid, o->replid) == 0 &&
	       (o->replica_offset > 0 || o->link_up);
}

struct lag
lag_of(const struct lag_history *h, const struct observation *o)
{
	const struct lag_sample *s = h->samples;
	struct lag lag = {0, 0}, unknown = {-1, -1};
	int64_t asked = o->at - (o->duration_us + 999) / 1000;
	size_t i = h->n;

	if (!is_comparable(h, o))
		return unknown;
	if (o->replica_offset >= s[i - 1].offset)
		return lag;
	while (i > 0 && s[i - 1].at > asked)
		i--;
	if (i == 0)
		return unknown;
	if (s[i - 1].offset <= o->replica_offset)
		return lag;
	lag.bytes = s[i - 1].offset - o->replica_offset;
	while (i > 1 && s[i - 2].offset > o->replica_offset)
		i--;
	lag.ms = asked - s[i - 1].at;
	return lag;
}

/* Has it left the limits, or not yet come back to half of them? */
static bool
is_lagging(const struct lag_reader *r, const struct lag_limits *l)
{
	int64_t share = r->lagging ? 2 : 1;

	if (r->lag.ms < 0)
		return r->lagging && (l->ms > 0 || l->bytes > 0);
	return (l->ms > 0 && r->lag.ms > l->ms / share) ||
	       (l->bytes > 0 &&
		   (uint64_t)r->lag.bytes > l->bytes / (uint64_t)share);
}

/* How many times the limits it is behind; unknown is behind all that is known.
 */
static double
excess(const struct lag_reader *r, const struct lag_limits *l)
{
	double ms = 0, bytes = 0;

	if (r->lag.ms < 0)
		return DBL_MAX;
	if (l->ms > 0)
		ms = (double)r->lag.ms / (double)l->ms;
	if (l->bytes > 0)
		bytes = (double)r->lag.bytes / (double)l->bytes;
	return ms > bytes ? ms : bytes;
}

/* Let the least lagging of those that do not serve yet serve. Returns false if
 * there is none. */
static bool
add_reader(struct lag_reader *r, size_t n, const struct lag_limits *l)
{
	double best = 0, far;
	size_t i, at = n;

	for (i = 0; i < n; i++) {
		if (!r[i].fit || r[i].reads)
			continue;
		far = excess(&r[i], l) / (r[i].served ? 2 : 1);
		if (at == n || far < best) {
			best = far;
			at = i;
		}
	}
	if (at == n)
		return false;
	r[at].reads = true;
	return true;
}

void
lag_choose(struct lag_reader *r, size_t n, const struct lag_limits *l)
{
	unsigned readers = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		r[i].lagging = is_lagging(&r[i], l);
		r[i].reads = r[i].fit && !r[i].lagging;
		readers += r[i].reads;
	}
	while (readers < l->min_readers && add_reader(r, n, l))
		readers++;
}
