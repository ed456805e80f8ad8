/*
 * proxy/tally.c: rates, means and maxima.
 */
#include <check.h>
#include <pthread.h>

#include "proxy/tally.h"

/* So many sessions begin at that time. */
static void
begin(struct tally *t, int64_t now, int n)
{
	while (n-- > 0)
		tally_begin(t, now, 1);
}

/* What is read at that time. */
static struct figures
read_at(const struct tally *t, int64_t now)
{
	struct figures f = {0};

	tally_read(t, now, &f);
	return f;
}

START_TEST(test_nothing)
{
	struct tally t = {0};
	struct figures f = read_at(&t, 123456);

	ck_assert(f.rate == 0 && f.rate_max == 0 && f.sessions_max == 0);
	ck_assert(f.queue_ms == 0 && f.total_ms == 0 && f.total_ms_max == 0);
	ck_assert_int_eq(f.last_session, -1);
}
END_TEST

START_TEST(test_rate)
{
	struct tally t = {0};
	const int64_t s = 1000;
	struct figures f;

	begin(&t, 50 * s, 10);
	ck_assert_uint_eq(read_at(&t, 50 * s).rate, 10);
	ck_assert_uint_eq(read_at(&t, 50 * s + 999).rate, 10);
	/* Of the second before, what is less than a second ago. */
	ck_assert_uint_eq(read_at(&t, 51 * s + 500).rate, 5);
	begin(&t, 51 * s + 500, 20);
	f = read_at(&t, 51 * s + 600);
	ck_assert_uint_eq(f.rate, 24);
	ck_assert_uint_eq(f.rate_max, 25);
	ck_assert_int_eq(f.last_session, 100);
	ck_assert_uint_eq(read_at(&t, 52 * s).rate, 20);
	ck_assert_uint_eq(read_at(&t, 53 * s).rate, 0);
	/* Long after, though the second's 24 bits are the same. */
	ck_assert_uint_eq(read_at(&t, (1LL << 25) * s).rate, 0);
	tally_reset(&t);
	f = read_at(&t, 51 * s + 600);
	ck_assert(f.rate == 24 && f.rate_max == 0);
}
END_TEST

START_TEST(test_mean)
{
	const uint32_t ten[TALLY_TIMES] = {10, 20, 3000000000U};
	const uint32_t none[TALLY_TIMES] = {0, 0, 0};
	struct tally t = {0};
	struct figures f;
	int i;

	tally_end(&t, ten);
	f = read_at(&t, 0);
	ck_assert(f.queue_ms == 10 && f.connect_ms == 20);
	ck_assert(f.total_ms == 3000000000U && f.total_ms_max == 3000000000U);
	for (i = 0; i < 600; i++)
		tally_end(&t, ten);
	f = read_at(&t, 0);
	ck_assert(f.queue_ms == 10 && f.connect_ms == 20);
	ck_assert(f.total_ms > 2990000000U && f.total_ms <= 3000000000U);
	for (i = 0; i < 512; i++)
		tally_end(&t, none);
	f = read_at(&t, 0);
	ck_assert(f.queue_ms >= 3 && f.queue_ms <= 5 && f.queue_ms_max == 10);
	tally_reset(&t);
	ck_assert_uint_eq(read_at(&t, 0).queue_ms_max, 0);
}
END_TEST

/* One of several threads that count at once. */
static void *
count_main(void *arg)
{
	struct tally *t = arg;
	uint32_t i;

	for (i = 1; i <= 20000; i++) {
		tally_begin(t, 7000, i);
		tally_queued(t, i);
	}
	return NULL;
}

START_TEST(test_threads)
{
	struct tally t = {0};
	pthread_t threads[4];
	struct figures f;
	int i;

	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, count_main, &t);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	f = read_at(&t, 7000);
	ck_assert(f.rate == 80000 && f.rate_max == 80000);
	ck_assert(f.sessions_max == 20000 && f.queued_max == 20000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tally");
	TCase *tc = tcase_create("tally");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, test_nothing);
	tcase_add_test(tc, test_rate);
	tcase_add_test(tc, test_mean);
	tcase_add_test(tc, test_threads);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
