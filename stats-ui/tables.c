/*
 * The tables of the page. Rows of servers have the classes and the names to go
 * to that HAProxy's page has.
 */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "stats-ui/auth.h"
#include "stats-ui/cluster.h"
#include "stats-ui/history.h"
#include "stats-ui/markup.h"
#include "stats-ui/post.h"
#include "stats-ui/proxies.h"
#include "stats-ui/reason.h"
#include "stats-ui/rows.h"
#include "stats-ui/spark.h"
#include "stats-ui/tables.h"
#include "stats-ui/words.h"

#define NOTHING "\u2013"

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

	markup(out, "<td>");
	for (size_t i = 0; i < cf->nbinds; i++) {
		markup(out, i == 0 ? "" : "<br>");
		markup_text(out, addr_str(&cf->binds[i], text));
	}
	markup(out, "</td>");
}

/* The beginning of a row that is part of a proxy, as HAProxy's page has it:
 * with a class, and a name to go to. ticked: it can be chosen for the form
 * around the table. */
static void
row_of_part(struct evbuffer *out, const char *class, const char *proxy,
    const char *part, const char *name, bool ticked)
{
	markupf(out, "<tr class=\"%s\"><th scope=\"row\"><a name=\"", class);
	markup_text(out, proxy);
	markup(out, "/");
	markup_text(out, part);
	markup(out, "\"></a>");
	if (ticked) {
		markup(out, "<label><input type=\"checkbox\" name=\"s\" "
			    "value=\"");
		markup_text(out, name);
		markup(out, "\"> ");
	}
	markup_text(out, name);
	markup(out, ticked ? "</label></th>" : "</th>");
}

/* One frontend's row. */
static void
put_frontend(struct evbuffer *out, const struct stats_source *src,
    const struct conf_frontend *cf)
{
	struct counter_sums sums = {0};
	struct words_load load;

	load = words_frontend(src, cf, &sums);
	row_of_part(out, "frontend", cf->name, "Frontend", cf->name, false);
	put_binds(out, cf);
	markup_cell(out, cf->backend->name);
	markup_cell(out, conf_route_str(cf->route));
	markup_cell(out, conf_balance_str(cf->balance));
	markup_number(out, load.sessions);
	markup_number(out, load.held);
	markup_number(out, (int64_t)sums.sessions);
	markup_bytes(out, sums.bytes_in);
	markup_bytes(out, sums.bytes_out);
	markup_number(out, (int64_t)errors(&sums));
	markup_row_end(out);
}

void
tables_frontends(struct evbuffer *out, const struct stats_source *src)
{
	static const char *const heads[] = {"Name", "Address", "Backend",
	    "Route", "Balance", "Sessions", "Waiting", "Total", "In", "Out",
	    "Errors", NULL};
	const struct conf *conf = src->conf(src->arg);

	markup_table(out, "Where clients connect", heads);
	for (size_t i = 0; i < conf->nfrontends; i++)
		put_frontend(out, src, &conf->frontends[i]);
	markup_table_end(out);
}

/*
 * Servers.
 */

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
	markup(out, "<td class=\"w\">");
	markup(out, mark);
	markup_text(out, status);
	markup(out, "</span>");
	reason_words(cb, ms, reason);
	if (reason[0] != '\0')
		markup_textf(out, ": %s", reason);
	markup(out, "</td>");
}

/* Role, and whether it takes the writes. */
static void
put_role(struct evbuffer *out, const struct monitor_server *ms)
{
	markup(out, "<td>");
	markup_text(out, role_str(ms->state->role));
	if (ms->writer && ms->now->writable)
		markup(out, " <strong>\u2605 writer</strong>");
	else if (ms->writer)
		markup(out, " <strong>\u2606 writer, away</strong>");
	else if (ms->fenced)
		markup(out, " <strong>\u2298 fenced</strong>");
	markup(out, "</td>");
}

/* A number of sessions, for a curve. */
static const char *
sessions_words(uint32_t n, char buf[32])
{
	snprintf(buf, 32, "%" PRIu32, n);
	return buf;
}

