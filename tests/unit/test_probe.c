/*
 * health/probe.c against a real redis-server in a folder of its own, and
 * against a scripted server on loopback that answers as Redis would not.
 */
#include <sys/socket.h>

#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "health/probe.h"
#include "tests/unit/redis_server.h"

#define SECRET "s3cr3t-pw"
#define RUN    "f57ae7a24e920124d93cd6edbd2d6a603882ba26"

/* What a well-behaved server says to each command. */
#define OK      "+OK\r\n"
#define SERVER  "$68\r\nrun_id:" RUN "\r\nredis_version:7.0\r\n\r\n"
#define PONG    "+PONG\r\n"
#define PRIMARY "$13\r\nrole:master\r\n\r\n"
#define REPLICA "$12\r\nrole:slave\r\n\r\n"
#define HELLO   OK SERVER /* CLIENT SETNAME, INFO server */

/* And one in cluster mode, to INFO server and to CLUSTER INFO. */
#define CLUSTERED    "$69\r\nrun_id:" RUN "\r\nredis_mode:cluster\r\n\r\n"
#define CLUSTER_OK   "$18\r\ncluster_state:ok\r\n\r\n"
#define CLUSTER_FAIL "$20\r\ncluster_state:fail\r\n\r\n"

static struct event_base *base;
static struct probe *probe;
static struct observation seen;
static int done, lost;
static bool free_in_callback;

/* The attempt has ended. */
static void
done_cb(const struct observation *o, void *arg)
{
	ck_assert_ptr_eq(arg, &seen);
	ck_assert(!probe_running(probe));
	ck_assert_int_ge(o->duration_us, 0);
	ck_assert_int_le(o->at, clock_ms());
	ck_assert_ptr_null(strstr(o->detail, SECRET));
	seen = *o;
	done++;
	if (free_in_callback) {
		probe_free(probe);
		probe = NULL;
	}
	event_base_loopbreak(base);
}

/* The idle connection has ended. */
static void
lost_cb(void *arg)
{
	ck_assert_ptr_eq(arg, &seen);
	ck_assert(!probe_running(probe));
	lost++;
	if (free_in_callback) {
		probe_free(probe);
		probe = NULL;
	}
	event_base_loopbreak(base);
}

/* Make the probe. */
static void
make(enum probe_kind kind, const char *username, const char *password)
{
	probe =
	    probe_new(base, kind, username, password, done_cb, lost_cb, &seen);
	ck_assert_ptr_nonnull(probe);
}

/* Run one attempt. */
static enum probe_result
attempt(const struct addr *a, int64_t timeout_ms)
{
	int before = done;

	probe_start(probe, a, timeout_ms);
	ck_assert(probe_running(probe));
	ck_assert_int_eq(done, before);
	while (done == before)
		ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
	ck_assert_int_eq(done, before + 1);
	return seen.result;
}

/* Run the event loop until the connection is lost. */
static void
expect_lost(void)
{
	int before = lost;

	while (lost == before)
		ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
	if (probe != NULL)
		ck_assert_uint_eq(probe_local(probe).family, 0);
}

/*
 * The scripted server.
 */
enum ending { KEEP, CLOSE, RESET };

static struct {
	int fd;
	struct addr addr;
	struct event *accept, *tick;
	struct bufferevent *client;
	const char *answer; /* to what is asked first */
	bool unasked;       /* without waiting for it */
	bool bytewise;      /* each byte for itself */
	bool echo;
	enum ending ending;
	int accepted;
	char asked[4096]; /* all that was read since the last accept */
	size_t asked_len, sent;
} script;

/* End the client's connection. */
static void
script_end(void)
{
	struct linger linger = {.l_onoff = 1};

	if (script.ending == RESET)
		setsockopt(bufferevent_getfd(script.client), SOL_SOCKET,
		    SO_LINGER, &linger, sizeof(linger));
	bufferevent_free(script.client);
	script.client = NULL;
}

