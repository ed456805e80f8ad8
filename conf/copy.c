/*
 * Models made of models. Structs are copied whole; the table of keys tells
 * which of their fields are strings or lists, to be copied for themselves.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "conf/copy.h"
#include "conf/keys.h"

/* A copy of n items, or NULL if there are none. */
static void *
copy_items(const void *items, size_t n, size_t size)
{
	return n == 0 ? NULL : memcpy(xcalloc(n, size), items, n * size);
}

/* Replace the strings and lists that a section's keys made by copies. */
static void
copy_fields(enum key_section section, void *object)
{
	const struct key *k;
	char *value, *at;
	size_t n;

	for (k = keys; k < keys + nkeys; k++) {
		if (k->section != section || (!k->text && k->count == 0))
			continue;
		at = (char *)object + k->offset;
		memcpy(&value, at, sizeof(value));
		if (k->text) {
			value = xstrdup(value);
		} else {
			memcpy(&n, (char *)object + k->count, sizeof(n));
			value = copy_items(value, n, k->item);
		}
		memcpy(at, &value, sizeof(value));
	}
}

/* Make a copied backend own what it holds. */
static void
copy_backend(struct conf_backend *b)
{
	size_t i;

	copy_fields(SECTION_BACKEND, b);
	b->name = xstrdup(b->name);
	for (i = 0; i < b->nservers; i++) {
		b->servers[i].name = xstrdup(b->servers[i].name);
		b->servers[i].host = xstrdup(b->servers[i].host);
		b->servers[i].check_host = xstrdup(b->servers[i].check_host);
		b->servers[i].id = 0;
	}
	for (i = 0; i < b->nsteps; i++)
		b->steps[i] = step_copy(&b->steps[i]);
	for (i = 0; i < b->nsentinels; i++)
		b->sentinels[i].host = xstrdup(b->sentinels[i].host);
}

/* Make a copied frontend own what it holds; copy is what it is part of now. */
static void
copy_frontend(struct conf_frontend *f, const struct conf *copy)
{
	copy_fields(SECTION_FRONTEND, f);
	f->name = xstrdup(f->name);
	f->bind_lines =
	    copy_items(f->bind_lines, f->nbinds, sizeof(*f->bind_lines));
	f->backend = copy->backends + (f->backend - f->conf->backends);
	f->conf = copy;
	f->id = 0;
}

/* Where a frontend of a model is in its copy. */
static const struct conf_frontend *
moved(const struct conf_frontend *f, const struct conf_frontend *from,
    const struct conf *copy)
{
	return copy->frontends + (f - from);
}

/* Make the rules of a copied frontend lead to what is copied; from is where the
 * model had its frontends, and backends its backends. */
static void
copy_rules(
    struct conf_frontend *f, const struct conf *conf, const struct conf *copy)
{
	struct rule_term *t;
	size_t i;

	f->rules = copy_items(f->rules, f->nrules, sizeof(*f->rules));
	for (i = 0; i < f->nrules; i++) {
		f->rules[i].to = moved(f->rules[i].to, conf->frontends, copy);
		for (t = f->rules[i].terms;
		     t < f->rules[i].terms + f->rules[i].nterms; t++)
			t->backend =
			    copy->backends + (t->backend - conf->backends);
	}
}

/* Make a copied branch one of the copied frontend, with what that owns. */
static void
copy_branch(
    struct conf_frontend *br, const struct conf *conf, const struct conf *copy)
{
	const struct conf_frontend *f = moved(br->of, conf->frontends, copy);

	br->of = f;
	br->conf = copy;
	br->name = f->name;
	br->accept_proxy = f->accept_proxy;
	br->allow = f->allow;
	br->deny = f->deny;
	br->backend = copy->backends + (br->backend - conf->backends);
	br->id = 0;
}

