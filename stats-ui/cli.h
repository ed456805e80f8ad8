/*
 * One connection to a control socket as the commands see it: what it may do,
 * what it asks, where the answer goes. The socket itself is control.c's.
 */
#ifndef STATS_UI_CLI_H
#define STATS_UI_CLI_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/words.h"

#define CLI_WORDS_MAX 64
#define CLI_WHAT_MAX  160

struct cli_act;
struct evbuffer;

/* With which numbers or words messages begin, as of "set severity-output". */
enum cli_severity { SEVERITY_NONE, SEVERITY_NUMBER, SEVERITY_STRING };

struct cli {
	/* The connection's; set by control.c, but commands may change them. */
	enum conf_level level;
	enum cli_severity severity;
	bool prompt;
	bool quit;
	int64_t timeout;      /* ms, for the next command to come */
	struct ucred peer;    /* pid 0: not of this machine */
	struct evbuffer *out; /* (borrowed from the connection) */
	void (*resume)(
	    struct cli *); /* an act has ended: the answer is there */

	/* The command's. words are NUL-terminated, those behind n are "". */
	const char *words[CLI_WORDS_MAX + 4];
	size_t n;
	char what[CLI_WHAT_MAX]; /* for the log */
	bool running;            /* its command, now */
	struct cli_act *act;     /* under way; NULL none */
};

/* Answer with text as it stands; with a line that is an error; with one that is
 * a message. cli_print() is for long answers: it adds no severity. */
void cli_error(struct cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void cli_message(struct cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void cli_print(struct cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Is that the word there? */
bool cli_word_is(const struct cli *c, size_t i, const char *word);

/* A line in the log about what the connection has asked for. */
void cli_log(const struct cli *c, bool ok, const char *how, const char *words);

/* An act that is answered when it is done; it lives until cli_act_end(),
 * whether or not its connection is still there (then NULL). */
struct cli_act {
	struct cli *cli;
	struct cli copy; /* of it, for the log */
	void *arg;       /* the command's own */
};
struct cli_act *cli_act_begin(struct cli *c, void *arg);

/* The answer is complete: end it, and go on with the connection. */
void cli_act_end(struct cli_act *a);

/* The connection has ended: an act of it goes on alone. */
void cli_forget(struct cli *c);

#endif
