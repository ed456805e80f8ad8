/*
 * What the page and its JSON say in many situations, escaping, lag, routes and
 * the password; no socket. The monitor is made up, see stats_fake.c.
 */
#include <check.h>
#include <event2/buffer.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "stats-ui/auth.h"
#include "stats-ui/reason.h"
#include "stats-ui/words.h"
#include "tests/unit/stats_fake.h"

#define ALL(table) (int)(sizeof(table) / sizeof(*(table)))

static char user[] = "admin", password[] = "s3cret";

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

/* The page, on the heap. */
static char *
render_html(void)
{
	struct evbuffer *out = evbuffer_new();

	stats_render_html(&fake_source, w.conf.stats, NULL, false, out);
	return text_of(out);
}

/* The JSON, on the heap. */
static char *
render_json(void)
{
	struct evbuffer *out = evbuffer_new();

	stats_render_json(&fake_source, w.conf.stats, out);
	return text_of(out);
}

/* The status, on the heap. */
static char *
render_status(void)
{
	struct evbuffer *out = evbuffer_new();

	stats_render_status(&fake_source, out);
	return text_of(out);
}

/* Is s valid UTF-8 as a whole? */
static bool
is_utf8(const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n)
		if ((n = words_utf8(s)) == 0)
			return false;
	return true;
}

/* The writer was chosen by votes. */
static void
sit_well(void)
{
	fake_decide("redis-2", "redis-1");
}

/* The switch has been forgotten. */
static void
sit_well_unknown_since(void)
{
}

/* No server says primary, clients wait. */
static void
sit_none(void)
{
	fake_no_writer(CAUSE_NO_CANDIDATE);
	w.held = 3;
}

/* The writer does not answer. */
static void
sit_away(void)
{
	w.verdict.action = WRITER_WAIT;
	w.verdict.cause = CAUSE_AWAY;
	w.now[0].writable = false;
	w.held = 1;
}

/* A replica refuses, with ugly words. */
static void
sit_down(void)
{
	w.states[1].health = HEALTH_DOWN;
	w.states[1].last.result = PROBE_REFUSED;
	strcpy(w.states[1].last.detail, "<script>\xc3(");
}

/* A replica is in maintenance. */
static void
sit_maintenance(void)
{
	w.maintenance[1] = true;
}

/* A replica has not been checked or resolved yet. */
static void
sit_unchecked(void)
{
	memset(&w.states[1], 0, sizeof(w.states[1]));
	w.now[1].addr.family = 0;
	w.ready = false;
}

/* A second server says primary and is fenced. */
static void
sit_false_primary(void)
{
	w.states[1].role = ROLE_PRIMARY;
	w.fenced[1] = true;
}

/* A replica lags. */
static void
sit_lag(void)
{
	w.lag[1] = (struct lag){12345, 100};
	w.lagging[1] = true;
	w.now[1].readable = false;
}

/* A replica has all there is. */
static void
sit_no_lag(void)
{
	w.lag[1] = (struct lag){0, 0};
}

/* A replica has lost its primary. */
static void
sit_link_down(void)
{
	w.states[1].known.link_up = false;
	w.now[1].readable = false;
	w.unfit[1] = true;
}

/* Not Redis; one server of three is down. */
static void
sit_plain(void)
{
	w.backend.check = CHECK_TCP;
	w.writer = -1;
	w.now[2].up = false;
}

/* Not Redis; all servers are down. */
static void
sit_plain_down(void)
{
	w.backend.check = CHECK_TCP;
	w.writer = -1;
	for (int i = 0; i < FAKE_SERVERS; i++)
		w.now[i].up = false;
}

/* A Redis Cluster: redis-1 of one shard, the others of another. */
static void
sit_cluster(void)
{
	w.cluster = true;
	w.writer = -1;
	w.sum = (struct cluster_summary){2, 2, 3, 3};
	w.uses[0] = w.uses[2] = CLUSTER_WRITES;
	w.uses[1] = CLUSTER_REPLICA;
	w.states[2].role = ROLE_PRIMARY;
	w.now[2].writable = true;
	w.shards[0] = w.servers[0].name;
	w.shards[1] = w.shards[2] = w.servers[2].name;
}

