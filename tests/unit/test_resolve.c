/*
 * base/resolve.c against a small DNS server on loopback: what names become, and
 * how long it takes when nobody answers.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/resolve.h"

/* What the server answers to a name: addresses, or a code without any. */
struct zone {
	const char *name; /* "" ends the list */
	int code;         /* RCODE; -1: does not answer at all */
	const char *v4[2];
	const char *v6;
};

static const struct zone zones[] = {
    {"one.test", 0, {"10.1.0.1", NULL}, NULL},
    {"two.test", 0, {"10.2.0.1", "10.2.0.2"}, NULL},
    {"both.test", 0, {"10.3.0.1", NULL}, "fd00::3"},
    {"six.test", 0, {NULL, NULL}, "fd00::6"},
    {"empty.test", 0, {NULL, NULL}, NULL},
    {"silent.test", -1, {NULL, NULL}, NULL},
    {"broken.test", 2, {NULL, NULL}, NULL},
    {"refused.test", 5, {NULL, NULL}, NULL},
    {"short.search.test", 0, {"10.4.0.1", NULL}, NULL},
    {"", 3, {NULL, NULL}, NULL},
};

static struct event_base *base;
static struct resolver *resolver;
static struct event *server;
static char dir[64], resolv_conf[96], hosts[96];
static unsigned port;
static int questions;

static bool called;
static char answer[ADDR_STR_MAX];
static int64_t took;

/* Replace a file of the test's folder. */
static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* Append one record of the question's name. Returns its end. */
static uint8_t *
put_record(uint8_t *p, uint8_t *packet, int family, const char *text)
{
	uint8_t head[] = {0xc0, 12, 0, family == AF_INET ? 1 : 28, 0, 1, 0, 0,
	    0, 60, 0, family == AF_INET ? 4 : 16};

	memcpy(p, head, sizeof(head));
	p += sizeof(head);
	ck_assert_int_eq(inet_pton(family, text, p), 1);
	packet[7]++;
	return p + head[11];
}

/* Turn a question into its answer. Returns its length, 0: none. */
static size_t
answer_dns(uint8_t *packet)
{
	const struct zone *z = zones;
	uint8_t *p = packet + 12;
	char name[256];
	size_t len = 0;
	int type;

	for (; *p != 0; p += *p + 1) {
		memcpy(name + len, p + 1, *p);
		len += *p;
		name[len++] = '.';
	}
	name[len > 0 ? len - 1 : 0] = '\0';
	type = p[2];
	p += 5;
	while (*z->name != '\0' && strcmp(z->name, name) != 0)
		z++;
	if (z->code < 0)
		return 0;
	packet[2] |= 0x80;
	packet[3] = (uint8_t)(0x80 | z->code);
	packet[11] = 0;
	if (type == 1 && z->v4[0] != NULL)
		p = put_record(p, packet, AF_INET, z->v4[0]);
	if (type == 1 && z->v4[1] != NULL)
		p = put_record(p, packet, AF_INET, z->v4[1]);
	if (type == 28 && z->v6 != NULL)
		p = put_record(p, packet, AF_INET6, z->v6);
	return (size_t)(p - packet);
}

/* A question has arrived. */
static void
server_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	uint8_t packet[1024] = {0};
	ssize_t n;
	size_t size;

	(void)what;
	(void)arg;
	n = recvfrom(fd, packet, 512, 0, (struct sockaddr *)&ss, &len);
	if (n < 17)
		return;
	questions++;
	if ((size = answer_dns(packet)) > 0)
		sendto(fd, packet, size, 0, (struct sockaddr *)&ss, len);
}

