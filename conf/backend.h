/*
 * One backend of the configuration model: its servers, the Sentinels that watch
 * them, and what decides who may write and who may be read from.
 */
#ifndef CONF_BACKEND_H
#define CONF_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/proxy_header.h"
#include "conf/step.h"
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
	bool disabled;      /* in maintenance from the start */
	bool unchecked;     /* never checked, and UP */
	bool close_down;    /* once DOWN, whatever sessions it has are closed */
	bool close_backups; /* once UP, those on backup servers are */
	bool observe;       /* errors of sessions count, see on_error */
	enum conf_on_error on_error;
	unsigned error_limit; /* so many in a row */
	enum conf_init_state init_state;
	enum proxy_version send_proxy; /* the header of its sessions */
	enum conf_check_proxy check_send_proxy;
	char *check_host;    /* is checked there; NULL: where it is */
	uint16_t check_port; /* the same; 0: its own */
	int64_t check_interval, check_fast; /* ms, 0: the backend's */
	int64_t check_down;  /* ms, between two checks while it is DOWN */
	unsigned fall, rise; /* 0: the backend's */
	unsigned maxqueue;   /* clients that wait for it; 0: no limit */
	int64_t slow_start;  /* ms, its weight rises for so long */
	unsigned number;     /* HAProxy's id; 0: by its place */
	bool discovered;     /* no line names it: found by discover = on */
	unsigned line;       /* in conf.path, for messages */
	int id;              /* given by the monitor; indexes snapshots */
};

/* Free what a server owns. */
void conf_server_clear(struct conf_server *s);

struct conf_backend {
	char *name;
	unsigned line;
	unsigned place; /* of its section among all, from 0 on */
	struct conf_server *servers;
	size_t nservers;
	bool all_backups; /* not only the first one that is fit */
	bool discover;    /* add the servers that these know of */
	enum conf_check check;
	int64_t check_interval, check_timeout, check_fast; /* ms */
	int64_t check_down; /* ms, 0: as check_interval */
	unsigned fall, rise;
	struct conf_step *steps; /* of CHECK_SCRIPT */
	size_t nsteps;
	enum conf_role role;
	bool log_checks;       /* each change of a check's result is a line */
	int64_t queue_timeout; /* ms, for a place on a server; 0: as hold */
	unsigned fullconn;     /* only shown; 0: unknown */
	unsigned number;       /* HAProxy's id; 0: by its place */
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

/* How often a server is checked, ms, and how many results count. */
struct conf_timing {
	int64_t interval, fast, down;
	unsigned fall, rise;
};

/* The PROXY header of a server's checks. */
enum proxy_version conf_check_proxy(const struct conf_server *cs);

/* What a server says of that, or else its backend. */
struct conf_timing conf_timing(
    const struct conf_backend *cb, const struct conf_server *cs);

#endif
