/*
 * The commands of the control sockets: the table, a line's words, who may, and
 * what is said when there is no such command.
 */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "stats-ui/commands.h"
#include "stats-ui/runtime.h"

#define NEAR_MAX    5 /* commands that an unknown one is compared with */
#define COMPARE_MAX 40

/* One command. */
struct command {
	const char *words; /* with single blanks */
	const char *usage, *help;
	enum conf_level level; /* that it takes */
	bool ours;             /* HAProxy does not have it */
	command_run *run;
};

static command_run run_help, run_operator, run_prompt, run_quit, run_severity;
static command_run run_timeout, run_user;

/* Those at the end are shown in every list. */
/* clang-format off */
static const struct command commands[] = {
    {"check", "check [json]", "is all well? OK, WARNING or CRITICAL",
	ALLOW_USER, true, run_check},
    {"clear counters", "clear counters [all]", "set maxima back, or all counters",
	ALLOW_OPERATOR, false, clear_counters},
    {"disable agent", "disable agent <bk>/<srv>", "no agent checks (there are none)",
	ALLOW_ADMIN, false, disable_agent},
    {"disable frontend", "disable frontend <frontend>", "refuse its clients, keep its port",
	ALLOW_ADMIN, false, disable_frontend},
    {"disable health", "disable health <bk>/<srv>", "leave the health as it is now",
	ALLOW_ADMIN, false, disable_health},
    {"disable server", "disable server <bk>/<srv>", "as state maint",
	ALLOW_ADMIN, false, disable_server},
    {"drain", "drain <bk>/<srv>", "no new sessions for it, those that it has go on",
	ALLOW_ADMIN, true, run_drain},
    {"enable agent", "enable agent <bk>/<srv>", "agent checks (there are none)",
	ALLOW_ADMIN, false, enable_agent},
    {"enable frontend", "enable frontend <frontend>", "take its clients again",
	ALLOW_ADMIN, false, enable_frontend},
    {"enable health", "enable health <bk>/<srv>", "let the checks decide again",
	ALLOW_ADMIN, false, enable_health},
    {"enable server", "enable server <bk>/<srv>", "as state ready",
	ALLOW_ADMIN, false, enable_server},
    {"events", "events [<n>] [json]", "what changed, newest first, and why",
	ALLOW_USER, true, run_events},
    {"get weight", "get weight <bk>/<srv>", "the weight now, and the configured one",
	ALLOW_USER, false, get_weight},
    {"maint", "maint <bk>/<srv>", "take it out: no sessions for it, no writer any more",
	ALLOW_ADMIN, true, run_maint},
    {"operator", "operator", "have level operator from now on",
	ALLOW_OPERATOR, false, run_operator},
    {"promote", "promote <bk>/<srv>", "make this primary the writer of its backend",
	ALLOW_ADMIN, true, run_promote},
    {"ready", "ready <bk>/<srv>", "use it again, as its checks say",
	ALLOW_ADMIN, true, run_ready},
    {"servers", "servers [<bk>] [json]", "every server: role, lag, sessions, last check",
	ALLOW_USER, true, run_servers},
    {"sessions", "sessions [<bk>[/<srv>]] [json]", "clients, and the servers they are on",
	ALLOW_OPERATOR, true, run_sessions},
    {"set maxconn frontend", "set maxconn frontend <frontend> <n>", "clients of it at a time",
	ALLOW_ADMIN, false, set_maxconn_frontend},
    {"set maxconn global", "set maxconn global <n>", "clients at a time in all, 0: as configured",
	ALLOW_ADMIN, false, set_maxconn_global},
    {"set maxconn server", "set maxconn server <bk>/<srv> <n>", "sessions on it at a time, 0: no limit",
	ALLOW_ADMIN, false, set_maxconn_server},
    {"set server", "set server <bk>/<srv> [opts]", "its state, weight, health or address",
	ALLOW_ADMIN, false, set_server},
    {"set severity-output", "set severity-output [none|number|string]", "begin messages with their severity",
	ALLOW_USER, false, run_severity},
    {"set timeout", "set timeout cli <delay>", "for the next command to come; seconds",
	ALLOW_USER, false, run_timeout},
    {"set weight", "set weight <bk>/<srv> <n>[%]", "its weight, absolute or of the configured one",
	ALLOW_ADMIN, false, set_weight},
    {"show backend", "show backend", "the backends' names",
	ALLOW_USER, false, show_backend},
    {"show cli level", "show cli level", "what this connection may do",
	ALLOW_USER, false, show_cli_level},
    {"show cli sockets", "show cli sockets", "the sockets for commands",
	ALLOW_USER, false, show_cli_sockets},
    {"show env", "show env [var]", "the environment, without its secrets",
	ALLOW_OPERATOR, false, show_env},
    {"show errors", "show errors [<px>]", "protocol errors (a relay sees none)",
	ALLOW_OPERATOR, false, show_errors},
    {"show info", "show info [json|typed]", "the process in figures",
	ALLOW_USER, false, show_info},
    {"show schema json", "show schema json", "of the figures as JSON",
	ALLOW_USER, false, show_schema},
    {"show servers conn", "show servers conn [<backend>]", "connections to each server",
	ALLOW_USER, false, show_servers_conn},
    {"show servers state", "show servers state [<backend>]", "state, weight and check of each server",
	ALLOW_USER, false, show_servers_state},
    {"show sess", "show sess [<id>|all]", "sessions, with the id to shut one down",
	ALLOW_OPERATOR, false, show_sess},
    {"show stat", "show stat [<px> <type> <sid>] [json|no-maint|typed|up]",
	"frontends, backends and servers in figures",
	ALLOW_USER, false, show_stat},
    {"show table", "show table", "stick tables (there are none)",
	ALLOW_USER, false, show_table},
    {"show version", "show version", "the version",
	ALLOW_USER, false, show_version},
    {"shutdown frontend", "shutdown frontend <frontend>", "close it until the next reload",
	ALLOW_ADMIN, false, shutdown_frontend},
    {"shutdown session", "shutdown session <id>", "end a session",
	ALLOW_ADMIN, false, shutdown_session},
    {"shutdown sessions server", "shutdown sessions server <bk>/<srv>", "end all on that server",
	ALLOW_ADMIN, false, shutdown_sessions_server},
    {"status", "status [json]", "who takes the writes, every server, why",
	ALLOW_USER, true, run_status},
    {"switchover", "switchover <bk> [to <srv>]", "move the writes, losing none of them",
	ALLOW_ADMIN, true, run_switchover},
    {"user", "user", "have level user from now on",
	ALLOW_USER, false, run_user},
    {"help", "help [<command>]", "list matching commands, or all",
	ALLOW_USER, false, run_help},
    {"prompt", "prompt", "stay for more commands, or not",
	ALLOW_USER, false, run_prompt},
    {"quit", "quit", "end the connection",
	ALLOW_USER, false, run_quit},
};
/* clang-format on */

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))
#define NALWAYS   3 /* the last ones, that each list ends with */

