/*
 * roleproxy ctl: send one line to the control socket of a running roleproxy and
 * print the answer. Which commands there are is the other side's to know, but
 * for watch.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl.h"
#include "ctl_color.h"
#include "ctl_link.h"
#include "ctl_watch.h"

#define DEFAULT_SOCKET "/run/roleproxy.sock"
#define LINE_BYTES     4096  /* of a command */
#define LOOK_MS        10000 /* for an answer */
#define ACT_MS         60000 /* for one that takes moving the writes */
#define CODE_UNKNOWN   3     /* of check */

/* So that errors can be told: they begin with a mark then. */
#define ASK_MARKS  "set severity-output number;"
#define ERROR_MARK "[3]: "
#define MARK_LEN   (sizeof(ERROR_MARK) - 1)

static const char usage_text[] =
    "usage: roleproxy ctl [-s SOCKET] [--json] COMMAND...\n"
    "\n"
    "Asks a running roleproxy. All that it can be asked: roleproxy ctl help.\n"
    "\n"
    "  status                          who takes the writes, every server\n"
    "  check                           is all well? For monitoring: exit "
    "code\n"
    "                                  0 OK, 1 WARNING, 2 CRITICAL, 3 "
    "UNKNOWN\n"
    "  watch                           what changes, as it happens\n"
    "  events [NUMBER]                 what has changed, newest first\n"
    "  servers [BACKEND]               role, lag, sessions, last check\n"
    "  sessions [BACKEND[/SERVER]]     clients and the servers they are on\n"
    "  drain BACKEND/SERVER            no new sessions for this server\n"
    "  maint BACKEND/SERVER            take it out; it is no writer then\n"
    "  ready BACKEND/SERVER            use it again\n"
    "  promote BACKEND/SERVER          make this primary the writer\n"
    "  switchover BACKEND [to SERVER]  move the writes, losing none of them\n"
    "  show stat, set server ...       HAProxy's commands, in its words\n"
    "\n"
    "  -s SOCKET       what control-socket is in its configuration (default\n"
    "                  $ROLEPROXY_SOCKET, or else " DEFAULT_SOCKET ")\n"
    "  -j, --json      for programs: JSON, also of errors\n"
    "      --color[=WHEN]  always, never or auto: on a terminal, unless\n"
    "                  $NO_COLOR is set\n"
    "  -h, --help      print this\n"
    "\n"
    "Exit code: 0 if it was done, 1 if not; of check see there. Manual: "
    "roleproxy(8).\n";

/* Commands that have JSON of their own. */
static const char *const json_commands[] = {
    "status", "check", "servers", "sessions", "events"};

/* What was asked for. */
struct request {
	const char *path; /* of the socket */
	bool json, color;
	bool checking; /* check: what it says is for stdout */
	char **words;  /* NULL at their end */
};

/* Does it ask for this? */
static bool
is_command(const struct request *r, const char *command)
{
	return strcmp(r->words[0], command) == 0;
}

/* Has the command JSON of its own? */
static bool
speaks_json(const struct request *r)
{
	for (size_t i = 0; i < sizeof(json_commands) / sizeof(*json_commands);
	     i++)
		if (is_command(r, json_commands[i]))
			return true;
	return false;
}

/* Print an object and drop it. */
static void
print_json(json_t *o)
{
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

/* Say why it cannot be done: on stderr, but on stdout for monitoring and for
 * programs. Returns the exit code. */
static int __attribute__((format(printf, 2, 3)))
fail(const struct request *r, const char *fmt, ...)
{
	char text[LINK_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r->json && r->checking)
		print_json(json_pack("{s:s, s:[{s:s, s:s}]}", "status",
		    "UNKNOWN", "alarms", "severity", "unknown", "text", text));
	else if (r->json)
		print_json(json_pack("{s:b, s:s}", "ok", false, "error", text));
	else if (r->checking)
		printf("UNKNOWN: %s\n", text);
	else
		fprintf(stderr, "roleproxy ctl: %s\n", text);
	return r->checking ? CODE_UNKNOWN : 1;
}

/* Take --json and --color out of the command's words, wherever they stand. */
static void
take_flags(struct request *r, const char **when)
{
	char **to = r->words;

	for (char **from = r->words; *from != NULL; from++)
		if (strcmp(*from, "--json") == 0)
			r->json = true;
		else if (strcmp(*from, "--color") == 0)
			*when = "always";
		else if (strncmp(*from, "--color=", 8) == 0)
			*when = *from + 8;
		else
			*to++ = *from;
	*to = NULL;
}

/* Read the options. Returns the exit code, or -1 to go on. */
static int
parse_options(int argc, char *argv[], struct request *r)
{
	static const struct option words[] = {{"help", no_argument, NULL, 'h'},
	    {"json", no_argument, NULL, 'j'},
	    {"color", optional_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};
	const char *when = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "+s:jh", words, NULL)) != -1) {
		if (c == 's')
			r->path = optarg;
		else if (c == 'j')
			r->json = true;
		else if (c == 'c')
			when = optarg == NULL ? "always" : optarg;
		else if (c == 'h') {
			fputs(usage_text, stdout);
			return 0;
		} else {
			fputs("try: roleproxy ctl --help\n", stderr);
			return 1;
		}
	}
	r->words = argv + optind;
	take_flags(r, &when);
	if (r->words[0] == NULL) {
		fputs(usage_text, stderr);
		return 1;
	}
	r->checking = is_command(r, "check");
	if (color_wanted(when) < 0)
		return fail(r, "--color is always, never or auto");
	r->color = color_wanted(when) > 0;
	return -1;
}

