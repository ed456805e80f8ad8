/*
 * One member: what is known of it, and what is done to it, whoever decides.
 * Control thread only.
 */
#ifndef HEALTH_MEMBER_H
#define HEALTH_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "health/members.h"

struct duties;
struct server_state;

/* The state of a member by id. */
const struct server_state *member_state(const struct members *m, int id);

/* The id of the configured server of that name in a group; -1 none. */
int member_named(const struct group *g, const char *server);

/* Check it where it is now, as its entry and the operator say. Returns true if
 * it was at another place: its sessions are on a server that it is not any
 * more. */
bool member_watch(struct duties *d, struct member *mb);

/* Close its sessions with the next snapshot. */
void member_close_sessions(struct member *mb, enum snapshot_close reason);

/* Probe it so often, in ms, if that is more than usual; 0: as usual. The
 * members of a check agree on the fastest. */
void member_pace(const struct members *m, struct member *mb, int64_t pace);

/* A new decision about a group, from one member to another (ids, -1 none). What
 * is left to fill in: action, cause, votes, sessions, evidence. */
struct decision *member_decision(
    struct members *m, struct group *g, int from, int to, int64_t evidence_at);

/* What a line about it says besides. Returns f. */
struct log_fields;
const struct log_fields *member_decision_fields(
    const struct decision *d, struct log_fields *f);

#endif
