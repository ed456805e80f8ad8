/*
 * health/hcheck.c: what HAProxy would say of a server.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/backend.h"
#include "health/hcheck.h"
#include "health/view.h"

#define RISE 2
#define FALL 3

/*
 * What is known of a server: role, UP or DOWN and how many good or bad checks
 * in a row, the newest result with its words. Out: status, info, health of
 * RISE + FALL - 1, UP or DOWN.
 */
struct sample {
	const char *what;
	enum conf_check check;
	enum conf_role want;
	enum role role;
	enum health health;
	unsigned row; /* good when DOWN, bad when UP */
	enum probe_result result;
	bool connected;
	const char *detail;
	const char *out;
};

#define P ROLE_PRIMARY
#define R ROLE_REPLICA
#define N ROLE_UNKNOWN
#define U HEALTH_UP
#define D HEALTH_DOWN
#define C true
#define X false

static const struct sample samples[] = {
    /* check = redis: the role. */
    {"writer", CHECK_REDIS, WANT_PRIMARY, P, U, 0, PROBE_OK, C, "",
	"L7OK 0 (tcp-check) 4 UP"},
    {"wrong role", CHECK_REDIS, WANT_PRIMARY, R, U, 0, PROBE_OK, C, "",
	"L7STS 0 role:slave 0 DOWN"},
    {"reader", CHECK_REDIS, WANT_REPLICA, R, U, 0, PROBE_OK, C, "",
	"L7OK 0 (tcp-check) 4 UP"},
    {"no reader", CHECK_REDIS, WANT_REPLICA, P, U, 0, PROBE_OK, C, "",
	"L7STS 0 role:master 0 DOWN"},
    {"any, primary", CHECK_REDIS, WANT_ANY, P, U, 0, PROBE_OK, C, "",
	"L7OK 0 (tcp-check) 4 UP"},
    {"any, replica", CHECK_REDIS, WANT_ANY, R, U, 0, PROBE_OK, C, "",
	"L7OK 0 (tcp-check) 4 UP"},

    /* check = redis: its state. */
    {"loading", CHECK_REDIS, WANT_PRIMARY, P, U, 0, PROBE_LOADING, C,
	"LOADING Redis", "L7STS 0 LOADING Redis 0 DOWN"},
    {"loading, wrong role", CHECK_REDIS, WANT_PRIMARY, R, U, 0, PROBE_LOADING,
	C, "LOADING Redis", "L7STS 0 LOADING Redis 0 DOWN"},
    {"master down", CHECK_REDIS, WANT_REPLICA, R, U, 0, PROBE_MASTERDOWN, C,
	"MASTERDOWN Link", "L7STS 0 MASTERDOWN Link 0 DOWN"},
    {"cannot save", CHECK_REDIS, WANT_PRIMARY, P, U, 0, PROBE_MISCONF, C,
	"MISCONF Redis", "L7OKC 0 MISCONF Redis 4 UP"},
    {"busy", CHECK_REDIS, WANT_PRIMARY, P, U, 0, PROBE_BUSY, C, "BUSY Redis",
	"L7OKC 0 BUSY Redis 4 UP"},
    {"busy, wrong role", CHECK_REDIS, WANT_PRIMARY, R, U, 0, PROBE_BUSY, C,
	"BUSY Redis", "L7STS 0 role:slave 0 DOWN"},
    {"busy, unknown role", CHECK_REDIS, WANT_PRIMARY, N, U, 0, PROBE_BUSY, C,
	"", "L7STS 0 role unknown 0 DOWN"},
    {"wrong password", CHECK_REDIS, WANT_PRIMARY, N, D, 0, PROBE_WRONGPASS, C,
	"", "L7STS 0 wrong password 0 DOWN"},
    {"password needed", CHECK_REDIS, WANT_PRIMARY, N, D, 0, PROBE_NOAUTH, C,
	"NOAUTH Authentication required.",
	"L7STS 0 NOAUTH Authentication required. 0 DOWN"},
    {"no permission", CHECK_REDIS, WANT_ANY, N, D, 0, PROBE_NOPERM, C, "",
	"L7STS 0 no permission 0 DOWN"},
    {"max clients", CHECK_REDIS, WANT_ANY, N, D, 0, PROBE_MAXCLIENTS, C, "",
	"L7STS 0 max clients 0 DOWN"},
    {"not Redis", CHECK_REDIS, WANT_ANY, N, D, 0, PROBE_PROTOCOL, C, "HTTP/1.1",
	"L7RSP - HTTP/1.1 0 DOWN"},
    {"closed", CHECK_REDIS, WANT_ANY, N, D, 0, PROBE_CLOSED, C, "",
	"L7RSP - closed 0 DOWN"},
    {"no answer", CHECK_REDIS, WANT_ANY, P, D, 0, PROBE_TIMEOUT, C,
	"no answer to PING", "L7TOUT - no answer to PING 0 DOWN"},
    {"no connection", CHECK_REDIS, WANT_ANY, P, D, 0, PROBE_TIMEOUT, X,
	"no connection",
	"L4TOUT -  at initial connection step of tcp-check 0 DOWN"},
    {"refused", CHECK_REDIS, WANT_ANY, P, D, 0, PROBE_REFUSED, X,
	"Connection refused",
	"L4CON - Connection refused at initial connection step of tcp-check 0 "
	"DOWN"},
    {"no address", CHECK_REDIS, WANT_ANY, N, D, 0, PROBE_UNRESOLVED, X,
	"not found",
	"SOCKERR - not found at initial connection step of tcp-check 0 DOWN"},

    /* check = tcp. */
    {"open", CHECK_TCP, WANT_ANY, N, U, 0, PROBE_OK, C, "", "L4OK -  4 UP"},
    {"tcp refused", CHECK_TCP, WANT_ANY, N, D, 0, PROBE_REFUSED, X,
	"Connection refused", "L4CON - Connection refused 0 DOWN"},
    {"tcp silent", CHECK_TCP, WANT_ANY, N, D, 0, PROBE_TIMEOUT, X,
	"no connection", "L4TOUT -  0 DOWN"},
    {"tcp, its role means nothing", CHECK_TCP, WANT_PRIMARY, N, U, 0, PROBE_OK,
	C, "", "L4OK -  4 UP"},

    /* How good. */
    {"one bad", CHECK_TCP, WANT_ANY, N, U, 1, PROBE_REFUSED, X, "no",
	"L4CON - no 3 UP"},
    {"two bad", CHECK_TCP, WANT_ANY, N, U, 2, PROBE_REFUSED, X, "no",
	"L4CON - no 2 UP"},
    {"one good", CHECK_TCP, WANT_ANY, N, D, 1, PROBE_OK, C, "",
	"L4OK -  1 DOWN"},
    {"one bad, right role", CHECK_REDIS, WANT_PRIMARY, P, U, 1, PROBE_TIMEOUT,
	C, "late", "L7TOUT - late 3 UP"},
    {"one bad, wrong role", CHECK_REDIS, WANT_PRIMARY, R, U, 1, PROBE_TIMEOUT,
	C, "late", "L7TOUT - late 0 DOWN"},
    {"one good, right role", CHECK_REDIS, WANT_PRIMARY, P, D, 1, PROBE_OK, C,
	"", "L7OK 0 (tcp-check) 1 DOWN"},

    /* Before the first check. */
    {"new", CHECK_TCP, WANT_ANY, N, HEALTH_UNCHECKED, 0, PROBE_NONE, X, "",
	"INI -  0 DOWN"},
    {"new, and UP", CHECK_TCP, WANT_ANY, N, U, 0, PROBE_NONE, X, "",
	"INI -  2 UP"},
    {"none", CHECK_NONE, WANT_ANY, N, HEALTH_UNCHECKED, 0, PROBE_NONE, X, "",
	"UNK -  4 UP"},
};

