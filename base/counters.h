/*
 * Counters: one list makes the struct, its sum and its names. Each thread has
 * its own and is the only one to write it; anyone may read, a little late.
 */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, help): kept for each frontend and for each server. */
#define COUNTERS(X)                                                          \
	X(sessions, "sessions opened")                                       \
	X(bytes_in, "bytes received from clients")                           \
	X(bytes_out, "bytes received from servers")                          \
	X(denied, "connections refused by allow and deny, or by a limit")    \
	X(request_errors, "clients without a PROXY header where one is due") \
	X(connect_errors, "connects to a server that failed")                \
	X(connects, "connects to a server that were begun")                  \
	X(retries, "connects tried again on the same server")                \
	X(redispatches, "connects tried again on another server")            \
	X(loadbalanced, "times that a server was picked for a session")      \
	X(client_aborts, "sessions that the client broke off")               \
	X(server_aborts, "sessions that the server broke off")               \
	X(response_errors, "of these, because its connection broke")         \
	X(timeouts, "sessions closed by a timeout")                          \
	X(client_timeouts, "of these, at the client's turn")                 \
	X(fenced, "sessions closed because their server lost its role")      \
	X(aged, "sessions closed for their max-session-age")                 \
	X(held, "clients that had to wait for a server")                     \
	X(unserved, "clients that found no server, or could not reach one")

struct counters {
#define X(name, help) _Atomic uint64_t name;
	COUNTERS(X)
#undef X
};

/* The same as plain numbers, for readers. */
struct counter_sums {
#define X(name, help) uint64_t name;
	COUNTERS(X)
#undef X
};

/* What is no sum: of a server, a frontend or the whole proxy. */
struct figures {
	unsigned sessions,
	    sessions_max;            /* there now, connecting ones included */
	unsigned queued, queued_max; /* clients that wait for a server */
	unsigned rate, rate_max;     /* sessions begun within a second */
	int64_t last_session; /* ms since the newest began; -1 none yet */
	unsigned queue_ms, connect_ms, total_ms; /* means of the last 512 */
	unsigned queue_ms_max, connect_ms_max, total_ms_max;
};

/* Add to a counter that only the calling thread writes. */
#define counter_add(c, n)                                           \
	atomic_store_explicit(&(c),                                 \
	    atomic_load_explicit(&(c), memory_order_relaxed) + (n), \
	    memory_order_relaxed)

/* Add one thread's counters to a sum. */
static inline void
counters_sum(struct counter_sums *sum, const struct counters *c)
{
#define X(name, help) \
	sum->name += atomic_load_explicit(&c->name, memory_order_relaxed);
	COUNTERS(X)
#undef X
}

/* Take what was counted before out of a sum. */
static inline void
counters_subtract(struct counter_sums *sum, const struct counter_sums *before)
{
#define X(name, help) sum->name -= before->name;
	COUNTERS(X)
#undef X
}

#endif
