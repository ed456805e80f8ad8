/*
 * The Sentinels of one backend: those that the configuration names, or else
 * those that are heard of in their hellos and from each other; and which master
 * name they know it by. Control thread only.
 */
#ifndef HEALTH_SENTINELS_H
#define HEALTH_SENTINELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/backend.h"
#include "health/hello.h"
#include "health/sentinel.h"

struct event_base;
struct resolver;
struct sentinels;

#define SENTINELS_MAX 32 /* of one backend */

/* One of them, as the page and the decision see it. */
struct sentinels_one {
	struct place place;              /* where it says that it is */
	const struct sentinel *sentinel; /* NULL: only heard of */
	bool configured;
	bool answered;             /* ever */
	const struct hello *hello; /* newest of this name; NULL none */
	int64_t hello_at;          /* clock_ms() */
};

/* What the owner is told; none may free or configure. */
struct sentinels_ops {
	/* Is a server of this backend there? */
	bool (*maps)(const struct place *, void *arg);
	/* Something new was said. */
	void (*changed)(void *arg);
	void (*event)(
	    const struct sentinel *, const struct sentinel_event *, void *arg);
	void *arg;
};

/* None at first. Copies ops. name is for the log, and borrowed. */
struct sentinels *sentinels_new(struct event_base *base,
    struct resolver *resolver, const char *name,
    const struct sentinels_ops *ops);
void sentinels_free(struct sentinels *s);

/* Take what this load says of them; what is unchanged goes on. */
void sentinels_configure(struct sentinels *s, const struct conf_backend *cb);

/* A hello was heard on a server of this backend; on the one that it names? */
void sentinels_hello(struct sentinels *s, const struct hello *h, bool on_named);

/* Forget those that are gone for good, look names up again; once a second. */
void sentinels_tick(struct sentinels *s);

/* Ask all of them now. */
void sentinels_ask(struct sentinels *s);

/* Has each that can be asked answered a question put since that clock_ms()? */
bool sentinels_fresh(const struct sentinels *s, int64_t since);

/* Rises when they are other Sentinels than before, or speak of another master.
 */
unsigned sentinels_era(const struct sentinels *s);

/* Has any ever answered? */
bool sentinels_answered_ever(const struct sentinels *s);

/* How many were heard, not long ago, to reach the server that they name, if
 * none of them could be asked for a while; else 0. */
unsigned sentinels_greet(const struct sentinels *s, int64_t max_age);

/* The master name; NULL unknown. */
const char *sentinels_name(const struct sentinels *s);

/* How many there are, asked or not. */
unsigned sentinels_known(const struct sentinels *s);

/* Does the configuration name one that has been neither asked nor missed yet?
 */
bool sentinels_pending(const struct sentinels *s);

/* One by its place, from 0 on; false past the end. */
bool sentinels_get(
    const struct sentinels *s, size_t i, struct sentinels_one *one);

/* One by sentinel_id(); NULL gone. */
const struct sentinel *sentinels_find(const struct sentinels *s, int id);

#endif
