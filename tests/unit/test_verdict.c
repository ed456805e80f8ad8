/*
 * health/verdict.c: what the Sentinels say, round by round, and the verdict
 * that stands then. Each case is tried with the Sentinels in every order.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/verdict.h"

#define SOURCES_MAX 5
#define SERVERS     4
#define TEXT_MAX    512
#define START       100000 /* clock_ms() of the first round */

/*
 * Rounds are separated by ";". In each, a word for a Sentinel: A3 answers that
 * server A is the primary with epoch 3 (? is a server that is not here), ~A3
 * publishes it, A3~B4 does both, "." is silent. Other words hold on: +N, ms
 * since the round before; known=N, Sentinels there are (3 at first); heirs=XY,
 * primaries with the incumbent's lineage.
 *
 * Out: the verdict, and if so, fresh, hint, mapped; then AGREE/KNOWN.
 */
struct sample {
	const char *what, *rounds, *verdict;
};

static const struct sample samples[] = {
    {"nothing is known", "known=0", "none 0/0"},
    {"nobody says anything", ". . .", "none 0/3"},

    /* A majority that is asked. */
    {"all agree", "A3 A3 A3", "A3 fresh mapped 3/3"},
    {"two of three agree", "A3 A3 .", "A3 fresh mapped 2/3"},
    {"one of three is no majority", "A3 . .", "none hint 0/3"},
    {"epoch 0 is one", "A0 A0 A0", "A0 fresh mapped 3/3"},
    {"the same server, other epochs", "A3 A2 A1", "none hint 0/3"},
    {"a newer one", "A3 A3 A3; B4 B4 A3", "B4 fresh mapped 2/3"},
    {"a newer one of the same server", "A3 A3 A3; A5 A5 A5",
	"A5 fresh mapped 3/3"},
    {"a minority that has not heard of it", "B4 B4 A3", "B4 fresh mapped 2/3"},
    {"the newest of several", "A3 A3 A3; B4 B4 B4; C6 C6 C6",
	"C6 fresh mapped 3/3"},

    /* How many there are. */
    {"one", "known=1 A3", "A3 fresh mapped 1/1"},
    {"two", "known=2 A3 A3", "A3 fresh mapped 2/2"},
    {"one of two", "known=2 A3 .", "none hint 0/2"},
    {"two that differ", "known=2 A3 A3; A3 B4", "A3 fresh hint mapped 1/2"},
    {"three of five", "known=5 A3 A3 A3 . .", "A3 fresh mapped 3/5"},
    {"two of five", "known=5 A3 A3 . . .", "none hint 0/5"},
    {"three of five say a newer one", "known=5 A3 A3 A3 A3 A3; B4 B4 B4 A3 A3",
	"B4 fresh mapped 3/5"},
    {"two of five say a newer one", "known=5 A3 A3 A3 A3 A3; B4 B4 A3 A3 A3",
	"A3 fresh hint mapped 3/5"},
    {"some that are not among the sources", "known=5 A3 A3 A3",
	"A3 fresh mapped 3/5"},
    {"too many that are not", "known=5 A3 A3", "none hint 0/5"},
    {"it had a majority until more were known", "A3 A3 .; known=5 A3 A3 .",
	"A3 mapped 2/5"},

    /* Fresh or not. */
    {"one is left", "A3 A3 A3; A3 . .", "A3 mapped 1/3"},
    {"none is left", "A3 A3 A3; . . .", "A3 mapped 0/3"},
    {"they are back", "A3 A3 A3; . . .; +60000 A3 A3 A3",
	"A3 fresh mapped 3/3"},
    {"no longer is any known", "A3 A3 A3; known=0 . . .", "A3 mapped 0/0"},
    {"one newer is a hint when two are gone", "A3 A3 A3; B4 . .",
	"A3 hint mapped 0/3"},

    /* A hint. */
    {"one says a newer one", "A3 A3 A3; B4 A3 A3", "A3 fresh hint mapped 2/3"},
    {"one publishes a newer one", "A3 A3 A3; A3~B4 A3 A3",
	"A3 fresh hint mapped 3/3"},
    {"one published an older one", "B4 B4 B4; B4~A3 B4~A3 B4",
	"B4 fresh mapped 3/3"},
    {"a hint passes", "A3 A3 A3; B4 A3 A3; A3 A3 A3", "A3 fresh mapped 3/3"},
    {"a hint becomes a verdict", "A3 A3 A3; B4 A3 A3; B4 B4 A3",
	"B4 fresh mapped 2/3"},
    {"the named server says so itself", "A3 A3 A3; heirs=B B4 A3 A3",
	"B4 fresh mapped 1/3"},
    {"published, and it says so itself", "A3 A3 A3; heirs=B A3~B4 A3 A3",
	"B4 fresh mapped 0/3"},
    {"another server is the heir", "A3 A3 A3; heirs=C B4 A3 A3",
	"A3 fresh hint mapped 2/3"},
    {"an heir that nobody names", "A3 A3 A3; heirs=BC A3 A3 A3",
	"A3 fresh mapped 3/3"},
    {"an heir of the same epoch", "A3 A3 A3; heirs=B B3 A3 A3",
	"A3 fresh mapped 2/3"},
    {"an heir of an older epoch", "A3 A3 A3; heirs=B B2 A3 A3",
	"A3 fresh mapped 2/3"},
    {"of two heirs the newer", "A3 A3 A3; heirs=BC B4 C5 A3",
	"C5 fresh mapped 1/3"},
    {"an heir against a majority that is newer", "A3 A3 A3; heirs=B B4 C5 C5",
	"C5 fresh mapped 2/3"},
    {"an heir, newer than the majority", "A3 A3 A3; heirs=B B6 C5 C5",
	"B6 fresh mapped 1/3"},
    {"an heir, and two hints", "A3 A3 A3; heirs=B B4 C5 A3",
	"B4 fresh hint mapped 1/3"},
    {"an heir, and an older hint", "A3 A3 A3; heirs=B B5 C4 A3",
	"B5 fresh mapped 1/3"},

    /* Taken on an heir's word: the others have not heard of it. */
    {"it stands", "A3 A3 A3; heirs=B B4 A3 A3; +15000 B4 A3 A3",
	"B4 fresh mapped 1/3"},
    {"it stands without its source", "A3 A3 A3; heirs=B B4 A3 A3; . A3 A3",
	"B4 fresh mapped 0/3"},
    {"for 15 s", "A3 A3 A3; heirs=B B4 A3 A3; +15001 B4 A3 A3",
	"A3 fresh hint mapped 2/3"},
    {"not from the newest answer, but from the first",
	"A3 A3 A3; heirs=B B4 A3 A3; +8000 B4 A3 A3; +8000 B4 A3 A3",
	"A3 fresh hint mapped 2/3"},
    {"the majority does not flap back",
	"A3 A3 A3; heirs=B B4 A3 A3; +15001 B4 A3 A3; +250 B4 A3 A3",
	"A3 fresh hint mapped 2/3"},
    {"the majority hears of it in the end",
	"A3 A3 A3; heirs=B B4 A3 A3; +15001 B4 A3 A3; +250 B4 B4 A3",
	"B4 fresh mapped 2/3"},
    {"the majority hears of it in time",
	"A3 A3 A3; heirs=B B4 A3 A3; +9000 B4 B4 A3; +9000 B4 A3 A3",
	"B4 fresh mapped 1/3"},
    {"no majority, no way back", "A3 A3 A3; heirs=B B4 A3 A3; +60000 . A3 .",
	"B4 mapped 0/3"},
    {"overruled, and then a failover to another",
	"A3 A3 A3; heirs=B B9 A3 A3; +15001 B9 A3 A3; heirs=C C4 A3 B9; C4 C4 "
	"B9",
	"C4 fresh hint mapped 2/3"},
    {"overruled, and then one of a newer epoch",
	"A3 A3 A3; heirs=B B9 A3 A3; +15001 B9 A3 A3; C10 A3 A3; heirs=C C10 "
	"A3 A3",
	"C10 fresh mapped 1/3"},

    /* Liars. */
    {"an enormous epoch", "A3 A3 A3; B999999 A3 A3",
	"A3 fresh hint mapped 2/3"},
    {"it blocks no verdict", "A3 A3 A3; B999999 A3 A3; B999999 C4 C4",
	"C4 fresh hint mapped 2/3"},
    {"nor the next", "B999999 A3 A3; B999999 C4 C4; B999999 A5 A5",
	"A5 fresh hint mapped 2/3"},
    {"nor the one of the cold start", "B999999 A3 A3",
	"A3 fresh hint mapped 2/3"},
    {"published", "~B999999 A3 A3; ~B999999 C4 C4", "C4 fresh hint mapped 2/3"},
    {"the largest number there is", "B9223372036854775807 A3 A3",
	"A3 fresh hint mapped 2/3"},
    {"about a server that is not here", "A3 A3 A3; ?999999 A3 A3",
	"A3 fresh hint mapped 2/3"},
    {"one that lies about the heir passes",
	"A3 A3 A3; heirs=B B999999 A3 A3; +15001 B999999 A3 A3; +1000 B999999 "
	"C4 C4",
	"C4 fresh hint mapped 2/3"},
    {"the same epoch, another server", "A3 A3 A3; B3 A3 A3",
	"A3 fresh mapped 2/3"},

    /* Made anew, with lower epochs. */
    {"Sentinels are made anew", "A7 A7 A7; +1000 A0 A0 A0",
	"A7 fresh mapped 0/3"},
    {"their word counts in the end",
	"A7 A7 A7; +1000 A0 A0 A0; +14001 A0 A0 A0", "A0 fresh mapped 3/3"},
    {"one of three is made anew", "A7 A7 A7; +60000 A0 A7 A7",
	"A7 fresh mapped 2/3"},
    {"made anew, and they name another",
	"A7 A7 A7; +1000 B0 B0 B0; +15000 B0 B0 B0", "B0 fresh mapped 3/3"},
    {"two of three are made anew", "A7 A7 A7; +15001 A0 A0 A7",
	"A0 fresh hint mapped 2/3"},
    {"and then the third hears of it",
	"A7 A7 A7; +15001 A0 A0 A7; +1000 A0 A0 A0", "A0 fresh mapped 3/3"},
    {"made anew, then a failover", "A7 A7 A7; +15001 A0 A0 A0; +1000 B1 B1 A0",
	"B1 fresh mapped 2/3"},
    {"the same epoch names another", "A1 A1 A1; B1 B1 B1",
	"B1 fresh mapped 3/3"},

    /* Gossip alone. */
    {"nobody can be asked", "~A3 ~A3 ~A3", "A3 fresh mapped 0/3"},
    {"a majority publishes it", "~A3 ~A3 .", "A3 fresh mapped 0/3"},
    {"a minority publishes it", "~A3 . .", "none hint 0/3"},
    {"they publish a newer one", "A3 A3 A3; ~B4 ~B4 ~A3",
	"B4 fresh mapped 0/3"},
    {"one publishes a newer one, nobody can be asked", "A3 A3 A3; ~B4 ~A3 ~A3",
	"A3 fresh hint mapped 0/3"},
    {"a newer one, and one can be asked", "A3 A3 A3; A3~B4 ~B4 ~B4",
	"A3 hint mapped 1/3"},
    {"one can be asked, and says so too", "A3 A3 A3; B4~B4 ~B4 ~B4",
	"A3 hint mapped 0/3"},
    {"all publish, one can be asked: not fresh", "~A3 ~A3 ~A3; A3~A3 ~A3 ~A3",
	"A3 mapped 1/3"},
    {"one of one publishes it", "known=1 ~A3", "A3 fresh mapped 0/1"},
    {"one of two publishes it", "known=2 ~A3 .", "none hint 0/2"},
    {"published by an heir's word", "A3 A3 A3; heirs=B ~B4 . .",
	"B4 mapped 0/3"},
    {"published with lower epochs", "A7 A7 A7; +15001 ~A0 ~A0 ~A0",
	"A0 fresh mapped 0/3"},
    {"published with lower epochs, too early", "A7 A7 A7; +15000 ~A0 ~A0 ~A0",
	"A7 fresh mapped 0/3"},

    /* A server that is not here. */
    {"it never fitted", "?3 ?3 ?3", "?3 fresh 3/3"},
    {"replaced by a stranger", "A3 A3 A3; ?4 ?4 ?4", "?4 fresh mapped 3/3"},
    {"one says so", "A3 A3 A3; ?4 A3 A3", "A3 fresh hint mapped 2/3"},
    {"a stranger is no heir", "A3 A3 A3; heirs=ABCD ?4 A3 A3",
	"A3 fresh hint mapped 2/3"},
    {"and back", "A3 A3 A3; ?4 ?4 ?4; B5 B5 B5", "B5 fresh mapped 3/3"},
};

