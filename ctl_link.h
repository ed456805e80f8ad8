/*
 * roleproxy ctl's connection to the control socket: one line there, its answer
 * back.
 */
#ifndef CTL_LINK_H
#define CTL_LINK_H

#include <stddef.h>
#include <stdint.h>

/* What came back, with a final NUL; zeros before, text to be freed. */
struct answer {
	char *text;
	size_t len;
};

/* Why there is none, in a sentence. */
#define LINK_ERROR_MAX 512

/* Ask at the socket, for lines that end in a newline, within so many ms. -1
 * with the reason in error. */
int link_ask(const char *path, const char *lines, int64_t ms, struct answer *a,
    char error[LINK_ERROR_MAX]);

#endif
