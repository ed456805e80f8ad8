/*
 * The life of a session: wait for the client's first byte, find a server or be
 * held, connect, relay until both sides are through, close. Which server is
 * route.c's business; sending and keeping bytes is endpoint.c's.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "proxy/preface.h"
#include "proxy/relay.h"
#include "proxy/route.h"
#include "proxy/session.h"
#include "proxy/session_log.h"
#include "proxy/transfer.h"

#define STALE_MS      500 /* a FIN in a connect this slow: it gave up */
#define TLS_HANDSHAKE 0x16

static void session_client_cb(evutil_socket_t, short, void *);
static void session_server_cb(evutil_socket_t, short, void *);
static void hold(struct session *);

/* The list that a session of this state is on. */
static struct session_list *
list_of(struct session *s)
{
	struct worker *w = s->worker;

	switch (s->state) {
	case STATE_WAITING:
		return &w->waiting;
	case STATE_HELD:
		return &w->held[s->fe->id];
	case STATE_REPLYING:
		return &w->replying;
	case STATE_DEAD:
		return &w->dead;
	default:
		return &w->on_server[s->server_id];
	}
}

/* The one place that changes the state: lists and counts follow it. */
static void
set_state(struct session *s, enum session_state state, int server_id)
{
	struct worker *w = s->worker;
	bool was_on =
	    s->state == STATE_CONNECTING || s->state == STATE_RELAYING;
	bool is_on = state == STATE_CONNECTING || state == STATE_RELAYING;

	TAILQ_REMOVE(list_of(s), s, link);
	if (s->state == STATE_HELD && s->queued)
		atomic_fetch_sub(&w->shared->frontend_held[s->fe->id], 1);
	if (s->state == STATE_CONNECTING)
		w->connecting[s->server_id]--;
	if (s->paced) {
		w->paced[s->server_id]--;
		s->paced = false;
	}
	if (was_on && !is_on) {
		atomic_fetch_sub(&w->shared->server_sessions[s->server_id], 1);
		w->freed |= w->snapshot->servers[s->server_id].maxconn != 0;
	}
	s->state = (uint8_t)state;
	s->since = clock_coarse_ms();
	s->server_id = (int16_t)server_id;
	if (state == STATE_CONNECTING)
		w->connecting[server_id]++;
	if (state == STATE_HELD && s->queued)
		atomic_fetch_add(&w->shared->frontend_held[s->fe->id], 1);
	/* Connecting sessions first: sweep_tick() need not look further. */
	if (state == STATE_CONNECTING)
		TAILQ_INSERT_HEAD(list_of(s), s, link);
	else
		TAILQ_INSERT_TAIL(list_of(s), s, link);
}

/* Milliseconds since it was opened. */
static uint32_t
elapsed(const struct session *s)
{
	return (uint32_t)(clock_ms() - s->opened);
}

void
session_tune(int fd, const struct conf_frontend *fe)
{
	struct net_options o = {fe->backend->keepalive_idle,
	    fe->backend->keepalive_interval, fe->backend->keepalive_count,
	    fe->backend->user_timeout};

	net_tune(fd, &o);
}

/* Count a new session. */
static void
count_begin(const struct session *s)
{
	struct shared *sh = s->worker->shared;
	int id = s->fe->id;

	counter_add(session_frontend_counters(s)->sessions, 1);
	tally_begin(&sh->tally, s->opened, atomic_load(&sh->sessions));
	tally_begin(&sh->frontend_tallies[id], s->opened,
	    atomic_load(&sh->frontend_sessions[id]));
}

/* It is known whose it is. */
static void
begin(struct session *s)
{
	count_begin(s);
	session_log_begin(s);
	if (!s->fe->defer_connect)
		session_route(s);
}

int
session_open(
    struct worker *w, const struct conf_frontend *fe, const struct arrival *a)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -1;
	s->worker = w;
	s->fe = fe;
	s->ip = a->ip;
	s->port = a->port;
	s->relay.client.fd = s->relay.server.fd = -1;
	s->server_id = s->failed_id = -1;
	s->held_ms = s->assigned_ms = s->connected_ms = SESSION_NEVER;
	s->opened = clock_ms();
	s->since = clock_coarse_ms();
	s->relay.active = (uint32_t)(s->opened >> RELAY_TICK);
	if (endpoint_open(
		&s->relay.client, w->base, a->fd, session_client_cb, s) != 0) {
		free(s);
		return -1;
	}
	s->state = STATE_WAITING;
	TAILQ_INSERT_TAIL(&w->waiting, s, link);
	session_use_conf(w, fe->conf, 1);
	session_follow_rules(s);
	s->header_due = preface_is_due(fe, &a->ip);
	if (!s->header_due)
		begin(s);
	return 0;
}

