/*
 * roleproxy: a role-aware TCP proxy for Redis. From the command line to what is
 * to be done; everything else begins in run.c.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/version.h"
#include "conf/condition.h"
#include "conf/load.h"
#include "ctl.h"
#include "messages.h"
#include "options.h"
#include "run.h"
#include "upgrade.h"

#define EXIT_NO_LISTENER 2

/* -v, -vv. Scripts look for the version of HAProxy whose place this takes. */
static void
print_version(const struct options *o)
{
	if (o->haproxy)
		printf("HAProxy version " HAPROXY_VERSION
		       ", in its place roleproxy " ROLEPROXY_VERSION "\n");
	else
		printf("roleproxy " ROLEPROXY_VERSION "\n");
	if (o->versions > 1)
		printf("libevent %s, %s\ncompiler %s\n", event_get_version(),
		    event_get_supported_methods()[0], __VERSION__);
}

/* -cc: evaluate a condition. Returns the exit code. */
static int
evaluate(const char *condition)
{
	int truth = condition_evaluate(condition);

	if (truth < 0) {
		message_alert("config : Failed to evaluate condition: "
			      "unparsable conditional expression '%s'",
		    condition);
		return 2;
	}
	return truth > 0 ? 0 : 1;
}

/* Add the URLs that the environment names, between blanks. */
static void
add_environment(struct options *o)
{
	const char *value = getenv("ROLEPROXY_URL");
	char *copy = xstrdup(value == NULL ? "" : value), *save, *url;

	for (url = strtok_r(copy, " \t\n", &save); url != NULL;
	     url = strtok_r(NULL, " \t\n", &save))
		options_add_url(o, url);
	explicit_bzero(copy, value == NULL ? 0 : strlen(value));
	free(copy);
}

/* What is to be read: -f, else URLs, else the environment's, else the default.
 * -1 with a word about it if that is not clear. */
static int
choose_source(struct options *o, struct conf_source *source)
{
	if (o->nfiles > 0 && o->nurls > 0) {
		fputs("roleproxy: -f FILE or a URL, not both (each file needs "
		      "its own -f)\n",
		    stderr);
		return -1;
	}
	if (o->nfiles == 0 && o->nurls == 0)
		add_environment(o);
	*source = (struct conf_source){o->files, o->nfiles, o->urls, o->nurls};
	if (o->nfiles > 0 || o->nurls > 0)
		return 0;
	if (conf_default_source(source) == 0)
		return 0;
	fprintf(stderr,
	    "roleproxy: there are both %s and %s: name the one to read with "
	    "-f\n",
	    CONF_DEFAULT_FILE, CONF_HAPROXY_FILE);
	return -1;
}

/* Load what there is to read, and say what is wrong with it. NULL, and *code is
 * the exit code, if that cannot be used. */
static struct conf *
load(const struct options *o, const struct conf_source *source, int *code)
{
	struct conf_problems problems = {0};
	struct conf *conf = conf_load_source(source, &problems);

	messages_print(&problems, o->check, o->quiet && !o->verbose);
	*code = o->check && problems.no_listener ? EXIT_NO_LISTENER : 1;
	if (conf != NULL && o->strict && problems.n > problems.errors) {
		if (!o->quiet || o->verbose)
			message_alert("config : Some warnings were found and "
				      "'zero-warning' is set. Aborting.");
		conf_free(conf);
		conf = NULL;
	}
	if (conf != NULL && o->check)
		messages_valid(&problems, o->quiet && !o->verbose);
	conf_problems_clear(&problems);
	return conf;
}

/* --to-ini. Returns the exit code. */
static int
print_ini(const struct options *o, const struct conf_source *source)
{
	struct conf_problems problems = {0};
	int rc = conf_print_ini(source, stdout, &problems);

	messages_print(&problems, true, o->quiet && !o->verbose);
	conf_problems_clear(&problems);
	return rc == 0 ? 0 : 1;
}

/* The parent of -D: wait until the child is ready, or has ended. */
static int
wait_for_child(pid_t child, int fd)
{
	char byte;
	int status;

	if (read(fd, &byte, 1) == 1)
		return 0;
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		return WEXITSTATUS(status) == 0 ? 1 : WEXITSTATUS(status);
	return 1;
}

/* Go to the background. In the child, returns the fd to be told by when ready;
 * the parent does not return. */
static int
daemonize(void)
{
	int fds[2];
	pid_t child;

	if (pipe(fds) != 0 || (child = fork()) < 0)
		fatal("cannot go to the background: %s", strerror(errno));
	if (child > 0) {
		close(fds[1]);
		exit(wait_for_child(child, fds[0]));
	}
	close(fds[0]);
	setsid();
	return fds[1];
}

/* Is it to go to the background? A container ends with its process 1. */
static bool
is_daemon(const struct options *o, const struct conf *conf)
{
	return (o->daemon || conf->global.daemon) && !o->foreground &&
	       !o->debug && getpid() != 1;
}

/* Serve what conf says; takes it over. Returns the exit code. */
static int
serve(const struct options *o, const struct conf_source *source,
    struct conf *conf)
{
	struct run_options options = {.source = *source,
	    .pidfile = o->pidfile,
	    .old = o->old,
	    .nold = o->nold,
	    .kill_old = o->kill_old,
	    .maxconn = o->maxconn,
	    .fmaxconn = o->fmaxconn,
	    .debug = o->debug,
	    .master = o->master,
	    .ready_fd = is_daemon(o, conf) ? daemonize() : -1};

	return run(conf, &options);
}

/* Do what the command line asks for. Returns the exit code. */
static int
obey(struct options *o)
{
	struct conf_source source;
	struct conf *conf;
	int code;

	if (o->condition != NULL)
		return evaluate(o->condition);
	if (o->versions > 0) {
		print_version(o);
		return 0;
	}
	if (o->folder != NULL && chdir(o->folder) != 0) {
		message_alert("Could not change to directory %s : %s",
		    o->folder, strerror(errno));
		return 1;
	}
	if (choose_source(o, &source) != 0)
		return 1;
	if (o->to_ini)
		return print_ini(o, &source);
	conf = load(o, &source, &code);
	if (conf == NULL)
		return code;
	if (!o->check)
		return serve(o, &source, conf);
	conf_free(conf);
	return 0;
}

/* Whoever starts us with a standard descriptor closed would find its log lines
 * in some socket. */
static void
keep_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int
main(int argc, char *argv[])
{
	struct options o = {0};
	int code;

	keep_standard_fds();
	if (argc > 1 && strcmp(argv[1], "ctl") == 0)
		return ctl(argc - 1, argv + 1);
	signal(SIGPIPE, SIG_IGN);
	upgrade_prepare(argc, argv);
	code = options_parse(argc, argv, &o);
	if (o.nurls > 0)
		upgrade_forbid("the URLs of its command line hold passwords, "
			       "which are not kept; use a file, or -sf");
	if (code < 0)
		code = obey(&o);
	options_clear(&o);
	upgrade_clear();
	return code;
}
