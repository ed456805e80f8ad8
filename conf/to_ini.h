/*
 * Writing an .ini file: the document that was read, whatever language it was
 * in.
 */
#ifndef CONF_TO_INI_H
#define CONF_TO_INI_H

#include <stdio.h>

#include "conf/ini.h"

/* Write the document, with the warnings in p (what was left out) as comments.
 * No secret is written: variables of the environment stand for them, and a
 * comment names them. */
void to_ini(FILE *f, const struct ini *doc, const struct conf_problems *p);

#endif
