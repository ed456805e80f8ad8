/*
 * The keys of the configuration file: one table of what there is, with parser,
 * default and help; the parsers are in parse.c. What several keys say together
 * is check.c's.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

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

/* What a parser works on. */
struct key_value {
	const struct key *key;
	const char *text; /* not empty */
	unsigned line;    /* 0: a default */
	void *object;     /* struct conf_backend and so on, by the section */
	char error[384];  /* why it is refused */
};

/* Set what the key stands for in the object. -1 with the reason in error. */
typedef int key_parser(struct key_value *v);

/* One key of one section: a row of the table in keys.c. */
struct key {
	enum key_section section;
	const char *name;
	const char *defval; /* as text; NULL: none */
	key_parser *parse;
	size_t offset, size;      /* of the field; size 0: check.c's */
	size_t count;             /* offset of the length of a list */
	size_t item;              /* size of one of a list */
	int64_t min, max;         /* ms or a count; max 0: the type's own */
	const char *const *words; /* of a choice, in the order of its enum */
	bool text;        /* the field is a string of its own, or NULL */
	bool repeat;      /* may stand several times */
	bool fixed;       /* takes effect only at start */
	bool secret;      /* the value is the raw rest of the line */
	const char *help; /* one line */
};

/* The largest count that a key takes where nothing else limits it. */
#define PARSE_COUNT_MAX 1000000000

/* The parsers. A choice's field is an enum, or a bool that only "on" sets. */
key_parser parse_auth, parse_bind, parse_choice, parse_host, parse_keepalive,
    parse_log;
key_parser parse_mode, parse_proxies, parse_network, parse_number, parse_path,
    parse_role_lost;
key_parser parse_step, parse_server, parse_size, parse_control, parse_text,
    parse_time;
key_parser parse_rule, parse_uri, parse_word, parse_workers;

/* The index of a word in a list that NULL ends, -1 if it is not there. */
int parse_word_index(const char *const *words, const char *word);

/* May this be a section's or a server's name? 1 to 63 of A-Z a-z 0-9 . _ : - */
bool parse_is_name(const char *text);

/* Let a USER:PASSWORD look, too. What is wrong with it, or NULL. */
const char *parse_login(struct conf_stats *s, const char *text);

/* Room for a host's name, RFC 1035, with its final NUL. */
#define PARSE_HOST_MAX 254

/* All keys, by section and name. */
extern const struct key keys[];
extern const size_t nkeys;

/* The words of enum key_section, ended by NULL. */
extern const char *const key_section_words[];

/* Has a section of that kind a name of its own? */
enum key_naming { NAMING_NONE, NAMING_POSSIBLE, NAMING_NEEDED };
enum key_naming key_section_naming(enum key_section section);

/* The key of that name, or NULL. */
const struct key *key_find(enum key_section section, const char *name);

/* The name of a key of that section that was probably meant, or NULL. */
const char *key_nearest(enum key_section section, const char *name);

/* The word if it is near enough to text to be what was meant, and nearer than
 * the nearest so far (NULL at first), which is returned otherwise. */
const char *key_nearer(const char *text, const char *word, const char *nearest);

/* Apply the defaults of a section to its zeroed object. */
void key_defaults(enum key_section section, void *object);

#endif
