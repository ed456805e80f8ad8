/*
 * roleproxy ctl: send one line to the control socket of a running roleproxy and
 * print the answer. Which commands there are is the other side's to know.
 */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctl.h"

#define DEFAULT_SOCKET "/run/roleproxy.sock"
#define LINE_BYTES     4096  /* of a command */
#define LOOK_MS        10000 /* for an answer */
#define ACT_MS         60000 /* for one that takes moving the writes */
#define PIECE          65536
#define CODE_UNKNOWN   3 /* of check */

/* So that errors can be told: they begin with a mark then. */
#define ASK_MARKS  "set severity-output number;"
#define ERROR_MARK "[3]: "
#define MARK_LEN   (sizeof(ERROR_MARK) - 1)

static const char usage_text[] =
    "usage: roleproxy ctl [-s SOCKET] COMMAND...\n"
    "\n"
    "Asks a running roleproxy. What it can be asked: roleproxy ctl help.\n"
    "\n"
    "  check                           is all well? For monitoring: exit "
    "code\n"
    "                                  0 OK, 1 WARNING, 2 CRITICAL, 3 "
    "UNKNOWN\n"
    "  status                          who takes the writes, every server\n"
    "  promote BACKEND/SERVER          make this primary the writer\n"
    "  switchover BACKEND [to SERVER]  move the writes, losing none of them\n"
    "  show stat, set server ...       HAProxy's commands, in its words\n"
    "\n"
    "  -s SOCKET    what control-socket is in its configuration (default\n"
    "               $ROLEPROXY_SOCKET, or else " DEFAULT_SOCKET ")\n"
    "  -h, --help   print this\n"
    "\n"
    "Exit code: 0 if it was done, 1 if not; of check see there. Manual: "
    "roleproxy(8).\n";

/* An answer, as far as it has come. */
struct answer {
	char *text; /* with a final NUL */
	size_t len;
};

/* The command is check: what it says goes to stdout, where monitoring reads. */
static bool checking;

/* Say on stderr why it cannot be done. Returns -1. */
static int __attribute__((format(printf, 1, 2))) fail(const char *fmt, ...)
{
	FILE *to = checking ? stdout : stderr;
	va_list ap;

	fputs(checking ? "UNKNOWN: " : "roleproxy ctl: ", to);
	va_start(ap, fmt);
	vfprintf(to, fmt, ap);
	va_end(ap);
	fputc('\n', to);
	return -1;
}

/* Read the options. Returns the exit code, or -1 to go on. */
static int
parse_options(int argc, char *argv[], const char **path)
{
	static const struct option words[] = {
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "+s:h", words, NULL)) != -1) {
		if (c == 's')
			*path = optarg;
		else if (c == 'h') {
			fputs(usage_text, stdout);
			return 0;
		} else {
			fputs("try: roleproxy ctl --help\n", stderr);
			return 1;
		}
	}
	if (optind == argc) {
		fputs(usage_text, stderr);
		return 1;
	}
	return -1;
}

/* Make one line of the words. -1 if that is none. */
static int
join(char *const words[], char line[LINE_BYTES + 2])
{
	size_t len = 0, n;

	for (size_t i = 0; words[i] != NULL; i++) {
		n = strlen(words[i]);
		if (strpbrk(words[i], "\r\n") != NULL)
			return fail("a command is one line");
		if (len + (i > 0) + n > LINE_BYTES)
			return fail("the command is too long");
		if (i > 0)
			line[len++] = ' ';
		memcpy(line + len, words[i], n);
		len += n;
	}
	memcpy(line + len, "\n", 2);
	return 0;
}

/* Why nobody could be reached at path, and what to do about it. */
static int
explain(const char *path)
{
	const char *hint = "";

	if (errno == ENOENT)
		hint = ": is control-socket set in the configuration, and "
		       "roleproxy running? -s names another one";
	else if (errno == ECONNREFUSED)
		hint = ": nobody listens there; is roleproxy running?";
	else if (errno == EACCES)
		hint = ": control-mode in the configuration says who may";
	else if (errno == EAGAIN)
		hint = ": roleproxy does not take the connection";
	return fail("%s: %s%s", path, strerror(errno), hint);
}

