/*
 * Writing the document: global, the frontends, the pages of statistics. What
 * HAProxy takes for granted where nothing is said is written too, unless it is
 * so here as well.
 */
#include <string.h>

#include "base/units.h"
#include "conf/cfg_write.h"

#define MAXCONN_DEFAULT 20000 /* of [global] */
#define BACKLOG_MAX     65535
#define STATS_MAXCONN   10000

void
cfg_out_section(struct cfg_out *o, enum key_section kind, const char *name,
    const char *file, unsigned line)
{
	o->section = ini_section(o->doc, kind, name, file, line);
}

void
cfg_out_text(
    struct cfg_out *o, const char *key, unsigned line, const char *value)
{
	const struct key *k = key_find(o->section->kind, key);

	if (*value != '\0')
		ini_add(o->section, k, value, line);
}

void
cfg_out_time(struct cfg_out *o, const char *key, const struct cfg_number *ms)
{
	char text[UNITS_TIME_MAX];

	if (ms->line != 0)
		cfg_out_text(o, key, ms->line, units_time_str(ms->n, text));
}

void
cfg_out_number(struct cfg_out *o, const char *key, const struct cfg_number *n)
{
	if (n->line != 0)
		cfg_out_text(
		    o, key, n->line, cfg_format(o->c, "%u", (unsigned)n->n));
}

/* Write a text, if it was given. */
static void
out_given(struct cfg_out *o, const char *key, const struct cfg_text *t)
{
	if (t->line != 0 && key_find(o->section->kind, key) != NULL)
		cfg_out_text(o, key, t->line, t->text);
}

/* Write a list, one setting each. */
static void
out_list(struct cfg_out *o, const char *key, const struct cfg_list *list)
{
	const struct cfg_item *i;

	for (i = list->first; i != NULL; i = i->next)
		cfg_out_text(o, key, i->v.line, i->v.text);
}

struct cfg_proxy *
cfg_find_backend(const struct cfg *c, const char *name)
{
	struct cfg_proxy *x;

	for (x = c->proxies; x != NULL; x = x->next) {
		if ((x->kind == CFG_BACKEND || x->kind == CFG_LISTEN) &&
		    strcmp(x->name, name) == 0)
			return x;
	}
	return NULL;
}

/* The name of the backend of a frontend or listen, NULL if it has none. */
static const char *
backend_name(const struct cfg_proxy *x)
{
	if (x->merged != NULL)
		return x->merged->name;
	if (x->always.line != 0)
		return x->always.text;
	if (x->backend.line != 0)
		return x->backend.text;
	return x->kind == CFG_LISTEN ? x->name : NULL;
}

/* The backend of a frontend or listen, NULL if it is nowhere. */
static const struct cfg_proxy *
backend_of(const struct cfg *c, const struct cfg_proxy *x)
{
	const char *name = backend_name(x);

	if (x->merged != NULL)
		return x->merged;
	return name == NULL ? NULL : cfg_find_backend(c, name);
}

/* Is this a place to look at only? Then what it shows is there or in the
 * backend that it names: which of them. */
static const struct cfg_proxy *
stats_of(const struct cfg *c, const struct cfg_proxy *x)
{
	const struct cfg_proxy *b = backend_of(c, x);

	if (x->nservers > 0)
		return NULL;
	if (x->kind == CFG_BACKEND || b == x || backend_name(x) == NULL)
		return x->stats.line != 0 &&
			       (x->http || b == x || x->kind == CFG_FRONTEND)
			   ? x
			   : NULL;
	return b != NULL && b->nservers == 0 && b->http && b->stats.line != 0
		   ? b
		   : NULL;
}

/* The targets that proxies name besides those of global. */
static void
collect_logs(struct cfg *c)
{
	const struct cfg_proxy *x;
	const struct cfg_item *i;

	for (x = c->proxies; x != NULL; x = x->next) {
		for (i = x->logs.first; i != NULL; i = i->next) {
			c->place.line = i->v.line;
			if (x->kind != CFG_DEFAULTS &&
			    !cfg_list_has(&c->global.logs, i->v.text))
				cfg_list_add(c, &c->global.logs, i->v.text);
		}
	}
}

