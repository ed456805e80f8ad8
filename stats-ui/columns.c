/*
 * Lines and tables for a terminal.
 */
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "stats-ui/columns.h"
#include "stats-ui/words.h"

/* Bytes of the character at text if it may be shown, else 0. U+0080 to U+009F
 * are control characters too (ECMA-48). */
static size_t
shown(const char *text)
{
	size_t n = words_utf8(text);
	unsigned char first = (unsigned char)text[0];

	if (first < 0x20 || first == 0x7f)
		return 0;
	return first == 0xc2 && (unsigned char)text[1] < 0xa0 ? 0 : n;
}

/* Make text harmless in place; returns how many characters it has. */
static size_t
clean(char *text)
{
	size_t n, count = 0;

	for (; *text != '\0'; text += n, count++) {
		n = shown(text);
		if (n == 0) {
			*text = '?';
			n = 1;
		}
	}
	return count;
}

void
columns_line(struct evbuffer *out, const char *fmt, ...)
{
	char text[2 * WORDS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean(text);
	evbuffer_add(out, text, strlen(text));
	evbuffer_add(out, "\n", 1);
}

void
columns_cell(struct columns *t, const char *fmt, ...)
{
	char text[WORDS_MAX];
	size_t column = t->n % t->columns, width;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	width = clean(text);
	if (width > t->widths[column])
		t->widths[column] = width;
	t->cells = xrealloc(t->cells, (t->n + 1) * sizeof(*t->cells));
	t->cells[t->n++] = xstrdup(text);
}

void
columns_open(struct columns *t, const char *const *heads)
{
	memset(t, 0, sizeof(*t));
	while (heads[t->columns] != NULL)
		t->columns++;
	for (size_t i = 0; i < t->columns; i++)
		columns_cell(t, "%s", heads[i]);
}

void
columns_free(struct columns *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
}

void
columns_close(struct columns *t, struct evbuffer *out)
{
	size_t pad = 2;

	for (size_t i = 0; i < t->n; i++) {
		char *text = t->cells[i];
		size_t column = i % t->columns, len = strlen(text);

		if (len > 0) {
			evbuffer_add_printf(out, "%*s%s", (int)pad, "", text);
			pad = 0;
		}
		/* No character is longer than its bytes. */
		for (const char *c = text; *c != '\0'; c++)
			len -= ((unsigned char)*c & 0xc0) == 0x80;
		pad += t->widths[column] - len + 2;
		if (column == t->columns - 1) {
			evbuffer_add(out, "\n", 1);
			pad = 2;
		}
	}
	columns_free(t);
}
