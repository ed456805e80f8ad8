/*
 * health/witness.c: what Sentinels and replicas see of the writer, step by
 * step, and whether it is fenced (rules W6 and W7).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/witness.h"

#define SENTINELS 5
#define TEXT_MAX  512
#define START     100000 /* clock_ms() when it became the writer */
#define AFTER     2000   /* fence-after */

/*
 * Steps are separated by ";"; after each the witness is asked. Words:
 *
 * +N		ms pass
 * hear=ab	Sentinels a and b have just heard the writer, and can be asked
 * lost=ab	they cannot be asked
 * back=ab	they can be asked again, and heard it when they heard it
 * known=N	there are so many Sentinels (3 at first)
 * kept		a replica is seen to keep up
 * follows	a replica is in the writer's own INFO
 * unseen, seen	some replica could be promoted without our seeing it, or not
 * mute, speaks	the writer answers nobody from now on, or answers again
 * still=N	checks in a row in which it wrote and no replica moved
 * new, proviso	another writer; one that no verdict has named yet
 *
 * Out: for each step "." if it is witnessed, or why not: s the Sentinels, r the
 * replicas, o the offset, m no majority; then, if asked, the word of worry.
 */
struct sample {
	const char *what, *fence, *steps, *reasons;
};

/* All is well: all Sentinels hear it, a replica keeps up. */
#define WELL "hear=abc kept"

/* Half a second in which nobody hears anything of it. */
#define QUIET "; +500"

