/*
 * proxy/ending.c: HAProxy's letters for each end. The cases are what HAProxy
 * 2.6.12 logged in the same situation.
 */
#include <check.h>
#include <string.h>

#include "proxy/ending.h"

static const struct {
	enum session_reason why;
	enum session_phase phase;
	const char *code;
} cases[] = {
    {SESSION_DONE, PHASE_DATA, "--"},
    {SESSION_NOTHING_SENT, PHASE_FIRST, "--"},
    {SESSION_CLIENT_ABORT, PHASE_FIRST, "CD"},
    {SESSION_CLIENT_ABORT, PHASE_DATA, "CD"},
    {SESSION_CLIENT_ABORT, PHASE_CONNECT, "CD"},
    {SESSION_GAVE_UP, PHASE_QUEUE, "CQ"},
    {SESSION_GAVE_UP, PHASE_CONNECT, "CC"},
    {SESSION_SERVER_ABORT, PHASE_DATA, "SD"},
    {SESSION_CLIENT_TIMEOUT, PHASE_DATA, "cD"},
    {SESSION_SERVER_TIMEOUT, PHASE_DATA, "sD"},
    {SESSION_NO_SERVER, PHASE_FIRST, "SC"},
    {SESSION_UNREACHABLE, PHASE_FIRST, "SC"},
    {SESSION_UNREACHABLE, PHASE_QUEUE, "SC"},
    {SESSION_CONNECT_TIMEOUT, PHASE_FIRST, "sC"},
    {SESSION_NO_PLACE, PHASE_QUEUE, "sQ"},
    {SESSION_NO_PLACE, PHASE_FIRST, "SQ"},
    {SESSION_SERVER_DOWN, PHASE_DATA, "D-"},
    {SESSION_KILLED, PHASE_DATA, "K-"},
    /* HAProxy has no such cases; what says most of what was. */
    {SESSION_NO_SERVER, PHASE_QUEUE, "sQ"},
    {SESSION_FENCED, PHASE_DATA, "D-"},
    {SESSION_DRAINED, PHASE_DATA, "--"},
    {SESSION_STOPPED, PHASE_DATA, "K-"},
    {SESSION_AGED, PHASE_DATA, "K-"},
};

START_TEST(test_code)
{
	ck_assert_str_eq(
	    ending_code(cases[_i].why, cases[_i].phase), cases[_i].code);
}
END_TEST

/* Every end has words of its own and letters in every phase; those that are
 * plain, and only they, say that nobody was at fault; but one that was closed
 * for its age is plain, as the configuration asks for it, and can be told
 * apart. */
START_TEST(test_all)
{
	const char *word = session_reason_str((enum session_reason)_i), *code;
	int i;

	ck_assert_ptr_nonnull(word);
	for (i = 0; i < _i; i++)
		ck_assert_str_ne(
		    session_reason_str((enum session_reason)i), word);
	for (i = 0; i < SESSION_PHASES; i++) {
		code =
		    ending_code((enum session_reason)_i, (enum session_phase)i);
		ck_assert_uint_eq(strlen(code), 2);
		ck_assert_ptr_nonnull(strchr("CSPLRIDUKcs-", code[0]));
		ck_assert_ptr_nonnull(strchr("RQCHDLT-", code[1]));
	}
	code = ending_code((enum session_reason)_i, PHASE_DATA);
	ck_assert_int_eq(ending_is_plain((enum session_reason)_i),
	    _i == SESSION_AGED || strcmp(code, "--") == 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ending");
	TCase *tc = tcase_create("ending");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, test_code, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tc, test_all, 0, SESSION_REASONS);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