/* Send the next byte, or all that is left. */
static void
script_tick_cb(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval now = {0};
	size_t n = strlen(script.answer) - script.sent;

	(void)fd;
	(void)what;
	(void)arg;
	if (script.client == NULL)
		return;
	if (n > 1 && script.bytewise)
		n = 1;
	if (n > 0 &&
	    send(bufferevent_getfd(script.client), script.answer + script.sent,
		n, MSG_NOSIGNAL) == (ssize_t)n)
		script.sent += n;
	if (script.answer[script.sent] != '\0')
		evtimer_add(script.tick, &now);
	else if (script.ending != KEEP)
		script_end();
}

/* Something was asked. */
static void
script_read_cb(struct bufferevent *bev, void *arg)
{
	const struct timeval now = {0};
	size_t room = sizeof(script.asked) - 1 - script.asked_len;
	size_t start = script.asked_len;

	(void)arg;
	script.asked_len +=
	    bufferevent_read(bev, script.asked + script.asked_len, room);
	script.asked[script.asked_len] = '\0';
	if (script.echo)
		bufferevent_write(
		    bev, script.asked + start, script.asked_len - start);
	else if (script.sent == 0 && !script.unasked)
		evtimer_add(script.tick, &now);
}

/* The probe has closed. */
static void
script_event_cb(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	(void)arg;
	bufferevent_free(bev);
	if (script.client == bev)
		script.client = NULL;
}

/* A client has come; the one before is left to itself. */
static void
script_accept_cb(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval now = {0};
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int on = 1;

	(void)what;
	(void)arg;
	if (client < 0)
		return;
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	script.accepted++;
	script.asked_len = script.sent = 0;
	script.client =
	    bufferevent_socket_new(base, client, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(
	    script.client, script_read_cb, NULL, script_event_cb, NULL);
	bufferevent_enable(script.client, EV_READ);
	if (script.unasked)
		evtimer_add(script.tick, &now);
}

/* An event base and the scripted server. */
static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	memset(&script, 0, sizeof(script));
	script.answer = "";
	script.fd = listen_free(&script.addr);
	script.accept = event_new(
	    base, script.fd, EV_READ | EV_PERSIST, script_accept_cb, NULL);
	script.tick = evtimer_new(base, script_tick_cb, NULL);
	event_add(script.accept, NULL);
}

/* Take it down. */
static void
teardown(void)
{
	probe_free(probe);
	if (script.client != NULL)
		bufferevent_free(script.client);
	event_free(script.accept);
	event_free(script.tick);
	close(script.fd);
	event_base_free(base);
}

/* One odd server and what must be seen of it. */
struct scene {
	const char *answer;
	enum probe_result result;
	enum role role;
	const char *detail; /* a part of it; NULL: anything */
	const char *how; /* a: with a password, c: closed at the end, r: reset
			  * at the end, u: unasked; k: connection kept */
};

/* Is that letter set? */
static bool
is(const struct scene *s, char how)
{
	return strchr(s->how, how) != NULL;
}

#define LOADING "-LOADING Redis is loading the dataset in memory\r\n"
#define BUSY    "-BUSY Redis is busy running a script.\r\n"
#define MDOWN   "-MASTERDOWN Link with MASTER is down.\r\n"
#define MISCONF "-MISCONF Redis is configured to save RDB snapshots.\r\n"
#define NOAUTH  "-NOAUTH Authentication required.\r\n"
#define NOPERM  "-NOPERM this user has no permissions to run it\r\n"
#define MAXC    "-ERR max number of clients reached\r\n"
#define P       ROLE_PRIMARY
#define R       ROLE_REPLICA
#define U       ROLE_UNKNOWN

