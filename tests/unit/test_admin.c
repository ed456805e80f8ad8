/*
 * health/admin.c: what an operator's word makes of a server, and how long it
 * holds.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "health/admin.h"

/* A reload takes what the file changed; what was set stays. */
START_TEST(test_configure)
{
	struct conf_server cs = {.weight = 100, .maxconn = 5};
	struct admin a = {0};

	admin_configure(&a, &cs, true);
	ck_assert_int_eq(a.state, ADMIN_READY);
	ck_assert_uint_eq(a.weight, 100);
	ck_assert_uint_eq(a.maxconn, 5);
	a.state = ADMIN_DRAIN;
	a.weight = 7;
	a.maxconn = 8;
	admin_configure(&a, &cs, false);
	ck_assert_int_eq(a.state, ADMIN_DRAIN);
	ck_assert_uint_eq(a.weight, 7);
	ck_assert_uint_eq(a.maxconn, 8);
	cs.weight = 50;
	admin_configure(&a, &cs, false);
	ck_assert_int_eq(a.state, ADMIN_DRAIN);
	ck_assert_uint_eq(a.weight, 50);
	ck_assert_uint_eq(a.maxconn, 8);
	cs.disabled = true;
	admin_configure(&a, &cs, false);
	ck_assert_int_eq(a.state, ADMIN_MAINT);
	a.state = ADMIN_READY;
	admin_configure(&a, &cs, false);
	ck_assert_int_eq(a.state, ADMIN_READY);
	a.health = ADMIN_UP;
	a.unchecked = true;
	a.host = strdup("elsewhere");
	admin_configure(&a, &cs, true);
	ck_assert_int_eq(a.state, ADMIN_MAINT);
	ck_assert_int_eq(a.health, ADMIN_CHECKED);
	ck_assert(!a.unchecked);
	ck_assert_ptr_null(a.host);
}
END_TEST

/* A health is forced, checks end as written (u: the server is UP and the check
 * was good, b: UP and bad, d: DOWN and bad, g: DOWN and good): for how many of
 * them does it hold? rise is 2, fall 3. */
static const struct {
	enum admin_health health;
	bool unchecked;
	const char *checks;
	unsigned holds;
} forced[] = {
    {ADMIN_DOWN, false, "uuu", 1},
    {ADMIN_DOWN, false, "ububuu", 5},
    {ADMIN_DOWN, false, "dd", 0},
    {ADMIN_UP, false, "uu", 0},
    {ADMIN_UP, false, "dddd", 2},
    {ADMIN_UP, false, "dgddd", 4},
    {ADMIN_STOPPING, false, "uu", 0},
    {ADMIN_STOPPING, false, "bu", 1},
    {ADMIN_STOPPING, false, "d", 0},
    {ADMIN_DOWN, true, "uuuu", 4},
    {ADMIN_UP, true, "dddd", 4},
    {ADMIN_CHECKED, false, "ud", 0},
};

START_TEST(test_forced)
{
	struct admin a = {
	    .health = forced[_i].health, .unchecked = forced[_i].unchecked};
	const char *p;
	unsigned held = 0;

	for (p = forced[_i].checks; *p != '\0'; p++) {
		admin_check(
		    &a, *p == 'u' || *p == 'b', *p == 'u' || *p == 'g', 2, 3);
		if (a.health == ADMIN_CHECKED)
			break;
		ck_assert(admin_up(&a, false) == (a.health != ADMIN_DOWN));
		ck_assert(admin_up(&a, true) == (a.health != ADMIN_DOWN));
		held++;
	}
	ck_assert_uint_eq(held, forced[_i].holds);
	if (a.health == ADMIN_CHECKED)
		ck_assert(admin_up(&a, true) && !admin_up(&a, false));
}
END_TEST

START_TEST(test_drains)
{
	struct admin a = {0};

	ck_assert(!admin_drains(&a));
	a.health = ADMIN_STOPPING;
	ck_assert(admin_drains(&a));
	a.health = ADMIN_UP;
	a.state = ADMIN_DRAIN;
	ck_assert(admin_drains(&a));
	ck_assert_str_eq(admin_state_str(ADMIN_DRAIN), "drain");
	ck_assert_str_eq(admin_state_str(ADMIN_MAINT), "maint");
	ck_assert_str_eq(admin_state_str(ADMIN_READY), "ready");
}
END_TEST

/* The weight of a slow start of 10 s, so long after it began: parts, shown. */
static const struct {
	unsigned weight;
	int64_t after;
	unsigned parts, shown;
} slow[] = {
    {100, 0, 16, 1},
    {100, 499, 16, 1},
    {100, 500, 80, 5},
    {100, 5000, 800, 50},
    {100, 9999, 1520, 95},
    {100, 10000, 1600, 100},
    {100, 90000, 1600, 100},
    {1, 0, 1, 1},
    {1, 5000, 8, 1},
    {1, 10000, 16, 1},
    {0, 0, 0, 0},
    {0, 5000, 0, 0},
    {256, 10000, 4096, 256},
};

START_TEST(test_slow)
{
	struct conf_server cs = {.slow_start = 10000};
	struct admin a = {.weight = slow[_i].weight};
	unsigned parts;

	/* Not at the start of all, but after being down. */
	admin_note(&a, &cs, true, 1000);
	ck_assert_uint_eq(
	    admin_parts(&a, &cs, 1000), a.weight * ADMIN_WEIGHT_PARTS);
	admin_note(&a, &cs, false, 2000);
	admin_note(&a, &cs, true, 3000);
	admin_note(&a, &cs, true, 3100);
	parts = admin_parts(&a, &cs, 3000 + slow[_i].after);
	ck_assert_uint_eq(parts, slow[_i].parts);
	ck_assert_uint_eq(admin_shown_weight(parts), slow[_i].shown);
}
END_TEST

START_TEST(test_not_slow)
{
	struct conf_server cs = {0};
	struct admin a = {.weight = 3};

	admin_note(&a, &cs, false, 2000);
	admin_note(&a, &cs, true, 3000);
	ck_assert_uint_eq(admin_parts(&a, &cs, 3000), 3 * ADMIN_WEIGHT_PARTS);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin");
	TCase *tc = tcase_create("admin");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, test_configure);
	tcase_add_loop_test(
	    tc, test_forced, 0, (int)(sizeof(forced) / sizeof(forced[0])));
	tcase_add_test(tc, test_drains);
	tcase_add_loop_test(
	    tc, test_slow, 0, (int)(sizeof(slow) / sizeof(slow[0])));
	tcase_add_test(tc, test_not_slow);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