/*
 * Finding a command.
 */

/* How many of a command's words do the line's words begin with? */
static size_t
count_common(const struct command *cmd, const struct cli *c, size_t *of)
{
	const char *word = cmd->words;
	size_t same = 0, len;
	bool apart = false;

	for (*of = 0; *word != '\0'; (*of)++) {
		len = strcspn(word, " ");
		apart |= *of >= c->n || strlen(c->words[*of]) != len ||
			 strncmp(word, c->words[*of], len) != 0;
		same += !apart;
		word += len + (word[len] == ' ');
	}
	return same;
}

/* The command that the line begins with; NULL none. */
static const struct command *
find_command(const struct cli *c)
{
	const struct command *cmd;
	size_t of;

	for (cmd = commands; cmd < commands + NCOMMANDS; cmd++) {
		if (count_common(cmd, c, &of) == of)
			return cmd;
	}
	return NULL;
}

/* How many letters two texts differ by, of their first COMPARE_MAX. */
static unsigned
distance(const char *a, const char *b)
{
	size_t na = strnlen(a, COMPARE_MAX), nb = strnlen(b, COMPARE_MAX), i, j;
	unsigned row[COMPARE_MAX + 1], before, above, best;

	for (j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= na; i++) {
		before = row[0];
		row[0] = (unsigned)i;
		for (j = 1; j <= nb; j++) {
			above = row[j];
			best = before + (a[i - 1] != b[j - 1]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			before = above;
		}
	}
	return row[nb];
}

/*
 * Lists of commands.
 */

/* Some commands, in the table's order. */
static void
print_commands(struct cli *c, const bool shown[NCOMMANDS])
{
	size_t i;

	for (i = 0; i < NCOMMANDS; i++) {
		if (shown[i] || i >= NCOMMANDS - NALWAYS)
			cli_print(c, "  %-40s: %s\n", commands[i].usage,
			    commands[i].help);
	}
}

/* Mark the commands that begin with the most of the words from the first on.
 * Returns how many words that is. */
static size_t
mark_matching(const struct cli *c, bool shown[NCOMMANDS])
{
	size_t same[NCOMMANDS], most = 0, of, i;

	for (i = 0; i < NCOMMANDS; i++) {
		same[i] = count_common(&commands[i], c, &of);
		if (same[i] > most)
			most = same[i];
	}
	for (i = 0; i < NCOMMANDS; i++)
		shown[i] = same[i] == most;
	return most;
}

/* How far is the line's beginning from a command, of as many words? */
static unsigned
distance_to(const struct cli *c, const struct command *cmd)
{
	char typed[COMPARE_MAX + 1] = "";
	size_t of, i, len = 0;

	count_common(cmd, c, &of);
	for (i = 0; i < of && i < c->n && len < COMPARE_MAX; i++)
		len += (size_t)snprintf(typed + len, sizeof(typed) - len,
		    "%s%s", i > 0 ? " " : "", c->words[i]);
	return distance(typed, cmd->words);
}

/* Of the marked ones, leave only those that are most like the words. */
static void
keep_nearest(const struct cli *c, bool shown[NCOMMANDS])
{
	unsigned far[NCOMMANDS], best;
	size_t i, n, at;

	for (i = 0; i < NCOMMANDS; i++) {
		far[i] = shown[i] ? distance_to(c, &commands[i]) : UINT32_MAX;
		shown[i] = false;
	}
	for (n = 0; n < NEAR_MAX; n++) {
		for (i = 0, best = UINT32_MAX, at = 0; i < NCOMMANDS; i++) {
			if (far[i] < best) {
				best = far[i];
				at = i;
			}
		}
		if (best == UINT32_MAX)
			break;
		shown[at] = true;
		far[at] = UINT32_MAX;
	}
}

/* There is no such command: list those that may have been meant. */
static void
refuse_unknown(struct cli *c)
{
	bool shown[NCOMMANDS];
	size_t known, i;

	if (c->n == 0) {
		for (i = 0; i < NCOMMANDS; i++)
			shown[i] = true;
		cli_error(c, "Unknown command. Please enter one of the "
			     "following commands only:\n");
	} else {
		/* What goes on with no known word is misspelt. */
		known = mark_matching(c, shown);
		if (known < c->n)
			keep_nearest(c, shown);
		cli_error(c, "Unknown command, but maybe one of the following "
			     "ones is a better match:\n");
	}
	print_commands(c, shown);
}

static void
run_help(struct runtime *r, struct cli *c)
{
	struct cli rest = *c;
	bool shown[NCOMMANDS];

	(void)r;
	memmove(rest.words, rest.words + 1,
	    sizeof(rest.words) - sizeof(rest.words[0]));
	rest.n--;
	if (mark_matching(&rest, shown) < rest.n)
		keep_nearest(&rest, shown);
	cli_print(c, "The following commands are valid at this level:\n");
	print_commands(c, shown);
}

/*
 * The connection's own commands.
 */

static void
run_operator(struct runtime *r, struct cli *c)
{
	(void)r;
	c->level = ALLOW_OPERATOR;
}

static void
run_user(struct runtime *r, struct cli *c)
{
	(void)r;
	c->level = ALLOW_USER;
}

static void
run_prompt(struct runtime *r, struct cli *c)
{
	(void)r;
	c->prompt = !c->prompt;
}

static void
run_quit(struct runtime *r, struct cli *c)
{
	(void)r;
	c->quit = true;
}

static void
run_severity(struct runtime *r, struct cli *c)
{
	static const char *const words[] = {"none", "number", "string"};
	size_t i;

	(void)r;
	for (i = 0; i < 3; i++) {
		if (cli_word_is(c, 2, words[i])) {
			c->severity = (enum cli_severity)i;
			return;
		}
	}
	cli_error(
	    c, "one of 'none', 'number', 'string' is a required argument\n");
}

static void
run_timeout(struct runtime *r, struct cli *c)
{
	char text[40], error[UNITS_ERROR_MAX];
	const char *delay = c->words[3];
	int64_t ms;

	(void)r;
	if (!cli_word_is(c, 2, "cli")) {
		cli_error(c, "'set timeout' only supports 'cli'.\n");
		return;
	}
	if (delay[0] == '\0') {
		cli_error(c, "Expects an integer value.\n");
		return;
	}
	/* Seconds, where no unit is given. */
	snprintf(text, sizeof(text), "%.30s%s", delay,
	    delay[strspn(delay, "0123456789")] == '\0' ? "s" : "");
	if (units_time(text, &ms, error) != 0 || ms < 1)
		cli_error(c, "Invalid timeout value.\n");
	else
		c->timeout = ms;
}

/*
 * Running.
 */

/* Take a backslash before a character away, and find the words. */
static void
find_words(struct cli *c, char *line)
{
	char *to = line;
	size_t i;

	for (c->n = 0; c->n < CLI_WORDS_MAX;) {
		line += strspn(line, " \t");
		if (*line == '\0')
			break;
		c->words[c->n++] = to = line;
		while (*line != '\0' && *line != ' ' && *line != '\t') {
			if (*line == '\\' && line[1] != '\0')
				line++;
			*to++ = *line++;
		}
		if (*line != '\0')
			line++;
		*to = '\0';
	}
	for (i = c->n; i < CLI_WORDS_MAX + 4; i++)
		c->words[i] = "";
}

/* It may not do that. */
static void
deny(struct cli *c, const struct command *cmd)
{
	cli_log(c, false, "refused", "permission denied");
	if (cmd->ours)
		cli_error(c,
		    "error: Permission denied: only root and uid %u may do "
		    "that\n",
		    (unsigned)geteuid());
	else
		cli_error(c, "Permission denied\n");
}

void
runtime_run(struct runtime *r, struct cli *c, char *line)
{
	const struct command *cmd;

	snprintf(c->what, sizeof(c->what), "%s", line + strspn(line, " \t"));
	c->running = true;
	find_words(c, line);
	cmd = find_command(c);
	if (cmd == NULL)
		refuse_unknown(c);
	else if (c->level < cmd->level)
		deny(c, cmd);
	else
		cmd->run(r, c);
	c->running = false;
	if (c->act == NULL && !c->quit)
		evbuffer_add(c->out, "\n", 1);
}