static const struct sample samples[] = {
    {"all is well", "auto", WELL, "."},
    {"it stays well", "auto", WELL "; +1000 " WELL "; +1000 " WELL, "..."},
    {"pongs come once a second", "auto", WELL "; +1130 kept", ".."},

    /* W6: a majority of the Sentinels is deaf. */
    {"cut off from all", "auto", WELL "; +2000; +1", "..s"},
    {"cut off, step by step", "auto", WELL QUIET QUIET QUIET QUIET QUIET,
	".....s"},
    {"two of three are deaf", "auto", WELL "; +2001 hear=a", ".s"},
    {"one of three is deaf", "auto", WELL "; +2001 hear=ab", ".."},
    {"two of three are deaf, a replica keeps up", "auto",
	WELL "; +2001 hear=a kept", ".."},
    {"all are deaf, a replica keeps up", "auto",
	WELL "; +2001 kept; +9000 kept", "..."},
    {"all are deaf, a replica kept up a second ago", "auto",
	WELL "; +1500 kept; +1000; +1", "...s"},
    {"all are deaf, a replica is in its INFO only", "auto",
	WELL "; +2001 follows", ".s"},
    {"two are deaf and one is lost", "auto", WELL "; lost=c +2001", ".s"},
    {"one is deaf and two are lost: no majority", "auto",
	WELL "; lost=bc +2001", ".."},
    {"one of one", "auto", "known=1 hear=a kept; +2001", ".s"},
    {"one of two is deaf: no majority", "auto",
	"known=2 hear=ab kept; +2001 hear=a", ".."},
    {"two of two", "auto", "known=2 hear=ab kept; +2001", ".s"},
    {"three of five", "auto", "known=5 hear=abcde kept; +2001 hear=ab", ".s"},
    {"two of five", "auto", "known=5 hear=abcde kept; +2001 hear=abc", ".."},
    {"three of five, one is lost", "auto",
	"known=5 hear=abcde kept; +2001 hear=a lost=b", ".s"},
    {"three of four", "auto", "known=4 hear=abcd kept; +2001 hear=a", ".s"},
    {"two of four", "auto", "known=4 hear=abcd kept; +2001 hear=ab", ".."},
    {"two that can be asked, of five", "auto", "known=5 hear=ab kept; +2001",
	".."},

    /* It never had a replica: nobody could be promoted. */
    {"no replica", "auto", "hear=abc; +9000", ".."},
    {"no replica since it is the writer", "auto",
	WELL "; new +1; hear=abc; +9000", "...."},
    {"a replica in its INFO is one", "auto", "+1 hear=abc follows; +2001",
	".s"},
    {"the replica was there before", "auto", "kept; new hear=abc; +9000",
	"..."},

    /* Blocked: it answers nobody, neither the Sentinels nor us. */
    {"blocked", "auto", WELL "; mute +3000; +9000", "..."},
    {"blocked, and it wakes", "auto",
	WELL "; mute +3000; speaks; +1000 hear=abc", "...."},
    {"blocked, it wakes, pongs come late", "auto",
	WELL "; mute +3000; speaks; +2000; +1", "....s"},
    {"blocked, it wakes cut off", "auto",
	WELL "; +500; mute +5000; speaks +1500; +1", "....s"},
    {"cut off, then blocked", "auto", WELL "; +1999; mute +9000; speaks +1; +1",
	"....s"},
    {"cut off long before it is blocked", "auto", WELL "; +2001; mute +9000",
	".ss"},
    {"blocked twice", "auto",
	WELL "; mute +3000; speaks +900; mute +3000; speaks "
	     "+900; hear=abc",
	"......"},
    {"blocked, a Sentinel had not heard it before", "auto",
	WELL "; +1500 hear=a; mute +2000; speaks +501", "...s"},
    {"blocked while the Sentinels are lost", "auto",
	WELL " lost=abc unseen; mute +3000; +9000; speaks +1999; +2", "....r"},

    /* Neither a majority nor its opposite can be asked. */
    {"the Sentinels are lost, a replica keeps up", "auto",
	WELL " unseen; lost=abc +1000 kept; +2000 kept; +2000 kept", "...."},
    {"the Sentinels are lost, a replica is in its INFO", "auto",
	WELL " unseen; lost=abc +2000 follows; +2000 follows", "..."},
    {"the Sentinels are lost, and its replicas", "auto",
	WELL "; lost=abc unseen +2000; +1", "..r"},
    {"and its replicas, all of them dead", "auto", WELL "; lost=abc +9000",
	".."},
    {"all of them dead, then one is out of sight", "auto",
	WELL "; lost=abc +9000; unseen +1", "..r"},
    {"two are lost, one hears it, no replica follows", "auto",
	WELL "; lost=bc hear=a unseen +2001", ".r"},
    {"one is lost, one deaf, one hears it", "auto",
	WELL "; lost=c unseen +2001 hear=a", ".r"},
    {"one is lost, one deaf, one hears it, a replica follows", "auto",
	WELL "; lost=c unseen +2001 hear=a follows", ".."},
    {"two of four hear it", "auto",
	"known=4 hear=abcd kept; unseen +2001 hear=ab", ".."},
    {"one of four hears it, two are lost", "auto",
	"known=4 hear=abcd kept; unseen +2001 lost=cd hear=a", ".r"},
    {"a majority hears it, whatever the replicas do", "auto",
	WELL "; unseen +5000 hear=ab", ".."},

    /* W7: no evidence is not evidence. */
    {"no Sentinel was ever known", "auto", "known=0 kept unseen; +9000", ".."},
    {"losing sight of the Sentinels", "auto", WELL "; lost=abc +9000 kept",
	".."},
    {"losing sight of all, nobody could be promoted", "auto",
	WELL "; lost=abc +9000", ".."},

    /* Until it is witnessed again. */
    {"stays fenced", "auto", WELL "; +2001; +1; +9000", ".sss"},
    {"heard again by a majority", "auto", WELL "; +2001; +100 hear=ab", ".s."},
    {"heard again by one", "auto", WELL "; +2001; +100 hear=a", ".ss"},
    {"heard again by one, then by another", "auto",
	WELL "; +2001; +100 hear=a; +100 hear=b", ".ss."},
    {"they can be asked, but heard it before", "auto",
	WELL "; +1000 lost=ab; +1001; back=ab", "...s"},
    {"an old pong does not count", "auto",
	WELL "; +500 lost=a hear=a; lost=a +1501; back=a +1; +1", "..sss"},
    {"heard in the moment of the fence", "auto",
	WELL "; +2001 hear=a; hear=abc", ".ss"},
    {"a replica keeps up again", "auto", WELL "; +2001; +100 kept", ".s."},
    {"a replica is in its INFO", "auto", WELL "; +2001; +100 follows", ".ss"},
    {"the Sentinels are lost, too", "auto", WELL "; +2001; lost=abc +9000",
	".ss"},
    {"the Sentinels are lost, and a replica keeps up", "auto",
	WELL "; +2001; lost=abc +9000 kept", ".s."},
    {"another writer", "auto", WELL "; +2001; new; +9000", ".s.."},
    {"fenced twice", "auto", WELL "; +2001; +1 hear=abc; +2001", ".s.s"},
    {"fenced for the replicas, one keeps up again", "auto",
	WELL "; lost=abc unseen +2001; +1 kept", ".r."},
    {"fenced for the replicas, a Sentinel is back", "auto",
	WELL "; lost=abc unseen +2001; +1 hear=a", ".rr"},
    {"fenced for the replicas, a majority is back", "auto",
	WELL "; lost=abc unseen +2001; +1 hear=ab", ".r."},
    {"fenced for the replicas, they are seen, and do not move", "auto",
	WELL "; lost=abc unseen +2001; +1 seen", ".rr"},
    {"waking does not unfence it", "auto", WELL "; +2001; mute +9000; speaks",
	".sss"},

    /* Provisional: chosen before any verdict. */
    {"provisional", "auto", "proviso; +1 kept; +9999", "..."},
    {"provisional for 10 s", "auto", "proviso; +1 kept unseen; +9999; +1",
	"...r"},
    {"provisional, and cut off", "auto", "proviso; +1 " WELL "; +9999; +1",
	"...s"},
    {"provisional, and witnessed", "auto",
	"proviso; +9999 " WELL "; +1000 " WELL, "..."},
    {"provisional, and fenced before", "auto", WELL "; +2001; proviso; +9999",
	".s.."},

    /* fence-fast. */
    {"standstill", "auto fast", WELL "; +150 still=1; +150 still=2", "..o"},
    {"standstill counts only if fast", "auto", WELL "; +300 still=2", ".."},
    {"standstill without Sentinels", "auto fast", "known=0 kept; +300 still=2",
	".."},
    {"standstill of a writer without replicas", "auto fast",
	"hear=abc; +300 still=2", ".."},
    {"standstill while provisional", "auto fast",
	"proviso; +1 kept; +300 still=2", "..."},
    {"standstill, then they move", "auto fast",
	WELL "; +300 still=2; +150 still=0 kept", ".o."},
    {"standstill, then the Sentinels hear it", "auto fast",
	WELL "; +300 still=2; +150 hear=ab", ".o."},
    {"standstill, then nothing", "auto fast",
	WELL "; +300 still=2; +150 still=0", ".oo"},

    /* strict. */
    {"strict, a majority hears it", "strict", "hear=ab; +2000", ".."},
    {"strict, no majority hears it", "strict", "hear=ab; +2001; +1", ".mm"},
    {"strict, cut off, step by step", "strict",
	WELL QUIET QUIET QUIET QUIET QUIET, ".....m"},
    {"strict, lost, step by step", "strict",
	WELL QUIET "; lost=abc" QUIET QUIET QUIET QUIET QUIET, "......mm"},
    {"strict, two of four are deaf", "strict",
	"known=4 hear=abcd; +1999; hear=ab +2", "..m"},
    {"strict, a replica keeps up", "strict", WELL "; +2001 kept; +2001 kept",
	".mm"},
    {"strict, two are lost", "strict", WELL "; lost=bc +2000 hear=a kept; +1",
	"..m"},
    {"strict, one is lost", "strict", WELL "; lost=c +9000 hear=ab", ".."},
    {"strict, two of four are no majority", "strict",
	"known=4 hear=abc; lost=c +2001 hear=ab; +1", ".mm"},
    {"strict, heard again", "strict", WELL "; lost=abc +2001; +1 hear=ab",
	".m."},
    {"strict, heard again by one", "strict", WELL "; lost=abc +2001; +1 hear=a",
	".mm"},
    {"strict, a replica is no witness", "strict",
	WELL "; lost=abc +2001; +1 kept", ".mm"},
    {"strict, no Sentinel is known", "strict", "known=0 kept; +2001 kept",
	"mm"},
    {"strict, a new writer that they do not watch yet", "strict",
	"new; +250; +1000 hear=ab; +2000", "...."},
    {"strict, a new writer that they never hear", "strict", "new; +2000; +1",
	"..m"},
    {"strict, another writer", "strict",
	WELL "; lost=abc +2001; new; +250; hear=abc", ".m..."},
    {"strict, blocked", "strict", WELL "; mute +3000; speaks; hear=abc",
	"...."},

    /* off. */
    {"off", "off", WELL "; +9000; unseen lost=abc +9000", "..."},
    {"off and a standstill", "off fast", WELL "; +9000 still=5", ".."},
};

