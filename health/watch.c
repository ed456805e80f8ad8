/*
 * Evidence about one backend's writer. All of it carries whom it is about: what
 * names another server, by run id or else by address, is not about this one.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "health/check.h"
#include "health/sentinels.h"
#include "health/watch.h"

#define VOTE_AGE_MS    1000  /* of a Sentinel's answer that counts as witness */
#define VOTE_RTT_MS    500   /* that it may have taken */
#define VERDICT_AGE_MS 2000  /* of one that counts for the verdict */
#define HELLO_AGE_MS   5000  /* they come every two seconds */
#define HELLO_EVERY_MS 3000  /* or a little later */
#define LEADER_MS      1500  /* a leading Sentinel may be silent so long */
#define LISTEN_MS      2500  /* by then a Sentinel would have been heard */
#define SETTLE_MS      1000  /* a replica out of sight for less is no matter */
#define RUN_ID_AGE_MS  60000 /* of one that still tells where a server is */

void
watch_init(struct watch *w)
{
	w->verdict.named = SERVER_UNKNOWN;
	w->verdict.epoch = -1;
	w->promoted = w->writer = w->handover = -1;
	w->began = clock_ms();
}

void
watch_reset(struct group *g, int writer, bool provisional)
{
	struct watch *w = &g->watch;
	int64_t now = clock_ms();

	w->writer = writer;
	w->replid[0] = '\0';
	w->probed_at = w->offset = w->moved_at = w->replica_at = 0;
	w->followed = w->kept_up = w->unseen_since = 0;
	w->standstill = 0;
	memset(w->acked, 0, sizeof(w->acked));
	witness_reset(&w->witness, provisional, now);
}

void
watch_forget(struct group *g, int id)
{
	struct watch *w = &g->watch;

	if (w->writer == id)
		watch_reset(g, -1, false);
	if (w->promoted == id)
		w->promoted = -1;
	if (w->verdict.named == id)
		w->verdict.named = SERVER_UNKNOWN;
	if (w->failover.phase != FAILOVER_NONE && w->failover.successor == id)
		w->failover.phase = FAILOVER_NONE;
}

/*
 * Whom do they mean?
 */

/* The state of a member. */
static const struct server_state *
state(const struct member *mb)
{
	return check_state(mb->check);
}

/* What the Sentinels know as the run id of the server there; "" nothing. */
static const char *
run_id_at(const struct sentinels *all, const struct place *place)
{
	const struct sentinel_view *v;
	struct sentinels_one one;
	size_t i, j;

	for (i = 0; sentinels_get(all, i, &one); i++) {
		if (one.sentinel == NULL)
			continue;
		v = sentinel_view(one.sentinel);
		if (clock_ms() - v->at > RUN_ID_AGE_MS)
			continue;
		if (place_equal(&v->watched.place, place) &&
		    v->watched.run_id[0] != '\0')
			return v->watched.run_id;
		for (j = 0; j < v->nreplicas; j++) {
			if (place_equal(&v->replicas[j].place, place) &&
			    v->replicas[j].run_id[0] != '\0')
				return v->replicas[j].run_id;
		}
	}
	return "";
}

/* Is the member at this place, by its address (family 0: it is a name) or by
 * its name? */
static bool
is_at(
    const struct member *mb, const struct place *place, const struct addr *addr)
{
	return (addr->family != 0 && addr_equal(addr, check_addr(mb->check))) ||
	       check_is_host(mb->check, place->host, place->port);
}

/* Of two members that fit, the one that is in use and answers. */
static int
better(const struct members *m, int a, int b)
{
	if (a < 0 || (m->list[a]->cs == NULL && m->list[b]->cs != NULL))
		return b;
	if (state(m->list[a])->health != HEALTH_UP &&
	    state(m->list[b])->health == HEALTH_UP && m->list[b]->cs != NULL)
		return b;
	return a;
}