/* A shard of it has lost its primary, and the others refuse. */
static void
sit_cluster_fail(void)
{
	sit_cluster();
	w.sum = (struct cluster_summary){2, 1, 2, 0};
	w.uses[0] = CLUSTER_WAITS;
	w.now[0].writable = false;
	w.held = 2;
}

/* One shard, and a server that does not belong there. */
static void
sit_cluster_stranger(void)
{
	sit_cluster();
	w.sum = (struct cluster_summary){1, 1, 2, 1};
	w.uses[2] = CLUSTER_STRANGER;
	w.shards[2] = NULL;
	w.shards[1] = w.shards[0];
}

/* No server of it answers. */
static void
sit_cluster_down(void)
{
	sit_cluster();
	w.sum = (struct cluster_summary){2, 0, 0, 0};
}

/* The process is about to end. */
static void
sit_draining(void)
{
	w.draining = true;
}

/* What the page and the JSON say of them: html and json must hold these texts;
 * not_html must not be there. */
static const struct situation {
	void (*set)(void);
	const char *html, *json, *not_html;
} situations[] = {
    {sit_well, "Writes go to redis-1 since ", "\"writer\": \"redis-1\"",
	"<b>\"&'"},
    {sit_well, "<p>most replicas follow it (1 of 2)</p>", "\"to\": \"redis-1\"",
	"No server"},
    {sit_well, "; 1 session closed; took 12 ms</p>",
	"(1 of 2); 1 session closed; took 12 ms.\"", "No server"},
    {sit_well, "&lt;b&gt;&quot;&amp;&#39;\xef\xbf\xbd",
	"\"name\": \"<b>\\\"&'\\uFFFD\"", "\xff"},
    {sit_well_unknown_since, "Writes go to redis-1.", "\"decisions\": []",
	"since "},
    {sit_lag, "<td class=\"n\">100 B, 12.3 s</td>",
	"\"lag_bytes\": 100,\n          \"lag_seconds\": 12.345,", "DOWN"},
    {sit_lag, "UP</span>: lags 12.3 s behind (max-lag 10 s)<",
	"\"reason\": \"lags 12.3 s behind (max-lag 10 s)\"", "DOWN"},
    {sit_well, "<td class=\"n\">\u2013</td>", "\"lag_seconds\": null",
	"waits for"},
    {sit_no_lag, "<td class=\"n\">0 B</td>",
	"\"lag_bytes\": 0,\n          \"lag_seconds\": 0.0,", "DOWN"},
    {sit_none,
	"No server takes writes: no server says primary; 3 clients wait.",
	"\"writer\": null", "Writes go"},
    {sit_away,
	"Writes wait for redis-1: the writer does not answer; 1 client waits.",
	"\"writer\": \"redis-1\"", "Writes go"},
    {sit_down, "\u2715 DOWN</span>: refused", "\"status\": \"DOWN\"",
	"<script>"},
    {sit_down, "refused: &lt;script&gt;\xef\xbf\xbd(",
	"\"reason\": \"refused: <script>", "\xc3("},
    {sit_maintenance, "MAINT</span>: taken out", "\"status\": \"MAINT\"",
	"\u2715 DOWN"},
    {sit_unchecked, "UNCHECKED</span>: no check has ended yet",
	"\"last_check\": null", "\u2715 DOWN"},
    {sit_unchecked, "first round of checks", "\"ready\": false", "draining"},
    {sit_unchecked, "10.0.0.1:6379", "\"address\": \"10.0.0.1:6379\"",
	"\u2715 DOWN"},
    {sit_false_primary, "fenced: it lost the writes", "\"fenced\": true",
	"DOWN"},
    {sit_link_down, "its link to the primary is down",
	"\"reason\": \"its link to the primary is down\"", "DOWN"},
    {sit_plain, "2 of 3 servers are up.", "\"check\": \"tcp\"", "Writes"},
    {sit_plain_down, "No server is up.", "\"cause\": null", "Writes"},
    {sit_cluster,
	"Redis Cluster: 2 shards, all have a primary; cluster_state ok.",
	"\"cluster\": true", "fenced"},
    {sit_cluster, "<th scope=\"col\">Shard</th>", "\"shard\": \"redis-1\"",
	"says primary"},
    {sit_cluster_fail,
	"Redis Cluster: 1 of 2 shards has a primary; cluster_state fail; 2 "
	"clients wait.",
	"\"reason\": \"its cluster_state is not ok\"", "Writes"},
    {sit_cluster_stranger,
	"Redis Cluster: 1 shard, which has a primary; cluster_state fail on 1 "
	"of 2 servers.",
	"\"reason\": \"not in cluster mode, as others of this backend are\"",
	"fenced"},
    {sit_cluster_down,
	"Redis Cluster: 0 of 2 shards have a primary; no server answers.",
	"\"writer\": null", "fenced"},
    {sit_well, "Writes go", "\"cluster\": false", "Shard"},
    {sit_draining, "This proxy is draining", "\"draining\": true", "DOWN"},
    {sit_well, "up 1 h 2 min, 2 workers, 7 sessions",
	"\"uptime_seconds\": 3723", "roleproxy 0."},
    {sit_well, "<td class=\"n\">1.5 KiB</td><td class=\"n\">3.0 GiB</td>",
	"\"bytes_out\": 3221225472", "\t<script"},
};

