/*
 * What the end of a check means for the log and for the sessions of one member.
 * Control thread only.
 */
#ifndef HEALTH_OUTCOME_H
#define HEALTH_OUTCOME_H

#include "health/members.h"
#include "health/role.h"

/* Its check has ended and changed that; moved: it is another process now. */
void outcome_take(struct members *m, struct member *mb,
    const struct role_change *change, bool moved);

#endif
