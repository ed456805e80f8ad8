/*
 * A small curve of the last hour, as SVG: for a table's cell.
 */
#ifndef STATS_UI_SPARK_H
#define STATS_UI_SPARK_H

#include "stats-ui/samples.h"

struct evbuffer;

/* What it shows, for those who cannot see it. */
struct spark {
	const char *what; /* "Sessions on redis-1" */
	/* A value in words. Returns buf. */
	const char *(*words)(uint32_t value, char buf[32]);
};

/* Draw it; nothing as long as there are fewer than two values. */
void spark_put(struct evbuffer *out, const struct spark *spark,
    const struct samples *s, enum sample_kind kind);

#endif
