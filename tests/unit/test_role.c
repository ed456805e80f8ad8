/*
 * health/role.c: what a row of probes makes of a server, and which replicas are
 * fit for reads.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/role.h"

/*
 * A row of probes, a letter each, and what is then true and what the last one
 * changed. p primary, r replica, P and R the same after a restart with a lower
 * offset, K a primary after a restart with a higher one, i a primary whose run
 * id is not known; b busy, l loading (primary), L loading (replica), m cannot
 * save (primary), d master down (replica); x refused, c closed, t timeout, u
 * unresolved, n password needed, w wrong password, o no permission, f max
 * clients, q protocol error; h none, but sessions could not connect.
 */
struct sample {
	const char *what;
	unsigned fall, rise;
	const char *probes, *state, *changes;
};

static const struct sample samples[] = {
    {"nothing yet", 3, 2, "", "UNCHECKED unknown", ""},
    {"first good", 3, 2, "p", "UP primary", "health role result"},
    {"first good replica", 3, 5, "r", "UP replica", "health role result"},
    {"first bad", 3, 2, "x", "DOWN unknown", "health result gone"},
    {"first timeout", 3, 2, "t", "DOWN unknown", "health result silent"},
    {"first busy", 3, 2, "b", "UP unknown", "health result"},
    {"nothing new", 3, 2, "pp", "UP primary", ""},

    {"one bad", 3, 2, "px", "UP primary", "result"},
    {"two bad", 3, 2, "pxx", "UP primary", ""},
    {"fall", 3, 2, "pxxx", "DOWN primary", "health gone"},
    {"fall once", 3, 2, "pxxxx", "DOWN primary", ""},
    {"fall at once", 1, 2, "px", "DOWN primary", "health result gone"},
    {"bad in a row", 2, 2, "pxpx", "UP primary", "result"},
    {"bad of any kind", 3, 2, "pxtn", "DOWN primary", "health result"},
    {"busy is good", 2, 2, "pxbx", "UP primary", "result"},
    {"not up yet", 1, 2, "rxr", "DOWN replica", "result"},
    {"rise", 1, 2, "rxrr", "UP replica", "health"},
    {"good in a row", 1, 2, "rxrxr", "DOWN replica", "result"},
    {"rise at once", 1, 1, "rxr", "UP replica", "health result"},
    {"rise after first bad", 3, 2, "xp", "DOWN primary", "role result"},
    {"rise after first bad, twice", 3, 2, "xpp", "UP primary", "health"},
    {"rise when busy", 1, 2, "rxbb", "UP replica", "health"},
    {"first bad, then bad", 3, 2, "xt", "DOWN unknown", "result"},

    {"refused", 2, 1, "ptx", "DOWN primary", "health result gone"},
    {"closed", 2, 1, "ptc", "DOWN primary", "health result gone"},
    {"sessions refused", 1, 1, "ph", "DOWN primary", "health result"},
    {"sessions refused, then it", 1, 1, "phx", "DOWN primary", "gone"},
    {"silent", 2, 1, "pxt", "DOWN primary", "health result silent"},
    {"unresolved", 1, 1, "pu", "DOWN primary", "health result"},
    {"password needed", 1, 1, "pn", "DOWN primary", "health result"},
    {"wrong password", 1, 1, "pw", "DOWN primary", "health result"},
    {"no permission", 1, 1, "po", "DOWN primary", "health result"},
    {"max clients", 1, 1, "pf", "DOWN primary", "health result"},
    {"protocol", 1, 1, "pq", "DOWN primary", "health result"},
    {"refused when DOWN", 1, 2, "ptx", "DOWN primary", "result gone"},

    {"promoted", 3, 2, "rp", "UP primary was-replica", "role"},
    {"demoted", 3, 2, "pr", "UP replica", "role"},
    {"demoted and back", 3, 2, "prp", "UP primary was-replica", "role"},
    {"never a replica", 3, 2, "ppp", "UP primary", ""},
    {"role believed when DOWN", 1, 3, "rxp",
	"DOWN primary returnee was-replica", "role result"},
    {"role kept by a failure", 3, 2, "rx", "UP replica", "result"},
    {"role kept when busy", 3, 2, "pb", "UP primary", "result"},

    {"busy", 3, 2, "rb", "UP replica", "result"},
    {"busy, then a role", 3, 2, "bp", "UP primary", "role result"},
    {"loading", 3, 2, "l", "UP primary", "health role result"},
    {"loading replica", 3, 2, "L", "UP replica", "health role result"},
    {"loading ends", 3, 2, "lp", "UP primary", "result"},
    {"loading tells the role", 3, 2, "rl", "UP primary was-replica",
	"role result"},
    {"cannot save", 3, 2, "pm", "UP primary", "result"},
    {"cannot save tells the role", 3, 2, "rm", "UP primary was-replica",
	"role result"},
    {"master down", 3, 2, "rd", "UP replica", "result"},
    {"master down tells the role", 3, 2, "pd", "UP replica", "role result"},

    {"restart", 3, 2, "pP", "UP primary returnee fell restarts=1", "restarted"},
    {"restart, higher offset", 3, 2, "pK", "UP primary returnee restarts=1",
	"restarted"},
    {"restart once", 3, 2, "pPp", "UP primary returnee restarts=2",
	"restarted"},
    {"restart as a replica", 3, 2, "rR", "UP replica fell restarts=1",
	"restarted"},
    {"restart of a replica as a primary", 3, 2, "rP",
	"UP primary returnee was-replica fell restarts=1", "role restarted"},
    {"restart of a primary as a replica", 3, 2, "pR",
	"UP replica fell restarts=1", "role restarted"},
    {"run id unknown", 3, 2, "pi", "UP primary", ""},
    {"run id was unknown", 3, 2, "ip", "UP primary", ""},
    {"restart seen after bad ones", 3, 2, "pxP",
	"UP primary returnee fell restarts=1", "restarted result"},

    {"DOWN, then primary", 1, 1, "pxp", "UP primary returnee", "health result"},
    {"DOWN, then primary, not risen", 1, 2, "pxp", "DOWN primary returnee",
	"result"},
    {"DOWN, then primary, risen", 1, 2, "pxpp", "UP primary returnee",
	"health"},
    {"it stays so", 1, 1, "pxppp", "UP primary returnee", ""},
    {"DOWN by timeout too", 1, 1, "ptp", "UP primary returnee",
	"health result"},
    {"bad, but not DOWN", 3, 1, "pxp", "UP primary", "result"},
    {"first probe bad", 1, 1, "xp", "UP primary", "health role result"},
    {"DOWN and loading", 1, 1, "pxl", "UP primary returnee", "health result"},
    {"DOWN and busy, then primary", 1, 2, "pxbp", "UP primary returnee",
	"health result"},
    {"DOWN, then replica", 1, 1, "pxr", "UP replica", "health role result"},
    {"cleared by replica", 1, 1, "pxpr", "UP replica", "role"},
    {"promoted after that", 1, 1, "pxprp", "UP primary was-replica", "role"},
    {"cleared after a restart", 1, 1, "pPR", "UP replica restarts=2",
	"role restarted"},
    {"cleared by master down", 1, 1, "pxpd", "UP replica", "role result"},
    {"not cleared by busy", 1, 1, "pxpb", "UP primary returnee", "result"},
};

