/*
 * health/failover.c: what becomes of a failover that the Sentinels have begun
 * (rule W2), word by word.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/failover.h"

#define TEXT_MAX 256
#define START    1000 /* clock_ms() at first */
#define NAMED    3    /* epoch of the verdict at first */

/*
 * Words that something is asked of: s=X/L/E, Sentinel L selects server X in
 * epoch E: is it "taken" or "refused"? a=L, it gives up; u, time has passed:
 * what ends, "-" if nothing. Words that are true from then on: +N, ms; v=N, the
 * verdict's epoch; named, it is the successor that it names; silent and alive,
 * the leading Sentinel; primary and replica, the successor.
 *
 * Out: an answer for each question, then the phase.
 */
struct sample {
	const char *what, *words, *answers;
};

static const struct sample samples[] = {
    {"nothing happens", "u +10000 u", "- - none"},
    {"nothing, though much is true", "primary v=9 silent u a=1", "- - none"},

    /* Phases. */
    {"selected", "s=2/1/4", "taken selected"},
    {"selected, and no primary yet", "s=2/1/4 +100 u", "taken - selected"},
    {"promoted", "s=2/1/4 u +100 primary u", "taken - - provisional"},
    {"promoted at once", "s=2/1/4 primary u", "taken - provisional"},
    {"it lasts", "s=2/1/4 primary u +60000 u u", "taken - - - provisional"},

    /* A newer verdict. */
    {"confirmed", "s=2/1/4 primary u v=4 u", "taken - done none"},
    {"confirmed before the promotion was seen", "s=2/1/4 v=4 u",
	"taken done none"},
    {"confirmed in the same moment", "s=2/1/4 primary v=4 u",
	"taken done none"},
    {"the verdict that stood", "s=2/1/4 v=3 u", "taken - selected"},
    {"an older verdict", "s=2/1/4 v=2 u", "taken - selected"},
    {"confirmed by a much newer one", "s=2/1/4 v=77 u", "taken done none"},
    {"a verdict, and the leader is gone", "s=2/1/4 primary u silent v=4 u",
	"taken - done none"},
    {"a verdict, and no primary any more", "s=2/1/4 primary u replica v=4 u",
	"taken - done none"},
    {"confirmed with the same epoch", "s=2/1/4 primary u named u",
	"taken - done none"},
    {"confirmed with an older epoch", "s=2/1/4 v=1 named u", "taken done none"},
    {"told once", "s=2/1/4 v=4 u u u", "taken done - - none"},
    {"no verdict ever before", "v=-1 s=2/1/1 u v=0 u", "taken - done none"},

    /* Given up. */
    {"aborted", "s=2/1/4 a=1", "taken aborted none"},
    {"aborted after the promotion", "s=2/1/4 primary u a=1",
	"taken - aborted none"},
    {"another Sentinel aborts its own", "s=2/1/4 a=2 u", "taken - - selected"},
    {"aborted twice", "s=2/1/4 a=1 a=1", "taken aborted - none"},
    {"aborted and over", "s=2/1/4 a=1 u", "taken aborted - none"},

    /* The leading Sentinel. */
    {"the leader is lost", "s=2/1/4 silent u", "taken leader-lost none"},
    {"lost after the promotion", "s=2/1/4 primary u silent u",
	"taken - leader-lost none"},
    {"lost in the moment of the promotion", "s=2/1/4 silent primary u",
	"taken leader-lost none"},
    {"lost, and back: it is over", "s=2/1/4 silent u alive primary u",
	"taken leader-lost - none"},
    {"lost, and late", "s=2/1/4 +5001 silent u", "taken leader-lost none"},

    /* No promotion. */
    {"late", "s=2/1/4 +5001 u", "taken late none"},
    {"not late yet", "s=2/1/4 +5000 u", "taken - selected"},
    {"promoted in the last moment", "s=2/1/4 +5000 primary u",
	"taken - provisional"},
    {"promoted when it was late", "s=2/1/4 +5001 primary u",
	"taken - provisional"},
    {"late, asked in between", "s=2/1/4 +2500 u +2501 u", "taken - late none"},
    {"late counts from the newest", "s=2/1/4 +4000 s=2/1/5 +4000 u",
	"taken taken - selected"},
    {"undone", "s=2/1/4 primary u replica u", "taken - undone none"},
    {"undone at once", "s=2/1/4 primary u +1 replica u", "taken - undone none"},

    /* One per epoch. */
    {"the same once more", "s=2/1/4 s=2/1/4 u", "taken refused - selected"},
    {"another of the same epoch", "s=2/1/4 s=3/2/4 u",
	"taken refused - selected"},
    {"an older one", "s=2/1/6 s=3/2/5 u", "taken refused - selected"},
    {"a newer one takes its place", "s=2/1/4 s=3/2/5 a=1 a=2",
	"taken taken - aborted none"},
    {"a newer one begins anew", "s=2/1/4 primary u replica s=3/2/5 u",
	"taken - taken - selected"},
    {"of the same epoch after it was confirmed", "s=2/1/4 v=4 u s=2/1/4",
	"taken done taken selected"},
    {"of the same epoch after it was lost", "s=2/1/4 silent u alive s=3/2/4",
	"taken leader-lost refused none"},
    {"of the same epoch after it was given up", "s=2/1/4 a=1 s=3/2/4",
	"taken aborted refused none"},
    {"a newer one after it was lost", "s=2/1/4 silent u alive s=3/2/5 u",
	"taken leader-lost taken - selected"},
    {"an epoch that is not known", "s=2/1/0", "taken selected"},
    {"not known twice", "s=2/1/0 s=3/2/0", "taken refused selected"},
    {"not known, then the one it was", "s=2/1/0 s=2/1/4",
	"taken refused selected"},
    {"not known, then a newer one", "s=2/1/0 s=3/2/5", "taken taken selected"},
    {"not newer than the verdict: the one after it", "s=2/1/2 s=2/2/4",
	"taken refused selected"},
    {"not known, a verdict, not known", "s=2/1/0 v=4 u s=3/1/0",
	"taken done taken selected"},
    {"an enormous one blocks what is smaller", "s=2/1/999 a=1 s=3/2/5",
	"taken aborted refused none"},

    /* Who led one that came to nothing. */
    {"it leads another at once", "s=2/1/4 a=1 s=3/1/5",
	"taken aborted refused none"},
    {"it leads another soon", "s=2/1/4 a=1 +4999 s=3/1/5",
	"taken aborted refused none"},
    {"it leads another later", "s=2/1/4 a=1 +5000 s=3/1/5",
	"taken aborted taken selected"},
    {"what was refused may come later", "s=2/1/4 a=1 s=3/1/5 +5000 s=3/1/5",
	"taken aborted refused taken selected"},
    {"another leads another", "s=2/1/4 a=1 s=3/2/5",
	"taken aborted taken selected"},
    {"it was lost", "s=2/1/4 silent u alive s=3/1/5",
	"taken leader-lost refused none"},
    {"it was late", "s=2/1/4 +5001 u s=3/1/5", "taken late refused none"},
    {"it was undone", "s=2/1/4 primary u replica u s=3/1/5",
	"taken - undone refused none"},
    {"it was confirmed", "s=2/1/4 v=4 u s=3/1/5", "taken done taken selected"},
    {"it had failed before it was confirmed",
	"s=2/1/4 a=1 +5000 s=2/1/5 v=5 u s=3/1/6",
	"taken aborted taken done taken selected"},
    {"two have failed, the first may lead again",
	"s=2/1/4 a=1 s=3/2/5 a=2 s=2/1/6",
	"taken aborted taken aborted taken selected"},
};

