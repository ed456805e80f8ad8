/*
 * health/info.c and the words of health/observation.c: texts of redis-server
 * 7.0.15, and what is left of them when they are cut or wrong.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/info.h"

#define ZEROS "0000000000000000000000000000000000000000"
#define ID_A  "6c788941d8cb725cfacf0ba59182ffa63c53ac80"
#define ID_B  "b7f8a03716a56312945642fe3186558d3ae6f4ab"
#define RUN   "f57ae7a24e920124d93cd6edbd2d6a603882ba26"

static const char primary[] =
    "# Replication\r\nrole:master\r\nconnected_slaves:1\r\n"
    "slave0:ip=127.0.0.1,port=7982,state=online,offset=0,lag=1\r\n"
    "master_failover_state:no-failover\r\nmaster_replid:" ID_A "\r\n"
    "master_replid2:" ZEROS "\r\nmaster_repl_offset:50\r\n"
    "second_repl_offset:-1\r\nrepl_backlog_active:1\r\n"
    "repl_backlog_size:1048576\r\nrepl_backlog_first_byte_offset:1\r\n"
    "repl_backlog_histlen:50\r\n";

static const char replica[] =
    "# Replication\r\nrole:slave\r\nmaster_host:127.0.0.1\r\n"
    "master_port:7981\r\nmaster_link_status:up\r\n"
    "master_last_io_seconds_ago:3\r\nmaster_sync_in_progress:0\r\n"
    "slave_read_repl_offset:52\r\nslave_repl_offset:50\r\n"
    "slave_priority:100\r\nslave_read_only:1\r\nreplica_announced:1\r\n"
    "connected_slaves:0\r\nmaster_failover_state:no-failover\r\n"
    "master_replid:" ID_A "\r\nmaster_replid2:" ZEROS "\r\n"
    "master_repl_offset:50\r\nsecond_repl_offset:-1\r\n"
    "repl_backlog_active:1\r\nrepl_backlog_size:1048576\r\n"
    "repl_backlog_first_byte_offset:1\r\nrepl_backlog_histlen:50\r\n";

static const char syncing[] =
    "# Replication\r\nrole:slave\r\nmaster_host:127.0.0.1\r\n"
    "master_port:7981\r\nmaster_link_status:down\r\n"
    "master_last_io_seconds_ago:-1\r\nmaster_sync_in_progress:1\r\n"
    "slave_read_repl_offset:127\r\nslave_repl_offset:127\r\n"
    "master_sync_total_bytes:0\r\nmaster_sync_read_bytes:180226\r\n"
    "master_sync_left_bytes:-180226\r\nmaster_sync_perc:0.00\r\n"
    "master_sync_last_io_seconds_ago:0\r\n"
    "master_link_down_since_seconds:-1\r\nslave_priority:100\r\n"
    "slave_read_only:1\r\nreplica_announced:1\r\nconnected_slaves:0\r\n"
    "master_failover_state:no-failover\r\nmaster_replid:" ID_B "\r\n"
    "master_replid2:" ID_A "\r\nmaster_repl_offset:127\r\n"
    "second_repl_offset:78\r\nrepl_backlog_active:1\r\n";

static const char failover[] =
    "# Replication\r\nrole:master\r\nconnected_slaves:1\r\n"
    "slave0:ip=127.0.0.1,port=7982,state=online,offset=0,lag=1\r\n"
    "master_failover_state:waiting-for-sync\r\nmaster_replid:" ID_A "\r\n"
    "master_replid2:" ZEROS "\r\nmaster_repl_offset:77\r\n"
    "second_repl_offset:-1\r\nrepl_backlog_active:1\r\n";

/* A text of INFO replication and what it tells. */
struct sample {
	const char *text;
	int result;
	enum role role;
	const char *replid, *replid2;
	int64_t offset, second;
	unsigned replicas;
	bool failing_over;
	const char *host;
	unsigned port;
	bool link_up, syncing;
	int64_t idle, replica_offset;
};

