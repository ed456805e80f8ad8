/*
 * Deciding for a Redis Cluster: which of its primaries get new sessions, which
 * lose those that they have. A node refuses by itself what it may not do, so
 * nothing here has to be waited for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "health/check.h"
#include "health/member.h"
#include "health/shards.h"
#include "health/watch.h"

/* The state of a member. */
static const struct server_state *
state(const struct member *mb)
{
	return check_state(mb->check);
}

/* Is it in cluster mode? While INFO server is not answered it is what it was.
 */
static bool
in_cluster(const struct member *mb)
{
	const struct observation *k = &state(mb)->known;

	if (k->run_id[0] == '\0')
		return mb->cluster.use != CLUSTER_UNKNOWN &&
		       mb->cluster.use != CLUSTER_STRANGER;
	return k->cluster;
}

/*
 * Is it one?
 */

/* What the servers that answer say; what was, if none does. */
static bool
is_cluster(const struct members *m, const struct group *g)
{
	bool answers = false;
	size_t i;

	for (i = 0; i < m->n; i++) {
		const struct member *mb = m->list[i];

		if (mb == NULL || mb->group != g || mb->cs == NULL ||
		    state(mb)->health != HEALTH_UP ||
		    state(mb)->role == ROLE_UNKNOWN)
			continue;
		if (in_cluster(mb))
			return true;
		answers = true;
	}
	return g->cluster && !answers;
}

/* Nobody is known to take writes; who did so far loses its sessions. */
static void
begin_anew(struct members *m, struct group *g)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		struct member *mb = m->list[i];

		if (mb == NULL || mb->group != g)
			continue;
		if (mb->id == g->writer || cluster_is_primary(mb->cluster.use))
			member_close_sessions(mb, CLOSE_FENCED);
		mb->fenced = false;
		mb->cluster.use = CLUSTER_UNKNOWN;
		mb->cluster.shard = -1;
	}
	memset(&g->history, 0, sizeof(g->history));
	memset(&g->verdict, 0, sizeof(g->verdict));
	g->writer = g->history.incumbent = g->verdict.writer = -1;
	g->history.epoch = -1;
	watch_reset(g, -1, false);
}

bool
shards_detect(struct members *m, struct group *g)
{
	bool cluster = is_cluster(m, g);

	if (cluster == g->cluster)
		return false;
	if (cluster)
		log_info("backend %s: a Redis Cluster: every primary takes "
			 "writes",
		    g->name);
	else
		log_warn("backend %s: not a Redis Cluster any more", g->name);
	begin_anew(m, g);
	g->cluster = cluster;
	return true;
}

/*
 * What its servers may do.
 */

/* Since when does a primary refuse, by its cluster_state? Says so once. */
static void
note_refusal(struct member *mb)
{
	const struct observation *k = &state(mb)->known;
	bool refuses = in_cluster(mb) && k->role == ROLE_PRIMARY &&
		       k->run_id[0] != '\0' && !k->cluster_ok;

	if (refuses == (mb->cluster.refuses_since != 0))
		return;
	mb->cluster.refuses_since = refuses ? k->at : 0;
	log_line(refuses ? LEVEL_WARN : LEVEL_INFO,
	    "server %s/%s: cluster_state is %s", mb->group->name, mb->name,
	    refuses ? "not ok" : "ok");
}

/* Has it refused for so long that its clients are better off elsewhere? */
static bool
refuses_for_long(const struct member *mb)
{
	const struct conf_backend *cb = mb->group->cb;

	return cb != NULL && cb->fence != FENCE_OFF &&
	       mb->cluster.refuses_since != 0 &&
	       clock_ms() - mb->cluster.refuses_since >= cb->fence_after;
}

/* One member as cluster.c sees it. */
static struct cluster_server
view_of(const struct member *mb, const int *index)
{
	const struct server_state *s = state(mb);
	const struct observation *k = &s->known;
	struct cluster_server v = {.led_by = -1};

	v.up = s->health == HEALTH_UP && !mb->duplicate;
	v.loading = s->last.result == PROBE_LOADING;
	v.maintenance = mb->admin.state == ADMIN_MAINT;
	v.member = in_cluster(mb);
	v.ok = k->cluster_ok;
	v.refuses = v.up && refuses_for_long(mb);
	v.role = s->role;
	v.replid = k->replid;
	v.replid2 = k->replid2;
	v.addr = check_addr(mb->check);
	v.primary_host = k->primary_host;
	v.primary_port = k->primary_port;
	if (mb->cluster.shard >= 0)
		v.led_by = index[mb->cluster.shard];
	return v;
}

/* Why a server may not be written to any more. */
static const char *
why_deposed(const struct member *mb)
{
	switch (mb->cluster.use) {
	case CLUSTER_REPLICA:
		return "is a replica now";
	case CLUSTER_FENCED:
		break;
	default:
		return "is not in cluster mode";
	}
	if (mb->admin.state == ADMIN_MAINT)
		return "is in maintenance";
	return mb->cluster.refuses_since != 0 ? "has cluster_state not ok"
					      : "has been replaced";
}

/* A primary is none any more, or serves none: its sessions are closed. */
static void
depose(const struct members *m, struct member *mb)
{
	unsigned closed = m->sessions(mb->id, m->arg);

	mb->group->counts.fences[CAUSE_CLUSTER]++;
	member_close_sessions(
	    mb, mb->admin.state == ADMIN_MAINT ? CLOSE_MAINT : CLOSE_FENCED);
	if (closed > 0)
		log_warn("backend %s: %s %s: fenced, %u sessions closed",
		    mb->group->name, mb->name, why_deposed(mb), closed);
}

