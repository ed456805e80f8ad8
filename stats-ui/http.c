/*
 * The HTTP server: sockets, connections and their limits; what is answered is
 * httpd.c's. Each connection serves one request and has one deadline for it.
 * Control thread only; the one home of evhttp.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "stats-ui/http.h"

#define BACKLOG     64
#define HEADERS_MAX 8192  /* bytes of a request */
#define REQUEST_MS  10000 /* to send one */
#define CROWDED_MS  500   /* the same when no more may connect */
#define ANSWER_MS   60000 /* to read the answer */
#define SWEEP_MS    50    /* between two looks at the connections */
#define IDLE_MS     1000  /* the same when there are none */

/* One address that we listen on; owns its socket. One that is closed stays
 * until its last connection has ended. */
struct listener {
	TAILQ_ENTRY(listener) link;
	struct http *http;
	struct addr addr;
	struct evhttp *ev;
	struct evconnlistener *socket;
	struct evhttp_bound_socket *bound; /* NULL until http_commit() */
	size_t site;
	size_t next_site; /* once committed */
	bool wanted;      /* since the last http_begin() */
	bool closed;
	bool accepting;          /* fewer than allowed */
	int64_t accepting_since; /* clock_ms(), or since when not */
	unsigned nclients;
};

/* One connection. evhttp says nothing when it drops one that never asked, so
 * we hold a reference and look whether evhttp has let go of it. */
struct client {
	TAILQ_ENTRY(client) link;
	struct listener *listener;
	struct bufferevent *bev;
	int64_t since; /* accepted, or asked */
	bool asked;
};

struct http {
	struct event_base *base; /* (borrowed from main) */
	struct http_ops ops;
	int64_t timeout; /* ms to send a request */
	TAILQ_HEAD(, listener) listeners;
	TAILQ_HEAD(, client) clients;
	struct event *sweep;
};

static struct bufferevent *client_cb(struct event_base *, void *);
static void request_cb(struct evhttp_request *, void *);
static void sweep_cb(int, short, void *);

/* Look at the connections again: soon if there are any, else in a second. */
static void
arm_sweep(struct http *h)
{
	int ms = TAILQ_EMPTY(&h->clients) ? IDLE_MS : SWEEP_MS;
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(h->sweep, &tv);
}

/* Stop or start to accept there. */
static void
accept_clients(struct listener *l, bool accept)
{
	l->accepting = accept;
	l->accepting_since = clock_ms();
	if (l->bound == NULL)
		return;
	if (accept)
		evconnlistener_enable(l->socket);
	else
		evconnlistener_disable(l->socket);
}

/* As many connections as its site may have? */
static bool
is_full(const struct listener *l)
{
	unsigned max = l->http->ops.limit(l->site, l->http->ops.arg);

	return max > 0 && http_clients(l->http, l->site) >= max;
}

