/*
 * A real redis-server for a unit test, in a folder of its own and on a free
 * port of loopback; it ends with the test, however that ends. One per test.
 */
#ifndef TESTS_UNIT_REDIS_SERVER_H
#define TESTS_UNIT_REDIS_SERVER_H

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "tests/unit/listen_free.h"

static struct {
	char dir[64];
	struct addr addr;
	pid_t pid;
} redis;

/* Send one inline command on a connection of its own and return the start of
 * its answer; NULL if nobody is there. */
static const char *__attribute__((format(printf, 1, 2)))
command(const char *fmt, ...)
{
	static char answer[512];
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&redis.addr, &ss);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n = -1;
	va_list ap;

	if (connect(fd, (struct sockaddr *)&ss, len) == 0) {
		va_start(ap, fmt);
		vdprintf(fd, fmt, ap);
		va_end(ap);
		dprintf(fd, "\r\n");
		n = read(fd, answer, sizeof(answer) - 1);
	}
	close(fd);
	if (n <= 0)
		return NULL;
	answer[n] = '\0';
	return answer;
}

/* Start redis-server on some free port. */
static void
redis_spawn(const char *options)
{
	char line[512];

	close(listen_free(&redis.addr));
	snprintf(line, sizeof(line),
	    "exec redis-server --port %u --dir %s --bind 127.0.0.1 --logfile "
	    "log --save '' %s",
	    redis.addr.port, redis.dir, options);
	if ((redis.pid = fork()) != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

/* Start redis-server with these options, and wait until it answers. Someone may
 * have taken its port, or that of its cluster bus: then once more. */
static void
redis_start(const char *options)
{
	int tries = 20;

	redis_spawn(options);
	while (command("PING") == NULL) {
		if (waitpid(redis.pid, NULL, WNOHANG) != 0) {
			ck_assert_int_gt(--tries, 0);
			redis_spawn(options);
		}
		poll(NULL, 0, 10);
	}
}

/* Stop it. */
static void
redis_stop(void)
{
	kill(redis.pid, SIGKILL);
	waitpid(redis.pid, NULL, 0);
}

#endif
