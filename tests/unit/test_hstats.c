/*
 * HAProxy's statistics of a made-up world, see stats_fake.c: columns, states,
 * numbers, and the formats that are made of them.
 */
#include <check.h>
#include <event2/buffer.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "stats-ui/history.h"
#include "stats-ui/hstats.h"
#include "stats-ui/hstats_json.h"
#include "stats-ui/info.h"
#include "stats-ui/post.h"
#include "stats-ui/prometheus.h"
#include "stats-ui/proxies.h"
#include "stats-ui/query.h"
#include "tests/unit/stats_fake.h"

#define ALL(table) (int)(sizeof(table) / sizeof(*(table)))
#define HEADER     "tests/unit/hstats_header.txt"

/* What is in out, on the heap; out is freed. */
static char *
text_of(struct evbuffer *out)
{
	size_t len = evbuffer_get_length(out);
	char *text = calloc(len + 1, 1);

	evbuffer_remove(out, text, len);
	ck_assert_uint_eq(strlen(text), len);
	evbuffer_free(out);
	return text;
}

/* The CSV, on the heap. */
static char *
csv(const struct hstats_filter *filter)
{
	struct evbuffer *out = evbuffer_new();

	hstats_csv(&fake_source, filter, out);
	return text_of(out);
}

/* A column of the row of this proxy and name, on the heap; NULL without such a
 * row. No text that is asked for here is quoted. */
static char *
column(const struct hstats_filter *filter, const char *px, const char *sv,
    const char *name)
{
	char *text = csv(filter), *line, *save, *cell, *head, key[128];
	int at = -1;

	snprintf(key, sizeof(key), "%s,%s,", px, sv);
	line = strtok_r(text, "\n", &save);
	head = line + 2;
	for (int i = 0; head != NULL && *head != '\0'; i++) {
		cell = strsep(&head, ",");
		if (strcmp(cell, name) == 0)
			at = i;
	}
	ck_assert_int_ge(at, 0);
	while ((line = strtok_r(NULL, "\n", &save)) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			break;
	cell = NULL;
	for (int i = 0; line != NULL && i <= at; i++)
		cell = strsep(&line, ",");
	cell = cell == NULL ? NULL : strdup(cell);
	free(text);
	return cell;
}

/* Is the column so? NULL: there is no such row. */
static void
expect(const struct hstats_filter *filter, const char *px, const char *sv,
    const char *name, const char *value)
{
	char *is = column(filter, px, sv, name);

	if (value == NULL)
		ck_assert_ptr_null(is);
	else
		ck_assert_msg(is != NULL && strcmp(is, value) == 0,
		    "%s/%s %s: '%s', not '%s'", px, sv, name,
		    is == NULL ? "(none)" : is, value);
	free(is);
}

/* The columns are HAProxy's, in its order, and then ours. */
START_TEST(header)
{
	char *text = csv(NULL), line[4096] = "";
	FILE *f = fopen(HEADER, "re");

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	ck_assert_int_eq(strncmp(text, line, strlen(line)), 0);
	ck_assert_int_eq(strncmp(text + strlen(line), "-,role,writer,", 14), 0);
	free(text);
}
END_TEST

/* Every line has as many columns as the header. */
START_TEST(shape)
{
	char *text = csv(NULL), *line, *save;
	int lines = 0;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		int commas = 0;
		bool quoted = false;

		for (const char *p = line; *p != '\0'; p++) {
			quoted ^= *p == '"';
			commas += *p == ',' && !quoted;
		}
		ck_assert_int_eq(commas, 103 + 1 + 5);
		lines++;
	}
	/* Two frontends, three servers, a backend, the page's two rows. */
	ck_assert_int_eq(lines, 1 + 2 + 3 + 1 + 2);
	free(text);
}
END_TEST

