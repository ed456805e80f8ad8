/*
 * A switch-over on request. While it is under way group.watch.handover keeps
 * the writer fenced; W2 and the verdict decide who is next, as in any failover.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "health/check.h"
#include "health/member.h"
#include "health/order.h"
#include "health/sentinels.h"
#include "health/switchover.h"
#include "health/watch.h"

#define CATCH_UP_MS 1000   /* for a replica to have all the data */
#define COMMAND_MS  3000   /* for the answer to the command */
#define PROMOTE_MS  10000  /* for the new writer */
#define FAILOVER_MS "5000" /* FAILOVER's own limit */

enum step {
	STEP_CATCH_UP, /* the writer is fenced: wait for a replica */
	STEP_COMMAND,  /* the command is on its way */
	STEP_PROMOTE,  /* it was taken: wait for the new writer */
	STEP_END
};

struct switchover {
	struct event_base *base; /* (borrowed from the monitor) */
	struct members *m;       /* (borrowed from the monitor) */
	struct group *g;         /* (borrowed from the monitor) */
	switchover_done_cb done;
	void *arg;

	int from, to; /* member ids; to -1: any */
	enum step step;
	int64_t began, since; /* clock_ms() */
	int64_t offset;       /* the writer's after the fence; -1 unknown */
	struct order_call *call;
};

static void switchover_call_cb(bool, const char *, void *);

/* The state of a member. */
static const struct server_state *
state(const struct switchover *s, int id)
{
	return check_state(s->m->list[id]->check);
}

/* The name of a member. */
static const char *
name(const struct switchover *s, int id)
{
	return s->m->list[id] == NULL ? "a server that is gone"
				      : s->m->list[id]->name;
}

/* Where the writer says that this replica of it is; false if it does not, as of
 * a replica of a replica. */
static bool
find_place(const struct switchover *s, int id, struct place *place)
{
	const struct observation *w = &state(s, s->from)->known;
	size_t i;

	for (i = 0; i < w->nlist; i++) {
		if (place_set(place, w->list[i].host, w->list[i].port) == 0 &&
		    watch_map(s->m, s->g, place) == id)
			return true;
	}
	return false;
}

/* A replica of the writer that could take over? The writer itself can only hand
 * over to one that it knows. */
static bool
is_replica_of(const struct switchover *s, int id)
{
	const struct member *mb = s->m->list[id];
	const struct server_state *r;
	struct place place;

	if (mb == NULL || mb->group != s->g || id == s->from ||
	    mb->cs == NULL || mb->admin.state != ADMIN_READY)
		return false;
	r = check_state(mb->check);
	return r->health == HEALTH_UP && r->role == ROLE_REPLICA &&
	       r->known.link_up &&
	       strcmp(r->known.replid, state(s, s->from)->known.replid) == 0 &&
	       (sentinels_known(s->g->watch.sentinels) > 0 ||
		   find_place(s, id, &place));
}

/* A Sentinel that can be told; NULL none. */
static const struct sentinel *
a_sentinel(const struct group *g)
{
	struct sentinels_one one;
	size_t i;

	for (i = 0; sentinels_get(g->watch.sentinels, i, &one); i++) {
		if (one.sentinel != NULL &&
		    sentinel_alive(one.sentinel, CATCH_UP_MS) &&
		    sentinel_view(one.sentinel)->knows &&
		    !sentinel_view(one.sentinel)->tilt)
			return one.sentinel;
	}
	return NULL;
}

/* Why it cannot begin; NULL it can. */
static const char *
obstacle(const struct switchover *s, const char *to)
{
	const struct group *g = s->g;
	size_t i;

	if (g->cluster)
		return "a Redis Cluster moves its writes itself: send CLUSTER "
		       "FAILOVER to a replica";
	/* SWITCH: it has just become the writer. */
	if (s->from < 0 || g->history.fenced ||
	    (g->verdict.action != WRITER_STAY &&
		g->verdict.action != WRITER_SWITCH))
		return "there is no writer that could hand over";
	if (g->watch.failover.phase != FAILOVER_NONE)
		return "a failover is under way";
	if (to != NULL && sentinels_known(g->watch.sentinels) > 0)
		return "the Sentinels choose the new primary: leave out 'to', "
		       "or set replica-priority";
	if (to != NULL && s->to < 0)
		return "no such server in that backend";
	if (sentinels_known(g->watch.sentinels) > 0 && a_sentinel(g) == NULL)
		return "no Sentinel can be asked";
	for (i = 0; i < s->m->n; i++) {
		if (is_replica_of(s, (int)i) && (s->to < 0 || s->to == (int)i))
			return NULL;
	}
	return to == NULL ? "no replica follows the writer"
			  : "that server is no replica of the writer";
}

struct switchover *
switchover_start(struct event_base *base, struct members *m, struct group *g,
    const char *to, switchover_done_cb done, void *arg, char *error,
    size_t size)
{
	struct switchover *s = xcalloc(1, sizeof(*s));
	const char *why;

	s->base = base;
	s->m = m;
	s->g = g;
	s->done = done;
	s->arg = arg;
	s->from = g->writer;
	s->to = to == NULL ? -1 : member_named(g, to);
	s->began = s->since = clock_ms();
	s->offset = -1;
	why = obstacle(s, to);
	if (why != NULL) {
		snprintf(error, size, "%s", why);
		free(s);
		return NULL;
	}
	g->watch.handover = s->from;
	g->switchover = s;
	log_info("backend %s: switch-over from %s asked for", g->name,
	    name(s, s->from));
	return s;
}

