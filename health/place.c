/*
 * The hosts that a check goes to besides its server.
 */
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/resolve.h"
#include "health/place.h"

struct place {
	TAILQ_ENTRY(place) link;
	struct places *all; /* (its owner) */
	char *host;
	bool literal;                 /* an address, never looked up */
	struct addr addr;             /* family 0: not found */
	struct resolution *resolving; /* NULL: not now */
	int64_t answered_at;          /* clock_ms() of the last answer */
};

struct places {
	struct resolver *resolver; /* (borrowed from the check) */
	place_cb changed;
	void *arg;
	TAILQ_HEAD(, place) list;
};

static void place_found_cb(const struct addr *, const char *, void *);

struct places *
places_new(struct resolver *r, place_cb changed, void *arg)
{
	struct places *p = xcalloc(1, sizeof(*p));

	p->resolver = r;
	p->changed = changed;
	p->arg = arg;
	TAILQ_INIT(&p->list);
	return p;
}

void
places_free(struct places *p)
{
	struct place *e;

	while ((e = TAILQ_FIRST(&p->list)) != NULL) {
		TAILQ_REMOVE(&p->list, e, link);
		if (e->resolving != NULL)
			resolve_cancel(e->resolving);
		free(e->host);
		free(e);
	}
	free(p);
}

/* The one of that name, NULL if there is none. */
static struct place *
find(const struct places *p, const char *host)
{
	struct place *e;

	TAILQ_FOREACH (e, &p->list, link) {
		if (strcmp(e->host, host) == 0)
			return e;
	}
	return NULL;
}

void
places_add(struct places *p, const char *host)
{
	struct place *e;

	if (host == NULL || find(p, host) != NULL)
		return;
	e = xcalloc(1, sizeof(*e));
	e->all = p;
	e->host = xstrdup(host);
	e->literal = addr_parse_ip(host, 0, &e->addr) == 0;
	if (!e->literal)
		memset(&e->addr, 0, sizeof(e->addr));
	TAILQ_INSERT_TAIL(&p->list, e, link);
}

void
places_inherit(struct places *p, const struct places *old)
{
	const struct place *known;
	struct place *e;

	TAILQ_FOREACH (e, &p->list, link) {
		known = find(old, e->host);
		if (known != NULL && !e->literal) {
			e->addr = known->addr;
			e->answered_at = known->answered_at;
		}
	}
}

void
places_resolve(struct places *p)
{
	struct place *e;

	TAILQ_FOREACH (e, &p->list, link) {
		if (!e->literal && e->resolving == NULL)
			e->resolving = resolve_start(p->resolver, e->host, 0,
			    &e->addr, place_found_cb, e);
	}
}

/* It has an address, or has none. */
static void
place_found_cb(const struct addr *addr, const char *error, void *arg)
{
	struct place *e = arg;
	struct places *p = e->all;

	e->resolving = NULL;
	if (addr != NULL) {
		e->answered_at = clock_ms();
		if (addr_equal(addr, &e->addr))
			return;
		e->addr = *addr;
		p->changed(e->host, NULL, p->arg);
	} else if (e->addr.family == 0) {
		p->changed(e->host, error, p->arg);
	}
}

bool
places_stale(const struct places *p, int64_t since)
{
	const struct place *e;

	TAILQ_FOREACH (e, &p->list, link) {
		if (!e->literal && e->answered_at < since)
			return true;
	}
	return false;
}

const struct addr *
places_find(const struct places *p, const char *host)
{
	const struct place *e = find(p, host);

	return e == NULL || e->addr.family == 0 ? NULL : &e->addr;
}

const char *
places_missing(const struct places *p)
{
	const struct place *e;

	TAILQ_FOREACH (e, &p->list, link) {
		if (e->addr.family == 0)
			return e->host;
	}
	return NULL;
}
