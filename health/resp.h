/*
 * Reader of Redis' wire protocol, versions 2 and 3 as a server sends them to a
 * client that did not ask for 3. Stateless: it looks at a buffer and says what
 * stands at its start. Format: https://redis.io/docs/reference/protocol-spec/
 */
#ifndef HEALTH_RESP_H
#define HEALTH_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum resp_type {
	RESP_SIMPLE,  /* +OK */
	RESP_ERROR,   /* -ERR … */
	RESP_INTEGER, /* :1 */
	RESP_BULK,    /* $3, with str and len */
	RESP_ARRAY,   /* *2: integer says how many values follow */
	RESP_NIL      /* $-1, *-1 */
};

#define RESP_LINE_MAX \
	2048 /* +, - and : lines, without CRLF; -DENIED has 1063 */
#define RESP_BULK_MAX  (256 * 1024) /* one bulk string */
#define RESP_ARRAY_MAX 1024         /* elements of one array */

struct resp {
	enum resp_type type;
	const char *str; /* into the buffer, not terminated; "" if none */
	size_t len;
	int64_t integer;
};

/* Read one value at the start of buf (of an array only its head; its elements
 * are read by the next calls). Returns the bytes it took, 0 if more are needed,
 * -1 if this is not RESP or is beyond the limits. */
ssize_t resp_read(const char *buf, size_t len, struct resp *out);

/* Read one value with all that is in it: its heads and leaves in the order of
 * the wire into out, *n of them, at most max. Returns like resp_read(). */
ssize_t resp_read_all(
    const char *buf, size_t len, struct resp *out, size_t max, size_t *n);

/* Is it a string with just this text? */
bool resp_is(const struct resp *r, const char *text);

/* A string as text of printable characters without blanks; false, and to is "",
 * if it is not such a string or does not fit. */
bool resp_copy(const struct resp *r, char *to, size_t size);

/* A string or an integer as a number; otherwise if it is neither. */
int64_t resp_number(const struct resp *r, int64_t otherwise);

#endif
