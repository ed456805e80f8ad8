/*
 * The HTTP server: it listens on the addresses of several sites, each of which
 * may have so many connections, and hands over one request after the other.
 */
#ifndef STATS_UI_HTTP_H
#define STATS_UI_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct evbuffer;
struct event_base;
struct evhttp_request;
struct http;

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OTHER };

/* What somebody asks for. */
struct http_request {
	size_t site; /* that it came to */
	enum http_method method;
	const char *target;        /* path and query, without scheme and host */
	struct evhttp_request *ev; /* http.c's */
	const struct http *http;   /* the same */
};

struct http_ops {
	/* How many connections a site may have at a time. */
	unsigned (*limit)(size_t site, void *arg);
	/* Somebody has connected to it; so many bytes came and went. */
	void (*connected)(size_t site, void *arg);
	void (*carried)(size_t site, size_t in, size_t out, void *arg);
	/* Give this an answer, before returning. */
	void (*request)(const struct http_request *, void *arg);
	void *arg;
};

struct http *http_new(struct event_base *base, const struct http_ops *ops);
void http_free(struct http *h);

/* How long a client may take to send its request; 10 s unless told. */
void http_set_timeout(struct http *h, int64_t ms);

/* Other addresses: begin, name each with its site, then commit; those that are
 * no longer named are closed then. -1 with error set if one cannot be opened.
 * Until it is committed nothing has changed, and abort closes what was opened.
 */
void http_begin(struct http *h);
int http_listen(struct http *h, const struct addr *a, size_t site, char *error,
    size_t size);
void http_commit(struct http *h);
void http_abort(struct http *h);

/* Connections of a site now. */
unsigned http_clients(const struct http *h, size_t site);

/* A header of the request, NULL if it has none of that name. */
const char *http_header(const struct http_request *req, const char *name);

/* What was posted, as a string cut to size; returns how long it is. No more
 * than HTTP_BODY_MAX bytes may be posted. */
#define HTTP_BODY_MAX 16384
size_t http_body(const struct http_request *req, char *buf, size_t size);

/* Text of a query without its %XX, and + as a blank if plus; on the heap. NULL
 * if out of memory. */
char *http_decode(const char *text, bool plus);

/* The answer: its headers, then the rest. body is emptied, not freed. */
void http_add_header(
    const struct http_request *req, const char *name, const char *value);
void http_answer(
    const struct http_request *req, int code, struct evbuffer *body);

#endif
