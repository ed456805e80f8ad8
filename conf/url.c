/*
 * The reader of URLs. Hosts go through the reader of files as text, a password
 * does not: it may hold any byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "base/log.h"
#include "conf/url.h"

#define DOCUMENT     "URL" /* the file that messages of others name */
#define DEFAULT_PORT 6379
#define DIGITS       "0123456789"
#define LABEL_MAX    (PARSE_HOST_MAX + 24)

/* One URL, cut into its parts. */
struct url {
	const char *scheme;
	char host[PARSE_HOST_MAX]; /* without brackets */
	unsigned port;
	char *user, *password; /* NULL: none; password is secret */
	char label[LABEL_MAX]; /* what messages call it: nothing secret */
};

/* What follows the servers. */
static const char listeners[] =
    "[frontend write]\nbind = :9000\nbackend = redis\nroute = primary\n"
    "[frontend read]\nbind = :5001\nbackend = redis\n"
    "route = replica-preferred\n"
    "[stats]\nbind = 127.0.0.1:8404\n";

/* Find out the scheme. Returns what follows, NULL if it is none of ours. */
static const char *
read_scheme(struct url *u, const char *text, const char **bad)
{
	static const char *const schemes[] = {
	    "redis", "valkey", "rediss", "valkeys"};
	size_t i, len;

	strcpy(u->label, DOCUMENT);
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		len = strlen(schemes[i]);
		if (strncasecmp(text, schemes[i], len) != 0 ||
		    strncmp(text + len, "://", 3) != 0)
			continue;
		u->scheme = schemes[i];
		snprintf(u->label, sizeof(u->label), "%s://…", schemes[i]);
		if (i >= 2)
			*bad = "TLS is not in this release";
		return i >= 2 ? NULL : text + len + 3;
	}
	*bad = "it begins with neither redis:// nor valkey:// (a configuration "
	       "file is named "
	       "with -f)";
	return NULL;
}

/* The value of a hexadecimal digit, -1 if it is none. */
static int
hex_value(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)((at - digits) % 16);
}

/* A percent-encoded text as it was, as a new string; NULL if it is wrong. */
static char *
decode(const char *text, size_t len)
{
	char *out = xcalloc(len + 1, 1), *to = out;
	const char *end = text + len;
	int high, low;

	for (; text < end; text++, to++) {
		*to = *text;
		if (*text != '%')
			continue;
		high = end - text < 3 ? -1 : hex_value(text[1]);
		low = end - text < 3 ? -1 : hex_value(text[2]);
		if (high < 0 || low < 0 || (high == 0 && low == 0)) {
			explicit_bzero(out, len);
			free(out);
			return NULL;
		}
		*to = (char)(high << 4 | low);
		text += 2;
	}
	return out;
}

/* Read [USER]:PASSWORD, of that length. Returns what is wrong, or NULL. */
static const char *
read_user(struct url *u, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);

	if (colon == NULL || colon + 1 == text + len)
		return "no password before the '@': write :PASSWORD@ or "
		       "USER:PASSWORD@";
	u->password = decode(colon + 1, len - (size_t)(colon + 1 - text));
	if (colon != text)
		u->user = decode(text, (size_t)(colon - text));
	if (u->password == NULL || (colon != text && u->user == NULL))
		return "a '%' in user or password is not followed by two "
		       "hexadecimal digits other than 00";
	return NULL;
}

/* Set the label, now that the host is known; port 0 leaves it out. */
static void
set_label(struct url *u)
{
	bool v6 = strchr(u->host, ':') != NULL;
	char port[16] = "";

	if (u->port != 0)
		snprintf(port, sizeof(port), ":%u", u->port);
	snprintf(u->label, sizeof(u->label), "%s://%s%s%s%s", u->scheme,
	    v6 ? "[" : "", u->host, v6 ? "]" : "", port);
}

/* Read HOST or [v6]. Returns what follows, NULL if it is neither. */
static const char *
read_host(struct url *u, const char *text)
{
	bool bracket = text[0] == '[';
	const char *host = text + bracket;
	size_t len = strcspn(host, bracket ? "]" : ":/?#");

	if (len >= sizeof(u->host) || (bracket && host[len] == '\0'))
		return NULL;
	memcpy(u->host, host, len);
	u->host[len] = '\0';
	if (!addr_is_host(u->host) || bracket != (strchr(u->host, ':') != NULL))
		return NULL;
	set_label(u);
	return host + len + bracket;
}

/* Read what follows the host: [:PORT][/0]. Returns what is wrong, or NULL. What
 * is no number may be a misplaced password. */
