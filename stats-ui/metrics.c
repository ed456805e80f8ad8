/*
 * The figures for Prometheus with our own names. A metric is a row of a table;
 * rows of the same name stand together, as do their lines. The names are
 * documented in roleproxy(8).
 */
#include <event2/buffer.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "stats-ui/exposition.h"
#include "stats-ui/info.h"
#include "stats-ui/metrics.h"
#include "stats-ui/reason.h"
#include "stats-ui/words.h"

/* An object that metrics are about, looked at once for all of them. */
struct subject {
	const struct stats_source *src;
	const struct conf_frontend *cf; /* of a frontend */
	const struct conf_backend *cb;  /* of a backend, a server */
	const struct conf_server *cs;   /* of a server */
	struct monitor_server ms;
	struct counter_sums sums;
	struct words_load load;
	unsigned sessions;
	struct report_watch watch;          /* of a backend */
	const struct conf_server *writer;   /* that answers; NULL none */
	bool writes;                        /* have somewhere to go */
	unsigned replicas, following;       /* of a backend */
	const struct hinfo *info;           /* of the process */
	const struct writer_counts *counts; /* of a backend; borrowed */
	struct frontend_times times;        /* of a frontend */
};

struct subjects {
	struct subject *list;
	size_t n;
};

/* One metric, or one value of a label of one. */
struct metric {
	const char *name; /* behind "roleproxy_" */
	const char *help;
	double (*value)(const struct subject *); /* NAN: there is none */
	const char *label, *is;                  /* NULL: no label more */
	size_t counter; /* where it is in counter_sums, without a function */
};

#define COUNTER(name, help, field)                       \
	{                                                \
		name, help, NULL, NULL, NULL,            \
		    offsetof(struct counter_sums, field) \
	}
#define LABELLED(name, help, label, is, field)           \
	{                                                \
		name, help, NULL, label, is,             \
		    offsetof(struct counter_sums, field) \
	}
#define VALUE(name, help, function)                 \
	{                                           \
		name, help, function, NULL, NULL, 0 \
	}

/*
 * The process.
 */

static double
start_time(const struct subject *s)
{
	return (double)s->info->number[HI_Start_time_sec];
}

static double
max_fds(const struct subject *s)
{
	return (double)s->info->number[HI_Ulimit_n];
}

static double
open_fds(const struct subject *s)
{
	return s->info->open_fds == 0 ? NAN : (double)s->info->open_fds;
}

static double
resident(const struct subject *s)
{
	return (double)s->info->number[HI_PoolAlloc_bytes];
}

static double
lines_dropped(const struct subject *s)
{
	return (double)s->info->number[HI_DroppedLogs];
}

static double
maxconn(const struct subject *s)
{
	return (double)s->info->number[HI_Maxconn];
}

static double
all_sessions(const struct subject *s)
{
	return s->src->sessions(s->src->arg);
}

static double
workers(const struct subject *s)
{
	return s->src->workers(s->src->arg);
}

static double
is_draining(const struct subject *s)
{
	return s->src->draining(s->src->arg);
}

static double
reloads_ok(const struct subject *s)
{
	return s->src->reloads(s->src->arg).ok;
}

static double
reloads_failed(const struct subject *s)
{
	return s->src->reloads(s->src->arg).failed;
}

static double
last_reload(const struct subject *s)
{
	return !s->src->reloads(s->src->arg).last_failed;
}

static double
writer_changes(const struct subject *s)
{
	return (double)monitor_decisions(s->src->monitor);
}

static const struct metric of_process[] = {
    VALUE("start_time_seconds", "When it was started, seconds since 1970.",
	start_time),
    VALUE("open_fds", "Open files.", open_fds),
    VALUE("max_fds", "Open files that are allowed.", max_fds),
    VALUE("resident_memory_bytes", "Resident memory.", resident),
    VALUE("workers", "Threads that relay.", workers),
    VALUE("draining", "1 while it lets its sessions end before it stops.",
	is_draining),
    {"reloads_total", "Reloads of the configuration.", reloads_ok, "result",
	"ok", 0},
    {"reloads_total", NULL, reloads_failed, "result", "failed", 0},
    VALUE("last_reload_successful",
	"0 if the last reload failed and the configuration before it is in "
	"use.",
	last_reload),
    VALUE("log_lines_dropped_total",
	"Lines of the log that its target was too slow for.", lines_dropped),
    VALUE("maxconn", "Sessions that are allowed at a time.", maxconn),
    VALUE("sessions", "Sessions now.", all_sessions),
    VALUE("writer_changes_total",
	"Decisions about who takes the writes, of all backends.",
	writer_changes),
};

