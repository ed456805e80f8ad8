/*
 * The only writer of truth about servers. It holds the standing checks, the
 * groups (a backend's servers and what was decided about them) and publishes a
 * snapshot at every change. What one answer means lives in role.c, who may
 * write in writer.c.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/resolve.h"
#include "health/check.h"
#include "health/discover.h"
#include "health/duty.h"
#include "health/group.h"
#include "health/hlines.h"
#include "health/member.h"
#include "health/monitor.h"
#include "health/monitoring.h"
#include "health/outcome.h"
#include "health/publisher.h"
#include "health/sentinels.h"
#include "health/shards.h"
#include "health/switchover.h"
#include "health/watch.h"

#define TICK_MS        100 /* lease, late workers, retired servers */
#define TICKS_A_SECOND (1000 / TICK_MS)
#define LEASE_MS       500 /* a published snapshot holds so long after a tick */
#define ANSWER_MS      1000 /* that Sentinels have to answer after a stall */
#define LATE_LOG_MS    1000 /* a late worker is named so often */

static void monitor_tick_cb(evutil_socket_t, short, void *);
static void monitor_checked_cb(
    struct duty *, const struct role_change *, bool, void *);
static void monitor_hello_cb(struct duty *, const struct hello *, void *);
static bool group_maps_cb(const struct place *, void *);
static void group_changed_cb(void *);
static void group_event_cb(
    const struct sentinel *, const struct sentinel_event *, void *);

struct monitor *
monitor_new(struct event_base *base, const struct monitor_ops *ops)
{
	struct monitor *m = xcalloc(1, sizeof(*m));
	const struct duty_ops duty_ops = {
	    .checked = monitor_checked_cb, .heard = monitor_hello_cb, .arg = m};
	struct timeval tv = {0, TICK_MS * 1000};

	m->base = base;
	m->ops = *ops;
	m->all.monitor = m;
	m->publisher = publisher_new(&m->all, ops->publish, ops->arg);
	m->all.seen = ops->seen;
	m->all.closed = ops->closed;
	m->all.sessions = ops->sessions;
	m->all.held = ops->held;
	m->all.arg = ops->arg;
	TAILQ_INIT(&m->all.groups);
	m->resolver = resolver_new(base);
	m->tick = event_new(base, -1, EV_PERSIST, monitor_tick_cb, m);
	if (m->resolver == NULL || m->tick == NULL)
		fatal("out of memory");
	m->duties = duties_new(base, m->resolver, &duty_ops);
	event_add(m->tick, &tv);
	m->last_tick = clock_ms();
	return m;
}

/* Free a member; its id is free again. */
static void
member_free(struct monitor *m, struct member *mb)
{
	watch_forget(mb->group, mb->id);
	shards_forget(&m->all, mb);
	TAILQ_REMOVE(&mb->group->members, mb, in_group);
	m->all.list[mb->id] = NULL;
	duty_release(mb->duty);
	admin_clear(&mb->admin);
	free(mb->name);
	free(mb->host);
	free(mb);
}

/* Free a group that has no members. */
static void
group_free(struct monitor *m, struct group *g)
{
	TAILQ_REMOVE(&m->all.groups, g, link);
	if (g->switchover != NULL)
		switchover_cancel(g->switchover);
	sentinels_free(g->watch.sentinels);
	free(g->name);
	free(g);
}

void
monitor_free(struct monitor *m)
{
	struct group *g;
	size_t i;

	for (i = 0; i < m->all.n; i++) {
		if (m->all.list[i] != NULL)
			member_free(m, m->all.list[i]);
	}
	while ((g = TAILQ_FIRST(&m->all.groups)) != NULL)
		group_free(m, g);
	publisher_free(m->publisher);
	duties_free(m->duties);
	resolver_free(m->resolver);
	event_free(m->tick);
	free(m);
}

/*
 * Configuration: matching what is there with what a new load names.
 */

static struct group *
group_find(struct monitor *m, const char *name)
{
	struct group *g;

	TAILQ_FOREACH (g, &m->all.groups, link) {
		if (strcmp(g->name, name) == 0)
			return g;
	}
	return NULL;
}

static struct group *
group_new(struct monitor *m, const char *name)
{
	struct group *g = xcalloc(1, sizeof(*g));
	const struct sentinels_ops ops = {.maps = group_maps_cb,
	    .changed = group_changed_cb,
	    .event = group_event_cb,
	    .arg = g};

	TAILQ_INIT(&g->members);
	g->name = xstrdup(name);
	g->all = &m->all;
	g->writer = g->history.incumbent = -1;
	g->history.epoch = -1;
	watch_init(&g->watch);
	g->watch.sentinels = sentinels_new(m->base, m->resolver, g->name, &ops);
	TAILQ_INSERT_TAIL(&m->all.groups, g, link);
	return g;
}

