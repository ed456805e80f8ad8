/*
 * The HTTP server, driven over real sockets: paths, password, limits, slow
 * clients, reload. The monitor is made up, see stats_fake.c.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/net.h"
#include "stats-ui/stats.h"
#include "tests/unit/stats_fake.h"

#define ALL(table) (int)(sizeof(table) / sizeof(*(table)))
#define ANSWER     65536

static char haproxy_uri[] = "/haproxy?stats";
static char user[] = "admin", password[] = "s3cret";

static struct event_base *base;
static struct stats *stats;
static uint16_t port;

/* A port that nobody listens on. */
static uint16_t
free_port(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, len), 0);
	getsockname(fd, (struct sockaddr *)&sin, &len);
	close(fd);
	return ntohs(sin.sin_port);
}

/* The world and the server on a loopback port. */
static void
start(void)
{
	char error[256];

	fake_reset();
	base = event_base_new();
	stats = stats_new(base, &fake_source);
	port = free_port();
	addr_parse_ip("127.0.0.1", port, &w.stats_bind[0]);
	ck_assert_int_eq(stats_listen(stats, &w.conf, error, sizeof(error)), 0);
	stats_commit(stats);
}

/* Nothing may be left of it. */
static void
stop(void)
{
	stats_free(stats);
	event_base_free(base);
}

/* Let the server turn for a moment. */
static void
turn(void)
{
	struct timeval tv = {0, 5000};

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

/* Connect to an address and send some bytes. */
static int
dial(const struct addr *a, const char *bytes)
{
	int fd = net_connect(a);

	ck_assert_int_ge(fd, 0);
	turn();
	if (bytes[0] != '\0')
		ck_assert_int_gt(
		    send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), 0);
	return fd;
}

/* Read until the server closes, ms at most; how many bytes came, -1 if it did
 * not close. Closes fd. */
static ssize_t
hear(int fd, char *answer, int64_t ms)
{
	int64_t end = clock_ms() + ms;
	size_t len = 0;
	ssize_t n = -1;

	while (clock_ms() < end) {
		turn();
		n = recv(fd, answer + len, ANSWER - 1 - len, MSG_DONTWAIT);
		if (n > 0)
			len += (size_t)n;
		else if (n == 0 || errno == ECONNRESET)
			break;
	}
	answer[len] = '\0';
	close(fd);
	return clock_ms() < end ? (ssize_t)len : -1;
}

/* Ask with these bytes; the whole answer. */
static void
ask(const char *bytes, char *answer)
{
	ck_assert_int_ge(hear(dial(&w.stats_bind[0], bytes), answer, 5000), 0);
}