/*
 * Backends that look for a writer.
 */

static double
has_writer(const struct subject *s)
{
	return s->writes;
}

static double
replicas(const struct subject *s)
{
	return s->replicas;
}

static double
following(const struct subject *s)
{
	return s->following;
}

static double
held(const struct subject *s)
{
	return words_held(s->src, s->cb);
}

static double
sentinels(const struct subject *s)
{
	return s->watch.known;
}

static double
sentinel_votes(const struct subject *s)
{
	return s->watch.agree;
}

static double
sentinel_epoch(const struct subject *s)
{
	return s->watch.epoch < 0 ? NAN : (double)s->watch.epoch;
}

static double
backend_changes(const struct subject *s)
{
	return (double)s->counts->changes;
}

static const struct metric of_backend[] = {
    VALUE("backend_has_writer",
	"1 while a server takes the writes, in a Redis Cluster of each shard.",
	has_writer),
    VALUE("backend_replicas", "Servers that are replicas.", replicas),
    VALUE("backend_replicas_following",
	"Of these, those that are fit for reads and linked to their primary.",
	following),
    VALUE("backend_held", "Clients that wait for a server.", held),
    VALUE("backend_sentinels", "Sentinels that are known.", sentinels),
    VALUE("backend_sentinel_votes",
	"Of these, those for the server that most of them name.",
	sentinel_votes),
    VALUE("backend_sentinel_epoch",
	"Configuration epoch of that, from the Sentinels.", sentinel_epoch),
    VALUE("backend_writer_changes_total",
	"Times that another server took the writes.", backend_changes),
};

/*
 * Servers.
 */

static double
server_up(const struct subject *s)
{
	return s->ms.now->up;
}

static double
is_primary(const struct subject *s)
{
	return s->ms.state->role == ROLE_PRIMARY;
}

static double
is_replica(const struct subject *s)
{
	return s->ms.state->role == ROLE_REPLICA;
}

static double
is_unknown(const struct subject *s)
{
	return s->ms.state->role == ROLE_UNKNOWN;
}

/* Would some frontend send a new session there? */
static double
is_eligible(const struct subject *s)
{
	const struct conf *conf = s->src->conf(s->src->arg);

	for (size_t i = 0; i < conf->nfrontends; i++) {
		const struct conf_frontend *cf = &conf->frontends[i];

		if (cf->backend == s->cb && words_eligible(cf, s->ms.now))
			return 1;
	}
	return 0;
}

static double
is_fenced(const struct subject *s)
{
	return s->ms.fenced;
}

static double
is_in_maintenance(const struct subject *s)
{
	return s->ms.maintenance;
}

static double
lag_seconds(const struct subject *s)
{
	return s->ms.lag.ms < 0 ? NAN : (double)s->ms.lag.ms / 1000;
}

static double
lag_bytes(const struct subject *s)
{
	return s->ms.lag.bytes < 0 ? NAN : (double)s->ms.lag.bytes;
}

static double
sessions(const struct subject *s)
{
	return s->sessions;
}

static double
check_duration(const struct subject *s)
{
	const struct observation *last = &s->ms.state->last;

	return last->result == PROBE_NONE ? NAN
					  : (double)last->duration_us / 1e6;
}

static const struct metric of_server[] = {
    VALUE("server_up", "1 while it passes its checks.", server_up),
    {"server_role", "1 for the role that it has.", is_primary, "role",
	"primary", 0},
    {"server_role", NULL, is_replica, "role", "replica", 0},
    {"server_role", NULL, is_unknown, "role", "unknown", 0},
    VALUE("server_eligible", "1 while new sessions may go there.", is_eligible),
    VALUE("server_fenced", "1 while it says primary but lost the writes.",
	is_fenced),
    VALUE("server_maintenance", "1 while an operator has taken it out.",
	is_in_maintenance),
    VALUE("server_lag_seconds",
	"How far a replica is behind the writer, at least.", lag_seconds),
    VALUE("server_lag_bytes", "The same in bytes.", lag_bytes),
    VALUE("server_sessions", "Sessions now.", sessions),
    VALUE("server_check_duration_seconds", "What its last check took.",
	check_duration),
    COUNTER("server_sessions_total", "Sessions so far.", sessions),
    LABELLED("server_bytes_total", "Bytes from clients (in), to them (out).",
	"direction", "in", bytes_in),
    LABELLED("server_bytes_total", NULL, "direction", "out", bytes_out),
    COUNTER(
	"server_connect_errors_total", "Connects that failed.", connect_errors),
    COUNTER("server_fenced_sessions_total",
	"Sessions closed because it lost its role.", fenced),
};

