/*
 * proxy/balance.c: what each way of balancing makes of many picks.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/balance.h"

#define PICKS 10000
#define MOST  8

static const enum conf_balance ways[] = {BALANCE_ROUNDROBIN, BALANCE_LEASTCONN,
    BALANCE_RANDOM, BALANCE_SOURCE, BALANCE_FIRST};
#define NWAYS ((int)(sizeof(ways) / sizeof(ways[0])))

/* Weights, ended by 0. */
static const unsigned weights[][MOST + 1] = {{1, 1}, {1, 2}, {1, 1, 1},
    {256, 256, 256, 256}, {1, 2, 3, 4}, {100, 100, 50}, {256, 1}, {1, 256},
    {7, 11, 13}, {1, 1, 1, 1, 1, 1, 1, 1}};
#define NWEIGHTS ((int)(sizeof(weights) / sizeof(weights[0])))

static struct balance_candidate c[MOST];
static struct balance_state state;

/* Candidates of those weights, without load; how many. */
static size_t
make(const unsigned *w)
{
	static const char *const names[MOST] = {"redis-1", "redis-2", "redis-3",
	    "redis-4", "redis-5", "redis-6", "redis-7", "redis-8"};
	size_t n;

	memset(&state, 0, sizeof(state));
	state.random = 20261121;
	for (n = 0; w[n] != 0; n++) {
		c[n].id = (int)n;
		c[n].weight = w[n];
		c[n].load = 0;
		c[n].name = balance_hash(names[n], strlen(names[n]));
	}
	return n;
}

/* All weights together. */
static unsigned
total(const unsigned *w)
{
	unsigned sum = 0;

	while (*w != 0)
		sum += *w++;
	return sum;
}

/* The i-th client: 10.0.x.y, as conf/ maps it into IPv6. */
static struct in6_addr
client(unsigned i)
{
	struct in6_addr a = {0};

	a.s6_addr[10] = a.s6_addr[11] = 0xff;
	a.s6_addr[12] = 10;
	a.s6_addr[13] = (uint8_t)(i >> 16);
	a.s6_addr[14] = (uint8_t)(i >> 8);
	a.s6_addr[15] = (uint8_t)i;
	return a;
}

/* Pick for the i-th client. */
static size_t
pick(enum conf_balance how, size_t n, unsigned i)
{
	struct in6_addr a = client(i);
	size_t at = balance_pick(how, &state, c, n, &a);

	if (at >= n)
		ck_abort_msg("picked %zu of %zu", at, n);
	return at;
}

/* Each has its share of PICKS by weight, but for so much of PICKS. */
static void
expect_shares(const unsigned *counts, const unsigned *w, double tolerance)
{
	double share, off;
	size_t i;

	for (i = 0; w[i] != 0; i++) {
		share = (double)PICKS * w[i] / total(w);
		off = ((double)counts[i] - share) / PICKS;
		ck_assert_msg(off <= tolerance && off >= -tolerance,
		    "server %zu of weight %u of %u: %u of %d picks", i, w[i],
		    total(w), counts[i], PICKS);
	}
}

/* A way, and by how much it may miss the shares, of all picks. */
static const struct {
	enum conf_balance how;
	double tolerance;
} spreads[] = {
    {BALANCE_ROUNDROBIN, 0.03}, {BALANCE_RANDOM, 0.02}, {BALANCE_SOURCE, 0.02}};
#define NSPREADS ((int)(sizeof(spreads) / sizeof(spreads[0])))

START_TEST(test_shares)
{
	const unsigned *w = weights[_i % NWEIGHTS];
	unsigned counts[MOST] = {0}, i;
	size_t n = make(w);

	for (i = 0; i < PICKS; i++)
		counts[pick(spreads[_i / NWEIGHTS].how, n, i)]++;
	expect_shares(counts, w, spreads[_i / NWEIGHTS].tolerance);
}
END_TEST

/* Turn by turn is exact over a whole round. */
START_TEST(test_roundrobin)
{
	const unsigned *w = weights[_i];
	unsigned counts[MOST] = {0}, i;
	size_t n = make(w), k;

	for (i = 0; i < 3 * total(w); i++)
		counts[pick(BALANCE_ROUNDROBIN, n, i)]++;
	for (k = 0; k < n; k++)
		ck_assert_uint_eq(counts[k], 3 * w[k]);
}
END_TEST

