/*
 * Sockets: what socket(2), tcp(7) and unix(7) need to be told, in one place.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/net.h"

#define SHARED_BACKLOG 1024 /* until the configured one is set */

/* May listening sockets share their address with an older process's? */
static bool sharing;

/* No listening socket has a higher number. */
static int highest = -1;

/* A non-blocking stream socket of that family. */
static int
open_stream(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Set one integer option; what the system refuses is left as it is. */
static void
set_option(int fd, int level, int name, int64_t value)
{
	int n = value > INT32_MAX ? INT32_MAX : (int)value;

	(void)setsockopt(fd, level, name, &n, sizeof(n));
}

void
net_remove_stale(const struct addr *a)
{
	struct stat st;
	int fd;

	if (lstat(a->u.path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = net_connect(a);
	if (fd >= 0)
		close(fd);
	else if (errno == ECONNREFUSED)
		unlink(a->u.path);
}

/* Bind; -1 with errno. */
static int
bind_to(int fd, const struct addr *a)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, &ss);

	if (a->interface[0] != '\0' &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, a->interface,
		(socklen_t)strlen(a->interface)) != 0)
		return -1;
	return bind(fd, (struct sockaddr *)&ss, len);
}

/* What went wrong, and what to do about it where we know. */
static void
explain(const struct addr *a, char *error, size_t size)
{
	char name[ADDR_STR_MAX];
	const char *hint = "";

	if (errno == EACCES && a->family != AF_UNIX && a->port < 1024)
		hint = " (ports below 1024 need root, CAP_NET_BIND_SERVICE or "
		       "the sysctl net.ipv4.ip_unprivileged_port_start=0)";
	else if (errno == EADDRINUSE)
		hint = " (another process listens there)";
	else if (errno == EADDRNOTAVAIL)
		hint = " (no interface has this address)";
	else if (errno == ENODEV)
		hint = " (there is no such interface)";
	else if (errno == EPERM && a->interface[0] != '\0')
		hint = " (an interface needs root or CAP_NET_RAW)";
	else if (errno == EEXIST)
		hint = " (what is there is not a socket)";
	snprintf(error, size, "cannot listen on %s: %s%s", addr_str(a, name),
	    strerror(errno), hint);
}

/* Remember a listening socket for net_let_share(). Returns it. */
static int
listening(int fd)
{
	if (fd > highest)
		highest = fd;
	return fd;
}

/* The mode of a file that nothing else is said of. */
static unsigned
usual_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0777 & ~mask;
}

int
net_listen(const struct addr *a, int backlog, char *error, size_t size)
{
	bool any6 = a->family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->u.v6);
	struct addr any4 = {.family = AF_INET, .port = a->port};
	int fd;

	if (a->family == AF_UNIX && sharing)
		return net_listen_mode(a, usual_mode(), backlog, error, size);
	if (a->family == AF_UNIX)
		net_remove_stale(a);
	fd = open_stream(a->family);
	if (fd < 0 && errno == EAFNOSUPPORT && any6 && !a->v6only) {
		memcpy(any4.interface, a->interface, sizeof(any4.interface));
		return net_listen(&any4, backlog, error, size);
	}
	if (fd >= 0 && a->family != AF_UNIX)
		set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (fd >= 0 && a->family != AF_UNIX && sharing)
		set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (fd >= 0 && a->family == AF_INET6)
		set_option(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, any6 && !a->v6only ? 0 : 1);
	if (fd >= 0 && bind_to(fd, a) == 0 &&
	    ((sharing && a->family != AF_UNIX) || listen(fd, backlog) == 0))
		return listening(fd);
	explain(a, error, size);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Is there something at a path? If so, errno says what that means. */
static bool
is_taken(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return false;
	errno = S_ISSOCK(st.st_mode) ? EADDRINUSE : EEXIST;
	return true;
}

/* Make a listening UNIX socket at path by way of another name; -1 with errno.
 * Nobody can connect before listen(). */
static int
listen_renamed(
    const struct addr *a, const struct addr *at, unsigned mode, int backlog)
{
	int fd = open_stream(AF_UNIX), saved;

	if (fd < 0)
		return -1;
	(void)unlink(at->u.path); /* left by a process of the same number */
	if (bind_to(fd, at) == 0 && chmod(at->u.path, mode) == 0 &&
	    listen(fd, backlog) == 0 && rename(at->u.path, a->u.path) == 0)
		return fd;
	saved = errno;
	(void)unlink(at->u.path);
	close(fd);
	errno = saved;
	return -1;
}

