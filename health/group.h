/*
 * Deciding for one backend, and carrying it out. Control thread only.
 */
#ifndef HEALTH_GROUP_H
#define HEALTH_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "health/members.h"

/* Decide for one group and carry out what that asks for: fences and a new
 * writer are in the next snapshot, which the caller publishes. evidence_at is
 * the clock_ms() of what made it necessary. */
void group_evaluate(struct members *m, struct group *g, int64_t evidence_at);

/* The operator wants this server to take the writes. NULL, or why it cannot, in
 * words. The caller evaluates. */
const char *group_promote(
    struct members *m, struct group *g, const char *server);

/* All workers have seen the newest fence: go on with what waits for that. */
void group_fence_seen(struct members *m, struct group *g);

/* Its name stands for another process now: close what is on the old one; the
 * writer is fenced. */
void group_moved(struct members *m, struct member *mb, int64_t evidence_at);

/* Does it take writes, if not at this moment? In a Redis Cluster every primary
 * does. */
bool group_writes(const struct member *mb);

/* Is there a writer to compare a replica with: in a Redis Cluster, the primary
 * of its shard? Its state; NULL if there is none, or it may be away. */
const struct server_state *group_sure_writer(
    const struct members *m, const struct member *mb);

/* Set mb->now to what the workers are to know of it, and mb->fit. What depends
 * on the other members, readable above all, is readers.c's. */
void group_picture(const struct members *m, struct member *mb);

#endif