/* Forget it. */
static void
switchover_free(struct switchover *s)
{
	s->g->watch.handover = -1;
	s->g->switchover = NULL;
	if (s->call != NULL)
		order_call_cancel(s->call);
	free(s);
}

/* It is over: tell, and forget. */
static void
end(struct switchover *s, bool ok, const char *why)
{
	switchover_done_cb done = s->done;
	void *arg = s->arg;
	char text[320];

	if (ok)
		snprintf(text, sizeof(text),
		    "%s took over from %s, %lld ms after the request",
		    name(s, s->g->writer), name(s, s->from),
		    (long long)(clock_ms() - s->began));
	else
		snprintf(text, sizeof(text), "%s; %s goes on", why,
		    name(s, s->from));
	log_line(ok ? LEVEL_INFO : LEVEL_WARN, "backend %s: switch-over: %s",
	    s->g->name, text);
	switchover_free(s);
	done(ok, text, arg);
}

void
switchover_cancel(struct switchover *s)
{
	end(s, false, "it was given up");
}

/* The replica that has all the data, as of a check after the fence; -1 none. */
static int
caught_up(const struct switchover *s)
{
	const struct server_state *r;
	size_t i;

	for (i = 0; i < s->m->n; i++) {
		if (!is_replica_of(s, (int)i) ||
		    (s->to >= 0 && s->to != (int)i))
			continue;
		r = state(s, (int)i);
		if (r->known.replica_offset >= s->offset)
			return (int)i;
	}
	return -1;
}

/* Tell a Sentinel. */
static void
tell_sentinel(struct switchover *s, const struct sentinel *sentinel)
{
	const char *words[] = {"SENTINEL", "FAILOVER",
	    sentinels_name(s->g->watch.sentinels), NULL};

	s->call = order_call(s->base, sentinel_addr(sentinel), PROXY_NONE,
	    s->g->cb->sentinel_username, s->g->cb->sentinel_password, words,
	    COMMAND_MS, switchover_call_cb, s);
}

/* Tell the writer to hand over to that replica, by the address at which it
 * knows it. */
static void
tell_writer(struct switchover *s, int to)
{
	const char *words[] = {
	    "FAILOVER", "TO", NULL, NULL, "TIMEOUT", FAILOVER_MS, NULL};
	struct place place;
	char port[8];

	if (!find_place(s, to, &place))
		return;
	snprintf(port, sizeof(port), "%u", place.port);
	words[2] = place.host;
	words[3] = port;
	s->call = order_call(s->base, check_addr(s->m->list[s->from]->check),
	    check_header(s->m->list[s->from]->check), s->g->cb->username,
	    s->g->cb->password, words, COMMAND_MS, switchover_call_cb, s);
}

/* A replica has all the data: give the command. */
static void
command(struct switchover *s, int to)
{
	s->step = STEP_COMMAND;
	s->since = clock_ms();
	if (sentinels_known(s->g->watch.sentinels) == 0)
		tell_writer(s, to);
	else if (a_sentinel(s->g) != NULL)
		tell_sentinel(s, a_sentinel(s->g));
	if (s->call == NULL)
		end(s, false, "nobody could be told to fail over");
}

static void
switchover_call_cb(bool ok, const char *error, void *arg)
{
	struct switchover *s = arg;
	char why[256];

	s->call = NULL;
	s->step = STEP_PROMOTE;
	s->since = clock_ms();
	if (ok)
		return;
	snprintf(why, sizeof(why), "the failover was refused: %s", error);
	end(s, false, why);
}

/* The first steps, while the writer is fenced and nothing was ordered. */
static void
catch_up(struct switchover *s, int64_t now)
{
	const struct server_state *w = state(s, s->from);
	int to;

	/* Its offset counts once no session is left on it. */
	if (s->g->history.fenced &&
	    s->m->seen(s->m->arg) >= s->g->fence_generation &&
	    w->last.at - w->last.duration_us / 1000 > s->g->fenced_at + 20)
		s->offset = w->known.offset;
	to = s->offset < 0 ? -1 : caught_up(s);
	if (to >= 0)
		command(s, to);
	else if (now - s->since > CATCH_UP_MS)
		end(s, false, "no replica had all the data within a second");
}

void
switchover_step(struct switchover *s)
{
	int64_t now = clock_ms();

	if (s->m->list[s->from] == NULL || s->g->cb == NULL) {
		end(s, false, "the configuration has changed");
	} else if (s->g->writer >= 0 && s->g->history.incumbent != s->from) {
		end(s, true, "");
	} else if (s->step == STEP_CATCH_UP) {
		catch_up(s, now);
	} else if (s->step == STEP_PROMOTE &&
		   s->g->watch.aborted_at >= s->since) {
		end(s, false, "the Sentinel gave the failover up");
	} else if (s->step == STEP_PROMOTE && now - s->since > PROMOTE_MS) {
		end(s, false, "no server was promoted in time");
	}
}
