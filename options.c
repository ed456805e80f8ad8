/*
 * Reading the command line. By hand: HAProxy's flags are words (-db, -sf 1 2),
 * which getopt(3) takes for letters.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/load.h"
#include "options.h"

#define COUNT_MAX 1000000000 /* of -n and -N */

static const char usage_text[] =
    "usage: roleproxy [-cDqV] [-p pidfile] [-f file]...\n"
    "       roleproxy [-cDqV] [-p pidfile] "
    "redis://[[user]:password@]host[:port]...\n"
    "       roleproxy ctl [-s socket] command...\n"
    "\n"
    "Sends each Redis client to a server with the right role.\n"
    "\n"
    "  -f FILE        read this configuration, a roleproxy.ini or a "
    "haproxy.cfg,\n"
    "                 or all *.ini or *.cfg of a folder; may be repeated "
    "(default\n"
    "                 /etc/roleproxy/roleproxy.ini, or else\n"
    "                 /usr/local/etc/haproxy/haproxy.cfg)\n"
    "  redis://...    or: serve this server's group, writes at :9000 and "
    "reads\n"
    "                 at :5001; may be repeated, or stand in ROLEPROXY_URL\n"
    "  -c             check the configuration, print all errors, and exit\n"
    "  -cc CONDITION  is it true? Exit with 0 if so, 1 if not, 2 if unclear\n"
    "  -D             run in the background; returns once ready\n"
    "  -db            stay in the foreground, whatever else is said\n"
    "  -d             that, and log each check and connection (log-level = "
    "debug)\n"
    "  -p FILE        write the process id to FILE\n"
    "  -sf PID...     take over from these processes: they may finish\n"
    "  -st PID...     the same: they end within their grace\n"
    "  -n COUNT       maxconn, whatever the files say\n"
    "  -N COUNT       maxconn of each frontend that has none of its own\n"
    "  -C FOLDER      change to this folder before anything is read\n"
    "  -q             print no warnings; of a haproxy.cfg no errors either\n"
    "  -V             undoes -q\n"
    "  -dW            a warning is an error\n"
    "  -W, -Ws        USR2 reloads, as HUP does\n"
    "  -v, -vv        print the version; twice: with what it is built of\n"
    "  -h, --help     print this\n"
    "  --help-config  print every configuration key\n"
    "  --to-ini FILE... print these files, a haproxy.cfg too, as a "
    "roleproxy.ini\n"
    "\n"
    "HAProxy's other flags are taken and do nothing: -dD -dG -dK -dL -dM -dR "
    "-dr\n"
    "-dS -dV -de -dp, -L NAME, -m MB, -S SOCKET, -x SOCKET. A first word "
    "haproxy is\n"
    "skipped.\n"
    "\n"
    "Signals: HUP reloads; TERM and USR1 drain, then stop; INT stops now.\n"
    "Manual: roleproxy(8), roleproxy.ini(5).\n";

/* What is left of the command line. */
struct words {
	char **next; /* ends with a NULL */
	struct options *o;
};

/* What a flag does with the words behind it: nothing, take one, or some. -1
 * with what is wrong on stderr. */
typedef int (*flag_take)(struct words *, const char *flag, const char *value);

struct flag {
	const char *word; /* without its first dash */
	size_t offset;    /* of the bool that it sets, in struct options */
	flag_take take;   /* NULL: it takes no value, and sets a bool */
};

/* Remember one -f. */
static void
add_file(struct options *o, const char *path)
{
	o->files = xrealloc(o->files, (o->nfiles + 1) * sizeof(*o->files));
	o->files[o->nfiles++] = path;
}

void
options_add_url(struct options *o, char *arg)
{
	char *start = strstr(arg, "://"), *at = strrchr(arg, '@');
	size_t len = strlen(arg), kept;

	o->urls = xrealloc(o->urls, (o->nurls + 1) * sizeof(*o->urls));
	o->urls[o->nurls++] = xstrdup(arg);
	if (at == NULL)
		return;
	start = start == NULL || start > at ? arg : start + 3;
	kept = strlen(at + 1);
	memmove(start, at + 1, kept);
	explicit_bzero(start + kept, (size_t)(arg + len - start) - kept);
}