int
net_listen_mode(
    const struct addr *a, unsigned mode, int backlog, char *error, size_t size)
{
	struct addr at = {.family = AF_UNIX};
	int fd = -1, len;

	len = snprintf(
	    at.u.path, sizeof(at.u.path), "%s.%d", a->u.path, (int)getpid());
	net_remove_stale(a);
	if (len >= (int)sizeof(at.u.path))
		errno = ENAMETOOLONG;
	else if (!is_taken(a->u.path) || (sharing && errno == EADDRINUSE))
		fd = listen_renamed(a, &at, mode, backlog);
	if (fd < 0)
		explain(a, error, size);
	return fd;
}

void
net_share(bool on)
{
	sharing = on;
}

/* Is it a listening socket? */
static bool
is_listening(int fd)
{
	socklen_t len = sizeof(int);
	int is = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &len) == 0 &&
	       is != 0;
}

/* Is it bound only? No other socket that has this option does not listen, as
 * long as none has accepted. */
static bool
is_only_bound(int fd)
{
	socklen_t len = sizeof(int);
	int is = 0;

	return getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &is, &len) == 0 &&
	       is != 0 && !is_listening(fd);
}

int
net_listen_shared(void)
{
	int fd;

	for (fd = 0; fd <= highest; fd++)
		if (is_only_bound(fd) && listen(fd, SHARED_BACKLOG) != 0)
			return -1;
	return 0;
}

void
net_let_share(bool on)
{
	int fd;

	for (fd = 0; fd <= highest; fd++) {
		if (is_listening(fd))
			set_option(fd, SOL_SOCKET, SO_REUSEPORT, on);
	}
}

void
net_take_all(void)
{
	/* The older process's is number 0 of an address, ours is 1; once that
	 * has gone there is no number 1, and the program is not heeded. */
	struct sock_filter second = {BPF_RET | BPF_K, 0, 0, 1};
	struct sock_fprog program = {1, &second};
	int fd;

	for (fd = 0; fd <= highest; fd++) {
		if (is_listening(fd))
			(void)setsockopt(fd, SOL_SOCKET,
			    SO_ATTACH_REUSEPORT_CBPF, &program,
			    sizeof(program));
	}
}

/* The number of a user or a group: of that name, if the system knows it, or the
 * text itself. -1 if it is none; "" is the number that changes nothing. */
static int
owner_number(const char *text, bool known, unsigned number, unsigned *out)
{
	char *end;

	*out = (unsigned)-1;
	if (text[0] == '\0')
		return 0;
	*out = known ? number : (unsigned)strtoul(text, &end, 10);
	return known || *end == '\0' ? 0 : -1;
}

int
net_give(const char *path, const char *user, const char *group)
{
	const struct passwd *pw = getpwnam(user);
	const struct group *gr = getgrnam(group);
	unsigned uid, gid;

	if (user[0] == '\0' && group[0] == '\0')
		return 0;
	if (owner_number(user, pw != NULL, pw == NULL ? 0 : pw->pw_uid, &uid) ||
	    owner_number(
		group, gr != NULL, gr == NULL ? 0 : gr->gr_gid, &gid)) {
		errno = EINVAL;
		return -1;
	}
	return chown(path, (uid_t)uid, (gid_t)gid);
}

bool
net_is_own_trouble(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	       error == ENOMEM || error == EADDRNOTAVAIL;
}

int
net_connect(const struct addr *a)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, &ss);
	int fd, saved;

	if (len == 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	fd = open_stream(a->family);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&ss, len) != 0 &&
	    errno != EINPROGRESS) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

void
net_tune(int fd, const struct net_options *opt)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (opt == NULL)
		return;
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, opt->keepalive_idle > 0);
	if (opt->keepalive_idle > 0) {
		set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE,
		    (opt->keepalive_idle + 999) / 1000);
		set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL,
		    (opt->keepalive_interval + 999) / 1000);
		set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, opt->keepalive_count);
	}
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, opt->user_timeout);
}

size_t
net_raise_nofile(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return 1024;
	if (rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &rl) != 0)
			getrlimit(RLIMIT_NOFILE, &rl);
	}
	return rl.rlim_cur;
}
