/*
 * Commands that change a server. Each error is in HAProxy's words; a few of
 * them do not end their line, as there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/operate.h"
#include "stats-ui/commands.h"

#define BY "by 'stats socket command'\n"

/* A change of a server, from word i of the line on. */
typedef void server_change(struct runtime *r, struct cli *c, size_t i,
    const struct conf_backend *cb, const struct conf_server *cs);

static server_change change_addr, change_agent, change_agent_addr, change_fqdn;
static server_change change_health, change_ssl, change_state, change_weight;
static server_change change_check;

static const struct {
	const char *word;
	server_change *change;
} changes[] = {
    {"addr", change_addr},
    {"agent", change_agent},
    {"agent-addr", change_agent_addr},
    {"agent-port", change_agent_addr},
    {"agent-send", change_agent},
    {"check-addr", change_check},
    {"check-port", change_check},
    {"fqdn", change_fqdn},
    {"health", change_health},
    {"ssl", change_ssl},
    {"state", change_state},
    {"weight", change_weight},
};

/* A state, by an order that is logged. */
static void
put_state(struct runtime *r, struct cli *c, const struct conf_server *cs,
    enum admin_state state)
{
	cli_log(c, true, "done", "");
	operate_state(r->admin.monitor, cs, state);
}

static void
change_state(struct runtime *r, struct cli *c, size_t i,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	static const enum admin_state states[] = {
	    ADMIN_READY, ADMIN_DRAIN, ADMIN_MAINT};
	size_t j;

	(void)cb;
	for (j = 0; j < 3; j++) {
		if (cli_word_is(c, i, admin_state_str(states[j]))) {
			put_state(r, c, cs, states[j]);
			return;
		}
	}
	cli_error(c, "'set server <srv> state' expects 'ready', 'drain' and "
		     "'maint'.\n");
}

static void
change_health(struct runtime *r, struct cli *c, size_t i,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	static const enum admin_health healths[] = {
	    ADMIN_UP, ADMIN_STOPPING, ADMIN_DOWN};
	size_t j;

	(void)cb;
	for (j = 0; j < 3; j++) {
		if (!cli_word_is(c, i, admin_health_str(healths[j])))
			continue;
		cli_log(c, true, "done", "");
		operate_health(r->admin.monitor, cs, healths[j]);
		return;
	}
	cli_error(c, "'set server <srv> health' expects 'up', 'stopping', or "
		     "'down'.\n");
}

static void
change_weight(struct runtime *r, struct cli *c, size_t i,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	const char *text = c->words[i];
	char *end;
	long n = strtol(text, &end, 10);

	(void)cb;
	if (text[0] == '\0')
		cli_error(c, "Require <weight> or <weight%%>.\n");
	else if (end == text)
		cli_error(
		    c, "Empty weight string empty or preceded by garbage");
	else if (strcmp(end, "%") == 0 && n < 0)
		cli_error(c, "Relative weight must be positive.\n");
	else if (end[0] != '%' && (n < 0 || n > ADMIN_WEIGHT_MAX))
		cli_error(c, "Absolute weight can only be between 0 and 256 "
			     "inclusive.\n");
	else if (end[0] != '\0' && strcmp(end, "%") != 0)
		cli_error(c, "Trailing garbage in weight string");
	else {
		if (end[0] == '%')
			n = n > 100 * ADMIN_WEIGHT_MAX
				? ADMIN_WEIGHT_MAX
				: (long)cs->weight * n / 100;
		if (n > ADMIN_WEIGHT_MAX)
			n = ADMIN_WEIGHT_MAX;
		cli_log(c, true, "done", "");
		operate_weight(r->admin.monitor, cs, (unsigned)n);
	}
}

/* The port that word i names; 0, with the rest of the message in text, if it is
 * none. */
static uint16_t
read_port(const struct cli *c, size_t i, char *text, size_t size)
{
	char *end;
	long n = strtol(c->words[i], &end, 10);

	if (n >= 1 && n <= UINT16_MAX && *end == '\0' && c->words[i][0] != '+')
		return (uint16_t)n;
	snprintf(text, size, ", problem converting port '%.40s' to an int",
	    c->words[i]);
	return 0;
}

/* Say what changes, in HAProxy's words, and do it. */
static void
move(struct runtime *r, struct cli *c, const struct conf_server *cs,
    const struct addr *to, size_t port_at)
{
	const struct addr *now =
	    &monitor_server(r->admin.monitor, cs).now->addr;
	char from_ip[ADDR_STR_MAX], to_ip[ADDR_STR_MAX], ports[128] = "";
	uint16_t port = now->port;
	bool moves;

	addr_ip_str(now, from_ip);
	addr_ip_str(to, to_ip);
	moves = strcmp(from_ip, to_ip) != 0;
	if (cli_word_is(c, port_at, "port")) {
		port = read_port(c, port_at + 1, ports, sizeof(ports));
		if (port != 0 && port != now->port)
			snprintf(ports, sizeof(ports),
			    ", port changed from '%u' to '%u'", now->port,
			    port);
		else if (port != 0)
			snprintf(ports, sizeof(ports),
			    ", no need to change the port");
	}
	if (moves)
		cli_message(c, "IP changed from '%s' to '%s'%s " BY, from_ip,
		    to_ip, ports);
	else
		cli_message(c, "no need to change the addr%s " BY, ports);
	if (port == 0 || (!moves && port == now->port))
		return;
	cli_log(c, true, "done", "");
	operate_move(r->admin.monitor, cs, to_ip, port);
}

