/*
 * What is told of the proxy's frontends and sessions: plain values, made by the
 * proxy and read by whoever shows them.
 */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"

enum frontend_state {
	FRONTEND_OPEN,
	FRONTEND_PAUSED, /* keeps its port, refuses clients */
	FRONTEND_STOPPED /* closed until the next reload */
};

/* How long the sessions of a frontend took that have ended: those that were
 * held until there was a server, the connects, and all from begin to end. */
struct frontend_times {
	struct histogram_sums hold, connect, session;
};

enum view_state {
	VIEW_WAITING, /* for the client's first byte */
	VIEW_HELD,    /* for a server */
	VIEW_CONNECTING,
	VIEW_RELAYING,
	VIEW_ENDING
};

/* One session. */
struct session_view {
	uint64_t id;        /* tells it from all others that there are now */
	struct in6_addr ip; /* all zero: a UNIX socket */
	uint16_t port;
	int frontend_id, server_id; /* server_id -1: none */
	int client_fd, server_fd;   /* server_fd -1: none */
	enum view_state state;
	int64_t age, idle; /* ms */
	uint64_t bytes_in, bytes_out;
};

/* The sessions of a moment; cut: there are more. */
typedef void (*view_sessions_cb)(
    const struct session_view *list, size_t n, bool cut, void *arg);

/* What came of an order to close one. */
typedef void (*view_closed_cb)(bool found, void *arg);

#endif
