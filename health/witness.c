/*
 * The witness. What the Sentinels say is counted less the time in which the
 * writer left our own PING unanswered: who answers nobody is blocked, and
 * acknowledges nothing.
 */
#include "health/witness.h"

#define KEEP_UP_MS  1000  /* a replica that kept up so lately speaks for it */
#define PROVISO_MS  10000 /* a provisional writer needs no witness so long */
#define STANDSTILLS 2     /* checks, for fence-fast */

/* The Sentinels that count: those that have heard the writer in the last so
 * many ms, and the others. */
static void
count(const struct witness_news *n, int64_t ms, unsigned *hear, unsigned *deaf)
{
	const struct witness_vote *v;
	size_t i;

	*hear = *deaf = 0;
	for (i = 0; i < n->nvotes; i++) {
		v = &n->votes[i];
		if (!v->counts)
			continue;
		if (n->now - v->pong_at - v->blocked > ms)
			++*deaf;
		else
			++*hear;
	}
}

/* Sentinels that have heard the writer after that moment. */
static unsigned
heard_after(const struct witness_news *n, int64_t at)
{
	unsigned heard = 0;
	size_t i;

	for (i = 0; i < n->nvotes; i++)
		heard += n->votes[i].counts && n->votes[i].pong_at > at;
	return heard;
}

/* W6 for fence = auto: why it has no witness, if so. */
static enum witness_reason
judge(const struct witness *w, const struct witness_rules *r,
    const struct witness_news *n)
{
	unsigned majority = n->known / 2 + 1, hear, deaf;

	if (!w->had_replica)
		return WITNESS_FINE;
	if (n->known == 0)
		return WITNESS_FINE;
	if (r->fast && n->standstill >= STANDSTILLS)
		return WITNESS_OFFSET;
	count(n, r->fence_after, &hear, &deaf);
	if (deaf >= majority)
		return n->now - n->kept_up <= KEEP_UP_MS ? WITNESS_FINE
							 : WITNESS_SENTINELS;
	if (hear > n->known - majority || n->greet >= majority)
		return WITNESS_FINE;
	/* Neither a majority nor its opposite can be asked. */
	if (n->unseen && n->now - n->followed - n->blocked > r->fence_after)
		return WITNESS_REPLICAS;
	return WITNESS_FINE;
}

/* For fence = strict: a majority must have heard it of late, whatever the
 * replicas do and whether or not it can be asked now. A new writer, whom those
 * that name it have yet to connect to, has fence-after. */
static enum witness_reason
judge_strictly(const struct witness *w, const struct witness_rules *r,
    const struct witness_news *n)
{
	unsigned majority = n->known / 2 + 1, hear = 0, deaf, asked;
	const struct witness_vote *v;
	size_t i;

	for (i = 0; i < n->nvotes; i++) {
		v = &n->votes[i];
		hear += v->pong_at != 0 &&
			n->now - v->pong_at - v->blocked <= r->fence_after;
	}
	count(n, r->fence_after, &asked, &deaf);
	if (hear >= majority)
		return WITNESS_FINE;
	/* Even if all the others did hear it, they would be too few. */
	if (deaf + majority > n->known)
		return WITNESS_MAJORITY;
	return n->now - w->start <= r->fence_after ? WITNESS_FINE
						   : WITNESS_MAJORITY;
}

/* Is it witnessed again, by what was seen after it was fenced? */
static bool
is_back(const struct witness *w, const struct witness_rules *r,
    const struct witness_news *n)
{
	if (heard_after(n, w->since) > n->known / 2)
		return true;
	if (r->fence == FENCE_STRICT)
		return false;
	if (w->reason == WITNESS_REPLICAS && n->followed > w->since)
		return true;
	/* Its replicas caught up, and the Sentinels do not say otherwise. */
	return n->kept_up > w->since && (w->reason != WITNESS_SENTINELS ||
					    judge(w, r, n) == WITNESS_FINE);
}

void
witness_reset(struct witness *w, bool provisional, int64_t now)
{
	struct witness fresh = {.start = now, .provisional = provisional};

	*w = fresh;
}

/* From one reason to another. */
static void
set(struct witness *w, enum witness_reason reason, int64_t now)
{
	w->reason = reason;
	w->since = now;
}

void
witness_update(struct witness *w, const struct witness_rules *r,
    const struct witness_news *n)
{
	enum witness_reason reason;

	count(n, r->fence_after, &w->hear, &w->deaf);
	w->known = n->known;
	if (n->followed > w->start)
		w->had_replica = true;
	if (r->fence == FENCE_OFF) {
		w->reason = WITNESS_FINE;
		return;
	}
	if (w->reason != WITNESS_FINE) {
		if (is_back(w, r, n))
			set(w, WITNESS_FINE, n->now);
		return;
	}
	if (w->provisional && n->now - w->start <= PROVISO_MS)
		return;
	reason =
	    r->fence == FENCE_STRICT ? judge_strictly(w, r, n) : judge(w, r, n);
	if (reason != WITNESS_FINE)
		set(w, reason, n->now);
}

bool
witness_worried(const struct witness *w, const struct witness_rules *r,
    const struct witness_news *n)
{
	unsigned hear, deaf;

	if (r->fence == FENCE_OFF || n->known == 0)
		return false;
	count(n, r->fence_after * 2 / 3, &hear, &deaf);
	return w->reason != WITNESS_FINE || hear <= n->known / 2;
}

const char *
witness_reason_str(enum witness_reason reason)
{
	switch (reason) {
	case WITNESS_SENTINELS:
		return "a majority of the Sentinels does not hear it";
	case WITNESS_REPLICAS:
		return "the Sentinels cannot tell, and no replica follows it";
	case WITNESS_OFFSET:
		return "it takes writes, and no replica moves";
	case WITNESS_MAJORITY:
		return "no majority of the Sentinels hears it (fence = strict)";
	default:
		return "witnessed";
	}
}
