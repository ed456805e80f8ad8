/*
 * Cross validation: names that must exist or must not be there twice, keys that
 * need or exclude each other, and what "auto" comes to.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "conf/branch.h"
#include "conf/check.h"

/* An address that is listened on, and where that is said. */
struct listen {
	const struct ini_section *section;
	const struct addr *addr;
	unsigned line;
};

/* What all the checks work on. */
struct checker {
	struct conf *conf;       /* (borrowed) */
	const struct ini *doc;   /* (borrowed) */
	struct conf_problems *p; /* (borrowed) */
	struct listen *listens;  /* those so far */
	size_t nlistens;
};

#define error(c, s, line, ...) \
	conf_problem((c)->p, CONF_ERROR, (s)->file, line, __VA_ARGS__)
#define warn(c, s, line, ...) \
	conf_problem((c)->p, CONF_WARNING, (s)->file, line, __VA_ARGS__)

/* The line of a key's first setting; the section's own when it is not set. */
static unsigned
line_of(const struct ini_section *s, const char *key)
{
	const struct ini_setting *set = ini_find(s, key);

	return set == NULL ? s->line : set->line;
}

/* Is a key set, to a value that could not be read? */
static bool
is_refused(const struct ini_section *s, const char *key)
{
	const struct ini_setting *set = ini_find(s, key);

	return set != NULL && set->refused;
}

/* Is the switch left to be settled here? */
static bool
is_auto(const struct ini_section *s, const char *key)
{
	const struct ini_setting *set = ini_find(s, key);

	return set == NULL || strcmp(set->value, "auto") == 0;
}

/* The setting that says what the password is: the key prefix, prefix-file or
 * prefix-env. NULL if there is none. */
static const struct ini_setting *
find_password(const struct ini_section *s, const char *prefix)
{
	size_t i;

	for (i = 0; i < s->nsettings; i++) {
		if (strncmp(s->settings[i].key->name, prefix, strlen(prefix)) ==
		    0)
			return &s->settings[i];
	}
	return NULL;
}

/* No two servers of a backend with one name or one address; HAProxy's may have
 * one address. */
static void
check_twins(const struct checker *c, const struct ini_section *s)
{
	const struct conf_backend *b = s->object;
	const struct conf_server *x, *y;
	size_t i, j;

	for (i = 0; i < b->nservers; i++) {
		for (j = 0; j < i; j++) {
			x = &b->servers[j];
			y = &b->servers[i];
			if (strcmp(x->name, y->name) == 0)
				error(c, s, y->line,
				    "server '%s' already stands at line %u",
				    y->name, x->line);
			else if (!c->doc->haproxy && x->port == y->port &&
				 strcasecmp(x->host, y->host) == 0)
				error(c, s, y->line,
				    "server '%s' has the address of '%s' at "
				    "line %u",
				    y->name, x->name, x->line);
		}
	}
}

/* No Sentinel of a backend twice. */
static void
check_sentinels(const struct checker *c, const struct ini_section *s)
{
	const struct conf_backend *b = s->object;
	const struct conf_host *x, *y;
	size_t i, j;

	for (i = 0; i < b->nsentinels; i++) {
		for (j = 0; j < i; j++) {
			x = &b->sentinels[j];
			y = &b->sentinels[i];
			if (x->port == y->port &&
			    strcasecmp(x->host, y->host) == 0)
				error(c, s, y->line,
				    "this Sentinel already stands at line %u",
				    x->line);
		}
	}
}

/* Keys that would do nothing with this kind of check. */
static void
check_idle_keys(const struct checker *c, const struct ini_section *s)
{
	static const char *const timing[] = {"check-fast", "check-interval",
	    "check-timeout", "fall", "rise", NULL};
	static const char *const auth[] = {
	    "password", "password-env", "password-file", "username", NULL};
	static const char *const roles[] = {"discover", "fence", "fence-fast",
	    "master-name", "max-lag", "max-lag-bytes", "min-readers",
	    "on-role-lost", "sentinel", "sentinel-password",
	    "sentinel-password-env", "sentinel-password-file",
	    "sentinel-username", NULL};
	const struct conf_backend *b = s->object;
	const struct ini_setting *set;
	const char *name;
	size_t i;

	for (i = 0; i < s->nsettings; i++) {
		set = &s->settings[i];
		name = set->key->name;
		if (b->check == CHECK_NONE &&
		    parse_word_index(timing, name) >= 0)
			error(c, s, set->line,
			    "%s does nothing with check = none", name);
		if (b->check != CHECK_REDIS &&
		    parse_word_index(auth, name) >= 0)
			error(c, s, set->line,
			    "%s needs check = redis: clients authenticate "
			    "themselves",
			    name);
		if (b->check != CHECK_REDIS &&
		    parse_word_index(roles, name) >= 0)
			error(c, s, set->line,
			    "%s needs check = redis: without it no server has "
			    "a role",
			    name);
	}
}

