/*
 * Loading: which files, in which language, and what is wrong with them.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include <stddef.h>

#include "conf/conf.h"
#include "conf/problem.h"

/* Load and validate these files as one configuration; all problems are
 * reported. NULL if there is an error. generation and ids are left at 0.
 * Control thread. */
struct conf *conf_load(
    const char *const *files, size_t nfiles, struct conf_problems *problems);

/* Warn of what differs between two loads and takes effect only at start. */
void conf_reload_warnings(const struct conf *running, const struct conf *next,
    struct conf_problems *p);

/* The file to read when -f names none, or NULL with a problem added. */
const char *conf_default_file(struct conf_problems *p);

/* Print every key with section, default and help: --help-config. */
void conf_print_help(void);

#endif
