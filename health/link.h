/*
 * A connection that is kept: to a Redis or a Sentinel. It authenticates, sends
 * commands, hands out whole answers in order, and connects again when it ends,
 * after a pause that grows and is never quite the same. Control thread only.
 */
#ifndef HEALTH_LINK_H
#define HEALTH_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/proxy_header.h"
#include "health/resp.h"

struct event_base;
struct link;

/* What happens to a link. None may free it. */
struct link_ops {
	/* It is open, and lets us in: ask. */
	void (*up)(void *arg);
	/* One whole answer or message, valid until this returns. */
	void (*reply)(const struct resp *r, size_t n, void *arg);
	/* It was open, or should have been, and is not: why, in words that
	 * hold no secret. It connects again by itself. */
	void (*down)(const char *why, void *arg);
};

/* A closed link. Borrows ops and the credentials (either may be NULL). */
struct link *link_new(struct event_base *base, const struct link_ops *ops,
    const char *username, const char *password, void *arg);
void link_free(struct link *l);

/* Begin each connection with this PROXY header. */
void link_use_header(struct link *l, enum proxy_version header);

/* Connect to addr, and stay connected; nothing if that is so already. */
void link_open(struct link *l, const struct addr *addr);

/* Close, and stay closed. */
void link_close(struct link *l);

/* Close because of that, tell down(), and connect again after a pause. */
void link_restart(struct link *l, const char *why);

/* Connect now rather than after the pause. */
void link_hurry(struct link *l);

bool link_is_up(const struct link *l);

/* clock_ms() when something last came in; 0 never. */
int64_t link_heard_at(const struct link *l);

/* Send a command of these words, ended by NULL, if the link is up. */
void link_send(struct link *l, const char *const *words);

#endif
