/*
 * Reading the value of use-backend, see HAProxy's configuration manual, section
 * 7.2: criteria in braces are joined by "and" when nothing stands between them,
 * "or" parts such groups.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "conf/keys.h"
#include "conf/rule_text.h"

#define WORDS_MAX 160

static const char *const than_words[] = {"eq", "ge", "gt", "le", "lt", NULL};

/* Copy a part of a word as a name; false if it cannot be one. */
static bool
set_name(char name[RULE_NAME_MAX], const char *from, size_t len)
{
	if (len >= RULE_NAME_MAX)
		return false;
	memcpy(name, from, len);
	name[len] = '\0';
	return parse_is_name(name);
}

/* The names in "word(NAME)" or "word(NAME/NAME)". */
static bool
arguments(const char *text, const char *word, char backend[RULE_NAME_MAX],
    char server[RULE_NAME_MAX])
{
	size_t len = strlen(word), end = strlen(text);
	const char *at = text + len, *slash;

	if (strncmp(text, word, len) != 0 || *at != '(' || text[end - 1] != ')')
		return false;
	at++;
	slash = strchr(at, '/');
	end -= len + 2;
	if (server == NULL)
		return set_name(backend, at, end);
	return slash != NULL && set_name(backend, at, (size_t)(slash - at)) &&
	       set_name(server, slash + 1, end - (size_t)(slash + 1 - at));
}

/* A criterion, from "{" on. Returns the words it took, 0 if it is none. */
static int
criterion(char **w, struct rule_text *out)
{
	struct rule_term *t = &out->rule.terms[out->rule.nterms];
	char *backend = out->backend[out->rule.nterms];
	char *server = out->server[out->rule.nterms], error[UNITS_ERROR_MAX];
	int than = THAN_EQ, n = 2;

	if (w[0] == NULL || strcmp(w[0], "{") != 0 || w[1] == NULL ||
	    w[2] == NULL)
		return 0;
	t->is_up = arguments(w[1], "srv_is_up", backend, server);
	if (!t->is_up && !arguments(w[1], "nbsrv", backend, NULL))
		return 0;
	if (!t->is_up) {
		than = parse_word_index(than_words, w[2]);
		if (than >= 0)
			n++;
		t->than = than < 0 ? THAN_EQ : (enum rule_than)than;
		if (w[n] == NULL || units_number(w[n++], 0, CONF_SERVERS_MAX,
					&t->n, error) != 0)
			return 0;
	}
	return w[n] != NULL && strcmp(w[n], "}") == 0 ? n + 1 : 0;
}

/* Say that there is no criterion. */
static void
refuse(char **w, char *error, size_t size)
{
	static const char *const known = "{ nbsrv(BACKEND) gt|ge|eq|le|lt N } "
					 "or { srv_is_up(BACKEND/SERVER) }";

	if (*w == NULL)
		snprintf(error, size, "%s is expected at the end", known);
	else
		snprintf(error, size, "'%.40s%s%.60s' is not %s", *w,
		    w[1] == NULL ? "" : " ", w[1] == NULL ? "" : w[1], known);
}

/* Criteria, up to the end. */
static int
condition(char **w, struct rule_text *out, char *error, size_t size)
{
	struct conf_rule *r = &out->rule;
	bool first = true, negated;
	int n;

	do {
		if (r->nterms == RULE_TERMS_MAX) {
			snprintf(error, size, "more than %d criteria",
			    RULE_TERMS_MAX);
			return -1;
		}
		negated = *w != NULL && **w == '!';
		if (negated && *++*w == '\0')
			w++;
		n = criterion(w, out);
		if (n == 0) {
			refuse(w, error, size);
			return -1;
		}
		r->terms[r->nterms].first = first;
		r->terms[r->nterms++].negated = negated;
		w += n;
		first = *w != NULL &&
			(strcmp(*w, "or") == 0 || strcmp(*w, "||") == 0);
		w += first;
	} while (*w != NULL || first);
	return 0;
}

/* KEY=VALUE, up to the condition. Returns where that begins; NULL if there is
 * something else. */
static char **
options(char **w, struct rule_text *out)
{
	char *value;

	for (; *w != NULL && (value = strchr(*w, '=')) != NULL; w++) {
		if (out->noptions == RULE_OPTIONS_MAX ||
		    value - *w >= RULE_NAME_MAX ||
		    strlen(value) > RULE_NAME_MAX || value[1] == '\0')
			return NULL;
		memcpy(out->key[out->noptions], *w, (size_t)(value - *w));
		strcpy(out->value[out->noptions++], value + 1);
	}
	return w;
}

/* All of it, in words. */
static int
rule_words(char **w, struct rule_text *out, char *error, size_t size)
{
	if (w[0] == NULL || !set_name(out->target, w[0], strlen(w[0]))) {
		snprintf(error, size, "the name of a backend is expected");
		return -1;
	}
	w = options(w + 1, out);
	if (w != NULL && *w == NULL)
		return 0;
	if (w == NULL || (strcmp(*w, "if") != 0 && strcmp(*w, "unless") != 0)) {
		snprintf(error, size,
		    "'if' or 'unless' and a condition are expected behind the "
		    "name and options, as in balance=first");
		return -1;
	}
	out->rule.unless = strcmp(*w, "unless") == 0;
	return condition(w + 1, out, error, size);
}

int
rule_parse(const char *text, struct rule_text *out, char *error, size_t size)
{
	char *copy = xstrdup(text), *save = NULL, *w[WORDS_MAX + 1], *word;
	size_t n = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	for (word = strtok_r(copy, " \t", &save); word != NULL && n < WORDS_MAX;
	     word = strtok_r(NULL, " \t", &save))
		w[n++] = word;
	w[n] = NULL;
	rc = rule_words(w, out, error, size);
	free(copy);
	return rc;
}
