/*
 * Loading: which files or URLs, and what is wrong with them.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include <stddef.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/problem.h"

/* What to load: URLs if there are any, else files. */
struct conf_source {
	const char *const *files; /* or folders of files, see files.h */
	size_t nfiles;
	char *const *urls; /* may hold a password */
	size_t nurls;
};

/* Load and validate these files as one configuration; all problems are
 * reported. NULL if there is an error. generation and ids are left at 0.
 * Control thread. */
struct conf *conf_load(
    const char *const *files, size_t nfiles, struct conf_problems *problems);

/* The same of one or more URLs, see url.h. */
struct conf *conf_load_urls(
    char *const *urls, size_t nurls, struct conf_problems *problems);

/* The same of what the source names. */
struct conf *conf_load_source(
    const struct conf_source *source, struct conf_problems *problems);

/* Write what the source names as one .ini file, see to_ini.h. -1 if it cannot
 * be loaded: then nothing is written. */
int conf_print_ini(const struct conf_source *source, FILE *out,
    struct conf_problems *problems);

/* What to load when nothing was named; -1 if that is not clear, since there are
 * both of the default files. */
#define CONF_DEFAULT_FILE "/etc/roleproxy/roleproxy.ini"
#define CONF_HAPROXY_FILE "/usr/local/etc/haproxy/haproxy.cfg"
int conf_default_source(struct conf_source *source);

/* Warn of what differs between two loads and takes effect only at start. */
void conf_reload_warnings(const struct conf *running, const struct conf *next,
    struct conf_problems *p);

/* Print every key with section, default and help: --help-config. */
void conf_print_help(void);

#endif
