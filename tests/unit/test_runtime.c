/*
 * The commands of HAProxy's runtime API: what each answers, byte by byte as
 * HAProxy 2.6 does, and what it orders.
 */
#include <arpa/inet.h>
#include <check.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats-ui/runtime.h"
#include "tests/unit/operate_fake.h"

/* HAProxy's words that stand in several answers. */
#define USAGE                                                               \
	"usage: set server <backend>/<server> addr | agent | agent-addr | " \
	"agent-port | agent-send | check-addr | check-port | fqdn | "       \
	"health | ssl | state | weight\n\n"
#define STATES \
	"'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n\n"
#define HEALTHS                                                          \
	"'set server <srv> health' expects 'up', 'stopping', or 'down'." \
	"\n\n"
#define AGENT "agent checks are not enabled on this server"
#define BY    "by 'stats socket command'\n\n"
#define UNKNOWN                                                      \
	"Unknown command, but maybe one of the following ones is a " \
	"better match:\n"

#define ALL(table) (int)(sizeof(table) / sizeof(*(table)))

static struct runtime runtime;
static struct cli cli;
static unsigned resumed;

/* An act has ended. */
static void
resume_cb(struct cli *c)
{
	(void)c;
	resumed++;
}

/* A connection of that level to a healthy world. */
static void
start_as(enum conf_level level)
{
	static char name[] = "redis-3";

	fake_reset();
	w.servers[2].name = name;
	w.frontends[0].place = 1;
	w.frontends[1].place = 2;
	w.stats[0].place = 3;
	w.conf.global.maxconn = 500;
	w.conf.global.ncontrols = 0;
	memset(fake_frontends, 0, sizeof(fake_frontends));
	fake_nsessions = 0;
	fake_later = false;
	fake_order[0] = '\0';
	resumed = 0;
	fake_source.monitor = NULL;
	runtime.source = &fake_source;
	runtime.admin = fake_admin;
	cli = (struct cli){.level = level,
	    .out = evbuffer_new(),
	    .resume = resume_cb,
	    .peer = {.pid = 1}};
}

/* The same for an admin. */
static void
start(void)
{
	start_as(ALLOW_ADMIN);
}

/* Forget it. */
static void
stop(void)
{
	evbuffer_free(cli.out);
	memset(&cli, 0, sizeof(cli));
}

