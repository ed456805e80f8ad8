/*
 * From what was read in haproxy.cfg to the document of an .ini file.
 */
#ifndef CONF_CFG_WRITE_H
#define CONF_CFG_WRITE_H

#include "conf/cfg_reader.h"

/* Where settings are written to: the last section of the document. */
struct cfg_out {
	struct cfg *c;
	struct ini *doc;
	struct ini_section *section;
};

/* Write all of it. */
void cfg_write(struct cfg *c, struct ini *doc);

/* Begin a section. */
void cfg_out_section(struct cfg_out *o, enum key_section kind, const char *name,
    const char *file, unsigned line);

/* Add a setting of the section, said at that line: a text, a time, a number
 * (these two only if they were given). */
void cfg_out_text(
    struct cfg_out *o, const char *key, unsigned line, const char *value);
void cfg_out_time(
    struct cfg_out *o, const char *key, const struct cfg_number *ms);
void cfg_out_number(
    struct cfg_out *o, const char *key, const struct cfg_number *n);

/* Write [backend NAME]. */
void cfg_write_backend(struct cfg_out *o, const struct cfg_proxy *x);

/* Find out what the checks of a proxy's servers come to: means, role... */
void cfg_meaning(struct cfg *c, struct cfg_proxy *x);

/* Find out which Sentinels the conditions of a proxy mean. All have their
 * meaning. */
void cfg_sentinels(struct cfg *c, struct cfg_proxy *x);

/* The proxy of that name that has servers (backend, listen), or NULL. */
struct cfg_proxy *cfg_find_backend(const struct cfg *c, const char *name);

/* Free the reader and wipe what it held. */
void cfg_free(struct cfg *c);

#endif
