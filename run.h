/*
 * The running program: the control thread's loop, signals, reload, drain and
 * stop. Composes the monitor, the proxy and the stats page.
 */
#ifndef RUN_H
#define RUN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "conf/load.h"

/* How to run, from the command line. */
struct run_options {
	struct conf_source source; /* to load again on HUP */
	const char *pidfile;       /* NULL: what the configuration says */
	const pid_t *old;          /* processes to take over from */
	size_t nold;
	bool kill_old;     /* they end within their grace */
	unsigned maxconn;  /* 0: what the configuration says */
	unsigned fmaxconn; /* of frontends of which it says nothing; 0 none */
	bool debug;        /* log-level = debug, whatever the files say */
	bool master;       /* USR2 reloads, as a master process's does */
	int ready_fd;      /* a byte is written here once ready; -1 none */
};

/* Serve until told to stop; takes conf over. Returns the exit code. */
int run(struct conf *conf, const struct run_options *options);

#endif