static const struct scene scenes[] = {
    {HELLO PONG PRIMARY, PROBE_OK, P, "", "k"},
    {OK HELLO PONG REPLICA, PROBE_OK, R, "", "ak"},
    {"-ERR unknown subcommand\r\n" SERVER PONG PRIMARY, PROBE_OK, P, "", "k"},
    {NOPERM SERVER PONG PRIMARY, PROBE_OK, P, "", "k"},
    {"-ERR AUTH <password> called without any password configured for the "
     "default user. Are you sure your configuration is correct?\r\n" HELLO PONG
	    PRIMARY,
	PROBE_OK, P, "", "ak"},
    {"-ERR Client sent AUTH, but no password is set\r\n" HELLO PONG PRIMARY,
	PROBE_OK, P, "", "ak"},
    /* States. */
    {HELLO LOADING PRIMARY, PROBE_LOADING, P, "LOADING Redis is", "k"},
    {OK LOADING LOADING LOADING, PROBE_LOADING, U, "LOADING", "k"},
    {HELLO MDOWN REPLICA, PROBE_MASTERDOWN, R, "MASTERDOWN Link", "k"},
    {HELLO MISCONF PRIMARY, PROBE_MISCONF, P, "MISCONF Redis", "k"},
    {BUSY BUSY BUSY BUSY, PROBE_BUSY, U, "BUSY Redis", "k"},
    {BUSY BUSY PONG PRIMARY, PROBE_OK, P, "", "k"},
    {BUSY, PROBE_BUSY, U, "", "a"},
    {OK OK BUSY BUSY BUSY, PROBE_BUSY, U, "BUSY Redis", "cak"},
    /* Refusals. */
    {MAXC, PROBE_MAXCLIENTS, U, "max number", "cu"},
    {MAXC, PROBE_MAXCLIENTS, U, "max number", "ru"},
    {MAXC, PROBE_MAXCLIENTS, U, "max number", "cau"},
    {"-ERR max number of clients + cluster connections reached\r\n",
	PROBE_MAXCLIENTS, U, "cluster", "cau"},
    {"-DENIED Redis is running in protected mode because no password is set "
     "for the default user.\r\n",
	PROBE_NOPERM, U, "DENIED Redis", "cau"},
    {NOAUTH, PROBE_NOAUTH, U, "Authentication", ""},
    {"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
	PROBE_WRONGPASS, U, "", "a"},
    {"-ERR invalid password\r\n", PROBE_WRONGPASS, U, "", "a"},
    {"-ERR wrong number of arguments for 'auth' command\r\n", PROBE_WRONGPASS,
	U, "no user names", "a"},
    {"-ERR unknown command `AUTH`, with args beginning with: `" SECRET
     "`, \r\n",
	PROBE_PROTOCOL, U, "AUTH is not", "a"},
    {HELLO NOPERM PRIMARY, PROBE_NOPERM, U, "may not run PING", ""},
    {OK NOPERM, PROBE_NOPERM, U, "may not run INFO", ""},
    {HELLO PONG NOPERM, PROBE_NOPERM, U, "may not run INFO", ""},
    /* In cluster mode. */
    {OK CLUSTERED PONG PRIMARY CLUSTER_OK, PROBE_OK, P, "", "k"},
    {OK CLUSTERED PONG REPLICA CLUSTER_FAIL, PROBE_OK, R, "", "k"},
    {OK CLUSTERED PONG PRIMARY NOPERM, PROBE_NOPERM, P,
	"may not run CLUSTER INFO: ACL SETUSER default +cluster|info", ""},
    {OK CLUSTERED PONG PRIMARY "-ERR unknown command 'CLUSTER'\r\n",
	PROBE_PROTOCOL, P, "unknown command 'CLUSTER'", ""},
    {OK CLUSTERED PONG PRIMARY, PROBE_TIMEOUT, P, "no answer to CLUSTER INFO",
	""},
    /* Ends. */
    {"", PROBE_CLOSED, U, "closed without", "c"},
    {"", PROBE_CLOSED, U, "closed without", "cu"},
    {"", PROBE_CLOSED, U, NULL, "r"},
    {HELLO PONG "$13\r\nrole:mas", PROBE_CLOSED, U, NULL, "c"},
    {HELLO PONG PRIMARY, PROBE_OK, P, "", "ck"},
    {"", PROBE_TIMEOUT, U, "no answer to CLIENT SETNAME", ""},
    {HELLO "+PO", PROBE_TIMEOUT, U, "no answer to PING", ""},
    {HELLO PONG, PROBE_TIMEOUT, U, "no answer to INFO", ""},
    /* Not Redis. */
    {"HTTP/1.1 400 Bad Request\r\n\r\n", PROBE_PROTOCOL, U, "H", "c"},
    {"SSH-2.0-OpenSSH_9.2\r\n", PROBE_PROTOCOL, U, "S", "u"},
    {"\x15\x03\x01", PROBE_PROTOCOL, U, "\\x15", "ca"},
    {HELLO "+OK\r\n", PROBE_PROTOCOL, U, "OK", ""},
    {HELLO ":1\r\n", PROBE_PROTOCOL, U, "", ""},
    {HELLO "-ERR unknown command 'PING\x01'\r\n", PROBE_PROTOCOL, U,
	"'PING\\x01'", ""},
    {HELLO PONG "$-1\r\n", PROBE_PROTOCOL, U, "", ""},
    {HELLO PONG "$0\r\n\r\n", PROBE_PROTOCOL, U, "names no role", ""},
    {HELLO PONG "$262145\r\n", PROBE_PROTOCOL, U, "$262145\\x0d", ""},
    {OK "*1\r\n" PONG PRIMARY, PROBE_PROTOCOL, U, NULL, ""},
    {OK "-the password is " SECRET "\r\n" PONG "-" SECRET "\r\n",
	PROBE_PROTOCOL, U, NULL, "a"},
    {"$" SECRET "\r\n", PROBE_PROTOCOL, U, NULL, "a"},
};

