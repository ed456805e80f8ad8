/*
 * Which servers of a group serve reads now, and since when one does not any
 * more: what role.c and lag.c say, put together. Control thread only.
 */
#ifndef HEALTH_READERS_H
#define HEALTH_READERS_H

#include "health/group.h"

/* Set readable, lag and misfits of every member of the group, after
 * group_picture() of them all. */
void readers_update(struct members *m, struct group *g);

#endif
