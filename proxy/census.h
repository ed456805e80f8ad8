/*
 * A walk over all sessions: each worker does its part on its own thread, the
 * control thread gets the whole. To list them, or to close some.
 */
#ifndef PROXY_CENSUS_H
#define PROXY_CENSUS_H

#include "base/view.h"

struct census;
struct shared;
struct worker;

/* Control thread: order each worker to do its part; done is called once, from
 * census_collect() or census_abandon(). server_id: close those of that server;
 * id: close that one; neither (-1, 0): list. */
struct census_order {
	int server_id;
	uint64_t id;
	view_sessions_cb listed; /* of a list */
	view_closed_cb closed;   /* of the others; may be NULL */
	void *arg;
};
void census_begin(struct shared *shared, const struct census_order *o);

/* Control thread: finish those that all workers have done. */
void census_collect(struct shared *shared);

/* After the workers have ended: finish the rest with what there is. */
void census_abandon(struct shared *shared);

/* Worker: do its part. */
void census_walk(struct worker *w, struct census *c);

#endif
