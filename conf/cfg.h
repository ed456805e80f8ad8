/*
 * The reader of haproxy.cfg: HAProxy's language in, the same document out as
 * the reader of .ini files makes (HAProxy's configuration manual, 2.6). What
 * means something and cannot be had is an error, what only tunes HAProxy itself
 * a warning.
 */
#ifndef CONF_CFG_H
#define CONF_CFG_H

#include <stdio.h>

#include "conf/ini.h"

struct cfg;

/* A reader that adds what is wrong to p (borrowed). */
struct cfg *cfg_new(struct conf_problems *p);

/* Read a file; the defaults of the ones before hold. The name is borrowed until
 * the end. */
void cfg_read(struct cfg *c, FILE *f, const char *file);

/* Write what was read to doc, which is broken if there was an error. Frees c,
 * and wipes what it held. */
void cfg_finish(struct cfg *c, struct ini *doc);

#endif
