/*
 * Publishing. A snapshot is made of the pictures that were just taken, and only
 * if one of them is news to the workers.
 */
#include <sys/queue.h>

#include <stdlib.h>

#include "base/log.h"
#include "health/group.h"
#include "health/publisher.h"
#include "health/readers.h"

/* A snapshot that some worker may still use. */
struct published {
	TAILQ_ENTRY(published) link;
	struct snapshot *snapshot;
};

TAILQ_HEAD(published_list, published);

struct publisher {
	struct members *m; /* (borrowed from the monitor) */
	void (*publish)(const struct snapshot *, void *arg);
	void *arg;
	const struct conf *conf; /* (borrowed from main) */
	struct published_list list;
};

struct publisher *
publisher_new(struct members *m,
    void (*publish)(const struct snapshot *, void *arg), void *arg)
{
	struct publisher *p = xcalloc(1, sizeof(*p));

	p->m = m;
	p->publish = publish;
	p->arg = arg;
	TAILQ_INIT(&p->list);
	return p;
}

void
publisher_free(struct publisher *p)
{
	publisher_sweep(p, UINT64_MAX);
	free(p);
}

void
publisher_sweep(struct publisher *p, uint64_t seen)
{
	struct published *old;

	while ((old = TAILQ_FIRST(&p->list)) != NULL &&
	       old->snapshot->generation < seen) {
		TAILQ_REMOVE(&p->list, old, link);
		free(old->snapshot);
		free(old);
	}
}

/* The newest published picture of a member; NULL if it is not in it. */
static const struct snapshot_server *
last_picture(const struct publisher *p, int id)
{
	const struct published *last = TAILQ_LAST(&p->list, published_list);

	if (last == NULL || (size_t)id >= last->snapshot->nservers ||
	    !last->snapshot->servers[id].used)
		return NULL;
	return &last->snapshot->servers[id];
}

const struct conf_frontend *
publisher_branch(const struct publisher *p, const struct conf_frontend *fe)
{
	const struct published *last = TAILQ_LAST(&p->list, published_list);

	return last == NULL ? fe : snapshot_branch(last->snapshot, fe);
}

/* Bring what the workers are to know of all members up to date. */
static void
take_pictures(struct members *m)
{
	struct group *g;
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (m->list[i] != NULL)
			group_picture(m, m->list[i]);
	}
	TAILQ_FOREACH (g, &m->groups, link)
		readers_update(m, g);
}

/* Make a snapshot of the pictures and hand it to the workers. */
static void
publish(struct publisher *p)
{
	struct members *m = p->m;
	struct published *new = xcalloc(1, sizeof(*new));
	struct snapshot *s =
	    xcalloc(1, sizeof(*s) + m->n * sizeof(s->servers[0]));
	size_t i;

	s->generation = ++m->generation;
	s->conf = p->conf;
	s->nservers = m->n;
	for (i = 0; i < m->n; i++) {
		if (m->list[i] != NULL)
			s->servers[i] = m->list[i]->now;
	}
	new->snapshot = s;
	TAILQ_INSERT_TAIL(&p->list, new, link);
	p->publish(s, p->arg);
}

void
publisher_all(struct publisher *p, const struct conf *conf)
{
	p->conf = conf;
	take_pictures(p->m);
	publish(p);
}

void
publisher_changes(struct publisher *p)
{
	const struct snapshot_server *was;
	bool news = false;
	size_t i;

	take_pictures(p->m);
	for (i = 0; i < p->m->n && !news; i++) {
		if (p->m->list[i] == NULL)
			continue;
		was = last_picture(p, (int)i);
		news =
		    was == NULL || snapshot_is_news(&p->m->list[i]->now, was);
	}
	if (news)
		publish(p);
}