int
watch_map(
    const struct members *m, const struct group *g, const struct place *place)
{
	const char *run_id = run_id_at(g->watch.sentinels, place);
	int by_id = -1, by_place = -1;
	const struct member *mb;
	struct addr addr;

	if (addr_parse_ip(place->host, place->port, &addr) != 0)
		addr.family = 0;
	TAILQ_FOREACH (mb, &g->members, in_group) {
		if (run_id[0] != '\0' &&
		    strcmp(state(mb)->known.run_id, run_id) == 0)
			by_id = better(m, by_id, mb->id);
		if (is_at(mb, place, &addr))
			by_place = better(m, by_place, mb->id);
	}
	return by_id >= 0 ? by_id : by_place;
}

/*
 * Who follows the writer.
 */

/* A replica with the lineage of the writer? */
static bool
is_of_lineage(const struct watch *w, const struct member *mb)
{
	const struct observation *k = &state(mb)->known;

	return k->role == ROLE_REPLICA && w->replid[0] != '\0' &&
	       strcmp(k->replid, w->replid) == 0;
}

/* What the writer tells of itself and of its replicas. */
static void
probed_writer(struct watch *w, const struct observation *o)
{
	const struct observed_replica *r;
	size_t i;

	if (strcmp(w->replid, o->replid) != 0) {
		snprintf(w->replid, sizeof(w->replid), "%s", o->replid);
		w->standstill = 0;
	} else if (w->moved_at >= w->probed_at) {
		w->standstill = 0;
	} else if (o->offset > w->offset && w->replica_at >= w->probed_at) {
		/* Some replica that says it is linked was asked meanwhile. */
		w->standstill++;
	}
	w->probed_at = o->at;
	w->offset = o->offset;
	for (i = 0; i < o->nlist; i++) {
		r = &o->list[i];
		if (r->online && (r->lag_s == 0 || r->offset > w->acked[i]))
			w->followed = o->at;
		w->acked[i] = r->offset;
	}
}

/* A replica tells how far it is: up to when has it kept up? */
static void
probed_replica(struct group *g, const struct observation *o, int64_t before)
{
	struct watch *w = &g->watch;
	struct lag lag = lag_of(&g->lag, o);

	if (o->link_up && !o->syncing)
		w->replica_at = o->at;
	if (o->replica_offset > before)
		w->moved_at = o->at;
	if (lag.ms >= 0 && o->at - lag.ms > w->kept_up)
		w->kept_up = o->at - lag.ms;
	if (w->kept_up > w->followed)
		w->followed = w->kept_up;
}

void
watch_probed(struct member *mb)
{
	const struct server_state *s = state(mb);
	struct watch *w = &mb->group->watch;

	if (!probe_result_has_role(s->last.result))
		return;
	if (w->writer >= 0 && mb->id == w->writer && s->role == ROLE_PRIMARY)
		probed_writer(w, &s->last);
	else if (w->writer >= 0 && is_of_lineage(w, mb))
		probed_replica(mb->group, &s->last, mb->last_offset);
	mb->last_offset = s->last.replica_offset;
}

/* Could this replica of the writer be promoted without our seeing it, or is it
 * about to be? One that is dead, or gets its data from the writer, is not. */
static bool
is_loose(const struct watch *w, const struct member *mb)
{
	const struct server_state *s = state(mb);

	if (mb->id == w->writer || !is_of_lineage(w, mb))
		return false;
	if (s->health == HEALTH_UP && s->bad == 0)
		return !s->known.syncing && s->last.result != PROBE_LOADING;
	return s->last.result != PROBE_REFUSED &&
	       s->last.result != PROBE_CLOSED;
}

/* Since when is some replica loose? 0: none is. */
static void
update_unseen(struct group *g, int64_t now)
{
	struct watch *w = &g->watch;
	const struct member *mb;
	bool loose = false;

	TAILQ_FOREACH (mb, &g->members, in_group)
		loose |= is_loose(w, mb);
	if (!loose)
		w->unseen_since = 0;
	else if (w->unseen_since == 0)
		w->unseen_since = now;
}

