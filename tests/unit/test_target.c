/*
 * conf/target.c: what the values of log mean. What is refused is in
 * conf_broken.cases.
 */
#include <check.h>

#include "conf/target.h"

/* A log target, and what it means. */
static const struct {
	const char *text;
	struct log_target target;
} targets[] = {
    {"stdout", {LOG_TO_STDOUT, LOG_TEXT, .level = LEVEL_DEBUG}},
    {"fd@7 format=raw", {LOG_TO_FD, LOG_RAW, 7, .level = LEVEL_DEBUG}},
    {"stderr level=alert min=alert",
	{LOG_TO_STDERR, .level = LEVEL_ALERT, .least = LEVEL_ALERT}},
    {"syslog:h level=error", {LOG_TO_SYSLOG, LOG_SYSLOG, .host = "h",
				 .level = LEVEL_ERROR, .addr.port = 514}},
    {"syslog:h.example:99 format=rfc5424 level=emerg facility=local1",
	{LOG_TO_SYSLOG, LOG_RFC5424, .host = "h.example", .addr.port = 99,
	    .facility = 17}},
    {"syslog:/run/log len=100  level=info",
	{LOG_TO_SYSLOG, LOG_SYSLOG, .addr = {AF_UNIX, .u.path = "/run/log"},
	    .length = 100, .level = LEVEL_INFO}},
    {"syslog:::1", {LOG_TO_SYSLOG, LOG_SYSLOG, .addr = {AF_INET6, 514},
		       .level = LEVEL_DEBUG}},
    {"syslog:[::1]/kern level=crit",
	{LOG_TO_SYSLOG, LOG_SYSLOG, .addr = {AF_INET6, 514},
	    .level = LEVEL_CRIT}},
};

START_TEST(test_target)
{
	const struct log_target *want = &targets[_i].target;
	char error[256] = "", text[2][ADDR_STR_MAX];
	struct log_target t;

	ck_assert_msg(
	    target_parse(targets[_i].text, &t, error, sizeof(error)) == 0, "%s",
	    error);
	ck_assert(t.kind == want->kind && t.format == want->format);
	ck_assert(t.level == want->level && t.least == want->least);
	ck_assert(t.fd == want->fd && t.length == want->length);
	ck_assert_str_eq(t.host, want->host);
	ck_assert_int_eq(t.addr.family, want->addr.family);
	ck_assert_int_eq(t.addr.port, want->addr.port);
	if (want->facility != 0)
		ck_assert_int_eq(t.facility, want->facility);
	if (want->addr.family == AF_UNIX)
		ck_assert_str_eq(
		    addr_str(&t.addr, text[0]), addr_str(&want->addr, text[1]));
	else if (want->addr.family != 0)
		ck_assert_str_eq(addr_str(&t.addr, text[0]), "[::1]:514");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("target");
	TCase *tc = tcase_create("target");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(
	    tc, test_target, 0, sizeof(targets) / sizeof(targets[0]));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
