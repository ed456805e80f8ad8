/*
 * The control thread. It wires the parts together by callbacks, so that none of
 * them needs to know the others, and carries out what signals ask for.
 */
#include <sys/queue.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "base/version.h"
#include "conf/copy.h"
#include "conf/load.h"
#include "health/discover.h"
#include "health/monitor.h"
#include "proxy/proxy.h"
#include "run.h"
#include "stats-ui/control.h"
#include "stats-ui/stats.h"

#define PULSE_MS        50 /* how often a start or a stop looks for its end */
#define DISCOVER_EVERY  4  /* pulses between two looks for other servers */
#define SENTINELS_SPARE 5  /* of a backend, for those that are learned */
#define FILES_SPARE     64 /* for logs, libraries and the unexpected */

enum run_state {
	RUN_STARTING, /* serving, but not every server has been checked */
	RUN_READY,
	RUN_LEAVING, /* not ready any more, but still accepting */
	RUN_DRAINING /* sessions end as they fall quiet */
};

/* A configuration that sessions may still refer to. */
struct old_conf {
	STAILQ_ENTRY(old_conf) link;
	struct conf *conf;
	uint64_t generation; /* the snapshot that replaced it */
};

struct run {
	const struct run_options *options; /* (borrowed from main) */
	struct event_base *base;
	struct conf *conf; /* the running one */
	STAILQ_HEAD(, old_conf) old;
	struct proxy *proxy;
	struct monitor *monitor;
	struct stats_source source;
	struct stats *stats;
	struct control *control;
	struct event *signals[6];
	struct event *pulse;
	enum run_state state;
	int64_t started, leave_until, stop_at; /* clock_ms(); 0: never */
	uint64_t loads;
	unsigned pulses;
	int exit_code;
};

static const int run_signals[] = {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2};

static void run_signal_cb(evutil_socket_t, short, void *);
static void run_pulse_cb(evutil_socket_t, short, void *);

/*
 * Callbacks between the parts.
 */

static void
publish_cb(const struct snapshot *s, void *arg)
{
	struct run *r = arg;

	proxy_publish(r->proxy, s);
}

static uint64_t
seen_cb(void *arg)
{
	struct run *r = arg;

	return proxy_seen(r->proxy);
}

static uint64_t
closed_cb(void *arg)
{
	struct run *r = arg;

	return proxy_closed(r->proxy);
}

static unsigned
server_sessions_cb(int id, void *arg)
{
	struct run *r = arg;

	return proxy_server_sessions(r->proxy, id);
}

/* Clients that wait for a server of this backend. */
static unsigned
held_cb(const struct conf_backend *cb, void *arg)
{
	struct run *r = arg;
	unsigned held = 0;
	size_t i;

	for (i = 0; i < r->conf->nfrontends; i++) {
		if (r->conf->frontends[i].backend == cb)
			held += proxy_frontend_held(
			    r->proxy, r->conf->frontends[i].id);
	}
	return held;
}

static void
lease_cb(int64_t until, void *arg)
{
	struct run *r = arg;

	proxy_lease(r->proxy, until);
}

/* Workers have applied a snapshot. */
static void
worker_seen_cb(void *arg)
{
	struct run *r = arg;

	monitor_seen(r->monitor);
}

static const struct conf *
conf_cb(void *arg)
{
	struct run *r = arg;

	return r->conf;
}

static unsigned
sessions_cb(void *arg)
{
	struct run *r = arg;

	return proxy_sessions(r->proxy);
}

static unsigned
frontend_sessions_cb(int id, void *arg)
{
	struct run *r = arg;

	return proxy_frontend_sessions(r->proxy, id);
}

static unsigned
frontend_held_cb(int id, void *arg)
{
	struct run *r = arg;

	return proxy_frontend_held(r->proxy, id);
}

static void
server_counters_cb(int id, struct counter_sums *sum, void *arg)
{
	struct run *r = arg;

	proxy_server_counters(r->proxy, id, sum);
}

static void
frontend_counters_cb(int id, struct counter_sums *sum, void *arg)
{
	struct run *r = arg;

	proxy_frontend_counters(r->proxy, id, sum);
}

static int64_t
stall_cb(void *arg)
{
	struct run *r = arg;

	return proxy_stall_ms(r->proxy);
}

static bool
draining_cb(void *arg)
{
	struct run *r = arg;

	return r->state >= RUN_LEAVING;
}

