/*
 * The rules for Redis Cluster. That two primaries of one shard are never
 * written to is its own business: one that is replaced or cut off stops taking
 * writes by itself, and says cluster_state:fail. What is left to do here is not
 * to send anybody there.
 */
#include <string.h>

#include "health/cluster.h"

/* How well one server fits as the leader of another's shard. */
enum fit {
	FIT_NOT,
	FIT_DATA,    /* has the same data, no more is known */
	FIT_BEFORE,  /* led it so far, and has its data still */
	FIT_ADDRESS, /* is the primary where it gets its data */
	FIT_LOST,    /* is the primary of its data, and does not answer */
	FIT_LAST,    /* led it when it was last seen */
	FIT_HEIR,    /* continues its data */
	FIT_PRIMARY  /* is the primary of its data */
};

/* Are both known, and equal? */
static bool
same_id(const char *a, const char *b)
{
	return a[0] != '\0' && strcmp(a, b) == 0;
}

/* A primary that answers? */
static bool
is_live(const struct cluster_server *s)
{
	return s->member && s->up && s->role == ROLE_PRIMARY;
}

/* Does this replica follow the server there? */
static bool
follows(const struct cluster_server *s, const struct cluster_server *there)
{
	struct addr a;

	return s->role == ROLE_REPLICA &&
	       addr_parse_ip(s->primary_host, s->primary_port, &a) == 0 &&
	       addr_equal(&a, there->addr);
}

/* How well does server j fit as the leader of server i's shard? */
static enum fit
fit_of(const struct cluster_server *all, size_t i, size_t j)
{
	const struct cluster_server *s = &all[i], *l = &all[j];
	bool same = i == j || same_id(s->replid, l->replid);
	bool before = s->led_by == (int)j;

	if (!l->member)
		return FIT_NOT;
	if (is_live(l) && same)
		return FIT_PRIMARY;
	if (is_live(l) && same_id(s->replid, l->replid2))
		return FIT_HEIR;
	if (before && !s->up)
		return FIT_LAST;
	if (l->role == ROLE_PRIMARY && same)
		return FIT_LOST;
	if (l->role == ROLE_PRIMARY && follows(s, l))
		return FIT_ADDRESS;
	if (before && (same || same_id(s->replid, l->replid2)))
		return FIT_BEFORE;
	return same ? FIT_DATA : FIT_NOT;
}

/* Is it back as a primary, while the one that replaced it is there? It has not
 * been told yet, or is about to be. */
static bool
is_back(const struct cluster_server *all, const struct cluster_server *s)
{
	const struct cluster_server *now;

	if (!is_live(s) || s->led_by < 0)
		return false;
	now = &all[s->led_by];
	return now != s && is_live(now) && now->ok &&
	       (!s->ok || same_id(s->replid, now->replid2));
}

/* The server that fits best. */
static size_t
best_for(const struct cluster_server *all, size_t n, size_t i)
{
	enum fit fit, best = FIT_NOT;
	size_t j, leader = i;

	for (j = 0; j < n && best != FIT_PRIMARY; j++) {
		fit = fit_of(all, i, j);
		if (fit > best) {
			best = fit;
			leader = j;
		}
	}
	return leader;
}

int
cluster_leader(const struct cluster_server *all, size_t n, size_t i)
{
	size_t leader;

	if (!all[i].member || all[i].role == ROLE_UNKNOWN)
		return -1;
	if (is_back(all, &all[i]))
		return all[i].led_by;
	if (is_live(&all[i]))
		return (int)i;
	leader = best_for(all, n, i);
	/* Who led it once may follow another by now. */
	if (leader != i && all[leader].role == ROLE_REPLICA)
		leader = best_for(all, n, leader);
	return (int)leader;
}

enum cluster_use
cluster_use(const struct cluster_server *s, bool leads)
{
	if (s->role == ROLE_UNKNOWN)
		return CLUSTER_UNKNOWN;
	if (!s->member)
		return CLUSTER_STRANGER;
	if (s->role == ROLE_REPLICA)
		return CLUSTER_REPLICA;
	if (s->maintenance || s->refuses || (!s->up && !leads))
		return CLUSTER_FENCED;
	if (!s->up || !leads || s->loading || !s->ok)
		return CLUSTER_WAITS;
	return CLUSTER_WRITES;
}

bool
cluster_is_primary(enum cluster_use use)
{
	return use == CLUSTER_WRITES || use == CLUSTER_WAITS;
}