/* A shard has another primary. */
static void
record_election(
    struct members *m, const struct member *mb, int from, int64_t evidence_at)
{
	struct decision *d =
	    member_decision(m, mb->group, from, mb->id, evidence_at);
	struct log_fields f;

	d->action = WRITER_SWITCH;
	d->cause = CAUSE_ELECTED;
	log_event(LEVEL_WARN, "writer", member_decision_fields(d, &f),
	    "backend %s: writer %s -> %s: %s (%s); %lld ms, %u clients held",
	    d->backend, d->from, d->to, writer_cause_str(d->cause),
	    writer_cause_rule(d->cause), (long long)d->took_ms, d->held);
}

/* Take what was found out about a member. */
static void
take_use(struct members *m, struct member *mb, enum cluster_use use, int shard,
    int64_t evidence_at)
{
	const struct cluster_member was = mb->cluster;

	mb->cluster.use = use;
	mb->cluster.shard = shard;
	mb->fenced = use == CLUSTER_FENCED;
	if (cluster_is_primary(was.use) && !cluster_is_primary(use))
		depose(m, mb);
	if (use == CLUSTER_STRANGER && was.use != use)
		log_warn("backend %s: %s is not in cluster mode, but others "
			 "are: it serves nobody here; put it into a backend "
			 "of its own",
		    mb->group->name, mb->name);
	if (shard == mb->id && was.shard >= 0 && was.shard != shard &&
	    m->list[was.shard] != NULL)
		record_election(m, mb, was.shard, evidence_at);
}

/* Probe often where a shard waits for a primary. */
static void
pace_checks(const struct members *m, const struct group *g)
{
	bool hurry;
	size_t i;
	int shard;

	for (i = 0; i < m->n && g->cb != NULL; i++) {
		if (m->list[i] == NULL || m->list[i]->group != g)
			continue;
		shard = m->list[i]->cluster.shard;
		hurry = shard >= 0 && m->list[shard] != NULL &&
			m->list[shard]->cluster.use != CLUSTER_WRITES;
		member_pace(m, m->list[i], hurry ? g->cb->check_fast : 0);
	}
}

void
shards_evaluate(struct members *m, struct group *g, int64_t evidence_at)
{
	struct cluster_server views[CONF_SERVERS_MAX];
	int ids[CONF_SERVERS_MAX], index[CONF_SERVERS_MAX], leader;
	size_t i, n = 0;

	for (i = 0; i < m->n; i++) {
		index[i] = -1;
		if (m->list[i] == NULL || m->list[i]->group != g)
			continue;
		index[i] = (int)n;
		ids[n++] = (int)i;
	}
	for (i = 0; i < n; i++) {
		note_refusal(m->list[ids[i]]);
		views[i] = view_of(m->list[ids[i]], index);
	}
	for (i = 0; i < n; i++) {
		leader = cluster_leader(views, n, i);
		take_use(m, m->list[ids[i]],
		    cluster_use(&views[i], leader == (int)i),
		    leader < 0 ? -1 : ids[leader], evidence_at);
	}
	g->verdict.cause = CAUSE_CLUSTER;
	pace_checks(m, g);
}

/*
 * Reading.
 */

/* The member that leads the shard of another; NULL if none does. */
static const struct member *
leader_of(const struct members *m, const struct member *mb)
{
	return mb->cluster.shard < 0 ? NULL : m->list[mb->cluster.shard];
}

const struct server_state *
shards_sure_primary(const struct members *m, const struct member *mb)
{
	const struct member *leader = leader_of(m, mb);
	const struct server_state *s = leader == NULL ? NULL : state(leader);

	if (s == NULL || !cluster_is_primary(leader->cluster.use) ||
	    s->health != HEALTH_UP || s->bad > 0)
		return NULL;
	return s;
}

const struct lag_history *
shards_offsets(const struct members *m, const struct member *mb)
{
	const struct member *leader = leader_of(m, mb);

	return leader == NULL ? NULL : leader->cluster.offsets;
}

void
shards_note_offsets(struct members *m, struct group *g)
{
	const struct server_state *s;
	size_t i;

	for (i = 0; i < m->n; i++) {
		struct member *mb = m->list[i];

		if (mb == NULL || mb->group != g ||
		    !cluster_is_primary(mb->cluster.use))
			continue;
		s = state(mb);
		if (s->known.replid[0] == '\0')
			continue;
		if (mb->cluster.offsets == NULL)
			mb->cluster.offsets =
			    xcalloc(1, sizeof(*mb->cluster.offsets));
		lag_note(mb->cluster.offsets, mb->id, &s->known);
	}
}

bool
shards_summary(
    const struct members *m, const struct group *g, struct cluster_summary *sum)
{
	bool counted[CONF_SERVERS_MAX] = {false};
	size_t i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < m->n; i++) {
		const struct member *mb = m->list[i], *leader;

		if (mb == NULL || mb->group != g || mb->cs == NULL)
			continue;
		if (in_cluster(mb) && state(mb)->health == HEALTH_UP) {
			sum->nodes++;
			sum->ok += state(mb)->known.cluster_ok;
		}
		leader = leader_of(m, mb);
		if (leader == NULL || counted[leader->id])
			continue;
		counted[leader->id] = true;
		sum->shards++;
		sum->led += state(leader)->health == HEALTH_UP &&
			    state(leader)->role == ROLE_PRIMARY;
	}
	return g->cluster;
}

void
shards_forget(struct members *m, struct member *mb)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (m->list[i] != NULL && m->list[i]->cluster.shard == mb->id)
			m->list[i]->cluster.shard = -1;
	}
	free(mb->cluster.offsets);
	mb->cluster.offsets = NULL;
}