/* The page from its sentences on, as much as a message has room for. */
static const char *
main_of(char *html)
{
	char *p = strstr(html, "<main");

	if (strlen(p) > 7000)
		p[7000] = '\0';
	return p;
}

/* Each situation, in both documents. */
START_TEST(renders)
{
	const struct situation *s = &situations[_i];
	json_error_t error;
	char *html, *json;
	json_t *o;

	fake_reset();
	s->set();
	html = render_html();
	json = render_json();
	o = json_loads(json, 0, &error);
	ck_assert_msg(o != NULL, "%s", error.text);
	ck_assert_msg(strstr(html, s->html) != NULL, "no '%s' in the page: %s",
	    s->html, main_of(html));
	ck_assert_msg(strstr(html, s->not_html) == NULL,
	    "'%s' in the page: %.200s", s->not_html, strstr(html, s->not_html));
	ck_assert_msg(
	    strstr(json, s->json) != NULL, "no '%s' in %s", s->json, json);
	ck_assert(is_utf8(html));
	json_decref(o);
	free(html);
	free(json);
}
END_TEST

/* A frontend with two addresses. */
static void
sit_two_binds(void)
{
	w.frontends[0].binds = w.bind;
	w.frontends[0].nbinds = 2;
}

/* What the plain text says of them; first what it holds, then what not. */
static const struct {
	void (*set)(void);
	const char *in, *not_in;
} statuses[] = {
    {sit_well, "backend redis: Writes go to redis-1 since ", "fenced"},
    {sit_well, ", up 1 h 2 min, 2 workers, 7 sessions\n", "draining"},
    {sit_well,
	"\n  SERVER   ADDRESS        STATUS  ROLE     WRITER  BEHIND  "
	"SESSIONS  REASON\n",
	"DOWN"},
    {sit_well,
	"\n  redis-1  10.0.0.1:6379  UP      primary  yes     -       3\n",
	"away"},
    {sit_no_lag,
	"\n  redis-2  10.0.0.1:6380  UP      replica          0 B     4\n",
	"\t"},
    {sit_well, "\n  <b>\"&'?  10.0.0.1:6381  UP ", "\xff"},
    {sit_well,
	"\n  FRONTEND  ADDRESS       BACKEND  ROUTE    SESSIONS  HELD\n"
	"  write     0.0.0.0:9000  redis    primary  3         0\n",
	"..."},
    {sit_well, "  redis: redis-1 took over from redis-2: ", "nothing"},
    {sit_well_unknown_since, "newest first: nothing yet\n", "since"},
    {sit_none, "3 clients wait.\n", "yes"},
    {sit_none, "  0.0.0.0:9000  redis    primary  3         3\n", "yes"},
    {sit_away, " primary  away    -       3\n", "yes"},
    {sit_down,
	"DOWN    replica          -       4         refused: "
	"<script>?(\n",
	"\xc3"},
    {sit_unchecked, "the first round of checks is not done\n", "DOWN"},
    {sit_false_primary, " fenced  -       4         fenced: it lost", "DOWN"},
    {sit_plain, "backend redis: 2 of 3 servers are up.\n", "yes"},
    {sit_cluster,
	"  redis-1  10.0.0.1:6379  UP      primary  redis-1  yes     -       "
	"3\n"
	"  <b>\"&'?  10.0.0.1:6381  UP      primary  <b>\"&'?",
	"fenced"},
    {sit_cluster_stranger, "  <b>\"&'?  10.0.0.1:6381  UP      primary  -  ",
	"fenced"},
    {sit_draining, " 7 sessions, draining\n", "first round"},
    {sit_two_binds, "  0.0.0.0:9000, ...  redis ", "9001,"},
};

