/*
 * Colours for roleproxy ctl on a terminal. They only underline what the words
 * say.
 */
#ifndef CTL_COLOR_H
#define CTL_COLOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Is stdout to be coloured: "always", "never", or for "auto" (NULL is the same)
 * a terminal that can, see no-color.org. -1 if it is none of these words. */
int color_wanted(const char *when);

/* Write text, which is lines of the proxy's, in colour. */
void color_write(FILE *f, const char *text, size_t len);

#endif
