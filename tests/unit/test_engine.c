/*
 * health/script and health/expect: scripts against a server that says what the
 * sample has it say. Statuses and words are what HAProxy 2.6.12 said to the
 * same, but where it is named.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <check.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "health/hcheck.h"
#include "health/place.h"
#include "health/script.h"
#include "tests/unit/listen_free.h"

#define STEPS_MAX 16
#define TIMEOUT   100 /* ms, of those that run into it */
#define LONG      5000

/*
 * What the server does with each connection, words with "|" between: "<" waits
 * until something comes, ">TEXT" says TEXT, "#N" says N times "a", "~" pauses
 * for 20 ms, "!" resets the connection; at the end it closes it, but "..."
 * keeps it open.
 */
struct sample {
	const char *what, *steps, *scene, *out;
	enum probe_result result;
};

#define REDIS "<|>+PONG\r\n|<|>$22\r\nrole:master\r\nx:0\r\n\r\n|<|>+OK\r\n"
#define HALF  "<|>half an answer"
#define HTTP  "<|>HTTP/1.1 503 Whatever\r\nContent-Length: 2\r\n\r\nok"

static const struct sample samples[] = {
    /* All steps pass. */
    {"nothing", "", "...", "L4OK -", PROBE_OK},
    {"connect", "connect", "...", "L4OK - (tcp-check)", PROBE_OK},
    {"send", "send x", "...", "L7OK - (tcp-check)", PROBE_OK},
    {"comment", "comment x", "...", "L4OK -", PROBE_OK},
    {"expect", "send x ; expect string got", "<|>I got it|...",
	"L7OK - (tcp-check)", PROBE_OK},
    {"Redis",
	"send PING\\r\\n ; expect string +PONG ; send info\\r\\n ; expect "
	"string role:master ; send QUIT\\r\\n ; expect string +OK",
	REDIS, "L7OK - (tcp-check)", PROBE_OK},
    {"last connect", "connect ; send x ; expect string half ; connect", HALF,
	"L4OK - (tcp-check)", PROBE_OK},
    {"linger", "connect linger ; send x ; expect string half", HALF,
	"L7OK - (tcp-check)", PROBE_OK},
    {"in pieces", "expect string +PONG", ">+P|~|>O|~|>NG|...",
	"L7OK - (tcp-check)", PROBE_OK},
    {"binary", "send-binary 00ff ; expect binary fffe", "<|>ab\xff\xfe|...",
	"L7OK - (tcp-check)", PROBE_OK},
    {"rbinary", "expect rbinary 61.*0D0A", ">abc\r\n|...", "L7OK - (tcp-check)",
	PROBE_OK},
    {"rstring", "expect rstring ^a.c", ">abc\r\n|...", "L7OK - (tcp-check)",
	PROBE_OK},
    {"two of one answer", "expect string b ; expect string a", ">ab|...",
	"L7OK - (tcp-check)", PROBE_OK},
    {"two, the second later", "expect string a ; expect string b",
	">a|~|>b|...", "L7OK - (tcp-check)", PROBE_OK},

    {"log-format", "send-lf %[srv_name] ; expect string-lf %b/%s%%",
	"<|>it is redis/redis-1%|...", "L7OK - (tcp-check)", PROBE_OK},

    /* An answer that is not there. */
    {"silent", "send X ; expect string Y", "...",
	"L7TOUT -  at step 2 of tcp-check (expect string 'Y')", PROBE_TIMEOUT},
    {"silent, not wanted", "send X ; expect ! string Y", "...",
	"L7TOUT -  at step 2 of tcp-check (expect string 'Y')", PROBE_TIMEOUT},
    {"silent, regex", "send X ; expect rstring Y+", "...",
	"L7TOUT -  at step 2 of tcp-check (expect regex)", PROBE_TIMEOUT},
    {"silent, binary", "send X ; expect binary 414243", "...",
	"L7TOUT -  at step 2 of tcp-check (expect binary 'ABC')",
	PROBE_TIMEOUT},
    {"silent, NUL", "send X ; expect binary 00ff", "...",
	"L7TOUT -  at step 2 of tcp-check (expect binary '')", PROBE_TIMEOUT},
    {"silent, rbinary", "send X ; expect rbinary 00ff..", "...",
	"L7TOUT -  at step 2 of tcp-check (expect binary regex)",
	PROBE_TIMEOUT},
    {"silent, line ends", "send X ; expect string a\\r\\nb", "...",
	"L7TOUT -  at step 2 of tcp-check (expect string 'a<0D><0A>b')",
	PROBE_TIMEOUT},
    {"silent, log-format", "send X ; expect string-lf %[srv_name]", "...",
	"L7TOUT -  at step 2 of tcp-check (expect log-format string)",
	PROBE_TIMEOUT},
    {"wrong, and open", "send x ; expect string nope", HALF "|...",
	"L7TOUT -  at step 2 of tcp-check (expect string 'nope')",
	PROBE_TIMEOUT},
    {"not wanted, and open", "send x ; expect ! string nope", HALF "|...",
	"L7TOUT -  at step 2 of tcp-check (expect string 'nope')",
	PROBE_TIMEOUT},
    {"second of two", "send x ; expect string half ; expect rstring c:[1-9]",
	HALF "|...", "L7TOUT -  at step 3 of tcp-check (expect regex)",
	PROBE_TIMEOUT},
    {"back to what must not match",
	"send x ; expect ! string zzz ; expect string nope", HALF "|...",
	"L7TOUT -  at step 2 of tcp-check (expect string 'zzz')",
	PROBE_TIMEOUT},
    {"old answers do not count",
	"send x ; expect string half ; send y ; expect string half",
	HALF "|...", "L7TOUT -  at step 4 of tcp-check (expect string 'half')",
	PROBE_TIMEOUT},
    {"min-recv", "expect string +P min-recv 1000", ">+PONG|...",
	"L7TOUT -  at step 1 of tcp-check (expect string '+P')", PROBE_TIMEOUT},

    /* One that does not match. */
    {"wrong", "send x ; expect string nope", HALF,
	"L7RSP - TCPCHK did not match content 'nope' at step 2",
	PROBE_PROTOCOL},
    {"wrong log-format", "send x ; expect string-lf %[srv_name]", HALF,
	"L7RSP - TCPCHK did not match content (log-format string) at step 2",
	PROBE_PROTOCOL},
    {"wrong regex", "send x ; expect rstring nope", HALF,
	"L7RSP - TCPCHK did not match content (regex) at step 2",
	PROBE_PROTOCOL},
    {"wrong binary", "send x ; expect binary 00FF", HALF,
	"L7RSP - TCPCHK did not match content (binary) at step 2",
	PROBE_PROTOCOL},
    {"wrong rbinary", "send x ; expect rbinary 00FF..", HALF,
	"L7RSP - TCPCHK did not match content (binary regex) at step 2",
	PROBE_PROTOCOL},
    {"rbinary is in upper case", "expect rbinary 0d0a", ">abc\r\n",
	"L7RSP - TCPCHK did not match content (binary regex) at step 1",
	PROBE_PROTOCOL},
    {"matched", "send x ; expect ! string half", HALF "|...",
	"L7RSP - TCPCHK matched unwanted content 'half' at step 2",
	PROBE_PROTOCOL},
    {"matched regex", "send x ; expect ! rstring a.*w", HALF "|...",
	"L7RSP - TCPCHK matched unwanted content (regex) at step 2",
	PROBE_PROTOCOL},
    {"matched binary", "send x ; expect ! binary 68", HALF "|...",
	"L7RSP - TCPCHK matched unwanted content (binary) at step 2",
	PROBE_PROTOCOL},
    {"matched rbinary", "send x ; expect ! rbinary 6861", HALF "|...",
	"L7RSP - TCPCHK matched unwanted content (binary regex) at step 2",
	PROBE_PROTOCOL},
    {"not matched, at last", "send x ; expect ! string nope", HALF,
	"L7OK - (tcp-check)", PROBE_OK},
    {"min-recv is the only look", "send x ; expect min-recv 5 string nope",
	HALF "|...", "L7RSP - TCPCHK did not match content 'nope' at step 2",
	PROBE_PROTOCOL},
    {"min-recv, not wanted", "send x ; expect min-recv 0 ! string nope",
	HALF "|...", "L7OK - (tcp-check)", PROBE_OK},
    {"min-recv, and closed", "send x ; expect min-recv 100 string half", HALF,
	"L7OK - (tcp-check)", PROBE_OK},
    {"too long, and not seen", "expect string needle", "#16380|>needle|...",
	"L7RSP - TCPCHK did not match content 'needle' at step 1",
	PROBE_PROTOCOL},
    {"long, and seen", "expect string needle", "#16000|>needle|...",
	"L7OK - (tcp-check)", PROBE_OK},
    {"endless, not wanted", "expect ! string x", "#20000|...",
	"L7OK - (tcp-check)", PROBE_OK},
    {"long words",
	"send x ; expect string "
	"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
	"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
	"y",
	HALF,
	"L7RSP - TCPCHK did not match content 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
	"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
	PROBE_PROTOCOL},

    /* None at all. */
    {"closed", "expect string nope", "",
	"L7RSP - TCPCHK got an empty response at step 1", PROBE_CLOSED},
    {"closed, not wanted", "expect ! string nope", "",
	"L7RSP - TCPCHK got an empty response at step 1", PROBE_CLOSED},
    {"closed when asked", "send x ; expect string nope", "<",
	"L7RSP - TCPCHK got an empty response at step 2", PROBE_CLOSED},
    {"closed, with a comment", "expect string nope comment c", "",
	"L7RSP - TCPCHK got an empty response at step 1 comment: 'c'",
	PROBE_CLOSED},
    {"reset", "send x ; expect string nope", "<|!",
	"SOCKERR - Connection reset by peer at step 2 of tcp-check (expect "
	"string 'nope')",
	PROBE_CLOSED},

    /* Comments count as steps, and are shown with the next one. */
    {"own comment", "send x ; expect string nope comment \"what it is\"", HALF,
	"L7RSP - TCPCHK did not match content 'nope' at step 2 comment: what "
	"it is",
	PROBE_PROTOCOL},
    {"comments", "comment one ; send x ; comment two ; expect string nope",
	HALF,
	"L7RSP - TCPCHK did not match content 'nope' at step 4 comment: two",
	PROBE_PROTOCOL},
    {"comment of another step", "comment one ; send x ; expect string nope",
	HALF, "L7RSP - TCPCHK did not match content 'nope' at step 3",
	PROBE_PROTOCOL},
    {"comment and timeout",
	"comment one ; connect ; send x ; expect string nope comment c",
	"<|...",
	"L7TOUT -  at step 4 of tcp-check (expect string 'nope') comment: 'c'",
	PROBE_TIMEOUT},

    /* HTTP. */
    {"wrong code", "send x ; expect status 200-399", HTTP, "L7STS 503 Whatever",
	PROBE_PROTOCOL},
    {"right code", "send x ; expect status 200-399,503", HTTP, "L7OK 503",
	PROBE_OK},
    {"unwanted code", "send x ; expect ! status 503", HTTP,
	"L7STS 503 Whatever", PROBE_PROTOCOL},
    {"code and comment", "send x ; expect status 200 comment xx", HTTP,
	"L7STS 503 Whatever comment: xx", PROBE_PROTOCOL},
    {"code like that", "send x ; expect ! rstatus ^[123]", HTTP, "L7OK 503",
	PROBE_OK},
    {"code not like that", "send x ; expect rstatus ^2", HTTP,
	"L7STS 503 Whatever", PROBE_PROTOCOL},
    {"no reason", "send x ; expect status 200", "<|>HTTP/1.0 500\r\n\r\n",
	"L7STS 500", PROBE_PROTOCOL},
    {"head in pieces", "send x ; expect status 204",
	"<|>HTTP/1.1 2|~|>04 No\r\n|~|>\r\n|...", "L7OK 204", PROBE_OK},
    {"head without an end", "send x ; expect status 204",
	"<|>HTTP/1.1 204 No\r\n|...", "L7TOUT -", PROBE_TIMEOUT},
    {"not HTTP", "send x ; expect status 200", HALF "|...", "L7RSP -",
	PROBE_PROTOCOL},
    {"HTTP closes", "send x ; expect status 200", "<", "L7RSP -", PROBE_CLOSED},
    {"silent HTTP", "send x ; expect status 200", "...", "L7TOUT -",
	PROBE_TIMEOUT},
    {"body", "send x ; expect status 100-599 ; expect string ok", HTTP,
	"L7OK 503", PROBE_OK},
    {"wrong body", "send x ; expect status 100-599 ; expect string What", HTTP,
	"L7RSP 503 HTTP content check did not match", PROBE_PROTOCOL},
    {"unwanted body", "send x ; expect status 100-599 ; expect ! string ok",
	HTTP, "L7RSP 503 HTTP check matched unwanted content", PROBE_PROTOCOL},
};

