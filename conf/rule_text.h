/*
 * Reading the value of use-backend.
 */
#ifndef CONF_RULE_TEXT_H
#define CONF_RULE_TEXT_H

#include "conf/rule.h"

#define RULE_OPTIONS_MAX 4
#define RULE_NAME_MAX    64 /* with its final NUL */

/* A rule as it is written; nothing is known of its names yet. */
struct rule_text {
	char target[RULE_NAME_MAX];
	char key[RULE_OPTIONS_MAX][RULE_NAME_MAX];
	char value[RULE_OPTIONS_MAX][RULE_NAME_MAX];
	size_t noptions;
	char backend[RULE_TERMS_MAX][RULE_NAME_MAX]; /* of each term */
	char server[RULE_TERMS_MAX][RULE_NAME_MAX];
	struct conf_rule rule; /* without what names stand for */
};

/* Read NAME [KEY=VALUE...] [if|unless CONDITION]. -1 with the reason in error.
 */
int rule_parse(
    const char *text, struct rule_text *out, char *error, size_t size);

#endif