/* What is seen now. */
struct scene {
	struct witness w;
	struct witness_rules rules;
	struct witness_news news;
	struct witness_vote votes[SENTINELS];
	bool mute;
};

/* Time passes. */
static void
pass(struct scene *s, int64_t ms)
{
	size_t i;

	s->news.now += ms;
	if (!s->mute)
		return;
	s->news.blocked += ms;
	for (i = 0; i < SENTINELS; i++)
		s->votes[i].blocked += ms;
}

/* Sentinels hear it, are lost, or are back. */
static void
play_sentinels(struct scene *s, const char *word)
{
	const char *name = strchr(word, '=');
	struct witness_vote *v;

	ck_assert_msg(name != NULL, "'%s' is no word", word);
	for (name++; *name != '\0'; name++) {
		ck_assert(*name >= 'a' && *name < 'a' + SENTINELS);
		v = &s->votes[*name - 'a'];
		v->counts = word[0] != 'l';
		if (word[0] != 'h')
			continue;
		v->pong_at = s->news.now;
		v->blocked = 0;
	}
}

/* A replica is seen. */
static void
play_replica(struct scene *s, const char *word)
{
	if (strcmp(word, "kept") == 0)
		s->news.kept_up = s->news.now;
	else
		ck_assert_str_eq(word, "follows");
	s->news.followed = s->news.now;
	s->news.blocked = 0;
}