/* Read a whole number from 0 to max. -1 if it is none. */
static int
parse_number(const char *text, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || *out < 0 || *out > max)
		return -1;
	return 0;
}

/* A count into *out, or words about it. */
static int
take_count(const char *flag, const char *value, unsigned *out)
{
	long n;

	if (parse_number(value, COUNT_MAX, &n) != 0) {
		fprintf(
		    stderr, "roleproxy: -%s %s: not a number\n", flag, value);
		return -1;
	}
	*out = (unsigned)n;
	return 0;
}

static int
take_file(struct words *w, const char *flag, const char *value)
{
	(void)flag;
	add_file(w->o, value);
	return 0;
}

static int
take_pidfile(struct words *w, const char *flag, const char *value)
{
	(void)flag;
	w->o->pidfile = value;
	return 0;
}

static int
take_folder(struct words *w, const char *flag, const char *value)
{
	(void)flag;
	w->o->folder = value;
	return 0;
}

static int
take_condition(struct words *w, const char *flag, const char *value)
{
	(void)flag;
	w->o->condition = value;
	return 0;
}

static int
take_maxconn(struct words *w, const char *flag, const char *value)
{
	return take_count(flag, value, &w->o->maxconn);
}

static int
take_fmaxconn(struct words *w, const char *flag, const char *value)
{
	return take_count(flag, value, &w->o->fmaxconn);
}

/* A value that means nothing here. */
static int
take_nothing(struct words *w, const char *flag, const char *value)
{
	(void)w;
	(void)flag;
	(void)value;
	return 0;
}

/* The processes behind -sf or -st, up to the next flag. An empty word is none:
 * -sf "$(cat PIDFILE)" of a first start. */
static int
take_old(struct words *w, const char *flag)
{
	struct options *o = w->o;
	long pid;

	o->kill_old = strcmp(flag, "st") == 0;
	for (; *w->next != NULL && **w->next != '-'; w->next++) {
		if (**w->next == '\0')
			continue;
		if (parse_number(*w->next, COUNT_MAX, &pid) != 0 || pid < 1) {
			fprintf(stderr, "roleproxy: -%s %s: not a process\n",
			    flag, *w->next);
			return -1;
		}
		o->old = xrealloc(o->old, (o->nold + 1) * sizeof(*o->old));
		o->old[o->nold++] = (pid_t)pid;
	}
	return 0;
}

#define SETS(word, field)                                   \
	{                                                   \
		word, offsetof(struct options, field), NULL \
	}
#define TAKES(word, take)     \
	{                     \
		word, 0, take \
	}

/* Those of one letter may be joined (-cq), also with their value (-fFILE). */
static const struct flag flags[] = {
    SETS("D", daemon),
    SETS("V", verbose),
    SETS("W", master),
    SETS("Ws", master),
    SETS("c", check),
    SETS("d", debug),
    SETS("dW", strict),
    SETS("db", foreground),
    SETS("q", quiet),
    TAKES("C", take_folder),
    TAKES("L", take_nothing),
    TAKES("N", take_fmaxconn),
    TAKES("S", take_nothing),
    TAKES("cc", take_condition),
    TAKES("f", take_file),
    TAKES("m", take_nothing),
    TAKES("n", take_maxconn),
    TAKES("p", take_pidfile),
    TAKES("x", take_nothing),
};
#define NFLAGS (sizeof(flags) / sizeof(flags[0]))

/* Those of HAProxy's own engine; what follows -dM and -dK is part of them. */
static const char *const foreign[] = {
    "dD", "dG", "dL", "dR", "dS", "dV", "de", "dp", "dr"};

