/*
 * From a frontend's route and the worker's snapshot to one server.
 */
#ifndef PROXY_ROUTE_H
#define PROXY_ROUTE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "proxy/worker.h"

#define ROUTE_NONE (-1) /* no server fits */
#define ROUTE_FULL (-2) /* those that fit have no place now */
#define ROUTE_FITS 0    /* of route_state(): there is one */

/* The id of a server for this client, or one of the above. except is a server
 * to avoid if there is another; -1 none. */
int route_pick(struct worker *w, const struct conf_frontend *fe,
    const struct in6_addr *client, int except);

/* What route_pick() would find: one of the three. */
int route_state(const struct worker *w, const struct conf_frontend *fe);

/* Do as many clients wait as the servers that fit let wait (maxqueue)? */
bool route_queue_full(const struct worker *w, const struct conf_frontend *fe);

/* Milliseconds before a connect that failed is tried again on the same server,
 * where HAProxy waits as long. */
int64_t route_pause(const struct conf_frontend *fe);

/* Take a place on that server, of which its maxconn has so many; false if there
 * is none left. Whoever took it gives it back. */
bool route_reserve(struct worker *w, int id);

/* Why no server fits: "no primary for backend redis, 3 servers down". */
void route_explain(const struct worker *w, const struct conf_frontend *fe,
    char *buf, size_t size);

#endif