/* Another writer, that no Sentinel has heard yet. */
static void
play_writer(struct scene *s, bool provisional)
{
	memset(s->votes, 0, sizeof(s->votes));
	witness_reset(&s->w, provisional, s->news.now);
}

/* One word. */
static void
play(struct scene *s, const char *word)
{
	if (word[0] == '+')
		pass(s, atoi(word + 1));
	else if (strcmp(word, "unseen") == 0 || strcmp(word, "seen") == 0)
		s->news.unseen = word[0] == 'u';
	else if (strcmp(word, "mute") == 0 || strcmp(word, "speaks") == 0)
		s->mute = word[0] == 'm';
	else if (strcmp(word, "new") == 0 || strcmp(word, "proviso") == 0)
		play_writer(s, word[0] == 'p');
	else if (strncmp(word, "still=", 6) == 0)
		s->news.standstill = (unsigned)atoi(word + 6);
	else if (strncmp(word, "known=", 6) == 0)
		s->news.known = (unsigned)atoi(word + 6);
	else if (strchr(word, '=') != NULL)
		play_sentinels(s, word);
	else
		play_replica(s, word);
}

/* Before the first step: it became the writer a moment ago. */
static void
begin(struct scene *s, const char *fence)
{
	memset(s, 0, sizeof(*s));
	s->news.now = START - 1;
	s->news.votes = s->votes;
	s->news.nvotes = SENTINELS;
	s->news.known = 3;
	s->rules.fence = strncmp(fence, "strict", 6) == 0 ? FENCE_STRICT
			 : strncmp(fence, "off", 3) == 0  ? FENCE_OFF
							  : FENCE_AUTO;
	s->rules.fast = strstr(fence, "fast") != NULL;
	s->rules.fence_after = AFTER;
	witness_reset(&s->w, false, s->news.now);
	s->news.now = START;
}