static unsigned
workers_cb(void *arg)
{
	struct run *r = arg;

	return proxy_workers(r->proxy);
}

/* The status for the control socket. */
static void
status_cb(struct evbuffer *out, void *arg)
{
	struct run *r = arg;

	stats_render_status(&r->source, out);
}

/* Does the running configuration have this server, or any if server is NULL,
 * in this backend? Else says what it lacks. */
static bool
is_configured(const struct conf *conf, const char *backend, const char *server,
    char *error, size_t size)
{
	const struct conf_backend *b = NULL;
	size_t i;

	for (i = 0; i < conf->nbackends && b == NULL; i++) {
		if (strcmp(conf->backends[i].name, backend) == 0)
			b = &conf->backends[i];
	}
	if (b == NULL) {
		snprintf(error, size, "there is no backend '%.64s'", backend);
		return false;
	}
	if (server == NULL)
		return true;
	for (i = 0; i < b->nservers; i++) {
		if (strcmp(b->servers[i].name, server) == 0)
			return true;
	}
	snprintf(error, size, "backend %.64s has no server '%.64s'", backend,
	    server);
	return false;
}

/* ctl promote. */
static int
promote_cb(const char *backend, const char *server, char *error, size_t size,
    void *arg)
{
	struct run *r = arg;

	if (!is_configured(r->conf, backend, server, error, size))
		return -1;
	return monitor_promote(r->monitor, backend, server, error, size);
}

/* ctl switchover; server may be NULL. */
static int
switchover_cb(const char *backend, const char *server, control_done_cb done,
    void *done_arg, char *error, size_t size, void *arg)
{
	struct run *r = arg;

	if (!is_configured(r->conf, backend, server, error, size))
		return -1;
	return monitor_switchover(
	    r->monitor, backend, server, done, done_arg, error, size);
}

/*
 * Limits.
 */

/* CPUs' worth of time that the control group grants; 0 no limit. */
static unsigned
cgroup_cpus(void)
{
	long long quota = 0, period = 0;
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lld %lld", &quota, &period) != 2 || period <= 0)
		quota = 0;
	fclose(f);
	return quota <= 0 ? 0 : (unsigned)((quota + period - 1) / period);
}

/* workers = auto: what the scheduler and the control group let us use. */
static unsigned
auto_workers(void)
{
	cpu_set_t set;
	unsigned n = 1, quota = cgroup_cpus();

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (unsigned)CPU_COUNT(&set);
	if (quota != 0 && quota < n)
		n = quota;
	return n > CONF_WORKERS_MAX ? CONF_WORKERS_MAX : n;
}

/* Lower maxconn to what the limit of open files allows; two a session. */
static void
fit_maxconn(struct conf *conf)
{
	size_t limit = net_raise_nofile(), spare = FILES_SPARE, i;

	for (i = 0; i < conf->nstats; i++)
		spare += conf->stats[i].maxconn + conf->stats[i].nbinds;
	/* Of each server a check and a subscription; of each Sentinel two. */
	for (i = 0; i < conf->nbackends; i++)
		spare += 3 * conf->backends[i].nservers +
			 2 * (conf->backends[i].nsentinels + SENTINELS_SPARE);
	for (i = 0; i < conf->nfrontends; i++)
		spare += conf->frontends[i].nbinds;
	if (2 * (size_t)conf->global.maxconn + spare <= limit)
		return;
	i = limit > spare + 2 ? (limit - spare) / 2 : 1;
	log_warn("maxconn lowered from %u to %zu: the limit of open files "
		 "(RLIMIT_NOFILE) is %zu and a session needs two",
	    conf->global.maxconn, i, limit);
	conf->global.maxconn = (unsigned)i;
}

/*
 * Configuration.
 */

/* Log what is wrong with a load. */
static void
log_problems(const struct conf_problems *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (p->list[i].severity == CONF_ERROR)
			log_error("%s", p->list[i].text);
		else
			log_warn("%s", p->list[i].text);
	}
}

/* As process 1 of a container, whose log is its stdout, log there too. */
static void
log_for_container(struct conf_global *g)
{
	size_t i;

	for (i = 0; i < g->nlogs; i++) {
		if (g->logs[i].kind != LOG_TO_SYSLOG)
			return;
	}
	if (getpid() != 1)
		return;
	g->logs = xrealloc(g->logs, (g->nlogs + 1) * sizeof(g->logs[0]));
	g->logs[g->nlogs++] =
	    (struct log_target){.kind = LOG_TO_STDOUT, .level = LEVEL_DEBUG};
}

