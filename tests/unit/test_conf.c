/*
 * conf/: what files mean, and every word about files that mean nothing. Run
 * from the root of the repository.
 */
#include <sys/stat.h>

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/keys.h"
#include "conf/load.h"

#define CASES  "tests/unit/conf_broken.cases"
#define REDIS  "[backend redis]\nserver = a 10.0.0.1:6379\n"
#define WRITE  "[frontend write]\nbind = 127.0.0.1:9000\nbackend = redis\n"
#define SECRET "s3cr#t ; \"x\" # y"

static char dir[] = "/tmp/test_conf.XXXXXX";
static int dir_fd, root_fd;
static struct conf_problems problems;

/* Start in an empty directory of our own. */
static void
setup(void)
{
	root_fd = open(".", O_RDONLY | O_DIRECTORY);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(fchdir(dir_fd), 0);
	memset(&problems, 0, sizeof(problems));
	setenv("ROLEPROXY_TEST_EMPTY", "", 1);
	unsetenv("ROLEPROXY_TEST_UNSET");
}

/* Leave nothing behind. */
static void
teardown(void)
{
	static const char *const names[] = {
	    "x.ini", "y.ini", "x.cfg", "password"};
	size_t i;

	conf_problems_clear(&problems);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(dir_fd, names[i], 0);
	ck_assert_int_eq(rmdir(dir), 0);
	close(dir_fd);
	close(root_fd);
}

/* Write a file of that content. */
static void
write_bytes(const char *name, const char *bytes, size_t len)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

/* Write a file of that text. */
static void
write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

/* Load x.ini with that text. */
static struct conf *
load_text(const char *text)
{
	const char *const files[] = {"x.ini"};

	write_text("x.ini", text);
	conf_problems_clear(&problems);
	return conf_load(files, 1, &problems);
}

/* All problems, one a line, as a new string. */
static char *
problem_text(void)
{
	char *text;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);

	for (i = 0; i < problems.n; i++)
		fprintf(f, "%s%s\n",
		    problems.list[i].severity == CONF_WARNING ? "warning: "
							      : "",
		    problems.list[i].text);
	fclose(f);
	return text;
}

/* Exactly these problems. */
static void
expect_problems(const char *expected)
{
	char *text = problem_text();

	ck_assert_str_eq(text, expected);
	free(text);
}

/* Load x.ini with that text, which has no problem. */
static struct conf *
load_good(const char *text)
{
	struct conf *conf = load_text(text);

	expect_problems("");
	ck_assert_ptr_nonnull(conf);
	return conf;
}

/* A file of the repository, which has no problem. */
static struct conf *
load_ours(const char *name)
{
	struct conf *conf;

	ck_assert_int_eq(fchdir(root_fd), 0);
	conf = conf_load(&name, 1, &problems);
	ck_assert_int_eq(fchdir(dir_fd), 0);
	expect_problems("");
	ck_assert_ptr_nonnull(conf);
	return conf;
}

/* One line of a case's configuration, with its \xHH and %words, into f. */
static void
expand_line(FILE *f, const char *line)
{
	unsigned byte;
	long n;

	if (strcmp(line, "%redis\n") == 0) {
		fputs(REDIS, f);
	} else if (strcmp(line, "%write\n") == 0) {
		fputs(WRITE, f);
	} else if (strncmp(line, "%long ", 6) == 0) {
		for (n = strtol(line + 6, NULL, 10); n > 0; n--)
			putc('x', f);
		putc('\n', f);
	} else {
		for (; *line != '\0'; line++) {
			if (sscanf(line, "\\x%2x", &byte) == 1) {
				putc((int)byte, f);
				line += 3;
			} else {
				putc(*line, f);
			}
		}
	}
}

