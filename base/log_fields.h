/*
 * What a log line says besides its text, for log-format = json: members of its
 * object. On the stack of whoever logs; a member that does not fit is left out.
 */
#ifndef BASE_LOG_FIELDS_H
#define BASE_LOG_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#define LOG_FIELDS_MAX 640

/* Each member with a comma before it; empty as zeros. */
struct log_fields {
	char text[LOG_FIELDS_MAX];
	size_t len;
};

/* A text (NULL or "": null), a number. name is ASCII that needs no escape. */
void log_field(struct log_fields *f, const char *name, const char *value);
void log_field_number(struct log_fields *f, const char *name, int64_t n);

/* The same, null if it is negative. */
void log_field_known(struct log_fields *f, const char *name, int64_t n);

/* Bytes of the character at text, of len at most, if it may be printed as it
 * is; else 0: a control character, or not UTF-8. */
size_t log_printable(const char *text, size_t len);

/* Copy text as it stands within a string of JSON (RFC 8259); what is no UTF-8,
 * or a control character, becomes U+FFFD or an escape. Returns its end, at most
 * 6 bytes for each of text. */
char *log_json_escape(char *to, const char *text, size_t len);

#endif
