/*
 * The keys of the configuration file: one table of what there is, with
 * parser, default and help. What several keys say together is check.c's.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "conf/parse.h"

/* All keys, by section and name. */
extern const struct key keys[];
extern const size_t nkeys;

/* The key of that name, or NULL. */
const struct key *key_find(enum key_section section, const char *name);

/* The name of a key of that section that was probably meant, or NULL. */
const char *key_nearest(enum key_section section, const char *name);

/* Is a word near enough to text to be what was meant, and nearer than *best
 * (UINT_MAX at first)? Then *best is its distance. */
bool key_is_nearer(const char *text, const char *word, unsigned *best);

/* Another section that has a key of that name; SECTION_NONE if none has. */
enum key_section key_elsewhere(enum key_section section, const char *name);

/* "backend", and whether one has a name of its own. */
const char *key_section_str(enum key_section section);
bool key_section_named(enum key_section section);

/* By its word; SECTION_NONE, and then the word probably meant, or NULL. */
enum key_section key_section_find(const char *word);
const char *key_section_nearest(const char *word);

/* Apply the defaults of a section to its zeroed object. */
void key_defaults(enum key_section section, void *object);

/* Is what the key stands for the same in both objects? */
bool key_same(const struct key *k, const void *a, const void *b);

#endif
