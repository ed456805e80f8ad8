/*
 * Understanding scripts that were written for Redis and Sentinel. Whatever is
 * not surely theirs is something else, and runs as it is written.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "conf/script.h"

#define ARGS_MAX    4    /* words of a command */
#define COMMAND_MAX 2048 /* bytes of one */

/* What was asked since the last answer: a bit each. */
enum question { Q_AUTH = 1, Q_PING = 2, Q_INFO = 4, Q_QUIT = 8, Q_MASTER = 16 };

/* The reading of a script. */
struct reading {
	struct script_meaning *m;
	unsigned asked;   /* since the last answer */
	unsigned ever;    /* at all */
	bool answered;    /* the last step was an answer */
	bool role;        /* one is asked for */
	bool replication; /* INFO tells the role */
};

/* One command in words, as Redis cuts an inline one. */
struct command {
	char text[COMMAND_MAX];
	char *arg[ARGS_MAX];
	size_t n;
};

/* The byte that a backslash between double quotes stands for. */
static char
unescape(char c)
{
	static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
	const char *at = strchr(from, c);

	return c == '\0' || at == NULL ? c : to[at - from];
}

/* Cut one word off *in, to *out. -1 if it is not closed. */
static int
cut_word(const char **in, char **out)
{
	const char *p = *in;
	char quote = '\0';

	for (; *p != '\0' && (quote != '\0' || !isspace((unsigned char)*p));
	     p++) {
		if (quote == '\0' && (*p == '"' || *p == '\''))
			quote = *p;
		else if (*p == quote && quote != '\0')
			quote = '\0';
		else if (*p == '\\' && p[1] != '\0' &&
			 (quote == '"' || (quote == '\'' && p[1] == '\'')))
			*(*out)++ = unescape(*++p);
		else
			*(*out)++ = *p;
	}
	*(*out)++ = '\0';
	*in = p;
	return quote == '\0' ? 0 : -1;
}

/* Cut a line, without its end, into the words of a command. -1 if it is none.
 */
static int
cut_command(const char *line, struct command *c)
{
	char *out = c->text;

	c->n = 0;
	for (;;) {
		while (isspace((unsigned char)*line))
			line++;
		if (*line == '\0')
			return c->n == 0 ? -1 : 0;
		if (c->n == ARGS_MAX)
			return -1;
		c->arg[c->n++] = out;
		if (cut_word(&line, &out) != 0)
			return -1;
	}
}

/* Is it this command, with so many words? */
static bool
is_command(const struct command *c, const char *name, size_t n)
{
	return c->n == n && strcasecmp(c->arg[0], name) == 0;
}

/* AUTH [USER] PASSWORD; the same again does no harm. */
static bool
take_auth(struct reading *r, const struct command *c)
{
	char *username = c->n == 3 ? c->arg[1] : NULL;
	char *password = c->arg[c->n - 1];

	if (r->m->password != NULL)
		return same_text(r->m->password, password) &&
		       same_text(r->m->username, username);
	r->m->username = xstrdup(username);
	r->m->password = xstrdup(password);
	return *password != '\0';
}

/* INFO [SECTION]: of those that a server has. */
static bool
take_info(struct reading *r, const struct command *c)
{
	static const char *const sections[] = {
	    "replication", "all", "default", "everything", NULL};
	size_t i;

	if (c->n == 1) {
		r->replication = true;
		return true;
	}
	for (i = 0; sections[i] != NULL; i++)
		r->replication |= strcasecmp(c->arg[1], sections[i]) == 0;
	return strcasecmp(c->arg[1], "sentinel") != 0;
}

/* SENTINEL GET-MASTER-ADDR-BY-NAME or MASTER, and a name. */
static bool
take_sentinel(struct reading *r, const struct command *c)
{
	if (r->m->master_name != NULL ||
	    (strcasecmp(c->arg[1], "get-master-addr-by-name") != 0 &&
		strcasecmp(c->arg[1], "master") != 0))
		return false;
	r->m->master_name = xstrdup(c->arg[2]);
	return true;
}

/* A command that is sent. False if it is not one of those here. */
static bool
take_command(struct reading *r, const struct command *c)
{
	unsigned question = 0;

	if (is_command(c, "AUTH", 2) || is_command(c, "AUTH", 3))
		question = take_auth(r, c) ? Q_AUTH : 0;
	else if (is_command(c, "PING", 1))
		question = Q_PING;
	else if (is_command(c, "INFO", 1) || is_command(c, "INFO", 2))
		question = take_info(r, c) ? Q_INFO : 0;
	else if (is_command(c, "QUIT", 1))
		question = Q_QUIT;
	else if (is_command(c, "SENTINEL", 3))
		question = take_sentinel(r, c) ? Q_MASTER : 0;
	r->asked |= question;
	r->ever |= question;
	return question != 0;
}

/* What is sent: whole lines, each a command. */
static bool
take_send(struct reading *r, const struct conf_step *s)
{
	const char *line = (const char *)s->bytes, *end = line + s->length;
	struct command c;
	char text[COMMAND_MAX];
	bool good = s->length > 0 && end[-1] == '\n' && !s->format &&
		    memchr(line, '\0', s->length) == NULL;

	if (r->answered)
		r->asked = 0;
	r->answered = false;
	while (good && line < end) {
		size_t length = strcspn(line, "\n");

		good = length < sizeof(text);
		if (!good)
			break;
		memcpy(text, line, length);
		text[length] = '\0';
		good = cut_command(text, &c) == 0 && take_command(r, &c);
		line += length + 1;
	}
	explicit_bzero(&c, sizeof(c));
	explicit_bzero(text, sizeof(text));
	return good;
}