/* A case as data; the order of its sources can be changed. */
struct scene {
	struct verdict v;
	struct verdict_source sources[SOURCES_MAX];
	size_t n;
	unsigned known;
	bool heirs[SERVERS];
	int64_t now;
};

/* A server's name: its index. */
static int
server_of(char c)
{
	ck_assert(c == '?' || (c >= 'A' && c < 'A' + SERVERS));
	return c == '?' ? SERVER_UNKNOWN : c - 'A';
}

/* What one Sentinel says. */
static struct verdict_source
parse_source(const char *word)
{
	struct verdict_source s = {0};
	char *end;

	if (strcmp(word, ".") == 0)
		return s;
	if (*word != '~') {
		s.asked = true;
		s.named = server_of(word[0]);
		s.epoch = strtoll(word + 1, &end, 10);
		word = end;
	}
	if (*word == '~') {
		s.heard = true;
		s.hello_named = server_of(word[1]);
		s.hello_epoch = strtoll(word + 2, &end, 10);
		word = end;
	}
	ck_assert_msg(*word == '\0', "'%s' is left over", word);
	return s;
}

/* Other servers are heirs now. */
static void
parse_heirs(struct scene *s, const char *names)
{
	memset(s->heirs, 0, sizeof(s->heirs));
	for (; *names != '\0'; names++)
		s->heirs[server_of(*names)] = true;
}

