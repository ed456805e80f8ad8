/*
 * health/writer.c: what must hold in any situation whatever, tried on many
 * random ones. WRITER_SEED=n tries others.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/writer_situation.h"

#define SITUATIONS 200000

/* What is wrong with a verdict by itself; NULL nothing. */
static const char *
wrong(const struct situation *s, const struct writer_verdict *v)
{
	const struct writer_history *h = &s->history;

	if (v->writer < -1 || v->writer >= (int)s->n)
		return "a writer that does not exist";
	if ((v->action == WRITER_NONE || v->action == WRITER_FENCE) !=
	    (v->writer == -1))
		return "an action and a writer that contradict each other";
	if (v->votes < 0 || v->votes > v->voters || v->voters > (int)s->n)
		return "votes that nobody has";
	switch (v->action) {
	case WRITER_STAY:
		if (v->writer != h->incumbent || h->fenced)
			return "stay, without a writer";
		break;
	case WRITER_WAIT:
		if (v->writer != h->incumbent || h->fenced)
			return "wait, without a writer";
		return NULL;
	case WRITER_FENCE:
		return h->incumbent < 0 || h->fenced ? "fence nobody" : NULL;
	case WRITER_SWITCH:
		if (v->writer == h->incumbent && !h->fenced)
			return "switch to the writer";
		if (v->writer != h->incumbent && s->servers[v->writer].retired)
			return "switch to a retired server";
		break;
	default:
		return h->incumbent >= 0 && !h->fenced
			   ? "a writer is neither kept nor fenced"
			   : NULL;
	}
	return situation_is_candidate(&s->servers[v->writer])
		   ? NULL
		   : "not a candidate";
}

/* Fail, with all it takes to see why. */
static void
report(const struct situation *s, const struct writer_verdict *v, uint64_t seed,
    unsigned round, const char *what)
{
	situation_print(s);
	ck_abort_msg("%s: %s %s %c (WRITER_SEED=%llu, situation %u)", what,
	    writer_action_str(v->action), writer_causes[v->cause],
	    situation_name(s, v->writer), (unsigned long long)seed, round);
}

/* Nobody writes who must not. */
START_TEST(test_sound)
{
	uint64_t seed = random_seed();
	struct situation s;
	struct writer_verdict v;
	const char *what;
	unsigned round;

	for (round = 0; round < SITUATIONS; round++) {
		situation_random(&s);
		v = situation_decide(&s);
		what = wrong(&s, &v);
		if (what != NULL)
			report(&s, &v, seed, round, what);
	}
}
END_TEST

/* Primaries that share a lineage, which Redis never does: still sound. */
START_TEST(test_sound_on_nonsense)
{
	uint64_t seed = random_seed();
	struct situation s;
	struct writer_verdict v;
	const char *what;
	unsigned round;
	size_t i;

	for (round = 0; round < SITUATIONS; round++) {
		situation_random(&s);
		for (i = 0; i < s.n; i++) {
			snprintf(s.replids[i], REDIS_ID_MAX, "R%u",
			    random_below(SERVERS + 2));
			if (once_in(4))
				s.replids[i][0] = '\0';
		}
		v = situation_decide(&s);
		what = wrong(&s, &v);
		if (what != NULL)
			report(&s, &v, seed, round, what);
	}
}
END_TEST

/* The order of the servers in the configuration decides nothing. */
START_TEST(test_any_order)
{
	uint64_t seed = random_seed();
	int order[SERVERS], t;
	struct situation s, other;
	struct writer_verdict v, w;
	unsigned round, i, j;

	for (round = 0; round < SITUATIONS; round++) {
		situation_random(&s);
		for (i = 0; i < SERVERS; i++)
			order[i] = (int)i;
		for (i = (unsigned)s.n; i > 1; i--) {
			j = random_below(i);
			t = order[j], order[j] = order[i - 1], order[i - 1] = t;
		}
		situation_permute(&other, &s, order);
		v = situation_decide(&s);
		w = situation_decide(&other);
		if (w.writer >= 0)
			w.writer = order[w.writer];
		if (memcmp(&v, &w, sizeof(v)) != 0)
			report(&s, &v, seed, round,
			    "another order, another verdict");
	}
}
END_TEST

/* What was decided stays decided while nothing changes. */
START_TEST(test_no_flapping)
{
	uint64_t seed = random_seed();
	struct situation s, after;
	struct writer_verdict v, w;
	size_t x;
	unsigned round;

	for (round = 0; round < SITUATIONS; round++) {
		situation_random(&s);
		v = situation_decide(&s);
		after = s;
		situation_link(&after);
		if (v.action == WRITER_FENCE)
			after.history.fenced = true;
		if (v.action == WRITER_SWITCH) {
			x = (size_t)v.writer;
			after.history.fenced = false;
			after.history.provisional = v.cause == CAUSE_SELECTED;
			writer_remember(&after.history, &after.servers[x],
			    &after.evidence, v.writer);
			/* They were about the one before. */
			after.evidence.unwitnessed = false;
			after.evidence.promoted = -1;
			after.evidence.handover = false;
		}
		w = situation_decide(&after);
		/* What the operator chose, the next vote may change. */
		if (v.action == WRITER_SWITCH && v.cause != CAUSE_OPERATOR &&
		    (w.action != WRITER_STAY || w.writer != v.writer))
			report(
			    &s, &v, seed, round, "a switch that does not last");
		if (v.action == WRITER_FENCE && w.action != WRITER_NONE)
			report(
			    &s, &v, seed, round, "a fence that does not last");
	}
}
END_TEST

/* While the workers close the old writer's sessions, the choice stands. */
START_TEST(test_switch_in_two_steps)
{
	uint64_t seed = random_seed();
	struct situation s;
	struct writer_verdict v, w;
	unsigned round;

	for (round = 0; round < SITUATIONS; round++) {
		situation_random(&s);
		if (s.history.incumbent < 0 || s.history.fenced)
			continue;
		v = situation_decide(&s);
		if (v.action != WRITER_SWITCH)
			continue;
		s.history.fenced = true;
		w = situation_decide(&s);
		if (w.action != WRITER_SWITCH || w.writer != v.writer)
			report(&s, &v, seed, round,
			    "fenced for it, and not taken");
	}
}
END_TEST

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("writer_random");
	TCase *tc = tcase_create("writer_random");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, test_sound);
	tcase_add_test(tc, test_sound_on_nonsense);
	tcase_add_test(tc, test_any_order);
	tcase_add_test(tc, test_no_flapping);
	tcase_add_test(tc, test_switch_in_two_steps);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