/*
 * Frontends.
 */

static double
waiting(const struct subject *s)
{
	return s->load.held;
}

static const struct metric of_frontend[] = {
    VALUE("frontend_sessions", "Sessions now.", sessions),
    VALUE("frontend_held", "Of these, those that wait for a server.", waiting),
    COUNTER("frontend_sessions_total", "Sessions so far.", sessions),
    COUNTER(
	"frontend_held_total", "Clients that had to wait for a server.", held),
    LABELLED("frontend_bytes_total", "Bytes from clients (in), to them (out).",
	"direction", "in", bytes_in),
    LABELLED("frontend_bytes_total", NULL, "direction", "out", bytes_out),
    COUNTER("frontend_denied_total",
	"Connections refused by allow, deny or a limit.", denied),
    COUNTER("frontend_request_errors_total",
	"Clients without a PROXY header where one is due.", request_errors),
    COUNTER("frontend_retries_total",
	"Connects tried again on the same server.", retries),
    COUNTER("frontend_redispatches_total",
	"Connects tried again on another server.", redispatches),
    LABELLED("frontend_closes_total",
	"Sessions that did not end well, by reason.", "reason",
	"client aborted", client_aborts),
    LABELLED("frontend_closes_total", NULL, "reason", "server aborted",
	server_aborts),
    LABELLED("frontend_closes_total", NULL, "reason", "timeout", timeouts),
    LABELLED("frontend_closes_total", NULL, "reason", "fenced", fenced),
    LABELLED("frontend_closes_total", NULL, "reason", "max age", aged),
    LABELLED("frontend_closes_total", NULL, "reason", "no server", unserved),
};

/* The labels that say which object it is. */
static struct labels
labels_of(const struct subject *s)
{
	struct labels l = {.len = 0};

	if (s->cf != NULL)
		labels_add(&l, "frontend", s->cf->name);
	if (s->cb != NULL)
		labels_add(&l, "backend", s->cb->name);
	if (s->cs != NULL)
		labels_add(&l, "server", s->cs->name);
	return l;
}

/* The value of a metric for an object. */
static double
value_of(const struct metric *m, const struct subject *s)
{
	uint64_t counter;

	if (m->value != NULL)
		return m->value(s);
	memcpy(&counter, (const char *)&s->sums + m->counter, sizeof(counter));
	return (double)counter;
}

/* All lines of some metrics, for all of some objects. */
static void
put_metrics(struct evbuffer *out, const struct metric *metrics, size_t n,
    const struct subjects *all)
{
	struct labels labels;
	double value;

	for (const struct metric *m = metrics; m < metrics + n; m++) {
		if (m->help != NULL && all->n > 0)
			exposition_head(out, m->name, m->help, false);
		for (size_t i = 0; i < all->n; i++) {
			value = value_of(m, &all->list[i]);
			if (isnan(value))
				continue;
			labels = labels_of(&all->list[i]);
			if (m->label != NULL)
				labels_add(&labels, m->label, m->is);
			exposition_line(out, m->name, &labels, value);
		}
	}
}

#define PUT(out, table, all) \
	put_metrics(out, table, sizeof(table) / sizeof(table[0]), all)

/*
 * Metrics that are no table: facts in labels, and histograms.
 */

/* A line with one label more than the object's. */
static void
put_fact(struct evbuffer *out, const char *name, const struct subject *s,
    const char *label, const char *is, double value)
{
	struct labels labels = labels_of(s);

	labels_add(&labels, label, is);
	exposition_line(out, name, &labels, value);
}

