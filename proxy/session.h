/*
 * One client connection relayed to one server, from accept to close. All on
 * the thread of its worker.
 */
#ifndef PROXY_SESSION_H
#define PROXY_SESSION_H

#include "proxy/relay.h"
#include "proxy/worker.h"

/* Why a session ended; session_reason_str() has the words. */
enum session_reason {
	SESSION_DONE,           /* both sides were through */
	SESSION_NOTHING_SENT,   /* the client left without a byte */
	SESSION_GAVE_UP,        /* the client left while it was held */
	SESSION_CLIENT_ABORT,   /* the client's connection broke */
	SESSION_SERVER_ABORT,   /* the server's connection broke */
	SESSION_CLIENT_TIMEOUT, /* quiet too long, at the client's turn */
	SESSION_SERVER_TIMEOUT, /* quiet too long, at the server's turn */
	SESSION_NO_SERVER,      /* none fit within hold */
	SESSION_FENCED,         /* see enum snapshot_close for these five */
	SESSION_SERVER_DOWN,
	SESSION_SERVER_SILENT,
	SESSION_MAINTENANCE,
	SESSION_MOVED,
	SESSION_ROLE_LOST, /* the server is not what its route wants now */
	SESSION_DRAINED,   /* quiet, and the proxy is stopping */
	SESSION_STOPPED,   /* cut off by the proxy's end */
	SESSION_KILLED,    /* by the operator */
	SESSION_NO_MEMORY
};

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
	int64_t opened;   /* clock_coarse_ms() */
	int64_t since;    /* of the state, clock_coarse_ms() */
	int64_t patience; /* clock_coarse_ms() when its hold is over; 0 none */
	uint16_t port;
	int16_t server_id; /* -1 none; the last one that failed, if held */
	uint8_t state;
	uint8_t tries; /* connects that failed */
	bool paced;    /* was held, and the server has not spoken since */
	bool on_run;   /* on the worker's run list */
};

/* Begin to serve an arrival that was counted by its listener. 0 takes its fd
 * over; -1 (out of memory) leaves fd and counts to the caller. */
int session_open(
    struct worker *w, const struct conf_frontend *fe, const struct arrival *a);

/* Set the TCP options of a frontend's sessions on a socket. */
void session_tune(int fd, const struct conf_frontend *fe);

/* Take back what the listener counted of a client. Any thread. */
void session_uncount(struct worker *w, int frontend_id);

/* conf has one session of this worker more (1) or less (-1). */
void session_use_conf(
    const struct worker *w, const struct conf *conf, int change);

/* The only way out: unlinks, counts, logs, and frees after the current
 * callback. The caller returns at once. */
void session_close(struct session *s, enum session_reason why);

/* These may close the session: */

/* Go on under the configuration that is in use. False if its frontend is gone:
 * the client is turned away then. */
bool session_rebind(struct session *s);

/* Find a server now, or wait for one. */
void session_route(struct session *s);

/* The connect failed: another server at once if there is one, else wait. */
void session_connect_failed(struct session *s, int error);

/* Move what there is to move, whatever the events. */
void session_move_on(struct session *s);

/* Leave the server. What it has sent already is passed on and the session
 * closed; one that is still connecting has sent nothing, and looks again. */
void session_leave(struct session *s, enum session_reason why);

/* The server has accepted it, or has had its time: the next may come. */
void session_unpace(struct session *s);

/* Tell a Redis client that there is no server, in words that make client
 * libraries try again; then let it read that. */
void session_turn_away(struct session *s);

/* Serve held clients for whom there is a server now, in order. */
void session_release(struct worker *w);

const char *session_reason_str(enum session_reason why);

#endif
