/*
 * health/lag.c: how far a replica is behind, by what was seen of the writer and
 * of it; and who serves reads then.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/lag.h"

#define ALL(table) (int)(sizeof(table) / sizeof((table)[0]))

/* Note that the writer was at an offset. */
static void
note(struct lag_history *h, int writer, const char *replid, int64_t at,
    int64_t offset)
{
	struct observation o = {
	    .at = at, .role = ROLE_PRIMARY, .offset = offset};

	strcpy(o.replid, replid);
	lag_note(h, writer, &o);
}

/* Note a row of "AT:OFFSET"; "b" and "2" before it: of lineage b, of writer 2.
 */
static void
note_all(struct lag_history *h, const char *row)
{
	const char *lineage = "a";
	long long at, offset;
	int n, writer = 1;

	for (; *row != '\0'; row += n) {
		n = 1;
		if (*row == 'b')
			lineage = "b";
		else if (sscanf(row, " %lld:%lld%n", &at, &offset, &n) == 2)
			note(h, writer, lineage, at, offset);
		else if (*row == '2')
			writer = 2;
	}
}

/* What was seen of the writer; when a replica was asked, how long that took,
 * its offset; its lag in time and in bytes. */
static const struct sample {
	const char *what, *writer;
	int64_t at, took_ms, offset, ms, bytes;
} samples[] = {
    {"nothing known", "", 5000, 0, 10, -1, -1},
    {"the same", "1000:10", 5000, 0, 10, 0, 0},
    {"ahead", "1000:10", 5000, 0, 20, 0, 0},
    {"behind the only sample", "1000:10", 5000, 0, 9, 4000, 1},
    {"at the newest", "1000:10 2000:20 3000:30", 3500, 0, 30, 0, 0},
    {"behind the newest", "1000:10 2000:20 3000:30", 3500, 0, 29, 500, 1},
    {"at the one before", "1000:10 2000:20 3000:30", 3500, 0, 20, 500, 10},
    {"behind that", "1000:10 2000:20 3000:30", 3500, 0, 19, 1500, 11},
    {"behind all", "1000:10 2000:20 3000:30", 3500, 0, 1, 2500, 29},
    {"held back, growing", "1000:10 2000:20 3000:30", 9000, 0, 19, 7000, 11},

    /* The writer moved on after the replica was asked: does not count. */
    {"asked before the newest", "1000:10 2000:20 3000:30", 2999, 0, 20, 0, 0},
    {"and behind by then", "1000:10 2000:20 3000:30", 2999, 0, 15, 999, 5},
    {"asked at the same time", "1000:10 2000:20", 2000, 0, 10, 0, 10},
    {"asked before all, behind", "1000:10 2000:20", 999, 0, 9, -1, -1},
    {"asked before all, not behind", "1000:10 2000:20", 999, 0, 20, 0, 0},
    {"a probe of 400 ms", "1000:10 2000:20", 2500, 400, 10, 100, 10},
    {"a probe of 600 ms", "1000:10 2000:20", 2500, 600, 10, 0, 0},

    /* An idle writer: the time counts from when it moved on. */
    {"idle, reached", "1000:10 2000:10 3000:10", 9000, 0, 10, 0, 0},
    {"idle, then moved", "1000:10 2000:10 3000:11", 9000, 0, 10, 6000, 1},
    {"moved, then idle", "1000:10 2000:11 3000:11", 9000, 0, 10, 7000, 1},
    {"twice the same sample", "1000:10 1000:10 2000:20 2000:20", 2500, 0, 10,
	500, 10},
    {"two at one time", "1000:10 2000:20 2000:25", 2500, 0, 22, 500, 3},

    {"another lineage follows", "1000:10 2000:20 b 3000:30 4000:40", 5000, 0,
	10, -1, -1},
    {"another writer follows", "1000:10 2000:20 2 3000:30", 5000, 0, 10, 2000,
	20},
    {"its offset fell", "1000:10 2000:20 3000:15", 5000, 0, 10, 2000, 5},
};