/*
 * The Sentinels.
 */

/* Whom each of them names. Returns how many there are. */
static size_t
collect_sources(const struct members *m, const struct group *g, int64_t now,
    struct verdict_source *out)
{
	const struct sentinel_view *v;
	struct sentinels_one one;
	size_t n = 0;

	for (; sentinels_get(g->watch.sentinels, n, &one); n++) {
		struct verdict_source *s = &out[n];

		memset(s, 0, sizeof(*s));
		v = one.sentinel == NULL ? NULL : sentinel_view(one.sentinel);
		if (v != NULL && v->at != 0 && v->knows &&
		    now - v->at <= VERDICT_AGE_MS) {
			s->asked = true;
			s->named = watch_map(m, g, &v->primary);
			s->epoch = v->epoch;
		}
		/* Whoever may PUBLISH can invent one: if any ever answered,
		 * only such are heard. */
		if (one.hello != NULL && now - one.hello_at <= HELLO_AGE_MS &&
		    (one.answered ||
			!sentinels_answered_ever(g->watch.sentinels))) {
			s->heard = true;
			s->hello_named = watch_map(m, g, &one.hello->primary);
			s->hello_epoch = one.hello->epoch;
		}
	}
	return n;
}

/* Is it a primary that continues the incumbent's data? */
static bool
is_heir(const struct group *g, const struct member *mb)
{
	const struct server_state *s = state(mb);
	const char *replid = g->history.replid;

	return mb->id != g->history.incumbent && g->history.incumbent >= 0 &&
	       s->health == HEALTH_UP && s->bad == 0 &&
	       s->role == ROLE_PRIMARY && replid[0] != '\0' &&
	       (strcmp(s->known.replid2, replid) == 0 ||
		   strcmp(s->known.replid, replid) == 0);
}

/* What the Sentinels say by now. */
static void
update_verdict(const struct members *m, struct group *g, int64_t now)
{
	struct verdict_source sources[SENTINELS_MAX];
	struct watch *w = &g->watch;
	bool heirs[CONF_SERVERS_MAX] = {false}, was = w->verdict.hint;
	int64_t epoch = w->verdict.epoch;
	size_t n = collect_sources(m, g, now, sources);
	const struct member *mb;

	TAILQ_FOREACH (mb, &g->members, in_group)
		heirs[mb->id] = is_heir(g, mb);
	verdict_update(&w->verdict, sources, n, sentinels_known(w->sentinels),
	    heirs, m->n, now);
	/* Sentinels that were made anew count from 0 again. */
	if (w->verdict.epoch < epoch)
		w->failover.last_used = 0;
	if (w->verdict.hint && !was)
		sentinels_ask(w->sentinels);
}

/* The one primary that continues the incumbent's data; -1 none, or several. */
static int
only_heir(const struct group *g)
{
	const struct member *mb;
	int heir = -1;

	TAILQ_FOREACH (mb, &g->members, in_group) {
		if (!is_heir(g, mb))
			continue;
		if (heir >= 0)
			return -1;
		heir = mb->id;
	}
	return heir;
}

/* An event may be missed, or not be ours to hear: a Sentinel that says that it
 * is failing over has selected the replica that is a primary now. */
static void
notice_failover(struct group *g, int64_t now)
{
	struct watch *w = &g->watch;
	struct sentinels_one one;
	int heir = only_heir(g);
	size_t i;

	for (i = 0; heir >= 0 && sentinels_get(w->sentinels, i, &one); i++) {
		if (one.sentinel == NULL ||
		    !sentinel_view(one.sentinel)->failing_over ||
		    now - sentinel_view(one.sentinel)->at > VOTE_AGE_MS ||
		    !failover_select(&w->failover, heir,
			sentinel_id(one.sentinel), sentinel_epoch(one.sentinel),
			w->verdict.epoch, now))
			continue;
		log_info("backend %s: sentinel %s:%u is failing over, and %s "
			 "is a primary now",
		    g->name, one.place.host, one.place.port,
		    g->all->list[heir]->name);
	}
}

