/*
 * The figures for Prometheus (text format 0.0.4) with our own names, in its
 * conventions: base units, counters that end in _total.
 */
#ifndef STATS_UI_METRICS_H
#define STATS_UI_METRICS_H

#include "stats-ui/stats.h"

/* Add all of them to out. */
void metrics_render(const struct stats_source *src, struct evbuffer *out);

#endif