/* The member of that group whose entry had that host and port; of several the
 * one of that name. taken: also one that a server of this load has already. */
static struct member *
member_find(const struct group *g, const struct conf_server *cs, bool taken)
{
	struct member *mb, *found = NULL;

	TAILQ_FOREACH (mb, &g->members, in_group) {
		if (strcmp(mb->host, cs->host) != 0 || mb->port != cs->port ||
		    (mb->cs != NULL && !taken))
			continue;
		if (found == NULL || strcmp(mb->name, cs->name) == 0)
			found = mb;
	}
	return found;
}

/* Does the backend name that place before this server, too? */
static bool
is_again(const struct conf_backend *cb, const struct conf_server *cs)
{
	const struct conf_server *other;

	for (other = cb->servers; other < cs; other++) {
		if (strcmp(other->host, cs->host) == 0 &&
		    other->port == cs->port)
			return true;
	}
	return false;
}

/* A member with a free id. */
static struct member *
member_new(struct monitor *m, struct group *g)
{
	struct member *mb = xcalloc(1, sizeof(*mb));
	size_t id;

	for (id = 0; m->all.list[id] != NULL; id++)
		;
	mb->id = (int)id;
	mb->group = g;
	TAILQ_INSERT_TAIL(&g->members, mb, in_group);
	mb->cluster.shard = -1;
	m->all.list[id] = mb;
	if (id >= m->all.n)
		m->all.n = id + 1;
	return mb;
}

/* Does every server of conf find an id? */
static bool
ids_suffice(struct monitor *m, const struct conf *conf)
{
	const struct conf_backend *cb;
	const struct group *g;
	size_t need = 0, i;

	for (i = 0; i < m->all.n; i++)
		need += m->all.list[i] != NULL;
	for (cb = conf->backends; cb < conf->backends + conf->nbackends; cb++) {
		g = group_find(m, cb->name);
		for (i = 0; i < cb->nservers; i++) {
			if (g == NULL || is_again(cb, &cb->servers[i]) ||
			    member_find(g, &cb->servers[i], true) == NULL)
				need++;
		}
	}
	return need <= CONF_SERVERS_MAX;
}

/* Bring one server of the new load into its group. */
static void
adopt_server(struct monitor *m, struct group *g, struct conf_server *cs)
{
	struct member *mb = member_find(g, cs, false);
	/* One that comes back begins anew. */
	bool fresh = mb == NULL || mb->retired_at != 0;

	if (mb == NULL)
		mb = member_new(m, g);
	free(mb->name);
	free(mb->host);
	mb->name = xstrdup(cs->name);
	mb->host = xstrdup(cs->host);
	mb->port = cs->port;
	mb->cs = cs;
	admin_configure(&mb->admin, cs, fresh);
	/* An operator had moved it, and that is forgotten. */
	if (member_watch(m->duties, mb) && g->redis)
		group_moved(&m->all, mb, clock_ms());
	mb->retired_at = 0;
	cs->id = mb->id;
}

int
monitor_configure(struct monitor *m, struct conf *conf)
{
	struct group *g;
	struct member *mb;
	size_t i, j;

	if (!ids_suffice(m, conf))
		return -1;
	resolver_refresh(m->resolver);
	duties_load(m->duties);
	m->all.conf = conf;
	TAILQ_FOREACH (g, &m->all.groups, link)
		g->cb = NULL;
	for (i = 0; i < m->all.n; i++) {
		if (m->all.list[i] != NULL)
			m->all.list[i]->cs = NULL;
	}
	for (i = 0; i < conf->nbackends; i++) {
		struct conf_backend *cb = &conf->backends[i];

		g = group_find(m, cb->name);
		if (g == NULL)
			g = group_new(m, cb->name);
		g->cb = cb;
		g->redis = cb->check == CHECK_REDIS;
		g->rules.fence = cb->fence;
		g->rules.fast = cb->fence_fast;
		/* What is known of it may be one question old. */
		g->rules.fence_after = cb->fence_after - SENTINEL_ASK_MS;
		sentinels_configure(g->watch.sentinels, cb);
		for (j = 0; j < cb->nservers; j++)
			adopt_server(m, g, &cb->servers[j]);
	}
	for (i = 0; i < m->all.n; i++) {
		mb = m->all.list[i];
		if (mb != NULL && mb->cs == NULL && mb->retired_at == 0)
			mb->retired_at = m->all.generation + 1;
	}
	TAILQ_FOREACH (g, &m->all.groups, link) {
		g->changed = true;
		group_evaluate(&m->all, g, clock_ms());
	}
	/* The first lease: nobody is the writer yet. */
	if (m->all.generation == 0)
		m->ops.lease(clock_ms() + LEASE_MS, m->ops.arg);
	publisher_all(m->publisher, conf);
	return 0;
}

