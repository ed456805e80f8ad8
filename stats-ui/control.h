/*
 * The control sockets: lines of commands come in, answers go out, in the way of
 * HAProxy's stats socket. Who may do what is a matter of the socket's level or
 * of who is at the other end; what a command does is runtime.c's. Control
 * thread only.
 */
#ifndef STATS_UI_CONTROL_H
#define STATS_UI_CONTROL_H

#include <stddef.h>
#include <stdint.h>

struct conf_control;
struct control;
struct event_base;
struct runtime;
struct ucred;

/* Keeps a copy of what the commands work on. */
struct control *control_new(
    struct event_base *base, const struct runtime *runtime);

/* Listen there too, with that mode if it has none. -1 with the reason in error.
 */
int control_listen(struct control *c, const struct conf_control *conf,
    unsigned mode, char *error, size_t size);

/* How long a client may take to send a command, or to read its answer; 10 s
 * unless told. */
void control_set_timeout(struct control *c, int64_t ms);

/* Stop, and remove the sockets unless they are another's by now. */
void control_free(struct control *c);

/* For tests: who is at the other end of a socket, else the kernel says. */
void control_set_peer(struct control *c, int (*peer)(int fd, struct ucred *));

#endif
