/*
 * The connection to the control socket. It has the proxy mark its errors, see
 * ASK_MARKS in ctl.c.
 */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctl_link.h"

#define DIAL_S 10
#define PIECE  65536

/* Set the reason. Returns -1. */
static int __attribute__((format(printf, 2, 3)))
fail(char error[LINK_ERROR_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, LINK_ERROR_MAX, fmt, ap);
	va_end(ap);
	return -1;
}

/* Why nobody could be reached at path, and what to do about it. */
static int
explain(const char *path, char error[LINK_ERROR_MAX])
{
	const char *hint = "";

	if (errno == ENOENT)
		hint = ": is control-socket set in the configuration, and "
		       "roleproxy running? -s names another one";
	else if (errno == ECONNREFUSED)
		hint = ": nobody listens there; is roleproxy running?";
	else if (errno == EACCES)
		hint = ": control-mode in the configuration says who may";
	else if (errno == EAGAIN)
		hint = ": roleproxy does not take the connection";
	return fail(error, "%s: %s%s", path, strerror(errno), hint);
}

/* Connect. Returns the socket, -1 with the reason in error. */
static int
dial(const char *path, char error[LINK_ERROR_MAX])
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval tv = {DIAL_S, 0};
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return fail(error, "%s: the path is too long", path);
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(error, "cannot open a socket: %s", strerror(errno));
	/* Of connect(2) too, see unix(7): while the other side is busy. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	explain(path, error);
	close(fd);
	return -1;
}

/* Has the answer come to its end, an empty line? */
static bool
is_complete(const struct answer *a)
{
	return a->len == 1
		   ? a->text[0] == '\n'
		   : a->len > 1 && strcmp(a->text + a->len - 2, "\n\n") == 0;
}

/* Read the answer, up to the end of the connection. -1 with the reason in error
 * why there is none, or not all of it. */
static int
hear(int fd, struct answer *a, int64_t ms, char error[LINK_ERROR_MAX])
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t until = clock_ms() + ms, left;
	ssize_t n;

	do {
		left = until - clock_ms();
		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return fail(error, "no answer within %lld s",
			    (long long)ms / 1000);
		a->text = xrealloc(a->text, a->len + PIECE + 1);
		n = recv(fd, a->text + a->len, PIECE, MSG_DONTWAIT);
		a->len += n > 0 ? (size_t)n : 0;
		a->text[a->len] = '\0';
	} while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	if (is_complete(a))
		return 0;
	return fail(
	    error, "the connection ended before the answer was complete");
}

int
link_ask(const char *path, const char *lines, int64_t ms, struct answer *a,
    char error[LINK_ERROR_MAX])
{
	int fd = dial(path, error), result = -1;

	if (fd < 0)
		return -1;
	/* Who refuses a connection may have closed it; it says why. */
	if (send(fd, lines, strlen(lines), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		fail(error, "%s: %s", path, strerror(errno));
	else
		result = hear(fd, a, ms, error);
	close(fd);
	return result;
}
