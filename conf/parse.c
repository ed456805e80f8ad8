/*
 * The parsers of configuration values. Each sees one value; what needs two of
 * them is in check.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "conf/parse.h"

#define TIME_MAX_MS  (10000LL * 86400 * 1000) /* its seconds fit 31 bits */
#define NAME_MAX_LEN 63
#define HOST_MAX     254 /* of a name, RFC 1035, with its final NUL */

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
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789._:-");

	return len > 0 && len <= NAME_MAX_LEN && text[len] == '\0';
}

/* Where the key's value is in its object. */
static void *
key_field(const struct key *k, void *object)
{
	return (char *)object + k->offset;
}

/* Keep a copy of text in the key's field, if it has one. */
static void
set_text(const struct key *k, void *object, const char *text)
{
	char **field = key_field(k, object);

	if (k->size == 0)
		return;
	free(*field);
	*field = xstrdup(text);
}

/* Choose one of the key's words; returns its index, -1 with a reason. */
static int
choose(const struct key *k, const char *value, char error[KEY_ERROR_MAX])
{
	int i = parse_word_index(k->words, value);
	size_t used;

	if (i >= 0)
		return i;
	used = (size_t)snprintf(
	    error, KEY_ERROR_MAX, "'%.40s' is not one of", value);
	for (i = 0; k->words[i] != NULL && used < KEY_ERROR_MAX; i++) {
		used += (size_t)snprintf(error + used, KEY_ERROR_MAX - used,
		    "%s%s", i == 0 ? " " : ", ", k->words[i]);
	}
	return -1;
}

/* One word of an enum. */
int
parse_choice(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	int i = choose(k, text->value, error);
	unsigned value = (unsigned)i;

	_Static_assert(sizeof(enum conf_check) == sizeof(unsigned),
	    "enums are written as unsigned");
	if (i < 0)
		return -1;
	memcpy(key_field(k, object), &value, sizeof(value));
	return 0;
}

/* on or off. */
int
parse_onoff(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	int i = choose(k, text->value, error);

	if (i < 0)
		return -1;
	*(bool *)key_field(k, object) = i == AUTO_ON;
	return 0;
}

/* on, off or auto; check.c makes of auto what it is to be. */
int
parse_auto(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	return parse_onoff(k, text, object, error);
}

/* A time of the key's range. */
int
parse_time(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	int64_t *field = key_field(k, object), ms;
	int64_t max = k->max == 0 ? TIME_MAX_MS : k->max;
	char limit[UNITS_TIME_MAX];

	if (units_time(text->value, &ms, error) != 0)
		return -1;
	if (ms < k->min || ms > max) {
		units_time_str(ms < k->min ? k->min : max, limit);
		snprintf(error, KEY_ERROR_MAX, "'%.40s' is %s than %s",
		    text->value, ms < k->min ? "less" : "more", limit);
		return -1;
	}
	*field = ms;
	return 0;
}

/* A number of the key's range. */
int
parse_number(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	return units_number(text->value, (unsigned)k->min, (unsigned)k->max,
	    key_field(k, object), error);
}

/* auto or a number of threads. */
int
parse_workers(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	unsigned *field = key_field(k, object);

	if (strcmp(text->value, "auto") == 0) {
		*field = 0;
		return 0;
	}
	return units_number(text->value, 1, CONF_WORKERS_MAX, field, error);
}

/* One word: a name or a user. */
int
parse_word(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	if (strpbrk(text->value, " \t") != NULL) {
		snprintf(error, KEY_ERROR_MAX, "one word is expected");
		return -1;
	}
	set_text(k, object, text->value);
	return 0;
}

/* An absolute path: a reload must find it too, wherever it runs. */
int
parse_path(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	if (text->value[0] != '/') {
		snprintf(error, KEY_ERROR_MAX,
		    "'%.100s' is not an absolute path: it must begin with /",
		    text->value);
		return -1;
	}
	set_text(k, object, text->value);
	return 0;
}