/* Is it a flag that means nothing here? */
static bool
is_foreign(const char *word)
{
	size_t i;

	if (strncmp(word, "dM", 2) == 0 || strncmp(word, "dK", 2) == 0)
		return true;
	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (strcmp(word, foreign[i]) == 0)
			return true;
	}
	return false;
}

/* The flag that these first len bytes name, or NULL. */
static const struct flag *
find_flag(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < NFLAGS; i++) {
		if (strlen(flags[i].word) == len &&
		    strncmp(flags[i].word, word, len) == 0)
			return &flags[i];
	}
	return NULL;
}

/* What a flag is followed by: joined to it, or the next word. */
static int
apply_value(struct words *w, const struct flag *f, const char *joined)
{
	if (*joined == '\0' && *w->next == NULL) {
		fprintf(stderr, "roleproxy: -%s needs a value\n", f->word);
		return -1;
	}
	return f->take(w, f->word, *joined != '\0' ? joined : *w->next++);
}

/* One letter of a word of flags, and its value if it has one: then the rest of
 * the word is used up. Returns the letters that are left, NULL on error. */
static const char *
apply_letter(struct words *w, const char *at)
{
	const struct flag *f = find_flag(at, 1);

	if (*at == 'v')
		w->o->versions++;
	else if (f == NULL)
		return NULL;
	else if (f->take != NULL)
		return apply_value(w, f, at + 1) == 0 ? "" : NULL;
	else
		*(bool *)((char *)w->o + f->offset) = true;
	return at + 1;
}

/* A word that begins with one dash. -1 if it is none that we know. */
static int
apply_flags(struct words *w, const char *word)
{
	const struct flag *f = find_flag(word, strlen(word));
	const char *at = word;

	if (strcmp(word, "sf") == 0 || strcmp(word, "st") == 0)
		return take_old(w, word);
	if (is_foreign(word))
		return 0;
	if (f != NULL && f->take != NULL)
		return apply_value(w, f, "");
	if (f != NULL) {
		*(bool *)((char *)w->o + f->offset) = true;
		return 0;
	}
	while (at != NULL && *at != '\0')
		at = apply_letter(w, at);
	return at == NULL || *word == '\0' ? -1 : 0;
}

/* One word. Returns the exit code if that was all, or -1 to go on. */
static int
apply_word(struct words *w, char *word)
{
	if (word[0] != '-')
		options_add_url(w->o, word);
	else if (strcmp(word, "--") == 0)
		while (*w->next != NULL)
			add_file(w->o, *w->next++);
	else if (strcmp(word, "--to-ini") == 0) {
		w->o->to_ini = true;
		while (*w->next != NULL && **w->next != '-')
			add_file(w->o, *w->next++);
	} else if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
		fputs(usage_text, stdout);
		return 0;
	} else if (strcmp(word, "--help-config") == 0) {
		conf_print_help();
		return 0;
	} else if (strcmp(word, "--version") == 0)
		w->o->versions++;
	else if (apply_flags(w, word + 1) != 0) {
		fprintf(stderr,
		    "roleproxy: cannot use %s; try: roleproxy --help\n", word);
		return 1;
	}
	return -1;
}

int
options_parse(int argc, char *argv[], struct options *o)
{
	struct words w = {.next = argv + (argc > 0), .o = o};
	const char *base = argc > 0 ? strrchr(argv[0], '/') : NULL;
	int code = -1;

	base = base != NULL ? base + 1 : argc > 0 ? argv[0] : "";
	o->haproxy = strcmp(base, "haproxy") == 0;
	if (*w.next != NULL && strcmp(*w.next, "haproxy") == 0) {
		o->haproxy = true;
		w.next++;
	}
	while (code < 0 && *w.next != NULL) {
		char *word = *w.next++;

		code = apply_word(&w, word);
	}
	return code;
}

void
options_clear(struct options *o)
{
	size_t i;

	for (i = 0; i < o->nurls; i++) {
		explicit_bzero(o->urls[i], strlen(o->urls[i]));
		free(o->urls[i]);
	}
	free(o->urls);
	free(o->files);
	free(o->old);
}
