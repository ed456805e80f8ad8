/*
 * health/snapshot.c: every route with every kind of server.
 */
#include <check.h>
#include <stdlib.h>

#include "health/snapshot.h"

#define ROUTES 7

/* The columns: primary, primary-preferred, replica, replica-preferred, any,
 * any-replica, lowest-latency. */
static const enum conf_route routes[ROUTES] = {ROUTE_PRIMARY,
    ROUTE_PRIMARY_PREFERRED, ROUTE_REPLICA, ROUTE_REPLICA_PREFERRED, ROUTE_ANY,
    ROUTE_ANY_REPLICA, ROUTE_LOWEST_LATENCY};

/* A server and its rank on each route. */
struct sample {
	const char *what;
	enum conf_check check;
	bool up, writable, readable, replica, backup;
	unsigned ranks[ROUTES];
};

#define R CHECK_REDIS
#define T CHECK_TCP
#define N CHECK_NONE
#define Y true
#define o false

/* clang-format off */
static const struct sample samples[] = {
	/*                        up w  r  repl backup   p pp r rp a ar ll */
    {"writer",                 R, Y, Y, o, o, o, {1, 1, 0, 2, 1, 0, 1}},
    {"fit replica",            R, Y, o, Y, Y, o, {0, 2, 1, 1, 1, 1, 1}},
    {"unfit replica",          R, Y, o, o, Y, o, {0, 0, 0, 0, 0, 1, 0}},
    {"primary, not the writer", R, Y, o, o, o, o, {0, 0, 0, 0, 0, 0, 0}},
    {"down writer",            R, o, Y, o, o, o, {0, 0, 0, 0, 0, 0, 0}},
    {"down replica",           R, o, o, Y, Y, o, {0, 0, 0, 0, 0, 0, 0}},
    {"down",                   R, o, o, o, o, o, {0, 0, 0, 0, 0, 0, 0}},
    {"backup writer",          R, Y, Y, o, o, Y, {3, 3, 0, 4, 3, 0, 3}},
    {"backup fit replica",     R, Y, o, Y, Y, Y, {0, 4, 3, 3, 3, 3, 3}},
    {"backup unfit replica",   R, Y, o, o, Y, Y, {0, 0, 0, 0, 0, 3, 0}},
    {"backup, neither",        R, Y, o, o, o, Y, {0, 0, 0, 0, 0, 0, 0}},
    {"backup, down",           R, o, Y, Y, Y, Y, {0, 0, 0, 0, 0, 0, 0}},
    {"tcp",                    T, Y, o, o, o, o, {1, 1, 1, 1, 1, 1, 1}},
    {"tcp, down",              T, o, o, o, o, o, {0, 0, 0, 0, 0, 0, 0}},
    {"tcp, backup",            T, Y, o, o, o, Y, {3, 3, 3, 3, 3, 3, 3}},
    {"tcp, backup, down",      T, o, o, o, o, Y, {0, 0, 0, 0, 0, 0, 0}},
    {"unchecked",              N, Y, o, o, o, o, {1, 1, 1, 1, 1, 1, 1}},
    {"unchecked, unresolved",  N, o, o, o, o, o, {0, 0, 0, 0, 0, 0, 0}},
    {"unchecked, backup",      N, Y, o, o, o, Y, {3, 3, 3, 3, 3, 3, 3}},
};
/* clang-format on */

/* A picture of n servers, none of them anything. */
static struct snapshot *
new_snapshot(size_t n)
{
	struct snapshot *s =
	    calloc(1, sizeof(*s) + n * sizeof(struct snapshot_server));

	ck_assert_ptr_nonnull(s);
	s->nservers = n;
	return s;
}

START_TEST(test_rank)
{
	const struct sample *sample = &samples[_i];
	struct snapshot *s = new_snapshot(3);
	struct conf_backend backend = {.check = sample->check};
	struct conf_frontend fe = {.backend = &backend};
	struct conf_server cs = {.id = 1, .backup = sample->backup};
	size_t i;

	s->servers[1].used = true;
	s->servers[1].up = sample->up;
	s->servers[1].writable = sample->writable;
	s->servers[1].readable = sample->readable;
	s->servers[1].replica = sample->replica;
	s->servers[1].weight = 1;
	for (i = 0; i < ROUTES; i++) {
		fe.route = routes[i];
		ck_assert_msg(snapshot_rank(s, &fe, &cs) == sample->ranks[i],
		    "%s, route %zu: %u, not %u", sample->what, i,
		    snapshot_rank(s, &fe, &cs), sample->ranks[i]);
	}
	free(s);
}
END_TEST