unsigned
http_clients(const struct http *h, size_t site)
{
	const struct listener *l;
	unsigned n = 0;

	TAILQ_FOREACH (l, &h->listeners, link)
		if (!l->closed && l->site == site)
			n += l->nclients;
	return n;
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
client_free(struct http *h, struct client *c)
{
	TAILQ_REMOVE(&h->clients, c, link);
	c->listener->nclients--;
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	bufferevent_decref(c->bev);
	free(c);
}

/* Is its time up? When others wait to connect, it is shorter; when nobody
 * listens there any more, there is none to ask in. */
static bool
client_late(const struct http *h, const struct client *c, int64_t now)
{
	int64_t limit = h->timeout;

	if (c->asked)
		return now - c->since >= ANSWER_MS;
	if (c->listener->closed)
		return true;
	if (is_full(c->listener) && limit > CROWDED_MS)
		limit = CROWDED_MS;
	return now - c->since >= limit;
}

/* Accept again where that has stopped and there is room; each second also
 * where accept_error_cb() has stopped it. */
static void
sweep_listener(struct listener *l, int64_t now)
{
	if (l->closed && l->nclients == 0) {
		TAILQ_REMOVE(&l->http->listeners, l, link);
		evhttp_free(l->ev);
		free(l);
	} else if (!l->closed && !is_full(l) &&
		   (!l->accepting || now - l->accepting_since >= IDLE_MS)) {
		accept_clients(l, true);
	}
}

/* Forget connections that have ended, and end those that are late. */
static void
sweep_clients(struct http *h)
{
	struct client *c, *next;
	struct listener *l, *after;
	int64_t now = clock_ms();

	for (c = TAILQ_FIRST(&h->clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (client_gone(c))
			client_free(h, c);
		else if (client_late(h, c, now))
			shutdown(bufferevent_getfd(c->bev), SHUT_RDWR);
	}
	for (l = TAILQ_FIRST(&h->listeners); l != NULL; l = after) {
		after = TAILQ_NEXT(l, link);
		sweep_listener(l, now);
	}
}

/* The timer that sweeps. */
static void
sweep_cb(int fd, short what, void *arg)
{
	struct http *h = arg;

	(void)fd;
	(void)what;
	sweep_clients(h);
	arm_sweep(h);
}

/* evhttp has accepted a connection: make its bufferevent and count it. */
static struct bufferevent *
client_cb(struct event_base *base, void *arg)
{
	struct listener *l = arg;
	struct http *h = l->http;
	struct listener *other;
	struct client *c;

	sweep_clients(h);
	c = xcalloc(1, sizeof(*c));
	c->listener = l;
	c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL)
		fatal("out of memory");
	bufferevent_incref(c->bev);
	c->since = clock_ms();
	TAILQ_INSERT_TAIL(&h->clients, c, link);
	l->nclients++;
	h->ops.connected(l->site, h->ops.arg);
	if (is_full(l))
		TAILQ_FOREACH (other, &h->listeners, link)
			if (other->site == l->site)
				accept_clients(other, false);
	if (TAILQ_FIRST(&h->clients) == c)
		arm_sweep(h);
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
client_asked(struct http *h, struct evhttp_request *req)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(req));
	struct client *c;

	TAILQ_FOREACH (c, &h->clients, link) {
		if (c->bev != bev)
			continue;
		c->asked = true;
		c->since = clock_ms();
		return;
	}
}

/*
 * Requests.
 */

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

/* One request. */
static void
request_cb(struct evhttp_request *ev, void *arg)
{
	struct listener *l = arg;
	struct http_request req = {.site = l->site,
	    .target = target_of(ev),
	    .method = HTTP_OTHER,
	    .ev = ev,
	    .http = l->http};

	client_asked(l->http, ev);
	/* libevent answers with the version that it was asked in, whatever. */
	if (ev->major != 1 || (ev->minor != 0 && ev->minor != 1)) {
		ev->major = 1;
		ev->minor = 1;
	}
	switch (evhttp_request_get_command(ev)) {
	case EVHTTP_REQ_GET:
		req.method = HTTP_GET;
		break;
	case EVHTTP_REQ_HEAD:
		req.method = HTTP_HEAD;
		break;
	case EVHTTP_REQ_POST:
		req.method = HTTP_POST;
		break;
	default:
		break;
	}
	l->http->ops.request(&req, l->http->ops.arg);
}

const char *
http_header(const struct http_request *req, const char *name)
{
	return evhttp_find_header(
	    evhttp_request_get_input_headers(req->ev), name);
}

size_t
http_body(const struct http_request *req, char *buf, size_t size)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(req->ev);
	ssize_t n = evbuffer_copyout(body, buf, size - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return evbuffer_get_length(body);
}

char *
http_decode(const char *text, bool plus)
{
	return evhttp_uridecode(text, plus, NULL);
}

void
http_add_header(
    const struct http_request *req, const char *name, const char *value)
{
	evhttp_add_header(
	    evhttp_request_get_output_headers(req->ev), name, value);
}

/* Bytes of headers, with the line before and the empty one behind them. */
static size_t
header_bytes(const struct evkeyvalq *headers, size_t line)
{
	const struct evkeyval *h;
	size_t n = line + 4;

	for (h = headers->tqh_first; h != NULL; h = h->next.tqe_next)
		n += strlen(h->key) + strlen(h->value) + 4;
	return n;
}

/* Tell what was asked and what is answered. */
static void
count_bytes(const struct http_request *req, size_t body)
{
	const struct http_ops *ops = &req->http->ops;

	ops->carried(req->site,
	    header_bytes(evhttp_request_get_input_headers(req->ev),
		strlen(evhttp_request_get_uri(req->ev)) + 13) +
		evbuffer_get_length(evhttp_request_get_input_buffer(req->ev)),
	    header_bytes(evhttp_request_get_output_headers(req->ev), 15) + body,
	    ops->arg);
}

