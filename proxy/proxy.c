/*
 * All workers together. The control thread's side of them: it owns the table of
 * listeners, and gives orders.
 */
#include <sys/eventfd.h>
#include <sys/queue.h>

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "proxy/census.h"
#include "proxy/frontend.h"
#include "proxy/loop.h"
#include "proxy/proxy.h"
#include "proxy/session.h"
#include "proxy/worker.h"

#define ID_NAME_MAX 160 /* room for two names */

/* What the control thread knows of one listening socket. */
struct opened {
	TAILQ_ENTRY(opened) link;
	struct addr addr;
	struct listener *listener; /* (its worker's once it was ordered) */
	int frontend_id;           /* -1 not in use yet */
	const struct conf_frontend *next; /* of the new conf; NULL none */
	bool fresh;                       /* opened, not yet in use */
};

struct proxy {
	struct shared shared;
	struct event *seen_event;
	proxy_seen_cb seen;
	void *arg;
	TAILQ_HEAD(, opened) opened;
	char *names[CONF_FRONTENDS_MAX];      /* frontend ids by name */
	char *next_names[CONF_FRONTENDS_MAX]; /* new ones, not in use yet */
	enum frontend_state states[CONF_FRONTENDS_MAX];
	unsigned maxconns[CONF_FRONTENDS_MAX]; /* as the last load has them */
	bool reopen;   /* the next load opens what was stopped */
	unsigned turn; /* next worker to own a listener */
	bool started;
	/* What the counters were when they were cleared. */
	struct counter_sums server_base[CONF_SERVERS_MAX];
	struct counter_sums frontend_base[CONF_FRONTENDS_MAX];
};

/* A worker has seen something. */
static void
proxy_seen_event_cb(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *p = arg;
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	census_collect(&p->shared);
	p->seen(p->arg);
}

struct proxy *
proxy_new(struct event_base *control, unsigned n, proxy_seen_cb seen, void *arg)
{
	struct proxy *p = xcalloc(1, sizeof(*p));
	unsigned i;

	TAILQ_INIT(&p->opened);
	p->seen = seen;
	p->arg = arg;
	p->shared.maxconn = -1;
	for (i = 0; i < CONF_FRONTENDS_MAX; i++)
		p->shared.frontend_maxconn[i] = -1;
	p->shared.control_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->seen_event = event_new(control, p->shared.control_fd,
	    EV_READ | EV_PERSIST, proxy_seen_event_cb, p);
	if (p->shared.control_fd < 0 || p->seen_event == NULL)
		fatal("cannot make an event: %s", strerror(errno));
	event_add(p->seen_event, NULL);
	for (i = 0; i < n; i++)
		p->shared.workers[i] = worker_new(&p->shared, i);
	p->shared.nworkers = n;
	return p;
}

/* The listening socket at that address; NULL none. */
static struct opened *
opened_find(struct proxy *p, const struct addr *a)
{
	struct opened *o;

	TAILQ_FOREACH (o, &p->opened, link) {
		if (addr_equal(&o->addr, a))
			return o;
	}
	return NULL;
}

/* Forget sockets that were opened for a load that is not taken into use. */
static void
close_fresh(struct proxy *p)
{
	struct opened *o, *next;

	for (o = TAILQ_FIRST(&p->opened); o != NULL; o = next) {
		next = TAILQ_NEXT(o, link);
		if (!o->fresh)
			continue;
		TAILQ_REMOVE(&p->opened, o, link);
		close(o->listener->fd);
		free(o->listener);
		free(o);
	}
}

/* Clients that the system lets wait for this frontend; no more than
 * net.core.somaxconn. */
static int
backlog_of(const struct conf_frontend *fe)
{
	return fe->backlog == 0 ? SOMAXCONN : (int)fe->backlog;
}

/* Open one address of a frontend that is not open yet. */
static int
open_bind(struct proxy *p, const struct conf_frontend *fe, const struct addr *a,
    char *error, size_t size)
{
	struct opened *o;
	int fd = net_listen(a, backlog_of(fe), error, size);

	if (fd < 0)
		return -1;
	o = xcalloc(1, sizeof(*o));
	o->addr = *a;
	o->fresh = true;
	o->frontend_id = -1;
	o->listener = xcalloc(1, sizeof(*o->listener));
	o->listener->addr = *a;
	o->listener->fd = fd;
	o->listener->backlog = backlog_of(fe);
	o->listener->worker = p->shared.workers[p->turn++ % p->shared.nworkers];
	TAILQ_INSERT_TAIL(&p->opened, o, link);
	return 0;
}

