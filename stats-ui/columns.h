/*
 * Plain text for a terminal: lines, and tables whose columns are as wide as
 * their widest cell. No character in it is one that a terminal obeys.
 */
#ifndef STATS_UI_COLUMNS_H
#define STATS_UI_COLUMNS_H

#include <stddef.h>

#define COLUMNS_MAX 12

struct evbuffer;

/* Cells, row by row; zeros before columns_open(). */
struct columns {
	char **cells;
	size_t n, columns, widths[COLUMNS_MAX];
};

/* Begin a table with these heads, NULL at their end. */
void columns_open(struct columns *t, const char *const *heads);

/* The next cell. */
void columns_cell(struct columns *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Free it. */
void columns_free(struct columns *t);

/* Write the table out and free it. Lines end with their last cell. */
void columns_close(struct columns *t, struct evbuffer *out);

/* A line. */
void columns_line(struct evbuffer *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
