/*
 * conf/url: what URLs stand for, and every word about those that are wrong. Run
 * from the root of the repository.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/load.h"

#define CASES    "tests/unit/url.cases"
#define URLS_MAX 8

/* A text, NULL as "-", and each byte that is no visible ASCII as \xHH. */
static void
write_visible(FILE *f, const char *text)
{
	if (text == NULL)
		text = "-";
	for (; *text != '\0'; text++) {
		if (isgraph((unsigned char)*text))
			putc(*text, f);
		else
			fprintf(f, "\\x%02x", (unsigned char)*text);
	}
}

/* What was loaded, as a case has it. */
static void
write_conf(FILE *f, const struct conf *conf)
{
	const struct conf_backend *b = conf->backends;
	size_t i;

	fprintf(f, "=> %s ", conf->path);
	write_visible(f, b->username);
	putc(' ', f);
	write_visible(f, b->password);
	for (i = 0; i < b->nservers; i++)
		fprintf(f, " %s=%s:%u", b->servers[i].name, b->servers[i].host,
		    b->servers[i].port);
}

/* Load these URLs. Returns what came of it, as a case has it, as a new string.
 */
static char *
outcome(char *const *urls, size_t n)
{
	struct conf_problems problems = {0};
	struct conf *conf = conf_load_urls(urls, n, &problems);
	char *text;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);

	ck_assert((conf == NULL) == (problems.errors > 0));
	if (conf != NULL)
		write_conf(f, conf);
	for (i = 0; i < problems.n; i++)
		fprintf(
		    f, "%s %s", i == 0 ? "!!" : " |", problems.list[i].text);
	fclose(f);
	conf_free(conf);
	conf_problems_clear(&problems);
	return text;
}

/* One line: do its URLs come to what it says? */
static bool
case_holds(char *line)
{
	char *urls[URLS_MAX], *save, *word, *said;
	char *expected = strstr(line, " => ");
	size_t n = 0;
	bool holds;

	if (expected == NULL)
		expected = strstr(line, " !! ");
	ck_assert_msg(expected != NULL, "%s", line);
	*expected++ = '\0';
	for (word = strtok_r(line, " ", &save); word != NULL && n < URLS_MAX;
	     word = strtok_r(NULL, " ", &save))
		urls[n++] = word;
	said = outcome(urls, n);
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
		if (line[0] == '\0' || line[0] == '#')
			continue;
		cases++;
		failed += !case_holds(line);
	}
	fclose(f);
	ck_assert_int_ge(cases, 60);
	ck_assert_msg(failed == 0, "%d of %d cases", failed, cases);
}
END_TEST

/* What there is besides the servers. */
START_TEST(test_listeners)
{
	char url[] = "redis://:secret@h", *const urls[] = {url};
	const struct conf_source source = {.urls = urls, .nurls = 1};
	struct conf_problems problems = {0};
	struct conf *conf = conf_load_source(&source, &problems);
	const struct conf_backend *b = conf->backends;
	const struct conf_frontend *f = conf->frontends;
	char text[ADDR_STR_MAX];

	ck_assert_uint_eq(problems.n, 0);
	ck_assert_str_eq(b->name, "redis");
	ck_assert(b->discover && b->check == CHECK_REDIS && b->hold == 10000);
	ck_assert(!b->servers[0].discovered && b->servers[0].weight == 100);
	ck_assert_uint_eq(conf->nfrontends, 2);
	ck_assert_str_eq(f[0].name, "write");
	ck_assert_str_eq(addr_str(f[0].binds, text), "[::]:9000");
	ck_assert(f[0].backend == b && f[0].route == ROUTE_PRIMARY);
	ck_assert_str_eq(f[1].name, "read");
	ck_assert_str_eq(addr_str(f[1].binds, text), "[::]:5001");
	ck_assert(f[1].backend == b && f[1].route == ROUTE_REPLICA_PREFERRED);
	ck_assert_uint_eq(conf->stats->nbinds, 1);
	ck_assert_str_eq(addr_str(conf->stats->binds, text), "127.0.0.1:8404");
	conf_free(conf);
}
END_TEST

/* More than there is room for. */
START_TEST(test_many)
{
	char *urls[CONF_SERVERS_MAX + 1], *said;
	size_t i, n = CONF_SERVERS_MAX + 1;

	for (i = 0; i < n; i++)
		ck_assert_int_gt(asprintf(&urls[i], "redis://h:%zu", i + 1), 0);
	said = outcome(urls, n);
	ck_assert_str_eq(said,
	    "!! redis://h:1: 1025 servers, but at most 1024 are possible");
	free(said);
	for (i = 0; i < n; i++)
		free(urls[i]);
}
END_TEST

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("url");
	TCase *tc = tcase_create("url");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_cases);
	tcase_add_test(tc, test_listeners);
	tcase_add_test(tc, test_many);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
