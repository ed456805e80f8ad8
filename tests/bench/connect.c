/*
 * Benchmark client: one PING per connection. Keeps a number of connections in
 * flight, each connects, sends PING, reads +PONG and closes; prints connections
 * a second. Sources are spread over 127.0.0.0/8 so that ports do not run out.
 * usage: connect PORT CONNECTIONS [IN_FLIGHT]
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PING "*1\r\n$4\r\nPING\r\n"
#define PONG "+PONG\r\n"

static int epfd;
static struct sockaddr_in target;
static unsigned long started, wanted, done, failed;

/* Start the next connection, unless there are enough. */
static void
start(void)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct epoll_event ev = {.events = EPOLLOUT};
	int one = 1, fd;

	if (started == wanted)
		return;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		perror("socket");
		exit(1);
	}
	from.sin_addr.s_addr = htonl(0x7f000002 + started % 200);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	ev.data.fd = fd;
	if (bind(fd, (struct sockaddr *)&from, sizeof from) == -1 ||
	    (connect(fd, (struct sockaddr *)&target, sizeof target) == -1 &&
		errno != EINPROGRESS) ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) == -1) {
		perror("connect");
		exit(1);
	}
	started++;
}

/* One connection has something to tell. */
static void
turn(int fd, uint32_t events)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
	char buf[64];
	ssize_t n;

	if (events & EPOLLOUT) {
		if (send(fd, PING, strlen(PING), MSG_NOSIGNAL) ==
		    (ssize_t)strlen(PING)) {
			epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &ev);
			return;
		}
		failed++;
	} else {
		n = recv(fd, buf, sizeof buf, 0);
		if (n != (ssize_t)strlen(PONG) || memcmp(buf, PONG, n) != 0)
			failed++;
	}
	close(fd);
	done++;
	start();
}

/* Parse the command line, run until all are done. */
int
main(int argc, char **argv)
{
	struct epoll_event events[64];
	struct timespec a, b;
	int i, n, in_flight;

	if (argc < 3) {
		fprintf(
		    stderr, "usage: connect PORT CONNECTIONS [IN_FLIGHT]\n");
		return 2;
	}
	target.sin_family = AF_INET;
	target.sin_port = htons(atoi(argv[1]));
	target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	wanted = strtoul(argv[2], NULL, 10);
	in_flight = argc > 3 ? atoi(argv[3]) : 50;
	epfd = epoll_create1(0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < in_flight; i++)
		start();
	while (done < wanted) {
		n = epoll_wait(epfd, events, 64, 10000);
		if (n == 0 || (n == -1 && errno != EINTR)) {
			fprintf(stderr, "no answer for 10 s\n");
			return 1;
		}
		for (i = 0; i < n; i++)
			turn(events[i].data.fd, events[i].events);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f connections/s, %lu failed\n",
	    done / ((b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9),
	    failed);
	return failed != 0;
}