/* Its version, and each worker. */
static void
put_process(struct evbuffer *out, const struct stats_source *src)
{
	const struct subject process = {.src = src};
	char number[16];

	exposition_head(out, "build_info", "Its version.", false);
	put_fact(out, "build_info", &process, "version", SHOWN_VERSION, 1);
	exposition_head(out, "worker_loop_lag_seconds",
	    "Since a worker looked at its tasks; 0.1 is usual.", false);
	for (unsigned i = 0; i < src->workers(src->arg); i++) {
		snprintf(number, sizeof(number), "%u", i);
		put_fact(out, "worker_loop_lag_seconds", &process, "worker",
		    number, (double)src->worker_stall_ms(i, src->arg) / 1000);
	}
}

/* Who takes the writes of each backend, if somebody does. */
static void
put_writers(struct evbuffer *out, const struct subjects *backends)
{
	bool headed = false;

	for (size_t i = 0; i < backends->n; i++) {
		const struct subject *s = &backends->list[i];

		if (s->writer == NULL)
			continue;
		if (!headed)
			exposition_head(out, "backend_writer",
			    "The server that takes the writes.", false);
		headed = true;
		put_fact(
		    out, "backend_writer", s, "server", s->writer->name, 1);
	}
}

/* Fences of a backend by their causes, those that there have been. */
static void
put_fences_of(struct evbuffer *out, const struct subject *s)
{
	for (int cause = 0; cause < WRITER_CAUSES; cause++)
		if (s->counts->fences[cause] > 0)
			put_fact(out, "backend_fences_total", s, "reason",
			    writer_cause_str((enum writer_cause)cause),
			    (double)s->counts->fences[cause]);
}

/* The same of all. */
static void
put_fences(struct evbuffer *out, const struct subjects *backends)
{
	if (backends->n > 0)
		exposition_head(out, "backend_fences_total",
		    "Times that the writer lost the writes.", false);
	for (size_t i = 0; i < backends->n; i++)
		put_fences_of(out, &backends->list[i]);
}

/* Why servers are not, or not fully, in use. */
static void
put_reasons(struct evbuffer *out, const struct subjects *servers)
{
	enum reason why;

	exposition_head(out, "server_reason",
	    "1 for the reason why it is not, or not fully, in use.", false);
	for (size_t i = 0; i < servers->n; i++) {
		const struct subject *s = &servers->list[i];

		if ((why = reason_of(s->cb, &s->ms)) != REASON_NOT)
			put_fact(out, "server_reason", s, "reason",
			    reason_str(why), 1);
	}
}

/* A histogram of an object. */
struct measure {
	const char *name, *help;
	enum histogram_scale scale;
	/* Add what the object has to the sums. */
	void (*read)(const struct subject *, struct histogram_sums *);
};

static void
read_switches(const struct subject *s, struct histogram_sums *sums)
{
	histogram_read(&s->counts->switches, sums);
}

static void
read_closed(const struct subject *s, struct histogram_sums *sums)
{
	histogram_read(&s->counts->closed, sums);
}

static void
read_checks(const struct subject *s, struct histogram_sums *sums)
{
	histogram_read(s->ms.checks, sums);
}

static void
read_hold(const struct subject *s, struct histogram_sums *sums)
{
	*sums = s->times.hold;
}

static void
read_connect(const struct subject *s, struct histogram_sums *sums)
{
	*sums = s->times.connect;
}

static void
read_session(const struct subject *s, struct histogram_sums *sums)
{
	*sums = s->times.session;
}

static const struct measure of_backends[] = {
    {"backend_switch_duration_seconds",
	"From the evidence against the writer until another one takes the "
	"writes.",
	HISTOGRAM_SHORT, read_switches},
    {"backend_fence_seconds",
	"From the evidence against the writer until its last session was "
	"closed.",
	HISTOGRAM_SHORT, read_closed},
};

static const struct measure of_servers[] = {
    {"server_check_seconds", "What its checks took.", HISTOGRAM_SHORT,
	read_checks},
};

static const struct measure of_frontends[] = {
    {"frontend_hold_seconds", "How long clients waited for a server.",
	HISTOGRAM_SHORT, read_hold},
    {"frontend_connect_seconds",
	"What the connects took, of sessions that have ended.", HISTOGRAM_SHORT,
	read_connect},
    {"frontend_session_seconds", "How long sessions lasted that have ended.",
	HISTOGRAM_LONG, read_session},
};

