/*
 * A backend that is a Redis Cluster: all its primaries take writes. Carries out
 * what cluster.c says; nothing of group.c's single writer applies. Control
 * thread only.
 */
#ifndef HEALTH_SHARDS_H
#define HEALTH_SHARDS_H

#include <stdbool.h>
#include <stdint.h>

#include "health/members.h"

struct server_state;

/* Take notice of whether the group is a cluster: one server that answers and is
 * in cluster mode makes it one. True if that has changed: who took writes does
 * not any more, and is to be published so before anything else. */
bool shards_detect(struct members *m, struct group *g);

/* Decide for a cluster, and carry it out; see group_evaluate(). */
void shards_evaluate(struct members *m, struct group *g, int64_t evidence_at);

/* The primary of a member's shard, to compare it with: NULL if there is none,
 * or it may be away. */
const struct server_state *shards_sure_primary(
    const struct members *m, const struct member *mb);

/* The offsets of the primary of a member's shard over time; NULL if there are
 * none. */
const struct lag_history *shards_offsets(
    const struct members *m, const struct member *mb);

/* Remember where the primaries were seen. */
void shards_note_offsets(struct members *m, struct group *g);

/* Is the group a cluster? And how does it do as a whole? */
bool shards_summary(const struct members *m, const struct group *g,
    struct cluster_summary *sum);

/* The member is about to go. */
void shards_forget(struct members *m, struct member *mb);

#endif
