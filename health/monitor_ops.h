/*
 * How the monitor reaches what is above it.
 */
#ifndef HEALTH_MONITOR_OPS_H
#define HEALTH_MONITOR_OPS_H

#include <stdbool.h>
#include <stdint.h>

struct conf_backend;
struct snapshot;

/* How the monitor reaches the workers; set by main. */
struct monitor_ops {
	/* Hand this snapshot to the workers; it stays valid until they have all
	 * seen a later one. */
	void (*publish)(const struct snapshot *, void *arg);
	/* The oldest generation that some worker still uses. */
	uint64_t (*seen)(void *arg);
	/* The same, once all that it closes is closed. */
	uint64_t (*closed)(void *arg);
	/* Sessions on a server now, over all workers. */
	unsigned (*sessions)(int server_id, void *arg);
	/* Clients that wait for a server of this backend. */
	unsigned (*held)(const struct conf_backend *, void *arg);
	/* Have so many connects in a row to a server failed? They count anew
	 * then. */
	bool (*failing)(int server_id, unsigned limit, void *arg);
	/* The snapshots hold until this clock_ms(). */
	void (*lease)(int64_t until, void *arg);
	void *arg;
};

#endif
