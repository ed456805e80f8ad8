/*
 * Two programs that talk through a relay.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/relay_programs.h"

struct event_base *base;
struct relay r;
struct program client, server;
enum relay_result result;
int64_t read_until;
short seen; /* all events so far */
char buffer[RELAY_BUFFER];
bool tcp;

/* The byte at that place of a program's stream. */
char
byte_at(const struct program *p, uint64_t at)
{
	uint64_t x = (at + p->seed) * 0x9e3779b97f4a7c15u;

	return (char)(x >> 56);
}

/* What libevent calls for each end. */
static void
event_cb(evutil_socket_t fd, short what, void *arg)
{
	const struct program *p = arg;

	(void)fd;
	seen |= what;
	if (result <= RELAY_AGAIN)
		result = relay_event(
		    &r, p->end == &r.client, what, buffer, read_until);
}

/* Two ends of loopback TCP. */
static void
tcp_pair(int fds[2])
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(
	    getsockname(listener, (struct sockaddr *)&sin, &len), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fds[0], (struct sockaddr *)&sin, len), 0);
	fds[1] = accept(listener, NULL, NULL);
	ck_assert_int_ge(fds[1], 0);
	close(listener);
}

/* Connect a program to its end of the relay. room: of the buffers, 0 default.
 */
static void
attach(struct program *p, struct endpoint *end, uint32_t seed, int room)
{
	int fds[2], i;

	if (tcp)
		tcp_pair(fds);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	room *= tcp ? 8 : 1; /* very small ones make TCP wait for its timers */
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
		if (room > 0)
			setsockopt(
			    fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	}
	memset(p, 0, sizeof(*p));
	p->fd = fds[0];
	p->seed = seed;
	p->end = end;
	ck_assert_int_eq(endpoint_open(end, base, fds[1], event_cb, p), 0);
}

/* A relay between two programs. */
void
start(bool over_tcp, int room)
{
	tcp = over_tcp;
	result = RELAY_ON;
	read_until = FOREVER;
	seen = 0;
	memset(&r, 0, sizeof(r));
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	attach(&client, &r.client, 1, room);
	attach(&server, &r.server, 1000003, room);
}

/* Close a program's socket. */
void
leave(struct program *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/* And everything. */
void
stop(void)
{
	endpoint_close(&r.client);
	endpoint_close(&r.server);
	endpoint_close(&r.server);
	ck_assert_int_eq(r.client.fd, -1);
	leave(&client);
	leave(&server);
	event_base_free(base);
}

/* Handle the events there are, and what was left over for lack of budget. */
void
turn(void)
{
	ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	if (result == RELAY_AGAIN)
		result = relay_both(&r, buffer, read_until);
}

/* Send up to n bytes of its stream; how many the socket took. */
size_t
send_some(struct program *p, size_t n)
{
	char chunk[8192];
	ssize_t sent;
	size_t i;

	n = n < sizeof(chunk) ? n : sizeof(chunk);
	for (i = 0; i < n; i++)
		chunk[i] = byte_at(p, p->sent + i);
	sent = send(p->fd, chunk, n, MSG_NOSIGNAL);
	if (sent < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		return 0;
	}
	p->sent += (uint64_t)sent;
	return (size_t)sent;
}

/* Receive up to n bytes; they are what the other has sent. */
size_t
receive_some(struct program *p, size_t n)
{
	const struct program *other = p == &client ? &server : &client;
	char chunk[8192];
	ssize_t got;
	size_t i;

	n = n < sizeof(chunk) ? n : sizeof(chunk);
	got = recv(p->fd, chunk, n, 0);
	if (got < 0 && errno == ECONNRESET)
		p->reset = true;
	if (got <= 0) {
		p->eof |= got == 0;
		return 0;
	}
	/* A ck_assert a byte would take most of the time. */
	for (i = 0; i < (size_t)got; i++) {
		if (chunk[i] != byte_at(other, p->received + i))
			ck_abort_msg("byte %llu is wrong",
			    (unsigned long long)(p->received + i));
	}
	p->received += (uint64_t)got;
	ck_assert_uint_le(p->received, other->sent);
	return (size_t)got;
}

/* Time to give up? */
bool
is_late(int64_t since)
{
	return clock_ms() - since > PATIENT;
}

/* Receive until so many bytes are there. */
void
receive_all(struct program *p, uint64_t n)
{
	int64_t since = clock_ms();

	while (p->received < n && !is_late(since)) {
		turn();
		receive_some(p, n - p->received);
	}
	ck_assert_uint_eq(p->received, n);
}

/* Receive until the end of file, which comes after so many bytes. */
void
receive_eof(struct program *p, uint64_t n)
{
	int64_t since = clock_ms();

	while (!p->eof && !is_late(since)) {
		turn();
		receive_some(p, SMALL);
	}
	ck_assert(p->eof);
	ck_assert_uint_eq(p->received, n);
}

/* Wait for a result other than RELAY_ON. */
void
expect_result(enum relay_result expected)
{
	int64_t since = clock_ms();

	while (result <= RELAY_AGAIN && !is_late(since))
		turn();
	ck_assert_int_eq(result, expected);
}

/* Both are through: close, as a session does; p's end of file comes after so
 * many bytes. */
void
finish(struct program *p, uint64_t n)
{
	expect_result(RELAY_DONE);
	endpoint_close(&r.client);
	endpoint_close(&r.server);
	receive_eof(p, n);
}

/* Let everything settle: nothing has come for some turns. */
void
settle(void)
{
	int i;

	for (i = 0; i < 20; i++) {
		turn();
		poll(NULL, 0, 1);
	}
}

/* Send until nothing is taken any more, turn after turn. */
void
send_until_full(struct program *p)
{
	int idle = 0;

	while (idle < 3) {
		if (send_some(p, 8192) > 0) {
			idle = 0;
		} else {
			idle++;
			settle();
		}
	}
}

/* Bytes are waiting in the socket of this end. */
void
wait_readable(const struct endpoint *e)
{
	struct pollfd p = {e->fd, POLLIN, 0};

	ck_assert_int_eq(poll(&p, 1, PATIENT), 1);
}
