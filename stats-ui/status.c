/*
 * The status as plain text for a terminal: what the page shows first, with the
 * same words. It has no empty line and no character that a terminal obeys.
 */
#include <event2/buffer.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/version.h"
#include "stats-ui/alarm.h"
#include "stats-ui/cluster.h"
#include "stats-ui/columns.h"
#include "stats-ui/reason.h"
#include "stats-ui/words.h"

#define DECISIONS_SHOWN 5
/* One server, in a Redis Cluster with its shard. */
static void
add_server(struct columns *t, const struct stats_source *src,
    const struct conf_backend *cb, const struct conf_server *cs, bool cluster)
{
	struct monitor_server ms = monitor_server(src->monitor, cs);
	char text[WORDS_MAX];

	columns_cell(t, "%s", cs->name);
	columns_cell(t, "%s", words_address(&ms, text));
	columns_cell(t, "%s", words_status(&ms));
	columns_cell(t, "%s", role_str(ms.state->role));
	if (cluster)
		columns_cell(t, "%s", ms.shard == NULL ? "-" : ms.shard);
	columns_cell(t, "%s", words_writer(&ms));
	columns_cell(t, "%s", ms.lag.ms < 0 ? "-" : words_lag(&ms.lag, text));
	columns_cell(t, "%u", src->server_sessions(cs->id, src->arg));
	columns_cell(t, "%s", reason_words(cb, &ms, text));
}

/* What the Sentinels of a backend say, together and one by one. */
static void
add_sentinels(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb)
{
	struct report_sentinel s;
	char text[WORDS_MAX];

	columns_line(out, "  %s", words_watch(src, cb, text));
	for (size_t i = 0; monitor_sentinel(src->monitor, cb, i, &s); i++)
		columns_line(out, "    %s:%u %s", s.place.host, s.place.port,
		    words_sentinel(&s, text));
}

/* Who takes the writes of a backend, and its servers. */
static void
put_backend(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb)
{
	static const char *const heads[] = {"SERVER", "ADDRESS", "STATUS",
	    "ROLE", "WRITER", "BEHIND", "SESSIONS", "REASON", NULL};
	static const char *const shard_heads[] = {"SERVER", "ADDRESS", "STATUS",
	    "ROLE", "SHARD", "WRITER", "BEHIND", "SESSIONS", "REASON", NULL};
	size_t order[CONF_SERVERS_MAX];
	bool cluster = cluster_order(src, cb, order);
	char text[WORDS_MAX];
	struct columns t;

	columns_line(
	    out, "backend %s: %s", cb->name, words_backend(src, cb, text));
	if (words_followers(src, cb, text)[0] != '\0')
		columns_line(out, "  %s", text);
	columns_open(&t, cluster ? shard_heads : heads);
	for (size_t i = 0; i < cb->nservers; i++)
		add_server(&t, src, cb, &cb->servers[order[i]], cluster);
	columns_close(&t, out);
	if (cb->check == CHECK_REDIS && !cluster)
		add_sentinels(out, src, cb);
}

/* One frontend; its first address stands for all. */
static void
add_frontend(struct columns *t, const struct stats_source *src,
    const struct conf_frontend *cf)
{
	struct counter_sums sums = {0};
	struct words_load load = words_frontend(src, cf, &sums);
	char text[ADDR_STR_MAX] = "";

	if (cf->nbinds > 0)
		addr_str(&cf->binds[0], text);
	columns_cell(t, "%s", cf->name);
	columns_cell(t, "%s%s", text, cf->nbinds > 1 ? ", ..." : "");
	columns_cell(t, "%s", cf->backend->name);
	columns_cell(t, "%s", conf_route_str(cf->route));
	columns_cell(t, "%u", load.sessions);
	columns_cell(t, "%u", load.held);
}

/* Where clients connect, and how many wait for a server. */
static void
put_frontends(struct evbuffer *out, const struct stats_source *src,
    const struct conf *conf)
{
	static const char *const heads[] = {"FRONTEND", "ADDRESS", "BACKEND",
	    "ROUTE", "SESSIONS", "HELD", NULL};
	struct columns t;

	columns_line(out, "frontends:");
	columns_open(&t, heads);
	for (size_t i = 0; i < conf->nfrontends; i++)
		add_frontend(&t, src, &conf->frontends[i]);
	columns_close(&t, out);
}

/* The newest changes of a writer. */
static void
put_decisions(struct evbuffer *out, const struct stats_source *src)
{
	const struct decision *d = monitor_decision(src->monitor, 0);
	char when[WORDS_MAX], text[WORDS_MAX];

	columns_line(out, "what changed, newest first:%s",
	    d == NULL ? " nothing yet" : "");
	for (size_t i = 0; d != NULL && i < DECISIONS_SHOWN; i++) {
		columns_line(out, "  %s  %s", words_time(d->wall_us, when),
		    words_decision(d, text));
		d = monitor_decision(src->monitor, i + 1);
	}
}

/* The process itself. */
static void
put_process(struct evbuffer *out, const struct stats_source *src)
{
	unsigned workers = src->workers(src->arg);
	unsigned sessions = src->sessions(src->arg);
	char up[WORDS_MAX];

	columns_line(out, "roleproxy %s, up %s, %u worker%s, %u session%s%s%s",
	    ROLEPROXY_VERSION, words_span(clock_ms() - src->started, up),
	    workers, workers == 1 ? "" : "s", sessions,
	    sessions == 1 ? "" : "s",
	    src->draining(src->arg) ? ", draining" : "",
	    monitor_ready(src->monitor)
		? ""
		: ", the first round of checks is not done");
}

/* For alarm_each(). */
static void
trouble_cb(bool critical, const char *text, void *arg)
{
	columns_line(arg, "%s: %s", critical ? "critical" : "warning", text);
}

void
stats_render_status(const struct stats_source *src, struct evbuffer *out)
{
	const struct conf *conf = src->conf(src->arg);

	put_process(out, src);
	alarm_each(src, trouble_cb, out);
	for (size_t i = 0; i < conf->nbackends; i++)
		put_backend(out, src, &conf->backends[i]);
	put_frontends(out, src, conf);
	put_decisions(out, src);
}
