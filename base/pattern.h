/*
 * Perl-compatible regular expressions, as HAProxy's are, on bytes. What one
 * match may cost is limited.
 */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct pattern;

/* NULL, with what is wrong in error, of size bytes. */
struct pattern *pattern_new(const char *text, char *error, size_t size);
void pattern_free(struct pattern *p);

struct pattern *pattern_copy(const struct pattern *p);

/* Is it somewhere in these bytes? One that would take too long is not. */
bool pattern_found(const struct pattern *p, const void *bytes, size_t length);

#endif
