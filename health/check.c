/*
 * The standing duty for one server: a timer, a probe, a name that is looked up
 * again and again. What the answers mean lives in role.c.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/resolve.h"
#include "conf/format.h"
#include "health/check.h"
#include "health/place.h"
#include "health/probe.h"
#include "health/script.h"

#define RESOLVE_EVERY_MS 10000 /* look a name up again after this */
#define RESOLVE_PAUSE_MS 1000  /* never more often than this */
#define TRANSITION_MS    2000  /* probe fast so long after a change */
#define BLOCKED_MS       300   /* an answer later than this was held up */
#define BLOCKS           4     /* times of silence that are remembered */

struct check {
	/* Of the configuration. */
	char *host;
	uint16_t port;
	char *via_host;    /* is checked there; NULL: where it is */
	uint16_t via_port; /* the same; 0: its own */
	enum conf_check kind;
	enum proxy_version header;
	char *username, *password;
	struct conf_timing timing;
	int64_t timeout;
	check_cb changed;
	void *arg;

	/* At run time. */
	struct resolver *resolver; /* (borrowed from the monitor) */
	struct resolution *resolving;
	bool literal; /* host is an address, never looked up */
	struct addr addr;
	struct addr candidate; /* a new address, not proven yet */
	bool trying;           /* the probe under way goes to the candidate */
	struct places *places; /* via_host, and those of the script */
	int64_t resolved_at;   /* when the address became what it is */
	int64_t answered_at, resolve_due;
	struct probe *probe;   /* of a Redis or a plain connection, or */
	struct script *script; /* of a script */
	struct event *timer;
	struct server_state state;
	struct histogram times; /* of all probes */
	int64_t started, due, changed_at;
	int64_t fresh_start; /* when the newest ended probe began */
	int64_t unanswered;  /* the first probe since the last answer; 0 none */
	struct {
		int64_t from, to;
	} blocks[BLOCKS]; /* a ring */
	unsigned nblocks;
	uint32_t latency_us;
	int64_t pace; /* ms; 0 as usual */
	bool again;
};

static void check_timer_cb(evutil_socket_t, short, void *);
static void check_probe_cb(const struct observation *, void *);
static void check_lost_cb(void *);
static void check_resolved_cb(const struct addr *, const char *, void *);
static void check_place_cb(const char *, const char *, void *);

/* Arm the timer for clock_ms() at. */
static void
arm(struct check *c, int64_t at)
{
	int64_t wait = at - clock_ms();
	struct timeval tv;

	if (wait < 0)
		wait = 0;
	c->due = at;
	tv.tv_sec = wait / 1000;
	tv.tv_usec = wait % 1000 * 1000;
	evtimer_add(c->timer, &tv);
}

/* How a server is checked. One of Redis always is: its role must be known. */
static enum conf_check
kind_of(const struct conf_backend *cb, const struct conf_server *cs)
{
	return cs->unchecked && cb->check != CHECK_REDIS ? CHECK_NONE
							 : cb->check;
}

/* What a script is for. */
static struct script_subject
subject(const struct conf_backend *cb, const struct conf_server *cs)
{
	enum proxy_version header = conf_check_proxy(cs), own = header;

	if (own == PROXY_NONE)
		own = cs->send_proxy == PROXY_V2 ? PROXY_V2 : PROXY_V1;
	return (struct script_subject){
	    cb->steps, cb->nsteps, {cs->name, cb->name}, header, own};
}

/* What begins the attempts, and where they go. */
static void
make_probe(struct check *c, struct event_base *base,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	enum probe_kind kind =
	    c->kind == CHECK_REDIS ? PROBE_KIND_REDIS : PROBE_KIND_TCP;
	struct script_subject of = subject(cb, cs);

	if (c->kind != CHECK_NONE)
		places_add(c->places, c->via_host);
	if (c->kind == CHECK_SCRIPT) {
		c->script = script_new(base, &of, c->places, check_probe_cb, c);
		return;
	}
	c->probe = probe_new(base, kind, c->username, c->password,
	    check_probe_cb, check_lost_cb, c);
	if (c->probe == NULL)
		fatal("out of memory");
	probe_use_header(c->probe, c->header);
}

/* What is taken for granted until the first check has ended. */
static void
set_state(struct check *c, enum conf_init_state init)
{
	if (init == INIT_UP) {
		c->state.health = HEALTH_UP;
		c->state.bad = c->timing.fall - 1;
	} else if (init == INIT_DOWN) {
		c->state.health = HEALTH_DOWN;
		c->state.good = c->timing.rise - 1;
	}
}

