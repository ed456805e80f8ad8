/*
 * The Sentinels of one backend. Whoever may PUBLISH on a server can invent a
 * Sentinel: one that never answered does not count.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/resolve.h"
#include "health/sentinels.h"

#define FORGET_MS  60000 /* a learned one, neither answering nor heard */
#define FRESH_MS   2000  /* an answer that counts */
#define PENDING_MS 1500  /* so long a start waits for configured ones */
#define RESOLVE_MS 5000  /* a name of one that does not answer */
#define DEAF_MS    10000 /* without any answer, their hellos must do */
#define STRANGE_MS 5000  /* before a name is taken whose master is unknown */

/* One of them. */
struct entry {
	struct sentinels *all;
	struct place place;
	char id[REDIS_ID_MAX]; /* "" unknown */
	bool configured, answered, missed;
	struct sentinel *sentinel; /* NULL: its links are not open */
	struct resolution *resolving;
	int64_t resolved_at, since;
	struct hello hello;
	int64_t hello_at;   /* 0 never */
	int64_t greeted_at; /* heard on the server that it names; 0 never */
};

struct sentinels {
	struct event_base *base;   /* (borrowed from the owner) */
	struct resolver *resolver; /* (borrowed from the owner) */
	const char *backend;       /* (borrowed from the owner) */
	struct sentinels_ops ops;
	struct sentinel_ops link_ops;

	/* Of the configuration. */
	struct conf_host *hosts;
	size_t nhosts;
	char *username, *password;
	bool named; /* the configuration gives the name */

	/* At run time. */
	char name[HELLO_NAME_MAX];  /* "" unknown */
	char other[HELLO_NAME_MAX]; /* one that was heard too, and said so */
	int64_t strange_since;
	struct entry *list[SENTINELS_MAX];
	size_t n;
	int next_id;
	unsigned era;
	int64_t known_at;    /* somebody last knew the master by this name */
	int64_t answered_at; /* somebody last answered; 0 never */
	bool full;
};

static void entry_resolved_cb(const struct addr *, const char *, void *);
static void sentinels_answered(struct sentinel *, void *);
static void sentinels_event(
    struct sentinel *, const struct sentinel_event *, void *);
static void sentinels_peer(const struct place *, const char *, void *);
static void sentinels_lost(struct sentinel *, const char *, void *);

struct sentinels *
sentinels_new(struct event_base *base, struct resolver *resolver,
    const char *name, const struct sentinels_ops *ops)
{
	struct sentinels *s = xcalloc(1, sizeof(*s));

	s->base = base;
	s->resolver = resolver;
	s->backend = name;
	s->ops = *ops;
	s->link_ops.answered = sentinels_answered;
	s->link_ops.event = sentinels_event;
	s->link_ops.peer = sentinels_peer;
	s->link_ops.lost = sentinels_lost;
	s->link_ops.arg = s;
	return s;
}

/* Free one; its place in the list is the caller's. */
static void
entry_free(struct entry *e)
{
	if (e->resolving != NULL)
		resolve_cancel(e->resolving);
	if (e->sentinel != NULL)
		sentinel_free(e->sentinel);
	free(e);
}

/* Forget them all. */
static void
forget_entries(struct sentinels *s)
{
	while (s->n > 0)
		entry_free(s->list[--s->n]);
	s->answered_at = 0;
	s->era++;
}

/* Forget them all, and what the configuration said. */
static void
clear(struct sentinels *s)
{
	size_t i;

	forget_entries(s);
	for (i = 0; i < s->nhosts; i++)
		free(s->hosts[i].host);
	free(s->hosts);
	s->hosts = NULL;
	s->nhosts = 0;
	free(s->username);
	free_secret(s->password);
	s->username = s->password = NULL;
}

void
sentinels_free(struct sentinels *s)
{
	if (s == NULL)
		return;
	clear(s);
	free(s);
}

/* Is one at this place, as it was told or as its name was resolved? */
static bool
is_at(const struct entry *e, const struct place *place)
{
	struct addr addr;

	if (place_equal(&e->place, place))
		return true;
	return e->sentinel != NULL &&
	       addr_parse_ip(place->host, place->port, &addr) == 0 &&
	       addr_equal(&addr, sentinel_addr(e->sentinel));
}

/* The one of that id, or else the one there; NULL none. */
static struct entry *
find(const struct sentinels *s, const struct place *place, const char *id)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->list[i]->id, id) == 0)
			return s->list[i];
	}
	for (i = 0; i < s->n; i++) {
		if (is_at(s->list[i], place))
			return s->list[i];
	}
	return NULL;
}