/* Is a retired server the writer still, of a backend that goes on? */
static bool
is_standing(const struct member *mb)
{
	const struct group *g = mb->group;

	return g->cb != NULL && g->redis && mb->id == g->writer;
}

/* Forget retired servers that no session is on, and groups without servers. */
static void
bury_retired(struct monitor *m, uint64_t seen)
{
	struct group *g, *next;
	struct member *mb;
	size_t i;

	for (i = 0; i < m->all.n; i++) {
		mb = m->all.list[i];
		if (mb == NULL || mb->retired_at == 0 ||
		    seen < mb->retired_at || is_standing(mb) ||
		    m->ops.sessions(mb->id, m->ops.arg) > 0)
			continue;
		if (mb->group->history.incumbent == mb->id) {
			mb->group->history.incumbent = -1;
			mb->group->history.fenced = false;
		}
		if (mb->group->writer == mb->id)
			mb->group->writer = -1;
		member_free(m, mb);
	}
	for (g = TAILQ_FIRST(&m->all.groups); g != NULL; g = next) {
		next = TAILQ_NEXT(g, link);
		if (g->cb == NULL && TAILQ_EMPTY(&g->members))
			group_free(m, g);
	}
}

/*
 * What happens: probes end, workers see, time passes.
 */

/* Is it another process, or at another place, than when duplicates were last
 * looked for? */
static bool
is_other(const struct member *mb)
{
	return mb->resolved_at != check_resolved_at(mb->check) ||
	       strcmp(mb->run_id, check_state(mb->check)->known.run_id) != 0;
}

/* What a check means for a health that an operator forced. */
static void
admin_checked(struct member *mb)
{
	const struct server_state *s = check_state(mb->check);
	const struct conf_backend *cb = mb->group->cb;

	if (cb != NULL && mb->cs != NULL)
		admin_check(&mb->admin, s->health == HEALTH_UP, s->bad == 0,
		    conf_timing(cb, mb->cs).rise, conf_timing(cb, mb->cs).fall);
}

static void
monitor_checked_cb(
    struct duty *duty, const struct role_change *change, bool moved, void *arg)
{
	struct monitor *m = arg;
	const struct check *c = duty_check(duty);
	int64_t at = check_state(c)->last.at;
	size_t i;

	for (i = 0; i < m->all.n; i++) {
		struct member *mb = m->all.list[i];

		if (mb == NULL || mb->duty != duty)
			continue;
		outcome_take(&m->all, mb, change, moved);
		admin_checked(mb);
		watch_probed(mb);
		mb->group->changed |= moved || change->health || change->role ||
				      change->restarted || change->result ||
				      is_other(mb);
		group_evaluate(&m->all, mb->group, at);
		hlines_update(&m->all, mb);
		if (mb->group->switchover != NULL)
			switchover_step(mb->group->switchover);
	}
	publisher_changes(m->publisher);
}

/* The Sentinels' hello, on some server: it is about the groups of that. */
static void
monitor_hello_cb(struct duty *duty, const struct hello *h, void *arg)
{
	struct monitor *m = arg;
	size_t i;

	for (i = 0; i < m->all.n; i++) {
		struct member *mb = m->all.list[i];

		if (mb != NULL && mb->duty == duty)
			sentinels_hello(mb->group->watch.sentinels, h,
			    watch_map(&m->all, mb->group, &h->primary) ==
				mb->id);
	}
}

static bool
group_maps_cb(const struct place *place, void *arg)
{
	struct group *g = arg;

	return watch_map(g->all, g, place) >= 0;
}

/* The Sentinels have said something new. */
static void
group_changed_cb(void *arg)
{
	struct group *g = arg;

	group_evaluate(g->all, g, clock_ms());
	if (g->switchover != NULL)
		switchover_step(g->switchover);
	publisher_changes(g->all->monitor->publisher);
}

