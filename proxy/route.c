/*
 * From a frontend's route to one server: the lowest rank that is there, not
 * full, then balanced.
 */
#include <stdio.h>
#include <string.h>

#include "proxy/route.h"

/* Servers about as near as the nearest are equally near. */
#define NEAR_SLACK_US 200

/* Clients on their way to one server, over all workers. The kernel connects
 * them faster than Redis accepts, and its queue has 511 places. */
#define CONNECTS_MAX 256

#define PAUSE_MS 1000 /* before the same server is tried again */

/* Can it take one more, from this worker? */
static bool
has_room(const struct worker *w, const struct conf_server *cs)
{
	uint32_t most = CONNECTS_MAX / w->shared->nworkers;
	uint32_t max = w->snapshot->servers[cs->id].maxconn;

	if (w->connecting[cs->id] + w->paced[cs->id] >= most)
		return false;
	return max == 0 ||
	       atomic_load(&w->shared->server_sessions[cs->id]) < max;
}

/* Keep only the nearest of n candidates; returns how many are left. */
static size_t
keep_nearest(const struct worker *w, struct balance_candidate *c, size_t n)
{
	const struct snapshot_server *s = w->snapshot->servers;
	uint32_t best = UINT32_MAX;
	size_t i, kept = 0;

	for (i = 0; i < n; i++) {
		if (s[c[i].id].latency_us < best)
			best = s[c[i].id].latency_us;
	}
	for (i = 0; i < n; i++) {
		if (s[c[i].id].latency_us <= best + best / 2 + NEAR_SLACK_US)
			c[kept++] = c[i];
	}
	return kept;
}

int
route_pick(struct worker *w, const struct conf_frontend *fe,
    const struct in6_addr *client, int except)
{
	const struct conf_backend *cb = fe->backend;
	struct balance_candidate c[CONF_SERVERS_MAX];
	unsigned best = UINT32_MAX, rank;
	bool full = false, backup = false;
	size_t n = 0, i;

	for (i = 0; i < cb->nservers; i++) {
		const struct conf_server *cs = &cb->servers[i];

		rank = snapshot_rank(w->snapshot, fe, cs);
		if (rank == 0 || rank > best)
			continue;
		/* HAProxy's way: the first one is the backup. */
		if (cs->backup && !cb->all_backups && backup)
			continue;
		backup |= cs->backup && cs->id != except;
		if (!has_room(w, cs)) {
			full = true;
			continue;
		}
		if (cs->id == except)
			continue;
		if (rank < best)
			n = 0;
		best = rank;
		c[n].id = cs->id;
		c[n].weight = w->snapshot->servers[cs->id].weight;
		c[n].load = atomic_load_explicit(
		    &w->shared->server_sessions[cs->id], memory_order_relaxed);
		c[n++].name = balance_hash(cs->name, strlen(cs->name));
	}
	if (n == 0)
		return full ? ROUTE_FULL : ROUTE_NONE;
	if (fe->route == ROUTE_LOWEST_LATENCY)
		n = keep_nearest(w, c, n);
	return c[balance_pick(fe->balance, &w->balance[fe->id], c, n, client)]
	    .id;
}

int
route_state(const struct worker *w, const struct conf_frontend *fe)
{
	const struct conf_backend *cb = fe->backend;
	int state = ROUTE_NONE;
	size_t i;

	for (i = 0; i < cb->nservers; i++) {
		if (snapshot_rank(w->snapshot, fe, &cb->servers[i]) == 0)
			continue;
		if (has_room(w, &cb->servers[i]))
			return ROUTE_FITS;
		state = ROUTE_FULL;
	}
	return state;
}

bool
route_queue_full(const struct worker *w, const struct conf_frontend *fe)
{
	const struct conf_backend *cb = fe->backend;
	uint64_t most = 0;
	size_t i;

	for (i = 0; i < cb->nservers; i++) {
		if (snapshot_rank(w->snapshot, fe, &cb->servers[i]) == 0)
			continue;
		if (cb->servers[i].maxqueue == 0)
			return false;
		most += cb->servers[i].maxqueue;
	}
	return most > 0 &&
	       atomic_load(&w->shared->frontend_held[fe->id]) >= most;
}

int64_t
route_pause(const struct conf_frontend *fe)
{
	int64_t limit = fe->backend->connect_timeout;

	return limit < PAUSE_MS ? limit : PAUSE_MS;
}

bool
route_reserve(struct worker *w, int id)
{
	uint32_t before = atomic_fetch_add(&w->shared->server_sessions[id], 1);
	uint32_t max = w->snapshot->servers[id].maxconn;

	if (max == 0 || before < max)
		return true;
	atomic_fetch_sub(&w->shared->server_sessions[id], 1);
	return false;
}

/* What the route wants. */
static const char *
wanted(const struct conf_frontend *fe)
{
	if (fe->backend->check != CHECK_REDIS)
		return "server";
	switch (fe->route) {
	case ROUTE_PRIMARY:
		return "primary";
	case ROUTE_REPLICA:
	case ROUTE_ANY_REPLICA:
		return "replica";
	default:
		return "server";
	}
}

void
route_explain(const struct worker *w, const struct conf_frontend *fe, char *buf,
    size_t size)
{
	const struct conf_backend *cb = fe->backend;
	const struct snapshot *s = w->snapshot;
	size_t i, down = 0;
	bool full = false;

	for (i = 0; i < cb->nservers; i++) {
		int id = cb->servers[i].id;

		if ((size_t)id >= s->nservers || !s->servers[id].up)
			down++;
		else if (snapshot_rank(s, fe, &cb->servers[i]) != 0)
			full = true;
	}
	if (full)
		snprintf(buf, size, "no place on a %s of backend %s",
		    wanted(fe), cb->name);
	else
		snprintf(buf, size,
		    "no %s for backend %s, %zu of %zu servers down", wanted(fe),
		    cb->name, down, cb->nservers);
}