static const char *
read_port(struct url *u, const char *text, char bad[64])
{
	size_t len = *text == ':' ? strspn(text + 1, DIGITS) : 0;
	bool shown = len > 0 && len <= 5;

	u->port = DEFAULT_PORT;
	if (*text == ':') {
		text++;
		u->port = shown ? (unsigned)strtoul(text, NULL, 10) : 0;
		snprintf(bad, 64, "port%s%.*s is not 1 to 65535",
		    shown ? " " : "", shown ? (int)len : 0, text);
		if (u->port == 0 || u->port > 65535)
			return bad;
	}
	text += len;
	if (*text != '\0' && strcmp(text, "/") != 0 && strcmp(text, "/0") != 0)
		return "nothing but /0 may follow: clients choose the database";
	set_label(u);
	return NULL;
}

/* Cut one URL into its parts. -1 with a problem added. */
static int
parse_url(struct url *u, const char *text, struct conf_problems *p)
{
	const char *bad = NULL, *at, *rest = read_scheme(u, text, &bad);
	char reason[64];

	/* Of the host and behind it nothing may hold an '@'. */
	at = rest == NULL ? NULL : strrchr(rest, '@');
	if (at != NULL) {
		bad = read_user(u, rest, (size_t)(at - rest));
		rest = at + 1;
	}
	if (bad == NULL) {
		rest = read_host(u, rest);
		if (rest == NULL)
			bad = "the host is neither a name nor an address";
		else
			bad = read_port(u, rest, reason);
	}
	if (bad == NULL)
		return 0;
	conf_problem(p, CONF_ERROR, u->label, 0, "%s", bad);
	return -1;
}

/* Does the last of n URLs go with those before it? */
static int
check_last(const struct url *urls, size_t n, struct conf_problems *p)
{
	const struct url *last = &urls[n - 1];
	size_t i;

	if (!same_text(last->user, urls->user) ||
	    !same_text(last->password, urls->password)) {
		conf_problem(p, CONF_ERROR, last->label, 0,
		    "user or password is not that of %s", urls->label);
		return -1;
	}
	for (i = 0; i < n - 1; i++) {
		if (last->port == urls[i].port &&
		    strcasecmp(last->host, urls[i].host) == 0) {
			conf_problem(
			    p, CONF_ERROR, last->label, 0, "given twice");
			return -1;
		}
	}
	return 0;
}

/* Write a server's line; it is called by its address, where that is a name. */
static void
write_server(FILE *f, const struct url *u, size_t number)
{
	const char *address = strstr(u->label, "://") + 3;

	fprintf(f, "server = ");
	if (parse_is_name(address))
		fprintf(f, "%s", address);
	else
		fprintf(f, "redis-%zu", number);
	fprintf(f, " %s\n", address);
}

/* Make the document. */
static void
write_document(
    struct ini *doc, const struct url *urls, size_t n, struct conf_problems *p)
{
	struct ini_section *backend;
	char *text;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		fatal("out of memory");
	fprintf(f, "[backend redis]\ndiscover = on\n");
	for (i = 0; i < n; i++)
		write_server(f, &urls[i], i + 1);
	fprintf(f, "%s", listeners);
	fclose(f);
	f = fmemopen(text, size, "r");
	if (f == NULL)
		fatal("out of memory");
	ini_read(doc, f, DOCUMENT, p);
	fclose(f);
	free(text);
	backend = &doc->sections[0];
	if (urls->user != NULL)
		ini_add(backend, key_find(SECTION_BACKEND, "username"),
		    urls->user, 0);
	if (urls->password != NULL)
		ini_add(backend, key_find(SECTION_BACKEND, "password"),
		    urls->password, 0);
}

/* Free what a URL owns. */
static void
clear_url(struct url *u)
{
	free_secret(u->password);
	free(u->user);
}

char *
url_read(struct ini *doc, char *const *texts, size_t n, struct conf_problems *p)
{
	struct url *urls = xcalloc(n, sizeof(*urls));
	char *path;
	size_t i, bad = 0;

	for (i = 0; i < n; i++)
		bad += parse_url(&urls[i], texts[i], p) != 0;
	for (i = 1; bad == 0 && i < n; i++)
		bad += check_last(urls, i + 1, p) != 0;
	if (bad == 0)
		write_document(doc, urls, n, p);
	doc->broken |= bad > 0;
	path = xstrdup(bad == 0 ? urls->label : "");
	for (i = 0; i < n; i++)
		clear_url(&urls[i]);
	free(urls);
	return path;
}
