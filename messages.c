/*
 * Messages about a configuration, on stderr. HAProxy's lines are those of 2.6,
 * read off its output.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/version.h"
#include "messages.h"

/* How the message about a file that is not there begins, see conf/load.c. */
static const char cannot_open[] = "cannot open: ";

/* The beginning of a line of HAProxy's. */
static void
begin(const char *level)
{
	fprintf(stderr, "%-10s (%d) : ", level, (int)getpid());
}

/* HAProxy's first two lines, once before the first of the others. */
static void
message_notice(void)
{
	static bool done;
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (done)
		return;
	done = true;
	begin("[NOTICE]");
	fputs("haproxy version is " HAPROXY_VERSION
	      ", in its place roleproxy " ROLEPROXY_VERSION "\n",
	    stderr);
	if (n <= 0)
		return;
	path[n] = '\0';
	begin("[NOTICE]");
	fprintf(stderr, "path to executable is %s\n", path);
}

void
message_alert(const char *fmt, ...)
{
	va_list ap;

	message_notice();
	begin("[ALERT]");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* Is it that a file is not there? */
static bool
is_missing(const struct conf_problem *problem)
{
	return strncmp(problem->text + problem->message, cannot_open,
		   strlen(cannot_open)) == 0;
}

/* One problem, as HAProxy would say it. */
static void
print_haproxy(const struct conf_problem *problem)
{
	const char *message = problem->text + problem->message;
	int place = (int)problem->message - 2;

	begin(problem->severity == CONF_ERROR ? "[ALERT]" : "[WARNING]");
	if (problem->line != 0)
		fprintf(stderr, "config : parsing [%.*s] : %s\n", place,
		    problem->text, message);
	else if (is_missing(problem))
		fprintf(stderr,
		    "config : Cannot open configuration file/directory "
		    "%.*s : %s\n",
		    place, problem->text, message + strlen(cannot_open));
	else
		fprintf(stderr, "config : %s\n", problem->text);
}

/* Is this the last error with a line of its file? */
static bool
ends_file(const struct conf_problems *p, size_t i)
{
	size_t next;

	if (p->list[i].severity != CONF_ERROR || p->list[i].line == 0)
		return false;
	for (next = i + 1; next < p->n; next++) {
		if (p->list[next].rank != p->list[i].rank)
			return true;
		if (p->list[next].severity == CONF_ERROR)
			return false;
	}
	return true;
}

/* The name of a problem's file, whose length is returned. */
static int
file_length(const struct conf_problem *problem)
{
	int len = (int)problem->message - 2;

	while (problem->line != 0 && problem->text[--len] != ':')
		continue;
	return len;
}

/* All of them, as HAProxy would say it. */
static void
print_all_haproxy(const struct conf_problems *p, bool check)
{
	size_t i, missing = 0;

	if (p->n > p->no_listener || (p->no_listener && !check))
		message_notice();
	for (i = 0; i < p->n; i++) {
		/* The one error, if there is no listener, is said below. */
		if (p->no_listener && p->list[i].severity == CONF_ERROR)
			continue;
		print_haproxy(&p->list[i]);
		missing += is_missing(&p->list[i]);
		if (ends_file(p, i))
			message_alert("config : Error(s) found in "
				      "configuration file : %.*s",
			    file_length(&p->list[i]), p->list[i].text);
	}
	if (p->errors > missing && !p->no_listener)
		message_alert("config : Fatal errors found in configuration.");
	if (p->no_listener && !check)
		message_alert("[haproxy.main()] No enabled listener found "
			      "(check for 'bind' directives) ! Exiting.");
	if (p->no_listener && check && p->n > p->errors)
		puts("Warnings were found.");
	if (p->no_listener && check)
		puts("Configuration file has no error but will not start (no "
		     "listener) => exit(2).");
}

void
messages_print(const struct conf_problems *p, bool check, bool quiet)
{
	size_t i;

	if (p->haproxy) {
		if (!quiet)
			print_all_haproxy(p, check);
		return;
	}
	for (i = 0; i < p->n; i++) {
		if (p->list[i].severity == CONF_ERROR)
			fprintf(stderr, "error: %s\n", p->list[i].text);
		else if (!quiet)
			fprintf(stderr, "warning: %s\n", p->list[i].text);
	}
	if (p->errors > 1)
		fprintf(stderr, "roleproxy: %zu errors\n", p->errors);
}

void
messages_valid(const struct conf_problems *p, bool quiet)
{
	if (quiet)
		return;
	if (p->haproxy && p->n > 0)
		puts("Warnings were found.");
	puts("Configuration file is valid");
}
