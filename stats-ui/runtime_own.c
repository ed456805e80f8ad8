/*
 * The commands that HAProxy does not have: about who takes the writes.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "stats-ui/commands.h"

#define REASON_MAX 512

/* One line, whatever is in it. */
static void
flatten(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			*text = '?';
	}
}

/* How a command is used. */
static void
say_usage(struct cli *c, const char *usage)
{
	cli_error(c, "error: usage: %s\n", usage);
}

void
run_status(struct runtime *r, struct cli *c)
{
	if (c->n != 1)
		say_usage(c, "status");
	else
		r->own.status(c->out, r->own.arg);
}

void
run_check(struct runtime *r, struct cli *c)
{
	if (c->n != 1)
		say_usage(c, "check");
	else
		r->own.check(c->out, r->own.arg);
}

void
run_promote(struct runtime *r, struct cli *c)
{
	char reason[REASON_MAX] = "", backend[128];
	const char *slash = c->n == 2 ? strchr(c->words[1], '/') : NULL;

	if (slash == NULL || slash == c->words[1] || slash[1] == '\0') {
		say_usage(c, "promote BACKEND/SERVER");
		return;
	}
	snprintf(backend, sizeof(backend), "%.*s", (int)(slash - c->words[1]),
	    c->words[1]);
	if (r->own.promote(
		backend, slash + 1, reason, sizeof(reason), r->own.arg) != 0) {
		flatten(reason);
		cli_log(c, false, "refused", reason);
		cli_error(c, "error: %s\n", reason);
		return;
	}
	cli_log(c, true, "done", "");
	cli_message(c, "done: %.64s is made the writer of backend %.64s\n",
	    slash + 1, backend);
}

/* A switch-over has ended; who asked for it may have, too. */
static void
switched_cb(bool ok, const char *text, void *arg)
{
	struct cli_act *a = arg;
	char line[REASON_MAX];

	snprintf(line, sizeof(line), "%s", text);
	flatten(line);
	cli_log(&a->copy, ok, ok ? "done" : "failed", line);
	if (a->cli != NULL && ok)
		cli_message(a->cli, "done: %s\n", line);
	else if (a->cli != NULL)
		cli_error(a->cli, "error: %s\n", line);
	cli_act_end(a);
}

void
run_switchover(struct runtime *r, struct cli *c)
{
	char reason[REASON_MAX] = "";
	struct cli_act *a;

	if (c->n != 2 && (c->n != 4 || !cli_word_is(c, 2, "to"))) {
		say_usage(c, "switchover BACKEND [to SERVER]");
		return;
	}
	a = cli_act_begin(c, NULL);
	cli_log(c, true, "begins", "");
	if (r->own.switchover(c->words[1], c->n == 4 ? c->words[3] : NULL,
		switched_cb, a, reason, sizeof(reason), r->own.arg) == 0)
		return;
	flatten(reason);
	cli_log(c, false, "refused", reason);
	cli_error(c, "error: %s\n", reason);
	cli_act_end(a);
}