/* The answer so far, and forget it. */
static const char *
answer(void)
{
	static char text[1 << 20];
	int n = evbuffer_remove(cli.out, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* Run a command; its answer. */
static const char *
run(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "%s", command);
	runtime_run(&runtime, &cli, line);
	return answer();
}

/* A command, its whole answer, and the order that came of it. */
/* clang-format off */
static const struct {
	const char *command, *answer, *order;
} cases[] = {
    {"show version", "2.6.12-roleproxy-0.1\n\n", ""},
    {"show version extra", "2.6.12-roleproxy-0.1\n\n", ""},
    {"  show\tversion ", "2.6.12-roleproxy-0.1\n\n", ""},
    {"show backend", "# name\nredis\nstats\n\n", ""},
    {"show cli level", "admin\n\n", ""},
    {"show cli sockets", "# socket lvl processes\n\n", ""},
    {"show table", "\n", ""},
    {"show table nope", "No such table\n\n", ""},
    {"show env NO_SUCH_VARIABLE", "Variable not found\n\n", ""},
    {"show env TEST_PLAIN", "TEST_PLAIN=a b\n\n", ""},
    {"show env TEST_PASSWORD", "TEST_PASSWORD=*****\n\n", ""},
    {"show env TEST_PW", "TEST_PW=*****\n\n", ""},
    {"show env TEST_URL", "TEST_URL=*****\n\n", ""},
    {"show env TEST_UGLY", "TEST_UGLY=a??b\n\n", ""},
    {"show env TEST_\\PLAIN", "TEST_PLAIN=a b\n\n", ""},
    {"show errors nope", "No such proxy.\n\n", ""},
    {"show stat nope 1 1", "No such proxy.\n\n", ""},
    {"show servers state nope", "Can't find backend.\n\n", ""},
    {"show servers conn nope", "Can't find backend.\n\n", ""},

    {"get weight", "Require 'backend/server'.\n\n", ""},
    {"get weight redis", "Require 'backend/server'.\n\n", ""},
    {"get weight nope/redis-1", "No such backend.\n\n", ""},
    {"get weight redis/nope", "No such server.\n\n", ""},
    {"get weight redis/redis-1", "100 (initial 100)\n\n", ""},
    {"get weight #1/#1", "100 (initial 100)\n\n", ""},
    {"get weight #1/#9", "No such server.\n\n", ""},
    {"get weight #9/#1", "No such backend.\n\n", ""},

    {"set weight redis/redis-1", "Require <weight> or <weight%>.\n\n", ""},
    {"set weight redis/redis-1 abc", "Empty weight string empty or preceded by garbage\n", ""},
    {"set weight redis/redis-1 257", "Absolute weight can only be between 0 and 256 inclusive.\n\n", ""},
    {"set weight redis/redis-1 -1", "Absolute weight can only be between 0 and 256 inclusive.\n\n", ""},
    {"set weight redis/redis-1 -1%", "Relative weight must be positive.\n\n", ""},
    {"set weight redis/redis-1 10.5", "Trailing garbage in weight string\n", ""},
    {"set weight redis/redis-1 5", "\n", "weight redis-1 5"},
    {"set weight redis/redis-1 0%", "\n", "weight redis-1 0"},
    {"set weight redis/redis-2 50%", "\n", "weight redis-2 50"},
    {"set weight redis/redis-2 200%", "\n", "weight redis-2 200"},
    {"set weight redis/redis-2 900%", "\n", "weight redis-2 256"},
    {"set weight redis/redis-2 99999999999%", "\n", "weight redis-2 256"},
    {"set server redis/redis-2 weight 256", "\n", "weight redis-2 256"},
    {"set server redis/redis-2 weight", "Require <weight> or <weight%>.\n\n", ""},

    {"set server", "Require 'backend/server'.\n\n", ""},
    {"set server redis/redis-1", USAGE, ""},
    {"set server redis/redis-1 frob", USAGE, ""},
    {"set server redis/nope state drain", "No such server.\n\n", ""},
    {"set server redis/redis-1 state", STATES, ""},
    {"set server redis/redis-1 state foo", STATES, ""},
    {"set server redis/redis-1 state drain", "\n", "state redis-1 drain0"},
    {"set server redis/redis-1 state maint", "\n", "state redis-1 maint0"},
    {"set server redis/redis-1 state ready", "\n", "state redis-1 ready0"},
    {"set server redis/redis-1 health", HEALTHS, ""},
    {"set server redis/redis-1 health maint", HEALTHS, ""},
    {"set server redis/redis-1 health up", "\n", "health redis-1 up0"},
    {"set server redis/redis-1 health stopping", "\n", "health redis-1 stopping0"},
    {"set server redis/redis-1 health down", "\n", "health redis-1 down0"},
    {"set server redis/redis-1 agent up", AGENT ".\n\n", ""},
    {"set server redis/redis-1 agent-send x", AGENT ".\n\n", ""},
    {"set server redis/redis-1 agent-addr 1.2.3.4", AGENT "\n", ""},
    {"set server redis/redis-1 fqdn a.b",
	"set server <b>/<s> fqdn failed because no resolution is configured.\n\n", ""},
    {"set server redis/redis-1 addr",
	"set server <b>/<s> addr requires an address and optionally a port.\n\n", ""},
    {"set server redis/redis-1 addr foo", "Invalid addr 'foo' " BY, ""},
    {"set server redis/redis-1 addr 10.0.0.1", "no need to change the addr " BY, ""},
    {"set server redis/redis-1 addr 10.0.0.1 port 6379",
	"no need to change the addr, no need to change the port " BY, ""},
    {"set server redis/redis-1 addr 10.0.0.1 port 7",
	"no need to change the addr, port changed from '6379' to '7' " BY,
	"move redis-1 10.0.0.17"},
    {"set server redis/redis-1 addr 10.0.0.2",
	"IP changed from '10.0.0.1' to '10.0.0.2' " BY, "move redis-1 10.0.0.26379"},
    {"set server redis/redis-1 addr ::1 port 8",
	"IP changed from '10.0.0.1' to '::1', port changed from '6379' to '8' " BY,
	"move redis-1 ::18"},
    {"set server redis/redis-1 addr 10.0.0.1 port",
	"no need to change the addr, problem converting port '' to an int " BY, ""},
    {"set server redis/redis-1 addr 10.0.0.2 port 70000",
	"IP changed from '10.0.0.1' to '10.0.0.2', problem converting port '70000' to an int " BY, ""},

    {"disable server", "Require 'backend/server'.\n\n", ""},
    {"disable server redis/redis-1", "\n", "state redis-1 maint0"},
    {"enable server redis/redis-1", "\n", "state redis-1 ready0"},
    {"disable health redis/redis-1", "\n", "checks redis-1 off0"},
    {"enable health redis/redis-1", "\n", "checks redis-1 on0"},
    {"disable agent redis/redis-1", "\n", ""},
    {"enable agent redis/redis-1",
	"Agent was not configured on this server, cannot enable.\n\n", ""},

    {"disable frontend", "A frontend name is expected.\n\n", ""},
    {"disable frontend nope", "No such frontend.\n\n", ""},
    {"disable frontend write", "\n", "pause write on0"},
    {"enable frontend write", "All sockets are already enabled.\n\n", ""},
    {"shutdown frontend read", "\n", "shutdown read 0"},
    {"set maxconn frontend", "A frontend name is expected.\n\n", ""},
    {"set maxconn frontend nope 5", "No such frontend.\n\n", ""},
    {"set maxconn frontend write", "Integer value expected.\n\n", ""},
    {"set maxconn frontend write -1", "Value out of range.\n\n", ""},
    {"set maxconn frontend write 50", "\n", "maxconn write 50"},
    {"set maxconn server redis/redis-1", "Require <maxconn>.\n\n", ""},
    {"set maxconn server redis/redis-1 abc", "maxconn string empty or preceded by garbage\n", ""},
    {"set maxconn server redis/redis-1 5x", "Trailing garbage in maxconn string\n", ""},
    {"set maxconn server redis/redis-1 5", "\n", "maxconn redis-1 5"},
    {"set maxconn server redis/redis-1 -1", "\n", "maxconn redis-1 0"},
    {"set maxconn global", "Expects an integer value.\n\n", ""},
    {"set maxconn global 501", "Value out of range.\n\n", ""},
    {"set maxconn global 500", "\n", "maxconn all 500"},
    {"set maxconn global 0", "\n", "maxconn all -1"},

    {"shutdown session", "Session pointer expected (use 'show sess').\n\n", ""},
    {"shutdown session zzz", "Session pointer expected (use 'show sess').\n\n", ""},
    {"shutdown session 0x123", "No such session (use 'show sess').\n\n", ""},
    {"shutdown sessions server redis/nope", "No such server.\n\n", ""},
    {"shutdown sessions server redis/redis-2", "\n", "close redis-2 0"},
    {"clear counters", "\n", "clear maxima 0"},
    {"clear counters all", "\n", "clear all 0"},

    {"set timeout", "'set timeout' only supports 'cli'.\n\n", ""},
    {"set timeout cli", "Expects an integer value.\n\n", ""},
    {"set timeout cli abc", "Invalid timeout value.\n\n", ""},
    {"set timeout cli 10s", "\n", ""},
    {"quit", "", ""},
    {"prompt", "\n", ""},
};
/* clang-format on */

START_TEST(test_answers)
{
	setenv("TEST_PLAIN", "a b", 1);
	setenv("TEST_PASSWORD", "hidden", 1);
	setenv("TEST_PW", "hidden", 1);
	setenv("TEST_URL", "redis://:hidden@h", 1);
	setenv("TEST_UGLY",
	    "a\n\x1b"
	    "b",
	    1);
	ck_assert_str_eq(run(cases[_i].command), cases[_i].answer);
	ck_assert_str_eq(fake_order, cases[_i].order);
}
END_TEST

/* Commands that take more than the level, and each level. */
START_TEST(test_levels)
{
	static const struct {
		const char *command;
		enum conf_level level;
	} table[] = {
	    {"show stat", ALLOW_USER},
	    {"show info", ALLOW_USER},
	    {"show servers state", ALLOW_USER},
	    {"get weight redis/redis-1", ALLOW_USER},
	    {"user", ALLOW_USER},
	    {"set timeout cli 5", ALLOW_USER},
	    {"show sess", ALLOW_OPERATOR},
	    {"show env", ALLOW_OPERATOR},
	    {"show errors", ALLOW_OPERATOR},
	    {"clear counters", ALLOW_OPERATOR},
	    {"operator", ALLOW_OPERATOR},
	    {"clear counters all", ALLOW_ADMIN},
	    {"set server", ALLOW_ADMIN},
	    {"set weight", ALLOW_ADMIN},
	    {"disable frontend", ALLOW_ADMIN},
	    {"set maxconn global", ALLOW_ADMIN},
	    {"shutdown session", ALLOW_ADMIN},
	    {"shutdown sessions server", ALLOW_ADMIN},
	};
	enum conf_level level;
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (level = ALLOW_USER; level <= ALLOW_ADMIN; level++) {
			stop();
			start_as(level);
			text = run(table[i].command);
			ck_assert_msg((strcmp(text, "Permission denied\n\n") ==
					  0) == (level < table[i].level),
			    "%s: %.200s", table[i].command, text);
		}
	}
}
END_TEST

