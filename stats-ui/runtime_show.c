/*
 * Commands that look: at servers, the process, this connection. The figures are
 * made elsewhere.
 */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/version.h"
#include "health/hcheck.h"
#include "stats-ui/commands.h"
#include "stats-ui/history.h"
#include "stats-ui/hstate.h"
#include "stats-ui/hstats.h"
#include "stats-ui/hstats_json.h"
#include "stats-ui/proxies.h"

/* srv_op_state and srv_admin_state of "show servers state". */
enum { OP_STOPPED, OP_STARTING, OP_RUNNING, OP_STOPPING };
#define ADMIN_FMAINT 0x01
#define ADMIN_CMAINT 0x04
#define ADMIN_FDRAIN 0x08

/* srv_check_state. */
#define CHECK_RUNNING    0x01
#define CHECK_CONFIGURED 0x02
#define CHECK_ENABLED    0x04
#define CHECK_PAUSED     0x08

/* A server in its backend, for one line. */
typedef void server_line(struct runtime *r, struct cli *c,
    const struct conf_backend *cb, const struct conf_server *cs);

void
show_version(struct runtime *r, struct cli *c)
{
	(void)r;
	cli_message(c, SHOWN_VERSION "\n");
}

void
show_backend(struct runtime *r, struct cli *c)
{
	const struct conf *conf = runtime_conf(r);
	struct hproxy *list;
	size_t i, n;

	list = proxies_list(conf, &n);
	cli_print(c, "# name\n");
	for (i = 0; i < n; i++) {
		if (list[i].be != NULL || list[i].site != NULL)
			cli_print(c, "%s\n", list[i].name);
	}
	free(list);
}

void
show_cli_level(struct runtime *r, struct cli *c)
{
	(void)r;
	cli_message(c, "%s\n", conf_level_words[c->level]);
}

/* An address as HAProxy writes it there. */
static const char *
family_of(const struct addr *a)
{
	return a->family == AF_UNIX   ? "unix@"
	       : a->family == AF_INET ? "ipv4@"
				      : "ipv6@";
}

void
show_cli_sockets(struct runtime *r, struct cli *c)
{
	const struct conf_global *g = &runtime_conf(r)->global;
	char name[ADDR_STR_MAX];
	size_t i;

	cli_print(c, "# socket lvl processes\n");
	for (i = 0; i < g->ncontrols; i++) {
		const struct conf_control *k = &g->controls[i];
		bool local = k->addr.family == AF_UNIX;
		enum conf_level level = k->has_level ? k->level
					: local      ? ALLOW_ADMIN
						     : ALLOW_USER;

		cli_print(c, "%s%s %s all\n", family_of(&k->addr),
		    local ? k->addr.u.path : addr_str(&k->addr, name),
		    conf_level_words[level]);
	}
}

/* May its value be a secret? */
static bool
is_secret(const char *entry)
{
	static const char *const words[] = {"PASS", "SECRET", "TOKEN", "KEY",
	    "AUTH", "CRED", "PW", "DSN", "URL"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *at = strcasestr(entry, words[i]);

		if (at != NULL && at < strchr(entry, '=') &&
		    strncmp(entry, "PWD=", 4) != 0)
			return true;
	}
	return false;
}