/* Bytes a second. */
static const char *
rate_words(uint32_t n, char buf[32])
{
	words_bytes(n, buf);
	strcat(buf, "/s");
	return buf;
}

/* The time of a check. */
static const char *
check_words(uint32_t us, char buf[32])
{
	snprintf(buf, 32, "%.1f ms", (double)us / 1000);
	return buf;
}

/* A lag. */
static const char *
lag_words(uint32_t ms, char buf[32])
{
	snprintf(buf, 32, "%.1f s", (double)ms / 1000);
	return buf;
}

/* The curve of one kind of a server's last hour. */
static void
put_spark(struct evbuffer *out, const struct samples *s, enum sample_kind kind,
    const char *server)
{
	static const struct spark sparks[SAMPLE_KINDS] = {
	    [SAMPLE_SESSIONS] = {"sessions", sessions_words},
	    [SAMPLE_BYTES] = {"bytes", rate_words},
	    [SAMPLE_CHECK] = {"checks", check_words},
	    [SAMPLE_LAG] = {"behind", lag_words}};
	struct spark spark = sparks[kind];
	char what[96];

	if (s == NULL)
		return;
	snprintf(what, sizeof(what), "%s: %s", server, spark.what);
	spark.what = what;
	spark_put(out, &spark, s, kind);
}

/* How far a replica is behind. */
static void
put_lag(struct evbuffer *out, const struct monitor_server *ms,
    const struct samples *s)
{
	char text[WORDS_MAX];

	markup(out, "<td class=\"n\">");
	put_spark(out, s, SAMPLE_LAG, ms->conf->name);
	markup_text(out, ms->lag.ms < 0 ? NOTHING : words_lag(&ms->lag, text));
	markup(out, "</td>");
}

/* What goes through it: sessions now, bytes a second lately. */
static void
put_traffic(struct evbuffer *out, unsigned sessions, const struct samples *s,
    const char *name)
{
	char text[32];

	markup(out, "<td class=\"n\">");
	put_spark(out, s, SAMPLE_SESSIONS, name);
	markupf(out, "%u</td><td class=\"n\">", sessions);
	put_spark(out, s, SAMPLE_BYTES, name);
	if (s == NULL || s->now[SAMPLE_BYTES] == SAMPLE_NONE)
		markup(out, NOTHING);
	else
		markup_text(out, rate_words(s->now[SAMPLE_BYTES], text));
	markup(out, "</td>");
}

/* What the last check saw, how long it took and how long ago that is. */
static void
put_check(struct evbuffer *out, const struct monitor_server *ms,
    const struct samples *s)
{
	const struct observation *last = &ms->state->last;
	char ago[WORDS_MAX];

	markup(out, "<td>");
	if (last->result == PROBE_NONE) {
		markup(out, NOTHING "</td>");
		return;
	}
	put_spark(out, s, SAMPLE_CHECK, ms->conf->name);
	markup_textf(out, "%s, %.1f ms, %s ago", probe_result_str(last->result),
	    (double)last->duration_us / 1000,
	    words_span(clock_ms() - last->at, ago));
	markup(out, "</td>");
}

/* Since when it is what it is. */
static void
put_since(struct evbuffer *out, int64_t since)
{
	char text[WORDS_MAX];

	if (since == 0)
		markup_cell(out, NOTHING);
	else
		markup_cell(out, words_time(words_wall_us(since), text));
}

/* One server's row, in a Redis Cluster with its shard. */
static void
put_server(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb, const struct conf_server *cs, bool cluster,
    bool ticked)
{
	struct monitor_server ms = monitor_server(src->monitor, cs);
	const struct samples *s = history_samples(src->history, cs);
	char text[WORDS_MAX], class[HSTATE_MAX];
	struct hstate st;

	hstate_of(cb, &ms, &st);
	row_of_part(out, hstate_class(&st, cs->backup, class), cb->name,
	    cs->name, cs->name, ticked);
	markup_cell(out, words_address(&ms, text));
	put_status(out, cb, &ms);
	put_role(out, &ms);
	if (cluster)
		markup_cell(out, ms.shard == NULL ? NOTHING : ms.shard);
	put_lag(out, &ms, s);
	put_traffic(out, src->server_sessions(cs->id, src->arg), s, cs->name);
	put_check(out, &ms, s);
	put_since(out, ms.state->health_since);
	markup_row_end(out);
}

