/*
 * The files of a configuration: those named, and those in the folders named.
 */
#ifndef CONF_FILES_H
#define CONF_FILES_H

#include <stddef.h>

/* Owns its names. */
struct files {
	char **names;
	size_t n;
};

/* List the files that these names mean, in their order: a folder stands for the
 * *.cfg and *.ini in it, sorted by bytes. One that cannot be read is listed as
 * it is, to fail where it is opened. */
void files_list(struct files *f, const char *const *names, size_t n);

/* Forget them. */
void files_clear(struct files *f);

#endif
