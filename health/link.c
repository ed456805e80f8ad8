/*
 * A connection that is kept. What is asked and what the answers mean is the
 * owner's; AUTH and CLIENT SETNAME are answered to this file.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "health/link.h"

#define INPUT_MAX   (512 * 1024) /* bytes of one answer */
#define TOKENS_MAX  16384        /* heads and leaves of one answer */
#define CONNECT_MS  1000
#define PAUSE_MIN   100 /* ms before the first attempt again */
#define PAUSE_MAX   5000
#define CLIENT_NAME "roleproxy-link"

static const struct net_options link_net = {.keepalive_idle = 5000,
    .keepalive_interval = 2000,
    .keepalive_count = 3,
    .user_timeout = 10000};

struct link {
	/* Given. */
	struct event_base *base;    /* (borrowed from the owner) */
	const struct link_ops *ops; /* (borrowed from the owner) */
	const char *username, *password;
	enum proxy_version header;
	void *arg;

	/* At run time. */
	struct addr addr; /* family 0: stays closed */
	struct bufferevent *bev;
	struct event *timer; /* the end of a pause or of an attempt */
	bool up;
	unsigned intro; /* answers to AUTH and SETNAME that are due */
	bool auth;      /* the first of them is AUTH's */
	int64_t pause, heard_at;
	struct resp *tokens;
	size_t room;
};

static void link_read_cb(struct bufferevent *, void *);
static void link_event_cb(struct bufferevent *, short, void *);
static void link_timer_cb(evutil_socket_t, short, void *);

struct link *
link_new(struct event_base *base, const struct link_ops *ops,
    const char *username, const char *password, void *arg)
{
	struct link *l = xcalloc(1, sizeof(*l));

	l->base = base;
	l->ops = ops;
	l->username = username;
	l->password = password;
	l->arg = arg;
	l->pause = PAUSE_MIN;
	l->timer = evtimer_new(base, link_timer_cb, l);
	if (l->timer == NULL)
		fatal("out of memory");
	return l;
}

/* Close what is open. */
static void
disconnect(struct link *l)
{
	event_del(l->timer);
	if (l->bev != NULL)
		bufferevent_free(l->bev);
	l->bev = NULL;
	l->up = false;
}

void
link_free(struct link *l)
{
	if (l == NULL)
		return;
	disconnect(l);
	event_free(l->timer);
	free(l->tokens);
	free(l);
}

void
link_use_header(struct link *l, enum proxy_version header)
{
	l->header = header;
}

/* Have the timer fire after so many ms. */
static void
wait_ms(struct link *l, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(l->timer, &tv);
}

/* A quarter more or less of it, so that not all come at once. */
static int64_t
jitter(int64_t ms)
{
	uint16_t random;

	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return ms * 3 / 4 + ms * random / 2 / UINT16_MAX;
}

void
link_restart(struct link *l, const char *why)
{
	disconnect(l);
	if (l->addr.family == 0)
		return;
	wait_ms(l, jitter(l->pause));
	l->pause = l->pause * 2 > PAUSE_MAX ? PAUSE_MAX : l->pause * 2;
	l->ops->down(why, l->arg);
}

/* Begin to connect. */
static void
connect_start(struct link *l)
{
	int fd = net_connect(&l->addr), error = errno;

	if (fd >= 0) {
		net_tune(fd, &link_net);
		l->bev =
		    bufferevent_socket_new(l->base, fd, BEV_OPT_CLOSE_ON_FREE);
		error = ENOMEM;
		if (l->bev == NULL)
			close(fd);
	}
	if (l->bev != NULL) {
		bufferevent_setcb(l->bev, link_read_cb, NULL, link_event_cb, l);
		wait_ms(l, CONNECT_MS);
		if (bufferevent_socket_connect(l->bev, NULL, 0) == 0)
			return;
	}
	link_restart(l, strerror(error));
}

static void
link_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	if (l->bev == NULL)
		connect_start(l);
	else
		link_restart(l, l->up ? "no answer to AUTH" : "no connection");
}

void
link_open(struct link *l, const struct addr *addr)
{
	if (addr_equal(addr, &l->addr))
		return;
	disconnect(l);
	l->addr = *addr;
	l->pause = PAUSE_MIN;
	wait_ms(l, 0);
}

void
link_close(struct link *l)
{
	disconnect(l);
	l->addr.family = 0;
}

void
link_hurry(struct link *l)
{
	l->pause = PAUSE_MIN;
	if (l->bev == NULL && l->addr.family != 0)
		wait_ms(l, 0);
}

