/*
 * Where clients arrive: listening sockets, limits, and the hand-over to the
 * worker with the fewest sessions.
 */
#ifndef PROXY_FRONTEND_H
#define PROXY_FRONTEND_H

#include <sys/queue.h>

#include <stdbool.h>

#include "base/addr.h"
#include "proxy/worker.h"

/* A listening socket. Made by the control thread, then its worker's. */
struct listener {
	TAILQ_ENTRY(listener) link;
	struct worker *worker; /* (borrowed from the proxy) */
	struct addr addr;
	int fd;
	_Atomic int backlog; /* of fd */
	int frontend_id;
	struct event *event; /* NULL until it accepts */
	bool paused;         /* at a limit, or out of file descriptors */
	bool closed;         /* refuses clients, by the operator */
	int64_t complained;  /* clock_ms() of the last log line about that */
};

/* Begin to accept on the worker's thread; -1 if out of memory. */
int frontend_listen(struct worker *w, struct listener *l);

/* Close and free, on the worker's thread. */
void frontend_unlisten(struct worker *w, struct listener *l);

/* Refuse clients, but keep the address; accept them again. */
void frontend_pause(struct worker *w, struct listener *l);
void frontend_open(struct worker *w, struct listener *l);

/* Let paused listeners accept again, if there is room. */
void frontend_resume(struct worker *w);

/* Serve a connection that another worker accepted. */
void frontend_arrive(struct worker *w, const struct arrival *a);

#endif
