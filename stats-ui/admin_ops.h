/*
 * What an operator may ask of the proxy, from the control sockets and the page;
 * of servers see health/operate.h. Set by main; all are called with arg, on the
 * control thread.
 */
#ifndef STATS_UI_ADMIN_OPS_H
#define STATS_UI_ADMIN_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

struct monitor;

struct admin_ops {
	struct monitor *monitor; /* for operate_...() */

	/* Frontends, by id: refuse clients or accept them again; close until
	 * the next reload. maxconn instead of the configuration's, -1 nothing;
	 * id -1: of all together. */
	enum frontend_state (*frontend_state)(int id, void *arg);
	void (*pause)(int id, bool paused, void *arg);
	void (*shutdown)(int id, void *arg);
	void (*set_maxconn)(int id, int64_t maxconn, void *arg);

	/* Sessions: done is called later, once. */
	void (*list_sessions)(view_sessions_cb done, void *done_arg, void *arg);
	void (*close_session)(
	    uint64_t id, view_closed_cb done, void *done_arg, void *arg);
	void (*close_server)(int server_id, void *arg);

	/* Set the maxima back, or all counters. */
	void (*clear_counters)(bool all, void *arg);
	void *arg;
};

#endif
