/*
 * The steps of a check that is a script, as text and back.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/pattern.h"
#include "conf/cfg_words.h"
#include "conf/format.h"
#include "conf/step.h"

/* The reading of one step. */
struct reader {
	char **word; /* the next one; NULL ends them */
	struct conf_step *step;
	bool matches; /* what it expects has been said */
	char *error;
	size_t size;
};

/* What HAProxy knows and we do not do. */
static const char *const unsupported[] = {"alpn", "error-status", "lf",
    "ok-status", "on-error", "on-success", "proto", "send-binary-lf", "set-var",
    "set-var-fmt", "sni", "ssl", "status-code", "binary-lf", "hdr", "fhdr",
    "tout-status", "unset-var", "via-socks4", NULL};

#define STRING_LF "string-lf"
static const char *const match_words[] = {
    "string", "rstring", "binary", "rbinary", "status", "rstatus", NULL};

/* Say what is wrong. Returns -1. */
static int __attribute__((format(printf, 2, 3)))
refuse(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->error, r->size, fmt, ap);
	va_end(ap);
	return -1;
}

/* The index of a word, -1 if it is not in the list. */
static int
find(const char *const *list, const char *word)
{
	int i;

	for (i = 0; list[i] != NULL; i++) {
		if (strcmp(list[i], word) == 0)
			return i;
	}
	return -1;
}

/* Refuse the word that is next. */
static int
refuse_word(struct reader *r, const char *step)
{
	if (find(unsupported, *r->word) >= 0)
		return refuse(
		    r, "'%s' of HAProxy's checks is not supported", *r->word);
	return refuse(r, "'%.40s' is no word of '%s'", *r->word, step);
}

/* Take the word if it is next, and what follows it into value. 0 if it is not,
 * 1 if it was, -1 if nothing follows. */
static int
take(struct reader *r, const char *word, const char **value)
{
	if (*r->word == NULL || strcmp(*r->word, word) != 0)
		return 0;
	if (r->word[1] == NULL)
		return refuse(r, "'%s' needs a value", word);
	*value = r->word[1];
	r->word += 2;
	return 1;
}

/* Take a comment if that is next: 1, 0 if not, -1 if it is wrong. */
static int
take_comment(struct reader *r)
{
	const char *value = NULL;
	int taken = take(r, "comment", &value);

	if (taken == 1) {
		free(r->step->comment);
		r->step->comment = xstrdup(value);
	}
	return taken;
}

/* A whole number of min to max. */
static int
read_number(
    struct reader *r, const char *text, long min, long max, long *number)
{
	char *end;

	*number = strtol(text, &end, 10);
	if (!isdigit((unsigned char)text[*text == '-']) || *end != '\0' ||
	    *number < min || *number > max)
		return refuse(
		    r, "'%.20s' is no number of %ld to %ld", text, min, max);
	return 0;
}

/* connect [port N] [addr A] [linger] [send-proxy] [default] [comment C] */
static int
read_connect(struct reader *r)
{
	struct conf_step *s = r->step;
	const char *value;
	long number;
	int taken;

	while (*r->word != NULL) {
		if ((taken = take(r, "port", &value)) == 1) {
			if (read_number(r, value, 1, 65535, &number) != 0)
				return -1;
			s->port = (uint16_t)number;
		} else if (taken == 0 &&
			   (taken = take(r, "addr", &value)) == 1) {
			if (!addr_is_host(value))
				return refuse(r, "'%.40s' is no host", value);
			free(s->host);
			s->host = xstrdup(value);
		} else if (taken == 0) {
			taken = take_comment(r);
		}
		if (taken < 0)
			return -1;
		if (taken == 1)
			continue;
		if (strcmp(*r->word, "linger") == 0)
			s->linger = true;
		else if (strcmp(*r->word, "default") == 0)
			s->usual = true;
		else if (strcmp(*r->word, "send-proxy") == 0)
			s->header = true;
		else
			return refuse_word(r, "connect");
		r->word++;
	}
	return 0;
}

/* Keep these bytes. */
static void
set_bytes(struct conf_step *s, const void *bytes, size_t length)
{
	s->bytes = xcalloc(1, length + 1);
	memcpy(s->bytes, bytes, length);
	s->length = length;
}

/* Pairs of hexadecimal digits. */
static int
read_hex(struct reader *r, const char *text)
{
	size_t i, length = strlen(text);
	unsigned byte;

	if (length % 2 != 0)
		return refuse(r, "an odd number of hexadecimal digits");
	if (strspn(text, "0123456789abcdefABCDEF") != length)
		return refuse(r, "not all of it are hexadecimal digits");
	set_bytes(r->step, text, length / 2);
	for (i = 0; i < length; i += 2) {
		sscanf(text + i, "%2x", &byte);
		r->step->bytes[i / 2] = (unsigned char)byte;
	}
	return 0;
}

