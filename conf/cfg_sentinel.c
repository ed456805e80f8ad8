/*
 * haproxy.cfg: conditions that ask Sentinels. A well-known recipe has a backend
 * of Sentinels for each Redis server, UP while they name that server the
 * master, and takes the server by nbsrv() of it. What it tries to say is one
 * backend with one writer, and which Sentinels to ask.
 */
#include <string.h>
#include <strings.h>

#include "conf/cfg_write.h"

/* The server of that name, or of that address if it has one; NULL if none. */
static const struct cfg_server *
find_server(const struct cfg_proxy *x, const char *name)
{
	const struct cfg_server *s;

	for (s = x->servers; s != NULL; s = s->next) {
		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

/* A server at the same address, or NULL. */
static const struct cfg_server *
find_address(const struct cfg_proxy *x, const struct cfg_server *like)
{
	const struct cfg_server *s;

	for (s = x->servers; s != NULL; s = s->next) {
		if (strcasecmp(s->host, like->host) == 0 &&
		    s->port == like->port)
			return s;
	}
	return NULL;
}

/* Let b ask the Sentinels that a condition asks. */
static void
add_sentinels(struct cfg *c, struct cfg_proxy *b, const struct cfg_use *u)
{
	const struct cfg_proxy *asked = cfg_find_backend(c, u->asked);
	const struct cfg_server *s;
	const char *address;

	c->place.line = u->line;
	if (asked == NULL) {
		cfg_error(c, "'nbsrv': unknown backend '%.63s'", u->asked);
		return;
	}
	if (asked->master_name == NULL || asked->master_address == NULL) {
		cfg_error(c,
		    "'nbsrv(%.63s)' is not possible here: the tcp-check of "
		    "that backend does not ask Sentinels for their master",
		    u->asked);
		return;
	}
	if (b->master_name != NULL &&
	    strcmp(b->master_name, asked->master_name) != 0)
		cfg_error(c,
		    "'nbsrv(%.63s)' asks for the master '%.63s', but "
		    "the ones before for '%.63s'",
		    u->asked, asked->master_name, b->master_name);
	b->master_name = asked->master_name;
	b->sentinel_username = asked->username;
	b->sentinel_password = asked->password;
	for (s = asked->servers; s != NULL; s = s->next) {
		address = cfg_format(c,
		    strchr(s->host, ':') != NULL ? "[%s]:%u" : "%s:%u", s->host,
		    s->port);
		if (!cfg_list_has(&b->sentinels, address))
			cfg_list_add(c, &b->sentinels, address);
	}
}

/* Are the servers of b checked as Redis's? Else an error at that line. */
static bool
is_redis(struct cfg *c, const struct cfg_proxy *b, unsigned line)
{
	if (b->means == CHECK_REDIS)
		return true;
	c->place.line = line;
	cfg_error(c,
	    "'nbsrv' of Sentinels needs a check of Redis in '%s': option "
	    "redis-check, or a tcp-check for role:master",
	    b->name);
	return false;
}

/* use-server lines of x. */
static void
of_servers(struct cfg *c, struct cfg_proxy *x)
{
	const struct cfg_use *u;

	for (u = x->servers_used; u != NULL; u = u->next) {
		c->place.line = u->line;
		if (find_server(x, u->target) == NULL)
			cfg_error(c, "'use-server': unknown server '%.63s'",
			    u->target);
		else if (is_redis(c, x, u->line))
			add_sentinels(c, x, u);
	}
	if (x->servers_used != NULL)
		x->role = WANT_PRIMARY;
}

/* Does only one of the backends that x uses have a server of that name? */
static bool
is_unique(const struct cfg *c, const struct cfg_proxy *x, const char *name)
{
	const struct cfg_proxy *target;
	const struct cfg_use *u;
	unsigned n = 0;

	for (u = x->uses; u != NULL; u = u->next) {
		target = cfg_find_backend(c, u->target);
		n += target != NULL && find_server(target, name) != NULL;
	}
	return n < 2;
}

/* Add the servers of a backend that x uses to the one that stands for all; they
 * take its name where theirs would not do. */
static void
merge(struct cfg *c, const struct cfg_proxy *x, const struct cfg_proxy *from)
{
	struct cfg_proxy *all = x->merged;
	const struct cfg_server *s;
	struct cfg_server *copy;
	const char *name;

	for (s = from->servers; s != NULL; s = s->next) {
		if (find_address(all, s) != NULL)
			continue;
		name = is_unique(c, x, s->name) ? s->name : from->name;
		if (find_server(all, name) != NULL) {
			cfg_error(c,
			    "two servers '%.63s' would be in one backend: "
			    "please use distinct names",
			    name);
			continue;
		}
		copy = cfg_alloc(c, sizeof(*copy));
		*copy = *s;
		copy->next = NULL;
		copy->name = name;
		if (all->servers == NULL)
			all->servers = copy;
		else
			all->last_server->next = copy;
		all->last_server = copy;
		all->nservers++;
	}
}

/* A backend in the place of those that x uses under conditions: the default
 * one if it is of Redis, else a new one under x's name, like the first. */
static struct cfg_proxy *
stand_in(
    struct cfg *c, const struct cfg_proxy *x, const struct cfg_proxy *first)
{
	struct cfg_proxy *b = NULL;

	if (x->backend.line != 0)
		b = cfg_find_backend(c, x->backend.text);
	if (b != NULL && b->means == CHECK_REDIS)
		return b;
	b = cfg_alloc(c, sizeof(*b));
	*b = *first;
	b->next = NULL;
	b->name = x->name;
	b->line = x->line;
	b->servers = b->last_server = NULL;
	b->nservers = 0;
	b->kind = CFG_BACKEND;
	b->made = true;
	return b;
}

/* Does a condition ask Sentinels for the master? */
static bool
is_asking(const struct cfg *c, const struct cfg_use *u)
{
	const struct cfg_proxy *asked =
	    u->asked == NULL ? NULL : cfg_find_backend(c, u->asked);

	return asked != NULL && asked->master_name != NULL &&
	       asked->master_address != NULL;
}

/* Do the use_backend lines of x ask Sentinels? All of them do, or none. */
static bool
ask_sentinels(struct cfg *c, const struct cfg_proxy *x)
{
	const struct cfg_use *u, *other = NULL;
	size_t asking = 0;

	for (u = x->uses; u != NULL; u = u->next) {
		if (is_asking(c, u))
			asking++;
		else
			other = u;
	}
	if (asking == 0 || other == NULL)
		return asking > 0;
	c->place.line = other->line;
	cfg_error(c,
	    "'use_backend %.63s': other lines of '%s' ask Sentinels, and "
	    "become "
	    "one backend with one writer; this one does not",
	    other->target, x->name);
	return false;
}

/* use_backend lines of x. */
static void
of_backends(struct cfg *c, struct cfg_proxy *x)
{
	const struct cfg_proxy *target;
	const struct cfg_use *u;

	if (!ask_sentinels(c, x))
		return;
	for (u = x->uses; u != NULL; u = u->next) {
		c->place.line = u->line;
		target = cfg_find_backend(c, u->target);
		if (target == NULL) {
			cfg_error(c, "'use_backend': unknown backend '%.63s'",
			    u->target);
			continue;
		}
		if (!is_redis(c, target, u->line))
			continue;
		if (target->access.deny.n > 0 || target->access.only)
			cfg_error(c,
			    "'tcp-request' of '%.63s' would hold for none of "
			    "the backends that become one here: write it into "
			    "'%.63s'",
			    target->name, x->name);
		if (x->merged == NULL)
			x->merged = stand_in(c, x, target);
		merge(c, x, target);
		add_sentinels(c, x->merged, u);
	}
	if (x->merged != NULL)
		x->merged->role = WANT_PRIMARY;
	if (x->merged != NULL && x->merged->made && x->kind != CFG_LISTEN &&
	    cfg_find_backend(c, x->name) != NULL) {
		c->place.line = x->line;
		cfg_error(c,
		    "the backends of '%s' would become one of the same name, "
		    "but there is one: rename it",
		    x->name);
	}
}

void
cfg_sentinels(struct cfg *c, struct cfg_proxy *x)
{
	c->place.file = x->file;
	of_servers(c, x);
	of_backends(c, x);
}
