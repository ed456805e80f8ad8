/*
 * A Redis Cluster in words, and its servers by shard.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats-ui/cluster.h"

/* What the servers that answer say of their cluster. */
static void
state_words(const struct cluster_summary *sum, char *buf, size_t size)
{
	if (sum->nodes == 0)
		snprintf(buf, size, "no server answers");
	else if (sum->ok == sum->nodes)
		snprintf(buf, size, "cluster_state ok");
	else if (sum->ok == 0)
		snprintf(buf, size, "cluster_state fail");
	else
		snprintf(buf, size, "cluster_state fail on %zu of %zu servers",
		    sum->nodes - sum->ok, sum->nodes);
}

void
cluster_words(
    const struct cluster_summary *sum, const char *more, char *buf, size_t size)
{
	char state[80];

	state_words(sum, state, sizeof(state));
	if (sum->led < sum->shards)
		snprintf(buf, size,
		    "Redis Cluster: %zu of %zu shards %s a primary; %s%s.",
		    sum->led, sum->shards, sum->led == 1 ? "has" : "have",
		    state, more);
	else
		snprintf(buf, size,
		    "Redis Cluster: %zu shard%s a primary; %s%s.", sum->shards,
		    sum->shards == 1 ? ", which has" : "s, all have", state,
		    more);
}

const char *
cluster_reason(const struct monitor_server *ms)
{
	switch (ms->use) {
	case CLUSTER_STRANGER:
		return "not in cluster mode, as others of this backend are";
	case CLUSTER_WAITS:
		if (ms->shard != NULL && strcmp(ms->shard, ms->conf->name) != 0)
			return "replaced, and not told of it yet";
		return "its cluster_state is not ok";
	case CLUSTER_FENCED:
		return "fenced: its cluster_state is not ok";
	default:
		return "";
	}
}

/* A server's place in the order. */
struct row {
	const char *shard;
	size_t first; /* index of the first server of the shard */
	bool follows; /* another, which is shown before */
	size_t index;
};

/* By shard, then primary before replicas, then as configured. */
static int
compare(const void *a, const void *b)
{
	const struct row *p = a, *q = b;

	if (p->first != q->first)
		return p->first < q->first ? -1 : 1;
	if (p->follows != q->follows)
		return p->follows ? 1 : -1;
	return p->index < q->index ? -1 : 1;
}

/* Find out where a server belongs, after those before it. */
static void
set_row(struct row *rows, size_t i, const struct monitor_server *ms)
{
	struct row *p = &rows[i];

	p->shard = ms->shard;
	p->index = i;
	p->follows =
	    ms->shard != NULL && strcmp(ms->shard, ms->conf->name) != 0;
	/* Those of no shard come last. */
	p->first = ms->shard == NULL ? CONF_SERVERS_MAX : i;
	for (size_t j = 0; ms->shard != NULL && j < i; j++) {
		if (rows[j].shard != NULL &&
		    strcmp(rows[j].shard, ms->shard) == 0) {
			p->first = rows[j].first;
			break;
		}
	}
}

bool
cluster_order(const struct stats_source *src, const struct conf_backend *cb,
    size_t order[CONF_SERVERS_MAX])
{
	struct row rows[CONF_SERVERS_MAX];
	struct monitor_server ms;
	struct cluster_summary sum;
	bool cluster = monitor_cluster(src->monitor, cb, &sum);

	for (size_t i = 0; i < cb->nservers; i++) {
		ms = monitor_server(src->monitor, &cb->servers[i]);
		set_row(rows, i, &ms);
	}
	if (cluster)
		qsort(rows, cb->nservers, sizeof(rows[0]), compare);
	for (size_t i = 0; i < cb->nservers; i++)
		order[i] = rows[i].index;
	return cluster;
}