static const struct {
	const char *px, *sv, *name, *value;
} cells[] = {
    {"write", "FRONTEND", "status", "OPEN"},
    {"write", "FRONTEND", "type", "0"},
    {"write", "FRONTEND", "iid", "1"},
    {"write", "FRONTEND", "slim", "50"},
    {"write", "FRONTEND", "scur", "3"},
    {"write", "FRONTEND", "smax", "5"},
    {"write", "FRONTEND", "stot", "100"},
    {"write", "FRONTEND", "bout", "3221225472"},
    {"write", "FRONTEND", "qcur", ""},
    {"write", "FRONTEND", "hrsp_2xx", ""},
    {"write", "FRONTEND", "mode", "tcp"},
    {"write", "FRONTEND", "role", ""},
    {"redis", "redis-1", "status", "UP"},
    {"redis", "redis-1", "check_status", "L7OK"},
    {"redis", "redis-1", "check_code", "0"},
    {"redis", "redis-1", "check_desc", "Layer7 check passed"},
    {"redis", "redis-1", "check_health", "4"},
    {"redis", "redis-1", "type", "2"},
    {"redis", "redis-1", "sid", "1"},
    {"redis", "redis-1", "slim", ""},
    {"redis", "redis-1", "qlimit", ""},
    {"redis", "redis-1", "throttle", ""},
    {"redis", "redis-1", "addr", ""},
    {"redis", "redis-1", "weight", "100"},
    {"redis", "redis-1", "act", "1"},
    {"redis", "redis-1", "bck", "0"},
    {"redis", "redis-1", "lastsess", "2"},
    {"redis", "redis-1", "ttime", "70"},
    {"redis", "redis-1", "econ", "2"},
    {"redis", "redis-1", "role", "primary"},
    {"redis", "redis-1", "writer", "1"},
    {"redis", "redis-2", "status", "DOWN"},
    {"redis", "redis-2", "check_status", "L7STS"},
    {"redis", "redis-2", "last_chk", "role:slave"},
    {"redis", "redis-2", "check_health", "0"},
    {"redis", "redis-2", "chkdown", "1"},
    {"redis", "redis-2", "chkfail", "1"},
    {"redis", "redis-2", "sid", "2"},
    {"redis", "redis-2", "role", "replica"},
    {"redis", "redis-2", "writer", "0"},
    {"redis", "BACKEND", "status", "UP"},
    {"redis", "BACKEND", "type", "1"},
    {"redis", "BACKEND", "iid", "3"},
    {"redis", "BACKEND", "act", "1"},
    {"redis", "BACKEND", "weight", "100"},
    {"redis", "BACKEND", "slim", "10"},
    {"redis", "BACKEND", "scur", "7"},
    {"redis", "BACKEND", "stot", "201"},
    {"redis", "BACKEND", "check_status", ""},
    {"stats", "FRONTEND", "iid", "4"},
    {"stats", "FRONTEND", "mode", "http"},
    {"stats", "FRONTEND", "slim", "8"},
    {"stats", "FRONTEND", "req_tot", "9"},
    {"stats", "FRONTEND", "hrsp_2xx", "8"},
    {"stats", "FRONTEND", "hrsp_4xx", "1"},
    {"stats", "BACKEND", "status", "UP"},
    {"stats", "BACKEND", "downtime", ""},
    {"nope", "BACKEND", "status", NULL},
};

/* Each figure is where it belongs. */
START_TEST(values)
{
	expect(
	    NULL, cells[_i].px, cells[_i].sv, cells[_i].name, cells[_i].value);
}
END_TEST

/* What an operator and the checks make of a server. */
static const struct {
	struct hstate st;
	const char *word;
	enum hstate_kind kind;
} states[] = {
    {{.check = {.checked = true, .up = true, .health = 4, .rise = 2, .fall = 3},
	 .up = true},
	"UP", HSTATE_UP},
    {{.check = {.checked = true, .up = true, .health = 3, .rise = 2, .fall = 3},
	 .up = true},
	"UP 2/3", HSTATE_UP},
    {{.check = {.checked = true, .up = true, .health = 2, .rise = 2, .fall = 3},
	 .up = true,
	 .drain = true},
	"DRAIN 1/3", HSTATE_DRAIN},
    {{.check = {.checked = true, .up = true, .health = 4, .rise = 2, .fall = 3},
	 .up = true,
	 .stopping = true},
	"NOLB", HSTATE_NOLB},
    {{.check = {.checked = true, .health = 0, .rise = 2, .fall = 3}}, "DOWN",
	HSTATE_DOWN},
    {{.check = {.checked = true, .health = 1, .rise = 2, .fall = 3}},
	"DOWN 1/2", HSTATE_DOWN},
    {{.check = {.checked = true, .up = true, .health = 4, .rise = 2, .fall = 3},
	 .maint = true},
	"MAINT", HSTATE_MAINT},
    {{.up = true}, "no check", HSTATE_UP},
    {{.up = true, .drain = true}, "DRAIN", HSTATE_DRAIN},
};