/* Of equal weights, one each, whatever the weight. */
START_TEST(test_roundrobin_turns)
{
	static const unsigned equal[] = {100, 100, 100, 0};
	size_t n = make(equal);
	unsigned i;

	for (i = 0; i < 30; i++)
		ck_assert_uint_eq(pick(BALANCE_ROUNDROBIN, n, i), i % 3);
	/* The counter of turns ends somewhere. */
	state.turn = UINT32_MAX;
	pick(BALANCE_ROUNDROBIN, n, 0);
	ck_assert_uint_eq(pick(BALANCE_ROUNDROBIN, n, 0), 0);
}
END_TEST

/* Of unequal weights, each server's turns are spread: in any part of a round it
 * has about its share. */
START_TEST(test_roundrobin_mixed)
{
	static const unsigned uneven[] = {100, 99, 33, 1, 0};
	unsigned counts[MOST] = {0}, run = 0, i;
	size_t n = make(uneven), at, last = MOST;

	for (i = 0; i < 233; i++) {
		at = pick(BALANCE_ROUNDROBIN, n, i);
		run = at == last ? run + 1 : 1;
		last = at;
		ck_assert_uint_le(run, 3);
		counts[at]++;
		ck_assert_int_le(
		    abs((int)(counts[0] * 233) - (int)(100 * (i + 1))),
		    3 * 233);
	}
}
END_TEST

/* Sessions that stay are spread by weight. */
START_TEST(test_leastconn_shares)
{
	const unsigned *w = weights[_i];
	unsigned counts[MOST] = {0}, i;
	size_t n = make(w), at;

	for (i = 0; i < PICKS; i++) {
		at = pick(BALANCE_LEASTCONN, n, i);
		c[at].load++;
		counts[at]++;
	}
	expect_shares(counts, w, 0.001);
}
END_TEST

/* Weights and loads, and the one place that is right. */
static const struct {
	unsigned n, weight[4], load[4];
	size_t best;
} loads[] = {{2, {1, 1}, {5, 4}, 1}, {2, {1, 1}, {0, 1}, 0},
    {2, {1, 2}, {5, 9}, 1}, {2, {1, 2}, {5, 11}, 0}, {2, {256, 1}, {255, 1}, 0},
    {2, {256, 1}, {257, 1}, 1}, {3, {1, 1, 1}, {9, 3, 4}, 1},
    {3, {3, 2, 1}, {3, 1, 1}, 1}, {4, {1, 1, 1, 1}, {7, 7, 7, 6}, 3},
    {2, {256, 255}, {4000000000u, 4000000000u}, 0},
    {2, {256, 255}, {4294967295u, 1}, 1}};

START_TEST(test_leastconn)
{
	unsigned w[MOST + 1] = {0}, i;
	size_t n;

	memcpy(w, loads[_i].weight, loads[_i].n * sizeof(w[0]));
	n = make(w);
	for (i = 0; i < n; i++)
		c[i].load = loads[_i].load[i];
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(
		    pick(BALANCE_LEASTCONN, n, i), loads[_i].best);
}
END_TEST

/* Among equally loaded ones, turn by turn. */
START_TEST(test_leastconn_equal)
{
	static const unsigned equal[] = {1, 1, 1, 0};
	unsigned counts[3] = {0}, i;
	size_t n = make(equal);

	for (i = 0; i < 30; i++)
		counts[pick(BALANCE_LEASTCONN, n, i)]++;
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(counts[i], 10);
}
END_TEST

/* Of two at random the less loaded: the most loaded of many is hardly hit. */
START_TEST(test_random_loads)
{
	static const unsigned equal[] = {1, 1, 1, 1, 0};
	unsigned counts[4] = {0}, i;
	size_t n = make(equal);

	for (i = 0; i < n; i++)
		c[i].load = i;
	for (i = 0; i < PICKS; i++)
		counts[pick(BALANCE_RANDOM, n, i)]++;
	/* 7/16, 5/16, 3/16, 1/16 */
	for (i = 0; i < n; i++) {
		ck_assert_uint_gt(counts[i], PICKS * (7 - 2 * i) / 16 - 200);
		ck_assert_uint_lt(counts[i], PICKS * (7 - 2 * i) / 16 + 200);
	}
}
END_TEST

