/*
 * stats-ui/metrics.c: the lines are there, and Prometheus can read them.
 */
#include <check.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats-ui/metrics.h"
#include "tests/unit/stats_fake.h"

/* The document, with an empty line before it; to be freed. */
static char *
render(void)
{
	struct evbuffer *out = evbuffer_new();
	size_t len;
	char *text;

	evbuffer_add(out, "\n", 1);
	metrics_render(&fake_source, out);
	len = evbuffer_get_length(out);
	text = malloc(len + 1);
	ck_assert_ptr_nonnull(text);
	evbuffer_remove(out, text, len);
	text[len] = '\0';
	evbuffer_free(out);
	return text;
}

/* Is this a line of it? */
static void
expect(const char *text, const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	ck_assert_msg(strstr(text, whole) != NULL, "%s: not in%s", line, text);
}

/* What a world with something of everything shows. */
static const char *const lines[] = {
    "# TYPE roleproxy_start_time_seconds gauge",
    "# TYPE roleproxy_reloads_total counter",
    "roleproxy_reloads_total{result=\"ok\"} 3",
    "roleproxy_reloads_total{result=\"failed\"} 1",
    "roleproxy_last_reload_successful 0",
    "roleproxy_sessions 7",
    "roleproxy_workers 2",
    "roleproxy_worker_loop_lag_seconds{worker=\"0\"} 0.25",
    "roleproxy_worker_loop_lag_seconds{worker=\"1\"} 0.251",
    "# TYPE roleproxy_backend_writer_changes_total counter",
    "roleproxy_backend_writer_changes_total{backend=\"redis\"} 5",
    "roleproxy_backend_fences_total{backend=\"redis\","
    "reason=\"the writer has become a replica\"} 2",
    "# TYPE roleproxy_backend_switch_duration_seconds histogram",
    "roleproxy_backend_switch_duration_seconds_bucket{backend=\"redis\","
    "le=\"0.01\"} 0",
    "roleproxy_backend_switch_duration_seconds_bucket{backend=\"redis\","
    "le=\"0.025\"} 1",
    "roleproxy_backend_switch_duration_seconds_bucket{backend=\"redis\","
    "le=\"+Inf\"} 2",
    "roleproxy_backend_switch_duration_seconds_sum{backend=\"redis\"} "
    "90.012",
    "roleproxy_backend_switch_duration_seconds_count{backend=\"redis\"} 2",
    "roleproxy_server_check_seconds_count{backend=\"redis\","
    "server=\"redis-2\"} 1",
    "roleproxy_frontend_session_seconds_bucket{frontend=\"read\","
    "le=\"86400\"} 7",
    "roleproxy_frontend_hold_seconds_count{frontend=\"write\"} 0",
    "roleproxy_server_reason{backend=\"redis\",server=\"redis-2\","
    "reason=\"lags\"} 1",
    "roleproxy_draining 0",
    "roleproxy_backend_writer{backend=\"redis\",server=\"redis-1\"} 1",
    "roleproxy_backend_has_writer{backend=\"redis\"} 1",
    "roleproxy_backend_replicas{backend=\"redis\"} 2",
    "roleproxy_backend_replicas_following{backend=\"redis\"} 1",
    "roleproxy_backend_sentinels{backend=\"redis\"} 3",
    "roleproxy_backend_sentinel_votes{backend=\"redis\"} 2",
    "roleproxy_backend_sentinel_epoch{backend=\"redis\"} 12",
    "roleproxy_backend_held{backend=\"redis\"} 4",
    "roleproxy_server_up{backend=\"redis\",server=\"redis-1\"} 1",
    "roleproxy_server_role{backend=\"redis\",server=\"redis-1\","
    "role=\"primary\"} 1",
    "roleproxy_server_role{backend=\"redis\",server=\"redis-1\","
    "role=\"replica\"} 0",
    "roleproxy_server_eligible{backend=\"redis\",server=\"redis-1\"} 1",
    "roleproxy_server_eligible{backend=\"redis\",server=\"redis-2\"} 0",
    "roleproxy_server_lag_seconds{backend=\"redis\",server=\"redis-2\"} "
    "3.5",
    "roleproxy_server_lag_bytes{backend=\"redis\",server=\"redis-2\"} 77",
    "roleproxy_server_fenced{backend=\"redis\",server=\"redis-1\"} 0",
    "roleproxy_server_up{backend=\"redis\",server=\"<b>\\\"&'?\"} 1",
    "roleproxy_server_bytes_total{backend=\"redis\",server=\"redis-1\","
    "direction=\"in\"} 1536",
    "roleproxy_server_connect_errors_total{backend=\"redis\","
    "server=\"redis-2\"} 2",
    "roleproxy_frontend_sessions{frontend=\"write\"} 3",
    "roleproxy_frontend_sessions{frontend=\"read\"} 4",
    "roleproxy_frontend_held{frontend=\"write\"} 4",
    "roleproxy_frontend_sessions_total{frontend=\"write\"} 100",
    "roleproxy_frontend_closes_total{frontend=\"write\","
    "reason=\"fenced\"} 0",
};