/* One variable, in one line. */
static void
print_variable(struct cli *c, const char *entry)
{
	int name = (int)(strchr(entry, '=') - entry);
	char text[1024], *p;

	snprintf(text, sizeof(text), "%s", entry);
	for (p = text; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
	if (is_secret(entry))
		cli_print(c, "%.*s=*****\n", name, entry);
	else
		cli_print(c, "%s\n", text);
}

void
show_env(struct runtime *r, struct cli *c)
{
	size_t len = strlen(c->words[2]);
	char **entry;

	(void)r;
	for (entry = environ; *entry != NULL; entry++) {
		if (strchr(*entry, '=') == NULL)
			continue;
		if (len == 0 || (strncmp(*entry, c->words[2], len) == 0 &&
				    (*entry)[len] == '=')) {
			print_variable(c, *entry);
			if (len > 0)
				return;
		}
	}
	if (len > 0)
		cli_error(c, "Variable not found\n");
}

/* Is there a proxy of this name, or with this number? Its iid, 0 none. */
static unsigned
find_proxy(const struct runtime *r, const char *name)
{
	unsigned iid = 0;
	struct hproxy *list;
	size_t i, n;

	list = proxies_list(runtime_conf(r), &n);
	for (i = 0; i < n; i++) {
		if (strcmp(list[i].name, name) == 0)
			iid = list[i].iid;
	}
	free(list);
	return iid;
}

void
show_errors(struct runtime *r, struct cli *c)
{
	int64_t us = clock_wall_us();

	if (c->n > 2 && find_proxy(r, c->words[2]) == 0 &&
	    strcmp(c->words[2], "-1") != 0) {
		cli_error(c, "No such proxy.\n");
		return;
	}
	cli_print(c, "Total events captured on [%s.%03d] : 0\n",
	    clock_second(us, CLOCK_HTTP), (int)(us / 1000 % 1000));
}

void
show_table(struct runtime *r, struct cli *c)
{
	(void)r;
	if (c->n > 2)
		cli_error(c, "No such table\n");
}

void
show_schema(struct runtime *r, struct cli *c)
{
	(void)r;
	hjson_schema(c->out);
}

/* Is one of the words from i on this one? */
static bool
has_option(const struct cli *c, size_t i, const char *word)
{
	for (; i < c->n; i++) {
		if (cli_word_is(c, i, word))
			return true;
	}
	return false;
}

void
show_info(struct runtime *r, struct cli *c)
{
	if (has_option(c, 2, "json"))
		hinfo_json(r->source, c->out);
	else if (has_option(c, 2, "typed"))
		hinfo_typed(r->source, c->out);
	else
		hinfo_text(r->source, c->out);
}

void
show_stat(struct runtime *r, struct cli *c)
{
	struct hstats_filter f = HSTATS_ALL;
	size_t i = 2;

	if (c->n > 4) {
		f.iid = (int)find_proxy(r, c->words[2]);
		if (f.iid == 0)
			f.iid = (int)strtol(c->words[2], NULL, 10);
		if (f.iid == 0) {
			cli_error(c, "No such proxy.\n");
			return;
		}
		/* Listeners, 8, are never listed. */
		f.types = (unsigned)strtol(c->words[3], NULL, 10) & 0xf;
		f.types |= f.types == 0 ? 8 : 0;
		f.sid = (int)strtol(c->words[4], NULL, 10);
		i = 5;
	}
	f.up = has_option(c, i, "up");
	f.no_maint = has_option(c, i, "no-maint");
	f.legends = c->level >= ALLOW_OPERATOR;
	if (has_option(c, i, "json"))
		hstats_json(r->source, &f, c->out);
	else if (has_option(c, i, "typed"))
		hstats_typed(r->source, &f, c->out);
	else
		hstats_csv(r->source, &f, c->out);
}

/* Lines for all servers of a backend, or of all. */
static void
each_server(struct runtime *r, struct cli *c, server_line *line)
{
	const struct conf *conf = runtime_conf(r);
	const struct conf_backend *cb;
	size_t i;

	for (cb = conf->backends; cb < conf->backends + conf->nbackends; cb++) {
		if (c->n > 3 && cb != runtime_backend(r, c->words[3]))
			continue;
		for (i = 0; i < cb->nservers; i++)
			line(r, c, cb, &cb->servers[i]);
	}
}

/* Is there such a backend, if one is named? */
static bool
backend_is_there(struct runtime *r, struct cli *c)
{
	if (c->n <= 3 || runtime_backend(r, c->words[3]) != NULL)
		return true;
	cli_error(c, "Can't find backend.\n");
	return false;
}

/* What an operator says of it, as a mask. */
static unsigned
admin_mask(const struct admin *a)
{
	return (a->state == ADMIN_MAINT ? ADMIN_FMAINT : 0u) |
	       (a->state == ADMIN_DRAIN ? ADMIN_FDRAIN : 0u) |
	       (a->file.disabled ? ADMIN_CMAINT : 0u);
}

/* Whether it runs. */
static unsigned
op_state(const struct monitor_server *ms, const struct hstate *st)
{
	if (!st->up)
		return OP_STOPPED;
	if (st->stopping)
		return OP_STOPPING;
	return ms->weight < ms->admin->weight ? OP_STARTING : OP_RUNNING;
}

/* What its check does. */
static unsigned
check_mask(const struct monitor_server *ms, const struct hcheck *h)
{
	if (!h->checked)
		return 0;
	return CHECK_CONFIGURED | (ms->admin->unchecked ? 0u : CHECK_ENABLED) |
	       (h->running ? CHECK_RUNNING : 0u) |
	       (ms->maintenance ? CHECK_PAUSED : 0u);
}

static void
state_line(struct runtime *r, struct cli *c, const struct conf_backend *cb,
    const struct conf_server *cs)
{
	struct monitor_server ms = monitor_server(r->source->monitor, cs);
	const struct track *t = history_server(r->source->history, cs);
	char ip[ADDR_STR_MAX];
	struct hstate st;
	struct addr literal;
	bool named = addr_parse_ip(cs->host, 0, &literal) != 0;

	hstate_of(cb, &ms, &st);
	cli_print(c,
	    "%u %s %u %s %s %u %u %u %u %lld %u %u %u %u 0 %u %u %s %u - 0 %u "
	    "%s - 0\n",
	    proxies_backend_iid(runtime_conf(r), cb), cb->name,
	    proxies_sid(cb, cs), cs->name, addr_ip_str(&ms.now->addr, ip),
	    op_state(&ms, &st), admin_mask(ms.admin), ms.admin->weight,
	    cs->weight, (long long)(clock_ms() - t->since) / 1000,
	    hcheck_number(st.check.status),
	    st.check.running ? 0 : hcheck_result(st.check.status),
	    st.check.health, check_mask(&ms, &st.check), cb->number != 0,
	    cs->number != 0, named && ms.admin->host == NULL ? cs->host : "-",
	    ms.now->addr.port, cs->check_port,
	    cs->check_host == NULL ? "-" : cs->check_host);
}

void
show_servers_state(struct runtime *r, struct cli *c)
{
	if (!backend_is_there(r, c))
		return;
	cli_print(c, "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state "
		     "srv_admin_state srv_uweight srv_iweight "
		     "srv_time_since_last_change srv_check_status "
		     "srv_check_result srv_check_health srv_check_state "
		     "srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn "
		     "srv_port srvrecord srv_use_ssl srv_check_port "
		     "srv_check_addr srv_agent_addr srv_agent_port\n");
	each_server(r, c, state_line);
}

static void
conn_line(struct runtime *r, struct cli *c, const struct conf_backend *cb,
    const struct conf_server *cs)
{
	struct monitor_server ms = monitor_server(r->source->monitor, cs);
	struct figures f;
	unsigned workers = r->source->workers(r->source->arg), i;
	char ip[ADDR_STR_MAX];

	r->source->server_figures(cs->id, &f, r->source->arg);
	cli_print(c, "%s/%s %u/%u %s %u - 5000 %u %u %u 0 0 -1 0", cb->name,
	    cs->name, proxies_backend_iid(runtime_conf(r), cb),
	    proxies_sid(cb, cs), addr_ip_str(&ms.now->addr, ip),
	    ms.now->addr.port, f.sessions, f.sessions_max, f.sessions_max);
	for (i = 0; i < workers; i++)
		cli_print(c, " 0");
	cli_print(c, "\n");
}

void
show_servers_conn(struct runtime *r, struct cli *c)
{
	if (!backend_is_there(r, c))
		return;
	cli_print(c,
	    "# bkname/svname bkid/svid addr port - purge_delay used_cur "
	    "used_max need_est unsafe_nb safe_nb idle_lim idle_cur "
	    "idle_per_thr[%u]\n",
	    r->source->workers(r->source->arg));
	each_server(r, c, conn_line);
}

void
get_weight(struct runtime *r, struct cli *c)
{
	const struct conf_backend *cb;
	const struct conf_server *cs = runtime_server(r, c, 2, &cb);

	if (cs != NULL)
		cli_message(c, "%u (initial %u)\n",
		    monitor_server(r->source->monitor, cs).admin->weight,
		    cs->weight);
}
