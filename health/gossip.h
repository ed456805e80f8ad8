/*
 * Listening to what Sentinels say of themselves on one server: a subscription
 * to
 * __sentinel__:hello. It needs no Sentinel's password. Control thread only.
 */
#ifndef HEALTH_GOSSIP_H
#define HEALTH_GOSSIP_H

#include "base/addr.h"
#include "base/proxy_header.h"
#include "health/hello.h"

struct event_base;
struct gossip;

/* What is heard. None may free it. */
struct gossip_ops {
	void (*hello)(const struct hello *, void *arg);
	/* The server closed the subscription: look at it at once. */
	void (*lost)(void *arg);
	/* It refuses: what the user is missing, in words. Said once. */
	void (*refused)(const char *why, void *arg);
};

/* Closed at first. Borrows ops and the credentials (either may be NULL). */
struct gossip *gossip_new(struct event_base *base, const struct gossip_ops *ops,
    const char *username, const char *password, void *arg);
/* Begin each connection with this PROXY header. */
void gossip_use_header(struct gossip *g, enum proxy_version header);
void gossip_free(struct gossip *g);

/* Listen at that server from now on; nothing if that is so already. */
void gossip_open(struct gossip *g, const struct addr *addr);

/* The server is back: do not wait with the next attempt. */
void gossip_hurry(struct gossip *g);

#endif
