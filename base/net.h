/*
 * Sockets: opened non-blocking and close-on-exec, with the options that a relay
 * needs, and errors in words.
 */
#ifndef BASE_NET_H
#define BASE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* TCP keepalive and user timeout of a connection; ms, 0: off, or the system's.
 */
struct net_options {
	int64_t keepalive_idle, keepalive_interval;
	unsigned keepalive_count;
	int64_t user_timeout;
};

/* Open a listening socket: IPv6's :: takes IPv4 too (and is 0.0.0.0 where the
 * system has no IPv6); a left-over UNIX socket that nobody listens on is
 * replaced. -1 with the reason in words in error. */
int net_listen(const struct addr *a, int backlog, char *error, size_t size);

/* The same for a UNIX socket that has this mode from the first moment on: it is
 * made under another name and renamed. */
int net_listen_mode(
    const struct addr *a, unsigned mode, int backlog, char *error, size_t size);

/* From now on: may what is opened to listen share its address with an older
 * process that lets it (SO_REUSEPORT), or take a UNIX socket's place? TCP
 * sockets are only bound then: nobody comes before net_listen_shared(). */
void net_share(bool on);

/* Listen on all that was bound so. -1 with errno. */
int net_listen_shared(void);

/* Let a younger process share our addresses, or no longer; see socket(7). */
void net_let_share(bool on);

/* Let all who connect from now on to an address that is shared come to us: what
 * is left in the older process's queue it accepts before it closes. */
void net_take_all(void);

/* Remove a UNIX socket that is there but that nobody listens on. */
void net_remove_stale(const struct addr *a);

/* Let a path belong to them: names or numbers, "" as it is. -1 with errno;
 * EINVAL if there is no such user or group. */
int net_give(const char *path, const char *user, const char *group);

/* Begin to connect. Returns the socket, connected or connecting; -1 with
 * errno. */
int net_connect(const struct addr *a);

/* Is a connect's error our own trouble, as too many open files, and says
 * nothing of the server? */
bool net_is_own_trouble(int error);

/* TCP_NODELAY, and what opt asks for; opt may be NULL. */
void net_tune(int fd, const struct net_options *opt);

/* Raise the limit of open files to its hard limit; returns what it is now. */
size_t net_raise_nofile(void);

#endif