/* The Sentinels that watch a backend, if any are known. */
static void
put_sentinels(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb)
{
	static const char *const heads[] = {"Sentinel", "Says", "Epoch", NULL};
	char text[WORDS_MAX];
	struct report_sentinel s;

	if (!monitor_sentinel(src->monitor, cb, 0, &s))
		return;
	snprintf(text, sizeof(text), "Sentinels of %.64s", cb->name);
	markup_table(out, text, heads);
	for (size_t i = 0; monitor_sentinel(src->monitor, cb, i, &s); i++) {
		snprintf(
		    text, sizeof(text), "%s:%u", s.place.host, s.place.port);
		markup_row(out, text);
		markup(out, "<td class=\"w\">");
		markup_text(out, words_sentinel(&s, text));
		markup(out, "</td>");
		if (s.epoch < 0)
			markup_cell(out, NOTHING);
		else
			markup_number(out, s.epoch);
		markup_row_end(out);
	}
	markup_table_end(out);
}

/* What an operator should know of the writer besides. */
static void
put_watch(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb)
{
	char text[WORDS_MAX];

	markup(out, "<p class=\"dim\">");
	markup_text(out, words_watch(src, cb, text));
	if (monitor_watch(src->monitor, cb).risky)
		markup(out,
		    " min-replicas-to-write is 0: what the writer acknowledges "
		    "before a replica has it can be lost with it.");
	markup(out, "</p>\n");
}

/* The form around the servers of a backend. */
static void
form_open(struct evbuffer *out, const struct conf_stats *cs)
{
	markup(out, "<form method=\"post\" action=\"");
	markup_text(out, cs->uri);
	markup(out, "\">\n");
}

/* What can be done with those that are chosen. */
static void
form_close(struct evbuffer *out, unsigned iid)
{
	markup(out, "<p><label>With the chosen servers: <select "
		    "name=\"action\"><option value=\"\"></option>");
	for (size_t i = 0; post_actions[i][0] != NULL; i++)
		markupf(out, "<option value=\"%s\">%s</option>",
		    post_actions[i][0], post_actions[i][1]);
	markupf(out,
	    "</select></label> <input type=\"hidden\" name=\"b\" "
	    "value=\"#%u\"><button>Apply</button></p>\n</form>\n",
	    iid);
}

void
tables_backend(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb, const struct conf_stats *cs)
{
	static const char *const heads[] = {"Name", "Address", "Status", "Role",
	    "Behind", "Sessions", "Bytes/s", "Last check", "Since", NULL};
	static const char *const shard_heads[] = {"Name", "Address", "Status",
	    "Role", "Shard", "Behind", "Sessions", "Bytes/s", "Last check",
	    "Since", NULL};
	size_t order[CONF_SERVERS_MAX];
	bool cluster = cluster_order(src, cb, order);
	bool admin = cs->admin && auth_asks(cs);
	char caption[WORDS_MAX];

	snprintf(caption, sizeof(caption), "Servers of %.64s", cb->name);
	if (admin)
		form_open(out, cs);
	markup_table(out, caption, cluster ? shard_heads : heads);
	for (size_t i = 0; i < cb->nservers; i++)
		put_server(
		    out, src, cb, &cb->servers[order[i]], cluster, admin);
	markup_table_end(out);
	if (admin)
		form_close(out, proxies_backend_iid(src->conf(src->arg), cb));
	if (cb->check != CHECK_REDIS || cluster)
		return;
	put_watch(out, src, cb);
	put_sentinels(out, src, cb);
}