START_TEST(test_scene)
{
	const struct scene *s = &scenes[_i / 2];

	script.answer = s->answer;
	script.ending = is(s, 'c') ? CLOSE : is(s, 'r') ? RESET : KEEP;
	script.unasked = is(s, 'u');
	script.bytewise = _i % 2 == 1;
	make(PROBE_KIND_REDIS, NULL, is(s, 'a') ? SECRET : NULL);
	attempt(&script.addr, s->result == PROBE_TIMEOUT ? 200 : 5000);
	ck_assert_msg(seen.result == s->result, "%s, not %s (%s)",
	    probe_result_str(seen.result), probe_result_str(s->result),
	    seen.detail);
	ck_assert_int_eq(seen.role, s->role);
	if (s->detail != NULL)
		ck_assert_msg(strstr(seen.detail, s->detail) != NULL,
		    "'%s' in '%s'", s->detail, seen.detail);
	if (s->result == PROBE_OK)
		ck_assert_str_eq(seen.detail, "");
	ck_assert(s->role == U || seen.rtt_us >= 0);
	ck_assert((probe_local(probe).family != 0) == is(s, 'k'));
	if (script.ending == CLOSE && is(s, 'k'))
		expect_lost();
}
END_TEST

/* The words that were sent, in order and each as an array. */
START_TEST(test_asked)
{
	script.answer = OK HELLO PONG PRIMARY;
	make(PROBE_KIND_REDIS, "me", SECRET);
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	ck_assert_str_eq(seen.run_id, RUN);
	ck_assert_str_eq(script.asked,
	    "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$9\r\n" SECRET "\r\n"
	    "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$15\r\n"
	    "roleproxy-check\r\n*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n"
	    "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n");
	/* The connection is kept, and so is what it told. */
	script.answer = PONG REPLICA;
	script.asked_len = script.sent = 0;
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	ck_assert_int_eq(seen.role, ROLE_REPLICA);
	ck_assert_str_eq(seen.run_id, RUN);
	ck_assert_str_eq(seen.version, "7.0");
	ck_assert_str_eq(script.asked,
	    "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n");
	ck_assert_int_eq(script.accepted, 1);
	/* A failure closes it, and the next attempt begins afresh. */
	script.answer = "-ERR\r\n";
	script.sent = 0;
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_PROTOCOL);
	script.answer = OK OK BUSY PONG PRIMARY;
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	ck_assert_int_eq(script.accepted, 2);
	ck_assert_str_eq(seen.run_id, "");
	/* INFO server was not answered: it is asked again. */
	script.answer = SERVER PONG PRIMARY;
	script.sent = 0;
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	ck_assert_str_eq(seen.run_id, RUN);
	ck_assert_int_eq(script.accepted, 2);
}
END_TEST