/* What the command line and the place that we run in say beyond the files. */
static void
apply_options(struct conf *conf, const struct run_options *options)
{
	if (options->verbose)
		conf->global.log_level = LEVEL_DEBUG;
	log_for_container(&conf->global);
}

/* Open what conf needs, then take it into use. -1 with nothing changed. */
static int
adopt(struct run *r, struct conf *conf)
{
	char error[256] = "more servers than there is room for, those that "
			  "were removed and still have sessions included";

	fit_maxconn(conf);
	conf->generation = ++r->loads;
	if (proxy_listen(r->proxy, conf, error, sizeof(error)) != 0 ||
	    stats_listen(r->stats, conf, error, sizeof(error)) != 0 ||
	    monitor_configure(r->monitor, conf) != 0) {
		log_error("%s", error);
		return -1;
	}
	return 0;
}

/* Free configurations that no session refers to any more. */
static void
free_old_confs(struct run *r)
{
	struct old_conf *o, *next;
	uint32_t users;
	unsigned i;

	for (o = STAILQ_FIRST(&r->old); o != NULL; o = next) {
		next = STAILQ_NEXT(o, link);
		/* First this: then no user can come any more. */
		if (proxy_seen(r->proxy) < o->generation)
			continue;
		users = 0;
		for (i = 0; i < CONF_WORKERS_MAX; i++)
			users += atomic_load_explicit(
			    &o->conf->use->worker[i].sessions,
			    memory_order_acquire);
		if (users > 0)
			continue;
		STAILQ_REMOVE(&r->old, o, old_conf, link);
		conf_free(o->conf);
		free(o);
	}
}

/* The configuration is replaced; keep it for the sessions that it has. */
static void
retire_conf(struct run *r, struct conf *next)
{
	struct old_conf *o = xcalloc(1, sizeof(*o));

	o->conf = r->conf;
	o->generation = monitor_generation(r->monitor);
	STAILQ_INSERT_TAIL(&r->old, o, link);
	r->conf = next;
}

/* Take another configuration into use; -1, with it freed and nothing changed,
 * if that cannot be done. */
static int
swap(struct run *r, struct conf *next)
{
	if (adopt(r, next) != 0) {
		proxy_abort(r->proxy);
		stats_abort(r->stats);
		conf_free(next);
		return -1;
	}
	retire_conf(r, next);
	proxy_commit(r->proxy);
	stats_commit(r->stats);
	return 0;
}

/* HUP: load, validate, then swap; on any error everything stays. */
static void
reload(struct run *r)
{
	struct conf_problems problems = {0};
	struct conf *next;

	log_info("reloading the configuration");
	next = conf_load_source(&r->options->source, &problems);
	if (next != NULL) {
		apply_options(next, r->options);
		conf_keep_discovered(next, r->conf);
		conf_reload_warnings(r->conf, next, &problems);
	}
	log_problems(&problems);
	conf_problems_clear(&problems);
	if (next == NULL || swap(r, next) != 0) {
		log_error("reload failed: the running configuration stays");
		return;
	}
	log_name(next->global.log_tag, next->global.log_hostname);
	if (log_change(next->global.logs, next->global.nlogs,
		next->global.log_level) != 0)
		log_error("cannot change the log: %s", strerror(errno));
	log_info("configuration %llu is in use",
	    (unsigned long long)next->generation);
}

/* One server that was found, or is gone, into a copy of the configuration. */
static void
apply_discovery(
    const struct run *r, struct conf *next, const struct discovery *d)
{
	struct conf_backend *b = next->backends + (d->cb - r->conf->backends);
	const char *host = d->gone == NULL ? d->place.host : d->gone->host;
	uint16_t port = d->gone == NULL ? d->place.port : d->gone->port;
	char name[HELLO_HOST_MAX + 8];

	/* A name may hold no blanks and brackets; an IPv6 address has none. */
	snprintf(name, sizeof(name), "%s:%u", host, port);
	log_info("backend %s: server %s is %s: %s", b->name, name,
	    d->gone == NULL ? "added" : "dropped", d->by);
	if (d->gone != NULL)
		conf_drop_server(b, host, port);
	else if (conf_add_server(next, b, name, host, port) == NULL)
		log_error("backend %s: no room for %s", b->name, name);
}

/* discover = on: take servers in that were found, and drop those that are gone.
 */
