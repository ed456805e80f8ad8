/*
 * conf/cfg: what lines of haproxy.cfg come to, and every word about those that
 * are wrong. Each case adds lines to a small file and says what changes. Run
 * from the root of the repository.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/cfg.h"
#include "conf/load.h"

#define CASES     "tests/unit/cfg.cases"
#define BROKEN    "tests/unit/cfg_broken.cases"
#define LINES_MAX 512

/* The sections that a case can add to, by the word that it begins with. */
static const struct part {
	const char *word, *text;
} parts[] = {
    {"global", "global\n"},
    {"defaults", "defaults\n mode tcp\n timeout connect 1s\n"
		 " timeout client 2s\n timeout server 3s\n"},
    {"front", "frontend f\n bind :1\n default_backend b\n"},
    {"back", "backend b\n server s h:1 check\n"},
    {"listen", "listen l\n bind :2\n server r h:2\n"},
    {"stats", "listen p\n mode http\n bind :3\n stats enable\n"},
    {"end", ""},
};
#define NPARTS (sizeof(parts) / sizeof(parts[0]))

/* Lines of text. */
struct lines {
	char *text[LINES_MAX];
	size_t n;
};

static char dir[] = "/tmp/test_cfg.XXXXXX";
static char root[4096];

/* Start in an empty directory. */
static void
setup(void)
{
	ck_assert_ptr_nonnull(getcwd(root, sizeof(root)));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	setenv("PASSWORD", "secret", 1);
	setenv("ROLEPROXY_SECRET_1", "secret", 1);
	setenv("ROLEPROXY_SECRET_2", "two:secret", 1);
	setenv("ROLEPROXY_SECRET_3", "three:secret", 1);
	unsetenv("NONE");
}

/* Leave nothing behind. */
static void
teardown(void)
{
	unlink("x.cfg");
	unlink("x.ini");
	ck_assert_int_eq(chdir(root), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* Write x.cfg: the small file, with a case's lines, joined by " | ", in their
 * part. A part of its own, "file", is all of it. */
static void
write_file(const char *part, const char *added)
{
	FILE *f = fopen("x.cfg", "w");
	const char *p;
	size_t i;

	ck_assert_ptr_nonnull(f);
	for (i = 0; i < NPARTS; i++) {
		if (strcmp(part, "file") == 0)
			i = NPARTS - 1;
		fputs(parts[i].text, f);
		if (strcmp(parts[i].word, part) != 0 && i < NPARTS - 1)
			continue;
		if (strcmp(parts[i].word, part) != 0 &&
		    strcmp(part, "file") != 0)
			continue;
		for (p = added; *p != '\0'; p++) {
			if (strncmp(p, " | ", 3) == 0) {
				putc('\n', f);
				p += 2;
			} else {
				putc(*p, f);
			}
		}
		putc('\n', f);
	}
	fclose(f);
}

/* Add a line, a new string, to some. */
static void
add_line(struct lines *l, char *text)
{
	ck_assert_uint_lt(l->n, LINES_MAX);
	l->text[l->n++] = text;
}

/* The settings of a document, a line each. */
static void
add_settings(struct lines *l, const struct ini *doc)
{
	const struct ini_section *s;
	size_t i, k;
	char *text;

	for (i = 0; i < doc->nsections; i++) {
		s = &doc->sections[i];
		for (k = 0; k < s->nsettings; k++) {
			ck_assert_int_gt(
			    asprintf(&text, "[%s%s%s] %s = %s",
				key_section_words[s->kind],
				*s->name == '\0' ? "" : " ", s->name,
				s->settings[k].key->name, s->settings[k].value),
			    0);
			add_line(l, text);
		}
	}
}

/* The document that x.cfg comes to, a line for each setting, and what is said
 * about it. */
static void
read_file(struct lines *l)
{
	struct conf_problems problems = {0};
	struct cfg *c = cfg_new(&problems);
	struct ini doc = {.sections = NULL};
	FILE *f = fopen("x.cfg", "r");
	size_t i;
	char *text;

	ck_assert_ptr_nonnull(f);
	l->n = 0;
	cfg_read(c, f, "x.cfg");
	fclose(f);
	cfg_finish(c, &doc);
	add_settings(l, &doc);
	for (i = 0; i < problems.n; i++) {
		ck_assert_int_gt(
		    asprintf(&text, "%s %s",
			problems.list[i].severity == CONF_ERROR ? "!!" : "~",
			problems.list[i].text),
		    0);
		add_line(l, text);
	}
	conf_problems_clear(&problems);
	ini_clear(&doc);
}

/* Take a line out of some; false if it is not there. */
static bool
take(struct lines *l, const char *text)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->text[i] != NULL && strcmp(l->text[i], text) == 0) {
			free(l->text[i]);
			l->text[i] = NULL;
			return true;
		}
	}
	return false;
}

