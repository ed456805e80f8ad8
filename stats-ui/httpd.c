/*
 * What is served over HTTP: who may ask for what, and the documents that are
 * shared by all who ask. Each [stats] is a site of http.c. Control thread only.
 */
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "stats-ui/admin_ops.h"
#include "stats-ui/assets.h"
#include "stats-ui/auth.h"
#include "stats-ui/history.h"
#include "stats-ui/hstats.h"
#include "stats-ui/hstats_json.h"
#include "stats-ui/http.h"
#include "stats-ui/metrics.h"
#include "stats-ui/post.h"
#include "stats-ui/prometheus.h"
#include "stats-ui/query.h"
#include "stats-ui/words.h"

#define DOCUMENT_MS 1000 /* how long a document is good */
#define STALL_MS    5000 /* a worker that does not turn is ill */

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_JSON "application/json; charset=utf-8"

/* The documents of a site. */
enum document_kind {
	DOCUMENT_PAGE,
	DOCUMENT_STILL, /* the page that does not refresh */
	DOCUMENT_JSON,
	DOCUMENT_HAPROXY, /* + enum query_format, but for QUERY_HTML */
	DOCUMENT_METRICS = DOCUMENT_HAPROXY + QUERY_TYPED,
	DOCUMENT_ALL_METRICS, /* with HAProxy's names besides */
	DOCUMENTS
};

/* A document of the figures in HAProxy's formats. */
static void
render_haproxy(const struct stats_source *src, enum query_format format,
    const struct hstats_filter *filter, struct evbuffer *out)
{
	switch (format) {
	case QUERY_CSV:
		hstats_csv(src, filter, out);
		break;
	case QUERY_JSON:
		hstats_json(src, filter, out);
		break;
	case QUERY_SCHEMA:
		hjson_schema(out);
		break;
	default:
		hstats_typed(src, filter, out);
		break;
	}
}

/* What the answer is. */
static const char *
type_of(enum document_kind kind)
{
	switch ((int)kind) {
	case DOCUMENT_PAGE:
	case DOCUMENT_STILL:
		return TYPE_HTML;
	case DOCUMENT_JSON:
		return TYPE_JSON;
	case DOCUMENT_METRICS:
	case DOCUMENT_ALL_METRICS:
		return "text/plain; version=0.0.4";
	case DOCUMENT_HAPROXY + QUERY_JSON - 1:
	case DOCUMENT_HAPROXY + QUERY_SCHEMA - 1:
		return "application/json";
	default:
		return "text/plain";
	}
}

/* A rendered document; bytes may live on in answers that use them. */
struct document {
	struct evbuffer *bytes; /* NULL: not rendered yet */
	int64_t at;             /* clock_ms() */
	uint64_t monitor_generation, conf_generation;
};

/* What is kept for a [stats]. */
struct site {
	char name[64];
	struct site_counts counts;
	struct document documents[DOCUMENTS];
};

struct stats {
	struct stats_source src;
	struct admin_ops admin; /* monitor NULL: none */
	struct http *http;
	struct site *sites; /* as of stats_commit() */
	size_t nsites;
};

/* A request, and whose it is. */
struct asked {
	struct stats *stats;
	const struct http_request *req;
	const struct conf_stats *conf; /* of its site */
};

/* The configuration of a site. */
static const struct conf_stats *
settings(const struct stats *s, size_t site)
{
	return &s->src.conf(s->src.arg)->stats[site];
}

/* For http.c. */
static unsigned
limit_cb(size_t site, void *arg)
{
	const struct stats *s = arg;

	return settings(s, site)->maxconn;
}

/* The same. */
static void
connected_cb(size_t site, void *arg)
{
	struct stats *s = arg;

	s->sites[site].counts.connections++;
}

/* The same. */
static void
carried_cb(size_t site, size_t in, size_t out, void *arg)
{
	struct stats *s = arg;

	s->sites[site].counts.bytes_in += in;
	s->sites[site].counts.bytes_out += out;
}