/* Add an end to one list of counters. */
static void
count_reason(struct counters *c, enum session_reason why)
{
	switch (why) {
	case SESSION_CLIENT_ABORT:
	case SESSION_GAVE_UP:
		counter_add(c->client_aborts, 1);
		break;
	case SESSION_SERVER_ABORT:
		counter_add(c->response_errors, 1);
		counter_add(c->server_aborts, 1);
		break;
	case SESSION_CLIENT_TIMEOUT:
		counter_add(c->client_timeouts, 1);
		counter_add(c->timeouts, 1);
		break;
	case SESSION_SERVER_TIMEOUT:
	case SESSION_SERVER_SILENT:
		counter_add(c->timeouts, 1);
		break;
	case SESSION_AGED:
		counter_add(c->aged, 1);
		break;
	case SESSION_FENCED:
		counter_add(c->fenced, 1);
		break;
	case SESSION_NO_HEADER:
		counter_add(c->request_errors, 1);
		break;
	case SESSION_DENIED:
		counter_add(c->denied, 1);
		break;
	case SESSION_NO_SERVER:
	case SESSION_NO_PLACE:
	case SESSION_UNREACHABLE:
	case SESSION_CONNECT_TIMEOUT:
		counter_add(c->unserved, 1);
		break;
	default:
		break;
	}
}

/* Count how long it took, as far as it came. */
static void
count_times(const struct session *s, const struct session_times *t)
{
	struct histogram *times = s->worker->shared->frontend_times[s->fe->id];

	if (s->held_ms != SESSION_NEVER)
		histogram_add(
		    &times[TALLY_QUEUE], HISTOGRAM_SHORT, t->queue * 1000);
	if (t->connect >= 0)
		histogram_add(
		    &times[TALLY_CONNECT], HISTOGRAM_SHORT, t->connect * 1000);
	histogram_add(&times[TALLY_TOTAL], HISTOGRAM_LONG, t->total * 1000);
}

/* Count why it ended, where it was, and how long it took. */
static void
count_end(struct session *s, enum session_reason why)
{
	int id = session_last_server(s, why);
	struct shared *sh = s->worker->shared;
	struct session_times t = session_times(s, why);
	uint32_t ms[TALLY_TIMES];

	count_reason(session_frontend_counters(s), why);
	if (id >= 0)
		count_reason(&s->worker->server_counters[id], why);
	if (!s->header_due)
		count_times(s, &t);
	if (s->state != STATE_RELAYING)
		return;
	ms[TALLY_QUEUE] = (uint32_t)t.queue;
	ms[TALLY_CONNECT] = (uint32_t)t.connect;
	ms[TALLY_TOTAL] = (uint32_t)t.total;
	tally_end(&sh->frontend_tallies[s->fe->id], ms);
	tally_end(&sh->server_tallies[id], ms);
}

void
session_close(struct session *s, enum session_reason why)
{
	struct worker *w = s->worker;

	if (s->state == STATE_DEAD)
		return;
	count_end(s, why);
	session_log_end(s, why);
	preface_forget(s);
	set_state(s, STATE_DEAD, -1);
	endpoint_close(&s->relay.client);
	endpoint_close(&s->relay.server);
	session_uncount(w, session_origin(s)->id, s->fe->id);
	session_use_conf(w, s->fe->conf, -1);
	worker_later(w);
}

/* Come back to a session that stopped at its byte budget. */
static void
run_later(struct session *s)
{
	struct worker *w = s->worker;
	struct session **run;

	if (s->on_run)
		return;
	if (w->nrun == w->run_room) {
		run = realloc(w->run, (w->run_room + 64) * sizeof(*run));
		if (run == NULL) {
			session_close(s, SESSION_NO_MEMORY);
			return;
		}
		w->run = run;
		w->run_room += 64;
	}
	w->run[w->nrun++] = s;
	s->on_run = true;
	worker_later(w);
}

void
session_unpace(struct session *s)
{
	s->paced = false;
	s->worker->paced[s->server_id]--;
	session_release(s->worker);
}

/*
 * Relaying.
 */

/* Do what the result of a move asks for. Returns false if the session is
 * closed. */
