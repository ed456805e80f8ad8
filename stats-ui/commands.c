/*
 * What the words of a command name: backends, servers, frontends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats-ui/commands.h"
#include "stats-ui/proxies.h"

const struct conf *
runtime_conf(const struct runtime *r)
{
	return r->source->conf(r->source->arg);
}

/* Is a thing of this name, or with this number, what text names? */
static bool
is_named(const char *text, const char *name, unsigned number)
{
	return text[0] == '#' ? strtoul(text + 1, NULL, 10) == number
			      : strcmp(text, name) == 0;
}

const struct conf_backend *
runtime_backend(const struct runtime *r, const char *name)
{
	const struct conf *conf = runtime_conf(r);
	size_t i;

	for (i = 0; i < conf->nbackends; i++) {
		const struct conf_backend *cb = &conf->backends[i];

		if (is_named(name, cb->name,
			name[0] == '#' ? proxies_backend_iid(conf, cb) : 0))
			return cb;
	}
	return NULL;
}

const struct conf_server *
runtime_server(
    struct runtime *r, struct cli *c, size_t i, const struct conf_backend **cb)
{
	const char *server = strchr(c->words[i], '/');
	char backend[128];

	if (server == NULL) {
		cli_error(c, "Require 'backend/server'.\n");
		return NULL;
	}
	snprintf(backend, sizeof(backend), "%.*s", (int)(server - c->words[i]),
	    c->words[i]);
	*cb = runtime_backend(r, backend);
	if (*cb == NULL) {
		cli_error(c, "No such backend.\n");
		return NULL;
	}
	server++;
	for (i = 0; i < (*cb)->nservers; i++) {
		const struct conf_server *cs = &(*cb)->servers[i];

		if (is_named(server, cs->name, proxies_sid(*cb, cs)))
			return cs;
	}
	cli_error(c, "No such server.\n");
	return NULL;
}

const struct conf_frontend *
runtime_frontend(struct runtime *r, struct cli *c, size_t i)
{
	const struct conf *conf = runtime_conf(r);
	const char *name = c->words[i];

	if (name[0] == '\0') {
		cli_error(c, "A frontend name is expected.\n");
		return NULL;
	}
	for (i = 0; i < conf->nfrontends; i++) {
		const struct conf_frontend *fe = &conf->frontends[i];

		if (is_named(name, fe->name,
			name[0] == '#' ? proxies_frontend_iid(conf, fe) : 0))
			return fe;
	}
	cli_error(c, "No such frontend.\n");
	return NULL;
}