/* A server in cluster mode is asked for its state in the attempt that finds
 * that out, and from then on with the rest. */
START_TEST(test_asked_cluster)
{
	static const char ask[] = "*2\r\n$7\r\nCLUSTER\r\n$4\r\nINFO\r\n";

	script.answer = OK CLUSTERED PONG PRIMARY CLUSTER_OK;
	script.bytewise = true;
	make(PROBE_KIND_REDIS, NULL, NULL);
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	ck_assert(seen.cluster && seen.cluster_ok);
	ck_assert_ptr_nonnull(strstr(script.asked, ask));
	script.answer = PONG PRIMARY CLUSTER_FAIL;
	script.asked_len = script.sent = 0;
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	ck_assert(seen.cluster && !seen.cluster_ok);
	ck_assert_ptr_nonnull(strstr(script.asked, ask));
	ck_assert_int_eq(script.accepted, 1);
}
END_TEST

/* Bytes that nobody asked for end an idle connection; it may be freed. */
START_TEST(test_idle)
{
	script.answer = HELLO PONG PRIMARY;
	make(PROBE_KIND_REDIS, NULL, NULL);
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	free_in_callback = _i >= 3;
	script.ending = _i % 3 == 1 ? CLOSE : RESET;
	if (_i % 3 == 0)
		bufferevent_write(script.client, "+", 1);
	else
		script_end();
	expect_lost();
	ck_assert_int_eq(lost, 1);
	ck_assert_int_eq(done, 1);
}
END_TEST

/* The connection had ended, but the probe starts before it is seen: that is no
 * answer, so it asks once more on a new one. */
START_TEST(test_stale)
{
	script.answer = HELLO PONG PRIMARY;
	make(PROBE_KIND_REDIS, NULL, NULL);
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	script.ending = _i == 0 ? CLOSE : RESET;
	/* Closed at once, not when the loop turns. */
	shutdown(bufferevent_getfd(script.client), SHUT_RDWR);
	script_end();
	script.ending = KEEP;
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	ck_assert_int_eq(script.accepted, 2);
	ck_assert_int_eq(lost, 0);
	ck_assert_str_eq(seen.run_id, RUN);
}
END_TEST

START_TEST(test_moved)
{
	struct addr other = script.addr;

	script.answer = HELLO PONG PRIMARY;
	make(PROBE_KIND_REDIS, NULL, NULL);
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	/* All of 127.0.0.0/8 is this host, but nobody listens there. */
	other.u.v4.s_addr = htonl(INADDR_LOOPBACK + 1);
	ck_assert_int_eq(attempt(&other, 5000), PROBE_REFUSED);
	ck_assert_str_eq(seen.run_id, "");
	ck_assert_str_eq(seen.detail, "Connection refused");
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	ck_assert_int_eq(script.accepted, 2);
	ck_assert_int_eq(lost, 0);
}
END_TEST

/* What cannot even begin fails later, and is not held against the server. */
START_TEST(test_cannot_begin)
{
	struct addr none = {0};

	make(_i == 0 ? PROBE_KIND_REDIS : PROBE_KIND_TCP, NULL, NULL);
	ck_assert_int_eq(attempt(&none, 5000), PROBE_TIMEOUT);
	ck_assert_str_ne(seen.detail, "");
	/* Freed before it has called back. */
	probe_start(probe, &none, 5000);
	probe_free(probe);
	probe = NULL;
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(done, 1);
}
END_TEST