struct check *
check_new(struct event_base *base, struct resolver *resolver,
    const struct conf_backend *cb, const struct conf_server *cs,
    check_cb changed, void *arg)
{
	struct check *c = xcalloc(1, sizeof(*c));

	c->host = xstrdup(cs->host);
	c->port = cs->port;
	c->via_host = xstrdup(cs->check_host);
	c->via_port = cs->check_port;
	c->kind = kind_of(cb, cs);
	c->header = conf_check_proxy(cs);
	c->username = xstrdup(cb->username);
	c->password = xstrdup(cb->password);
	c->changed = changed;
	c->arg = arg;
	c->resolver = resolver;
	c->literal = addr_parse_ip(cs->host, cs->port, &c->addr) == 0;
	if (!c->literal)
		memset(&c->addr, 0, sizeof(c->addr));
	c->places = places_new(resolver, check_place_cb, c);
	c->timer = evtimer_new(base, check_timer_cb, c);
	if (c->timer == NULL)
		fatal("out of memory");
	make_probe(c, base, cb, cs);
	check_configure(c, cb, cs, true);
	set_state(c, cs->init_state);
	arm(c, clock_ms());
	return c;
}

void
check_free(struct check *c)
{
	if (c->resolving != NULL)
		resolve_cancel(c->resolving);
	probe_free(c->probe);
	script_free(c->script);
	places_free(c->places);
	event_free(c->timer);
	free_secret(c->password);
	free(c->username);
	free(c->via_host);
	free(c->host);
	free(c);
}

bool
check_is_host(const struct check *c, const char *host, uint16_t port)
{
	return c->port == port && strcasecmp(c->host, host) == 0;
}

bool
check_same_host(const struct check *c, const struct conf_server *cs)
{
	return c->port == cs->port && strcmp(c->host, cs->host) == 0;
}

/* What one check is for several backends is known of Redis only: the counts of
 * good and bad ones are shared. */
static bool
same_timing(const struct check *c, const struct conf_timing *t)
{
	return c->timing.interval == t->interval && c->timing.fast == t->fast &&
	       c->timing.down == t->down && c->timing.fall == t->fall &&
	       c->timing.rise == t->rise;
}

bool
check_matches(const struct check *c, const struct conf_backend *cb,
    const struct conf_server *cs)
{
	struct conf_timing t = conf_timing(cb, cs);
	struct script_subject of = subject(cb, cs);

	if (!check_same_host(c, cs) || c->kind != kind_of(cb, cs) ||
	    c->via_port != cs->check_port ||
	    c->header != conf_check_proxy(cs) ||
	    !same_text(c->via_host, cs->check_host))
		return false;
	if (c->kind == CHECK_REDIS)
		return same_text(c->username, cb->username) &&
		       same_text(c->password, cb->password);
	return same_timing(c, &t) &&
	       (c->kind != CHECK_SCRIPT || script_matches(c->script, &of));
}

/* The smaller one. */
static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void
check_configure(struct check *c, const struct conf_backend *cb,
    const struct conf_server *cs, bool fresh)
{
	struct conf_timing t = conf_timing(cb, cs), *old = &c->timing;

	if (!fresh) {
		t.interval = least(t.interval, old->interval);
		t.fast = least(t.fast, old->fast);
		t.down = least(t.down, old->down);
		t.fall = (unsigned)least(t.fall, old->fall);
		t.rise = (unsigned)least(t.rise, old->rise);
		c->timeout = least(cb->check_timeout, c->timeout);
	} else {
		c->timeout = cb->check_timeout;
	}
	c->timing = t;
}

void
check_inherit(struct check *c, const struct check *old)
{
	c->state = old->state;
	c->addr = old->addr;
	c->resolved_at = old->resolved_at;
	c->latency_us = old->latency_us;
	places_inherit(c->places, old->places);
}

/* Begin to look the names up, unless that is under way or was just done. */
static void
resolve(struct check *c)
{
	int64_t now = clock_ms();

	if (now < c->resolve_due ||
	    (c->literal && !places_stale(c->places, now)))
		return;
	c->resolve_due = now + RESOLVE_PAUSE_MS;
	resolver_refresh(c->resolver);
	places_resolve(c->places);
	if (!c->literal && c->resolving == NULL)
		c->resolving = resolve_start(c->resolver, c->host, c->port,
		    &c->addr, check_resolved_cb, c);
}

/* Report that a name has no address, as if a probe had ended so. what: "" for
 * the server's own. */
static void
unresolved(struct check *c, const char *what, const char *error)
{
	struct observation o;

	memset(&o, 0, sizeof(o));
	o.result = PROBE_UNRESOLVED;
	o.at = clock_ms();
	o.rtt_us = -1;
	snprintf(o.detail, sizeof(o.detail), "%s%s%s", what,
	    *what == '\0' ? "" : ": ", error);
	c->started = o.at;
	check_probe_cb(&o, c);
}

