/*
 * haproxy.cfg: tcp-check and http-check. What they say becomes steps, as
 * check-step takes them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/cfg_reader.h"
#include "conf/cfg_write.h"
#include "conf/format.h"
#include "conf/script.h"

/* The steps of the defaults hold no more: the section has its own. */
static void
begin_steps(struct cfg_proxy *x)
{
	if (x->own_steps)
		return;
	x->steps = (struct cfg_list){NULL, NULL, 0};
	x->own_steps = true;
	x->sends = x->expects = false;
}

/* Append a step; false with an error if it is none. */
static bool
add_step(struct cfg *c, char **w, const char *what)
{
	struct cfg_proxy *x = c->proxy;
	char error[256], *text;
	struct conf_step step;
	size_t n = 0;

	while (w[n] != NULL)
		n++;
	text = cfg_words_quote((const char *const *)w, n);
	if (step_parse(text, &step, error, sizeof(error)) != 0) {
		cfg_error(c, "'%s': %s", what, error);
		free_secret(text);
		return false;
	}
	step_clear(&step);
	begin_steps(x);
	cfg_list_add(c, &x->steps, text);
	free_secret(text);
	return true;
}

/* tcp-check connect|send|send-binary|send-lf|expect|comment ... */
void
cfg_check_rule(struct cfg *c, char **w)
{
	if (w[1] == NULL)
		cfg_error(c, "'tcp-check' expects connect, send, send-binary, "
			     "send-lf, expect or comment");
	else
		(void)add_step(c, w + 1, "tcp-check");
}

/* Which of a request's texts a word of http-check send is followed by, NULL
 * none; *format: it is a log-format. */
static const char **
find_field(struct cfg_request *r, const char *word, bool *format)
{
	const struct {
		const char *word;
		bool format;
		const char **field;
	} fields[] = {{"meth", false, &r->method}, {"uri", false, &r->uri},
	    {"uri-lf", true, &r->uri}, {"ver", false, &r->version},
	    {"body", false, &r->body}, {"body-lf", true, &r->body}};
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(fields[i].word, word) != 0)
			continue;
		*format = fields[i].format;
		return fields[i].field;
	}
	return NULL;
}

/* A text that a check says, as a log-format, which it is or is made; what it is
 * is said in an error, which returns NULL. */
static const char *
said_text(struct cfg *c, const char *what, const char *text, bool format)
{
	char error[256];

	if (!format)
		return cfg_escape(c, text);
	if (format_check(text, error, sizeof(error)) == 0)
		return cfg_keep(c, text);
	cfg_error(c, "'http-check send': '%s': %s", what, error);
	return NULL;
}

/* Read meth M, uri U, uri-lf U, ver V, hdr N V, body B, body-lf B into a
 * request; false with an error. */
static bool
read_request(struct cfg *c, char **w, struct cfg_request *r)
{
	const char **field, *text;
	bool format;

	for (; w[0] != NULL; w += 2) {
		field = find_field(r, w[0], &format);
		if (w[1] == NULL ||
		    (strcmp(w[0], "hdr") == 0 && w[2] == NULL)) {
			cfg_error(c,
			    "'http-check send': '%.40s' lacks its value", w[0]);
			return false;
		}
		if (field != NULL) {
			*field = said_text(c, w[0], w[1], format);
			if (*field == NULL)
				return false;
		} else if (strcmp(w[0], "hdr") == 0) {
			text = said_text(c, w[0], w[2], true);
			if (text == NULL)
				return false;
			cfg_list_add(c, &r->headers,
			    cfg_format(c, "%s: %s", cfg_escape(c, w[1]), text));
			w++;
		} else if (strcmp(w[0], "comment") != 0) {
			cfg_error(c,
			    "'http-check send': '%.40s' is not possible here: "
			    "meth, uri, uri-lf, ver, hdr, body and body-lf are",
			    w[0]);
			return false;
		}
	}
	return true;
}

/* The line that says how long the body is. */
static char *
length_line(struct cfg *c, const char *body)
{
	char *text, *line;

	if (format_varies(body))
		return cfg_keep(c, "content-length: %[req.body_len]\r\n");
	text = format_expand(body, NULL);
	line = cfg_format(c, "content-length: %zu\r\n", strlen(text));
	free_secret(text);
	return line;
}

/* The request as a log-format, in HTTP/1.0 with no header unless some are
 * given. */
static char *
request_text(struct cfg *c, const struct cfg_request *r)
{
	const char *version = r->version == NULL ? "HTTP/1.0" : r->version;
	const struct cfg_item *i;
	char *text = cfg_format(c, "%s %s %s\r\n",
	    r->method == NULL ? "OPTIONS" : r->method,
	    r->uri == NULL ? "/" : r->uri, version);

	for (i = r->headers.first; i != NULL; i = i->next)
		text = cfg_format(c, "%s%s\r\n", text, i->v.text);
	if (r->body != NULL)
		text = cfg_format(c, "%s%s", text, length_line(c, r->body));
	if (strncmp(version, "HTTP/1.1", 8) == 0)
		text = cfg_format(c, "%sconnection: close\r\n", text);
	return cfg_format(c, "%s\r\n%s", text, r->body == NULL ? "" : r->body);
}

/* A request as check-step takes it: a log-format only where it has to be. */
static char *
request_step(struct cfg *c, const struct cfg_request *r)
{
	const char *format = request_text(c, r);
	char *plain =
	    format_varies(format) ? NULL : format_expand(format, NULL);
	const char *words[] = {
	    plain == NULL ? "send-lf" : "send", plain == NULL ? format : plain};
	char *text = cfg_words_quote(words, 2), *kept = cfg_keep(c, text);

	free_secret(plain);
	free_secret(text);
	return kept;
}