static bool
settle(struct session *s, enum relay_result result)
{
	if (s->paced && s->relay.server_spoke)
		session_unpace(s);
	switch (result) {
	case RELAY_ON:
		return true;
	case RELAY_AGAIN:
		run_later(s);
		return s->state != STATE_DEAD;
	case RELAY_DONE:
		session_close(s, SESSION_DONE);
		return false;
	case RELAY_CLIENT_BROKEN:
		session_close(s, SESSION_CLIENT_ABORT);
		return false;
	case RELAY_SERVER_BROKEN:
		session_close(s, SESSION_SERVER_ABORT);
		return false;
	default:
		session_close(s, SESSION_NO_MEMORY);
		return false;
	}
}

void
session_move_on(struct session *s)
{
	settle(s, transfer_both(s));
}

/* Leave the server of a relaying session. */
static void
leave(struct session *s, enum session_reason why)
{
	/* Writes that the system still holds must not reach it later. */
	endpoint_condemn(&s->relay.server);
	if (settle(s, transfer_from_server(s)))
		session_close(s, why);
}

void
session_leave(struct session *s, enum session_reason why)
{
	if (s->state == STATE_RELAYING) {
		leave(s, why);
		return;
	}
	endpoint_close(&s->relay.server);
	set_state(s, STATE_WAITING, -1);
	session_route(s);
}

/*
 * Before relaying.
 */

/* Has the client ended or broken its connection? An RST does not say
 * EV_CLOSED. */
static bool
client_left(const struct session *s)
{
	struct pollfd p = {.fd = s->relay.client.fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) == 1;
}

/* Its server takes connections: what failed before does not count. */
static void
forgive(const struct session *s)
{
	_Atomic uint32_t *failures =
	    &s->worker->shared->server_failures[s->server_id];

	if (atomic_load_explicit(failures, memory_order_relaxed) != 0)
		atomic_store(failures, 0);
}

/* Has the client reset its connection, and sent nothing before that? A FIN may
 * be followed by an answer. */
static bool
client_broke(const struct session *s)
{
	struct pollfd p = {.fd = s->relay.client.fd};
	char byte;

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0 &&
	       recv(p.fd, &byte, 1, MSG_PEEK) <= 0;
}

/* The server is there: from now on bytes flow. */
static void
begin_relay(struct session *s)
{
	bool slow = clock_coarse_ms() - s->since > STALE_MS;

	/* A client that gave up while it waited is not executed now. */
	if ((s->patience != 0 || slow) && client_left(s)) {
		session_close(s, SESSION_GAVE_UP);
		return;
	}
	set_state(s, STATE_RELAYING, s->server_id);
	s->connected_ms = elapsed(s);
	if (s->patience != 0) {
		s->paced = true;
		s->worker->paced[s->server_id]++;
	}
	s->tries = 0;
	s->patience = 0;
	s->relay.active = (uint32_t)(s->since >> RELAY_TICK);
	counter_add(session_server_counters(s)->sessions, 1);
	forgive(s);
	if (!TAILQ_EMPTY(&s->worker->held[s->fe->id]))
		session_release(s->worker);
	if (s->state != STATE_RELAYING)
		return;
	if (preface_send(s) != 0) {
		session_close(s, SESSION_SERVER_ABORT);
		return;
	}
	preface_forget(s);
	settle(s, transfer_from_client(s));
}

/* Count a connect that failed, and tell the control thread if that matters. */
static void
accuse(const struct session *s, int id)
{
	const struct conf_server *cs = session_server(s, id);
	struct shared *shared = s->worker->shared;
	uint32_t n = atomic_fetch_add(&shared->server_failures[id], 1) + 1;
	uint64_t one = 1;

	if (cs != NULL && cs->observe && n >= cs->error_limit)
		(void)!write(shared->control_fd, &one, sizeof(one));
}

void
session_connect_failed(struct session *s, int error)
{
	int failed = s->server_id;

	counter_add(session_server_counters(s)->connect_errors, 1);
	if (!net_is_own_trouble(error))
		accuse(s, failed);
	log_debug("connect to %s/%s: %s", s->fe->backend->name,
	    session_server_name(s, failed), strerror(error));
	endpoint_close(&s->relay.server);
	if (s->tries < UINT8_MAX)
		s->tries++;
	s->failed_id = (int16_t)failed;
	s->timed_out = error == ETIMEDOUT;
	set_state(s, STATE_WAITING, failed);
	if (!session_rebind(s))
		return;
	if (s->tries <= s->fe->backend->retries)
		session_route(s);
	else
		hold(s);
}

