/*
 * HAProxy's statistics of this proxy, in HAProxy's formats: CSV, JSON and typed
 * lines of its proxies and servers, and the process's figures of "show info".
 * Control thread only.
 */
#ifndef STATS_UI_HSTATS_H
#define STATS_UI_HSTATS_H

#include "stats-ui/rows.h"

struct evbuffer;

/* Each adds its document to out, the last line ended. filter may be NULL. */
void hstats_csv(const struct stats_source *src,
    const struct hstats_filter *filter, struct evbuffer *out);
void hstats_typed(const struct stats_source *src,
    const struct hstats_filter *filter, struct evbuffer *out);
void hstats_json(const struct stats_source *src,
    const struct hstats_filter *filter, struct evbuffer *out);

/* The same of the process: "show info". */
void hinfo_text(const struct stats_source *src, struct evbuffer *out);
void hinfo_typed(const struct stats_source *src, struct evbuffer *out);
void hinfo_json(const struct stats_source *src, struct evbuffer *out);

#endif
