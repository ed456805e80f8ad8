/*
 * What the page says of a Redis Cluster: its shards instead of one writer.
 */
#ifndef STATS_UI_CLUSTER_H
#define STATS_UI_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "stats-ui/stats.h"

/* How the cluster does, in a sentence that ends with `more`. */
void cluster_words(const struct cluster_summary *sum, const char *more,
    char *buf, size_t size);

/* Why a primary of a cluster that answers takes no writes, or why a server has
 * no part in it; "" if there is nothing to say. */
const char *cluster_reason(const struct monitor_server *ms);

/* In which order the servers of a backend are shown, by index: those of a
 * cluster by shard, each with its primary first, others as configured. Is it a
 * cluster? */
bool cluster_order(const struct stats_source *src,
    const struct conf_backend *cb, size_t order[CONF_SERVERS_MAX]);

#endif
