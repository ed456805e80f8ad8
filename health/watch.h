/*
 * What is known of one backend's writer beyond the servers themselves: what the
 * Sentinels say and do, who follows it. Collects evidence, decides nothing.
 * Control thread only.
 */
#ifndef HEALTH_WATCH_H
#define HEALTH_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/members.h"

struct sentinel;
struct sentinel_event;

void watch_init(struct watch *w);

/* A probe of this server has ended. */
void watch_probed(struct member *mb);

/* A Sentinel has said what it is doing. True if the writer is to be decided
 * anew. */
bool watch_event(const struct members *m, struct group *g,
    const struct sentinel *s, const struct sentinel_event *e);

/* Is a server of this group there? */
int watch_map(
    const struct members *m, const struct group *g, const struct place *place);

/* This id stands for nothing any more. */
void watch_forget(struct group *g, int id);

/* Bring everything up to now; what comes of it for the decision, with member
 * ids. */
struct writer_evidence watch_update(const struct members *m, struct group *g);

/* Another writer (member id, -1 none), or the same anew. */
void watch_reset(struct group *g, int writer, bool provisional);

/* The evidence for a decision in words, "" if the cause says it all. Returns
 * buf. */
const char *watch_explain(
    const struct group *g, enum writer_cause cause, char *buf, size_t size);

#endif
