/*
 * The page: who takes the writes, what each server is, what changed and why.
 * Plain HTML5 without scripts; every text goes through put() and is escaped.
 */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "stats-ui/auth.h"
#include "stats-ui/cluster.h"
#include "stats-ui/hstate.h"
#include "stats-ui/post.h"
#include "stats-ui/proxies.h"
#include "stats-ui/words.h"

#define DECISIONS_SHOWN 20

/* Scrollable boxes around the tables keep a narrow screen readable. */
static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--line:#c8ccd2;--dim:#59616b;"
    "--good:#136c2e;--bad:#b3261e;--head:#f2f4f6}\n"
    "@media (prefers-color-scheme:dark){:root{--line:#444b54;"
    "--dim:#a3acb7;--good:#6fd08c;--bad:#ff9d94;--head:#22272e}}\n"
    "body{font:16px/1.45 system-ui,sans-serif;margin:0 auto;"
    "max-width:96rem;padding:0 1rem 2rem}\n"
    "h1{font-size:1.25rem}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}\n"
    ".say{font-size:1.1rem;font-weight:600;margin:.2rem 0;"
    "overflow-wrap:anywhere}\n"
    ".box{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:.9rem;"
    "font-variant-numeric:tabular-nums}\n"
    "caption{text-align:left;font-weight:600;padding:.3rem 0}\n"
    "th,td{border:1px solid var(--line);padding:.25rem .5rem;"
    "text-align:left;vertical-align:top;white-space:nowrap}\n"
    "td.w{white-space:normal;min-width:12rem;overflow-wrap:anywhere}\n"
    "td.n{text-align:right}thead th{background:var(--head)}\n"
    ".good{color:var(--good)}.bad{color:var(--bad)}"
    ".dim{color:var(--dim)}\n"
    "ol{padding-left:1.2rem}li,p{overflow-wrap:anywhere}\n"
    "</style>\n";

/* Markup as it stands. */
static void
raw(struct evbuffer *out, const char *markup)
{
	evbuffer_add(out, markup, strlen(markup));
}

/* One character of text that means something in HTML, or may not stand in it;
 * NULL for any other. */
static const char *
escape(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\t':
	case '\n':
	case '\r':
		return " ";
	default:
		return (c > 0 && c < 0x20) || c == 0x7f ? "\xef\xbf\xbd" : NULL;
	}
}

/* Text, made safe in content and in quoted attributes. */
static void
put(struct evbuffer *out, const char *text)
{
	const char *safe;
	size_t n;

	for (; *text != '\0'; text += n) {
		n = words_utf8(text);
		safe = n == 0 ? "\xef\xbf\xbd" : escape(*text);
		if (n == 0)
			n = 1;
		if (safe != NULL)
			raw(out, safe);
		else
			evbuffer_add(out, text, n);
	}
}

/* Formatted text, made safe. */
static void __attribute__((format(printf, 2, 3)))
putf(struct evbuffer *out, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(out, text);
}

/* A cell of text. */
static void
cell(struct evbuffer *out, const char *text)
{
	raw(out, "<td>");
	put(out, text);
	raw(out, "</td>");
}

/* A cell with a number. */
static void
cell_number(struct evbuffer *out, uint64_t n)
{
	evbuffer_add_printf(out, "<td class=\"n\">%" PRIu64 "</td>", n);
}

/* A cell with a number of bytes. */
static void
cell_bytes(struct evbuffer *out, uint64_t n)
{
	char text[WORDS_MAX];

	raw(out, "<td class=\"n\">");
	put(out, words_bytes(n, text));
	raw(out, "</td>");
}

/* Open a table with this caption and these column heads, NULL at their end. */
static void
table_open(struct evbuffer *out, const char *caption, const char *const *heads)
{
	raw(out, "<div class=\"box\" role=\"region\" tabindex=\"0\" "
		 "aria-label=\"");
	put(out, caption);
	raw(out, "\"><table><caption>");
	put(out, caption);
	raw(out, "</caption>\n<thead><tr>");
	for (; *heads != NULL; heads++) {
		raw(out, "<th scope=\"col\">");
		put(out, *heads);
		raw(out, "</th>");
	}
	raw(out, "</tr></thead>\n<tbody>\n");
}

/* End a table. */
static void
table_close(struct evbuffer *out)
{
	raw(out, "</tbody></table></div>\n");
}

/* Open a row with the name of what it is about. */
static void
row_open(struct evbuffer *out, const char *name)
{
	raw(out, "<tr><th scope=\"row\">");
	put(out, name);
	raw(out, "</th>");
}

/* The same of a proxy's part, as HAProxy's page has them: with a class, and a
 * name to go to. ticked: it can be chosen for the form around the table. */