/* One round, the Sentinels in that order. */
static void
play_round(struct scene *s, char *text, const int *order)
{
	struct verdict_source said[SOURCES_MAX];
	char *next, *word;
	size_t i, n = 0;

	for (word = strtok_r(text, " ", &next); word != NULL;
	     word = strtok_r(NULL, " ", &next)) {
		if (word[0] == '+')
			s->now += atoi(word + 1);
		else if (strncmp(word, "known=", 6) == 0)
			s->known = (unsigned)atoi(word + 6);
		else if (strncmp(word, "heirs=", 6) == 0)
			parse_heirs(s, word + 6);
		else
			said[n++] = parse_source(word);
		ck_assert_uint_le(n, SOURCES_MAX);
	}
	for (i = 0; i < n; i++)
		s->sources[i] = said[order[i]];
	s->n = n;
	verdict_update(
	    &s->v, s->sources, s->n, s->known, s->heirs, SERVERS, s->now);
}

/* All rounds. */
static void
play(struct scene *s, const char *rounds, const int *order)
{
	char text[TEXT_MAX], *rest = text, *round;

	memset(s, 0, sizeof(*s));
	s->v.named = SERVER_UNKNOWN;
	s->v.epoch = -1;
	s->known = 3;
	s->now = START;
	ck_assert_uint_lt(strlen(rounds), sizeof(text));
	memcpy(text, rounds, strlen(rounds) + 1);
	while ((round = strsep(&rest, ";")) != NULL)
		play_round(s, round, order);
}