START_TEST(test_lag)
{
	const struct sample *s = &samples[_i];
	struct lag_history h = {0};
	struct observation o = {.at = s->at,
	    .duration_us = s->took_ms * 1000,
	    .role = ROLE_REPLICA,
	    .link_up = true,
	    .replica_offset = s->offset};
	struct lag lag;

	strcpy(o.replid, "a");
	note_all(&h, s->writer);
	lag = lag_of(&h, &o);
	ck_assert_msg(lag.ms == s->ms && lag.bytes == s->bytes,
	    "%s: %lld ms, %lld bytes", s->what, (long long)lag.ms,
	    (long long)lag.bytes);
}
END_TEST

/* Whose lag is not known: role, lineage, link, offset. */
static const struct {
	enum role role;
	const char *replid;
	bool link_up;
	int64_t offset;
	bool known;
} strangers[] = {
    {ROLE_REPLICA, "a", true, 5, true},
    {ROLE_REPLICA, "a", false, 5, true},
    {ROLE_REPLICA, "a", true, 0, true},
    {ROLE_REPLICA, "a", false, 0, false},
    {ROLE_REPLICA, "b", true, 5, false},
    {ROLE_REPLICA, "", true, 5, false},
    {ROLE_PRIMARY, "a", true, 5, false},
    {ROLE_UNKNOWN, "a", true, 5, false},
};

START_TEST(test_strangers)
{
	struct lag_history h = {0};
	struct observation o = {.at = 3000,
	    .role = strangers[_i].role,
	    .link_up = strangers[_i].link_up,
	    .replica_offset = strangers[_i].offset};
	struct lag lag;

	strcpy(o.replid, strangers[_i].replid);
	note_all(&h, "1000:10 2000:20");
	lag = lag_of(&h, &o);
	ck_assert_int_eq(lag.ms, strangers[_i].known ? 2000 : -1);
	ck_assert_int_eq(
	    lag.bytes, strangers[_i].known ? 20 - strangers[_i].offset : -1);
}
END_TEST

/* A healthy replica, asked between the writer's checks under heavy load, 20 ms
 * behind in truth, never lags more than that, in time or in bytes. */
START_TEST(test_healthy)
{
	struct lag_history h = {0};
	struct observation o = {
	    .role = ROLE_REPLICA, .link_up = true, .replid = "a"};
	int64_t at, rate = 100000; /* bytes a millisecond */

	for (at = 1000; at < 60000; at += 10) {
		if (at % 1000 == 0)
			note(&h, 1, "a", at, at * rate);
		o.at = at;
		o.replica_offset = (at - 20) * rate;
		ck_assert_int_le(lag_of(&h, &o).ms, 20);
		ck_assert_int_le(lag_of(&h, &o).bytes, 20 * rate);
		ck_assert_int_ge(lag_of(&h, &o).ms, 0);
	}
}
END_TEST

/* How often the writer is asked, and for how long, in ms. */
static const struct {
	int64_t interval, span;
} rates[] = {
    {10, 300000},
    {100, 3600000},
    {1000, 86400000},
    {10000, 864000000},
    {60000, 600000},
};

/* A writer that moves by a byte a millisecond: every lag, small or large, is
 * known to within an eighth and one interval, and never overstated. */
START_TEST(test_thinned)
{
	struct lag_history h = {0};
	struct observation o = {
	    .role = ROLE_REPLICA, .link_up = true, .replid = "a"};
	int64_t step = rates[_i].interval, span = rates[_i].span, at, lag, ms;

	for (at = 1; at <= span; at += step) {
		note(&h, 1, "a", at, at);
		if (at > 1 && at + step <= span && (at / step) % 977 != 0)
			continue;
		ck_assert_uint_le(h.n, LAG_SAMPLES);
		for (lag = 1; lag < at; lag += 1 + lag / 10) {
			o.at = at;
			o.replica_offset = at - lag;
			ms = lag_of(&h, &o).ms;
			ck_assert_msg(ms <= lag && ms >= lag - lag / 8 - step,
			    "%lld of %lld at %lld", (long long)ms,
			    (long long)lag, (long long)at);
			ck_assert_int_eq(lag_of(&h, &o).bytes, lag);
		}
	}
}
END_TEST

