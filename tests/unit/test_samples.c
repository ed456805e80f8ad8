/*
 * The last hour of a server: what a sample keeps, the ring, the curve.
 */
#include <check.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats-ui/markup.h"
#include "stats-ui/samples.h"
#include "stats-ui/spark.h"
#include "tests/unit/stats_fake.h"

static struct samples s;

/* So many sessions at that time; a lag or SAMPLE_NONE; bytes ever. */
static void
note(int64_t at, uint32_t sessions, uint32_t lag, uint64_t bytes)
{
	const uint32_t look[SAMPLE_KINDS] = {[SAMPLE_SESSIONS] = sessions,
	    [SAMPLE_CHECK] = SAMPLE_NONE,
	    [SAMPLE_LAG] = lag};

	samples_note(&s, at, look, bytes);
}

/* The newest of one kind: n from the end. */
static uint32_t
newest(enum sample_kind kind, size_t n)
{
	uint32_t values[SAMPLES + 1];

	return values[samples_read(&s, kind, values) - 1 - n];
}

/* A number for a curve. */
static const char *
words(uint32_t n, char buf[32])
{
	snprintf(buf, 32, "%u!", (unsigned)n);
	return buf;
}

/* The curve of a kind, on the heap. */
static char *
curve(enum sample_kind kind)
{
	const struct spark spark = {"a&b", words};
	struct evbuffer *out = evbuffer_new();
	char *text;

	spark_put(out, &spark, &s, kind);
	evbuffer_add(out, "", 1);
	text = strdup((char *)evbuffer_pullup(out, -1));
	evbuffer_free(out);
	return text;
}

/* A sample keeps its worst, of bytes the mean. */
START_TEST(keeps_the_worst)
{
	samples_begin(&s, 0, 100);
	note(1000, 3, SAMPLE_NONE, 1100);
	note(2000, 9, 40, 2100);
	note(3000, 1, 20, 3100);
	ck_assert_uint_eq(newest(SAMPLE_SESSIONS, 0), 9);
	ck_assert_uint_eq(newest(SAMPLE_LAG, 0), 40);
	ck_assert_uint_eq(newest(SAMPLE_BYTES, 0), 1000);
	ck_assert_uint_eq(newest(SAMPLE_CHECK, 0), SAMPLE_NONE);
	note(SAMPLE_MS, 2, SAMPLE_NONE, 30100);
	ck_assert_uint_eq(newest(SAMPLE_SESSIONS, 1), 9);
	ck_assert_uint_eq(newest(SAMPLE_BYTES, 1), 1000);
	ck_assert_uint_eq(newest(SAMPLE_SESSIONS, 0), SAMPLE_NONE);
}
END_TEST

/* Counters that were cleared are no rate, and a rate is never "unknown". */
START_TEST(odd_counters)
{
	samples_begin(&s, 0, 1000);
	note(2000, 0, 0, 10);
	ck_assert_uint_eq(newest(SAMPLE_BYTES, 0), 0);
	note(3000, 0, 0, UINT64_MAX / 4000);
	ck_assert_uint_eq(newest(SAMPLE_BYTES, 0), SAMPLE_NONE - 1);
}
END_TEST

/* An hour is kept, and no more. */
START_TEST(an_hour)
{
	uint32_t values[SAMPLES + 1];
	size_t n;

	samples_begin(&s, 0, 0);
	for (uint32_t i = 1; i <= 3 * SAMPLES; i++)
		note((int64_t)i * SAMPLE_MS, i, 0, 0);
	n = samples_read(&s, SAMPLE_SESSIONS, values);
	ck_assert_uint_eq(n, SAMPLES + 1);
	ck_assert_uint_eq(values[0], 2 * SAMPLES + 1);
	ck_assert_uint_eq(values[SAMPLES - 1], 3 * SAMPLES);
	ck_assert_uint_eq(values[SAMPLES], SAMPLE_NONE);
}
END_TEST

/* A curve has the values from left to right, a gap where there are none, and
 * says what it shows. */
START_TEST(draws)
{
	char *text;

	samples_begin(&s, 0, 0);
	text = curve(SAMPLE_LAG);
	ck_assert_str_eq(text, "");
	free(text);
	note(SAMPLE_MS, 0, 10, 0);
	note(2 * SAMPLE_MS, 0, 5, 0);
	note(3 * SAMPLE_MS, 0, SAMPLE_NONE, 0);
	note(4 * SAMPLE_MS, 0, 10, 0);
	text = curve(SAMPLE_LAG);
	ck_assert_msg(strstr(text, "aria-label=\"a&amp;b, the last 2 min: at "
				   "most 10!\"") != NULL,
	    "%s", text);
	ck_assert_msg(
	    strstr(text, "d=\"M19 1L20 10M22 1h1\"") != NULL, "%s", text);
	free(text);
}
END_TEST

/* Text that is too long ends in an ellipsis, which counts as one. */
START_TEST(cuts)
{
	static const struct {
		const char *text;
		unsigned max;
		const char *is;
	} cases[] = {
	    {"abc", 3, "abc"},
	    {"abcd", 3, "ab\u2026"},
	    {"\u00e4\u00f6\u00fc", 3, "\u00e4\u00f6\u00fc"},
	    {"\u00e4\u00f6\u00fc!", 3, "\u00e4\u00f6\u2026"},
	    {"<<<", 2, "&lt;\u2026"},
	    {"", 1, ""},
	};
	struct evbuffer *out = evbuffer_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		markup_cut(out, cases[i].text, cases[i].max);
		evbuffer_add(out, "", 1);
		ck_assert_str_eq((char *)evbuffer_pullup(out, -1), cases[i].is);
		evbuffer_drain(out, evbuffer_get_length(out));
	}
	evbuffer_free(out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("samples");
	TCase *t = tcase_create("samples");
	SRunner *sr = srunner_create(suite);
	int failed;

	fake_reset();
	tcase_add_test(t, keeps_the_worst);
	tcase_add_test(t, odd_counters);
	tcase_add_test(t, an_hour);
	tcase_add_test(t, draws);
	tcase_add_test(t, cuts);
	suite_add_tcase(suite, t);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