/* A user of the checks or at the Sentinels has a password. */
static void
check_user(const struct checker *c, const struct ini_section *s,
    const char *user, const char *password)
{
	if (ini_find(s, user) != NULL && find_password(s, password) == NULL)
		error(c, s, line_of(s, user),
		    "%s without a password: add %s, %s-env or %s-file", user,
		    password, password, password);
}

/* The fast pace may not be the slow one. */
static void
check_pace(const struct checker *c, const struct ini_section *s)
{
	struct conf_backend *b = s->object;
	char fast[UNITS_TIME_MAX], slow[UNITS_TIME_MAX];

	if (b->check_fast <= b->check_interval)
		return;
	if (ini_find(s, "check-fast") != NULL)
		error(c, s, line_of(s, "check-fast"),
		    "check-fast = %s is longer than check-interval = %s",
		    units_time_str(b->check_fast, fast),
		    units_time_str(b->check_interval, slow));
	b->check_fast = b->check_interval;
}

/* What a backend says for itself. */
static void
check_backend(const struct checker *c, const struct ini_section *s)
{
	const struct conf_backend *b = s->object;

	if (ini_find(s, "server") == NULL && !c->doc->haproxy)
		error(c, s, s->line, "backend '%s' has no server", s->name);
	if (b->fence == FENCE_OFF && ini_find(s, "fence-fast") != NULL)
		error(c, s, line_of(s, "fence-fast"),
		    "fence-fast does nothing with fence = off");
	check_user(c, s, "username", "password");
	check_user(c, s, "sentinel-username", "sentinel-password");
	check_twins(c, s);
	check_sentinels(c, s);
	check_idle_keys(c, s);
	check_pace(c, s);
}

/* Settle what depends on how the backend is checked. */
static void
check_role_keys(const struct checker *c, const struct ini_section *s)
{
	struct conf_frontend *f = s->object;
	bool redis = f->backend->check == CHECK_REDIS;

	if (is_auto(s, "defer-connect"))
		f->defer_connect = redis;
	if (is_auto(s, "no-server-reply"))
		f->no_server_reply = redis;
	else if (f->no_server_reply && !redis)
		error(c, s, line_of(s, "no-server-reply"),
		    "no-server-reply = on needs check = redis: only Redis "
		    "clients know the answer");
	if (!redis && ini_find(s, "route") == NULL)
		f->route = ROUTE_ANY;
	if (!redis && f->route != ROUTE_ANY && !is_refused(s, "route"))
		error(c, s, line_of(s, "route"),
		    "route = %s needs check = redis: without it no server has "
		    "a role",
		    conf_route_str(f->route));
}

/* Does listening on a take b's address too? */
static bool
covers(const struct addr *a, const struct addr *b)
{
	struct in6_addr ip = addr_in6(a), other = addr_in6(b);

	if (a->port != b->port || a->family == AF_UNIX || b->family == AF_UNIX)
		return false;
	/* Only different interfaces keep them apart. */
	if (a->interface[0] != '\0' && b->interface[0] != '\0' &&
	    strcmp(a->interface, b->interface) != 0)
		return false;
	if (IN6_ARE_ADDR_EQUAL(&ip, &other))
		return true;
	if (a->family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&ip) &&
		       (b->family == AF_INET6 || !a->v6only);
	return b->family == AF_INET && a->u.v4.s_addr == INADDR_ANY;
}

/* May an address be listened on besides an earlier one? */
static void
check_pair(
    const struct checker *c, const struct listen *a, const struct listen *b)
{
	char sa[ADDR_STR_MAX], sb[ADDR_STR_MAX];

	addr_str(a->addr, sa);
	addr_str(b->addr, sb);
	if (addr_equal(a->addr, b->addr))
		error(c, b->section, b->line,
		    "%s is already listened on by %s:%u", sb, a->section->file,
		    a->line);
	else if (covers(a->addr, b->addr) || covers(b->addr, a->addr))
		error(c, b->section, b->line, "%s overlaps with %s of %s:%u",
		    sb, sa, a->section->file, a->line);
}

