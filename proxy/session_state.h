/*
 * What a session is. Its thread is that of its worker; session.c and sweep.c
 * change it, others look.
 */
#ifndef PROXY_SESSION_STATE_H
#define PROXY_SESSION_STATE_H

#include "base/proxy_header.h"
#include "proxy/ending.h"
#include "proxy/relay.h"
#include "proxy/worker.h"

enum session_state {
	STATE_WAITING,    /* for the client's first byte */
	STATE_HELD,       /* for a server */
	STATE_CONNECTING, /* to `server` */
	STATE_RELAYING,
	STATE_REPLYING, /* told that there is no server, reads to its end */
	STATE_DEAD
};

struct session {
	TAILQ_ENTRY(session) link; /* on the one list of its state */
	struct relay relay;
	struct worker *worker;          /* (borrowed from the proxy) */
	const struct conf_frontend *fe; /* (its conf is kept by conf_use) */
	struct in6_addr ip;
	struct proxy_end *via; /* where its client connected to, if a header
				* said so; NULL once it relays */
	int64_t opened;        /* clock_ms() */
	int64_t since;         /* of the state, clock_coarse_ms() */
	int64_t patience; /* clock_coarse_ms() when its hold is over; 0 none */
	/* For its log line, ms since it was opened, or SESSION_NEVER: when it
	 * was first held, when its last server was picked, when that took it.
	 */
	uint32_t held_ms, assigned_ms, connected_ms;
	uint16_t queue_place; /* when it was first held, from 1 on */
	uint16_t port;
	int16_t server_id; /* -1 none */
	int16_t failed_id; /* whose connect failed last; -1 none */
	uint8_t state;
	uint8_t tries;         /* connects that failed */
	uint8_t retried;       /* connects after the first one */
	uint8_t turned;        /* enum session_reason of STATE_REPLYING */
	bool redispatched : 1; /* one of these went to another server */
	bool timed_out : 1;    /* the last connect that failed */
	bool queued : 1;       /* held, and not only for a moment's pause */
	bool paced : 1;      /* was held, and the server has not spoken since */
	bool tuned : 1;      /* its server's socket: see sweep.c */
	bool on_run : 1;     /* on the worker's run list */
	bool header_due : 1; /* a PROXY header is to come first */
};

#define SESSION_NEVER UINT32_MAX

/* The frontend that it came in by. */
static inline const struct conf_frontend *
session_origin(const struct session *s)
{
	return s->fe->of == NULL ? s->fe : s->fe->of;
}

/* The counters of the server that the session is on. */
static inline struct counters *
session_server_counters(const struct session *s)
{
	return &s->worker->server_counters[s->server_id];
}

/* The counters of its frontend, or of the branch that it went on to. */
static inline struct counters *
session_frontend_counters(const struct session *s)
{
	return &s->worker->frontend_counters[s->fe->id];
}

#endif
