/*
 * base/addr.c: what is an address, a HOST:PORT, a network, and what is not.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

/* A HOST:PORT and its parts; port 0: refused. */
struct split {
	const char *text, *host;
	unsigned port;
};

static const struct split splits[] = {
    {"master:6379", "master", 6379},
    {"10.0.0.1:1", "10.0.0.1", 1},
    {":9000", "", 9000},
    {"*:9000", "*", 9000},
    {"[::1]:65535", "::1", 65535},
    {"[fe80::1%eth0]:80", "fe80::1%eth0", 80},
    {"123456789012345:1", "123456789012345", 1},
    {"1234567890123456:1", "1234567890123456", 0},
    {"master", NULL, 0},
    {"master:", NULL, 0},
    {"master:0", NULL, 0},
    {"master:65536", NULL, 0},
    {"master:-1", NULL, 0},
    {"master:+1", NULL, 0},
    {"master: 1", NULL, 0},
    {"master:1x", NULL, 0},
    {"master:99999999999999999999", NULL, 0},
    {"::1", NULL, 0},
    {"::1:6379", NULL, 0},
    {"[::1]", NULL, 0},
    {"[::1]6379", NULL, 0},
    {"[::1:6379", NULL, 0},
    {"", NULL, 0},
    {":", NULL, 0},
};

START_TEST(test_split)
{
	const struct split *s = &splits[_i];
	char host[16];
	uint16_t port = 0;

	ck_assert_msg((addr_split(s->text, host, sizeof(host), &port) == 0) ==
			  (s->port != 0),
	    "'%s'", s->text);
	if (s->port != 0) {
		ck_assert_str_eq(host, s->host);
		ck_assert_uint_eq(port, s->port);
	}
}
END_TEST

/* A literal and how it is printed with port 6379; NULL: refused. */
static const char *const literals[][2] = {
    {"10.0.0.1", "10.0.0.1:6379"},
    {"0.0.0.0", "0.0.0.0:6379"},
    {"::1", "[::1]:6379"},
    {"::", "[::]:6379"},
    {"0:0::0:1", "[::1]:6379"},
    {"::ffff:10.0.0.1", "[::ffff:10.0.0.1]:6379"},
    {"10.0.0", NULL},
    {"10.0.0.256", NULL},
    {"10.0.0.1 ", NULL},
    {"[::1]", NULL},
    {"1:2", NULL},
    {"master", NULL},
    {"", NULL},
};

START_TEST(test_literal)
{
	const char *text = literals[_i][0], *printed = literals[_i][1];
	char buf[ADDR_STR_MAX];
	struct sockaddr_storage ss;
	struct addr a, b;
	socklen_t len;

	ck_assert_msg((addr_parse_ip(text, 6379, &a) == 0) == (printed != NULL),
	    "'%s'", text);
	if (printed == NULL)
		return;
	ck_assert_str_eq(addr_str(&a, buf), printed);
	len = addr_to_sockaddr(&a, &ss);
	ck_assert_int_eq(
	    addr_from_sockaddr((struct sockaddr *)&ss, len, &b), 0);
	ck_assert(addr_equal(&a, &b));
	b.port++;
	ck_assert(!addr_equal(&a, &b));
}
END_TEST

START_TEST(test_unix)
{
	struct addr a = {.family = AF_UNIX}, b;
	char buf[ADDR_STR_MAX];
	struct sockaddr_storage ss;
	socklen_t len;

	memset(a.u.path, 'x', sizeof(a.u.path) - 1);
	a.u.path[0] = '/';
	len = addr_to_sockaddr(&a, &ss);
	ck_assert_int_eq(
	    addr_from_sockaddr((struct sockaddr *)&ss, len, &b), 0);
	ck_assert(addr_equal(&a, &b));
	ck_assert_uint_eq(strlen(addr_str(&a, buf)), 5 + 107);
	/* A client of a UNIX socket has no name. */
	ck_assert_int_eq(
	    addr_from_sockaddr((struct sockaddr *)&ss, sizeof(sa_family_t), &b),
	    0);
	ck_assert_str_eq(b.u.path, "");
	ss.ss_family = AF_PACKET;
	ck_assert_int_eq(
	    addr_from_sockaddr((struct sockaddr *)&ss, sizeof(ss), &b), -1);
}
END_TEST

START_TEST(test_none)
{
	struct sockaddr_storage ss;
	struct addr none = {0}, a;
	char buf[ADDR_STR_MAX];

	addr_parse_ip("0.0.0.0", 0, &a);
	ck_assert(!addr_equal(&none, &a));
	ck_assert(addr_equal(&none, &none));
	ck_assert_uint_eq(addr_to_sockaddr(&none, &ss), 0);
	ck_assert_str_ne(addr_str(&none, buf), "");
}
END_TEST

/* A network, an address inside and one outside; NULL inside: refused. */
static const char *const nets[][3] = {
    {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
    {"10.0.0.0/8", "::ffff:10.1.1.1", "9.255.255.255"},
    {"192.168.4.0/22", "192.168.7.255", "192.168.8.0"},
    {"10.1.2.3", "10.1.2.3", "10.1.2.4"},
    {"10.1.2.3/32", "10.1.2.3", "10.1.2.2"},
    {"0.0.0.0/0", "255.255.255.255", "::1"},
    {"::/0", "10.0.0.1", NULL},
    {"::1", "::1", "::2"},
    {"fd00::/8", "fdff::1", "fe00::1"},
    {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
    {"::ffff:10.0.0.0/104", "10.2.3.4", "11.0.0.0"},
    {"10.0.0.1/8", NULL, NULL},
    {"10.0.0.0/33", NULL, NULL},
    {"10.0.0.0/", NULL, NULL},
    {"10.0.0.0/-1", NULL, NULL},
    {"10.0.0.0/ 8", NULL, NULL},
    {"10.0.0.0/8x", NULL, NULL},
    {"10.0.0.0/99999999999999999999", NULL, NULL},
    {"fd00::/129", NULL, NULL},
    {"fd00::1/127", NULL, NULL},
    {"/8", NULL, NULL},
    {"host/8", NULL, NULL},
    {"", NULL, NULL},
};

/* Does the network contain the address in that text? */
static bool
contains(const struct addr_net *net, const char *text)
{
	struct in6_addr ip;
	struct addr a;

	ck_assert_int_eq(addr_parse_ip(text, 0, &a), 0);
	ip = addr_in6(&a);
	return addr_net_contains(net, &ip);
}

START_TEST(test_net)
{
	const char *text = nets[_i][0], *in = nets[_i][1], *out = nets[_i][2];
	struct addr_net net;

	ck_assert_msg(
	    (addr_net_parse(text, &net) == 0) == (in != NULL), "'%s'", text);
	if (in != NULL)
		ck_assert_msg(contains(&net, in), "%s in %s", in, text);
	if (in != NULL && out != NULL)
		ck_assert_msg(!contains(&net, out), "%s in %s", out, text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("addr");
	TCase *tc = tcase_create("addr");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(
	    tc, test_split, 0, sizeof(splits) / sizeof(splits[0]));
	tcase_add_loop_test(
	    tc, test_literal, 0, sizeof(literals) / sizeof(literals[0]));
	tcase_add_test(tc, test_unix);
	tcase_add_test(tc, test_none);
	tcase_add_loop_test(tc, test_net, 0, sizeof(nets) / sizeof(nets[0]));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
