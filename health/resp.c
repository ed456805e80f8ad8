/*
 * Reader of Redis' wire protocol: one value at a time from the start of a
 * buffer that the caller keeps. Nothing is copied and nothing is remembered.
 */
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "health/resp.h"

#define NUMBER_MAX 20 /* characters of a 64-bit number with its sign */

/* The line that starts behind the type byte: its text, and the bytes up to and
 * with its CRLF; 0 if it is not complete, -1 if it cannot become a line. */
static ssize_t
read_line(const char *buf, size_t len, size_t max, struct resp *out)
{
	const char *cr;

	len--;
	cr = memchr(++buf, '\r', len <= max ? len : max + 1);
	if (cr == NULL)
		return len <= max ? 0 : -1;
	out->str = buf;
	out->len = (size_t)(cr - buf);
	if (out->len + 1 == len)
		return 0;
	if (cr[1] != '\n' || memchr(buf, '\n', out->len) != NULL)
		return -1;
	return (ssize_t)(1 + out->len + 2);
}

/* A decimal number that is all of the text. */
static bool
read_number(const char *text, size_t len, int64_t *number)
{
	bool negative = len > 0 && *text == '-';
	uint64_t n = 0, limit = (uint64_t)INT64_MAX + negative;
	unsigned digit;
	size_t i;

	if (len == (size_t)negative)
		return false;
	for (i = negative; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		digit = (unsigned)(text[i] - '0');
		if (n > (limit - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*number = negative ? (int64_t)(0 - n) : (int64_t)n;
	return true;
}

/* The body of a bulk string of out->integer bytes behind its head. */
static ssize_t
read_bulk(const char *buf, size_t len, ssize_t head, struct resp *out)
{
	size_t n = (size_t)out->integer, start = (size_t)head;

	if (len < start + n + 2)
		return 0;
	if (memcmp(buf + start + n, "\r\n", 2) != 0)
		return -1;
	out->str = buf + start;
	out->len = n;
	out->integer = 0;
	return (ssize_t)(start + n + 2);
}

/* :1, or the head of $3 or *2. */
static ssize_t
read_head(const char *buf, size_t len, enum resp_type type, int64_t max,
    struct resp *out)
{
	ssize_t used = read_line(buf, len, NUMBER_MAX, out);

	if (used <= 0)
		return used;
	if (!read_number(out->str, out->len, &out->integer))
		return -1;
	out->str = "";
	out->len = 0;
	out->type = type;
	if (type == RESP_INTEGER)
		return used;
	if (out->integer < -1 || out->integer > max)
		return -1;
	if (out->integer == -1) {
		out->type = RESP_NIL;
		out->integer = 0;
	} else if (type == RESP_BULK) {
		return read_bulk(buf, len, used, out);
	}
	return used;
}

ssize_t
resp_read(const char *buf, size_t len, struct resp *out)
{
	out->type = RESP_NIL;
	out->str = "";
	out->len = 0;
	out->integer = 0;
	if (len == 0)
		return 0;
	switch (buf[0]) {
	case '+':
		out->type = RESP_SIMPLE;
		return read_line(buf, len, RESP_LINE_MAX, out);
	case '-':
		out->type = RESP_ERROR;
		return read_line(buf, len, RESP_LINE_MAX, out);
	case ':':
		return read_head(buf, len, RESP_INTEGER, 0, out);
	case '$':
		return read_head(buf, len, RESP_BULK, RESP_BULK_MAX, out);
	case '*':
		return read_head(buf, len, RESP_ARRAY, RESP_ARRAY_MAX, out);
	default:
		return -1;
	}
}

ssize_t
resp_read_all(
    const char *buf, size_t len, struct resp *out, size_t max, size_t *n)
{
	size_t at = 0;
	int64_t missing = 1;
	ssize_t used;

	for (*n = 0; missing > 0; (*n)++) {
		if (*n == max)
			return -1;
		used = resp_read(buf + at, len - at, &out[*n]);
		if (used <= 0)
			return used;
		at += (size_t)used;
		missing--;
		if (out[*n].type == RESP_ARRAY)
			missing += out[*n].integer;
	}
	return (ssize_t)at;
}

/* Is it a string of either kind? */
static bool
is_string(const struct resp *r)
{
	return r->type == RESP_BULK || r->type == RESP_SIMPLE;
}

bool
resp_is(const struct resp *r, const char *text)
{
	return is_string(r) && r->len == strlen(text) &&
	       memcmp(r->str, text, r->len) == 0;
}

bool
resp_copy(const struct resp *r, char *to, size_t size)
{
	size_t i;

	to[0] = '\0';
	if (!is_string(r) || r->len >= size)
		return false;
	for (i = 0; i < r->len; i++) {
		if (!isgraph((unsigned char)r->str[i]))
			return false;
	}
	memcpy(to, r->str, r->len);
	to[r->len] = '\0';
	return true;
}

int64_t
resp_number(const struct resp *r, int64_t otherwise)
{
	int64_t n;

	if (r->type == RESP_INTEGER)
		return r->integer;
	return is_string(r) && read_number(r->str, r->len, &n) ? n : otherwise;
}
