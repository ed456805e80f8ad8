/*
 * health/writer.c: each line of writer.cases with its servers in every order.
 * Run from the root of the repository.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/writer_situation.h"

#define CASES    "tests/unit/writer.cases"
#define TEXT_MAX 512

/* What is expected of it; NULL or -1: anything. */
struct expectation {
	char action[16], cause[24];
	int writer; /* index; -1 none is named */
	int votes, voters;
};

/* A line of writer.cases. */
struct sample {
	unsigned line;
	char name[128], text[TEXT_MAX];
};

static struct sample samples[512];
static int nsamples;

/* A lineage, R2<R1 or R1 or ?, into its two names. */
static void
parse_lineage(const char *text, char *replid, char *replid2)
{
	const char *past = strchr(text, '<');
	size_t len = past == NULL ? strlen(text) : (size_t)(past - text);

	ck_assert_uint_lt(strlen(text), REDIS_ID_MAX);
	snprintf(replid, REDIS_ID_MAX, "%.*s", (int)len, text);
	snprintf(replid2, REDIS_ID_MAX, "%s", past == NULL ? "" : past + 1);
	if (strcmp(replid, "?") == 0)
		replid[0] = '\0';
}

/* The role of a server, with its link. */
static void
parse_role(struct writer_server *w, const char *word)
{
	w->link_up = strcmp(word, "replica") == 0;
	if (strcmp(word, "primary") == 0)
		w->role = ROLE_PRIMARY;
	else if (w->link_up || strcmp(word, "orphan") == 0)
		w->role = ROLE_REPLICA;
	else
		ck_assert_str_eq(word, "unknown");
}

/* One flag of the server at i. */
static void
parse_flag(struct situation *s, size_t i, const char *word)
{
	struct writer_server *w = &s->servers[i];

	if (strncmp(word, "run=", 4) == 0)
		snprintf(s->run_ids[i], REDIS_ID_MAX, "%s", word + 4);
	else if (strcmp(word, "down") == 0)
		w->up = false;
	else if (strcmp(word, "unchecked") == 0)
		w->checked = w->up = false;
	else if (strcmp(word, "loading") == 0)
		w->loading = true;
	else if (strcmp(word, "maint") == 0)
		w->maintenance = true;
	else if (strcmp(word, "retired") == 0)
		w->retired = true;
	else if (strcmp(word, "backup") == 0)
		w->backup = true;
	else if (strcmp(word, "returnee") == 0)
		w->returnee = true;
	else
		ck_abort_msg("'%s' is no flag", word);
}

/* One server: NAME:ROLE,LINEAGE,FLAG... */
static void
parse_server(struct situation *s, char *token)
{
	size_t i = s->n++;
	char *next, *word;

	ck_assert_uint_lt(i, SERVERS);
	ck_assert_msg(isupper((unsigned char)token[0]) && token[1] == ':',
	    "'%s' is no server", token);
	s->names[i] = token[0];
	s->servers[i].checked = s->servers[i].up = true;
	s->servers[i].second_offset = -1;
	snprintf(s->run_ids[i], REDIS_ID_MAX, "%c1", tolower(token[0]));
	word = strtok_r(token + 2, ",", &next);
	ck_assert_ptr_nonnull(word);
	parse_role(&s->servers[i], word);
	word = strtok_r(NULL, ",", &next);
	ck_assert_ptr_nonnull(word);
	parse_lineage(word, s->replids[i], s->replids2[i]);
	while ((word = strtok_r(NULL, ",", &next)) != NULL)
		parse_flag(s, i, word);
}

/* The index of a server by name. */
static int
find(const struct situation *s, char name)
{
	const char *at = memchr(s->names, name, s->n);

	ck_assert_msg(at != NULL, "there is no server '%c'", name);
	return (int)(at - s->names);
}

