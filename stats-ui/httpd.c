/*
 * The HTTP server: who may ask for what, and the documents that are shared by
 * all who ask. Each connection serves one request and has one deadline for it.
 * Control thread only; the one home of evhttp.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "base/version.h"
#include "stats-ui/auth.h"
#include "stats-ui/words.h"

#define BACKLOG     64
#define HEADERS_MAX 8192  /* bytes of a request */
#define REQUEST_MS  10000 /* to send one */
#define CROWDED_MS  500   /* the same when no more may connect */
#define ANSWER_MS   60000 /* to read the answer */
#define SWEEP_MS    50    /* between two looks at the connections */
#define IDLE_MS     1000  /* the same when there are none */
#define DOCUMENT_MS 1000  /* how long a document is good */
#define STALL_MS    5000  /* a worker that does not turn is ill */

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_JSON "application/json; charset=utf-8"

/* One address that we listen on; owns its socket. */
struct listener {
	TAILQ_ENTRY(listener) link;
	struct addr addr;
	struct evconnlistener *ev;
	struct evhttp_bound_socket *bound; /* NULL until stats_commit() */
	bool wanted;                       /* by the last stats_listen() */
};

/* One connection. evhttp says nothing when it drops one that never asked, so
 * we hold a reference and look whether evhttp has let go of it. */
struct client {
	TAILQ_ENTRY(client) link;
	struct bufferevent *bev;
	int64_t since; /* accepted, or asked */
	bool asked;
};

typedef void (*render_fn)(const struct stats_source *, struct evbuffer *);

/* A rendered document; bytes may live on in answers that use them. */
struct document {
	render_fn render;
	const char *type;
	struct evbuffer *bytes;
	int64_t at; /* clock_ms(), 0 never */
	uint64_t monitor_generation, conf_generation;
};

struct stats {
	struct event_base *base; /* (borrowed from main) */
	struct stats_source src;
	struct evhttp *http;
	int64_t timeout; /* ms to send a request */

	TAILQ_HEAD(, listener) listeners;
	TAILQ_HEAD(, client) clients;
	unsigned nclients;
	bool accepting;          /* fewer than allowed */
	int64_t accepting_since; /* clock_ms(), or since when not */
	struct event *sweep;
	struct document page, json;
};

static struct bufferevent *client_cb(struct event_base *, void *);
static void request_cb(struct evhttp_request *, void *);
static void sweep_cb(int, short, void *);

/* The running configuration of this page. */
static const struct conf_stats *
settings(const struct stats *s)
{
	return &s->src.conf(s->src.arg)->stats;
}

/* Look at the connections again: soon if there are any, else in a second. */
static void
arm_sweep(struct stats *s)
{
	int ms = s->nclients > 0 ? SWEEP_MS : IDLE_MS;
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(s->sweep, &tv);
}

/* Stop or start to accept on every address in use. */
static void
accept_clients(struct stats *s, bool accept)
{
	struct listener *l;

	s->accepting = accept;
	s->accepting_since = clock_ms();
	TAILQ_FOREACH (l, &s->listeners, link) {
		if (l->bound == NULL)
			continue;
		if (accept)
			evconnlistener_enable(l->ev);
		else
			evconnlistener_disable(l->ev);
	}
}

/* As many connections as allowed? */
static bool
is_full(const struct stats *s)
{
	unsigned max = settings(s)->maxconn;

	return max > 0 && s->nclients >= max;
}

/* Has evhttp let go of it? It clears the callbacks when it does. */
static bool
client_gone(const struct client *c)
{
	bufferevent_data_cb read_cb, write_cb;
	bufferevent_event_cb event_cb;

	bufferevent_getcb(c->bev, &read_cb, &write_cb, &event_cb, NULL);
	return read_cb == NULL && write_cb == NULL && event_cb == NULL;
}

/* Forget a connection; closes its socket when evhttp has let go of it. */
static void
client_free(struct stats *s, struct client *c)
{
	TAILQ_REMOVE(&s->clients, c, link);
	s->nclients--;
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	bufferevent_decref(c->bev);
	free(c);
}