/*
 * Who serves reads. A replica is written as: S served until now, L lagging, x
 * not fit, then its lag as SECONDS or SECONDS/BYTES, ? unknown. What comes out:
 * r serves, l lagging, - neither. The limits are 10 s and 1000 bytes.
 */
static const struct choice {
	const char *what;
	unsigned min_readers;
	const char *before, *after;
} choices[] = {
    {"none", 1, "", ""},
    {"one", 1, "S0", "r"},
    {"all", 1, "0 S0 S1", "r r r"},
    {"not fit", 1, "x0 Sx0 S0", "- - r"},
    {"none fit", 1, "x0 Sx0", "- -"},
    {"at the limit", 0, "S10", "r"},
    {"beyond it", 0, "S11 S0", "l r"},
    {"at the limit in bytes", 0, "S0/1000", "r"},
    {"beyond that", 0, "S0/1001 S0", "l r"},
    {"beyond both", 0, "S11/1001", "l"},
    {"new and within", 0, "9", "r"},
    {"new and beyond", 0, "11", "l"},
    {"not back at half yet", 0, "L6", "l"},
    {"back at half", 0, "L5", "r"},
    {"not back at half in bytes", 0, "L0/501", "l"},
    {"back at half in bytes", 0, "L0/500", "r"},
    {"back by one of two", 0, "L5/501 L6/500", "l l"},
    {"unknown at first", 1, "? ?", "r r"},
    {"unknown, was lagging", 0, "L? S?", "l r"},
    {"lagging and not fit", 1, "x11 0", "l r"},

    {"the last one stays", 1, "S11", "rl"},
    {"the least lagging stays", 1, "S30 S11 S20", "l rl l"},
    {"the least lagging two", 2, "S30 S11 S20", "l rl rl"},
    {"all of them", 5, "S30 S11 S20", "rl rl rl"},
    {"enough without them", 1, "S30 S0 S20", "l r l"},
    {"one is missing", 2, "S30 S0 S20", "l r rl"},
    {"none has to stay", 0, "S30 S11 S20", "l l l"},
    {"whoever is fit stays", 1, "Sx11 S20", "l rl"},
    {"even who did not serve", 1, "Sx11 L40", "l rl"},
    {"equals: the first", 1, "S11 S11", "rl l"},
    {"equals: who serves", 1, "L11 SL11", "l rl"},
    {"who serves, though a little later", 1, "L20 SL39", "l rl"},
    {"not if twice as late", 1, "L20 SL41", "rl l"},
    {"back: the other goes", 1, "L4 SL41", "r l"},
    {"bytes count as much", 1, "S12 S0/1100", "l rl"},
    {"the worse of both counts", 1, "S12/9000 S20/1001", "l rl"},
    {"unknown is behind the known", 1, "L? L99", "l rl"},
    {"but stays if it serves alone", 1, "SL? L?", "rl l"},
};

static const struct lag_limits limits = {.ms = 10000, .bytes = 1000};

/* Read the replicas of a row; returns how many. */
static size_t
read_row(const char *row, struct lag_reader *r)
{
	size_t n = 0;
	int len;

	for (; *row != '\0'; row += len + (row[len] == ' ')) {
		struct lag_reader *x = &r[n++];
		long long s = 0, bytes = 0;
		const char *p = row;

		*x = (struct lag_reader){.fit = true, .lag = {-1, -1}};
		for (; strchr("SLx", *p) != NULL; p++) {
			x->served |= *p == 'S';
			x->lagging |= *p == 'L';
			x->fit &= *p != 'x';
		}
		if (sscanf(p, "%lld/%lld", &s, &bytes) >= 1)
			x->lag = (struct lag){s * 1000, bytes};
		len = (int)strcspn(row, " ");
	}
	return n;
}