/* No address of this section is listened on twice. */
static void
check_listens(struct checker *c, const struct ini_section *s,
    const struct addr *addrs, const unsigned *lines, size_t n)
{
	size_t i, j;

	c->listens =
	    xrealloc(c->listens, (c->nlistens + n) * sizeof(*c->listens));
	for (i = 0; i < n; i++) {
		c->listens[c->nlistens] =
		    (struct listen){s, &addrs[i], lines[i]};
		for (j = 0; j < c->nlistens; j++)
			check_pair(c, &c->listens[j], &c->listens[c->nlistens]);
		c->nlistens++;
	}
}

/* What a frontend says for itself. */
static void
check_frontend(struct checker *c, const struct ini_section *s)
{
	const struct ini_setting *backend = ini_find(s, "backend");
	struct conf_frontend *f = s->object;

	if (f->session_log == SESSION_LOG_GLOBAL)
		f->session_log = c->conf->global.session_log;
	if (f->log_format == LOG_FORMAT_JSON &&
	    c->conf->global.log_format != LOG_FORMAT_JSON)
		error(c, s, s->line,
		    "frontend '%s': log-format = json is for all lines or "
		    "none: say so in [global]",
		    s->name);
	if (f->log_format == LOG_FORMAT_GLOBAL)
		f->log_format = c->conf->global.log_format;
	check_listens(c, s, f->binds, f->bind_lines, f->nbinds);
	if (ini_find(s, "bind") == NULL)
		error(c, s, s->line, "frontend '%s' has no bind", s->name);
	if (backend == NULL) {
		error(c, s, s->line, "frontend '%s' has no backend", s->name);
		return;
	}
	f->backend = branch_backend(
	    c->conf, s->file, backend->line, backend->value, c->p);
	if (f->backend != NULL)
		check_role_keys(c, s);
	if (f->route == ROUTE_PRIMARY && ini_find(s, "balance") != NULL &&
	    !is_refused(s, "route") && !is_refused(s, "balance"))
		warn(c, s, line_of(s, "balance"),
		    "balance does nothing with route = primary: there is only "
		    "one");
	if (f->maxconn > c->conf->global.maxconn)
		warn(c, s, line_of(s, "maxconn"),
		    "maxconn = %u is more than maxconn = %u of [global]",
		    f->maxconn, c->conf->global.maxconn);
}

/* [stats] is [stats stats]: both cannot be there. */
static void
check_stats_name(const struct checker *c, const struct ini_section *s)
{
	const struct conf_stats *t = s->object, *other;

	for (other = c->conf->stats; other < t; other++) {
		if (strcmp(other->name, t->name) == 0)
			error(c, s, s->line,
			    "[stats %s] already stands at line %u", t->name,
			    other->line);
	}
}

/* What the stats page says. */
static void
check_stats(struct checker *c, const struct ini_section *s)
{
	const struct ini_setting *user = ini_find(s, "user");
	const struct ini_setting *password = find_password(s, "password");
	const struct conf_stats *t = s->object;
	size_t i;

	check_listens(c, s, t->binds, t->bind_lines, t->nbinds);
	if (ini_find(s, "bind") == NULL)
		error(c, s, s->line, "[stats%s%s] has no bind",
		    s->name[0] == '\0' ? "" : " ", s->name);
	check_user(c, s, "user", "password");
	if (user == NULL && password != NULL)
		error(c, s, password->line, "%s without user",
		    password->key->name);
	if (user != NULL && strchr(user->value, ':') != NULL)
		error(c, s, user->line, "user may hold no ':'");
	for (i = 0; i < t->nauth && t->user != NULL; i++) {
		if (strncmp(t->auth[i], t->user, strlen(t->user)) == 0 &&
		    t->auth[i][strlen(t->user)] == ':')
			error(c, s, user->line,
			    "this user has a password in auth, too");
	}
	check_stats_name(c, s);
}

/* No log target twice: each line would be there twice. */
static void
check_logs(const struct checker *c, const struct ini_section *s)
{
	const struct ini_setting *set = s->settings, *log = ini_find(s, "log");
	size_t i, j;

	for (i = 0; log != NULL && i < s->nsettings; i++) {
		for (j = 0; j < i; j++) {
			if (set[i].key == log->key && set[j].key == log->key &&
			    strcmp(set[i].value, set[j].value) == 0)
				error(c, s, set[i].line,
				    "log = %.60s already stands at line %u",
				    set[i].value, set[j].line);
		}
	}
}

