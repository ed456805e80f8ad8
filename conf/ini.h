/*
 * The reader of .ini files: lines in, sections with their settings as text out.
 * It knows which keys there are, not what their values mean.
 */
#ifndef CONF_INI_H
#define CONF_INI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "conf/keys.h"
#include "conf/problem.h"

#define INI_LINE_MAX 4096        /* bytes of a line, without its end */
#define INI_FILE_MAX (16L << 20) /* bytes of a file */

/* One line "key = value". The value is not empty. */
struct ini_setting {
	const struct key *key;
	char *value;
	unsigned line;
	bool refused; /* by load.c: the value means nothing */
};

/* A section, with its settings in the order of the file. */
struct ini_section {
	enum key_section kind;
	char *name;       /* "" if its kind has none */
	const char *file; /* (borrowed from the caller of ini_read) */
	unsigned line;
	unsigned place; /* among all, set by load.c */
	struct ini_setting *settings;
	size_t nsettings;
	void *object; /* what load.c made of it (borrowed from the conf) */
};

/* What the files say. Starts as zeros. */
struct ini {
	struct ini_section *sections;
	size_t nsections;
	bool refused; /* a section line was: it may have been a frontend */
	bool haproxy; /* it was a haproxy.cfg */
	bool broken; /* a file, or a section that others may name, is missing */
};

/*
 * Add what one file says to doc; file is its name for messages. Lines are
 * trimmed; empty ones and those that begin with ; or # are skipped. In a value,
 * ; or # behind a blank begins a comment, but a secret is the whole rest of its
 * line. A byte order mark and CRLF are accepted.
 */
void ini_read(
    struct ini *doc, FILE *f, const char *file, struct conf_problems *p);

/* Append a section. The ones before may move; file is borrowed. */
struct ini_section *ini_section(struct ini *doc, enum key_section kind,
    const char *name, const char *file, unsigned line);

/* Append a setting to a section. */
void ini_add(struct ini_section *s, const struct key *key, const char *value,
    unsigned line);

/* The first setting of that key, or NULL. */
const struct ini_setting *ini_find(
    const struct ini_section *s, const char *key);

/* Free what it holds and wipe the secrets. */
void ini_clear(struct ini *doc);

#endif