/* A text that is a log-format. */
static int
read_format(struct reader *r, const char *text)
{
	if (format_check(text, r->error, r->size) != 0)
		return -1;
	r->step->format = true;
	set_bytes(r->step, text, strlen(text));
	return 0;
}

/* The ways to say what is sent. */
enum send { SEND_TEXT, SEND_BINARY, SEND_FORMAT };
static const char *const send_words[] = {
    "send", "send-binary", "send-lf", NULL};

/* send DATA [comment C]; of what is wrong nothing is shown: DATA may be a
 * password. */
static int
read_send(struct reader *r, enum send how)
{
	const char *what = send_words[how];

	if (*r->word == NULL)
		return refuse(r, "'%s' needs what to send", what);
	if (how == SEND_TEXT)
		set_bytes(r->step, *r->word, strlen(*r->word));
	else if (how == SEND_BINARY && read_hex(r, *r->word) != 0)
		return -1;
	else if (how == SEND_FORMAT && read_format(r, *r->word) != 0)
		return -1;
	r->word++;
	if (take_comment(r) < 0)
		return -1;
	if (*r->word != NULL)
		return refuse(r,
		    "'%s' takes one word and a comment: a blank in it is "
		    "written '\\ '",
		    what);
	return 0;
}

/* One code or a range into from and to; what is behind it, NULL if wrong. */
static const char *
read_range(const char *text, int *from, int *to)
{
	int n = 0;

	if (sscanf(text, "%3d%n", from, &n) != 1 || n != 3 || *from < 100)
		return NULL;
	text += n;
	*to = *from;
	if (*text == '-') {
		if (sscanf(text, "-%3d%n", to, &n) != 1 || n != 4 ||
		    *to < *from)
			return NULL;
		text += n;
	}
	if (*text == ',' && text[1] != '\0')
		return text + 1;
	return *text == '\0' ? text : NULL;
}

bool
step_has_status(const struct conf_step *step, int code)
{
	const char *at = (const char *)step->bytes;
	int from, to;

	while (at != NULL && *at != '\0') {
		at = read_range(at, &from, &to);
		if (at != NULL && code >= from && code <= to)
			return true;
	}
	return false;
}

/* Codes and ranges of them, between commas. */
static int
read_status(struct reader *r, const char *text)
{
	const char *at = text;
	int from, to;

	while (at != NULL && *at != '\0')
		at = read_range(at, &from, &to);
	if (at == NULL || *text == '\0')
		return refuse(r,
		    "'%.40s' are no status codes, as in 200,204,300-399", text);
	set_bytes(r->step, text, strlen(text));
	return 0;
}

/* What is to be found, as the match has it, which is called word. */
static int
read_match(struct reader *r, const char *word, const char *text)
{
	struct conf_step *s = r->step;

	if (*text == '\0')
		return refuse(r, "'%s' needs what to expect", word);
	if (strcmp(word, STRING_LF) == 0)
		return read_format(r, text);
	switch (s->match) {
	case MATCH_BINARY:
		return read_hex(r, text);
	case MATCH_STATUS:
		return read_status(r, text);
	case MATCH_REGEX:
	case MATCH_RBINARY:
	case MATCH_RSTATUS:
		s->pattern = pattern_new(text, r->error, r->size);
		if (s->pattern == NULL)
			return -1;
		/* fallthrough */
	default:
		set_bytes(s, text, strlen(text));
		return 0;
	}
}

/* The kind of match that is next, and what it has to find: 1, 0 if it is none,
 * -1 if it is wrong. */
static int
take_match(struct reader *r)
{
	const char *value, *word;
	int match;

	while (**r->word == '!') {
		r->step->negate = !r->step->negate;
		if (*++*r->word == '\0' && *++r->word == NULL)
			return refuse(r, "'!' needs what not to expect");
	}
	word = *r->word;
	match = strcmp(word, STRING_LF) == 0 ? MATCH_STRING
					     : find(match_words, word);
	if (match < 0)
		return 0;
	if (r->matches)
		return refuse(r, "'expect' takes one match");
	r->matches = true;
	r->step->match = (enum conf_match)match;
	if (take(r, word, &value) < 0)
		return -1;
	return read_match(r, word, value) != 0 ? -1 : 1;
}

/* expect [min-recv N] [comment C] [!] MATCH DATA, and the first two also
 * behind it. */
