/*
 * The servers of the backends, and what was decided about them: the working
 * state of the monitor. Control thread only.
 */
#ifndef HEALTH_GROUP_H
#define HEALTH_GROUP_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "health/decision.h"
#include "health/lag.h"
#include "health/snapshot.h"
#include "health/writer.h"

struct check;
struct check_ref;

/* One server of one backend. Its id is its place in monitor.members. */
struct member {
	/* Of the configuration. */
	struct group *group;
	const struct conf_server *cs; /* NULL once retired */
	char *name;

	/* At run time. */
	int id;
	struct check_ref *ref; /* the monitor's hold on check */
	struct check *check;   /* (borrowed from ref) */
	bool maintenance;
	bool fenced;                /* says primary and is not the writer */
	bool fit;                   /* for reads, but for its lag */
	bool lagging;               /* see struct lag_reader */
	struct lag lag;             /* as of its last check */
	enum role lost_as;          /* up in this role, and no reader; or 0 */
	bool lost_closed;           /* misfits has risen for that */
	int64_t lost_at;            /* clock_ms() when that began */
	uint64_t retired_at;        /* generation that left it out; 0 in use */
	struct snapshot_server now; /* as last published */
};

/* A backend: its servers, and who takes the writes. */
struct group {
	TAILQ_ENTRY(group) link;
	char *name;
	const struct conf_backend *cb; /* NULL once removed */
	bool redis;                    /* has roles, so has a writer */
	struct writer_history history; /* .incumbent is a member id */
	int writer;                    /* member id, -1 none */
	struct writer_verdict verdict;
	struct lag_history lag;    /* of the writer's offsets */
	uint64_t fence_generation; /* published the fence that is waited for */
	int64_t evidence_at;       /* clock_ms() of what it was fenced for */
	unsigned closed;           /* sessions that the fence closed */
	int64_t switched_at, late_logged_at;
};

/* All members and groups. */
struct members {
	TAILQ_HEAD(group_list, group) groups;
	struct member *list[CONF_SERVERS_MAX]; /* by id; NULL: free */
	size_t n;                              /* ids are below */
	uint64_t generation;                   /* of the newest snapshot */
	struct decision decisions[MONITOR_DECISIONS];
	size_t ndecisions; /* ever made */

	/* Of struct monitor_ops. */
	uint64_t (*seen)(void *);
	unsigned (*sessions)(int, void *);
	void *arg;
};

/* Decide for one group and carry out what that asks for: fences and a new
 * writer are in the next snapshot, which the caller publishes. evidence_at is
 * the clock_ms() of what made it necessary. */
void group_evaluate(struct members *m, struct group *g, int64_t evidence_at);

/* Its name stands for another process now: close what is on the old one; the
 * writer is fenced. */
void group_moved(struct members *m, struct member *mb, int64_t evidence_at);

/* Is there a writer to compare replicas with? Its state; NULL if there is none,
 * or it may be away. */
const struct server_state *group_sure_writer(
    const struct members *m, const struct group *g);

/* Set mb->now to what the workers are to know of it, and mb->fit. What depends
 * on the other members, readable above all, is readers.c's. */
void group_picture(const struct members *m, struct member *mb);

/* Close a member's sessions with the next snapshot. */
void group_close_sessions(struct member *mb, enum snapshot_close reason);

#endif