static void
check_resolved_cb(const struct addr *addr, const char *error, void *arg)
{
	struct check *c = arg;

	c->resolving = NULL;
	if (addr == NULL) {
		if (c->addr.family == 0)
			unresolved(c, "", error);
		return;
	}
	c->answered_at = clock_ms();
	if (addr_equal(addr, &c->addr))
		return;
	c->resolved_at = c->answered_at;
	c->candidate = *addr;
	check_now(c);
}

/* A host that the check goes to has an address, or has none. One is enough to
 * say so. */
static void
check_place_cb(const char *host, const char *error, void *arg)
{
	struct check *c = arg;
	const char *missing = places_missing(c->places);
	char what[128];

	if (error == NULL) {
		check_now(c);
	} else if (strcmp(missing, host) == 0 &&
		   (c->addr.family != 0 || c->candidate.family != 0)) {
		snprintf(what, sizeof(what), "check host %.80s", host);
		unresolved(c, what, error);
	}
}

/* How often to probe when nothing is changing. */
static int64_t
pace(const struct check *c)
{
	int64_t interval = c->timing.interval;

	if (c->state.health == HEALTH_DOWN && c->state.good == 0)
		interval = c->timing.down;
	return c->pace != 0 && c->pace < interval ? c->pace : interval;
}

/* Where the next probe goes. */
static struct addr
target(const struct check *c)
{
	struct addr a = c->trying ? c->candidate : c->addr;

	if (c->via_host != NULL)
		a = *places_find(c->places, c->via_host);
	a.port = c->port;
	if (c->via_port != 0)
		a.port = c->via_port;
	return a;
}

/* An answer, at last: remember how long it was due. */
static void
note_answer(struct check *c, int64_t at)
{
	if (c->unanswered != 0 && at - c->unanswered > BLOCKED_MS) {
		c->blocks[c->nblocks % BLOCKS].from = c->unanswered;
		c->blocks[c->nblocks++ % BLOCKS].to = at;
	}
	c->unanswered = 0;
}

/* Start a probe of the address in use, or of a new one that is to be proven. */
static void
probe_now(struct check *c)
{
	struct addr to;

	c->again = false;
	c->started = clock_ms();
	if (c->unanswered == 0)
		c->unanswered = c->started;
	c->trying = c->candidate.family != 0;
	to = target(c);
	if (c->script != NULL)
		script_start(c->script, &to, c->timeout);
	else
		probe_start(c->probe, &to, c->timeout);
	/* The next tick does not wait for this one's answer. */
	if (c->kind == CHECK_REDIS)
		arm(c, c->started + pace(c));
}

/* Is there nowhere to send a probe to? */
static bool
is_lost(const struct check *c)
{
	return (c->addr.family == 0 && c->candidate.family == 0) ||
	       places_missing(c->places) != NULL;
}

static void
check_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct check *c = arg;
	int64_t now = clock_ms(), since = now - RESOLVE_EVERY_MS;

	(void)fd;
	(void)what;
	if ((!c->literal && c->answered_at <= since) ||
	    places_stale(c->places, since))
		resolve(c);
	if (check_running(c)) {
		c->again = true;
		return;
	}
	if (c->kind == CHECK_NONE || is_lost(c)) {
		if (is_lost(c))
			resolve(c);
		arm(c, now + c->timing.interval);
		return;
	}
	probe_now(c);
}

void
check_now(struct check *c)
{
	if (c->kind == CHECK_NONE) {
		/* Nothing proves it: the resolver's word is all there is. */
		if (c->candidate.family != 0) {
			struct role_change none = {0};
			bool moved = c->addr.family != 0;

			c->addr = c->candidate;
			c->candidate.family = 0;
			c->changed(c, &none, moved, c->arg);
		}
		return;
	}
	if (check_running(c))
		c->again = true;
	else
		arm(c, clock_ms());
}

bool
check_running(const struct check *c)
{
	return c->script != NULL ? script_running(c->script)
				 : probe_running(c->probe);
}

bool
check_is_off(const struct check *c)
{
	return c->kind == CHECK_NONE;
}

/* Is something changing, so that the next probe should come soon? */
static bool
in_transition(const struct check *c)
{
	const struct server_state *s = &c->state;

	return (s->health == HEALTH_UP && s->bad > 0) ||
	       (s->health == HEALTH_DOWN && s->good > 0) ||
	       (c->kind == CHECK_REDIS &&
		   clock_ms() - c->changed_at < TRANSITION_MS);
}

/* When the next probe is due, after one has ended. */
static int64_t
next_due(const struct check *c)
{
	int64_t wait = pace(c);
	int64_t from = c->kind == CHECK_REDIS ? c->started : clock_ms();

	if (c->again)
		return clock_ms();
	if (in_transition(c) && c->timing.fast < wait)
		wait = c->timing.fast;
	return from + wait;
}

/* The new address has answered, or has not: adopt it, or keep the old one.
 * Returns false if the answer was about an address that is not adopted. */