/* clang-format off */
/* Whose sessions may stay once a server has lost a role: the same columns. */
static const struct {
	const char *what;
	enum conf_check check;
	bool up, writable, readable, replica;
	bool keeps[ROUTES];
} kept[] = {
	/*                        up w  r  repl    p pp r rp a ar ll */
    {"fit replica",            R, Y, o, Y, Y, {Y, Y, Y, Y, Y, Y, Y}},
    {"unfit replica",          R, Y, o, o, Y, {Y, o, o, o, o, Y, o}},
    {"promoted",               R, Y, Y, o, o, {Y, Y, o, Y, Y, o, Y}},
    {"promoted, away",         R, Y, o, o, o, {Y, Y, o, Y, Y, o, Y}},
    {"tcp",                    T, Y, o, o, o, {Y, Y, Y, Y, Y, Y, Y}},
    {"unchecked",              N, Y, o, o, o, {Y, Y, Y, Y, Y, Y, Y}},
};
/* clang-format on */

START_TEST(test_keeps)
{
	struct conf_backend backend = {.check = kept[_i].check};
	struct conf_frontend fe = {.backend = &backend};
	struct snapshot_server s = {.used = true,
	    .up = kept[_i].up,
	    .writable = kept[_i].writable,
	    .readable = kept[_i].readable,
	    .replica = kept[_i].replica};
	size_t i;

	for (i = 0; i < ROUTES; i++) {
		fe.route = routes[i];
		ck_assert_msg(snapshot_keeps(&s, &fe) == kept[_i].keeps[i],
		    "%s, route %zu", kept[_i].what, i);
	}
}
END_TEST

/* A server of a newer configuration than the picture is not in it. */
START_TEST(test_unknown_id)
{
	static const int ids[] = {3, 4, 1000000, -1};
	struct snapshot *s = new_snapshot(3);
	struct conf_backend backend = {.check = CHECK_NONE};
	struct conf_frontend fe = {.backend = &backend};
	struct conf_server cs = {0};
	size_t i;

	for (i = 0; i < 3; i++)
		s->servers[i].up = true, s->servers[i].weight = 1;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		cs.id = ids[i];
		ck_assert_uint_eq(snapshot_rank(s, &fe, &cs), 0);
	}
	cs.id = 2;
	ck_assert_uint_eq(snapshot_rank(s, &fe, &cs), 1);
	free(s);
}
END_TEST

/* Drain and weight 0 take no new sessions, whatever else a server is. */
START_TEST(test_drain)
{
	struct snapshot *s = new_snapshot(1);
	struct conf_backend backend = {.check = CHECK_REDIS};
	struct conf_frontend fe = {.backend = &backend};
	struct conf_server cs = {0};

	s->servers[0].up = s->servers[0].writable = true;
	s->servers[0].weight = 16;
	ck_assert_uint_eq(snapshot_rank(s, &fe, &cs), 1);
	s->servers[0].drain = true;
	ck_assert_uint_eq(snapshot_rank(s, &fe, &cs), 0);
	ck_assert(snapshot_keeps(&s->servers[0], &fe));
	s->servers[0].drain = false;
	s->servers[0].weight = 0;
	ck_assert_uint_eq(snapshot_rank(s, &fe, &cs), 0);
	free(s);
}
END_TEST

START_TEST(test_words)
{
	ck_assert_str_eq(snapshot_close_str(CLOSE_FENCED), "fenced");
	ck_assert_str_eq(snapshot_close_str(CLOSE_DOWN), "server down");
	ck_assert_str_eq(snapshot_close_str(CLOSE_TIMEOUT), "server silent");
	ck_assert_str_eq(snapshot_close_str(CLOSE_MAINT), "maintenance");
	ck_assert_str_eq(snapshot_close_str(CLOSE_MOVED), "address changed");
}
END_TEST