#define P ROLE_PRIMARY
#define R ROLE_REPLICA
#define U ROLE_UNKNOWN
#define M "role:master\r\n"
#define S "role:slave\r\n"

static const struct sample samples[] = {
    {primary, 0, P, ID_A, "", 50, -1, 1, 0, "", 0, 0, 0, -1, 0},
    {replica, 0, R, ID_A, "", 50, -1, 0, 0, "127.0.0.1", 7981, 1, 0, 3, 50},
    {syncing, 0, R, ID_B, ID_A, 127, 78, 0, 0, "127.0.0.1", 7981, 0, 1, -1,
	127},
    {failover, 0, P, ID_A, "", 77, -1, 1, 1, "", 0, 0, 0, -1, 0},
    {M, 0, P, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    {"role:master\n", 0, P, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    {S, 0, R, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    {"", -1, U, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    {"role:sentinel\r\n", -1, U, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    {"role:master", -1, U, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    {"role:masterful\r\n", -1, U, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    {"xrole:master\r\n", -1, U, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    {"\r\n\r\n:\r\nrole\r\n" M, 0, P, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    /* What only a replica has is not read of a primary. */
    {M "master_host:x\r\nmaster_port:1\r\nmaster_link_status:up\r\n", 0, P, "",
	"", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    /* A cut number is no number; a wrong one is as if it were not there. */
    {M "master_repl_offset:123", 0, P, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    {M "master_repl_offset:-1\r\n", 0, P, "", "", 0, -1, 0, 0, "", 0, 0, 0, -1,
	0},
    {M "master_repl_offset:9223372036854775807\r\n", 0, P, "", "", INT64_MAX,
	-1, 0, 0, "", 0, 0, 0, -1, 0},
    {M "master_repl_offset:9223372036854775808\r\n", 0, P, "", "", 0, -1, 0, 0,
	"", 0, 0, 0, -1, 0},
    {M "master_repl_offset:12x\r\nconnected_slaves:4294967296\r\n", 0, P, "",
	"", 0, -1, 0, 0, "", 0, 0, 0, -1, 0},
    {M "second_repl_offset:-2\r\nmaster_repl_offset: 1\r\n", 0, P, "", "", 0,
	-1, 0, 0, "", 0, 0, 0, -1, 0},
    {M "master_replid:" ID_A "0\r\nmaster_replid2:<b>\r\n", 0, P, "", "", 0, -1,
	0, 0, "", 0, 0, 0, -1, 0},
    {S "master_host:db.example.org\r\nmaster_port:65536\r\n", 0, R, "", "", 0,
	-1, 0, 0, "db.example.org", 0, 0, 0, -1, 0},
    {S "master_host:a b\r\nmaster_port:65535\r\n", 0, R, "", "", 0, -1, 0, 0,
	"", 65535, 0, 0, -1, 0},
    {S "master_host:" ZEROS ZEROS "\r\n", 0, R, "", "", 0, -1, 0, 0, "", 0, 0,
	0, -1, 0},
};

START_TEST(test_replication)
{
	const struct sample *s = &samples[_i];
	struct observation o;

	memset(&o, 0xa5, sizeof(o));
	ck_assert_int_eq(
	    info_read_replication(s->text, strlen(s->text), &o), s->result);
	ck_assert_int_eq(o.role, s->role);
	ck_assert_str_eq(o.replid, s->replid);
	ck_assert_str_eq(o.replid2, s->replid2);
	ck_assert_int_eq(o.offset, s->offset);
	ck_assert_int_eq(o.second_offset, s->second);
	ck_assert_uint_eq(o.replicas, s->replicas);
	ck_assert_int_eq(o.failing_over, s->failing_over);
	ck_assert_str_eq(o.primary_host, s->host);
	ck_assert_uint_eq(o.primary_port, s->port);
	ck_assert_int_eq(o.link_up, s->link_up);
	ck_assert_int_eq(o.syncing, s->syncing);
	ck_assert_int_eq(o.link_idle_s, s->idle);
	ck_assert_int_eq(o.replica_offset, s->replica_offset);
}
END_TEST

/* Cut anywhere, the text tells less, but never anything else. */
START_TEST(test_cut)
{
	size_t len = strlen(syncing), n;
	struct observation o;
	char *copy;

	for (n = 0; n <= len; n++) {
		copy = malloc(n + 1);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, syncing, n);
		copy[n] = 'x';
		info_read_replication(copy, n, &o);
		free(copy);
		ck_assert(o.role == ROLE_UNKNOWN || o.role == ROLE_REPLICA);
		ck_assert(o.replid[0] == '\0' || strcmp(o.replid, ID_B) == 0);
		ck_assert(o.offset == 0 || o.offset == 127);
		ck_assert(o.second_offset == -1 || o.second_offset == 78);
		ck_assert(o.primary_port == 0 || o.primary_port == 7981);
	}
}
END_TEST

/* The slaveN lines of a primary and what is read of them, one "HOST PORT
 * [online] OFFSET LAG" each. */
struct list {
	const char *lines, *replicas;
};

#define LINE(n, rest) "slave" n ":" rest "\r\n"
#define ONE           "ip=127.0.0.1,port=7982,state=online,offset=50,lag=1"
#define SEEN          "127.0.0.1 7982 online 50 1;"

static const struct list lists[] = {
    {"", ""},
    {LINE("0", ONE), SEEN},
    {LINE("0", ONE) LINE("1", "ip=::1,port=1,state=online,offset=0,lag=0"),
	SEEN "::1 1 online 0 0;"},
    {LINE("0", "ip=db-2.example.org,port=65535,state=wait_bgsave,offset=0,"
	       "lag=0"),
	"db-2.example.org 65535 0 0;"},
    {LINE("0", "ip=127.0.0.1,port=7982,state=send_bulk,offset=0,lag=0"),
	"127.0.0.1 7982 0 0;"},
    {LINE("0", "ip=127.0.0.1,port=7982,state=online,offset=9223372036854775807,"
	       "lag=9223372036854775807"),
	"127.0.0.1 7982 online 9223372036854775807 9223372036854775807;"},
    /* In another order, with more, and with less. */
    {LINE("0", "lag=1,offset=50,state=online,port=7982,ip=127.0.0.1"), SEEN},
    {LINE("0", ONE ",type=replica,io-thread=0"), SEEN},
    {LINE("0", "ip=127.0.0.1,port=7982"), "127.0.0.1 7982 -1 -1;"},
    {LINE("0", "ip=127.0.0.1,port=7982,state=online,offset=,lag="),
	"127.0.0.1 7982 online -1 -1;"},
    {LINE("0", "ip=127.0.0.1,port=7982,state=onlinex,offset=5x,lag=-1"),
	"127.0.0.1 7982 -1 -1;"},
    {LINE("0", "ip=127.0.0.1,port=7982,state=online,"
	       "offset=9223372036854775808,lag=1"),
	"127.0.0.1 7982 online -1 1;"},
    /* No address: it is left out, those after it are not. */
    {LINE("0", "port=7982,state=online,offset=50,lag=1"), ""},
    {LINE("0", "ip=,port=7982,state=online,offset=50,lag=1"), ""},
    {LINE("0", "ip=127.0.0.1,state=online,offset=50,lag=1"), ""},
    {LINE("0", "ip=127.0.0.1,port=0,state=online,offset=50,lag=1"), ""},
    {LINE("0", "ip=127.0.0.1,port=65536,state=online,offset=50,lag=1"), ""},
    {LINE("0", "ip=" ZEROS ZEROS ",port=1,state=online,offset=50,lag=1"), ""},
    {LINE("0", "port=1") LINE("1", ONE), SEEN},
    {LINE("0", "") LINE("1", ONE), SEEN},
    /* Keys that end like others. */
    {LINE("0", "xip=a,ip=127.0.0.1,report=1,port=7982,state=online,offset=50,"
	       "lag=1"),
	SEEN},
    /* They are numbered without a gap, in any order. */
    {LINE("1", ONE), ""},
    {LINE("0", ONE) LINE("2", ONE), SEEN},
    {LINE("1", ONE) LINE("0", ONE), SEEN SEEN},
    {LINE("00", ONE), ""},
    {"xslave0:" ONE "\r\n", ""},
};

/* What was read, in the words of a list. */
static void
describe(const struct observation *o, char *text, size_t size)
{
	const struct observed_replica *r;
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < o->nlist; i++) {
		r = &o->list[i];
		len += (size_t)snprintf(text + len, size - len,
		    "%s %u %s%lld %lld;", r->host, r->port,
		    r->online ? "online " : "", (long long)r->offset,
		    (long long)r->lag_s);
	}
}

START_TEST(test_replicas)
{
	const struct list *l = &lists[_i];
	struct observation o;
	char text[512], seen[512];

	memset(&o, 0xa5, sizeof(o));
	snprintf(text, sizeof(text), M "%smaster_repl_offset:50\r\n", l->lines);
	ck_assert_int_eq(info_read_replication(text, strlen(text), &o), 0);
	describe(&o, seen, sizeof(seen));
	ck_assert_msg(strcmp(seen, l->replicas) == 0, "%s: '%s', not '%s'",
	    l->lines, seen, l->replicas);
	/* A replica's own replicas are not read. */
	snprintf(text, sizeof(text), S "%s", l->lines);
	ck_assert_int_eq(info_read_replication(text, strlen(text), &o), 0);
	ck_assert_uint_eq(o.nlist, 0);
}
END_TEST

/* Cut anywhere, there is the whole line or none. */
START_TEST(test_replicas_cut)
{
	static const char text[] = M LINE("0", ONE);
	struct observation o;
	char *copy, seen[128];
	size_t n;

	for (n = strlen(M); n < sizeof(text); n++) {
		copy = malloc(n);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, text, n);
		ck_assert_int_eq(info_read_replication(copy, n, &o), 0);
		describe(&o, seen, sizeof(seen));
		ck_assert_str_eq(seen, n < sizeof(text) - 1 ? "" : SEEN);
		free(copy);
	}
}
END_TEST

/* Of more than there is room for, the first are kept. */
START_TEST(test_many_replicas)
{
	char text[4096] = M;
	struct observation o;
	size_t len = strlen(text), i;

	for (i = 0; i < OBSERVED_REPLICAS + 4; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "slave%zu:ip=10.0.0.%zu,port=1,state=online,offset=%zu,"
		    "lag=0\r\n",
		    i, i, i);
	ck_assert_int_eq(info_read_replication(text, len, &o), 0);
	ck_assert_uint_eq(o.nlist, OBSERVED_REPLICAS);
	for (i = 0; i < OBSERVED_REPLICAS; i++)
		ck_assert_int_eq(o.list[i].offset, (int64_t)i);
}
END_TEST

/* A text of INFO server and what it tells. */
struct server {
	const char *text;
	int result;
	const char *run_id, *version;
	bool cluster;
};

#define V "redis_version:7.0.15\r\n"
#define I "run_id:" RUN "\r\n"

static const struct server servers[] = {
    {"# Server\r\n" V "redis_git_sha1:00000000\r\nredis_git_dirty:0\r\n"
     "redis_build_id:ae4d7c971a948f0\r\nredis_mode:standalone\r\n"
     "os:Linux 6.1 x86_64\r\narch_bits:64\r\nprocess_id:6287\r\n" I
     "tcp_port:7981\r\nconfig_file:\r\nio_threads_active:0\r\n",
	0, RUN, "7.0.15", false},
    {V "redis_mode:cluster\r\n" I, 0, RUN, "7.0.15", true},
    {V "redis_mode:sentinel\r\n" I, 0, RUN, "7.0.15", false},
    {I, 0, RUN, "", false},
    {V, -1, "", "7.0.15", false},
    {V "run_id:" RUN, -1, "", "7.0.15", false},
    {V "run_id:\r\n", -1, "", "7.0.15", false},
    {V "run_id:" RUN "a\r\n", -1, "", "7.0.15", false},
    {V "run_id:a\"b\r\n", -1, "", "7.0.15", false},
    {"redis_version:255.255.255-unstable\r\n" I, 0, RUN, "", false},
    {"", -1, "", "", false},
};

START_TEST(test_server)
{
	const struct server *s = &servers[_i];
	struct observation o;

	memset(&o, 0xa5, sizeof(o));
	ck_assert_int_eq(
	    info_read_server(s->text, strlen(s->text), &o), s->result);
	ck_assert_str_eq(o.run_id, s->run_id);
	ck_assert_str_eq(o.version, s->version);
	ck_assert_int_eq(o.cluster, s->cluster);
}
END_TEST

/* A text of CLUSTER INFO and what it tells. */
static const struct {
	const char *text;
	int result;
	bool ok;
} clusters[] = {
    {"cluster_state:ok\r\ncluster_slots_assigned:16384\r\n"
     "cluster_slots_ok:16384\r\ncluster_slots_pfail:0\r\n"
     "cluster_slots_fail:0\r\ncluster_known_nodes:6\r\ncluster_size:3\r\n",
	0, true},
    {"cluster_state:fail\r\ncluster_slots_assigned:0\r\n", 0, false},
    {"cluster_slots_ok:1\r\ncluster_state:ok\r\n", 0, true},
    {"cluster_state:okay\r\n", 0, false},
    {"cluster_state:\r\n", 0, false},
    {"cluster_state:ok", -1, false},
    {"cluster_enabled:1\r\n", -1, false},
    {"", -1, false},
};

START_TEST(test_cluster)
{
	const char *text = clusters[_i].text;
	struct observation o;

	memset(&o, 0xa5, sizeof(o));
	ck_assert_int_eq(
	    info_read_cluster(text, strlen(text), &o), clusters[_i].result);
	ck_assert_int_eq(o.cluster_ok, clusters[_i].ok);
}
END_TEST

/* Each result has words of its own. */
START_TEST(test_words)
{
	int i, j;

	for (i = PROBE_NONE; i <= PROBE_PROTOCOL; i++)
		for (j = PROBE_NONE; j < i; j++)
			ck_assert_str_ne(
			    probe_result_str(i), probe_result_str(j));
	ck_assert_str_eq(probe_result_str(PROBE_WRONGPASS), "wrong password");
	ck_assert_str_eq(role_str(ROLE_REPLICA), "replica");
	ck_assert(probe_result_has_role(PROBE_MASTERDOWN));
	ck_assert(!probe_result_has_role(PROBE_BUSY));
	ck_assert(!probe_result_has_role(PROBE_NONE));
}
END_TEST

int
main(void)
{
	int nsamples = sizeof(samples) / sizeof(samples[0]);
	int nservers = sizeof(servers) / sizeof(servers[0]), failed;
	int nlists = sizeof(lists) / sizeof(lists[0]);
	int nclusters = sizeof(clusters) / sizeof(clusters[0]);
	Suite *suite = suite_create("info");
	TCase *tc = tcase_create("info");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, test_replication, 0, nsamples);
	tcase_add_loop_test(tc, test_server, 0, nservers);
	tcase_add_loop_test(tc, test_replicas, 0, nlists);
	tcase_add_test(tc, test_replicas_cut);
	tcase_add_test(tc, test_many_replicas);
	tcase_add_loop_test(tc, test_cluster, 0, nclusters);
	tcase_add_test(tc, test_cut);
	tcase_add_test(tc, test_words);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