/* One case: its configuration is refused with these words and no others. */
static bool
case_holds(const char *name, const char *text, size_t len, const char *expected)
{
	const char *const files[] = {"x.ini"};
	struct conf *conf;
	char *said;
	bool holds;

	write_bytes("x.ini", text, len);
	conf_problems_clear(&problems);
	conf = conf_load(files, 1, &problems);
	said = problem_text();
	holds =
	    conf == NULL && problems.errors > 0 && strcmp(said, expected) == 0;
	if (!holds)
		fprintf(stderr, "=== %s\n--- said:\n%s--- not:\n%s", name, said,
		    expected);
	conf_free(conf);
	free(said);
	return holds;
}

/* Read the lines up to that mark into a new string, expanded or as they are;
 * the mark's line stays in line. */
static char *
read_part(FILE *in, const char *mark, bool expand, char line[512], size_t *len)
{
	char *text;
	FILE *out = open_memstream(&text, len);

	while (fgets(line, 512, in) != NULL &&
	       strncmp(line, mark, strlen(mark)) != 0) {
		if (expand)
			expand_line(out, line);
		else if (strcmp(line, "\n") != 0)
			fputs(line, out);
	}
	fclose(out);
	return text;
}

START_TEST(test_broken)
{
	char line[512] = "", name[512], *text, *expected;
	int cases = 0, failed = 0, fd = openat(root_fd, CASES, O_RDONLY);
	FILE *in = fdopen(fd, "r");
	size_t len, unused;

	ck_assert_ptr_nonnull(in);
	free(read_part(in, "=== ", false, line, &unused));
	while (strncmp(line, "=== ", 4) == 0) {
		snprintf(name, sizeof(name), "%.*s",
		    (int)strcspn(line + 4, "\n"), line + 4);
		text = read_part(in, "---", true, line, &len);
		expected = read_part(in, "=== ", false, line, &unused);
		cases++;
		failed += !case_holds(name, text, len, expected);
		free(text);
		free(expected);
		if (feof(in))
			break;
	}
	fclose(in);
	ck_assert_int_ge(cases, 60);
	ck_assert_msg(failed == 0, "%d of %d cases", failed, cases);
}
END_TEST

START_TEST(test_minimal)
{
	struct conf *conf = load_ours("conf/minimal.ini");
	const struct conf_backend *b = conf->backends;
	const struct conf_frontend *f = conf->frontends;

	ck_assert_str_eq(conf->path, "conf/minimal.ini");
	ck_assert_uint_eq(conf->nbackends, 1);
	ck_assert_str_eq(b->name, "redis");
	ck_assert_uint_eq(b->nservers, 2);
	ck_assert_str_eq(b->servers[1].name, "redis-slave-1");
	ck_assert_str_eq(b->servers[1].host, "slave-1");
	ck_assert_uint_eq(b->servers[1].port, 6379);
	ck_assert_uint_eq(b->servers[1].weight, 100);
	ck_assert_uint_eq(b->servers[1].line, 6);
	ck_assert_uint_eq(conf->nfrontends, 2);
	ck_assert_ptr_eq(f[0].conf, conf);
	ck_assert_ptr_eq(f[0].backend, b);
	ck_assert_int_eq(f[0].route, ROUTE_PRIMARY);
	ck_assert_int_eq(f[1].route, ROUTE_REPLICA_PREFERRED);
	ck_assert_uint_eq(f[1].bind_lines[0], 14);
	ck_assert(f[0].defer_connect && f[0].no_server_reply);
	ck_assert_uint_eq(conf->stats->nbinds, 1);
	ck_assert_uint_eq(conf->stats->line, 18);
	conf_free(conf);
}
END_TEST

START_TEST(test_sample)
{
	struct conf *conf = load_ours("conf/roleproxy.ini");

	ck_assert_uint_eq(conf->backends[0].nservers, 3);
	conf_free(conf);
}
END_TEST