START_TEST(test_tcp)
{
	make(PROBE_KIND_TCP, NULL, NULL);
	script.unasked = true;
	script.answer = "220 smtp.example.org\r\n";
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	ck_assert_int_eq(seen.role, ROLE_UNKNOWN);
	ck_assert_int_ge(seen.rtt_us, 0);
	ck_assert_uint_eq(probe_local(probe).family, 0);
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_OK);
	close(script.fd);
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_REFUSED);
	script.fd = listen_free(&script.addr);
}
END_TEST

/* Freed inside its own callback, at the end of each kind of attempt. */
START_TEST(test_free_in_callback)
{
	static const char *const answers[] = {
	    HELLO PONG PRIMARY, "-NOAUTH \r\n", "x", "", MAXC};
	const bool last = _i == 5;

	free_in_callback = true;
	script.answer = last ? "" : answers[_i];
	script.ending = CLOSE;
	make(last ? PROBE_KIND_TCP : PROBE_KIND_REDIS, NULL, NULL);
	probe_start(probe, &script.addr, 5000);
	event_base_dispatch(base);
	ck_assert_int_eq(done, 1);
	ck_assert_ptr_null(probe);
}
END_TEST

/* It sends back what it gets: the password must not be shown. */
START_TEST(test_echo)
{
	script.echo = true;
	make(PROBE_KIND_REDIS, NULL, SECRET);
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_PROTOCOL);
	ck_assert_ptr_null(strstr(seen.detail, "s3cr"));
}
END_TEST

/* Answers without an end are cut off. */
START_TEST(test_endless)
{
	static char endless[5000];

	memset(endless, _i == 0 ? 'x' : '1', sizeof(endless) - 1);
	endless[0] = _i == 0 ? '-' : '$';
	script.answer = endless;
	make(PROBE_KIND_REDIS, NULL, NULL);
	ck_assert_int_eq(attempt(&script.addr, 5000), PROBE_PROTOCOL);
}
END_TEST