START_TEST(test_steps)
{
	static const char letters[] = {[WITNESS_FINE] = '.',
	    [WITNESS_SENTINELS] = 's',
	    [WITNESS_REPLICAS] = 'r',
	    [WITNESS_OFFSET] = 'o',
	    [WITNESS_MAJORITY] = 'm'};
	const struct sample *sample = &samples[_i];
	char text[TEXT_MAX], reasons[32], *rest = text, *step, *next, *word;
	struct scene s;
	size_t n = 0;

	begin(&s, sample->fence);
	ck_assert_uint_lt(strlen(sample->steps), sizeof(text));
	memcpy(text, sample->steps, strlen(sample->steps) + 1);
	while ((step = strsep(&rest, ";")) != NULL) {
		for (word = strtok_r(step, " ", &next); word != NULL;
		     word = strtok_r(NULL, " ", &next))
			play(&s, word);
		witness_update(&s.w, &s.rules, &s.news);
		ck_assert_uint_lt(n + 1, sizeof(reasons));
		reasons[n++] = letters[s.w.reason];
	}
	reasons[n] = '\0';
	ck_assert_msg(strcmp(reasons, sample->reasons) == 0,
	    "%s (%s: %s): '%s', not '%s'", sample->what, sample->fence,
	    sample->steps, reasons, sample->reasons);
}
END_TEST

/* When to look more often than usual: after the last step, is it worried? */
struct worry {
	const char *what, *fence, *steps;
	bool worried;
};

static const struct worry worries[] = {
    {"all is well", "auto", WELL, false},
    {"pongs come once a second", "auto", WELL "; +1130", false},
    {"none for two thirds of fence-after", "auto", WELL "; +1333", false},
    {"none for longer", "auto", WELL "; +1334", true},
    {"one of three hears it", "auto", WELL "; +1334 hear=a", true},
    {"two of three hear it", "auto", WELL "; +1334 hear=ab", false},
    {"two of four hear it", "auto", "known=4 " WELL "; +1334 hear=ab", true},
    {"the Sentinels are lost", "auto", WELL " lost=abc", true},
    {"none is known", "auto", "known=0 kept; +9000", false},
    {"blocked", "auto", WELL "; mute +9000", false},
    {"fenced", "auto", WELL "; +2001; hear=ab", true},
    {"back", "auto", WELL "; +2001; +1 hear=ab", false},
    {"off", "off", WELL "; +9000", false},
    {"strict", "strict", WELL "; +1334", true},
};

START_TEST(test_worried)
{
	const struct worry *sample = &worries[_i];
	char text[TEXT_MAX], *rest = text, *step, *next, *word;
	struct scene s;

	begin(&s, sample->fence);
	snprintf(text, sizeof(text), "%s", sample->steps);
	while ((step = strsep(&rest, ";")) != NULL) {
		for (word = strtok_r(step, " ", &next); word != NULL;
		     word = strtok_r(NULL, " ", &next))
			play(&s, word);
		witness_update(&s.w, &s.rules, &s.news);
	}
	ck_assert_msg(
	    witness_worried(&s.w, &s.rules, &s.news) == sample->worried,
	    "%s (%s: %s)", sample->what, sample->fence, sample->steps);
}
END_TEST

/* What people are told, and that each reason has words of its own. */
START_TEST(test_words)
{
	struct scene s;
	int i, j;

	begin(&s, "auto");
	play(&s, "known=5");
	play(&s, "hear=abcd");
	play(&s, "+2001");
	play(&s, "hear=ab");
	play(&s, "lost=d");
	witness_update(&s.w, &s.rules, &s.news);
	ck_assert_uint_eq(s.w.hear, 2);
	ck_assert_uint_eq(s.w.deaf, 1);
	ck_assert_uint_eq(s.w.known, 5);
	for (i = WITNESS_FINE; i <= WITNESS_MAJORITY; i++)
		for (j = WITNESS_FINE; j < i; j++)
			ck_assert_str_ne(
			    witness_reason_str(i), witness_reason_str(j));
}
END_TEST

int
main(void)
{
	int nsteps = sizeof(samples) / sizeof(samples[0]);
	int nworries = sizeof(worries) / sizeof(worries[0]), failed;
	Suite *suite = suite_create("witness");
	TCase *tc = tcase_create("witness");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, test_steps, 0, nsteps);
	tcase_add_loop_test(tc, test_worried, 0, nworries);
	tcase_add_test(tc, test_words);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
