/*
 * What the monitor shows of one server: the page, the figures and the log are
 * made of it.
 */
#ifndef HEALTH_VIEW_H
#define HEALTH_VIEW_H

#include <stdbool.h>

#include "conf/conf.h"
#include "health/admin.h"
#include "health/cluster.h"
#include "health/lag.h"
#include "health/members.h"
#include "health/role.h"
#include "health/snapshot.h"

struct monitor_server {
	const struct conf_server *conf; /* borrowed from the monitor's conf */
	const struct server_state *state;
	const struct snapshot_server *now; /* as last published */
	bool writer, fenced, maintenance;
	bool drain;                     /* takes no new sessions */
	unsigned weight;                /* now, as HAProxy shows it */
	const struct admin *admin;      /* what the operator said */
	bool checking;                  /* a check is under way */
	const struct histogram *checks; /* what they took; borrowed */
	enum cluster_use use;           /* in a Redis Cluster */
	const char *shard;              /* who leads its shard; NULL none */
	bool fit;                       /* for reads, but for its lag */
	bool lagging;   /* beyond a limit, and not back at half of it */
	struct lag lag; /* of a replica, as of its last check */
};

struct monitor_server view_of(const struct members *m, const struct member *mb);

#endif