/* A level that was given up does not come back. */
START_TEST(test_lowering)
{
	ck_assert_str_eq(run("operator"), "\n");
	ck_assert_str_eq(run("show cli level"), "operator\n\n");
	ck_assert_str_eq(
	    run("disable server redis/redis-1"), "Permission denied\n\n");
	ck_assert_str_eq(run("user"), "\n");
	ck_assert_str_eq(run("operator"), "Permission denied\n\n");
	ck_assert_str_eq(run("show cli level"), "user\n\n");
	ck_assert_str_eq(fake_order, "");
}
END_TEST

/* Frontends remember what was done to them. */
START_TEST(test_frontends)
{
	run("disable frontend write");
	ck_assert_str_eq(run("disable frontend write"),
	    "All sockets are already disabled.\n\n");
	ck_assert_str_eq(run("enable frontend write"), "\n");
	ck_assert_str_eq(fake_order, "pause write off0");
	run("shutdown frontend write");
	ck_assert_str_eq(run("shutdown frontend write"),
	    "Frontend was already shut down.\n\n");
	ck_assert_str_eq(run("disable frontend write"),
	    "Frontend was previously shut down, cannot disable.\n\n");
	ck_assert_str_eq(run("enable frontend write"),
	    "Frontend was previously shut down, cannot enable.\n\n");
}
END_TEST