/* What is true now. */
struct scene {
	struct failover f;
	struct failover_news news;
};

/* The end in a word. */
static const char *
end_word(enum failover_end end)
{
	static const char *const words[] = {[FAILOVER_GOES_ON] = "-",
	    [FAILOVER_DONE] = "done",
	    [FAILOVER_ABORTED] = "aborted",
	    [FAILOVER_LEADER_LOST] = "leader-lost",
	    [FAILOVER_LATE] = "late",
	    [FAILOVER_UNDONE] = "undone"};

	return words[end];
}

/* A Sentinel selects a successor. */
static const char *
play_selection(struct scene *s, const char *word)
{
	long long epoch;
	int x, leader;

	ck_assert_int_eq(sscanf(word, "s=%d/%d/%lld", &x, &leader, &epoch), 3);
	if (!failover_select(
		&s->f, x, leader, epoch, s->news.verdict, s->news.now))
		return "refused";
	ck_assert_int_eq(s->f.successor, x);
	ck_assert_int_eq(s->f.leader, leader);
	ck_assert_int_eq(s->f.began, s->news.now);
	ck_assert_int_eq(s->f.epoch, s->news.verdict);
	return "taken";
}

/* Something is true from now on. */
static void
play_news(struct scene *s, const char *word)
{
	if (word[0] == '+')
		s->news.now += atoi(word + 1);
	else if (strncmp(word, "v=", 2) == 0)
		s->news.verdict = atoi(word + 2);
	else if (strcmp(word, "named") == 0)
		s->news.confirmed = true;
	else if (strcmp(word, "silent") == 0 || strcmp(word, "alive") == 0)
		s->news.leader_alive = word[0] == 'a';
	else if (strcmp(word, "primary") == 0 || strcmp(word, "replica") == 0)
		s->news.primary = word[0] == 'p';
	else
		ck_abort_msg("'%s' is no word", word);
}

