/*
 * base/log.c: what a line looks like, where it goes, and what happens when it
 * cannot go anywhere.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_out.h"

static const struct log_target to_stdout = {
    .kind = LOG_TO_STDOUT, .level = LEVEL_DEBUG};
static int stdout_pipe[2];
static int old_stdout;
static char got[1 << 22];

/* Put a pipe in the place of stdout. */
static void
catch_stdout(void)
{
	ck_assert_int_eq(pipe2(stdout_pipe, O_CLOEXEC), 0);
	old_stdout = dup(STDOUT_FILENO);
	dup2(stdout_pipe[1], STDOUT_FILENO);
	close(stdout_pipe[1]);
}

/* Give stdout back. */
static void
release_stdout(void)
{
	dup2(old_stdout, STDOUT_FILENO);
	close(old_stdout);
}

/* All that was written to stdout, up to its end, as a string. */
static char *
read_stdout(void)
{
	size_t len = 0;
	ssize_t n;

	release_stdout();
	while (len < sizeof(got) - 1 &&
	       (n = read(stdout_pipe[0], got + len, sizeof(got) - 1 - len)) > 0)
		len += (size_t)n;
	got[len] = '\0';
	close(stdout_pipe[0]);
	return got;
}

/* A message and how it is printed. */
static const char *const messages[][2] = {
    {"plain", "plain"},
    {"", ""},
    {"two\nlines\r", "two\\x0alines\\x0d"},
    {"\x1b[31mred\t\x7f", "\\x1b[31mred\\x09\\x7f"},
    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"\xc2\x9b"
     "31m",
	"\\xc2\\x9b31m"},
    {"\x9b\xff\xc3", "\\x9b\\xff\\xc3"},
    {"\xc0\x8a \xe0\x80\x8a", "\\xc0\\x8a \\xe0\\x80\\x8a"},
    {"\xe2\x82", "\\xe2\\x82"},
    {"50% %s %n", "50% %s %n"},
    {"C:\\x0a", "C:\\x0a"},
};

START_TEST(test_format)
{
	const char *in = messages[_i][0], *out = messages[_i][1];
	char *text;

	catch_stdout();
	ck_assert_int_eq(log_open(&to_stdout, 1, LEVEL_INFO), 0);
	errno = EXDEV;
	log_warn("%s", in);
	ck_assert_int_eq(errno, EXDEV);
	log_close();
	text = read_stdout();
	/* 2026-11-21T03:12:07.123+09:00 WARN  message */
	ck_assert_uint_eq(strlen(text), 29 + 7 + strlen(out) + 1);
	ck_assert_int_eq(text[10], 'T');
	ck_assert_int_eq(text[19], '.');
	ck_assert(text[23] == '+' || text[23] == '-');
	ck_assert_mem_eq(text + 29, " WARN  ", 7);
	ck_assert_mem_eq(text + 36, out, strlen(out));
	ck_assert_str_eq(text + 36 + strlen(out), "\n");
}
END_TEST

/* A message of that many bytes, and how many are printed with the cut mark. */
static const size_t lengths[][2] = {
    {1023, 1023}, {1024, 1024}, {1025, 1024}, {5000, 1024}};

START_TEST(test_length)
{
	size_t len = lengths[_i][0], printed = lengths[_i][1];
	bool cut = len > printed;
	char in[5001], *text;

	memset(in, 'x', len);
	in[len] = '\0';
	catch_stdout();
	ck_assert_int_eq(log_open(&to_stdout, 1, LEVEL_INFO), 0);
	log_error("%s", in);
	/* A character is never cut in two. */
	if (cut)
		memcpy(in + 1019, "\xc3\xa9\xc3\xa9\xc3\xa9", 6);
	log_error("%s", in);
	log_close();
	text = read_stdout();
	ck_assert_uint_eq(strcspn(text, "\n"), 36 + printed);
	ck_assert((strstr(text, "xx\xe2\x80\xa6\n") != NULL) == cut);
	text = strchr(text, '\n') + 1;
	if (cut)
		ck_assert_str_eq(text + 36 + 1018, "x\xc3\xa9\xe2\x80\xa6\n");
}
END_TEST