/* Severity and prompt are the connection's. */
START_TEST(test_connection)
{
	ck_assert_str_eq(run("set severity-output number"), "\n");
	ck_assert_str_eq(
	    run("get weight redis/nope"), "[3]: No such server.\n\n");
	ck_assert_str_eq(
	    run("get weight redis/redis-1"), "[6]: 100 (initial 100)\n\n");
	/* With it, every line ends. */
	ck_assert_str_eq(run("set weight redis/redis-1 x"),
	    "[3]: Empty weight string empty or preceded by garbage\n\n");
	run("set severity-output string");
	ck_assert_str_eq(
	    run("get weight x"), "[err]: Require 'backend/server'.\n\n");
	run("set severity-output none");
	run("set timeout cli 90");
	ck_assert_int_eq(cli.timeout, 90000);
	run("set timeout cli 1500ms");
	ck_assert_int_eq(cli.timeout, 1500);
	ck_assert(!cli.prompt);
	run("prompt");
	ck_assert(cli.prompt);
	run("prompt");
	ck_assert(!cli.prompt && !cli.quit);
	run("quit");
	ck_assert(cli.quit);
}
END_TEST

/* What a state, a weight and a check look like in "show servers state". */
START_TEST(test_servers_state)
{
	char first[65536];
	const char *text;

	w.admins[0].state = ADMIN_DRAIN;
	w.admins[1].state = ADMIN_MAINT;
	w.maintenance[1] = true;
	w.admins[1].weight = 7;
	w.admins[2].file.disabled = true;
	w.states[2].health = HEALTH_DOWN;
	text = run("show servers state");
	ck_assert(strncmp(text, "1\n# be_id be_name srv_id ", 25) == 0);
	ck_assert_ptr_nonnull(
	    strstr(text, "\n1 redis 1 redis-1 10.0.0.1 2 8 100 100 "));
	ck_assert_ptr_nonnull(
	    strstr(text, "\n1 redis 2 redis-2 10.0.0.1 0 1 7 100 "));
	ck_assert_ptr_nonnull(
	    strstr(text, "\n1 redis 3 redis-3 10.0.0.1 0 4 100 100 "));
	ck_assert_ptr_nonnull(strstr(text, " 0 0 0 - 6379 - 0 0 - - 0\n"));
	strcpy(first, run("show servers state #1"));
	ck_assert_str_eq(first, run("show servers state redis"));
	text = run("show servers conn");
	ck_assert_ptr_nonnull(strstr(text, "idle_per_thr[2]\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\nredis/redis-2 1/2 10.0.0.1 6380 - 5000 4 "));
}
END_TEST