static void
change_addr(struct runtime *r, struct cli *c, size_t i,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	struct addr to;

	(void)cb;
	if (c->words[i][0] == '\0')
		cli_error(c, "set server <b>/<s> addr requires an address and "
			     "optionally a port.\n");
	else if (addr_parse_ip(c->words[i], 0, &to) != 0)
		cli_error(c, "Invalid addr '%.60s' " BY, c->words[i]);
	else
		move(r, c, cs, &to, i + 1);
}

/* What HAProxy says of a server without agent checks: there are none here. */
static void
change_agent(struct runtime *r, struct cli *c, size_t i,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	(void)r;
	(void)i;
	(void)cb;
	(void)cs;
	cli_error(c, "agent checks are not enabled on this server.\n");
}

static void
change_agent_addr(struct runtime *r, struct cli *c, size_t i,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	(void)r;
	(void)i;
	(void)cb;
	(void)cs;
	cli_error(c, "agent checks are not enabled on this server");
}

static void
change_check(struct runtime *r, struct cli *c, size_t i,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	(void)r;
	(void)cb;
	(void)cs;
	cli_error(c, "%s is set in the configuration only.\n", c->words[i - 1]);
}

static void
change_fqdn(struct runtime *r, struct cli *c, size_t i,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	(void)r;
	(void)i;
	(void)cb;
	(void)cs;
	cli_error(c, "set server <b>/<s> fqdn failed because no resolution is "
		     "configured.\n");
}

static void
change_ssl(struct runtime *r, struct cli *c, size_t i,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	(void)r;
	(void)i;
	(void)cb;
	(void)cs;
	cli_error(c, "'set server <srv> ssl' cannot be set.  default-server "
		     "should define ssl settings\n");
}

void
set_server(struct runtime *r, struct cli *c)
{
	const struct conf_backend *cb;
	const struct conf_server *cs = runtime_server(r, c, 2, &cb);
	size_t i;

	if (cs == NULL)
		return;
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (cli_word_is(c, 3, changes[i].word)) {
			changes[i].change(r, c, 4, cb, cs);
			return;
		}
	}
	cli_error(c, "usage: set server <backend>/<server> addr | agent | "
		     "agent-addr | agent-port | agent-send | check-addr | "
		     "check-port | fqdn | health | ssl | state | weight\n");
}

void
set_weight(struct runtime *r, struct cli *c)
{
	const struct conf_backend *cb;
	const struct conf_server *cs = runtime_server(r, c, 2, &cb);

	if (cs != NULL)
		change_weight(r, c, 3, cb, cs);
}

void
set_maxconn_server(struct runtime *r, struct cli *c)
{
	const struct conf_backend *cb;
	const struct conf_server *cs = runtime_server(r, c, 3, &cb);
	char *end;
	long n;

	if (cs == NULL)
		return;
	n = strtol(c->words[4], &end, 10);
	if (c->words[4][0] == '\0')
		cli_error(c, "Require <maxconn>.\n");
	else if (end == c->words[4])
		cli_error(c, "maxconn string empty or preceded by garbage");
	else if (*end != '\0')
		cli_error(c, "Trailing garbage in maxconn string");
	else {
		cli_log(c, true, "done", "");
		operate_maxconn(r->admin.monitor, cs,
		    n < 0 || n > INT32_MAX ? 0 : (unsigned)n);
	}
}

/* A state, by a command of its own. */
static void
put_named(struct runtime *r, struct cli *c, enum admin_state state)
{
	const struct conf_backend *cb;
	const struct conf_server *cs = runtime_server(r, c, 2, &cb);

	if (cs != NULL)
		put_state(r, c, cs, state);
}

void
disable_server(struct runtime *r, struct cli *c)
{
	put_named(r, c, ADMIN_MAINT);
}

void
enable_server(struct runtime *r, struct cli *c)
{
	put_named(r, c, ADMIN_READY);
}

/* Let checks decide, or not. */
static void
put_checks(struct runtime *r, struct cli *c, bool on)
{
	const struct conf_backend *cb;
	const struct conf_server *cs = runtime_server(r, c, 2, &cb);

	if (cs == NULL)
		return;
	cli_log(c, true, "done", "");
	operate_checks(r->admin.monitor, cs, on);
}

void
disable_health(struct runtime *r, struct cli *c)
{
	put_checks(r, c, false);
}

void
enable_health(struct runtime *r, struct cli *c)
{
	put_checks(r, c, true);
}

void
disable_agent(struct runtime *r, struct cli *c)
{
	const struct conf_backend *cb;

	(void)runtime_server(r, c, 2, &cb);
}

void
enable_agent(struct runtime *r, struct cli *c)
{
	const struct conf_backend *cb;

	if (runtime_server(r, c, 2, &cb) != NULL)
		cli_error(c, "Agent was not configured on this server, cannot "
			     "enable.\n");
}