static void
discover_servers(struct run *r)
{
	struct discovery found[DISCOVERED_MAX];
	size_t i, n = monitor_discover(r->monitor, found, DISCOVERED_MAX);
	struct conf *next;

	if (n == 0)
		return;
	next = conf_copy(r->conf);
	for (i = 0; i < n; i++)
		apply_discovery(r, next, &found[i]);
	if (swap(r, next) != 0)
		log_error("the servers that were found are not used");
}

/*
 * Life.
 */

/* Begin to leave: TERM waits for grace at most, USR1 as long as it takes. */
static void
leave(struct run *r, bool patient)
{
	int64_t now = clock_ms();

	r->state = RUN_LEAVING;
	r->leave_until = now + r->conf->global.drain_delay;
	r->stop_at = patient ? 0 : r->leave_until + r->conf->global.grace;
	log_info("stopping: %u sessions, %s", proxy_sessions(r->proxy),
	    patient ? "each may finish" : "each may finish within grace");
}

static void
run_signal_cb(evutil_socket_t sig, short what, void *arg)
{
	struct run *r = arg;

	(void)what;
	if (sig == SIGUSR2 && getpid() != 1) {
		log_warn("SIGUSR2: this release cannot replace its binary");
		return;
	}
	if (sig == SIGHUP || sig == SIGUSR2) {
		if (r->state < RUN_LEAVING)
			reload(r);
		return;
	}
	if (sig == SIGINT || r->state >= RUN_LEAVING) {
		log_info("stopping now");
		event_base_loopbreak(r->base);
		return;
	}
	leave(r, sig == SIGUSR1);
}

/* -D: whoever started us may go on, and has its terminal or pipe back. */
static void
leave_terminal(int ready_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd;

	for (fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	(void)!write(ready_fd, "", 1);
	close(ready_fd);
}

/* The first round of checks is over, or has had its time. */
static void
become_ready(struct run *r)
{
	r->state = RUN_READY;
	log_info("ready after %lld ms%s", (long long)(clock_ms() - r->started),
	    monitor_ready(r->monitor)
		? ""
		: ": not every server has been checked yet");
	if (r->options->ready_fd >= 0)
		leave_terminal(r->options->ready_fd);
}

static void
run_pulse_cb(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;
	int64_t now = clock_ms();

	(void)fd;
	(void)what;
	free_old_confs(r);
	if (r->state < RUN_LEAVING && ++r->pulses % DISCOVER_EVERY == 0)
		discover_servers(r);
	if (r->state == RUN_STARTING &&
	    (monitor_ready(r->monitor) ||
		now - r->started >= r->conf->global.startup_wait))
		become_ready(r);
	if (r->state == RUN_LEAVING && now >= r->leave_until) {
		r->state = RUN_DRAINING;
		proxy_drain(r->proxy);
	}
	if (r->state == RUN_DRAINING &&
	    (proxy_sessions(r->proxy) == 0 ||
		(r->stop_at != 0 && now >= r->stop_at)))
		event_base_loopbreak(r->base);
}

/* The process id for scripts; -1 if it cannot be written. */
static int
write_pidfile(const char *path)
{
	FILE *f = fopen(path, "we");

	if (f == NULL) {
		log_error("pidfile %s: %s", path, strerror(errno));
		return -1;
	}
	fprintf(f, "%d\n", (int)getpid());
	return fclose(f);
}

/* Make the parts, wired together. */
static void
compose(struct run *r)
{
	struct monitor_ops ops = {.publish = publish_cb,
	    .seen = seen_cb,
	    .closed = closed_cb,
	    .sessions = server_sessions_cb,
	    .held = held_cb,
	    .lease = lease_cb,
	    .arg = r};
	struct stats_source source = {.conf = conf_cb,
	    .sessions = sessions_cb,
	    .server_sessions = server_sessions_cb,
	    .frontend_sessions = frontend_sessions_cb,
	    .frontend_held = frontend_held_cb,
	    .server_counters = server_counters_cb,
	    .frontend_counters = frontend_counters_cb,
	    .stall_ms = stall_cb,
	    .draining = draining_cb,
	    .workers = workers_cb,
	    .started = clock_ms(),
	    .arg = r};
	struct control_ops control = {.status = status_cb,
	    .promote = promote_cb,
	    .switchover = switchover_cb,
	    .arg = r};
	unsigned n = r->conf->global.workers;

	STAILQ_INIT(&r->old);
	r->base = event_base_new();
	if (r->base == NULL)
		fatal("cannot make an event loop");
	r->proxy =
	    proxy_new(r->base, n == 0 ? auto_workers() : n, worker_seen_cb, r);
	r->monitor = monitor_new(r->base, &ops);
	source.monitor = r->monitor;
	r->source = source;
	r->stats = stats_new(r->base, &source);
	r->control = control_new(r->base, &control);
}

/* Undo compose(), in reverse. */
static void
decompose(struct run *r)
{
	struct old_conf *o;

	control_free(r->control);
	stats_free(r->stats);
	monitor_free(r->monitor);
	proxy_free(r->proxy);
	while ((o = STAILQ_FIRST(&r->old)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->old, link);
		conf_free(o->conf);
		free(o);
	}
	conf_free(r->conf);
	event_base_free(r->base);
}

/* Listen to signals and to time. */
static void
watch(struct run *r)
{
	struct timeval tv = {0, PULSE_MS * 1000};
	size_t i;

	for (i = 0; i < sizeof(run_signals) / sizeof(run_signals[0]); i++) {
		r->signals[i] =
		    evsignal_new(r->base, run_signals[i], run_signal_cb, r);
		if (r->signals[i] == NULL)
			fatal("out of memory");
		evsignal_add(r->signals[i], NULL);
	}
	r->pulse = event_new(r->base, -1, EV_PERSIST, run_pulse_cb, r);
	if (r->pulse == NULL)
		fatal("out of memory");
	event_add(r->pulse, &tv);
}

/* Undo watch(). */
static void
unwatch(struct run *r)
{
	size_t i;

	for (i = 0; i < sizeof(run_signals) / sizeof(run_signals[0]); i++)
		event_free(r->signals[i]);
	event_free(r->pulse);
}

/* -D gives up the terminal: say so to whoever logs there. */
static void
warn_of_silence(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->global.nlogs; i++) {
		if (conf->global.logs[i].kind != LOG_TO_SYSLOG) {
			log_warn("-D: after the start nothing is logged to "
				 "stdout and stderr; log = syslog:/dev/log "
				 "goes on");
			return;
		}
	}
}