static struct event_base *base;
static struct addr addr, nobody; /* the server, and where there is none */
static struct observation seen;
static int done;
static struct script *script;
static struct places *places; /* addresses only */
static bool free_in_callback;

/* The attempt has ended. */
static void
done_cb(const struct observation *o, void *arg)
{
	ck_assert_ptr_eq(arg, &seen);
	ck_assert(!script_running(script));
	seen = *o;
	done++;
	if (free_in_callback)
		script_free(script);
}

/* Do one word of a scene. False ends it. */
static bool
act(int fd, const char *word)
{
	const struct linger reset = {1, 0};
	char buf[65536];
	ssize_t n = 1;

	if (word[0] == '<') {
		n = recv(fd, buf, sizeof(buf), 0);
	} else if (word[0] == '>') {
		n = send(fd, word + 1, strlen(word + 1), MSG_NOSIGNAL);
	} else if (word[0] == '#') {
		memset(buf, 'a', sizeof(buf));
		n = send(fd, buf, (size_t)atoi(word + 1), MSG_NOSIGNAL);
	} else if (word[0] == '~') {
		poll(NULL, 0, 20);
	} else if (word[0] == '!') {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	} else {
		while (recv(fd, buf, sizeof(buf), 0) > 0)
			continue;
	}
	return n > 0;
}

