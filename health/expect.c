/*
 * What a script makes of an answer. A match waits for as much as may come,
 * unless it names a minimum: then the first look decides.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/pattern.h"
#include "health/expect.h"

#define PASSED     "(tcp-check)"
#define STATUS_MIN 12 /* bytes of "HTTP/1.1 200" */

bool
expect_is_http(const struct conf_step *steps, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (steps[i].kind == STEP_EXPECT &&
		    steps[i].match >= MATCH_STATUS)
			return true;
	}
	return false;
}

/* Write bytes in characters that a log may have. */
static void
write_clean(FILE *f, const void *bytes, size_t length)
{
	const unsigned char *p = bytes, *end = p + length;

	for (; p < end; p++) {
		if (*p >= 0x20 && *p < 0x7f)
			putc(*p, f);
		else
			fprintf(f, "<%02X>", *p);
	}
}

/* Begin to write the words of an observation; close_words() when done. */
static FILE *
open_words(struct observation *o)
{
	FILE *f;

	memset(o->detail, 0, sizeof(o->detail));
	f = fmemopen(o->detail, sizeof(o->detail), "w");
	if (f == NULL)
		fatal("out of memory");
	setbuf(f, NULL);
	return f;
}

/* The comment of the step: its own, or that of a step of its own before it;
 * NULL none. */
static const char *
comment_of(const struct expect *e)
{
	if (e->at >= e->n)
		return NULL;
	if (e->steps[e->at].comment != NULL)
		return e->steps[e->at].comment;
	if (e->at > 0 && e->steps[e->at - 1].kind == STEP_COMMENT)
		return e->steps[e->at - 1].comment;
	return NULL;
}

/* What the step does, in brackets. */
static void
write_action(FILE *f, const struct conf_step *s)
{
	if (s->kind == STEP_CONNECT && s->port != 0)
		fprintf(f, " (connect port %u)", s->port);
	else if (s->kind == STEP_CONNECT)
		fputs(" (connect)", f);
	else if (s->kind == STEP_SEND)
		fputs(" (send)", f);
	else if (s->kind != STEP_EXPECT)
		return;
	else if (s->format)
		fputs(" (expect log-format string)", f);
	else if (s->match == MATCH_REGEX)
		fputs(" (expect regex)", f);
	else if (s->match == MATCH_RBINARY)
		fputs(" (expect binary regex)", f);
	else {
		fprintf(f, " (expect %s '",
		    s->match == MATCH_BINARY ? "binary" : "string");
		/* There they end at their first NUL. */
		write_clean(f, s->bytes, strnlen((char *)s->bytes, s->length));
		fputs("')", f);
	}
}

void
expect_explain(const struct expect *e, bool started, const char *what,
    struct observation *o)
{
	const char *comment = comment_of(e);
	FILE *f = open_words(o);

	fputs(what, f);
	if (e->http) {
		fclose(f);
		return;
	}
	if (!started) {
		fputs(" at initial connection step of tcp-check", f);
	} else {
		fprintf(f, " at step %zu of tcp-check", e->at + 1);
		if (e->at < e->n)
			write_action(f, &e->steps[e->at]);
		if (comment != NULL)
			fprintf(f, " comment: '%s'", comment);
	}
	fclose(f);
}

/* End a match that has failed. */
static enum expect_verdict
fail(FILE *f, const struct expect *e)
{
	if (!e->http)
		fprintf(f, " at step %zu", e->at + 1);
	if (comment_of(e) != NULL)
		fprintf(f, " comment: %s", comment_of(e));
	fclose(f);
	return EXPECT_FAILED;
}

/* The answer does not match, or does where it must not. */
static enum expect_verdict
mismatch(const struct expect *e, struct observation *o)
{
	static const char *const kinds[] = {[MATCH_REGEX] = " (regex)",
	    [MATCH_BINARY] = " (binary)",
	    [MATCH_RBINARY] = " (binary regex)"};
	const struct conf_step *s = &e->steps[e->at];
	FILE *f = open_words(o);

	o->status = HCHK_L7RSP;
	if (e->http) {
		fputs(s->negate ? "HTTP check matched unwanted content"
				: "HTTP content check did not match",
		    f);
		return fail(f, e);
	}
	fputs(s->negate ? "TCPCHK matched unwanted content"
			: "TCPCHK did not match content",
	    f);
	if (s->format) {
		fputs(" (log-format string)", f);
	} else if (s->match == MATCH_STRING) {
		fputs(" '", f);
		write_clean(f, s->bytes, s->length);
		putc('\'', f);
	} else {
		fputs(kinds[s->match], f);
	}
	return fail(f, e);
}

