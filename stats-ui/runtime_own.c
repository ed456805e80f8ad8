/*
 * The commands that HAProxy does not have: about who takes the writes.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "health/operate.h"
#include "stats-ui/alarm.h"
#include "stats-ui/commands.h"
#include "stats-ui/json.h"

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

/* What /stats.json says, to whom that may be told. */
static void
put_json(const struct stats_source *src, struct evbuffer *out)
{
	static const struct conf_stats none;
	const struct conf *conf = src->conf(src->arg);

	stats_render_json(src, conf->nstats > 0 ? &conf->stats[0] : &none, out);
}

void
run_status(struct runtime *r, struct cli *c)
{
	bool json = runtime_wants_json(c);

	if (c->n != 1)
		say_usage(c, "status [json]");
	else if (json)
		put_json(r->source, c->out);
	else
		r->own.status(c->out, r->own.arg);
}

/* For alarm_each(): add what is not well. */
static void
alarm_json_cb(bool critical, const char *text, void *arg)
{
	json_t *o = json_object();

	json_object_set_new(
	    o, "severity", json_string(critical ? "critical" : "warning"));
	json_object_set_new(o, "text", json_text(text));
	json_array_append_new(arg, o);
}

/* All that is not well, as JSON; "status" is the worst of it. */
static void
put_check_json(const struct stats_source *src, struct evbuffer *out)
{
	json_t *o = json_object(), *list = json_array(), *item;
	const char *worst = "OK";
	size_t i;

	alarm_each(src, alarm_json_cb, list);
	json_array_foreach(list, i, item)
	{
		const char *is =
		    json_string_value(json_object_get(item, "severity"));

		if (strcmp(is, "critical") == 0)
			worst = "CRITICAL";
		else if (strcmp(worst, "OK") == 0)
			worst = "WARNING";
	}
	json_object_set_new(o, "status", json_string(worst));
	json_object_set_new(o, "alarms", list);
	json_write(o, out);
}

void
run_check(struct runtime *r, struct cli *c)
{
	bool json = runtime_wants_json(c);

	if (c->n != 1)
		say_usage(c, "check [json]");
	else if (json)
		put_check_json(r->source, c->out);
	else
		r->own.check(c->out, r->own.arg);
}

/* Put a server into a state. Says what follows from it, `then`, or for one that
 * takes the writes `then_writer`. */
static void
put_state(struct runtime *r, struct cli *c, enum admin_state state,
    const char *then, const char *then_writer)
{
	const struct conf_backend *cb;
	const struct conf_server *cs = NULL;
	char usage[64];
	bool writer;

	snprintf(usage, sizeof(usage), "%s BACKEND/SERVER", c->words[0]);
	if (c->n != 2 || strchr(c->words[1], '/') == NULL) {
		say_usage(c, usage);
		return;
	}
	if (!runtime_find(r, c, c->words[1], &cb, &cs))
		return;
	writer = monitor_server(r->source->monitor, cs).writer;
	operate_state(r->admin.monitor, cs, state);
	cli_log(c, true, "done", "");
	cli_message(c, "done: %.64s/%.64s %s; %u sessions are on it now\n",
	    cb->name, cs->name, writer ? then_writer : then,
	    r->source->server_sessions(cs->id, r->source->arg));
}

void
run_drain(struct runtime *r, struct cli *c)
{
	put_state(r, c, ADMIN_DRAIN,
	    "takes no new sessions, those that it has may go on",
	    "stays the writer, but takes no new sessions: they are held");
}

void
run_maint(struct runtime *r, struct cli *c)
{
	put_state(r, c, ADMIN_MAINT,
	    "is taken out: no new sessions, those that it has may go on",
	    "is taken out and is no writer any more: its sessions are closed");
}

void
run_ready(struct runtime *r, struct cli *c)
{
	put_state(r, c, ADMIN_READY, "is used again, for what its checks say",
	    "takes new sessions again");
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
