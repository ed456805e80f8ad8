/*
 * One command over a connection of its own. What the connection itself does is
 * link.c's; the first attempt is the only one.
 */
#include <event2/event.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "health/link.h"
#include "health/order.h"

#define WORDS_MAX 8

struct order_call {
	struct link *link;
	struct event *timer; /* the deadline, and then the end */
	char *words[WORDS_MAX + 1];
	char *username, *password; /* password is secret */
	bool sent, ended, ok;
	char error[160];
	order_call_cb done;
	void *arg;
};

static void call_up(void *);
static void call_reply(const struct resp *, size_t, void *);
static void call_down(const char *, void *);
static void call_timer_cb(evutil_socket_t, short, void *);

static const struct link_ops call_ops = {call_up, call_reply, call_down};

struct order_call *
order_call(struct event_base *base, const struct addr *addr,
    enum proxy_version header, const char *username, const char *password,
    const char *const *words, int64_t timeout_ms, order_call_cb done, void *arg)
{
	struct order_call *c = xcalloc(1, sizeof(*c));
	struct timeval tv = {
	    .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
	size_t i;

	for (i = 0; i < WORDS_MAX && words[i] != NULL; i++)
		c->words[i] = xstrdup(words[i]);
	c->done = done;
	c->arg = arg;
	snprintf(c->error, sizeof(c->error), "no answer in time");
	c->username = xstrdup(username);
	c->password = xstrdup(password);
	c->link = link_new(base, &call_ops, c->username, c->password, c);
	link_use_header(c->link, header);
	c->timer = evtimer_new(base, call_timer_cb, c);
	if (c->timer == NULL)
		fatal("out of memory");
	evtimer_add(c->timer, &tv);
	link_open(c->link, addr);
	return c;
}

void
order_call_cancel(struct order_call *c)
{
	size_t i;

	for (i = 0; c->words[i] != NULL; i++)
		free(c->words[i]);
	link_free(c->link);
	event_free(c->timer);
	free(c->username);
	free_secret(c->password);
	free(c);
}

/* It is over; say so from the event loop, where the link may be freed. */
static void
end(struct order_call *c, bool ok, const char *error, size_t len)
{
	struct timeval now = {0, 0};

	if (c->ended)
		return;
	c->ended = true;
	c->ok = ok;
	snprintf(c->error, sizeof(c->error), "%.*s", (int)len, error);
	evtimer_add(c->timer, &now);
}

static void
call_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct order_call *c = arg;
	order_call_cb done = c->done;
	void *done_arg = c->arg;
	char error[sizeof(c->error)];
	bool ok = c->ok;

	(void)fd;
	(void)what;
	memcpy(error, c->error, sizeof(error));
	order_call_cancel(c);
	done(ok, error, done_arg);
}

static void
call_up(void *arg)
{
	struct order_call *c = arg;
	const char *words[WORDS_MAX + 1];

	memcpy(words, c->words, sizeof(words));
	if (!c->ended && !c->sent)
		link_send(c->link, words);
	c->sent = true;
}

static void
call_reply(const struct resp *r, size_t n, void *arg)
{
	(void)n;
	end(arg, resp_is(r, "OK"), r->str, r->len < 150 ? r->len : 150);
}

static void
call_down(const char *why, void *arg)
{
	end(arg, false, why, strlen(why));
}
