/*
 * All sessions of a worker at once: closing, deadlines, what waits for the end
 * of a callback. The worker's thread only.
 */
#ifndef PROXY_SWEEP_H
#define PROXY_SWEEP_H

#include "proxy/session.h"

/* Close all sessions on a server, those whose route does not admit it any more,
 * or all of the worker. */
void sweep_close_server(struct worker *w, int id, enum session_reason why);
void sweep_close_misfits(
    struct worker *w, int id, const struct snapshot_server *now);
void sweep_close_all(struct worker *w, enum session_reason why);

/* Clients that are not relayed yet go on under a new configuration. */
void sweep_reconfigure(struct worker *w);

/* Deadlines; every WORKER_TICK_MS. */
void sweep_tick(struct worker *w);

/* Read clients again whose reading the lease had stopped. */
void sweep_unstall(struct worker *w);

/* Free what was closed, and go on with sessions on the run list. */
void sweep_later(struct worker *w);

#endif