/* One filter of "show stat" and "show info" each: what is in the answer. */
START_TEST(test_figures)
{
	static const struct {
		const char *command, *in, *out;
	} table[] = {
	    {"show stat", "\nredis,redis-1,", NULL},
	    {"show stat", "\nwrite,FRONTEND,", NULL},
	    {"show stat redis 4 -1", "\nredis,redis-2,", "BACKEND"},
	    {"show stat 1 2 -1", "\nredis,BACKEND,", "redis-2"},
	    {"show stat -1 1 -1", "\nread,FRONTEND,", "redis-1"},
	    {"show stat -1 4 2", "\nredis,redis-2,", "redis-1,"},
	    {"show stat -1 8 -1", "# pxname,", "\nredis"},
	    {"show stat typed", "S.1.1.1.svname.1:KNS:str:redis-1\n", NULL},
	    {"show stat json", "[[{\"objType\":", NULL},
	    {"show info", "Name: ", NULL},
	    {"show info typed", "0.Name.1:POS:str:", NULL},
	    {"show info json", "[{\"field\":{\"pos\":0,\"name\":\"Name\"}",
		NULL},
	    {"show schema json", "{\"$schema\":", NULL},
	    {"show errors", "Total events captured on [", NULL},
	};
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		text = run(table[i].command);
		ck_assert_msg(strstr(text, table[i].in) != NULL, "%s: %.200s",
		    table[i].command, text);
		ck_assert_msg(
		    table[i].out == NULL || strstr(text, table[i].out) == NULL,
		    "%s: %.200s", table[i].command, text);
		ck_assert_msg(strstr(text, "\n\n") == text + strlen(text) - 2,
		    "%s: %.200s", table[i].command, text);
	}
}
END_TEST

/* Lists of commands: which are in that of an unknown one. */
START_TEST(test_unknown)
{
	static const struct {
		const char *command, *in, *out;
	} table[] = {
	    {"frobnicate", UNKNOWN, NULL},
	    {"show", "\n  show stat ", "\n  set "},
	    {"show servers", "\n  show servers conn ", "\n  show stat "},
	    {"shwo stat", "\n  show stat ", "\n  clear "},
	    {"set serv", "\n  set server ", "\n  show "},
	    {"", "Unknown command. Please enter one of the following", NULL},
	    {"", "\n  show stat ", NULL},
	    {"help", "\n  show stat ", "Unknown"},
	    {"help set server", "\n  set server ", "\n  set weight "},
	};
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		text = run(table[i].command);
		ck_assert_msg(strstr(text, table[i].in) != NULL, "%s: %.200s",
		    table[i].command, text);
		ck_assert_msg(
		    table[i].out == NULL || strstr(text, table[i].out) == NULL,
		    "%s: %.200s", table[i].command, text);
		ck_assert_ptr_nonnull(strstr(text, "\n  quit  "));
	}
}
END_TEST

