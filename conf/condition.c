/*
 * Evaluating a condition: a small parser that steps through the text.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "conf/condition.h"

#define DEPTH_MAX 32
#define WORD_MAX  256

/* Where the parser is. */
struct parser {
	const char *at;
	unsigned depth; /* of parentheses */
	bool broken;
};

static bool parse_either(struct parser *);

/* Step over blanks, then over this if it is what comes. */
static bool
take(struct parser *p, const char *what)
{
	p->at += strspn(p->at, " \t");
	if (strncmp(p->at, what, strlen(what)) != 0)
		return false;
	p->at += strlen(what);
	return true;
}

/* It is none. Returns false. */
static bool
fail(struct parser *p)
{
	p->broken = true;
	return false;
}

/* Add what a variable holds to a word; p is behind its dollar. */
static void
append_variable(struct parser *p, char word[WORD_MAX])
{
	bool brace = *p->at == '{';
	char name[WORD_MAX];
	size_t n;
	const char *value;

	p->at += brace;
	n = strspn(p->at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			  "0123456789_");
	if (n == 0 || n >= sizeof(name) || (brace && p->at[n] != '}')) {
		fail(p);
		return;
	}
	memcpy(name, p->at, n);
	name[n] = '\0';
	p->at += n + brace;
	value = getenv(name);
	n = strlen(word);
	snprintf(word + n, WORD_MAX - n, "%s", value == NULL ? "" : value);
}

/* Read an argument, up to its comma or parenthesis, quoted or not. */
static void
take_argument(struct parser *p, char word[WORD_MAX])
{
	char quote = '\0';
	size_t n;

	word[0] = '\0';
	p->at += strspn(p->at, " \t");
	for (; *p->at != '\0'; p->at++) {
		if (quote == '\0' && strchr(",) \t", *p->at) != NULL)
			break;
		n = strlen(word);
		if (*p->at == quote)
			quote = '\0';
		else if (quote == '\0' && (*p->at == '"' || *p->at == '\''))
			quote = *p->at;
		else if (*p->at == '$' && quote == '"') {
			p->at++;
			append_variable(p, word);
			p->at--;
		} else if (n + 1 < WORD_MAX) {
			word[n] = *p->at;
			word[n + 1] = '\0';
		}
	}
	p->at += strspn(p->at, " \t");
	if (quote != '\0')
		fail(p);
}

/* Is the version whose place we take at least this one? */
static bool
is_atleast(const char *version)
{
	int have[3] = {0, 0, 0}, want[3] = {0, 0, 0}, i;

	sscanf(HAPROXY_VERSION, "%d.%d.%d", &have[0], &have[1], &have[2]);
	sscanf(version, "%d.%d.%d", &want[0], &want[1], &want[2]);
	for (i = 0; i < 2 && have[i] == want[i]; i++)
		continue;
	return have[i] >= want[i];
}

/* Call a predicate of this name; p is behind its parenthesis. */
static bool
call(struct parser *p, const char *name)
{
	char a[WORD_MAX], b[WORD_MAX] = "";
	bool two;

	take_argument(p, a);
	two = take(p, ",");
	if (two)
		take_argument(p, b);
	if (!take(p, ")") || two != (strncmp(name, "str", 3) == 0))
		return fail(p);
	if (strcmp(name, "defined") == 0)
		return getenv(a) != NULL;
	if (strcmp(name, "feature") == 0)
		return strcmp(a, "EPOLL") == 0 || strcmp(a, "THREAD") == 0;
	if (strcmp(name, "streq") == 0)
		return strcmp(a, b) == 0;
	if (strcmp(name, "strneq") == 0)
		return strcmp(a, b) != 0;
	if (strcmp(name, "version_atleast") == 0)
		return is_atleast(a);
	if (strcmp(name, "version_before") == 0)
		return !is_atleast(a);
	return fail(p);
}

/* A number, a predicate, something in parentheses, or not one of them. */
static bool
parse_term(struct parser *p)
{
	char name[WORD_MAX], *end;
	bool value;
	size_t n;
	long number;

	if (++p->depth > DEPTH_MAX)
		return fail(p);
	if (take(p, "!"))
		value = !parse_term(p);
	else if (take(p, "(")) {
		value = parse_either(p);
		if (!take(p, ")"))
			fail(p);
	} else if ((number = strtol(p->at, &end, 10)), end != p->at) {
		p->at = end;
		value = number != 0;
	} else {
		n = strspn(p->at, "abcdefghijklmnopqrstuvwxyz_");
		snprintf(name, sizeof(name), "%.*s", (int)n, p->at);
		p->at += n;
		value = n > 0 && take(p, "(") ? call(p, name) : fail(p);
	}
	p->depth--;
	return value;
}

/* Terms joined by &&. */
static bool
parse_both(struct parser *p)
{
	bool value = parse_term(p);

	while (!p->broken && take(p, "&&"))
		value &= parse_term(p);
	return value;
}

/* Those joined by ||. */
static bool
parse_either(struct parser *p)
{
	bool value = parse_both(p);

	while (!p->broken && take(p, "||"))
		value |= parse_both(p);
	return value;
}

int
condition_evaluate(const char *text)
{
	struct parser p = {.at = text};
	bool value;

	p.at += strspn(p.at, " \t");
	if (*p.at == '\0')
		return 0;
	value = parse_either(&p);
	p.at += strspn(p.at, " \t");
	return p.broken || *p.at != '\0' ? -1 : value;
}