/* The result that a letter stands for. */
static enum probe_result
result_of(char c)
{
	static const char letters[] = "blLmdxctunwofqh";
	static const enum probe_result results[] = {PROBE_BUSY, PROBE_LOADING,
	    PROBE_LOADING, PROBE_MISCONF, PROBE_MASTERDOWN, PROBE_REFUSED,
	    PROBE_CLOSED, PROBE_TIMEOUT, PROBE_UNRESOLVED, PROBE_NOAUTH,
	    PROBE_WRONGPASS, PROBE_NOPERM, PROBE_MAXCLIENTS, PROBE_PROTOCOL,
	    PROBE_REFUSED};
	const char *at = strchr(letters, c);

	return at == NULL ? PROBE_OK : results[at - letters];
}

/* The observation that a letter stands for, at that time. */
static struct observation
observe(char c, int64_t at)
{
	struct observation o = {.at = at, .rtt_us = -1, .second_offset = -1};

	o.result = result_of(c);
	if (c == 'h')
		o.status = HCHK_HANA;
	if (!probe_result_has_role(o.result))
		return o;
	o.role = strchr("rRLd", c) != NULL ? ROLE_REPLICA : ROLE_PRIMARY;
	o.offset = c == 'P' || c == 'R' ? 5 : c == 'K' ? 2000 : 1000 + at;
	if (c != 'i')
		snprintf(o.run_id, sizeof(o.run_id), "run-%c",
		    strchr("PRK", c) != NULL ? c : 'a');
	return o;
}

