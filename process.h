/*
 * This process's place in the system: its pidfile, whom it runs as, what it
 * tells the service manager, and the processes that it takes over from.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

#include <stddef.h>

/* Write the process id; -1, with a line in the log, if that cannot be done. In
 * a container, whose process 1 needs none, that is only a warning. */
int process_write_pidfile(const char *path);

/* Remove it, unless another process has written its own there. */
void process_remove_pidfile(const char *path);

/* Send a signal to processes, those that are gone left out. */
void process_signal(const pid_t *pids, size_t n, int sig);

/* Become this user and group (NULL: unchanged) if started by root, keeping the
 * right to open ports below 1024. Control thread, before others that need
 * rights. 1 if it was done, 0 if there was nothing to do, -1, with a line in
 * the log, if it cannot be done. */
int process_drop(const char *user, const char *group);

/* Tell the service manager, if there is one: sd_notify(3)'s words. */
void process_notify(const char *state);

#endif