void
stats_site_counts(const struct stats *s, size_t site, struct site_counts *out)
{
	memset(out, 0, sizeof(*out));
	if (site >= s->nsites)
		return;
	*out = s->sites[site].counts;
	out->sessions = http_clients(s->http, site);
}

/* Count an answer by the class of its status. */
static void
count_answer(const struct asked *a, int code)
{
	struct site_counts *c = &a->stats->sites[a->req->site].counts;
	int class = code / 100;

	c->responses[class >= 1 && class <= 5 ? class - 1 : 5]++;
}

/* Send an answer that a browser may keep as cache says. body is emptied, not
 * freed. */
static void
reply_kept(const struct asked *a, int code, const char *type,
    struct evbuffer *body, const char *cache)
{
	http_add_header(a->req, "Content-Type", type);
	http_add_header(a->req, "Cache-Control", cache);
	http_add_header(a->req, "X-Content-Type-Options", "nosniff");
	http_add_header(a->req, "X-Frame-Options", "DENY");
	http_add_header(a->req, "Referrer-Policy", "same-origin");
	http_add_header(a->req, "Content-Security-Policy",
	    "default-src 'none'; style-src 'self'; script-src 'self'; "
	    "connect-src 'self'; img-src data:; form-action 'self'; "
	    "base-uri 'none'; frame-ancestors 'none'");
	if (!a->conf->hide_version)
		http_add_header(
		    a->req, "Server", "roleproxy/" ROLEPROXY_VERSION);
	count_answer(a, code);
	http_answer(a->req, code, body);
}

/* Send an answer that is good now only. body is emptied, not freed. */
static void
reply(const struct asked *a, int code, const char *type, struct evbuffer *body)
{
	reply_kept(a, code, type, body, "no-store");
}

/* An empty buffer. */
static struct evbuffer *
new_body(void)
{
	struct evbuffer *body = evbuffer_new();

	if (body == NULL)
		fatal("out of memory");
	return body;
}

/* Answer with one line of words. */
static void __attribute__((format(printf, 3, 4)))
reply_words(const struct asked *a, int code, const char *fmt, ...)
{
	struct evbuffer *body = new_body();
	va_list ap;

	va_start(ap, fmt);
	evbuffer_add_vprintf(body, fmt, ap);
	va_end(ap);
	evbuffer_add(body, "\n", 1);
	reply(a, code, TYPE_TEXT, body);
	evbuffer_free(body);
}

/* Answer with a page of a heading and a sentence, as HAProxy's are. */
static void
reply_html(
    const struct asked *a, int code, const char *heading, const char *sentence)
{
	struct evbuffer *body = new_body();

	evbuffer_add_printf(body,
	    "<html><body><h1>%s</h1>\n%s\n</body></html>\n", heading, sentence);
	reply(a, code, "text/html", body);
	evbuffer_free(body);
}

/* Render a document again if something changed or a second has passed. */
static void
document_refresh(
    const struct asked *a, enum document_kind kind, struct document *d)
{
	const struct stats_source *src = &a->stats->src;
	uint64_t monitor = monitor_generation(src->monitor);
	uint64_t conf = src->conf(src->arg)->generation;
	int64_t now = clock_ms();

	if (d->bytes != NULL && now - d->at < DOCUMENT_MS &&
	    d->monitor_generation == monitor && d->conf_generation == conf)
		return;
	if (d->bytes != NULL)
		evbuffer_free(d->bytes);
	d->bytes = new_body();
	if (kind == DOCUMENT_PAGE)
		stats_render_html(src, a->conf, NULL, false, d->bytes);
	else if (kind == DOCUMENT_STILL)
		stats_render_html(src, a->conf, NULL, true, d->bytes);
	else if (kind == DOCUMENT_JSON)
		stats_render_json(src, a->conf, d->bytes);
	else if (kind == DOCUMENT_METRICS)
		metrics_render(src, d->bytes);
	else if (kind == DOCUMENT_ALL_METRICS) {
		metrics_render(src, d->bytes);
		prometheus_render(src, PROMETHEUS_ALL, false, d->bytes);
	} else
		render_haproxy(src,
		    (enum query_format)(kind - DOCUMENT_HAPROXY + 1), NULL,
		    d->bytes);
	d->at = now;
	d->monitor_generation = monitor;
	d->conf_generation = conf;
}