static bool
settle_address(struct check *c, const struct observation *o, bool *moved)
{
	bool answered =
	    o->result == PROBE_BUSY || probe_result_has_role(o->result);

	c->trying = false;
	if (!answered && c->addr.family != 0) {
		c->candidate.family = 0;
		return false;
	}
	*moved = c->addr.family != 0 &&
		 strcmp(o->run_id, c->state.known.run_id) != 0;
	c->addr = c->candidate;
	c->candidate.family = 0;
	return true;
}

/* Smooth the round trip: an eighth of the news. */
static void
learn_latency(struct check *c, int64_t rtt_us)
{
	if (rtt_us < 0)
		return;
	if (c->latency_us == 0)
		c->latency_us = (uint32_t)rtt_us;
	else
		c->latency_us += ((uint32_t)rtt_us >> 3) - (c->latency_us >> 3);
}

static void
check_probe_cb(const struct observation *o, void *arg)
{
	struct check *c = arg;
	struct role_change change;
	bool moved = false, good;

	c->fresh_start = c->started;
	if (c->trying && !settle_address(c, o, &moved)) {
		arm(c, clock_ms());
		return;
	}
	change = role_update(&c->state, o, c->timing.fall, c->timing.rise);
	learn_latency(c, o->rtt_us);
	histogram_add(&c->times, HISTOGRAM_SHORT, o->duration_us);
	good = c->state.bad == 0;
	if (good)
		note_answer(c, o->at);
	if (change.health || change.role || change.restarted || change.result)
		c->changed_at = o->at;
	if (!good)
		resolve(c);
	arm(c, next_due(c));
	c->changed(c, &change, moved, c->arg);
}

void
check_fail(struct check *c, enum conf_on_error how, const char *why)
{
	struct observation o = {.result = PROBE_REFUSED,
	    .status = HCHK_HANA,
	    .at = clock_ms(),
	    .rtt_us = -1,
	    .code = -1};
	struct server_state *s = &c->state;
	struct role_change change;
	int64_t soon = clock_ms() + c->timing.fast;

	if (s->health != HEALTH_UP)
		return;
	/* What a Redis is it says itself: that is a reason to ask, no answer.
	 */
	if (c->kind == CHECK_REDIS)
		how = ON_ERROR_FASTINTER;
	s->accused++;
	if (how != ON_ERROR_FASTINTER) {
		if (how == ON_ERROR_MARK_DOWN)
			s->bad = c->timing.fall - 1;
		else if (how == ON_ERROR_SUDDEN_DEATH &&
			 s->bad + 2 < c->timing.fall)
			s->bad = c->timing.fall - 2;
		snprintf(o.detail, sizeof(o.detail), "%s", why);
		change = role_update(s, &o, c->timing.fall, c->timing.rise);
	}
	if (!check_running(c) && c->due > soon)
		arm(c, soon);
	if (how != ON_ERROR_FASTINTER)
		c->changed(c, &change, false, c->arg);
}

/* The check connection closed by itself: that is news, look at once. */
static void
check_lost_cb(void *arg)
{
	struct check *c = arg;

	log_debug("check of %s:%u: connection closed by the server", c->host,
	    c->port);
	c->changed_at = clock_ms();
	resolve(c);
	check_now(c);
}

void
check_pace(struct check *c, int64_t ms)
{
	if (c->kind == CHECK_NONE || ms == c->pace)
		return;
	c->pace = ms;
	if (!check_running(c) && c->due - clock_ms() > pace(c))
		arm(c, clock_ms() + pace(c));
}

int64_t
check_blocked(const struct check *c, int64_t since)
{
	int64_t now = clock_ms(), sum = 0, from, to;
	unsigned i;

	for (i = 0; i < BLOCKS && i < c->nblocks; i++) {
		from = c->blocks[i].from > since ? c->blocks[i].from : since;
		to = c->blocks[i].to;
		sum += to > from ? to - from : 0;
	}
	if (c->unanswered != 0 && now - c->unanswered > BLOCKED_MS)
		sum += now - (c->unanswered > since ? c->unanswered : since);
	return sum;
}

bool
check_fresh(const struct check *c, int64_t since)
{
	return c->kind == CHECK_NONE || c->addr.family == 0 ||
	       c->fresh_start >= since;
}

const struct server_state *
check_state(const struct check *c)
{
	return &c->state;
}

void
check_acquit(struct check *c)
{
	c->state.returnee = false;
}

const struct addr *
check_addr(const struct check *c)
{
	return &c->addr;
}

enum proxy_version
check_header(const struct check *c)
{
	return c->header;
}

uint32_t
check_latency_us(const struct check *c)
{
	return c->latency_us;
}

int64_t
check_resolved_at(const struct check *c)
{
	return c->resolved_at;
}

const struct histogram *
check_times(const struct check *c)
{
	return &c->times;
}
