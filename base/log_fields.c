/*
 * Members of a JSON object, made without the heap: lines of sessions are logged
 * at the pace of connections.
 */
#include <stdio.h>
#include <string.h>

#include "base/log_fields.h"

#define VALUE_MAX 128 /* bytes of a text; longer ones are cut */

/* Add a whole member. */
static void
add(struct log_fields *f, const char *name, const char *value, size_t len)
{
	size_t all = strlen(name) + len + 4;

	if (all >= sizeof(f->text) - f->len)
		return;
	f->len += (size_t)sprintf(f->text + f->len, ",\"%s\":", name);
	memcpy(f->text + f->len, value, len);
	f->len += len;
	f->text[f->len] = '\0';
}

size_t
log_printable(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i, n;

	if (*p < 0x80)
		return *p >= 0x20 && *p != 0x7f;
	n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	if (*p < 0xc2 || *p > 0xf4 || n > len)
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* U+0080 to U+009F are control characters; overlong forms. */
	if ((*p == 0xc2 || *p == 0xe0) && p[1] < 0xa0)
		return 0;
	return n;
}

char *
log_json_escape(char *to, const char *text, size_t len)
{
	size_t n;

	for (; len > 0; text += n, len -= n) {
		n = log_printable(text, len);
		if (n == 1 && (*text == '"' || *text == '\\'))
			*to++ = '\\';
		if (n > 0) {
			memcpy(to, text, n);
			to += n;
			continue;
		}
		n = 1;
		if ((unsigned char)*text < 0x80)
			to += sprintf(to, "\\u%04x", (unsigned)*text);
		else
			to = stpcpy(to, "\\ufffd");
	}
	return to;
}

void
log_field(struct log_fields *f, const char *name, const char *value)
{
	char quoted[6 * VALUE_MAX + 3], *p = quoted;

	if (value == NULL || value[0] == '\0') {
		add(f, name, "null", 4);
		return;
	}
	*p++ = '"';
	p = log_json_escape(p, value, strnlen(value, VALUE_MAX));
	*p++ = '"';
	add(f, name, quoted, (size_t)(p - quoted));
}

void
log_field_number(struct log_fields *f, const char *name, int64_t n)
{
	char text[24];

	add(f, name, text,
	    (size_t)snprintf(text, sizeof(text), "%lld", (long long)n));
}

void
log_field_known(struct log_fields *f, const char *name, int64_t n)
{
	if (n < 0)
		add(f, name, "null", 4);
	else
		log_field_number(f, name, n);
}