/* Open the links of one, once the master name is known. */
static void
entry_open(struct entry *e)
{
	struct sentinels *s = e->all;
	struct addr addr;

	if (s->name[0] == '\0' || (s->nhosts > 0 && !e->configured))
		return;
	if (e->sentinel == NULL)
		e->sentinel = sentinel_new(s->base, s->next_id++, s->name,
		    s->username, s->password, &s->link_ops);
	if (addr_parse_ip(e->place.host, e->place.port, &addr) == 0) {
		sentinel_open(e->sentinel, &addr);
	} else if (e->resolving == NULL &&
		   (e->resolved_at == 0 ||
		       clock_ms() - e->resolved_at > RESOLVE_MS)) {
		e->resolved_at = clock_ms();
		e->resolving =
		    resolve_start(s->resolver, e->place.host, e->place.port,
			sentinel_addr(e->sentinel), entry_resolved_cb, e);
	}
}

static void
entry_resolved_cb(const struct addr *addr, const char *error, void *arg)
{
	struct entry *e = arg;

	e->resolving = NULL;
	if (addr != NULL) {
		sentinel_open(e->sentinel, addr);
		return;
	}
	sentinel_blame(e->sentinel, error);
	if (!e->missed)
		log_warn("backend %s: sentinel %s:%u: %s", e->all->backend,
		    e->place.host, e->place.port, error);
	e->missed = true;
}

/* Add one; NULL if there are too many. */
static struct entry *
add(struct sentinels *s, const struct place *place, const char *id)
{
	struct entry *e;

	if (s->n == SENTINELS_MAX) {
		if (!s->full)
			log_warn("backend %s: more than %d Sentinels: the "
				 "others are ignored",
			    s->backend, SENTINELS_MAX);
		s->full = true;
		return NULL;
	}
	e = xcalloc(1, sizeof(*e));
	e->all = s;
	e->place = *place;
	e->since = clock_ms();
	snprintf(e->id, sizeof(e->id), "%s", id);
	s->list[s->n++] = e;
	return e;
}

/* Does this load say of them what the last one did? */
static bool
is_unchanged(const struct sentinels *s, const struct conf_backend *cb)
{
	size_t i;

	if (s->nhosts != cb->nsentinels ||
	    s->named != (cb->master_name != NULL) ||
	    (s->named && strcmp(s->name, cb->master_name) != 0) ||
	    !same_text(s->username, cb->sentinel_username) ||
	    !same_text(s->password, cb->sentinel_password))
		return false;
	for (i = 0; i < s->nhosts; i++) {
		if (s->hosts[i].port != cb->sentinels[i].port ||
		    strcmp(s->hosts[i].host, cb->sentinels[i].host) != 0)
			return false;
	}
	return true;
}

void
sentinels_configure(struct sentinels *s, const struct conf_backend *cb)
{
	struct place place;
	struct entry *e;
	size_t i;

	if (is_unchanged(s, cb))
		return;
	clear(s);
	s->username = xstrdup(cb->sentinel_username);
	s->password = xstrdup(cb->sentinel_password);
	s->named = cb->master_name != NULL;
	snprintf(
	    s->name, sizeof(s->name), "%s", s->named ? cb->master_name : "");
	s->hosts = xcalloc(cb->nsentinels + 1, sizeof(*s->hosts));
	for (i = 0; i < cb->nsentinels; i++) {
		s->hosts[s->nhosts].port = cb->sentinels[i].port;
		s->hosts[s->nhosts++].host = xstrdup(cb->sentinels[i].host);
	}
	for (i = 0; i < s->nhosts; i++) {
		if (place_set(&place, s->hosts[i].host, s->hosts[i].port) != 0)
			continue;
		e = add(s, &place, "");
		if (e != NULL) {
			e->configured = true;
			entry_open(e);
		}
	}
}

/* Take a master name into use. */
static void
adopt_name(struct sentinels *s, const char *name)
{
	size_t i;

	snprintf(s->name, sizeof(s->name), "%s", name);
	s->known_at = clock_ms();
	log_info("backend %s: the Sentinels call it %s", s->backend, s->name);
	for (i = 0; i < s->n; i++)
		entry_open(s->list[i]);
}

/* Is the hello about this backend? The first name whose master is one of its
 * servers is taken; another one only if none such was heard for a while. */
