/*
 * Prometheus' text format 0.0.4 ("Exposition formats" in its documents): heads,
 * lines with labels, histograms. All names are given without "roleproxy_".
 */
#ifndef STATS_UI_EXPOSITION_H
#define STATS_UI_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/histogram.h"

struct evbuffer;

/* The labels of a line, as they are written; empty as zeros. */
struct labels {
	char text[1024];
	size_t len;
};

/* Add one; its value is escaped, what is not UTF-8 becomes "?". */
void labels_add(struct labels *l, const char *name, const char *value);

/* HELP and TYPE. The name says the type, but of a histogram: what ends in
 * _total is a counter. */
void exposition_head(
    struct evbuffer *out, const char *name, const char *help, bool histogram);

/* A line. */
void exposition_line(struct evbuffer *out, const char *name,
    const struct labels *labels, double value);

/* The lines of a histogram, in seconds. */
void exposition_histogram(struct evbuffer *out, const char *name,
    const struct labels *labels, enum histogram_scale scale,
    const struct histogram_sums *sums);

#endif