/* One made-up session. */
static void
set_session(size_t i, uint64_t id, int server)
{
	fake_sessions[i] = (struct session_view){.id = id,
	    .port = 4711,
	    .frontend_id = 1,
	    .server_id = server,
	    .client_fd = 20,
	    .server_fd = server < 0 ? -1 : 21,
	    .state = VIEW_RELAYING,
	    .age = 125000,
	    .bytes_in = 5};
	inet_pton(AF_INET6, "::ffff:10.1.2.3", &fake_sessions[i].ip);
	fake_nsessions = i + 1;
}

START_TEST(test_sessions)
{
	const char *text;

	set_session(0, 0x1234, 1);
	set_session(1, 0x5678, -1);
	text = run("show sess");
	ck_assert_ptr_nonnull(
	    strstr(text, ": proto=unix_stream src=unix:1 fe=GLOBAL "));
	ck_assert_ptr_nonnull(strstr(text,
	    "\n0x1234: proto=tcpv4 src=10.1.2.3:4711 fe=read be=redis "
	    "srv=redis-2 ts=00 epoch=0 age=2m5s calls="));
	ck_assert_ptr_nonnull(
	    strstr(text, "\n0x5678: proto=tcpv4 src=10.1.2.3:4711 fe=read "
			 "be=redis srv=<none> ts=00 "));
	text = run("show sess 0x5678");
	ck_assert(strncmp(text, "0x5678: ", 8) == 0);
	ck_assert_ptr_nonnull(strstr(text, " in=5 out=0\n"));
	ck_assert_ptr_null(strstr(text, "0x1234"));
	ck_assert_str_eq(run("show sess 0x99"), "Session not found.\n\n");
	ck_assert_str_eq(run("shutdown session 0x1234"), "\n");
}
END_TEST

/* Workers take their time; the connection may have ended meanwhile. */
START_TEST(test_later)
{
	set_session(0, 0x1234, 1);
	fake_later = true;
	run("show sess");
	ck_assert_ptr_nonnull(cli.act);
	fake_answer();
	ck_assert_ptr_null(cli.act);
	ck_assert_uint_eq(resumed, 1);
	ck_assert_ptr_nonnull(strstr(answer(), "0x1234: "));
	run("shutdown session 0x1");
	ck_assert_ptr_nonnull(cli.act);
	cli_forget(&cli);
	fake_answer();
	run("show sess");
	cli_forget(&cli);
	fake_answer();
	ck_assert_uint_eq(resumed, 1);
	answer();
}
END_TEST

/* More words than there is room for, and a backslash at the end. */
START_TEST(test_words)
{
	char line[4096] = "";
	int i;

	for (i = 0; i < 100; i++)
		strcat(line, "show ");
	ck_assert_ptr_nonnull(strstr(run(line), UNKNOWN));
	ck_assert_str_eq(run("show version \\"), "2.6.12-roleproxy-0.1\n\n");
	ck_assert_ptr_nonnull(strstr(run("show\\ version"), UNKNOWN));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("runtime");
	TCase *t = tcase_create("runtime");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_loop_test(t, test_answers, 0, ALL(cases));
	tcase_add_test(t, test_levels);
	tcase_add_test(t, test_lowering);
	tcase_add_test(t, test_frontends);
	tcase_add_test(t, test_connection);
	tcase_add_test(t, test_servers_state);
	tcase_add_test(t, test_figures);
	tcase_add_test(t, test_unknown);
	tcase_add_test(t, test_sessions);
	tcase_add_test(t, test_later);
	tcase_add_test(t, test_words);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
