/*
 * Discovery: servers that the Sentinels or other servers name and that no line
 * of the configuration lists, and those that are gone for good. Only says so;
 * what is checked is changed by a new configuration. Control thread only.
 */
#ifndef HEALTH_DISCOVER_H
#define HEALTH_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "health/hello.h"
#include "health/members.h"

#define DISCOVERED_MAX 64 /* servers of one backend */

/* One change. */
struct discovery {
	const struct conf_backend *cb;
	const struct conf_server *gone; /* to be dropped; NULL: to be added: */
	struct place place;
	const char *by; /* who names it, in words */
};

/* What should change in a group now: up to max changes into out. */
size_t discover(
    struct members *m, struct group *g, struct discovery *out, size_t max);

#endif
