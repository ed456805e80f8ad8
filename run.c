/*
 * The control thread: it takes configurations into use, starts and stops, and
 * carries out what signals ask for.
 */
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "base/version.h"
#include "conf/copy.h"
#include "conf/load.h"
#include "health/discover.h"
#include "health/monitor.h"
#include "parts.h"
#include "process.h"
#include "proxy/proxy.h"
#include "resources.h"
#include "run.h"
#include "service.h"
#include "stats-ui/control.h"
#include "stats-ui/history.h"
#include "stats-ui/stats.h"
#include "upgrade.h"

#define PULSE_MS           50 /* how often a start or a stop looks for its end */
#define TAKE_OVER_MS       1000 /* for older processes to let us listen */
#define TAKE_OVER_PAUSE_MS 10
#define UPGRADE_MS         60000 /* for another binary to take over */
#define DISCOVER_EVERY     4 /* pulses between two looks for other servers */

static const int run_signals[] = {
    SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGTTOU, SIGTTIN, SIGCHLD};

static void run_signal_cb(evutil_socket_t, short, void *);
static void run_pulse_cb(evutil_socket_t, short, void *);

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

/* Does the log go where whoever started us sees it? */
static bool
is_visible(const struct conf_global *g)
{
	size_t i;

	for (i = 0; i < g->nlogs; i++) {
		if (g->logs[i].kind != LOG_TO_SYSLOG)
			return true;
	}
	return false;
}

/* As process 1 of a container, whose log is its stdout, log there too. */
static void
log_for_container(struct conf_global *g)
{
	if (is_visible(g) || getpid() != 1)
		return;
	g->logs = xrealloc(g->logs, (g->nlogs + 1) * sizeof(g->logs[0]));
	g->logs[g->nlogs++] =
	    (struct log_target){.kind = LOG_TO_STDOUT, .level = LEVEL_DEBUG};
}

/* Open the control socket that the environment names, too: that of an image,
 * whose configuration is another's. */
static void
add_control(struct conf_global *g)
{
	const char *path = getenv("ROLEPROXY_SOCKET");
	struct conf_control *c;
	size_t i;

	if (path == NULL || path[0] != '/' ||
	    strlen(path) >= sizeof(c->addr.u.path))
		return;
	for (i = 0; i < g->ncontrols; i++) {
		c = &g->controls[i];
		if (c->addr.family == AF_UNIX &&
		    strcmp(c->addr.u.path, path) == 0)
			return;
	}
	g->controls =
	    xrealloc(g->controls, (g->ncontrols + 1) * sizeof(*g->controls));
	c = &g->controls[g->ncontrols++];
	memset(c, 0, sizeof(*c));
	c->addr.family = AF_UNIX;
	strcpy(c->addr.u.path, path);
}

/* What the command line and the place that we run in say beyond the files. */
static void
apply_options(struct conf *conf, const struct run_options *options)
{
	size_t i;

	if (options->debug)
		conf->global.log_level = LEVEL_DEBUG;
	if (options->maxconn != 0)
		conf->global.maxconn = options->maxconn;
	for (i = 0; i < conf->nfrontends; i++) {
		if (conf->frontends[i].maxconn == 0)
			conf->frontends[i].maxconn = options->fmaxconn;
	}
	log_for_container(&conf->global);
	add_control(&conf->global);
}

/* Open what conf listens on; older processes that this one replaces may have to
 * let it first. -1 with nothing changed and the reason in error. */
static int
open_listeners(struct run *r, struct conf *conf, char *error, size_t size)
{
	const struct run_options *o = r->options;
	const struct timespec pause = {0, TAKE_OVER_PAUSE_MS * 1000000L};
	int64_t until = clock_ms() + (r->taking_over ? TAKE_OVER_MS : 0);

	for (;;) {
		if (proxy_listen(r->proxy, conf, error, size) == 0 &&
		    stats_listen(r->stats, conf, error, size) == 0)
			return 0;
		proxy_abort(r->proxy);
		stats_abort(r->stats);
		if (clock_ms() >= until)
			return -1;
		process_signal(o->old, o->nold, SIGTTOU);
		nanosleep(&pause, NULL);
	}
}