/* What a case's lines change in what the small file comes to. */
static char *
difference(const char *part, const char *added)
{
	struct lines base, with;
	char *text;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);
	const char *separator = "";

	write_file("", "");
	read_file(&base);
	write_file(part, added);
	read_file(&with);
	for (i = 0; i < with.n; i++) {
		if (!take(&base, with.text[i])) {
			fprintf(f, "%s%s%s", separator,
			    with.text[i][0] == '[' ? "+" : "", with.text[i]);
			separator = " | ";
		}
		free(with.text[i]);
	}
	for (i = 0; i < base.n; i++) {
		if (base.text[i] != NULL && strcmp(part, "file") != 0) {
			fprintf(f, "%s-%s", separator, base.text[i]);
			separator = " | ";
		}
		free(base.text[i]);
	}
	fclose(f);
	return text;
}

/* All that is said when x.cfg is loaded, which must fail; or that it did not.
 */
static char *
complaints(const char *part, const char *added)
{
	const char *const files[] = {"x.cfg"};
	struct conf_problems problems = {0};
	struct conf *conf;
	char *text;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);

	write_file(part, added);
	conf = conf_load(files, 1, &problems);
	if (conf != NULL)
		fputs("it is accepted", f);
	for (i = 0; i < problems.n; i++)
		fprintf(f, "%s%s%s", i == 0 && conf == NULL ? "" : " | ",
		    problems.list[i].severity == CONF_ERROR ? "" : "~ ",
		    problems.list[i].text);
	conf_free(conf);
	conf_problems_clear(&problems);
	fclose(f);
	return text;
}

/* Does it come to what it says? PART: LINES => CHANGES. */
static bool
compare(const char *part, const char *added, const char *expected,
    char *(*outcome)(const char *, const char *))
{
	char *said = outcome(part, added);
	bool holds = strcmp(said, expected) == 0;

	if (!holds)
		fprintf(stderr, "%s: %s\n  said: %s\n  not:  %s\n", part, added,
		    said, expected);
	if (strstr(expected, "secret") == NULL)
		holds = holds && strstr(said, "secret") == NULL;
	free(said);
	return holds;
}

/* A case: what it changes. */
static bool
changes(const char *part, const char *added, const char *expected)
{
	return compare(part, added, expected, difference);
}

/* A case: what is said of it. */
static bool
breaks(const char *part, const char *added, const char *expected)
{
	return compare(part, added, expected, complaints);
}

/* Write x.ini, made of x.cfg. */
static void
write_ini(void)
{
	const char *const files[] = {"x.cfg"};
	const struct conf_source source = {.files = files, .nfiles = 1};
	struct conf_problems problems = {0};
	FILE *f = fopen("x.ini", "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(conf_print_ini(&source, f, &problems), 0);
	fclose(f);
	conf_problems_clear(&problems);
}

/* The settings of x.ini; no secret is in it. */
static void
read_ini(struct lines *l)
{
	struct conf_problems problems = {0};
	struct ini doc = {.sections = NULL};
	FILE *f = fopen("x.ini", "r");
	size_t i;

	l->n = 0;
	ini_read(&doc, f, "x.ini", &problems);
	fclose(f);
	add_settings(l, &doc);
	ck_assert_uint_eq(problems.n, 0);
	for (i = 0; i < l->n; i++)
		ck_assert_ptr_null(strstr(l->text[i], "secret"));
	ini_clear(&doc);
}

/* Is a setting one of a secret? */
static bool
is_secret(const char *line)
{
	return strstr(line, "password") != NULL ||
	       strstr(line, "] auth") != NULL ||
	       strstr(line, "= send AUTH") != NULL;
}

/* A case: what --to-ini makes of it says the same, and can be loaded. */
static bool
returns(const char *part, const char *added, const char *expected)
{
	const char *const files[] = {"x.ini"};
	struct conf_problems problems = {0};
	struct lines cfg, ini;
	struct conf *conf;
	size_t i;
	bool same = true;

	if (strstr(expected, "!!") != NULL ||
	    strstr(expected, "no server") != NULL ||
	    strcmp(added, "global") == 0)
		return true; /* not here: there it would be an error */
	write_file(part, added);
	read_file(&cfg);
	write_ini();
	read_ini(&ini);
	for (i = 0; i < cfg.n; i++) {
		if (cfg.text[i][0] == '[' && !is_secret(cfg.text[i]) &&
		    !take(&ini, cfg.text[i]))
			same = false;
		free(cfg.text[i]);
	}
	for (i = 0; i < ini.n; i++) {
		same &= ini.text[i] == NULL || is_secret(ini.text[i]);
		free(ini.text[i]);
	}
	conf = conf_load(files, 1, &problems);
	if (!same || conf == NULL)
		fprintf(stderr, "%s: %s: %s\n", part, added,
		    problems.n == 0 ? "not the same" : problems.list[0].text);
	same &= conf != NULL;
	conf_free(conf);
	conf_problems_clear(&problems);
	return same;
}

/* All lines of a file of cases hold; there are so many at least. */
static void
run_cases(const char *file,
    bool (*holds)(const char *, const char *, const char *), int least)
{
	char *path, line[4096], *expected, *added;
	int cases = 0, failed = 0;
	FILE *f;

	ck_assert_int_gt(asprintf(&path, "%s/%s", root, file), 0);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		expected = strstr(line, " => ");
		added = strstr(line, ": ");
		ck_assert_msg(expected != NULL && added != NULL, "%s", line);
		*expected = *added = '\0';
		cases++;
		failed += !holds(line, added + 2, expected + 4);
	}
	fclose(f);
	free(path);
	ck_assert_int_ge(cases, least);
	ck_assert_msg(failed == 0, "%d of %d cases", failed, cases);
}

