/*
 * What is owed to one server: its check, and the subscription to what Sentinels
 * say on it. One duty serves all members that name the server. Control thread
 * only.
 */
#ifndef HEALTH_DUTY_H
#define HEALTH_DUTY_H

#include "conf/conf.h"
#include "health/check.h"
#include "health/hello.h"

struct duty;
struct duties;

/* What is learned by it. */
struct duty_ops {
	void (*checked)(
	    struct duty *, const struct role_change *, bool moved, void *arg);
	void (*heard)(struct duty *, const struct hello *, void *arg);
	void *arg;
};

/* All duties; none at first. Copies ops. */
struct duties *duties_new(struct event_base *base, struct resolver *resolver,
    const struct duty_ops *ops);
void duties_free(struct duties *d);

/* A new configuration is being taken. */
void duties_load(struct duties *d);

/* A duty that fits this entry, shared with whoever has it already; give it back
 * with duty_release(). */
struct duty *duty_take(struct duties *d, const struct conf_backend *cb,
    const struct conf_server *cs);
void duty_release(struct duty *duty);

struct check *duty_check(const struct duty *duty);

/* Probe every server now. */
void duties_check_now(struct duties *d);

/* Has every server been probed since this clock_ms()? all: also those that are
 * in trouble. */
bool duties_fresh(const struct duties *d, int64_t since, bool all);

#endif
