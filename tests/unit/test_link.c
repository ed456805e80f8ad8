/*
 * health/link.c against two scripted servers on loopback: the introduction,
 * whole answers however they arrive, and how it ends and begins again.
 */
#include <sys/socket.h>

#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "health/link.h"
#include "tests/unit/listen_free.h"

#define SECRET "s3cr3t-pw"
#define SETNAME \
	"*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$14\r\nroleproxy-link\r\n"
#define OK "+OK\r\n"

static struct event_base *base;
static struct link *link_;

/* What the owner was told. */
static struct {
	int ups, downs, replies;
	int64_t down_at;
	char why[128], said[512]; /* the replies, a word each */
	void (*in_reply)(void), (*in_up)(void);
} told;

/*
 * The scripted servers.
 */
struct server {
	int fd;
	struct addr addr;
	struct event *accept;
	struct bufferevent *client;
	const char *answer; /* to what is asked first; NULL: it closes */
	bool bytewise;      /* each byte for itself */
	int accepted;
	int64_t accepted_at;
	char asked[1024]; /* by the last client */
};

static struct server servers[2];

/* Close the client's connection. */
static void
server_end(struct server *s)
{
	if (s->client != NULL)
		bufferevent_free(s->client);
	s->client = NULL;
}

/* Send so many bytes, and have the link read them. */
static void
server_send(struct server *s, const char *bytes, size_t len)
{
	ck_assert_ptr_nonnull(s->client);
	ck_assert_int_eq(
	    send(bufferevent_getfd(s->client), bytes, len, MSG_NOSIGNAL),
	    (ssize_t)len);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Send a text, at once or bytewise. */
static void
server_say(struct server *s, const char *text)
{
	size_t i, len = strlen(text);

	if (!s->bytewise) {
		server_send(s, text, len);
		return;
	}
	for (i = 0; i < len && s->client != NULL; i++)
		server_send(s, text + i, 1);
}

/* Something was asked. */
static void
server_read_cb(struct bufferevent *bev, void *arg)
{
	struct server *s = arg;
	size_t len = strlen(s->asked);
	const char *answer = s->answer;

	len +=
	    bufferevent_read(bev, s->asked + len, sizeof(s->asked) - 1 - len);
	s->asked[len] = '\0';
	s->answer = "";
	if (answer != NULL && answer[0] != '\0')
		bufferevent_write(bev, answer, strlen(answer));
}

/* The link has closed. */
static void
server_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct server *s = arg;

	(void)what;
	bufferevent_free(bev);
	if (s->client == bev)
		s->client = NULL;
}

