/*
 * What the commands of a control socket need to answer.
 */
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "stats-ui/cli.h"

#define TEXT_MAX 1024

/* syslog's numbers and words, as HAProxy gives them. */
#define ERROR_NUMBER   3
#define MESSAGE_NUMBER 6

/* One message. What is not plain text in it is not shown. */
static void __attribute__((format(printf, 4, 0)))
say(struct cli *c, int number, const char *word, const char *fmt, va_list ap)
{
	char text[TEXT_MAX], *p;

	vsnprintf(text, sizeof(text), fmt, ap);
	for (p = text; *p != '\0'; p++) {
		if (*p != '\n' && (*p < 0x20 || *p > 0x7e))
			*p = '?';
	}
	if (c->severity == SEVERITY_NUMBER)
		evbuffer_add_printf(c->out, "[%d]: ", number);
	else if (c->severity == SEVERITY_STRING)
		evbuffer_add_printf(c->out, "[%s]: ", word);
	evbuffer_add(c->out, text, strlen(text));
	/* A few of HAProxy's errors do not end their line themselves. */
	if (c->severity != SEVERITY_NONE && (p == text || p[-1] != '\n'))
		evbuffer_add(c->out, "\n", 1);
}

void
cli_error(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, ERROR_NUMBER, "err", fmt, ap);
	va_end(ap);
}

void
cli_message(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, MESSAGE_NUMBER, "info", fmt, ap);
	va_end(ap);
}

void
cli_print(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	evbuffer_add_vprintf(c->out, fmt, ap);
	va_end(ap);
}

bool
cli_word_is(const struct cli *c, size_t i, const char *word)
{
	return i < c->n && strcmp(c->words[i], word) == 0;
}

void
cli_log(const struct cli *c, bool ok, const char *how, const char *words)
{
	struct log_fields f = {.len = 0};

	log_field(&f, "command", c->what);
	log_field_number(&f, "uid", c->peer.uid);
	log_field_number(&f, "pid", c->peer.pid);
	log_field(&f, "result", how);
	log_field(&f, "detail", words);
	log_event(ok ? LEVEL_INFO : LEVEL_WARN, "control", &f,
	    "control: %s, asked for by uid %u, pid %d: %s%s%s", c->what,
	    (unsigned)c->peer.uid, (int)c->peer.pid, how,
	    words[0] == '\0' ? "" : ": ", words);
}

struct cli_act *
cli_act_begin(struct cli *c, void *arg)
{
	struct cli_act *a = xcalloc(1, sizeof(*a));

	a->cli = c;
	a->copy = *c;
	a->arg = arg;
	c->act = a;
	return a;
}

void
cli_act_end(struct cli_act *a)
{
	struct cli *c = a->cli;

	free(a);
	if (c == NULL)
		return;
	c->act = NULL;
	if (c->running)
		return; /* who runs it sees that it has ended */
	evbuffer_add(c->out, "\n", 1);
	c->resume(c);
}

void
cli_forget(struct cli *c)
{
	if (c->act != NULL)
		c->act->cli = NULL;
	c->act = NULL;
}