/* Add a word. */
static void
add(char *text, size_t size, bool when, const char *word)
{
	size_t len = strlen(text);

	if (when)
		snprintf(
		    text + len, size - len, "%s%s", len > 0 ? " " : "", word);
}

/* Has it these words, in any order, and no others? */
static bool
same_words(const char *a, const char *b)
{
	char copy[128], *next, *word;

	if (strlen(a) != strlen(b))
		return false;
	snprintf(copy, sizeof(copy), "%s", a);
	for (word = strtok_r(copy, " ", &next); word != NULL;
	     word = strtok_r(NULL, " ", &next)) {
		if (strstr(b, word) == NULL)
			return false;
	}
	return true;
}

/* A state in words. */
static void
describe(const struct server_state *s, char *text, size_t size)
{
	char restarts[32];

	snprintf(text, size, "%s %s", health_str(s->health), role_str(s->role));
	snprintf(restarts, sizeof(restarts), "restarts=%u", s->restarts);
	add(text, size, s->returnee, "returnee");
	add(text, size, s->was_replica, "was-replica");
	add(text, size, s->offset_restarted, "fell");
	add(text, size, s->restarts > 0, restarts);
}

START_TEST(test_row)
{
	const struct sample *sample = &samples[_i];
	struct server_state s = {0};
	struct role_change c = {0};
	struct observation o;
	char state[128] = "", changes[128] = "";
	size_t i;

	for (i = 0; sample->probes[i] != '\0'; i++) {
		o = observe(sample->probes[i], (int64_t)i + 1);
		c = role_update(&s, &o, sample->fall, sample->rise);
	}
	describe(&s, state, sizeof(state));
	add(changes, sizeof(changes), c.health, "health");
	add(changes, sizeof(changes), c.role, "role");
	add(changes, sizeof(changes), c.restarted, "restarted");
	add(changes, sizeof(changes), c.result, "result");
	add(changes, sizeof(changes), c.gone, "gone");
	add(changes, sizeof(changes), c.silent, "silent");
	ck_assert_msg(same_words(state, sample->state),
	    "%s (%s): '%s', not '%s'", sample->what, sample->probes, state,
	    sample->state);
	ck_assert_msg(same_words(changes, sample->changes),
	    "%s (%s): changed '%s', not '%s'", sample->what, sample->probes,
	    changes, sample->changes);
}
END_TEST

/* What is remembered, and since when. */
START_TEST(test_memory)
{
	struct server_state s = {0};
	struct observation o;
	const char *probes = "prxxxbr";
	size_t i;

	for (i = 0; probes[i] != '\0'; i++) {
		o = observe(probes[i], 100 + (int64_t)i);
		role_update(&s, &o, 3, 2);
		ck_assert_int_eq(s.last.at, 100 + (int64_t)i);
		ck_assert_int_eq(s.last.result, o.result);
	}
	ck_assert_int_eq(s.known.at, 106);
	ck_assert_int_eq(s.known.offset, 1106);
	ck_assert_int_eq(s.role_since, 101);
	ck_assert_int_eq(s.health_since, 106);
	ck_assert_uint_eq(s.good, 2);
	ck_assert_uint_eq(s.bad, 0);
	o = observe('x', 107);
	role_update(&s, &o, 3, 2);
	ck_assert_int_eq(s.known.at, 106);
	ck_assert_int_eq(s.last.at, 107);
	ck_assert_uint_eq(s.bad, 1);
	ck_assert_uint_eq(s.good, 0);
}
END_TEST

/* A replica, what it says, and whether it may be read: without a writer, with
 * one, and just after a switch. Its lineage: w the writer's, p the one before
 * it, o another. */
struct reader {
	const char *what;
	enum health health;
	enum role role;
	enum probe_result last;
	bool link_up, syncing;
	char lineage;
	bool without, with, recent;
};