/* A folder for redis-server, and the rest. */
static void
redis_setup(void)
{
	strcpy(redis.dir, "/tmp/roleproxy-probe-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(redis.dir));
	setup();
}

/* End redis-server, and remove its folder. */
static void
redis_teardown(void)
{
	char line[128];

	redis_stop();
	teardown();
	snprintf(line, sizeof(line), "rm -rf %s", redis.dir);
	ck_assert_int_eq(system(line), 0);
}

/* How a redis-server is set up, who asks, and what is seen. */
struct real {
	const char *options, *command; /* then sent; NULL none */
	const char *username, *password;
	enum probe_result result;
	enum role role;
	const char *detail;
};

#define ACL                                                                  \
	"ACL SETUSER me on >" SECRET " resetkeys resetchannels -@all +ping " \
	"+info"

static const struct real reals[] = {
    {"", NULL, NULL, NULL, PROBE_OK, P, ""},
    {"", NULL, NULL, SECRET, PROBE_OK, P, ""},
    {"--requirepass " SECRET, NULL, NULL, SECRET, PROBE_OK, P, ""},
    {"--requirepass " SECRET, NULL, NULL, NULL, PROBE_NOAUTH, U, "NOAUTH"},
    {"--requirepass other", NULL, NULL, SECRET, PROBE_WRONGPASS, U, ""},
    {"", ACL, "me", SECRET, PROBE_OK, P, ""},
    {"", ACL, "me", "other", PROBE_WRONGPASS, U, ""},
    {"", ACL, "nobody", SECRET, PROBE_WRONGPASS, U, ""},
    {"", ACL " -ping", "me", SECRET, PROBE_NOPERM, U, "may not run PING"},
    {"", ACL " -info", "me", SECRET, PROBE_NOPERM, U, "may not run INFO"},
    {"--replicaof 127.0.0.1 1", NULL, NULL, NULL, PROBE_OK, R, ""},
    {"--replicaof 127.0.0.1 1 --replica-serve-stale-data no", NULL, NULL, NULL,
	PROBE_MASTERDOWN, R, "MASTERDOWN"},
    {"--cluster-enabled yes", NULL, NULL, NULL, PROBE_OK, P, ""},
    {"--rename-command PING ''", NULL, NULL, NULL, PROBE_PROTOCOL, U,
	"unknown command 'PING'"},
    {"--rename-command AUTH ''", NULL, NULL, SECRET, PROBE_PROTOCOL, U,
	"AUTH is not"},
};

START_TEST(test_real)
{
	const struct real *r = &reals[_i];

	redis_start(r->options);
	if (r->command != NULL)
		ck_assert_str_eq(command("%s", r->command), OK);
	make(PROBE_KIND_REDIS, r->username, r->password);
	attempt(&redis.addr, 5000);
	ck_assert_msg(seen.result == r->result, "%s, not %s (%s)",
	    probe_result_str(seen.result), probe_result_str(r->result),
	    seen.detail);
	ck_assert_int_eq(seen.role, r->role);
	ck_assert_ptr_nonnull(strstr(seen.detail, r->detail));
	if (r->role == U)
		return;
	ck_assert_uint_eq(strlen(seen.run_id), 40);
	ck_assert_uint_eq(strlen(seen.replid), 40);
	ck_assert_int_ge(seen.rtt_us, 0);
	ck_assert_int_eq(seen.cluster, strstr(r->options, "cluster") != NULL);
	ck_assert_int_eq(attempt(&redis.addr, 5000), r->result);
}
END_TEST

/* It is stopped, goes away while idle, and comes back as another process. */
START_TEST(test_real_restart)
{
	char run_id[REDIS_ID_MAX];

	redis_start("");
	make(PROBE_KIND_REDIS, NULL, NULL);
	ck_assert_int_eq(attempt(&redis.addr, 5000), PROBE_OK);
	strcpy(run_id, seen.run_id);
	kill(redis.pid, SIGSTOP);
	ck_assert_int_eq(attempt(&redis.addr, 100), PROBE_TIMEOUT);
	ck_assert_int_ge(seen.duration_us, 99000);
	ck_assert_str_eq(seen.detail, "no answer to PING");
	kill(redis.pid, SIGCONT);
	ck_assert_int_eq(attempt(&redis.addr, 5000), PROBE_OK);
	ck_assert_str_eq(seen.run_id, run_id);
	redis_stop();
	expect_lost();
	ck_assert_int_eq(attempt(&redis.addr, 5000), PROBE_REFUSED);
	redis_start("");
	ck_assert_int_eq(attempt(&redis.addr, 5000), PROBE_OK);
	ck_assert_str_ne(seen.run_id, run_id);
}
END_TEST

START_TEST(test_real_busy)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	redis_start("--lua-time-limit 10");
	make(PROBE_KIND_REDIS, NULL, NULL);
	ck_assert_int_eq(attempt(&redis.addr, 5000), PROBE_OK);
	len = addr_to_sockaddr(&redis.addr, &ss);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&ss, len), 0);
	dprintf(fd, "EVAL \"while true do end\" 0\r\n");
	while (attempt(&redis.addr, 5000) == PROBE_OK)
		continue;
	ck_assert_int_eq(seen.result, PROBE_BUSY);
	ck_assert_uint_eq(strlen(seen.run_id), 40);
	ck_assert_int_eq(attempt(&redis.addr, 5000), PROBE_BUSY);
	ck_assert_str_eq(command("SCRIPT KILL"), OK);
	while (attempt(&redis.addr, 5000) == PROBE_BUSY)
		continue;
	ck_assert_int_eq(seen.result, PROBE_OK);
	ck_assert_int_eq(lost, 0);
	close(fd);
}
END_TEST