START_TEST(test_levels)
{
	char *text;

	catch_stdout();
	ck_assert_int_eq(log_open(&to_stdout, 1, LEVEL_WARN), 0);
	ck_assert(log_enabled(LEVEL_ERROR));
	ck_assert(!log_enabled(LEVEL_INFO));
	log_error("one");
	log_info("two");
	log_debug("three");
	ck_assert_int_eq(log_change(&to_stdout, 1, LEVEL_DEBUG), 0);
	log_debug("four");
	log_close();
	text = read_stdout();
	ck_assert_ptr_nonnull(strstr(text, " ERROR one\n"));
	ck_assert_ptr_null(strstr(text, "two"));
	ck_assert_ptr_null(strstr(text, "three"));
	ck_assert_ptr_nonnull(strstr(text, " DEBUG four\n"));
}
END_TEST

/* A few lines of each thread; the odd ones have a ring. */
#define THREADS      6
#define THREAD_LINES 300

static void *
thread_main(void *arg)
{
	int i, id = *(int *)arg;

	if (id % 2 == 1 && log_thread() != 0)
		return arg;
	for (i = 0; i < THREAD_LINES; i++)
		log_info("thread %d line %d", id, i);
	return NULL;
}

/* Every thread's lines are all there, whole, and in their order. */
static void
expect_lines(const char *text)
{
	int next[THREADS] = {0}, id, line, i;
	const char *p;

	for (p = text; *p != '\0'; p = strchr(p, '\n') + 1) {
		ck_assert_int_eq(
		    sscanf(p + 36, "thread %d line %d\n", &id, &line), 2);
		ck_assert_int_eq(line, next[id]++);
	}
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(next[i], THREAD_LINES);
}

START_TEST(test_threads)
{
	pthread_t threads[THREADS];
	int ids[THREADS], i, round;
	void *bad;

	/* Twice: rings of the first time are not used again. */
	for (round = 0; round < 2; round++) {
		catch_stdout();
		fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 1 << 18);
		ck_assert_int_eq(log_open(&to_stdout, 1, LEVEL_INFO), 0);
		for (i = 0; i < THREADS; i++) {
			ids[i] = i;
			ck_assert_int_eq(pthread_create(&threads[i], NULL,
					     thread_main, &ids[i]),
			    0);
		}
		for (i = 0; i < 20; i++)
			ck_assert_int_eq(
			    log_change(&to_stdout, 1, LEVEL_INFO), 0);
		for (i = 0; i < THREADS; i++) {
			pthread_join(threads[i], &bad);
			ck_assert_ptr_null(bad);
		}
		log_close();
		expect_lines(read_stdout());
		ck_assert_uint_eq(log_dropped(), 0);
	}
}
END_TEST

/* Nobody reads: the ring drops, log_line() and log_close() do not hang. */
START_TEST(test_blocked)
{
	int64_t start;
	int i;

	catch_stdout();
	ck_assert_int_eq(log_open(&to_stdout, 1, LEVEL_INFO), 0);
	ck_assert_int_eq(log_thread(), 0);
	start = clock_ms();
	for (i = 0; i < 10000; i++)
		log_info("line %d with some words to fill the pipe", i);
	ck_assert_int_lt(clock_ms() - start, 1000);
	ck_assert_uint_gt(log_dropped(), 1000);
	start = clock_ms();
	log_close();
	ck_assert_int_lt(clock_ms() - start, 2500);
	ck_assert_ptr_nonnull(strstr(read_stdout(), "line 0 "));
}
END_TEST