static int
read_expect(struct reader *r)
{
	const char *value;
	long number;
	int taken;

	while (*r->word != NULL) {
		if ((taken = take(r, "min-recv", &value)) == 1) {
			if (read_number(r, value, -1, 1 << 30, &number) != 0)
				return -1;
			r->step->min_recv = (int)number;
		} else if (taken == 0 && (taken = take_comment(r)) == 0) {
			taken = take_match(r);
		}
		if (taken < 0)
			return -1;
		if (taken == 0)
			return refuse_word(r, "expect");
	}
	if (!r->matches)
		return refuse(r,
		    "'expect' needs a match: string, string-lf, rstring, "
		    "binary, rbinary, status or rstatus");
	return 0;
}

/* Read the words of a step. */
static int
read_step(struct reader *r)
{
	struct conf_step *s = r->step;
	const char *kind = *r->word;
	int how;

	if (kind == NULL)
		return refuse(r, "a step is missing");
	if (strcmp(kind, "comment") == 0) {
		s->kind = STEP_COMMENT;
		if (take_comment(r) < 0)
			return -1;
		return *r->word == NULL ? 0 : refuse_word(r, "comment");
	}
	r->word++;
	if (strcmp(kind, "connect") == 0) {
		s->kind = STEP_CONNECT;
		return read_connect(r);
	}
	if ((how = find(send_words, kind)) >= 0) {
		s->kind = STEP_SEND;
		return read_send(r, (enum send)how);
	}
	if (strcmp(kind, "expect") == 0) {
		s->kind = STEP_EXPECT;
		return read_expect(r);
	}
	r->word--;
	if (find(unsupported, kind) >= 0)
		return refuse_word(r, "");
	return refuse(r, "'%.40s' is no step of a check", kind);
}

int
step_parse(const char *text, struct conf_step *step, char *error, size_t size)
{
	struct cfg_words words;
	struct reader r = {
	    .word = words.word, .step = step, .error = error, .size = size};
	int rc;

	memset(step, 0, sizeof(*step));
	step->min_recv = -1;
	if (cfg_words_split(text, NULL, &words) != 0)
		rc = refuse(&r, "%s", words.error);
	else
		rc = read_step(&r);
	cfg_words_wipe(&words);
	if (rc != 0) {
		step_clear(step);
		memset(step, 0, sizeof(*step));
	}
	return rc;
}

/* Write what an expectation looks for, in visible characters. */
static void
write_match(FILE *f, const struct conf_step *step)
{
	size_t i;

	fprintf(f, "expect %s%s ", step->negate ? "! " : "",
	    step->format ? STRING_LF : match_words[step->match]);
	for (i = 0; i < step->length; i++) {
		if (step->match == MATCH_BINARY)
			fprintf(f, "%02x", step->bytes[i]);
		else if (isprint(step->bytes[i]))
			putc(step->bytes[i], f);
		else
			fprintf(f, "\\x%02x", step->bytes[i]);
	}
}

const char *
step_str(const struct conf_step *step, char *text, size_t size)
{
	FILE *f = fmemopen(text, size, "w");

	if (f == NULL)
		fatal("out of memory");
	setbuf(f, NULL);
	if (step->kind == STEP_CONNECT && step->port != 0)
		fprintf(f, "connect port %u", step->port);
	else if (step->kind == STEP_CONNECT)
		fputs("connect", f);
	else if (step->kind == STEP_SEND)
		fputs("send", f);
	else if (step->kind == STEP_COMMENT)
		fprintf(f, "comment %s", step->comment);
	else
		write_match(f, step);
	fclose(f);
	text[size - 1] = '\0';
	return text;
}

void
step_clear(struct conf_step *step)
{
	if (step->bytes != NULL)
		explicit_bzero(step->bytes, step->length);
	free(step->bytes);
	free(step->host);
	free(step->comment);
	pattern_free(step->pattern);
}

struct conf_step
step_copy(const struct conf_step *step)
{
	struct conf_step copy = *step;

	copy.host = xstrdup(step->host);
	copy.comment = xstrdup(step->comment);
	copy.pattern = pattern_copy(step->pattern);
	if (step->bytes != NULL)
		set_bytes(&copy, step->bytes, step->length);
	return copy;
}

struct conf_step
step_expand(const struct conf_step *step, const struct format_names *names)
{
	struct conf_step copy = step_copy(step);
	char *text;

	if (!copy.format)
		return copy;
	text = format_expand((const char *)step->bytes, names);
	free_secret((char *)copy.bytes);
	set_bytes(&copy, text, strlen(text));
	free_secret(text);
	return copy;
}

bool
step_equal(const struct conf_step *a, const struct conf_step *b)
{
	return a->kind == b->kind && a->linger == b->linger &&
	       a->usual == b->usual && a->header == b->header &&
	       a->port == b->port && same_text(a->host, b->host) &&
	       a->match == b->match && a->negate == b->negate &&
	       a->format == b->format && a->min_recv == b->min_recv &&
	       a->length == b->length && same_text(a->comment, b->comment) &&
	       (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}