/* What a frontend's id goes by: its name, and its backend's in a branch. */
static const char *
id_name(const struct conf_frontend *fe, char buf[ID_NAME_MAX])
{
	snprintf(buf, ID_NAME_MAX, "%s%s%s", fe->name,
	    fe->of == NULL ? "" : " ", fe->of == NULL ? "" : fe->backend->name);
	return buf;
}

/* Does conf have a frontend that goes by this name? */
static bool
is_named(const struct conf *conf, const char *name)
{
	char buf[ID_NAME_MAX];
	size_t i;

	for (i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		if (strcmp(id_name(&conf->frontends[i], buf), name) == 0)
			return true;
	}
	return false;
}

/* Is an id free: no session and no listener of who had it is left? */
static bool
is_free_id(const struct proxy *p, const struct conf *conf, int id)
{
	const struct opened *o;

	if (p->next_names[id] != NULL || proxy_frontend_sessions(p, id) > 0 ||
	    atomic_load(&p->shared.frontend_clients[id]) > 0 ||
	    (p->names[id] != NULL && is_named(conf, p->names[id])))
		return false;
	TAILQ_FOREACH (o, &p->opened, link) {
		if (o->frontend_id == id)
			return false;
	}
	return true;
}

/* The id that a frontend of this name has, or a free one; -1 if none is. */
static int
frontend_id(struct proxy *p, const struct conf *conf, const char *name)
{
	int id;

	for (id = 0; id < CONF_FRONTENDS_MAX; id++) {
		if (p->names[id] != NULL && strcmp(p->names[id], name) == 0)
			return id;
	}
	for (id = 0; id < CONF_FRONTENDS_MAX; id++) {
		if (is_free_id(p, conf, id)) {
			p->next_names[id] = xstrdup(name);
			return id;
		}
	}
	return -1;
}

void
proxy_abort(struct proxy *p)
{
	int id;

	close_fresh(p);
	for (id = 0; id < CONF_FRONTENDS_MAX; id++) {
		free(p->next_names[id]);
		p->next_names[id] = NULL;
	}
}

/* Open every address of a frontend that is not open yet, and mark them all as
 * its own. */
static int
open_frontend(
    struct proxy *p, const struct conf_frontend *fe, char *error, size_t size)
{
	struct opened *o;
	size_t i;

	if (p->states[fe->id] == FRONTEND_STOPPED && !p->reopen)
		return 0;
	for (i = 0; i < fe->nbinds; i++) {
		if (opened_find(p, &fe->binds[i]) == NULL &&
		    open_bind(p, fe, &fe->binds[i], error, size) != 0)
			return -1;
		o = opened_find(p, &fe->binds[i]);
		o->next = fe;
	}
	return 0;
}

int
proxy_listen(struct proxy *p, struct conf *conf, char *error, size_t size)
{
	struct conf_frontend *fe;
	char name[ID_NAME_MAX];
	struct opened *o;
	size_t i;

	proxy_abort(p);
	TAILQ_FOREACH (o, &p->opened, link)
		o->next = NULL;
	for (i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		fe = &conf->frontends[i];
		fe->id = frontend_id(p, conf, id_name(fe, name));
		if (fe->id < 0)
			snprintf(error, size,
			    "more than %d frontends, old ones with sessions "
			    "included",
			    CONF_FRONTENDS_MAX);
		if (fe->id < 0 || open_frontend(p, fe, error, size) != 0) {
			proxy_abort(p);
			return -1;
		}
	}
	return 0;
}

/* Give an order that must not be lost. */
static void
order(struct worker *w, enum order_kind kind, struct listener *l, int id)
{
	struct order o = {.kind = kind, .listener = l, .frontend_id = id};

	if (worker_order(w, &o) != 0)
		fatal("out of memory");
}

static void sum_of(const struct proxy *, bool, int, struct counter_sums *);

