/*
 * What an operator sets of one server, while all goes on: see struct admin. It
 * stays over reloads, but for what the file then says anew. Nothing of this
 * makes a server the writer, but maintenance ends its being that. cs is of the
 * running configuration. Control thread only.
 */
#ifndef HEALTH_OPERATE_H
#define HEALTH_OPERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "health/admin.h"

struct monitor;

void operate_state(
    struct monitor *m, const struct conf_server *cs, enum admin_state state);
void operate_weight(
    struct monitor *m, const struct conf_server *cs, unsigned weight);
void operate_maxconn(
    struct monitor *m, const struct conf_server *cs, unsigned maxconn);

/* Let checks begin with a health, or, if they are off, stand by it. */
void operate_health(
    struct monitor *m, const struct conf_server *cs, enum admin_health health);

/* Let checks decide, or leave the health as it is now. Checks themselves go on:
 * the writer is decided by them. */
void operate_checks(struct monitor *m, const struct conf_server *cs, bool on);

/* It is there now. Of a Redis the sessions are closed: they would be on a
 * server that nobody watches. */
void operate_move(struct monitor *m, const struct conf_server *cs,
    const char *host, uint16_t port);

#endif
