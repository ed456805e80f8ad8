/*
 * The words of a line in HAProxy's language, and back: quotes, escapes,
 * comments and the environment ("Quoting and escaping" and "Environment
 * variables" in its configuration manual, 2.6).
 */
#ifndef CONF_CFG_WORDS_H
#define CONF_CFG_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define CFG_WORDS_MAX 64   /* words of a line */
#define CFG_LINE_MAX  2048 /* bytes of a line, without its end */
#define CFG_TEXT_MAX  4096 /* bytes of all words, the environment's included */

/* What "$.FILE", "$.LINE" and "$.SECTION" stand for. */
struct cfg_place {
	const char *file;
	unsigned line;
	const char *section;
};

/* One line's words. What they hold may be secret: cfg_words_wipe(). */
struct cfg_words {
	char *word[CFG_WORDS_MAX + 1]; /* of text, ended by NULL */
	size_t n;
	char text[CFG_TEXT_MAX + CFG_WORDS_MAX + 1];
	char error[128]; /* what is wrong, without the line's words */
};

/* Cut a line, without its end, into words. A NULL place knows no pseudo
 * variables. -1 with what is wrong in error. */
int cfg_words_split(
    const char *line, const struct cfg_place *place, struct cfg_words *words);

/* Does a line begin a section of HAProxy's, as a file in its language does? */
bool cfg_words_are_section(const char *line);

/* Forget what was read. */
void cfg_words_wipe(struct cfg_words *words);

/* The line that is read as these words, as a new string: one line of printable
 * characters, without one that begins a comment, here or in an .ini file. */
char *cfg_words_quote(const char *const *words, size_t n);

#endif
