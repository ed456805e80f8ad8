/*
 * What was read from haproxy.cfg, before it is translated: the proxies.
 */
#ifndef CONF_CFG_MODEL_H
#define CONF_CFG_MODEL_H

#include "conf/cfg_parts.h"
#include "conf/words.h"

enum cfg_kind {
	CFG_NONE,
	CFG_GLOBAL,
	CFG_DEFAULTS,
	CFG_LISTEN,
	CFG_FRONTEND,
	CFG_BACKEND,
	CFG_RESOLVERS,
	CFG_IGNORED
};

enum cfg_timeout {
	TIMEOUT_CONNECT,
	TIMEOUT_CLIENT,
	TIMEOUT_SERVER,
	TIMEOUT_TUNNEL,
	TIMEOUT_CHECK,
	TIMEOUT_QUEUE,
	TIMEOUT_CLIENT_FIN,
	TIMEOUT_SERVER_FIN,
	TIMEOUTS
};

/* A proxy: defaults, listen, frontend or backend. */
struct cfg_proxy {
	struct cfg_proxy *next;
	enum cfg_kind kind;
	const char *name, *file;
	unsigned line;
	bool http, disabled;
	unsigned mode_line;
	struct cfg_number timeouts[TIMEOUTS];
	struct cfg_number bind_maxconn; /* the least of the bind lines */
	struct cfg_number maxconn, fullconn, backlog, retries, number;
	struct cfg_number keep_idle, keep_interval, keep_count;
	struct cfg_number user_timeout; /* the least of its lines */
	struct cfg_text balance;
	bool tcplog, log_null_off, log_normal_off, log_checks, all_backups;
	bool log_global;
	struct cfg_list logs; /* of its own, as log = takes them */
	bool sessions;        /* one of them takes lines about sessions */
	struct cfg_stats stats;
	bool own_stats;            /* not those of the defaults */
	struct cfg_text http_rule; /* the first that only HTTP obeys */
	struct cfg_list binds;     /* as bind = takes them */
	struct cfg_list proxies;   /* as accept-proxy = takes them */
	size_t bound;              /* binds of the lines before */
	size_t proxied;            /* binds with accept-proxy */
	struct cfg_text backend;   /* default_backend */
	struct cfg_text always;    /* use_backend without a condition */
	struct cfg_use *uses, *servers_used;
	struct cfg_acl *acls;
	struct cfg_access access;
	struct cfg_server defaults, *servers, *last_server;
	size_t nservers;
	enum cfg_check check;
	unsigned check_line;
	struct cfg_list steps;      /* as check-step = takes them */
	bool own_steps;             /* not those of the defaults */
	bool sends;                 /* the request is among the steps, as "" */
	struct cfg_request request; /* of CFG_CHECK_HTTP */
	bool expects;               /* a step says what is good */

	/* What they come to, by cfg_meaning() and cfg_sentinels(). */
	enum conf_check means;
	enum conf_role role;
	const char *username, *password;
	struct cfg_list sentinels;
	const char *master_name, *master_address;
	const char *sentinel_username, *sentinel_password;
	struct cfg_proxy *merged; /* stands for the backends of uses */
	bool made;                /* it is such */
};

#endif