START_TEST(test_defaults)
{
	struct conf *conf = load_good(REDIS WRITE "[stats]\nbind = :8404\n");
	const struct conf_backend *b = conf->backends;
	const struct conf_frontend *f = conf->frontends;
	const struct conf_global *g = &conf->global;
	const struct conf_stats *s = conf->stats;

	ck_assert(g->workers == 0 && g->maxconn == 20000 && g->nlogs == 1);
	ck_assert(g->logs[0].kind == LOG_TO_STDOUT);
	ck_assert(g->log_level == LEVEL_INFO && g->pidfile == NULL);
	ck_assert(g->session_log == SESSION_LOG_ERRORS);
	ck_assert(g->grace == 5000 && g->drain_delay == 0);
	ck_assert(g->startup_wait == 2000);
	ck_assert(b->check == CHECK_REDIS && b->check_interval == 1000);
	ck_assert(b->check_timeout == 1000 && b->check_fast == 100);
	ck_assert(b->fall == 3 && b->rise == 2 && b->retries == 3);
	ck_assert(b->username == NULL && b->password == NULL);
	ck_assert(b->connect_timeout == 5000 && b->hold == 10000);
	ck_assert(b->server_timeout == 0 && b->fence_after == 2000);
	ck_assert(b->fence == FENCE_AUTO && !b->fence_fast && !b->discover);
	ck_assert(b->nsentinels == 0 && b->master_name == NULL);
	ck_assert(b->sentinel_username == NULL);
	ck_assert(b->sentinel_password == NULL);
	ck_assert(b->max_lag == 10000 && b->max_lag_bytes == 64 << 20);
	ck_assert(b->min_readers == 1 && b->role_lost == ROLE_LOST_KEEP);
	ck_assert(g->ncontrols == 0 && g->control_mode == 0600);
	ck_assert(b->keepalive_idle == 60000 && b->keepalive_count == 6);
	ck_assert(b->keepalive_interval == 10000 && b->user_timeout == 30000);
	ck_assert(f->route == ROUTE_PRIMARY && f->maxconn == 0);
	ck_assert(f->balance == BALANCE_LEASTCONN && f->client_timeout == 0);
	ck_assert(f->nallow == 0 && f->ndeny == 0);
	ck_assert_str_eq(s->uri, "/stats");
	ck_assert(s->nbinds == 1 && s->user == NULL && s->password == NULL);
	ck_assert(s->refresh == 2000 && s->maxconn == 64 && s->hide_version);
	conf_free(conf);
}
END_TEST

START_TEST(test_global)
{
	struct conf *conf = load_good(
	    "[global]\nworkers=16\nmaxconn = 1\nlog = stderr\n"
	    "log = syslog:10.0.0.9:514\nlog = syslog:[::1]:5140/local7\n"
	    "log = syslog:/dev/log/auth\nlog-level = debug\n"
	    "session-log = all\ngrace = 365d\ndrain-delay = 500us\n"
	    "startup-wait = 0\npidfile = /run/x.pid\n"
	    "control-socket = /run/r.sock\ncontrol-mode = 660\n"
	    "control-socket = /run/s.sock mode=600 level=admin\n"
	    "control-socket = 127.0.0.1:9999 level=operator\n"
	    "control-timeout = 2m\n" REDIS WRITE);
	const struct conf_global *g = &conf->global;
	char text[ADDR_STR_MAX];

	ck_assert(g->workers == 16 && g->maxconn == 1 && g->nlogs == 4);
	ck_assert(g->logs[0].kind == LOG_TO_STDERR);
	ck_assert(g->logs[1].kind == LOG_TO_SYSLOG);
	ck_assert_int_eq(g->logs[1].facility, 3);
	ck_assert_str_eq(addr_str(&g->logs[1].addr, text), "10.0.0.9:514");
	ck_assert_int_eq(g->logs[2].facility, 23);
	ck_assert_str_eq(addr_str(&g->logs[2].addr, text), "[::1]:5140");
	ck_assert_int_eq(g->logs[3].facility, 4);
	ck_assert_str_eq(addr_str(&g->logs[3].addr, text), "unix:/dev/log");
	ck_assert(g->log_level == LEVEL_DEBUG);
	ck_assert(g->session_log == SESSION_LOG_ALL);
	ck_assert(g->grace == 31536000000 && g->drain_delay == 1);
	ck_assert_int_eq(g->startup_wait, 0);
	ck_assert_str_eq(g->pidfile, "/run/x.pid");
	ck_assert_uint_eq(g->ncontrols, 3);
	ck_assert_str_eq(
	    addr_str(&g->controls[0].addr, text), "unix:/run/r.sock");
	ck_assert(!g->controls[0].has_mode && !g->controls[0].has_level);
	ck_assert_uint_eq(g->controls[1].mode, 0600);
	ck_assert(g->controls[1].level == ALLOW_ADMIN);
	ck_assert_str_eq(
	    addr_str(&g->controls[2].addr, text), "127.0.0.1:9999");
	ck_assert(g->controls[2].level == ALLOW_OPERATOR);
	ck_assert_int_eq(g->control_timeout, 120000);
	ck_assert_uint_eq(g->control_mode, 0660);
	conf_free(conf);
}
END_TEST