/* First is the first, whatever the weights and loads. */
START_TEST(test_first)
{
	size_t n = make(weights[_i]);
	unsigned i;

	for (i = 0; i < 100; i++) {
		c[0].load = i;
		ck_assert_uint_eq(pick(BALANCE_FIRST, n, i), 0);
	}
}
END_TEST

/* The same client, the same server: in any order of the list, at any time. */
START_TEST(test_source_stable)
{
	static const unsigned w[] = {1, 2, 3, 4, 0};
	struct balance_candidate t;
	int ids[PICKS];
	size_t n = make(w), k;
	unsigned i, moved = 0;

	for (i = 0; i < PICKS; i++)
		ids[i] = c[pick(BALANCE_SOURCE, n, i)].id;
	for (k = 0; k < n; k++) {
		t = c[0];
		memmove(&c[0], &c[1], (n - 1) * sizeof(t));
		c[n - 1] = t;
		c[0].load = 1000;
		state.turn += 17;
		for (i = 0; i < PICKS; i++)
			moved += c[pick(BALANCE_SOURCE, n, i)].id != ids[i];
		ck_assert_uint_eq(moved, 0);
	}
}
END_TEST

/* A server that goes moves its own clients and no others, wherever it was. */
START_TEST(test_source_goes)
{
	const unsigned *w = weights[_i];
	int ids[PICKS], gone;
	size_t n = make(w), at;
	unsigned i, moved;

	for (i = 0; i < PICKS; i++)
		ids[i] = c[pick(BALANCE_SOURCE, n, i)].id;
	for (gone = 0; n > 1 && gone < (int)n; gone++) {
		make(w);
		memmove(&c[gone], &c[gone + 1],
		    (n - 1 - (size_t)gone) * sizeof(c[0]));
		moved = 0;
		for (i = 0; i < PICKS; i++) {
			at = pick(BALANCE_SOURCE, n - 1, i);
			moved += ids[i] != gone && c[at].id != ids[i];
		}
		ck_assert_msg(moved == 0,
		    "server %d of %zu went: %u clients of others moved", gone,
		    n, moved);
	}
}
END_TEST

/* With one there is no choice. */
START_TEST(test_alone)
{
	static const unsigned one[] = {256, 0};
	size_t n = make(one);
	unsigned i;

	c[0].load = 4000000000u;
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(pick(ways[_i], n, i), 0);
}
END_TEST

/* The same in every process and on every machine. */
START_TEST(test_hash)
{
	uint32_t a = balance_hash("redis-1", 7), b = balance_hash("redis-2", 7);

	ck_assert_uint_ne(a, b);
	ck_assert_uint_eq(a, balance_hash("redis-1x", 7));
	ck_assert_uint_ne(a, balance_hash("redis-", 6));
	ck_assert_uint_eq(balance_hash("", 0), 0x5db4a501u);
}
END_TEST

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("balance");
	TCase *tc = tcase_create("balance");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_shares, 0, NSPREADS * NWEIGHTS);
	tcase_add_loop_test(tc, test_roundrobin, 0, NWEIGHTS);
	tcase_add_test(tc, test_roundrobin_turns);
	tcase_add_test(tc, test_roundrobin_mixed);
	tcase_add_loop_test(tc, test_leastconn_shares, 0, NWEIGHTS);
	tcase_add_loop_test(
	    tc, test_leastconn, 0, (int)(sizeof(loads) / sizeof(loads[0])));
	tcase_add_test(tc, test_leastconn_equal);
	tcase_add_test(tc, test_random_loads);
	tcase_add_loop_test(tc, test_first, 0, NWEIGHTS);
	tcase_add_test(tc, test_source_stable);
	tcase_add_loop_test(tc, test_source_goes, 0, NWEIGHTS);
	tcase_add_loop_test(tc, test_alone, 0, NWAYS);
	tcase_add_test(tc, test_hash);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