static bool
is_ours(struct sentinels *s, const struct hello *h)
{
	int64_t now = clock_ms();

	if (s->name[0] == '\0') {
		if (s->strange_since == 0)
			s->strange_since = now;
		if (s->ops.maps(&h->primary, s->ops.arg) ||
		    now - s->strange_since > STRANGE_MS)
			adopt_name(s, h->name);
	}
	/* They have forgotten it, and know its servers by another one. */
	if (!s->named && s->name[0] != '\0' && strcmp(h->name, s->name) != 0 &&
	    now - s->known_at > STRANGE_MS &&
	    s->ops.maps(&h->primary, s->ops.arg)) {
		forget_entries(s);
		adopt_name(s, h->name);
	}
	if (s->name[0] != '\0' && strcmp(h->name, s->name) != 0 &&
	    strcmp(h->name, s->other) != 0) {
		snprintf(s->other, sizeof(s->other), "%s", h->name);
		log_warn("backend %s: Sentinels call it %s and %s; %s counts "
			 "(master-name says another)",
		    s->backend, s->name, h->name, s->name);
	}
	return strcmp(h->name, s->name) == 0;
}

/* Can it be asked right now? */
static bool
answers(const struct entry *e)
{
	return e->sentinel != NULL && sentinel_view(e->sentinel)->at != 0 &&
	       clock_ms() - sentinel_view(e->sentinel)->at <= FRESH_MS;
}

/* Only one Sentinel is at a place: forget what else was said to be there. */
static void
evict(struct sentinels *s, const struct entry *keep)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct entry *e = s->list[i];

		if (e == keep || e->configured ||
		    !place_equal(&e->place, &keep->place))
			continue;
		entry_free(e);
		s->list[i--] = s->list[--s->n];
	}
}

/* The entry of a Sentinel that was heard of; NULL if it is not one of those in
 * the configuration, or there are too many. */
static struct entry *
learn(struct sentinels *s, const struct place *place, const char *id)
{
	struct entry *e = find(s, place, id);

	if (e == NULL && s->nhosts == 0)
		e = add(s, place, id);
	if (e != NULL)
		entry_open(e);
	return e;
}

/* One says where and who it is: it may have moved, or have been made anew with
 * another id. Whoever may PUBLISH can say so: it moves only if it is silent. */
static void
settle(struct entry *e, const struct hello *h)
{
	snprintf(e->id, sizeof(e->id), "%s", h->sentinel_id);
	if (e->configured)
		return;
	if (!answers(e))
		e->place = h->sentinel;
	evict(e->all, e);
	entry_open(e);
}

void
sentinels_hello(struct sentinels *s, const struct hello *h, bool on_named)
{
	struct entry *e;
	bool news;

	if (!is_ours(s, h) ||
	    (e = learn(s, &h->sentinel, h->sentinel_id)) == NULL)
		return;
	settle(e, h);
	news = e->hello_at == 0 || h->epoch != e->hello.epoch ||
	       !place_equal(&h->primary, &e->hello.primary);
	e->hello = *h;
	e->hello_at = s->known_at = clock_ms();
	if (on_named)
		e->greeted_at = e->hello_at;
	if (news)
		s->ops.changed(s->ops.arg);
}

/* The entry of a Sentinel's links. */
static struct entry *
entry_of(const struct sentinels *s, const struct sentinel *sentinel)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->list[i]->sentinel == sentinel)
			return s->list[i];
	}
	return NULL;
}

static void
sentinels_answered(struct sentinel *sentinel, void *arg)
{
	struct sentinels *s = arg;
	struct entry *e = entry_of(s, sentinel);

	if (!e->answered || e->missed)
		log_info("backend %s: sentinel %s:%u answers%s%s", s->backend,
		    e->place.host, e->place.port,
		    sentinel_view(sentinel)->knows ? "" : ": ",
		    sentinel_trouble(sentinel));
	e->answered = true;
	e->missed = false;
	s->answered_at = clock_ms();
	if (sentinel_view(sentinel)->knows)
		s->known_at = s->answered_at;
	s->ops.changed(s->ops.arg);
}

static void
sentinels_event(
    struct sentinel *sentinel, const struct sentinel_event *event, void *arg)
{
	struct sentinels *s = arg;

	s->ops.event(sentinel, event, s->ops.arg);
}

static void
sentinels_peer(const struct place *place, const char *id, void *arg)
{
	struct sentinels *s = arg;
	struct entry *e = s->nhosts == 0 ? learn(s, place, id) : NULL;

	if (e != NULL)
		e->since = clock_ms();
}

