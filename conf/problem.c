/*
 * The list of what is wrong with a configuration.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/problem.h"

/* Longer messages are cut. */
#define MESSAGE_MAX 1024

/* Where in the list of files one is; behind them if it is none of them. */
static size_t
file_rank(const struct conf_problems *p, const char *file)
{
	size_t i;

	for (i = 0; i < p->nfiles; i++) {
		if (strcmp(p->files[i], file) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* Insert a problem, behind those of its line. */
static void
insert(struct conf_problems *p, const struct conf_problem *new)
{
	const struct conf_problem *before;
	size_t i;

	p->list = xrealloc(p->list, (p->n + 1) * sizeof(*p->list));
	for (i = p->n++; i > 0; i--) {
		before = &p->list[i - 1];
		if (before->rank < new->rank ||
		    (before->rank == new->rank && before->line <= new->line))
			break;
		p->list[i] = *before;
	}
	p->list[i] = *new;
}

void
conf_problem(struct conf_problems *p, enum conf_severity severity,
    const char *file, unsigned line, const char *fmt, ...)
{
	struct conf_problem new = {severity, NULL, 0, file_rank(p, file), line};
	char message[MESSAGE_MAX], place[16] = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (line != 0)
		snprintf(place, sizeof(place), ":%u", line);
	if (asprintf(&new.text, "%s%s: %s", file, place, message) < 0)
		fatal("out of memory");
	new.message = strlen(file) + strlen(place) + 2;
	insert(p, &new);
	if (severity == CONF_ERROR)
		p->errors++;
}

void
conf_problems_clear(struct conf_problems *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->list[i].text);
	free(p->list);
	memset(p, 0, sizeof(*p));
}
