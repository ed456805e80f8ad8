/*
 * A small world as data: Redis servers, the Sentinels that watch them, and what
 * befalls them. Nothing in it is about roleproxy; "us" is who looks at it.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/observation.h"

#define WORLD_SERVERS   5
#define WORLD_SENTINELS 3
#define WORLD_LOG       128

/* A Redis. */
struct world_server {
	bool alive, hung, loading, maintenance;
	bool cut_us, cut_world; /* nothing gets through: from us, the rest */
	enum role role;
	int follows; /* as a replica; -1 nobody */
	int run, replid, replid2;
};

/* A Sentinel. */
struct world_sentinel {
	bool alive, cut_us, cut_world;
	int named, watched; /* not the same while it leads a failover */
	int64_t epoch, pong_at;
};

enum world_phase { WORLD_PEACE, WORLD_SELECTED, WORLD_PROMOTED };

/* What a Sentinel announced, since the last step. */
enum world_news { WORLD_NO_NEWS, WORLD_HAS_SELECTED, WORLD_HAS_ABORTED };

struct world {
	struct world_server servers[WORLD_SERVERS];
	struct world_sentinel sentinels[WORLD_SENTINELS];
	size_t n, nsentinels;
	int64_t now, epoch;
	int lineages;

	/* The failover under way. */
	enum world_phase phase;
	int leader, target;
	int64_t failover_epoch;
	enum world_news news;

	/* A hello that no Sentinel has sent; at: 0 none. */
	int64_t forged_at, forged_epoch;
	int forged;

	/* Whom an operator asks us to promote; -1 none. */
	int promoted;

	/* What happened, for people. */
	struct {
		int64_t at;
		const char *what;
		int whom;
	} log[WORLD_LOG];
	size_t nlog;
};

/* All is well: one primary, the others follow it. */
void world_begin(struct world *w);

/* Something happens. */
void world_event(struct world *w);

/* Time passes. */
void world_pass(struct world *w, int64_t ms);

/* All is well again, however it was. Returns the primary. */
int world_calm(struct world *w);

/* Is the replica's link up? */
bool world_linked(const struct world *w, size_t i);

/* Does it answer us? */
bool world_answers(const struct world *w, size_t i);

/* All that happened, to stderr. */
void world_print(const struct world *w);

#endif
