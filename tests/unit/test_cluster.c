/*
 * health/cluster.c: each line of cluster.cases. Run from the root of the
 * repository.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/cluster.h"

#define CASES    "tests/unit/cluster.cases"
#define TEXT_MAX 512
#define SERVERS  8

/* A line of cluster.cases. */
struct sample {
	unsigned line;
	char text[TEXT_MAX];
};

static struct sample samples[128];
static int nsamples;

/* The servers of a line, with room for what they point to. */
static struct cluster_server servers[SERVERS];
static char names[SERVERS], replids[SERVERS][8], replids2[SERVERS][8];
static struct addr addrs[SERVERS];
static size_t n;

static const char *const uses[] = {[CLUSTER_UNKNOWN] = "unknown",
    [CLUSTER_STRANGER] = "stranger",
    [CLUSTER_REPLICA] = "replica",
    [CLUSTER_WRITES] = "writes",
    [CLUSTER_WAITS] = "waits",
    [CLUSTER_FENCED] = "fenced"};

/* Servers are named A, B and so on, in this order. */
static int
index_of(const char *name)
{
	return name[0] - 'A';
}

/* "R2<R1": a lineage and the one before. */
static void
set_lineage(size_t i, const char *text)
{
	const char *before = strchr(text, '<');
	int len = before == NULL ? (int)strlen(text) : (int)(before - text);

	if (strcmp(text, "?") == 0)
		return;
	snprintf(replids[i], sizeof(replids[i]), "%.*s", len, text);
	if (before != NULL)
		snprintf(replids2[i], sizeof(replids2[i]), "%s", before + 1);
}

/* One flag of a server. */
static void
set_flag(struct cluster_server *s, const char *flag)
{
	if (strcmp(flag, "down") == 0)
		s->up = false;
	else if (strcmp(flag, "loading") == 0)
		s->loading = true;
	else if (strcmp(flag, "maint") == 0)
		s->maintenance = true;
	else if (strcmp(flag, "fail") == 0)
		s->ok = false;
	else if (strcmp(flag, "refuses") == 0)
		s->refuses = true;
	else if (strcmp(flag, "alone") == 0)
		s->member = false;
	else if (strncmp(flag, "was=", 4) == 0)
		s->led_by = index_of(flag + 4);
	else if (strncmp(flag, "of=", 3) == 0)
		s->primary_port = (uint16_t)(7000 + index_of(flag + 3));
	else
		ck_abort_msg("unknown flag %s", flag);
}

/* "A:primary,R1,down" */
static void
add_server(char *text)
{
	struct cluster_server *s = &servers[n];
	char *role, *lineage, *flag, *rest;

	ck_assert_uint_lt(n, SERVERS);
	names[n] = text[0];
	ck_assert_int_eq(index_of(text), (int)n);
	role = strtok_r(text + 2, ",", &rest);
	lineage = strtok_r(NULL, ",", &rest);
	ck_assert_ptr_nonnull(lineage);
	addr_parse_ip("127.0.0.1", (uint16_t)(7000 + n), &addrs[n]);
	memset(s, 0, sizeof(*s));
	s->up = s->member = s->ok = true;
	s->role = strcmp(role, "primary") == 0   ? ROLE_PRIMARY
		  : strcmp(role, "replica") == 0 ? ROLE_REPLICA
						 : ROLE_UNKNOWN;
	s->addr = &addrs[n];
	s->primary_host = "127.0.0.1";
	s->replid = replids[n];
	s->replid2 = replids2[n];
	s->led_by = -1;
	set_lineage(n, lineage);
	while ((flag = strtok_r(NULL, ",", &rest)) != NULL)
		set_flag(s, flag);
	n++;
}

START_TEST(test_case)
{
	const struct sample *s = &samples[_i];
	char text[TEXT_MAX], got[TEXT_MAX] = "", *parts[3], *word, *rest;
	size_t len = 0, i;
	int leader;

	strcpy(text, s->text);
	parts[0] = strtok_r(text, "|", &rest);
	parts[1] = strtok_r(NULL, "|", &rest);
	parts[2] = strtok_r(NULL, "|", &rest);
	ck_assert_msg(parts[2] != NULL, CASES ":%u: three parts", s->line);
	for (word = strtok_r(parts[1], " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest))
		add_server(word);
	for (i = 0; i < n; i++) {
		leader = cluster_leader(servers, n, i);
		len += (size_t)snprintf(got + len, sizeof(got) - len, " %s:%c",
		    uses[cluster_use(&servers[i], leader == (int)i)],
		    leader < 0 ? '-' : names[leader]);
	}
	ck_assert_msg(strcmp(got, parts[2]) == 0, CASES ":%u:%s: got%s, not%s",
	    s->line, parts[0], got, parts[2]);
}
END_TEST

/* Those that count as primaries, whatever else. */
START_TEST(test_primaries)
{
	ck_assert(cluster_is_primary(CLUSTER_WRITES));
	ck_assert(cluster_is_primary(CLUSTER_WAITS));
	ck_assert(!cluster_is_primary(CLUSTER_FENCED));
	ck_assert(!cluster_is_primary(CLUSTER_REPLICA));
	ck_assert(!cluster_is_primary(CLUSTER_STRANGER));
	ck_assert(!cluster_is_primary(CLUSTER_UNKNOWN));
}
END_TEST

/* Read the file; the text of each case without its line end. */
static void
load(void)
{
	char text[TEXT_MAX];
	unsigned line = 0;
	FILE *f = fopen(CASES, "r");

	if (f == NULL) {
		perror(CASES);
		exit(1);
	}
	while (fgets(text, sizeof(text), f) != NULL) {
		line++;
		text[strcspn(text, "\n")] = '\0';
		if (text[0] == '#' || text[0] == '\0')
			continue;
		samples[nsamples].line = line;
		strcpy(samples[nsamples++].text, text);
	}
	fclose(f);
}

int
main(void)
{
	Suite *suite = suite_create("cluster");
	TCase *tc = tcase_create("cluster");
	SRunner *runner = srunner_create(suite);
	int failed;

	load();
	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, test_case, 0, nsamples);
	tcase_add_test(tc, test_primaries);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
