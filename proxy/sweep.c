/*
 * What is done to all sessions of a worker at once. A loop's body may close the
 * session that it is at, and no other.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proxy/preface.h"
#include "proxy/session.h"
#include "proxy/sweep.h"

#define LINGER_MS      1000 /* for a client to read its -LOADING */
#define PACE_MS        100  /* for a server to answer who was held */
#define LOOK_MS        1000 /* after this much silence: look_for_reset() */
#define TUNE_MS        1000 /* a session this old is not a short one */
#define QUIET_MS       200  /* silence that lets a session go */
#define TICKS_A_SECOND (1000 / WORKER_TICK_MS)
#define SHORT_MS       10000 /* an idle timeout that is kept to a tick */

/* The next of a list, which the loop's body may close. */
#define FOREACH_SAFE(s, next, list) \
	for (s = TAILQ_FIRST(list); \
	     s != NULL && (next = TAILQ_NEXT(s, link), 1); s = next)

void
sweep_close_server(struct worker *w, int id, enum session_reason why)
{
	struct session *s, *next;

	FOREACH_SAFE(s, next, &w->on_server[id])
	session_leave(s, why);
}

void
sweep_close_misfits(struct worker *w, int id, const struct snapshot_server *now)
{
	struct session *s, *next;

	FOREACH_SAFE(s, next, &w->on_server[id])
	{
		if (!snapshot_keeps(now, s->fe))
			session_leave(s, SESSION_ROLE_LOST);
	}
}

/* Close all of one list. */
static void
close_list(struct session_list *list, enum session_reason why)
{
	struct session *s;

	while ((s = TAILQ_FIRST(list)) != NULL)
		session_close(s, why);
}

void
sweep_close_all(struct worker *w, enum session_reason why)
{
	size_t i;

	close_list(&w->waiting, why);
	close_list(&w->replying, why);
	for (i = 0; i < CONF_FRONTENDS_MAX; i++)
		close_list(&w->held[i], why);
	for (i = 0; i < CONF_SERVERS_MAX; i++)
		close_list(&w->on_server[i], why);
}

/* Move the clients of one list to the frontends of a new configuration. */
static void
reconfigure_list(struct session_list *list)
{
	struct session *s, *next;

	FOREACH_SAFE(s, next, list)
	(void)session_rebind(s);
}

void
sweep_reconfigure(struct worker *w)
{
	size_t i;

	reconfigure_list(&w->waiting);
	for (i = 0; i < CONF_FRONTENDS_MAX; i++)
		reconfigure_list(&w->held[i]);
}

/* Does the system hold bytes that have come and that were not read yet? */
static bool
has_unread(const struct session *s)
{
	const struct endpoint *client = &s->relay.client;
	const struct endpoint *server = &s->relay.server;
	struct pollfd p[2] = {
	    {.fd = client->eof ? -1 : client->fd, .events = POLLIN},
	    {.fd = server->eof ? -1 : server->fd, .events = POLLIN}};

	return poll(p, 2, 0) > 0;
}

/* Has the session been silent since the server's last byte, with nothing left
 * to send? */
static bool
is_quiet(const struct session *s, int64_t now)
{
	return (s->relay.server_spoke || s->relay.bytes_in == 0) &&
	       s->relay.client.pending == NULL &&
	       s->relay.server.pending == NULL &&
	       now - ((int64_t)s->relay.active << RELAY_TICK) > QUIET_MS + 64 &&
	       !has_unread(s);
}

/* Has it had its server for longer than the frontend, as it is configured now,
 * lets it? Each session's limit is up to a tenth off, by where its memory
 * happens to be: clients that came together do not come again together. */
static bool
is_too_old(const struct session *s, int64_t now)
{
	const struct conf_frontend *fe = s->worker->frontends[s->fe->id];
	uint32_t chance = (uint32_t)((uintptr_t)s >> 4) * 2654435761U >> 22;
	int64_t limit = fe == NULL ? 0 : fe->max_session_age;

	limit = limit * 9 / 10 + limit * chance / (5 * 1024);
	return limit > 0 && now - s->since >= limit;
}