/* Another frontend has this id now: what was counted is not its own. */
static void
count_anew(struct proxy *p, int id)
{
	memset(&p->frontend_base[id], 0, sizeof(p->frontend_base[id]));
	sum_of(p, false, id, &p->frontend_base[id]);
	tally_reset(&p->shared.frontend_tallies[id]);
	for (int i = 0; i < TALLY_TIMES; i++)
		histogram_clear(&p->shared.frontend_times[id][i]);
}

/* The names that proxy_listen() gave ids are the running ones now. */
static void
commit_names(struct proxy *p)
{
	int id;

	for (id = 0; id < CONF_FRONTENDS_MAX; id++) {
		if (p->next_names[id] == NULL)
			continue;
		free(p->names[id]);
		p->names[id] = p->next_names[id];
		p->states[id] = FRONTEND_OPEN;
		p->shared.frontend_maxconn[id] = -1;
		p->next_names[id] = NULL;
		count_anew(p, id);
	}
}

/* Order something of the listeners of a frontend. */
static void
order_all(struct proxy *p, int id, enum order_kind kind)
{
	struct opened *o;

	TAILQ_FOREACH (o, &p->opened, link) {
		if (o->frontend_id == id)
			order(o->listener->worker, kind, o->listener, id);
	}
}

/* What an operator set holds, unless the load says something new. */
static void
commit_frontends(struct proxy *p, const struct conf *conf)
{
	const struct conf_frontend *fe;

	for (fe = conf->frontends; fe < conf->frontends + conf->nfrontends;
	     fe++) {
		if (p->maxconns[fe->id] != fe->maxconn)
			p->shared.frontend_maxconn[fe->id] = -1;
		p->maxconns[fe->id] = fe->maxconn;
		if (p->reopen && p->states[fe->id] == FRONTEND_STOPPED)
			p->states[fe->id] = FRONTEND_OPEN;
		if (p->states[fe->id] == FRONTEND_PAUSED)
			order_all(p, fe->id, ORDER_PAUSE);
	}
	p->reopen = false;
}

/* Change how many clients may wait to be accepted; whoever waits stays. */
static void
set_backlog(struct listener *l, int backlog)
{
	if (l->backlog == backlog)
		return;
	l->backlog = backlog;
	(void)listen(l->fd, backlog);
}

void
proxy_commit(struct proxy *p, const struct conf *conf)
{
	struct opened *o, *next;

	commit_names(p);
	for (o = TAILQ_FIRST(&p->opened); o != NULL; o = next) {
		struct listener *l = o->listener;

		next = TAILQ_NEXT(o, link);
		if (o->next == NULL) {
			TAILQ_REMOVE(&p->opened, o, link);
			order(l->worker, ORDER_UNLISTEN, l, -1);
			free(o);
			continue;
		}
		/* What is accepted inherits it. */
		session_tune(l->fd, o->next);
		set_backlog(l, backlog_of(o->next));
		o->fresh = false;
		if (o->next->id != o->frontend_id) {
			o->frontend_id = o->next->id;
			order(l->worker, ORDER_LISTEN, l, o->frontend_id);
		}
	}
	commit_frontends(p, conf);
}

int
proxy_start(struct proxy *p)
{
	unsigned i;

	p->started = true;
	for (i = 0; i < p->shared.nworkers; i++) {
		if (loop_start(p->shared.workers[i]) != 0) {
			while (i-- > 0) {
				order(
				    p->shared.workers[i], ORDER_STOP, NULL, -1);
				pthread_join(
				    p->shared.workers[i]->thread, NULL);
			}
			p->started = false;
			return -1;
		}
	}
	return 0;
}

void
proxy_publish(struct proxy *p, const struct snapshot *s)
{
	unsigned i;

	atomic_store_explicit(&p->shared.slot, s, memory_order_release);
	for (i = 0; i < p->shared.nworkers; i++)
		worker_wake(p->shared.workers[i]);
}

/* The least of what the workers have written there. */
static uint64_t
oldest(const struct proxy *p, size_t offset)
{
	uint64_t least = UINT64_MAX, n;
	const char *worker;
	unsigned i;

	for (i = 0; i < p->shared.nworkers; i++) {
		worker = (const char *)p->shared.workers[i];
		n = atomic_load_explicit(
		    (const _Atomic uint64_t *)(const void *)(worker + offset),
		    memory_order_acquire);
		if (n < least)
			least = n;
	}
	return least;
}