/* GET a target; the whole answer. */
static void
get(const char *target, char *answer)
{
	char bytes[512];

	snprintf(
	    bytes, sizeof(bytes), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
	ask(bytes, answer);
}

#define LOGIN "Authorization: Basic YWRtaW46czNjcmV0\r\n"

/* Requests, the start of the answer, something in it, something not. */
static const struct {
	const char *request, *start, *in, *not_in;
	bool guarded;
} requests[] = {
    {"GET /stats HTTP/1.1\r\n", "HTTP/1.1 200",
	"<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>",
	"Server:", false},
    {"GET /stats HTTP/1.1\r\n", "HTTP/1.1 200", "<main data-refresh=\"2000\"",
	"\r\nRefresh:", false},
    {"GET /stats;norefresh HTTP/1.1\r\n", "HTTP/1.1 200",
	"<main data-refresh=\"0\"", "http-equiv", false},
    {"GET /stats;csv HTTP/1.1\r\n", "HTTP/1.1 200", "\r\nRefresh: 2\r\n",
	"Server:", false},
    {"GET /stats;page.js HTTP/1.1\r\n", "HTTP/1.1 200",
	"Content-Type: text/javascript; charset=utf-8\r\n", "no-store\r\n",
	false},
    {"GET /stats;page.css?1234abcd HTTP/1.1\r\n", "HTTP/1.1 200",
	"Cache-Control: private, max-age=86400\r\n", "<html", false},
    {"GET /stats;page.css HTTP/1.1\r\n", "HTTP/1.1 401", "valid user", ":root",
	true},
    {"GET /stats HTTP/1.1\r\n", "HTTP/1.1 200", "<!DOCTYPE html>", "WWW-",
	false},
    {"GET /stats HTTP/1.1\r\n", "HTTP/1.1 200",
	"Content-Type: text/html; charset=utf-8\r\n", "HTTP/1.1 4", false},
    {"GET /stats HTTP/1.1\r\n", "HTTP/1.1 200",
	"Content-Security-Policy: default-src 'none'; style-src 'self'; "
	"script-src 'self'; connect-src 'self'; img-src data:; "
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n",
	"HTTP/1.1 4", false},
    {"GET /stats HTTP/1.0\r\n", "HTTP/1.0 200", "Cache-Control: no-store\r\n",
	"HTTP/1.1 4", false},
    {"GET /stats;norefresh HTTP/1.1\r\n", "HTTP/1.1 200", "</html>",
	"Refresh:", false},
    {"GET /stats;csv HTTP/1.1\r\n", "HTTP/1.1 200", "# pxname,svname,qcur,",
	"<html", false},
    {"GET /stats;json;norefresh HTTP/1.1\r\n", "HTTP/1.1 200",
	"Content-Type: application/json\r\n", "Refresh:", false},
    {"GET /stats;norefresh;csv HTTP/1.1\r\n", "HTTP/1.1 200", "redis,BACKEND,",
	"Refresh:", false},
    {"GET /stats;csv;scope=nope HTTP/1.1\r\n", "HTTP/1.1 200", "# pxname,",
	"\nredis,", false},
    {"GET /stats;typed HTTP/1.1\r\n", "HTTP/1.1 200", ":KNS:str:redis\n",
	"<html", false},
    {"GET /stats;json-schema HTTP/1.1\r\n", "HTTP/1.1 200", "draft-04", "<html",
	false},
    {"GET /stats?x=1 HTTP/1.1\r\n", "HTTP/1.1 200", "</html>", "1.1 404",
	false},
    {"GET http://h/stats HTTP/1.1\r\n", "HTTP/1.1 200", "</html>", "1.1 404",
	false},
    {"GET /statx HTTP/1.1\r\n", "HTTP/1.1 404", "/readyz/FRONTEND", "<html",
	false},
    {"HEAD /stats HTTP/1.1\r\n", "HTTP/1.1 200",
	"Content-Length: ", "<!DOCTYPE", false},
    {"GET /stats.json HTTP/1.1\r\n", "HTTP/1.1 200", "\"backends\"", "<html",
	false},
    {"GET / HTTP/1.1\r\n", "HTTP/1.1 302", "Location: /stats\r\n", "<html",
	false},
    {"POST /stats HTTP/1.1\r\nContent-Length: 0\r\n", "HTTP/1.1 405",
	"Allow: GET, HEAD\r\n", "<html", false},
    {"DELETE /healthz HTTP/1.1\r\n", "HTTP/1.1 405", "Allow: GET, HEAD\r\n",
	"<html", false},
    {"POST /stats HTTP/1.1\r\nContent-Length: 999999\r\n", "HTTP/1.1 4", "",
	"</html>\n", false},
    {"GET /healthz HTTP/1.1\r\n", "HTTP/1.1 200", "\r\n\r\nok\n", "<html",
	true},
    {"GET /readyz HTTP/1.1\r\n", "HTTP/1.1 200", "ready", "<html", true},
    {"GET /readyz/write HTTP/1.1\r\n", "HTTP/1.1 200", "ready", "<html", true},
    {"GET /readyz/rea%64 HTTP/1.1\r\n", "HTTP/1.1 200", "ready", "1.1 404",
	true},
    {"GET /readyz/nope HTTP/1.1\r\n", "HTTP/1.1 404", "are: write, read\n",
	"nope", true},
    {"GET /stats HTTP/1.1\r\n", "HTTP/1.1 401",
	"WWW-Authenticate: Basic realm=\"so \\\"what\\\"\"", "redis-1", true},
    {"GET /stats.json HTTP/1.1\r\n", "HTTP/1.1 401", "valid user", "redis-1",
	true},
    {"GET /nothing HTTP/1.1\r\n", "HTTP/1.1 401", "valid user", "redis-1",
	true},
    {"GET /stats HTTP/1.1\r\n" LOGIN, "HTTP/1.1 200", "redis-1", "WWW-", true},
    {"GET /metrics HTTP/1.1\r\n", "HTTP/1.1 200", "\nroleproxy_sessions 7\n",
	"haproxy_", false},
    {"rubbish\r\n", "HTTP/1.", " 400", "redis-1", false},
};

/* Each request gets its answer. */
START_TEST(answers)
{
	char bytes[1024], *answer = malloc(ANSWER);

	if (requests[_i].guarded) {
		w.stats[0].user = user;
		w.stats[0].password = password;
	}
	snprintf(bytes, sizeof(bytes), "%s\r\n", requests[_i].request);
	ask(bytes, answer);
	ck_assert_msg(strncmp(answer, requests[_i].start,
			  strlen(requests[_i].start)) == 0,
	    "%s%.2000s", bytes, answer);
	ck_assert_msg(strstr(answer, requests[_i].in) != NULL,
	    "no %s in: %s%.2000s", requests[_i].in, bytes, answer);
	ck_assert_msg(strstr(answer, requests[_i].not_in) == NULL,
	    "%s in: %s%.2000s", requests[_i].not_in, bytes, answer);
	free(answer);
}
END_TEST

/* What else the configuration changes. */
START_TEST(settings)
{
	char *answer = malloc(ANSWER);

	w.stats[0].uri = haproxy_uri;
	w.stats[0].refresh = 0;
	w.stats[0].hide_version = false;
	get("/haproxy?stats;norefresh", answer);
	ck_assert_ptr_nonnull(strstr(answer, "</html>"));
	ck_assert_ptr_nonnull(strstr(answer, "\r\nServer: roleproxy/"));
	get("/haproxy?stats", answer);
	ck_assert_ptr_null(strstr(answer, "Refresh:"));
	get("/stats", answer);
	ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 404"));
	free(answer);
}
END_TEST

/* A form is obeyed only where that is set, with the password, from here. */
static const struct {
	bool admin;
	const char *headers, *start, *in;
	enum admin_state state;
} posts[] = {
    {true, LOGIN, "HTTP/1.1 303", "Location: /stats;st=DONE\r\n", ADMIN_MAINT},
    {true, LOGIN "Origin: http://x\r\n", "HTTP/1.1 303", ";st=DONE\r\n",
	ADMIN_MAINT},
    {true, LOGIN "Origin: http://y\r\n", "HTTP/1.1 303", ";st=DENY\r\n",
	ADMIN_READY},
    {true, "", "HTTP/1.1 401", "WWW-Authenticate", ADMIN_READY},
    {false, LOGIN, "HTTP/1.1 303", ";st=DENY\r\n", ADMIN_READY},
};

START_TEST(post)
{
	static const char body[] = "s=redis-1&action=maint&b=redis";
	char bytes[1024], *answer = malloc(ANSWER);

	w.stats[0].user = user;
	w.stats[0].password = password;
	w.stats[0].admin = posts[_i].admin;
	stats_set_admin(stats, &fake_admin);
	snprintf(bytes, sizeof(bytes),
	    "POST /stats HTTP/1.1\r\nHost: x\r\n%sContent-Length: "
	    "%zu\r\n\r\n%s",
	    posts[_i].headers, strlen(body), body);
	ask(bytes, answer);
	ck_assert_msg(
	    strncmp(answer, posts[_i].start, strlen(posts[_i].start)) == 0,
	    "%s", answer);
	ck_assert_ptr_nonnull(strstr(answer, posts[_i].in));
	ck_assert_int_eq(w.admins[0].state, posts[_i].state);
	free(answer);
}
END_TEST

/* Health and readiness when all is not well. */
START_TEST(not_ready)
{
	char *answer = malloc(ANSWER);

	w.stall = 7000;
	get("/healthz", answer);
	ck_assert_ptr_nonnull(strstr(answer, "has not turned for 7 s"));
	ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 503"));
	w.ready = false;
	get("/readyz", answer);
	ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 503"));
	ck_assert_ptr_nonnull(strstr(answer, "first round"));
	w.draining = true;
	get("/readyz", answer);
	ck_assert_ptr_nonnull(strstr(answer, "draining"));
	fake_no_writer(CAUSE_NO_CANDIDATE);
	get("/readyz/write", answer);
	ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 503"));
	ck_assert_ptr_nonnull(strstr(answer, "route primary"));
	free(answer);
}
END_TEST

/* One rendering serves all who ask, until something changes. */
START_TEST(shared)
{
	char *answer = malloc(ANSWER);

	for (int i = 0; i < 5; i++)
		get("/stats.json", answer);
	ck_assert_uint_le(w.renders, 2); /* a second may end in between */
	w.renders = 0;
	w.generation++;
	get("/stats.json", answer);
	ck_assert_uint_eq(w.renders, 1);
	ck_assert_ptr_nonnull(strstr(answer, "\"generation\": 1"));
	free(answer);
}
END_TEST

/* A request beyond 8 KiB is refused. */
START_TEST(oversize)
{
	char *bytes = malloc(20000), *answer = malloc(ANSWER);

	memset(bytes, 'x', 20000);
	memcpy(bytes, "GET /stats HTTP/1.1\r\nX: ", 24);
	strcpy(bytes + 19990, "\r\n\r\n");
	ask(bytes, answer);
	ck_assert_ptr_null(strstr(answer, "200 OK"));
	ck_assert_ptr_null(strstr(answer, "redis-1"));
	free(bytes);
	free(answer);
}
END_TEST

/* Who is slow is cut, even if a byte comes now and then. */
START_TEST(slow)
{
	char *answer = malloc(ANSWER);
	int64_t begin = clock_ms();
	int fd;

	stats_set_timeout(stats, 200);
	fd = dial(&w.stats_bind[0], "GET /st");
	for (int i = 0; i < 20; i++) {
		send(fd, "a", 1, MSG_NOSIGNAL);
		turn();
	}
	ck_assert_int_eq(hear(fd, answer, 3000), 0);
	ck_assert_int_ge(clock_ms() - begin, 190);
	free(answer);
}
END_TEST

/* At most maxconn connections, even if they never send a byte; those that wait
 * are served when others have ended. */
START_TEST(limit)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\n\r\n";
	char *answer = malloc(ANSWER);
	int idle[4], fd;

	w.stats[0].maxconn = 4;
	stats_set_timeout(stats, 400);
	for (int i = 0; i < 4; i++)
		idle[i] = dial(&w.stats_bind[0], "");
	fd = dial(&w.stats_bind[0], request);
	for (int i = 0; i < 10; i++)
		turn();
	ck_assert_int_eq(recv(fd, answer, 1, MSG_DONTWAIT), -1);
	ck_assert_int_gt(hear(fd, answer, 3000), 0);
	ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\nok\n"));
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(hear(idle[i], answer, 3000), 0);
	for (int i = 0; i < 20; i++) {
		get("/healthz", answer);
		ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\nok\n"));
	}
	free(answer);
}
END_TEST

