/*
 * Perl-compatible regular expressions; the one home of PCRE2.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/pattern.h"

#define MATCH_LIMIT 500000 /* steps back and forth, some 10 ms */
#define HEAP_LIMIT  1024   /* KiB */

struct pattern {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

/* Around a compiled expression. */
static struct pattern *
wrap(pcre2_code *code)
{
	struct pattern *p = xcalloc(1, sizeof(*p));

	p->code = code;
	p->data = pcre2_match_data_create(1, NULL);
	p->limits = pcre2_match_context_create(NULL);
	if (p->code == NULL || p->data == NULL || p->limits == NULL)
		fatal("out of memory");
	pcre2_set_match_limit(p->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(p->limits, HEAP_LIMIT);
	return p;
}

struct pattern *
pattern_new(const char *text, char *error, size_t size)
{
	PCRE2_UCHAR words[128];
	PCRE2_SIZE at;
	int number;
	pcre2_code *code = pcre2_compile(
	    (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &number, &at, NULL);

	if (code != NULL)
		return wrap(code);
	pcre2_get_error_message(number, words, sizeof(words));
	snprintf(error, size, "regular expression: %s at position %zu",
	    (const char *)words, at + 1);
	return NULL;
}

void
pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	pcre2_code_free(p->code);
	pcre2_match_data_free(p->data);
	pcre2_match_context_free(p->limits);
	free(p);
}

struct pattern *
pattern_copy(const struct pattern *p)
{
	return p == NULL ? NULL : wrap(pcre2_code_copy(p->code));
}

bool
pattern_found(const struct pattern *p, const void *bytes, size_t length)
{
	return pcre2_match(p->code, bytes, length, 0, 0, p->data, p->limits) >=
	       0;
}
