/*
 * proxy/relay.c and proxy/endpoint.c: every byte, in order, and every end of
 * file, over real sockets. Each test runs on a socketpair and on loopback TCP,
 * each test of a direction in both.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxy/relay.h"
#include "tests/unit/relay_programs.h"

/* Of the index of a loop, bit 0 says the transport, bit 1 the program. */
#define PROGRAM(i) ((i)&2 ? &server : &client)
#define OTHER(p)   ((p) == &client ? &server : &client)

/* Both ways at once through small sockets, with chunks of all sizes. */
START_TEST(test_exact)
{
	int64_t since = clock_ms();
	unsigned round = 0;
	size_t n;

	start(_i & 1, SMALL);
	while ((client.received < BULK || server.received < BULK) &&
	       !is_late(since)) {
		round++;
		n = round * 7919 % 8192;
		send_some(
		    &client, n < BULK - client.sent ? n : BULK - client.sent);
		n = round * 104729 % 8192;
		send_some(
		    &server, n < BULK - server.sent ? n : BULK - server.sent);
		turn();
		receive_some(&client, 1 + round * 31 % 8000);
		receive_some(&server, 1 + round * 17 % 8000);
	}
	ck_assert_uint_eq(r.bytes_in, BULK);
	ck_assert_uint_eq(r.bytes_out, BULK);
	shutdown(client.fd, SHUT_WR);
	receive_eof(&server, BULK);
	ck_assert_int_eq(result, RELAY_ON);
	shutdown(server.fd, SHUT_WR);
	finish(&client, BULK);
	stop();
}
END_TEST

/* Question and answer: nothing is kept, and it is known who spoke last. */
START_TEST(test_ping_pong)
{
	uint64_t i;

	start(_i & 1, 0);
	for (i = 1; i <= 200; i++) {
		ck_assert_uint_eq(send_some(&client, 14), 14);
		receive_all(&server, 14 * i);
		ck_assert(!r.server_spoke);
		ck_assert_uint_eq(send_some(&server, 7), 7);
		receive_all(&client, 7 * i);
		ck_assert(r.server_spoke);
		ck_assert_ptr_null(r.client.pending);
		ck_assert_ptr_null(r.server.pending);
	}
	ck_assert_uint_eq(r.bytes_in, 14 * 200);
	ck_assert_uint_eq(r.bytes_out, 7 * 200);
	ck_assert_int_le(((int64_t)r.active) << RELAY_TICK, clock_ms());
	ck_assert_int_gt(((int64_t)r.active + 100) << RELAY_TICK, clock_ms());
	ck_assert_int_eq(result, RELAY_ON);
	ck_assert(!r.stalled);
	stop();
}
END_TEST

/* A full sink: what it does not take is kept, no more than a buffer; the other
 * way goes on; then all of it arrives. */
START_TEST(test_full_sink)
{
	struct program *p, *other;

	start(_i & 1, SMALL);
	p = PROGRAM(_i);
	other = OTHER(p);
	send_until_full(p);
	ck_assert_int_eq(result, RELAY_ON);
	ck_assert_ptr_nonnull(other->end->pending);
	ck_assert_uint_gt(other->end->length, 0);
	ck_assert_uint_le(other->end->length, RELAY_BUFFER);
	ck_assert_ptr_null(p->end->pending);
	send_some(other, 1000);
	receive_all(p, 1000);
	receive_all(other, p->sent);
	ck_assert_ptr_null(other->end->pending);
	send_some(p, 1000);
	receive_all(other, p->sent);
	ck_assert_int_eq(result, RELAY_ON);
	stop();
}
END_TEST

/* Both sinks are full at once, and both recover. */
START_TEST(test_both_full)
{
	start(_i & 1, SMALL);
	send_until_full(&client);
	send_until_full(&server);
	ck_assert_ptr_nonnull(r.client.pending);
	ck_assert_ptr_nonnull(r.server.pending);
	receive_all(&client, server.sent);
	receive_all(&server, client.sent);
	ck_assert_ptr_null(r.client.pending);
	ck_assert_ptr_null(r.server.pending);
	stop();
}
END_TEST

/* One end is through; the other goes on and ends later. */
START_TEST(test_half_close)
{
	struct program *p, *other;

	start(_i & 1, 0);
	p = PROGRAM(_i);
	other = OTHER(p);
	send_some(p, 100);
	receive_all(other, 100);
	shutdown(p->fd, SHUT_WR);
	receive_eof(other, 100);
	ck_assert_int_eq(result, RELAY_ON);
	ck_assert(p->end->eof && other->end->shut);
	ck_assert(!other->end->eof && !p->end->shut);
	send_some(other, 5000);
	receive_all(p, 5000);
	ck_assert(!p->eof);
	ck_assert_int_eq(result, RELAY_ON);
	shutdown(other->fd, SHUT_WR);
	finish(p, 5000);
	stop();
}
END_TEST