/* What they do by now. */
static void
update_failover(const struct members *m, struct group *g, int64_t now)
{
	struct watch *w = &g->watch;
	struct failover_news news = {.now = now, .verdict = w->verdict.epoch};
	const struct sentinel *leader;
	const struct member *x;
	enum failover_end end;

	if (w->failover.phase == FAILOVER_NONE)
		notice_failover(g, now);
	if (w->failover.phase == FAILOVER_NONE)
		return;
	x = w->failover.successor < 0 ? NULL : m->list[w->failover.successor];
	leader = sentinels_find(w->sentinels, w->failover.leader);
	news.leader_alive = leader != NULL && sentinel_alive(leader, LEADER_MS);
	news.primary = x != NULL && state(x)->role == ROLE_PRIMARY;
	news.confirmed =
	    w->verdict.epoch >= 0 && w->verdict.named == w->failover.successor;
	end = failover_update(&w->failover, &news);
	if (end == FAILOVER_GOES_ON)
		return;
	log_info("backend %s: the failover to %s has ended: %s", g->name,
	    x == NULL ? "a server that is not here" : x->name,
	    failover_end_str(end));
}

/* How each Sentinel hears the writer. */
static size_t
collect_votes(const struct members *m, const struct group *g, int64_t now,
    struct witness_vote *out)
{
	const struct watch *w = &g->watch;
	const struct sentinel_view *v;
	struct sentinels_one one;
	size_t n = 0;

	for (; sentinels_get(w->sentinels, n, &one); n++) {
		memset(&out[n], 0, sizeof(out[n]));
		v = one.sentinel == NULL ? NULL : sentinel_view(one.sentinel);
		if (v == NULL || !v->knows || v->tilt || v->disconnected ||
		    v->ok_ping < 0 || v->rtt >= VOTE_RTT_MS ||
		    watch_map(m, g, &v->watched.place) != w->writer)
			continue;
		out[n].counts = now - v->at <= VOTE_AGE_MS;
		out[n].pong_at = v->at - v->ok_ping;
		out[n].blocked =
		    check_blocked(m->list[w->writer]->check, out[n].pong_at);
	}
	return n;
}

/* Does the rest of the world still hear the writer? */
static void
update_witness(const struct members *m, struct group *g, int64_t now)
{
	struct watch *w = &g->watch;
	struct witness_vote votes[SENTINELS_MAX];
	const struct witness_rules *rules = &g->rules;
	struct witness_news news = {.now = now, .votes = votes};

	if (!g->history.provisional)
		w->witness.provisional = false;
	if (w->writer < 0) {
		w->worried = false;
		return;
	}
	update_unseen(g, now);
	news.nvotes = collect_votes(m, g, now, votes);
	news.known = sentinels_known(w->sentinels);
	news.greet = sentinels_greet(
	    w->sentinels, g->rules.fence_after + HELLO_EVERY_MS);
	news.followed = w->followed;
	news.kept_up = w->kept_up;
	news.blocked = check_blocked(m->list[w->writer]->check, w->followed);
	news.unseen =
	    w->unseen_since != 0 && now - w->unseen_since >= SETTLE_MS;
	news.standstill = w->standstill;
	witness_update(&w->witness, rules, &news);
	w->worried = witness_worried(&w->witness, rules, &news);
}

/* These are other Sentinels, or they speak of another master: what the old ones
 * said and did is about nothing any more. */
static void
forget_verdict(struct watch *w)
{
	memset(&w->verdict, 0, sizeof(w->verdict));
	w->verdict.named = SERVER_UNKNOWN;
	w->verdict.epoch = -1;
	memset(&w->failover, 0, sizeof(w->failover));
	w->began = clock_ms();
	w->era = sentinels_era(w->sentinels);
}