/* Count a connect that begins, and what it is to the one before. */
static void
count_connect(struct session *s, int id)
{
	struct shared *sh = s->worker->shared;
	struct counters *on = &s->worker->server_counters[id];
	struct counters *fe = session_frontend_counters(s);

	counter_add(fe->connects, 1);
	counter_add(on->connects, 1);
	tally_begin(&sh->server_tallies[id], clock_ms(),
	    atomic_load(&sh->server_sessions[id]));
	if (s->failed_id >= 0 && s->retried < UINT8_MAX)
		s->retried++;
	if (s->failed_id == id) {
		counter_add(fe->retries, 1);
		counter_add(on->retries, 1);
		return;
	}
	/* One that waited has its place from the queue. */
	if (s->queue_place == 0) {
		counter_add(fe->loadbalanced, 1);
		counter_add(on->loadbalanced, 1);
	}
	s->assigned_ms = elapsed(s);
	if (s->failed_id < 0)
		return;
	s->redispatched = true;
	counter_add(fe->redispatches, 1);
	counter_add(s->worker->server_counters[s->failed_id].redispatches, 1);
}

/* Connect to a server that was picked. */
static void
session_connect(struct session *s, int id)
{
	struct worker *w = s->worker;
	int fd;

	if (!route_reserve(w, id)) {
		hold(s);
		return;
	}
	count_connect(s, id);
	fd = net_connect(&w->snapshot->servers[id].addr);
	set_state(s, STATE_CONNECTING, id);
	if (fd < 0) {
		session_connect_failed(s, errno);
		return;
	}
	net_tune(fd, NULL);
	if (endpoint_open(
		&s->relay.server, w->base, fd, session_server_cb, s) != 0) {
		close(fd);
		session_close(s, SESSION_NO_MEMORY);
	}
}

void
session_route(struct session *s)
{
	int failed = s->server_id, id;

	if (!session_rebind(s))
		return;
	id = route_pick(s->worker, s->fe, &s->ip, failed);

	/* Held clients of the same frontend were here before. */
	if (id >= 0 && s->patience == 0 &&
	    !TAILQ_EMPTY(&s->worker->held[s->fe->id]))
		id = ROUTE_FULL;
	if (id >= 0)
		session_connect(s, id);
	else
		hold(s);
}

/* Why it is turned away. */
static enum session_reason
turned_why(const struct session *s)
{
	int state = route_state(s->worker, s->fe);

	if (s->failed_id >= 0 &&
	    (state == ROUTE_FITS || s->held_ms == SESSION_NEVER))
		return s->timed_out ? SESSION_CONNECT_TIMEOUT
				    : SESSION_UNREACHABLE;
	return state == ROUTE_NONE ? SESSION_NO_SERVER : SESSION_NO_PLACE;
}

void
session_turn_away(struct session *s)
{
	char why[160], line[200];
	char first;
	int n;

	s->turned = (uint8_t)turned_why(s);
	route_explain(s->worker, s->fe, why, sizeof(why));
	if (!s->fe->no_server_reply ||
	    (recv(s->relay.client.fd, &first, 1, MSG_PEEK) == 1 &&
		first == TLS_HANDSHAKE)) {
		session_close(s, s->turned);
		return;
	}
	n = snprintf(line, sizeof(line), "-LOADING roleproxy: %s\r\n", why);
	if (endpoint_send(&s->relay.client, line, (size_t)n) != 0) {
		session_close(s, SESSION_GAVE_UP);
		return;
	}
	endpoint_shut(&s->relay.client);
	set_state(s, STATE_REPLYING, -1);
}

/* How long it may wait for what it waits for now: a server, a place on one, or
 * one that failed to be fit again. HAProxy, too, gives the latter a second
 * before each retry. */
static int64_t
wait_limit(const struct session *s)
{
	const struct conf_backend *cb = s->fe->backend;
	int state = route_state(s->worker, s->fe);

	if (state == ROUTE_FITS && s->failed_id >= 0 && cb->hold == 0)
		return s->tries > cb->retries
			   ? 0
			   : (s->tries + 1) * route_pause(s->fe);
	if (state != ROUTE_NONE && cb->queue_timeout != 0)
		return cb->queue_timeout;
	return cb->hold;
}

/* It is held for the first time. A mere pause before the next connect is no
 * place in a queue. */
static void
begin_hold(struct session *s, int64_t limit)
{
	struct shared *sh = s->worker->shared;
	uint32_t held = atomic_load(&sh->frontend_held[s->fe->id]);

	counter_add(session_frontend_counters(s)->held, 1);
	s->held_ms = elapsed(s);
	s->patience = clock_coarse_ms() + limit;
	if (!s->queued)
		return;
	s->queue_place = held < UINT16_MAX ? (uint16_t)held : UINT16_MAX;
	tally_queued(&sh->frontend_tallies[s->fe->id], held);
}

