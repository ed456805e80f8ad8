/*
 * The options of HAProxy's statistics page.
 */
#include <ctype.h>
#include <string.h>

#include "stats-ui/query.h"

/* Is the option of so many bytes this one? */
static bool
is_option(const char *option, size_t len, const char *name)
{
	return len == strlen(name) && strncmp(option, name, len) == 0;
}

/* The value of an option NAME=VALUE; NULL if it is another one. */
static const char *
value_of(const char *option, size_t len, const char *name)
{
	size_t n = strlen(name);

	if (len <= n || strncmp(option, name, n) != 0 || option[n] != '=')
		return NULL;
	return option + n + 1;
}

/* Keep a value of letters that a name may have; others become "_". */
static void
keep(char *to, size_t size, const char *from, const char *end)
{
	size_t n = 0;

	for (; from < end && n < size - 1; from++)
		to[n++] = isalnum((unsigned char)*from) ||
				  strchr("_.-:", *from) != NULL
			      ? *from
			      : '_';
	to[n] = '\0';
}

/* Take one option into account. */
static void
take(struct query *q, const char *option, size_t len)
{
	static const struct {
		const char *name;
		enum query_format format;
	} formats[] = {{"csv", QUERY_CSV}, {"json", QUERY_JSON},
	    {"json-schema", QUERY_SCHEMA}, {"typed", QUERY_TYPED}};
	const char *value;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (is_option(option, len, formats[i].name))
			q->format = formats[i].format;
	q->norefresh |= is_option(option, len, "norefresh");
	q->up |= is_option(option, len, "up");
	q->no_maint |= is_option(option, len, "no-maint");
	if ((value = value_of(option, len, "scope")) != NULL)
		keep(q->scope, sizeof(q->scope), value, option + len);
	if ((value = value_of(option, len, "st")) != NULL)
		keep(q->status, sizeof(q->status), value, option + len);
}

void
query_parse(const char *suffix, struct query *q)
{
	size_t len;

	memset(q, 0, sizeof(*q));
	while ((suffix = strchr(suffix, ';')) != NULL) {
		len = strcspn(++suffix, ";&?# ");
		take(q, suffix, len);
		suffix += len;
	}
}

bool
query_filters(const struct query *q)
{
	return q->up || q->no_maint || q->scope[0] != '\0';
}
