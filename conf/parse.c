/*
 * The parsers of configuration values. Each sees one value; what needs two of
 * them is in check.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "conf/keys.h"

#define TIME_MAX_MS  (10000LL * 86400 * 1000) /* its seconds fit 31 bits */
#define NAME_MAX_LEN 63
#define HOST_MAX     254 /* of a name, RFC 1035, with its final NUL */
#define ALNUM        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* RFC 3164 facilities, by their numbers. */
static const char *const facility_words[] = {"kern", "user", "mail", "daemon",
    "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7", NULL};
#define FACILITY_DAEMON 3

int
parse_word_index(const char *const *words, const char *word)
{
	int i;

	for (i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], word) == 0)
			return i;
	}
	return -1;
}

bool
parse_is_name(const char *text)
{
	size_t len = strspn(text, ALNUM "._:-");

	return len > 0 && len <= NAME_MAX_LEN && text[len] == '\0';
}

/* Say why the value is refused. Returns -1. */
static int __attribute__((format(printf, 2, 3)))
refuse(struct key_value *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->error, sizeof(v->error), fmt, ap);
	va_end(ap);
	return -1;
}

/* Where the key's value is in its object. */
static void *
field(const struct key_value *v)
{
	return (char *)v->object + v->key->offset;
}

/* Any text; kept in the key's field, if it has one. */
int
parse_text(struct key_value *v)
{
	char **text = field(v);

	if (v->key->size == 0)
		return 0;
	free(*text);
	*text = xstrdup(v->text);
	return 0;
}

/* Append to the key's list. Returns 0. */
static int
append(const struct key_value *v, const void *item, size_t size)
{
	size_t *n = (size_t *)(void *)((char *)v->object + v->key->count);
	char *list;

	memcpy(&list, field(v), sizeof(list));
	list = xrealloc(list, (*n + 1) * size);
	memcpy(list + *n * size, item, size);
	memcpy(field(v), &list, sizeof(list));
	(*n)++;
	return 0;
}

/* One of the key's words. */
int
parse_choice(struct key_value *v)
{
	const char *const *words = v->key->words;
	char list[sizeof(v->error)] = "";
	int i = parse_word_index(words, v->text);

	_Static_assert(sizeof(enum conf_check) == sizeof(unsigned),
	    "enums are written as unsigned");
	if (i < 0) {
		for (i = 0; words[i] != NULL; i++) {
			strcat(list, i == 0 ? "" : ", ");
			strcat(list, words[i]);
		}
		return refuse(v, "'%.40s' is not one of %s", v->text, list);
	}
	if (v->key->size == sizeof(bool))
		*(bool *)field(v) = i == AUTO_ON;
	else
		*(unsigned *)field(v) = (unsigned)i;
	return 0;
}

/* A time of the key's range. */
int
parse_time(struct key_value *v)
{
	int64_t ms, min = v->key->min;
	int64_t max = v->key->max == 0 ? TIME_MAX_MS : v->key->max;
	char limit[UNITS_TIME_MAX];

	if (units_time(v->text, &ms, v->error) != 0)
		return -1;
	if (ms < min || ms > max)
		return refuse(v, "'%.40s' is %s than %s", v->text,
		    ms < min ? "less" : "more",
		    units_time_str(ms < min ? min : max, limit));
	*(int64_t *)field(v) = ms;
	return 0;
}

/* A number of the key's range. */
int
parse_number(struct key_value *v)
{
	return units_number(v->text, (unsigned)v->key->min,
	    (unsigned)v->key->max, field(v), v->error);
}

/* auto or a number of threads. */
int
parse_workers(struct key_value *v)
{
	if (strcmp(v->text, "auto") != 0)
		return parse_number(v);
	*(unsigned *)field(v) = 0;
	return 0;
}

/* One word: a name or a user. */
int
parse_word(struct key_value *v)
{
	if (strpbrk(v->text, " \t") != NULL)
		return refuse(v, "one word is expected");
	return parse_text(v);
}

/* An absolute path: a reload must find it too, wherever it runs. */
int
parse_path(struct key_value *v)
{
	if (v->text[0] != '/')
		return refuse(v,
		    "'%.100s' is not an absolute path: it must begin with /",
		    v->text);
	return parse_text(v);
}

/* The mode of a file: three octal digits, with a 0 before them or not. */
int
parse_mode(struct key_value *v)
{
	const char *digits = v->text + (strlen(v->text) == 4);

	if (strlen(digits) != 3 || strspn(digits, "01234567") != 3 ||
	    (digits > v->text && v->text[0] != '0'))
		return refuse(v, "'%.40s' is not a mode, as in 0600", v->text);
	*(unsigned *)field(v) = (unsigned)strtoul(digits, NULL, 8);
	return 0;
}