static void
row_open_part(struct evbuffer *out, const char *class, const char *proxy,
    const char *part, const char *name, bool ticked)
{
	evbuffer_add_printf(
	    out, "<tr class=\"%s\"><th scope=\"row\"><a name=\"", class);
	put(out, proxy);
	raw(out, "/");
	put(out, part);
	raw(out, "\"></a>");
	if (ticked) {
		raw(out, "<label><input type=\"checkbox\" name=\"s\" "
			 "value=\"");
		put(out, name);
		raw(out, "\"> ");
	}
	put(out, name);
	raw(out, ticked ? "</label></th>" : "</th>");
}

/* Connections and sessions that did not go as they should. */
static uint64_t
errors(const struct counter_sums *c)
{
	return c->denied + c->connect_errors + c->server_aborts + c->timeouts +
	       c->unserved;
}

/* A frontend's addresses, one below the other. */
static void
put_binds(struct evbuffer *out, const struct conf_frontend *cf)
{
	char text[ADDR_STR_MAX];

	raw(out, "<td>");
	for (size_t i = 0; i < cf->nbinds; i++) {
		raw(out, i == 0 ? "" : "<br>");
		put(out, addr_str(&cf->binds[i], text));
	}
	raw(out, "</td>");
}

/* One frontend's row. */
static void
put_frontend(struct evbuffer *out, const struct stats_source *src,
    const struct conf_frontend *cf)
{
	struct counter_sums sums = {0};
	struct words_load load;

	load = words_frontend(src, cf, &sums);
	row_open_part(out, "frontend", cf->name, "Frontend", cf->name, false);
	put_binds(out, cf);
	cell(out, cf->backend->name);
	cell(out, conf_route_str(cf->route));
	cell(out, conf_balance_str(cf->balance));
	cell_number(out, load.sessions);
	cell_number(out, load.held);
	cell_number(out, sums.sessions);
	cell_bytes(out, sums.bytes_in);
	cell_bytes(out, sums.bytes_out);
	cell_number(out, errors(&sums));
	raw(out, "</tr>\n");
}

/* Where clients connect. */
static void
put_frontends(struct evbuffer *out, const struct stats_source *src,
    const struct conf *conf)
{
	static const char *const heads[] = {"Name", "Address", "Backend",
	    "Route", "Balance", "Sessions", "Waiting", "Total", "In", "Out",
	    "Errors", NULL};

	raw(out, "<h2>Frontends</h2>\n");
	table_open(out, "Where clients connect", heads);
	for (size_t i = 0; i < conf->nfrontends; i++)
		put_frontend(out, src, &conf->frontends[i]);
	table_close(out);
}

/* UP, DOWN and so on, with a sign and a colour, and why. */
static void
put_status(struct evbuffer *out, const struct conf_backend *cb,
    const struct monitor_server *ms)
{
	const char *status = words_status(ms);
	const char *mark = "<span class=\"dim\">\u25cb ";
	char reason[WORDS_MAX];

	if (strcmp(status, "UP") == 0)
		mark = "<span class=\"good\">\u25cf ";
	else if (strcmp(status, "DOWN") == 0)
		mark = "<span class=\"bad\">\u2715 ";
	raw(out, "<td class=\"w\">");
	raw(out, mark);
	put(out, status);
	raw(out, "</span>");
	words_reason(cb, ms, reason);
	if (reason[0] != '\0')
		putf(out, ": %s", reason);
	raw(out, "</td>");
}

/* Role, and whether it takes the writes. */
static void
put_role(struct evbuffer *out, const struct monitor_server *ms)
{
	raw(out, "<td>");
	put(out, role_str(ms->state->role));
	if (ms->writer && ms->now->writable)
		raw(out, " <strong>\u2605 writer</strong>");
	else if (ms->writer)
		raw(out, " <strong>\u2606 writer, away</strong>");
	else if (ms->fenced)
		raw(out, " <strong>fenced</strong>");
	raw(out, "</td>");
}

/* How far a replica is behind. */
static void
put_lag(struct evbuffer *out, const struct monitor_server *ms)
{
	char text[WORDS_MAX];

	raw(out, "<td class=\"n\">");
	put(out, ms->lag.ms < 0 ? "\u2013" : words_lag(&ms->lag, text));
	raw(out, "</td>");
}

/* What the last check saw, how long it took and how long ago that is. */
static void
put_check(struct evbuffer *out, const struct observation *last)
{
	char ago[WORDS_MAX];

	raw(out, "<td class=\"w\">");
	if (last->result == PROBE_NONE) {
		raw(out, "\u2013</td>");
		return;
	}
	put(out, probe_result_str(last->result));
	putf(out, ", %.1f ms, %s ago", (double)last->duration_us / 1000,
	    words_span(clock_ms() - last->at, ago));
	raw(out, "</td>");
}

