/*
 * health/flap.c: which changes of a server are logged.
 */
#include <check.h>
#include <stdlib.h>

#include "health/flap.h"

/* So many changes, one each so many ms; how many are logged. */
static unsigned
changes(struct flap *f, unsigned n, int64_t *now, int64_t every)
{
	unsigned logged = 0;

	for (; n > 0; n--) {
		*now += every;
		logged += flap_change(f, *now) != FLAP_WITHHOLD;
	}
	return logged;
}

/* Few changes are logged, and so are many that take their time. */
START_TEST(test_few)
{
	struct flap f = {0};
	int64_t now = 100000;

	ck_assert_uint_eq(changes(&f, FLAP_CHANGES, &now, 1000), FLAP_CHANGES);
	now += FLAP_QUIET_MS;
	ck_assert_uint_eq(flap_calm(&f, now), 0);
	ck_assert_uint_eq(changes(&f, 100, &now, FLAP_QUIET_MS / 5), 100);
}
END_TEST

/* Of many some are, then it is said, and when it is calm how many were not. */
START_TEST(test_many)
{
	struct flap f = {0};
	int64_t now = 100000;

	ck_assert_uint_eq(
	    changes(&f, FLAP_CHANGES - 1, &now, 100), FLAP_CHANGES - 1);
	ck_assert_int_eq(flap_change(&f, now), FLAP_LOG_END);
	ck_assert_uint_eq(changes(&f, 500, &now, 1000), 0);
	ck_assert_uint_eq(flap_calm(&f, now + FLAP_QUIET_MS - 1), 0);
	ck_assert_uint_eq(flap_calm(&f, now + FLAP_QUIET_MS), 500);
	ck_assert_uint_eq(flap_calm(&f, now + 2 * FLAP_QUIET_MS), 0);
	ck_assert_int_eq(flap_change(&f, now + 2 * FLAP_QUIET_MS), FLAP_LOG);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("flap");
	TCase *tc = tcase_create("flap");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, test_few);
	tcase_add_test(tc, test_many);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
