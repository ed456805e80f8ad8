/*
 * Conditions of -cc; what HAProxy 2.6.12 exits with, turned over.
 */
#include <check.h>
#include <stdlib.h>

#include "conf/condition.h"

static const struct {
	const char *text;
	int truth;
} conditions[] = {
    {"", 0},
    {"0", 0},
    {"1", 1},
    {"5", 1},
    {"-1", 1},
    {"!0", 1},
    {"!!1", 1},
    {"true", -1},
    {"1 1", -1},
    {"foo(", -1},
    {"foo(1)", -1},
    {"streq", -1},
    {"enabled(EPOLL)", -1},
    {"$HOME", -1},
    {"version_atleast(2.0)", 1},
    {"version_atleast(2.6.12)", 1},
    {"version_atleast(2.6.13)", 0},
    {"version_atleast(3.0)", 0},
    {"version_before(3.0)", 1},
    {"version_before(2.6.12)", 0},
    {"!version_atleast(3.0)", 1},
    {"version_before(3.0)||0", 1},
    {"version_atleast(2.0) && feature(THREAD)", 1},
    {"feature(LUA)", 0},
    {"defined(CONDITION)", 1},
    {"defined(NO_CONDITION)", 0},
    {"streq(\"a\",\"a\")", 1},
    {"streq(a,b)", 0},
    {"streq(a)", -1},
    {"streq(\"a,a)", -1},
    {"strneq(a, b)", 1},
    {"streq(\"$CONDITION\",yes)", 1},
    {"streq(\"${CONDITION}\",yes)", 1},
    {"streq(\"${CONDITION\",yes)", -1},
    {"streq('$CONDITION',yes)", 0},
    {"0 || 1 && 0", 0},
    {"(0 || 1) && 1", 1},
    {"(1", -1},
    {"1)", -1},
    {"1 &&", -1},
    {"((((((((((((((((((((((((((((((((((((((((1", -1},
    {"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!1", -1},
};

START_TEST(test_truth)
{
	setenv("CONDITION", "yes", 1);
	ck_assert_msg(
	    condition_evaluate(conditions[_i].text) == conditions[_i].truth,
	    "%s: %d", conditions[_i].text,
	    condition_evaluate(conditions[_i].text));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("condition");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, test_truth, 0,
	    (int)(sizeof(conditions) / sizeof(conditions[0])));
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