/* Since when it is what it is. */
static void
put_since(struct evbuffer *out, int64_t since)
{
	char text[WORDS_MAX];

	if (since == 0)
		cell(out, "\u2013");
	else
		cell(out, words_time(words_wall_us(since), text));
}

/* One server's row, in a Redis Cluster with its shard. */
static void
put_server(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb, const struct conf_server *cs, bool cluster,
    bool ticked)
{
	struct monitor_server ms = monitor_server(src->monitor, cs);
	char text[WORDS_MAX], class[HSTATE_MAX];
	struct counter_sums sums = {0};
	struct hstate st;

	src->server_counters(cs->id, &sums, src->arg);
	hstate_of(cb, &ms, &st);
	row_open_part(out, hstate_class(&st, cs->backup, class), cb->name,
	    cs->name, cs->name, ticked);
	cell(out, words_address(&ms, text));
	put_status(out, cb, &ms);
	put_role(out, &ms);
	if (cluster)
		cell(out, ms.shard == NULL ? "\u2013" : ms.shard);
	put_lag(out, &ms);
	cell_number(out, src->server_sessions(cs->id, src->arg));
	cell_number(out, sums.sessions);
	cell_bytes(out, sums.bytes_in);
	cell_bytes(out, sums.bytes_out);
	cell_number(out, errors(&sums));
	put_check(out, &ms.state->last);
	put_since(out, ms.state->health_since);
	raw(out, "</tr>\n");
}

/* The Sentinels that watch a backend, if any are known. */
static void
put_sentinels(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb)
{
	static const char *const heads[] = {"Sentinel", "Says", "Epoch", NULL};
	char text[WORDS_MAX];
	struct report_sentinel s;

	for (size_t i = 0; monitor_sentinel(src->monitor, cb, i, &s); i++) {
		if (i == 0) {
			snprintf(
			    text, sizeof(text), "Sentinels of %.64s", cb->name);
			table_open(out, text, heads);
		}
		snprintf(
		    text, sizeof(text), "%s:%u", s.place.host, s.place.port);
		row_open(out, text);
		raw(out, "<td class=\"w\">");
		put(out, words_sentinel(&s, text));
		raw(out, "</td>");
		if (s.epoch < 0)
			cell(out, "\u2013");
		else
			cell_number(out, (uint64_t)s.epoch);
		raw(out, "</tr>\n");
	}
	if (monitor_sentinel(src->monitor, cb, 0, &s))
		table_close(out);
}

/* What an operator should know of the writer besides. */
static void
put_watch(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb)
{
	char text[WORDS_MAX];

	raw(out, "<p class=\"dim\">");
	put(out, words_watch(src, cb, text));
	if (monitor_watch(src->monitor, cb).risky)
		raw(out, " min-replicas-to-write is 0: what the writer "
			 "acknowledges before a replica has it can be lost "
			 "with it.");
	raw(out, "</p>\n");
}

/* The form around the servers of a backend. */
static void
form_open(struct evbuffer *out, const struct conf_stats *cs)
{
	raw(out, "<form method=\"post\" action=\"");
	put(out, cs->uri);
	raw(out, "\">\n");
}

/* What can be done with those that are chosen. */
static void
form_close(struct evbuffer *out, unsigned iid)
{
	raw(out, "<p><label>With the chosen servers: <select name=\"action\">"
		 "<option value=\"\"></option>");
	for (size_t i = 0; post_actions[i][0] != NULL; i++)
		evbuffer_add_printf(out, "<option value=\"%s\">%s</option>",
		    post_actions[i][0], post_actions[i][1]);
	evbuffer_add_printf(out,
	    "</select></label> <input type=\"hidden\" name=\"b\" "
	    "value=\"#%u\"><button>Apply</button></p>\n</form>\n",
	    iid);
}

/* A backend's heading and its servers. */
static void
put_backend(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb, const struct conf_stats *cs)
{
	static const char *const heads[] = {"Name", "Address", "Status", "Role",
	    "Behind", "Sessions", "Total", "In", "Out", "Errors", "Last check",
	    "Since", NULL};
	static const char *const shard_heads[] = {"Name", "Address", "Status",
	    "Role", "Shard", "Behind", "Sessions", "Total", "In", "Out",
	    "Errors", "Last check", "Since", NULL};
	size_t order[CONF_SERVERS_MAX];
	bool cluster = cluster_order(src, cb, order);
	bool admin = cs->admin && auth_asks(cs);
	char caption[WORDS_MAX];

	raw(out, "<h2>Backend ");
	put(out, cb->name);
	raw(out, "</h2>\n");
	snprintf(caption, sizeof(caption), "Servers of %.64s", cb->name);
	if (admin)
		form_open(out, cs);
	table_open(out, caption, cluster ? shard_heads : heads);
	for (size_t i = 0; i < cb->nservers; i++)
		put_server(
		    out, src, cb, &cb->servers[order[i]], cluster, admin);
	table_close(out);
	if (admin)
		form_close(out, proxies_backend_iid(src->conf(src->arg), cb));
	if (cb->check != CHECK_REDIS || cluster)
		return;
	put_watch(out, src, cb);
	put_sentinels(out, src, cb);
}

