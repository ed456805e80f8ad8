/*
 * Deciding for one backend: evidence in, fences and switches out. The rules are
 * writer.c's; here is what it takes to carry them out, step by step.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "health/check.h"
#include "health/group.h"
#include "health/member.h"
#include "health/sentinels.h"
#include "health/shards.h"
#include "health/watch.h"

#define RECENT_MS         30000 /* a switch is recent so long: see role_readable() */
#define PACE_WRITER_MS    250 /* between two probes of: a writer that has */
#define PACE_FAST_MS      150 /* Sentinels; all, for fence-fast; a server */
#define PACE_SUCCESSOR_MS 50  /* that is about to be promoted */

/* What an entry counts against another one: a line of the configuration counts
 * more than what was found, and that more than what was taken out. */
static int
standing(const struct member *mb)
{
	return mb->cs == NULL ? 0 : mb->cs->discovered ? 1 : 2;
}

/* Is this an older entry for the process that another entry stands for, too? */
static bool
is_duplicate(const struct member *mb)
{
	const struct check *c = mb->check;
	const char *run_id = check_state(c)->known.run_id;
	const struct member *o;

	if (run_id[0] == '\0')
		return false;
	TAILQ_FOREACH (o, &mb->group->members, in_group) {
		if (o == mb || check_state(o->check)->health != HEALTH_UP ||
		    strcmp(check_state(o->check)->known.run_id, run_id))
			continue;
		if (standing(mb) < standing(o))
			return true;
		if (standing(mb) == standing(o) &&
		    (check_resolved_at(o->check) > check_resolved_at(c) ||
			(check_resolved_at(o->check) == check_resolved_at(c) &&
			    o->id < mb->id)))
			return true;
	}
	return false;
}

/* Which entries stand for a process that another one stands for, too? That
 * takes comparing each with each, so only when something has changed. */
static void
find_duplicates(struct group *g)
{
	struct member *mb;

	TAILQ_FOREACH (mb, &g->members, in_group) {
		mb->duplicate = is_duplicate(mb);
		mb->resolved_at = check_resolved_at(mb->check);
		memcpy(mb->run_id, check_state(mb->check)->known.run_id,
		    sizeof(mb->run_id));
	}
	g->changed = false;
}

/* One member as the decision sees it. */
static struct writer_server
evidence_of(const struct member *mb)
{
	const struct server_state *s = check_state(mb->check);
	const struct observation *k = &s->known;
	struct writer_server w = {0};

	/* What init-state says of it is no answer. */
	w.checked = s->last.result != PROBE_NONE;
	w.up = s->health == HEALTH_UP && !mb->duplicate;
	w.loading = s->last.result == PROBE_LOADING;
	w.maintenance = mb->admin.state == ADMIN_MAINT;
	w.retired = mb->cs == NULL;
	w.backup = mb->cs != NULL && mb->cs->backup;
	w.returnee = s->returnee;
	w.link_up = k->link_up;
	w.role = s->role;
	w.run_id = k->run_id;
	w.replid = k->replid;
	w.replid2 = k->replid2;
	w.second_offset = k->second_offset;
	w.offset = k->offset;
	return w;
}

/* A member id as an index into the servers of a decision, or the reverse. */
static int
translate(const int *table, int id)
{
	return id < 0 ? -1 : table[id];
}

/* Decide, with member ids in the verdict, the history and the evidence. */
static struct writer_verdict
decide(const struct group *g)
{
	struct writer_server servers[CONF_SERVERS_MAX];
	int ids[CONF_SERVERS_MAX], index[CONF_SERVERS_MAX];
	struct writer_history h = g->history;
	struct writer_evidence ev = g->evidence;
	struct writer_verdict v;
	const struct member *mb;
	size_t n = 0;

	memset(index, -1, sizeof(index));
	TAILQ_FOREACH (mb, &g->members, in_group) {
		index[mb->id] = (int)n;
		servers[n] = evidence_of(mb);
		ids[n++] = mb->id;
	}
	h.incumbent = translate(index, h.incumbent);
	ev.named = translate(index, ev.named);
	ev.successor = translate(index, ev.successor);
	ev.promoted = translate(index, ev.promoted);
	v = writer_decide(servers, n, &h, &ev);
	if (v.writer >= 0)
		v.writer = ids[v.writer];
	return v;
}

