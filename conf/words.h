/*
 * The choices that a configuration has, and their words as they stand in the
 * file.
 */
#ifndef CONF_WORDS_H
#define CONF_WORDS_H

enum conf_check { CHECK_REDIS, CHECK_TCP, CHECK_SCRIPT, CHECK_NONE };
enum conf_auto { AUTO_OFF, AUTO_ON, AUTO_AUTO };

/* Which sessions get a line; GLOBAL, of a frontend, is settled by the checks.
 */
enum conf_session_log {
	SESSION_LOG_OFF,
	SESSION_LOG_ERRORS,
	SESSION_LOG_ALL,
	SESSION_LOG_GLOBAL
};

/* In whose words sessions and servers are logged. */
enum conf_log_format {
	LOG_FORMAT_TEXT,    /* ours */
	LOG_FORMAT_TCPLOG,  /* HAProxy's, as of option tcplog */
	LOG_FORMAT_JSON,    /* each line an object; all of them, or none */
	LOG_FORMAT_CONNECT, /* HAProxy's without one: a line at the start */
	LOG_FORMAT_GLOBAL   /* of a frontend, settled by the checks */
};

/* Which role makes a server of check = redis count as UP in HAProxy's figures;
 * a route decides for itself whom it serves. */
enum conf_role { WANT_ANY, WANT_PRIMARY, WANT_REPLICA };

/* What a server is before its first check has ended. */
enum conf_init_state { INIT_UNCHECKED, INIT_UP, INIT_DOWN };

/* What so many errors of sessions in a row do to a server. */
enum conf_on_error {
	ON_ERROR_FASTINTER,    /* check it as if something were changing */
	ON_ERROR_FAIL_CHECK,   /* count as one failed check */
	ON_ERROR_SUDDEN_DEATH, /* one more failed check makes it DOWN */
	ON_ERROR_MARK_DOWN     /* it is DOWN */
};

/* What may be done on a control socket; HAProxy's words. */
enum conf_level {
	ALLOW_USER,     /* look at what is no secret */
	ALLOW_OPERATOR, /* at all */
	ALLOW_ADMIN     /* and act */
};

/* When a writer is fenced without another one having been named. */
enum conf_fence {
	FENCE_STRICT, /* as soon as no majority of Sentinels can be asked */
	FENCE_AUTO,   /* when a majority has not heard it for fence-after */
	FENCE_OFF     /* never */
};

/* What becomes of a session for reading whose server may no longer serve it. */
enum conf_role_lost { ROLE_LOST_CLOSE, ROLE_LOST_KEEP, ROLE_LOST_DRAIN };

/* Which servers a frontend may use; Lettuce's names. */
enum conf_route {
	ROUTE_PRIMARY,
	ROUTE_PRIMARY_PREFERRED,
	ROUTE_REPLICA,
	ROUTE_REPLICA_PREFERRED,
	ROUTE_ANY,
	ROUTE_ANY_REPLICA,
	ROUTE_LOWEST_LATENCY
};

enum conf_balance {
	BALANCE_ROUNDROBIN,
	BALANCE_LEASTCONN,
	BALANCE_RANDOM,
	BALANCE_SOURCE,
	BALANCE_FIRST
};

/* Words of the enums, as they stand in the file: in their order, ended by NULL,
 * and one by one. */
extern const char *const conf_check_words[];
extern const char *const conf_route_words[];
extern const char *const conf_balance_words[];
extern const char *const conf_fence_words[];
extern const char *const conf_log_level_words[]; /* of enum log_level */
extern const char *const conf_level_words[];
const char *conf_check_str(enum conf_check check);
const char *conf_route_str(enum conf_route route);
const char *conf_balance_str(enum conf_balance balance);
const char *conf_fence_str(enum conf_fence fence);

/* The PROXY header of a server's checks: that of its sessions, where they go to
 * the same place, or what is said. */
enum conf_check_proxy {
	CHECK_PROXY_AUTO,
	CHECK_PROXY_NONE,
	CHECK_PROXY_V1,
	CHECK_PROXY_V2
};

#endif
