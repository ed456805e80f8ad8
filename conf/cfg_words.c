/*
 * Cutting lines of HAProxy's language into words, and writing such lines.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/cfg_words.h"

#define NAME_MAX_LEN 255 /* of a variable */

/* Where the cutting is. */
struct cutter {
	const char *line; /* all of it */
	const char *in;   /* what comes next */
	const struct cfg_place *place;
	struct cfg_words *words;
	char *out;
	bool word;         /* one has begun */
	const char *quote; /* what was opened, or NULL */
};

/* Say what is wrong, at a position of the line. Returns -1. */
static int __attribute__((format(printf, 3, 4)))
refuse(struct cutter *c, const char *at, const char *fmt, ...)
{
	char *error = c->words->error;
	size_t size = sizeof(c->words->error);
	int len;
	va_list ap;

	va_start(ap, fmt);
	len = vsnprintf(error, size, fmt, ap);
	va_end(ap);
	if (at != NULL && len > 0 && (size_t)len < size)
		snprintf(error + len, size - (size_t)len, " at position %d",
		    (int)(at - c->line) + 1);
	return -1;
}

/* Begin a word, if none has. */
static int
begin_word(struct cutter *c)
{
	struct cfg_words *w = c->words;

	if (c->word)
		return 0;
	if (w->n == CFG_WORDS_MAX)
		return refuse(c, c->in, "more than %d words", CFG_WORDS_MAX);
	w->word[w->n++] = c->out;
	c->word = true;
	return 0;
}

/* End the word that has begun. There is room: a byte for each word. */
static void
end_word(struct cutter *c)
{
	if (c->word)
		*c->out++ = '\0';
	c->word = false;
}

/* Add a byte to the word. */
static int
add(struct cutter *c, char byte)
{
	size_t used = (size_t)(c->out - c->words->text);

	if (used >= CFG_TEXT_MAX)
		return refuse(c, c->in, "the words are longer than %d bytes",
		    CFG_TEXT_MAX);
	*c->out++ = byte;
	return 0;
}

/* The value of a hexadecimal digit, -1 if it is none. */
static int
hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, tolower((unsigned char)c));

	return c == '\0' || at == NULL ? -1 : (int)(at - digits);
}

/* \xHH. */
static int
cut_hex(struct cutter *c)
{
	int high = hex(c->in[2]), low = high < 0 ? -1 : hex(c->in[3]);

	if (low < 0)
		return refuse(
		    c, c->in, "truncated or invalid hexadecimal sequence");
	if (high == 0 && low == 0)
		return refuse(c, c->in,
		    "\\x00 would end the word: bytes go to send-binary");
	if (add(c, (char)(high * 16 + low)) != 0)
		return -1;
	c->in += 4;
	return 0;
}

/* A backslash that is not between single quotes. */
static int
cut_escape(struct cutter *c)
{
	static const char from[] = "tnr \\#'\"", to[] = "\t\n\r \\#'\"";
	const char *at;

	if (c->in[1] == 'x')
		return cut_hex(c);
	at = c->in[1] == '\0' ? NULL : strchr(from, c->in[1]);
	if (at != NULL || (c->in[1] == '$' && c->quote != NULL)) {
		if (add(c, at == NULL ? '$' : to[at - from]) != 0)
			return -1;
		c->in += 2;
		return 0;
	}
	return add(c, *c->in++); /* it stands for itself */
}

/* What a variable's name stands for, NULL for nothing; *known is false if there
 * can be no such name. */
static const char *
variable(struct cutter *c, const char *name, char number[12], bool *known)
{
	*known = true;
	if (name[0] != '.')
		return getenv(name);
	*known = c->place != NULL;
	if (*known && strcmp(name, ".FILE") == 0)
		return c->place->file;
	if (*known && strcmp(name, ".SECTION") == 0)
		return c->place->section;
	*known = *known && strcmp(name, ".LINE") == 0;
	if (*known)
		snprintf(number, 12, "%u", c->place->line);
	return *known ? number : NULL;
}

/* Add a variable's value of that length. split: blanks in it end words. */
static int
add_value(struct cutter *c, const char *value, size_t len, bool split)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (split && isspace((unsigned char)value[i])) {
			end_word(c);
			continue;
		}
		if (begin_word(c) != 0 || add(c, value[i]) != 0)
			return -1;
	}
	return begin_word(c);
}

/* Read the name behind "$" or "${" and what it stands for. -1 if it cannot be
 * one. */
static int
cut_name(struct cutter *c, char number[12], const char **value)
{
	const char *start = c->in;
	char name[NAME_MAX_LEN + 1];
	size_t len = *start == '.';
	bool known;

	while (isalnum((unsigned char)start[len]) || start[len] == '_')
		len++;
	if (!isalpha((unsigned char)*start) && *start != '_' && *start != '.')
		return refuse(c, start,
		    "forbidden first char in environment variable name");
	if (len >= sizeof(name))
		return refuse(c, start, "too long environment variable name");
	memcpy(name, start, len);
	name[len] = '\0';
	*value = variable(c, name, number, &known);
	if (!known)
		return refuse(c, start,
		    "unknown pseudo variable: there are .FILE, .LINE and "
		    ".SECTION");
	c->in += len;
	return 0;
}