/* clang-format off */
/* A condition on a backend of three servers, the last one the backup. */
static const struct {
	struct rule_term terms[2];
	size_t nterms;
	bool unless;
	unsigned up; /* servers, as bits */
	bool holds;
} rules[] = {
    {{{.than = THAN_GE, .n = 2}}, 1, false, 3, true},
    {{{.than = THAN_GE, .n = 2}}, 1, false, 1, false},
    {{{.than = THAN_GT, .n = 1}}, 1, false, 3, true},
    {{{.than = THAN_GT, .n = 2}}, 1, false, 3, false},
    {{{.than = THAN_LT, .n = 1}}, 1, false, 0, true},
    {{{.than = THAN_LT, .n = 1}}, 1, false, 4, false},
    {{{.than = THAN_LE, .n = 1}}, 1, false, 4, true},
    {{{.than = THAN_EQ, .n = 2}}, 1, false, 7, true}, /* no backup beside */
    {{{.than = THAN_EQ, .n = 2}}, 1, true, 7, false},
    {{{.negated = true, .than = THAN_EQ}}, 1, false, 7, true},
    {{{.is_up = true, .server = 1}}, 1, false, 2, true},
    {{{.is_up = true, .server = 1}}, 1, false, 5, false},
    /* and; or */
    {{{.is_up = true}, {.is_up = true, .server = 1}}, 2, false, 3, true},
    {{{.is_up = true}, {.is_up = true, .server = 1}}, 2, false, 1, false},
    {{{.is_up = true}, {.is_up = true, .first = true, .server = 1}}, 2, false, 1, true},
    {{{.is_up = true}, {.is_up = true, .first = true, .server = 1}}, 2, false, 2, true},
    {{{.is_up = true}, {.is_up = true, .first = true, .server = 1}}, 2, false, 4, false},
    {{{.is_up = true}}, 0, false, 0, true},
};
/* clang-format on */

START_TEST(test_branch)
{
	struct snapshot *s = new_snapshot(3);
	struct conf_server cs[3] = {{.id = 0}, {.id = 1}, {.id = 2}};
	struct conf_backend backend = {
	    .check = CHECK_TCP, .servers = cs, .nservers = 3};
	struct conf_frontend branch = {0};
	struct conf_rule rule = {.to = &branch,
	    .nterms = rules[_i].nterms,
	    .unless = rules[_i].unless};
	struct conf_frontend fe = {.rules = &rule, .nrules = 1};
	size_t i;

	cs[2].backup = true;
	for (i = 0; i < 2; i++) {
		rule.terms[i] = rules[_i].terms[i];
		rule.terms[i].backend = &backend;
	}
	for (i = 0; i < 3; i++) {
		s->servers[i].up = (rules[_i].up >> i & 1) != 0;
		s->servers[i].weight = 1;
	}
	ck_assert(snapshot_branch(s, &fe) == (rules[_i].holds ? &branch : &fe));
	free(s);
}
END_TEST

/* What workers need not be told again, and what they need to know. */
START_TEST(test_news)
{
	struct snapshot_server was = {.up = true, .latency_us = 400}, now = was;

	ck_assert(!snapshot_is_news(&now, &was));
	now.latency_us = 600;
	ck_assert(!snapshot_is_news(&now, &was));
	now.latency_us = 601;
	ck_assert(snapshot_is_news(&now, &was));
	now.latency_us = 199;
	ck_assert(snapshot_is_news(&now, &was));
	now = was;
	now.closes++;
	ck_assert(snapshot_is_news(&now, &was));
	now = was;
	now.drain = true;
	ck_assert(snapshot_is_news(&now, &was));
	now = was;
	now.weight++;
	ck_assert(snapshot_is_news(&now, &was));
	now = was;
	now.maxconn++;
	ck_assert(snapshot_is_news(&now, &was));
	now = was;
	now.writable = true;
	ck_assert(snapshot_is_news(&now, &was));
	now = was;
	addr_parse_ip("127.0.0.1", 6379, &now.addr);
	ck_assert(snapshot_is_news(&now, &was));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("snapshot");
	TCase *tc = tcase_create("snapshot");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
	    tc, test_rank, 0, (int)(sizeof(samples) / sizeof(samples[0])));
	tcase_add_loop_test(
	    tc, test_keeps, 0, (int)(sizeof(kept) / sizeof(kept[0])));
	tcase_add_loop_test(
	    tc, test_branch, 0, (int)(sizeof(rules) / sizeof(rules[0])));
	tcase_add_test(tc, test_unknown_id);
	tcase_add_test(tc, test_drain);
	tcase_add_test(tc, test_news);
	tcase_add_test(tc, test_words);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