/* What came out, as a row. */
static void
write_row(const struct lag_reader *r, size_t n, char *row)
{
	size_t i;

	*row = '\0';
	for (i = 0; i < n; i++) {
		strcat(row, i == 0 ? "" : " ");
		strcat(row, r[i].reads ? "r" : "");
		strcat(row, r[i].lagging ? "l" : "");
		strcat(row, r[i].reads || r[i].lagging ? "" : "-");
	}
}

START_TEST(test_choice)
{
	const struct choice *c = &choices[_i];
	struct lag_limits l = limits;
	struct lag_reader r[8];
	char row[64];
	size_t n = read_row(c->before, r);

	l.min_readers = c->min_readers;
	lag_choose(r, n, &l);
	write_row(r, n, row);
	ck_assert_msg(strcmp(row, c->after) == 0, "%s (%s): '%s', not '%s'",
	    c->what, c->before, row, c->after);
}
END_TEST

/* No limit: nobody lags, not even who did. */
START_TEST(test_no_limits)
{
	const struct lag_limits none = {.min_readers = 1};
	struct lag_limits seconds = limits, bytes = limits;
	struct lag_reader r[8];
	char row[64];
	size_t n;

	n = read_row("S99/9999 L99/9999 L?", r);
	lag_choose(r, n, &none);
	write_row(r, n, row);
	ck_assert_str_eq(row, "r r r");
	seconds.bytes = bytes.ms = 0;
	n = read_row("S99/0 S0/9999", r);
	lag_choose(r, n, &seconds);
	write_row(r, n, row);
	ck_assert_str_eq(row, "l r");
	n = read_row("S99/0 S0/9999", r);
	lag_choose(r, n, &bytes);
	write_row(r, n, row);
	ck_assert_str_eq(row, "r l");
}
END_TEST

/* One replica at random. */
static struct lag_reader
random_reader(void)
{
	struct lag_reader r = {.fit = random() % 4 != 0,
	    .served = random() % 2 == 0,
	    .lagging = random() % 2 == 0,
	    .lag = {-1, -1}};

	if (random() % 5 != 0)
		r.lag = (struct lag){random() % 30000, random() % 3000};
	return r;
}

/* Whatever the lags: enough of those that are fit serve, nobody else does, who
 * is not lagging does, and the same lags again change nothing. */
START_TEST(test_properties)
{
	struct lag_limits l = limits;
	struct lag_reader r[6];
	char first[64], again[64];
	size_t n, i, fit, reads;
	int round;

	srandom(1);
	for (round = 0; round < 20000; round++) {
		n = (size_t)random() % 7;
		l.min_readers = (unsigned)random() % 4;
		for (i = 0; i < n; i++)
			r[i] = random_reader();
		lag_choose(r, n, &l);
		write_row(r, n, first);
		fit = reads = 0;
		for (i = 0; i < n; i++) {
			fit += r[i].fit;
			reads += r[i].reads;
			ck_assert(r[i].fit || !r[i].reads);
			ck_assert(!r[i].fit || r[i].lagging || r[i].reads);
			r[i].served = r[i].reads;
		}
		ck_assert(reads >= (fit < l.min_readers ? fit : l.min_readers));
		lag_choose(r, n, &l);
		write_row(r, n, again);
		ck_assert_str_eq(first, again);
	}
}
END_TEST

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("lag");
	TCase *tc = tcase_create("lag");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_lag, 0, ALL(samples));
	tcase_add_loop_test(tc, test_strangers, 0, ALL(strangers));
	tcase_add_test(tc, test_healthy);
	tcase_add_loop_test(tc, test_thinned, 0, ALL(rates));
	tcase_add_loop_test(tc, test_choice, 0, ALL(choices));
	tcase_add_test(tc, test_no_limits);
	tcase_add_test(tc, test_properties);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
