/*
 * health/resp.c: what is a value, what is not complete yet, what is not RESP;
 * values with all that is in them, and what a string or a number is.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/resp.h"

/* Bytes and what resp_read() makes of them. */
struct sample {
	const char *bytes;
	ssize_t used; /* 0 incomplete, -1 refused */
	enum resp_type type;
	const char *str;
	int64_t integer;
};

static const struct sample samples[] = {
    {"+OK\r\n", 5, RESP_SIMPLE, "OK", 0},
    {"+\r\n", 3, RESP_SIMPLE, "", 0},
    {"+PONG\r\n+OK\r\n", 7, RESP_SIMPLE, "PONG", 0},
    {"-ERR no\r\n", 9, RESP_ERROR, "ERR no", 0},
    {":0\r\n", 4, RESP_INTEGER, "", 0},
    {":-12\r\n", 6, RESP_INTEGER, "", -12},
    {":9223372036854775807\r\n", 22, RESP_INTEGER, "", INT64_MAX},
    {":-9223372036854775808\r\n", 23, RESP_INTEGER, "", INT64_MIN},
    {":9223372036854775808\r\n", -1, 0, NULL, 0},
    {":-9223372036854775809\r\n", -1, 0, NULL, 0},
    {":99999999999999999999\r\n", -1, 0, NULL, 0},
    {":999999999999999999999\r\n", -1, 0, NULL, 0},
    {":\r\n", -1, 0, NULL, 0},
    {":-\r\n", -1, 0, NULL, 0},
    {":+1\r\n", -1, 0, NULL, 0},
    {":1 \r\n", -1, 0, NULL, 0},
    {":0x1\r\n", -1, 0, NULL, 0},
    {"$0\r\n\r\n", 6, RESP_BULK, "", 0},
    {"$3\r\nabc\r\n", 9, RESP_BULK, "abc", 0},
    {"$3\r\na\r\n\r\n", 9, RESP_BULK, "a\r\n", 0},
    {"$3\r\nabcd\r\n", -1, 0, NULL, 0},
    {"$3\r\nab\r\n\r\n", -1, 0, NULL, 0},
    {"$-1\r\n", 5, RESP_NIL, "", 0},
    {"$-2\r\n", -1, 0, NULL, 0},
    {"$262145\r\n", -1, 0, NULL, 0},
    {"$262144\r\n", 0, 0, NULL, 0},
    {"$a\r\n", -1, 0, NULL, 0},
    {"*0\r\n", 4, RESP_ARRAY, "", 0},
    {"*2\r\n$1\r\na\r\n", 4, RESP_ARRAY, "", 2},
    {"*1024\r\n", 7, RESP_ARRAY, "", 1024},
    {"*1025\r\n", -1, 0, NULL, 0},
    {"*-1\r\n", 5, RESP_NIL, "", 0},
    {"", 0, 0, NULL, 0},
    {"+", 0, 0, NULL, 0},
    {"+O", 0, 0, NULL, 0},
    {"+OK\r", 0, 0, NULL, 0},
    {"+OK\n", 0, 0, NULL, 0},
    {"+OK\n\r\n", -1, 0, NULL, 0},
    {"+O\rK\r\n", -1, 0, NULL, 0},
    {"$3\r\nabc", 0, 0, NULL, 0},
    {"$3\r\nabc\r", 0, 0, NULL, 0},
    {"$", 0, 0, NULL, 0},
    {"HTTP/1.1 400 Bad Request\r\n", -1, 0, NULL, 0},
    {"\r\n", -1, 0, NULL, 0},
    {"%1\r\n", -1, 0, NULL, 0},
    {"_\r\n", -1, 0, NULL, 0},
    {">2\r\n", -1, 0, NULL, 0},
    {"$0000000000000000000001\r\na\r\n", -1, 0, NULL, 0},
    {"$00000000000000000000000", -1, 0, NULL, 0},
};

/* A copy that ends exactly with its bytes, so that a read behind is seen. */
static char *
exact(const char *bytes, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, len);
	return copy;
}

START_TEST(test_sample)
{
	const struct sample *s = &samples[_i];
	size_t len = strlen(s->bytes);
	char *buf = exact(s->bytes, len);
	struct resp r;

	ck_assert_msg(resp_read(buf, len, &r) == s->used, "%s", s->bytes);
	if (s->used > 0) {
		ck_assert_int_eq(r.type, s->type);
		ck_assert_uint_eq(r.len, strlen(s->str));
		ck_assert_mem_eq(r.str, s->str, r.len);
		ck_assert_int_eq(r.integer, s->integer);
	}
	free(buf);
}
END_TEST

/* Whatever is complete is incomplete at each shorter length, never refused. */
START_TEST(test_cut)
{
	const struct sample *s = &samples[_i];
	struct resp r;
	char *buf;
	ssize_t n;

	for (n = 0; n < s->used; n++) {
		buf = exact(s->bytes, (size_t)n);
		ck_assert_msg(resp_read(buf, (size_t)n, &r) == 0,
		    "%s cut to %zd", s->bytes, n);
		free(buf);
	}
}
END_TEST