/* Is the pattern somewhere in the bytes, written in hexadecimal? */
static bool
is_in_hex(const struct pattern *p, const unsigned char *bytes, size_t length)
{
	static const char digits[] = "0123456789ABCDEF";
	char *hex = xcalloc(2, length + 1);
	size_t i;
	bool found;

	for (i = 0; i < length; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	found = pattern_found(p, hex, 2 * length);
	free(hex);
	return found;
}

/* Where the body of an answer of HTTP begins; NULL: not yet there. */
static const unsigned char *
body_of(const struct expect *e)
{
	const unsigned char *crlf = memmem(e->bytes, e->length, "\r\n\r\n", 4);
	const unsigned char *lf = memmem(e->bytes, e->length, "\n\n", 2);

	if (crlf != NULL && (lf == NULL || crlf < lf))
		return crlf + 4;
	return lf == NULL ? NULL : lf + 2;
}

/* Does the answer match, whether that is wanted or not? */
static bool
matches(const struct expect *e)
{
	const struct conf_step *s = &e->steps[e->at];
	const unsigned char *bytes = e->bytes;
	size_t length = e->length;

	if (e->http) {
		bytes = body_of(e);
		if (bytes == NULL)
			return false;
		length -= (size_t)(bytes - e->bytes);
	}
	if (s->match == MATCH_REGEX)
		return pattern_found(s->pattern, bytes, length);
	if (s->match == MATCH_RBINARY)
		return is_in_hex(s->pattern, bytes, length);
	return memmem(bytes, length, s->bytes, s->length) != NULL;
}

/* Does it begin as an answer of HTTP/1 does, as far as it goes? */
static bool
begins_http(const struct expect *e)
{
	const char *line = "HTTP/1.# ###";
	size_t i;

	for (i = 0; i < e->length && i < STATUS_MIN; i++) {
		if (line[i] == '#' ? !isdigit(e->bytes[i])
				   : e->bytes[i] != (unsigned char)line[i])
			return false;
	}
	return true;
}

/* The status of HTTP, once all of its head is there. */
static enum expect_verdict
judge_status(const struct expect *e, struct observation *o)
{
	const struct conf_step *s = &e->steps[e->at];
	const char *reason = (const char *)e->bytes + STATUS_MIN;
	const char *code = reason - 3;
	bool found, head = body_of(e) != NULL;
	FILE *f;

	if (!begins_http(e) || (e->last && !head)) {
		o->status = HCHK_L7RSP;
		o->detail[0] = '\0';
		return EXPECT_FAILED;
	}
	if (!head)
		return EXPECT_MORE;
	o->code = atoi(code);
	found = s->match == MATCH_STATUS ? step_has_status(s, o->code)
					 : pattern_found(s->pattern, code, 3);
	if (found != s->negate)
		return EXPECT_PASSED;
	o->status = HCHK_L7STS;
	f = open_words(o);
	if (*reason == ' ')
		reason++;
	write_clean(f, reason, strcspn(reason, "\r\n"));
	return fail(f, e);
}

/* Nothing was answered, and will be. */
static enum expect_verdict
empty(const struct expect *e, struct observation *o)
{
	FILE *f = open_words(o);

	o->status = HCHK_L7RSP;
	if (!e->http) {
		fprintf(
		    f, "TCPCHK got an empty response at step %zu", e->at + 1);
		if (comment_of(e) != NULL)
			fprintf(f, " comment: '%s'", comment_of(e));
	}
	fclose(f);
	return EXPECT_FAILED;
}

/* So much must have come before it is looked at. */
static size_t
least(const struct conf_step *s)
{
	size_t bytes = s->min_recv > 0 ? (size_t)s->min_recv : 0;

	if ((s->match == MATCH_STRING || s->match == MATCH_BINARY) &&
	    s->length > bytes)
		return s->length;
	return bytes;
}

enum expect_verdict
expect_judge(const struct expect *e, struct observation *o)
{
	const struct conf_step *s = &e->steps[e->at];
	bool found;

	if (e->length == 0)
		return e->last ? empty(e, o) : EXPECT_MORE;
	if (s->match >= MATCH_STATUS)
		return judge_status(e, o);
	if (!e->last && e->length < least(s))
		return EXPECT_MORE;
	found = matches(e);
	if (!found && !e->last && s->min_recv < 0)
		return EXPECT_MORE;
	return found != s->negate ? EXPECT_PASSED : mismatch(e, o);
}

size_t
expect_again(const struct expect *e)
{
	size_t i, again = e->at;

	for (i = e->at; i > 0; i--) {
		const struct conf_step *s = &e->steps[i - 1];

		if (s->kind == STEP_EXPECT && s->negate)
			again = i - 1;
		else if (s->kind != STEP_EXPECT && s->kind != STEP_COMMENT)
			break;
	}
	return again;
}

void
expect_pass(const struct expect *e, struct observation *o)
{
	const struct conf_step *s = NULL;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (e->steps[i].kind != STEP_COMMENT)
			s = &e->steps[i];
	}
	o->status =
	    s == NULL || s->kind == STEP_CONNECT ? HCHK_L4OK : HCHK_L7OK;
	snprintf(o->detail, sizeof(o->detail), "%s",
	    s == NULL || e->http ? "" : PASSED);
}