/* A snapshot that takes long to load. */
START_TEST(test_real_loading)
{
	int i;

	redis_start("--rdbcompression no");
	for (i = 0; i < 40; i++)
		ck_assert_str_eq(command("SET key%d %02000d", i, i), OK);
	ck_assert_str_eq(command("SAVE"), OK);
	redis_stop();
	redis_start("--key-load-delay 50000 "
		    "--loading-process-events-interval-bytes 1024");
	make(PROBE_KIND_REDIS, NULL, NULL);
	ck_assert_int_eq(attempt(&redis.addr, 5000), PROBE_LOADING);
	ck_assert_int_eq(seen.role, ROLE_PRIMARY);
	ck_assert_uint_eq(strlen(seen.run_id), 40);
	while (attempt(&redis.addr, 5000) == PROBE_LOADING)
		poll(NULL, 0, 20);
	ck_assert_int_eq(seen.result, PROBE_OK);
	ck_assert_int_eq(lost, 0);
}
END_TEST

/* It cannot save, and so it takes no writes. */
START_TEST(test_real_misconf)
{
	char line[128];

	redis_start("");
	make(PROBE_KIND_REDIS, NULL, NULL);
	ck_assert_str_eq(command("CONFIG SET save \"3600 1\""), OK);
	ck_assert_str_eq(command("SET a b"), OK);
	snprintf(line, sizeof(line), "rm -rf %s", redis.dir);
	ck_assert_int_eq(system(line), 0);
	command("BGSAVE");
	while (attempt(&redis.addr, 5000) == PROBE_OK)
		poll(NULL, 0, 20);
	ck_assert_int_eq(seen.result, PROBE_MISCONF);
	ck_assert_int_eq(seen.role, ROLE_PRIMARY);
}
END_TEST

START_TEST(test_real_maxclients)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	redis_start("--maxclients 1");
	make(PROBE_KIND_REDIS, NULL, _i == 0 ? NULL : SECRET);
	len = addr_to_sockaddr(&redis.addr, &ss);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&ss, len), 0);
	while (attempt(&redis.addr, 5000) == PROBE_OK)
		continue;
	ck_assert_int_eq(seen.result, PROBE_MAXCLIENTS);
	close(fd);
	while (attempt(&redis.addr, 5000) == PROBE_MAXCLIENTS)
		continue;
	ck_assert_int_eq(seen.result, PROBE_OK);
}
END_TEST

int
main(void)
{
	int nscenes = sizeof(scenes) / sizeof(scenes[0]);
	int nreals = sizeof(reals) / sizeof(reals[0]), failed;
	Suite *suite = suite_create("probe");
	TCase *tc = tcase_create("scripted");
	TCase *real = tcase_create("real");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_scene, 0, 2 * nscenes);
	tcase_add_test(tc, test_asked);
	tcase_add_test(tc, test_asked_cluster);
	tcase_add_loop_test(tc, test_idle, 0, 6);
	tcase_add_loop_test(tc, test_stale, 0, 2);
	tcase_add_test(tc, test_moved);
	tcase_add_loop_test(tc, test_cannot_begin, 0, 2);
	tcase_add_test(tc, test_tcp);
	tcase_add_loop_test(tc, test_free_in_callback, 0, 6);
	tcase_add_test(tc, test_echo);
	tcase_add_loop_test(tc, test_endless, 0, 2);
	suite_add_tcase(suite, real);
	tcase_set_timeout(real, 60);
	tcase_add_checked_fixture(real, redis_setup, redis_teardown);
	tcase_add_loop_test(real, test_real, 0, nreals);
	tcase_add_test(real, test_real_restart);
	tcase_add_test(real, test_real_busy);
	tcase_add_test(real, test_real_loading);
	tcase_add_test(real, test_real_misconf);
	tcase_add_loop_test(real, test_real_maxclients, 0, 2);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