/* Answer with a document, whose bytes are shared. */
static void
reply_document(const struct asked *a, enum document_kind kind)
{
	struct document *d = &a->stats->sites[a->req->site].documents[kind];
	struct evbuffer *body = new_body();

	document_refresh(a, kind, d);
	if (evbuffer_add_buffer_reference(body, d->bytes) != 0)
		fatal("out of memory");
	reply(a, 200, type_of(kind), body);
	evbuffer_free(body);
}

/* Is this the path of target? A query does not count. */
static bool
is_path(const char *target, const char *path)
{
	size_t n = strlen(path);

	return strncmp(target, path, n) == 0 &&
	       (target[n] == '\0' || target[n] == '?');
}

/* What follows the page's own address in target; NULL if it is not the page.
 * As HAProxy does, whatever begins with it is the page. */
static const char *
page_suffix(const char *target, const char *uri)
{
	size_t n = strlen(uri);

	return strncmp(target, uri, n) == 0 ? target + n : NULL;
}

/* Figures that not all want: rendered for this request. */
static void
reply_filtered(const struct asked *a, const struct query *q)
{
	struct hstats_filter filter = HSTATS_ALL;
	struct evbuffer *body = new_body();

	filter.up = q->up;
	filter.no_maint = q->no_maint;
	filter.scope = q->scope[0] == '\0' ? NULL : q->scope;
	render_haproxy(&a->stats->src, q->format, &filter, body);
	reply(a, 200, type_of(DOCUMENT_HAPROXY + q->format - 1), body);
	evbuffer_free(body);
}

/* The page with what came of a form. */
static void
reply_notice(const struct asked *a, const char *notice)
{
	struct evbuffer *body = new_body();

	stats_render_html(&a->stats->src, a->conf, notice, false, body);
	reply(a, 200, TYPE_HTML, body);
	evbuffer_free(body);
}

/* What belongs to the page; false if it is something else. Its address changes
 * with its contents, so that it can be kept. */
static bool
serve_asset(const struct asked *a, const char *suffix)
{
	struct evbuffer *body;
	struct asset asset;

	if (!asset_find(suffix, &asset))
		return false;
	body = new_body();
	evbuffer_add_reference(body, asset.bytes, asset.length, NULL, NULL);
	reply_kept(a, 200, asset.type, body, "private, max-age=86400");
	evbuffer_free(body);
	return true;
}

/* Have the browser ask again; the page itself knows how. */
static void
add_refresh(const struct asked *a)
{
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%lld",
	    (long long)(a->conf->refresh + 999) / 1000);
	http_add_header(a->req, "Refresh", seconds);
}

/* The page, or its figures in one of HAProxy's formats. */
static void
serve_page(const struct asked *a, const char *suffix)
{
	struct query q;

	if (serve_asset(a, suffix))
		return;
	query_parse(suffix, &q);
	if (a->conf->refresh > 0 && !q.norefresh && q.format != QUERY_HTML)
		add_refresh(a);
	if (q.format == QUERY_HTML && post_sentence(q.status) != NULL)
		reply_notice(a, post_sentence(q.status));
	else if (q.format == QUERY_HTML)
		reply_document(a, q.norefresh ? DOCUMENT_STILL : DOCUMENT_PAGE);
	else if (query_filters(&q))
		reply_filtered(a, &q);
	else
		reply_document(a, DOCUMENT_HAPROXY + q.format - 1);
}

