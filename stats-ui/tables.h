/*
 * The tables of the page: where clients connect, the servers of a backend and
 * its Sentinels, and everything in figures as HAProxy counts.
 */
#ifndef STATS_UI_TABLES_H
#define STATS_UI_TABLES_H

#include "stats-ui/stats.h"

struct evbuffer;

/* Where clients connect. */
void tables_frontends(struct evbuffer *out, const struct stats_source *src);

/* The servers of a backend, in a form if cs lets them be changed, and its
 * Sentinels. */
void tables_backend(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb, const struct conf_stats *cs);

/* HAProxy's figures of frontends, servers and backends. */
void tables_figures(struct evbuffer *out, const struct stats_source *src);

#endif