struct writer_evidence
watch_update(const struct members *m, struct group *g)
{
	struct watch *w = &g->watch;
	struct writer_evidence ev = {
	    .named = -1, .epoch = -1, .successor = -1, .promoted = -1};
	int64_t now = clock_ms();

	if (w->era != sentinels_era(w->sentinels))
		forget_verdict(w);
	update_verdict(m, g, now);
	update_failover(m, g, now);
	update_witness(m, g, now);
	ev.strict = g->rules.fence == FENCE_STRICT;
	ev.pending = sentinels_pending(w->sentinels);
	ev.listening =
	    sentinels_known(w->sentinels) == 0 && now - w->began < LISTEN_MS;
	ev.fresh = w->verdict.fresh;
	ev.named = w->verdict.named;
	ev.epoch = w->verdict.epoch;
	ev.mapped = w->verdict.mapped;
	ev.hearsay = !sentinels_answered_ever(w->sentinels);
	ev.failing = w->failover.phase != FAILOVER_NONE;
	if (ev.failing)
		ev.successor = w->failover.successor;
	ev.unwitnessed = w->writer >= 0 && w->witness.reason != WITNESS_FINE;
	ev.promoted = w->promoted;
	ev.handover = w->handover >= 0 && w->handover == g->history.incumbent;
	if (ev.named >= 0 && m->list[ev.named] == NULL)
		ev.named = -1;
	return ev;
}

/* A successor is selected. */
static bool
selected(const struct members *m, struct group *g, const struct sentinel *s,
    const struct place *place)
{
	struct watch *w = &g->watch;
	char addr[ADDR_STR_MAX];
	int x = watch_map(m, g, place);

	/* To one that is not here: the writer loses the writes all the same, if
	 * these Sentinels do name servers of ours. */
	if ((x < 0 && !w->verdict.mapped) ||
	    (x >= 0 && x == g->history.incumbent && !g->history.fenced) ||
	    !failover_select(&w->failover, x, sentinel_id(s), sentinel_epoch(s),
		w->verdict.epoch, clock_ms()))
		return false;
	log_info("backend %s: sentinel %s has selected %s as the new primary",
	    g->name, addr_str(sentinel_addr(s), addr),
	    x < 0 ? "a server that is not configured here" : m->list[x]->name);
	return true;
}

bool
watch_event(const struct members *m, struct group *g, const struct sentinel *s,
    const struct sentinel_event *e)
{
	struct watch *w = &g->watch;
	enum failover_end end;

	switch (e->kind) {
	case EVENT_SELECTED:
		return selected(m, g, s, &e->place);
	case EVENT_ABORTED:
		w->aborted_at = clock_ms();
		end = failover_abort(&w->failover, sentinel_id(s), clock_ms());
		if (end == FAILOVER_GOES_ON)
			return false;
		log_info("backend %s: the failover has ended: %s", g->name,
		    failover_end_str(end));
		return true;
	default:
		/* Whatever it is, the others know more. */
		sentinels_ask(w->sentinels);
		return false;
	}
}

const char *
watch_explain(
    const struct group *g, enum writer_cause cause, char *buf, size_t size)
{
	const struct watch *w = &g->watch;
	const struct verdict *v = &w->verdict;

	buf[0] = '\0';
	switch (cause) {
	case CAUSE_VERDICT:
	case CAUSE_AWAITED:
	case CAUSE_STRANGER:
		snprintf(buf, size, "Sentinel epoch %lld, %u of %u Sentinels",
		    (long long)v->epoch, v->agree, v->known);
		break;
	case CAUSE_UNWITNESSED:
		snprintf(buf, size, "%s: %u of %u Sentinels hear it",
		    witness_reason_str(w->witness.reason), w->witness.hear,
		    w->witness.known);
		break;
	case CAUSE_FAILOVER:
	case CAUSE_SELECTED:
		snprintf(buf, size, "after Sentinel epoch %lld",
		    (long long)w->failover.epoch);
		break;
	default:
		break;
	}
	return buf;
}
