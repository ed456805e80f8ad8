/*
 * Commands about frontends and the process as a whole.
 */
#include <stdlib.h>

#include "base/log.h"
#include "stats-ui/commands.h"
#include "stats-ui/words.h"

#define MAXCONN_MAX 1000000000

/* A line in HAProxy's words, if they are wanted, besides ours. */
static void
log_frontend(const struct runtime *r, const struct conf_frontend *fe,
    enum frontend_state now)
{
	struct counter_sums sums = {0};

	if (runtime_conf(r)->global.log_format != LOG_FORMAT_TCPLOG)
		return;
	if (now == FRONTEND_STOPPED) {
		(void)words_frontend(r->source, fe, &sums);
		log_warn("Proxy %s stopped (cumulated conns: FE: %llu, BE: 0).",
		    fe->name, (unsigned long long)sums.sessions);
	} else
		log_warn("%s frontend %s.",
		    now == FRONTEND_PAUSED ? "Paused" : "Resumed", fe->name);
}

/* All workers have told of their sessions, so they have done what came before
 * that. */
static void
settled_cb(const struct session_view *list, size_t n, bool cut, void *arg)
{
	(void)list;
	(void)n;
	(void)cut;
	cli_act_end(arg);
}

/* Let it refuse clients, or take them again. The answer comes when the workers
 * do so. */
static void
put_frontend(struct runtime *r, struct cli *c, bool pause)
{
	const struct conf_frontend *fe = runtime_frontend(r, c, 2);
	const char *verb = pause ? "disable" : "enable";
	enum frontend_state now, next = pause ? FRONTEND_PAUSED : FRONTEND_OPEN;

	if (fe == NULL)
		return;
	now = r->admin.frontend_state(fe->id, r->admin.arg);
	if (now == FRONTEND_STOPPED)
		cli_error(
		    c, "Frontend was previously shut down, cannot %s.\n", verb);
	else if (now == next)
		cli_error(c, "All sockets are already %sd.\n", verb);
	else {
		cli_log(c, true, "done", "");
		r->admin.pause(fe->id, pause, r->admin.arg);
		log_frontend(r, fe, next);
		r->admin.list_sessions(
		    settled_cb, cli_act_begin(c, NULL), r->admin.arg);
	}
}

void
disable_frontend(struct runtime *r, struct cli *c)
{
	put_frontend(r, c, true);
}

void
enable_frontend(struct runtime *r, struct cli *c)
{
	put_frontend(r, c, false);
}

void
shutdown_frontend(struct runtime *r, struct cli *c)
{
	const struct conf_frontend *fe = runtime_frontend(r, c, 2);

	if (fe == NULL)
		return;
	if (r->admin.frontend_state(fe->id, r->admin.arg) == FRONTEND_STOPPED) {
		cli_error(c, "Frontend was already shut down.\n");
		return;
	}
	cli_log(c, true, "done", "");
	r->admin.shutdown(fe->id, r->admin.arg);
	log_frontend(r, fe, FRONTEND_STOPPED);
}

void
set_maxconn_frontend(struct runtime *r, struct cli *c)
{
	const struct conf_frontend *fe = runtime_frontend(r, c, 3);
	long n;

	if (fe == NULL)
		return;
	if (c->words[4][0] == '\0') {
		cli_error(c, "Integer value expected.\n");
		return;
	}
	n = strtol(c->words[4], NULL, 10);
	if (n < 0 || n > MAXCONN_MAX) {
		cli_error(c, "Value out of range.\n");
		return;
	}
	cli_log(c, true, "done", "");
	r->admin.set_maxconn(fe->id, n, r->admin.arg);
}

/* 0 is what the configuration says, and there may not be more. */
void
set_maxconn_global(struct runtime *r, struct cli *c)
{
	long most = (long)runtime_conf(r)->global.maxconn, n;

	if (c->words[3][0] == '\0') {
		cli_error(c, "Expects an integer value.\n");
		return;
	}
	n = strtol(c->words[3], NULL, 10);
	if (n < 0 || n > most) {
		cli_error(c, "Value out of range.\n");
		return;
	}
	cli_log(c, true, "done", "");
	r->admin.set_maxconn(-1, n == 0 ? -1 : n, r->admin.arg);
}

void
clear_counters(struct runtime *r, struct cli *c)
{
	bool all = cli_word_is(c, 2, "all");

	if (all && c->level < ALLOW_ADMIN) {
		cli_error(c, "Permission denied\n");
		return;
	}
	r->admin.clear_counters(all, r->admin.arg);
}
