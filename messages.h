/*
 * What a start and -c say of a configuration: of a haproxy.cfg in HAProxy's
 * words, which scripts look for; of a roleproxy.ini in ours.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stdbool.h>

#include "conf/problem.h"

/* Print what is wrong, and at the end what that means; check: under -c, which
 * says of a file without a listener that it is one. quiet leaves out warnings,
 * and of a haproxy.cfg everything. */
void messages_print(const struct conf_problems *p, bool check, bool quiet);

/* Print that a file is valid, unless quiet. */
void messages_valid(const struct conf_problems *p, bool quiet);

/* A line of HAProxy's that says why it does not start. */
void message_alert(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
