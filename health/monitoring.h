/*
 * The monitor's own state, for the files that make it up. Control thread only.
 */
#ifndef HEALTH_MONITORING_H
#define HEALTH_MONITORING_H

#include <stdint.h>

#include "health/members.h"
#include "health/monitor_ops.h"

struct duties;
struct event;
struct event_base;
struct publisher;
struct resolver;

struct monitor {
	struct members all;      /* what is known and decided */
	struct event_base *base; /* (borrowed from main) */
	struct monitor_ops ops;
	struct resolver *resolver;
	struct event *tick;
	struct duties *duties;
	struct publisher *publisher;
	int64_t last_tick;
	unsigned ticks;
	int64_t lease_needs; /* the lease waits for probes begun after this */
};

#endif