/* Look, once after it has fallen silent, whether an end has broken: an RST that
 * came together with data is an edge like any other, and the last one. */
static void
look_for_reset(struct session *s)
{
	struct pollfd p[2] = {
	    {.fd = s->relay.client.fd}, {.fd = s->relay.server.fd}};

	/* While a side is full nothing is read from its peer: look again. */
	s->relay.looked =
	    s->relay.client.pending == NULL && s->relay.server.pending == NULL;
	if (poll(p, 2, 0) <= 0)
		return;
	s->relay.client.closed |= p[0].revents != 0;
	s->relay.server.closed |= p[1].revents != 0;
	session_move_on(s);
	if ((p[0].revents & POLLERR) != 0)
		session_close(s, SESSION_CLIENT_ABORT);
	else if ((p[1].revents & POLLERR) != 0)
		session_close(s, SESSION_SERVER_ABORT);
}

/* Is it the client's turn to send? A side that is through has none. */
static bool
is_client_turn(const struct session *s)
{
	return s->relay.server.eof ||
	       (s->relay.server_spoke && !s->relay.client.eof);
}

/* For how long the session may be silent, and who is late then. HAProxy's two
 * timeouts run whoever's turn it is. 0: for ever. */
static int64_t
silence_limit(const struct session *s, enum session_reason *why)
{
	const struct conf_frontend *fe = s->fe;
	int64_t client = s->relay.server.eof && fe->client_fin_timeout > 0
			     ? fe->client_fin_timeout
			     : fe->client_timeout;
	int64_t server = s->relay.client.eof && fe->server_fin_timeout > 0
			     ? fe->server_fin_timeout
			     : fe->backend->server_timeout;
	bool at_client = is_client_turn(s);

	if (fe->conf->haproxy && client > 0 && server > 0 && client != server)
		at_client = client < server;
	else if (fe->conf->haproxy && (client == 0 || server == 0))
		at_client = client > 0;
	*why = at_client ? SESSION_CLIENT_TIMEOUT : SESSION_SERVER_TIMEOUT;
	return at_client ? client : server;
}

/* Keepalive and what else is about peers that fall silent: five calls, which a
 * session of one command need not pay. */
static void
tune(struct session *s, int64_t now)
{
	if (s->tuned || now - s->since < TUNE_MS)
		return;
	session_tune(s->relay.server.fd, s->fe);
	s->tuned = true;
}

/* Close a relaying session that has been silent too long, that a stop is
 * waiting for, or that is too old. */
static void
check_idle(struct session *s, int64_t now)
{
	uint32_t idle = (uint32_t)(now >> RELAY_TICK) - s->relay.active;
	int64_t idle_ms = (int64_t)idle << RELAY_TICK, limit;
	enum session_reason why;

	limit = silence_limit(s, &why);
	if (s->worker->draining && is_quiet(s, now))
		session_close(s, SESSION_DRAINED);
	else if (limit > 0 && idle_ms >= limit)
		session_close(s, why);
	else if (is_too_old(s, now) && is_quiet(s, now))
		session_close(s, SESSION_AGED);
	else if (!s->relay.looked && idle_ms >= LOOK_MS)
		look_for_reset(s);
}

/* Deadlines of the sessions on one server: connects first. */
static void
tick_server(struct worker *w, size_t id, int64_t now, bool idle)
{
	struct session *s, *next;

	FOREACH_SAFE(s, next, &w->on_server[id])
	{
		if (s->state == STATE_RELAYING) {
			if (s->paced && now - s->since >= PACE_MS)
				session_unpace(s);
			if (idle) {
				tune(s, now);
				check_idle(s, now);
			} else if (w->paced[id] == 0) {
				return;
			}
		} else if (now - s->since >= s->fe->backend->connect_timeout) {
			session_connect_failed(s, ETIMEDOUT);
		}
	}
}

