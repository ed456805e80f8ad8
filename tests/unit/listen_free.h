/*
 * A listening socket on loopback for a scripted server.
 */
#ifndef TESTS_UNIT_LISTEN_FREE_H
#define TESTS_UNIT_LISTEN_FREE_H

#include <sys/socket.h>

#include <check.h>

#include "base/addr.h"

/* Listen on a free port of loopback. */
static int
listen_free(struct addr *a)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	addr_parse_ip("127.0.0.1", 0, a);
	len = addr_to_sockaddr(a, &ss);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&ss, len), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	getsockname(fd, (struct sockaddr *)&ss, &len);
	addr_from_sockaddr((struct sockaddr *)&ss, len, a);
	return fd;
}

#endif
