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
		size_t file_len; /* of the file's name, in text */
		unsigned line;   /* 0: none */
	} * list;
	size_t n;
	size_t errors;    /* how many of them are errors */
	bool no_listener; /* the only error: no frontend (-c exits with 2) */
};

/* Add a problem; line 0 leaves the line out. */
void conf_problem(struct conf_problems *p, enum conf_severity severity,
    const char *file, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Bring them in the order of these files, then of the lines. */
void conf_problems_sort(
    struct conf_problems *p, const char *const *files, size_t nfiles);

/* Forget them all. */
void conf_problems_clear(struct conf_problems *p);

#endif