/* [global]. */
static void
write_global(struct cfg_out *o)
{
	struct cfg_global *g = &o->c->global;
	struct cfg_number maxconn = g->maxconn;
	const struct cfg_proxy *x;

	collect_logs(o->c);
	for (x = o->c->proxies; x != NULL && g->maxconn.line == 0;
	     x = x->next) {
		if (x->kind != CFG_DEFAULTS && x->maxconn.n > MAXCONN_DEFAULT &&
		    x->maxconn.n > maxconn.n)
			maxconn = x->maxconn;
	}
	cfg_out_section(o, SECTION_GLOBAL, "",
	    o->c->proxies == NULL ? o->c->place.file : o->c->proxies->file, 1);
	cfg_out_number(o, "workers", &g->workers);
	if (maxconn.n > 0)
		cfg_out_number(o, "maxconn", &maxconn);
	out_list(o, "log", &g->logs);
	cfg_out_text(o, "log-tag", g->tag.line,
	    g->tag.line == 0 ? "haproxy" : g->tag.text);
	out_given(o, "log-hostname", &g->hostname);
	cfg_out_text(o, "log-format", 1, "tcplog");
	cfg_out_text(o, "session-log", 1, "off");
	out_given(o, "pidfile", &g->pidfile);
	out_given(o, "daemon", &g->daemon);
	out_given(o, "user", &g->user);
	out_given(o, "group", &g->group);
	cfg_out_time(o, "hard-stop-after", &g->hard_stop);
	out_list(o, "control-socket", &g->sockets);
	cfg_out_time(o, "control-timeout", &g->timeout);
}

/* The route of a frontend, by what makes its backend's servers UP. */
static const char *
route_of(const struct cfg_proxy *b)
{
	static const char *const routes[] = {[WANT_ANY] = "any",
	    [WANT_PRIMARY] = "primary",
	    [WANT_REPLICA] = "replica"};

	return routes[b->means == CHECK_REDIS ? b->role : WANT_ANY];
}

/* How the servers of a backend are balanced; one writer is not. */
static const char *
balance_of(const struct cfg_proxy *b)
{
	return b->balance.line == 0 ? "roundrobin" : b->balance.text;
}

/* What is logged of a frontend's sessions. */
static void
write_log(struct cfg_out *o, const struct cfg_proxy *x)
{
	const struct cfg_global *g = &o->c->global;
	bool sessions = x->sessions || (x->log_global && g->sessions);

	if (!sessions)
		return; /* off, as of [global] */
	cfg_out_text(
	    o, "session-log", x->line, x->log_normal_off ? "errors" : "all");
	if (!x->tcplog)
		cfg_out_text(o, "log-format", x->line, "connect");
	if (x->log_null_off)
		cfg_out_text(o, "log-null", x->line, "off");
}

/* Whom a frontend serves: its own rules and those of its backend. */
static void
write_access(
    struct cfg_out *o, const struct cfg_proxy *x, const struct cfg_proxy *b)
{
	const struct cfg_access *own = &x->access, *other = &b->access;

	out_list(o, "deny", &own->deny);
	if (other != own)
		out_list(o, "deny", &other->deny);
	if (other != own && own->only && other->only) {
		o->c->place.line = x->line;
		cfg_error(o->c,
		    "'%s' and its backend '%s' both let only some clients in: "
		    "write it once",
		    x->name, b->name);
	}
	out_list(o, "allow", own->only ? &own->allow : &other->allow);
}

/* Whose connections begin with a PROXY header. */
static void
write_proxies(
    struct cfg_out *o, const struct cfg_proxy *x, const struct cfg_proxy *b)
{
	bool all = x->proxied > 0 && x->proxied == x->binds.n;

