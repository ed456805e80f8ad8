/*
 * What is collected about one backend's writer, for the decision; kept by
 * watch.c. Control thread only.
 */
#ifndef HEALTH_EVIDENCE_H
#define HEALTH_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/failover.h"
#include "health/hello.h"
#include "health/observation.h"
#include "health/verdict.h"
#include "health/witness.h"

struct sentinels;

#define WATCH_ALIASES 64

/* What is known of one backend's writer beyond the servers; watch.c's. */
struct watch {
	struct sentinels *sentinels;
	struct verdict verdict;
	struct failover failover;
	int64_t aborted_at; /* a Sentinel gave a failover up; clock_ms() */
	struct witness witness;
	bool worried;  /* the servers are to be looked at more often */
	int promoted;  /* member id, by the operator; -1 none */
	int handover;  /* member id that is to hand over; -1 none */
	int64_t began; /* clock_ms() */
	unsigned era;  /* of the Sentinels that all this is from */

	/* Addresses that turned out to be those of listed servers; a ring. */
	struct {
		struct place place;
		int64_t at;
	} aliases[WATCH_ALIASES];
	size_t naliases;

	/* About the writer, and dropped with it. */
	int writer;                /* member id; -1 none */
	int64_t probed_at, offset; /* of its newest check */
	int64_t replica_at;        /* a linked replica was last asked */
	char replid[REDIS_ID_MAX];
	int64_t followed, kept_up; /* see struct witness_news */
	int64_t acked[OBSERVED_REPLICAS];
	int64_t moved_at, unseen_since;
	unsigned standstill;
};

#endif
