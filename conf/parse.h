/*
 * What a configuration key is, and the parsers of the values that keys take.
 */
#ifndef CONF_PARSE_H
#define CONF_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

enum key_section {
	SECTION_BACKEND,
	SECTION_FRONTEND,
	SECTION_GLOBAL,
	SECTION_STATS,
	SECTION_NONE /* none of them */
};

/* Room for a parser's reason, with its final NUL. */
#define KEY_ERROR_MAX 384

/* What a parser is given: a value that is not empty, and where it stood. */
struct key_text {
	const char *value;
	unsigned line; /* 0: a default */
};

/* Set what the key stands for in object (struct conf_backend and so on, by its
 * section). -1 with the reason in error. */
struct key;
typedef int key_parser(const struct key *k, const struct key_text *text,
    void *object, char error[KEY_ERROR_MAX]);

/* One key of one section: a row of the table in keys.c. */
struct key {
	enum key_section section;
	const char *name;
	const char *defval; /* as text; NULL: none */
	key_parser *parse;
	size_t offset, size;      /* of the field; size 0: check.c's */
	int64_t min, max;         /* ms or a count; max 0: the type's own */
	const char *const *words; /* of a choice, in the order of its enum */
	bool repeat;              /* may stand several times */
	bool fixed;               /* takes effect only at start */
	bool secret;              /* the value is the raw rest of the line */
	const char *help;         /* one line */
};

/* The largest count that a key takes where nothing else limits it. */
#define PARSE_COUNT_MAX 1000000000

/* The parsers. parse_auto() leaves it to check.c what auto is to be. */
key_parser parse_auto, parse_bind, parse_choice, parse_keepalive, parse_log;
key_parser parse_network, parse_number, parse_onoff, parse_path, parse_secret;
key_parser parse_server, parse_time, parse_uri, parse_word, parse_workers;

/* The index of a word in a list that NULL ends, -1 if it is not there. */
int parse_word_index(const char *const *words, const char *word);

/* May this be a section's or a server's name? 1 to 63 of A-Z a-z 0-9 . _ : - */
bool parse_is_name(const char *text);

#endif
