/*
 * conf/step: the steps of a script, and what is said of those that are wrong.
 * Run from the root of the repository.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pattern.h"
#include "conf/format.h"
#include "conf/step.h"

#define CASES "tests/unit/step.cases"

/* Bytes, each that is no visible ASCII as \xHH. */
static void
write_visible(FILE *f, const void *bytes, size_t length)
{
	const unsigned char *p = bytes, *end = p + length;

	for (; p < end; p++) {
		if (isgraph(*p))
			putc(*p, f);
		else
			fprintf(f, "\\x%02x", *p);
	}
}

/* A step, as a case has it. */
static void
write_step(FILE *f, const struct conf_step *s)
{
	static const char *const matches[] = {
	    "string", "rstring", "binary", "rbinary", "status", "rstatus"};
	char text[256];

	if (s->kind == STEP_CONNECT)
		fputs("=> connect", f);
	else if (s->kind == STEP_COMMENT)
		fputs("=> comment", f);
	else if (s->kind == STEP_SEND)
		fputs(s->length > 0 ? "=> send " : "=> send", f);
	else
		fprintf(f, "=> expect %s%s ", s->negate ? "! " : "",
		    matches[s->match]);
	if (s->kind == STEP_EXPECT && s->match == MATCH_BINARY)
		fputs(strrchr(step_str(s, text, sizeof(text)), ' ') + 1, f);
	else
		write_visible(f, s->bytes, s->length);
	if (s->format)
		fputs(" lf", f);
	if (s->port != 0)
		fprintf(f, " port=%u", s->port);
	if (s->host != NULL)
		fprintf(f, " host=%s", s->host);
	if (s->linger)
		fputs(" linger", f);
	if (s->min_recv != -1)
		fprintf(f, " min-recv=%d", s->min_recv);
	if (s->comment != NULL) {
		fputs(" comment=", f);
		write_visible(f, s->comment, strlen(s->comment));
	}
}

/* What a step is read as, as a new string. */
static char *
outcome(const char *step_text)
{
	struct conf_step step, copy;
	char error[128], *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (step_parse(step_text, &step, error, sizeof(error)) == 0) {
		copy = step_copy(&step);
		ck_assert(step_equal(&copy, &step));
		step_clear(&step);
		ck_assert((copy.pattern != NULL) ==
			  (copy.kind == STEP_EXPECT &&
			      (copy.match == MATCH_REGEX ||
				  copy.match == MATCH_RBINARY ||
				  copy.match == MATCH_RSTATUS)));
		write_step(f, &copy);
		step_clear(&copy);
	} else {
		ck_assert_ptr_null(step.bytes);
		fprintf(f, "!! %s", error);
	}
	fclose(f);
	return text;
}

/* One line: is its step read as it says? */
static bool
case_holds(char *line)
{
	char *expected = strstr(line, " => "), *said;
	bool holds;

	if (expected == NULL) {
		/* The last one: "!!" may stand in a step. */
		for (said = line; (said = strstr(said, " !! ")) != NULL; said++)
			expected = said;
	}
	ck_assert_msg(expected != NULL, "%s", line);
	*expected++ = '\0';
	said = outcome(line);
	holds = strcmp(said, expected) == 0 &&
		(*expected == '=' || strstr(said, "secret") == NULL);
	if (!holds)
		fprintf(stderr, "%s\n  said: %s\n  not:  %s\n", line, said,
		    expected);
	free(said);
	return holds;
}

START_TEST(test_cases)
{
	FILE *f = fopen(CASES, "r");
	char line[1024];
	int cases = 0, failed = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' ||
		    (line[0] == '#' && strstr(line, " !! ") == NULL))
			continue;
		cases++;
		failed += !case_holds(line);
	}
	fclose(f);
	ck_assert_int_ge(cases, 90);
	ck_assert_msg(failed == 0, "%d of %d cases", failed, cases);
}
END_TEST

/* In words, and never more than there is room for. */
START_TEST(test_words)
{
	static const struct {
		const char *step, *words;
	} samples[] = {
	    {"send AUTH\\ secret\\r\\n", "send"},
	    {"connect", "connect"},
	    {"connect port 80", "connect port 80"},
	    {"comment x", "comment x"},
	    {"expect string a\\r\\n", "expect string a\\x0d\\x0a"},
	    {"expect ! rstring b+", "expect ! rstring b+"},
	    {"expect binary 00FF", "expect binary 00ff"},
	    {"expect string-lf a%s", "expect string-lf a%s"},
	    {"expect string 012345678901234567890123456789",
		"expect string 01234567890123456"},
	};
	struct conf_step step;
	char error[128], text[32];
	size_t i;

	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		ck_assert_int_eq(
		    step_parse(samples[i].step, &step, error, sizeof(error)),
		    0);
		ck_assert_str_eq(
		    step_str(&step, text, sizeof(text)), samples[i].words);
		step_clear(&step);
	}
}
END_TEST

/* Codes and ranges of them. */
START_TEST(test_status)
{
	struct conf_step step;
	char error[128];

	ck_assert_int_eq(step_parse("expect status 204,300-399,500", &step,
			     error, sizeof(error)),
	    0);
	ck_assert(!step_has_status(&step, 200));
	ck_assert(step_has_status(&step, 204));
	ck_assert(!step_has_status(&step, 299));
	ck_assert(step_has_status(&step, 300));
	ck_assert(step_has_status(&step, 399));
	ck_assert(!step_has_status(&step, 400));
	ck_assert(step_has_status(&step, 500));
	step_clear(&step);
}
END_TEST

/* A pattern that would take years is not found, and soon. */
START_TEST(test_pattern)
{
	char error[128], many[64];
	struct pattern *p = pattern_new("^(a+)+$", error, sizeof(error));

	memset(many, 'a', sizeof(many));
	ck_assert(pattern_found(p, many, sizeof(many)));
	many[sizeof(many) - 1] = 'b';
	ck_assert(!pattern_found(p, many, sizeof(many)));
	pattern_free(p);
	p = pattern_new("b.$", error, sizeof(error));
	ck_assert(pattern_found(p, "a\0b\0", 4));
	ck_assert(!pattern_found(p, "a\0b\n", 4));
	pattern_free(p);
}
END_TEST

/* What a log-format comes to. */
START_TEST(test_format)
{
	static const struct {
		const char *format, *text;
	} samples[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"100%%", "100%"},
	    {"/%[srv_name]?%s", "/redis-1?redis-1"},
	    {"%b%[be_name]%%s", "redisredis%s"},
	    {"%[req.body_len]\r\n\r\n%s%%", "8\r\n\r\nredis-1%"},
	    {"%[req.body_len]\r\n\r\n", "0\r\n\r\n"},
	};
	const struct format_names names = {"redis-1", "redis"};
	char *text, *again, error[128];
	size_t i;

	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		ck_assert_int_eq(
		    format_check(samples[i].format, error, sizeof(error)), 0);
		text = format_expand(samples[i].format, &names);
		ck_assert_str_eq(text, samples[i].text);
		free(text);
		/* What is escaped comes to what it was. */
		text = format_escape(samples[i].format);
		ck_assert(!format_varies(text));
		again = format_expand(text, NULL);
		ck_assert_str_eq(again, samples[i].format);
		free(again);
		free(text);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("step");
	TCase *tc = tcase_create("step");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, test_cases);
	tcase_add_test(tc, test_words);
	tcase_add_test(tc, test_status);
	tcase_add_test(tc, test_pattern);
	tcase_add_test(tc, test_format);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
