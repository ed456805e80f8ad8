/*
 * Making the branches of frontends: what the names in their rules stand for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/branch.h"
#include "conf/ini.h"
#include "conf/keys.h"
#include "conf/rule_text.h"

/* What is being made. */
struct maker {
	struct conf *conf;           /* (borrowed) */
	const struct ini_section *s; /* of the frontend */
	const struct ini_setting *set;
	struct conf_problems *p; /* (borrowed) */
};

#define error(m, ...) \
	conf_problem( \
	    (m)->p, CONF_ERROR, (m)->s->file, (m)->set->line, __VA_ARGS__)

struct conf_backend *
branch_backend(struct conf *conf, const char *file, unsigned line,
    const char *name, struct conf_problems *p)
{
	struct conf_backend *b = conf->backends;
	const char *nearest = NULL;
	size_t i;

	for (i = 0; i < conf->nbackends; i++) {
		if (strcmp(b[i].name, name) == 0)
			return &b[i];
		nearest = key_nearer(name, b[i].name, nearest);
	}
	if (nearest != NULL)
		conf_problem(p, CONF_ERROR, file, line,
		    "unknown backend '%.63s', did you mean '%s'?", name,
		    nearest);
	else
		conf_problem(
		    p, CONF_ERROR, file, line, "unknown backend '%.63s'", name);
	return NULL;
}

size_t
branch_room(const struct ini *doc)
{
	const struct key *key = key_find(SECTION_FRONTEND, "use-backend");
	size_t i, j, n = 0;

	for (i = 0; i < doc->nsections; i++) {
		for (j = 0; j < doc->sections[i].nsettings; j++)
			n += doc->sections[i].settings[j].key == key;
	}
	return n;
}

/* Is the switch left to be settled here? */
static bool
is_auto(const struct ini_section *s, const char *key)
{
	const struct ini_setting *set = ini_find(s, key);

	return set == NULL || strcmp(set->value, "auto") == 0;
}

/* Set what the rule says of the branch for itself. */
static int
set_options(
    struct maker *m, const struct rule_text *t, struct conf_frontend *br)
{
	static const char *const words[] = {
	    "balance", "client-timeout", "route", "server-fin-timeout", NULL};
	struct key_value v = {.object = br, .line = m->set->line};
	size_t i;

	for (i = 0; i < t->noptions; i++) {
		if (parse_word_index(words, t->key[i]) < 0) {
			error(m,
			    "use-backend: '%.40s' is not one of balance, "
			    "client-timeout, route, server-fin-timeout",
			    t->key[i]);
			return -1;
		}
		v.key = key_find(SECTION_FRONTEND, t->key[i]);
		v.text = t->value[i];
		if (v.key->parse(&v) != 0) {
			error(m, "use-backend: %s: %s", t->key[i], v.error);
			return -1;
		}
	}
	return 0;
}

/* Settle what depends on how the backend is checked. */
static int
set_roles(struct maker *m, const struct rule_text *t, struct conf_frontend *br)
{
	bool redis = br->backend->check == CHECK_REDIS, own = false;
	size_t i;

	for (i = 0; i < t->noptions; i++)
		own |= strcmp(t->key[i], "route") == 0;
	if (is_auto(m->s, "defer-connect"))
		br->defer_connect = redis;
	if (is_auto(m->s, "no-server-reply") || !redis)
		br->no_server_reply = redis;
	if (!own)
		br->route = !redis                            ? ROUTE_ANY
			    : ini_find(m->s, "route") == NULL ? ROUTE_PRIMARY
							      : br->route;
	if (redis || br->route == ROUTE_ANY)
		return 0;
	error(m,
	    "use-backend: route = %s needs check = redis: without it no "
	    "server has a role",
	    conf_route_str(br->route));
	return -1;
}

/* Do both serve in the same way? */
static bool
is_alike(const struct conf_frontend *a, const struct conf_frontend *b)
{
	return a->route == b->route && a->balance == b->balance &&
	       a->client_timeout == b->client_timeout &&
	       a->server_fin_timeout == b->server_fin_timeout;
}

/* Where the rule leads: f itself, a branch that there is, or a new one. */
static const struct conf_frontend *
find_branch(struct maker *m, const struct rule_text *t, struct conf_frontend *f)
{
	struct conf *conf = m->conf;
	struct conf_frontend br = *f, *other, *end;

	br.backend =
	    branch_backend(conf, m->s->file, m->set->line, t->target, m->p);
	br.of = f;
	br.binds = NULL;
	br.bind_lines = NULL;
	br.nbinds = 0;
	br.rules = NULL;
	br.nrules = 0;
	if (br.backend == NULL || set_options(m, t, &br) != 0 ||
	    set_roles(m, t, &br) != 0)
		return NULL;
	end = conf->frontends + conf->nfrontends + conf->nbranches;
	for (other = conf->frontends; other < end; other++) {
		if ((other != f && other->of != f) ||
		    other->backend != br.backend)
			continue;
		if (is_alike(other, &br))
			return other;
		error(m,
		    "use-backend: another line leads from here to '%s', but "
		    "with other options",
		    t->target);
		return NULL;
	}
	*end = br;
	conf->nbranches++;
	return end;
}

/* Let the criteria point to what their names stand for. */
static int
set_names(struct maker *m, struct rule_text *t)
{
	const struct conf_backend *b;
	size_t i, j;

	for (i = 0; i < t->rule.nterms; i++) {
		b = branch_backend(
		    m->conf, m->s->file, m->set->line, t->backend[i], m->p);
		if (b == NULL)
			return -1;
		t->rule.terms[i].backend = b;
		if (!t->rule.terms[i].is_up)
			continue;
		for (j = 0; j < b->nservers; j++) {
			if (strcmp(b->servers[j].name, t->server[i]) == 0)
				break;
		}
		t->rule.terms[i].server = j;
		if (j == b->nservers) {
			error(m, "use-backend: unknown server '%s/%s'", b->name,
			    t->server[i]);
			return -1;
		}
	}
	return 0;
}

/* Make one rule. */
static void
make_rule(struct maker *m, struct conf_frontend *f)
{
	struct rule_text *t = xcalloc(1, sizeof(*t));
	char reason[256];

	if (rule_parse(m->set->value, t, reason, sizeof(reason)) == 0 &&
	    (t->rule.to = find_branch(m, t, f)) != NULL &&
	    set_names(m, t) == 0) {
		f->rules =
		    xrealloc(f->rules, (f->nrules + 1) * sizeof(*f->rules));
		f->rules[f->nrules++] = t->rule;
	}
	free(t);
}

void
branch_make(struct conf *conf, const struct ini *doc, struct conf_problems *p)
{
	const struct key *key = key_find(SECTION_FRONTEND, "use-backend");
	struct maker m = {.conf = conf, .p = p};
	struct conf_frontend *f;
	size_t i, j;

	for (i = 0; i < doc->nsections; i++) {
		m.s = &doc->sections[i];
		f = m.s->object;
		if (m.s->kind != SECTION_FRONTEND || f->backend == NULL)
			continue;
		for (j = 0; j < m.s->nsettings; j++) {
			m.set = &m.s->settings[j];
			if (m.set->key == key && !m.set->refused)
				make_rule(&m, f);
		}
	}
}