/* When the pipe is read again, the log says what is missing. */
START_TEST(test_dropped)
{
	uint64_t before;
	size_t len = 0;
	ssize_t n;
	int i;

	catch_stdout();
	ck_assert_int_eq(log_open(&to_stdout, 1, LEVEL_INFO), 0);
	for (i = 0; log_dropped() == 0; i++)
		log_info("line %d with some words to fill the pipe", i);
	while (strstr(got, "lines dropped: ") == NULL) {
		n = read(stdout_pipe[0], got + len, sizeof(got) - 1 - len);
		ck_assert_int_gt(n, 0);
		len += (size_t)n;
		got[len] = '\0';
	}
	fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 1 << 18);
	/* The report may come while the ring is still full. */
	do {
		before = log_dropped();
		log_info("the end");
	} while (log_dropped() != before);
	log_close();
	ck_assert_ptr_nonnull(strstr(read_stdout(), "the end\n"));
}
END_TEST

/* A closed pipe kills nobody, and other targets go on. */
START_TEST(test_closed)
{
	struct log_target both[2] = {to_stdout, {.kind = LOG_TO_SYSLOG,
						    .format = LOG_SYSLOG,
						    .level = LEVEL_DEBUG}};
	int pair[2], i;
	char line[256];
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/roleproxy-log-%d.sock",
	    getpid());
	unlink(un.sun_path);
	pair[0] = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(pair[0], (struct sockaddr *)&un, sizeof(un)), 0);
	both[1].addr.family = AF_UNIX;
	both[1].facility = 16;
	strcpy(both[1].addr.u.path, un.sun_path);
	catch_stdout();
	close(stdout_pipe[0]);
	ck_assert_int_eq(log_open(both, 2, LEVEL_INFO), 0);
	for (i = 0; i < 5; i++) {
		log_info("still here");
		ck_assert_int_gt(recv(pair[0], line, sizeof(line), 0), 0);
	}
	log_close();
	release_stdout();
	close(pair[0]);
	unlink(un.sun_path);
}
END_TEST

/* A syslog daemon on a UDP port of its own. */
static int
syslog_open(struct log_target *target)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(
	    addr_parse_ip("127.0.0.1", target->addr.port, &target->addr), 0);
	len = addr_to_sockaddr(&target->addr, &ss);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&ss, len), 0);
	len = sizeof(ss);
	getsockname(fd, (struct sockaddr *)&ss, &len);
	addr_from_sockaddr((struct sockaddr *)&ss, len, &target->addr);
	return fd;
}

/* Read one datagram; false if none comes for so long. */
static bool
syslog_read(int fd, char *buf, size_t size, int ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	ssize_t n;

	if (poll(&pfd, 1, ms) != 1)
		return false;
	n = recv(fd, buf, size - 1, 0);
	ck_assert_int_ge(n, 0);
	buf[n] = '\0';
	return true;
}

START_TEST(test_syslog)
{
	struct log_target target = {.kind = LOG_TO_SYSLOG,
	    .format = LOG_SYSLOG,
	    .level = LEVEL_DEBUG,
	    .facility = 16};
	int fd = syslog_open(&target), pid, chars = 0;
	char buf[256];

	ck_assert_int_eq(log_open(&target, 1, LEVEL_INFO), 0);
	log_warn("a\nb");
	ck_assert(syslog_read(fd, buf, sizeof(buf), 5000));
	/* <132>Nov 21 03:12:07 roleproxy[123]: a\x0ab */
	ck_assert_int_eq(sscanf(buf,
			     "<132>%*3[A-Za-z] %*2d %*2d:%*2d:%*2d "
			     "roleproxy[%d]: a\\x0ab\n%n",
			     &pid, &chars),
	    1);
	ck_assert_int_eq(pid, getpid());
	ck_assert_uint_eq((size_t)chars, strlen(buf));
	ck_assert_int_eq(buf[5 + 3], ' ');
	/* The daemon is away, and comes back under the same address. */
	close(fd);
	log_info("lost");
	log_info("lost, too");
	fd = syslog_open(&target);
	do
		log_info("back");
	while (!syslog_read(fd, buf, sizeof(buf), 100));
	ck_assert_ptr_nonnull(strstr(buf, "]: "));
	log_close();
	close(fd);
}
END_TEST