/* A secret as it is. */
int
parse_secret(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	(void)error;
	set_text(k, object, text->value);
	return 0;
}

/* The page's path, which may not hide one of the fixed ones. */
int
parse_uri(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	const char *uri = text->value;

	if (uri[0] != '/' || strpbrk(uri, " \t?#;%\"<>\\") != NULL) {
		snprintf(error, KEY_ERROR_MAX,
		    "'%.100s' is not a path: it must begin with / and hold no "
		    "blanks, quotes or ? # ; %% < >",
		    uri);
		return -1;
	}
	if (strcmp(uri, "/stats.json") == 0 || strcmp(uri, "/healthz") == 0 ||
	    strcmp(uri, "/readyz") == 0 || strncmp(uri, "/readyz/", 8) == 0) {
		snprintf(error, KEY_ERROR_MAX, "'%.100s' is taken", uri);
		return -1;
	}
	set_text(k, object, uri);
	return 0;
}

/* One of the three parts of keepalive, in whole seconds. */
static int
keepalive_time(const char *text, int64_t *ms, char error[KEY_ERROR_MAX])
{
	if (units_time(text, ms, error) != 0)
		return -1;
	if (*ms < 1000 || *ms > 32767000 || *ms % 1000 != 0) {
		snprintf(error, KEY_ERROR_MAX,
		    "'%.40s' is not a whole number of seconds, 1s to 32767s",
		    text);
		return -1;
	}
	return 0;
}

/* off, or IDLE/INTERVAL/COUNT. The limits are the kernel's, see tcp(7). */
int
parse_keepalive(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	struct conf_backend *b = object;
	char copy[64], *interval, *count;

	(void)k;
	if (strcmp(text->value, "off") == 0) {
		b->keepalive_idle = 0;
		return 0;
	}
	snprintf(copy, sizeof(copy), "%s", text->value);
	interval = strchr(copy, '/');
	count = interval == NULL ? NULL : strchr(interval + 1, '/');
	if (count == NULL || strlen(text->value) >= sizeof(copy)) {
		snprintf(error, KEY_ERROR_MAX,
		    "'%.40s' is neither off nor IDLE/INTERVAL/COUNT, as in "
		    "60s/10s/6",
		    text->value);
		return -1;
	}
	*interval++ = *count++ = '\0';
	if (keepalive_time(copy, &b->keepalive_idle, error) != 0 ||
	    keepalive_time(interval, &b->keepalive_interval, error) != 0)
		return -1;
	return units_number(count, 1, 127, &b->keepalive_count, error);
}

/* A network of allow or deny. */
int
parse_network(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	struct conf_frontend *f = object;
	bool allow = strcmp(k->name, "allow") == 0;
	size_t *n = allow ? &f->nallow : &f->ndeny;
	struct addr_net net, *list = allow ? f->allow : f->deny;

	if (addr_net_parse(text->value, &net) != 0) {
		snprintf(error, KEY_ERROR_MAX,
		    "'%.60s' is not an address or a network: ADDR or "
		    "ADDR/LENGTH, with no bits set behind the length",
		    text->value);
		return -1;
	}
	list = xrealloc(list, (*n + 1) * sizeof(*list));
	list[(*n)++] = net;
	if (allow)
		f->allow = list;
	else
		f->deny = list;
	return 0;
}

/* unix:/path. */
static int
parse_unix(const char *path, struct addr *a, char error[KEY_ERROR_MAX])
{
	if (path[0] != '/' || strlen(path) >= sizeof(a->u.path)) {
		snprintf(error, KEY_ERROR_MAX,
		    "'unix:%.110s' is not unix:/path of at most %zu bytes",
		    path, sizeof(a->u.path) - 1);
		return -1;
	}
	a->family = AF_UNIX;
	strcpy(a->u.path, path);
	return 0;
}

/* An address to listen on. The value's host is empty for every address, of
 * IPv6 and IPv4; "*" is every IPv4 address. */