/* The page's path, which may not hide one of the fixed ones. */
int
parse_uri(struct key_value *v)
{
	static const char *const taken[] = {
	    "/stats.json", "/healthz", "/readyz", NULL};

	if (v->text[0] != '/' || strpbrk(v->text, " \t?#;%\"<>\\") != NULL)
		return refuse(v,
		    "'%.100s' is not a path: it must begin with / and hold no "
		    "blanks, quotes or ? # ; %% < >",
		    v->text);
	if (parse_word_index(taken, v->text) >= 0 ||
	    strncmp(v->text, "/readyz/", 8) == 0)
		return refuse(v, "'%.100s' is taken", v->text);
	return parse_text(v);
}

/* One of keepalive's two times, in whole seconds. */
static int
keepalive_time(struct key_value *v, const char *text, int64_t *ms)
{
	if (units_time(text, ms, v->error) != 0)
		return -1;
	if (*ms < 1000 || *ms > 32767000 || *ms % 1000 != 0)
		return refuse(v,
		    "'%.40s' is not a whole number of seconds, 1s to 32767s",
		    text);
	return 0;
}

/* off, or IDLE/INTERVAL/COUNT. The limits are the kernel's, see tcp(7). */
int
parse_keepalive(struct key_value *v)
{
	struct conf_backend *b = v->object;
	char copy[64], *interval, *count;

	if (strcmp(v->text, "off") == 0) {
		b->keepalive_idle = 0;
		return 0;
	}
	snprintf(copy, sizeof(copy), "%s", v->text);
	interval = strchr(copy, '/');
	count = interval == NULL ? NULL : strchr(interval + 1, '/');
	if (count == NULL || strlen(v->text) >= sizeof(copy))
		return refuse(v,
		    "'%.40s' is neither off nor IDLE/INTERVAL/COUNT, as in "
		    "60s/10s/6",
		    v->text);
	*interval++ = *count++ = '\0';
	if (keepalive_time(v, copy, &b->keepalive_idle) != 0 ||
	    keepalive_time(v, interval, &b->keepalive_interval) != 0)
		return -1;
	return units_number(count, 1, 127, &b->keepalive_count, v->error);
}

/* A network of allow or deny. */
int
parse_network(struct key_value *v)
{
	struct addr_net net;

	if (addr_net_parse(v->text, &net) != 0)
		return refuse(v,
		    "'%.60s' is not an address or a network: ADDR or "
		    "ADDR/LENGTH, with no bits set behind the length",
		    v->text);
	return append(v, &net, sizeof(net));
}

/* unix:/path. */
static int
parse_unix(struct key_value *v, const char *path, struct addr *a)
{
	if (path[0] != '/' || strlen(path) >= sizeof(a->u.path))
		return refuse(v,
		    "'unix:%.110s' is not unix:/path of at most %zu bytes",
		    path, sizeof(a->u.path) - 1);
	a->family = AF_UNIX;
	strcpy(a->u.path, path);
	return 0;
}

/* An address to listen on. The value's host is empty for every address, of
 * IPv6 and IPv4; "*" is every IPv4 address. */
static int
parse_listen(struct key_value *v, struct addr *a)
{
	char host[HOST_MAX], first = v->text[0];
	const char *ip = host;
	uint16_t port;

	if (strncmp(v->text, "unix:", 5) == 0)
		return parse_unix(v, v->text + 5, a);
	if (addr_split(v->text, host, sizeof(host), &port) != 0)
		return refuse(v,
		    "'%.100s' is not ADDR:PORT, :PORT, *:PORT, [v6]:PORT or "
		    "unix:/path",
		    v->text);
	if (first == ':')
		ip = "::";
	else if (first == '*' && host[1] == '\0')
		ip = "0.0.0.0";
	if (addr_parse_ip(ip, port, a) != 0 ||
	    (first == '[' && a->family != AF_INET6))
		return refuse(v, "'%.100s': '%.60s' is not an IP%s address",
		    v->text, host, first == '[' ? "v6" : "");
	return 0;
}

/* An address for a frontend or the stats page. */
int
parse_bind(struct key_value *v)
{
	struct conf_frontend *f = v->object;
	struct conf_stats *s = v->object;
	bool stats = v->key->section == SECTION_STATS;
	unsigned **lines = stats ? &s->bind_lines : &f->bind_lines;
	size_t n = stats ? s->nbinds : f->nbinds;
	struct addr a = {.family = 0};

	if (parse_listen(v, &a) != 0)
		return -1;
	*lines = xrealloc(*lines, (n + 1) * sizeof(**lines));
	(*lines)[n] = v->line;
	return append(v, &a, sizeof(a));
}

/* syslog:ADDR:PORT[/facility] or syslog:/dev/log[/facility], behind its first
 * colon. */
