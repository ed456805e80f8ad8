/*
 * The choices that a configuration has, and their words as they stand in the
 * file.
 */
#ifndef CONF_WORDS_H
#define CONF_WORDS_H

enum conf_check { CHECK_REDIS, CHECK_TCP, CHECK_NONE };
enum conf_auto { AUTO_OFF, AUTO_ON, AUTO_AUTO };
enum conf_role_lost { ROLE_LOST_CLOSE, ROLE_LOST_KEEP, ROLE_LOST_DRAIN };
enum conf_session_log { SESSION_LOG_OFF, SESSION_LOG_ERRORS, SESSION_LOG_ALL };

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
const char *conf_check_str(enum conf_check check);
const char *conf_route_str(enum conf_route route);
const char *conf_balance_str(enum conf_balance balance);

#endif