/* The figures of some kinds of objects, as HAProxy's exporter is asked. */
static void
serve_some_metrics(const struct asked *a, const char *query)
{
	static const struct {
		const char *words;
		unsigned scope;
	} scopes[] = {{"scope=global", PROMETHEUS_GLOBAL},
	    {"scope=frontend", PROMETHEUS_FRONTENDS},
	    {"scope=backend", PROMETHEUS_BACKENDS},
	    {"scope=server", PROMETHEUS_SERVERS}, {"scope=listener", 0},
	    {"scope=*", PROMETHEUS_ALL}};
	unsigned some = 0;
	bool scoped = false, no_maint = false;
	struct evbuffer *body;
	size_t n, i;

	for (; *query != '\0'; query += n + (query[n] == '&')) {
		n = strcspn(query, "&");
		for (i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
			if (strlen(scopes[i].words) != n ||
			    strncmp(query, scopes[i].words, n) != 0)
				continue;
			some |= scopes[i].scope;
			scoped = true;
		}
		no_maint |= strncmp(query, "no-maint", 8) == 0;
	}
	body = new_body();
	prometheus_render(
	    &a->stats->src, scoped ? some : PROMETHEUS_ALL, no_maint, body);
	reply(a, 200, type_of(DOCUMENT_METRICS), body);
	evbuffer_free(body);
}

/* The figures for Prometheus. */
static void
serve_metrics(const struct asked *a)
{
	const char *query = strchr(a->req->target, '?');

	if (!a->conf->haproxy_metrics)
		reply_document(a, DOCUMENT_METRICS);
	else if (query == NULL || query[1] == '\0')
		reply_document(a, DOCUMENT_ALL_METRICS);
	else
		serve_some_metrics(a, query + 1);
}

/* Is this a request for the figures for Prometheus? A haproxy.cfg has them only
 * where it says so. */
static bool
is_metrics(const struct asked *a)
{
	const struct stats_source *src = &a->stats->src;

	return (a->conf->haproxy_metrics || !src->conf(src->arg)->haproxy) &&
	       is_path(a->req->target, "/metrics");
}

/* Is the process well? */
static void
serve_healthz(const struct asked *a)
{
	const struct stats_source *src = &a->stats->src;
	int64_t stall = src->stall_ms(src->arg);

	if (stall <= STALL_MS)
		reply_words(a, 200, "ok");
	else
		reply_words(a, 503,
		    "not well: a worker has not turned for %lld s",
		    (long long)stall / 1000);
}

/* May clients be sent here? A failover does not make it fail. */
static void
serve_readyz(const struct asked *a)
{
	const struct stats_source *src = &a->stats->src;

	if (src->draining(src->arg))
		reply_words(a, 503, "not ready: draining");
	else if (!monitor_ready(src->monitor))
		reply_words(
		    a, 503, "not ready: the first round of checks is not done");
	else
		reply_words(a, 200, "ready");
}

/* The frontend of this name; NULL if there is none. */
static const struct conf_frontend *
find_frontend(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->nfrontends; i++)
		if (strcmp(conf->frontends[i].name, name) == 0)
			return &conf->frontends[i];
	return NULL;
}

/* There is no such frontend: say which there are. */
static void
reply_frontends(const struct asked *a, const struct conf *conf)
{
	struct evbuffer *body = new_body();

	evbuffer_add_printf(body, "no such frontend; there %s",
	    conf->nfrontends == 0 ? "are none" : "are:");
	for (size_t i = 0; i < conf->nfrontends; i++)
		evbuffer_add_printf(
		    body, "%s %s", i == 0 ? "" : ",", conf->frontends[i].name);
	evbuffer_add(body, "\n", 1);
	reply(a, 404, TYPE_TEXT, body);
	evbuffer_free(body);
}

/* Has this frontend a server for new sessions? */
static void
serve_frontend(const struct asked *a, const char *name)
{
	const struct stats_source *src = &a->stats->src;
	const struct conf *conf = src->conf(src->arg);
	const struct conf_frontend *cf = find_frontend(conf, name);

	if (cf == NULL) {
		reply_frontends(a, conf);
		return;
	}
	cf = monitor_branch(src->monitor, cf);
	if (words_serves(src, cf)) {
		reply_words(a, 200, "ready");
		return;
	}
	reply_words(a, 503,
	    "not ready: no server of backend %s is fit for route %s",
	    cf->backend->name, conf_route_str(cf->route));
}