/* http-check send ...: the first completes what option httpchk says, wherever
 * that stands. */
static void
http_send(struct cfg *c, char **w)
{
	struct cfg_request more = {.method = NULL}, *r = &more;
	struct cfg_proxy *x = c->proxy;

	begin_steps(x);
	if (!x->sends)
		r = &x->request;
	if (!read_request(c, w, r))
		return;
	cfg_list_add(c, &x->steps, x->sends ? request_step(c, r) : "");
	x->sends = true;
}

/* http-check send|expect|connect|comment ... */
void
cfg_http_check(struct cfg *c, char **w)
{
	const char *word = w[1] == NULL ? "" : w[1];

	if (strcmp(word, "send") == 0)
		http_send(c, w + 2);
	else if (strcmp(word, "expect") == 0)
		c->proxy->expects |= add_step(c, w + 1, "http-check");
	else if (strcmp(word, "connect") == 0 || strcmp(word, "comment") == 0)
		(void)add_step(c, w + 1, "http-check");
	else if (*word == '\0')
		cfg_error(c, "'http-check' expects send, expect, connect or "
			     "comment");
	else if (strcmp(word, "disable-on-404") == 0)
		cfg_error(c,
		    "'http-check disable-on-404' is not possible here: expect "
		    "the status that a server has while it serves");
	else if (strcmp(word, "send-state") == 0)
		cfg_warn(c, "'http-check %s' is left out", word);
	else
		cfg_error(c,
		    "'http-check %.40s' is not possible here: send, expect, "
		    "connect and comment are",
		    word);
}

/* Complete the steps of option httpchk: the request before the first that
 * expects, and what is good. */
static void
complete_http(struct cfg *c, struct cfg_proxy *x)
{
	struct cfg_list steps = {NULL, NULL, 0};
	char *request = request_step(c, &x->request);
	const struct cfg_item *i;
	bool sent = false, status = false, expect;

	for (i = x->steps.first; i != NULL; i = i->next) {
		c->place.line = i->v.line;
		expect = strncmp(i->v.text, "expect", 6) == 0;
		if (*i->v.text == '\0' || (!sent && !x->sends && expect)) {
			cfg_list_add(c, &steps, request);
			sent = true;
			status = false;
		}
		/* Whatever the status: that makes it HTTP, with a body. */
		if (expect && !status && strstr(i->v.text, "status") == NULL)
			cfg_list_add(c, &steps, "expect status 100-599");
		status |= expect;
		if (*i->v.text != '\0')
			cfg_list_add(c, &steps, i->v.text);
	}
	c->place.line = x->check_line;
	if (!sent && !x->sends)
		cfg_list_add(c, &steps, request);
	if (!x->expects)
		cfg_list_add(c, &steps, "expect status 200-399");
	x->steps = steps;
}

/* A step that sends a PROXY header means that the check of Redis does. */
static void
send_header(struct cfg_proxy *x, const struct conf_step *step)
{
	struct cfg_server *s;

	for (s = x->servers; s != NULL && step->header; s = s->next)
		s->check_header = true;
}

/* Read the steps once more, to see what they want to know. */
static void
understand(struct cfg *c, struct cfg_proxy *x)
{
	struct conf_step *steps = xcalloc(x->steps.n + 1, sizeof(*steps));
	struct script_meaning m;
	const struct cfg_item *i;
	char error[256];
	size_t n = 0, k;

	for (i = x->steps.first; i != NULL; i = i->next) {
		if (step_parse(i->v.text, &steps[n], error, sizeof(error)) == 0)
			n++;
	}
	script_understand(steps, n, &m);
	if (m.password != NULL)
		x->password = cfg_keep(c, m.password);
	if (m.username != NULL)
		x->username = cfg_keep(c, m.username);
	/* Whose role does not matter is asked what the script asks: who answers
	 * need not be Redis, or may be one of several primaries. */
	if (m.kind == SCRIPT_REDIS && m.role != WANT_ANY) {
		x->means = CHECK_REDIS;
		x->role = m.role;
		for (k = 0; k < n; k++)
			send_header(x, &steps[k]);
		c->place.line = x->check_line;
		if (m.left_out[0] != '\0')
			cfg_warn(c,
			    "the script of '%s' is done as a check of Redis, "
			    "without: %s",
			    x->name, m.left_out);
	} else if (m.kind == SCRIPT_SENTINEL) {
		x->master_name = cfg_keep(c, m.master_name);
		x->master_address = cfg_keep(c, m.address);
	}
	script_meaning_clear(&m);
	for (k = 0; k < n; k++)
		step_clear(&steps[k]);
	free(steps);
}

void
cfg_meaning(struct cfg *c, struct cfg_proxy *x)
{
	const struct cfg_server *s = x->servers;

	c->place.file = x->file;
	if (x->own_steps && x->steps.n > 0 && x->check != CFG_CHECK_SCRIPT &&
	    x->check != CFG_CHECK_HTTP) {
		c->place.line =
		    x->steps.n > 0 ? x->steps.first->v.line : x->line;
		cfg_warn(c,
		    "rules of a check do nothing without 'option tcp-check' or "
		    "'option httpchk'");
	}
	while (s != NULL && !s->check)
		s = s->next;
	x->means = CHECK_NONE;
	if (s == NULL)
		return;
	x->means = CHECK_TCP;
	if (x->check == CFG_CHECK_REDIS)
		x->means = CHECK_REDIS;
	if (x->check == CFG_CHECK_HTTP)
		complete_http(c, x);
	if (x->check == CFG_CHECK_HTTP ||
	    (x->check == CFG_CHECK_SCRIPT && x->steps.n > 0))
		x->means = CHECK_SCRIPT;
	if (x->check == CFG_CHECK_SCRIPT && x->steps.n > 0)
		understand(c, x);
}