/* A line of so many bytes between its type and its end. */
static ssize_t
read_long(size_t len, bool ended)
{
	char *buf = malloc(len + 3);
	struct resp r;
	ssize_t n;

	ck_assert_ptr_nonnull(buf);
	memset(buf, 'x', len + 3);
	buf[0] = '-';
	memcpy(buf + 1 + len, "\r\n", 2);
	n = resp_read(buf, ended ? len + 3 : len + 1, &r);
	free(buf);
	return n;
}

START_TEST(test_limits)
{
	size_t size = RESP_BULK_MAX + 11;
	char *buf = malloc(size);
	struct resp r;

	ck_assert_int_eq(read_long(RESP_LINE_MAX, true), RESP_LINE_MAX + 3);
	ck_assert_int_eq(read_long(RESP_LINE_MAX, false), 0);
	ck_assert_int_eq(read_long(RESP_LINE_MAX + 1, true), -1);
	ck_assert_int_eq(read_long(RESP_LINE_MAX + 1, false), -1);
	ck_assert_ptr_nonnull(buf);
	memset(buf, 'x', size);
	memcpy(buf, "$262144\r\n", 9);
	memcpy(buf + size - 2, "\r\n", 2);
	ck_assert_int_eq(resp_read(buf, size, &r), (ssize_t)size);
	ck_assert_uint_eq(r.len, RESP_BULK_MAX);
	ck_assert_int_eq(resp_read(buf, size - 1, &r), 0);
	free(buf);
}
END_TEST

/* NULs are bytes like others. */
START_TEST(test_nul)
{
	struct resp r;

	ck_assert_int_eq(resp_read("$3\r\na\0b\r\n", 9, &r), 9);
	ck_assert_mem_eq(r.str, "a\0b", 3);
	ck_assert_int_eq(resp_read("\0", 1, &r), -1);
}
END_TEST

/* A value with all that is in it: the types and texts of its heads and leaves
 * in the order of the wire, as `*2 $a :1 +b -c _`; NULL: refused. */
struct tree {
	const char *bytes;
	ssize_t used;
	const char *tokens;
};

#define MESSAGE "$7\r\nmessage\r\n"

static const struct tree trees[] = {
    {"+OK\r\n", 5, "+OK"},
    {"+OK\r\n+NO\r\n", 5, "+OK"},
    {"*0\r\n", 4, "*0"},
    {"*0\r\n+OK\r\n", 4, "*0"},
    {"*-1\r\n", 5, "_"},
    {"$-1\r\n", 5, "_"},
    {"*1\r\n*-1\r\n", 9, "*1 _"},
    {"*2\r\n$1\r\na\r\n:7\r\n", 15, "*2 $a :7"},
    {"*3\r\n" MESSAGE "$1\r\nc\r\n$0\r\n\r\n", 30, "*3 $message $c $"},
    {"*2\r\n*1\r\n:1\r\n*1\r\n:2\r\n", 20, "*2 *1 :1 *1 :2"},
    {"*2\r\n*0\r\n*0\r\n", 12, "*2 *0 *0"},
    {"*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n", 20, "*1 *1 *1 *1 +x"},
    {"*3\r\n*2\r\n+a\r\n*1\r\n-b\r\n:-3\r\n$-1\r\n", 30,
	"*3 *2 +a *1 -b :-3 _"},
    {"*2\r\n*2\r\n+a\r\n+b\r\n+c\r\n+d\r\n", 20, "*2 *2 +a +b +c"},
    {"", 0, ""},
    {"*1\r\n", 0, "*1"},
    {"*2\r\n*0\r\n", 0, "*2 *0"},
    {"*2\r\n+a\r\n+b", 0, "*2 +a"},
    {"*1\r\nx", -1, NULL},
    {"*2\r\n+a\r\n\r\n", -1, NULL},
    {"*1\r\n*1025\r\n", -1, NULL},
    {"*1\r\n$262145\r\n", -1, NULL},
    {"*1\r\n*-2\r\n", -1, NULL},
    /* More than the eight there is room for. */
    {"*7\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n", 32,
	"*7 :1 :2 :3 :4 :5 :6 :7"},
    {"*8\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n", -1, NULL},
    {"*8\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n", -1, NULL},
    {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n", -1, NULL},
};
#define ROOM 8

/* Tokens in the words of a tree. */
static void
describe(const struct resp *r, size_t n, char *text, size_t size)
{
	static const char marks[] = {[RESP_SIMPLE] = '+',
	    [RESP_ERROR] = '-',
	    [RESP_INTEGER] = ':',
	    [RESP_BULK] = '$',
	    [RESP_ARRAY] = '*',
	    [RESP_NIL] = '_'};
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, size - len, "%s%c",
		    i > 0 ? " " : "", marks[r[i].type]);
		if (r[i].type == RESP_INTEGER || r[i].type == RESP_ARRAY)
			len += (size_t)snprintf(text + len, size - len, "%lld",
			    (long long)r[i].integer);
		else
			len += (size_t)snprintf(text + len, size - len, "%.*s",
			    (int)r[i].len, r[i].str);
	}
}

