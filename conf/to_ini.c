/*
 * Writing an .ini file.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "conf/cfg_words.h"
#include "conf/step.h"
#include "conf/to_ini.h"

#define VARIABLE "ROLEPROXY_SECRET_"

/* What is being written. */
struct writer {
	FILE *f;       /* (borrowed) */
	char **secret; /* each one once; its number names its variable */
	size_t n;
};

/* The number of a secret's variable, from 1 on. */
static size_t
number_of(struct writer *w, const char *secret, size_t len)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (strlen(w->secret[i]) == len &&
		    strncmp(w->secret[i], secret, len) == 0)
			return i + 1;
	}
	w->secret = xrealloc(w->secret, (w->n + 1) * sizeof(*w->secret));
	w->secret[w->n] = xcalloc(1, len + 1);
	memcpy(w->secret[w->n++], secret, len);
	return w->n;
}

/* Where the last word of a command of Redis's protocol begins; at is behind its
 * first one, "\r\n$5\r\nalice\r\n$6\r\nsecret". NULL if it is none. */
static const char *
last_word(const char *at)
{
	const char *word = NULL;

	while (strncmp(at, "\r\n$", 3) == 0) {
		at = strstr(at + 2, "\r\n");
		if (at == NULL)
			break;
		word = at + 2;
		at = word + strcspn(word, "\r\n");
	}
	return word;
}

/* The first secret in what a check sends and its length: what stands behind a
 * word that announces one. NULL if there is none. */
static const char *
find_secret(const char *text, size_t *len)
{
	static const struct {
		const char *word, *end;
	} words[] = {{"auth ", "\r\n"}, {"pass ", "\r\n"}, {"login ", "\r\n"},
	    {"authorization: ", "\r\n"}, {"cookie: ", "\r\n"},
	    {"token: ", "\r\n"}, {"key: ", "\r\n"}, {"password=", "& \r\n"},
	    {"token=", "& \r\n"}};
	const char *first = NULL, *at;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		at = strcasestr(text, words[i].word);
		if (at == NULL || (first != NULL && at > first))
			continue;
		first = at + strlen(words[i].word);
		*len = strcspn(first, words[i].end);
	}
	if (first == NULL && (at = strcasestr(text, "\r\nauth\r\n$")) != NULL) {
		first = last_word(at + strlen("\r\nauth"));
		*len = first == NULL ? 0 : strcspn(first, "\r\n");
	}
	return first == NULL || *len == 0 ? NULL : first;
}

/* Write some words as the tokenizer takes them. */
static void
write_words(struct writer *w, const char *const *words, size_t n)
{
	char *text = cfg_words_quote(words, n);

	fputs(text, w->f);
	free_secret(text);
}

/* Write len bytes of a text so that they are part of a word. */
static void
write_part(struct writer *w, const char *text, size_t len)
{
	char *part = strndup(text, len);
	const char *word = part;

	if (part == NULL)
		fatal("out of memory");
	if (len > 0)
		write_words(w, &word, 1);
	free_secret(part);
}

/* What a step sends, free_secret() it; NULL if it does not, or that is no text.
 */
static char *
sent_text(const struct conf_step *step)
{
	if (step->kind != STEP_SEND ||
	    memchr(step->bytes, '\0', step->length) != NULL)
		return NULL;
	return strndup((const char *)step->bytes, step->length);
}

/* Write what a step sends as one word, with variables for its secrets. */
static void
write_sent(struct writer *w, const char *text)
{
	const char *secret;
	size_t len;

	while ((secret = find_secret(text, &len)) != NULL) {
		write_part(w, text, (size_t)(secret - text));
		fprintf(
		    w->f, "\"${" VARIABLE "%zu}\"", number_of(w, secret, len));
		text = secret + len;
	}
	write_part(w, text, strlen(text));
}

/* Write the value of check-step: a secret that it sends is a variable's. */
static void
write_step(struct writer *w, const char *value)
{
	struct conf_step step = {0};
	char error[128], *text = NULL;
	const char *comment[2] = {"comment"};
	size_t len;

	if (step_parse(value, &step, error, sizeof(error)) == 0)
		text = sent_text(&step);
	if (text == NULL || find_secret(text, &len) == NULL) {
		fprintf(w->f, "check-step = %s\n", value);
	} else {
		fprintf(
		    w->f, "check-step = %s ", step.format ? "send-lf" : "send");
		write_sent(w, text);
		if ((comment[1] = step.comment) != NULL) {
			putc(' ', w->f);
			write_words(w, comment, 2);
		}
		putc('\n', w->f);
	}
	free_secret(text);
	step_clear(&step);
}

/* Write one line of text: what cannot be in a line is a blank. */
static void
write_text(FILE *f, const char *text)
{
	for (; *text != '\0'; text++)
		putc(iscntrl((unsigned char)*text) ? ' ' : *text, f);
	putc('\n', f);
}

/* Write one setting. */
static void
write_setting(struct writer *w, const struct ini_setting *set)
{
	const char *key = set->key->name;

	if (set->key->secret) {
		fprintf(w->f, "%s-env = " VARIABLE "%zu\n", key,
		    number_of(w, set->value, strlen(set->value)));
	} else if (strcmp(key, "check-step") == 0) {
		write_step(w, set->value);
	} else {
		fprintf(w->f, "%s = ", key);
		write_text(w->f, set->value);
	}
}

/* Write one section. */
static void
write_section(struct writer *w, const struct ini_section *s)
{
	size_t i;

	fprintf(w->f, "\n[%s%s%s]\n", key_section_words[s->kind],
	    *s->name == '\0' ? "" : " ", s->name);
	for (i = 0; i < s->nsettings; i++)
		write_setting(w, &s->settings[i]);
}

/* Write what there is to say before the sections. */
static void
write_comments(FILE *f, const struct writer *w, const struct conf_problems *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		fputs("# ", f);
		write_text(f, p->list[i].text);
	}
	if (w->n > 0)
		fprintf(f,
		    "# Secrets are not written: set " VARIABLE "1%s in the "
		    "environment, or write\n"
		    "# password-file = or password = in the place of "
		    "password-env.\n",
		    w->n > 1 ? " and so on" : "");
}

void
to_ini(FILE *f, const struct ini *doc, const struct conf_problems *p)
{
	struct writer w = {.f = NULL};
	char *body = NULL;
	size_t size, i;

	w.f = open_memstream(&body, &size);
	if (w.f == NULL)
		fatal("out of memory");
	for (i = 0; i < doc->nsections; i++)
		write_section(&w, &doc->sections[i]);
	if (fclose(w.f) != 0)
		fatal("out of memory");
	fprintf(f, "# Made of %s by roleproxy --to-ini.\n",
	    doc->nsections == 0 ? "nothing" : doc->sections[0].file);
	write_comments(f, &w, p);
	fputs(body, f);
	free(body);
	for (i = 0; i < w.n; i++)
		free_secret(w.secret[i]);
	free(w.secret);
}
