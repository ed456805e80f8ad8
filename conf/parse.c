/*
 * The parsers of configuration values. Each sees one value; what needs two of
 * them is in check.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/units.h"
#include "conf/keys.h"
#include "conf/rule_text.h"
#include "conf/target.h"

#define TIME_MAX_MS  (10000LL * 86400 * 1000) /* its seconds fit 31 bits */
#define NAME_MAX_LEN 63

/* Of sun_path's 108 bytes, without its NUL and a suffix of seven. */
#define SOCKET_PATH_MAX 100

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

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
append(const struct key_value *v, const void *item)
{
	size_t *n = (size_t *)(void *)((char *)v->object + v->key->count);
	size_t size = v->key->item;
	char *list;

	memcpy(&list, field(v), sizeof(list));
	list = xrealloc(list, (*n + 1) * size);
	memcpy(list + *n * size, item, size);
	memcpy(field(v), &list, sizeof(list));
	(*n)++;
	return 0;
}

/* Is one the user that another USER:PASSWORD begins with? */
static bool
same_user(const char *login, const char *user, size_t len)
{
	return strncmp(login, user, len) == 0 && login[len] == ':';
}

const char *
parse_login(struct conf_stats *s, const char *text)
{
	size_t len = strcspn(text, ":"), i;

	if (len == 0 || text[len] == '\0' || text[len + 1] == '\0')
		return "USER:PASSWORD is expected";
	for (i = 0; i < s->nauth; i++) {
		if (same_user(s->auth[i], text, len))
			return "this user has a password already";
	}
	s->auth = xrealloc(s->auth, (s->nauth + 1) * sizeof(*s->auth));
	s->auth[s->nauth++] = xstrdup(text);
	return NULL;
}