START_TEST(test_backend)
{
	struct conf *conf = load_good(
	    "[backend r.1:x_y-z]\n"
	    "server = a  master:6379\tweight=256 maxconn=7 backup disabled\n"
	    "server = b [fe80::1]:1\n"
	    "check-interval = 2s\ncheck-timeout = 300ms\ncheck-fast = 10ms\n"
	    "fall = 1\nrise = 1\nusername = u\npassword = p\n"
	    "connect-timeout = 1s\nserver-timeout = 1h\nhold = 0\n"
	    "retries = 0\nfence-after = 3s\nkeepalive = off\n"
	    "user-timeout = 0\n[frontend f]\nbind=:1\nbackend=r.1:x_y-z\n");
	const struct conf_backend *b = conf->backends;
	const struct conf_server *s = b->servers;

	ck_assert(s[0].weight == 256 && s[0].maxconn == 7);
	ck_assert(s[0].backup && s[0].disabled && s[0].line == 2);
	ck_assert(s[1].weight == 100 && s[1].maxconn == 0 && s[1].port == 1);
	ck_assert(!s[1].backup && !s[1].disabled);
	ck_assert_str_eq(s[1].host, "fe80::1");
	ck_assert(b->check_interval == 2000 && b->check_timeout == 300);
	ck_assert(b->check_fast == 10 && b->fall == 1 && b->rise == 1);
	ck_assert_str_eq(b->username, "u");
	ck_assert_str_eq(b->password, "p");
	ck_assert(b->connect_timeout == 1000 && b->hold == 0);
	ck_assert(b->server_timeout == 3600000 && b->retries == 0);
	ck_assert(b->fence_after == 3000 && b->keepalive_idle == 0);
	ck_assert_int_eq(b->user_timeout, 0);
	conf_free(conf);
}
END_TEST

/* What decides who writes, and who may be read from. */
START_TEST(test_roles)
{
	struct conf *conf = load_good(REDIS
	    "sentinel = 10.0.0.9:26379 ; one\nsentinel = [::1]:26380\n"
	    "master-name = my.master\nsentinel-username = u\n"
	    "sentinel-password = " SECRET "\npassword = p\nfence = strict\n"
	    "fence-fast = on\ndiscover = on\nmax-lag = 0\n"
	    "max-lag-bytes = 8g\nmin-readers = 0\n"
	    "on-role-lost = drain \t30s\n" WRITE);
	const struct conf_backend *b = conf->backends;

	ck_assert_uint_eq(b->nsentinels, 2);
	ck_assert_str_eq(b->sentinels[0].host, "10.0.0.9");
	ck_assert_str_eq(b->sentinels[1].host, "::1");
	ck_assert_uint_eq(b->sentinels[1].port, 26380);
	ck_assert_uint_eq(b->sentinels[1].line, 4);
	ck_assert_str_eq(b->master_name, "my.master");
	ck_assert_str_eq(b->sentinel_username, "u");
	ck_assert_str_eq(b->sentinel_password, SECRET);
	ck_assert_str_eq(b->password, "p");
	ck_assert(b->fence == FENCE_STRICT && b->fence_fast && b->discover);
	ck_assert(b->max_lag == 0 && b->max_lag_bytes == 8ULL << 30);
	ck_assert(b->min_readers == 0 && b->role_lost == ROLE_LOST_DRAIN);
	ck_assert_int_eq(b->role_lost_drain, 30000);
	conf_free(conf);
	setenv("ROLEPROXY_TEST_SECRET", SECRET, 1);
	conf = load_good(REDIS "sentinel-password-env = ROLEPROXY_TEST_SECRET\n"
			       "on-role-lost = close\n" WRITE);
	ck_assert_str_eq(conf->backends[0].sentinel_password, SECRET);
	ck_assert_ptr_null(conf->backends[0].password);
	ck_assert_int_eq(conf->backends[0].role_lost, ROLE_LOST_CLOSE);
	conf_free(conf);
}
END_TEST

