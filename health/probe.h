/*
 * The check connection of one server: opened once, kept, asked again and again.
 * One probe is one attempt with one absolute deadline. Scheduling lives in
 * monitor.c; what the answer means lives in role.c.
 */
#ifndef HEALTH_PROBE_H
#define HEALTH_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/proxy_header.h"
#include "health/observation.h"

struct event_base;
struct probe;

/* Called once for each probe_start(), never before that has returned. */
typedef void (*probe_done_cb)(const struct observation *, void *);

/* The server closed or reset the idle check connection: look at once. */
typedef void (*probe_lost_cb)(void *);

enum probe_kind { PROBE_KIND_REDIS, PROBE_KIND_TCP };

/* A check connection, closed at first. username and password (either may be
 * NULL) are borrowed and outlive it. */
struct probe *probe_new(struct event_base *base, enum probe_kind kind,
    const char *username, const char *password, probe_done_cb done,
    probe_lost_cb lost, void *arg);

/* Begin each connection with this PROXY header. */
void probe_use_header(struct probe *p, enum proxy_version header);

/* Close and free; a running probe does not call back. Allowed in a callback. */
void probe_free(struct probe *p);

/* Start one attempt: connect to addr if not connected, then ask. A changed
 * address closes the connection first. Never call it while one runs. For
 * PROBE_KIND_TCP it connects, sees that it is open, and closes. */
void probe_start(struct probe *p, const struct addr *addr, int64_t timeout_ms);

/* Is an attempt under way? */
bool probe_running(const struct probe *p);

/* The check connection's own local address ("who am I" for logs); family 0 when
 * it is not connected. */
struct addr probe_local(const struct probe *p);

#endif