/* Serve connections, one after another, in a process of its own. */
static pid_t
serve(const char *scene)
{
	char copy[512], *word, *next;
	int listener = listen_free(&addr), fd;
	pid_t pid = fork();

	if (pid != 0) {
		close(listener);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct pollfd p = {.fd = listener, .events = POLLIN};

		poll(&p, 1, -1);
		fd = accept(listener, NULL, NULL);
		snprintf(copy, sizeof(copy), "%s", scene);
		for (word = copy; word != NULL && *word != '\0'; word = next) {
			next = strchr(word, '|');
			if (next != NULL)
				*next++ = '\0';
			if (!act(fd, word))
				break;
		}
		close(fd);
	}
}

/* Make a player of steps with " ; " between. "NOBODY" is a port where nobody
 * listens. */
static void
make(const char *text)
{
	struct conf_step steps[STEPS_MAX];
	struct script_subject of = {
	    .steps = steps, .names = {"redis-1", "redis"}};
	char line[1024], error[128], *word = line, *next;
	size_t n = 0;

	snprintf(line, sizeof(line), "%s", text);
	for (; word != NULL && *word != '\0'; word = next) {
		next = strstr(word, " ; ");
		if (next != NULL) {
			*next = '\0';
			next += 3;
		}
		ck_assert_msg(
		    step_parse(word, &steps[n++], error, sizeof(error)) == 0,
		    "%s: %s", word, error);
	}
	of.n = n;
	script = script_new(base, &of, places, done_cb, &seen);
	ck_assert(script_matches(script, &of));
	of.names.server = "redis-2";
	ck_assert(script_matches(script, &of) ==
		  (strstr(text, "%[srv_name]") == NULL));
	of.names.server = "redis-1";
	of.n = n + 1;
	ck_assert(!script_matches(script, &of));
	of.n = n - 1;
	if (n > 0)
		ck_assert(!script_matches(script, &of));
	while (n > 0)
		step_clear(&steps[--n]);
}

