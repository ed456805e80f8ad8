/*
 * The configuration model: its end. conf_new() is in keys.c,
 * with the table of the defaults.
 */
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

/* Free a secret so that it does not stay in memory. */
static void
free_secret(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

/* Free what a backend owns. */
static void
clear_backend(struct conf_backend *b)
{
	size_t i;

	for (i = 0; i < b->nservers; i++) {
		free(b->servers[i].name);
		free(b->servers[i].host);
	}
	free(b->servers);
	free(b->name);
	free(b->username);
	free_secret(b->password);
}

/* Free what a frontend owns. */
static void
clear_frontend(struct conf_frontend *f)
{
	free(f->name);
	free(f->binds);
	free(f->bind_lines);
	free(f->allow);
	free(f->deny);
}

void
conf_free(struct conf *conf)
{
	size_t i;

	if (conf == NULL)
		return;
	for (i = 0; i < conf->nbackends; i++)
		clear_backend(&conf->backends[i]);
	for (i = 0; i < conf->nfrontends; i++)
		clear_frontend(&conf->frontends[i]);
	free(conf->backends);
	free(conf->frontends);
	free(conf->stats.binds);
	free(conf->stats.bind_lines);
	free(conf->stats.uri);
	free(conf->stats.user);
	free_secret(conf->stats.password);
	free(conf->global.logs);
	free(conf->global.pidfile);
	free(conf->use);
	free(conf->path);
	free(conf);
}
