/*
 * The servers of the backends, and what is known and was decided of them: the
 * working state of the monitor, shared by the files that keep it. Control
 * thread only.
 */
#ifndef HEALTH_MEMBERS_H
#define HEALTH_MEMBERS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "health/admin.h"
#include "health/cluster.h"
#include "health/decision.h"
#include "health/evidence.h"
#include "health/flap.h"
#include "health/lag.h"
#include "health/snapshot.h"
#include "health/writer.h"

struct check;
struct duty;
struct monitor;
struct switchover;

/* One server of one backend. Its id is its place in monitor.members. */
struct member {
	/* Of the configuration. */
	struct group *group;
	TAILQ_ENTRY(member) in_group;
	const struct conf_server *cs; /* NULL once retired */
	char *name, *host; /* of the last entry, host as it was there */
	uint16_t port;

	/* At run time. */
	int id;
	struct duty *duty;   /* its hold on check */
	struct check *check; /* (borrowed from duty) */
	struct admin admin;  /* what the operator says */
	struct flap flap;    /* its changes that are logged */
	bool duplicate;      /* another entry stands for the same process */
	char run_id[REDIS_ID_MAX]; /* when that was last looked at */
	int64_t resolved_at;
	int64_t last_offset;        /* a replica's, at the probe before */
	int64_t named_at;           /* somebody said that it is there */
	int64_t pace;               /* so often it should be probed, ms */
	bool fenced;                /* says primary and is not the writer */
	bool fit;                   /* for reads, but for its lag */
	bool lagging;               /* see struct lag_reader */
	struct lag lag;             /* as of its last check */
	enum role lost_as;          /* up in this role, and no reader; or 0 */
	bool lost_closed;           /* misfits has risen for that */
	int64_t lost_at;            /* clock_ms() when that began */
	uint64_t retired_at;        /* generation that left it out; 0 in use */
	struct snapshot_server now; /* as last published */

	/* What its last lines in the log said; see hlines.c. */
	struct {
		bool known, up, usable, stopping;
		enum admin_state admin;
		enum hcheck_status status;
		unsigned health;
	} said;

	struct cluster_member cluster; /* its part in a Redis Cluster */
};

/* A backend: its servers, and who takes the writes. */
struct group {
	TAILQ_ENTRY(group) link;
	TAILQ_HEAD(member_list, member) members;
	char *name;
	const struct conf_backend *cb; /* NULL once removed */
	struct witness_rules rules;    /* of cb, also once that is gone */
	bool redis;                    /* has roles, so has a writer */
	bool cluster;                  /* or several: a Redis Cluster */
	struct members *all;           /* (borrowed from the monitor) */
	bool changed; /* some server is another than at the last decision */
	struct watch watch;
	struct switchover *switchover; /* under way; NULL none */
	struct writer_history history; /* .incumbent is a member id */
	struct writer_evidence evidence;
	int writer; /* member id, -1 none */
	struct writer_verdict verdict;
	struct writer_counts counts;
	struct lag_history lag;    /* of the writer's offsets */
	uint64_t fence_generation; /* published the fence that is waited for */
	int64_t evidence_at;       /* clock_ms() of what it was fenced for */
	int fenced_id;             /* whom it was about, a member id */
	unsigned fenced_sessions;  /* that it had then */
	unsigned closed;           /* sessions that the fence closed */
	int64_t fenced_us;         /* from the evidence until they all could */
	int64_t closed_us;         /* write no more, were closed; -1 not yet */
	int64_t switched_at, fenced_at, late_logged_at;
};

/* All members and groups. */
struct members {
	TAILQ_HEAD(group_list, group) groups;
	struct member *list[CONF_SERVERS_MAX]; /* by id; NULL: free */
	size_t n;                              /* ids are below */
	const struct conf *conf;               /* (borrowed from main) */
	uint64_t generation;                   /* of the newest snapshot */
	struct decision decisions[MONITOR_DECISIONS];
	size_t ndecisions; /* ever made */

	struct monitor *monitor; /* that this is part of */

	/* Of struct monitor_ops. */
	uint64_t (*seen)(void *), (*closed)(void *);
	unsigned (*sessions)(int, void *);
	unsigned (*held)(const struct conf_backend *, void *);
	void *arg;
};

#endif
