/*
 * health/hello.c: messages as the Sentinels of Redis 7.0.15 publish them, and
 * what is left of them when they are cut, too long or out of range.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/hello.h"

#define ID  "b6ea15d7dd1bcfa97ee0b1e5f6e1bd1af21e8e29"
#define N10 "abcdefghij"
#define N60 N10 N10 N10 N10 N10 N10
#define N63 N60 "abc" /* the longest name and host */
#define MAX "9223372036854775807"

/* A hello and what it tells; NULL: it is none. */
struct sample {
	const char *text, *sentinel, *id, *name, *primary;
	int64_t epoch;
};

static const struct sample samples[] = {
    {"127.0.0.1,26379," ID ",3,mymaster,127.0.0.1,6379,2", "127.0.0.1:26379",
	ID, "mymaster", "127.0.0.1:6379", 2},
    {"127.0.0.1,26379," ID ",0,mymaster,127.0.0.1,6379,0", "127.0.0.1:26379",
	ID, "mymaster", "127.0.0.1:6379", 0},
    {"::1,26379," ID ",3,m,fe80::1%eth0,6379,2", "::1:26379", ID, "m",
	"fe80::1%eth0:6379", 2},
    {"sentinel-1.example.org,1," ID ",3,my-master.1_x,db_0.example.org,65535,1",
	"sentinel-1.example.org:1", ID, "my-master.1_x",
	"db_0.example.org:65535", 1},
    {"127.0.0.1,26379," ID ",3,m,127.0.0.1,6379," MAX, "127.0.0.1:26379", ID,
	"m", "127.0.0.1:6379", INT64_MAX},
    /* Longest fields. */
    {N63 ",1," ID ",3," N63 "," N63 ",1,2", N63 ":1", ID, N63, N63 ":1", 2},
    {N63 "d,1," ID ",3,m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1," ID "0,3,m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1," ID ",3," N63 "d,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1," ID ",3,m," N63 "d,1,2", NULL, NULL, NULL, NULL, 0},
    {N60 N60 N60 N60 N60 N60 N60 N60 N60 ",1,r,3,m,h,1,2", NULL, NULL, NULL,
	NULL, 0},
    /* Too few fields, too many, or empty ones. */
    {"", NULL, NULL, NULL, NULL, 0},
    {",,,,,,,", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1,2,", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1,2,3", NULL, NULL, NULL, NULL, 0},
    {",1,r,3,m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,,r,3,m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,,3,m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1,", NULL, NULL, NULL, NULL, 0},
    /* Out of range, or no numbers. */
    {"h,0,r,3,m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,65536,r,3,m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,-1,r,3,m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,0,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,65536,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1x,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h, 1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1 ,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,+1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,0x1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1,-1", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1,9223372036854775808", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1,99999999999999999999999", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1,2.5", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h,1,two", NULL, NULL, NULL, NULL, 0},
    /* Letters that are in no address and no name. */
    {"h/,1,r,3,m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,h h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r\n,3,m,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m\x7f,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m\xc3\xa9,h,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,<b>,1,2", NULL, NULL, NULL, NULL, 0},
    {"h,1,r,3,m,[::1],1,2", NULL, NULL, NULL, NULL, 0},
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

/* A place in words. */
static const char *
place_str(const struct place *p, char *buf, size_t size)
{
	snprintf(buf, size, "%s:%u", p->host, p->port);
	return buf;
}

START_TEST(test_hello)
{
	const struct sample *s = &samples[_i];
	size_t len = strlen(s->text);
	char *copy = exact(s->text, len), buf[128];
	struct hello h;

	memset(&h, 0xa5, sizeof(h));
	ck_assert_msg(hello_read(copy, len, &h) == (s->name == NULL ? -1 : 0),
	    "%s", s->text);
	if (s->name != NULL) {
		ck_assert_str_eq(
		    place_str(&h.sentinel, buf, sizeof(buf)), s->sentinel);
		ck_assert_str_eq(h.sentinel_id, s->id);
		ck_assert_str_eq(h.name, s->name);
		ck_assert_str_eq(
		    place_str(&h.primary, buf, sizeof(buf)), s->primary);
		ck_assert_int_eq(h.epoch, s->epoch);
	}
	free(copy);
}
END_TEST

/* Cut anywhere it is no hello, but for the end of its last number. */
START_TEST(test_hello_cut)
{
	const char *text = samples[0].text;
	char longer[128], *copy;
	size_t len, n;
	struct hello h;

	snprintf(longer, sizeof(longer), "%s345", text);
	len = strlen(longer);
	for (n = 0; n < len; n++) {
		copy = exact(longer, n);
		ck_assert_int_eq(
		    hello_read(copy, n, &h), n < strlen(text) ? -1 : 0);
		free(copy);
	}
}
END_TEST

/* A NUL anywhere makes it worth nothing. */
START_TEST(test_hello_nul)
{
	size_t len = strlen(samples[0].text), n;
	struct hello h;
	char *copy;

	for (n = 0; n < len; n++) {
		copy = exact(samples[0].text, len);
		copy[n] = '\0';
		ck_assert_int_eq(hello_read(copy, len, &h), -1);
		free(copy);
	}
	ck_assert_int_eq(hello_read(samples[0].text, len + 1, &h), -1);
}
END_TEST

/* An event and what it means; of an EVENT_OTHER nothing else is looked at. */
struct occasion {
	const char *channel, *message;
	enum sentinel_event_kind kind;
	const char *name, *place;
	int64_t epoch;
};

#define REPLICA "slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6379"
#define MASTER  "master mymaster 127.0.0.1 6379"

static const struct occasion occasions[] = {
    {"+new-epoch", "4", EVENT_EPOCH, "", ":0", 4},
    {"+new-epoch", "0", EVENT_EPOCH, "", ":0", 0},
    {"+new-epoch", MAX, EVENT_EPOCH, "", ":0", INT64_MAX},
    {"+new-epoch", "9223372036854775808", EVENT_OTHER, "", ":0", 0},
    {"+new-epoch", "", EVENT_OTHER, "", ":0", 0},
    {"+new-epoch", "-1", EVENT_OTHER, "", ":0", 0},
    {"+new-epoch", "4 5", EVENT_OTHER, "", ":0", 0},
    {"+new-epoch", "4 ", EVENT_OTHER, "", ":0", 0},
    {"+new-epoch", "4x", EVENT_OTHER, "", ":0", 0},

    {"+selected-slave", REPLICA, EVENT_SELECTED, "mymaster", "127.0.0.1:6380",
	0},
    {"+promoted-slave", REPLICA, EVENT_PROMOTED, "mymaster", "127.0.0.1:6380",
	0},
    {"+selected-slave", "slave [::1]:6380 ::1 6380 @ mymaster ::1 6379",
	EVENT_SELECTED, "mymaster", "::1:6380", 0},
    {"+selected-slave", "slave db-2:6380 db-2 6380 @ m db-1 6379",
	EVENT_SELECTED, "m", "db-2:6380", 0},
    {"+selected-slave", "", EVENT_OTHER, "", ":0", 0},
    {"+selected-slave", MASTER, EVENT_OTHER, "", ":0", 0},
    {"+selected-slave", REPLICA " ", EVENT_OTHER, "", ":0", 0},
    {"+selected-slave", REPLICA " #quorum", EVENT_OTHER, "", ":0", 0},
    {"+selected-slave", "sentinel x 127.0.0.1 6380 @ mymaster 127.0.0.1 6379",
	EVENT_OTHER, "", ":0", 0},
    {"+selected-slave", "slave x 127.0.0.1 6380 # mymaster 127.0.0.1 6379",
	EVENT_OTHER, "", ":0", 0},
    {"+selected-slave", "slave x 127.0.0.1 0 @ mymaster 127.0.0.1 6379",
	EVENT_OTHER, "", ":0", 0},
    {"+selected-slave", "slave x 127.0.0.1 65536 @ mymaster 127.0.0.1 6379",
	EVENT_OTHER, "", ":0", 0},
    {"+selected-slave", "slave x  6380 @ mymaster 127.0.0.1 6379", EVENT_OTHER,
	"", ":0", 0},
    {"+selected-slave", "slave x h 6380 @  127.0.0.1 6379", EVENT_OTHER, "",
	":0", 0},
    {"+selected-slave", "slave x " N63 "d 6380 @ m h 6379", EVENT_OTHER, "",
	":0", 0},
    {"+selected-slave", "slave x h 6380 @ " N63 "d h 6379", EVENT_OTHER, "",
	":0", 0},

    {"-failover-abort-no-good-slave", MASTER, EVENT_ABORTED, "mymaster", ":0",
	0},
    {"-failover-abort-not-elected", MASTER, EVENT_ABORTED, "mymaster", ":0", 0},
    {"-failover-abort-slave-timeout", MASTER, EVENT_ABORTED, "mymaster", ":0",
	0},
    {"-failover-abort-not-elected", MASTER " #quorum 3/2", EVENT_ABORTED,
	"mymaster", ":0", 0},
    {"-failover-abort-not-elected", REPLICA, EVENT_OTHER, "", ":0", 0},
    {"-failover-abort-not-elected", "master mymaster", EVENT_OTHER, "", ":0",
	0},
    {"-failover-abort-not-elected", "master  127.0.0.1 6379", EVENT_OTHER, "",
	":0", 0},

    {"+switch-master", "mymaster 127.0.0.1 6379 127.0.0.1 6380", EVENT_SWITCHED,
	"mymaster", "127.0.0.1:6380", 0},
    {"+switch-master", "mymaster ::1 6379 ::1 6380", EVENT_SWITCHED, "mymaster",
	"::1:6380", 0},
    {"+switch-master", "mymaster 127.0.0.1 6379 127.0.0.1", EVENT_OTHER, "",
	":0", 0},
    {"+switch-master", "mymaster 127.0.0.1 6379 127.0.0.1 6380 x", EVENT_OTHER,
	"", ":0", 0},
    {"+switch-master", "mymaster 127.0.0.1 6379 127.0.0.1 0", EVENT_OTHER, "",
	":0", 0},
    {"+switch-master", "mymaster 127.0.0.1 6379 <b> 6380", EVENT_OTHER, "",
	":0", 0},

    {"+sdown", MASTER, EVENT_CHANGED, "", ":0", 0},
    {"-sdown", "sentinel " ID " 127.0.0.1 26380 @ mymaster 127.0.0.1 6379",
	EVENT_CHANGED, "", ":0", 0},
    {"+odown", MASTER " #quorum 3/2", EVENT_CHANGED, "", ":0", 0},
    {"+failover-end", MASTER, EVENT_CHANGED, "", ":0", 0},
    {"+config-update-from",
	"sentinel " ID " 127.0.0.1 26380 @ mymaster 127.0.0.1 6379",
	EVENT_CHANGED, "", ":0", 0},
    {"+tilt", "#tilt mode entered", EVENT_CHANGED, "", ":0", 0},
    {"-tilt", "#tilt mode exited", EVENT_CHANGED, "", ":0", 0},

    {"+slave", REPLICA, EVENT_OTHER, "", ":0", 0},
    {"+try-failover", MASTER, EVENT_OTHER, "", ":0", 0},
    {"__sentinel__:hello", "4", EVENT_OTHER, "", ":0", 0},
    {"", "4", EVENT_OTHER, "", ":0", 0},
    {"+new-epoc", "4", EVENT_OTHER, "", ":0", 0},
    {"+new-epochs", "4", EVENT_OTHER, "", ":0", 0},
};

/* A bulk string of these bytes. */
static struct resp
bulk(const char *bytes, size_t len)
{
	struct resp r = {.type = RESP_BULK, .str = bytes, .len = len};

	return r;
}

START_TEST(test_event)
{
	const struct occasion *o = &occasions[_i];
	size_t clen = strlen(o->channel), mlen = strlen(o->message);
	char *c = exact(o->channel, clen), *m = exact(o->message, mlen);
	struct resp channel = bulk(c, clen), message = bulk(m, mlen);
	struct sentinel_event e = hello_event(&channel, &message);
	char buf[128];

	ck_assert_msg(e.kind == o->kind, "%s: %s", o->channel, o->message);
	if (e.kind != EVENT_OTHER) {
		ck_assert_str_eq(e.name, o->name);
		ck_assert_str_eq(
		    place_str(&e.place, buf, sizeof(buf)), o->place);
		ck_assert_int_eq(e.epoch, o->epoch);
	}
	free(c);
	free(m);
}
END_TEST

/* Cut anywhere, an event about a server never names a part of another. */
START_TEST(test_event_cut)
{
	const struct occasion *o = &occasions[_i];
	struct resp channel = bulk(o->channel, strlen(o->channel)), message;
	size_t len = strlen(o->message), n;
	struct sentinel_event e;
	char *m, buf[128];

	if (o->kind == EVENT_OTHER)
		return;
	for (n = 0; n < len; n++) {
		m = exact(o->message, n);
		message = bulk(m, n);
		e = hello_event(&channel, &message);
		place_str(&e.place, buf, sizeof(buf));
		if (e.kind == EVENT_SELECTED || e.kind == EVENT_PROMOTED) {
			ck_assert_str_eq(buf, o->place);
			ck_assert_str_eq(e.name, o->name);
		} else if (e.kind == EVENT_SWITCHED) {
			ck_assert_mem_eq(buf, o->place, strlen(buf));
		}
		free(m);
	}
}
END_TEST

/* What is no bulk string, holds a NUL or is overlong is nothing. */
START_TEST(test_event_odd)
{
	static char overlong[600];
	struct resp channel = bulk("+new-epoch", 10), message = bulk("4", 1);

	ck_assert_int_eq(hello_event(&channel, &message).kind, EVENT_EPOCH);
	message.type = RESP_SIMPLE;
	ck_assert_int_eq(hello_event(&channel, &message).kind, EVENT_OTHER);
	message.type = RESP_INTEGER;
	ck_assert_int_eq(hello_event(&channel, &message).kind, EVENT_OTHER);
	message = bulk("4\0", 2);
	ck_assert_int_eq(hello_event(&channel, &message).kind, EVENT_OTHER);
	message = bulk("4\0junk", 6);
	ck_assert_int_eq(hello_event(&channel, &message).kind, EVENT_OTHER);
	channel.type = RESP_ERROR;
	message = bulk("4", 1);
	ck_assert_int_eq(hello_event(&channel, &message).kind, EVENT_OTHER);
	channel = bulk("+sdown", 6);
	memset(overlong, 'x', sizeof(overlong));
	message = bulk(overlong, 511);
	ck_assert_int_eq(hello_event(&channel, &message).kind, EVENT_CHANGED);
	message = bulk(overlong, 512);
	ck_assert_int_eq(hello_event(&channel, &message).kind, EVENT_OTHER);
}
END_TEST

/* A host and a port, and whether they are a place. */
struct spot {
	const char *host;
	int64_t port;
	bool ok;
};

static const struct spot spots[] = {
    {"127.0.0.1", 6379, true},
    {"::1", 1, true},
    {"fe80::1%eth0", 65535, true},
    {"a.example.org", 6379, true},
    {"A_b-c", 6379, true},
    {N63, 6379, true},
    {N63 "d", 6379, false},
    {"", 6379, false},
    {"127.0.0.1", 0, false},
    {"127.0.0.1", -1, false},
    {"127.0.0.1", 65536, false},
    {"127.0.0.1", INT64_MAX, false},
    {"127.0.0.1", INT64_MIN, false},
    {"127.0.0.1", 65536 + 6379, false},
    {"a b", 6379, false},
    {"a\n", 6379, false},
    {"[::1]", 6379, false},
    {"a/b", 6379, false},
    {"a\"b", 6379, false},
    {"\xc3\xa9", 6379, false},
};

START_TEST(test_place)
{
	const struct spot *s = &spots[_i];
	struct place p;

	memset(&p, 0xa5, sizeof(p));
	ck_assert_int_eq(place_set(&p, s->host, s->port), s->ok ? 0 : -1);
	if (s->ok) {
		ck_assert_str_eq(p.host, s->host);
		ck_assert_int_eq(p.port, s->port);
	} else {
		ck_assert_uint_eq(p.port, 0);
		ck_assert_ptr_nonnull(memchr(p.host, '\0', sizeof(p.host)));
	}
}
END_TEST

/* Host names have no case. */
START_TEST(test_place_equal)
{
	struct place a, b;

	place_set(&a, "DB-1.example.org", 6379);
	place_set(&b, "db-1.EXAMPLE.org", 6379);
	ck_assert(place_equal(&a, &b));
	b.port = 6380;
	ck_assert(!place_equal(&a, &b));
	place_set(&b, "db-1.example.or", 6379);
	ck_assert(!place_equal(&a, &b));
}
END_TEST

int
main(void)
{
	int nsamples = sizeof(samples) / sizeof(samples[0]);
	int noccasions = sizeof(occasions) / sizeof(occasions[0]);
	int nspots = sizeof(spots) / sizeof(spots[0]), failed;
	Suite *suite = suite_create("hello");
	TCase *tc = tcase_create("hello");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, test_hello, 0, nsamples);
	tcase_add_test(tc, test_hello_cut);
	tcase_add_test(tc, test_hello_nul);
	tcase_add_loop_test(tc, test_event, 0, noccasions);
	tcase_add_loop_test(tc, test_event_cut, 0, noccasions);
	tcase_add_test(tc, test_event_odd);
	tcase_add_loop_test(tc, test_place, 0, nspots);
	tcase_add_test(tc, test_place_equal);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
