/*
 * A walk over all sessions. A worker copies what is to be told of its own, some
 * hundred bytes each, or closes what is to be closed, and goes on relaying.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/census.h"
#include "proxy/session.h"
#include "proxy/worker.h"

#define LIST_MAX 65536 /* sessions of one worker that are listed */

/* What one worker has found. */
struct part {
	struct session_view *list;
	size_t n, room;
	bool cut;
};

struct census {
	struct census *next; /* in shared.walks */
	struct census_order order;
	_Atomic unsigned pending; /* workers that are not through */
	_Atomic bool found;
	struct part parts[CONF_WORKERS_MAX];
};

void
census_begin(struct shared *shared, const struct census_order *o)
{
	struct census *c = xcalloc(1, sizeof(*c));
	struct order order = {.kind = ORDER_WALK, .census = c};
	unsigned i;

	c->order = *o;
	c->pending = shared->nworkers;
	c->next = shared->walks;
	shared->walks = c;
	for (i = 0; i < shared->nworkers; i++) {
		if (worker_order(shared->workers[i], &order) != 0)
			fatal("out of memory");
	}
}

/* Hand the result over. */
static void
finish(struct census *c, unsigned nworkers)
{
	struct part all = {NULL, 0, 0, false};
	unsigned i;
	size_t j;

	for (i = 0; i < nworkers; i++)
		all.room += c->parts[i].n;
	all.list = xcalloc(all.room + 1, sizeof(*all.list));
	for (i = 0; i < nworkers; i++) {
		for (j = 0; j < c->parts[i].n; j++)
			all.list[all.n++] = c->parts[i].list[j];
		all.cut |= c->parts[i].cut;
		free(c->parts[i].list);
	}
	if (c->order.listed != NULL)
		c->order.listed(all.list, all.n, all.cut, c->order.arg);
	if (c->order.closed != NULL)
		c->order.closed(c->found, c->order.arg);
	free(all.list);
	free(c);
}

void
census_collect(struct shared *shared)
{
	struct census **at = &shared->walks, *c;

	/* A callback may begin another one, which comes first. */
	while ((c = *at) != NULL) {
		if (atomic_load_explicit(&c->pending, memory_order_acquire) >
		    0) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		finish(c, shared->nworkers);
		at = &shared->walks;
	}
}

void
census_abandon(struct shared *shared)
{
	struct census *c;

	while ((c = shared->walks) != NULL) {
		shared->walks = c->next;
		finish(c, shared->nworkers);
	}
}

/* The words of others for a session's state. */
static enum view_state
view_of(const struct session *s)
{
	switch (s->state) {
	case STATE_WAITING:
		return VIEW_WAITING;
	case STATE_HELD:
		return VIEW_HELD;
	case STATE_CONNECTING:
		return VIEW_CONNECTING;
	case STATE_RELAYING:
		return VIEW_RELAYING;
	default:
		return VIEW_ENDING;
	}
}

/* Add one session to a list. */
static void
note(struct part *p, const struct session *s, int64_t now)
{
	struct session_view *list;

	if (p->n == p->room && p->n < LIST_MAX) {
		list =
		    realloc(p->list, (p->room * 2 + 64) * sizeof(p->list[0]));
		if (list != NULL) {
			p->list = list;
			p->room = p->room * 2 + 64;
		}
	}
	if (p->n == p->room || p->n == LIST_MAX) {
		p->cut = true;
		return;
	}
	p->list[p->n++] = (struct session_view){
	    .id = (uint64_t)(uintptr_t)s,
	    .ip = s->ip,
	    .port = s->port,
	    .frontend_id = s->fe->id,
	    .server_id =
		s->state == STATE_CONNECTING || s->state == STATE_RELAYING
		    ? s->server_id
		    : -1,
	    .client_fd = s->relay.client.fd,
	    .server_fd = s->relay.server.fd,
	    .state = view_of(s),
	    .age = now - s->opened,
	    .idle = now - ((int64_t)s->relay.active << RELAY_TICK),
	    .bytes_in = s->relay.bytes_in,
	    .bytes_out = s->relay.bytes_out,
	};
}

/* Do with the sessions of one list what was ordered. */
static void
walk_list(struct worker *w, struct census *c, struct session_list *list)
{
	int64_t now = clock_ms();
	struct session *s, *next;

	for (s = TAILQ_FIRST(list); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (c->order.listed != NULL)
			note(&c->parts[w->index], s, now);
		else if (c->order.id == 0 ||
			 c->order.id == (uint64_t)(uintptr_t)s) {
			atomic_store(&c->found, true);
			session_close(s, SESSION_KILLED);
		}
	}
}

/* All sessions of a worker. */
static void
walk_all(struct worker *w, struct census *c)
{
	size_t i;

	walk_list(w, c, &w->waiting);
	walk_list(w, c, &w->replying);
	for (i = 0; i < CONF_FRONTENDS_MAX; i++)
		walk_list(w, c, &w->held[i]);
	for (i = 0; i < CONF_SERVERS_MAX; i++)
		walk_list(w, c, &w->on_server[i]);
}

void
census_walk(struct worker *w, struct census *c)
{
	uint64_t one = 1;

	if (c->order.server_id >= 0)
		walk_list(w, c, &w->on_server[c->order.server_id]);
	else
		walk_all(w, c);
	if (atomic_fetch_sub_explicit(&c->pending, 1, memory_order_acq_rel) ==
	    1)
		(void)!write(w->shared->control_fd, &one, sizeof(one));
}