uint64_t
proxy_seen(const struct proxy *p)
{
	return oldest(p, offsetof(struct worker, seen));
}

uint64_t
proxy_closed(const struct proxy *p)
{
	return oldest(p, offsetof(struct worker, closed));
}

void
proxy_lease(struct proxy *p, int64_t until)
{
	atomic_store_explicit(&p->shared.lease, until, memory_order_relaxed);
}

/* Forget the listeners: the workers close them. */
static void
forget_opened(struct proxy *p)
{
	struct opened *o;

	proxy_abort(p);
	while ((o = TAILQ_FIRST(&p->opened)) != NULL) {
		TAILQ_REMOVE(&p->opened, o, link);
		free(o);
	}
}

void
proxy_drain(struct proxy *p)
{
	unsigned i;

	forget_opened(p);
	for (i = 0; i < p->shared.nworkers; i++)
		order(p->shared.workers[i], ORDER_DRAIN, NULL, -1);
}

void
proxy_reopen(struct proxy *p, bool reopen)
{
	p->reopen = reopen;
}

enum frontend_state
proxy_frontend_state(const struct proxy *p, int id)
{
	return p->states[id];
}

void
proxy_pause(struct proxy *p, int id, bool paused)
{
	p->states[id] = paused ? FRONTEND_PAUSED : FRONTEND_OPEN;
	order_all(p, id, paused ? ORDER_PAUSE : ORDER_RESUME);
}

void
proxy_shutdown(struct proxy *p, int id)
{
	struct opened *o, *next;

	p->states[id] = FRONTEND_STOPPED;
	for (o = TAILQ_FIRST(&p->opened); o != NULL; o = next) {
		next = TAILQ_NEXT(o, link);
		if (o->frontend_id != id)
			continue;
		TAILQ_REMOVE(&p->opened, o, link);
		order(o->listener->worker, ORDER_UNLISTEN, o->listener, -1);
		free(o);
	}
}

void
proxy_set_maxconn(struct proxy *p, int id, int64_t maxconn)
{
	if (id < 0)
		atomic_store(&p->shared.maxconn, maxconn);
	else
		atomic_store(&p->shared.frontend_maxconn[id], maxconn);
}

int64_t
proxy_maxconn(const struct proxy *p, int id)
{
	return id < 0 ? atomic_load(&p->shared.maxconn)
		      : atomic_load(&p->shared.frontend_maxconn[id]);
}

void
proxy_list_sessions(struct proxy *p, view_sessions_cb done, void *arg)
{
	struct census_order o = {.server_id = -1, .listed = done, .arg = arg};

	census_begin(&p->shared, &o);
}

void
proxy_close_session(
    struct proxy *p, uint64_t id, view_closed_cb done, void *arg)
{
	struct census_order o = {
	    .server_id = -1, .id = id, .closed = done, .arg = arg};

	census_begin(&p->shared, &o);
}

void
proxy_close_server(struct proxy *p, int server_id)
{
	struct census_order o = {.server_id = server_id};

	census_begin(&p->shared, &o);
}

void
proxy_stop(struct proxy *p)
{
	unsigned i;

	forget_opened(p);
	for (i = 0; i < p->shared.nworkers && p->started; i++)
		order(p->shared.workers[i], ORDER_STOP, NULL, -1);
	for (i = 0; i < p->shared.nworkers && p->started; i++)
		pthread_join(p->shared.workers[i]->thread, NULL);
	p->started = false;
	census_abandon(&p->shared);
}

void
proxy_free(struct proxy *p)
{
	unsigned i;

	for (i = 0; i < p->shared.nworkers; i++)
		worker_free(p->shared.workers[i]);
	for (i = 0; i < CONF_FRONTENDS_MAX; i++)
		free(p->names[i]);
	event_free(p->seen_event);
	close(p->shared.control_fd);
	free(p);
}

unsigned
proxy_workers(const struct proxy *p)
{
	return p->shared.nworkers;
}

unsigned
proxy_sessions(const struct proxy *p)
{
	return atomic_load(&p->shared.sessions);
}

