/*
 * What the reader of haproxy.cfg keeps until its end, and what its handlers
 * share: texts, lists, times, counts, words about what is wrong.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "conf/cfg_write.h"
#include "conf/format.h"

#define TIME_MAX_MS (10000LL * 86400 * 1000) /* as in an .ini file */

/* One piece of the pool. */
struct cfg_block {
	struct cfg_block *next;
	size_t size;
	_Alignas(16) char bytes[];
};

void *
cfg_alloc(struct cfg *c, size_t size)
{
	struct cfg_block *b = xcalloc(1, sizeof(*b) + size);

	b->next = c->pool;
	b->size = size;
	c->pool = b;
	return b->bytes;
}

void
cfg_free(struct cfg *c)
{
	struct cfg_block *b;

	while ((b = c->pool) != NULL) {
		c->pool = b->next;
		explicit_bzero(b->bytes, b->size);
		free(b);
	}
	free(c);
}

char *
cfg_keep(struct cfg *c, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(cfg_alloc(c, size), text, size);
}

char *
cfg_format(struct cfg *c, const char *fmt, ...)
{
	char *text, *kept;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		fatal("out of memory");
	va_end(ap);
	kept = cfg_keep(c, text);
	free_secret(text);
	return kept;
}

char *
cfg_escape(struct cfg *c, const char *text)
{
	char *format = format_escape(text), *kept = cfg_keep(c, format);

	free_secret(format);
	return kept;
}

struct cfg_text
cfg_text(struct cfg *c, const char *text)
{
	return (struct cfg_text){cfg_keep(c, text), c->place.line};
}

/* Append a text that is kept already. */
static void
append(struct cfg *c, struct cfg_list *list, struct cfg_text v)
{
	struct cfg_item *item = cfg_alloc(c, sizeof(*item));

	item->v = v;
	if (list->last == NULL)
		list->first = item;
	else
		list->last->next = item;
	list->last = item;
	list->n++;
}

void
cfg_list_add(struct cfg *c, struct cfg_list *list, const char *text)
{
	append(c, list, cfg_text(c, text));
}

bool
cfg_list_has(const struct cfg_list *list, const char *text)
{
	const struct cfg_item *i;

	for (i = list->first; i != NULL; i = i->next) {
		if (strcmp(i->v.text, text) == 0)
			return true;
	}
	return false;
}

void
cfg_list_copy(struct cfg *c, struct cfg_list *to, const struct cfg_list *from)
{
	const struct cfg_item *i = from->first;

	*to = (struct cfg_list){NULL, NULL, 0};
	for (; i != NULL; i = i->next)
		append(c, to, i->v);
}

int
cfg_time(struct cfg *c, const char *what, const char *text, const char *unit,
    int64_t *ms)
{
	char copy[64], error[UNITS_ERROR_MAX];
	size_t digits = text == NULL ? 0 : strspn(text, "0123456789");

	if (text == NULL) {
		cfg_error(c, "'%s' expects a time", what);
		return -1;
	}
	snprintf(copy, sizeof(copy), "%.40s%s", text,
	    digits > 0 && text[digits] == '\0' ? unit : "");
	if (digits > 18) {
		*ms = TIME_MAX_MS; /* as long as can be */
		return 0;
	}
	if (units_time(copy, ms, error) != 0) {
		if (strstr(error, "too long") == NULL) {
			cfg_error(c, "'%s': %s", what, error);
			return -1;
		}
		*ms = TIME_MAX_MS;
	}
	if (*ms > TIME_MAX_MS)
		*ms = TIME_MAX_MS;
	return 0;
}

int
cfg_count(struct cfg *c, const char *what, const char *text, unsigned min,
    unsigned max, int64_t *n)
{
	char error[UNITS_ERROR_MAX];
	unsigned value;

	if (text == NULL)
		cfg_error(c, "'%s' expects a number", what);
	else if (units_number(text, min, max, &value, error) != 0)
		cfg_error(c, "'%s': %s", what, error);
	else {
		*n = value;
		return 0;
	}
	return -1;
}

bool
cfg_one(struct cfg *c, const char *what, char **rest)
{
	if (rest[0] == NULL)
		cfg_error(c, "'%s' expects a value", what);
	else if (rest[1] != NULL)
		cfg_error(c, "'%s': '%.40s' is too much behind '%.40s'", what,
		    rest[1], rest[0]);
	else
		return true;
	return false;
}

void
cfg_unknown(
    struct cfg *c, const char *what, const char *word, const char *nearest)
{
	if (nearest == NULL)
		cfg_error(c, "unknown %s '%.40s' in section '%s'", what, word,
		    c->place.section);
	else
		cfg_error(c,
		    "unknown %s '%.40s' in section '%s', did you mean '%s'?",
		    what, word, c->place.section, nearest);
}

void
cfg_classed(
    struct cfg *c, enum cfg_class class, const char *what, const char *why)
{
	if (class == CFG_TUNING)
		cfg_warn(c, "'%s' is left out: it tunes HAProxy itself", what);
	else if (class == CFG_WARN)
		cfg_warn(c, "'%s' is left out: %s", what, why);
	else if (class == CFG_ERROR)
		cfg_error(c, "'%s' is not possible here: %s", what, why);
}