/* Does somebody listen there? */
static bool
listens(const struct addr *a)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, &ss);
	int fd = socket(a->family, SOCK_STREAM, 0);
	bool yes = connect(fd, (struct sockaddr *)&ss, len) == 0;

	close(fd);
	turn();
	return yes;
}

/* A reload opens first, then closes; one that fails changes nothing. */
START_TEST(reload)
{
	struct addr old = w.stats_bind[0], new = old, taken = old;
	char error[256] = "", *answer = malloc(ANSWER);
	int fd;

	new.port = free_port();
	taken.port = free_port();
	fd = net_listen(&taken, 1, error, sizeof(error));
	w.stats_bind[0] = new;
	w.stats_bind[1] = taken;
	w.stats[0].nbinds = 2;
	ck_assert_int_eq(
	    stats_listen(stats, &w.conf, error, sizeof(error)), -1);
	ck_assert_ptr_nonnull(strstr(error, "another process"));
	ck_assert(listens(&old) && !listens(&new));

	w.stats[0].nbinds = 1;
	ck_assert_int_eq(stats_listen(stats, &w.conf, error, sizeof(error)), 0);
	ck_assert(listens(&old) && listens(&new));
	stats_abort(stats);
	ck_assert(listens(&old) && !listens(&new));

	ck_assert_int_eq(stats_listen(stats, &w.conf, error, sizeof(error)), 0);
	stats_commit(stats);
	ck_assert(!listens(&old) && listens(&new));
	get("/healthz", answer);
	ck_assert_ptr_nonnull(strstr(answer, "200 OK"));
	close(fd);
	free(answer);
}
END_TEST

