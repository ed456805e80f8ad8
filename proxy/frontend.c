/*
 * Accepting. A connection is refused by allow and deny, left in the kernel's
 * queue when a limit is reached, or given to the least loaded worker.
 */
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "proxy/frontend.h"
#include "proxy/session.h"

#define ACCEPT_BATCH 64   /* connections a wake-up */
#define COMPLAIN_MS  1000 /* a limit is logged no more often */

static void frontend_accept_cb(evutil_socket_t, short, void *);

int
frontend_listen(struct worker *w, struct listener *l)
{
	l->event = event_new(
	    w->base, l->fd, EV_READ | EV_PERSIST, frontend_accept_cb, l);
	if (l->event == NULL || event_add(l->event, NULL) != 0)
		return -1;
	TAILQ_INSERT_TAIL(&w->listeners, l, link);
	return 0;
}

void
frontend_unlisten(struct worker *w, struct listener *l)
{
	/* Whoever is left in its queue will find the connection reset. */
	if (!l->paused && !l->closed)
		frontend_accept_cb(l->fd, EV_READ, l);
	TAILQ_REMOVE(&w->listeners, l, link);
	if (l->paused)
		w->paused--;
	event_free(l->event);
	close(l->fd);
	if (l->addr.family == AF_UNIX)
		net_remove_stale(&l->addr);
	free(l);
}

/* Stop accepting for now, and say why at most once a second. */
static void
pause_listener(struct listener *l, const char *why)
{
	int64_t now = clock_ms();
	char name[ADDR_STR_MAX];

	event_del(l->event);
	l->paused = true;
	l->worker->paused++;
	if (now - l->complained < COMPLAIN_MS)
		return;
	l->complained = now;
	log_warn("listener %s: %s: new connections wait in the kernel's queue",
	    addr_str(&l->addr, name), why);
}

/* A listening socket that is shut down refuses clients, and keeps its address;
 * see shutdown(2) in Linux. A UNIX socket cannot do that: there they wait. */
void
frontend_pause(struct worker *w, struct listener *l)
{
	if (l->event == NULL)
		return;
	if (l->paused) {
		l->paused = false;
		w->paused--;
	}
	if (!l->closed)
		event_del(l->event);
	l->closed = true;
	/* Again, too: another backlog has opened it. */
	if (l->addr.family != AF_UNIX)
		shutdown(l->fd, SHUT_RD);
}

void
frontend_open(struct worker *w, struct listener *l)
{
	(void)w;
	if (!l->closed)
		return;
	l->closed = false;
	if (l->addr.family != AF_UNIX && listen(l->fd, l->backlog) != 0)
		log_error("cannot listen again: %s", strerror(errno));
	event_add(l->event, NULL);
}

/* The limit that has been reached; NULL none. */
static const char *
limit_reached(const struct worker *w, const struct conf_frontend *fe)
{
	const struct shared *sh = w->shared;
	int64_t all = atomic_load(&sh->maxconn);
	int64_t own = atomic_load(&sh->frontend_maxconn[fe->id]);

	if (all < 0)
		all = w->snapshot->conf->global.maxconn;
	if (atomic_load(&sh->sessions) >= all)
		return "maxconn reached";
	if (own < 0 && fe->maxconn != 0)
		own = fe->maxconn;
	if (own >= 0 && atomic_load(&sh->frontend_clients[fe->id]) >= own)
		return "the frontend's maxconn reached";
	return NULL;
}

void
frontend_resume(struct worker *w)
{
	const struct conf_frontend *fe;
	struct listener *l;

	if (w->paused == 0)
		return;
	TAILQ_FOREACH (l, &w->listeners, link) {
		fe = w->frontends[l->frontend_id];
		if (!l->paused || fe == NULL || limit_reached(w, fe) != NULL)
			continue;
		l->paused = false;
		w->paused--;
		event_add(l->event, NULL);
	}
}

/* May this client come in? One that uses a UNIX socket may. */
static bool
is_allowed(const struct conf_frontend *fe, const struct in6_addr *ip)
{
	if (IN6_IS_ADDR_UNSPECIFIED(ip))
		return true;
	if (addr_nets_contain(fe->deny, fe->ndeny, ip))
		return false;
	return fe->nallow == 0 || addr_nets_contain(fe->allow, fe->nallow, ip);
}

/* The worker with the fewest sessions; the accepting one, if it is as good. */
static struct worker *
least_loaded(struct worker *w)
{
	struct worker *best = w, *o;
	unsigned i;

	for (i = 0; i < w->shared->nworkers; i++) {
		o = w->shared->workers[i];
		if (atomic_load(&o->load) < atomic_load(&best->load))
			best = o;
	}
	return best;
}

/* Serve an arrival here, or hand it to a less loaded worker. */
static void
dispatch(struct worker *w, const struct arrival *a)
{
	struct worker *to = least_loaded(w);
	struct order o = {.kind = ORDER_ARRIVAL, .arrival = *a};

	atomic_fetch_add(&to->load, 1);
	atomic_fetch_add(&w->shared->sessions, 1);
	atomic_fetch_add(&w->shared->frontend_clients[a->frontend_id], 1);
	atomic_fetch_add(&w->shared->frontend_sessions[a->frontend_id], 1);
	if (to == w)
		frontend_arrive(w, a);
	else if (worker_order(to, &o) != 0) {
		session_uncount(to, a->frontend_id, a->frontend_id);
		close(a->fd);
	}
}

void
frontend_arrive(struct worker *w, const struct arrival *a)
{
	const struct conf_frontend *fe = w->frontends[a->frontend_id];

	if (fe == NULL || session_open(w, fe, a) != 0) {
		session_uncount(w, a->frontend_id, a->frontend_id);
		close(a->fd);
	}
}

/* Take one connection that has been accepted. */
static void
take(struct listener *l, const struct conf_frontend *fe, int fd,
    const struct sockaddr_storage *ss, socklen_t len)
{
	struct worker *w = l->worker;
	struct arrival a = {.fd = fd, .frontend_id = l->frontend_id};
	struct addr addr;

	if (addr_from_sockaddr((const struct sockaddr *)ss, len, &addr) == 0) {
		a.ip = addr_in6(&addr);
		a.port = addr.port;
	}
	if (!is_allowed(fe, &a.ip)) {
		counter_add(w->frontend_counters[fe->id].denied, 1);
		log_debug(
		    "frontend %s: client refused by allow and deny", fe->name);
		close(fd);
		return;
	}
	dispatch(w, &a);
}

/* Is errno about one connection only, so that the next may be fine? */
static bool
is_passing(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPROTO ||
	       error == EPERM;
}

static void
frontend_accept_cb(evutil_socket_t lfd, short what, void *arg)
{
	struct listener *l = arg;
	const struct conf_frontend *fe = l->worker->frontends[l->frontend_id];
	struct sockaddr_storage ss;
	const char *why;
	socklen_t len;
	int fd, i;

	(void)what;
	for (i = 0; i < ACCEPT_BATCH && fe != NULL; i++) {
		why = limit_reached(l->worker, fe);
		if (why != NULL) {
			pause_listener(l, why);
			return;
		}
		len = sizeof(ss);
		fd = accept4(lfd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take(l, fe, fd, &ss, len);
		} else if (!is_passing(errno)) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				pause_listener(l, strerror(errno));
			return;
		}
	}
}