	if (all)
		cfg_out_text(o, "accept-proxy", x->line, "on");
	else
		out_list(o, "accept-proxy", &x->proxies);
	o->c->place.line = x->line;
	if (x->proxied > 0 && !all)
		cfg_error(o->c,
		    "'%s': 'accept-proxy' on some of its 'bind' only is not "
		    "possible here: write it on all, or a section for them",
		    x->name);
	if ((all || x->proxies.n > 0) && (x->access.late || b->access.late))
		cfg_error(o->c,
		    "'%s' lets only some in whom a PROXY header names, which "
		    "is not possible here: who alone may come in is decided "
		    "by 'tcp-request connection'",
		    x->name);
}

/* The timeouts of a frontend's sessions: tunnel's rule over client's. */
static void
write_timeouts(
    struct cfg_out *o, const struct cfg_proxy *x, const struct cfg_proxy *b)
{
	const struct cfg_number *tunnel = &b->timeouts[TIMEOUT_TUNNEL];

	cfg_out_time(o, "client-timeout",
	    tunnel->line != 0 ? tunnel : &x->timeouts[TIMEOUT_CLIENT]);
	cfg_out_time(o, "client-fin-timeout", &x->timeouts[TIMEOUT_CLIENT_FIN]);
	cfg_out_time(o, "server-fin-timeout", &b->timeouts[TIMEOUT_SERVER_FIN]);
	o->c->place.line = x->line;
	if (x->timeouts[TIMEOUT_CLIENT].line == 0)
		cfg_warn(o->c, "missing 'timeout client' for '%s'", x->name);
}

/* How many clients a section takes: no more than one of its addresses may, and
 * than most, 0 any number. */
static void
write_maxconn(struct cfg_out *o, const struct cfg_proxy *x, int64_t most)
{
	const struct cfg_number *bind = &x->bind_maxconn;
	struct cfg_number n = x->maxconn;

	if (bind->n > 0 && (n.n == 0 || bind->n < n.n))
		n = *bind;
	if (most > 0 && n.n > most)
		n.n = most;
	if (n.n > 0)
		cfg_out_number(o, "maxconn", &n);
}

/* What a branch of x to that backend says for itself, where that is not what
 * the frontend of default backend b says: " KEY=VALUE..." */
static const char *
branch_options(struct cfg *c, const struct cfg_proxy *b,
    const struct cfg_proxy *to, const struct cfg_number *client)
{
	const struct cfg_number *tunnel = &to->timeouts[TIMEOUT_TUNNEL];
	const struct cfg_number *fin = &to->timeouts[TIMEOUT_SERVER_FIN];
	const char *text = "", *balance = balance_of(to);
	char time[UNITS_TIME_MAX];

	if (strcmp(balance, balance_of(b)) != 0 ||
	    (strcmp(route_of(b), "primary") == 0 &&
		strcmp(route_of(to), "primary") != 0))
		text = cfg_format(c, " balance=%s", balance);
	if (strcmp(route_of(to), route_of(b)) != 0)
		text = cfg_format(c, "%s route=%s", text, route_of(to));
	if (tunnel->line == 0)
		tunnel = client;
	if (b->timeouts[TIMEOUT_TUNNEL].line != 0)
		client = &b->timeouts[TIMEOUT_TUNNEL];
	if (tunnel->n != client->n)
		text = cfg_format(c, "%s client-timeout=%s", text,
		    units_time_str(tunnel->n, time));
	if (fin->n != b->timeouts[TIMEOUT_SERVER_FIN].n)
		text = cfg_format(c, "%s server-fin-timeout=%s", text,
		    units_time_str(fin->n, time));
	return text;
}

/* The rules of use_backend; b is where clients go without them. */
static void
write_rules(
    struct cfg_out *o, const struct cfg_proxy *x, const struct cfg_proxy *b)
{
	const struct cfg_proxy *to;
	const struct cfg_use *u;
	struct cfg *c = o->c;

	if (x->merged != NULL)
		return;
	for (u = x->uses; u != NULL; u = u->next) {
		to = cfg_find_backend(c, u->target);
		c->place.line = u->line;
		if (u->rule == NULL) {
			cfg_refuse_use(c, "use_backend");
			continue;
		}
		if (to != NULL && to != x &&
		    (to->access.only || to->access.deny.n > 0))
			cfg_error(c,
			    "'tcp-request' of '%s' is not possible here: it "
			    "is one of several backends of '%s'",
			    to->name, x->name);
		cfg_out_text(o, "use-backend", u->line,
		    cfg_format(c, "%s%s %s", u->target,
			to == NULL ? ""
				   : branch_options(c, b, to,
					 &x->timeouts[TIMEOUT_CLIENT]),
			u->rule));
	}
}