/* Deadlines of clients that have no server. */
static void
tick_serverless(struct worker *w, int64_t now)
{
	struct session *s, *next;
	size_t i;

	FOREACH_SAFE(s, next, &w->waiting)
	{
		int64_t limit = s->fe->client_timeout;

		/* Who has just come may be about to speak. */
		if (w->draining && now - s->since > QUIET_MS)
			session_close(s, SESSION_DRAINED);
		else if (s->header_due &&
			 (now - s->since >= PREFACE_MS ||
			     (limit > 0 && now - s->since >= limit)))
			session_close(s, SESSION_NO_HEADER);
		else if (limit > 0 && now - s->since >= limit)
			session_close(s, SESSION_CLIENT_TIMEOUT);
	}
	FOREACH_SAFE(s, next, &w->replying)
	{
		if (now - s->since >= LINGER_MS)
			session_close(s, s->turned);
	}
	for (i = 0; i < CONF_FRONTENDS_MAX; i++) {
		FOREACH_SAFE(s, next, &w->held[i])
		{
			if (now >= s->patience)
				session_wait_over(s, now);
		}
	}
}

/* Is this a timeout, and a short one? */
static bool
is_short(int64_t limit)
{
	return limit > 0 && limit < SHORT_MS;
}

/* Is it time to look who is idle? Once a second is enough for timeouts that are
 * long. */
static bool
is_idle_tick(const struct worker *w)
{
	const struct conf_frontend *fe;
	size_t i;

	if (w->draining || w->ticks % TICKS_A_SECOND == 0)
		return true;
	for (i = 0; i < CONF_FRONTENDS_MAX; i++) {
		fe = w->frontends[i];
		if (fe != NULL && (is_short(fe->client_timeout) ||
				      is_short(fe->client_fin_timeout) ||
				      is_short(fe->server_fin_timeout) ||
				      is_short(fe->max_session_age) ||
				      is_short(fe->backend->server_timeout)))
			return true;
	}
	return false;
}

void
sweep_tick(struct worker *w)
{
	int64_t now = clock_coarse_ms();
	bool idle = is_idle_tick(w);
	size_t i;

	tick_serverless(w, now);
	session_release(w);
	for (i = 0; i < w->snapshot->nservers; i++)
		tick_server(w, i, now, idle);
}

void
sweep_unstall(struct worker *w)
{
	struct session *s, *next;
	size_t i;

	for (i = 0; i < w->snapshot->nservers; i++) {
		FOREACH_SAFE(s, next, &w->on_server[i])
		{
			if (s->relay.stalled && s->state == STATE_RELAYING)
				session_move_on(s);
		}
	}
}

/* Take a session from the run list: it is to be freed. */
static void
forget_run(struct worker *w, const struct session *s)
{
	size_t i;

	for (i = 0; i < w->nrun; i++) {
		if (w->run[i] == s)
			w->run[i] = NULL;
	}
}

/* A place was freed for which clients of other workers may wait. */
static void
share_place(struct worker *w)
{
	const struct conf *conf = w->snapshot->conf;
	uint32_t held = 0;
	size_t i;

	w->freed = false;
	for (i = 0; i < conf->nfrontends + conf->nbranches; i++)
		held += atomic_load(
		    &w->shared->frontend_held[conf->frontends[i].id]);
	for (i = 0; held > 0 && i < w->shared->nworkers; i++) {
		if (w->shared->workers[i] != w)
			worker_wake(w->shared->workers[i]);
	}
}

void
sweep_later(struct worker *w)
{
	size_t n = w->nrun, i;
	struct session *s;

	for (i = 0; i < n; i++) {
		s = w->run[i];
		if (s == NULL)
			continue;
		s->on_run = false;
		w->run[i] = NULL;
		if (s->state == STATE_RELAYING)
			session_move_on(s);
	}
	w->nrun -= n;
	if (w->nrun > 0)
		memmove(w->run, w->run + n, w->nrun * sizeof(w->run[0]));
	/* Where a session ended there may be a place for another. */
	if (!TAILQ_EMPTY(&w->dead))
		session_release(w);
	if (w->freed)
		share_place(w);
	while ((s = TAILQ_FIRST(&w->dead)) != NULL) {
		if (s->on_run)
			forget_run(w, s);
		TAILQ_REMOVE(&w->dead, s, link);
		free(s);
	}
}
