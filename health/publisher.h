/*
 * From the working state to the workers: pictures of all members, a snapshot
 * when one of them is news, and the snapshots that some worker may still use.
 * Control thread only.
 */
#ifndef HEALTH_PUBLISHER_H
#define HEALTH_PUBLISHER_H

#include <stdint.h>

#include "health/members.h"
#include "health/snapshot.h"

struct publisher;

/* Publishes to that callback. Borrows m. */
struct publisher *publisher_new(struct members *m,
    void (*publish)(const struct snapshot *, void *arg), void *arg);
void publisher_free(struct publisher *p);

/* Publish all, with this configuration from now on. */
void publisher_all(struct publisher *p, const struct conf *conf);

/* Publish if anything is different from what the workers know. */
void publisher_changes(struct publisher *p);

/* The branch of a frontend that serves who comes now. */
const struct conf_frontend *publisher_branch(
    const struct publisher *p, const struct conf_frontend *fe);

/* Free the snapshots before that generation. */
void publisher_sweep(struct publisher *p, uint64_t seen);

#endif