/* [frontend NAME]. */
static void
write_frontend(struct cfg_out *o, const struct cfg_proxy *x)
{
	const struct cfg_proxy *b = backend_of(o->c, x);
	const struct cfg_proxy nothing = {.means = CHECK_NONE};
	struct cfg_number backlog = x->backlog;
	const char *route;

	if (backend_name(x) == NULL) {
		cfg_error(
		    o->c, "frontend '%s' has no default_backend", x->name);
		return;
	}
	cfg_out_section(o, SECTION_FRONTEND, x->name, x->file, x->line);
	cfg_out_text(o, "backend",
	    x->always.line != 0    ? x->always.line
	    : x->backend.line != 0 ? x->backend.line
				   : x->line,
	    backend_name(x));
	if (b == NULL)
		b = &nothing;
	out_list(o, "bind", &x->binds);
	route = route_of(b);
	cfg_out_text(o, "route", x->line, route);
	if (strcmp(route, "primary") != 0)
		cfg_out_text(o, "balance",
		    b->balance.line == 0 ? x->line : b->balance.line,
		    balance_of(b));
	write_rules(o, x, b);
	write_maxconn(o, x, 0);
	write_timeouts(o, x, b);
	cfg_out_text(o, "no-server-reply", x->line, "off");
	write_log(o, x);
	if (backlog.n > BACKLOG_MAX)
		backlog.n = BACKLOG_MAX;
	cfg_out_number(o, "backlog", &backlog);
	cfg_out_number(o, "id", &x->number);
	write_access(o, x, b == &nothing ? x : b);
	write_proxies(o, x, b);
	if (x->uses != NULL && x->merged == NULL && b != x &&
	    (b->access.only || b->access.deny.n > 0))
		cfg_error(o->c,
		    "'tcp-request' of '%s' is not possible here: it is one "
		    "of several backends of '%s'",
		    b->name, x->name);
}

/* A page is guarded by a password only: say so of other rules. */
static void
refuse_rules(struct cfg_out *o, const struct cfg_proxy *x)
{
	if (x->http_rule.line != 0) {
		o->c->place.line = x->http_rule.line;
		cfg_error(o->c,
		    "'%s' is not possible here: the page can be guarded by "
		    "'stats auth USER:PASSWORD'",
		    x->http_rule.text);
	}
	if (x->proxied > 0 || x->proxies.n > 0) {
		o->c->place.line = x->line;
		cfg_error(o->c,
		    "'%s' shows statistics, where no PROXY header is read: "
		    "take accept-proxy out",
		    x->name);
	}
	if (x->access.deny.n > 0 || x->access.only) {
		o->c->place.line = x->line;
		cfg_error(o->c,
		    "'%s' shows statistics, which cannot be kept from "
		    "networks by tcp-request: bind to an address that they "
		    "do not reach, or write 'stats auth USER:PASSWORD'",
		    x->name);
	}
}

/* [stats NAME]: what x's addresses show, as b says, which can be x. */
static void
write_stats(
    struct cfg_out *o, const struct cfg_proxy *x, const struct cfg_proxy *b)
{
	const struct cfg_stats *s = &b->stats;

