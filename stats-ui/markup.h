/*
 * HTML and SVG, written piece by piece. What may come from the network or the
 * configuration goes through markup_text(), which makes it safe in content and
 * in quoted attributes.
 */
#ifndef STATS_UI_MARKUP_H
#define STATS_UI_MARKUP_H

#include <stdint.h>

struct evbuffer;

/* Markup as it stands. */
void markup(struct evbuffer *out, const char *text);
void markupf(struct evbuffer *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Text, made safe. */
void markup_text(struct evbuffer *out, const char *text);
void markup_textf(struct evbuffer *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Text of at most so many characters, made safe; the last one is an ellipsis if
 * there are more. */
void markup_cut(struct evbuffer *out, const char *text, unsigned max);

/* A table in a box that can be scrolled, with this caption; heads, NULL at
 * their end, may say after a "|" what they are short for. */
void markup_table(
    struct evbuffer *out, const char *caption, const char *const *heads);
void markup_table_end(struct evbuffer *out);

/* Open a row with the name of what it is about. */
void markup_row(struct evbuffer *out, const char *name);
void markup_row_end(struct evbuffer *out);

/* A cell of text; of a number, HROW_NONE is none; of bytes. */
void markup_cell(struct evbuffer *out, const char *text);
void markup_number(struct evbuffer *out, int64_t n);
void markup_bytes(struct evbuffer *out, uint64_t n);

#endif
