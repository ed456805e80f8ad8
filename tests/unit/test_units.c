/*
 * base/units.c: what is a time, a size, a number, and what is not.
 */
#include <check.h>
#include <stdlib.h>

#include "base/units.h"

static char error[UNITS_ERROR_MAX];

/* A text and its value; -1: refused. */
struct sample {
	const char *text;
	int64_t value;
};

static const struct sample times[] = {{"0", 0}, {"00", 0}, {"0s", 0},
    {"0us", 0}, {"1us", 1}, {"999us", 1}, {"1000us", 1}, {"1001us", 2},
    {"10ms", 10}, {"10s", 10000}, {"2m", 120000}, {"3h", 10800000},
    {"365d", 31536000000}, {"9223372036854775807ms", INT64_MAX},
    {"9223372036854775807us", INT64_MAX / 1000 + 1},
    {"9223372036854775808ms", -1}, {"9223372036854775s", 9223372036854775000},
    {"9223372036854776s", -1}, {"106751991168d", -1},
    {"99999999999999999999999999s", -1}, {"18446744073709551616", -1}, {"", -1},
    {"s", -1}, {"1", -1}, {"10", -1}, {"-1s", -1}, {"+1s", -1}, {"1.5s", -1},
    {"1 s", -1}, {" 1s", -1}, {"1s ", -1}, {"1S", -1}, {"1w", -1},
    {"1m30s", -1}, {"0x10s", -1}, {"1e3s", -1}};

START_TEST(test_time)
{
	const struct sample *s = &times[_i];
	int64_t ms = -2;

	if (s->value < 0) {
		ck_assert_msg(
		    units_time(s->text, &ms, error) == -1, "'%s'", s->text);
		ck_assert_int_ne(error[0], '\0');
	} else {
		ck_assert_msg(units_time(s->text, &ms, error) == 0, "'%s': %s",
		    s->text, error);
		ck_assert_int_eq(ms, s->value);
	}
}
END_TEST

static const struct sample sizes[] = {{"0", 0}, {"1", 1}, {"64k", 65536},
    {"64m", 67108864}, {"1g", 1073741824}, {"9223372036854775807", INT64_MAX},
    {"8589934591g", 9223372035781033984}, {"8589934592g", -1},
    {"9223372036854775808", -1}, {"", -1}, {"k", -1}, {"1K", -1}, {"1kb", -1},
    {"-1", -1}, {"1.5g", -1}};

START_TEST(test_size)
{
	const struct sample *s = &sizes[_i];
	int64_t bytes = -2;

	if (s->value < 0) {
		ck_assert_msg(
		    units_size(s->text, &bytes, error) == -1, "'%s'", s->text);
	} else {
		ck_assert_int_eq(units_size(s->text, &bytes, error), 0);
		ck_assert_int_eq(bytes, s->value);
	}
}
END_TEST

START_TEST(test_number)
{
	unsigned n = 7;

	ck_assert_int_eq(units_number("1", 1, 256, &n, error), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(units_number("256", 1, 256, &n, error), 0);
	ck_assert_uint_eq(n, 256);
	ck_assert_int_eq(
	    units_number("4294967295", 0, 4294967295, &n, error), 0);
	ck_assert_uint_eq(n, 4294967295);
	ck_assert_int_eq(units_number("257", 1, 256, &n, error), -1);
	ck_assert_str_eq(error, "'257' is out of range: 1 to 256");
	ck_assert_int_eq(
	    units_number("18446744073709551617", 1, 256, &n, error), -1);
	ck_assert_int_eq(units_number("0", 1, 256, &n, error), -1);
	ck_assert_int_eq(units_number("", 0, 256, &n, error), -1);
	ck_assert_int_eq(units_number("1s", 0, 256, &n, error), -1);
	ck_assert_str_eq(error, "'1s' is not a number");
	ck_assert_uint_eq(n, 4294967295);
}
END_TEST

START_TEST(test_reasons)
{
	int64_t n;

	ck_assert_int_eq(units_time("10", &n, error), -1);
	ck_assert_str_eq(error, "'10' has no unit: write 10s or 10ms");
	ck_assert_int_eq(units_time("ten", &n, error), -1);
	ck_assert_str_eq(error,
	    "'ten' is not a time: a whole number and us, ms, s, m, h or d");
	ck_assert_int_eq(units_time("999999999999d", &n, error), -1);
	ck_assert_str_eq(error, "'999999999999d' is too long");
	ck_assert_int_eq(units_size("64M", &n, error), -1);
	ck_assert_str_eq(error,
	    "'64M' is not a size: a whole number, with k, m or g if need be");
	ck_assert_int_eq(units_size("99999999999g", &n, error), -1);
	ck_assert_str_eq(error, "'99999999999g' is too large");
}
END_TEST

START_TEST(test_time_str)
{
	char buf[UNITS_TIME_MAX];

	ck_assert_str_eq(units_time_str(0, buf), "0");
	ck_assert_str_eq(units_time_str(1, buf), "1ms");
	ck_assert_str_eq(units_time_str(1500, buf), "1500ms");
	ck_assert_str_eq(units_time_str(90000, buf), "90s");
	ck_assert_str_eq(units_time_str(120000, buf), "2m");
	ck_assert_str_eq(units_time_str(3600000, buf), "1h");
	ck_assert_str_eq(units_time_str(86400000, buf), "1d");
	ck_assert_str_eq(
	    units_time_str(INT64_MAX, buf), "9223372036854775807ms");
}
END_TEST

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("units");
	TCase *tc = tcase_create("units");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
	    tc, test_time, 0, (int)(sizeof(times) / sizeof(times[0])));
	tcase_add_loop_test(
	    tc, test_size, 0, (int)(sizeof(sizes) / sizeof(sizes[0])));
	tcase_add_test(tc, test_number);
	tcase_add_test(tc, test_reasons);
	tcase_add_test(tc, test_time_str);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