/* An end of file behind bytes that the sink cannot take yet. */
START_TEST(test_half_close_pending)
{
	struct program *p, *other;

	start(_i & 1, SMALL);
	p = PROGRAM(_i);
	other = OTHER(p);
	send_until_full(p);
	shutdown(p->fd, SHUT_WR);
	settle();
	ck_assert_int_eq(result, RELAY_ON);
	ck_assert(!other->end->shut);
	receive_eof(other, p->sent);
	send_some(other, 300);
	receive_all(p, 300);
	shutdown(other->fd, SHUT_WR);
	finish(p, 300);
	stop();
}
END_TEST

/* The last end of file while the other end is still full: not done before its
 * bytes are gone. */
START_TEST(test_done_after_pending)
{
	struct program *p, *other;

	start(_i & 1, SMALL);
	p = PROGRAM(_i);
	other = OTHER(p);
	send_until_full(p);
	shutdown(other->fd, SHUT_WR);
	shutdown(p->fd, SHUT_WR);
	settle();
	ck_assert_int_eq(result, RELAY_ON);
	receive_all(other, p->sent);
	finish(other, p->sent);
	stop();
}
END_TEST

/* Bytes and the end of file in one event: the end is not reported again. */
START_TEST(test_data_then_fin)
{
	struct program *p, *other;

	start(_i & 1, 0);
	p = PROGRAM(_i);
	other = OTHER(p);
	settle();
	seen = 0;
	send_some(p, 3000);
	shutdown(p->fd, SHUT_WR);
	wait_readable(p->end);
	receive_eof(other, 3000);
	ck_assert(seen & EV_CLOSED);
	ck_assert(p->end->closed && p->end->eof);
	ck_assert_int_eq(result, RELAY_ON);
	stop();
}
END_TEST

/* The same with a program that closes for good, when the sink was full. */
START_TEST(test_close_while_full)
{
	struct program *p, *other;

	start(_i & 1, SMALL);
	p = PROGRAM(_i);
	other = OTHER(p);
	send_until_full(p);
	leave(p);
	settle();
	ck_assert_ptr_nonnull(other->end->pending);
	receive_eof(other, p->sent);
	ck_assert_int_eq(result, RELAY_ON);
	shutdown(other->fd, SHUT_WR);
	expect_result(RELAY_DONE);
	stop();
}
END_TEST

/* A connection that is reset. */
START_TEST(test_reset)
{
	const struct linger at_once = {1, 0};
	struct program *p;

	start(true, 0);
	p = PROGRAM(_i);
	send_some(p, 100);
	receive_all(OTHER(p), 100);
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	leave(p);
	expect_result(p == &client ? RELAY_CLIENT_BROKEN : RELAY_SERVER_BROKEN);
	stop();
}
END_TEST

/* Reset while bytes for it wait: the sink is what is broken. */
START_TEST(test_reset_while_full)
{
	const struct linger at_once = {1, 0};
	struct program *p;

	start(true, SMALL);
	p = PROGRAM(_i);
	send_until_full(OTHER(p));
	ck_assert_ptr_nonnull(p->end->pending);
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	leave(p);
	expect_result(p == &client ? RELAY_CLIENT_BROKEN : RELAY_SERVER_BROKEN);
	stop();
}
END_TEST

/* Bytes for a program that is gone: no signal, and the right end is broken. */
START_TEST(test_send_to_gone)
{
	struct program *p;
	int64_t since = clock_ms();

	start(_i & 1, 0);
	p = PROGRAM(_i);
	leave(p);
	receive_eof(OTHER(p), 0);
	ck_assert_int_eq(result, RELAY_ON);
	while (result <= RELAY_AGAIN && !is_late(since)) {
		send_some(OTHER(p), 100);
		turn();
	}
	ck_assert_int_eq(
	    result, p == &client ? RELAY_CLIENT_BROKEN : RELAY_SERVER_BROKEN);
	stop();
}
END_TEST

/* More than the budget is waiting: it stops there, and goes on when told to.
 * Only a socketpair takes so much with nobody reading. shares: beside others.
 */
