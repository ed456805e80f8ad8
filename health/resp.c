/*
 * Reader of Redis' wire protocol: one value at a time from the start of a
 * buffer that the caller keeps. Nothing is copied and nothing is remembered.
 */
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