/* $NAME, ${NAME}, ${NAME-default}, ${NAME[*]}, between double quotes. */
static int
cut_variable(struct cutter *c)
{
	const char *value, *brace = c->in[1] == '{' ? c->in + 1 : NULL;
	char number[12];
	bool split = false;
	size_t len;

	c->in += brace == NULL ? 1 : 2;
	if (cut_name(c, number, &value) != 0)
		return -1;
	if (brace != NULL && *c->in == '[') {
		if (strncmp(c->in, "[*]", 3) != 0)
			return refuse(c, c->in,
			    "truncated or invalid word expansion sequence");
		split = true;
		c->in += 3;
	}
	len = value == NULL ? 0 : strlen(value);
	if (brace != NULL && *c->in == '-') {
		c->in++;
		if (value == NULL) {
			value = c->in;
			len = strcspn(value, "}");
		}
		c->in += strcspn(c->in, "}");
	}
	if (brace != NULL && *c->in++ != '}')
		return refuse(
		    c, brace, "unmatched brace in environment variable name");
	return add_value(c, value, len, split);
}

/* What stands at c->in, which ends no word. */
static int
cut_one(struct cutter *c)
{
	char byte = *c->in;
	bool single = c->quote != NULL && *c->quote == '\'';

	if (begin_word(c) != 0)
		return -1;
	if ((byte == '"' || byte == '\'') &&
	    (c->quote == NULL || *c->quote == byte)) {
		c->quote = c->quote == NULL ? c->in : NULL;
		c->in++;
		return 0;
	}
	if (byte == '\\' && !single)
		return cut_escape(c);
	if (byte == '$' && c->quote != NULL && !single)
		return cut_variable(c);
	return add(c, *c->in++);
}

/* The same for the whole line. */
static int
cut(struct cutter *c)
{
	while (*c->in != '\0') {
		if (c->quote == NULL && *c->in == '#')
			break;
		if (c->quote == NULL && isspace((unsigned char)*c->in)) {
			end_word(c);
			c->in++;
		} else if (cut_one(c) != 0) {
			return -1;
		}
	}
	if (c->quote != NULL)
		return refuse(c, c->quote, "unmatched quote");
	end_word(c);
	return 0;
}

int
cfg_words_split(
    const char *line, const struct cfg_place *place, struct cfg_words *words)
{
	struct cutter c = {.line = line,
	    .in = line,
	    .place = place,
	    .words = words,
	    .out = words->text};

	words->n = 0;
	words->error[0] = '\0';
	if (strlen(line) > CFG_LINE_MAX) {
		refuse(&c, NULL, "line too long, limit: %d", CFG_LINE_MAX);
	} else if (cut(&c) == 0) {
		words->word[words->n] = NULL;
		return 0;
	}
	words->n = 0;
	words->word[0] = NULL;
	return -1;
}

bool
cfg_words_are_section(const char *line)
{
	static const char *const sections[] = {
	    "global", "defaults", "listen", "frontend", "backend", "resolvers"};
	size_t i, len = strcspn(line, " \t\r\n");

	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (strlen(sections[i]) == len &&
		    strncmp(line, sections[i], len) == 0)
			return strchr(line, '=') == NULL;
	}
	return false;
}

void
cfg_words_wipe(struct cfg_words *words)
{
	explicit_bzero(words, sizeof(*words));
}

/* Write a byte of a word; last: it is the word's last one. */
static void
quote_byte(FILE *f, unsigned char byte, bool last)
{
	static const char from[] = "\t\n\r\\#'\"", to[] = "tnr\\#'\"";
	const char *at = byte == '\0' ? NULL : strchr(from, byte);

	if (at != NULL)
		fprintf(f, "\\%c", to[at - from]);
	else if (byte == ' ' && !last)
		fputs("\\ ", f);
	else if (byte <= ' ' || byte == 0x7f || byte == ';')
		fprintf(f, "\\x%02x", byte);
	else
		putc(byte, f);
}

char *
cfg_words_quote(const char *const *words, size_t n)
{
	char *line;
	size_t size, i;
	FILE *f = open_memstream(&line, &size);
	const char *p;

	if (f == NULL)
		fatal("out of memory");
	for (i = 0; i < n; i++) {
		if (i > 0)
			putc(' ', f);
		if (*words[i] == '\0')
			fputs("\"\"", f);
		for (p = words[i]; *p != '\0'; p++)
			quote_byte(f, (unsigned char)*p, p[1] == '\0');
	}
	if (fclose(f) != 0)
		fatal("out of memory");
	return line;
}
