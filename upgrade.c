/*
 * Starting another binary. It gets our command line, and -sf with our number;
 * between fork() and exec() only what may be called there is called, see
 * signal-safety(7): other threads may hold any lock.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "upgrade.h"

static char path[PATH_MAX]; /* of our binary; "" unknown */
static char **words;        /* of the command line, NULL at its end */
static const char *forbidden;

/* Does the flag take what an upgrade must not say again? Returns how many words
 * it is with it. */
static size_t
skipped(char *const *word)
{
	size_t n = 1;

	if (strcmp(*word, "-sf") == 0 || strcmp(*word, "-st") == 0) {
		while (word[n] != NULL && word[n][0] != '-')
			n++;
		return n;
	}
	/* We are in that folder already. */
	if (strcmp(*word, "-C") == 0 && word[1] != NULL)
		return 2;
	return 0;
}

void
upgrade_prepare(int argc, char *const argv[])
{
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t n = 0, skip;
	int i;

	path[len < 0 ? 0 : len] = '\0';
	words = xcalloc((size_t)argc + 3, sizeof(*words));
	for (i = 0; i < argc; i++) {
		skip = i == 0 ? 0 : skipped(argv + i);
		if (skip > 0)
			i += (int)skip - 1;
		else
			words[n++] = xstrdup(argv[i]);
	}
}

void
upgrade_forbid(const char *why)
{
	forbidden = why;
}

void
upgrade_clear(void)
{
	char **word;

	for (word = words; word != NULL && *word != NULL; word++)
		free_secret(*word);
	free(words);
	words = NULL;
}

/* The right to open ports below 1024, if we have that, outlives exec() in the
 * ambient set only, see capabilities(7). */
static void
keep_ports(void)
{
	struct __user_cap_header_struct header = {
	    _LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}, {0}};

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_BIND_SERVICE,
		0, 0) == 1)
		return; /* the service manager has seen to it */
	if (syscall(SYS_capget, &header, data) != 0 ||
	    (data[0].permitted & 1u << CAP_NET_BIND_SERVICE) == 0)
		return;
	data[0].inheritable |= 1u << CAP_NET_BIND_SERVICE;
	(void)syscall(SYS_capset, &header, data);
	(void)prctl(
	    PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
}

/* In the child: become the other binary. */
static _Noreturn void
become_other(char *const argv[])
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
	keep_ports();
	execv(path, argv);
	_exit(127);
}

pid_t
upgrade_start(void)
{
	char flag[] = "-sf", number[24];
	size_t n = 0;
	pid_t pid;

	if (forbidden != NULL || path[0] == '\0') {
		log_warn("SIGUSR2: the binary cannot be replaced: %s",
		    forbidden != NULL ? forbidden : "where it is, is unknown");
		return -1;
	}
	while (words[n] != NULL)
		n++;
	snprintf(number, sizeof(number), "%d", (int)getpid());
	words[n] = flag;
	words[n + 1] = number;
	pid = fork();
	if (pid == 0)
		become_other(words);
	words[n] = words[n + 1] = NULL;
	if (pid < 0)
		log_error(
		    "SIGUSR2: cannot start %s: %s", path, strerror(errno));
	else
		log_info("SIGUSR2: %s is started, process %d; it takes over "
			 "when it listens",
		    path, (int)pid);
	return pid;
}