/* Run one attempt, and put what came of it into words. */
static const char *
attempt(const struct addr *a, int64_t timeout_ms)
{
	static char text[256];
	char code[16] = "-";
	int before = done;

	script_start(script, a, timeout_ms);
	ck_assert_int_eq(done, before);
	while (done == before)
		ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
	if (seen.code >= 0)
		snprintf(code, sizeof(code), "%d", seen.code);
	snprintf(text, sizeof(text), "%s %s%s%s", hcheck_code(seen.status),
	    code, seen.detail[0] == '\0' ? "" : " ", seen.detail);
	ck_assert_int_eq(done, before + 1);
	return text;
}

static void
set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	places = places_new(NULL, NULL, NULL);
	close(listen_free(&nobody));
}

static void
tear_down(void)
{
	if (!free_in_callback)
		script_free(script);
	places_free(places);
	event_base_free(base);
}

START_TEST(test_sample)
{
	const struct sample *s = &samples[_i];
	bool late = s->result == PROBE_TIMEOUT;
	pid_t server = serve(s->scene);
	const char *out;
	int i;

	make(s->steps);
	for (i = 0; i < (late ? 1 : 2); i++) {
		out = attempt(&addr, late ? TIMEOUT : LONG);
		ck_assert_msg(strcmp(out, s->out) == 0, "%s: %s, not %s",
		    s->what, out, s->out);
		ck_assert_int_eq(seen.result, s->result);
		ck_assert(seen.connected);
		if (late)
			ck_assert_int_ge(seen.duration_us, TIMEOUT * 900);
	}
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}
END_TEST

