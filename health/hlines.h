/*
 * Log lines about servers in HAProxy's words, for log-format = tcplog and for
 * log-checks = on. Control thread only.
 */
#ifndef HEALTH_HLINES_H
#define HEALTH_HLINES_H

#include "health/members.h"

/* Log what is different of a member since its last lines. */
void hlines_update(struct members *m, struct member *mb);

/* The same for all members of a group. */
void hlines_update_all(struct members *m, struct group *g);

/* Do lines about this backend's servers have HAProxy's words? */
bool hlines_speak(const struct members *m);

#endif