/* Each situation as plain text: no empty line, no control character. */
START_TEST(plain_text)
{
	char *text;

	fake_reset();
	statuses[_i].set();
	text = render_status();
	ck_assert_msg(strstr(text, statuses[_i].in) != NULL, "no '%s' in %s",
	    statuses[_i].in, text);
	ck_assert_msg(strstr(text, statuses[_i].not_in) == NULL, "'%s' in %s",
	    statuses[_i].not_in, text);
	ck_assert_ptr_null(strstr(text, "\n\n"));
	ck_assert_ptr_null(strstr(text, " \n"));
	ck_assert(is_utf8(text));
	for (const char *c = text; *c != '\0'; c++)
		ck_assert((unsigned char)*c >= 0x20 || *c == '\n');
	free(text);
}
END_TEST

/* What would steer a terminal is not shown; real letters are, and columns stay
 * in line behind them. */
START_TEST(plain_text_clean)
{
	static const char bad[] = "\x1b[2J\x9b\xc2\x9b\r\n\n\x7fx\xc3\xa9";
	static char name[] = "caf\xc3\xa9";
	char *text;

	fake_reset();
	w.states[1].health = HEALTH_DOWN;
	w.states[1].last.result = PROBE_REFUSED;
	memcpy(w.states[1].last.detail, bad, sizeof(bad));
	w.servers[1].name = name;
	text = render_status();
	ck_assert_ptr_nonnull(strstr(text, "refused: ?[2J???????x\xc3\xa9\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\n  caf\xc3\xa9     10.0.0.1:6380"));
	free(text);
}
END_TEST

/* At most five decisions are shown. */
START_TEST(plain_text_decisions)
{
	char *text;
	size_t n = 0;

	fake_reset();
	for (int i = 0; i < 30; i++)
		fake_decide("redis-2", "redis-1");
	text = render_status();
	for (const char *p = text; (p = strstr(p, "took over from")) != NULL;
	     p++)
		n++;
	ck_assert_uint_eq(n, 5);
	free(text);
}
END_TEST

/* The keys that are promised are there, for every server and frontend. */
START_TEST(json_keys)
{
	static const char *const server[] = {"name", "address", "status",
	    "role", "reason", "sessions", "lag_bytes", "lag_seconds"};
	static const char *const frontend[] = {
	    "name", "bind", "route", "sessions"};
	char *text;
	json_t *o, *b;

	fake_reset();
	text = render_json();
	o = json_loads(text, 0, NULL);
	b = json_array_get(json_object_get(o, "backends"), 0);
	for (size_t i = 0; i < sizeof(server) / sizeof(*server); i++)
		for (size_t n = 0; n < FAKE_SERVERS; n++)
			ck_assert(json_object_get(
				      json_array_get(
					  json_object_get(b, "servers"), n),
				      server[i]) != NULL);
	for (size_t i = 0; i < sizeof(frontend) / sizeof(*frontend); i++)
		ck_assert(
		    json_object_get(
			json_array_get(json_object_get(o, "frontends"), 1),
			frontend[i]) != NULL);
	ck_assert(json_is_array(json_object_get(o, "sentinels")));
	ck_assert(json_is_array(json_object_get(o, "decisions")));
	json_decref(o);
	free(text);
}
END_TEST