void
http_answer(const struct http_request *req, int code, struct evbuffer *body)
{
	char length[24];

	http_add_header(req, "Connection", "close");
	if (req->method == HTTP_HEAD) {
		snprintf(
		    length, sizeof(length), "%zu", evbuffer_get_length(body));
		http_add_header(req, "Content-Length", length);
		evbuffer_drain(body, evbuffer_get_length(body));
	}
	count_bytes(req, evbuffer_get_length(body));
	evhttp_send_reply(req->ev, code, NULL, body);
}

/*
 * Addresses.
 */

/* The HTTP server of an address with its limits. */
static struct evhttp *
new_evhttp(struct listener *l)
{
	struct evhttp *ev = evhttp_new(l->http->base);

	if (ev == NULL)
		fatal("out of memory");
	evhttp_set_max_headers_size(ev, HEADERS_MAX);
	evhttp_set_max_body_size(ev, HTTP_BODY_MAX);
	evhttp_set_allowed_methods(
	    ev, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
		    EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
		    EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(ev, client_cb, l);
	evhttp_set_gencb(ev, request_cb, l);
	return ev;
}

/* Stop listening there; it is freed with its last connection. */
static void
listener_close(struct listener *l)
{
	if (l->bound != NULL)
		evhttp_del_accept_socket(l->ev, l->bound);
	else
		evconnlistener_free(l->socket);
	if (l->addr.family == AF_UNIX)
		net_remove_stale(&l->addr);
	l->closed = true;
}

/* Open an address, without answering there yet. */
static int
listener_open(
    struct http *h, const struct addr *a, size_t site, char *error, size_t size)
{
	struct listener *l;
	int fd = net_listen(a, BACKLOG, error, size);

	if (fd < 0)
		return -1;
	l = xcalloc(1, sizeof(*l));
	l->http = h;
	l->addr = *a;
	l->wanted = true;
	l->accepting = true;
	l->site = l->next_site = site;
	l->ev = new_evhttp(l);
	l->socket = evconnlistener_new(h->base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (l->socket == NULL)
		fatal("out of memory");
	TAILQ_INSERT_TAIL(&h->listeners, l, link);
	return 0;
}

void
http_begin(struct http *h)
{
	struct listener *l;

	http_abort(h);
	TAILQ_FOREACH (l, &h->listeners, link)
		l->wanted = false;
}

int
http_listen(
    struct http *h, const struct addr *a, size_t site, char *error, size_t size)
{
	struct listener *l;

	TAILQ_FOREACH (l, &h->listeners, link) {
		if (l->closed || !addr_equal(&l->addr, a))
			continue;
		l->wanted = true;
		l->next_site = site;
		return 0;
	}
	return listener_open(h, a, site, error, size);
}

void
http_abort(struct http *h)
{
	struct listener *l;

	TAILQ_FOREACH (l, &h->listeners, link)
		if (!l->closed && l->bound == NULL)
			listener_close(l);
	sweep_clients(h);
}

/* Begin to answer on an address. */
static void
listener_start(struct listener *l)
{
	l->bound = evhttp_bind_listener(l->ev, l->socket);
	if (l->bound == NULL)
		fatal("out of memory");
	evconnlistener_set_error_cb(l->socket, accept_error_cb);
}

void
http_commit(struct http *h)
{
	struct listener *l;

	TAILQ_FOREACH (l, &h->listeners, link) {
		if (l->closed)
			continue;
		l->site = l->next_site;
		if (!l->wanted)
			listener_close(l);
		else if (l->bound == NULL)
			listener_start(l);
	}
	sweep_clients(h);
}

/*
 * Life.
 */

struct http *
http_new(struct event_base *base, const struct http_ops *ops)
{
	struct http *h = xcalloc(1, sizeof(*h));

	h->base = base;
	h->ops = *ops;
	h->timeout = REQUEST_MS;
	TAILQ_INIT(&h->listeners);
	TAILQ_INIT(&h->clients);
	h->sweep = evtimer_new(base, sweep_cb, h);
	if (h->sweep == NULL)
		fatal("out of memory");
	arm_sweep(h);
	return h;
}

void
http_set_timeout(struct http *h, int64_t ms)
{
	h->timeout = ms;
}

void
http_free(struct http *h)
{
	struct listener *l;
	struct client *c;

	TAILQ_FOREACH (l, &h->listeners, link) {
		if (!l->closed)
			listener_close(l);
		evhttp_free(l->ev);
	}
	while ((c = TAILQ_FIRST(&h->clients)) != NULL)
		client_free(h, c);
	while ((l = TAILQ_FIRST(&h->listeners)) != NULL) {
		TAILQ_REMOVE(&h->listeners, l, link);
		free(l);
	}
	event_free(h->sweep);
	free(h);
}