/* Name something that will not be looked at. */
static void
leave_out(struct reading *r, const char *what)
{
	char *text = r->m->left_out;
	size_t length = strlen(text);

	snprintf(text + length, sizeof(r->m->left_out) - length, "%s%s",
	    length > 0 ? ", " : "", what);
}

/* What is expected, without the ends of lines around it. */
static void
trim(const struct conf_step *s, char *text, size_t size)
{
	const char *from = (const char *)s->bytes;
	size_t length = s->length;

	while (length > 0 && (*from == '\r' || *from == '\n')) {
		from++;
		length--;
	}
	while (length > 0 &&
	       (from[length - 1] == '\r' || from[length - 1] == '\n'))
		length--;
	if (length >= size)
		length = size - 1;
	memcpy(text, from, length);
	text[length] = '\0';
}

/* Does it want a role? False if it is one that is not known. */
static bool
take_role(struct reading *r, const char *text)
{
	static const struct {
		const char *text;
		enum conf_role role;
	} roles[] = {{"role:master", WANT_PRIMARY},
	    {"role:slave", WANT_REPLICA}, {"role:(master|slave)", WANT_ANY},
	    {"role:(slave|master)", WANT_ANY}};
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(text, roles[i].text) != 0)
			continue;
		if (r->role && r->m->role != roles[i].role)
			return false;
		r->role = true;
		r->m->role = roles[i].role;
		return r->replication;
	}
	return false;
}

/* Is it a field of INFO, as in "loading:0"? */
static bool
is_field(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return length > 0 && text[length] == ':';
}

/* What is expected of INFO: a role, or more. */
static bool
take_field(struct reading *r, const struct conf_step *s, const char *text)
{
	char words[128];

	if (strncmp(text, "role:", 5) == 0)
		return take_role(r, text);
	if (strcmp(text, "# Replication") == 0)
		return true;
	if (!is_field(text))
		return false;
	leave_out(r, step_str(s, words, sizeof(words)));
	return true;
}

/* What is expected of a Sentinel: an address, the only one. */
static bool
take_address(struct reading *r, const struct conf_step *s, const char *text)
{
	char address[256], *out = address;

	if (r->m->address != NULL || strlen(text) >= sizeof(address))
		return false;
	for (; *text != '\0'; text++) {
		if (s->match == MATCH_REGEX && *text == '\\' && text[1] == '.')
			continue;
		if (!isalnum((unsigned char)*text) &&
		    strchr(".:-_", *text) == NULL)
			return false;
		*out++ = *text;
	}
	*out = '\0';
	r->m->address = xstrdup(address);
	return out > address;
}

/* What is expected: an answer to what was asked. */
static bool
take_expect(struct reading *r, const struct conf_step *s)
{
	char text[256];

	r->answered = true;
	if (s->negate || s->format ||
	    (s->match != MATCH_STRING && s->match != MATCH_REGEX))
		return false;
	trim(s, text, sizeof(text));
	if (text[0] == '\0' || r->asked == 0)
		return false;
	if (s->min_recv > 0)
		leave_out(r, "min-recv");
	if ((r->asked & (Q_AUTH | Q_QUIT)) != 0 &&
	    (strstr("+OK", text) != NULL || strcmp(text, "\\+OK") == 0))
		return true;
	if ((r->asked & Q_PING) != 0 &&
	    (strstr("+PONG", text) != NULL || strcmp(text, "\\+PONG") == 0))
		return true;
	if ((r->asked & Q_INFO) != 0)
		return take_field(r, s, text);
	return (r->asked & Q_MASTER) != 0 && take_address(r, s, text);
}

/* One step. False if the script is something else. */
static bool
take_step(struct reading *r, const struct conf_step *s, bool first)
{
	switch (s->kind) {
	case STEP_CONNECT:
		return first && s->port == 0 && s->host == NULL;
	case STEP_SEND:
		return take_send(r, s);
	case STEP_EXPECT:
		return take_expect(r, s);
	case STEP_COMMENT:
		break;
	}
	return true;
}

/* What the steps together are. */
static bool
conclude(struct reading *r)
{
	struct script_meaning *m = r->m;

	if ((r->ever & Q_MASTER) != 0) {
		m->kind = SCRIPT_SENTINEL;
		return m->address != NULL && (r->ever & Q_INFO) == 0;
	}
	m->kind = SCRIPT_REDIS;
	/* Fields alone do not make a role. */
	return (r->ever & (Q_PING | Q_INFO)) != 0 &&
	       (m->left_out[0] == '\0' || (r->role && m->role != WANT_ANY));
}

void
script_understand(
    const struct conf_step *steps, size_t n, struct script_meaning *out)
{
	struct reading r = {.m = out};
	bool good = true, first = true;
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < n && good; i++) {
		good = take_step(&r, &steps[i], first);
		first &= steps[i].kind == STEP_COMMENT;
	}
	if (good && conclude(&r))
		return;
	script_meaning_clear(out);
}

void
script_meaning_clear(struct script_meaning *m)
{
	free(m->username);
	free_secret(m->password);
	free(m->master_name);
	free(m->address);
	memset(m, 0, sizeof(*m));
}
