/*
 * conf/copy: a copy is the same and shares nothing; the table of keys says what
 * there is to compare.
 */
#include <sys/mman.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/copy.h"
#include "conf/keys.h"
#include "conf/load.h"

/* Every key that makes a string or a list is set. */
static const char full[] =
    "[global]\nlog = stderr\nlog = syslog:10.0.0.9:514\nlog-hostname = h\n"
    "pidfile = /run/r.pid\ncontrol-socket = /run/r.sock mode=600\n"
    "user = nobody\ngroup = nogroup\ndaemon = on\n"
    "[backend other]\nserver = x 10.0.1.1:1\n"
    "[backend redis]\nserver = a one:6379 weight=7\nserver = b two:6379\n"
    "sentinel = three:26379\nsentinel = four:26379\nmaster-name = m\n"
    "check-step = send x\nusername = u\npassword = p\nsentinel-username = v\n"
    "sentinel-password = q\nhold = 3s\non-role-lost = drain 5s\n"
    "[frontend write]\nbind = :1\nbind = :2\naccept-proxy = on\nallow = "
    "10.0.0.0/8\n"
    "deny = 10.0.0.66\nbackend = redis\n"
    "[frontend other]\nbind = :3\nbackend = other\n"
    "[stats]\nbind = :4\nuri = /x\nrealm = x\nhealth-uri = /y\nuser = "
    "w\npassword = r\nauth = s:t\n";

/* A configuration of that text, without errors. */
static struct conf *
load(const char *text)
{
	struct conf_problems problems = {0};
	int fd = memfd_create("test_copy", MFD_CLOEXEC);
	char name[64];
	const char *const files[] = {name};
	struct conf *conf;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	conf = conf_load(files, 1, &problems);
	ck_assert_msg(
	    conf != NULL, "%s", problems.n == 0 ? "" : problems.list[0].text);
	conf_problems_clear(&problems);
	close(fd);
	return conf;
}

/* What the keys of a section set in this conf; of the second backend. */
static const char *
object_of(const struct conf *conf, enum key_section section)
{
	const void *const objects[] = {[SECTION_BACKEND] = &conf->backends[1],
	    [SECTION_FRONTEND] = conf->frontends,
	    [SECTION_GLOBAL] = &conf->global,
	    [SECTION_STATS] = conf->stats};

	return objects[section];
}

/* Has the key's field the same value in both, in memory of its own? */
static void
expect_copied(const struct key *k, const struct conf *a, const struct conf *b)
{
	const char *fa = object_of(a, k->section) + k->offset;
	const char *fb = object_of(b, k->section) + k->offset;
	const char *va, *vb;

	if (!k->text && k->count == 0) {
		ck_assert_msg(memcmp(fa, fb, k->size) == 0, "%s", k->name);
		return;
	}
	memcpy(&va, fa, sizeof(va));
	memcpy(&vb, fb, sizeof(vb));
	ck_assert_msg(va != NULL && va != vb, "%s", k->name);
	if (k->text)
		ck_assert_str_eq(va, vb);
	else
		ck_assert_msg(memcmp(object_of(a, k->section) + k->count,
				  object_of(b, k->section) + k->count,
				  sizeof(size_t)) == 0,
		    "length of %s", k->name);
}

START_TEST(test_copy)
{
	struct conf *conf = load(full), *copy;
	size_t i;

	conf->generation = 7;
	conf->backends[1].servers[1].id = 5;
	conf->frontends[1].id = 1;
	atomic_fetch_add(&conf->use->worker[3].sessions, 1);
	copy = conf_copy(conf);
	for (i = 0; i < nkeys; i++)
		expect_copied(&keys[i], conf, copy);
	ck_assert_str_ne(conf->path, "");
	ck_assert_str_eq(copy->path, conf->path);
	ck_assert_uint_eq(copy->generation, 0);
	ck_assert_int_eq(copy->backends[1].servers[1].id, 0);
	ck_assert_int_eq(copy->frontends[1].id, 0);
	ck_assert_uint_eq(atomic_load(&copy->use->worker[3].sessions), 0);
	conf_free(copy);
	conf_free(conf);
}
END_TEST