/* A UNIX socket and :: serve as well. */
START_TEST(addresses)
{
	struct addr *a = w.stats_bind;
	char error[256], *answer = malloc(ANSWER), path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/tmp/test_stats.%d", (int)getpid());
	memset(a, 0, 2 * sizeof(*a));
	a[0].family = AF_UNIX;
	strcpy(a[0].u.path, path);
	addr_parse_ip("::", free_port(), &a[1]);
	w.stats[0].nbinds = 2;
	ck_assert_int_eq(stats_listen(stats, &w.conf, error, sizeof(error)), 0);
	stats_commit(stats);
	get("/healthz", answer);
	ck_assert_ptr_nonnull(strstr(answer, "200 OK"));

	w.stats[0].nbinds = 1;
	addr_parse_ip("::", a[1].port, &a[0]);
	ck_assert_int_eq(stats_listen(stats, &w.conf, error, sizeof(error)), 0);
	stats_commit(stats);
	ck_assert_int_ne(lstat(path, &st), 0);
	addr_parse_ip("127.0.0.1", a[0].port, &a[0]);
	get("/healthz", answer);
	ck_assert_ptr_nonnull(strstr(answer, "200 OK"));
	free(answer);
}
END_TEST

/* The server, over real sockets. */
static TCase *
http_cases(void)
{
	TCase *t = tcase_create("http");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, answers, 0, ALL(requests));
	tcase_add_loop_test(t, post, 0, ALL(posts));
	tcase_add_test(t, settings);
	tcase_add_test(t, not_ready);
	tcase_add_test(t, shared);
	tcase_add_test(t, oversize);
	tcase_add_test(t, slow);
	tcase_add_test(t, limit);
	tcase_add_test(t, reload);
	tcase_add_test(t, addresses);
	return t;
}

/* All of them. */
int
main(void)
{
	Suite *suite = suite_create("httpd");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, http_cases());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
