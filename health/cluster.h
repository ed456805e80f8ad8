/*
 * What each server of a Redis Cluster may do, and of which shard it is: who its
 * primaries are the cluster decides itself. Pure: no clock, no socket, no log;
 * its specification is tests/unit/cluster.cases.
 */
#ifndef HEALTH_CLUSTER_H
#define HEALTH_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "health/observation.h"

struct lag_history;

/* What a server may do. */
enum cluster_use {
	CLUSTER_UNKNOWN,  /* its role is not known */
	CLUSTER_STRANGER, /* not in cluster mode: it serves nobody */
	CLUSTER_REPLICA,  /* serves reads if it is fit for them */
	CLUSTER_WRITES,   /* a primary that takes writes */
	CLUSTER_WAITS,    /* a primary: no new sessions, but none is closed */
	CLUSTER_FENCED    /* a primary that may not be written to any more */
};

/* One server, as the rules see it. */
struct cluster_server {
	bool up;          /* answers */
	bool loading;     /* answers -LOADING */
	bool maintenance; /* by the operator */
	bool member;      /* redis_mode:cluster */
	bool ok;          /* cluster_state:ok */
	bool refuses;     /* it has not been ok for too long */
	enum role role;   /* last known */
	const char *replid, *replid2;
	const struct addr *addr;
	const char *primary_host; /* whom a replica follows */
	uint16_t primary_port;
	int led_by; /* index of the server that led its shard so far, or -1 */
};

/* Who leads the shard of server i, its index: the primary whose data it has, or
 * who continues that; its own, for a primary. While there is no such primary,
 * the server that led it before, or the first one with the same data. -1 for
 * one that is of no cluster. */
int cluster_leader(const struct cluster_server *s, size_t n, size_t i);

/* What a server may do whose shard is led by itself, or by another. */
enum cluster_use cluster_use(const struct cluster_server *s, bool leads);

/* Does it count as a primary of the cluster? */
bool cluster_is_primary(enum cluster_use use);

/* What is kept of a server from one look to the next. */
struct cluster_member {
	enum cluster_use use;
	int shard;                   /* member id of who leads it; -1 none */
	int64_t refuses_since;       /* cluster_state is not ok; 0 it is */
	struct lag_history *offsets; /* its own, as a primary; NULL none yet */
};

/* A cluster as a whole. */
struct cluster_summary {
	size_t shards, led; /* led: with a primary that answers */
	size_t nodes, ok;   /* those that answer; with cluster_state:ok */
};

#endif
