/*
 * haproxy.cfg: simple directives of defaults, listen, frontend and backend.
 */
#include <string.h>

#include "base/log.h"
#include "conf/cfg_reader.h"

/* mode tcp. */
void
cfg_mode(struct cfg *c, char **w)
{
	if (!cfg_one(c, w[0], w + 1))
		return;
	if (strcmp(w[1], "tcp") != 0 && strcmp(w[1], "http") != 0) {
		cfg_error(c,
		    "'mode' is tcp (or http, for statistics), not "
		    "'%.40s'",
		    w[1]);
		return;
	}
	c->proxy->http = strcmp(w[1], "http") == 0;
	c->proxy->mode_line = c->place.line;
}

/* timeout NAME TIME. */
void
cfg_timeout(struct cfg *c, char **w)
{
	static const char *const words[] = {"connect", "client", "server",
	    "tunnel", "check", "queue", "client-fin", "server-fin", NULL};
	static const char *const http[] = {
	    "http-request", "http-keep-alive", "tarpit", NULL};
	const char *word = w[1] == NULL ? "" : w[1], *nearest = NULL;
	char *what = cfg_format(c, "timeout %s", word);
	struct cfg_number *t, unused;
	int i = parse_word_index(words, word), j;

	if (i < 0 && parse_word_index(http, word) < 0) {
		for (j = 0; words[j] != NULL; j++)
			nearest = key_nearer(word, words[j], nearest);
		cfg_unknown(c, "timeout", word, nearest);
		return;
	}
	t = i < 0 ? &unused : &c->proxy->timeouts[i];
	if (w[2] != NULL && w[3] != NULL)
		cfg_error(c, "'%s': '%.40s' is too much behind '%.40s'", what,
		    w[3], w[2]);
	else if (cfg_time(c, what, w[2], "ms", &t->n) == 0)
		t->line = c->place.line;
}

/* contimeout, clitimeout, srvtimeout: how timeouts were once written. */
void
cfg_old_timeout(struct cfg *c, char **w)
{
	static const struct {
		const char *word;
		enum cfg_timeout timeout;
	} old[] = {{"contimeout", TIMEOUT_CONNECT},
	    {"clitimeout", TIMEOUT_CLIENT}, {"srvtimeout", TIMEOUT_SERVER}};
	struct cfg_number *t;
	size_t i = 0;

	while (i < 2 && strcmp(old[i].word, w[0]) != 0)
		i++;
	t = &c->proxy->timeouts[old[i].timeout];
	if (cfg_one(c, w[0], w + 1) &&
	    cfg_time(c, w[0], w[1], "ms", &t->n) == 0)
		t->line = c->place.line;
}

/* A word and a number. */
void
cfg_number_of(struct cfg *c, char **w)
{
	struct cfg_proxy *x = c->proxy;
	const struct {
		const char *word;
		struct cfg_number *n;
		unsigned min, max;
	} numbers[] = {{"backlog", &x->backlog, 0, PARSE_COUNT_MAX},
	    {"fullconn", &x->fullconn, 0, PARSE_COUNT_MAX},
	    {"id", &x->number, 1, PARSE_COUNT_MAX},
	    {"maxconn", &x->maxconn, 0, PARSE_COUNT_MAX},
	    {"retries", &x->retries, 0, PARSE_COUNT_MAX}};
	size_t i = 0;

	while (i < 4 && strcmp(numbers[i].word, w[0]) != 0)
		i++;
	if (cfg_one(c, w[0], w + 1) &&
	    cfg_count(c, w[0], w[1], numbers[i].min, numbers[i].max,
		&numbers[i].n->n) == 0)
		numbers[i].n->line = c->place.line;
}

/* Is it in a section of frontend? Its clients' connections are as those to the
 * servers of its backend, where that is said. */
static bool
is_backends(struct cfg *c, const char *what)
{
	if (c->kind == CFG_FRONTEND)
		cfg_warn(c,
		    "'%s' is left out: clients' connections are as the "
		    "backend's, write it there or in defaults",
		    what);
	return c->kind == CFG_FRONTEND;
}

/* tcp-ut of a bind or a server line: the least one holds for all of them. */
void
cfg_user_timeout(struct cfg *c, const char *what, const char *value)
{
	struct cfg_number n = {0, c->place.line};
	struct cfg_number *least = &c->proxy->user_timeout;

	if (is_backends(c, what) || cfg_time(c, what, value, "ms", &n.n) != 0)
		return;
	if (least->line == 0 || n.n < least->n)
		*least = n;
}

/* clitcpka-idle and so on: the keep-alive of the connections to the servers,
 * which a client's is like. */
