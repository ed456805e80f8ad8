/*
 * Names to addresses, without ever blocking: /etc/hosts and DNS through
 * libevent's evdns, on the control thread. Not a cache: who asks keeps.
 */
#ifndef BASE_RESOLVE_H
#define BASE_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct event_base;
struct resolver;
struct resolution;

/* Called once, never before resolve_start() has returned. addr is NULL when the
 * name did not resolve, and error then says why in words ("does not exist",
 * "no answer from the name server"). The resolution is gone when it returns. */
typedef void (*resolve_cb)(const struct addr *addr, const char *error, void *);

/* Reads /etc/resolv.conf and /etc/hosts. NULL if out of memory. */
struct resolver *resolver_new(struct event_base *base);

/* The same with other files, for tests. The paths are borrowed. */
struct resolver *resolver_new_files(
    struct event_base *base, const char *resolv_conf, const char *hosts);

/* Cancels what is under way, without calling back. Only when the event loop has
 * ended: an answer that evdns has read but not passed on would be lost memory.
 */
void resolver_free(struct resolver *r);

/* Read /etc/resolv.conf again if it changed; /etc/hosts is read for each name.
 */
void resolver_refresh(struct resolver *r);

/* Look host up, IPv4 first, IPv6 if it has no IPv4; the answer carries port. Of
 * several addresses, `keep` is given if it is (still) among them, else the
 * first. keep may be NULL. NULL if out of memory. */
struct resolution *resolve_start(struct resolver *r, const char *host,
    uint16_t port, const struct addr *keep, resolve_cb cb, void *arg);

/* Forget a resolution that has not called back; it will not. */
void resolve_cancel(struct resolution *res);

#endif