/* Answer what needs no password; false if it is something else. */
static bool
serve_open(const struct asked *a)
{
	const char *target = a->req->target, *health = a->conf->health_uri;
	char *path, *name;

	if (is_path(target, "/healthz"))
		serve_healthz(a);
	else if (is_path(target, "/readyz"))
		serve_readyz(a);
	else if (is_metrics(a) && !a->conf->metrics_auth)
		serve_metrics(a);
	else if (strncmp(target, "/readyz/", 8) == 0) {
		path = xstrdup(target + 8);
		path[strcspn(path, "?")] = '\0';
		name = http_decode(path, false);
		serve_frontend(a, name == NULL ? "" : name);
		free(name);
		free(path);
	} else if (health != NULL && is_path(target, health))
		serve_healthz(a);
	else
		return false;
	return true;
}

/* There is nothing at this address. */
static void
reply_nothing(const struct asked *a)
{
	const struct stats_source *src = &a->stats->src;

	if (src->conf(src->arg)->haproxy)
		reply_html(a, 503, "503 Service Unavailable",
		    "No server is available to handle this request.");
	else
		reply_words(a, 404,
		    "not found; there are %s, /stats.json, /metrics, /healthz, "
		    "/readyz and /readyz/FRONTEND",
		    a->conf->uri);
}

/* Is there nothing at this address? HAProxy says so to whoever asks. */
static bool
is_unknown(const struct asked *a)
{
	const struct stats_source *src = &a->stats->src;

	return src->conf(src->arg)->haproxy && !is_metrics(a) &&
	       !is_path(a->req->target, "/stats.json") &&
	       page_suffix(a->req->target, a->conf->uri) == NULL;
}

/* Answer what is behind the password. */
static void
serve_guarded(const struct asked *a)
{
	const char *uri = a->conf->uri, *target = a->req->target;
	const char *suffix = page_suffix(target, uri);

	if (is_path(target, "/stats.json"))
		reply_document(a, DOCUMENT_JSON);
	else if (is_metrics(a))
		serve_metrics(a);
	else if (suffix != NULL)
		serve_page(a, suffix);
	else if (is_path(target, "/")) {
		http_add_header(a->req, "Location", uri);
		reply_words(a, 302, "the page is at %s", uri);
	} else
		reply_nothing(a);
}

/* Does the request carry a user and the password, where there are any? */
static bool
is_authorized(const struct asked *a)
{
	return auth_allows(a->conf, http_header(a->req, "Authorization"));
}

/* Ask for the user and the password. */
static void
ask_password(const struct asked *a)
{
	char text[512] = "Basic realm=\"", *to = text + strlen(text);
	const char *from;

	for (from = a->conf->realm; *from != '\0' && to < text + 500; from++) {
		if (*from == '"' || *from == '\\')
			*to++ = '\\';
		*to++ = *from > 0 && *from < ' ' ? ' ' : *from;
	}
	strcpy(to, "\"");
	http_add_header(a->req, "WWW-Authenticate", text);
	reply_html(a, 401, "401 Unauthorized",
	    "You need a valid user and password to access this content.");
}

/* May this request change servers? */
static bool
may_change(const struct asked *a)
{
	const struct http_request *req = a->req;

	return a->conf->admin && auth_asks(a->conf) &&
	       a->stats->admin.monitor != NULL &&
	       post_is_ours(http_header(req, "Host"),
		   http_header(req, "Origin"), http_header(req, "Referer"),
		   http_header(req, "Sec-Fetch-Site"));
}

/* A form: do what it says, then send the browser back to the page. */
static void
serve_post(const struct asked *a)
{
	char *body = xcalloc(1, HTTP_BODY_MAX + 1), where[512];
	const char *status = "DENY";

	if (may_change(a)) {
		http_body(a->req, body, HTTP_BODY_MAX + 1);
		status = post_run(&a->stats->src, &a->stats->admin, body);
	}
	free(body);
	snprintf(where, sizeof(where), "%.400s;st=%s", a->conf->uri, status);
	http_add_header(a->req, "Location", where);
	reply_words(a, 303, "%s", post_sentence(status));
}

