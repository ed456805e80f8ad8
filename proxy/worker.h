/*
 * What a worker is: its event base, sessions, counters, and the snapshot that
 * it has applied; and how others ask something of it. Its thread is loop.c's.
 * The struct is open to the folder's files; all fields but those marked so
 * belong to its own thread.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <sys/queue.h>

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "conf/conf.h"
#include "health/snapshot.h"
#include "proxy/balance.h"
#include "proxy/shared.h"

#define WORKER_TICK_MS 100

struct session;

TAILQ_HEAD(session_list, session);

struct worker {
	/* Set before the thread starts. */
	unsigned index;
	struct shared *shared; /* (borrowed from the proxy) */
	pthread_t thread;
	struct event_base *base;
	struct event *wake, *tick, *later;
	int wake_fd;
	char *buffer; /* RELAY_BUFFER */

	/* The inbox: any thread, under the lock. */
	pthread_mutex_t lock;
	struct order *orders;
	size_t norders, room;

	/* Written here, read by others. */
	_Atomic uint64_t seen;   /* generation taken into use */
	_Atomic uint64_t closed; /* and all closed that it closes */
	_Atomic int64_t turned;  /* clock_ms() of the last tick */
	_Atomic uint32_t load;   /* sessions and arrivals on their way */
	struct counters server_counters[CONF_SERVERS_MAX];
	struct counters frontend_counters[CONF_FRONTENDS_MAX];

	/* Its own. */
	const struct snapshot *snapshot;
	const struct conf_frontend *frontends[CONF_FRONTENDS_MAX];
	struct balance_state balance[CONF_FRONTENDS_MAX];
	struct session_list on_server[CONF_SERVERS_MAX]; /* connecting first */
	uint32_t connecting[CONF_SERVERS_MAX];
	uint32_t paced[CONF_SERVERS_MAX];  /* see session.paced */
	uint32_t closes[CONF_SERVERS_MAX]; /* snapshot's, as applied */
	uint32_t misfits[CONF_SERVERS_MAX];
	struct session_list held[CONF_FRONTENDS_MAX]; /* in order of arrival */
	struct session_list waiting;  /* for the client's first byte */
	struct session_list replying; /* told that there is no server */
	struct session_list dead;     /* freed after the current callback */
	struct session **run;         /* stopped at their byte budget */
	size_t nrun, run_room;
	TAILQ_HEAD(, listener) listeners;
	unsigned paused; /* listeners that do not accept */
	bool freed;      /* a place on a server that has a limit */
	bool stalled;    /* some client is not read: the lease ran out */
	bool draining;
	unsigned ticks;
	uint32_t brief_at; /* the last brief answer, as relay.active counts */
};

/* A worker without a thread. Fatal if out of memory. */
struct worker *worker_new(struct shared *shared, unsigned index);
void worker_free(struct worker *w);

/* Ask something of it. Any thread. -1 if out of memory. */
int worker_order(struct worker *w, const struct order *o);

/* Make it look at its orders and at the slot. Any thread. */
void worker_wake(struct worker *w);

/* The orders so far, in order; free() them. Own thread. */
struct order *worker_take_orders(struct worker *w, size_t *n);

/* Free dead sessions and go on with the run list after this callback. */
void worker_later(struct worker *w);

/* Until which clock_coarse_ms() this frontend's clients may be read: the end of
 * the lease if they can reach a server that takes writes. */
int64_t worker_read_until(
    const struct worker *w, const struct conf_frontend *fe);

/* The lease has run out for some client. */
void worker_stall(struct worker *w);

#endif
