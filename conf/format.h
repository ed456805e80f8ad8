/*
 * HAProxy's log-format in the texts of a check ("Custom log format" in its
 * configuration manual, 2.6), as far as a check knows what it asks for from its
 * beginning: %[srv_name] or %s, %[be_name] or %b, and %% for a %. In the head
 * of a request %[req.body_len] is the length of what follows its empty line.
 */
#ifndef CONF_FORMAT_H
#define CONF_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

/* What it is about (borrowed). */
struct format_names {
	const char *server, *backend;
};

/* -1 with what is wrong in error, of size bytes, without the text's words: they
 * may be secret. */
int format_check(const char *text, char *error, size_t size);

/* Does it ask for anything? */
bool format_varies(const char *text);

/* What it comes to for these names, which may be NULL if it asks for nothing.
 * The text is good, the string new. */
char *format_expand(const char *text, const struct format_names *names);

/* The log-format that comes to this text, as a new string. */
char *format_escape(const char *text);

#endif