/* A request that is neither GET nor HEAD. */
static void
serve_other(const struct asked *a)
{
	if (a->req->method != HTTP_POST ||
	    page_suffix(a->req->target, a->conf->uri) == NULL ||
	    !auth_asks(a->conf)) {
		http_add_header(a->req, "Allow", "GET, HEAD");
		reply_words(a, 405, "only GET and HEAD are answered here");
	} else if (is_authorized(a)) {
		serve_post(a);
	} else {
		ask_password(a);
	}
}

/* One request. */
static void
request_cb(const struct http_request *req, void *arg)
{
	struct stats *s = arg;
	struct asked a = {s, req, settings(s, req->site)};

	s->sites[req->site].counts.requests++;
	if (req->method != HTTP_GET && req->method != HTTP_HEAD) {
		serve_other(&a);
	} else if (serve_open(&a)) {
		return;
	} else if (is_unknown(&a)) {
		reply_nothing(&a);
	} else if (is_authorized(&a)) {
		serve_guarded(&a);
	} else {
		ask_password(&a);
	}
}

struct stats *
stats_new(struct event_base *base, const struct stats_source *source)
{
	struct stats *s = xcalloc(1, sizeof(*s));
	struct http_ops ops = {.limit = limit_cb,
	    .connected = connected_cb,
	    .carried = carried_cb,
	    .request = request_cb,
	    .arg = s};

	s->src = *source;
	if (s->src.started == 0)
		s->src.started = clock_ms();
	s->http = http_new(base, &ops);
	return s;
}

void
stats_set_admin(struct stats *s, const struct admin_ops *admin)
{
	s->admin = *admin;
}

void
stats_set_timeout(struct stats *s, int64_t ms)
{
	http_set_timeout(s->http, ms);
}

void
stats_abort(struct stats *s)
{
	http_abort(s->http);
}

int
stats_listen(struct stats *s, const struct conf *conf, char *error, size_t size)
{
	const struct conf_stats *cs;

	http_begin(s->http);
	for (size_t i = 0; i < conf->nstats; i++) {
		cs = &conf->stats[i];
		for (size_t j = 0; j < cs->nbinds; j++)
			if (http_listen(
				s->http, &cs->binds[j], i, error, size) != 0) {
				http_abort(s->http);
				return -1;
			}
	}
	return 0;
}

/* Forget sites and what was rendered for them. */
static void
free_sites(struct site *sites, size_t n)
{
	struct document *d;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < DOCUMENTS; j++) {
			d = &sites[i].documents[j];
			if (d->bytes != NULL)
				evbuffer_free(d->bytes);
		}
	free(sites);
}

/* Make the sites of a configuration; those of the same name go on counting. */
static struct site *
new_sites(const struct stats *s, const struct conf *conf)
{
	struct site *sites = xcalloc(conf->nstats + 1, sizeof(*sites));

	for (size_t i = 0; i < conf->nstats; i++) {
		snprintf(sites[i].name, sizeof(sites[i].name), "%s",
		    conf->stats[i].name);
		for (size_t j = 0; j < s->nsites; j++)
			if (strcmp(s->sites[j].name, sites[i].name) == 0)
				sites[i].counts = s->sites[j].counts;
	}
	return sites;
}

void
stats_commit(struct stats *s)
{
	const struct conf *conf = s->src.conf(s->src.arg);
	struct site *sites = new_sites(s, conf);

	free_sites(s->sites, s->nsites);
	s->sites = sites;
	s->nsites = conf->nstats;
	http_commit(s->http);
}

void
stats_unlisten(struct stats *s)
{
	http_begin(s->http);
	http_commit(s->http);
}

void
stats_free(struct stats *s)
{
	http_free(s->http);
	free_sites(s->sites, s->nsites);
	free(s);
}