	refuse_rules(o, x);
	if (b != x)
		refuse_rules(o, b);
	cfg_out_section(o, SECTION_STATS, x->name, x->file, x->line);
	out_list(o, "bind", &x->binds);
	cfg_out_text(o, "uri", s->uri.line == 0 ? x->line : s->uri.line,
	    s->uri.line == 0 ? "/haproxy?stats" : s->uri.text);
	if (s->user.line != 0) {
		cfg_out_text(o, "user", s->user.line, s->user.text);
		cfg_out_text(o, "password", s->user.line, s->password);
	}
	out_list(o, "auth", &s->more);
	cfg_out_text(o, "realm", s->realm.line == 0 ? x->line : s->realm.line,
	    s->realm.line == 0 ? "HAProxy Statistics" : s->realm.text);
	if (s->refresh.line != 0)
		cfg_out_time(o, "refresh", &s->refresh);
	else
		cfg_out_text(o, "refresh", x->line, "0");
	cfg_out_text(
	    o, "hide-version", x->line, s->hide_version ? "on" : "off");
	o->c->place.line = s->admin.line;
	if (s->admin.line != 0 && s->user.line == 0)
		cfg_warn(o->c, "'stats admin' is left out, the page only "
			       "shows: it needs 'stats auth'");
	else if (s->admin.line != 0)
		cfg_out_text(o, "admin", s->admin.line, "on");
	if (s->health_uri.line != 0)
		cfg_out_text(
		    o, "health-uri", s->health_uri.line, s->health_uri.text);
	cfg_out_text(o, "metrics-prefix", x->line, "haproxy");
	if (s->metrics) /* HAProxy's exporter asks for no password */
		cfg_out_text(o, "metrics-auth", x->line, "off");
	write_maxconn(o, x, STATS_MAXCONN);
}

/* Say that HTTP is not relayed. */
static void
refuse_http(struct cfg *c, const struct cfg_proxy *x)
{
	c->place.line = x->line;
	cfg_error(c,
	    "'%s' is in mode http (line %u), but roleproxy relays TCP and "
	    "serves statistics: write 'mode tcp', or leave it to HAProxy",
	    x->name, x->mode_line);
}

/* Say what HAProxy ignores where TCP is relayed, too. */
static void
warn_http(struct cfg *c, const struct cfg_proxy *x)
{
	if (x->http_rule.line != 0) {
		c->place.line = x->http_rule.line;
		cfg_warn(
		    c, "'%s' is left out: it is for HTTP", x->http_rule.text);
	}
	/* What comes from defaults is meant for others. */
	if (x->stats.line > x->line) {
		c->place.line = x->stats.line;
		cfg_warn(c,
		    "statistics are left out: '%s' relays TCP, they need a "
		    "section of their own",
		    x->name);
	}
}

/* The sections of one proxy. */
static void
write_proxy(struct cfg_out *o, const struct cfg_proxy *x)
{
	const struct cfg_proxy *stats = stats_of(o->c, x);

	o->c->place.file = x->file;
	o->c->place.line = x->line;
	if (x->disabled)
		cfg_warn(o->c, "'%s' is disabled: it is left out", x->name);
	else if (stats != NULL && x->kind != CFG_BACKEND)
		write_stats(o, x, stats);
	else if (stats != NULL)
		return; /* written by who uses it */
	else if (x->http)
		refuse_http(o->c, x);
	else {
		warn_http(o->c, x);
		if (x->kind != CFG_BACKEND)
			write_frontend(o, x);
		if (x->merged != NULL && x->merged->made)
			cfg_write_backend(o, x->merged);
		else if (x->kind == CFG_BACKEND ||
			 (x->kind == CFG_LISTEN &&
			     (x->nservers > 0 || backend_of(o->c, x) == x)))
			cfg_write_backend(o, x);
	}
}

void
cfg_write(struct cfg *c, struct ini *doc)
{
	struct cfg_out o = {c, doc, NULL};
	struct cfg_proxy *x;

	for (x = c->proxies; x != NULL; x = x->next) {
		if (x->kind == CFG_BACKEND || x->kind == CFG_LISTEN)
			cfg_meaning(c, x);
	}
	/* What is wrong with a script is not said again of who asks it. */
	for (x = c->proxies; x != NULL && c->p->errors == c->before;
	     x = x->next) {
		if (x->kind != CFG_DEFAULTS)
			cfg_sentinels(c, x);
	}
	write_global(&o);
	for (x = c->proxies; x != NULL; x = x->next) {
		if (x->kind != CFG_DEFAULTS)
			write_proxy(&o, x);
	}
}