/* Is its time up? When others wait to connect, it is shorter. */
static bool
client_late(const struct stats *s, const struct client *c, int64_t now)
{
	int64_t limit = s->timeout;

	if (is_full(s) && limit > CROWDED_MS)
		limit = CROWDED_MS;
	return now - c->since >= (c->asked ? ANSWER_MS : limit);
}

/* Forget connections that have ended, and end those that are late. */
static void
sweep_clients(struct stats *s)
{
	struct client *c, *next;
	int64_t now = clock_ms();

	for (c = TAILQ_FIRST(&s->clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (client_gone(c))
			client_free(s, c);
		else if (client_late(s, c, now))
			shutdown(bufferevent_getfd(c->bev), SHUT_RDWR);
	}
	if (is_full(s))
		return;
	/* Each second also the listeners that accept_error_cb() stopped. */
	if (!s->accepting || now - s->accepting_since >= IDLE_MS)
		accept_clients(s, true);
}

/* The timer that sweeps. */
static void
sweep_cb(int fd, short what, void *arg)
{
	struct stats *s = arg;

	(void)fd;
	(void)what;
	sweep_clients(s);
	arm_sweep(s);
}

/* evhttp has accepted a connection: make its bufferevent and count it. */
static struct bufferevent *
client_cb(struct event_base *base, void *arg)
{
	struct stats *s = arg;
	struct client *c;

	sweep_clients(s);
	c = xcalloc(1, sizeof(*c));
	c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL)
		fatal("out of memory");
	bufferevent_incref(c->bev);
	c->since = clock_ms();
	TAILQ_INSERT_TAIL(&s->clients, c, link);
	s->nclients++;
	if (is_full(s))
		accept_clients(s, false);
	if (s->nclients == 1)
		arm_sweep(s);
	return c->bev;
}

/* accept() failed, most likely for want of file descriptors: wait for a sweep
 * to go on. (libevent passes evhttp's argument, not ours.) */
static void
accept_error_cb(struct evconnlistener *ev, void *arg)
{
	(void)arg;
	log_warn("stats: cannot accept: %s", strerror(errno));
	evconnlistener_disable(ev);
}

/* The connection has sent its request: now it is our turn. */
static void
client_asked(struct stats *s, struct evhttp_request *req)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(req));
	struct client *c;

	TAILQ_FOREACH (c, &s->clients, link) {
		if (c->bev != bev)
			continue;
		c->asked = true;
		c->since = clock_ms();
		return;
	}
}

/* Add a header to the answer. */
static void
header(struct evhttp_request *req, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(req), name, value);
}

/* Send an answer. body is emptied, not freed. */
static void
reply(struct stats *s, struct evhttp_request *req, int code, const char *type,
    struct evbuffer *body)
{
	char length[24];

	header(req, "Content-Type", type);
	header(req, "Cache-Control", "no-store");
	header(req, "X-Content-Type-Options", "nosniff");
	header(req, "Content-Security-Policy",
	    "default-src 'none'; style-src 'unsafe-inline'");
	header(req, "Connection", "close");
	if (!settings(s)->hide_version)
		header(req, "Server", "roleproxy/" ROLEPROXY_VERSION);
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD) {
		snprintf(
		    length, sizeof(length), "%zu", evbuffer_get_length(body));
		header(req, "Content-Length", length);
		evbuffer_drain(body, evbuffer_get_length(body));
	}
	evhttp_send_reply(req, code, NULL, body);
}

/* Answer with one line of words. */
static void __attribute__((format(printf, 4, 5))) reply_words(
    struct stats *s, struct evhttp_request *req, int code, const char *fmt, ...)
{
	struct evbuffer *body = evbuffer_new();
	va_list ap;

	if (body == NULL)
		fatal("out of memory");
	va_start(ap, fmt);
	evbuffer_add_vprintf(body, fmt, ap);
	va_end(ap);
	evbuffer_add(body, "\n", 1);
	reply(s, req, code, TYPE_TEXT, body);
	evbuffer_free(body);
}

