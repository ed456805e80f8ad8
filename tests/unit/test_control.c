/*
 * The control socket, driven over a real one: answers, who may act, bad lines,
 * clients that leave or dawdle, limits, the file. What commands do is made up.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/net.h"
#include "conf/control.h"
#include "stats-ui/control.h"
#include "stats-ui/runtime.h"
#include "tests/unit/stats_fake.h"

#define ALL(table) (int)(sizeof(table) / sizeof(*(table)))
#define ANSWER     65536
#define STATUS     "all is well\nand will be\n"
#define UNKNOWN                                                             \
	"Unknown command, but maybe one of the following ones is a better " \
	"match:\n"
#define DENIED "error: Permission denied: only root and uid "
#define OTHER  65534

static struct event_base *base;
static struct control *control;
static struct addr at;
static char folder[64], error[256], text[ANSWER];
static uid_t uid;    /* of whoever connects */
static size_t flood; /* bytes of status instead of the usual ones */

/* What was asked for, and how it is to end. */
static char asked[160];
static runtime_done_cb done[4];
static void *done_arg[4];
static size_t ndone;
static bool at_once;

/* Everybody is uid. */
static int
fake_peer(int fd, struct ucred *peer)
{
	(void)fd;
	*peer = (struct ucred){.uid = uid, .gid = uid, .pid = 42};
	return 0;
}

/* The status. */
static void
fake_status(struct evbuffer *out, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < flood; i += 64)
		evbuffer_add_printf(out, "%063zu\n", i);
	if (flood == 0)
		evbuffer_add_printf(out, STATUS);
}

/* All is well. */
static void
fake_check(struct evbuffer *out, void *arg)
{
	(void)arg;
	evbuffer_add_printf(out, "OK: fine\n");
}

/* There is redis/redis-1 and redis/redis-2. */
static int
fake_promote(const char *backend, const char *server, char *reason, size_t size,
    void *arg)
{
	(void)arg;
	snprintf(asked, sizeof(asked), "promote %s/%s", backend, server);
	if (strcmp(backend, "redis") == 0 && strncmp(server, "redis-", 6) == 0)
		return 0;
	snprintf(reason, size, "no such server\n\n\x1b%s", server);
	return -1;
}

/* The same, and it ends when the test says so. */
static int
fake_switchover(const char *backend, const char *server, runtime_done_cb cb,
    void *cb_arg, char *reason, size_t size, void *arg)
{
	(void)arg;
	snprintf(asked, sizeof(asked), "switchover %s to %s", backend,
	    server == NULL ? "any" : server);
	if (strcmp(backend, "redis") != 0) {
		snprintf(reason, size, "no such backend");
		return -1;
	}
	if (at_once)
		cb(true, "that was quick", cb_arg);
	else {
		done[ndone] = cb;
		done_arg[ndone++] = cb_arg;
	}
	return 0;
}

static const struct runtime ops = {.source = &fake_source,
    .admin = {.monitor = NULL},
    .own = {.status = fake_status,
	.check = fake_check,
	.promote = fake_promote,
	.switchover = fake_switchover}};

/* Open a socket at path; -1 with its reason in error. */
static int
listen_at(struct control *c, const char *path, unsigned mode)
{
	struct conf_control k = {.addr.family = AF_UNIX};

	ck_assert_uint_lt(strlen(path), sizeof(k.addr.u.path));
	strcpy(k.addr.u.path, path);
	return control_listen(c, &k, mode, error, sizeof(error));
}

