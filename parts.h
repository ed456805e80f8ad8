/*
 * The parts of the running program and how they are wired together: the
 * monitor, the proxy, the stats page and the control socket. Shared by run.c
 * and parts.c only.
 */
#ifndef PARTS_H
#define PARTS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "stats-ui/stats.h"

struct control;
struct event;
struct event_base;
struct history;
struct monitor;
struct proxy;
struct run_options;

enum run_state {
	RUN_STARTING, /* serving, but not every server has been checked */
	RUN_READY,
	RUN_LEAVING, /* not ready any more, but still accepting */
	RUN_DRAINING /* sessions end as they fall quiet */
};

/* A configuration that sessions may still refer to. */
struct old_conf {
	STAILQ_ENTRY(old_conf) link;
	struct conf *conf;
	uint64_t generation; /* the snapshot that replaced it */
};

struct run {
	const struct run_options *options; /* (borrowed from main) */
	struct event_base *base;
	struct conf *conf; /* the running one */
	STAILQ_HEAD(, old_conf) old;
	struct proxy *proxy;
	struct monitor *monitor;
	struct stats_source source;
	struct history *history;
	struct stats *stats;
	struct control *control;
	struct event *signals[8];
	struct event *pulse;
	enum run_state state;
	bool taking_over; /* from the processes of -sf and -st, at the start */
	bool replaced;    /* a younger process has asked for our addresses */
	pid_t upgrade;    /* that we started to take over; 0 none */
	int64_t upgrade_until;                 /* clock_ms() it has to do so */
	int64_t started, leave_until, stop_at; /* clock_ms(); 0: never */
	uint64_t loads;
	struct stats_reloads reloads;
	unsigned pulses;
	int exit_code;
};

/* Make the parts, wired together by callbacks. */
void parts_compose(struct run *r);

/* Undo that, in reverse. */
void parts_free(struct run *r);

#endif