/* The newest changes of a writer, newest first. */
static void
put_decisions(struct evbuffer *out, const struct stats_source *src)
{
	const struct decision *d = monitor_decision(src->monitor, 0);
	char text[WORDS_MAX], machine[CLOCK_FORMAT_MAX];

	raw(out, "<h2>What changed</h2>\n");
	if (d == NULL) {
		raw(out, "<p>Nothing yet.</p>\n");
		return;
	}
	raw(out, "<ol>\n");
	for (size_t i = 0; d != NULL && i < DECISIONS_SHOWN; i++) {
		raw(out, "<li><time datetime=\"");
		put(out, clock_format(d->wall_us, machine));
		raw(out, "\">");
		put(out, words_time(d->wall_us, text));
		raw(out, "</time> ");
		put(out, words_decision(d, text));
		raw(out, "</li>\n");
		d = monitor_decision(src->monitor, i + 1);
	}
	raw(out, "</ol>\n");
}

/* First thing on the page: one sentence for each backend. */
static void
put_sentences(struct evbuffer *out, const struct stats_source *src,
    const struct conf *conf)
{
	char text[WORDS_MAX];

	for (size_t i = 0; i < conf->nbackends; i++) {
		raw(out, "<p class=\"say\">");
		if (conf->nbackends > 1)
			putf(out, "%s: ", conf->backends[i].name);
		put(out, words_backend(src, &conf->backends[i], text));
		raw(out, "</p>\n");
	}
	if (src->draining(src->arg))
		raw(out, "<p class=\"say\">This proxy is draining: it ends "
			 "when its sessions have ended.</p>\n");
	if (!monitor_ready(src->monitor))
		raw(out, "<p class=\"say\">The first round of checks is not "
			 "done.</p>\n");
}

/* How often the page asks again, and how to stop that. */
static void
put_refresh(struct evbuffer *out, const struct conf_stats *cs)
{
	raw(out, "<p class=\"dim\">");
	if (cs->refresh > 0) {
		raw(out, "<a href=\"");
		put(out, cs->uri);
		raw(out, ";norefresh\">Do not refresh</a> \u00b7 ");
	}
	raw(out, "<a href=\"/stats.json\">JSON</a></p>\n");
}

/* The process itself. */
static void
put_process(struct evbuffer *out, const struct stats_source *src,
    const struct conf_stats *cs)
{
	char now[CLOCK_FORMAT_MAX], up[WORDS_MAX];
	unsigned workers = src->workers(src->arg);

	raw(out, "<p class=\"dim\">roleproxy");
	if (!cs->hide_version)
		putf(out, " %s", ROLEPROXY_VERSION);
	putf(out, ", up %s, %u worker%s, %u sessions, as of %s.",
	    words_span(clock_ms() - src->started, up), workers,
	    workers == 1 ? "" : "s", src->sessions(src->arg),
	    clock_format(clock_wall_us(), now));
	raw(out, "</p>\n");
	put_refresh(out, cs);
}

void
stats_render_html(const struct stats_source *src, const struct conf_stats *cs,
    const char *notice, struct evbuffer *out)
{
	const struct conf *conf = src->conf(src->arg);

	raw(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		 "<meta charset=\"utf-8\">\n"
		 "<meta name=\"viewport\" "
		 "content=\"width=device-width,initial-scale=1\">\n"
		 "<title>roleproxy</title>\n");
	raw(out, style);
	raw(out, "</head>\n<body>\n<main>\n<h1>roleproxy</h1>\n");
	if (notice != NULL) {
		raw(out, "<p class=\"say\">");
		put(out, notice);
		raw(out, "</p>\n");
	}
	put_sentences(out, src, conf);
	put_frontends(out, src, conf);
	for (size_t i = 0; i < conf->nbackends; i++)
		put_backend(out, src, &conf->backends[i], cs);
	put_decisions(out, src);
	raw(out, "</main>\n<footer>\n");
	put_process(out, src, cs);
	raw(out, "</footer>\n</body>\n</html>\n");
}