void
cfg_keepalive(struct cfg *c, char **w)
{
	const char *what = strchr(w[0], '-') + 1;
	struct cfg_number *n = strcmp(what, "idle") == 0 ? &c->proxy->keep_idle
			       : strcmp(what, "intvl") == 0
				   ? &c->proxy->keep_interval
				   : &c->proxy->keep_count;
	int rc;

	if (!cfg_one(c, w[0], w + 1) || is_backends(c, w[0]))
		return;
	if (n == &c->proxy->keep_count)
		rc = cfg_count(c, w[0], w[1], 1, 127, &n->n);
	else
		rc = cfg_time(c, w[0], w[1], "s", &n->n);
	if (rc == 0 && n != &c->proxy->keep_count &&
	    (n->n < 1000 || n->n > 32767000 || n->n % 1000 != 0))
		cfg_error(c,
		    "'%s': '%.40s' is not a whole number of seconds, "
		    "1s to 32767s",
		    w[0], w[1]);
	else if (rc == 0)
		n->line = c->place.line;
}

/* balance ALGORITHM; without one it is roundrobin. */
void
cfg_balance(struct cfg *c, char **w)
{
	static const struct {
		const char *theirs, *ours;
	} words[] = {{"roundrobin", "roundrobin"}, {"static-rr", "roundrobin"},
	    {"leastconn", "leastconn"}, {"first", "first"},
	    {"source", "source"}, {"random", "random"}};
	static const char *const others[] = {
	    "uri", "url_param", "hash", "hdr", "rdp-cookie", NULL};
	const char *word = w[1] == NULL ? "roundrobin" : w[1], *near = NULL;
	size_t len = strcspn(word, "("), i;
	char *name = cfg_format(c, "%.*s", (int)len, word);

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].theirs, name) == 0)
			break;
		near = key_nearer(name, words[i].theirs, near);
	}
	if (i == sizeof(words) / sizeof(words[0])) {
		if (parse_word_index(others, name) >= 0)
			cfg_error(c,
			    "'balance %.40s' is not possible here: it looks "
			    "into what clients send; use roundrobin, "
			    "leastconn, first, source or random",
			    name);
		else
			cfg_unknown(c, "way to balance", name, near);
		return;
	}
	if (word[len] == '(' && strcmp(words[i].theirs, "random") != 0)
		cfg_error(c, "'balance %.40s' takes no argument", name);
	c->proxy->balance = cfg_text(c, words[i].ours);
}

/* default_backend NAME. */
void
cfg_default_backend(struct cfg *c, char **w)
{
	if (cfg_one(c, w[0], w + 1))
		c->proxy->backend = cfg_text(c, w[1]);
}

/* disabled, enabled. */
void
cfg_disabled(struct cfg *c, char **w)
{
	c->proxy->disabled = strcmp(w[0], "disabled") == 0 && !c->no;
}

/* log-format: lines are tcplog's. */
void
cfg_log_format(struct cfg *c, char **w)
{
	c->proxy->tcplog = true;
	cfg_warn(c, "'%s' is left out: lines are as of option tcplog", w[0]);
}

/* A rule that HAProxy ignores in mode tcp. */
void
cfg_http_rule(struct cfg *c, char **w)
{
	if (c->proxy->http_rule.line == 0)
		c->proxy->http_rule = cfg_text(c, w[0]);
}

/* http-request use-service prometheus-exporter if { path /metrics }. */
void
cfg_http_request(struct cfg *c, char **w)
{
	if (w[1] == NULL || strcmp(w[1], "use-service") != 0) {
		cfg_http_rule(c, w);
		return;
	}
	if (w[2] == NULL || strcmp(w[2], "prometheus-exporter") != 0) {
		cfg_error(c, "'http-request use-service' is possible with "
			     "prometheus-exporter only");
		return;
	}
	if (!cfg_asks_path(c, w + 3))
		cfg_error(c, "the metrics can be kept from nobody by "
			     "conditions, other than '{ path /metrics }': bind "
			     "to an address of their own");
	else if (w[3] != NULL &&
		 (strcmp(w[4], "{") != 0 || strcmp(w[5], "path") != 0 ||
		     strcmp(w[6], "/metrics") != 0 || strcmp(w[7], "}") != 0))
		cfg_warn(c, "the metrics are at /metrics, whatever the "
			    "condition says");
	c->proxy->stats.metrics = true;
	if (c->proxy->stats.line == 0)
		c->proxy->stats.line = c->place.line;
}

/* monitor-uri URI: answers 200. */
void
cfg_monitor_uri(struct cfg *c, char **w)
{
	if (!cfg_one(c, w[0], w + 1))
		return;
	c->proxy->stats.health_uri = cfg_text(c, w[1]);
	if (c->proxy->stats.line == 0)
		c->proxy->stats.line = c->place.line;
}