/* Make one line of the words. -1, after saying why, if that is none. */
static int
join(const struct request *r, char line[LINE_BYTES + 8])
{
	size_t len = 0, n;

	for (size_t i = 0; r->words[i] != NULL; i++) {
		n = strlen(r->words[i]);
		if (strpbrk(r->words[i], "\r\n") != NULL) {
			fail(r, "a command is one line");
			return -1;
		}
		if (len + (i > 0) + n > LINE_BYTES) {
			fail(r, "the command is too long");
			return -1;
		}
		if (i > 0)
			line[len++] = ' ';
		memcpy(line + len, r->words[i], n);
		len += n;
	}
	strcpy(line + len, r->json && speaks_json(r) ? " json\n" : "\n");
	return 0;
}

/* Print what was said as an object that says whether it is an error. */
static void
print_wrapped(const char *text, size_t len, bool bad)
{
	json_t *said;

	if (bad && strncmp(text, "error: ", 7) == 0) {
		text += 7;
		len -= 7;
	}
	while (len > 0 && text[len - 1] == '\n')
		len--;
	said = json_stringn(text, len);
	print_json(json_pack("{s:b, s:o}", "ok", !bad, bad ? "error" : "text",
	    said == NULL ? json_null() : said));
}

/* Print the answer to one command, without the empty line at its end. Returns
 * false if it is an error. */
static bool
print_one(const struct request *r, const char *text, size_t len)
{
	bool bad = strncmp(text, ERROR_MARK, MARK_LEN) == 0;

	/* "[6]: " */
	if (len >= MARK_LEN && text[0] == '[' && text[2] == ']') {
		text += MARK_LEN;
		len -= MARK_LEN;
	}
	bad |= strncmp(text, "error: ", 7) == 0;
	if (r->json && (bad || !speaks_json(r)))
		print_wrapped(text, len, bad);
	else if (r->color && !bad && !r->json)
		color_write(stdout, text, len);
	else
		fwrite(text, 1, len, bad ? stderr : stdout);
	return !bad;
}

/* Print the answers to all commands. Returns the exit code. */
static int
print(const struct request *r, const struct answer *a)
{
	const char *text = a->text, *end;
	bool good = true, said = false;

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
		good &= print_one(r, text, (size_t)(end + 1 - text));
		said = true;
		text = end + 2;
	}
	if (r->json && !said)
		print_wrapped("", 0, false);
	if (fflush(stdout) != 0)
		fail(r, "cannot write: %s", strerror(errno));
	return !good || ferror(stdout) ? 1 : 0;
}

/* The exit code of a plugin of Nagios that printed this; 3 is UNKNOWN. */
static int
plugin_code(const char *text)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL"};
	json_t *o = json_loads(text, 0, NULL);
	const char *is = json_string_value(json_object_get(o, "status"));
	size_t n = strcspn(text, ":");
	int i, code = CODE_UNKNOWN;

	for (i = 0; i < 3; i++) {
		if (is != NULL ? strcmp(is, words[i]) == 0
			       : strlen(words[i]) == n &&
				     strncmp(text, words[i], n) == 0)
			code = i;
	}
	json_decref(o);
	return code;
}

/* Ask, and print the answer. Returns the exit code. */
static int
ask(const struct request *r)
{
	char lines[sizeof(ASK_MARKS) + LINE_BYTES + 8] = ASK_MARKS;
	char error[LINK_ERROR_MAX];
	struct answer a = {NULL, 0};
	int code;

	if (join(r, lines + strlen(ASK_MARKS)) != 0)
		return r->checking ? CODE_UNKNOWN : 1;
	if (link_ask(r->path, lines,
		is_command(r, "switchover") ? ACT_MS : LOOK_MS, &a, error) != 0)
		code = fail(r, "%s", error);
	else
		code = print(r, &a);
	if (r->checking)
		code = code != 0 ? CODE_UNKNOWN
				 : plugin_code(a.text + strspn(a.text, "\n"));
	free(a.text);
	return code;
}

/* Follow what changes, to the end. Returns the exit code. */
static int
follow(const struct request *r)
{
	const struct watch_style style = {r->json, r->color};
	char error[LINK_ERROR_MAX];

	if (r->words[1] != NULL)
		return fail(r, "usage: watch");
	if (watch(r->path, &style, error))
		return fail(r,
		    "roleproxy has ended, or does not answer any "
		    "more: %s",
		    error);
	return fail(r, "%s", error);
}

int
ctl(int argc, char *argv[])
{
	const char *path = getenv("ROLEPROXY_SOCKET");
	struct request r = {.path = path};
	int code;

	if (path == NULL || path[0] == '\0')
		r.path = DEFAULT_SOCKET;
	code = parse_options(argc, argv, &r);
	if (code >= 0)
		return code;
	return is_command(&r, "watch") ? follow(&r) : ask(&r);
}