static int
parse_listen(const char *value, struct addr *a, char error[KEY_ERROR_MAX])
{
	char host[HOST_MAX];
	const char *ip = host;
	uint16_t port;

	memset(a, 0, sizeof(*a));
	if (strncmp(value, "unix:", 5) == 0)
		return parse_unix(value + 5, a, error);
	if (addr_split(value, host, sizeof(host), &port) != 0) {
		snprintf(error, KEY_ERROR_MAX,
		    "'%.100s' is not ADDR:PORT, :PORT, *:PORT, [v6]:PORT or "
		    "unix:/path",
		    value);
		return -1;
	}
	if (host[0] == '\0' && value[0] == ':')
		ip = "::";
	else if (strcmp(host, "*") == 0 && value[0] == '*')
		ip = "0.0.0.0";
	if (addr_parse_ip(ip, port, a) != 0 ||
	    (value[0] == '[' && a->family != AF_INET6)) {
		snprintf(error, KEY_ERROR_MAX,
		    "'%.100s': '%.60s' is not an IP%s address", value, host,
		    value[0] == '[' ? "v6" : "");
		return -1;
	}
	return 0;
}

/* An address for a frontend or the stats page. */
int
parse_bind(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	struct conf_frontend *f = object;
	struct conf_stats *s = object;
	bool stats = k->section == SECTION_STATS;
	struct addr **binds = stats ? &s->binds : &f->binds, a;
	unsigned **lines = stats ? &s->bind_lines : &f->bind_lines;
	size_t *n = stats ? &s->nbinds : &f->nbinds;

	if (parse_listen(text->value, &a, error) != 0)
		return -1;
	*binds = xrealloc(*binds, (*n + 1) * sizeof(**binds));
	*lines = xrealloc(*lines, (*n + 1) * sizeof(**lines));
	(*binds)[*n] = a;
	(*lines)[*n] = text->line;
	(*n)++;
	return 0;
}

/* syslog:ADDR:PORT[/facility] or syslog:/dev/log[/facility], behind its first
 * colon. */
static int
parse_syslog(const char *value, struct log_target *t, char error[KEY_ERROR_MAX])
{
	char host[HOST_MAX], copy[HOST_MAX + 32], *facility;
	bool local = strncmp(value, "/dev/log", 8) == 0;
	int n = FACILITY_DAEMON;
	uint16_t port;

	t->kind = LOG_TO_SYSLOG;
	snprintf(copy, sizeof(copy), "%s", value);
	facility =
	    local || *copy != '/' ? strchr(copy + (local ? 8 : 0), '/') : NULL;
	if (facility != NULL) {
		*facility++ = '\0';
		n = parse_word_index(facility_words, facility);
	}
	if (n < 0) {
		snprintf(error, KEY_ERROR_MAX,
		    "'%.40s' is not a facility: daemon, user, local0 to "
		    "local7 and so on",
		    facility);
		return -1;
	}
	t->facility = n;
	if (local && strcmp(copy, "/dev/log") == 0)
		return parse_unix(copy, &t->addr, error);
	if (addr_split(copy, host, sizeof(host), &port) == 0 &&
	    addr_parse_ip(host, port, &t->addr) == 0)
		return 0;
	snprintf(error, KEY_ERROR_MAX,
	    "'syslog:%.100s' is neither syslog:IP:PORT[/facility] nor "
	    "syslog:/dev/log[/facility]",
	    value);
	return -1;
}

/* A target of the log. */
int
parse_log(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	struct conf_global *g = object;
	struct log_target t;

	(void)k;
	memset(&t, 0, sizeof(t));
	if (strcmp(text->value, "stdout") == 0) {
		t.kind = LOG_TO_STDOUT;
	} else if (strcmp(text->value, "stderr") == 0) {
		t.kind = LOG_TO_STDERR;
	} else if (strncmp(text->value, "syslog:", 7) != 0) {
		snprintf(error, KEY_ERROR_MAX,
		    "'%.60s' is not stdout, stderr or syslog:…", text->value);
		return -1;
	} else if (parse_syslog(text->value + 7, &t, error) != 0) {
		return -1;
	}
	g->logs = xrealloc(g->logs, (g->nlogs + 1) * sizeof(*g->logs));
	g->logs[g->nlogs++] = t;
	return 0;
}

