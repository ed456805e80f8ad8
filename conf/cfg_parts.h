/*
 * What was read from haproxy.cfg, before it is translated: the parts of a
 * proxy, values as they stand there, each with its line; line 0 is "not given".
 * All of it lives in the reader's pool until the end.
 */
#ifndef CONF_CFG_PARTS_H
#define CONF_CFG_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cfg_text {
	const char *text;
	unsigned line;
};

struct cfg_number {
	int64_t n;
	unsigned line;
};

/* Texts in their order. */
struct cfg_list {
	struct cfg_item {
		struct cfg_item *next;
		struct cfg_text v;
	} * first, *last;
	size_t n;
};

/* A server, or what default-server says of all. 0 and NULL: not given. */
struct cfg_server {
	struct cfg_server *next;
	const char *name, *host;
	unsigned line, port;
	unsigned template; /* line that means several of that name */
	bool check, backup, disabled, close_down, close_backups, observe;
	bool send_v1, send_v2, check_header;
	const char *on_error, *init_state, *check_host;
	int64_t check_port, weight, maxconn, maxqueue, error_limit, fall, rise,
	    number;
	int64_t inter, fastinter, downinter, slowstart; /* ms */
};

/* How the servers of a backend are checked. */
enum cfg_check {
	CFG_CHECK_TCP,
	CFG_CHECK_SCRIPT,
	CFG_CHECK_REDIS,
	CFG_CHECK_HTTP
};

/* One http-check send; its texts are log-formats. */
struct cfg_request {
	const char *method, *uri, *version, *body;
	struct cfg_list headers; /* "name: value" */
	unsigned line;
};

struct cfg_stats {
	unsigned line; /* of the first word about it */
	bool hide_version, metrics;
	struct cfg_text uri, realm, health_uri, user, admin;
	const char *password;
	struct cfg_list more; /* USER:PASSWORD besides */
	struct cfg_number refresh;
};

/* tcp-request, compiled: who may not, who alone may. */
struct cfg_access {
	struct cfg_list deny, allow, accepted;
	bool closed; /* a rule has ended the list */
	bool only;   /* nobody but `allow` */
	bool late;   /* that is about whom a PROXY header names */
	int level;   /* of the last rule; 0 none */
};

/* use_backend or use-server with a condition. */
struct cfg_use {
	struct cfg_use *next;
	const char *target, *up, *asked; /* srv_is_up(up), nbsrv(asked) */
	const char *rule; /* if CONDITION, as use-backend = takes it, or NULL */
	unsigned line;
};

/* acl NAME src NET..., or acl NAME nbsrv(...) ... */
struct cfg_acl {
	struct cfg_acl *next;
	const char *name;
	struct cfg_list nets;
	const char *criterion; /* of the one line that asks for servers */
	bool other;            /* it asks for something else too */
	bool paths;            /* it asks for paths only */
};

#endif