static void
check_budget(int which, bool shares)
{
	uint64_t budget = shares ? RELAY_SHARE : RELAY_BUDGET;
	struct program *p, *other;
	uint64_t *moved;

	start(false, 1024 * 1024);
	r.shares = shares;
	p = PROGRAM(which);
	other = OTHER(p);
	moved = p == &client ? &r.bytes_in : &r.bytes_out;
	while (p->sent < RELAY_BUDGET + 1000 && send_some(p, 8192) > 0)
		;
	ck_assert_uint_ge(p->sent, RELAY_BUDGET + 1000);
	ck_assert_int_eq(
	    relay_event(&r, p == &client, EV_READ, buffer, FOREVER),
	    RELAY_AGAIN);
	ck_assert_uint_eq(*moved, budget);
	ck_assert_ptr_null(other->end->pending);
	r.shares = false;
	ck_assert_int_le(relay_both(&r, buffer, FOREVER), RELAY_AGAIN);
	ck_assert_int_eq(relay_both(&r, buffer, FOREVER), RELAY_ON);
	ck_assert_uint_eq(*moved, p->sent);
	receive_all(other, p->sent);
	stop();
}

START_TEST(test_budget)
{
	check_budget(_i, false);
	check_budget(_i, true);
}
END_TEST

/* How long an answer is shows in its first bytes. */
START_TEST(test_brief)
{
	static const struct {
		bool from_client;
		size_t bytes;
		bool brief;
	} steps[] = {
	    {true, 20, false},
	    {false, 5, true},
	    {true, 20, true},
	    {false, RELAY_BRIEF, false},
	    {false, 5, false}, /* the same answer's end */
	    {true, 60000, false},
	    {false, RELAY_BRIEF - 1, true},
	};
	size_t i;

	start(false, 1024 * 1024);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ck_assert_int_gt(
		    send_some(steps[i].from_client ? &client : &server,
			steps[i].bytes),
		    0);
		ck_assert_int_eq(relay_both(&r, buffer, FOREVER), RELAY_ON);
		ck_assert_int_eq(r.brief, steps[i].brief);
	}
	stop();
}
END_TEST

/* The budget is spent with the end of file still behind. */
START_TEST(test_budget_then_fin)
{
	struct program *p, *other;

	start(false, 1024 * 1024);
	p = PROGRAM(_i);
	other = OTHER(p);
	while (p->sent < RELAY_BUDGET + 1000 && send_some(p, 8192) > 0)
		;
	shutdown(p->fd, SHUT_WR);
	result =
	    relay_event(&r, p == &client, EV_READ | EV_CLOSED, buffer, FOREVER);
	ck_assert_int_eq(result, RELAY_AGAIN);
	ck_assert(!p->end->eof);
	receive_eof(other, p->sent);
	stop();
}
END_TEST

/* After its time a client is not read; the server is; then it goes on. */
START_TEST(test_stalled)
{
	start(_i & 1, 0);
	settle();
	read_until = clock_coarse_ms() - 1;
	send_some(&client, 500);
	send_some(&server, 700);
	receive_all(&client, 700);
	settle();
	ck_assert(r.stalled);
	ck_assert_uint_eq(r.bytes_in, 0);
	ck_assert_ptr_null(r.server.pending);
	ck_assert_uint_eq(receive_some(&server, 1), 0);
	ck_assert_int_eq(result, RELAY_ON);
	r.stalled = false;
	read_until = FOREVER;
	ck_assert_int_eq(relay_both(&r, buffer, FOREVER), RELAY_ON);
	receive_all(&server, 500);
	ck_assert(!r.stalled);
	stop();
}
END_TEST

/* A client's end of file is not read either, and is not lost. */
START_TEST(test_stalled_fin)
{
	start(_i & 1, 0);
	settle();
	read_until = clock_coarse_ms() - 1;
	send_some(&client, 500);
	shutdown(client.fd, SHUT_WR);
	settle();
	ck_assert(r.stalled && !r.client.eof && !r.server.shut);
	read_until = FOREVER;
	result = relay_both(&r, buffer, FOREVER);
	receive_eof(&server, 500);
	stop();
}
END_TEST

/* What waits for the server is not sent after that time, though it could be. */
START_TEST(test_stalled_pending)
{
	char kept[2];

	start(_i & 1, 0);
	kept[0] = byte_at(&client, 0);
	kept[1] = byte_at(&client, 1);
	client.sent = 2;
	ck_assert_int_eq(endpoint_keep(&r.server, kept, 2), 0);
	read_until = clock_coarse_ms() - 1;
	settle();
	ck_assert_int_eq(relay_both(&r, buffer, read_until), RELAY_ON);
	ck_assert_int_eq(
	    relay_event(&r, false, EV_WRITE, buffer, read_until), RELAY_ON);
	ck_assert(r.stalled);
	ck_assert_uint_eq(r.server.length, 2);
	ck_assert_uint_eq(receive_some(&server, 2), 0);
	read_until = FOREVER;
	ck_assert_int_eq(relay_both(&r, buffer, FOREVER), RELAY_ON);
	ck_assert_ptr_null(r.server.pending);
	receive_all(&server, 2);
	stop();
}
END_TEST

