/*
 * One step of a check that is a script: HAProxy's tcp-check and http-check
 * rules ("tcp-check" in its configuration manual, 2.6).
 */
#ifndef CONF_STEP_H
#define CONF_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct format_names;
struct pattern;

enum conf_step_kind {
	STEP_CONNECT, /* a connection of its own, to `port` */
	STEP_SEND,    /* the bytes */
	STEP_EXPECT,  /* an answer that matches, or does not */
	STEP_COMMENT  /* only words: the comment of the next step */
};

enum conf_match {
	MATCH_STRING,  /* the bytes are somewhere in the answer */
	MATCH_REGEX,   /* a Perl-compatible regular expression */
	MATCH_BINARY,  /* as a string, given in hexadecimal */
	MATCH_RBINARY, /* a regular expression on the answer in hexadecimal */
	MATCH_STATUS,  /* a status line of HTTP/1 with one of these codes */
	MATCH_RSTATUS  /* a regular expression on that code */
};

struct conf_step {
	enum conf_step_kind kind;
	bool linger;   /* STEP_CONNECT: close it with a FIN, not a reset */
	bool usual;    /* STEP_CONNECT: as the server says, "default" */
	bool header;   /* STEP_CONNECT: begin with a PROXY header */
	uint16_t port; /* STEP_CONNECT: 0 the server's */
	char *host; /* STEP_CONNECT: a name or an address; NULL the server's */
	enum conf_match match;
	bool negate;          /* the answer must not match */
	bool format;          /* the bytes are a log-format, or come of one */
	unsigned char *bytes; /* to send or to find; may hold a password */
	size_t length;
	struct pattern *pattern; /* of a regular expression */
	int min_recv;  /* bytes before it is looked at, and then only once; -1:
			* as soon and as often as any come */
	char *comment; /* NULL none */
	unsigned line; /* in conf.path */
};

/* The step that text says, in the words of HAProxy's tcp-check: "connect",
 * "send PING\r\n", "expect ! string role:slave"; or of its http-check: "expect
 * status 200-399". -1 with what is wrong in error, of size bytes, without what
 * is sent. It owns what it points to. */
int step_parse(
    const char *text, struct conf_step *step, char *error, size_t size);

/* The step in words for messages, without what is sent: "send", "expect string
 * +PONG". Returns text, of size bytes. */
const char *step_str(const struct conf_step *step, char *text, size_t size);

/* Is it one of the codes of MATCH_STATUS? */
bool step_has_status(const struct conf_step *step, int code);

/* Free what it owns; what it sends is wiped. */
void step_clear(struct conf_step *step);

/* A copy that owns what it holds. */
struct conf_step step_copy(const struct conf_step *step);

/* A copy in which a log-format is what it comes to for these names. */
struct conf_step step_expand(
    const struct conf_step *step, const struct format_names *names);

/* Do they check the same, in the same words? */
bool step_equal(const struct conf_step *a, const struct conf_step *b);

#endif
