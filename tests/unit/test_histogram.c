/*
 * base/histogram.c: which bucket, what is added up, by several threads.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"

#define MANY 100000

static struct histogram h;

/* A duration, and the bucket that it is in. */
static const struct {
	enum histogram_scale scale;
	int64_t us;
	int bucket;
} cases[] = {
    {HISTOGRAM_SHORT, -5, 0},
    {HISTOGRAM_SHORT, 0, 0},
    {HISTOGRAM_SHORT, 250, 0},
    {HISTOGRAM_SHORT, 251, 1},
    {HISTOGRAM_SHORT, 1000, 2},
    {HISTOGRAM_SHORT, 1001, 3},
    {HISTOGRAM_SHORT, 60000000, HISTOGRAM_BOUNDS - 1},
    {HISTOGRAM_SHORT, 60000001, HISTOGRAM_BOUNDS},
    {HISTOGRAM_LONG, 999, 0},
    {HISTOGRAM_LONG, INT64_C(604800000000), HISTOGRAM_BOUNDS - 1},
    {HISTOGRAM_LONG, INT64_MAX, HISTOGRAM_BOUNDS},
};

START_TEST(test_bucket)
{
	struct histogram_sums sums = {{0}, 0};

	memset(&h, 0, sizeof(h));
	histogram_add(&h, cases[_i].scale, cases[_i].us);
	histogram_read(&h, &sums);
	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		ck_assert_uint_eq(sums.counts[i], i == cases[_i].bucket);
	ck_assert_uint_eq(
	    sums.sum_us, cases[_i].us < 0 ? 0 : (uint64_t)cases[_i].us);
	histogram_clear(&h);
	memset(&sums, 0, sizeof(sums));
	histogram_read(&h, &sums);
	ck_assert_uint_eq(sums.counts[cases[_i].bucket] + sums.sum_us, 0);
}
END_TEST

/* The bounds rise. */
START_TEST(test_bounds)
{
	for (int scale = HISTOGRAM_SHORT; scale <= HISTOGRAM_LONG; scale++)
		for (int i = 1; i < HISTOGRAM_BOUNDS; i++)
			ck_assert_int_gt(histogram_bounds[scale][i],
			    histogram_bounds[scale][i - 1]);
}
END_TEST

/* Adds many of 1 ms. */
static void *
add_many(void *arg)
{
	for (int i = 0; i < MANY; i++)
		histogram_add(&h, HISTOGRAM_SHORT, 1000);
	return arg;
}

/* Nothing is lost between threads, and several are added up. */
START_TEST(test_threads)
{
	struct histogram_sums sums = {{0}, 0};
	pthread_t threads[2];

	memset(&h, 0, sizeof(h));
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	histogram_read(&h, &sums);
	histogram_read(&h, &sums);
	ck_assert_uint_eq(sums.counts[2], 4 * MANY);
	ck_assert_uint_eq(sums.sum_us, UINT64_C(4000) * MANY);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("histogram");
	TCase *tc = tcase_create("histogram");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(
	    tc, test_bucket, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, test_bounds);
	tcase_add_test(tc, test_threads);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