/* Make a copied place to look at own what it holds. */
static void
copy_stats(struct conf_stats *s)
{
	size_t i;

	copy_fields(SECTION_STATS, s);
	for (i = 0; i < s->nauth; i++)
		s->auth[i] = xstrdup(s->auth[i]);
	s->name = xstrdup(s->name);
	s->bind_lines =
	    copy_items(s->bind_lines, s->nbinds, sizeof(*s->bind_lines));
}

struct conf *
conf_copy(const struct conf *conf)
{
	struct conf *copy = xcalloc(1, sizeof(*copy));
	size_t i;

	*copy = *conf;
	copy->path = xstrdup(conf->path);
	copy->generation = 0;
	copy->use = conf_use_new();
	copy->backends = copy_items(
	    conf->backends, conf->nbackends, sizeof(*conf->backends));
	copy->frontends = copy_items(conf->frontends,
	    conf->nfrontends + conf->nbranches, sizeof(*conf->frontends));
	copy->stats =
	    copy_items(conf->stats, conf->nstats, sizeof(*conf->stats));
	copy_fields(SECTION_GLOBAL, &copy->global);
	for (i = 0; i < copy->nbackends; i++)
		copy_backend(&copy->backends[i]);
	for (i = 0; i < copy->nfrontends; i++)
		copy_frontend(&copy->frontends[i], copy);
	for (i = 0; i < copy->nfrontends; i++)
		copy_rules(&copy->frontends[i], conf, copy);
	for (i = 0; i < copy->nbranches; i++)
		copy_branch(&copy->frontends[copy->nfrontends + i], conf, copy);
	for (i = 0; i < copy->nstats; i++)
		copy_stats(&copy->stats[i]);
	return copy;
}

struct conf_server *
conf_add_server(struct conf *conf, struct conf_backend *b, const char *name,
    const char *host, uint16_t port)
{
	size_t i, n = 0;

	for (i = 0; i < conf->nbackends; i++)
		n += conf->backends[i].nservers;
	if (n >= CONF_SERVERS_MAX)
		return NULL;
	b->servers =
	    xrealloc(b->servers, (b->nservers + 1) * sizeof(*b->servers));
	b->servers[b->nservers] = (struct conf_server){.name = xstrdup(name),
	    .host = xstrdup(host),
	    .port = port,
	    .weight = CONF_WEIGHT,
	    .discovered = true};
	return &b->servers[b->nservers++];
}

/* The index of the server there; nservers if there is none. */
static size_t
find_server(const struct conf_backend *b, const char *host, uint16_t port)
{
	size_t i;

	for (i = 0; i < b->nservers; i++) {
		if (b->servers[i].port == port &&
		    strcasecmp(b->servers[i].host, host) == 0)
			break;
	}
	return i;
}

void
conf_drop_server(struct conf_backend *b, const char *host, uint16_t port)
{
	size_t i = find_server(b, host, port);

	if (i == b->nservers || !b->servers[i].discovered)
		return;
	conf_server_clear(&b->servers[i]);
	memmove(&b->servers[i], &b->servers[i + 1],
	    (--b->nservers - i) * sizeof(*b->servers));
}

/* The same for one backend. */
static void
keep_discovered(
    struct conf *next, struct conf_backend *b, const struct conf_backend *old)
{
	const struct conf_server *s;
	size_t i;

	for (i = 0; i < old->nservers; i++) {
		s = &old->servers[i];
		if (s->discovered &&
		    find_server(b, s->host, s->port) == b->nservers)
			conf_add_server(next, b, s->name, s->host, s->port);
	}
}

void
conf_keep_discovered(struct conf *next, const struct conf *running)
{
	size_t i, j;

	for (i = 0; i < next->nbackends; i++) {
		for (j = 0; j < running->nbackends; j++) {
			if (next->backends[i].discover &&
			    strcmp(next->backends[i].name,
				running->backends[j].name) == 0)
				keep_discovered(next, &next->backends[i],
				    &running->backends[j]);
		}
	}
}
