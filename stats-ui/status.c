/*
 * The status as plain text for a terminal: what the page shows first, with the
 * same words. It has no empty line and no character that a terminal obeys.
 */
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "stats-ui/cluster.h"
#include "stats-ui/reason.h"
#include "stats-ui/words.h"

#define DECISIONS_SHOWN 5
#define COLUMNS_MAX     9

/* Cells, row by row; columns become as wide as their widest cell. */
struct table {
	char **cells;
	size_t n, columns, widths[COLUMNS_MAX];
};

/* Bytes of the character at text if it may be shown, else 0. U+0080 to U+009F
 * are control characters too (ECMA-48). */
static size_t
shown(const char *text)
{
	size_t n = words_utf8(text);
	unsigned char first = (unsigned char)text[0];

	if (first < 0x20 || first == 0x7f)
		return 0;
	return first == 0xc2 && (unsigned char)text[1] < 0xa0 ? 0 : n;
}

/* Make text harmless in place; returns how many characters it has. */
static size_t
clean(char *text)
{
	size_t n, count = 0;

	for (; *text != '\0'; text += n, count++) {
		n = shown(text);
		if (n == 0) {
			*text = '?';
			n = 1;
		}
	}
	return count;
}

/* A line, made harmless. */
static void __attribute__((format(printf, 2, 3)))
line(struct evbuffer *out, const char *fmt, ...)
{
	char text[2 * WORDS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean(text);
	evbuffer_add(out, text, strlen(text));
	evbuffer_add(out, "\n", 1);
}

/* The next cell of a table. */
static void __attribute__((format(printf, 2, 3)))
cell(struct table *t, const char *fmt, ...)
{
	char text[WORDS_MAX];
	size_t column = t->n % t->columns, width;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	width = clean(text);
	if (width > t->widths[column])
		t->widths[column] = width;
	t->cells = xrealloc(t->cells, (t->n + 1) * sizeof(*t->cells));
	t->cells[t->n++] = xstrdup(text);
}

/* Begin a table with these heads, NULL at their end. */
static void
table_open(struct table *t, const char *const *heads)
{
	memset(t, 0, sizeof(*t));
	while (heads[t->columns] != NULL)
		t->columns++;
	for (size_t i = 0; i < t->columns; i++)
		cell(t, "%s", heads[i]);
}

/* Write a table out and free it. Lines end with their last cell. */
static void
table_close(struct table *t, struct evbuffer *out)
{
	size_t pad = 2;

	for (size_t i = 0; i < t->n; i++) {
		char *text = t->cells[i];
		size_t column = i % t->columns, len = strlen(text);

		if (len > 0) {
			evbuffer_add_printf(out, "%*s%s", (int)pad, "", text);
			pad = 0;
		}
		/* No character is longer than its bytes. */
		for (const char *c = text; *c != '\0'; c++)
			len -= ((unsigned char)*c & 0xc0) == 0x80;
		pad += t->widths[column] - len + 2;
		if (column == t->columns - 1) {
			evbuffer_add(out, "\n", 1);
			pad = 2;
		}
		free(text);
	}
	free(t->cells);
}

/* Is this the server that takes the writes? */
static const char *
writer_text(const struct monitor_server *ms)
{
	if (ms->writer)
		return ms->now->writable ? "yes" : "away";
	return ms->fenced ? "fenced" : "";
}

/* One server, in a Redis Cluster with its shard. */
static void
add_server(struct table *t, const struct stats_source *src,
    const struct conf_backend *cb, const struct conf_server *cs, bool cluster)
{
	struct monitor_server ms = monitor_server(src->monitor, cs);
	char text[WORDS_MAX];

	cell(t, "%s", cs->name);
	cell(t, "%s", words_address(&ms, text));
	cell(t, "%s", words_status(&ms));
	cell(t, "%s", role_str(ms.state->role));
	if (cluster)
		cell(t, "%s", ms.shard == NULL ? "-" : ms.shard);
	cell(t, "%s", writer_text(&ms));
	cell(t, "%s", ms.lag.ms < 0 ? "-" : words_lag(&ms.lag, text));
	cell(t, "%u", src->server_sessions(cs->id, src->arg));
	cell(t, "%s", reason_words(cb, &ms, text));
}

/* What the Sentinels of a backend say, together and one by one. */
static void
add_sentinels(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb)
{
	struct report_sentinel s;
	char text[WORDS_MAX];

	line(out, "  %s", words_watch(src, cb, text));
	for (size_t i = 0; monitor_sentinel(src->monitor, cb, i, &s); i++)
		line(out, "    %s:%u %s", s.place.host, s.place.port,
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
	struct table t;

	line(out, "backend %s: %s", cb->name, words_backend(src, cb, text));
	table_open(&t, cluster ? shard_heads : heads);
	for (size_t i = 0; i < cb->nservers; i++)
		add_server(&t, src, cb, &cb->servers[order[i]], cluster);
	table_close(&t, out);
	if (cb->check == CHECK_REDIS && !cluster)
		add_sentinels(out, src, cb);
}

/* One frontend; its first address stands for all. */
static void
add_frontend(struct table *t, const struct stats_source *src,
    const struct conf_frontend *cf)
{
	struct counter_sums sums = {0};
	struct words_load load = words_frontend(src, cf, &sums);
	char text[ADDR_STR_MAX] = "";

	if (cf->nbinds > 0)
		addr_str(&cf->binds[0], text);
	cell(t, "%s", cf->name);
	cell(t, "%s%s", text, cf->nbinds > 1 ? ", ..." : "");
	cell(t, "%s", cf->backend->name);
	cell(t, "%s", conf_route_str(cf->route));
	cell(t, "%u", load.sessions);
	cell(t, "%u", load.held);
}

/* Where clients connect, and how many wait for a server. */
static void
put_frontends(struct evbuffer *out, const struct stats_source *src,
    const struct conf *conf)
{
	static const char *const heads[] = {"FRONTEND", "ADDRESS", "BACKEND",
	    "ROUTE", "SESSIONS", "HELD", NULL};
	struct table t;

	line(out, "frontends:");
	table_open(&t, heads);
	for (size_t i = 0; i < conf->nfrontends; i++)
		add_frontend(&t, src, &conf->frontends[i]);
	table_close(&t, out);
}

/* The newest changes of a writer. */
static void
put_decisions(struct evbuffer *out, const struct stats_source *src)
{
	const struct decision *d = monitor_decision(src->monitor, 0);
	char when[WORDS_MAX], text[WORDS_MAX];

	line(out, "what changed, newest first:%s",
	    d == NULL ? " nothing yet" : "");
	for (size_t i = 0; d != NULL && i < DECISIONS_SHOWN; i++) {
		line(out, "  %s  %s", words_time(d->wall_us, when),
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

	line(out, "roleproxy %s, up %s, %u worker%s, %u session%s%s%s",
	    ROLEPROXY_VERSION, words_span(clock_ms() - src->started, up),
	    workers, workers == 1 ? "" : "s", sessions,
	    sessions == 1 ? "" : "s",
	    src->draining(src->arg) ? ", draining" : "",
	    monitor_ready(src->monitor)
		? ""
		: ", the first round of checks is not done");
}

void
stats_render_status(const struct stats_source *src, struct evbuffer *out)
{
	const struct conf *conf = src->conf(src->arg);

	put_process(out, src);
	for (size_t i = 0; i < conf->nbackends; i++)
		put_backend(out, src, &conf->backends[i]);
	put_frontends(out, src, conf);
	put_decisions(out, src);
}