static void
group_event_cb(
    const struct sentinel *s, const struct sentinel_event *e, void *arg)
{
	struct group *g = arg;

	if (watch_event(g->all, g, s, e))
		group_changed_cb(g);
}

/* Servers on which so many sessions in a row have failed. */
static void
note_failures(struct monitor *m)
{
	char words[96];
	size_t i;

	for (i = 0; i < m->all.n; i++) {
		const struct member *mb = m->all.list[i];

		if (mb == NULL || mb->cs == NULL || !mb->cs->observe ||
		    !m->ops.failing(mb->id, mb->cs->error_limit, m->ops.arg))
			continue;
		snprintf(words, sizeof(words),
		    "Detected %u consecutive errors, last one was: L4 "
		    "unsuccessful connection",
		    mb->cs->error_limit);
		check_fail(mb->check, mb->cs->on_error, words);
	}
}

void
monitor_seen(struct monitor *m)
{
	struct group *g;
	uint64_t seen = m->ops.seen(m->ops.arg);

	publisher_sweep(m->publisher, seen);
	note_failures(m);
	TAILQ_FOREACH (g, &m->all.groups, link) {
		if (seen >= g->fence_generation)
			group_fence_seen(&m->all, g);
		if (g->switchover != NULL)
			switchover_step(g->switchover);
	}
	publisher_changes(m->publisher);
}

/* Name workers that have not taken a fence for a second. */
static void
log_late(struct monitor *m, int64_t now)
{
	uint64_t seen = m->ops.seen(m->ops.arg);
	struct group *g;

	TAILQ_FOREACH (g, &m->all.groups, link) {
		if (!g->history.fenced || seen >= g->fence_generation ||
		    now - g->late_logged_at < LATE_LOG_MS)
			continue;
		g->late_logged_at = now;
		log_error("backend %s: a worker has not taken the fence for "
			  "%lld ms; the new writer waits for it",
		    g->name, (long long)(now - g->evidence_at));
	}
}

/* After a stall: ask every server and every Sentinel. */
static void
ask_again(struct monitor *m)
{
	struct group *g;

	duties_check_now(m->duties);
	TAILQ_FOREACH (g, &m->all.groups, link)
		sentinels_ask(g->watch.sentinels);
}

/* Have they answered that? Sentinels that do not are not waited for long. */
static bool
is_answered(const struct monitor *m, int64_t now)
{
	const struct group *g;

	TAILQ_FOREACH (g, &m->all.groups, link) {
		if (now - m->lease_needs < ANSWER_MS &&
		    !sentinels_fresh(g->watch.sentinels, m->lease_needs))
			return false;
	}
	/* Nor are servers that were in trouble before. */
	return duties_fresh(
	    m->duties, m->lease_needs, now - m->lease_needs < ANSWER_MS);
}

/* Renew the lease, unless this thread itself has been away: then everyone is
 * asked again first. */
static void
renew_lease(struct monitor *m, int64_t now)
{
	bool stalled = now - m->last_tick > LEASE_MS;

	if (stalled) {
		log_warn("the control thread was stopped for %lld ms: asking "
			 "everyone again before anything is written",
		    (long long)(now - m->last_tick));
		m->lease_needs = now;
	}
	m->last_tick = now;
	if (stalled)
		ask_again(m);
	else if (m->lease_needs != 0 && !is_answered(m, now))
		return;
	/* What the new answers led to must have reached every worker, too. */
	if (stalled || (m->lease_needs != 0 &&
			   m->ops.seen(m->ops.arg) < m->all.generation))
		return;
	m->lease_needs = 0;
	m->ops.lease(now + LEASE_MS, m->ops.arg);
}

static void
monitor_tick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct monitor *m = arg;
	struct group *g;
	int64_t now = clock_ms();

	(void)fd;
	(void)what;
	m->ticks++;
	renew_lease(m, now);
	note_failures(m);
	TAILQ_FOREACH (g, &m->all.groups, link) {
		hlines_update_all(&m->all, g);
		if (!g->redis)
			continue;
		if (m->ticks % TICKS_A_SECOND == 0)
			sentinels_tick(g->watch.sentinels);
		group_evaluate(&m->all, g, now);
		if (g->switchover != NULL)
			switchover_step(g->switchover);
	}
	log_late(m, now);
	bury_retired(m, m->ops.seen(m->ops.arg));
	publisher_changes(m->publisher);
}

/*
 * What an operator asks for.
 */