/* At most 20 decisions are on the page. */
START_TEST(page_decisions)
{
	char *html;
	size_t n = 0;

	fake_reset();
	for (int i = 0; i < 30; i++)
		fake_decide("redis-2", "redis-1");
	html = render_html();
	for (const char *p = html; (p = strstr(p, "<li>")) != NULL; p++)
		n++;
	ck_assert_uint_eq(n, 20);
	free(html);
}
END_TEST

/* A lag beyond a limit, or not back at half of it; with 10 s and 64 MiB unless
 * told otherwise. In reads or not, and the reason. */
static const struct {
	int64_t ms, bytes;
	bool reads;
	const char *reason;
} lags[] = {
    {12345, 100, false, "lags 12.3 s behind (max-lag 10 s)"},
    {12345, 100, true,
	"lags 12.3 s behind (max-lag 10 s); still used: min-readers"},
    {7000, 73400320, false, "lags 70.0 MiB behind (max-lag-bytes 64.0 MiB)"},
    {7000, 100, false, "lags 7.0 s behind (back at 5 s)"},
    {5000, 41943040, false, "lags 40.0 MiB behind (back at 32.0 MiB)"},
    {-1, -1, false, "lagged when last known"},
    {-1, -1, true, "lagged when last known; still used: min-readers"},
};

/* Why a lagging replica is not used; another reason comes first. */
START_TEST(lag_reasons)
{
	struct monitor_server ms;
	char text[WORDS_MAX];

	fake_reset();
	w.lag[1] = (struct lag){lags[_i].ms, lags[_i].bytes};
	w.lagging[1] = true;
	w.now[1].readable = lags[_i].reads;
	ms = monitor_server(NULL, &w.servers[1]);
	ck_assert_str_eq(reason_words(&w.backend, &ms, text), lags[_i].reason);
	w.unfit[1] = true;
	w.now[1].readable = w.states[1].known.link_up = false;
	ms = monitor_server(NULL, &w.servers[1]);
	ck_assert_str_eq(reason_words(&w.backend, &ms, text),
	    "its link to the primary is down");
}
END_TEST

/* UTF-8 or not, by its first character. */
static const struct {
	const char *text;
	size_t n;
} characters[] = {
    {"a", 1},
    {"\xc3\xa9", 2},
    {"\xe2\x82\xac", 3},
    {"\xf0\x9f\x98\x80", 4},
    {"\xc3", 0},
    {"\xe2\x82", 0},
    {"\x80", 0},
    {"\xc0\x80", 0},
    {"\xe0\x80\x80", 0},
    {"\xed\xa0\x80", 0},
    {"\xf4\x90\x80\x80", 0},
    {"\xf5\x80\x80\x80", 0},
    {"\xff", 0},
};

/* A character is taken as a whole or not at all. */
START_TEST(utf8)
{
	ck_assert_uint_eq(words_utf8(characters[_i].text), characters[_i].n);
}
END_TEST

/* Which server serves which route: writable, readable, replica, expected. */
static const struct {
	enum conf_route route;
	bool writable, readable, replica, fit;
} routes[] = {
    {ROUTE_PRIMARY, true, false, false, true},
    {ROUTE_PRIMARY, false, true, true, false},
    {ROUTE_PRIMARY_PREFERRED, false, true, true, true},
    {ROUTE_PRIMARY_PREFERRED, true, false, false, true},
    {ROUTE_REPLICA, true, false, false, false},
    {ROUTE_REPLICA, false, true, true, true},
    {ROUTE_REPLICA_PREFERRED, true, false, false, true},
    {ROUTE_REPLICA_PREFERRED, false, false, true, false},
    {ROUTE_ANY, false, true, true, true},
    {ROUTE_LOWEST_LATENCY, true, false, false, true},
    {ROUTE_LOWEST_LATENCY, false, false, true, false},
    {ROUTE_ANY_REPLICA, false, false, true, true},
    {ROUTE_ANY_REPLICA, true, false, false, false},
};