START_TEST(test_cases)
{
	run_cases(CASES, changes, 100);
}
END_TEST

START_TEST(test_broken)
{
	run_cases(BROKEN, breaks, 80);
}
END_TEST

/* What --to-ini writes. */
START_TEST(test_returns)
{
	run_cases(CASES, returns, 100);
}
END_TEST

/* Ways to send a password, and what --to-ini makes of the step: "@" is
 * a variable. */
static const struct {
	const char *check, *step;
} sent[] = {
    {"send AUTH\\ secret\\r\\n", "send AUTH\\x20@\\r\\n"},
    {"send AUTH\\ secret comment a\\ b", "send AUTH\\x20@ comment a\\ b"},
    {"send *2\\r\\n$4\\r\\nauth\\r\\n$6\\r\\nsecret\\r\\n",
	"send *2\\r\\n$4\\r\\nauth\\r\\n$6\\r\\n@\\r\\n"},
    {"send *3\\r\\n$4\\r\\nAUTH\\r\\n$1\\r\\nj\\r\\n$6\\r\\nsecret\\r\\nX",
	"send *3\\r\\n$4\\r\\nAUTH\\r\\n$1\\r\\nj\\r\\n$6\\r\\n@\\r\\nX"},
    {"send-binary 4155544820736563726574", "send AUTH\\x20@"},
    {"send GET\\ /?password=secret&a=b\\ X-Token:\\ secret\\r\\nPASS\\ secret",
	"send GET\\ /?password=@&a=b\\ X-Token:\\x20@\\r\\nPASS\\x20@"},
};

/* A password that a check sends is not in what --to-ini writes. */
START_TEST(test_sent)
{
	const char *variable = "\"${ROLEPROXY_SECRET_1}\"";
	const char *at;
	char added[256], text[8192], expected[512];
	size_t n;
	FILE *f;

	snprintf(added, sizeof(added), "option tcp-check | tcp-check %s",
	    sent[_i].check);
	write_file("back", added);
	write_ini();
	f = fopen("x.ini", "r");
	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	f = fmemopen(expected, sizeof(expected), "w");
	ck_assert_ptr_nonnull(f);
	fputs("check-step = ", f);
	for (at = sent[_i].step; *at != '\0'; at++) {
		if (*at == '@')
			fputs(variable, f);
		else
			putc(*at, f);
	}
	putc('\n', f);
	fclose(f);
	ck_assert_msg(
	    strstr(text, expected) != NULL, "%s in %s", expected, text);
	ck_assert_ptr_null(strstr(text, "secret"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cfg");
	TCase *tc = tcase_create("cfg");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 60); /* under a sanitizer */
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_cases);
	tcase_add_test(tc, test_broken);
	tcase_add_test(tc, test_returns);
	tcase_add_loop_test(tc, test_sent, 0, sizeof(sent) / sizeof(sent[0]));
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
