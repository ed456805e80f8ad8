/*
 * roleproxy: a role-aware TCP proxy for Redis. The command line; everything
 * else begins in run.c.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/version.h"
#include "conf/load.h"
#include "ctl.h"
#include "run.h"

#define EXIT_NO_LISTENER 2

/* What the command line asks for. */
struct options {
	const char **files;
	size_t nfiles;
	char **urls;
	size_t nurls;
	const char *pidfile;
	bool check, daemon, quiet, verbose;
};

static const char usage_text[] =
    "usage: roleproxy [-cDqV] [-p pidfile] [-f file]...\n"
    "       roleproxy [-cDqV] [-p pidfile] "
    "redis://[[user]:password@]host[:port]...\n"
    "       roleproxy ctl [-s socket] command...\n"
    "\n"
    "Sends each Redis client to a server with the right role.\n"
    "\n"
    "  -f FILE        read this configuration; may be repeated\n"
    "                 (default /etc/roleproxy/roleproxy.ini)\n"
    "  redis://...    or: serve this server's group, writes at :9000 and "
    "reads\n"
    "                 at :5001; may be repeated, or stand in ROLEPROXY_URL\n"
    "  -c             check the configuration, print all errors, and exit\n"
    "  -D             run in the background; returns once ready\n"
    "  -p FILE        write the process id to FILE\n"
    "  -q             print no warnings\n"
    "  -V             log each check and connection (log-level = debug)\n"
    "  -v, -vv        print the version; twice: with what it is built of\n"
    "  -h, --help     print this\n"
    "  --help-config  print every configuration key\n"
    "\n"
    "Signals: HUP reloads; TERM and USR1 drain, then stop; INT stops now.\n"
    "Manual: roleproxy(8), roleproxy.ini(5).\n";

/* -v, -vv. */
static void
print_version(bool more)
{
	printf("roleproxy %s\n", ROLEPROXY_VERSION);
	if (more)
		printf("libevent %s, %s\ncompiler %s\n", event_get_version(),
		    event_get_supported_methods()[0], __VERSION__);
}

/* Remember one -f. */
static void
add_file(struct options *o, const char *path)
{
	o->files = xrealloc(o->files, (o->nfiles + 1) * sizeof(*o->files));
	o->files[o->nfiles++] = path;
}

/* Remember a URL. */
static void
add_url(struct options *o, const char *url)
{
	o->urls = xrealloc(o->urls, (o->nurls + 1) * sizeof(*o->urls));
	o->urls[o->nurls++] = xstrdup(url);
}

/* Take user and password of a URL out of the process list. */
static void
hide_user(char *arg)
{
	char *start = strstr(arg, "://"), *at = strrchr(arg, '@');
	size_t len = strlen(arg), kept;

	if (at == NULL)
		return;
	start = start == NULL || start > at ? arg : start + 3;
	kept = strlen(at + 1);
	memmove(start, at + 1, kept);
	explicit_bzero(start + kept, (size_t)(arg + len - start) - kept);
}

/* Add the URLs that the environment names, between blanks. */
static void
add_environment(struct options *o)
{
	const char *value = getenv("ROLEPROXY_URL");
	char *copy = xstrdup(value == NULL ? "" : value), *save, *url;

	for (url = strtok_r(copy, " \t\n", &save); url != NULL;
	     url = strtok_r(NULL, " \t\n", &save))
		add_url(o, url);
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
	if (o->nfiles == 0 && o->nurls == 0)
		conf_default_source(source);
	else
		*source = (struct conf_source){
		    o->files, o->nfiles, o->urls, o->nurls};
	return 0;
}

/* Forget what the command line said. */
static void
clear_options(struct options *o)
{
	size_t i;

	for (i = 0; i < o->nurls; i++) {
		explicit_bzero(o->urls[i], strlen(o->urls[i]));
		free(o->urls[i]);
	}
	free(o->urls);
	free(o->files);
}

/* Read the command line. Returns the exit code, or -1 to go on. */
static int
parse_options(int argc, char *argv[], struct options *o)
{
	static const struct option words[] = {{"help", no_argument, NULL, 'h'},
	    {"help-config", no_argument, NULL, 'H'},
	    {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
	int c, versions = 0;

	while ((c = getopt_long(argc, argv, "f:cDp:qVvh", words, NULL)) != -1) {
		switch (c) {
		case 'f':
			add_file(o, optarg);
			break;
		case 'c':
			o->check = true;
			break;
		case 'D':
			o->daemon = true;
			break;
		case 'p':
			o->pidfile = optarg;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'V':
			o->verbose = true;
			break;
		case 'v':
			versions++;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		case 'H':
			conf_print_help();
			return 0;
		default:
			fputs("try: roleproxy --help\n", stderr);
			return 1;
		}
	}
	for (; optind < argc; optind++) {
		add_url(o, argv[optind]);
		hide_user(argv[optind]);
	}
	if (versions > 0) {
		print_version(versions > 1);
		return 0;
	}
	return -1;
}

/* Print what is wrong with the configuration. */
static void
print_problems(const struct conf_problems *p, bool quiet)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (p->list[i].severity == CONF_ERROR)
			fprintf(stderr, "error: %s\n", p->list[i].text);
		else if (!quiet)
			fprintf(stderr, "warning: %s\n", p->list[i].text);
	}
}

/* Load what there is to read. NULL, and *code is the exit code, if that cannot
 * be used. */
static struct conf *
load(const struct options *o, const struct conf_source *source, int *code)
{
	struct conf_problems problems = {0};
	struct conf *conf = conf_load_source(source, &problems);

	print_problems(&problems, o->quiet);
	*code = o->check && problems.no_listener ? EXIT_NO_LISTENER : 1;
	if (conf == NULL && problems.errors > 1)
		fprintf(stderr, "roleproxy: %zu errors\n", problems.errors);
	conf_problems_clear(&problems);
	return conf;
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
	struct run_options options = {.ready_fd = -1};
	struct conf *conf;
	int code;

	keep_standard_fds();
	if (argc > 1 && strcmp(argv[1], "ctl") == 0)
		return ctl(argc - 1, argv + 1);
	signal(SIGPIPE, SIG_IGN);
	code = parse_options(argc, argv, &o);
	if (code < 0 && choose_source(&o, &options.source) != 0)
		code = 1;
	if (code < 0 && (conf = load(&o, &options.source, &code)) != NULL) {
		if (o.check) {
			if (!o.quiet)
				puts("Configuration file is valid");
			conf_free(conf);
			code = 0;
		} else {
			options.pidfile = o.pidfile;
			options.verbose = o.verbose;
			if (o.daemon)
				options.ready_fd = daemonize();
			code = run(conf, &options);
		}
	}
	clear_options(&o);
	return code;
}