/* Render a document again if something changed or a second has passed. */
static void
document_refresh(const struct stats *s, struct document *d)
{
	uint64_t monitor = monitor_generation(s->src.monitor);
	uint64_t conf = s->src.conf(s->src.arg)->generation;
	int64_t now = clock_ms();

	if (d->bytes != NULL && now - d->at < DOCUMENT_MS &&
	    d->monitor_generation == monitor && d->conf_generation == conf)
		return;
	if (d->bytes != NULL)
		evbuffer_free(d->bytes);
	d->bytes = evbuffer_new();
	if (d->bytes == NULL)
		fatal("out of memory");
	d->render(&s->src, d->bytes);
	d->at = now;
	d->monitor_generation = monitor;
	d->conf_generation = conf;
}

/* Answer with a document, whose bytes are shared. */
static void
reply_document(struct stats *s, struct evhttp_request *req, struct document *d)
{
	struct evbuffer *body = evbuffer_new();

	document_refresh(s, d);
	if (body == NULL || evbuffer_add_buffer_reference(body, d->bytes) != 0)
		fatal("out of memory");
	reply(s, req, HTTP_OK, d->type, body);
	evbuffer_free(body);
}

/* Does the request carry the user and the password, where they are set? */
static bool
is_authorized(const struct stats *s, struct evhttp_request *req)
{
	const struct conf_stats *cs = settings(s);

	return auth_allows(cs->user, cs->password,
	    evhttp_find_header(
		evhttp_request_get_input_headers(req), "Authorization"));
}