/* /dev/log that is missing at the start is no error, and is found later. */
START_TEST(test_syslog_late)
{
	struct log_target target = {.kind = LOG_TO_SYSLOG,
	    .format = LOG_SYSLOG,
	    .level = LEVEL_DEBUG,
	    .facility = 1};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[256];

	snprintf(un.sun_path, sizeof(un.sun_path),
	    "/tmp/roleproxy-late-%d.sock", getpid());
	unlink(un.sun_path);
	target.addr.family = AF_UNIX;
	strcpy(target.addr.u.path, un.sun_path);
	ck_assert_int_eq(log_open(&target, 1, LEVEL_INFO), 0);
	log_info("lost");
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	do
		log_info("back");
	while (!syslog_read(fd, buf, sizeof(buf), 100));
	log_close();
	ck_assert_mem_eq(buf, "<14>", 4);
	close(fd);
	unlink(un.sun_path);
}
END_TEST

/* A message as an object: what is before it, and its text when it is read. A
 * length of 0 is no limit; cut: the text is not all there. */
static const struct {
	const char *text, *read, *before;
	struct log_target target;
	bool cut;
} objects[] = {
    {"hey", "hey", "{", {.format = LOG_TEXT}, false},
    {"say \"\\\"", "say \"\\\"", "{", {.format = LOG_RAW}, false},
    {"a\nb\x01\x7f", "a\nb\x01\x7f", "<6>{", {.format = LOG_SHORT}, false},
    {"\xc3\xa9\xff\xc2\x85", "\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	"<134>{", {.format = LOG_PRIORITY, .facility = 16}, false},
    {"0123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789012345678901234567890123456789",
	"0123456789", "{", {.format = LOG_RAW, .length = 200}, true},
    {"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""
     "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"",
	"\"\"", "{", {.format = LOG_RAW, .length = 161}, true},
};

START_TEST(test_object)
{
	struct log_names names = {.tag = "t", .json = true};
	struct log_record rec = {
	    .wall_us = 1795500000123456, .level = LEVEL_INFO};
	char line[LOG_LINE_MAX + 1];
	const char *brace, *text;
	size_t len;
	json_t *o;

	strcpy(rec.text, objects[_i].text);
	rec.len = (uint32_t)strlen(rec.text);
	len = log_out_format(line, &objects[_i].target, &names, &rec);
	line[len] = '\0';
	if (objects[_i].target.length != 0)
		ck_assert_uint_le(len, objects[_i].target.length);
	brace = strchr(line, '{');
	ck_assert_ptr_nonnull(brace);
	ck_assert_int_eq(
	    strncmp(line, objects[_i].before, strlen(objects[_i].before)), 0);
	o = json_loads(brace, 0, NULL);
	ck_assert_msg(o != NULL, "%s", line);
	text = json_string_value(json_object_get(o, "text"));
	ck_assert_int_eq(
	    strncmp(text, objects[_i].read, strlen(objects[_i].read)), 0);
	ck_assert(objects[_i].cut || strlen(text) == strlen(objects[_i].read));
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "event")), "message");
	json_decref(o);
}
END_TEST

/* Fields through the log as it runs; one that does not fit is left out, and
 * without json there are none. */
START_TEST(test_fields)
{
	struct log_fields f = {.len = 0};
	char big[LOG_FIELDS_MAX], *text, *end;
	json_t *o;

	memset(big, '"', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_field(&f, "a", "x\"y\xff");
	log_field(&f, "none", "");
	log_field_number(&f, "n", -5);
	log_field_known(&f, "unknown", -1);
	for (int i = 0; i < 10; i++)
		log_field(&f, "big", big);
	log_field_number(&f, "last", 7);
	catch_stdout();
	log_set_json(true);
	ck_assert_int_eq(log_open(&to_stdout, 1, LEVEL_INFO), 0);
	log_event(LEVEL_WARN, "test", &f, "hey %d", 1);
	log_set_json(false);
	log_event(LEVEL_WARN, "test", &f, "hey %d", 2);
	log_close();
	text = read_stdout();
	end = strchr(text, '\n');
	*end = '\0';
	o = json_loads(text, 0, NULL);
	ck_assert_msg(o != NULL, "%s", text);
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "a")), "x\"y\xef\xbf\xbd");
	ck_assert(json_is_null(json_object_get(o, "none")));
	ck_assert(json_is_null(json_object_get(o, "unknown")));
	ck_assert_int_eq(json_integer_value(json_object_get(o, "n")), -5);
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "level")), "warn");
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "text")), "hey 1");
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "event")), "test");
	json_decref(o);
	ck_assert_ptr_nonnull(strstr(end + 1, "\"text\":\"hey 2\"}"));
	ck_assert_ptr_null(strstr(end + 1, "\"n\""));
}
END_TEST

