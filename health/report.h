/*
 * What is known of a backend's Sentinels, for people: plain values for the
 * page. Control thread only.
 */
#ifndef HEALTH_REPORT_H
#define HEALTH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/hello.h"
#include "health/witness.h"

struct group;
struct members;

/* One Sentinel; strings are borrowed, for now. */
struct report_sentinel {
	struct place place;
	bool configured, tilt;
	const char *trouble; /* why it cannot be asked; "" it can */
	struct place named;  /* where the primary is for it; port 0: unknown */
	const char *name;    /* of that server here; NULL it is none of ours */
	int64_t epoch;       /* of that; -1 unknown */
	int64_t heard_ms;    /* since it heard that server; -1 unknown */
};

/* All of them. */
struct report_watch {
	const char *master_name;    /* NULL unknown */
	unsigned known, agree;      /* Sentinels; those for the verdict */
	unsigned hear;              /* those that hear the writer */
	int64_t epoch;              /* of the verdict; -1 none */
	bool stranger;              /* it names a server that is not here */
	enum witness_reason reason; /* why the writer has no witness */
	bool risky; /* the writer acknowledges what no replica has */
};

/* One by its place, from 0 on; false past the end. */
bool report_sentinel(const struct members *m, const struct group *g, size_t i,
    struct report_sentinel *out);

struct report_watch report_watch(
    const struct members *m, const struct group *g);

#endif
