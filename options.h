/*
 * The command line: HAProxy's, so that scripts and compose files written for it
 * go on working, and a few words of our own.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

/* What the command line asks for; zeros ask for nothing. The texts are borrowed
 * from argv, except for those of urls. */
struct options {
	const char **files; /* and folders */
	size_t nfiles;
	char **urls;
	size_t nurls;
	const char *pidfile, *folder; /* NULL: none */
	const char *condition;        /* of -cc */
	pid_t *old;                   /* processes that this one replaces */
	size_t nold;
	bool kill_old;     /* -st: they are to end at once */
	unsigned maxconn;  /* -n; 0: what the files say */
	unsigned fmaxconn; /* -N, of a frontend that says nothing itself */
	unsigned versions; /* how often -v was given */
	bool haproxy;      /* it was called as haproxy */
	bool to_ini;       /* print what the files say as one .ini file */
	bool check, daemon, debug, foreground, master, quiet, strict, verbose;
};

/* Read the command line; the passwords of URLs are wiped from it. Returns the
 * exit code if that was all, or -1 to go on. */
int options_parse(int argc, char *argv[], struct options *o);

/* Remember a URL, and wipe user and password from where it stood. */
void options_add_url(struct options *o, char *url);

/* Forget what it said. */
void options_clear(struct options *o);

#endif