/* Each route takes the servers that it names. */
START_TEST(eligible)
{
	struct conf_frontend cf = {.backend = &w.backend};
	struct snapshot_server now = {.up = true, .weight = 1};

	fake_reset();
	cf.route = routes[_i].route;
	now.writable = routes[_i].writable;
	now.readable = routes[_i].readable;
	now.replica = routes[_i].replica;
	ck_assert_int_eq(words_eligible(&cf, &now), routes[_i].fit);
	w.backend.check = CHECK_TCP;
	ck_assert(words_eligible(&cf, &now));
	now.drain = true;
	ck_assert(!words_eligible(&cf, &now));
	now.drain = false;
	now.weight = 0;
	ck_assert(!words_eligible(&cf, &now));
	now.weight = 1;
	now.up = false;
	ck_assert(!words_eligible(&cf, &now));
}
END_TEST

/* admin:s3cret, and what is not that. */
static const struct {
	const char *user, *password, *header;
	bool in;
} logins[] = {
    {NULL, NULL, NULL, true},
    {user, password, NULL, false},
    {user, password, "", false},
    {user, password, "Basic ", false},
    {user, password, "Basic YWRtaW46czNjcmV0", true},
    {user, password, "bAsIc   YWRtaW46czNjcmV0", true},
    {user, password, "Basic YWRtaW46czNjcmV0YWRtaW46czNjcmV0", false},
    {user, password, "Basic YWRtaW46czNjcmV", false},
    {user, password, "Bearer YWRtaW46czNjcmV0", false},
    {user, NULL, "Basic YWRtaW46", true},
    {"a", "b", "Basic YTpi", true},
    {"a", "bc", "Basic YTpiYw==", true},
    {"a", "bcd", "Basic YTpiY2Q=", true},
};

/* Only the right user and password come in. */
START_TEST(auth)
{
	char name[16], secret[16];
	struct conf_stats cs = {.user = name, .password = secret};

	snprintf(name, sizeof(name), "%s",
	    logins[_i].user == NULL ? "" : logins[_i].user);
	snprintf(secret, sizeof(secret), "%s",
	    logins[_i].password == NULL ? "" : logins[_i].password);
	if (logins[_i].user == NULL)
		cs.user = NULL;
	ck_assert_int_eq(auth_allows(&cs, logins[_i].header), logins[_i].in);
}
END_TEST

/* Several users come in, each with its own password only. */
START_TEST(auth_several)
{
	static const struct {
		const char *header;
		bool in;
	} headers[] = {{"Basic YWRtaW46czNjcmV0", true}, /* admin:s3cret */
	    {"Basic Ym9iOmI6Yg==", true},                /* bob:b:b */
	    {"Basic ZXZlOmU=", true},                    /* eve:e */
	    {"Basic Ym9iOmU=", false},                   /* bob:e */
	    {"Basic bWFsOm0=", false},                   /* mal:m */
	    {NULL, false}};
	char name[] = "admin", secret[] = "s3cret", bob[] = "bob:b:b",
	     eve[] = "eve:e", *more[] = {bob, eve};
	struct conf_stats cs = {
	    .user = name, .password = secret, .auth = more, .nauth = 2};
	size_t i;

	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		ck_assert_int_eq(
		    auth_allows(&cs, headers[i].header), headers[i].in);
	cs.user = NULL;
	ck_assert(auth_asks(&cs) && !auth_allows(&cs, headers[0].header));
	ck_assert(auth_allows(&cs, headers[1].header));
}
END_TEST

/* What is rendered, without a server. */
static TCase *
render_cases(void)
{
	TCase *t = tcase_create("render");

	tcase_add_loop_test(t, renders, 0, ALL(situations));
	tcase_add_loop_test(t, plain_text, 0, ALL(statuses));
	tcase_add_test(t, plain_text_clean);
	tcase_add_test(t, plain_text_decisions);
	tcase_add_test(t, json_keys);
	tcase_add_test(t, page_decisions);
	tcase_add_loop_test(t, lag_reasons, 0, ALL(lags));
	tcase_add_loop_test(t, utf8, 0, ALL(characters));
	tcase_add_loop_test(t, eligible, 0, ALL(routes));
	tcase_add_loop_test(t, auth, 0, ALL(logins));
	tcase_add_test(t, auth_several);
	return t;
}

/* All of them. */
int
main(void)
{
	Suite *suite = suite_create("stats");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, render_cases());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