/* One word; the answer if it is a question, NULL otherwise. */
static const char *
play(struct scene *s, const char *word)
{
	if (strncmp(word, "s=", 2) == 0)
		return play_selection(s, word);
	if (strncmp(word, "a=", 2) == 0)
		return end_word(
		    failover_abort(&s->f, atoi(word + 2), s->news.now));
	if (strcmp(word, "u") == 0)
		return end_word(failover_update(&s->f, &s->news));
	play_news(s, word);
	return NULL;
}

/* Add a word. */
static void
add(char *text, const char *word)
{
	size_t len = strlen(text);

	snprintf(text + len, TEXT_MAX - len, "%s%s", len > 0 ? " " : "", word);
}

START_TEST(test_words)
{
	static const char *const phases[] = {[FAILOVER_NONE] = "none",
	    [FAILOVER_SELECTED] = "selected",
	    [FAILOVER_PROVISIONAL] = "provisional"};
	const struct sample *sample = &samples[_i];
	struct scene s = {
	    .news = {.now = START, .leader_alive = true, .verdict = NAMED}};
	char words[TEXT_MAX], answers[TEXT_MAX] = "", *next, *word;
	const char *answer;

	snprintf(words, sizeof(words), "%s", sample->words);
	for (word = strtok_r(words, " ", &next); word != NULL;
	     word = strtok_r(NULL, " ", &next)) {
		answer = play(&s, word);
		if (answer != NULL)
			add(answers, answer);
	}
	add(answers, phases[s.f.phase]);
	ck_assert_msg(strcmp(answers, sample->answers) == 0,
	    "%s (%s): '%s', not '%s'", sample->what, sample->words, answers,
	    sample->answers);
}
END_TEST

/* Each end has words of its own. */
START_TEST(test_ends)
{
	int i, j;

	for (i = FAILOVER_GOES_ON; i <= FAILOVER_UNDONE; i++) {
		ck_assert_str_ne(failover_end_str(i), "");
		for (j = FAILOVER_GOES_ON; j < i; j++)
			ck_assert_str_ne(
			    failover_end_str(i), failover_end_str(j));
	}
}
END_TEST

int
main(void)
{
	int n = sizeof(samples) / sizeof(samples[0]), failed;
	Suite *suite = suite_create("failover");
	TCase *tc = tcase_create("failover");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, test_words, 0, n);
	tcase_add_test(tc, test_ends);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