/* A folder with hosts and resolv.conf, and the server it names. */
static void
setup(void)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char text[128];

	base = event_base_new();
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, len), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	port = ntohs(in.sin_port);
	server = event_new(base, fd, EV_READ | EV_PERSIST, server_cb, NULL);
	event_add(server, NULL);
	strcpy(dir, "/tmp/roleproxy-resolve-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(resolv_conf, sizeof(resolv_conf), "%s/resolv.conf", dir);
	snprintf(hosts, sizeof(hosts), "%s/hosts", dir);
	snprintf(text, sizeof(text),
	    "nameserver 127.0.0.1:%u\nsearch search.test\n"
	    "options timeout:30 attempts:9 edns0\n",
	    port);
	write_file(resolv_conf, text);
	write_file(hosts,
	    "# a comment\n127.0.0.1\tlocalhost # here\n10.9.0.1 host.test "
	    "Alias\r\nfd00::9 mixed.test\n10.9.0.2 mixed.test\n"
	    "10.9.0.3 mixed.test\nfd00::8 hostsix\nnonsense x.test\n10.9.0.4 "
	    "last.test");
	resolver = resolver_new_files(base, resolv_conf, hosts);
	ck_assert_ptr_nonnull(resolver);
}

/* Take all of it down. */
static void
teardown(void)
{
	resolver_free(resolver);
	close(event_get_fd(server));
	event_free(server);
	event_base_free(base);
	unlink(resolv_conf);
	unlink(hosts);
	rmdir(dir);
}

/* Keep what the resolver says. */
static void
resolved_cb(const struct addr *a, const char *error, void *arg)
{
	ck_assert_ptr_eq(arg, &answer);
	ck_assert_ptr_eq(a == NULL ? NULL : error, NULL);
	ck_assert(!called);
	called = true;
	if (a == NULL)
		snprintf(answer, sizeof(answer), "%s", error);
	else
		addr_str(a, answer);
	event_base_loopbreak(base);
}

/* Look one name up. keep may be NULL. */
static const char *
resolve(const char *host, const char *keep)
{
	int64_t start = clock_ms();
	struct addr a;

	if (keep != NULL)
		ck_assert_int_eq(addr_parse_ip(keep, 6379, &a), 0);
	called = false;
	ck_assert_ptr_nonnull(resolve_start(resolver, host, 6379,
	    keep == NULL ? NULL : &a, resolved_cb, &answer));
	ck_assert(!called);
	event_base_dispatch(base);
	ck_assert(called);
	took = clock_ms() - start;
	return answer;
}

/* A name, the address to keep, and what comes out. */
static const char *const names[][3] = {
    {"10.0.0.1", NULL, "10.0.0.1:6379"},
    {"::1", NULL, "[::1]:6379"},
    {"localhost", NULL, "127.0.0.1:6379"},
    {"host.test", NULL, "10.9.0.1:6379"},
    {"ALIAS", NULL, "10.9.0.1:6379"},
    {"mixed.test", NULL, "10.9.0.2:6379"},
    {"mixed.test", "10.9.0.3", "10.9.0.3:6379"},
    {"mixed.test", "fd00::9", "10.9.0.2:6379"},
    {"hostsix", NULL, "[fd00::8]:6379"},
    {"last.test", NULL, "10.9.0.4:6379"},
    {"x.test", NULL, "does not exist"},
    {"one.test", NULL, "10.1.0.1:6379"},
    {"one.test.", NULL, "10.1.0.1:6379"},
    {"one.test", "10.1.0.9", "10.1.0.1:6379"},
    {"two.test", NULL, "10.2.0.1:6379"},
    {"two.test", "10.2.0.1", "10.2.0.1:6379"},
    {"two.test", "10.2.0.2", "10.2.0.2:6379"},
    {"both.test", NULL, "10.3.0.1:6379"},
    {"both.test", "fd00::3", "10.3.0.1:6379"},
    {"six.test", NULL, "[fd00::6]:6379"},
    {"short", NULL, "10.4.0.1:6379"},
    {"short.", NULL, "does not exist"},
    {"nowhere.test", NULL, "does not exist"},
    {"empty.test.", NULL, "has no address"},
    {"", NULL, "is not a host name"},
};

START_TEST(test_name)
{
	ck_assert_str_eq(resolve(names[_i][0], names[_i][1]), names[_i][2]);
	ck_assert_int_lt(took, 1000);
}
END_TEST

START_TEST(test_failures)
{
	char label[300];

	ck_assert_str_eq(
	    resolve("silent.test", NULL), "no answer from the name server");
	ck_assert_int_lt(took, 6000);
	memset(label, 'x', sizeof(label));
	label[299] = '\0';
	ck_assert_str_eq(resolve(label, NULL), "is not a host name");
	label[64] = '\0';
	resolve(label, NULL);
	ck_assert_ptr_null(strchr(answer, ':'));
}
END_TEST