/* One more who may look. */
int
parse_auth(struct key_value *v)
{
	const char *reason = parse_login(v->object, v->text);

	return reason == NULL ? 0 : refuse(v, "%s", reason);
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

/* A time of the key's range, into *ms. */
static int
ranged_time(struct key_value *v, const char *text, int64_t *ms)
{
	int64_t min = v->key->min;
	int64_t max = v->key->max == 0 ? TIME_MAX_MS : v->key->max;
	char limit[UNITS_TIME_MAX];

	if (units_time(text, ms, v->error) != 0)
		return -1;
	if (*ms < min || *ms > max)
		return refuse(v, "'%.40s' is %s than %s", text,
		    *ms < min ? "less" : "more",
		    units_time_str(*ms < min ? min : max, limit));
	return 0;
}

/* A time of the key's range. */
int
parse_time(struct key_value *v)
{
	int64_t ms;

	if (ranged_time(v, v->text, &ms) != 0)
		return -1;
	*(int64_t *)field(v) = ms;
	return 0;
}

/* A number of bytes. */
int
parse_size(struct key_value *v)
{
	int64_t bytes;

	if (units_size(v->text, &bytes, v->error) != 0)
		return -1;
	*(uint64_t *)field(v) = (uint64_t)bytes;
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
static int
set_mode(struct key_value *v, const char *text, unsigned *mode)
{
	const char *digits = text + (text[0] == '0');

	if (strlen(digits) != 3 || strspn(digits, "01234567") != 3)
		return refuse(v, "'%.40s' is not a mode, as in 0600", text);
	*mode = (unsigned)strtoul(digits, NULL, 8);
	return 0;
}

int
parse_mode(struct key_value *v)
{
	return set_mode(v, v->text, field(v));
}

/* close, keep, or drain with a time. */
int
parse_role_lost(struct key_value *v)
{
	static const char *const words[] = {"close", "keep", "drain", NULL};
	struct conf_backend *b = v->object;
	size_t len = strcspn(v->text, " \t");
	const char *time = v->text + len;
	char word[8];
	int i;

	snprintf(word, sizeof(word), "%.*s", (int)len, v->text);
	i = parse_word_index(words, word);
	time += strspn(time, " \t");
	if (i < 0 || (i != ROLE_LOST_DRAIN && *time != '\0'))
		return refuse(v,
		    "'%.40s' is not one of close, keep, drain TIME", v->text);
	if (i == ROLE_LOST_DRAIN && *time == '\0')
		return refuse(v, "a time is missing, as in drain 30s");
	if (i == ROLE_LOST_DRAIN &&
	    ranged_time(v, time, &b->role_lost_drain) != 0)
		return -1;
	b->role_lost = (enum conf_role_lost)i;
	return 0;
}

/* A path that is served, "?" included; the page's may not be a fixed one. */
int
parse_uri(struct key_value *v)
{
	static const char *const taken[] = {
	    "/stats.json", "/metrics", "/healthz", "/readyz", NULL};
	bool page = strcmp(v->key->name, "uri") == 0;

	if (v->text[0] != '/' || strpbrk(v->text, " \t#;%\"<>\\") != NULL)
		return refuse(v,
		    "'%.100s' is not a path: it must begin with / and hold no "
		    "blanks, quotes or # ; %% < >",
		    v->text);
	if (page && (parse_word_index(taken, v->text) >= 0 ||
			strncmp(v->text, "/readyz/", 8) == 0))
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
	return append(v, &net);
}

/* Everybody, nobody, or a network. */
int
parse_proxies(struct key_value *v)
{
	static const struct addr_net all = {.bits = 0};

	if (strcmp(v->text, "on") == 0)
		return append(v, &all);
	return strcmp(v->text, "off") == 0 ? 0 : parse_network(v);
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
	char host[PARSE_HOST_MAX], first = v->text[0];
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

/* What stands behind an address that is listened on: interface=NAME, v6only. */
static int
bind_options(struct key_value *v, char *words, struct addr *a)
{
	char *save = NULL, *word = strtok_r(words, " \t", &save);

	for (; word != NULL; word = strtok_r(NULL, " \t", &save)) {
		if (strncmp(word, "interface=", 10) == 0) {
			if (if_nametoindex(word + 10) == 0)
				return refuse(v,
				    "there is no interface '%.40s' here",
				    word + 10);
			snprintf(a->interface, sizeof(a->interface), "%s",
			    word + 10);
		} else if (strcmp(word, "v6only") != 0)
			return refuse(v,
			    "'%.40s' is neither interface=NAME nor v6only",
			    word);
		else if (a->family != AF_INET6)
			return refuse(v, "v6only is for addresses of IPv6");
		else
			a->v6only = IN6_IS_ADDR_UNSPECIFIED(&a->u.v6);
	}
	return 0;
}

/* An address and what is said of it. */
static int
bind_words(struct key_value *v, struct addr *a)
{
	char *copy = xstrdup(v->text), *end = copy + strcspn(copy, " \t");
	const char *whole = v->text;
	int rc;

	/* The path of a UNIX socket may hold blanks. */
	if (strncmp(copy, "unix:", 5) == 0)
		end = copy + strlen(copy);
	else if (*end != '\0')
		*end++ = '\0';
	v->text = copy;
	rc = parse_listen(v, a);
	v->text = whole;
	if (rc == 0)
		rc = bind_options(v, end, a);
	free(copy);
	return rc;
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

	if (bind_words(v, &a) != 0)
		return -1;
	*lines = xrealloc(*lines, (n + 1) * sizeof(**lines));
	(*lines)[n] = v->line;
	return append(v, &a);
}

/* Where a control socket is: a path, or ADDR:PORT. */
static int
control_address(struct key_value *v, const char *text, struct addr *a)
{
	struct key_value address = *v;
	int rc = 0;

	address.text = text;
	if (strlen(text) > SOCKET_PATH_MAX)
		return refuse(
		    v, "the path is longer than %d bytes", SOCKET_PATH_MAX);
	if (text[0] == '/') {
		a->family = AF_UNIX;
		strcpy(a->u.path, text);
	} else if (strchr(text, ':') == NULL)
		return refuse(v,
		    "'%.40s' is not an absolute path: it must begin with /",
		    text);
	else if ((rc = parse_listen(&address, a)) != 0)
		memcpy(v->error, address.error, sizeof(v->error));
	return rc;
}

/* PATH or ADDR:PORT, then mode=0600, level=WORD, user=NAME, group=NAME. */
int
parse_control(struct key_value *v)
{
	char copy[SOCKET_PATH_MAX + 160], *save = NULL, *word;
	struct conf_control c;
	int level;

	memset(&c, 0, sizeof(c));
	if (strlen(v->text) >= sizeof(copy))
		return refuse(
		    v, "the value is longer than %zu bytes", sizeof(copy) - 1);
	strcpy(copy, v->text);
	if (control_address(v, strtok_r(copy, " \t", &save), &c.addr) != 0)
		return -1;
	while ((word = strtok_r(NULL, " \t", &save)) != NULL) {
		if (strncmp(word, "mode=", 5) == 0) {
			if (set_mode(v, word + 5, &c.mode) != 0)
				return -1;
			c.has_mode = true;
		} else if (strncmp(word, "level=", 6) == 0) {
			level = parse_word_index(conf_level_words, word + 6);
			if (level < 0)
				return refuse(v,
				    "level: '%.40s' is not one of user, "
				    "operator, admin",
				    word + 6);
			c.level = (enum conf_level)level;
			c.has_level = true;
		} else if (strncmp(word, "user=", 5) == 0 &&
			   strlen(word + 5) < sizeof(c.user))
			strcpy(c.user, word + 5);
		else if (strncmp(word, "group=", 6) == 0 &&
			 strlen(word + 6) < sizeof(c.group))
			strcpy(c.group, word + 6);
		else
			return refuse(v,
			    "'%.40s' is not mode=MODE, level=LEVEL, user=NAME "
			    "or group=NAME",
			    word);
	}
	return append(v, &c);
}

/* A target of the log. */
int
parse_log(struct key_value *v)
{
	struct log_target t;

	if (target_parse(v->text, &t, v->error, sizeof(v->error)) != 0)
		return -1;
	return append(v, &t);
}

/* HOST:PORT. What may hold a password is not repeated. */
static int
host_port(struct key_value *v, const char *text, char **host, uint16_t *port)
{
	char buf[PARSE_HOST_MAX];

	if (strchr(text, '@') != NULL || strstr(text, "//") != NULL)
		return refuse(v,
		    "HOST:PORT is expected, not a URL; a password goes to its "
		    "own key");
	if (addr_split(text, buf, sizeof(buf), port) != 0 || !addr_is_host(buf))
		return refuse(v, "'%.100s' is not HOST:PORT", text);
	*host = xstrdup(buf);
	return 0;
}

/* Where a Sentinel is. */
int
parse_host(struct key_value *v)
{
	struct conf_host h = {.line = v->line};

	if (host_port(v, v->text, &h.host, &h.port) != 0)
		return -1;
	return append(v, &h);
}

/* Another backend and when; what its names mean is branch.c's. */
int
parse_rule(struct key_value *v)
{
	struct rule_text *rule = xcalloc(1, sizeof(*rule));
	int rc = rule_parse(v->text, rule, v->error, sizeof(v->error));

	free(rule);
	return rc;
}

/* One step of a script. */
int
parse_step(struct key_value *v)
{
	struct conf_step step;

	if (step_parse(v->text, &step, v->error, sizeof(v->error)) != 0)
		return -1;
	step.line = v->line;
	return append(v, &step);
}

/* What may stand behind a server's address. */
enum server_option_kind { OPT_FLAG, OPT_NUMBER, OPT_TIME, OPT_WORD, OPT_HOST };

#define OPT(n, k, f, ...)                                            \
	{                                                            \
		.name = n, .kind = OPT_##k,                          \
		.at = offsetof(struct conf_server, f), ##__VA_ARGS__ \
	}

static const char *const init_words[] = {"unchecked", "up", "down", NULL};
static const char *const proxy_words[] = {"off", "v1", "v2", NULL};
static const char *const check_proxy_words[] = {
    "auto", "off", "v1", "v2", NULL};
static const char *const on_error_words[] = {
    "fastinter", "fail-check", "sudden-death", "mark-down", NULL};

static const struct server_option {
	const char *name;
	enum server_option_kind kind;
	size_t at; /* of the field */
	unsigned min, max;
	const char *const *words;
} server_options[] = {
    OPT("weight", NUMBER, weight, .min = 0, .max = 256),
    OPT("maxconn", NUMBER, maxconn, .max = PARSE_COUNT_MAX),
    OPT("backup", FLAG, backup),
    OPT("disabled", FLAG, disabled),
    OPT("unchecked", FLAG, unchecked),
    OPT("close-down", FLAG, close_down),
    OPT("close-backups", FLAG, close_backups),
    OPT("observe", FLAG, observe),
    OPT("on-error", WORD, on_error, .words = on_error_words),
    OPT("error-limit", NUMBER, error_limit, .min = 1, .max = PARSE_COUNT_MAX),
    OPT("init-state", WORD, init_state, .words = init_words),
    OPT("send-proxy", WORD, send_proxy, .words = proxy_words),
    OPT("check-send-proxy", WORD, check_send_proxy, .words = check_proxy_words),
    OPT("check-host", HOST, check_host),
    OPT("check-port", NUMBER, check_port, .min = 1, .max = 65535),
    OPT("check-interval", TIME, check_interval, .min = 10),
    OPT("check-fast", TIME, check_fast, .min = 10),
    OPT("check-down", TIME, check_down, .min = 10),
    OPT("fall", NUMBER, fall, .min = 1, .max = 1000),
    OPT("rise", NUMBER, rise, .min = 1, .max = 1000),
    OPT("maxqueue", NUMBER, maxqueue, .max = PARSE_COUNT_MAX),
    OPT("slow-start", TIME, slow_start),
    OPT("id", NUMBER, number, .min = 1, .max = PARSE_COUNT_MAX),
};
#define NSERVER_OPTIONS (sizeof(server_options) / sizeof(server_options[0]))

/* Set a number, in the field's own size. */
static int
option_number(
    const struct server_option *o, const char *value, void *at, char *reason)
{
	unsigned n;

	if (units_number(value, o->min, o->max, &n, reason) != 0)
		return -1;
	if (o->at == offsetof(struct conf_server, check_port))
		*(uint16_t *)at = (uint16_t)n;
	else
		*(unsigned *)at = n;
	return 0;
}

/* Set what one option says; value is NULL for a flag. */
static int
set_option(struct key_value *v, const struct server_option *o,
    const char *value, struct conf_server *s)
{
	char reason[UNITS_ERROR_MAX];
	void *at = (char *)s + o->at;
	int64_t ms;
	int word;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)at = true;
		return 0;
	case OPT_NUMBER:
		if (option_number(o, value, at, reason) == 0)
			return 0;
		return refuse(v, "%s: %s", o->name, reason);
	case OPT_TIME:
		if (units_time(value, &ms, reason) != 0)
			return refuse(v, "%s: %s", o->name, reason);
		if (ms < o->min || ms > TIME_MAX_MS)
			return refuse(v, "%s: '%.40s' is not %u ms to 10000 d",
			    o->name, value, o->min);
		*(int64_t *)at = ms;
		return 0;
	case OPT_WORD:
		if ((word = parse_word_index(o->words, value)) < 0)
			return refuse(
			    v, "%s: '%.40s' is unknown", o->name, value);
		*(unsigned *)at = (unsigned)word;
		return 0;
	default:
		if (!addr_is_host(value))
			return refuse(
			    v, "%s: '%.100s' is no host", o->name, value);
		*(char **)at = xstrdup(value);
		return 0;
	}
}

/* One option behind a server's address; seen is a bit for each one given. */
static int
server_option(
    struct key_value *v, char *word, struct conf_server *s, unsigned *seen)
{
	const char *nearest = NULL;
	char *value = strchr(word, '=');
	size_t i;

	if (value != NULL)
		*value++ = '\0';
	for (i = 0; i < NSERVER_OPTIONS; i++) {
		if (strcmp(server_options[i].name, word) == 0)
			break;
		nearest = key_nearer(word, server_options[i].name, nearest);
	}
	if (i == NSERVER_OPTIONS)
		return refuse(v, "'%.40s' is no option of a server%s%s%s", word,
		    nearest == NULL ? "" : ", did you mean '",
		    nearest == NULL ? "" : nearest,
		    nearest == NULL ? "" : "'?");
	if ((value == NULL) != (server_options[i].kind == OPT_FLAG))
		return refuse(v, "%s %s", word,
		    value == NULL ? "needs a value, as in weight=100"
				  : "takes no value");
	if ((*seen & (1U << i)) != 0)
		return refuse(v, "%s is given twice", word);
	*seen |= 1U << i;
	return set_option(v, &server_options[i], value, s);
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
	if (host_port(v, word, &s->host, &s->port) != 0)
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
	struct conf_server s = {.weight = CONF_WEIGHT,
	    .error_limit = 10,
	    .on_error = ON_ERROR_FAIL_CHECK,
	    .line = v->line};
	char *words = xstrdup(v->text);
	int rc = server_words(v, words, &s);

	free(words);
	if (rc == 0)
		return append(v, &s);
	conf_server_clear(&s);
	return -1;
}