/* One word of evidence: verdict=B/6, stale=?/6, selected=B and so on. */
static void
parse_evidence(struct situation *s, const char *word)
{
	struct writer_evidence *ev = &s->evidence;
	const char *value = strchr(word, '=');

	if (strncmp(word, "verdict=", 8) == 0 ||
	    strncmp(word, "stale=", 6) == 0) {
		ev->fresh = word[0] == 'v';
		ev->named = value[1] == '?' ? -1 : find(s, value[1]);
		ck_assert_int_eq(value[2], '/');
		ev->epoch = atoi(value + 3);
	} else if (strncmp(word, "selected=", 9) == 0) {
		ev->failing = true;
		ev->successor = value[1] == '?' ? -1 : find(s, value[1]);
	} else if (strncmp(word, "promoted=", 9) == 0) {
		ev->promoted = find(s, value[1]);
	} else if (strcmp(word, "hearsay") == 0) {
		ev->hearsay = true;
	} else if (strcmp(word, "mapped") == 0) {
		ev->mapped = true;
	} else if (strcmp(word, "unwitnessed") == 0) {
		ev->unwitnessed = true;
	} else if (strcmp(word, "strict") == 0) {
		ev->strict = true;
	} else if (strcmp(word, "pending") == 0) {
		ev->pending = true;
	} else if (strcmp(word, "listening") == 0) {
		ev->listening = true;
	} else if (strcmp(word, "handover") == 0) {
		ev->handover = true;
	} else {
		ck_abort_msg("'%s' is no evidence", word);
	}
}

/* NAME,LINEAGE,FLAG... or -. */
static void
parse_incumbent(struct situation *s, char *text)
{
	struct writer_history *h = &s->history;
	char *next, *word = strtok_r(text, ",", &next);

	h->incumbent = h->epoch = -1;
	if (strcmp(word, "-") == 0)
		return;
	h->incumbent = find(s, word[0]);
	snprintf(h->run_id, REDIS_ID_MAX, "%c1", tolower(word[0]));
	word = strtok_r(NULL, ",", &next);
	ck_assert_ptr_nonnull(word);
	parse_lineage(word, h->replid, h->replid2);
	while ((word = strtok_r(NULL, ",", &next)) != NULL) {
		if (strncmp(word, "run=", 4) == 0)
			snprintf(h->run_id, REDIS_ID_MAX, "%s", word + 4);
		else if (strncmp(word, "epoch=", 6) == 0)
			h->epoch = atoi(word + 6);
		else if (strcmp(word, "fenced") == 0)
			h->fenced = true;
		else if (strcmp(word, "cut-off") == 0)
			h->fenced_for = CAUSE_UNWITNESSED;
		else if (strcmp(word, "provisional") == 0)
			h->provisional = true;
		else
			ck_abort_msg("'%s' is no history", word);
	}
}

/* What was before, and the evidence. */
static void
parse_history(struct situation *s, char *text)
{
	char *next, *word = strtok_r(text, " ", &next);

	ck_assert_ptr_nonnull(word);
	situation_init_evidence(s);
	parse_incumbent(s, word);
	while ((word = strtok_r(NULL, " ", &next)) != NULL)
		parse_evidence(s, word);
}

/* What must come out: ACTION CAUSE [WRITER] [VOTES/VOTERS]. */
static void
parse_expected(const struct situation *s, struct expectation *e, char *text)
{
	char *next, *word;
	int used = 0;

	e->writer = e->votes = e->voters = -1;
	ck_assert_int_eq(
	    sscanf(text, "%15s %23s%n", e->action, e->cause, &used), 2);
	for (word = strtok_r(text + used, " ", &next); word != NULL;
	     word = strtok_r(NULL, " ", &next)) {
		if (isdigit((unsigned char)word[0]))
			ck_assert_int_eq(
			    sscanf(word, "%d/%d", &e->votes, &e->voters), 2);
		else
			e->writer = find(s, word[0]);
	}
}

/* A line of writer.cases. */
static void
parse(const struct sample *sample, struct situation *s, struct expectation *e)
{
	char text[TEXT_MAX], *column[4], *next, *token;
	char *rest = text;
	size_t i;

	memset(s, 0, sizeof(*s));
	memset(e, 0, sizeof(*e));
	memcpy(text, sample->text, sizeof(text));
	for (i = 0; i < 4; i++) {
		column[i] = strsep(&rest, "|");
		ck_assert_msg(column[i] != NULL, "line %u: too few columns",
		    sample->line);
	}
	for (token = strtok_r(column[2], " ", &next); token != NULL;
	     token = strtok_r(NULL, " ", &next))
		parse_server(s, token);
	situation_link(s);
	parse_history(s, column[1]);
	parse_expected(s, e, column[3]);
}