/* Some histograms, of all of some objects. */
static void
put_measures(struct evbuffer *out, const struct measure *measures, size_t n,
    const struct subjects *all)
{
	struct histogram_sums sums;
	struct labels labels;

	for (const struct measure *m = measures; m < measures + n; m++) {
		if (all->n > 0)
			exposition_head(out, m->name, m->help, true);
		for (size_t i = 0; i < all->n; i++) {
			memset(&sums, 0, sizeof(sums));
			m->read(&all->list[i], &sums);
			labels = labels_of(&all->list[i]);
			exposition_histogram(
			    out, m->name, &labels, m->scale, &sums);
		}
	}
}

#define MEASURE(out, table, all) \
	put_measures(out, table, sizeof(table) / sizeof(table[0]), all)

/*
 * Looking.
 */

/* One more object. */
static struct subject *
add(struct subjects *all, const struct stats_source *src)
{
	struct subject *s;

	all->list = xrealloc(all->list, (all->n + 1) * sizeof(struct subject));
	s = &all->list[all->n++];
	memset(s, 0, sizeof(*s));
	s->src = src;
	return s;
}

/* Look at a backend's servers; in numbers at the backend itself. */
static void
look_at_servers(struct subject *b, struct subjects *servers)
{
	const struct stats_source *src = b->src;

	for (size_t i = 0; i < b->cb->nservers; i++) {
		const struct conf_server *cs = &b->cb->servers[i];
		struct subject *s = add(servers, src);

		s->cb = b->cb;
		s->cs = cs;
		s->ms = monitor_server(src->monitor, cs);
		s->sessions = src->server_sessions(cs->id, src->arg);
		src->server_counters(cs->id, &s->sums, src->arg);
		b->replicas += s->ms.now->replica;
		/* Reads go on where the writer is away; nobody follows it. */
		b->following +=
		    s->ms.now->readable && s->ms.state->known.link_up;
	}
}

/* Look for who takes the writes of a backend; one that is away does not. */
static void
look_for_writer(struct subject *b)
{
	const struct monitor *m = b->src->monitor;
	struct cluster_summary sum;
	struct writer_verdict why;

	if (monitor_cluster(m, b->cb, &sum)) {
		b->writes = sum.shards > 0 && sum.led == sum.shards;
		return;
	}
	b->writer = monitor_writer(m, b->cb, &why);
	if (b->writer != NULL && !monitor_server(m, b->writer).now->writable)
		b->writer = NULL;
	b->writes = b->writer != NULL;
}

/* Look at all backends. Only those whose checks tell roles have a writer. */
static void
look_at_backends(const struct stats_source *src, struct subjects *backends,
    struct subjects *servers)
{
	const struct conf *conf = src->conf(src->arg);
	struct subject b;

	for (size_t i = 0; i < conf->nbackends; i++) {
		memset(&b, 0, sizeof(b));
		b.src = src;
		b.cb = &conf->backends[i];
		look_at_servers(&b, servers);
		if (b.cb->check != CHECK_REDIS)
			continue;
		look_for_writer(&b);
		b.watch = monitor_watch(src->monitor, b.cb);
		b.counts = monitor_counts(src->monitor, b.cb);
		*add(backends, src) = b;
	}
}

/* Look at all frontends. */
static void
look_at_frontends(const struct stats_source *src, struct subjects *frontends)
{
	const struct conf *conf = src->conf(src->arg);

	for (size_t i = 0; i < conf->nfrontends; i++) {
		struct subject *s = add(frontends, src);

		s->cf = &conf->frontends[i];
		s->load = words_frontend(src, s->cf, &s->sums);
		s->sessions = s->load.sessions;
		words_times(src, s->cf, &s->times);
	}
}

void
metrics_render(const struct stats_source *src, struct evbuffer *out)
{
	struct subjects process = {0}, backends = {0}, servers = {0},
			frontends = {0};
	struct hinfo info;

	hinfo_of(src, &info);
	add(&process, src)->info = &info;
	look_at_backends(src, &backends, &servers);
	look_at_frontends(src, &frontends);
	put_process(out, src);
	PUT(out, of_process, &process);
	put_writers(out, &backends);
	PUT(out, of_backend, &backends);
	put_fences(out, &backends);
	MEASURE(out, of_backends, &backends);
	PUT(out, of_server, &servers);
	put_reasons(out, &servers);
	MEASURE(out, of_servers, &servers);
	PUT(out, of_frontend, &frontends);
	MEASURE(out, of_frontends, &frontends);
	free(process.list);
	free(backends.list);
	free(servers.list);
	free(frontends.list);
}
