/*
 * The reader of URLs: what `roleproxy redis://10.0.0.5:6379` stands for, as the
 * same document that ini.c makes of a file.
 */
#ifndef CONF_URL_H
#define CONF_URL_H

#include "conf/ini.h"

/*
 * Make of one or more URLs a document with a backend, two frontends and a page.
 * Each is redis://[[USER]:PASSWORD@]HOST[:PORT][/0], or valkey://; user and
 * password are percent-encoded. Nothing of them is in a message. Returns the
 * first URL without them, as a new string; "" if one is refused.
 */
char *url_read(
    struct ini *doc, char *const *texts, size_t n, struct conf_problems *p);

#endif
