/*
 * What is wrong with a configuration: a list of lines for people, each with the
 * place it is about.
 */
#ifndef CONF_PROBLEM_H
#define CONF_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

enum conf_severity { CONF_ERROR, CONF_WARNING };

/* What is wrong: lines "file:line: message", in the order of the files. Starts
 * as zeros. */
struct conf_problems {
	struct conf_problem {
		enum conf_severity severity;
		char *text;
		size_t message; /* where in text the place has ended */
		size_t rank;    /* of its file in files */
		unsigned line;  /* 0: none */
	} * list;
	size_t n;
	size_t errors;            /* how many of them are errors */
	const char *const *files; /* (borrowed by conf_load while it runs) */
	size_t nfiles;
	bool haproxy;     /* a file is in HAProxy's language */
	bool no_listener; /* the only error: no frontend (-c exits with 2) */
};

/* Add a problem, in the order of the files and lines; line 0 leaves the line
 * out. */
void conf_problem(struct conf_problems *p, enum conf_severity severity,
    const char *file, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Forget them all. */
void conf_problems_clear(struct conf_problems *p);

#endif
