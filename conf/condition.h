/*
 * The conditions of HAProxy's -cc, see its configuration manual, section 2.4:
 * numbers, and defined(), feature(), streq(), strneq(), version_atleast(),
 * version_before(), joined by !, &&, || and parentheses.
 */
#ifndef CONF_CONDITION_H
#define CONF_CONDITION_H

/* 1 if it is true, 0 if not, -1 if it cannot be understood. */
int condition_evaluate(const char *text);

#endif