/* Wait, unread, until there is a server or the time is up. */
static void
hold(struct session *s)
{
	int64_t limit;

	if (s->state == STATE_HELD)
		return;
	limit = wait_limit(s);
	if (limit == 0 ||
	    (s->patience != 0 && clock_coarse_ms() >= s->patience) ||
	    (s->patience == 0 && route_queue_full(s->worker, s->fe))) {
		session_turn_away(s);
		return;
	}
	if (s->relay.client.closed) {
		session_close(s, SESSION_GAVE_UP);
		return;
	}
	s->queued = s->failed_id < 0 || s->fe->backend->hold != 0 ||
		    route_state(s->worker, s->fe) != ROUTE_FITS;
	set_state(s, STATE_HELD, -1);
	if (s->patience == 0) {
		begin_hold(s, limit);
		return;
	}
	/* It was first in line, and is again. */
	TAILQ_REMOVE(list_of(s), s, link);
	TAILQ_INSERT_HEAD(list_of(s), s, link);
}

void
session_wait_over(struct session *s, int64_t now)
{
	s->patience = s->opened + s->held_ms + wait_limit(s);
	if (now >= s->patience)
		session_turn_away(s);
}

void
session_release(struct worker *w)
{
	const struct conf *conf;
	struct session *s;
	size_t i;
	int id;

	if (w->snapshot == NULL)
		return;
	conf = w->snapshot->conf;
	for (i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		const struct conf_frontend *fe = &conf->frontends[i];

		while ((s = TAILQ_FIRST(&w->held[fe->id])) != NULL) {
			if (s->tries > 0 && s->fe->backend->hold == 0 &&
			    clock_coarse_ms() - s->since < route_pause(s->fe))
				break;
			id = route_pick(w, s->fe, &s->ip, -1);
			if (id < 0)
				break;
			session_connect(s, id);
			/* Refused at once: it is held again, as the last. */
			if (s->state == STATE_HELD)
				break;
		}
	}
}

/* The client's first byte, or its end, or both. */
static void
first_byte(struct session *s)
{
	char byte;
	ssize_t n = recv(s->relay.client.fd, &byte, 1, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		session_close(
		    s, n == 0 ? SESSION_NOTHING_SENT : SESSION_CLIENT_ABORT);
	else {
		session_follow_rules(s); /* that was some time ago */
		session_route(s);
	}
}

/* What comes first of a client that waits. */
static void
first_bytes(struct session *s)
{
	enum session_reason why;
	int taken = s->header_due ? preface_take(s, &why) : 1;

	if (taken < 0)
		session_close(s, why);
	if (taken <= 0)
		return;
	if (s->header_due) {
		s->header_due = false;
		session_follow_rules(s); /* that was some time ago */
		begin(s);
	}
	/* What came with the header is no news any more. */
	if (s->state == STATE_WAITING)
		first_byte(s);
}

/* Read what a client that was turned away still sends, until it closes. */
static void
swallow(struct session *s)
{
	struct worker *w = s->worker;
	ssize_t n;
	int i;

	for (i = 0; i < 16; i++) {
		n = recv(s->relay.client.fd, w->buffer, RELAY_BUFFER, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			break;
	}
	session_close(s, s->turned);
}

static void
session_client_cb(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	if ((what & EV_CLOSED) != 0)
		s->relay.client.closed = true;
	switch (s->state) {
	case STATE_WAITING:
		if ((what & (EV_READ | EV_CLOSED)) != 0)
			first_bytes(s);
		break;
	case STATE_CONNECTING:
		if ((what & EV_READ) != 0 && client_broke(s))
			session_close(s, SESSION_CLIENT_ABORT);
		break;
	case STATE_HELD:
		if (client_left(s))
			session_close(s, SESSION_GAVE_UP);
		break;
	case STATE_RELAYING:
		settle(s, transfer_event(s, true, what));
		break;
	case STATE_REPLYING:
		if ((what & (EV_READ | EV_CLOSED)) != 0)
			swallow(s);
		break;
	default:
		break;
	}
}

static void
session_server_cb(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;
	int error = 0;
	socklen_t len = sizeof(error);

	if (s->state == STATE_RELAYING) {
		settle(s, transfer_event(s, false, what));
		return;
	}
	if (s->state != STATE_CONNECTING)
		return;
	if ((what & EV_CLOSED) != 0)
		s->relay.server.closed = true;
	/* A failed connect is never only writable. */
	if ((what & ~EV_ET) != EV_WRITE)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		session_connect_failed(s, error);
		return;
	}
	if ((what & EV_WRITE) == 0)
		return;
	begin_relay(s);
	if (s->state == STATE_RELAYING && (what & ~EV_ET) != EV_WRITE)
		settle(s, transfer_event(s, false, what));
}
