/*
 * One end of a session. The only file that sends to a client or a server.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/endpoint.h"

int
endpoint_open(struct endpoint *e, struct event_base *base, int fd,
    event_callback_fn cb, void *arg)
{
	short what = EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST;

	if (event_assign(&e->event, base, fd, what, cb, arg) != 0 ||
	    event_add(&e->event, NULL) != 0)
		return -1;
	e->fd = fd;
	e->eof = e->shut = e->closed = false;
	return 0;
}

void
endpoint_close(struct endpoint *e)
{
	if (e->fd < 0)
		return;
	event_del(&e->event);
	close(e->fd);
	e->fd = -1;
	free(e->pending);
	e->pending = NULL;
	e->length = e->offset = 0;
}

void
endpoint_condemn(struct endpoint *e)
{
	static const struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (e->fd >= 0)
		(void)setsockopt(
		    e->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

int
endpoint_keep(struct endpoint *e, const char *buf, size_t len)
{
	e->pending = malloc(len);
	if (e->pending == NULL) {
		errno = ENOMEM;
		return -1;
	}
	memcpy(e->pending, buf, len);
	e->length = (uint32_t)len;
	e->offset = 0;
	return 0;
}

/* send(2) that counts a full socket as nothing sent; -1 if it is broken. */
static ssize_t
send_some(int fd, const char *buf, size_t len)
{
	ssize_t n;

	do
		n = send(fd, buf, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return n;
}

int
endpoint_send(struct endpoint *e, const char *buf, size_t len)
{
	ssize_t n = send_some(e->fd, buf, len);

	if (n < 0)
		return -1;
	if ((size_t)n == len)
		return 0;
	return endpoint_keep(e, buf + n, len - (size_t)n);
}

int
endpoint_flush(struct endpoint *e)
{
	ssize_t n;

	if (e->pending == NULL)
		return 0;
	n = send_some(e->fd, e->pending + e->offset, e->length);
	if (n < 0)
		return -1;
	e->offset += (uint32_t)n;
	e->length -= (uint32_t)n;
	if (e->length == 0) {
		free(e->pending);
		e->pending = NULL;
		e->offset = 0;
	}
	return 0;
}

void
endpoint_shut(struct endpoint *e)
{
	if (e->shut || e->pending != NULL)
		return;
	e->shut = true;
	(void)shutdown(e->fd, SHUT_WR);
}
