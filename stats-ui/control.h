/*
 * The control socket: a UNIX socket that takes one line a connection and
 * answers in words. Root and our own user may act, whoever else may connect may
 * look. Control thread only; what a command does is its owner's, by callbacks.
 */
#ifndef STATS_UI_CONTROL_H
#define STATS_UI_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_control;
struct control;
struct evbuffer;
struct event_base;
struct ucred;

/* How an act ended that took its time, in one line of words. */
typedef void (*control_done_cb)(bool ok, const char *text, void *done_arg);

/* What the commands do; set by main. All are called with arg. */
struct control_ops {
	/* Add the status to out: lines, none of them empty. */
	void (*status)(struct evbuffer *out, void *arg);
	/* Add one line: OK, WARNING or CRITICAL, and what is not well. */
	void (*check)(struct evbuffer *out, void *arg);
	/* Make this server the writer. -1 with the reason in error. */
	int (*promote)(const char *backend, const char *server, char *error,
	    size_t size, void *arg);
	/* Move the writes to this server (NULL: to any). -1 with the reason in
	 * error; else done is called later, exactly once, even if
	 * control_free() comes first. */
	int (*switchover)(const char *backend, const char *server,
	    control_done_cb done, void *done_arg, char *error, size_t size,
	    void *arg);
	void *arg;
};

/* Keeps a copy of ops. */
struct control *control_new(
    struct event_base *base, const struct control_ops *ops);

/* Listen there too, with that mode if it has none. -1 with the reason in error.
 */
int control_listen(struct control *c, const struct conf_control *conf,
    unsigned mode, char *error, size_t size);

/* Stop, and remove the socket unless it is another's by now. */
void control_free(struct control *c);

/* For tests: how long a client may take to send its line, or to read its answer
 * (10 s unless told); who is at the other end of a socket, else the kernel
 * says.
 */
void control_set_timeout(struct control *c, int64_t ms);
void control_set_peer(struct control *c, int (*peer)(int fd, struct ucred *));

#endif
