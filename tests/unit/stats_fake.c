/*
 * The made-up monitor and source: whatever is in `w`, nothing else.
 */
#include <string.h>

#include "base/clock.h"
#include "stats-ui/history.h"
#include "tests/unit/stats_fake.h"

static char name_primary[] = "redis-1", name_second[] = "redis-2";
static char name_evil[] = "<b>\"&'\xff";
static char host[] = "10.0.0.1", backend_name[] = "redis";
static char write_name[] = "write", read_name[] = "read";
static char uri[] = "/stats", stats_name[] = "stats";
static char realm[] = "so \"what\"";

struct fake w;

struct monitor_server
monitor_server(const struct monitor *m, const struct conf_server *cs)
{
	struct monitor_server ms = {0};

	(void)m;
	ms.conf = cs;
	ms.state = &w.states[cs->id];
	ms.now = &w.now[cs->id];
	ms.writer = cs->id == w.writer || w.uses[cs->id] == CLUSTER_WRITES ||
		    w.uses[cs->id] == CLUSTER_WAITS;
	ms.fenced = w.fenced[cs->id];
	ms.maintenance = w.maintenance[cs->id];
	ms.use = w.uses[cs->id];
	ms.shard = w.shards[cs->id];
	ms.fit = !w.unfit[cs->id];
	ms.lagging = w.lagging[cs->id];
	ms.lag = w.lag[cs->id];
	ms.weight = cs->weight;
	ms.admin = &w.admins[cs->id];
	ms.checks = &w.checks;
	return ms;
}

const struct conf_frontend *
monitor_branch(const struct monitor *m, const struct conf_frontend *fe)
{
	(void)m;
	return fe;
}

const struct conf_server *
monitor_writer(const struct monitor *m, const struct conf_backend *cb,
    struct writer_verdict *why)
{
	(void)m;
	(void)cb;
	*why = w.verdict;
	return w.writer < 0 ? NULL : &w.servers[w.writer];
}

bool
monitor_cluster(const struct monitor *m, const struct conf_backend *cb,
    struct cluster_summary *sum)
{
	(void)m;
	(void)cb;
	*sum = w.sum;
	return w.cluster;
}

const struct decision *
monitor_decision(const struct monitor *m, size_t i)
{
	(void)m;
	return i < w.ndecisions ? &w.decisions[i] : NULL;
}

bool
monitor_ready(const struct monitor *m)
{
	(void)m;
	return w.ready;
}

uint64_t
monitor_generation(const struct monitor *m)
{
	(void)m;
	return w.generation;
}

uint64_t
monitor_decisions(const struct monitor *m)
{
	(void)m;
	return w.ndecisions;
}

const struct writer_counts *
monitor_counts(const struct monitor *m, const struct conf_backend *cb)
{
	(void)m;
	(void)cb;
	return &w.counts;
}

bool
monitor_sentinel(const struct monitor *m, const struct conf_backend *cb,
    size_t i, struct report_sentinel *out)
{
	(void)m;
	(void)cb;
	if (i >= w.nsentinels)
		return false;
	*out = w.sentinels[i];
	return true;
}

struct report_watch
monitor_watch(const struct monitor *m, const struct conf_backend *cb)
{
	(void)m;
	(void)cb;
	return w.watch;
}

/* The callbacks of stats_source. */
static const struct conf *
conf_cb(void *arg)
{
	(void)arg;
	return &w.conf;
}

/* All clients. */
static unsigned
sessions_cb(void *arg)
{
	(void)arg;
	w.renders++; /* each document asks this once */
	return 7;
}

/* Sessions of a server or frontend. */
static unsigned
count_cb(int id, void *arg)
{
	(void)arg;
	return 3 + (unsigned)id;
}

/* Clients that wait at a frontend. */
static unsigned
held_cb(int id, void *arg)
{
	(void)arg;
	return id == 0 ? w.held : 0;
}

/* Counters of a server or frontend. */
static void
counters_cb(int id, struct counter_sums *sums, void *arg)
{
	(void)arg;
	sums->sessions += 100 + (uint64_t)id;
	sums->bytes_in += 1536;
	sums->bytes_out += 3ULL << 30;
	sums->connect_errors += 2;
}

/* Figures of a server or frontend, or of all. */
static void
figures_cb(int id, struct figures *f, void *arg)
{
	(void)arg;
	*f = (struct figures){.sessions = 3 + (unsigned)id,
	    .sessions_max = 5,
	    .queued = id == 0 ? w.held : 0,
	    .rate = 1,
	    .rate_max = 4,
	    .last_session = 2500,
	    .connect_ms = 1,
	    .total_ms = 70,
	    .total_ms_max = 90};
}

/* The same of all. */
static void
all_figures_cb(struct figures *f, void *arg)
{
	figures_cb(4, f, arg);
}

/* How long sessions of a frontend took. */
static void
times_cb(int id, struct frontend_times *out, void *arg)
{
	(void)id;
	(void)arg;
	*out = w.times;
}

/* One worker: each is a little slower than the one before. */
static int64_t
worker_stall_cb(unsigned worker, void *arg)
{
	(void)arg;
	return w.stall + worker;
}

/* The slowest worker. */
static int64_t
stall_cb(void *arg)
{
	(void)arg;
	return w.stall;
}

