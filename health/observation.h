/*
 * What one probe saw of one server. A value: copied, compared, never changed
 * after the probe has ended.
 */
#ifndef HEALTH_OBSERVATION_H
#define HEALTH_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result of a probe; probe_result_str() has the words. */
enum probe_result {
	PROBE_NONE,       /* no probe has ended yet */
	PROBE_OK,         /* answered, role known */
	PROBE_LOADING,    /* answers -LOADING; role known */
	PROBE_MASTERDOWN, /* a replica that refuses stale reads; role known */
	PROBE_MISCONF,    /* refuses writes (cannot save); role known */
	PROBE_BUSY,       /* a script blocks it; alive, role not known */
	PROBE_UNRESOLVED, /* its name has no address */
	PROBE_REFUSED,    /* connect refused, reset or unreachable */
	PROBE_CLOSED,     /* closed or reset the connection before answering */
	PROBE_TIMEOUT,    /* no connection or no answer by the deadline */
	PROBE_NOAUTH,     /* wants a password and none is configured */
	PROBE_WRONGPASS,  /* refuses the user or the password */
	PROBE_NOPERM,     /* the user may not run the check's commands */
	PROBE_MAXCLIENTS, /* max number of clients reached */
	PROBE_PROTOCOL    /* answers, but not as Redis does */
};

/* HAProxy's results of a check, in its order; hcheck.c has their words. */
enum hcheck_status {
	HCHK_UNKNOWN, /* there is none */
	HCHK_INI,     /* not checked yet */
	HCHK_HANA,    /* no check: sessions have failed */
	HCHK_SOCKERR,
	HCHK_L4OK,
	HCHK_L4TOUT,
	HCHK_L4CON,
	HCHK_L6OK,
	HCHK_L6TOUT,
	HCHK_L6RSP,
	HCHK_L7TOUT,
	HCHK_L7RSP,
	HCHK_L7OK,
	HCHK_L7OKC,
	HCHK_L7STS
};

enum role { ROLE_UNKNOWN, ROLE_PRIMARY, ROLE_REPLICA };

#define REDIS_ID_MAX 41 /* run ids and replication ids: 40 hex and NUL */

#define OBSERVED_REPLICAS 16 /* of a primary's replicas so many are kept */

/* A replica, as its primary sees it. */
struct observed_replica {
	char host[64];
	uint16_t port;
	bool online;
	int64_t offset; /* that it acknowledged */
	int64_t lag_s;  /* since then */
};

struct observation {
	enum probe_result result;
	int64_t at;          /* clock_ms() when it ended */
	int64_t duration_us; /* of the whole probe */
	int64_t rtt_us;      /* of the last PING's answer; -1 unknown */
	char detail[128];    /* server's or system's words; "" if none */
	bool connected;      /* the connection had been made */

	/* Of a script. */
	enum hcheck_status status;
	int code; /* -1 none */

	/* INFO server; kept over the life of a connection. */
	char run_id[REDIS_ID_MAX];
	char version[16];
	bool cluster; /* redis_mode:cluster */

	/* INFO replication. */
	enum role role;
	char replid[REDIS_ID_MAX], replid2[REDIS_ID_MAX];
	int64_t offset;        /* master_repl_offset */
	int64_t second_offset; /* second_repl_offset; -1 none */
	unsigned replicas;     /* connected_slaves */
	bool failing_over;     /* master_failover_state is not no-failover */
	bool bounded;          /* min-replicas-to-write is not 0 */
	struct observed_replica list[OBSERVED_REPLICAS]; /* slaveN */
	size_t nlist;

	/* INFO replication of a replica. */
	char primary_host[64];
	uint16_t primary_port;
	bool link_up;           /* master_link_status */
	bool syncing;           /* master_sync_in_progress */
	int64_t link_idle_s;    /* master_last_io_seconds_ago; -1 none */
	int64_t replica_offset; /* slave_repl_offset */

	/* CLUSTER INFO of a server in cluster mode. */
	bool cluster_ok; /* cluster_state:ok */
};

/* One or two words for people: "ok", "refused", "wrong password". */
const char *probe_result_str(enum probe_result result);

/* "unknown", "primary", "replica". */
const char *role_str(enum role role);

/* Does the result tell the role? */
bool probe_result_has_role(enum probe_result result);

#endif
