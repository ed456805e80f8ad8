/*
 * A subscription to the Sentinels' hello messages. Where the user may not
 * subscribe, it says so and tries again only when the server was away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "health/gossip.h"
#include "health/link.h"

struct gossip {
	const struct gossip_ops *ops; /* (borrowed from the owner) */
	void *arg;
	struct link *link;
	const char *username; /* (borrowed from the owner) */
	bool listening, refused;
};

static void gossip_up(void *);
static void gossip_reply(const struct resp *, size_t, void *);
static void gossip_down(const char *, void *);

static const struct link_ops gossip_link = {
    gossip_up, gossip_reply, gossip_down};

struct gossip *
gossip_new(struct event_base *base, const struct gossip_ops *ops,
    const char *username, const char *password, void *arg)
{
	struct gossip *g = xcalloc(1, sizeof(*g));

	g->ops = ops;
	g->arg = arg;
	g->username = username;
	g->link = link_new(base, &gossip_link, username, password, g);
	return g;
}

void
gossip_use_header(struct gossip *g, enum proxy_version header)
{
	link_use_header(g->link, header);
}

void
gossip_free(struct gossip *g)
{
	if (g == NULL)
		return;
	link_free(g->link);
	free(g);
}

void
gossip_open(struct gossip *g, const struct addr *addr)
{
	link_open(g->link, addr);
}

void
gossip_hurry(struct gossip *g)
{
	link_hurry(g->link);
}

static void
gossip_up(void *arg)
{
	static const char *const subscribe[] = {
	    "SUBSCRIBE", HELLO_CHANNEL, NULL};
	struct gossip *g = arg;

	link_send(g->link, subscribe);
}

static void
gossip_down(const char *why, void *arg)
{
	struct gossip *g = arg;
	bool listened = g->listening;

	(void)why;
	g->listening = false;
	if (listened)
		g->ops->lost(g->arg);
}

/* The server refuses the subscription: do without it. */
static void
refuse(struct gossip *g, const struct resp *r)
{
	char why[160];

	if (g->refused || r->len < 6 || memcmp(r->str, "NOPERM", 6) != 0)
		return;
	g->refused = true;
	snprintf(why, sizeof(why),
	    "the user may not listen to Sentinels: ACL SETUSER %.64s "
	    "resetchannels &" HELLO_CHANNEL " +subscribe",
	    g->username == NULL ? "default" : g->username);
	g->ops->refused(why, g->arg);
}

static void
gossip_reply(const struct resp *r, size_t n, void *arg)
{
	struct gossip *g = arg;
	struct hello h;

	if (r->type == RESP_ERROR) {
		refuse(g, r);
	} else if (n == 4 && resp_is(&r[1], "subscribe")) {
		g->listening = true;
	} else if (n == 4 && resp_is(&r[1], "message") &&
		   r[3].type == RESP_BULK &&
		   hello_read(r[3].str, r[3].len, &h) == 0) {
		g->ops->hello(&h, g->arg);
	}
}
