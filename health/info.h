/*
 * Reader of what INFO and CLUSTER INFO answer: the fields that a check needs,
 * out of text that is not trusted to be complete. Field names:
 * https://redis.io/commands/info/
 */
#ifndef HEALTH_INFO_H
#define HEALTH_INFO_H

#include <stddef.h>

#include "health/observation.h"

/* Set what `INFO server` tells (run_id, version, cluster). -1 without run_id.
 */
int info_read_server(const char *text, size_t len, struct observation *o);

/* Set what `CLUSTER INFO` tells. -1 if it names no state. */
int info_read_cluster(const char *text, size_t len, struct observation *o);

/* Set what `INFO replication` tells. -1 if it names no role. */
int info_read_replication(const char *text, size_t len, struct observation *o);

#endif
