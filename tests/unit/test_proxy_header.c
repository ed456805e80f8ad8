/*
 * base/proxy_header.c: what is a header, how long it is and whose addresses it
 * tells; that nothing shorter is one; and that what is made is read again.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/proxy_header.h"

#define V2      "\r\n\r\n\0\r\nQUIT\n"
#define TEXT(s) s, sizeof(s) - 1
#define X16     "xxxxxxxxxxxxxxxx"
#define A105                                                               \
	"PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A header and what it says: from and its port, "" that it does not say. */
struct good {
	const char *bytes;
	size_t n;
	const char *from, *to;
	unsigned from_port, to_port;
};

static const struct good goods[] = {
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 11 22\r\n"), "::ffff:1.2.3.4",
	"::ffff:5.6.7.8", 11, 22},
    {TEXT("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
	"::ffff:255.255.255.255", "::ffff:255.255.255.255", 65535, 65535},
    {TEXT("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "::ffff:0.0.0.0",
	"::ffff:0.0.0.0", 0, 0},
    {TEXT("PROXY TCP6 2001:db8::1 ::1 1 2\r\n"), "2001:db8::1", "::1", 1, 2},
    {TEXT("PROXY TCP6 FFFF:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 65535},
    {TEXT("PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n"), "::ffff:1.2.3.4", "::1", 1,
	2},
    {TEXT("PROXY TCP6 :: ::1 1 2\r\n"), "", "", 0, 0},
    {TEXT("PROXY UNKNOWN\r\n"), "", "", 0, 0},
    {TEXT("PROXY UNKNOWN 1.2.3.4 nobody \n cares \r\n"), "", "", 0, 0},
    {TEXT(A105 "\r\n"), "", "", 0, 0},
    {TEXT(V2 "\x20\0\0\0"), "", "", 0, 0},
    {TEXT(V2 "\x20\x99\0\4xxxx"), "", "", 0, 0},
    {TEXT(V2 "\x21\0\0\0"), "", "", 0, 0},
    {TEXT(V2 "\x21\x11\0\x0c\1\2\3\4\5\6\7\x08\0\x0b\0\x16"), "::ffff:1.2.3.4",
	"::ffff:5.6.7.8", 11, 22},
    {TEXT(V2 "\x21\x11\0\x10\1\2\3\4\5\6\7\x08\xff\xff\0\x16\4\0\1x"),
	"::ffff:1.2.3.4", "::ffff:5.6.7.8", 65535, 22},
    {TEXT(V2 "\x21\x21\0\x24" X16 X16 "\0\1\0\2"),
	"7878:7878:7878:7878:7878:7878:7878:7878",
	"7878:7878:7878:7878:7878:7878:7878:7878", 1, 2},
    {TEXT(V2 "\x21\x12\0\x0c\1\2\3\4\5\6\7\x08\0\x0b\0\x16"), "", "", 0, 0},
    {TEXT(V2 "\x21\x31\0\x04/abc"), "", "", 0, 0},
};

/* An address in words. */
static const char *
words(const struct in6_addr *ip)
{
	static char text[INET6_ADDRSTRLEN];

	return inet_ntop(AF_INET6, ip, text, sizeof(text));
}

/* Each is taken whole and not a byte more, and no beginning of it is taken. */
START_TEST(test_good)
{
	const struct good *g = &goods[_i];
	char bytes[PROXY_HEADER_MAX];
	struct proxy_header h;
	size_t n;

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, g->bytes, g->n);
	for (n = 0; n < g->n; n++)
		ck_assert_int_eq(proxy_header_read(bytes, n, &h), 0);
	for (n = g->n; n < g->n + 20; n++)
		ck_assert_int_eq(proxy_header_read(bytes, n, &h), g->n);
	ck_assert_int_eq(h.known, g->from[0] != '\0');
	if (!h.known)
		return;
	ck_assert_str_eq(words(&h.from.ip), g->from);
	ck_assert_str_eq(words(&h.to.ip), g->to);
	ck_assert_uint_eq(h.from.port, g->from_port);
	ck_assert_uint_eq(h.to.port, g->to_port);
}
END_TEST

/* What is refused, and as what. */
static const struct {
	const char *bytes;
	size_t n;
	int why;
} bads[] = {
    {TEXT("GET / HTTP/1.0\r\n"), PROXY_HEADER_ALIEN},
    {TEXT("*1\r\n$4\r\nPING\r\n"), PROXY_HEADER_ALIEN},
    {TEXT("\x16\x03\x01"), PROXY_HEADER_ALIEN},
    {TEXT("proxy TCP4"), PROXY_HEADER_ALIEN},
    {TEXT("PROXYTCP4"), PROXY_HEADER_ALIEN},
    {TEXT("\r\n\r\nx"), PROXY_HEADER_ALIEN},
    {TEXT("PROXY \r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY  TCP4 1.2.3.4 5.6.7.8 11 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 11 22 \r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 11 22 33\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 11\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4  5.6.7.8 11 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 01.2.3.4 5.6.7.8 11 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3 5.6.7.8 11 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 011 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 00 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 65536 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 -1 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 +1 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 99999999999999999999 2\r\n"),
	PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 ::1 ::1 11 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP6 1.2.3.4 5.6.7.8 11 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP5 1.2.3.4 5.6.7.8 11 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY tcp4 1.2.3.4 5.6.7.8 11 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY UDP4 1.2.3.4 5.6.7.8 11 22\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY UNKNOWNX\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY UNKNOWN\0\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 11 22\0\r\n"), PROXY_HEADER_WRONG},
    {TEXT("PROXY TCP4 1.2.3.4 5.6.7.8 11 22\n\r\n"), PROXY_HEADER_WRONG},
    {TEXT(A105 "a\r\n"), PROXY_HEADER_WRONG},
    {TEXT(V2 "\x22"), PROXY_HEADER_WRONG},
    {TEXT(V2 "\x11"), PROXY_HEADER_WRONG},
    {TEXT(V2 "\x31\x11\0\x0c\1\2\3\4\5\6\7\x08\0\x0b\0\x16"),
	PROXY_HEADER_WRONG},
    {TEXT(V2 "\x21\x41\0\0"), PROXY_HEADER_WRONG},
    {TEXT(V2 "\x21\x13\0\x0c\1\2\3\4\5\6\7\x08\0\x0b\0\x16"),
	PROXY_HEADER_WRONG},
    {TEXT(V2 "\x21\x11\0\x0b\1\2\3\4\5\6\7\x08\0\x0b\0"), PROXY_HEADER_WRONG},
    {TEXT(V2 "\x21\x21\0\x0c\1\2\3\4\5\6\7\x08\0\x0b\0\x16"),
	PROXY_HEADER_WRONG},
    {TEXT(V2 "\x21\x11\4\0"), PROXY_HEADER_WRONG},
    {TEXT(V2 "\x20\0\xff\xff"), PROXY_HEADER_WRONG},
};

/* Refused once it is complete, and at no length taken. */
START_TEST(test_bad)
{
	struct proxy_header h;
	size_t n;

	ck_assert_int_eq(
	    proxy_header_read(bads[_i].bytes, bads[_i].n, &h), bads[_i].why);
	for (n = 0; n < bads[_i].n; n++)
		ck_assert_int_le(proxy_header_read(bads[_i].bytes, n, &h), 0);
}
END_TEST

/* However it goes on, at most that many bytes are waited for. */
START_TEST(test_bound)
{
	static const struct {
		const char *bytes;
		size_t n;
	} endless[] = {{TEXT("PROXY UNKNOWN ")}, {TEXT("PROXY ")},
	    {TEXT(V2 "\x20\0\3\xf0")}};
	char bytes[PROXY_HEADER_MAX];
	struct proxy_header h;

	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, endless[_i].bytes, endless[_i].n);
	ck_assert_int_ne(proxy_header_read(bytes, sizeof(bytes), &h), 0);
}
END_TEST

/* What is made of what was read. */
static const struct {
	const char *from, *to, *line;
	size_t v2;
} made[] = {
    {"::ffff:1.2.3.4", "::ffff:5.6.7.8", "PROXY TCP4 1.2.3.4 5.6.7.8 11 22\r\n",
	28},
    {"2001:db8::1", "::1", "PROXY TCP6 2001:db8::1 ::1 11 22\r\n", 52},
    {"::ffff:1.2.3.4", "::1", "PROXY TCP6 ::ffff:1.2.3.4 ::1 11 22\r\n", 52},
    {NULL, NULL, "PROXY UNKNOWN\r\n", 16},
};

START_TEST(test_made)
{
	struct proxy_header h = {.from.port = 11, .to.port = 22}, again;
	char out[PROXY_HEADER_OUT];
	enum proxy_version v;
	size_t n;

	h.known = made[_i].from != NULL;
	if (h.known) {
		inet_pton(AF_INET6, made[_i].from, &h.from.ip);
		inet_pton(AF_INET6, made[_i].to, &h.to.ip);
	}
	for (v = PROXY_V1; v <= PROXY_V2; v++) {
		n = proxy_header_make(v, &h, out);
		ck_assert_uint_eq(
		    n, v == PROXY_V1 ? strlen(made[_i].line) : made[_i].v2);
		if (v == PROXY_V1)
			ck_assert_mem_eq(out, made[_i].line, n);
		ck_assert_int_eq(proxy_header_read(out, n, &again), n);
		ck_assert_int_eq(again.known, h.known);
		if (h.known) {
			ck_assert_mem_eq(&again.from, &h.from, sizeof(h.from));
			ck_assert_mem_eq(&again.to, &h.to, sizeof(h.to));
		}
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("proxy_header");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, test_good, 0, sizeof(goods) / sizeof(goods[0]));
	tcase_add_loop_test(tc, test_bad, 0, sizeof(bads) / sizeof(bads[0]));
	tcase_add_loop_test(tc, test_bound, 0, 3);
	tcase_add_loop_test(tc, test_made, 0, sizeof(made) / sizeof(made[0]));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