START_TEST(state_words)
{
	char text[HSTATE_MAX];

	ck_assert_str_eq(hstate_str(&states[_i].st, text), states[_i].word);
	ck_assert_int_eq(hstate_kind(&states[_i].st), states[_i].kind);
}
END_TEST

/* Filters leave out what they should. */
START_TEST(filters)
{
	struct hstats_filter f = HSTATS_ALL;

	f.types = HSTATS_SERVERS;
	expect(&f, "redis", "redis-1", "status", "UP");
	expect(&f, "redis", "BACKEND", "status", NULL);
	expect(&f, "write", "FRONTEND", "status", NULL);
	f.sid = 2;
	expect(&f, "redis", "redis-1", "status", NULL);
	expect(&f, "redis", "redis-2", "status", "DOWN");
	f = HSTATS_ALL;
	f.iid = 1;
	expect(&f, "write", "FRONTEND", "status", "OPEN");
	expect(&f, "redis", "redis-1", "status", NULL);
	f = HSTATS_ALL;
	f.scope = "EDI";
	expect(&f, "redis", "redis-1", "status", "UP");
	expect(&f, "write", "FRONTEND", "status", NULL);
	f = HSTATS_ALL;
	f.up = true;
	expect(&f, "redis", "redis-2", "status", NULL);
	expect(&f, "redis", "BACKEND", "status", "UP (1/3)");
	f = HSTATS_ALL;
	f.no_maint = true;
	w.maintenance[0] = true;
	expect(&f, "redis", "redis-1", "status", NULL);
	expect(&f, "redis", "redis-2", "status", "DOWN");
	f = HSTATS_ALL;
	f.legends = true;
	expect(&f, "redis", "redis-1", "addr", "10.0.0.1:6379");
}
END_TEST

/* A frontend and a backend of one name are one proxy; numbers that the file
 * gives are not given again. */