static const struct reader readers[] = {
    {"fit", HEALTH_UP, ROLE_REPLICA, PROBE_OK, true, false, 'w', true, true,
	true},
    {"down", HEALTH_DOWN, ROLE_REPLICA, PROBE_REFUSED, true, false, 'w', false,
	false, false},
    {"unchecked", HEALTH_UNCHECKED, ROLE_REPLICA, PROBE_NONE, true, false, 'w',
	false, false, false},
    {"primary", HEALTH_UP, ROLE_PRIMARY, PROBE_OK, true, false, 'w', false,
	false, false},
    {"role unknown", HEALTH_UP, ROLE_UNKNOWN, PROBE_BUSY, true, false, 'w',
	false, false, false},
    {"loading", HEALTH_UP, ROLE_REPLICA, PROBE_LOADING, true, false, 'w', false,
	false, false},
    {"syncing", HEALTH_UP, ROLE_REPLICA, PROBE_OK, false, true, 'w', false,
	false, false},
    {"syncing, link up", HEALTH_UP, ROLE_REPLICA, PROBE_OK, true, true, 'w',
	false, false, false},
    {"no link", HEALTH_UP, ROLE_REPLICA, PROBE_OK, false, false, 'w', false,
	false, false},
    {"master down", HEALTH_UP, ROLE_REPLICA, PROBE_MASTERDOWN, false, false,
	'o', false, false, false},
    {"busy", HEALTH_UP, ROLE_REPLICA, PROBE_BUSY, true, false, 'w', true, true,
	true},
    {"cannot save", HEALTH_UP, ROLE_REPLICA, PROBE_MISCONF, true, false, 'w',
	true, true, true},
    {"one bad probe", HEALTH_UP, ROLE_REPLICA, PROBE_TIMEOUT, true, false, 'w',
	true, true, true},
    {"not repointed", HEALTH_UP, ROLE_REPLICA, PROBE_OK, true, false, 'p', true,
	false, true},
    {"not repointed, no link", HEALTH_UP, ROLE_REPLICA, PROBE_OK, false, false,
	'p', false, false, true},
    {"not repointed, syncing", HEALTH_UP, ROLE_REPLICA, PROBE_OK, false, true,
	'p', false, false, false},
    {"another's", HEALTH_UP, ROLE_REPLICA, PROBE_OK, true, false, 'o', true,
	false, false},
    {"another's, no link", HEALTH_UP, ROLE_REPLICA, PROBE_OK, false, false, 'o',
	false, false, false},
};

START_TEST(test_readable)
{
	const struct reader *r = &readers[_i];
	struct server_state s = {0}, w = {0};

	w.health = HEALTH_UP;
	w.role = ROLE_PRIMARY;
	strcpy(w.known.replid, "lineage-w");
	strcpy(w.known.replid2, "lineage-p");
	s.health = r->health;
	s.role = r->role;
	s.last.result = r->last;
	s.known.link_up = r->link_up;
	s.known.syncing = r->syncing;
	snprintf(s.known.replid, REDIS_ID_MAX, "lineage-%c", r->lineage);
	ck_assert_msg(role_readable(&s, NULL, false) == r->without,
	    "%s: without a writer", r->what);
	ck_assert_msg(role_readable(&s, &w, false) == r->with,
	    "%s: with a writer", r->what);
	ck_assert_msg(role_readable(&s, &w, true) == r->recent,
	    "%s: after a switch", r->what);
}
END_TEST

/* A writer without a past has no former lineage to share. */
START_TEST(test_readable_no_past)
{
	struct server_state s = {0}, w = {0};

	s.health = w.health = HEALTH_UP;
	s.role = ROLE_REPLICA;
	w.role = ROLE_PRIMARY;
	s.known.link_up = true;
	strcpy(w.known.replid, "lineage-w");
	ck_assert(!role_readable(&s, &w, true));
	strcpy(s.known.replid, "lineage-o");
	ck_assert(!role_readable(&s, &w, true));
	strcpy(s.known.replid, "lineage-w");
	ck_assert(role_readable(&s, &w, true));
}
END_TEST

START_TEST(test_words)
{
	ck_assert_str_eq(health_str(HEALTH_UP), "UP");
	ck_assert_str_eq(health_str(HEALTH_DOWN), "DOWN");
	ck_assert_str_eq(health_str(HEALTH_UNCHECKED), "UNCHECKED");
}
END_TEST

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("role");
	TCase *tc = tcase_create("role");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
	    tc, test_row, 0, (int)(sizeof(samples) / sizeof(samples[0])));
	tcase_add_test(tc, test_memory);
	tcase_add_loop_test(
	    tc, test_readable, 0, (int)(sizeof(readers) / sizeof(readers[0])));
	tcase_add_test(tc, test_readable_no_past);
	tcase_add_test(tc, test_words);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