/* Open the control socket, if there is to be one. */
static int
listen_control(struct run *r)
{
	const struct conf_global *g = &r->conf->global;
	char error[256];
	size_t i;

	for (i = 0; i < g->ncontrols; i++) {
		if (control_listen(r->control, &g->controls[i], g->control_mode,
			error, sizeof(error)) != 0) {
			log_error("%s", error);
			return -1;
		}
	}
	return 0;
}

/* Open everything and start the workers. -1 if that cannot be done. */
static int
start(struct run *r, const char *pidfile)
{
	if (r->options->ready_fd >= 0)
		warn_of_silence(r->conf);
	if (adopt(r, r->conf) != 0 || listen_control(r) != 0)
		return -1;
	if (proxy_start(r->proxy) != 0) {
		log_error("cannot start a thread: %s", strerror(errno));
		return -1;
	}
	proxy_commit(r->proxy);
	stats_commit(r->stats);
	if (pidfile != NULL && write_pidfile(pidfile) != 0)
		return -1;
	return 0;
}

int
run(struct conf *conf, const struct run_options *options)
{
	struct run r = {.options = options, .conf = conf};
	char pidfile[4096] = "";

	if (options->pidfile != NULL || conf->global.pidfile != NULL)
		snprintf(pidfile, sizeof(pidfile), "%s",
		    options->pidfile != NULL ? options->pidfile
					     : conf->global.pidfile);
	apply_options(conf, options);
	log_name(conf->global.log_tag, conf->global.log_hostname);
	if (log_open(conf->global.logs, conf->global.nlogs,
		conf->global.log_level) != 0)
		fatal("cannot open the log: %s", strerror(errno));
	log_info("roleproxy %s starts with %s", ROLEPROXY_VERSION, conf->path);
	r.started = clock_ms();
	compose(&r);
	watch(&r);
	if (start(&r, pidfile[0] == '\0' ? NULL : pidfile) == 0)
		event_base_dispatch(r.base);
	else
		r.exit_code = 1;
	proxy_stop(r.proxy);
	if (r.exit_code == 0 && pidfile[0] != '\0')
		unlink(pidfile);
	log_info("stopped");
	unwatch(&r);
	decompose(&r);
	log_close();
	return r.exit_code;
}