static struct conf_backend cb = {
    .rise = RISE, .fall = FALL, .check_interval = 1000, .check_fast = 100};
static struct conf_server cs;

/* What hcheck_of() makes of a sample. */
static struct hcheck
judge(const struct sample *s, bool fenced)
{
	struct server_state state = {.health = s->health, .role = s->role};
	struct monitor_server ms = {
	    .conf = &cs, .state = &state, .fenced = fenced, .checking = true};
	struct hcheck h;

	cb.check = s->check;
	cb.role = s->want;
	state.good = s->health == HEALTH_UP ? 1 : s->row;
	state.bad = s->health == HEALTH_UP ? s->row : 1;
	state.last.result = s->result;
	state.last.connected = s->connected;
	state.last.duration_us = 4321;
	strcpy(state.last.detail, s->detail);
	hcheck_of(&cb, &ms, &h);
	return h;
}

/* One line for it. */
static const char *
text_of(const struct hcheck *h)
{
	static char text[256];
	char code[16] = "-";

	if (h->code >= 0)
		snprintf(code, sizeof(code), "%d", h->code);
	snprintf(text, sizeof(text), "%s %s %s %u %s", hcheck_code(h->status),
	    code, h->info, h->health, h->up ? "UP" : "DOWN");
	return text;
}

