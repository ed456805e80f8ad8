/*
 * Wiring: what one part has to ask of another goes through here, so that none
 * of them needs to know the others.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "health/monitor.h"
#include "parts.h"
#include "proxy/proxy.h"
#include "resources.h"
#include "stats-ui/control.h"
#include "stats-ui/history.h"
#include "stats-ui/runtime.h"

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

/* Have so many connects in a row to a server failed? */
static bool
failing_cb(int server_id, unsigned limit, void *arg)
{
	struct run *r = arg;

	return proxy_server_failing(r->proxy, server_id, limit);
}

/* Clients that wait for a server of this backend. */
static unsigned
held_cb(const struct conf_backend *cb, void *arg)
{
	struct run *r = arg;
	unsigned held = 0;
	size_t i;

	for (i = 0; i < r->conf->nfrontends + r->conf->nbranches; i++) {
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

static enum frontend_state
frontend_state_cb(int id, void *arg)
{
	struct run *r = arg;

	return proxy_frontend_state(r->proxy, id);
}

static int64_t
frontend_maxconn_cb(int id, void *arg)
{
	struct run *r = arg;

	return proxy_maxconn(r->proxy, id);
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

static void
figures_cb(struct figures *f, void *arg)
{
	struct run *r = arg;

	proxy_figures(r->proxy, f);
}

static void
server_figures_cb(int id, struct figures *f, void *arg)
{
	struct run *r = arg;

	proxy_server_figures(r->proxy, id, f);
}

static void
frontend_figures_cb(int id, struct figures *f, void *arg)
{
	struct run *r = arg;

	proxy_frontend_figures(r->proxy, id, f);
}

/* For stats_source. */
static void
frontend_times_cb(int id, struct frontend_times *out, void *arg)
{
	const struct run *r = arg;

	proxy_frontend_times(r->proxy, id, out);
}

/* The same. */
static int64_t
worker_stall_cb(unsigned worker, void *arg)
{
	const struct run *r = arg;

	return proxy_worker_stall_ms(r->proxy, worker);
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

static struct stats_reloads
reloads_cb(void *arg)
{
	struct run *r = arg;

	return r->reloads;
}

static unsigned
workers_cb(void *arg)
{
	struct run *r = arg;

	return proxy_workers(r->proxy);
}

static void
site_counts_cb(size_t site, struct site_counts *out, void *arg)
{
	struct run *r = arg;

	stats_site_counts(r->stats, site, out);
}

static void
pause_cb(int id, bool paused, void *arg)
{
	struct run *r = arg;

	proxy_pause(r->proxy, id, paused);
}

static void
shutdown_cb(int id, void *arg)
{
	struct run *r = arg;

	proxy_shutdown(r->proxy, id);
}

static void
set_maxconn_cb(int id, int64_t maxconn, void *arg)
{
	struct run *r = arg;

	proxy_set_maxconn(r->proxy, id, maxconn);
}

static void
list_sessions_cb(view_sessions_cb done, void *done_arg, void *arg)
{
	struct run *r = arg;

	proxy_list_sessions(r->proxy, done, done_arg);
}

static void
close_session_cb(uint64_t id, view_closed_cb done, void *done_arg, void *arg)
{
	struct run *r = arg;

	proxy_close_session(r->proxy, id, done, done_arg);
}

static void
close_server_cb(int server_id, void *arg)
{
	struct run *r = arg;

	proxy_close_server(r->proxy, server_id);
}

static void
clear_counters_cb(bool all, void *arg)
{
	struct run *r = arg;

	proxy_clear_counters(r->proxy, all);
	history_clear(r->history, &r->source, all);
}

/* The status for the control socket. */
static void
status_cb(struct evbuffer *out, void *arg)
{
	struct run *r = arg;

	stats_render_status(&r->source, out);
}

/* Is all well? For the control socket. */
static void
check_cb(struct evbuffer *out, void *arg)
{
	struct run *r = arg;

	stats_render_alarm(&r->source, out);
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
switchover_cb(const char *backend, const char *server, runtime_done_cb done,
    void *done_arg, char *error, size_t size, void *arg)
{
	struct run *r = arg;

	if (!is_configured(r->conf, backend, server, error, size))
		return -1;
	return monitor_switchover(
	    r->monitor, backend, server, done, done_arg, error, size);
}

void
parts_compose(struct run *r)
{
	struct monitor_ops ops = {.publish = publish_cb,
	    .seen = seen_cb,
	    .closed = closed_cb,
	    .sessions = server_sessions_cb,
	    .held = held_cb,
	    .failing = failing_cb,
	    .lease = lease_cb,
	    .arg = r};
	struct stats_source source = {.conf = conf_cb,
	    .sessions = sessions_cb,
	    .server_sessions = server_sessions_cb,
	    .frontend_sessions = frontend_sessions_cb,
	    .frontend_held = frontend_held_cb,
	    .frontend_state = frontend_state_cb,
	    .frontend_maxconn = frontend_maxconn_cb,
	    .server_counters = server_counters_cb,
	    .frontend_counters = frontend_counters_cb,
	    .figures = figures_cb,
	    .server_figures = server_figures_cb,
	    .frontend_figures = frontend_figures_cb,
	    .frontend_times = frontend_times_cb,
	    .stall_ms = stall_cb,
	    .worker_stall_ms = worker_stall_cb,
	    .draining = draining_cb,
	    .workers = workers_cb,
	    .reloads = reloads_cb,
	    .site_counts = site_counts_cb,
	    .started = clock_ms(),
	    .arg = r};
	struct admin_ops admin = {.frontend_state = frontend_state_cb,
	    .pause = pause_cb,
	    .shutdown = shutdown_cb,
	    .set_maxconn = set_maxconn_cb,
	    .list_sessions = list_sessions_cb,
	    .close_session = close_session_cb,
	    .close_server = close_server_cb,
	    .clear_counters = clear_counters_cb,
	    .arg = r};
	struct runtime runtime = {.own = {.status = status_cb,
				      .check = check_cb,
				      .promote = promote_cb,
				      .switchover = switchover_cb,
				      .arg = r},
	    .source = &r->source};
	unsigned n = r->conf->global.workers;

	STAILQ_INIT(&r->old);
	r->base = event_base_new();
	if (r->base == NULL)
		fatal("cannot make an event loop");
	r->proxy = proxy_new(
	    r->base, n == 0 ? resources_workers() : n, worker_seen_cb, r);
	r->monitor = monitor_new(r->base, &ops);
	source.monitor = r->monitor;
	r->history = history_new();
	source.history = r->history;
	r->source = source;
	r->stats = stats_new(r->base, &source);
	admin.monitor = r->monitor;
	stats_set_admin(r->stats, &admin);
	runtime.admin = admin;
	r->control = control_new(r->base, &runtime);
}

void
parts_free(struct run *r)
{
	struct old_conf *o;

	control_free(r->control);
	stats_free(r->stats);
	history_free(r->history);
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