START_TEST(test_frontend)
{
	static const char *const binds[] = {"[::]:1", "0.0.0.0:2", "[::1]:3",
	    "127.0.0.1:4", "unix:/run/r x.sock", "[::]:5 interface=lo v6only",
	    "0.0.0.0:5"};
	struct conf *conf = load_good(REDIS
	    "[frontend f]\nbind = :1\nbind = *:2\nbind = [::1]:3\n"
	    "bind = 127.0.0.1:4\nbind = unix:/run/r x.sock\n"
	    "bind = :5 v6only  interface=lo\nbind = *:5\nbackend = redis\n"
	    "route = lowest-latency\nbalance = source\nmaxconn = 5\n"
	    "client-timeout = 1m\ndefer-connect = off\nno-server-reply = off\n"
	    "allow = 10.0.0.0/8\nallow = fd00::/8\ndeny = 10.0.0.66\n");
	const struct conf_frontend *f = conf->frontends;
	struct addr a;
	char text[ADDR_STR_MAX];
	size_t i;

	ck_assert_uint_eq(f->nbinds, 7);
	for (i = 0; i < f->nbinds; i++) {
		ck_assert_str_eq(addr_str(&f->binds[i], text), binds[i]);
		ck_assert_uint_eq(f->bind_lines[i], i + 4);
	}
	ck_assert(f->route == ROUTE_LOWEST_LATENCY);
	ck_assert(f->balance == BALANCE_SOURCE && f->maxconn == 5);
	ck_assert(f->client_timeout == 60000);
	ck_assert(!f->defer_connect && !f->no_server_reply);
	ck_assert(f->nallow == 2 && f->ndeny == 1 && f->line == 3);
	ck_assert_int_eq(addr_parse_ip("10.0.0.66", 0, &a), 0);
	ck_assert(f->deny[0].bits == 128);
	conf_free(conf);
}
END_TEST

START_TEST(test_stats)
{
	struct conf *conf = load_good(
	    REDIS WRITE "[stats]\nbind = :8404\nuri = /\nuser = admin\n"
			"password = " SECRET "\nrefresh = 0\nmaxconn = 1\n"
			"hide-version = off\n");
	const struct conf_stats *s = conf->stats;

	ck_assert_str_eq(s->uri, "/");
	ck_assert_str_eq(s->user, "admin");
	ck_assert_str_eq(s->password, SECRET);
	ck_assert(s->refresh == 0 && s->maxconn == 1 && !s->hide_version);
	conf_free(conf);
}
END_TEST

/* Without roles there is one route, and no Redis manners. */
START_TEST(test_tcp)
{
	struct conf *conf =
	    load_good(REDIS "check = tcp\n" WRITE "balance = random\n");
	const struct conf_frontend *f = conf->frontends;

	ck_assert_int_eq(f->route, ROUTE_ANY);
	ck_assert(!f->defer_connect && !f->no_server_reply);
	conf_free(conf);
	conf = load_good(
	    REDIS "check = none\n" WRITE "route = any\ndefer-connect = on\n");
	ck_assert(conf->frontends[0].defer_connect);
	conf_free(conf);
}
END_TEST

