/*
 * Models made of models: a configuration that differs from another one in what
 * was found out while running.
 */
#ifndef CONF_COPY_H
#define CONF_COPY_H

#include "conf/conf.h"

/* A copy that shares nothing with conf, as conf_load() left it: no generation,
 * no ids, used by nobody. */
struct conf *conf_copy(const struct conf *conf);

/* Append a discovered server, with the defaults of one that a line names, to a
 * backend of conf. The backend's other servers may move, so only before conf is
 * in use. NULL if there are CONF_SERVERS_MAX already. */
struct conf_server *conf_add_server(struct conf *conf, struct conf_backend *b,
    const char *name, const char *host, uint16_t port);

/* Take a discovered server out of a backend of conf, under the same rule. */
void conf_drop_server(struct conf_backend *b, const char *host, uint16_t port);

/* Take over the discovered servers of the running configuration, where the
 * backend of that name still wants such and does not list them. */
void conf_keep_discovered(struct conf *next, const struct conf *running);

#endif