bool
proxy_server_failing(struct proxy *p, int server_id, unsigned limit)
{
	_Atomic uint32_t *failures = &p->shared.server_failures[server_id];

	if (atomic_load(failures) < limit)
		return false;
	atomic_store(failures, 0);
	return true;
}

unsigned
proxy_server_sessions(const struct proxy *p, int server_id)
{
	return atomic_load(&p->shared.server_sessions[server_id]);
}

unsigned
proxy_frontend_sessions(const struct proxy *p, int frontend_id)
{
	return atomic_load(&p->shared.frontend_sessions[frontend_id]);
}

unsigned
proxy_frontend_held(const struct proxy *p, int frontend_id)
{
	return atomic_load(&p->shared.frontend_held[frontend_id]);
}

/* All that was ever counted of one server, or of one frontend. */
static void
sum_of(const struct proxy *p, bool server, int id, struct counter_sums *sum)
{
	const struct worker *w;
	unsigned i;

	for (i = 0; i < p->shared.nworkers; i++) {
		w = p->shared.workers[i];
		counters_sum(sum, server ? &w->server_counters[id]
					 : &w->frontend_counters[id]);
	}
}

void
proxy_server_counters(
    const struct proxy *p, int server_id, struct counter_sums *sum)
{
	sum_of(p, true, server_id, sum);
	counters_subtract(sum, &p->server_base[server_id]);
}

void
proxy_frontend_counters(
    const struct proxy *p, int frontend_id, struct counter_sums *sum)
{
	sum_of(p, false, frontend_id, sum);
	counters_subtract(sum, &p->frontend_base[frontend_id]);
}

void
proxy_figures(const struct proxy *p, struct figures *f)
{
	int id;

	tally_read(&p->shared.tally, clock_ms(), f);
	f->sessions = proxy_sessions(p);
	f->queued = 0;
	for (id = 0; id < CONF_FRONTENDS_MAX; id++)
		f->queued += proxy_frontend_held(p, id);
}

void
proxy_server_figures(const struct proxy *p, int server_id, struct figures *f)
{
	tally_read(&p->shared.server_tallies[server_id], clock_ms(), f);
	f->sessions = proxy_server_sessions(p, server_id);
	f->queued = 0;
}

void
proxy_frontend_figures(
    const struct proxy *p, int frontend_id, struct figures *f)
{
	tally_read(&p->shared.frontend_tallies[frontend_id], clock_ms(), f);
	f->sessions = proxy_frontend_sessions(p, frontend_id);
	f->queued = proxy_frontend_held(p, frontend_id);
}

void
proxy_frontend_times(
    const struct proxy *p, int frontend_id, struct frontend_times *out)
{
	const struct histogram *times = p->shared.frontend_times[frontend_id];

	histogram_read(&times[TALLY_QUEUE], &out->hold);
	histogram_read(&times[TALLY_CONNECT], &out->connect);
	histogram_read(&times[TALLY_TOTAL], &out->session);
}

void
proxy_clear_counters(struct proxy *p, bool all)
{
	int id;

	tally_reset(&p->shared.tally);
	for (id = 0; id < CONF_SERVERS_MAX; id++) {
		tally_reset(&p->shared.server_tallies[id]);
		if (all) {
			memset(
			    &p->server_base[id], 0, sizeof(p->server_base[id]));
			sum_of(p, true, id, &p->server_base[id]);
		}
	}
	for (id = 0; id < CONF_FRONTENDS_MAX; id++) {
		tally_reset(&p->shared.frontend_tallies[id]);
		if (all) {
			memset(&p->frontend_base[id], 0,
			    sizeof(p->frontend_base[id]));
			sum_of(p, false, id, &p->frontend_base[id]);
		}
	}
}

int64_t
proxy_worker_stall_ms(const struct proxy *p, unsigned worker)
{
	int64_t turned = atomic_load(&p->shared.workers[worker]->turned);
	int64_t stall = clock_ms() - turned;

	return stall < 0 ? 0 : stall;
}

int64_t
proxy_stall_ms(const struct proxy *p)
{
	int64_t most = 0, stall;
	unsigned i;

	for (i = 0; i < p->shared.nworkers; i++) {
		stall = proxy_worker_stall_ms(p, i);
		most = stall > most ? stall : most;
	}
	return most;
}
