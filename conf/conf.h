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
#include "conf/backend.h"
#include "conf/control.h"
#include "conf/page.h"
#include "conf/rule.h"
#include "conf/words.h"

#define CONF_SERVERS_MAX   1024 /* in all backends, retired ones included */
#define CONF_FRONTENDS_MAX 256
#define CONF_WORKERS_MAX   16

struct conf_frontend {
	const struct conf *conf; /* that this is part of */
	char *name;
	unsigned line;
	unsigned place; /* of its section among all, from 0 on */
	struct addr *binds;
	unsigned *bind_lines;
	size_t nbinds;
	const struct conf_backend *backend;
	struct conf_rule *rules; /* that lead elsewhere, the first one wins */
	size_t nrules;
	const struct conf_frontend *of; /* whose branch it is; NULL: none */
	enum conf_route route;
	enum conf_balance balance;
	unsigned maxconn;           /* 0: no limit of its own */
	int64_t client_timeout;     /* ms, 0 off */
	bool defer_connect;         /* wait for the client's first byte */
	bool no_server_reply;       /* -LOADING when hold has passed */
	int64_t client_fin_timeout; /* ms, for a half-closed session whose */
	int64_t server_fin_timeout; /* client, server is still there; 0 off */
	int64_t max_session_age;    /* ms with one server; 0 for ever */
	enum conf_log_format log_format;
	enum conf_session_log session_log;
	bool log_null;                 /* also clients that send nothing */
	unsigned backlog;              /* of its sockets; 0: the system's */
	unsigned number;               /* HAProxy's id; 0: by its place */
	struct addr_net *accept_proxy; /* who sends a PROXY header first */
	size_t naccept_proxy;
	struct addr_net *allow, *deny;
	size_t nallow, ndeny;
	int id; /* given by the proxy; stable by name across reloads */
};

struct conf_global {
	unsigned workers; /* 0: auto */
	unsigned maxconn;
	struct log_target *logs; /* at least one */
	size_t nlogs;
	char *log_tag, *log_hostname; /* for syslog; hostname NULL: none */
	enum log_level log_level;
	enum conf_log_format log_format;
	enum conf_session_log session_log;
	int64_t grace, drain_delay, startup_wait; /* ms */
	int64_t hard_stop_after; /* ms, of a drain without a limit; 0 never */
	bool daemon;             /* go to the background */
	char *pidfile, *user, *group; /* to run as, from root; NULL none */
	struct conf_control *controls;
	size_t ncontrols;
	unsigned control_mode;   /* of those without one, as for chmod(2) */
	int64_t control_timeout; /* ms, for a command to come */
};

/* Sessions of each worker that still refer to one conf; the one part of a conf
 * that changes. Each slot is written by its worker only. */
struct conf_use {
	struct {
		_Alignas(64) _Atomic uint32_t sessions;
	} worker[CONF_WORKERS_MAX];
};

struct conf {
	char *path;   /* of the (first) file */
	bool haproxy; /* it was read from a haproxy.cfg */
	uint64_t generation;
	struct conf_global global;
	struct conf_backend *backends;
	size_t nbackends;
	struct conf_frontend *frontends;
	size_t nfrontends;
	size_t nbranches; /* behind the frontends, see branch.h */
	struct conf_stats *stats;
	size_t nstats; /* 0: there is no page */
	struct conf_use *use;
};

/* One that counts no sessions. */
struct conf_use *conf_use_new(void);

/* A conf with the defaults of the key table and nothing else. */
struct conf *conf_new(void);

/* Free it and wipe its secrets. No session refers to it any more. */
void conf_free(struct conf *conf);

#endif
