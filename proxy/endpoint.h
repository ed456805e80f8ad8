/*
 * One end of a session: a socket, its event, and the bytes that it could not
 * take yet. Knows nothing of sessions; a worker's thread only.
 */
#ifndef PROXY_ENDPOINT_H
#define PROXY_ENDPOINT_H

#include <sys/types.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint {
	struct event event;
	int fd;          /* -1: not open */
	uint32_t length; /* bytes at pending, from offset on */
	uint32_t offset;
	char *pending;   /* what the socket could not take; NULL none */
	bool eof : 1;    /* it has sent all it will send */
	bool shut : 1;   /* we have told it that nothing more will come */
	bool closed : 1; /* EV_CLOSED was seen: read to the end of file */
};

/* Watch fd for everything, edge-triggered, until endpoint_close(). Takes fd
 * over if it returns 0; -1 if out of memory or of epoll. */
int endpoint_open(struct endpoint *e, struct event_base *base, int fd,
    event_callback_fn cb, void *arg);
void endpoint_close(struct endpoint *e);

/* When it is closed, what the system has not sent yet is not sent. */
void endpoint_condemn(struct endpoint *e);

/* Send; what the socket does not take is kept. 0, or -1 with errno if the
 * connection is broken (ENOMEM: out of memory). Call only if nothing is
 * pending. */
int endpoint_send(struct endpoint *e, const char *buf, size_t len);

/* Keep bytes unsent, to be flushed later. -1 if out of memory. */
int endpoint_keep(struct endpoint *e, const char *buf, size_t len);

/* Send what is pending. As endpoint_send(). */
int endpoint_flush(struct endpoint *e);

/* Tell it that nothing more will come; once nothing is pending. */
void endpoint_shut(struct endpoint *e);

#endif
