/*
 * The thread of a worker: orders from others, snapshots, the tick. Everything
 * that happens to one session is session.c's.
 */
#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/census.h"
#include "proxy/frontend.h"
#include "proxy/loop.h"
#include "proxy/session.h"
#include "proxy/sweep.h"

#define TRIM_TICKS (5000 / WORKER_TICK_MS)

static void *loop_main(void *);
static void loop_wake_cb(evutil_socket_t, short, void *);
static void loop_tick_cb(evutil_socket_t, short, void *);
static void loop_later_cb(evutil_socket_t, short, void *);

int
loop_start(struct worker *w)
{
	sigset_t all, old;
	char name[16];
	int error;

	w->wake = event_new(
	    w->base, w->wake_fd, EV_READ | EV_PERSIST, loop_wake_cb, w);
	w->tick = event_new(w->base, -1, EV_PERSIST, loop_tick_cb, w);
	w->later = event_new(w->base, -1, 0, loop_later_cb, w);
	if (w->wake == NULL || w->tick == NULL || w->later == NULL)
		fatal("out of memory");
	/* Signals are the control thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&w->thread, NULL, loop_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error != 0) {
		errno = error;
		return -1;
	}
	snprintf(name, sizeof(name), "rp-worker-%u", w->index % 100);
	pthread_setname_np(w->thread, name);
	return 0;
}

/* The words of a session for why a snapshot closes it. */
static enum session_reason
reason_of(enum snapshot_close reason)
{
	switch (reason) {
	case CLOSE_DOWN:
		return SESSION_SERVER_DOWN;
	case CLOSE_TIMEOUT:
		return SESSION_SERVER_SILENT;
	case CLOSE_MAINT:
		return SESSION_MAINTENANCE;
	case CLOSE_MOVED:
		return SESSION_MOVED;
	case CLOSE_BACKUP:
		return SESSION_ACTIVE_UP;
	default:
		return SESSION_FENCED;
	}
}

/* Take a new configuration into use. */
static void
apply_conf(struct worker *w, const struct conf *conf)
{
	size_t i;

	memset(w->frontends, 0, sizeof(w->frontends));
	for (i = 0; i < conf->nfrontends + conf->nbranches; i++)
		w->frontends[conf->frontends[i].id] = &conf->frontends[i];
	sweep_reconfigure(w);
}

/* Close what the new snapshot closes on one server. */
static void
apply_server(struct worker *w, int id, const struct snapshot_server *s)
{
	if (s->closes != w->closes[id]) {
		w->closes[id] = s->closes;
		sweep_close_server(w, id, reason_of(s->close_reason));
	}
	if (s->misfits != w->misfits[id]) {
		w->misfits[id] = s->misfits;
		sweep_close_misfits(w, id, s);
	}
}

/* Say how far this worker is. */
static void
report(struct worker *w, _Atomic uint64_t *what, uint64_t generation)
{
	uint64_t one = 1;

	atomic_store_explicit(what, generation, memory_order_release);
	(void)!write(w->shared->control_fd, &one, sizeof(one));
}

/* Take the newest snapshot into use: close what it closes, serve whom it lets
 * serve. It is seen before the closing: that sends nothing to a server, and
 * while it lasts this thread does nothing else. */
static void
apply_snapshot(struct worker *w)
{
	const struct snapshot *s =
	    atomic_load_explicit(&w->shared->slot, memory_order_acquire);
	const struct snapshot *old = w->snapshot;
	size_t i;

	if (s == NULL || s == old)
		return;
	w->snapshot = s;
	if (old == NULL || old->conf != s->conf)
		apply_conf(w, s->conf);
	report(w, &w->seen, s->generation);
	for (i = 0; i < s->nservers; i++)
		apply_server(w, (int)i, &s->servers[i]);
	report(w, &w->closed, s->generation);
	session_release(w);
}

/* Close listeners, let sessions go as they fall quiet. */
static void
drain(struct worker *w)
{
	struct listener *l;

	w->draining = true;
	while ((l = TAILQ_FIRST(&w->listeners)) != NULL)
		frontend_unlisten(w, l);
}

/* Carry out one order. */
static void
obey(struct worker *w, const struct order *o)
{
	switch (o->kind) {
	case ORDER_ARRIVAL:
		frontend_arrive(w, &o->arrival);
		break;
	case ORDER_LISTEN:
		o->listener->frontend_id = o->frontend_id;
		if (o->listener->event == NULL &&
		    frontend_listen(w, o->listener) != 0)
			log_error("out of memory: a listener stays closed");
		break;
	case ORDER_UNLISTEN:
		frontend_unlisten(w, o->listener);
		break;
	case ORDER_PAUSE:
		frontend_pause(w, o->listener);
		break;
	case ORDER_RESUME:
		frontend_open(w, o->listener);
		break;
	case ORDER_WALK:
		census_walk(w, o->census);
		break;
	case ORDER_DRAIN:
		drain(w);
		break;
	case ORDER_STOP:
		event_base_loopbreak(w->base);
		break;
	}
}

static void
loop_wake_cb(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct order *orders;
	size_t n, i;
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	/* First the orders: what they are about is in the slot by then. */
	orders = worker_take_orders(w, &n);
	apply_snapshot(w);
	for (i = 0; i < n; i++)
		obey(w, &orders[i]);
	free(orders);
	/* Another worker may have freed a place. */
	session_release(w);
}

static void
loop_tick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	int64_t now = clock_ms();

	(void)fd;
	(void)what;
	atomic_store_explicit(&w->turned, now, memory_order_relaxed);
	w->ticks++;
	if (w->snapshot == NULL)
		return;
	if (w->stalled && now <= atomic_load(&w->shared->lease)) {
		w->stalled = false;
		log_info("worker %u: clients are read again", w->index);
		sweep_unstall(w);
	}
	sweep_tick(w);
	frontend_resume(w);
	/* What was kept for slow readers does not stay with the process. */
	if (w->index == 0 && w->ticks % TRIM_TICKS == 0)
		(void)malloc_trim(0);
}

static void
loop_later_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	sweep_later(arg);
	frontend_resume(arg);
}

/* The thread: turn until told to stop, then close everything. */
static void *
loop_main(void *arg)
{
	struct worker *w = arg;
	struct timeval tv = {0, WORKER_TICK_MS * 1000};

	if (log_thread() != 0)
		log_error("out of memory: worker %u logs slowly", w->index);
	event_add(w->wake, NULL);
	event_add(w->tick, &tv);
	apply_snapshot(w);
	event_base_dispatch(w->base);
	drain(w);
	sweep_close_all(w, SESSION_STOPPED);
	sweep_later(w);
	event_free(w->wake);
	event_free(w->tick);
	event_free(w->later);
	return NULL;
}