bool
link_is_up(const struct link *l)
{
	return l->up && l->intro == 0;
}

int64_t
link_heard_at(const struct link *l)
{
	return l->heard_at;
}

void
link_send(struct link *l, const char *const *words)
{
	struct evbuffer *out;
	size_t i, n = 0;

	if (!l->up)
		return;
	out = bufferevent_get_output(l->bev);
	while (words[n] != NULL)
		n++;
	evbuffer_add_printf(out, "*%zu\r\n", n);
	for (i = 0; i < n; i++)
		evbuffer_add_printf(
		    out, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
}

/* It is open: say who we are. */
static void
introduce(struct link *l)
{
	const char *auth[] = {"AUTH", l->password, NULL, NULL};
	const char *name[] = {"CLIENT", "SETNAME", CLIENT_NAME, NULL};
	char header[PROXY_HEADER_OUT];
	size_t n =
	    proxy_header_own(l->header, bufferevent_getfd(l->bev), header);

	l->up = true;
	l->auth = l->password != NULL;
	l->intro = l->auth ? 2 : 1;
	if (l->username != NULL) {
		auth[1] = l->username;
		auth[2] = l->password;
	}
	evbuffer_add(bufferevent_get_output(l->bev), header, n);
	if (l->auth)
		link_send(l, auth);
	link_send(l, name);
	wait_ms(l, CONNECT_MS);
	bufferevent_enable(l->bev, EV_READ);
}

static void
link_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct link *l = arg;
	int error = EVUTIL_SOCKET_ERROR();

	(void)bev;
	if ((what & BEV_EVENT_CONNECTED) != 0)
		introduce(l);
	else if ((what & BEV_EVENT_ERROR) != 0)
		link_restart(l, strerror(error));
	else
		link_restart(l, "closed by the other side");
}

/* Does an error begin like this? */
static bool
begins(const struct resp *r, const char *prefix)
{
	return r->type == RESP_ERROR && r->len >= strlen(prefix) &&
	       memcmp(r->str, prefix, strlen(prefix)) == 0;
}

/* The answer to AUTH or SETNAME; false if the link is of no use. Errors of AUTH
 * may repeat the password: never quoted. */
static bool
take_intro(struct link *l, const struct resp *r)
{
	const char *why = NULL;

	if (begins(r, "WRONGPASS") || begins(r, "ERR invalid password"))
		why = "wrong password";
	else if (begins(r, "NOAUTH"))
		why = "password needed";
	else if (begins(r, "DENIED"))
		why = "protected mode";
	else if (begins(r, "ERR max number of clients"))
		why = "max clients";
	else if (begins(r, "LOADING"))
		why = "loading";
	if (why != NULL) {
		link_restart(l, why);
		return false;
	}
	l->auth = false;
	if (--l->intro == 0) {
		event_del(l->timer);
		l->pause = PAUSE_MIN;
		l->ops->up(l->arg);
	}
	return l->up;
}

/* Room for n tokens. */
static void
make_room(struct link *l, size_t n)
{
	if (n <= l->room)
		return;
	l->tokens = xrealloc(l->tokens, n * sizeof(*l->tokens));
	l->room = n;
}

/* Read one whole value of buf into l->tokens; like resp_read_all(). */
static ssize_t
read_value(struct link *l, const char *buf, size_t len, size_t *n)
{
	ssize_t used;

	for (make_room(l, 64);; make_room(l, l->room * 4)) {
		used = resp_read_all(buf, len, l->tokens, l->room, n);
		if (used >= 0 || *n < l->room || l->room >= TOKENS_MAX)
			return used;
	}
}

static void
link_read_cb(struct bufferevent *bev, void *arg)
{
	struct link *l = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	const char *buf;
	size_t len, n;
	ssize_t used;

	l->heard_at = clock_ms();
	while ((len = evbuffer_get_length(in)) > 0) {
		buf = (const char *)evbuffer_pullup(in, -1);
		used = buf == NULL ? -1 : read_value(l, buf, len, &n);
		if (used < 0 || len > INPUT_MAX) {
			link_restart(l, "protocol error");
			return;
		}
		if (used == 0)
			return;
		if (l->intro == 0)
			l->ops->reply(l->tokens, n, l->arg);
		else if (!take_intro(l, l->tokens))
			return;
		/* The owner may have restarted or closed it. */
		if (l->bev != bev)
			return;
		evbuffer_drain(in, (size_t)used);
	}
}