/* To the journal lines have their level in front and no time. */
START_TEST(test_journal)
{
	struct stat st;
	char stream[64];

	catch_stdout();
	ck_assert_int_eq(fstat(STDOUT_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	ck_assert_int_eq(log_open(&to_stdout, 1, LEVEL_INFO), 0);
	log_warn("hey");
	log_close();
	unsetenv("JOURNAL_STREAM");
	ck_assert_str_eq(read_stdout(), "<4>hey\n");
}
END_TEST

/* A target in each format, its names, and the line; {T} is RFC 3164's time,
 * {I} RFC 5424's, {P} the process. */
static const struct {
	const char *tag, *host;
	struct log_target target;
	const char *line;
} formats[] = {
    {"t", "", {.format = LOG_SYSLOG, .facility = 16}, "<134>{T} t[{P}]: hey\n"},
    {"t", "h", {.format = LOG_SYSLOG, .facility = 16},
	"<134>{T} h t[{P}]: hey\n"},
    {"t", "h", {.format = LOG_LOCAL, .facility = 3}, "<30>{T} t[{P}]: hey\n"},
    {"t", "", {.format = LOG_RFC3164}, "<6>{T} localhost t[{P}]: hey\n"},
    {"t", "", {.format = LOG_RFC5424, .facility = 16},
	"<134>1 {I} - t {P} - - hey\n"},
    {"t", "h", {.format = LOG_RFC5424, .facility = 16, .least = LEVEL_DEBUG},
	"<135>1 {I} h t {P} - - hey\n"},
    {"t", "h", {.format = LOG_PRIORITY, .facility = 16}, "<134>hey\n"},
    {"t", "h", {.format = LOG_SHORT, .facility = 16}, "<6>hey\n"},
    {"t", "h", {.format = LOG_SHORT, .least = LEVEL_NOTICE}, "<6>hey\n"},
    {"t", "h", {.format = LOG_TIMED, .facility = 16}, "<6>{I} hey\n"},
    {"t", "h", {.format = LOG_ISO, .facility = 16}, "{I} hey\n"},
    {"t", "h", {.format = LOG_RAW, .facility = 16}, "hey\n"},
    {"t", "h", {.format = LOG_RAW, .length = 4}, "hey\n"},
    {"t", "h", {.format = LOG_RAW, .length = 3}, "he\n"},
    {"t", "h", {.format = LOG_SHORT, .length = 6}, "<6>he\n"},
};

START_TEST(test_formats)
{
	struct log_record rec = {.wall_us = 1795500000123456,
	    .len = 3,
	    .level = LEVEL_INFO,
	    .text = "hey"};
	struct log_names names = {.tag = "", .pid = getpid()};
	char line[LOG_LINE_MAX], expected[256] = "", *to = expected;
	const char *p;
	size_t len;

	setenv("TZ", "UTC-9", 1);
	tzset();
	strcpy(names.tag, formats[_i].tag);
	strcpy(names.host, formats[_i].host);
	for (p = formats[_i].line; *p != '\0'; p++) {
		if (*p != '{') {
			*to++ = *p;
			continue;
		}
		to += p[1] == 'T' ? sprintf(to, "Nov 24 15:00:00")
		      : p[1] == 'I'
			  ? sprintf(to, "2026-11-24T15:00:00.123456+09:00")
			  : sprintf(to, "%d", getpid());
		p += 2;
	}
	*to = '\0';
	len = log_out_format(line, &formats[_i].target, &names, &rec);
	line[len] = '\0';
	ck_assert_str_eq(line, expected);
	unsetenv("TZ");
	tzset();
}
END_TEST

/* What reaches a target, by its level and the log's. */
START_TEST(test_target_level)
{
	struct log_target quiet = to_stdout;
	char *text;

	quiet.level = LEVEL_NOTICE;
	quiet.format = LOG_RAW;
	catch_stdout();
	ck_assert_int_eq(log_open(&quiet, 1, LEVEL_DEBUG), 0);
	ck_assert(!log_enabled(LEVEL_INFO));
	log_line(LEVEL_INFO, "one");
	log_line(LEVEL_NOTICE, "two");
	log_line(LEVEL_EMERG, "three");
	log_close();
	text = read_stdout();
	ck_assert_str_eq(text, "two\nthree\n");
}
END_TEST

/* A name is found at the first line; one that there is not costs nothing. A
 * daemon that was away misses no line once it is back, though the name is not
 * asked for again so soon. */
START_TEST(test_syslog_name)
{
	struct log_target targets[2] = {
	    {.kind = LOG_TO_SYSLOG, .format = LOG_RAW, .level = LEVEL_DEBUG},
	    {.kind = LOG_TO_SYSLOG, .format = LOG_RAW, .level = LEVEL_DEBUG}};
	int fd = syslog_open(&targets[1]);
	char buf[256];

	strcpy(targets[1].host, "localhost");
	strcpy(targets[0].host, "no-such-host.invalid");
	targets[1].addr.family = targets[0].addr.family = 0;
	ck_assert_int_eq(log_open(targets, 2, LEVEL_INFO), 0);
	log_info("found");
	ck_assert(syslog_read(fd, buf, sizeof(buf), 20000));
	ck_assert_str_eq(buf, "found\n");
	close(fd);
	log_info("away");
	usleep(200000);
	fd = syslog_open(&targets[1]);
	log_info("back");
	ck_assert(syslog_read(fd, buf, sizeof(buf), 20000));
	ck_assert_str_eq(buf, "back\n");
	log_close();
	close(fd);
}
END_TEST

/* Before log_open() and after log_close() lines go to stderr. */
START_TEST(test_direct)
{
	int fds[2], old = dup(STDERR_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	log_info("before\n");
	ck_assert_int_eq(log_open(&to_stdout, 1, LEVEL_INFO), 0);
	log_close();
	log_close();
	log_info("after");
	dup2(old, STDERR_FILENO);
	close(old);
	n = read(fds[0], got, sizeof(got) - 1);
	ck_assert_int_gt(n, 0);
	got[n] = '\0';
	ck_assert_ptr_nonnull(strstr(got, " INFO  before\\x0a\n"));
	ck_assert_ptr_nonnull(strstr(got, " INFO  after\n"));
	close(fds[0]);
}
END_TEST

START_TEST(test_fatal)
{
	fatal("no such %s", "thing");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");
	SRunner *runner = srunner_create(suite);
	int failed;

	signal(SIGPIPE, SIG_IGN);
	suite_add_tcase(suite, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
	    tc, test_format, 0, sizeof(messages) / sizeof(messages[0]));
	tcase_add_loop_test(
	    tc, test_length, 0, sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_test(tc, test_levels);
	tcase_add_test(tc, test_threads);
	tcase_add_test(tc, test_blocked);
	tcase_add_test(tc, test_dropped);
	tcase_add_test(tc, test_closed);
	tcase_add_test(tc, test_syslog);
	tcase_add_test(tc, test_syslog_late);
	tcase_add_loop_test(
	    tc, test_formats, 0, sizeof(formats) / sizeof(formats[0]));
	tcase_add_loop_test(
	    tc, test_object, 0, sizeof(objects) / sizeof(objects[0]));
	tcase_add_test(tc, test_fields);
	tcase_add_test(tc, test_journal);
	tcase_add_test(tc, test_target_level);
	tcase_add_test(tc, test_syslog_name);
	tcase_add_test(tc, test_direct);
	tcase_add_exit_test(tc, test_fatal, 1);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
