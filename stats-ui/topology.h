/*
 * The picture of a backend: who takes the writes, who follows whom and how far
 * behind, what the Sentinels say. SVG that the page's style sheet colours; 380
 * units wide, so that it can be read on a phone.
 */
#ifndef STATS_UI_TOPOLOGY_H
#define STATS_UI_TOPOLOGY_H

#include "stats-ui/stats.h"

struct evbuffer;

/* Draw it. */
void topology_put(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb);

#endif