/* Has the user of a USER:PASSWORD a password already? */
static bool
is_user(const struct cfg_stats *s, const char *text, size_t len)
{
	const struct cfg_item *i;

	if (s->user.line != 0 && strncmp(s->user.text, text, len) == 0 &&
	    s->user.text[len] == '\0')
		return true;
	for (i = s->more.first; i != NULL; i = i->next) {
		if (strncmp(i->v.text, text, len + 1) == 0)
			return true;
	}
	return false;
}

/* stats auth USER:PASSWORD; several add up. */
static void
stats_auth(struct cfg *c, const char *text)
{
	struct cfg_stats *s = &c->proxy->stats;
	char *user, *password;

	if (text == NULL || (password = strchr(text, ':')) == NULL ||
	    password == text || password[1] == '\0') {
		cfg_error(c, "'stats auth' expects USER:PASSWORD");
		return;
	}
	if (is_user(s, text, (size_t)(password - text))) {
		cfg_warn(c,
		    "'stats auth': this user has a password above: the line "
		    "is left out");
		return;
	}
	if (s->user.line != 0) {
		cfg_list_add(c, &s->more, text);
		return;
	}
	user = cfg_keep(c, text);
	user[password - text] = '\0';
	s->user = (struct cfg_text){user, c->place.line};
	s->password = user + (password - text) + 1;
}

/* stats admin if TRUE. */
static void
stats_admin(struct cfg *c, char **w)
{
	if (w[0] == NULL || w[1] == NULL ||
	    (strcmp(w[0], "if") != 0 && strcmp(w[0], "unless") != 0))
		cfg_error(c, "'stats admin' expects 'if' and a condition");
	else if (strcmp(w[0], "if") == 0 && w[2] == NULL &&
		 (strcmp(w[1], "TRUE") == 0 ||
		     strcmp(w[1], "ALWAYS_TRUE") == 0))
		c->proxy->stats.admin = cfg_text(c, w[1]);
	else if (strcmp(w[1], "FALSE") != 0)
		cfg_warn(c, "'stats admin' is left out, the page only shows: "
			    "the one condition possible is TRUE");
}

/* The realm, which HAProxy ends at the first blank that is not escaped. */
static void
stats_realm(struct cfg *c, char **w)
{
	if (w[0] == NULL || *w[0] == '\0')
		cfg_error(c, "'stats realm' expects a text");
	else
		c->proxy->stats.realm = cfg_text(c, w[0]);
}

/* The first line about the page in a section: as in HAProxy, what the defaults
 * say of it does not hold then. */
static void
begin_stats(struct cfg *c)
{
	struct cfg_stats *s = &c->proxy->stats;
	struct cfg_stats own = {.metrics = s->metrics,
	    .line = c->place.line,
	    .health_uri = s->health_uri};

	if (c->proxy->own_stats)
		return;
	c->proxy->own_stats = true;
	if (s->user.line != 0)
		cfg_warn(c,
		    "'stats auth' of line %u does not hold here, nor does what "
		    "else the defaults say of the page: '%s' has lines of its "
		    "own",
		    s->user.line, c->proxy->name);
	*s = own;
}

/* stats WORD ...: the page of statistics. */
void
cfg_stats(struct cfg *c, char **w)
{
	static const char *const words[] = {"enable", "hide-version", "uri",
	    "realm", "auth", "refresh", "admin", "show-legends", "show-node",
	    "show-desc", "show-modules", "scope", "http-request", NULL};
	struct cfg_stats *s = &c->proxy->stats;
	const char *word = w[1] == NULL ? "" : w[1], *nearest = NULL;
	int i = parse_word_index(words, word), j;

	begin_stats(c);
	switch (i) {
	case 0:
	case 7: /* show-...: the page shows them */
	case 8:
	case 9:
	case 10:
		break;
	case 1:
		s->hide_version = true;
		break;
	case 2:
		if (cfg_one(c, "stats uri", w + 2))
			s->uri = cfg_text(c, w[2]);
		break;
	case 3:
		stats_realm(c, w + 2);
		break;
	case 4:
		stats_auth(c, w[2]);
		break;
	case 5:
		if (cfg_time(c, "stats refresh", w[2], "s", &s->refresh.n) == 0)
			s->refresh.line = c->place.line;
		break;
	case 6:
		stats_admin(c, w + 2);
		break;
	case 11:
		cfg_warn(c, "'stats scope' is left out: the page shows all");
		break;
	case 12:
		cfg_error(c, "'stats http-request' is not possible here: use "
			     "'stats auth USER:PASSWORD'");
		break;
	default:
		for (j = 0; words[j] != NULL; j++)
			nearest = key_nearer(word, words[j], nearest);
		cfg_unknown(c, "stats parameter", word, nearest);
	}
}
