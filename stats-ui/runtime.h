/*
 * The commands of the control sockets: HAProxy's runtime API ("Unix Socket
 * commands" in its management guide), and ours. Control thread only.
 */
#ifndef STATS_UI_RUNTIME_H
#define STATS_UI_RUNTIME_H

#include "stats-ui/cli.h"
#include "stats-ui/runtime_ops.h"

/* Carry out one command, of one line; its answer goes to c->out, with the empty
 * line at its end. If c->act is set then, that comes later. Changes line. */
void runtime_run(struct runtime *r, struct cli *c, char *line);

#endif
