/*
 * One Sentinel, about one master name: a connection that asks it four times a
 * second, and one that listens to its events. What its answers mean is decided
 * elsewhere (verdict.c, witness.c). Control thread only.
 */
#ifndef HEALTH_SENTINEL_H
#define HEALTH_SENTINEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "health/hello.h"

struct event_base;
struct sentinel;

#define SENTINEL_ASK_MS       250
#define SENTINEL_REPLICAS_MAX 64

/* A server, as a Sentinel describes it. */
struct sentinel_server {
	struct place place;
	char run_id[REDIS_ID_MAX]; /* "" unknown */
};

/* What it said last. */
struct sentinel_view {
	int64_t at;  /* clock_ms() of the newest answer; 0 never */
	int64_t rtt; /* ms that it took */
	bool knows;  /* the master name */
	bool tilt;
	int64_t epoch;        /* configuration epoch, of the same pipeline as */
	struct place primary; /* GET-MASTER-ADDR-BY-NAME; port 0: none */
	/* SENTINEL MASTER; another server than primary while it promotes. */
	struct sentinel_server watched;
	int64_t ok_ping; /* ms since it last heard that one; -1 unknown */
	bool disconnected, failing_over;
	unsigned sentinels; /* those it knows of, itself included */
	/* SENTINEL REPLICAS, every two seconds. */
	struct sentinel_server replicas[SENTINEL_REPLICAS_MAX];
	size_t nreplicas;
};

/* What a Sentinel has to tell. None may free it. */
struct sentinel_ops {
	void (*answered)(struct sentinel *, void *arg); /* a newer view */
	void (*event)(
	    struct sentinel *, const struct sentinel_event *, void *arg);
	void (*peer)(const struct place *, const char *id, void *arg);
	void (*lost)(struct sentinel *, const char *why, void *arg);
	void *arg;
};

/* Of that id (any number of the owner's), about that master name. Borrows ops
 * and the credentials, copies the name. */
struct sentinel *sentinel_new(struct event_base *base, int id, const char *name,
    const char *username, const char *password, const struct sentinel_ops *ops);
void sentinel_free(struct sentinel *s);

/* Where it is; connects. */
void sentinel_open(struct sentinel *s, const struct addr *addr);

/* Ask now, unless an answer is awaited. */
void sentinel_ask(struct sentinel *s);

int sentinel_id(const struct sentinel *s);
const struct addr *sentinel_addr(const struct sentinel *s);
const struct sentinel_view *sentinel_view(const struct sentinel *s);

/* The newest epoch that it announced in an event; 0 none. */
int64_t sentinel_epoch(const struct sentinel *s);

/* Did it answer in the last so many ms, and can it be asked now? */
bool sentinel_alive(const struct sentinel *s, int64_t ms);

/* Has it answered a question put since that clock_ms(), or cannot be asked? */
bool sentinel_fresh(const struct sentinel *s, int64_t since);

/* Why it cannot be asked, in words; "" if it can. */
const char *sentinel_trouble(const struct sentinel *s);

/* Have sentinel_trouble() say that, until it answers. */
void sentinel_blame(struct sentinel *s, const char *why);

#endif