/* Do two members stand for one running process? */
static bool
same_process(const struct members *m, int a, int b)
{
	const char *run_id = member_state(m, a)->known.run_id;

	return a == b ||
	       (run_id[0] != '\0' &&
		   strcmp(run_id, member_state(m, b)->known.run_id) == 0);
}

/* Does a member stand for the process that the incumbent is, or was until it
 * moved? */
static bool
is_incumbent(const struct members *m, const struct group *g, int id)
{
	const char *run_id = member_state(m, id)->known.run_id;

	return same_process(m, id, g->history.incumbent) ||
	       (run_id[0] != '\0' && strcmp(run_id, g->history.run_id) == 0);
}

/* Take the writes from the incumbent: the sessions of its process are closed,
 * under whatever entry they are. */
static void
fence(struct members *m, struct group *g, enum snapshot_close reason,
    int64_t evidence_at)
{
	struct member *old = m->list[g->history.incumbent];
	size_t i;

	g->counts.fences[g->verdict.cause]++;
	g->history.fenced = true;
	g->history.fenced_for = (int)g->verdict.cause;
	g->writer = -1;
	g->fence_generation = m->generation + 1;
	g->evidence_at = evidence_at;
	g->fenced_at = g->late_logged_at = clock_ms();
	g->closed = 0;
	g->closed_us = g->fenced_us = -1;
	g->fenced_id = old->id;
	for (i = 0; i < m->n; i++) {
		if (m->list[i] == NULL || m->list[i]->group != g ||
		    !is_incumbent(m, g, (int)i))
			continue;
		g->closed += m->sessions((int)i, m->arg);
		member_close_sessions(m->list[i], reason);
	}
	g->fenced_sessions = g->closed;
	old->fenced = true;
}

/* Record and log a decision; from and to are member ids or -1. */
static void
record(struct members *m, struct group *g, int from, int to, unsigned closed,
    int64_t evidence_at)
{
	struct decision *d = member_decision(m, g, from, to, evidence_at);
	const struct writer_verdict *v = &g->verdict;
	struct log_fields f;

	d->action = v->action;
	d->cause = v->cause;
	d->votes = v->votes;
	d->voters = v->voters;
	d->sessions_closed = closed;
	watch_explain(g, v->cause, d->evidence, sizeof(d->evidence));
	if (to >= 0 && g->history.fenced)
		d->held_ms = clock_ms() - g->fenced_at;
	log_event(LEVEL_WARN, "writer", member_decision_fields(d, &f),
	    "backend %s: writer %s -> %s: %s (%s%s%s; %d of %d replicas "
	    "follow); %lld ms, %u sessions closed, %u clients held",
	    g->name, d->from[0] == '\0' ? "none" : d->from,
	    d->to[0] == '\0' ? "none" : d->to, writer_cause_str(v->cause),
	    writer_cause_rule(v->cause), d->evidence[0] == '\0' ? "" : ": ",
	    d->evidence, v->votes, v->voters, (long long)d->took_ms, closed,
	    d->held);
}

/* Say so when a server is back with less than its replicas hold. */
static void
warn_of_loss(const struct members *m, const struct group *g, int id)
{
	const struct server_state *w = member_state(m, id), *s;
	size_t i;

	if (!w->offset_restarted)
		return;
	for (i = 0; i < m->n; i++) {
		if (m->list[i] == NULL || m->list[i]->group != g)
			continue;
		s = member_state(m, (int)i);
		if (s->role == ROLE_REPLICA &&
		    s->known.replica_offset > w->known.offset)
			log_error("backend %s: %s restarted at offset %lld, "
				  "but %s holds data up to %lld, which is "
				  "lost when it resynchronises",
			    g->name, m->list[id]->name,
			    (long long)w->known.offset, m->list[i]->name,
			    (long long)s->known.replica_offset);
	}
}

