/*
 * The configuration model: one load of the configuration, whatever language it
 * was written in. Built on the control thread, given its ids by the monitor and
 * the proxy, then constant and readable from every thread.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"
#include "conf/words.h"

#define CONF_SERVERS_MAX   1024 /* in all backends, retired ones included */
#define CONF_FRONTENDS_MAX 256
#define CONF_WORKERS_MAX   16

struct conf_server {
	char *name;
	char *host; /* a name or a literal address */
	uint16_t port;
	unsigned weight;  /* 1 to 256 */
	unsigned maxconn; /* 0: no limit */
	bool backup;
	bool disabled; /* in maintenance from the start */
	unsigned line; /* in conf.path, for messages */
	int id;        /* given by the monitor; indexes snapshots */
};

struct conf_backend {
	char *name;
	unsigned line;
	struct conf_server *servers;
	size_t nservers;
	enum conf_check check;
	int64_t check_interval, check_timeout, check_fast; /* ms */
	unsigned fall, rise;
	char *username, *password;     /* NULL when there is none; secret */
	int64_t connect_timeout, hold; /* ms */
	int64_t server_timeout;        /* ms, 0 off */
	int64_t fence_after;           /* ms; in this release the lease only */
	unsigned retries;
	int64_t keepalive_idle, keepalive_interval; /* ms; idle 0: off */
	unsigned keepalive_count;
	int64_t user_timeout; /* ms, 0: the system's */
};

struct conf_frontend {
	const struct conf *conf; /* that this is part of */
	char *name;
	unsigned line;
	struct addr *binds;
	unsigned *bind_lines;
	size_t nbinds;
	const struct conf_backend *backend;
	enum conf_route route;
	enum conf_balance balance;
	unsigned maxconn;       /* 0: no limit of its own */
	int64_t client_timeout; /* ms, 0 off */
	bool defer_connect;     /* wait for the client's first byte */
	bool no_server_reply;   /* -LOADING when hold has passed */
	struct addr_net *allow, *deny;
	size_t nallow, ndeny;
	int id; /* given by the proxy; stable by name across reloads */
};

struct conf_stats {
	struct addr *binds;
	unsigned *bind_lines;
	size_t nbinds; /* 0: no page */
	unsigned line;
	char *uri;
	char *user, *password; /* NULL: open; password is secret */
	int64_t refresh;       /* ms, 0: the page does not refresh */
	unsigned maxconn;
	bool hide_version;
};

struct conf_global {
	unsigned workers, maxconn; /* workers 0: auto */
	unsigned control_mode;     /* of control_socket, as for chmod(2) */
	struct log_target *logs;   /* at least one */
	size_t nlogs;
	enum log_level log_level;
	enum conf_session_log session_log;
	int64_t grace, drain_delay, startup_wait; /* ms */
	char *pidfile, *control_socket;           /* NULL: none */
};

/* Sessions of each worker that still refer to one conf; the one part of a conf
 * that changes. Each slot is written by its worker only. */
struct conf_use {
	struct {
		_Alignas(64) _Atomic uint32_t sessions;
	} worker[CONF_WORKERS_MAX];
};

struct conf {
	char *path; /* of the (first) file */
	uint64_t generation;
	struct conf_global global;
	struct conf_backend *backends;
	size_t nbackends;
	struct conf_frontend *frontends;
	size_t nfrontends;
	struct conf_stats stats;
	struct conf_use *use;
};

/* A conf with the defaults of the key table and nothing else. */
struct conf *conf_new(void);

/* Free it and wipe its secrets. No session refers to it any more. */
void conf_free(struct conf *conf);

#endif