static void
sentinels_lost(struct sentinel *sentinel, const char *why, void *arg)
{
	struct sentinels *s = arg;
	struct entry *e = entry_of(s, sentinel);

	if (e == NULL)
		return;
	if (!e->missed)
		log_warn("backend %s: sentinel %s:%u: %s", s->backend,
		    e->place.host, e->place.port, why);
	e->missed = true;
	s->ops.changed(s->ops.arg);
}

/* How many Sentinels those that can be asked say there are: the middle of what
 * they say, so that one alone cannot lie. 0 if none can be asked. */
static unsigned
reported(const struct sentinels *s)
{
	unsigned said[SENTINELS_MAX], t;
	size_t n = 0, i, j;

	for (i = 0; i < s->n; i++) {
		if (!answers(s->list[i]) ||
		    !sentinel_view(s->list[i]->sentinel)->knows)
			continue;
		t = sentinel_view(s->list[i]->sentinel)->sentinels;
		for (j = n++; j > 0 && said[j - 1] > t; j--)
			said[j] = said[j - 1];
		said[j] = t;
	}
	return n == 0 ? 0 : said[n / 2];
}

unsigned
sentinels_known(const struct sentinels *s)
{
	unsigned real = 0, heard = 0, most = reported(s);
	size_t i;

	for (i = 0; i < s->n; i++) {
		real += s->list[i]->configured || s->list[i]->answered;
		heard += s->list[i]->hello_at != 0;
	}
	if (real == 0)
		return heard;
	return most > real ? most : real;
}

void
sentinels_tick(struct sentinels *s)
{
	int64_t now = clock_ms(), last;
	struct entry *e;
	size_t i;

	for (i = 0; i < s->n; i++) {
		e = s->list[i];
		if (e->missed && e->sentinel != NULL)
			entry_open(e);
		last = e->since > e->hello_at ? e->since : e->hello_at;
		if (e->sentinel != NULL &&
		    sentinel_view(e->sentinel)->at > last)
			last = sentinel_view(e->sentinel)->at;
		/* Not while nobody can say how many there should be. */
		if (e->configured || now - last < FORGET_MS ||
		    (e->answered && (reported(s) == 0 ||
					reported(s) >= sentinels_known(s))))
			continue;
		log_info("backend %s: sentinel %s:%u is forgotten", s->backend,
		    e->place.host, e->place.port);
		entry_free(e);
		s->list[i--] = s->list[--s->n];
	}
}

void
sentinels_ask(struct sentinels *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->list[i]->sentinel != NULL)
			sentinel_ask(s->list[i]->sentinel);
	}
}

bool
sentinels_fresh(const struct sentinels *s, int64_t since)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->list[i]->sentinel != NULL &&
		    !sentinel_fresh(s->list[i]->sentinel, since))
			return false;
	}
	return true;
}

unsigned
sentinels_era(const struct sentinels *s)
{
	return s->era;
}

bool
sentinels_answered_ever(const struct sentinels *s)
{
	return s->answered_at != 0;
}

unsigned
sentinels_greet(const struct sentinels *s, int64_t max_age)
{
	int64_t now = clock_ms();
	unsigned greet = 0;
	size_t i;

	if (s->answered_at != 0 && now - s->answered_at < DEAF_MS)
		return 0;
	for (i = 0; i < s->n; i++)
		greet += s->list[i]->greeted_at != 0 &&
			 now - s->list[i]->greeted_at <= max_age;
	return greet;
}

const char *
sentinels_name(const struct sentinels *s)
{
	return s->name[0] == '\0' ? NULL : s->name;
}

bool
sentinels_pending(const struct sentinels *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->list[i]->configured && !s->list[i]->answered &&
		    !s->list[i]->missed &&
		    clock_ms() - s->list[i]->since < PENDING_MS)
			return true;
	}
	return false;
}

bool
sentinels_get(const struct sentinels *s, size_t i, struct sentinels_one *one)
{
	const struct entry *e;

	if (i >= s->n)
		return false;
	e = s->list[i];
	one->place = e->place;
	one->sentinel = e->sentinel;
	one->configured = e->configured;
	one->answered = e->answered;
	one->hello = e->hello_at == 0 ? NULL : &e->hello;
	one->hello_at = e->hello_at;
	return true;
}

const struct sentinel *
sentinels_find(const struct sentinels *s, int id)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->list[i]->sentinel != NULL &&
		    sentinel_id(s->list[i]->sentinel) == id)
			return s->list[i]->sentinel;
	}
	return NULL;
}
