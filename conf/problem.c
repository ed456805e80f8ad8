/*
 * The list of what is wrong with a configuration.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/problem.h"

/* Longer messages are cut. */
#define MESSAGE_MAX 1024

void
conf_problem(struct conf_problems *p, enum conf_severity severity,
    const char *file, unsigned line, const char *fmt, ...)
{
	char message[MESSAGE_MAX], place[16] = "";
	struct conf_problem *new;
	size_t size;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (line != 0)
		snprintf(place, sizeof(place), ":%u", line);
	/* Grown in powers of two. */
	if ((p->n & (p->n - 1)) == 0) {
		p->list = xrealloc(
		    p->list, (p->n == 0 ? 1 : p->n * 2) * sizeof(*p->list));
	}
	new = &p->list[p->n++];
	new->severity = severity;
	new->file_len = strlen(file);
	new->line = line;
	size = new->file_len + strlen(place) + strlen(message) + 3;
	new->text = xcalloc(1, size);
	snprintf(new->text, size, "%s%s: %s", file, place, message);
	if (severity == CONF_ERROR)
		p->errors++;
}

/* Where in the list of files the problem's is. */
static size_t
file_rank(const struct conf_problem *p, const char *const *files, size_t nfiles)
{
	size_t i;

	for (i = 0; i < nfiles; i++) {
		if (strlen(files[i]) == p->file_len &&
		    memcmp(files[i], p->text, p->file_len) == 0)
			break;
	}
	return i;
}

/* One problem with the keys that it is sorted by. */
struct ranked {
	struct conf_problem problem;
	size_t rank, index;
};

/* By file, line, and as they were added. */
static int
compare_ranked(const void *va, const void *vb)
{
	const struct ranked *a = va, *b = vb;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->problem.line != b->problem.line)
		return a->problem.line < b->problem.line ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

void
conf_problems_sort(
    struct conf_problems *p, const char *const *files, size_t nfiles)
{
	struct ranked *ranked = xcalloc(p->n + 1, sizeof(*ranked));
	size_t i;

	for (i = 0; i < p->n; i++) {
		ranked[i].problem = p->list[i];
		ranked[i].rank = file_rank(&p->list[i], files, nfiles);
		ranked[i].index = i;
	}
	qsort(ranked, p->n, sizeof(*ranked), compare_ranked);
	for (i = 0; i < p->n; i++)
		p->list[i] = ranked[i].problem;
	free(ranked);
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