/* Send for the client once the relay's time is over. */
static void *
send_late(void *arg)
{
	const int64_t *until = arg;

	while (clock_coarse_ms() <= *until)
		poll(NULL, 0, 1);
	send_some(&client, 900);
	return NULL;
}

/* Stopped between the look at the clock and the bytes (a socket that blocks
 * stands for the stopped process): they are kept, unsent. */
START_TEST(test_stopped_in_recv)
{
	int64_t until;
	pthread_t thread;

	start(_i & 1, 0);
	settle();
	ck_assert_int_eq(fcntl(r.client.fd, F_SETFL, 0), 0);
	until = clock_coarse_ms() + 200;
	ck_assert_int_eq(pthread_create(&thread, NULL, send_late, &until), 0);
	result = relay_event(&r, true, EV_READ, buffer, until);
	pthread_join(thread, NULL);
	ck_assert_int_eq(fcntl(r.client.fd, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(result, RELAY_ON);
	ck_assert(r.stalled);
	ck_assert_uint_eq(r.server.length, 900);
	read_until = until;
	settle();
	ck_assert_uint_eq(receive_some(&server, 1), 0);
	read_until = FOREVER;
	ck_assert_int_eq(relay_both(&r, buffer, FOREVER), RELAY_ON);
	receive_all(&server, 900);
	send_some(&client, 100);
	receive_all(&server, 1000);
	stop();
}
END_TEST

/* Before a fence: what the server has sent is passed on, the client not read.
 */
START_TEST(test_from_server)
{
	start(_i & 1, 0);
	send_some(&client, 400);
	send_some(&server, 600);
	wait_readable(&r.client);
	wait_readable(&r.server);
	ck_assert_int_eq(relay_from_server(&r, buffer), RELAY_ON);
	ck_assert_uint_eq(r.bytes_out, 600);
	ck_assert_uint_eq(r.bytes_in, 0);
	while (receive_some(&client, 600) > 0)
		;
	ck_assert_uint_eq(client.received, 600);
	ck_assert_uint_eq(receive_some(&server, 1), 0);
	stop();
}
END_TEST

/* An endpoint by itself. */
START_TEST(test_endpoint)
{
	start(_i & 1, SMALL);
	ck_assert_int_eq(endpoint_flush(&r.client), 0);
	ck_assert_int_eq(endpoint_keep(&r.client, "abc", 3), 0);
	endpoint_shut(&r.client);
	ck_assert(!r.client.shut);
	ck_assert_int_eq(endpoint_flush(&r.client), 0);
	ck_assert_ptr_null(r.client.pending);
	ck_assert_uint_eq(r.client.length, 0);
	endpoint_shut(&r.client);
	ck_assert(r.client.shut);
	ck_assert_int_eq(endpoint_send(&r.client, "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_int_eq(endpoint_keep(&r.server, "abc", 3), 0);
	endpoint_close(&r.server);
	ck_assert_int_eq(r.server.fd, -1);
	ck_assert_ptr_null(r.server.pending);
	stop();
}
END_TEST

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("relay");
	TCase *tc = tcase_create("relay");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_exact, 0, 2);
	tcase_add_loop_test(tc, test_ping_pong, 0, 2);
	tcase_add_loop_test(tc, test_full_sink, 0, 4);
	tcase_add_loop_test(tc, test_both_full, 0, 2);
	tcase_add_loop_test(tc, test_half_close, 0, 4);
	tcase_add_loop_test(tc, test_half_close_pending, 0, 4);
	tcase_add_loop_test(tc, test_done_after_pending, 0, 4);
	tcase_add_loop_test(tc, test_data_then_fin, 0, 4);
	tcase_add_loop_test(tc, test_close_while_full, 0, 4);
	tcase_add_loop_test(tc, test_reset, 1, 3);
	tcase_add_loop_test(tc, test_reset_while_full, 1, 3);
	tcase_add_loop_test(tc, test_send_to_gone, 0, 4);
	tcase_add_loop_test(tc, test_budget, 1, 3);
	tcase_add_test(tc, test_brief);
	tcase_add_loop_test(tc, test_budget_then_fin, 1, 3);
	tcase_add_loop_test(tc, test_stalled, 0, 2);
	tcase_add_loop_test(tc, test_stalled_fin, 0, 2);
	tcase_add_loop_test(tc, test_stalled_pending, 0, 2);
	tcase_add_loop_test(tc, test_stopped_in_recv, 0, 2);
	tcase_add_loop_test(tc, test_from_server, 0, 2);
	tcase_add_loop_test(tc, test_endpoint, 0, 2);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