/* A client has come. */
static void
server_accept_cb(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int on = 1;

	(void)what;
	if (client < 0)
		return;
	s->accepted++;
	s->accepted_at = clock_ms();
	if (s->answer == NULL) {
		close(client);
		return;
	}
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	s->asked[0] = '\0';
	s->client = bufferevent_socket_new(base, client, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(s->client, server_read_cb, NULL, server_event_cb, s);
	bufferevent_enable(s->client, EV_READ);
}

/*
 * The owner.
 */

static void
up(void *arg)
{
	ck_assert_ptr_eq(arg, &told);
	ck_assert(link_is_up(link_));
	told.ups++;
	if (told.in_up != NULL)
		told.in_up();
}

static void
reply(const struct resp *r, size_t n, void *arg)
{
	size_t len = strlen(told.said);

	ck_assert_ptr_eq(arg, &told);
	ck_assert(link_is_up(link_));
	told.replies++;
	snprintf(told.said + len, sizeof(told.said) - len, "%s%zu:%.*s",
	    len > 0 ? " " : "", n, (int)(r[n - 1].len > 20 ? 20 : r[n - 1].len),
	    r[n - 1].str);
	if (told.in_reply != NULL)
		told.in_reply();
}

static void
down(const char *why, void *arg)
{
	ck_assert_ptr_eq(arg, &told);
	ck_assert(!link_is_up(link_));
	ck_assert_ptr_null(strstr(why, SECRET));
	told.downs++;
	told.down_at = clock_ms();
	snprintf(told.why, sizeof(told.why), "%s", why);
}

static const struct link_ops ops = {up, reply, down};

/* Only so that the loop turns. */
static void
tick_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Run the event loop until that counter has this value. */
static void
wait_for(const int *counter, int value)
{
	int64_t deadline = clock_ms() + 10000;

	while (*counter < value && clock_ms() < deadline)
		ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
	ck_assert_int_eq(*counter, value);
}

/* Run the event loop for so long. */
static void
run_for(int64_t ms)
{
	int64_t deadline = clock_ms() + ms;

	while (clock_ms() < deadline)
		ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
}

/* Make the link. */
static void
make(const char *username, const char *password)
{
	link_ = link_new(base, &ops, username, password, &told);
	ck_assert_ptr_nonnull(link_);
	ck_assert(!link_is_up(link_));
	ck_assert_int_eq(link_heard_at(link_), 0);
}

/* Make the link to the first server, and have it up. */
static void
make_up(void)
{
	servers[0].answer = OK;
	make(NULL, NULL);
	link_open(link_, &servers[0].addr);
	wait_for(&told.ups, 1);
}

static struct event *tick;

/* An event base and the scripted servers. */
static void
setup(void)
{
	struct timeval tv = {0, 5000};
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	tick = event_new(base, -1, EV_PERSIST, tick_cb, NULL);
	event_add(tick, &tv);
	for (i = 0; i < 2; i++) {
		memset(&servers[i], 0, sizeof(servers[i]));
		servers[i].answer = "";
		servers[i].fd = listen_free(&servers[i].addr);
		servers[i].accept = event_new(base, servers[i].fd,
		    EV_READ | EV_PERSIST, server_accept_cb, &servers[i]);
		event_add(servers[i].accept, NULL);
	}
	memset(&told, 0, sizeof(told));
}

/* Take it down. */
static void
teardown(void)
{
	size_t i;

	link_free(link_);
	for (i = 0; i < 2; i++) {
		server_end(&servers[i]);
		event_free(servers[i].accept);
		close(servers[i].fd);
	}
	event_free(tick);
	event_base_free(base);
}

/* What a server says to the introduction, and what comes of it: up, or why it
 * is not. */
struct intro {
	const char *answer, *why; /* why: NULL: it is up */
	bool password;
};

static const struct intro intros[] = {
    {OK, NULL, false},
    {OK OK, NULL, true},
    {"-ERR unknown subcommand 'SETNAME'\r\n", NULL, false},
    {"-NOPERM this user has no permissions to run it\r\n", NULL, false},
    {OK "-NOPERM this user has no permissions to run it\r\n", NULL, true},
    {"-ERR AUTH <password> called without any password configured for the "
     "default user. Are you sure your configuration is correct?\r\n" OK,
	NULL, true},
    {"-ERR Client sent AUTH, but no password is set\r\n" OK, NULL, true},
    {"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
	"wrong password", true},
    {"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
     "-NOAUTH Authentication required.\r\n",
	"wrong password", true},
    {"-ERR invalid password\r\n", "wrong password", true},
    {"-NOAUTH Authentication required.\r\n", "password needed", false},
    {"-DENIED Redis is running in protected mode.\r\n", "protected mode",
	false},
    {"-ERR max number of clients reached\r\n", "max clients", false},
    {"-ERR max number of clients reached\r\n", "max clients", true},
    {"-LOADING Redis is loading the dataset in memory\r\n", "loading", false},
    {"HTTP/1.1 400 Bad Request\r\n", "protocol error", false},
    {"$" SECRET "\r\n", "protocol error", true},
    {OK "-" SECRET "\r\n", NULL, true},
    {NULL, "", false}, /* closed, or reset */
    {"", "no answer to AUTH", false},
    {OK, "no answer to AUTH", true},
};

START_TEST(test_intro)
{
	const struct intro *t = &intros[_i / 2];
	struct server *s = &servers[0];

	/* The second half of the tests: each byte for itself. */
	if (_i % 2 == 1 && (t->answer == NULL || t->answer[0] == '\0'))
		return;
	s->answer = _i % 2 == 1 ? "" : t->answer;
	s->bytewise = _i % 2 == 1;
	make(NULL, t->password ? SECRET : NULL);
	link_open(link_, &s->addr);
	ck_assert_int_eq(told.ups + told.downs, 0);
	if (s->bytewise) {
		wait_for(&s->accepted, 1);
		server_say(s, t->answer);
	}
	wait_for(t->why == NULL ? &told.ups : &told.downs, 1);
	ck_assert_int_eq(told.ups, t->why == NULL);
	ck_assert_int_eq(told.downs, t->why != NULL);
	ck_assert_int_eq(told.replies, 0);
	if (t->why != NULL && t->why[0] != '\0')
		ck_assert_str_eq(told.why, t->why);
	ck_assert(link_is_up(link_) == (t->why == NULL));
}
END_TEST

/* Ask as soon as it is up. */
static void
ask_ping(void)
{
	static const char *const ping[] = {"PING", NULL};

	link_send(link_, ping);
}

/* The words that are sent. */
START_TEST(test_asked)
{
	static const char *const get[] = {"GET", "a b", "", NULL};

	servers[0].answer = OK OK;
	told.in_up = ask_ping;
	make("me", SECRET);
	link_send(link_, get); /* nobody is there */
	link_open(link_, &servers[0].addr);
	link_send(link_, get);
	wait_for(&told.ups, 1);
	link_send(link_, get);
	run_for(30);
	ck_assert_str_eq(servers[0].asked,
	    "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$9\r\n" SECRET "\r\n" SETNAME
	    "*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nGET\r\n$3\r\na b\r\n$0\r\n\r\n");
}
END_TEST

/* The words without a user, and without a password. */
START_TEST(test_asked_less)
{
	servers[0].answer = _i == 0 ? OK : OK OK;
	make(NULL, _i == 0 ? NULL : SECRET);
	link_open(link_, &servers[0].addr);
	wait_for(&told.ups, 1);
	ck_assert_str_eq(servers[0].asked,
	    _i == 0 ? SETNAME
		    : "*2\r\n$4\r\nAUTH\r\n$9\r\n" SECRET "\r\n" SETNAME);
}
END_TEST

#define MESSAGES                                                           \
	"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n+PONG\r\n$-1\r\n*0\r\n" \
	"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$6\r\nhel\r\no\r\n"             \
	"*2\r\n*2\r\n+a\r\n+b\r\n*1\r\n$1\r\nc\r\n-ERR no\r\n"
#define SAID "4: 1:PONG 1: 1: 4:hel\r\no 6:c 1:ERR no"

/* Whole answers in order, wherever they are cut. */
START_TEST(test_cut)
{
	size_t len = strlen(MESSAGES), i;

	make_up();
	for (i = 0; i <= len; i++) {
		told.replies = 0;
		told.said[0] = '\0';
		if (i > 0)
			server_send(&servers[0], MESSAGES, i);
		ck_assert_int_le(told.replies, 7);
		if (i < len)
			server_send(&servers[0], &MESSAGES[i], len - i);
		wait_for(&told.replies, 7);
		ck_assert_str_eq(told.said, SAID);
	}
	told.replies = 0;
	told.said[0] = '\0';
	servers[0].bytewise = true;
	server_say(&servers[0], MESSAGES);
	wait_for(&told.replies, 7);
	ck_assert_str_eq(told.said, SAID);
	ck_assert_int_eq(told.downs, 0);
	ck_assert_int_le(clock_ms() - link_heard_at(link_), 1000);
}
END_TEST

/* After that it is of no use, though what came before counts. */
START_TEST(test_protocol_error)
{
	static const char *const wrong[] = {
	    "HTTP\r\n", "*1025\r\n", "$262145\r\n", "*1\r\nx", "\r\n"};

	make_up();
	servers[0].answer = OK;
	server_say(&servers[0], "+PONG\r\n");
	server_say(&servers[0], wrong[_i]);
	wait_for(&told.downs, 1);
	ck_assert_str_eq(told.why, "protocol error");
	ck_assert_int_eq(told.replies, 1);
	wait_for(&told.ups, 2);
	server_say(&servers[0], "+PONG\r\n");
	wait_for(&told.replies, 2);
	ck_assert_int_eq(told.downs, 1);
}
END_TEST

/* Write a value of that many arrays of that many values. */
static void
say_arrays(unsigned arrays, unsigned values, const char *text)
{
	struct evbuffer *out = bufferevent_get_output(servers[0].client);
	unsigned i, j;

	evbuffer_add_printf(out, "*%u\r\n", arrays);
	for (i = 0; i < arrays; i++) {
		evbuffer_add_printf(out, "*%u\r\n", values);
		for (j = 0; j < values; j++)
			evbuffer_add_printf(
			    out, "$%zu\r\n%s\r\n", strlen(text), text);
	}
}

/* Arrays, the values in each, of how many bytes; is it taken? */
struct large {
	unsigned arrays, values, bytes;
	bool taken;
};

static const struct large larges[] = {
    {2, 1, 200 * 1024, true}, {3, 1, 200 * 1024, false}, /* over 512 KiB */
    {1000, 3, 500, false}, {15, 1024, 1, true},
    {16, 1024, 1, false}, /* over 16384 heads and leaves */
};

START_TEST(test_large)
{
	const struct large *l = &larges[_i];
	char *text = calloc(1, l->bytes + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', l->bytes);
	make_up();
	say_arrays(l->arrays, l->values, text);
	free(text);
	wait_for(l->taken ? &told.replies : &told.downs, 1);
	ck_assert_int_eq(told.replies, l->taken);
	if (!l->taken)
		ck_assert_str_eq(told.why, "protocol error");
}
END_TEST

/* Many answers at once are no large one. */
START_TEST(test_many)
{
	char *text = calloc(1, 1024 * 1024);
	int i;

	ck_assert_ptr_nonnull(text);
	for (i = 0; i < 100000; i++)
		memcpy(text + i * 7L, "+PONG\r\n", 7);
	make_up();
	bufferevent_write(servers[0].client, text, strlen(text));
	free(text);
	wait_for(&told.replies, 100000);
	ck_assert_int_eq(told.downs, 0);
}
END_TEST

/* It comes back after a pause, which grows while that leads to nothing. */
START_TEST(test_pause)
{
	int64_t pause = 100, waited;
	int i;

	make_up();
	servers[0].answer = NULL;
	server_end(&servers[0]);
	wait_for(&told.downs, 1);
	ck_assert_str_eq(told.why, "closed by the other side");
	for (i = 0; i < 5; i++) {
		wait_for(&servers[0].accepted, 2 + i);
		waited = servers[0].accepted_at - told.down_at;
		ck_assert_int_ge(waited, pause * 3 / 4 - 5);
		ck_assert_int_le(waited, pause * 5 / 4 + 60);
		wait_for(&told.downs, 2 + i);
		pause *= 2;
	}
	/* Once it was up, the pause is as at first. */
	servers[0].answer = OK;
	link_hurry(link_);
	wait_for(&told.ups, 2);
	server_end(&servers[0]);
	wait_for(&told.downs, 7);
	servers[0].answer = OK;
	wait_for(&told.ups, 3);
	ck_assert_int_le(servers[0].accepted_at - told.down_at, 185);
}
END_TEST

/* It does not wait for the end of the pause, and the next is short again. */
START_TEST(test_hurry)
{
	int i;

	servers[0].answer = NULL;
	make(NULL, NULL);
	link_hurry(link_); /* closed: nothing happens */
	link_open(link_, &servers[0].addr);
	for (i = 1; i <= 4; i++)
		wait_for(&told.downs, i);
	link_hurry(link_);
	wait_for(&servers[0].accepted, 5);
	ck_assert_int_le(servers[0].accepted_at - told.down_at, 60);
	wait_for(&told.downs, 5);
	servers[0].answer = OK;
	wait_for(&told.ups, 1);
	ck_assert_int_le(servers[0].accepted_at - told.down_at, 185);
	/* What is up stays so. */
	link_hurry(link_);
	run_for(30);
	ck_assert(link_is_up(link_));
	ck_assert_int_eq(servers[0].accepted, 6);
}
END_TEST

/* Nobody listens there. */
START_TEST(test_refused)
{
	struct addr other = servers[0].addr;

	/* All of 127.0.0.0/8 is this host. */
	other.u.v4.s_addr = htonl(INADDR_LOOPBACK + 1);
	make(NULL, NULL);
	link_open(link_, &other);
	wait_for(&told.downs, 1);
	ck_assert_str_eq(told.why, "Connection refused");
	wait_for(&told.downs, 2);
	ck_assert_int_eq(told.ups, 0);
}
END_TEST

/* Another address: it leaves the first, and says nothing. The same one: nothing
 * happens. */
START_TEST(test_open_other)
{
	make_up();
	link_open(link_, &servers[0].addr);
	run_for(30);
	ck_assert(link_is_up(link_));
	ck_assert_int_eq(servers[0].accepted, 1);
	servers[1].answer = OK;
	link_open(link_, &servers[1].addr);
	ck_assert(!link_is_up(link_));
	wait_for(&told.ups, 2);
	ck_assert_int_eq(told.downs, 0);
	ck_assert_int_eq(servers[1].accepted, 1);
	ck_assert_ptr_null(servers[0].client);
	server_say(&servers[1], "+PONG\r\n");
	wait_for(&told.replies, 1);
}
END_TEST

/* Closed is closed, until it is opened again. */
START_TEST(test_close)
{
	make_up();
	link_close(link_);
	ck_assert(!link_is_up(link_));
	link_hurry(link_);
	link_restart(link_, "no reason");
	ask_ping();
	run_for(250);
	ck_assert_int_eq(servers[0].accepted, 1);
	ck_assert_int_eq(told.downs, 0);
	ck_assert_ptr_null(servers[0].client);
	servers[0].answer = OK;
	link_open(link_, &servers[0].addr);
	wait_for(&told.ups, 2);
}
END_TEST

/* Close because of an answer. */
static void
restart(void)
{
	told.in_reply = told.in_up = NULL;
	servers[0].answer = OK;
	link_restart(link_, "because");
}

/* Go elsewhere because of an answer. */
static void
open_other(void)
{
	told.in_reply = told.in_up = NULL;
	servers[1].answer = OK;
	link_open(link_, &servers[1].addr);
}

/* Have enough. */
static void
close_link(void)
{
	told.in_reply = told.in_up = NULL;
	link_close(link_);
}

/* Each of these in a callback: what was behind the answer is not told. */
START_TEST(test_in_callback)
{
	static void (*const deeds[])(void) = {restart, open_other, close_link};
	void (*deed)(void) = deeds[_i / 2];
	bool in_up = _i % 2 == 1;

	if (in_up) {
		told.in_up = deed;
		servers[0].answer = OK "+one\r\n+two\r\n";
		make(NULL, NULL);
		link_open(link_, &servers[0].addr);
		wait_for(&told.ups, 1);
	} else {
		make_up();
		told.in_reply = deed;
		server_say(&servers[0], "+one\r\n+two\r\n+three\r\n");
		wait_for(&told.replies, 1);
	}
	if (deed == close_link) {
		run_for(250);
		ck_assert_int_eq(told.ups, 1);
	} else {
		wait_for(&told.ups, 2);
		ck_assert(link_is_up(link_));
	}
	ck_assert_int_eq(told.downs, deed == restart);
	ck_assert_int_eq(told.replies, !in_up);
	ck_assert_int_eq(servers[0].accepted + servers[1].accepted,
	    deed == close_link ? 1 : 2);
}
END_TEST

/* Freed in each of its states: no leak, and nothing is told. */
START_TEST(test_free)
{
	servers[0].answer = _i == 3 ? NULL : "";
	make(NULL, NULL);
	if (_i > 0)
		link_open(link_, &servers[0].addr);
	if (_i > 1)
		wait_for(&servers[0].accepted, 1);
	if (_i == 3)
		wait_for(&told.downs, 1);
	link_free(link_);
	link_ = NULL;
	run_for(150);
	ck_assert_int_eq(told.ups, 0);
	ck_assert_int_eq(told.downs, _i == 3);
}
END_TEST

int
main(void)
{
	int nintros = sizeof(intros) / sizeof(intros[0]);
	int nlarges = sizeof(larges) / sizeof(larges[0]), failed;
	Suite *suite = suite_create("link");
	TCase *tc = tcase_create("link");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, test_intro, 0, 2 * nintros);
	tcase_add_test(tc, test_asked);
	tcase_add_loop_test(tc, test_asked_less, 0, 2);
	tcase_add_test(tc, test_cut);
	tcase_add_loop_test(tc, test_protocol_error, 0, 5);
	tcase_add_loop_test(tc, test_large, 0, nlarges);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_pause);
	tcase_add_test(tc, test_hurry);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_open_other);
	tcase_add_test(tc, test_close);
	tcase_add_loop_test(tc, test_in_callback, 0, 6);
	tcase_add_loop_test(tc, test_free, 0, 4);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
