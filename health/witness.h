/*
 * The witness (rules W6 and W7): is the writer still the primary for the rest
 * of the world? The Sentinels that hear it and the replicas that follow it say
 * so; where they do not, it is fenced before another can be promoted. Pure.
 */
#ifndef HEALTH_WITNESS_H
#define HEALTH_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/words.h"

/* Why the writer has no witness; witness_reason_str() has the words. */
enum witness_reason {
	WITNESS_FINE,
	WITNESS_SENTINELS, /* a majority of the Sentinels does not hear it */
	WITNESS_REPLICAS,  /* the Sentinels cannot tell, no replica follows */
	WITNESS_OFFSET,    /* fence-fast: it writes and no replica moves */
	WITNESS_MAJORITY /* fence = strict: no majority says that it hears it */
};

/* One Sentinel's answer, if it counts: it is about this writer, new, quick, of
 * a connected Sentinel that is not in TILT. */
struct witness_vote {
	bool counts;
	int64_t pong_at; /* clock_ms() when it last heard the writer; 0 never */
	int64_t blocked; /* ms since then in which we got no answer either */
};

/* What is seen now. */
struct witness_news {
	int64_t now;
	const struct witness_vote *votes;
	size_t nvotes;
	unsigned known;      /* Sentinels there are, asked or not */
	unsigned greet;      /* those heard to reach it, if none can be asked */
	int64_t followed;    /* when a replica last was seen to keep up with it,
			      * by itself or in the writer's INFO; 0 never */
	int64_t kept_up;     /* the same, by itself only */
	int64_t blocked;     /* ms since `followed` without an answer to us */
	bool unseen;         /* some replica of it is neither seen nor known to
			      * be dead: it could be promoted */
	unsigned standstill; /* checks in a row in which it wrote, no replica
			      * moved */
};

/* How to judge, from the configuration. */
struct witness_rules {
	enum conf_fence fence;
	bool fast;
	int64_t fence_after; /* ms */
};

/* One backend's, about its present writer. All zero at first. */
struct witness {
	enum witness_reason reason; /* stays until it is witnessed again */
	int64_t since;              /* clock_ms() of the reason */
	int64_t start;              /* when it became the writer */
	bool had_replica;           /* since then */
	bool provisional;           /* chosen before any verdict named it */
	unsigned hear, deaf, known; /* the Sentinels, for people */
};

/* Another writer, or the same anew: forget what was. */
void witness_reset(struct witness *w, bool provisional, int64_t now);

/* Take what is seen into account. */
void witness_update(struct witness *w, const struct witness_rules *rules,
    const struct witness_news *news);

/* Should all servers be looked at more often than usual? */
bool witness_worried(const struct witness *w, const struct witness_rules *rules,
    const struct witness_news *news);

const char *witness_reason_str(enum witness_reason reason);

#endif