START_TEST(test_pace)
{
	struct conf *conf = load_good(REDIS "check-interval = 50ms\n" WRITE);

	ck_assert_int_eq(conf->backends[0].check_fast, 50);
	conf_free(conf);
}
END_TEST

/* Byte order mark, CRLF, blanks, comments, no newline at the end. */
START_TEST(test_layout)
{
	struct conf *conf = load_good(
	    "\xef\xbb\xbf; caf\xc3\xa9\r\n\t[ backend   redis ] ; one\r\n"
	    "\r\n   server=a 10.0.0.1:6379 backup\t# two\r\n"
	    "   # three\r\n  hold\t=\t3s\t;four = 4\r\n"
	    "[frontend write]#five\r\nbind = unix:/run/a#b;c\r\n"
	    "backend = redis");

	ck_assert_int_eq(conf->backends[0].hold, 3000);
	ck_assert(conf->backends[0].servers[0].backup);
	ck_assert_uint_eq(conf->backends[0].servers[0].line, 4);
	ck_assert_str_eq(conf->frontends[0].binds[0].u.path, "/run/a#b;c");
	conf_free(conf);
}
END_TEST

/* What inih would cut: long names, long values, long lines. */
START_TEST(test_long)
{
	char text[8192], password[4097 - 11];
	struct conf *conf;

	memset(password, 'p', sizeof(password) - 1);
	password[sizeof(password) - 1] = '\0';
	snprintf(text, sizeof(text),
	    "[backend a23456789012345678901234567890123456789012345678901"
	    "234567890]\nserver = %063d 10.0.0.1:6379\npassword = %s\r\n"
	    "[frontend f]\nbind = :1\nbackend = a2345678901234567890123456"
	    "7890123456789012345678901234567890\n",
	    7, password);
	conf = load_good(text);
	ck_assert_uint_eq(strlen(conf->backends[0].name), 60);
	ck_assert_uint_eq(strlen(conf->backends[0].servers[0].name), 63);
	ck_assert_str_eq(conf->backends[0].password, password);
	conf_free(conf);
}
END_TEST

/* A password is the raw rest of its line, from wherever it comes. */
START_TEST(test_passwords)
{
	static const char *const raw[] = {
	    SECRET, "\"quoted\"", ";", "#x", "a=b:c", "p\xc3\xa4ss", "x  ; y"};
	char text[512];
	struct conf *conf;
	size_t i;

	for (i = 0; i < sizeof(raw) / sizeof(raw[0]); i++) {
		snprintf(text, sizeof(text), REDIS "password = %s \t\r\n" WRITE,
		    raw[i]);
		conf = load_good(text);
		ck_assert_str_eq(conf->backends[0].password, raw[i]);
		conf_free(conf);
	}
	setenv("ROLEPROXY_TEST_SECRET", " " SECRET " ", 1);
	conf = load_good(REDIS "password-env = ROLEPROXY_TEST_SECRET\n" WRITE);
	ck_assert_str_eq(conf->backends[0].password, " " SECRET " ");
	conf_free(conf);
}
END_TEST

/* The first line of a file, without its end; who can read it is told. */
START_TEST(test_password_file)
{
	char text[512], expected[512];
	struct conf *conf;

	snprintf(text, sizeof(text),
	    REDIS "password-file = %s/password\n" WRITE, dir);
	umask(077);
	write_text("password", SECRET "\r\nanother\n");
	conf = load_good(text);
	ck_assert_str_eq(conf->backends[0].password, SECRET);
	conf_free(conf);
	write_text("password", "no newline ");
	ck_assert_int_eq(chmod("password", 0644), 0);
	conf = load_text(text);
	snprintf(expected, sizeof(expected),
	    "warning: x.ini:3: password-file %s/password: every user of the "
	    "system can read it\n",
	    dir);
	expect_problems(expected);
	ck_assert_str_eq(conf->backends[0].password, "no newline ");
	conf_free(conf);
	ck_assert_int_eq(chmod("password", 0600), 0);
	write_text("password", "\nsecond\n");
	ck_assert_ptr_null(load_text(text));
	snprintf(expected, sizeof(expected),
	    "x.ini:3: password-file %s/password: its first line is empty\n",
	    dir);
	expect_problems(expected);
	write_bytes("password", "a\0b\n", 4);
	ck_assert_ptr_null(load_text(text));
	snprintf(expected, sizeof(expected),
	    "x.ini:3: password-file %s/password: it holds a NUL byte\n", dir);
	expect_problems(expected);
}
END_TEST

