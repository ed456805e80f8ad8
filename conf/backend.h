/*
 * One backend of the configuration model: its servers, the Sentinels that watch
 * them, and what decides who may write and who may be read from.
 */
#ifndef CONF_BACKEND_H
#define CONF_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/words.h"

#define CONF_WEIGHT 100 /* of a server that is given none */

/* Where something other than a server is. */
struct conf_host {
	char *host; /* a name or a literal address */
	uint16_t port;
	unsigned line; /* in conf.path, for messages */
};

struct conf_server {
	char *name;
	char *host; /* a name or a literal address */
	uint16_t port;
	unsigned weight;  /* 1 to 256 */
	unsigned maxconn; /* 0: no limit */
	bool backup;
	bool disabled;   /* in maintenance from the start */
	bool discovered; /* no line names it: found by discover = on */
	unsigned line;   /* in conf.path, for messages */
	int id;          /* given by the monitor; indexes snapshots */
};

struct conf_backend {
	char *name;
	unsigned line;
	struct conf_server *servers;
	size_t nservers;
	bool discover; /* add the servers that these know of */
	enum conf_check check;
	int64_t check_interval, check_timeout, check_fast; /* ms */
	unsigned fall, rise;
	char *username, *password;     /* NULL when there is none; secret */
	int64_t connect_timeout, hold; /* ms */
	int64_t server_timeout;        /* ms, 0 off */
	unsigned retries;
	int64_t keepalive_idle, keepalive_interval; /* ms; idle 0: off */
	unsigned keepalive_count;
	int64_t user_timeout; /* ms, 0: the system's */

	struct conf_host *sentinels; /* none: learned */
	size_t nsentinels;
	char *master_name;                           /* NULL: learned */
	char *sentinel_username, *sentinel_password; /* NULL none; secret */
	enum conf_fence fence;
	int64_t fence_after; /* ms; of the witness */
	bool fence_fast;

	int64_t max_lag;        /* ms, 0: no limit */
	uint64_t max_lag_bytes; /* 0: no limit */
	unsigned min_readers;   /* stay, however far behind */
	enum conf_role_lost role_lost;
	int64_t role_lost_drain; /* ms; of ROLE_LOST_DRAIN */
};

#endif