START_TEST(test_tree)
{
	const struct tree *t = &trees[_i];
	size_t len = strlen(t->bytes), n;
	char *buf = exact(t->bytes, len), text[256];
	struct resp out[ROOM];

	ck_assert_msg(
	    resp_read_all(buf, len, out, ROOM, &n) == t->used, "%s", t->bytes);
	ck_assert_uint_le(n, ROOM);
	if (t->tokens != NULL) {
		describe(out, n, text, sizeof(text));
		ck_assert_str_eq(text, t->tokens);
	}
	free(buf);
}
END_TEST

/* Cut at each length it is incomplete; with less room it is refused. */
START_TEST(test_tree_cut)
{
	const struct tree *t = &trees[_i];
	struct resp out[ROOM];
	size_t n, needed;
	char *buf;
	ssize_t i;

	for (i = 0; i < t->used; i++) {
		buf = exact(t->bytes, (size_t)i);
		ck_assert_msg(resp_read_all(buf, (size_t)i, out, ROOM, &n) == 0,
		    "%s cut to %zd", t->bytes, i);
		free(buf);
	}
	if (t->used <= 0)
		return;
	resp_read_all(t->bytes, strlen(t->bytes), out, ROOM, &needed);
	for (i = 0; i < (ssize_t)needed; i++)
		ck_assert_int_eq(resp_read_all(t->bytes, strlen(t->bytes), out,
				     (size_t)i, &n),
		    -1);
	ck_assert_int_eq(
	    resp_read_all(t->bytes, strlen(t->bytes), out, needed, &n),
	    t->used);
}
END_TEST

/* A value as a string and as a number. */
struct value {
	const char *bytes, *copy; /* NULL: it is not copied */
	int64_t number;           /* -7: it is none */
};

static const struct value values[] = {
    {"+OK\r\n", "OK", -7},
    {"$2\r\nOK\r\n", "OK", -7},
    {"-OK\r\n", NULL, -7},
    {"$-1\r\n", NULL, -7},
    {"*0\r\n", NULL, -7},
    {":12\r\n", NULL, 12},
    {":-12\r\n", NULL, -12},
    {"$2\r\n12\r\n", "12", 12},
    {"+12\r\n", "12", 12},
    {"-12\r\n", NULL, -7},
    {"$3\r\n-12\r\n", "-12", -12},
    {"$0\r\n\r\n", "", -7},
    {"$3\r\n1 2\r\n", NULL, -7},
    {"$3\r\n12x\r\n", "12x", -7},
    {"$3\r\n+12\r\n", "+12", -7},
    {"$3\r\n\x01xy\r\n", NULL, -7},
    {"$2\r\n\xc3\xa9\r\n", NULL, -7},
    {"$7\r\nsevenxx\r\n", "sevenxx", -7},
    {"$8\r\neightxxx\r\n", NULL, -7},
    {"$19\r\n9223372036854775807\r\n", NULL, INT64_MAX},
    {"$19\r\n9223372036854775808\r\n", NULL, -7},
    {"$20\r\n-9223372036854775808\r\n", NULL, INT64_MIN},
};

START_TEST(test_value)
{
	const struct value *v = &values[_i];
	char copy[8] = "before";
	struct resp r;

	ck_assert_int_gt(resp_read(v->bytes, strlen(v->bytes), &r), 0);
	ck_assert_int_eq(resp_copy(&r, copy, sizeof(copy)), v->copy != NULL);
	ck_assert_str_eq(copy, v->copy == NULL ? "" : v->copy);
	ck_assert_int_eq(resp_number(&r, -7), v->number);
}
END_TEST

/* Just this text, as a string of either kind. */
START_TEST(test_is)
{
	struct resp r = {.type = RESP_BULK, .str = "message", .len = 7};

	ck_assert(resp_is(&r, "message"));
	ck_assert(!resp_is(&r, "messag"));
	ck_assert(!resp_is(&r, "messages"));
	ck_assert(!resp_is(&r, "Message"));
	ck_assert(!resp_is(&r, ""));
	r.type = RESP_SIMPLE;
	ck_assert(resp_is(&r, "message"));
	r.type = RESP_ERROR;
	ck_assert(!resp_is(&r, "message"));
	r.type = RESP_BULK;
	r.len = 0;
	ck_assert(resp_is(&r, ""));
	/* A NUL is a byte like others. */
	r.str = "a\0b";
	r.len = 3;
	ck_assert(!resp_is(&r, "a"));
}
END_TEST

int
main(void)
{
	int n = sizeof(samples) / sizeof(samples[0]), failed;
	int ntrees = sizeof(trees) / sizeof(trees[0]);
	int nvalues = sizeof(values) / sizeof(values[0]);
	Suite *suite = suite_create("resp");
	TCase *tc = tcase_create("resp");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, test_sample, 0, n);
	tcase_add_loop_test(tc, test_cut, 0, n);
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_nul);
	tcase_add_loop_test(tc, test_tree, 0, ntrees);
	tcase_add_loop_test(tc, test_tree_cut, 0, ntrees);
	tcase_add_loop_test(tc, test_value, 0, nvalues);
	tcase_add_test(tc, test_is);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
