/*
 * Discovery. A server that is listed under one address and announced under
 * another is recognised by its run id where the Sentinels tell it; else the
 * announced one is added, found to be the same process, and dropped again.
 */
#include <string.h>

#include "base/clock.h"
#include "health/check.h"
#include "health/discover.h"
#include "health/sentinels.h"
#include "health/watch.h"

#define GONE_MS  60000  /* DOWN, and named by nobody, for so long */
#define ALIAS_MS 600000 /* an address of a listed server is left alone */

/* What is found in one round. */
struct round {
	struct members *m;
	struct group *g;
	struct discovery *out;
	size_t n, max;
	int64_t now;
};

/* Is the place one that turned out to be a listed server? */
static bool
is_alias(const struct round *r, const struct place *place)
{
	const struct watch *w = &r->g->watch;
	size_t i;

	for (i = 0; i < WATCH_ALIASES; i++) {
		if (place_equal(&w->aliases[i].place, place) &&
		    r->now - w->aliases[i].at < ALIAS_MS)
			return true;
	}
	return false;
}

/* Somebody names a server there. */
static void
named(struct round *r, const struct place *place, const char *by)
{
	struct discovery *d;
	int id;
	size_t i;

	if (place->port == 0)
		return;
	id = watch_map(r->m, r->g, place);
	if (id >= 0) {
		r->m->list[id]->named_at = r->now;
		return;
	}
	for (i = 0; i < r->n; i++) {
		if (place_equal(&r->out[i].place, place))
			return;
	}
	if (r->n == r->max || is_alias(r, place))
		return;
	d = &r->out[r->n++];
	memset(d, 0, sizeof(*d));
	d->cb = r->g->cb;
	d->place = *place;
	d->by = by;
}

/* What the Sentinels name. */
static void
ask_sentinels(struct round *r)
{
	const struct sentinel_view *v;
	struct sentinels_one one;
	size_t i, j;

	for (i = 0; sentinels_get(r->g->watch.sentinels, i, &one); i++) {
		v = one.sentinel == NULL ? NULL : sentinel_view(one.sentinel);
		if (v == NULL || !v->knows || v->at == 0)
			continue;
		named(r, &v->primary, "the Sentinels name it");
		for (j = 0; j < v->nreplicas; j++)
			named(
			    r, &v->replicas[j].place, "the Sentinels name it");
	}
}

/* What a server names: its primary, or its replicas. */
static void
ask_server(struct round *r, const struct observation *o)
{
	struct place place;
	size_t i;

	if (o->role == ROLE_REPLICA && o->primary_port != 0 &&
	    place_set(&place, o->primary_host, o->primary_port) == 0)
		named(r, &place, "a replica follows it");
	for (i = 0; i < o->nlist; i++) {
		if (place_set(&place, o->list[i].host, o->list[i].port) == 0)
			named(r, &place, "it follows a primary");
	}
}

/* Is it, under this address, a server that a line lists? */
static bool
is_second_name(const struct round *r, const struct member *mb)
{
	const char *run_id = check_state(mb->check)->known.run_id;
	size_t i;

	for (i = 0; i < r->m->n && run_id[0] != '\0'; i++) {
		const struct member *o = r->m->list[i];

		if (o != NULL && o != mb && o->group == r->g && o->cs != NULL &&
		    !o->cs->discovered &&
		    check_state(o->check)->health == HEALTH_UP &&
		    strcmp(check_state(o->check)->known.run_id, run_id) == 0)
			return true;
	}
	return false;
}

/* Remember that this place needs no entry of its own. */
static void
note_alias(struct round *r, const struct member *mb)
{
	struct watch *w = &r->g->watch;
	size_t i = w->naliases++ % WATCH_ALIASES;

	place_set(&w->aliases[i].place, mb->cs->host, mb->cs->port);
	w->aliases[i].at = r->now;
}

/* Drop what is gone for good, or was there already. */
static void
drop(struct round *r, struct member *mb)
{
	const struct server_state *s = check_state(mb->check);
	bool alias = is_second_name(r, mb);
	struct discovery *d;

	if (!alias &&
	    (s->health != HEALTH_DOWN || r->now - s->health_since < GONE_MS ||
		r->now - mb->named_at < GONE_MS))
		return;
	if (r->n == r->max)
		return;
	if (alias)
		note_alias(r, mb);
	d = &r->out[r->n++];
	memset(d, 0, sizeof(*d));
	d->cb = r->g->cb;
	d->gone = mb->cs;
	d->by = alias ? "it is a listed server under another address"
		      : "it is down and nobody names it";
}

size_t
discover(struct members *m, struct group *g, struct discovery *out, size_t max)
{
	struct round r = {.m = m, .g = g, .out = out, .now = clock_ms()};
	size_t i, discovered = 0;

	if (g->cb == NULL || !g->redis || !g->cb->discover)
		return 0;
	for (i = 0; i < g->cb->nservers; i++)
		discovered += g->cb->servers[i].discovered;
	if (max > DISCOVERED_MAX)
		max = DISCOVERED_MAX;
	r.max = discovered >= max ? 0 : max - discovered;
	ask_sentinels(&r);
	for (i = 0; i < m->n; i++) {
		const struct member *mb = m->list[i];

		if (mb != NULL && mb->group == g && mb->cs != NULL &&
		    check_state(mb->check)->health == HEALTH_UP)
			ask_server(&r, &check_state(mb->check)->known);
	}
	r.max = max;
	for (i = 0; i < m->n; i++) {
		struct member *mb = m->list[i];

		if (mb != NULL && mb->group == g && mb->cs != NULL &&
		    mb->cs->discovered)
			drop(&r, mb);
	}
	return r.n;
}
