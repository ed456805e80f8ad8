/*
 * What the commands of the control sockets work on.
 */
#ifndef STATS_UI_RUNTIME_OPS_H
#define STATS_UI_RUNTIME_OPS_H

#include <stddef.h>

#include "stats-ui/admin_ops.h"
#include "stats-ui/stats.h"

struct evbuffer;

/* How an act ended that took its time, in one line of words. */
typedef void (*runtime_done_cb)(bool ok, const char *text, void *done_arg);

/* What our own commands do; set by main. All are called with arg. */
struct runtime_ops {
	/* Add the status to out: lines, none of them empty. */
	void (*status)(struct evbuffer *out, void *arg);
	/* Add one line: OK, WARNING or CRITICAL, and what is not well. */
	void (*check)(struct evbuffer *out, void *arg);
	/* Make this server the writer. -1 with the reason in error. */
	int (*promote)(const char *backend, const char *server, char *error,
	    size_t size, void *arg);
	/* Move the writes to this server (NULL: to any). -1 with the reason in
	 * error; else done is called later, exactly once. */
	int (*switchover)(const char *backend, const char *server,
	    runtime_done_cb done, void *done_arg, char *error, size_t size,
	    void *arg);
	void *arg;
};

/* What the commands work on. */
struct runtime {
	const struct stats_source *source; /* (borrowed from main) */
	struct admin_ops admin;
	struct runtime_ops own;
};

#endif