/* The backend of that name; NULL with an error. */
static struct group *
find_backend(struct monitor *m, const char *backend, char *error, size_t size)
{
	struct group *g = group_find(m, backend);

	if (g == NULL || g->cb == NULL)
		snprintf(error, size, "there is no backend '%.63s'", backend);
	else if (!g->redis)
		snprintf(error, size, "backend %s has no roles", backend);
	else
		return g;
	return NULL;
}

int
monitor_promote(struct monitor *m, const char *backend, const char *server,
    char *error, size_t size)
{
	struct group *g = find_backend(m, backend, error, size);
	const char *why;
	int promoted;

	if (g == NULL)
		return -1;
	why = group_promote(&m->all, g, server);
	if (why == NULL) {
		promoted = g->watch.promoted;
		group_changed_cb(g);
		if (g->writer == promoted || g->verdict.writer == promoted)
			return 0;
		g->watch.promoted = -1;
		why = writer_cause_str(g->verdict.cause);
	}
	snprintf(error, size, "%s", why);
	return -1;
}

int
monitor_switchover(struct monitor *m, const char *backend, const char *to,
    monitor_done_cb done, void *arg, char *error, size_t size)
{
	struct group *g = find_backend(m, backend, error, size);

	if (g == NULL)
		return -1;
	if (g->switchover != NULL) {
		snprintf(error, size, "one is under way already");
		return -1;
	}
	g->switchover =
	    switchover_start(m->base, &m->all, g, to, done, arg, error, size);
	if (g->switchover == NULL)
		return -1;
	group_changed_cb(g);
	return 0;
}

size_t
monitor_discover(struct monitor *m, struct discovery *out, size_t max)
{
	struct group *g;
	size_t n = 0;

	TAILQ_FOREACH (g, &m->all.groups, link)
		n += discover(&m->all, g, out + n, max - n);
	return n;
}

/*
 * Reading.
 */

bool
monitor_ready(const struct monitor *m)
{
	size_t i;

	for (i = 0; i < m->all.n; i++) {
		const struct member *mb = m->all.list[i];

		if (mb != NULL && mb->cs != NULL && mb->group->cb != NULL &&
		    !check_is_off(mb->check) &&
		    check_state(mb->check)->last.result == PROBE_NONE)
			return false;
	}
	return true;
}

struct monitor_server
monitor_server(const struct monitor *m, const struct conf_server *cs)
{
	return view_of(&m->all, m->all.list[cs->id]);
}

const struct conf_frontend *
monitor_branch(const struct monitor *m, const struct conf_frontend *fe)
{
	return publisher_branch(m->publisher, fe);
}

/* The group of a backend of the running configuration; NULL none. */
static const struct group *
group_of(const struct monitor *m, const struct conf_backend *cb)
{
	const struct group *g;

	TAILQ_FOREACH (g, &m->all.groups, link) {
		if (g->cb == cb)
			break;
	}
	return g;
}

const struct conf_server *
monitor_writer(const struct monitor *m, const struct conf_backend *cb,
    struct writer_verdict *why)
{
	const struct group *g = group_of(m, cb);

	if (g == NULL)
		return NULL;
	if (why != NULL)
		*why = g->verdict;
	return g->writer < 0 ? NULL : m->all.list[g->writer]->cs;
}

bool
monitor_cluster(const struct monitor *m, const struct conf_backend *cb,
    struct cluster_summary *sum)
{
	const struct group *g = group_of(m, cb);

	return g != NULL && shards_summary(&m->all, g, sum);
}

uint64_t
monitor_decisions(const struct monitor *m)
{
	return m->all.ndecisions;
}

const struct writer_counts *
monitor_counts(const struct monitor *m, const struct conf_backend *cb)
{
	return &group_of(m, cb)->counts;
}

const struct decision *
monitor_decision(const struct monitor *m, size_t i)
{
	if (i >= m->all.ndecisions || i >= MONITOR_DECISIONS)
		return NULL;
	return &m->all
		    .decisions[(m->all.ndecisions - 1 - i) % MONITOR_DECISIONS];
}

bool
monitor_sentinel(const struct monitor *m, const struct conf_backend *cb,
    size_t i, struct report_sentinel *out)
{
	const struct group *g = group_of(m, cb);

	return g != NULL && report_sentinel(&m->all, g, i, out);
}

struct report_watch
monitor_watch(const struct monitor *m, const struct conf_backend *cb)
{
	return report_watch(&m->all, group_of(m, cb));
}

uint64_t
monitor_generation(const struct monitor *m)
{
	return m->all.generation;
}