/* About to end? */
static bool
draining_cb(void *arg)
{
	(void)arg;
	return w.draining;
}

/* Number of workers. */
static unsigned
workers_cb(void *arg)
{
	(void)arg;
	return 2;
}

/* Reloads so far. */
static struct stats_reloads
reloads_cb(void *arg)
{
	(void)arg;
	return w.reloads;
}

/* Frontends are open. */
static enum frontend_state
frontend_state_cb(int id, void *arg)
{
	(void)id;
	(void)arg;
	return FRONTEND_OPEN;
}

/* And as they are configured. */
static int64_t
frontend_maxconn_cb(int id, void *arg)
{
	(void)id;
	(void)arg;
	return -1;
}

/* What was asked for at a page. */
static void
site_counts_cb(size_t site, struct site_counts *out, void *arg)
{
	(void)site;
	(void)arg;
	memset(out, 0, sizeof(*out));
	out->sessions = 1;
	out->connections = out->requests = 9;
	out->responses[1] = 8;
	out->responses[3] = 1;
}

struct stats_source fake_source = {.conf = conf_cb,
    .sessions = sessions_cb,
    .server_sessions = count_cb,
    .frontend_sessions = count_cb,
    .frontend_held = held_cb,
    .frontend_state = frontend_state_cb,
    .frontend_maxconn = frontend_maxconn_cb,
    .server_counters = counters_cb,
    .frontend_counters = counters_cb,
    .figures = all_figures_cb,
    .server_figures = figures_cb,
    .frontend_figures = figures_cb,
    .frontend_times = times_cb,
    .stall_ms = stall_cb,
    .worker_stall_ms = worker_stall_cb,
    .draining = draining_cb,
    .workers = workers_cb,
    .reloads = reloads_cb,
    .site_counts = site_counts_cb};

/* One server that is up, with that role. */
static void
set_server(int id, char *name, enum role role)
{
	struct server_state *st = &w.states[id];

	w.servers[id] = (struct conf_server){
	    .name = name, .host = host, .port = 6379, .weight = 100, .id = id};
	addr_parse_ip(host, (uint16_t)(6379 + id), &w.now[id].addr);
	w.now[id].used = w.now[id].up = true;
	w.now[id].weight = 100 * ADMIN_WEIGHT_PARTS;
	w.now[id].replica = w.now[id].readable = role == ROLE_REPLICA;
	w.now[id].writable = role == ROLE_PRIMARY;
	w.admins[id].weight = 100;
	st->health = HEALTH_UP;
	st->role = role;
	st->health_since = clock_ms();
	st->known.result = st->last.result = PROBE_OK;
	st->known.at = st->last.at = clock_ms();
	st->known.role = role;
	st->known.link_up = true;
	w.lag[id] = (struct lag){-1, -1};
}

/* One frontend on a made-up address. */
static void
set_frontend(int id, char *name, enum conf_route route)
{
	w.frontends[id] = (struct conf_frontend){.conf = &w.conf,
	    .name = name,
	    .backend = &w.backend,
	    .route = route,
	    .id = id,
	    .binds = &w.bind[id],
	    .nbinds = 1};
	addr_parse_ip("0.0.0.0", (uint16_t)(9000 + id), &w.bind[id]);
}

void
fake_reset(void)
{
	memset(&w, 0, sizeof(w));
	w.backend = (struct conf_backend){.name = backend_name,
	    .servers = w.servers,
	    .nservers = FAKE_SERVERS,
	    .check = CHECK_REDIS,
	    .max_lag = 10000,
	    .max_lag_bytes = 64ULL << 20};
	set_server(0, name_primary, ROLE_PRIMARY);
	set_server(1, name_second, ROLE_REPLICA);
	set_server(2, name_evil, ROLE_REPLICA);
	set_frontend(0, write_name, ROUTE_PRIMARY);
	set_frontend(1, read_name, ROUTE_REPLICA);
	w.conf = (struct conf){.backends = &w.backend,
	    .nbackends = 1,
	    .frontends = w.frontends,
	    .nfrontends = FAKE_FRONTENDS,
	    .stats = w.stats,
	    .nstats = 1};
	w.stats[0] = (struct conf_stats){.name = stats_name,
	    .uri = uri,
	    .realm = realm,
	    .refresh = 2000,
	    .maxconn = 8,
	    .hide_version = true,
	    .binds = w.stats_bind,
	    .nbinds = 1};
	w.watch.epoch = -1;
	w.verdict.action = WRITER_STAY;
	w.verdict.cause = CAUSE_STANDS;
	w.ready = true;
	fake_source.started = clock_ms() - 3723000;
	if (fake_source.history != NULL)
		history_free(fake_source.history);
	fake_source.history = history_new();
}

void
fake_no_writer(enum writer_cause cause)
{
	w.writer = -1;
	w.verdict.cause = cause;
	w.now[0].writable = false;
}

void
fake_decide(const char *from, const char *to)
{
	struct decision *d = &w.decisions[w.ndecisions++];

	d->wall_us = clock_wall_us();
	strcpy(d->backend, backend_name);
	strcpy(d->from, from);
	strcpy(d->to, to);
	d->action = WRITER_SWITCH;
	d->cause = CAUSE_VOTES;
	d->votes = 1;
	d->voters = 2;
	d->took_ms = 12;
	d->sessions_closed = 1;
}
