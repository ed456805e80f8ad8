/*
 * Pidfile, user and group, sd_notify(3), and signals to older processes.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "process.h"

int
process_write_pidfile(const char *path)
{
	FILE *f = fopen(path, "we");
	bool needed = getpid() != 1;
	int written = -1;

	if (f != NULL) {
		written = fprintf(f, "%d\n", (int)getpid());
		if (fclose(f) != 0)
			written = -1;
	}
	if (written > 0)
		return 0;
	log_line(needed ? LEVEL_ERROR : LEVEL_WARN, "pidfile %s: %s%s", path,
	    strerror(errno), needed ? "" : ": process 1 goes on without");
	return needed ? -1 : 0;
}

void
process_remove_pidfile(const char *path)
{
	FILE *f = fopen(path, "re");
	int pid = 0;

	if (f == NULL)
		return;
	if (fscanf(f, "%d", &pid) == 1 && pid == (int)getpid())
		unlink(path);
	fclose(f);
}

void
process_signal(const pid_t *pids, size_t n, int sig)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (kill(pids[i], sig) != 0 && errno != ESRCH)
			log_warn("cannot send %s to process %d: %s",
			    strsignal(sig), (int)pids[i], strerror(errno));
	}
}

/* Is it a whole number? Then that is the id. */
static bool
is_number(const char *name, id_t *id)
{
	char *end;
	unsigned long n = strtoul(name, &end, 10);

	if (name[0] < '0' || name[0] > '9' || *end != '\0' || n >= UINT32_MAX)
		return false;
	*id = (id_t)n;
	return true;
}

/* The id of a user, and the group of it. -1, logged, if there is none. */
static int
find_user(const char *name, id_t *uid, id_t *gid)
{
	const struct passwd *pw;

	if (is_number(name, uid))
		return 0;
	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL) {
		log_error("user %s: %s", name,
		    errno == 0 ? "there is no such user" : strerror(errno));
		return -1;
	}
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

/* The id of a group. -1, logged, if there is none. */
static int
find_group(const char *name, id_t *gid)
{
	const struct group *gr;

	if (is_number(name, gid))
		return 0;
	errno = 0;
	gr = getgrnam(name);
	if (gr == NULL) {
		log_error("group %s: %s", name,
		    errno == 0 ? "there is no such group" : strerror(errno));
		return -1;
	}
	*gid = gr->gr_gid;
	return 0;
}

/* Of all rights of root keep the one to open ports below 1024, see
 * capabilities(7). -1 with errno. */
static int
keep_ports(void)
{
	struct __user_cap_header_struct header = {
	    _LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}, {0}};

	data[0].effective = data[0].permitted = 1u << CAP_NET_BIND_SERVICE;
	return (int)syscall(SYS_capset, &header, data);
}

/* Become this user and group. -1 with errno. */
static int
become(id_t uid, id_t gid)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ||
	    setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return -1;
	return uid == 0 ? 0 : keep_ports();
}

/* Somebody else than root started us: is it whom the configuration names? */
static void
warn_of_user(const char *user, const char *group)
{
	id_t uid = geteuid(), gid = getegid();
	const struct passwd *pw = user == NULL ? NULL : getpwnam(user);
	const struct group *gr = group == NULL ? NULL : getgrnam(group);

	if (user != NULL && !is_number(user, &uid))
		uid = pw == NULL ? (id_t)-1 : pw->pw_uid;
	if (group != NULL && !is_number(group, &gid))
		gid = gr == NULL ? (id_t)-1 : gr->gr_gid;
	if (uid != geteuid() || gid != getegid())
		log_warn("user and group are not changed, only root can do "
			 "that: running as %u:%u",
		    (unsigned)geteuid(), (unsigned)getegid());
}

int
process_drop(const char *user, const char *group)
{
	id_t uid = geteuid(), gid = getegid();

	if (user == NULL && group == NULL)
		return 0;
	if (geteuid() != 0) {
		warn_of_user(user, group);
		return 0;
	}
	if ((user != NULL && find_user(user, &uid, &gid) != 0) ||
	    (group != NULL && find_group(group, &gid) != 0))
		return -1;
	if (become(uid, gid) != 0) {
		log_error("cannot become user %u, group %u: %s", (unsigned)uid,
		    (unsigned)gid, strerror(errno));
		return -1;
	}
	log_info("running as user %u, group %u", (unsigned)uid, (unsigned)gid);
	return 1;
}

void
process_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	socklen_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(sun.sun_path))
		return;
	strcpy(sun.sun_path, path);
	len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(struct sockaddr *)&sun, len) < 0)
		log_warn("cannot notify %s: %s", path, strerror(errno));
	close(fd);
}
