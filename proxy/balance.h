/*
 * Which of several eligible servers takes the next session. Pure, but for the
 * counters in struct balance_state that the caller keeps for each frontend.
 */
#ifndef PROXY_BALANCE_H
#define PROXY_BALANCE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

/* One eligible server. */
struct balance_candidate {
	int id;          /* the caller's */
	unsigned weight; /* 1 to 4096 */
	unsigned load;   /* sessions on it now */
	uint32_t name;   /* balance_hash() of what it is called */
};

/* What one frontend of one worker remembers; starts as zeros with a seed. */
struct balance_state {
	uint32_t turn;
	uint64_t random; /* any seed but 0 */
};

/* The index of the server to take; n is at least 1. */
size_t balance_pick(enum conf_balance how, struct balance_state *state,
    const struct balance_candidate *c, size_t n, const struct in6_addr *client);

/* A hash that is the same in every process. */
uint32_t balance_hash(const void *data, size_t len);

#endif