static int
parse_syslog(struct key_value *v, const char *value, struct log_target *t)
{
	char host[HOST_MAX], copy[HOST_MAX + 32], *facility;
	bool local = strncmp(value, "/dev/log", 8) == 0;
	uint16_t port;

	t->kind = LOG_TO_SYSLOG;
	t->facility = FACILITY_DAEMON;
	snprintf(copy, sizeof(copy), "%s", value);
	facility = strchr(copy + (local ? 8 : 0), '/');
	if (facility != NULL && (local || facility != copy)) {
		*facility++ = '\0';
		t->facility = parse_word_index(facility_words, facility);
	}
	if (t->facility < 0)
		return refuse(v,
		    "'%.40s' is not a facility: daemon, user, local0 to "
		    "local7 and so on",
		    facility);
	if (strcmp(copy, "/dev/log") == 0)
		return parse_unix(v, copy, &t->addr);
	if (addr_split(copy, host, sizeof(host), &port) == 0 &&
	    addr_parse_ip(host, port, &t->addr) == 0)
		return 0;
	return refuse(v,
	    "'syslog:%.100s' is neither syslog:IP:PORT[/facility] nor "
	    "syslog:/dev/log[/facility]",
	    value);
}

/* A target of the log. */
int
parse_log(struct key_value *v)
{
	struct log_target t = {.kind = LOG_TO_STDOUT};
	bool syslog = strncmp(v->text, "syslog:", 7) == 0;

	if (strcmp(v->text, "stderr") == 0)
		t.kind = LOG_TO_STDERR;
	else if (!syslog && strcmp(v->text, "stdout") != 0)
		return refuse(
		    v, "'%.60s' is not stdout, stderr or syslog:…", v->text);
	if (syslog && parse_syslog(v, v->text + 7, &t) != 0)
		return -1;
	return append(v, &t, sizeof(t));
}

/* May this be a host: an address, or a name of labels? What looks like an IPv4
 * address must be one. */
static bool
is_host(const char *host)
{
	size_t len = strspn(host, ALNUM "._-");
	struct addr a;

	if (addr_parse_ip(host, 1, &a) == 0)
		return true;
	if (len == 0 || host[len] != '\0' || host[0] == '.' || host[0] == '-' ||
	    strstr(host, "..") != NULL)
		return false;
	return host[strspn(host, "0123456789.")] != '\0';
}

/* HOST:PORT of a server. What may hold a password is not repeated. */
static int
server_place(struct key_value *v, const char *text, struct conf_server *s)
{
	char host[HOST_MAX];

	if (strchr(text, '@') != NULL || strstr(text, "//") != NULL)
		return refuse(v,
		    "HOST:PORT is expected, not a URL; a password goes to its "
		    "own key");
	if (addr_split(text, host, sizeof(host), &s->port) != 0 ||
	    !is_host(host))
		return refuse(v, "'%.100s' is not HOST:PORT", text);
	s->host = xstrdup(host);
	return 0;
}

/* One option behind a server's address; seen is a bit for each one given. */
static int
server_option(
    struct key_value *v, char *word, struct conf_server *s, unsigned *seen)
{
	static const char *const names[] = {
	    "weight", "maxconn", "backup", "disabled", NULL};
	char *value = strchr(word, '='), reason[UNITS_ERROR_MAX];
	int i, rc = 0;

	if (value != NULL)
		*value++ = '\0';
	i = parse_word_index(names, word);
	if (i < 0 || (value != NULL) != (i < 2))
		return refuse(v,
		    "'%.40s' is not weight=N, maxconn=N, backup or disabled",
		    word);
	if ((*seen & (1U << i)) != 0)
		return refuse(v, "%s is given twice", word);
	*seen |= 1U << i;
	if (i == 0)
		rc = units_number(value, 1, 256, &s->weight, reason);
	else if (i == 1)
		rc = units_number(
		    value, 0, PARSE_COUNT_MAX, &s->maxconn, reason);
	else if (i == 2)
		s->backup = true;
	else
		s->disabled = true;
	return rc == 0 ? 0 : refuse(v, "%s: %s", word, reason);
}

/* NAME HOST:PORT and options, from a copy that is cut into words. */
static int
server_words(struct key_value *v, char *words, struct conf_server *s)
{
	char *save, *word = strtok_r(words, " \t", &save);
	unsigned seen = 0;

	if (!parse_is_name(word))
		return refuse(v,
		    "the server's name is not 1 to %d of A-Z a-z 0-9 . _ : -",
		    NAME_MAX_LEN);
	s->name = xstrdup(word);
	if ((word = strtok_r(NULL, " \t", &save)) == NULL)
		return refuse(
		    v, "a name and an address are expected: NAME HOST:PORT");
	if (server_place(v, word, s) != 0)
		return -1;
	while ((word = strtok_r(NULL, " \t", &save)) != NULL) {
		if (server_option(v, word, s, &seen) != 0)
			return -1;
	}
	return 0;
}

/* One server of a backend. */
int
parse_server(struct key_value *v)
{
	struct conf_server s = {.weight = 100, .line = v->line};
	char *words = xstrdup(v->text);
	int rc = server_words(v, words, &s);

	free(words);
	if (rc == 0)
		return append(v, &s, sizeof(s));
	free(s.name);
	free(s.host);
	return -1;
}
