/*
 * roleproxy ctl watch: follow what changes, as it happens.
 */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include <stdbool.h>

#include "ctl_link.h"

/* Print what changes until the proxy cannot be asked any more; then returns
 * with the reason in error. json: each change as an object of a line of its
 * own. */
void watch(const char *path, bool json, char error[LINK_ERROR_MAX]);

#endif