/* Whatever goes wrong, it is said, and soon, and the next name is found. */
START_TEST(test_broken_server)
{
	static const char *const broken[] = {"broken.test", "refused.test"};

	resolve(broken[_i], NULL);
	ck_assert_ptr_null(strchr(answer, ':'));
	ck_assert_int_lt(took, 6000);
	ck_assert_str_eq(resolve("one.test", NULL), "10.1.0.1:6379");
}
END_TEST

/* Port 9 on loopback: nobody is there; no name server at all; no file. */
START_TEST(test_no_server)
{
	write_file(resolv_conf, "nameserver 127.0.0.1:9\n");
	resolver_refresh(resolver);
	ck_assert_str_eq(
	    resolve("one.test", NULL), "no answer from the name server");
	ck_assert_int_lt(took, 6000);
	write_file(resolv_conf, "search test\n");
	resolver_refresh(resolver);
	ck_assert_str_eq(
	    resolve("one.test", NULL), "no name server is configured");
	ck_assert_int_lt(took, 1000);
	ck_assert_str_eq(resolve("host.test", NULL), "10.9.0.1:6379");
	unlink(resolv_conf);
	resolver_refresh(resolver);
	ck_assert_str_eq(
	    resolve("one.test", NULL), "no name server is configured");
}
END_TEST

/* Changed files are read again, and the questions under way are answered. */
START_TEST(test_refresh)
{
	char text[64];

	called = false;
	ck_assert_ptr_nonnull(resolve_start(
	    resolver, "one.test", 6379, NULL, resolved_cb, &answer));
	write_file(hosts, "10.9.9.9 host.test\n");
	snprintf(text, sizeof(text), "nameserver 127.0.0.1:%u\n", port);
	write_file(resolv_conf, text);
	resolver_refresh(resolver);
	event_base_dispatch(base);
	ck_assert_str_eq(answer, "10.1.0.1:6379");
	ck_assert_str_eq(resolve("host.test", NULL), "10.9.9.9:6379");
	ck_assert_str_eq(resolve("short.search.test", NULL), "10.4.0.1:6379");
	ck_assert_str_eq(resolve("two.test", NULL), "10.2.0.1:6379");
	unlink(hosts);
	resolver_refresh(resolver);
	ck_assert_str_eq(resolve("host.test", NULL), "does not exist");
}
END_TEST

/* What is cancelled does not call back, and what is asked is still freed. */
START_TEST(test_cancel)
{
	struct resolution *res[4];
	int i;

	static const char *const asked[] = {
	    "one.test", "silent.test", "host.test", "10.0.0.1"};

	called = false;
	for (i = 0; i < 4; i++)
		res[i] = resolve_start(
		    resolver, asked[i], 1, NULL, resolved_cb, &answer);
	for (i = 0; i < 4; i++)
		resolve_cancel(res[i]);
	ck_assert_str_eq(resolve("two.test", NULL), "10.2.0.1:6379");
	ck_assert_int_ge(questions, 3);
	/* These are under way when the resolver is freed. */
	for (i = 0; i < 4; i++)
		resolve_start(
		    resolver, asked[i], 1, NULL, resolved_cb, &answer);
}
END_TEST

/* More questions at once than evdns has under way. */
static int many;

static void
many_cb(const struct addr *a, const char *error, void *arg)
{
	(void)error;
	(void)arg;
	ck_assert_ptr_nonnull(a);
	if (--many == 0)
		event_base_loopbreak(base);
}

START_TEST(test_many)
{
	for (many = 0; many < 200; many++)
		ck_assert_ptr_nonnull(resolve_start(resolver,
		    many % 2 == 0 ? "one.test" : "six.test", 1, NULL, many_cb,
		    NULL));
	event_base_dispatch(base);
	ck_assert_int_eq(many, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resolve");
	TCase *tc = tcase_create("resolve");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_name, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(tc, test_failures);
	tcase_add_loop_test(tc, test_broken_server, 0, 2);
	tcase_add_test(tc, test_no_server);
	tcase_add_test(tc, test_refresh);
	tcase_add_test(tc, test_cancel);
	tcase_add_test(tc, test_many);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