/* Nobody is there. */
START_TEST(test_refused)
{
	static const struct {
		const char *steps, *out;
	} refused[] = {
	    {"send X", "L4CON - Connection refused at initial connection step "
		       "of tcp-check"},
	    {"comment abc ; send X",
		"L4CON - Connection refused at initial connection step of "
		"tcp-check"},
	    {"connect ; send X",
		"L4CON - Connection refused at step 1 of tcp-check (connect)"},
	    {"comment abc ; connect",
		"L4CON - Connection refused at step 2 of tcp-check (connect) "
		"comment: 'abc'"},
	    {"expect status 200", "L4CON - Connection refused"},
	};
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		make(refused[i].steps);
		ck_assert_str_eq(attempt(&nobody, LONG), refused[i].out);
		ck_assert_int_eq(seen.result, PROBE_REFUSED);
		ck_assert(!seen.connected);
		if (i + 1 < sizeof(refused) / sizeof(refused[0]))
			script_free(script);
	}
}
END_TEST

/* Ports and addresses of its own. */
START_TEST(test_elsewhere)
{
	pid_t server = serve("<|>half|...");
	char text[128], out[128];

	snprintf(text, sizeof(text),
	    "connect addr 127.0.0.1 port %u ; send x ; expect string half",
	    addr.port);
	make(text);
	ck_assert_str_eq(attempt(&nobody, LONG), "L7OK - (tcp-check)");
	script_free(script);
	snprintf(text, sizeof(text),
	    "connect ; send x ; expect string half ; connect port %u comment "
	    "second ; send x",
	    nobody.port);
	snprintf(out, sizeof(out),
	    "L4CON - Connection refused at step 4 of tcp-check (connect port "
	    "%u) comment: 'second'",
	    nobody.port);
	make(text);
	ck_assert_str_eq(attempt(&addr, LONG), out);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}
END_TEST

/* A server that takes no more connections. */
START_TEST(test_full)
{
	struct sockaddr_storage ss;
	int fds[32], listener = listen_free(&addr);
	socklen_t len = addr_to_sockaddr(&addr, &ss);
	size_t i;

	listen(listener, 0);
	for (i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], (struct sockaddr *)&ss, len);
	}
	make("send X ; expect string Y");
	ck_assert_str_eq(attempt(&addr, TIMEOUT),
	    "L4TOUT -  at initial connection step of tcp-check");
	ck_assert_int_eq(seen.result, PROBE_TIMEOUT);
	ck_assert(!seen.connected);
	script_free(script);
	make("connect ; send X ; expect string Y");
	ck_assert_str_eq(attempt(&addr, TIMEOUT),
	    "L4TOUT -  at step 1 of tcp-check (connect)");
	while (i > 0)
		close(fds[--i]);
	close(listener);
}
END_TEST

/* It is freed while it runs, and in its own callback. */
START_TEST(test_free)
{
	pid_t server = serve("...");

	make("send X ; expect string Y");
	script_start(script, &addr, LONG);
	script_free(script);
	make("send X");
	free_in_callback = true;
	ck_assert_str_eq(attempt(&addr, LONG), "L7OK - (tcp-check)");
	make("send X");
	ck_assert_str_eq(attempt(&nobody, LONG),
	    "L4CON - Connection refused at initial connection step of "
	    "tcp-check");
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tc = tcase_create("engine");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(
	    tc, test_sample, 0, (int)(sizeof(samples) / sizeof(samples[0])));
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_elsewhere);
	tcase_add_test(tc, test_full);
	tcase_add_test(tc, test_free);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
