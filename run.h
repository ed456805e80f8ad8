/*
 * The running program: the control thread's loop, signals, reload, drain and
 * stop. Composes the monitor, the proxy and the stats page.
 */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/load.h"

/* How to run, from the command line. */
struct run_options {
	struct conf_source source; /* to load again on HUP */
	const char *pidfile;       /* NULL: what the configuration says */
	int ready_fd; /* a byte is written here once ready; -1 none */
	bool verbose; /* log-level = debug, whatever the files say */
};

/* Serve until told to stop; takes conf over. Returns the exit code. */
int run(struct conf *conf, const struct run_options *options);

#endif