/* Is the word that, or anything? */
static bool
is_word(const char *expected, const char *word)
{
	return strcmp(expected, "*") == 0 || strcmp(expected, word) == 0;
}

/* Is it the verdict that the line wants? */
static bool
matches(const struct writer_verdict *v, const struct expectation *e)
{
	return is_word(e->action, writer_action_str(v->action)) &&
	       is_word(e->cause, writer_causes[v->cause]) &&
	       (e->writer == v->writer ||
		   (strcmp(e->action, "*") == 0 && e->writer < 0)) &&
	       (e->votes < 0 || e->votes == v->votes) &&
	       (e->voters < 0 || e->voters == v->voters);
}

/* The next order of n places; false after the last. */
static bool
next_order(int *order, int n)
{
	int i, j, t;

	for (i = n - 2; i >= 0 && order[i] > order[i + 1]; i--)
		;
	if (i < 0)
		return false;
	for (j = n - 1; order[j] < order[i]; j--)
		;
	t = order[i], order[i] = order[j], order[j] = t;
	for (i++, j = n - 1; i < j; i++, j--)
		t = order[i], order[i] = order[j], order[j] = t;
	return true;
}

START_TEST(test_case)
{
	const struct sample *sample = &samples[_i];
	int order[SERVERS] = {0, 1, 2, 3, 4, 5, 6, 7};
	struct situation s, other;
	struct expectation e;
	struct writer_verdict v;

	parse(sample, &s, &e);
	do {
		situation_permute(&other, &s, order);
		v = situation_decide(&other);
		if (v.writer >= 0)
			v.writer = order[v.writer];
		if (!matches(&v, &e))
			ck_abort_msg(CASES
			    ":%u: %s: expected%s; it is %s %s %c %d/%d",
			    sample->line, sample->name,
			    strrchr(sample->text, '|') + 1,
			    writer_action_str(v.action), writer_causes[v.cause],
			    situation_name(&s, v.writer), v.votes, v.voters);
	} while (next_order(order, (int)s.n));
}
END_TEST

/* All words are different, and none is missing. */
START_TEST(test_words)
{
	size_t i, j;

	for (i = 0; i < SITUATION_CAUSES; i++) {
		ck_assert_ptr_nonnull(writer_cause_str((enum writer_cause)i));
		for (j = 0; j < i; j++)
			ck_assert_str_ne(writer_cause_str((enum writer_cause)i),
			    writer_cause_str((enum writer_cause)j));
	}
	for (i = WRITER_NONE; i <= WRITER_SWITCH; i++) {
		for (j = 0; j < i; j++)
			ck_assert_str_ne(
			    writer_action_str((enum writer_action)i),
			    writer_action_str((enum writer_action)j));
	}
}
END_TEST

/* Read writer.cases. */
static int
read_samples(void)
{
	FILE *f = fopen(CASES, "r");
	char text[TEXT_MAX];
	unsigned line = 0;
	struct sample *s;
	size_t len;

	if (f == NULL) {
		perror(CASES);
		return -1;
	}
	while (fgets(text, sizeof(text), f) != NULL) {
		line++;
		text[strcspn(text, "\n")] = '\0';
		if (text[0] == '#' || text[0] == '\0')
			continue;
		s = &samples[nsamples++];
		s->line = line;
		len = strcspn(text, "|");
		snprintf(s->name, sizeof(s->name), "%.*s",
		    len == 0 ? 0 : (int)len - 1, text);
		memcpy(s->text, text, sizeof(text));
	}
	fclose(f);
	return 0;
}

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("writer");
	TCase *tc = tcase_create("writer");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (read_samples() != 0)
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, test_case, 0, nsamples);
	tcase_add_test(tc, test_words);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