START_TEST(numbers)
{
	struct hproxy *list;
	size_t n;

	w.frontends[0].name = w.backend.name;
	w.frontends[1].number = 2;
	list = proxies_list(&w.conf, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(list[0].name, "redis");
	ck_assert(list[0].fe == &w.frontends[0] && list[0].be == &w.backend);
	ck_assert_uint_eq(list[0].iid, 1);
	ck_assert_uint_eq(list[1].iid, 2);
	ck_assert_uint_eq(list[2].iid, 3);
	free(list);
	w.conf.haproxy = true;
	w.backend.line = 7;
	list = proxies_list(&w.conf, &n);
	ck_assert_uint_eq(n, 4);
	ck_assert(list[0].fe == &w.frontends[0] && list[0].be == NULL);
	free(list);
	w.conf.haproxy = false;
	w.servers[0].number = 2;
	ck_assert_uint_eq(proxies_sid(&w.backend, &w.servers[0]), 2);
	ck_assert_uint_eq(proxies_sid(&w.backend, &w.servers[1]), 3);
	w.conf.global.ncontrols = 1;
	ck_assert_uint_eq(proxies_backend_iid(&w.conf, &w.backend), 3);
}
END_TEST

/* What happens over time. */
START_TEST(over_time)
{
	struct hstats_filter f = HSTATS_ALL;

	expect(NULL, "redis", "redis-1", "chkdown", "0");
	w.states[0].health = HEALTH_DOWN;
	w.states[0].bad = w.states[0].failures = 3;
	w.states[0].last.result = PROBE_REFUSED;
	usleep(110000);
	history_tick(fake_source.history, &fake_source);
	expect(NULL, "redis", "redis-1", "status", "DOWN");
	expect(NULL, "redis", "redis-1", "check_status", "L4CON");
	expect(NULL, "redis", "redis-1", "chkdown", "1");
	expect(NULL, "redis", "redis-1", "chkfail", "3");
	w.states[0].health = HEALTH_UP;
	w.states[0].bad = 0;
	w.states[0].last.result = PROBE_OK;
	expect(NULL, "redis", "redis-1", "status", "UP");
	w.maintenance[0] = true;
	expect(NULL, "redis", "redis-1", "status", "MAINT");
	expect(NULL, "redis", "redis-1", "chkdown", "2");
	expect(NULL, "redis", "redis-1", "chkfail", "3");
	expect(NULL, "redis", "redis-1", "check_status", "");
	expect(NULL, "redis", "redis-1", "check_rise", "");
	expect(NULL, "redis", "BACKEND", "status", "DOWN");
	expect(NULL, "redis", "BACKEND", "chkdown", "2");
	expect(&f, "redis", "BACKEND", "act", "0");
	history_clear(fake_source.history, &fake_source, true);
	expect(NULL, "redis", "redis-1", "chkdown", "0");
	expect(NULL, "stats", "FRONTEND", "req_tot", "0");
}
END_TEST

/* Typed lines and JSON say the same as the CSV. */
START_TEST(typed)
{
	struct evbuffer *out = evbuffer_new();
	char *text;

	hstats_typed(&fake_source, NULL, out);
	text = text_of(out);
	ck_assert_ptr_nonnull(strstr(text, "F.1.0.17.status.1:SGP:str:OPEN\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "S.3.1.36.check_status.1:MOP:str:L7OK\n"));
	ck_assert_ptr_nonnull(strstr(text, "B.3.0.19.act.1:MGP:u32:1\n"));
	ck_assert_ptr_nonnull(strstr(text, "S.3.1.19.act.1:SGP:u32:1\n"));
	ck_assert_ptr_nonnull(strstr(text, "S.3.2.103.role.1:SGP:str:"));
	ck_assert_ptr_null(strstr(text, "\n\n"));
	free(text);
}
END_TEST

START_TEST(json)
{
	struct evbuffer *out = evbuffer_new();
	json_t *doc, *item;
	char *text;

	strcpy(w.states[1].last.detail, "a \"b\\c\" \xff\n");
	w.states[1].last.result = PROBE_PROTOCOL;
	hstats_json(&fake_source, NULL, out);
	text = text_of(out);
	doc = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(doc);
	ck_assert_uint_eq(json_array_size(doc), 8);
	item = json_array_get(json_array_get(doc, 0), 0);
	ck_assert_str_eq(
	    json_string_value(json_object_get(item, "objType")), "Frontend");
	ck_assert_str_eq(json_string_value(json_object_get(
			     json_object_get(item, "value"), "value")),
	    "write");
	json_decref(doc);
	free(text);
	out = evbuffer_new();
	hjson_schema(out);
	text = text_of(out);
	doc = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(doc);
	json_decref(doc);
	free(text);
}
END_TEST

START_TEST(info)
{
	struct evbuffer *out = evbuffer_new();
	json_t *doc;
	char *text;

	hinfo_text(&fake_source, out);
	text = text_of(out);
	ck_assert_int_eq(strncmp(text, "Name: ", 6), 0);
	ck_assert_ptr_nonnull(strstr(text, "\nUptime: 0d 1h02m03s\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nNbthread: 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nUnstoppable Jobs: 0\n"));
	ck_assert_ptr_null(strstr(text, "Zlib"));
	free(text);
	out = evbuffer_new();
	hinfo_typed(&fake_source, out);
	text = text_of(out);
	ck_assert_ptr_nonnull(strstr(text, "\n47.Tasks.1:MGP:u32:"));
	ck_assert_ptr_nonnull(strstr(text, "\n71.Tainted.1:SGP:str:0\n"));
	free(text);
	out = evbuffer_new();
	hinfo_json(&fake_source, out);
	text = text_of(out);
	doc = json_loads(text, 0, NULL);
	ck_assert_uint_eq(json_array_size(doc), 69);
	json_decref(doc);
	free(text);
}
END_TEST

START_TEST(metrics)
{
	struct evbuffer *out = evbuffer_new();
	char *text;

	prometheus_render(&fake_source, PROMETHEUS_ALL, false, out);
	text = text_of(out);
	ck_assert_ptr_nonnull(strstr(text,
	    "\n# TYPE haproxy_server_status gauge\n"
	    "haproxy_server_status{proxy=\"redis\",server=\"redis-1\","
	    "state=\"DOWN\"} 0\n"
	    "haproxy_server_status{proxy=\"redis\",server=\"redis-1\","
	    "state=\"UP\"} 1\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\nhaproxy_server_limit_sessions{proxy=\"redis\","
			 "server=\"redis-1\"} NaN\n"));
	ck_assert_ptr_nonnull(strstr(text,
	    "\nhaproxy_backend_total_time_average_seconds{proxy=\"redis\"} "
	    "0.070000\n"));
	ck_assert_ptr_nonnull(strstr(text,
	    "\nhaproxy_frontend_http_responses_total{proxy=\"stats\","
	    "code=\"2xx\"} 8\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nhaproxy_process_nbthread 2\n"));
	free(text);
	out = evbuffer_new();
	prometheus_render(&fake_source, PROMETHEUS_SERVERS, false, out);
	text = text_of(out);
	ck_assert_ptr_null(strstr(text, "haproxy_process"));
	ck_assert_ptr_null(strstr(text, "haproxy_backend"));
	ck_assert_ptr_nonnull(strstr(text, "haproxy_server_"));
	free(text);
}
END_TEST

/* Forms, what came of them, and the state, health, checks and sessions of the
 * first server then. */
static const struct {
	const char *body, *status;
	enum admin_state state;
	enum admin_health health;
	unsigned checks_off, closed;
} forms[] = {
    {"s=redis-1&action=drain&b=%233", "DONE", ADMIN_DRAIN, ADMIN_CHECKED, 0, 0},
    {"s=redis-1&action=maint&b=redis", "DONE", ADMIN_MAINT, ADMIN_CHECKED, 0,
	0},
    {"b=%233&action=maint&s=redis-1&s=redis-2\r\n", "DONE", ADMIN_MAINT,
	ADMIN_CHECKED, 0, 0},
    {"s=redis-1&s=nope&action=drain&b=redis", "PART", ADMIN_DRAIN,
	ADMIN_CHECKED, 0, 0},
    {"s=redis-1&action=ready&b=redis", "NONE", ADMIN_READY, ADMIN_CHECKED, 0,
	0},
    {"s=redis-1&action=dagent&b=redis", "NONE", ADMIN_READY, ADMIN_CHECKED, 0,
	0},
    {"s=redis-1&action=hdown&b=redis", "DONE", ADMIN_READY, ADMIN_DOWN, 0, 0},
    {"s=redis-1&action=hnolb&b=redis", "DONE", ADMIN_READY, ADMIN_STOPPING, 0,
	0},
    {"s=redis-1&action=dhlth&b=redis", "DONE", ADMIN_READY, ADMIN_CHECKED, 1,
	0},
    {"s=redis-1&action=shutdown&b=redis", "DONE", ADMIN_READY, ADMIN_CHECKED, 0,
	1},
    {"s=redis%2D1&action=drain&b=redis", "DONE", ADMIN_DRAIN, ADMIN_CHECKED, 0,
	0},
    {"s=redis-1&action=explode&b=redis", "ERRP", ADMIN_READY, ADMIN_CHECKED, 0,
	0},
    {"s=redis-1&action=maint&b=nope", "ERRP", ADMIN_READY, ADMIN_CHECKED, 0, 0},
    {"s=redis-1&action=maint&b=%2377", "ERRP", ADMIN_READY, ADMIN_CHECKED, 0,
	0},
    {"s=redis-1&b=redis", "ERRP", ADMIN_READY, ADMIN_CHECKED, 0, 0},
    {"action=maint&b=redis", "NONE", ADMIN_READY, ADMIN_CHECKED, 0, 0},
    {"&&=&s&s=&b=%&action=%00", "ERRP", ADMIN_READY, ADMIN_CHECKED, 0, 0},
    {"", "ERRP", ADMIN_READY, ADMIN_CHECKED, 0, 0},
};

START_TEST(form)
{
	char *body = strdup(forms[_i].body);

	ck_assert_str_eq(
	    post_run(&fake_source, &fake_admin, body), forms[_i].status);
	ck_assert_int_eq(w.admins[0].state, forms[_i].state);
	ck_assert_int_eq(w.admins[0].health, forms[_i].health);
	ck_assert_uint_eq(w.checks_off, forms[_i].checks_off);
	ck_assert_uint_eq(w.closed, forms[_i].closed);
	free(body);
}
END_TEST

/* Where a form comes from, and whether it is obeyed. */
static const struct {
	const char *host, *origin, *referer, *site;
	bool ours;
} sources[] = {
    {"h:80", NULL, NULL, NULL, true},
    {"h:80", "http://h:80", NULL, NULL, true},
    {"H:80", "https://h:80", NULL, NULL, true},
    {"h", NULL, "http://h/stats?x", NULL, true},
    {"h", NULL, "http://h", "same-origin", true},
    {"h", "null", NULL, NULL, false},
    {"h", "http://evil", "http://h/", NULL, false},
    {"h", "http://h.evil", NULL, NULL, false},
    {"h", "http://h:81", NULL, NULL, false},
    {"h", NULL, "http://evil/?//h/", NULL, false},
    {"h", NULL, NULL, "cross-site", false},
    {NULL, "http://h", NULL, NULL, false},
    {"", "http://", NULL, NULL, false},
};

START_TEST(source)
{
	ck_assert_int_eq(post_is_ours(sources[_i].host, sources[_i].origin,
			     sources[_i].referer, sources[_i].site),
	    sources[_i].ours);
}
END_TEST

/* What follows the page's address, and what it asks for. */
static const struct {
	const char *suffix;
	struct query q;
} queries[] = {
    {"", {QUERY_HTML, false, false, false, "", ""}},
    {";csv", {QUERY_CSV, false, false, false, "", ""}},
    {"?;csv", {QUERY_CSV, false, false, false, "", ""}},
    {";norefresh;json", {QUERY_JSON, true, false, false, "", ""}},
    {";json-schema", {QUERY_SCHEMA, false, false, false, "", ""}},
    {";typed;up;no-maint", {QUERY_TYPED, false, true, true, "", ""}},
    {";csvx", {QUERY_HTML, false, false, false, "", ""}},
    {";scope=redis;csv", {QUERY_CSV, false, false, false, "redis", ""}},
    {";scope=a%<b&c", {QUERY_HTML, false, false, false, "a__b", ""}},
    {";scope=0123456789012345678901234",
	{QUERY_HTML, false, false, false, "01234567890123456789", ""}},
    {";st=DONE", {QUERY_HTML, false, false, false, "", "DONE"}},
    {";;csv;;", {QUERY_CSV, false, false, false, "", ""}},
};

START_TEST(query)
{
	struct query q;

	query_parse(queries[_i].suffix, &q);
	ck_assert_int_eq(q.format, queries[_i].q.format);
	ck_assert_int_eq(q.norefresh, queries[_i].q.norefresh);
	ck_assert_int_eq(q.up, queries[_i].q.up);
	ck_assert_int_eq(q.no_maint, queries[_i].q.no_maint);
	ck_assert_str_eq(q.scope, queries[_i].q.scope);
	ck_assert_str_eq(q.status, queries[_i].q.status);
}
END_TEST

/* The world of the table of cells, after a first look at it. */
static void
start(void)
{
	fake_reset();
	w.conf.global.maxconn = 50;
	w.backend.role = WANT_PRIMARY;
	w.backend.rise = 2;
	w.backend.fall = 3;
	w.frontends[1].place = 1;
	w.backend.place = 2;
	w.stats[0].place = 3;
	history_tick(fake_source.history, &fake_source);
}

int
main(void)
{
	Suite *s = suite_create("hstats");
	TCase *t = tcase_create("hstats");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, start, NULL);
	tcase_add_test(t, header);
	tcase_add_test(t, shape);
	tcase_add_loop_test(t, values, 0, ALL(cells));
	tcase_add_loop_test(t, state_words, 0, ALL(states));
	tcase_add_test(t, filters);
	tcase_add_test(t, numbers);
	tcase_add_test(t, over_time);
	tcase_add_test(t, typed);
	tcase_add_test(t, json);
	tcase_add_test(t, info);
	tcase_add_test(t, metrics);
	tcase_add_loop_test(t, query, 0, ALL(queries));
	tcase_add_loop_test(t, form, 0, ALL(forms));
	tcase_add_loop_test(t, source, 0, ALL(sources));
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
