/*
 * The verdict of the Sentinels. What a majority answers directly stands, unless
 * a newer one has just been taken on the word of the named server itself: for a
 * second or two the others have not heard of it.
 */
#include "health/verdict.h"

#define SETTLE_MS 15000 /* so long a newer verdict waits for its majority */

/* How many answer just that. */
static unsigned
count_asked(const struct verdict_source *s, size_t n, int named, int64_t epoch)
{
	unsigned count = 0;
	size_t i;

	for (i = 0; i < n; i++)
		count +=
		    s[i].asked && s[i].named == named && s[i].epoch == epoch;
	return count;
}

/* How many say just that in their hellos. */
static unsigned
count_heard(const struct verdict_source *s, size_t n, int named, int64_t epoch)
{
	unsigned count = 0;
	size_t i;

	for (i = 0; i < n; i++)
		count += s[i].heard && s[i].hello_named == named &&
			 s[i].hello_epoch == epoch;
	return count;
}

/* How many can be asked, and how many are heard. */
static void
count_reached(
    const struct verdict_source *s, size_t n, unsigned *asked, unsigned *heard)
{
	size_t i;

	*asked = *heard = 0;
	for (i = 0; i < n; i++) {
		*asked += s[i].asked;
		*heard += s[i].heard;
	}
}

/* Let that stand. */
static void
accept(struct verdict *v, int named, int64_t epoch, int64_t now)
{
	v->named = named;
	v->epoch = epoch;
	v->backed_at = now;
}

/* What everybody says, to be judged. */
struct poll {
	const struct verdict_source *sources;
	size_t nsources;
	unsigned majority, asked, heard;
	const bool *trusted;
	size_t n;
	int64_t now;
};

/* Is the named server's own word enough? Not for what was overruled. */
static bool
is_trusted(
    const struct verdict *v, const struct poll *p, int named, int64_t epoch)
{
	return epoch > v->overruled && named >= 0 && (size_t)named < p->n &&
	       p->trusted[named];
}

/* One source's word: let it stand if there is enough behind it. */
static void
judge(struct verdict *v, const struct poll *p, int named, int64_t epoch)
{
	unsigned asked = count_asked(p->sources, p->nsources, named, epoch);
	bool backed = asked >= p->majority;

	if (named == v->named && epoch == v->epoch) {
		if (backed)
			v->backed_at = p->now;
		return;
	}
	/* Nobody can be asked: what a majority publishes must do. */
	if (p->asked == 0 &&
	    count_heard(p->sources, p->nsources, named, epoch) >= p->majority)
		backed = true;
	if (epoch > v->epoch) {
		if (backed || is_trusted(v, p, named, epoch))
			accept(v, named, epoch, p->now);
	} else if (backed &&
		   (epoch == v->epoch || p->now - v->backed_at > SETTLE_MS)) {
		/* Their configuration was made anew, or one has lied. */
		if (epoch < v->epoch)
			v->overruled = v->epoch;
		accept(v, named, epoch, p->now);
	}
}

/* Does someone still say a newer one? */
static bool
is_hinted(const struct verdict *v, const struct verdict_source *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if ((s[i].asked && s[i].epoch > v->epoch) ||
		    (s[i].heard && s[i].hello_epoch > v->epoch))
			return true;
	}
	return false;
}

void
verdict_update(struct verdict *v, const struct verdict_source *sources,
    size_t nsources, unsigned known, const bool *trusted, size_t n, int64_t now)
{
	struct poll p = {.sources = sources,
	    .nsources = nsources,
	    .majority = known / 2 + 1,
	    .trusted = trusted,
	    .n = n,
	    .now = now};
	size_t i;

	count_reached(sources, nsources, &p.asked, &p.heard);
	for (i = 0; i < nsources; i++) {
		if (sources[i].asked)
			judge(v, &p, sources[i].named, sources[i].epoch);
		if (sources[i].heard)
			judge(v, &p, sources[i].hello_named,
			    sources[i].hello_epoch);
	}
	v->hint = is_hinted(v, sources, nsources);
	v->known = known;
	v->agree = v->epoch < 0
		       ? 0
		       : count_asked(sources, nsources, v->named, v->epoch);
	v->fresh =
	    v->epoch >= 0 && known > 0 &&
	    (p.asked >= p.majority || (p.asked == 0 && p.heard >= p.majority));
	if (v->epoch >= 0 && v->named >= 0)
		v->mapped = true;
}
