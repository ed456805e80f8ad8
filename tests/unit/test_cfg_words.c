/*
 * conf/cfg_words: what lines of HAProxy's language are cut into, and that what
 * is written is read back the same. Run from the root of the repository.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/cfg_words.h"

#define CASES "tests/unit/cfg_words.cases"

static const struct cfg_place place = {"x.cfg", 7, "global"};

/* Put in the bytes that ^M and so on stand for. */
static void
put_controls(char *text)
{
	char *in, *out = text;

	for (in = text; *in != '\0'; in++) {
		if (*in == '^' && strchr("MIK", in[1]) != NULL && in[1] != '\0')
			*out++ = (char)(*++in - '@');
		else
			*out++ = *in;
	}
	*out = '\0';
}

/* The words or the error, as a case has it, as a new string. */
static char *
outcome(const char *line)
{
	struct cfg_words *w = xcalloc(1, sizeof(*w));
	char *text;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);
	const unsigned char *p;

	if (cfg_words_split(line, &place, w) != 0)
		fprintf(f, "!! %s", w->error);
	else
		fputs("=>", f);
	for (i = 0; i < w->n; i++) {
		fputs(" [", f);
		for (p = (unsigned char *)w->word[i]; *p != '\0'; p++)
			fprintf(f, isgraph(*p) ? "%c" : "{%02x}", *p);
		putc(']', f);
	}
	ck_assert_ptr_null(w->word[w->n]);
	fclose(f);
	free(w);
	return text;
}

/* One line: is it cut as it says? */
static bool
case_holds(char *line)
{
	char *expected = strstr(line, "=>"), *said;
	bool holds;

	if (expected == NULL)
		expected = strstr(line, "!! ");
	ck_assert_msg(expected > line, "%s", line);
	expected[-1] = '\0';
	put_controls(line);
	said = outcome(line);
	holds = strcmp(said, expected) == 0;
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
	setenv("NAME", "value", 1);
	setenv("LIST", " a  b", 1);
	setenv("EMPTY", "", 1);
	unsetenv("NONE");
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strstr(line, "=>") == NULL && strstr(line, "!!") == NULL)
			continue;
		if (strncmp(line, "#\t", 2) == 0)
			continue;
		cases++;
		failed += !case_holds(line);
	}
	fclose(f);
	ck_assert_int_ge(cases, 55);
	ck_assert_msg(failed == 0, "%d of %d cases", failed, cases);
}
END_TEST

/* A line of one byte, n times, and its end. Returns what it comes to. */
static char *
long_line(char byte, size_t n, const char *end)
{
	char *line = xcalloc(1, n + strlen(end) + 1), *said;

	memset(line, byte, n);
	strcpy(line + n, end);
	said = outcome(line);
	free(line);
	return said;
}

/* Limits: bytes of the line, words, bytes of the words. */
START_TEST(test_limits)
{
	char words[2 * CFG_WORDS_MAX + 8] = "", *said;
	int i;

	said = long_line(' ', CFG_LINE_MAX - 1, "x");
	ck_assert_str_eq(said, "=> [x]");
	free(said);
	said = long_line(' ', CFG_LINE_MAX, "x");
	ck_assert_str_eq(said, "!! line too long, limit: 2048");
	free(said);
	for (i = 0; i < CFG_WORDS_MAX; i++)
		strcat(words, "a ");
	said = outcome(words);
	ck_assert_ptr_eq(strchr(said, '!'), NULL);
	free(said);
	strcat(words, "b");
	said = outcome(words);
	ck_assert_str_eq(said, "!! more than 64 words at position 129");
	free(said);
}
END_TEST

/* A variable is longer than there is room for. */
START_TEST(test_long_value)
{
	char value[CFG_TEXT_MAX + 1], *said;

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	setenv("LONG", value, 1);
	said = outcome("a \"$LONG\"");
	ck_assert_str_eq(
	    said, "!! the words are longer than 4096 bytes at position 9");
	free(said);
	memset(value, ' ', sizeof(value) - 1);
	memcpy(value + 9, "b", 1);
	setenv("LONG", value, 1);
	said = outcome("a \"${LONG[*]}\"");
	ck_assert_str_eq(said, "=> [a] [] [b] []");
	free(said);
}
END_TEST

/* Words of all bytes, with each byte at their beginning and end. */
START_TEST(test_quote)
{
	struct cfg_words w;
	char all[259], edge[4] = "?.?", *line;
	const char *words[] = {"send", all, "", edge, all};
	int i, j;

	for (i = 1; i < 256; i++) {
		for (j = 0; j < 256; j++)
			all[j] = (char)((i + j) % 256 == 0 ? 1 : i + j);
		all[256] = '\0';
		edge[0] = edge[2] = (char)i;
		line = cfg_words_quote(words, 5);
		ck_assert_int_eq(cfg_words_split(line, NULL, &w), 0);
		ck_assert_uint_eq(w.n, 5);
		for (j = 0; j < 5; j++)
			ck_assert_str_eq(w.word[j], words[j]);
		ck_assert(
		    strstr(line, " ;") == NULL && strstr(line, " #") == NULL);
		ck_assert_ptr_null(strpbrk(line, "\t\r\n\x01\x7f"));
		ck_assert(line[strlen(line) - 1] != ' ');
		free(line);
	}
}
END_TEST

START_TEST(test_quote_words)
{
	const char *words[] = {"send", "AUTH a;#'$\"\r\n", "info ", ";"};
	char *line = cfg_words_quote(words, 4);

	ck_assert_str_eq(
	    line, "send AUTH\\ a\\x3b\\#\\'$\\\"\\r\\n info\\x20 \\x3b");
	free(line);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cfg_words");
	TCase *tc = tcase_create("cfg_words");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_test(tc, test_cases);
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_long_value);
	tcase_add_test(tc, test_quote);
	tcase_add_test(tc, test_quote_words);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