/* Give the writes to a member; nobody has them now. */
static void
install(struct members *m, struct group *g, int id, int64_t evidence_at)
{
	bool selected = g->verdict.cause == CAUSE_SELECTED;
	int from = g->history.incumbent;

	check_acquit(m->list[id]->check);
	m->list[id]->fenced = false;
	g->writer = id;
	if (from >= 0)
		g->switched_at = clock_ms();
	record(m, g, from, id, g->closed,
	    g->history.fenced ? g->evidence_at : evidence_at);
	g->history.fenced = false;
	g->history.provisional = selected;
	g->closed = 0;
	g->watch.promoted = -1;
	watch_reset(g, id, selected);
}

/* Say how long the fence took. */
static void
report_fence(const struct group *g, const char *server)
{
	struct log_fields f = {.len = 0};

	log_field(&f, "backend", g->name);
	log_field(&f, "server", server);
	log_field_number(&f, "fenced_us", g->fenced_us);
	log_field_number(&f, "closed_us", g->closed_us);
	log_field_number(&f, "sessions_closed", g->fenced_sessions);
	log_event(LEVEL_INFO, "fence", &f,
	    "backend %s: %s: no write passed %.1f ms after the evidence; %u "
	    "sessions were closed after %.1f ms",
	    g->name, server, (double)g->fenced_us / 1000, g->fenced_sessions,
	    (double)g->closed_us / 1000);
}

/* Note how long the fence took, once all sessions are closed. */
static void
note_closed(struct members *m, struct group *g)
{
	const struct member *old = m->list[g->fenced_id];
	size_t i;

	g->closed_us = clock_us() - g->evidence_at * 1000;
	histogram_add(&g->counts.closed, HISTOGRAM_SHORT, g->closed_us);
	report_fence(g, old == NULL ? "a server that is gone" : old->name);
	for (i = 0; i < m->ndecisions && i < MONITOR_DECISIONS; i++) {
		struct decision *d =
		    &m->decisions[(m->ndecisions - 1 - i) % MONITOR_DECISIONS];

		if (strcmp(d->backend, g->name) != 0)
			continue;
		d->fenced_us = g->fenced_us;
		d->closed_us = g->closed_us;
		break;
	}
}

void
group_fence_seen(struct members *m, struct group *g)
{
	/* evidence_at is in whole milliseconds: up to one too many. */
	if (g->fenced_us < 0)
		g->fenced_us = clock_us() - g->evidence_at * 1000;
	if (g->history.fenced && g->writer < 0 &&
	    g->verdict.action == WRITER_SWITCH)
		group_evaluate(m, g, g->evidence_at);
	if (g->closed_us < 0 && m->closed(m->arg) >= g->fence_generation)
		note_closed(m, g);
}

const char *
group_promote(struct members *m, struct group *g, const char *server)
{
	const struct server_state *s;
	int id = member_named(g, server);

	if (id < 0)
		return "there is no such server";
	s = member_state(m, id);
	if (g->cluster)
		return "every primary of a Redis Cluster takes writes: send "
		       "CLUSTER FAILOVER to a replica";
	if (id == g->writer)
		return "it takes the writes already";
	if (s->health != HEALTH_UP || s->role != ROLE_PRIMARY)
		return "it does not say primary: REPLICAOF NO ONE makes it one";
	if (g->evidence.fresh && g->evidence.named != id)
		return "the Sentinels decide who takes the writes: see "
		       "switchover";
	if (g->rules.fence == FENCE_STRICT)
		return "fence = strict: without a majority of the Sentinels "
		       "nobody takes the writes";
	/* The operator is its witness. */
	if (id == g->history.incumbent && g->evidence.unwitnessed)
		watch_reset(g, id, false);
	g->watch.promoted = id;
	return NULL;
}

void
group_moved(struct members *m, struct member *mb, int64_t evidence_at)
{
	struct group *g = mb->group;

	/* The new process gets the writes when no worker is on the old one. */
	if (mb->id == g->writer && !g->history.fenced)
		fence(m, g, CLOSE_MOVED, evidence_at);
	else
		member_close_sessions(mb, CLOSE_MOVED);
}