/* The copy stands when the original is gone. */
START_TEST(test_alone)
{
	struct conf *conf = load(full), *copy = conf_copy(conf);
	const struct conf_backend *b = &copy->backends[1];
	const struct conf_frontend *f = copy->frontends;

	conf_free(conf);
	ck_assert_uint_eq(copy->nbackends, 2);
	ck_assert_str_eq(copy->backends[0].name, "other");
	ck_assert_str_eq(b->name, "redis");
	ck_assert_str_eq(b->servers[0].name, "a");
	ck_assert_str_eq(b->servers[1].host, "two");
	ck_assert(b->servers[0].weight == 7 && !b->servers[0].discovered);
	ck_assert_str_eq(b->sentinels[1].host, "four");
	ck_assert_uint_eq(b->sentinels[1].port, 26379);
	ck_assert_int_eq(b->role_lost_drain, 5000);
	ck_assert_uint_eq(copy->nfrontends, 2);
	ck_assert_str_eq(f[1].name, "other");
	ck_assert(f[0].conf == copy && f[1].conf == copy);
	ck_assert_ptr_eq(f[0].backend, b);
	ck_assert_ptr_eq(f[1].backend, copy->backends);
	ck_assert(f[0].binds[1].port == 2 && f[0].bind_lines[1] == 27);
	ck_assert(copy->stats->binds[0].port == 4);
	ck_assert_uint_eq(copy->stats->bind_lines[0], 36);
	ck_assert_int_eq(copy->global.logs[1].facility, 3);
	conf_free(copy);
}
END_TEST

/* Several pages, each with its own settings. */
START_TEST(test_pages)
{
	struct conf *conf = load("[stats two]\nbind = :8405\n"
				 "uri = /haproxy?stats\n"
				 "health-uri = /healthz\n"
				 "[backend r]\nserver = a b:1\n"
				 "[frontend f]\nbind = :1\nbackend = r\n"
				 "[stats]\nbind = :8404\nadmin = on\n"
				 "user = x\npassword = y\nauth = z:z\n");
	struct conf *copy = conf_copy(conf);
	const struct conf_stats *s = copy->stats;

	conf_free(conf);
	ck_assert_uint_eq(copy->nstats, 2);
	ck_assert_str_eq(s[0].name, "two");
	ck_assert_str_eq(s[0].uri, "/haproxy?stats");
	ck_assert_str_eq(s[0].health_uri, "/healthz");
	ck_assert(s[0].place == 0 && !s[0].admin && s[0].user == NULL);
	ck_assert_str_eq(s[1].name, "stats");
	ck_assert_str_eq(s[1].uri, "/stats");
	ck_assert(s[1].place == 3 && s[1].admin);
	ck_assert_uint_eq(s[1].bind_lines[0], 11);
	ck_assert_uint_eq(s[1].nauth, 1);
	ck_assert_str_eq(s[1].auth[0], "z:z");
	conf_free(copy);
}
END_TEST

/* What is not configured stays so. */
START_TEST(test_least)
{
	struct conf *conf = load("[backend r]\nserver = a b:1\n"
				 "[frontend f]\nbind = :1\nbackend = r\n");
	struct conf *copy = conf_copy(conf), *third = conf_copy(copy);

	conf_free(copy);
	ck_assert_ptr_null(third->backends[0].password);
	ck_assert_ptr_null(third->backends[0].sentinels);
	ck_assert_uint_eq(third->nstats, 0);
	ck_assert_ptr_null(third->global.pidfile);
	ck_assert_uint_eq(third->global.nlogs, 1);
	conf_free(conf);
	conf_free(third);
}
END_TEST

START_TEST(test_add)
{
	struct conf *conf = load(full), *copy = conf_copy(conf);
	struct conf_backend *b = &copy->backends[1];
	const struct conf_server *s;
	char name[] = "10.0.0.3:6379", host[] = "10.0.0.3";

	s = conf_add_server(copy, b, name, host, 6379);
	name[0] = host[0] = 'x';
	ck_assert_uint_eq(b->nservers, 3);
	ck_assert_ptr_eq(s, &b->servers[2]);
	ck_assert_str_eq(s->name, "10.0.0.3:6379");
	ck_assert_str_eq(s->host, "10.0.0.3");
	ck_assert(s->port == 6379 && s->weight == 100 && s->maxconn == 0);
	ck_assert(s->discovered && !s->backup && !s->disabled && s->line == 0);
	ck_assert_str_eq(b->servers[0].name, "a");
	ck_assert_uint_eq(conf->backends[1].nservers, 2);
	conf_free(conf);
	conf = conf_copy(copy);
	ck_assert(conf->backends[1].servers[2].discovered);
	conf_free(conf);
	conf_free(copy);
}
END_TEST

/* The servers of all backends count. */
START_TEST(test_full)
{
	struct conf *conf = load(full);
	char name[16];
	int i;

	for (i = 3; i < CONF_SERVERS_MAX; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		ck_assert_ptr_nonnull(conf_add_server(
		    conf, &conf->backends[i % 2], name, name, 1));
	}
	ck_assert_ptr_null(conf_add_server(conf, conf->backends, "s", "s", 1));
	conf_free(conf);
}
END_TEST

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("copy");
	TCase *tc = tcase_create("copy");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, test_copy);
	tcase_add_test(tc, test_alone);
	tcase_add_test(tc, test_least);
	tcase_add_test(tc, test_pages);
	tcase_add_test(tc, test_add);
	tcase_add_test(tc, test_full);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