/* A world with something of everything. */
static void
set_up(void)
{
	fake_reset();
	w.reloads = (struct stats_reloads){3, 1, true};
	w.stall = 250;
	w.held = 4;
	w.lag[1] = (struct lag){3500, 77};
	w.now[1].readable = false;
	w.watch.known = 3;
	w.watch.agree = 2;
	w.watch.epoch = 12;
	w.lagging[1] = true;
	w.counts.changes = 5;
	w.counts.fences[CAUSE_DEMOTED] = 2;
	histogram_add(&w.counts.switches, HISTOGRAM_SHORT, 12000);
	histogram_add(&w.counts.switches, HISTOGRAM_SHORT, 90000000);
	histogram_add(&w.checks, HISTOGRAM_SHORT, 300);
	w.times.session.counts[3] = 7;
}

START_TEST(test_lines)
{
	char *text;

	set_up();
	text = render();
	expect(text, lines[_i]);
	free(text);
}
END_TEST

/* Without a writer there is no line that names one. */
START_TEST(test_no_writer)
{
	char *text;

	set_up();
	fake_no_writer(CAUSE_TIE);
	text = render();
	expect(text, "roleproxy_backend_has_writer{backend=\"redis\"} 0");
	ck_assert_ptr_null(strstr(text, "roleproxy_backend_writer{"));
	free(text);
}
END_TEST

/* Nor for one that is away. */
START_TEST(test_writer_away)
{
	char *text;

	set_up();
	w.now[0].writable = false;
	text = render();
	expect(text, "roleproxy_backend_has_writer{backend=\"redis\"} 0");
	ck_assert_ptr_null(strstr(text, "roleproxy_backend_writer{"));
	free(text);
}
END_TEST

/* A Redis Cluster has several, or none for some shard. */
START_TEST(test_cluster)
{
	char *text;

	set_up();
	w.cluster = true;
	w.sum = (struct cluster_summary){.shards = 3, .led = (size_t)_i};
	text = render();
	expect(text, _i == 3
			 ? "roleproxy_backend_has_writer{backend=\"redis\"} 1"
			 : "roleproxy_backend_has_writer{backend=\"redis\"} 0");
	free(text);
}
END_TEST

/* Only a backend whose checks tell roles can have a writer. */
START_TEST(test_without_roles)
{
	char *text;

	set_up();
	w.backend.check = CHECK_NONE;
	text = render();
	ck_assert_ptr_null(strstr(text, "roleproxy_backend_"));
	ck_assert_ptr_nonnull(strstr(text, "roleproxy_server_up{"));
	free(text);
}
END_TEST

/* Each name has one head, before its lines, which stand together; names are of
 * the letters that they may have. */
START_TEST(test_format)
{
	static const char *const parts[] = {"", "_bucket", "_sum", "_count"};
	char *text, *line, *rest, head[128] = "", name[160];
	size_t n, i;

	set_up();
	text = render();
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "# TYPE ", 7) == 0) {
			snprintf(head, sizeof(head), "%.*s",
			    (int)strcspn(line + 7, " "), line + 7);
			continue;
		}
		if (line[0] == '#')
			continue;
		n = strcspn(line, "{ ");
		for (i = 0; i < 4; i++) {
			snprintf(name, sizeof(name), "%s%s", head, parts[i]);
			if (strlen(name) == n && strncmp(line, name, n) == 0)
				break;
		}
		ck_assert_msg(i < 4, "%s below %s", line, head);
		ck_assert_uint_eq(
		    strspn(line, "abcdefghijklmnopqrstuvwxyz_"), n);
	}
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("metrics");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(
	    t, test_lines, 0, (int)(sizeof(lines) / sizeof(lines[0])));
	tcase_add_test(t, test_no_writer);
	tcase_add_test(t, test_writer_away);
	tcase_add_loop_test(t, test_cluster, 2, 4);
	tcase_add_test(t, test_without_roles);
	tcase_add_test(t, test_format);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
