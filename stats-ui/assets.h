/*
 * The style sheet and the script of the page: page.css and page.js as they are
 * in the sources, linked into the program.
 */
#ifndef STATS_UI_ASSETS_H
#define STATS_UI_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

struct asset {
	const char *type, *bytes;
	size_t length;
};

/* The asset of this option behind the page's address, ";page.css?VERSION";
 * false if it is none. */
bool asset_find(const char *suffix, struct asset *out);

/* Changes with the contents of all: for addresses, so that a browser keeps what
 * it has for as long as it is good. */
unsigned assets_version(void);

#endif
