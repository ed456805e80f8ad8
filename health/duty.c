/*
 * The duties towards servers. A subscription that ends is a reason to look at
 * the server at once: Sentinels reconfigure one by closing its connections.
 */
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "health/duty.h"
#include "health/gossip.h"

struct duty {
	TAILQ_ENTRY(duty) link;
	struct duties *all;
	struct check *check;
	struct gossip *gossip;     /* NULL: not a Redis */
	char *username, *password; /* of gossip; password is secret */
	unsigned users;
	unsigned load; /* that it was last taken for */
};

struct duties {
	struct event_base *base;   /* (borrowed from the monitor) */
	struct resolver *resolver; /* (borrowed from the monitor) */
	struct duty_ops ops;
	TAILQ_HEAD(, duty) list;
	unsigned load; /* how many there were */
};

static void duty_checked_cb(
    struct check *, const struct role_change *, bool, void *);
static void duty_hello_cb(const struct hello *, void *);
static void duty_hangup_cb(void *);
static void duty_deaf_cb(const char *, void *);

static const struct gossip_ops duty_gossip = {
    duty_hello_cb, duty_hangup_cb, duty_deaf_cb};

struct duties *
duties_new(struct event_base *base, struct resolver *resolver,
    const struct duty_ops *ops)
{
	struct duties *d = xcalloc(1, sizeof(*d));

	d->base = base;
	d->resolver = resolver;
	d->ops = *ops;
	TAILQ_INIT(&d->list);
	return d;
}

void
duties_free(struct duties *d)
{
	free(d);
}

void
duties_load(struct duties *d)
{
	d->load++;
}

/* A duty that nobody has yet; it begins with what old knows of the server. */
static struct duty *
duty_new(struct duties *d, const struct conf_backend *cb,
    const struct conf_server *cs, const struct duty *old)
{
	struct duty *duty = xcalloc(1, sizeof(*duty));

	duty->all = d;
	duty->check =
	    check_new(d->base, d->resolver, cb, cs, duty_checked_cb, duty);
	if (old != NULL)
		check_inherit(duty->check, old->check);
	if (cb->check == CHECK_REDIS) {
		duty->username = xstrdup(cb->username);
		duty->password = xstrdup(cb->password);
		duty->gossip = gossip_new(d->base, &duty_gossip, duty->username,
		    duty->password, duty);
		gossip_use_header(duty->gossip, conf_check_proxy(cs));
	}
	TAILQ_INSERT_TAIL(&d->list, duty, link);
	return duty;
}

struct duty *
duty_take(struct duties *d, const struct conf_backend *cb,
    const struct conf_server *cs)
{
	struct duty *duty, *old = NULL;

	TAILQ_FOREACH (duty, &d->list, link) {
		if (check_matches(duty->check, cb, cs)) {
			check_configure(
			    duty->check, cb, cs, duty->load != d->load);
			duty->load = d->load;
			duty->users++;
			return duty;
		}
		if (check_same_host(duty->check, cs))
			old = duty;
	}
	duty = duty_new(d, cb, cs, old);
	duty->users = 1;
	duty->load = d->load;
	return duty;
}

void
duty_release(struct duty *duty)
{
	if (--duty->users > 0)
		return;
	TAILQ_REMOVE(&duty->all->list, duty, link);
	gossip_free(duty->gossip);
	check_free(duty->check);
	free(duty->username);
	free_secret(duty->password);
	free(duty);
}

struct check *
duty_check(const struct duty *duty)
{
	return duty->check;
}

void
duties_check_now(struct duties *d)
{
	struct duty *duty;

	TAILQ_FOREACH (duty, &d->list, link)
		check_now(duty->check);
}

bool
duties_fresh(const struct duties *d, int64_t since, bool all)
{
	const struct server_state *s;
	const struct duty *duty;

	TAILQ_FOREACH (duty, &d->list, link) {
		s = check_state(duty->check);
		if (!check_fresh(duty->check, since) &&
		    (all || (s->health == HEALTH_UP && s->bad == 0)))
			return false;
	}
	return true;
}

/* Keep listening to a server that answers. No Sentinel watches a cluster. */
static void
follow_gossip(struct duty *duty, const struct role_change *change)
{
	const struct server_state *s = check_state(duty->check);

	if (duty->gossip == NULL || s->health != HEALTH_UP || s->bad > 0 ||
	    s->known.cluster)
		return;
	gossip_open(duty->gossip, check_addr(duty->check));
	if (change->health)
		gossip_hurry(duty->gossip);
}

static void
duty_checked_cb(
    struct check *c, const struct role_change *change, bool moved, void *arg)
{
	struct duty *duty = arg;

	(void)c;
	follow_gossip(duty, change);
	duty->all->ops.checked(duty, change, moved, duty->all->ops.arg);
}

static void
duty_hello_cb(const struct hello *h, void *arg)
{
	struct duty *duty = arg;

	duty->all->ops.heard(duty, h, duty->all->ops.arg);
}

static void
duty_hangup_cb(void *arg)
{
	struct duty *duty = arg;

	check_now(duty->check);
}

static void
duty_deaf_cb(const char *why, void *arg)
{
	struct duty *duty = arg;
	char addr[ADDR_STR_MAX];

	log_warn("server %s: %s", addr_str(check_addr(duty->check), addr), why);
}