/* May this be a host: an address, or a name of labels? What looks like an IPv4
 * address must be one. */
static bool
is_host(const char *host)
{
	size_t len = strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789._-");
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
server_place(const char *text, struct conf_server *s, char error[KEY_ERROR_MAX])
{
	char host[HOST_MAX];
	bool url = strchr(text, '@') != NULL || strstr(text, "//") != NULL;

	if (!url && addr_split(text, host, sizeof(host), &s->port) == 0 &&
	    is_host(host)) {
		s->host = xstrdup(host);
		return 0;
	}
	if (url)
		snprintf(error, KEY_ERROR_MAX,
		    "HOST:PORT is expected, not a URL; a password goes to its "
		    "own key");
	else
		snprintf(
		    error, KEY_ERROR_MAX, "'%.100s' is not HOST:PORT", text);
	return -1;
}

/* One option behind a server's address; seen is a bit for each one given. */
static int
server_option(char *word, struct conf_server *s, unsigned *seen,
    char error[KEY_ERROR_MAX])
{
	static const char *const names[] = {
	    "weight", "maxconn", "backup", "disabled", NULL};
	char *value = strchr(word, '='), reason[UNITS_ERROR_MAX];
	int i, rc = 0;

	if (value != NULL)
		*value++ = '\0';
	i = parse_word_index(names, word);
	if (i < 0 || (value != NULL) != (i < 2)) {
		snprintf(error, KEY_ERROR_MAX,
		    "'%.40s' is not weight=N, maxconn=N, backup or disabled",
		    word);
		return -1;
	}
	if ((*seen & (1U << i)) != 0) {
		snprintf(error, KEY_ERROR_MAX, "%s is given twice", word);
		return -1;
	}
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
	if (rc != 0)
		snprintf(error, KEY_ERROR_MAX, "%s: %s", word, reason);
	return rc;
}

/* NAME HOST:PORT and options, from a copy that is cut into words. */
static int
parse_server_words(
    char *words, struct conf_server *s, char error[KEY_ERROR_MAX])
{
	char *save, *word = strtok_r(words, " \t", &save);
	unsigned seen = 0;

	if (!parse_is_name(word)) {
		snprintf(error, KEY_ERROR_MAX,
		    "the server's name is not 1 to %d of A-Z a-z 0-9 . _ : -",
		    NAME_MAX_LEN);
		return -1;
	}
	s->name = xstrdup(word);
	word = strtok_r(NULL, " \t", &save);
	if (word == NULL) {
		snprintf(error, KEY_ERROR_MAX,
		    "a name and an address are expected: NAME HOST:PORT");
		return -1;
	}
	if (server_place(word, s, error) != 0)
		return -1;
	while ((word = strtok_r(NULL, " \t", &save)) != NULL) {
		if (server_option(word, s, &seen, error) != 0)
			return -1;
	}
	return 0;
}

/* One server of a backend. */
int
parse_server(const struct key *k, const struct key_text *text, void *object,
    char error[KEY_ERROR_MAX])
{
	struct conf_backend *b = object;
	struct conf_server s = {.weight = 100, .line = text->line};
	char *words = xstrdup(text->value);
	int rc = parse_server_words(words, &s, error);

	(void)k;
	free(words);
	if (rc != 0) {
		free(s.name);
		free(s.host);
		return -1;
	}
	b->servers =
	    xrealloc(b->servers, (b->nservers + 1) * sizeof(*b->servers));
	b->servers[b->nservers++] = s;
	return 0;
}