/* Several files are one configuration; problems come in their order. */
START_TEST(test_files)
{
	const char *const files[] = {"y.ini", "x.ini"};
	struct conf *conf;

	write_text("x.ini", REDIS);
	write_text("y.ini", WRITE);
	conf = conf_load(files, 2, &problems);
	expect_problems("");
	ck_assert_str_eq(conf->path, "y.ini");
	ck_assert_ptr_eq(conf->frontends[0].backend, conf->backends);
	conf_free(conf);
	write_text("x.ini", REDIS "rise = 0\n" WRITE);
	write_text("y.ini", "\n" WRITE "route = x\n");
	ck_assert_ptr_null(conf_load(files, 2, &problems));
	expect_problems("y.ini:5: route: 'x' is not one of primary, "
			"primary-preferred, replica, replica-preferred, any, "
			"any-replica, lowest-latency\n"
			"x.ini:3: rise: '0' is out of range: 1 to 1000\n"
			"x.ini:4: [frontend write] already stands at "
			"y.ini:2\n");
}
END_TEST

START_TEST(test_other_file)
{
	const char *const files[] = {"x.ini", "y.ini"};

	write_text("x.ini", REDIS WRITE);
	write_text("y.ini", "[stats]\nbind = *:9000\n");
	ck_assert_ptr_null(conf_load(files, 2, &problems));
	expect_problems("y.ini:2: 0.0.0.0:9000 overlaps with 127.0.0.1:9000 "
			"of x.ini:4\n");
}
END_TEST

/* Files that cannot be read at all. */
START_TEST(test_unreadable)
{
	const char *const files[] = {
	    "y.ini", "/", "x.cfg", "/dev/zero", "/dev/null"};

	ck_assert_ptr_null(conf_load(files, 5, &problems));
	expect_problems("y.ini: cannot open: No such file or directory\n"
			"/: Is a directory\n"
			"x.cfg: cannot open: No such file or directory\n"
			"/dev/zero: larger than 16 MiB\n"
			"/dev/null: there is no [section]\n");
	ck_assert(!problems.no_listener);
}
END_TEST

START_TEST(test_no_listener)
{
	ck_assert_ptr_null(load_text(REDIS));
	ck_assert(problems.no_listener);
	ck_assert_ptr_null(load_text(REDIS "rise = 0\n"));
	ck_assert(!problems.no_listener);
	ck_assert_ptr_null(load_text("[frontend]\n"));
	ck_assert(!problems.no_listener);
}
END_TEST

START_TEST(test_warnings)
{
	conf_free(load_text(REDIS "[backend other]\nserver = a b:1\n" WRITE
				  "balance = first\nmaxconn = 30000\n"));
	expect_problems(
	    "warning: x.ini:3: no frontend uses backend 'other'\n"
	    "warning: x.ini:8: balance does nothing with route = primary: "
	    "there is only one\n"
	    "warning: x.ini:9: maxconn = 30000 is more than maxconn = 20000 "
	    "of [global]\n");
	ck_assert_uint_eq(problems.errors, 0);
}
END_TEST

START_TEST(test_too_many)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int i;

	fputs("[backend redis]\n", f);
	for (i = 1; i <= 1025; i++)
		fprintf(f, "server = s%d 10.0.0.1:%d\n", i, i);
	for (i = 1; i <= 257; i++)
		fprintf(
		    f, "[frontend f%d]\nbind = :%d\nbackend = redis\n", i, i);
	fclose(f);
	ck_assert_ptr_null(load_text(text));
	expect_problems("x.ini: 1025 servers, but at most 1024 are possible\n"
			"x.ini: 257 frontends, but at most 256 are possible\n");
	free(text);
}
END_TEST