/*
 * HAProxy's figures.
 */

/* Cells of numbers, HF_COUNT at their end. */
static void
put_numbers(
    struct evbuffer *out, const struct hrow *row, const enum hfield_id *fields)
{
	for (; *fields != HF_COUNT; fields++)
		markup_number(out,
		    hrow_has(row, *fields) ? row->number[*fields] : HROW_NONE);
}

/* A cell with the bytes of a figure. */
static void
put_carried(struct evbuffer *out, const struct hrow *row, enum hfield_id field)
{
	markup_bytes(out, (uint64_t)row->number[field]);
}

/* A cell with a figure of seconds as a span. */
static void
put_seconds(struct evbuffer *out, const struct hrow *row, enum hfield_id field)
{
	char text[WORDS_MAX];

	if (!hrow_has(row, field))
		markup_cell(out, "");
	else
		markup_cell(out, words_span(row->number[field] * 1000, text));
}

/* The check's result and what it took, of a server. */
static void
put_result(struct evbuffer *out, const struct hrow *row)
{
	markup(out, "<td>");
	if (hrow_has(row, HF_check_status))
		markup_text(out, row->text[HF_check_status]);
	if (hrow_has(row, HF_check_duration))
		markupf(
		    out, ", %" PRId64 " ms", row->number[HF_check_duration]);
	markup(out, "</td>");
}

/* For rows_each(). */
static void
figures_cb(const struct hrow *row, void *arg)
{
	static const enum hfield_id sessions[] = {HF_scur, HF_smax, HF_slim,
	    HF_stot, HF_rate, HF_rate_max, HF_qcur, HF_qmax, HF_COUNT};
	static const enum hfield_id faults[] = {
	    HF_dreq, HF_ereq, HF_econ, HF_eresp, HF_wretr, HF_wredis, HF_COUNT};
	static const enum hfield_id checks[] = {
	    HF_chkfail, HF_chkdown, HF_COUNT};
	static const enum hfield_id weight[] = {HF_weight, HF_COUNT};
	struct evbuffer *out = arg;
	char name[160];

	if (row->http)
		return;
	snprintf(name, sizeof(name),
	    row->kind == HROW_SERVER    ? "%.64s/%.64s"
	    : row->kind == HROW_BACKEND ? "%.64s: backend"
					: "%.64s: frontend",
	    row->text[HF_pxname], row->text[HF_svname]);
	markup_row(out, name);
	markup_cell(out, row->text[HF_status]);
	put_numbers(out, row, sessions);
	put_carried(out, row, HF_bin);
	put_carried(out, row, HF_bout);
	put_numbers(out, row, faults);
	put_result(out, row);
	put_numbers(out, row, checks);
	put_seconds(out, row, HF_lastchg);
	put_seconds(out, row, HF_downtime);
	put_numbers(out, row, weight);
	markup_row_end(out);
}

void
tables_figures(struct evbuffer *out, const struct stats_source *src)
{
	static const char *const heads[] = {"Name", "Status",
	    "Now|sessions now", "Max|most sessions at a time",
	    "Limit|sessions that are allowed at a time",
	    "Total|sessions so far", "/s|sessions begun in the last second",
	    "Max/s|most sessions begun in a second",
	    "Waiting|clients that wait for a server",
	    "Max|most clients that waited at a time", "In|bytes from clients",
	    "Out|bytes to clients", "Denied|connections refused",
	    "Req.|errors of clients: no PROXY header where one is due",
	    "Conn.|errors: connects that failed",
	    "Resp.|errors: connections to servers that broke",
	    "Retries|connects tried again on the same server",
	    "Redisp.|connects tried again on another server",
	    "Check|its result and what it took", "Failed|checks that failed",
	    "Downs|changes from up to down", "Last change", "Downtime",
	    "Weight", NULL};

	markup_table(out, "Frontends, servers and backends in figures", heads);
	rows_each(src, NULL, figures_cb, out);
	markup_table_end(out);
}