/* Open what conf needs, then take it into use. -1 with nothing changed. */
static int
adopt(struct run *r, struct conf *conf)
{
	char error[256] = "more servers than there is room for, those that "
			  "were removed and still have sessions included";

	resources_fit(conf);
	conf->generation = ++r->loads;
	if (open_listeners(r, conf, error, sizeof(error)) == 0 &&
	    monitor_configure(r->monitor, conf) == 0)
		return 0;
	log_error("%s", error);
	proxy_abort(r->proxy);
	stats_abort(r->stats);
	return -1;
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
		conf_free(next);
		return -1;
	}
	retire_conf(r, next);
	proxy_commit(r->proxy, r->conf);
	stats_commit(r->stats);
	control_set_timeout(r->control, r->conf->global.control_timeout);
	return 0;
}

/* What a line about a reload says besides: how it went, of which file, which
 * configuration is in use. Returns f. */
static const struct log_fields *
reload_fields(struct log_fields *f, const char *result, const struct conf *conf)
{
	log_field(f, "result", result);
	log_field(f, "file", conf->path);
	log_field_number(f, "configuration", (int64_t)conf->generation);
	return f;
}

/* HUP: load, validate, then swap; on any error everything stays. */
static void
reload(struct run *r)
{
	struct log_fields fields = {.len = 0};
	struct conf_problems problems = {0};
	struct conf *next;

	log_info("reloading the configuration");
	service_reloading();
	next = conf_load_source(&r->options->source, &problems);
	if (next != NULL) {
		apply_options(next, r->options);
		conf_keep_discovered(next, r->conf);
		conf_reload_warnings(r->conf, next, &problems);
	}
	log_problems(&problems);
	conf_problems_clear(&problems);
	proxy_reopen(r->proxy, true);
	r->reloads.last_failed = next == NULL || swap(r, next) != 0;
	if (r->reloads.last_failed) {
		r->reloads.failed++;
		proxy_reopen(r->proxy, false);
		log_event(LEVEL_ERROR, "reload",
		    reload_fields(&fields, "failed", r->conf),
		    "reload failed: the running configuration stays");
		service_reloaded();
		return;
	}
	r->reloads.ok++;
	log_name(next->global.log_tag, next->global.log_hostname);
	log_set_json(next->global.log_format == LOG_FORMAT_JSON);
	if (log_change(next->global.logs, next->global.nlogs,
		next->global.log_level) != 0)
		log_error("cannot change the log: %s", strerror(errno));
	log_event(LEVEL_INFO, "reload", reload_fields(&fields, "ok", next),
	    "configuration %llu is in use",
	    (unsigned long long)next->generation);
	service_reloaded();
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

/* Begin to leave: TERM waits for grace at most, USR1 for hard-stop-after or as
 * long as it takes. Where a younger process listens too, we do so no longer. */
static void
leave(struct run *r, bool patient)
{
	const struct conf_global *g = &r->conf->global;
	int64_t now = clock_ms();

	r->state = RUN_LEAVING;
	r->leave_until = now + (r->replaced ? 0 : g->drain_delay);
	r->stop_at = r->leave_until + (patient ? g->hard_stop_after : g->grace);
	if (patient && g->hard_stop_after == 0)
		r->stop_at = 0;
	if (r->replaced)
		stats_unlisten(r->stats);
	if (!r->replaced) /* else the younger process is the service */
		service_stopping();
	log_info("stopping: %u sessions, %s", proxy_sessions(r->proxy),
	    patient ? "each may finish" : "each may finish within grace");
}

/* Let another binary take over. */
static void
upgrade(struct run *r)
{
	if (r->state >= RUN_LEAVING)
		return;
	if (r->upgrade > 0) {
		log_warn("SIGUSR2: process %d is about to take over already",
		    (int)r->upgrade);
		return;
	}
	r->upgrade = upgrade_start();
	r->upgrade_until = clock_ms() + UPGRADE_MS;
}

/* A process that we started has ended. If it was to take over, and ended well,
 * it has gone to the background. */
static void
look_at_upgrade(struct run *r)
{
	int status;

	if (r->upgrade <= 0 || waitpid(r->upgrade, &status, WNOHANG) <= 0)
		return;
	if (r->state < RUN_LEAVING &&
	    !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		log_error("SIGUSR2: process %d has ended before it took over "
			  "(%s %d): this one goes on; its own words are "
			  "above, or in its log",
		    (int)r->upgrade, WIFEXITED(status) ? "exit code" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		r->replaced = false;
		net_let_share(false);
	}
	r->upgrade = 0;
}

static void
run_signal_cb(evutil_socket_t sig, short what, void *arg)
{
	struct run *r = arg;

	(void)what;
	if (sig == SIGTTOU || sig == SIGTTIN) {
		r->replaced = sig == SIGTTOU;
		net_let_share(r->replaced);
		return;
	}
	if (sig == SIGCHLD) {
		look_at_upgrade(r);
		return;
	}
	if (sig == SIGUSR2 && getpid() != 1 && !r->options->master) {
		upgrade(r);
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
	log_event(LEVEL_INFO, "ready", NULL, "ready after %lld ms%s",
	    (long long)(clock_ms() - r->started),
	    monitor_ready(r->monitor)
		? ""
		: ": not every server has been checked yet");
	service_ready();
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
	history_tick(r->history, &r->source);
	if (r->state < RUN_LEAVING)
		service_tick(&r->source, now);
	if (r->state < RUN_LEAVING && ++r->pulses % DISCOVER_EVERY == 0)
		discover_servers(r);
	if (r->state == RUN_STARTING &&
	    (monitor_ready(r->monitor) ||
		now - r->started >= r->conf->global.startup_wait))
		become_ready(r);
	if (r->upgrade > 0 && r->state < RUN_LEAVING &&
	    now >= r->upgrade_until) {
		log_error("SIGUSR2: process %d has not taken over within %d "
			  "s: it is ended",
		    (int)r->upgrade, UPGRADE_MS / 1000);
		kill(r->upgrade, SIGKILL);
		r->upgrade_until = now + UPGRADE_MS;
	}
	if (r->state == RUN_LEAVING && now >= r->leave_until) {
		r->state = RUN_DRAINING;
		proxy_drain(r->proxy);
	}
	if (r->state == RUN_DRAINING &&
	    (proxy_sessions(r->proxy) == 0 ||
		(r->stop_at != 0 && now >= r->stop_at)))
		event_base_loopbreak(r->base);
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

/* Undo watch(). The end is near and must not be cut short: a second Ctrl-C
 * would kill the process, and not with exit code 0. */
static void
unwatch(struct run *r)
{
	sigset_t ours;
	size_t i;

	sigemptyset(&ours);
	for (i = 0; i < sizeof(run_signals) / sizeof(run_signals[0]); i++)
		sigaddset(&ours, run_signals[i]);
	pthread_sigmask(SIG_BLOCK, &ours, NULL);
	for (i = 0; i < sizeof(run_signals) / sizeof(run_signals[0]); i++)
		event_free(r->signals[i]);
	event_free(r->pulse);
}

/* -D gives up the terminal: say so to whoever logs there. */
static void
warn_of_silence(const struct conf *conf)
{
	if (is_visible(&conf->global))
		log_warn("-D: after the start nothing is logged to stdout and "
			 "stderr; log = syslog:/dev/log goes on");
}

/* Is a control socket the environment's, which is not worth failing for? */
static bool
is_optional(const struct conf_control *c)
{
	const char *path = getenv("ROLEPROXY_SOCKET");

	return path != NULL && c->addr.family == AF_UNIX &&
	       strcmp(c->addr.u.path, path) == 0;
}

/* Open the control sockets, if there are to be any. */
static int
listen_control(struct run *r)
{
	const struct conf_global *g = &r->conf->global;
	char error[256];
	bool optional;
	size_t i;

	for (i = 0; i < g->ncontrols; i++) {
		if (control_listen(r->control, &g->controls[i], g->control_mode,
			error, sizeof(error)) == 0)
			continue;
		optional = is_optional(&g->controls[i]);
		log_line(optional ? LEVEL_WARN : LEVEL_ERROR, "%s", error);
		if (!optional)
			return -1;
	}
	return 0;
}

/* Tell older processes that we are not in their place. */
static void
give_up(const struct run *r)
{
	process_signal(r->options->old, r->options->nold, SIGTTIN);
}

/* Take the clients of older processes from now on, and tell them. -1 if that
 * cannot be done. */
static int
take_over(const struct run *r)
{
	const struct run_options *o = r->options;

	if (o->nold == 0)
		return 0;
	if (net_listen_shared() != 0) {
		log_error("cannot listen in the place of another process: %s",
		    strerror(errno));
		return -1;
	}
	net_take_all();
	process_signal(o->old, o->nold, o->kill_old ? SIGTERM : SIGUSR1);
	return 0;
}

/* Have all addresses, beside older processes if there are any. -1 if that
 * cannot be done. */
static int
take_place(struct run *r, const char *pidfile)
{
	int result;

	r->taking_over = r->options->nold > 0;
	net_share(r->taking_over);
	result =
	    adopt(r, r->conf) != 0 || listen_control(r) != 0 ||
		    (pidfile != NULL && process_write_pidfile(pidfile) != 0)
		? -1
		: 0;
	net_share(false);
	r->taking_over = false;
	return result;
}

/* Become the user that conf names; then say what a reload could not read. -1 if
 * that cannot be done. */
static int
drop_rights(struct run *r)
{
	const struct conf_global *g = &r->conf->global;
	struct conf_problems problems = {0};
	int dropped = process_drop(g->user, g->group);
	size_t i;

	if (dropped <= 0)
		return dropped;
	conf_free(conf_load_source(&r->options->source, &problems));
	for (i = 0; i < problems.n; i++) {
		if (problems.list[i].severity == CONF_ERROR)
			log_warn("as this user, a reload would fail: %s",
			    problems.list[i].text);
	}
	conf_problems_clear(&problems);
	return 0;
}

/* Open everything and start the workers. Where that means to lose the right to
 * tell older processes, they are told before. -1 if it cannot be done. */
static int
open_all(struct run *r, const char *pidfile, bool *told)
{
	const struct conf_global *g = &r->conf->global;

	if (take_place(r, pidfile) != 0)
		return -1;
	if ((g->user != NULL || g->group != NULL) && geteuid() == 0) {
		if (take_over(r) != 0)
			return -1;
		*told = true;
	}
	if (drop_rights(r) != 0)
		return -1;
	if (proxy_start(r->proxy) != 0) {
		log_error("cannot start a thread: %s", strerror(errno));
		return -1;
	}
	if (!*told && take_over(r) != 0)
		return -1;
	*told = true;
	proxy_commit(r->proxy, r->conf);
	stats_commit(r->stats);
	control_set_timeout(r->control, g->control_timeout);
	return 0;
}

/* Start. Older processes are told last, so that they go on if it fails. */
static int
start(struct run *r, const char *pidfile)
{
	bool told = false;

	if (r->options->ready_fd >= 0)
		warn_of_silence(r->conf);
	if (open_all(r, pidfile, &told) == 0)
		return 0;
	if (!told)
		give_up(r);
	return -1;
}

/* Open the log. Until the start is over, errors also go where whoever started
 * us sees them. */
static void
open_log(const struct conf_global *g)
{
	size_t n = g->nlogs;
	struct log_target *targets = xcalloc(n + 1, sizeof(*targets));

	if (n > 0)
		memcpy(targets, g->logs, n * sizeof(*targets));
	if (!is_visible(g))
		targets[n++] = (struct log_target){
		    .kind = LOG_TO_STDERR, .level = LEVEL_ERROR};
	log_name(g->log_tag, g->log_hostname);
	log_set_json(g->log_format == LOG_FORMAT_JSON);
	if (log_open(targets, n, g->log_level) != 0)
		fatal("cannot open the log: %s", strerror(errno));
	free(targets);
}

/* The start is over: log as the configuration says, and nowhere else. */
static void
settle_log(const struct conf_global *g)
{
	if (!is_visible(g) && log_change(g->logs, g->nlogs, g->log_level) != 0)
		log_error("cannot change the log: %s", strerror(errno));
}

/* The first line. */
static void
log_start(const struct conf *conf)
{
	struct log_fields f = {.len = 0};

	log_field(&f, "version", ROLEPROXY_VERSION);
	log_field(&f, "file", conf->path);
	log_event(LEVEL_INFO, "start", &f, "roleproxy %s starts with %s",
	    ROLEPROXY_VERSION, conf->path);
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
	open_log(&conf->global);
	log_start(conf);
	r.started = clock_ms();
	parts_compose(&r);
	watch(&r);
	if (start(&r, pidfile[0] == '\0' ? NULL : pidfile) == 0) {
		settle_log(&conf->global);
		event_base_dispatch(r.base);
	} else
		r.exit_code = 1;
	proxy_stop(r.proxy);
	if (r.exit_code == 0 && pidfile[0] != '\0')
		process_remove_pidfile(pidfile);
	log_event(LEVEL_INFO, "stop", NULL, "stopped");
	unwatch(&r);
	parts_free(&r);
	log_close();
	return r.exit_code;
}