/* A switch: first the fence, and once all workers have seen it, the writer. */
static void
switch_writer(struct members *m, struct group *g, int64_t evidence_at)
{
	struct writer_history *h = &g->history;

	if (h->incumbent >= 0 && !h->fenced &&
	    !same_process(m, h->incumbent, g->verdict.writer)) {
		fence(m, g, CLOSE_FENCED, evidence_at);
		return;
	}
	if (h->fenced && m->seen(m->arg) < g->fence_generation)
		return;
	install(m, g, g->verdict.writer, evidence_at);
}

/* Remember the writer: who continues its data may follow it. */
static void
remember(const struct members *m, struct group *g)
{
	struct writer_history *h = &g->history;
	struct writer_server w;
	bool restarted;

	if (g->writer < 0)
		return;
	w = evidence_of(m->list[g->writer]);
	restarted = h->incumbent != g->writer || strcmp(h->run_id, w.run_id);
	writer_remember(h, &w, &g->evidence, g->writer);
	if (restarted && w.role == ROLE_PRIMARY)
		warn_of_loss(m, g, g->writer);
}

/* Fence every server that says primary and is not the writer, nor about to. */
static void
fence_pretenders(struct members *m, struct group *g)
{
	const struct server_state *s;
	struct member *mb;
	bool claims;

	TAILQ_FOREACH (mb, &g->members, in_group) {
		s = check_state(mb->check);
		if (mb->id == g->writer)
			continue;
		claims = g->verdict.cause != CAUSE_NOT_CHECKED &&
			 s->role == ROLE_PRIMARY && s->health == HEALTH_UP;
		if (!claims || mb->id == g->verdict.writer ||
		    (g->writer >= 0 && same_process(m, mb->id, g->writer))) {
			if (s->role == ROLE_REPLICA)
				mb->fenced = false;
			continue;
		}
		if (!mb->fenced) {
			mb->fenced = true;
			member_close_sessions(mb, CLOSE_FENCED);
			log_warn("backend %s: %s says primary but is not the "
				 "writer: fenced",
			    g->name, mb->name);
		}
	}
}

/* How often should a member be probed? While no server takes the writes, or
 * another claims them, or they may be lost: often. */
static int64_t
pace_of(const struct group *g, const struct member *mb, bool hurry)
{
	const struct watch *w = &g->watch;

	if (g->cb == NULL)
		return 0;
	if (w->failover.phase != FAILOVER_NONE &&
	    mb->id == w->failover.successor)
		return PACE_SUCCESSOR_MS;
	if (w->handover >= 0)
		return PACE_SUCCESSOR_MS;
	if (hurry)
		return g->cb->check_fast;
	if (g->cb->fence_fast)
		return PACE_FAST_MS;
	if (mb->id == g->writer && sentinels_known(w->sentinels) > 0)
		return PACE_WRITER_MS;
	return 0;
}

/* Probe as often as the situation asks for. */
static void
pace_checks(struct members *m, const struct group *g)
{
	bool hurry = g->writer < 0 || g->verdict.action == WRITER_WAIT ||
		     g->watch.worried;
	struct member *mb;

	TAILQ_FOREACH (mb, &g->members, in_group) {
		if (mb->fenced)
			hurry |= check_state(mb->check)->health == HEALTH_UP;
	}
	TAILQ_FOREACH (mb, &g->members, in_group)
		member_pace(m, mb, pace_of(g, mb, hurry));
}

