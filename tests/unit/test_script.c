/*
 * conf/script: what scripts of checks mean. Run from the root of the
 * repository.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/script.h"

#define CASES     "tests/unit/script.cases"
#define STEPS_MAX 32

/* What it means, as a case has it. */
static void
write_meaning(FILE *f, const struct script_meaning *m)
{
	static const char *const roles[] = {"any", "primary", "replica"};

	if (m->kind == SCRIPT_REDIS)
		fprintf(f, "redis %s", roles[m->role]);
	else if (m->kind == SCRIPT_SENTINEL)
		fprintf(f, "sentinel %s %s", m->master_name, m->address);
	else
		fputs("other", f);
	if (m->username != NULL)
		fprintf(f, " user=%s", m->username);
	if (m->password != NULL)
		fprintf(f, " password=%s", m->password);
	if (m->left_out[0] != '\0')
		fprintf(f, " without %s", m->left_out);
}

/* Understand steps with " ; " between. Returns it as a new string. */
static char *
outcome(char *line)
{
	struct conf_step steps[STEPS_MAX];
	struct script_meaning m;
	char error[128], *text, *next;
	size_t size, n = 0, i;
	FILE *f = open_memstream(&text, &size);

	for (; line != NULL; line = next) {
		next = strstr(line, " ; ");
		if (next != NULL) {
			*next = '\0';
			next += 3;
		}
		ck_assert_uint_lt(n, STEPS_MAX);
		ck_assert_msg(
		    step_parse(line, &steps[n++], error, sizeof(error)) == 0,
		    "%s: %s", line, error);
	}
	script_understand(steps, n, &m);
	write_meaning(f, &m);
	fclose(f);
	script_meaning_clear(&m);
	for (i = 0; i < n; i++)
		step_clear(&steps[i]);
	return text;
}

START_TEST(test_cases)
{
	FILE *f = fopen(CASES, "r");
	char line[1024], *expected, *said;
	int cases = 0, failed = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		expected = strstr(line, " => ");
		ck_assert_msg(expected != NULL, "%s", line);
		*expected = '\0';
		expected += 4;
		said = outcome(line);
		cases++;
		if (strcmp(said, expected) != 0) {
			failed++;
			fprintf(stderr, "%s ...\n  said: %s\n  not:  %s\n",
			    line, said, expected);
		}
		free(said);
	}
	fclose(f);
	ck_assert_int_ge(cases, 70);
	ck_assert_msg(failed == 0, "%d of %d cases", failed, cases);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script");
	TCase *tc = tcase_create("script");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, test_cases);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
