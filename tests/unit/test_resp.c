/*
 * health/resp.c: what is a value, what is not complete yet, what is not RESP.
 */
#include <check.h>
#include <stdbool.h>
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

int
main(void)
{
	int n = sizeof(samples) / sizeof(samples[0]), failed;
	Suite *suite = suite_create("resp");
	TCase *tc = tcase_create("resp");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, test_sample, 0, n);
	tcase_add_loop_test(tc, test_cut, 0, n);
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_nul);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
