/*
 * Markup: escaping, and the tables that all parts of the page have alike.
 */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stats-ui/markup.h"
#include "stats-ui/rows.h"
#include "stats-ui/words.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS    "\xe2\x80\xa6"

void
markup(struct evbuffer *out, const char *text)
{
	evbuffer_add(out, text, strlen(text));
}

void
markupf(struct evbuffer *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	evbuffer_add_vprintf(out, fmt, ap);
	va_end(ap);
}

/* One character of text that means something in HTML, or may not stand in it;
 * NULL for any other. */
static const char *
escape(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\t':
	case '\n':
	case '\r':
		return " ";
	default:
		return (c > 0 && c < 0x20) || c == 0x7f ? REPLACEMENT : NULL;
	}
}

/* The character at text, made safe. Returns its bytes in text. */
static size_t
put_character(struct evbuffer *out, const char *text)
{
	size_t n = words_utf8(text);
	const char *safe = n == 0 ? REPLACEMENT : escape(*text);

	if (safe != NULL)
		markup(out, safe);
	else
		evbuffer_add(out, text, n);
	return n == 0 ? 1 : n;
}

void
markup_text(struct evbuffer *out, const char *text)
{
	while (*text != '\0')
		text += put_character(out, text);
}

void
markup_textf(struct evbuffer *out, const char *fmt, ...)
{
	char text[2 * WORDS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	markup_text(out, text);
}

/* Bytes of the character at text, 1 if it is none. */
static size_t
step(const char *text)
{
	size_t n = words_utf8(text);

	return n == 0 ? 1 : n;
}

void
markup_cut(struct evbuffer *out, const char *text, unsigned max)
{
	const char *p = text;
	unsigned count = 0;

	for (; *p != '\0'; p += step(p))
		count++;
	if (count <= max) {
		markup_text(out, text);
		return;
	}
	for (count = 1; count < max; count++)
		text += put_character(out, text);
	markup(out, ELLIPSIS);
}

/* The head of a column. */
static void
put_head(struct evbuffer *out, const char *head)
{
	size_t n = strcspn(head, "|");

	markup(out, "<th scope=\"col\">");
	if (head[n] == '|') {
		markup(out, "<abbr title=\"");
		markup_text(out, head + n + 1);
		markup(out, "\">");
	}
	evbuffer_add(out, head, n);
	markup(out, head[n] == '|' ? "</abbr></th>" : "</th>");
}

void
markup_table(
    struct evbuffer *out, const char *caption, const char *const *heads)
{
	markup(out, "<div class=\"box\" role=\"region\" tabindex=\"0\" "
		    "aria-label=\"");
	markup_text(out, caption);
	markup(out, "\"><table><caption>");
	markup_text(out, caption);
	markup(out, "</caption>\n<thead><tr>");
	for (; *heads != NULL; heads++)
		put_head(out, *heads);
	markup(out, "</tr></thead>\n<tbody>\n");
}

void
markup_table_end(struct evbuffer *out)
{
	markup(out, "</tbody></table></div>\n");
}

void
markup_row(struct evbuffer *out, const char *name)
{
	markup(out, "<tr><th scope=\"row\">");
	markup_text(out, name);
	markup(out, "</th>");
}

void
markup_row_end(struct evbuffer *out)
{
	markup(out, "</tr>\n");
}

void
markup_cell(struct evbuffer *out, const char *text)
{
	markup(out, "<td>");
	markup_text(out, text);
	markup(out, "</td>");
}

void
markup_number(struct evbuffer *out, int64_t n)
{
	if (n == HROW_NONE)
		markup(out, "<td class=\"n\"></td>");
	else
		markupf(out, "<td class=\"n\">%" PRId64 "</td>", n);
}

void
markup_bytes(struct evbuffer *out, uint64_t n)
{
	char text[32];

	markup(out, "<td class=\"n\">");
	markup_text(out, words_bytes(n, text));
	markup(out, "</td>");
}