/* A control socket in a folder of its own; whoever connects is root. */
static void
start(void)
{
	fake_reset();
	strcpy(folder, "/tmp/test_control.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	at = (struct addr){.family = AF_UNIX};
	snprintf(at.u.path, sizeof(at.u.path), "%s/socket", folder);
	uid = 0;
	flood = ndone = 0;
	at_once = false;
	asked[0] = '\0';
	base = event_base_new();
	control = control_new(base, &ops);
	control_set_peer(control, fake_peer);
	ck_assert_int_eq(listen_at(control, at.u.path, 0600), 0);
}

/* Nothing may be left of it. */
static void
stop(void)
{
	if (control != NULL)
		control_free(control);
	event_base_free(base);
	ck_assert_int_ne(access(at.u.path, F_OK), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* Let the socket turn for a moment. */
static void
turn(void)
{
	struct timeval tv = {0, 3000};

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

/* Connect. */
static int
dial(void)
{
	int fd = net_connect(&at);

	ck_assert_int_ge(fd, 0);
	turn();
	return fd;
}

/* Connect and send these bytes, as far as they are taken. */
static int
dial_send(const char *bytes, size_t len)
{
	int fd = dial();
	ssize_t n;

	for (int i = 0; i < 1000 && len > 0; i++) {
		n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			break;
		bytes += n < 0 ? 0 : n;
		len -= n < 0 ? 0 : (size_t)n;
		turn();
	}
	return fd;
}

/* Read into text until the other side closes, for ms at most. Did it? Closes
 * fd. */
static bool
hear(int fd, int64_t ms)
{
	int64_t end = clock_ms() + ms;
	bool closed = false;
	size_t len = 0;
	ssize_t n;

	while (!closed && clock_ms() < end) {
		turn();
		n = recv(fd, text + len, ANSWER - 1 - len, MSG_DONTWAIT);
		if (n > 0)
			len += (size_t)n;
		closed = n == 0 || (n < 0 && errno == ECONNRESET);
	}
	text[len] = '\0';
	close(fd);
	return closed;
}

/* What must be true of each answer: it ends with an empty line. */
static void
check_answer(void)
{
	size_t len = strlen(text);

	ck_assert_msg(len > 1, "'%s'", text);
	ck_assert_msg(strcmp(text + len - 2, "\n\n") == 0, "'%s'", text);
	for (const char *c = text; *c != '\0'; c++)
		ck_assert(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
}

/* Send these bytes; the answer is in text. */
static void
ask_bytes(const char *bytes, size_t len)
{
	ck_assert(hear(dial_send(bytes, len), 5000));
	check_answer();
}

/* The same for a string. */
static void
ask(const char *line)
{
	ask_bytes(line, strlen(line));
}

/* Does text begin with that? */
static void
expect(const char *beginning)
{
	ck_assert_msg(strncmp(text, beginning, strlen(beginning)) == 0,
	    "'%.3000s' does not begin with '%s'", text, beginning);
}

/* Lines, how the answer begins, what else is in it, and what was asked for. */
static const struct {
	const char *line, *beginning, *in, *asked;
} lines[] = {
    {"check\n", "OK: fine\n\n", "", ""},
    {"check x\n", "error: usage: check [json]\n", "", ""},
    {"status\n", STATUS "\n", "", ""},
    {"status\r\n", STATUS "\n", "", ""},
    {" \t status \t \n", STATUS "\n", "", ""},
    {"status\nstatus\nquit\n", STATUS "\n" STATUS "\n", "", ""},
    {"status;status\n", STATUS "\n" STATUS "\n", "", ""},
    {"status ; show cli level ;quit; status\n", STATUS "\nadmin\n\n", "", ""},
    {"status\\;status\n", UNKNOWN, "\n  status [json]  ", ""},
    {"st\\atus\n", STATUS "\n", "", ""},
    {"status <<\nstatus\n\n", STATUS "\n", "", ""},
    {"status <<\nstatus\n\nshow cli level\n", STATUS "\nadmin\n\n", "", ""},
    {"status<<\n", UNKNOWN, "", ""},
    {"status now\n", "error: usage: status [json]\n\n", "", ""},
    {"help\n", "The following commands are valid at this level:\n",
	"  promote <bk>/<srv>   ", ""},
    {"help promote\n",
	"The following commands are valid at this level:\n  promote ",
	"\n  quit ", ""},
    {"\n",
	"Unknown command. Please enter one of the following commands only:\n",
	"\n  status [json]  ", ""},
    {" \t\r\n", "Unknown command. Please enter", "help", ""},
    {"statsu\n", UNKNOWN, "\n  status [json]  ", ""},
    {"swichover redis\n", UNKNOWN, "\n  switchover <bk>", ""},
    {"STATUS\n", UNKNOWN, "  help ", ""},
    {"GET / HTTP/1.0\r\n", UNKNOWN, "", ""},
    {"promote redis/redis-2\n",
	"done: redis-2 is made the writer of backend redis\n\n", "",
	"promote redis/redis-2"},
    {"promote redis/nope\n", "error: no such server???nope\n\n", "",
	"promote redis/nope"},
    {"promote redis/a/b\n", "error: no such server", "", "promote redis/a/b"},
    {"promote\n", "error: usage: promote BACKEND/SERVER\n\n", "", ""},
    {"promote redis\n", "error: usage: promote", "", ""},
    {"promote /redis-1\n", "error: usage: promote", "", ""},
    {"promote redis/\n", "error: usage: promote", "", ""},
    {"promote redis/redis-1 now\n", "error: usage: promote", "", ""},
    {"switchover\n", "error: usage: switchover BACKEND [to SERVER]\n\n", "",
	""},
    {"switchover redis redis-2\n", "error: usage: switchover", "", ""},
    {"switchover redis for redis-2\n", "error: usage: switchover", "", ""},
    {"switchover redis to\n", "error: usage: switchover", "", ""},
    {"switchover redis to redis-2 a b c d e f g\n", "error: usage: switchover",
	"", ""},
    {"status json\n", "{\n  \"time\": \"",
	"\"summary\": \"Writes go to redis-1", ""},
    {"check json\n", "{\n  \"status\": \"OK\",\n  \"alarms\": []\n}\n\n", "",
	""},
    {"servers\n", "  SERVER ", "\n  redis/redis-2  ", ""},
    {"servers redis json\n", "[\n  {\n    \"name\": \"redis-1\"",
	"\"backend\": \"redis\"", ""},
    {"servers nope\n",
	"error: there is no backend 'nope'; there are: redis\n\n", "", ""},
    {"servers redis redis\n", "error: usage: servers [BACKEND]\n\n", "", ""},
    {"events\n", "nothing has changed yet\n\n", "", ""},
    {"events json\n", "[]\n\n", "", ""},
    {"events x\n", "error: usage: events [NUMBER]\n\n", "", ""},
    {"events 0\n", "error: usage: events [NUMBER]\n\n", "", ""},
    {"drain redis/redis-2\n",
	"done: redis/redis-2 takes no new sessions, those that it has may go "
	"on; 4 sessions are on it now\n\n",
	"", ""},
    {"maint redis/redis-2\n", "done: redis/redis-2 is taken out", "", ""},
    {"ready redis/redis-2\n", "done: redis/redis-2 is used again", "", ""},
    {"drain redis\n", "error: usage: drain BACKEND/SERVER\n\n", "", ""},
    {"maint redis/nope\n",
	"error: backend redis has no server 'nope'; it has: redis-1, redis-2, ",
	"", ""},
    {"switchover other\n", "error: no such backend\n\n", "",
	"switchover other to any"},
    {"switchover other to redis-2\n", "error: no such backend\n\n", "",
	"switchover other to redis-2"},
    {"caf\xc3\xa9\n", "error: the line is not plain ASCII text\n\n", "", ""},
    {"status\x1b[2J\n", "error: the line is not plain", "", ""},
    {"status\r \n", "error: the line is not plain", "", ""},
};

/* Each line gets its answer. */
START_TEST(answers)
{
	ask(lines[_i].line);
	expect(lines[_i].beginning);
	ck_assert_ptr_nonnull(strstr(text, lines[_i].in));
	ck_assert_str_eq(asked, lines[_i].asked);
}
END_TEST

/* Bytes that are no line at all. */
START_TEST(garbage)
{
	char bytes[3000];
	unsigned state = (unsigned)_i;

	ask_bytes("status\0x\n", 9);
	expect("error: the line is not plain");
	ask_bytes("\0\0\0\0\n", 5);
	expect("error: the line is not plain");
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)((state = state * 1103515245 + 12345) >> 16);
	bytes[sizeof(bytes) - 1] = '\n';
	ask_bytes(bytes, sizeof(bytes));
	expect("error: ");
	ask("status\n");
	expect(STATUS);
}
END_TEST

/* 16384 bytes are a line, more are not, with or without an end. */
START_TEST(long_lines)
{
	char *bytes = malloc(1 << 20);

	memset(bytes, ' ', 1 << 20);
	memcpy(bytes, "status", 6);
	bytes[16384] = '\n';
	ask_bytes(bytes, 16385);
	expect(STATUS);
	bytes[16384] = ' ';
	bytes[16385] = '\n';
	ask_bytes(bytes, 16386);
	expect("error: the line is longer than 16384 bytes\n");
	bytes[16385] = ' ';
	ask_bytes(bytes, 16385);
	expect("error: the line is longer");
	ask_bytes(bytes, 1 << 20);
	expect("error: the line is longer");
	free(bytes);
}
END_TEST

/* A line may come in pieces, and end with the client's side. */
START_TEST(pieces)
{
	int fd = dial();

	for (const char *c = "status"; *c != '\0'; c++) {
		ck_assert_int_eq(send(fd, c, 1, 0), 1);
		turn();
	}
	ck_assert_int_eq(recv(fd, text, 1, MSG_DONTWAIT), -1);
	shutdown(fd, SHUT_WR);
	ck_assert(hear(fd, 5000));
	expect(STATUS "\n");
	fd = dial_send("switchover redis\n", 17);
	shutdown(fd, SHUT_WR);
	turn();
	done[0](true, "moved", done_arg[0]);
	ck_assert(hear(fd, 5000));
	expect("done: moved\n\n");
	fd = dial();
	shutdown(fd, SHUT_WR);
	ck_assert(hear(fd, 5000));
	ck_assert_str_eq(text, "");
}
END_TEST

/* Others may look, not act; root and our own user may. */
START_TEST(permissions)
{
	uid = OTHER;
	ck_assert_uint_ne(uid, geteuid());
	ask("status\n");
	expect(STATUS);
	ask("help\n");
	expect("The following commands");
	ask("promote redis/redis-1\n");
	expect(DENIED);
	ask("promote\n");
	expect(DENIED);
	ask("switchover redis\n");
	expect(DENIED);
	ask("nonsense\n");
	expect(UNKNOWN);
	ask("set server redis/redis-1 state maint\n");
	expect("Permission denied\n\n");
	ask("show env\n");
	expect("Permission denied\n\n");
	ck_assert_str_eq(asked, "");
	uid = geteuid();
	ask("promote redis/redis-1\n");
	expect("done: ");
	uid = 0;
	ask("promote redis/redis-2\n");
	expect("done: ");
	ck_assert_str_eq(asked, "promote redis/redis-2");
}
END_TEST

/* Without a fake, the kernel says who we are. */
START_TEST(real_peer)
{
	control_free(control);
	control = control_new(base, &ops);
	ck_assert_int_eq(listen_at(control, at.u.path, 0600), 0);
	ask("promote redis/redis-1\n");
	expect("done: ");
}
END_TEST

/* Two acts at once: each client hears of its own. */
START_TEST(two_acts)
{
	int a = dial_send("switchover redis\n", 17), b;

	b = dial_send("switchover redis to redis-2\n", 28);
	ck_assert_uint_eq(ndone, 2);
	ask("status\n");
	expect(STATUS);
	ck_assert_int_eq(recv(a, text, 1, MSG_DONTWAIT), -1);
	done[1](false, "no replica is\nnear enough\n\n", done_arg[1]);
	ck_assert(hear(b, 5000));
	expect("error: no replica is?near enough??\n\n");
	ck_assert_int_eq(recv(a, text, 1, MSG_DONTWAIT), -1);
	done[0](true, "writes go to redis-2", done_arg[0]);
	ck_assert(hear(a, 5000));
	expect("done: writes go to redis-2\n\n");
}
END_TEST

/* An act that is done before it has begun. */
START_TEST(act_at_once)
{
	at_once = true;
	ask("switchover redis\n");
	expect("done: that was quick\n\n");
}
END_TEST

/* Who asked goes away: with a FIN, with bytes unread, or with the socket. */
START_TEST(gone)
{
	int fd = dial_send("switchover redis\n", 17);

	close(fd);
	turn();
	done[0](true, "moved", done_arg[0]);
	turn();
	fd = dial_send("switchover redis\nand more\n", 26);
	close(fd);
	done[1](false, "not moved", done_arg[1]);
	turn();
	fd = dial_send("status\n", 7);
	close(fd);
	fd = dial_send("stat", 4);
	close(fd);
	turn();
	fd = dial_send("switchover redis\n", 17);
	control_free(control);
	control = NULL;
	ck_assert(hear(fd, 5000));
	expect("error: roleproxy has stopped\n\n");
	done[2](true, "moved", done_arg[2]);
}
END_TEST

/* Silent and slow ones are cut; acts have all the time they take. */
START_TEST(timeouts)
{
	int64_t begin = clock_ms();
	int fd, act;

	control_set_timeout(control, 200);
	act = dial_send("switchover redis\n", 17);
	ck_assert(hear(dial(), 5000));
	ck_assert_str_eq(text, "");
	ck_assert_int_ge(clock_ms() - begin, 190);
	fd = dial();
	for (int i = 0; i < 100; i++) {
		(void)!send(fd, "s", 1, MSG_NOSIGNAL);
		turn();
	}
	ck_assert(hear(fd, 5000));
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(recv(act, text, 1, MSG_DONTWAIT), -1);
	done[0](true, "moved", done_arg[0]);
	ck_assert(hear(act, 5000));
	expect("done: moved\n");
}
END_TEST

/* A large answer comes whole; who does not read it is cut. */
START_TEST(large)
{
	size_t len = 0;
	int64_t begin;
	ssize_t n;
	int fd;

	flood = 4 << 20;
	fd = dial_send("status\n", 7);
	do {
		turn();
		n = recv(fd, text, ANSWER, MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
	} while (n != 0 && len < (size_t)(8 << 20));
	ck_assert_uint_eq(len, flood + 1);
	close(fd);
	control_set_timeout(control, 200);
	begin = clock_ms();
	fd = dial_send("status\n", 7);
	while (clock_ms() - begin < 600)
		turn();
	for (len = 0; (n = recv(fd, text, ANSWER, MSG_DONTWAIT)) > 0;)
		len += (size_t)n;
	ck_assert_int_eq(n, 0);
	ck_assert_uint_lt(len, flood);
	close(fd);
}
END_TEST

/* Sixteen at a time, of which four are kept for those who may act. */
START_TEST(limits)
{
	int fd[16];

	uid = OTHER;
	for (int i = 0; i < 12; i++)
		fd[i] = dial();
	ask("status\n");
	expect("error: too many connections; try again\n\n");
	uid = 0;
	for (int i = 12; i < 16; i++)
		fd[i] = dial();
	ask("status\n");
	expect("error: too many connections");
	ck_assert_int_eq(send(fd[0], "status\n", 7, 0), 7);
	ck_assert(hear(fd[0], 5000));
	expect(STATUS);
	ask("status\n");
	expect(STATUS);
	for (int i = 1; i < 16; i++)
		close(fd[i]);
	uid = OTHER;
	for (int i = 0; i < 40; i++) {
		ask("status\n");
		expect(STATUS);
	}
}
END_TEST

/* Another one at path; -1 with its reason in error. */
static int
second(const char *path, unsigned mode, struct control **c)
{
	*c = control_new(base, &ops);
	return listen_at(*c, path, mode);
}

/* The file: its mode whatever the umask, no other name left behind. */
START_TEST(file_mode)
{
	char path[128];
	struct control *c;
	mode_t mask = umask(_i == 0 ? 0777 : 0);
	struct stat st;

	ck_assert_int_eq(lstat(at.u.path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600);
	snprintf(path, sizeof(path), "%s/second", folder);
	ck_assert_int_eq(second(path, 0666, &c), 0);
	umask(mask);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0666);
	control_free(c);
	ck_assert_int_ne(lstat(path, &st), 0);
}
END_TEST

/* A socket that nobody listens on is replaced, one in use is not, nor is a
 * file; the first goes on. */
START_TEST(file_taken)
{
	char path[128];
	struct control *c;
	int fd;

	ck_assert_int_eq(second(at.u.path, 0600, &c), -1);
	ck_assert_ptr_nonnull(strstr(error, "another process listens there"));
	control_free(c);
	ask("status\n");
	expect(STATUS);

	snprintf(path, sizeof(path), "%s/file", folder);
	fclose(fopen(path, "w"));
	ck_assert_int_eq(second(path, 0600, &c), -1);
	ck_assert_ptr_nonnull(strstr(error, "is not a socket"));
	control_free(c);
	ck_assert_int_eq(unlink(path), 0);

	struct addr a = at;
	strcpy(a.u.path, path);
	fd = net_listen(&a, 1, error, sizeof(error));
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(second(path, 0600, &c), 0);
	control_free(c);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* At the end only our own socket is removed; paths that cannot be. */
START_TEST(file_ours)
{
	char path[256];
	struct control *c;

	ck_assert_int_eq(unlink(at.u.path), 0);
	ck_assert_int_eq(second(at.u.path, 0600, &c), 0);
	control_free(control);
	control = c;
	ck_assert_int_eq(access(at.u.path, F_OK), 0);
	ask("status\n");
	expect(STATUS);

	ck_assert_int_eq(second("/nonexistent/socket", 0600, &c), -1);
	ck_assert_ptr_nonnull(strstr(error, "No such file"));
	control_free(c);
	memset(path, 'x', sizeof(path));
	memcpy(path, at.u.path, strlen(folder) + 1);
	for (size_t len = 90; len < sizeof(at.u.path); len += 5) {
		path[len] = '\0';
		if (second(path, 0600, &c) != 0)
			ck_assert_msg(strstr(error, "too long") != NULL,
			    "%zu: %s", len, error);
		control_free(c);
		path[len] = 'x';
	}
}
END_TEST

/* The socket. */
static TCase *
control_cases(void)
{
	TCase *t = tcase_create("control");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, answers, 0, ALL(lines));
	tcase_add_loop_test(t, garbage, 0, 8);
	tcase_add_test(t, long_lines);
	tcase_add_test(t, pieces);
	tcase_add_test(t, permissions);
	tcase_add_test(t, real_peer);
	tcase_add_test(t, two_acts);
	tcase_add_test(t, act_at_once);
	tcase_add_test(t, gone);
	tcase_add_test(t, timeouts);
	tcase_add_test(t, large);
	tcase_add_test(t, limits);
	tcase_add_loop_test(t, file_mode, 0, 2);
	tcase_add_test(t, file_taken);
	tcase_add_test(t, file_ours);
	return t;
}

/* All of them. */
int
main(void)
{
	Suite *suite = suite_create("control");
	SRunner *runner;
	int failed;

	signal(SIGPIPE, SIG_IGN);
	suite_add_tcase(suite, control_cases());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
