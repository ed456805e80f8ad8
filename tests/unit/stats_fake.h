/*
 * A made-up world for the tests of the page: a monitor that says what a test
 * wants, and a stats_source that counts nothing real.
 */
#ifndef TESTS_STATS_FAKE_H
#define TESTS_STATS_FAKE_H

#include "stats-ui/admin_ops.h"
#include "stats-ui/stats.h"

#define FAKE_SERVERS   3
#define FAKE_FRONTENDS 2

/* The world as the renderers see it. */
struct fake {
	struct conf conf;
	struct conf_stats stats[2];
	struct conf_backend backend;
	struct conf_server servers[FAKE_SERVERS];
	struct conf_frontend frontends[FAKE_FRONTENDS];
	struct addr bind[FAKE_FRONTENDS], stats_bind[2];
	struct server_state states[FAKE_SERVERS];
	struct snapshot_server now[FAKE_SERVERS];
	struct admin admins[FAKE_SERVERS];
	unsigned checks_off, closed; /* servers, as bits */
	bool fenced[FAKE_SERVERS], maintenance[FAKE_SERVERS];
	bool unfit[FAKE_SERVERS], lagging[FAKE_SERVERS];
	struct lag lag[FAKE_SERVERS];
	bool cluster;
	struct cluster_summary sum;
	enum cluster_use uses[FAKE_SERVERS];
	const char *shards[FAKE_SERVERS];
	struct writer_verdict verdict;
	int writer; /* -1 none */
	struct decision decisions[MONITOR_DECISIONS];
	size_t ndecisions;
	struct report_sentinel sentinels[3];
	size_t nsentinels;
	struct report_watch watch;
	uint64_t generation;
	bool ready, draining;
	int64_t stall;
	unsigned held, renders;
	struct stats_reloads reloads;
	struct writer_counts counts;
	struct frontend_times times; /* of each frontend */
	struct histogram checks;     /* of each server */
};

extern struct fake w;
extern struct stats_source fake_source;
extern struct admin_ops fake_admin; /* see operate_fake.h */

/* A healthy primary with two replicas, one of them with an ugly name. */
void fake_reset(void);

/* No server takes writes, for this cause. */
void fake_no_writer(enum writer_cause cause);

/* Record a switch as the newest decision. */
void fake_decide(const char *from, const char *to);

#endif
