/*
 * One place to look at the figures: [stats] or [stats NAME].
 */
#ifndef CONF_PAGE_H
#define CONF_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct conf_stats {
	char *name;           /* "stats" unless it has one of its own */
	unsigned line, place; /* place: among all sections, from 0 on */
	struct addr *binds;
	unsigned *bind_lines;
	size_t nbinds;
	char *uri;
	char *user, *password; /* NULL: none; password is secret */
	char **auth;           /* more of them, USER:PASSWORD; secret */
	size_t nauth;
	int64_t refresh; /* ms, 0: the page does not refresh */
	unsigned maxconn;
	bool hide_version;
	char *realm;          /* of the password */
	bool admin;           /* servers can be changed on the page */
	char *health_uri;     /* also answers 200 OK there; NULL none */
	bool haproxy_metrics; /* /metrics has HAProxy's names too */
	bool metrics_auth;    /* and needs the password */
};

#endif