START_TEST(test_reload)
{
	struct conf *a = load_good(REDIS WRITE), *b, *c;

	b = load_good(
	    "[global]\nworkers = 2\nmaxconn = 5\n"
	    "pidfile = /run/x.pid\ncontrol-socket = /run/x\n" REDIS WRITE);
	c = load_good("[global]\nworkers = 2\npidfile = /run/x.pid\n"
		      "control-socket = /run/x\n" REDIS WRITE);
	conf_reload_warnings(a, a, &problems);
	conf_reload_warnings(b, c, &problems);
	expect_problems("");
	conf_reload_warnings(a, b, &problems);
	expect_problems("warning: x.ini: control-socket of [global] changed: "
			"that takes effect only at a restart\n"
			"warning: x.ini: pidfile of [global] changed: that "
			"takes effect only at a restart\n"
			"warning: x.ini: workers of [global] changed: that "
			"takes effect only at a restart\n");
	conf_free(a);
	conf_free(b);
	conf_free(c);
}
END_TEST

/* The table is in order, and conf_new() takes every default. */
START_TEST(test_table)
{
	struct conf *conf = conf_new();
	size_t i;

	for (i = 1; i < nkeys; i++) {
		ck_assert_msg(
		    keys[i - 1].section < keys[i].section ||
			(keys[i - 1].section == keys[i].section &&
			    strcmp(keys[i - 1].name, keys[i].name) < 0),
		    "%s", keys[i].name);
	}
	for (i = 0; i < nkeys; i++) {
		ck_assert_ptr_eq(
		    key_find(keys[i].section, keys[i].name), &keys[i]);
		ck_assert_ptr_nonnull(keys[i].help);
		ck_assert(!keys[i].fixed || keys[i].section == SECTION_GLOBAL);
	}
	ck_assert_uint_eq(conf->global.maxconn, 20000);
	ck_assert_uint_eq(conf->nfrontends, 0);
	ck_assert_uint_eq(atomic_load(&conf->use->worker[15].sessions), 0);
	conf_free(conf);
	conf_free(NULL);
}
END_TEST

START_TEST(test_words)
{
	ck_assert_str_eq(conf_check_str(CHECK_NONE), "none");
	ck_assert_str_eq(
	    conf_route_str(ROUTE_LOWEST_LATENCY), "lowest-latency");
	ck_assert_str_eq(conf_balance_str(BALANCE_FIRST), "first");
	ck_assert_str_eq(conf_fence_str(FENCE_OFF), "off");
	ck_assert_str_eq(key_nearest(SECTION_BACKEND, "chekc"), "check");
	ck_assert_ptr_null(key_nearest(SECTION_BACKEND, "interval"));
	ck_assert_ptr_null(key_nearest(SECTION_BACKEND, ""));
}
END_TEST

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("conf");
	TCase *tc = tcase_create("conf");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_broken);
	tcase_add_test(tc, test_minimal);
	tcase_add_test(tc, test_sample);
	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_global);
	tcase_add_test(tc, test_backend);
	tcase_add_test(tc, test_roles);
	tcase_add_test(tc, test_frontend);
	tcase_add_test(tc, test_stats);
	tcase_add_test(tc, test_tcp);
	tcase_add_test(tc, test_pace);
	tcase_add_test(tc, test_layout);
	tcase_add_test(tc, test_long);
	tcase_add_test(tc, test_passwords);
	tcase_add_test(tc, test_password_file);
	tcase_add_test(tc, test_files);
	tcase_add_test(tc, test_other_file);
	tcase_add_test(tc, test_unreadable);
	tcase_add_test(tc, test_no_listener);
	tcase_add_test(tc, test_warnings);
	tcase_add_test(tc, test_too_many);
	tcase_add_test(tc, test_reload);
	tcase_add_test(tc, test_table);
	tcase_add_test(tc, test_words);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