/* Can only this machine reach it? */
static bool
is_local(const struct addr *a)
{
	return a->family == AF_UNIX ||
	       (a->family == AF_INET ? ntohl(a->u.v4.s_addr) >> 24 == 127
				     : IN6_IS_ADDR_LOOPBACK(&a->u.v6));
}

/* No control socket at an address that has one; a word about those that let
 * anyone act who can reach the port. */
static void
check_controls(const struct checker *c, const struct ini_section *s)
{
	const struct conf_global *g = &c->conf->global;
	char name[ADDR_STR_MAX];
	unsigned line = line_of(s, "control-socket");
	size_t i, j;

	for (i = 0; i < g->ncontrols; i++) {
		const struct conf_control *k = &g->controls[i];

		addr_str(&k->addr, name);
		for (j = 0; j < i; j++) {
			if (addr_equal(&k->addr, &g->controls[j].addr))
				error(c, s, line,
				    "control-socket %s stands here twice",
				    name);
		}
		if (!is_local(&k->addr) && k->has_level &&
		    k->level != ALLOW_USER)
			warn(c, s, line,
			    "control-socket %s: whoever can reach the port "
			    "has level %s, without a password",
			    name, conf_level_words[k->level]);
		if (k->addr.family != AF_UNIX &&
		    (k->has_mode || k->user[0] != '\0' || k->group[0] != '\0'))
			error(c, s, line,
			    "control-socket %s: only a path has a mode and an "
			    "owner",
			    name);
	}
}

/* What [global] says for itself. */
static void
check_global(const struct checker *c, const struct ini_section *s)
{
	check_logs(c, s);
	check_controls(c, s);
	if (ini_find(s, "control-mode") != NULL &&
	    ini_find(s, "control-socket") == NULL)
		error(c, s, line_of(s, "control-mode"),
		    "control-mode does nothing without control-socket");
}

/* Does a frontend use this backend? */
static bool
is_used(const struct conf *conf, const struct conf_backend *b)
{
	size_t i;

	for (i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		if (conf->frontends[i].backend == b)
			return true;
	}
	return false;
}

/* Warn of backends that serve nothing, though they are checked; not when it is
 * unknown which one a frontend means, nor of HAProxy's, which may be there to
 * be looked at. */
static void
check_unused(const struct checker *c)
{
	const struct ini_section *s;
	size_t i;

	if (is_used(c->conf, NULL) || c->doc->haproxy)
		return;
	for (i = 0; i < c->doc->nsections; i++) {
		s = &c->doc->sections[i];
		if (s->kind == SECTION_BACKEND && !is_used(c->conf, s->object))
			warn(c, s, s->line, "no frontend uses backend '%s'",
			    s->name);
	}
}

/* Is there something to listen on, and not too much of anything? */
static void
check_sizes(const struct checker *c)
{
	const char *path = c->conf->path;
	size_t i, servers = 0;

	for (i = 0; i < c->conf->nbackends; i++)
		servers += c->conf->backends[i].nservers;
	if (servers > CONF_SERVERS_MAX)
		conf_problem(c->p, CONF_ERROR, path, 0,
		    "%zu servers, but at most %d are possible", servers,
		    CONF_SERVERS_MAX);
	if (c->conf->nfrontends + c->conf->nbranches > CONF_FRONTENDS_MAX)
		conf_problem(c->p, CONF_ERROR, path, 0,
		    "%zu frontends, but at most %d are possible",
		    c->conf->nfrontends + c->conf->nbranches,
		    CONF_FRONTENDS_MAX);
	/* HAProxy can do with statistics alone. */
	if (c->conf->nfrontends == 0 && !c->doc->refused &&
	    !(c->doc->haproxy && c->conf->nstats > 0)) {
		conf_problem(c->p, CONF_ERROR, path, 0,
		    "no frontend: nothing would listen");
		c->p->no_listener = c->p->errors == 1;
	}
}

void
conf_check(struct conf *conf, const struct ini *doc, struct conf_problems *p)
{
	struct checker c = {.conf = conf, .doc = doc, .p = p};
	const struct ini_section *s;
	size_t i;

	for (i = 0; i < doc->nsections; i++) {
		s = &doc->sections[i];
		if (s->kind == SECTION_BACKEND)
			check_backend(&c, s);
		else if (s->kind == SECTION_FRONTEND)
			check_frontend(&c, s);
		else if (s->kind == SECTION_GLOBAL)
			check_global(&c, s);
		else
			check_stats(&c, s);
	}
	branch_make(conf, doc, p);
	check_unused(&c);
	check_sizes(&c);
	free(c.listens);
}