/* Connect, within LOOK_MS. Returns the socket, -1 after saying why not. */
static int
dial(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval tv = {LOOK_MS / 1000, 0};
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return fail("%s: the path is too long", path);
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("cannot open a socket: %s", strerror(errno));
	/* Of connect(2) too, see unix(7): while the other side is busy. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	explain(path);
	close(fd);
	return -1;
}

/* Has the answer come to its end, an empty line? */
static bool
is_complete(const struct answer *a)
{
	return a->len == 1
		   ? a->text[0] == '\n'
		   : a->len > 1 && strcmp(a->text + a->len - 2, "\n\n") == 0;
}

/* Read the answer, up to the end of the connection. -1 after saying why there
 * is none, or not all of it. */
static int
hear(int fd, struct answer *a, int64_t ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t until = clock_ms() + ms, left;
	ssize_t n;

	do {
		left = until - clock_ms();
		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return fail(
			    "no answer within %lld s", (long long)ms / 1000);
		a->text = xrealloc(a->text, a->len + PIECE + 1);
		n = recv(fd, a->text + a->len, PIECE, MSG_DONTWAIT);
		a->len += n > 0 ? (size_t)n : 0;
		a->text[a->len] = '\0';
	} while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	if (is_complete(a))
		return 0;
	return fail("the connection ended before the answer was complete");
}

/* Print the answer to one command, without the empty line at its end. Returns
 * false if it is an error. */
static bool
print_one(const char *text, size_t len)
{
	bool bad = strncmp(text, ERROR_MARK, MARK_LEN) == 0;

	/* "[6]: " */
	if (len >= MARK_LEN && text[0] == '[' && text[2] == ']') {
		text += MARK_LEN;
		len -= MARK_LEN;
	}
	bad |= strncmp(text, "error: ", 7) == 0;
	fwrite(text, 1, len, bad ? stderr : stdout);
	return !bad;
}

/* Print the answers to all commands. Returns the exit code. */
static int
print(const struct answer *a)
{
	const char *text = a->text, *end;
	bool good = true;

	/* That of the command which asks for marks. */
	if (a->len > 1 && text[0] == '\n')
		text++;
	while (*text != '\0' && strcmp(text, "\n") != 0) {
		end = strstr(text, "\n\n");
		if (text[0] == '\n') {
			text++;
			continue;
		}
		if (end == NULL)
			break;
		good &= print_one(text, (size_t)(end + 1 - text));
		text = end + 2;
	}
	if (fflush(stdout) != 0)
		fail("cannot write: %s", strerror(errno));
	return !good || ferror(stdout) ? 1 : 0;
}

/* The exit code of a plugin of Nagios that printed this; 3 is UNKNOWN. */
static int
plugin_code(const char *text)
{
	static const char *const words[] = {"OK:", "WARNING:", "CRITICAL:"};
	int i;

	for (i = 0; i < 3; i++) {
		if (strncmp(text, words[i], strlen(words[i])) == 0)
			return i;
	}
	return CODE_UNKNOWN;
}

/* Send a line to the socket at path and print the answer, which may take ms.
 * Returns the exit code. */
static int
ask(const char *path, const char *line, int64_t ms)
{
	struct answer a = {NULL, 0};
	int fd = dial(path), code = checking ? CODE_UNKNOWN : 1;

	if (fd < 0)
		return code;
	/* Who refuses a connection may have closed it; it says why. */
	if ((send(fd, ASK_MARKS, strlen(ASK_MARKS), MSG_NOSIGNAL) < 0 ||
		send(fd, line, strlen(line), MSG_NOSIGNAL) < 0) &&
	    errno != EPIPE)
		fail("%s: %s", path, strerror(errno));
	else if (hear(fd, &a, ms) == 0) {
		code = print(&a);
		if (checking)
			code = plugin_code(a.text + strspn(a.text, "\n"));
	}
	free(a.text);
	close(fd);
	return code;
}

int
ctl(int argc, char *argv[])
{
	const char *path = getenv("ROLEPROXY_SOCKET");
	char line[LINE_BYTES + 2];
	int code;

	if (path == NULL || path[0] == '\0')
		path = DEFAULT_SOCKET;
	code = parse_options(argc, argv, &path);
	if (code >= 0)
		return code;
	checking = strcmp(argv[optind], "check") == 0;
	if (join(argv + optind, line) != 0)
		return checking ? CODE_UNKNOWN : 1;
	return ask(path, line,
	    strcmp(argv[optind], "switchover") == 0 ? ACT_MS : LOOK_MS);
}
