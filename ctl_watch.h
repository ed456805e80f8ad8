/*
 * roleproxy ctl watch: follow what changes, as it happens.
 */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include <stdbool.h>

#include "ctl_link.h"

/* How it is printed; json: each change as an object of a line of its own. */
struct watch_style {
	bool json, color;
};

/* Print what changes until the proxy cannot be asked any more; then returns
 * with the reason in error, true if it could be asked before. SIGINT ends the
 * program with exit code 0. */
bool watch(const char *path, const struct watch_style *style,
    char error[LINK_ERROR_MAX]);

#endif
