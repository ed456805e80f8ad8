/*
 * The thread of a worker.
 */
#ifndef PROXY_LOOP_H
#define PROXY_LOOP_H

#include "proxy/worker.h"

/* Start it; it ends at ORDER_STOP, with all that the worker had closed. -1 with
 * errno. */
int loop_start(struct worker *w);

#endif
