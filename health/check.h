/*
 * The standing duty for one server: when to probe it, under which address, and
 * what is known of it. One check serves every backend that names the server.
 * Control thread only.
 */
#ifndef HEALTH_CHECK_H
#define HEALTH_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "health/role.h"

struct check;
struct event_base;
struct histogram;
struct resolver;

/* A probe has ended, or the address has changed (moved: to another process). */
typedef void (*check_cb)(
    struct check *, const struct role_change *, bool moved, void *);

/* Start the duty: at once, and then every interval. Copies what it needs of the
 * configuration. */
struct check *check_new(struct event_base *base, struct resolver *resolver,
    const struct conf_backend *cb, const struct conf_server *cs,
    check_cb changed, void *arg);
void check_free(struct check *c);

/* Would this entry be checked in just the same way? */
bool check_matches(const struct check *c, const struct conf_backend *cb,
    const struct conf_server *cs);

/* Is its server named by this host and port? */
bool check_is_host(const struct check *c, const char *host, uint16_t port);

/* Same host and port, whatever else. */
bool check_same_host(const struct check *c, const struct conf_server *cs);

/* Take the intervals, timeout, rise and fall of this load; unless fresh, the
 * shorter ones of these and those that it has. */
void check_configure(struct check *c, const struct conf_backend *cb,
    const struct conf_server *cs, bool fresh);

/* Begin with what another check of the same server knows. */
void check_inherit(struct check *c, const struct check *old);

/* Is a probe under way? */
bool check_running(const struct check *c);

/* Is its server never probed, and so always UP? */
bool check_is_off(const struct check *c);

/* Sessions on the server have failed, says why: do what is to be done then.
 * Nothing if it is not UP. */
void check_fail(struct check *c, enum conf_on_error how, const char *why);

/* Probe now, or as soon as the probe under way has ended. */
void check_now(struct check *c);

/* Probe so often, in ms, if that is more than usual; 0: as usual. */
void check_pace(struct check *c, int64_t ms);

/* For how many ms since that clock_ms() has it left us without an answer that
 * was due? */
int64_t check_blocked(const struct check *c, int64_t since);

/* Has a probe ended that began at or after this clock_ms()? */
bool check_fresh(const struct check *c, int64_t since);

/* What is known; valid as long as the check. */
const struct server_state *check_state(const struct check *c);

/* It has become the writer: whatever it was, it is no returnee now. */
void check_acquit(struct check *c);

const struct addr *check_addr(const struct check *c);
enum proxy_version check_header(const struct check *c);     /* as it connects */
uint32_t check_latency_us(const struct check *c);           /* smoothed */
const struct histogram *check_times(const struct check *c); /* of probes */
int64_t check_resolved_at(const struct check *c);           /* clock_ms() */

#endif