/* The verdict in the words of a sample. */
static void
describe(const struct verdict *v, char *text, size_t size)
{
	char name[32] = "none";

	if (v->epoch >= 0)
		snprintf(name, sizeof(name), "%c%lld",
		    v->named < 0 ? '?' : 'A' + v->named, (long long)v->epoch);
	snprintf(text, size, "%s%s%s%s %u/%u", name, v->fresh ? " fresh" : "",
	    v->hint ? " hint" : "", v->mapped ? " mapped" : "", v->agree,
	    v->known);
}

/* The next order of n places; false after the last. */
static bool
next_order(int *order, size_t n)
{
	size_t i = n - 1, j = n - 1;
	int t;

	if (n < 2)
		return false;
	while (i > 0 && order[i - 1] > order[i])
		i--;
	if (i == 0)
		return false;
	while (order[j] < order[i - 1])
		j--;
	t = order[i - 1], order[i - 1] = order[j], order[j] = t;
	for (j = n - 1; i < j; i++, j--)
		t = order[i], order[i] = order[j], order[j] = t;
	return true;
}

START_TEST(test_rounds)
{
	const struct sample *sample = &samples[_i];
	int order[SOURCES_MAX] = {0, 1, 2, 3, 4};
	char text[128];
	struct scene s;

	do {
		play(&s, sample->rounds, order);
		describe(&s.v, text, sizeof(text));
		ck_assert_msg(strcmp(text, sample->verdict) == 0,
		    "%s (%s): '%s', not '%s', in the order %d%d%d%d%d",
		    sample->what, sample->rounds, text, sample->verdict,
		    order[0], order[1], order[2], order[3], order[4]);
	} while (next_order(order, s.n));
}
END_TEST

/* When it was last that of a majority. */
START_TEST(test_backed_at)
{
	static const int order[SOURCES_MAX] = {0, 1, 2};
	struct scene s;

	play(&s, "A3 A3 A3", order);
	ck_assert_int_eq(s.v.backed_at, START);
	play(&s, "A3 A3 A3; +250 A3 A3 .", order);
	ck_assert_int_eq(s.v.backed_at, START + 250);
	play(&s, "A3 A3 A3; +250 A3 . .", order);
	ck_assert_int_eq(s.v.backed_at, START);
	play(&s, "A3 A3 A3; +250 heirs=B B4 A3 A3; +250 B4 A3 A3", order);
	ck_assert_int_eq(s.v.backed_at, START + 250);
}
END_TEST

int
main(void)
{
	int n = sizeof(samples) / sizeof(samples[0]), failed;
	Suite *suite = suite_create("verdict");
	TCase *tc = tcase_create("verdict");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, test_rounds, 0, n);
	tcase_add_test(tc, test_backed_at);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