START_TEST(test_sample)
{
	const struct sample *s = &samples[_i];
	struct hcheck h = judge(s, false);

	ck_assert_msg(strcmp(text_of(&h), s->out) == 0, "%s: %s, not %s",
	    s->what, text_of(&h), s->out);
	ck_assert_int_eq(h.checked, s->check != CHECK_NONE);
	ck_assert_int_eq(h.running, h.checked);
	ck_assert_int_eq((int)h.duration_ms, s->result == PROBE_NONE ? -1 : 4);
	ck_assert_uint_eq(h.rise, RISE);
	ck_assert_uint_eq(h.fall, FALL);
}
END_TEST

/* A primary that is not the writer is not UP where a writer is wanted. */
START_TEST(test_fenced)
{
	struct hcheck h = judge(&samples[0], true);

	ck_assert_str_eq(text_of(&h), "L7STS 0 role:master, fenced 0 DOWN");
}
END_TEST

/* What a server says of its own check goes before its backend; one of Redis is
 * always checked. */
START_TEST(test_own)
{
	static const struct sample unchecked = {.check = CHECK_TCP,
	    .health = U,
	    .result = PROBE_NONE,
	    .detail = ""};
	struct hcheck h;

	cs.rise = 5;
	h = judge(&samples[0], false);
	ck_assert_uint_eq(h.rise, 5);
	ck_assert_uint_eq(h.health, 7);
	cs.rise = 0;
	cs.unchecked = true;
	h = judge(&samples[0], false);
	ck_assert(h.checked && h.up);
	h = judge(&unchecked, false);
	ck_assert(!h.checked && h.up && h.status == HCHK_UNKNOWN);
	cs.unchecked = false;
}
END_TEST

/* The words and the numbers, HAProxy 2.6. */
START_TEST(test_words)
{
	ck_assert_str_eq(hcheck_code(HCHK_L7STS), "L7STS");
	ck_assert_str_eq(hcheck_text(HCHK_L7STS), "Layer7 wrong status");
	ck_assert_uint_eq(hcheck_number(HCHK_L7STS), 17);
	ck_assert_uint_eq(hcheck_number(HCHK_L4OK), 6);
	ck_assert_uint_eq(hcheck_result(HCHK_L7OKC), 4);
	ck_assert_uint_eq(hcheck_result(HCHK_L4OK), 3);
	ck_assert_uint_eq(hcheck_result(HCHK_L4CON), 2);
	ck_assert_uint_eq(hcheck_result(HCHK_INI), 0);
	ck_assert(!hcheck_has_code(HCHK_L7RSP) && hcheck_has_code(HCHK_L7OK));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hcheck");
	TCase *tc = tcase_create("hcheck");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
	    tc, test_sample, 0, (int)(sizeof(samples) / sizeof(samples[0])));
	tcase_add_test(tc, test_fenced);
	tcase_add_test(tc, test_own);
	tcase_add_test(tc, test_words);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
