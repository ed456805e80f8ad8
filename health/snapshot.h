/*
 * An immutable picture of all servers, made by the monitor and read by every
 * thread. Sessions are opened by the picture that their worker has applied.
 */
#ifndef HEALTH_SNAPSHOT_H
#define HEALTH_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "conf/conf.h"

/* Why a server's sessions are closed; snapshot_close_str() has the words. */
enum snapshot_close {
	CLOSE_FENCED,  /* not, or no longer, the writer */
	CLOSE_DOWN,    /* refused, reset or ended the check connection */
	CLOSE_TIMEOUT, /* does not answer (and is not the writer) */
	CLOSE_MAINT,   /* in maintenance */
	CLOSE_MOVED,   /* its name has another address now */
	CLOSE_BACKUP   /* one that is no backup server is UP */
};

/* One server, by its id. */
struct snapshot_server {
	struct addr addr;    /* family 0: not resolved */
	bool used;           /* this id stands for a server */
	bool up;             /* answers (or is not checked: check = none) */
	bool writable;       /* a writer, and taking new sessions */
	bool readable;       /* a replica that is fit for reads */
	bool replica;        /* a replica that is up, fit or not */
	bool drain;          /* takes no new sessions */
	unsigned weight;     /* now, in ADMIN_WEIGHT_PARTS; 0: as drain */
	unsigned maxconn;    /* 0: no limit */
	uint32_t latency_us; /* smoothed round trip of the checks */
	uint32_t closes;     /* when it rises, all sessions on it are closed */
	enum snapshot_close close_reason;
	uint32_t misfits; /* when it rises, those that it does not keep */
};

struct snapshot {
	uint64_t generation; /* rises by one with each */
	const struct conf *conf;
	size_t nservers; /* ids are below */
	struct snapshot_server servers[];
};

/* How well a server fits a frontend's route now: 0 not at all, 1 first choice,
 * higher: only if nothing lower is there. cs is of fe's backend. Any thread. */
unsigned snapshot_rank(const struct snapshot *s, const struct conf_frontend *fe,
    const struct conf_server *cs);

/* May a session of that route stay on the server, if not as a first choice?
 * Those of route = primary always may: it is the fence that closes them. */
bool snapshot_keeps(
    const struct snapshot_server *s, const struct conf_frontend *fe);

/* How many servers of a backend are usable, as HAProxy's nbsrv() counts: UP in
 * the role that the backend wants; backup servers if there are no others. */
unsigned snapshot_usable(
    const struct snapshot *s, const struct conf_backend *cb);

/* The branch of a frontend that serves a client who comes now, by its rules;
 * fe itself if none of them holds. */
const struct conf_frontend *snapshot_branch(
    const struct snapshot *s, const struct conf_frontend *fe);

/* Is a picture of a server news after another one, or only a little more or
 * less of the same? */
bool snapshot_is_news(
    const struct snapshot_server *now, const struct snapshot_server *was);

const char *snapshot_close_str(enum snapshot_close reason);

#endif