/* What is asked for: path and query, without scheme and host. */
static const char *
target_of(struct evhttp_request *req)
{
	const char *uri = evhttp_request_get_uri(req), *host;

	if (uri[0] == '/')
		return uri;
	host = strstr(uri, "://");
	uri = host == NULL ? NULL : strchr(host + 3, '/');
	return uri == NULL ? "/" : uri;
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
 * The address may have a "?" of its own, as HAProxy's default has. */
static const char *
page_suffix(const char *target, const char *uri)
{
	size_t n = strlen(uri);

	if (strncmp(target, uri, n) != 0)
		return NULL;
	if (target[n] != '\0' && strchr(";?&", target[n]) == NULL)
		return NULL;
	return target + n;
}

/* Are all of HAProxy's ;options known? norefresh is the only one so far. */
static bool
read_suffix(const char *suffix, bool *norefresh)
{
	size_t n;

	*norefresh = false;
	for (; *suffix == ';'; suffix += n) {
		suffix++;
		n = strcspn(suffix, ";?&");
		if (n == 9 && strncmp(suffix, "norefresh", n) == 0)
			*norefresh = true;
		else if (n > 0)
			return false;
	}
	return true;
}

/* The page. */
static void
serve_page(struct stats *s, struct evhttp_request *req, const char *suffix)
{
	int64_t refresh = settings(s)->refresh;
	char seconds[24];
	bool norefresh;

	if (!read_suffix(suffix, &norefresh)) {
		reply_words(s, req, HTTP_NOTFOUND,
		    "not found: of the page's suffixes only ;norefresh is "
		    "there; JSON is at /stats.json");
		return;
	}
	if (refresh > 0 && !norefresh) {
		snprintf(seconds, sizeof(seconds), "%lld",
		    (long long)(refresh + 999) / 1000);
		header(req, "Refresh", seconds);
	}
	reply_document(s, req, &s->page);
}

/* Is the process well? */
static void
serve_healthz(struct stats *s, struct evhttp_request *req)
{
	int64_t stall = s->src.stall_ms(s->src.arg);

	if (stall <= STALL_MS)
		reply_words(s, req, HTTP_OK, "ok");
	else
		reply_words(s, req, HTTP_SERVUNAVAIL,
		    "not well: a worker has not turned for %lld s",
		    (long long)stall / 1000);
}

/* May clients be sent here? A failover does not make it fail. */
static void
serve_readyz(struct stats *s, struct evhttp_request *req)
{
	if (s->src.draining(s->src.arg))
		reply_words(s, req, HTTP_SERVUNAVAIL, "not ready: draining");
	else if (!monitor_ready(s->src.monitor))
		reply_words(s, req, HTTP_SERVUNAVAIL,
		    "not ready: the first round of checks is not done");
	else
		reply_words(s, req, HTTP_OK, "ready");
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
reply_frontends(struct stats *s, struct evhttp_request *req)
{
	const struct conf *conf = s->src.conf(s->src.arg);
	struct evbuffer *body = evbuffer_new();

	if (body == NULL)
		fatal("out of memory");
	evbuffer_add_printf(body, "no such frontend; there %s",
	    conf->nfrontends == 0 ? "are none" : "are:");
	for (size_t i = 0; i < conf->nfrontends; i++)
		evbuffer_add_printf(
		    body, "%s %s", i == 0 ? "" : ",", conf->frontends[i].name);
	evbuffer_add(body, "\n", 1);
	reply(s, req, HTTP_NOTFOUND, TYPE_TEXT, body);
	evbuffer_free(body);
}

/* Has this frontend a server for new sessions? */
static void
serve_frontend(struct stats *s, struct evhttp_request *req, const char *name)
{
	const struct conf_frontend *cf =
	    find_frontend(s->src.conf(s->src.arg), name);
	const struct conf_backend *cb;

	if (cf == NULL) {
		reply_frontends(s, req);
		return;
	}
	cb = cf->backend;
	for (size_t i = 0; i < cb->nservers; i++)
		if (words_eligible(cf,
			monitor_server(s->src.monitor, &cb->servers[i]).now)) {
			reply_words(s, req, HTTP_OK, "ready");
			return;
		}
	reply_words(s, req, HTTP_SERVUNAVAIL,
	    "not ready: no server of backend %s is fit for route %s", cb->name,
	    conf_route_str(cf->route));
}

/* Answer what needs no password; false if target is something else. */
static bool
serve_open(struct stats *s, struct evhttp_request *req, const char *target)
{
	char *path, *name;

	if (is_path(target, "/healthz"))
		serve_healthz(s, req);
	else if (is_path(target, "/readyz"))
		serve_readyz(s, req);
	else if (strncmp(target, "/readyz/", 8) == 0) {
		path = xstrdup(target + 8);
		path[strcspn(path, "?")] = '\0';
		name = evhttp_uridecode(path, 0, NULL);
		serve_frontend(s, req, name == NULL ? "" : name);
		free(name);
		free(path);
	} else
		return false;
	return true;
}

/* Answer what is behind the password. */
static void
serve_guarded(struct stats *s, struct evhttp_request *req, const char *target)
{
	const char *uri = settings(s)->uri;
	const char *suffix = page_suffix(target, uri);

	if (is_path(target, "/stats.json"))
		reply_document(s, req, &s->json);
	else if (suffix != NULL)
		serve_page(s, req, suffix);
	else if (is_path(target, "/")) {
		header(req, "Location", uri);
		reply_words(s, req, HTTP_MOVETEMP, "the page is at %s", uri);
	} else
		reply_words(s, req, HTTP_NOTFOUND,
		    "not found; there are %s, /stats.json, /healthz, /readyz "
		    "and /readyz/FRONTEND",
		    uri);
}

/* One request. */
static void
request_cb(struct evhttp_request *req, void *arg)
{
	struct stats *s = arg;
	enum evhttp_cmd_type method = evhttp_request_get_command(req);
	const char *target = target_of(req);

	client_asked(s, req);
	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		header(req, "Allow", "GET, HEAD");
		reply_words(s, req, HTTP_BADMETHOD,
		    "only GET and HEAD are answered here");
		return;
	}
	if (serve_open(s, req, target))
		return;
	if (is_authorized(s, req)) {
		serve_guarded(s, req, target);
		return;
	}
	header(req, "WWW-Authenticate",
	    "Basic realm=\"roleproxy\", charset=\"UTF-8\"");
	reply_words(s, req, 401, "user and password, please");
}

/* The HTTP server with its limits, without an address yet. */
static struct evhttp *
new_http(struct stats *s)
{
	struct evhttp *http = evhttp_new(s->base);

	if (http == NULL)
		return NULL;
	evhttp_set_max_headers_size(http, HEADERS_MAX);
	evhttp_set_max_body_size(http, 0);
	evhttp_set_allowed_methods(
	    http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
		      EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
		      EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(http, client_cb, s);
	evhttp_set_gencb(http, request_cb, s);
	return http;
}

struct stats *
stats_new(struct event_base *base, const struct stats_source *source)
{
	struct stats *s = xcalloc(1, sizeof(*s));

	s->base = base;
	s->src = *source;
	if (s->src.started == 0)
		s->src.started = clock_ms();
	s->timeout = REQUEST_MS;
	s->accepting = true;
	s->page.render = stats_render_html;
	s->page.type = TYPE_HTML;
	s->json.render = stats_render_json;
	s->json.type = TYPE_JSON;
	TAILQ_INIT(&s->listeners);
	TAILQ_INIT(&s->clients);
	s->http = new_http(s);
	s->sweep = evtimer_new(base, sweep_cb, s);
	if (s->http == NULL || s->sweep == NULL) {
		stats_free(s);
		return NULL;
	}
	arm_sweep(s);
	return s;
}

void
stats_set_timeout(struct stats *s, int64_t ms)
{
	s->timeout = ms;
}

/* Stop listening there. */
static void
listener_close(struct stats *s, struct listener *l)
{
	TAILQ_REMOVE(&s->listeners, l, link);
	if (l->bound != NULL)
		evhttp_del_accept_socket(s->http, l->bound);
	else
		evconnlistener_free(l->ev);
	if (l->addr.family == AF_UNIX)
		unlink(l->addr.u.path);
	free(l);
}

/* Open an address, without answering there yet. */
static int
listener_open(struct stats *s, const struct addr *a, char *error, size_t size)
{
	struct listener *l;
	int fd = net_listen(a, BACKLOG, error, size);

	if (fd < 0)
		return -1;
	l = xcalloc(1, sizeof(*l));
	l->addr = *a;
	l->wanted = true;
	l->ev = evconnlistener_new(s->base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (l->ev == NULL)
		fatal("out of memory");
	TAILQ_INSERT_TAIL(&s->listeners, l, link);
	return 0;
}

/* The listener of this address; NULL if there is none. */
static struct listener *
find_listener(const struct stats *s, const struct addr *a)
{
	struct listener *l;

	TAILQ_FOREACH (l, &s->listeners, link)
		if (addr_equal(&l->addr, a))
			return l;
	return NULL;
}

void
stats_abort(struct stats *s)
{
	struct listener *l, *next;

	for (l = TAILQ_FIRST(&s->listeners); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (l->bound == NULL)
			listener_close(s, l);
	}
}

int
stats_listen(struct stats *s, const struct conf *conf, char *error, size_t size)
{
	struct listener *l;

	stats_abort(s);
	TAILQ_FOREACH (l, &s->listeners, link)
		l->wanted = false;
	for (size_t i = 0; i < conf->stats.nbinds; i++) {
		l = find_listener(s, &conf->stats.binds[i]);
		if (l != NULL)
			l->wanted = true;
		else if (listener_open(s, &conf->stats.binds[i], error, size) !=
			 0) {
			stats_abort(s);
			return -1;
		}
	}
	return 0;
}

/* Begin to answer on an address. */
static void
listener_start(struct stats *s, struct listener *l)
{
	l->bound = evhttp_bind_listener(s->http, l->ev);
	if (l->bound == NULL)
		fatal("out of memory");
	evconnlistener_set_error_cb(l->ev, accept_error_cb);
	if (!s->accepting)
		evconnlistener_disable(l->ev);
}

void
stats_commit(struct stats *s)
{
	struct listener *l, *next;

	for (l = TAILQ_FIRST(&s->listeners); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (!l->wanted)
			listener_close(s, l);
		else if (l->bound == NULL)
			listener_start(s, l);
	}
}

/* Forget a rendered document. */
static void
document_free(struct document *d)
{
	if (d->bytes != NULL)
		evbuffer_free(d->bytes);
}

void
stats_free(struct stats *s)
{
	struct listener *l;
	struct client *c;

	while ((l = TAILQ_FIRST(&s->listeners)) != NULL)
		listener_close(s, l);
	if (s->http != NULL)
		evhttp_free(s->http);
	while ((c = TAILQ_FIRST(&s->clients)) != NULL)
		client_free(s, c);
	if (s->sweep != NULL)
		event_free(s->sweep);
	document_free(&s->page);
	document_free(&s->json);
	free(s);
}
