/*
 * What all workers share, and what they and the control thread ask of each
 * other.
 */
#ifndef PROXY_SHARED_H
#define PROXY_SHARED_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/histogram.h"
#include "conf/conf.h"
#include "health/snapshot.h"
#include "proxy/tally.h"

struct census;
struct listener;
struct worker;

/* What all workers share; each counter is written by many, at the pace of
 * connections, not of bytes. */
struct shared {
	const struct snapshot *_Atomic slot; /* the newest publication */
	_Atomic int64_t lease;               /* clock_ms() it holds until */
	_Atomic uint32_t sessions;           /* clients, in all states */
	_Atomic uint32_t server_sessions[CONF_SERVERS_MAX];
	_Atomic uint32_t server_failures[CONF_SERVERS_MAX]; /* in a row */
	_Atomic uint32_t frontend_sessions[CONF_FRONTENDS_MAX];
	/* The same with those that went on to its branches. */
	_Atomic uint32_t frontend_clients[CONF_FRONTENDS_MAX];
	_Atomic uint32_t frontend_held[CONF_FRONTENDS_MAX];
	/* What an operator set instead of the configuration's; -1 nothing. */
	_Atomic int64_t maxconn, frontend_maxconn[CONF_FRONTENDS_MAX];
	struct census *walks; /* under way; the control thread's */
	struct tally tally;   /* of all */
	struct tally server_tallies[CONF_SERVERS_MAX];
	struct tally frontend_tallies[CONF_FRONTENDS_MAX];
	struct histogram frontend_times[CONF_FRONTENDS_MAX][TALLY_TIMES];
	struct worker *workers[CONF_WORKERS_MAX];
	unsigned nworkers;
	int control_fd; /* eventfd that wakes the control thread */
};

/* A connection on its way to the worker that will serve it. */
struct arrival {
	int fd;
	int frontend_id;
	struct in6_addr ip; /* all zero: a UNIX socket */
	uint16_t port;
};

enum order_kind {
	ORDER_ARRIVAL,
	ORDER_LISTEN,   /* begin to accept, or for another frontend */
	ORDER_UNLISTEN, /* stop, close and free the listener */
	ORDER_PAUSE,    /* refuse clients */
	ORDER_RESUME,   /* accept them again */
	ORDER_WALK,     /* see census.h */
	ORDER_DRAIN,
	ORDER_STOP
};

/* What another thread asks of a worker. */
struct order {
	enum order_kind kind;
	struct arrival arrival;
	struct listener *listener;
	struct census *census;
	int frontend_id;
};

#endif
