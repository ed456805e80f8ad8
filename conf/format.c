/*
 * HAProxy's log-format in the texts of a check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/format.h"

#define EMPTY_LINE "\r\n\r\n"
#define ALNUM      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* What can be asked for. */
enum item { ITEM_PERCENT, ITEM_SERVER, ITEM_BACKEND, ITEM_LENGTH, ITEM_NONE };

static const struct {
	const char *word; /* behind the % */
	enum item item;
} words[] = {{"%", ITEM_PERCENT}, {"[srv_name]", ITEM_SERVER},
    {"s", ITEM_SERVER}, {"[be_name]", ITEM_BACKEND}, {"b", ITEM_BACKEND},
    {"[req.body_len]", ITEM_LENGTH}};

/* How long the word behind a % is. */
static size_t
word_length(const char *at)
{
	const char *end = *at == '[' ? strchr(at, ']') : NULL;

	if (end != NULL)
		return (size_t)(end - at) + 1;
	return *at == '%' ? 1 : strspn(at, ALNUM);
}

/* What the word behind a % asks for; *at is set behind it. */
static enum item
take_item(const char **at)
{
	const char *word = *at;
	size_t i, length = word_length(word);

	*at += length;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == length &&
		    strncmp(words[i].word, word, length) == 0)
			return words[i].item;
	}
	return ITEM_NONE;
}

int
format_check(const char *text, char *error, size_t size)
{
	const char *at = text, *percent, *body = strstr(text, EMPTY_LINE);
	enum item item;

	while ((percent = strchr(at, '%')) != NULL) {
		at = percent + 1;
		item = take_item(&at);
		if (item == ITEM_NONE ||
		    (item == ITEM_LENGTH && (body == NULL || percent > body))) {
			snprintf(error, size,
			    "the %% at position %zu asks for what a check "
			    "does not know: %%[srv_name] or %%s, %%[be_name] "
			    "or %%b, and %%%% for a %% are possible",
			    (size_t)(percent - text) + 1);
			return -1;
		}
	}
	return 0;
}

bool
format_varies(const char *text)
{
	while ((text = strchr(text, '%')) != NULL) {
		text++;
		if (take_item(&text) != ITEM_PERCENT)
			return true;
	}
	return false;
}

/* Expand it; the length of the body is known. */
static char *
expand(const char *text, const struct format_names *names, size_t length)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	if (f == NULL)
		fatal("out of memory");
	while (*text != '\0') {
		if (*text != '%') {
			putc(*text++, f);
			continue;
		}
		text++;
		switch (take_item(&text)) {
		case ITEM_SERVER:
			fputs(names->server, f);
			break;
		case ITEM_BACKEND:
			fputs(names->backend, f);
			break;
		case ITEM_LENGTH:
			fprintf(f, "%zu", length);
			break;
		default:
			putc('%', f);
		}
	}
	if (fclose(f) != 0)
		fatal("out of memory");
	return out;
}

char *
format_expand(const char *text, const struct format_names *names)
{
	const char *end = strstr(text, EMPTY_LINE);
	size_t length = 0;
	char *body;

	if (end != NULL) {
		body = expand(end + strlen(EMPTY_LINE), names, 0);
		length = strlen(body);
		free_secret(body);
	}
	return expand(text, names, length);
}

char *
format_escape(const char *text)
{
	char *out = xcalloc(2, strlen(text) + 1), *to = out;

	for (; *text != '\0'; text++) {
		if (*text == '%')
			*to++ = '%';
		*to++ = *text;
	}
	return out;
}