void
group_evaluate(struct members *m, struct group *g, int64_t evidence_at)
{
	struct writer_verdict was = g->verdict;

	if (!g->redis)
		return;
	if (g->changed)
		find_duplicates(g);
	if (shards_detect(m, g) && !g->cluster)
		return;
	if (g->cluster) {
		shards_evaluate(m, g, evidence_at);
		return;
	}
	g->evidence = watch_update(m, g);
	g->verdict = decide(g);
	switch (g->verdict.action) {
	case WRITER_STAY:
	case WRITER_WAIT:
		g->writer = g->history.incumbent;
		break;
	case WRITER_FENCE:
		fence(m, g,
		    g->verdict.cause == CAUSE_MAINTENANCE ? CLOSE_MAINT
							  : CLOSE_FENCED,
		    evidence_at);
		record(m, g, g->history.incumbent, -1, g->closed, evidence_at);
		break;
	case WRITER_SWITCH:
		switch_writer(m, g, evidence_at);
		break;
	case WRITER_NONE:
		g->writer = -1;
		break;
	}
	if (g->writer < 0 && was.cause != g->verdict.cause &&
	    g->verdict.action == WRITER_NONE)
		log_warn("backend %s: no writer: %s", g->name,
		    writer_cause_str(g->verdict.cause));
	if (was.action != g->verdict.action && g->verdict.action == WRITER_WAIT)
		log_warn("backend %s: writer %s: %s; new clients wait", g->name,
		    m->list[g->writer]->name,
		    writer_cause_str(g->verdict.cause));
	remember(m, g);
	fence_pretenders(m, g);
	pace_checks(m, g);
}

bool
group_writes(const struct member *mb)
{
	return mb->group->cluster ? cluster_is_primary(mb->cluster.use)
				  : mb->id == mb->group->writer;
}

/* One that is away, or may be, is none to compare with: that it cuts its
 * replicas' links says nothing about their data. */
const struct server_state *
group_sure_writer(const struct members *m, const struct member *mb)
{
	const struct group *g = mb->group;
	const struct server_state *w =
	    g->writer < 0 ? NULL : member_state(m, g->writer);

	if (g->cluster)
		return shards_sure_primary(m, mb);
	if (w == NULL || w->bad > 0 || g->verdict.action == WRITER_WAIT)
		return NULL;
	return w;
}

/* Since when does its writer have that role, if it took over? 0: always had. */
static int64_t
switched_at(const struct group *g, const struct server_state *w)
{
	if (!g->cluster)
		return g->switched_at;
	return w != NULL && w->was_replica ? w->role_since : 0;
}

/* Is a replica fit for reads, but for its lag? While there is no writer, those
 * that were stay. */
static bool
is_fit(const struct members *m, const struct member *mb)
{
	const struct server_state *s = check_state(mb->check);
	const struct server_state *w = group_sure_writer(m, mb);
	int64_t since = switched_at(mb->group, w);
	bool recent = since != 0 && clock_ms() - since < RECENT_MS;

	if (w == NULL && mb->fit && s->last.result == PROBE_OK &&
	    !s->known.syncing)
		return true;
	return role_readable(s, w, recent);
}

/* May it be written to now, if it answers? */
static bool
is_writable(const struct member *mb)
{
	const struct group *g = mb->group;

	if (g->cluster)
		return mb->cluster.use == CLUSTER_WRITES;
	return mb->id == g->writer && g->verdict.action != WRITER_WAIT;
}

/* What the operator's word makes of a picture. */
static void
picture_admin(struct member *mb, bool able)
{
	struct snapshot_server *n = &mb->now;
	int64_t now = clock_ms();

	if (mb->cs == NULL)
		return;
	admin_note(&mb->admin, mb->cs, able, now);
	n->drain = admin_drains(&mb->admin);
	n->weight = admin_parts(&mb->admin, mb->cs, now);
	n->maxconn = mb->admin.maxconn;
}

void
group_picture(const struct members *m, struct member *mb)
{
	const struct group *g = mb->group;
	const struct server_state *s = check_state(mb->check);
	struct snapshot_server *n = &mb->now;
	bool taken =
	    mb->cs != NULL && mb->admin.state != ADMIN_MAINT && g->cb != NULL;
	bool redis = taken && g->cb->check == CHECK_REDIS;

	n->used = true;
	n->addr = *check_addr(mb->check);
	n->up = taken && n->addr.family != 0 &&
		admin_up(&mb->admin,
		    check_is_off(mb->check) || s->health == HEALTH_UP) &&
		!mb->duplicate;
	n->writable = redis && n->up && is_writable(mb);
	n->replica = redis && n->up && s->role == ROLE_REPLICA &&
		     mb->cluster.use != CLUSTER_STRANGER;
	mb->fit = n->replica && is_fit(m, mb);
	n->latency_us = check_latency_us(mb->check);
	picture_admin(mb, n->up || s->health == HEALTH_UNCHECKED);
}
