/*
 * The table of configuration keys, and what is made of it: defaults, words,
 * what was probably meant, and a model's beginning and end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/keys.h"

#define WORD_MAX 63 /* longer ones are like nothing */

const char *const key_section_words[] = {
    "backend", "frontend", "global", "stats", NULL};

const char *const conf_check_words[] = {"redis", "tcp", "script", "none", NULL};
const char *const conf_route_words[] = {"primary", "primary-preferred",
    "replica", "replica-preferred", "any", "any-replica", "lowest-latency",
    NULL};
const char *const conf_balance_words[] = {
    "roundrobin", "leastconn", "random", "source", "first", NULL};
const char *const conf_fence_words[] = {"strict", "auto", "off", NULL};
static const char *const onoff_words[] = {"off", "on", NULL};
static const char *const auto_words[] = {"off", "on", "auto", NULL};
const char *const conf_log_level_words[] = {
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", NULL};
static const char *const session_log_words[] = {"off", "errors", "all", NULL};
static const char *const session_log_own_words[] = {
    "off", "errors", "all", "global", NULL};
static const char *const log_format_words[] = {"text", "tcplog", "json", NULL};
static const char *const log_format_own_words[] = {
    "text", "tcplog", "json", "connect", "global", NULL};
const char *const conf_level_words[] = {"user", "operator", "admin", NULL};
static const char *const prefix_words[] = {"roleproxy", "haproxy", NULL};
static const char *const role_words[] = {"any", "primary", "replica", NULL};

/* The struct that a section fills. */
#define OF_BACKEND  struct conf_backend
#define OF_FRONTEND struct conf_frontend
#define OF_GLOBAL   struct conf_global
#define OF_STATS    struct conf_stats

/* The beginning of a row: section, name, default, parser; the field that it
 * sets; a string of its own; a list that it adds to, and its length. */
#define KEY(s, n, d, p) \
	.section = SECTION_##s, .name = n, .defval = d, .parse = p
#define FIELD(s, n, d, p, field)                            \
	KEY(s, n, d, p), .offset = offsetof(OF_##s, field), \
			 .size = sizeof(((OF_##s *)NULL)->field)
#define TEXT(s, n, d, p, field) FIELD(s, n, d, p, field), .text = true
#define LIST(s, n, d, p, field, length)                                     \
	FIELD(s, n, d, p, field), .count = offsetof(OF_##s, length),        \
				  .item = sizeof(*((OF_##s *)NULL)->field), \
				  .repeat = true

/* clang-format off */
const struct key keys[] = {
    {FIELD(BACKEND, "all-backups", "on", parse_choice, all_backups), .words = onoff_words,
	.help = "use all backup servers when there is no other, or the first one: on or off"},
    {FIELD(BACKEND, "check", "redis", parse_choice, check), .words = conf_check_words,
	.help = "how servers are checked: redis (PING, INFO), tcp, script or none"},
    {FIELD(BACKEND, "check-down", "0", parse_time, check_down),
	.help = "between two checks of a server that is DOWN; 0: as usual"},
    {FIELD(BACKEND, "check-fast", "100ms", parse_time, check_fast), .min = 10,
	.help = "between two checks while something is changing"},
    {FIELD(BACKEND, "check-interval", "1s", parse_time, check_interval), .min = 10,
	.help = "between two checks of a server"},
    {LIST(BACKEND, "check-step", NULL, parse_step, steps, nsteps),
	.help = "a step of check = script, in the words of HAProxy's tcp-check"},
    {FIELD(BACKEND, "check-timeout", "1s", parse_time, check_timeout), .min = 10,
	.help = "for a whole check: connect, AUTH, PING and INFO"},
    {FIELD(BACKEND, "connect-timeout", "5s", parse_time, connect_timeout), .min = 1,
	.help = "for connecting a client to a server"},
    {FIELD(BACKEND, "discover", "off", parse_choice, discover), .words = onoff_words,
	.help = "add the servers that these and the Sentinels know of: on or off"},
    {FIELD(BACKEND, "fall", "3", parse_number, fall), .min = 1, .max = 1000,
	.help = "failed checks in a row that make a server DOWN"},
    {FIELD(BACKEND, "fence", "auto", parse_choice, fence), .words = conf_fence_words,
	.help = "fence a writer that Sentinels lost: auto, off; strict: or when they are lost"},
    {FIELD(BACKEND, "fence-after", "2s", parse_time, fence_after), .min = 500,
	.help = "for how long Sentinels may not hear the writer before it is fenced"},
    {FIELD(BACKEND, "fence-fast", "off", parse_choice, fence_fast), .words = onoff_words,
	.help = "fence a writer at once when its replicas receive nothing: on or off"},
    {FIELD(BACKEND, "fullconn", "0", parse_number, fullconn), .max = PARSE_COUNT_MAX,
	.help = "clients that it is made for, in HAProxy's figures; 0: unknown"},
    {FIELD(BACKEND, "hold", "10s", parse_time, hold),
	.help = "how long a client waits for a server; 0: not at all"},
    {FIELD(BACKEND, "id", "0", parse_number, number), .max = PARSE_COUNT_MAX,
	.help = "its number in HAProxy's figures; 0: by its place"},
    {FIELD(BACKEND, "keepalive", "60s/10s/6", parse_keepalive, keepalive_idle),
	.help = "TCP keep-alive: idle time/interval/count, or off"},
    {FIELD(BACKEND, "log-checks", "off", parse_choice, log_checks), .words = onoff_words,
	.help = "log each change of a check's result: on or off"},
    {TEXT(BACKEND, "master-name", NULL, parse_word, master_name),
	.help = "what the Sentinels call it; learned from them when not given"},
    {FIELD(BACKEND, "max-lag", "10s", parse_time, max_lag),
	.help = "no reads from a replica that is further behind the writer; 0: no limit"},
    {FIELD(BACKEND, "max-lag-bytes", "64m", parse_size, max_lag_bytes),
	.help = "the same in bytes of replication"},
    {FIELD(BACKEND, "min-readers", "1", parse_number, min_readers), .max = CONF_SERVERS_MAX,
	.help = "so many replicas, those least behind, serve reads whatever their lag"},
    {FIELD(BACKEND, "on-role-lost", "keep", parse_role_lost, role_lost), .min = 1,
	.help = "readers of a replica that lags or is promoted: keep, close or drain TIME"},
    {TEXT(BACKEND, "password", NULL, parse_text, password), .secret = true,
	.help = "for AUTH of the checks: the rest of the line as it is"},
    {KEY(BACKEND, "password-env", NULL, parse_word),
	.help = "the environment variable that holds the password"},
    {KEY(BACKEND, "password-file", NULL, parse_path),
	.help = "the file whose first line is the password"},
    {FIELD(BACKEND, "queue-timeout", "0", parse_time, queue_timeout),
	.help = "how long a client waits for a place on a full server; 0: as hold"},
    {FIELD(BACKEND, "retries", "3", parse_number, retries), .max = 100,
	.help = "connects tried again for one client, elsewhere if possible"},
    {FIELD(BACKEND, "rise", "2", parse_number, rise), .min = 1, .max = 1000,
	.help = "good checks in a row that make a server UP again"},
    {FIELD(BACKEND, "role", "any", parse_choice, role), .words = role_words,
	.help = "the role of a server that is UP in HAProxy's figures: any, primary or replica"},
    {LIST(BACKEND, "sentinel", NULL, parse_host, sentinels, nsentinels),
	.help = "HOST:PORT of a Sentinel; learned from the servers when not given"},
    {TEXT(BACKEND, "sentinel-password", NULL, parse_text, sentinel_password), .secret = true,
	.help = "for AUTH at the Sentinels: the rest of the line as it is"},
    {KEY(BACKEND, "sentinel-password-env", NULL, parse_word),
	.help = "the environment variable that holds the Sentinels' password"},
    {KEY(BACKEND, "sentinel-password-file", NULL, parse_path),
	.help = "the file whose first line is the Sentinels' password"},
    {TEXT(BACKEND, "sentinel-username", NULL, parse_word, sentinel_username),
	.help = "the ACL user for AUTH at the Sentinels"},
    {LIST(BACKEND, "server", NULL, parse_server, servers, nservers),
	.help = "NAME HOST:PORT and options, as in weight=100 maxconn=0 backup disabled"},
    {FIELD(BACKEND, "server-timeout", "0", parse_time, server_timeout),
	.help = "close a session idle for so long at the server's turn; 0: off"},
    {FIELD(BACKEND, "user-timeout", "30s", parse_time, user_timeout), .max = 24LL * 86400 * 1000,
	.help = "how long sent bytes may stay unacknowledged; 0: the system's"},
    {TEXT(BACKEND, "username", NULL, parse_word, username),
	.help = "the ACL user for AUTH of the checks"},

    {LIST(FRONTEND, "accept-proxy", NULL, parse_proxies, accept_proxy, naccept_proxy),
	.help = "whose connections begin with a PROXY header: on, off, or a network"},
    {LIST(FRONTEND, "allow", NULL, parse_network, allow, nallow),
	.help = "serve only clients of this network, as in 10.0.0.0/8"},
    {KEY(FRONTEND, "backend", NULL, parse_word),
	.help = "the backend that serves it (required)"},
    {FIELD(FRONTEND, "backlog", "0", parse_number, backlog), .max = 65535,
	.help = "clients that the system lets wait to be accepted; 0: as many as it can"},
    {FIELD(FRONTEND, "balance", "leastconn", parse_choice, balance), .words = conf_balance_words,
	.help = "roundrobin, leastconn, random (of two), source or first"},
    {LIST(FRONTEND, "bind", NULL, parse_bind, binds, nbinds),
	.help = "where to listen: ADDR:PORT, :PORT, *:PORT, [v6]:PORT and interface=NAME v6only; unix:/path"},
    {FIELD(FRONTEND, "client-fin-timeout", "0", parse_time, client_fin_timeout),
	.help = "close a session idle for so long once the server is through; 0: off"},
    {FIELD(FRONTEND, "client-timeout", "0", parse_time, client_timeout),
	.help = "close a session idle for so long at the client's turn; 0: off"},
    {FIELD(FRONTEND, "defer-connect", "auto", parse_choice, defer_connect), .words = auto_words,
	.help = "connect to a server at the client's first byte; auto: on for Redis"},
    {LIST(FRONTEND, "deny", NULL, parse_network, deny, ndeny),
	.help = "refuse clients of this network, even allowed ones"},
    {FIELD(FRONTEND, "id", "0", parse_number, number), .max = PARSE_COUNT_MAX,
	.help = "its number in HAProxy's figures; 0: by its place"},
    {FIELD(FRONTEND, "log-format", "global", parse_choice, log_format),
	.words = log_format_own_words,
	.help = "global, text, tcplog, or connect: in whose words sessions are logged"},
    {FIELD(FRONTEND, "log-null", "on", parse_choice, log_null), .words = onoff_words,
	.help = "log also clients that leave without a byte: on or off"},
    {FIELD(FRONTEND, "max-session-age", "0", parse_time, max_session_age),
	.help = "close a session so long with one server at a quiet moment; 0: never"},
    {FIELD(FRONTEND, "maxconn", "0", parse_number, maxconn), .max = PARSE_COUNT_MAX,
	.help = "clients at a time; 0: no limit of its own"},
    {FIELD(FRONTEND, "no-server-reply", "auto", parse_choice, no_server_reply),
	.words = auto_words,
	.help = "answer -LOADING when hold has passed; auto: on for Redis"},
    {FIELD(FRONTEND, "route", "primary", parse_choice, route), .words = conf_route_words,
	.help = "which servers may serve it; without check = redis it is any"},
    {FIELD(FRONTEND, "server-fin-timeout", "0", parse_time, server_fin_timeout),
	.help = "close a session idle for so long once the client is through; 0: off"},
    {FIELD(FRONTEND, "session-log", "global", parse_choice, session_log),
	.words = session_log_own_words,
	.help = "which ended sessions get a log line: global, all, errors or off"},
    {KEY(FRONTEND, "use-backend", NULL, parse_rule), .repeat = true,
	.help = "NAME if CONDITION: another backend, as in spare if { nbsrv(redis) lt 1 }"},

    {FIELD(GLOBAL, "control-mode", "0600", parse_mode, control_mode), .fixed = true,
	.help = "who may open a control socket that has no mode, as for chmod"},
    {LIST(GLOBAL, "control-socket", NULL, parse_control, controls, ncontrols), .fixed = true,
	.help = "PATH or ADDR:PORT, and mode=0600 level=admin user=NAME group=NAME"},
    {FIELD(GLOBAL, "control-timeout", "10s", parse_time, control_timeout), .min = 1,
	.help = "for a command to come on a control socket"},
    {FIELD(GLOBAL, "daemon", "off", parse_choice, daemon), .words = onoff_words, .fixed = true,
	.help = "go to the background, as with -D: on or off"},
    {FIELD(GLOBAL, "drain-delay", "0", parse_time, drain_delay),
	.help = "on TERM, go on listening for so long with /readyz failing"},
    {FIELD(GLOBAL, "grace", "5s", parse_time, grace),
	.help = "on TERM, how long sessions may take to end"},
    {TEXT(GLOBAL, "group", NULL, parse_word, group), .fixed = true,
	.help = "to run as this group, by name or number, when started by root"},
    {FIELD(GLOBAL, "hard-stop-after", "0", parse_time, hard_stop_after),
	.help = "on USR1, how long sessions may take to end; 0: as long as it takes"},
    {LIST(GLOBAL, "log", "stdout", parse_log, logs, nlogs),
	.help = "stdout, stderr, fd@N, syslog:HOST:PORT, syslog:/path, with level= format= and so on"},
    {FIELD(GLOBAL, "log-format", "text", parse_choice, log_format), .words = log_format_words,
	.help = "in whose words servers and sessions are logged: text or tcplog (HAProxy's)"},
    {TEXT(GLOBAL, "log-hostname", NULL, parse_word, log_hostname),
	.help = "the host that lines for syslog name; auto: the system's; not given: none"},
    {FIELD(GLOBAL, "log-level", "info", parse_choice, log_level), .words = conf_log_level_words,
	.help = "error, warn, notice, info, debug and so on, as in syslog"},
    {TEXT(GLOBAL, "log-tag", "roleproxy", parse_word, log_tag),
	.help = "what lines for syslog call the program"},
    {FIELD(GLOBAL, "maxconn", "20000", parse_number, maxconn), .min = 1, .max = PARSE_COUNT_MAX,
	.help = "clients at a time, in all"},
    {TEXT(GLOBAL, "pidfile", NULL, parse_path, pidfile), .fixed = true,
	.help = "a file to write the process id to"},
    {FIELD(GLOBAL, "session-log", "errors", parse_choice, session_log), .words = session_log_words,
	.help = "which ended sessions get a log line: all, errors or off"},
    {FIELD(GLOBAL, "startup-wait", "2s", parse_time, startup_wait),
	.help = "for the first round of checks before the start counts as ready"},
    {TEXT(GLOBAL, "user", NULL, parse_word, user), .fixed = true,
	.help = "to run as this user, by name or number, when started by root"},
    {FIELD(GLOBAL, "workers", "auto", parse_workers, workers),
	.min = 1, .max = CONF_WORKERS_MAX, .fixed = true,
	.help = "relaying threads, 1 to 16; auto: as many as there are CPUs"},

    {FIELD(STATS, "admin", "off", parse_choice, admin), .words = onoff_words,
	.help = "let whoever may look also change servers: on or off; needs user"},
    {LIST(STATS, "auth", NULL, parse_auth, auth, nauth), .secret = true,
	.help = "USER:PASSWORD, who may look besides user: the rest of the line as it is"},
    {KEY(STATS, "auth-env", NULL, parse_word), .repeat = true,
	.help = "the environment variable that holds such a USER:PASSWORD"},
    {LIST(STATS, "bind", NULL, parse_bind, binds, nbinds),
	.help = "where to listen: ADDR:PORT, :PORT, *:PORT, [v6]:PORT and interface=NAME v6only; unix:/path"},
    {TEXT(STATS, "health-uri", NULL, parse_uri, health_uri),
	.help = "a path that answers as /healthz does"},
    {FIELD(STATS, "hide-version", "on", parse_choice, hide_version), .words = onoff_words,
	.help = "do not tell the version: on or off"},
    {FIELD(STATS, "maxconn", "64", parse_number, maxconn), .min = 1, .max = 10000,
	.help = "HTTP connections at a time"},
    {FIELD(STATS, "metrics-auth", "on", parse_choice, metrics_auth), .words = onoff_words,
	.help = "does /metrics need the password, too: on or off"},
    {FIELD(STATS, "metrics-prefix", "roleproxy", parse_choice, haproxy_metrics),
	.words = prefix_words,
	.help = "whose names /metrics has: roleproxy, or haproxy for HAProxy's besides"},
    {TEXT(STATS, "password", NULL, parse_text, password), .secret = true,
	.help = "of user: the rest of the line as it is"},
    {KEY(STATS, "password-env", NULL, parse_word),
	.help = "the environment variable that holds the password"},
    {KEY(STATS, "password-file", NULL, parse_path),
	.help = "the file whose first line is the password"},
    {TEXT(STATS, "realm", "roleproxy", parse_text, realm),
	.help = "what a browser shows when it asks for the password"},
    {FIELD(STATS, "refresh", "2s", parse_time, refresh),
	.help = "how often the page reloads itself; 0: never"},
    {TEXT(STATS, "uri", "/stats", parse_uri, uri),
	.help = "the path of the page"},
    {TEXT(STATS, "user", NULL, parse_word, user),
	.help = "who may look, but for /healthz and /readyz; all when not given"},
};
/* clang-format on */
const size_t nkeys = sizeof(keys) / sizeof(keys[0]);

const char *
conf_check_str(enum conf_check check)
{
	return conf_check_words[check];
}

const char *
conf_route_str(enum conf_route route)
{
	return conf_route_words[route];
}

const char *
conf_balance_str(enum conf_balance balance)
{
	return conf_balance_words[balance];
}

const char *
conf_fence_str(enum conf_fence fence)
{
	return conf_fence_words[fence];
}

enum key_naming
key_section_naming(enum key_section section)
{
	static const enum key_naming namings[] = {
	    [SECTION_BACKEND] = NAMING_NEEDED,
	    [SECTION_FRONTEND] = NAMING_NEEDED,
	    [SECTION_GLOBAL] = NAMING_NONE,
	    [SECTION_STATS] = NAMING_POSSIBLE};

	return namings[section];
}

const struct key *
key_find(enum key_section section, const char *name)
{
	size_t i;

	for (i = 0; i < nkeys; i++) {
		if (keys[i].section == section &&
		    strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

/* The smaller one. */
static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters are to be added, removed, changed or swapped with their
 * neighbour to make b of a (optimal string alignment). Neither is longer than
 * WORD_MAX. */
static unsigned
edit_distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t i, j, lena = strlen(a), lenb = strlen(b);

	for (i = 0; i <= lena; i++) {
		for (j = 0; j <= lenb; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			d[i][j] = least(d[i - 1][j], d[i][j - 1]) + 1;
			d[i][j] = least(
			    d[i][j], d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[lena][lenb];
}

const char *
key_nearer(const char *text, const char *word, const char *nearest)
{
	size_t len = strlen(text);
	unsigned limit = len < 4 ? 1 : len < 9 ? 2 : 3;

	if (len > WORD_MAX || edit_distance(text, word) > limit)
		return nearest;
	if (nearest != NULL &&
	    edit_distance(text, nearest) <= edit_distance(text, word))
		return nearest;
	return word;
}

const char *
key_nearest(enum key_section section, const char *name)
{
	const char *nearest = NULL;
	size_t i;

	for (i = 0; i < nkeys; i++) {
		if (keys[i].section == section)
			nearest = key_nearer(name, keys[i].name, nearest);
	}
	return nearest;
}

void
key_defaults(enum key_section section, void *object)
{
	struct key_value v = {.object = object};
	size_t i;

	for (i = 0; i < nkeys; i++) {
		v.key = &keys[i];
		v.text = keys[i].defval;
		if (keys[i].section == section && v.text != NULL &&
		    keys[i].parse(&v) != 0)
			fatal("default of %s: %s", keys[i].name, v.error);
	}
}

struct conf_use *
conf_use_new(void)
{
	struct conf_use *use =
	    aligned_alloc(_Alignof(struct conf_use), sizeof(*use));

	if (use == NULL)
		fatal("out of memory");
	return memset(use, 0, sizeof(*use));
}

/* Declared in conf.h: a model is made of the defaults above. */
struct conf *
conf_new(void)
{
	struct conf *conf = xcalloc(1, sizeof(*conf));

	conf->use = conf_use_new();
	key_defaults(SECTION_GLOBAL, &conf->global);
	return conf;
}

/* Free the strings and lists that a section's keys made; secrets are wiped. */
static void
clear_fields(enum key_section section, void *object)
{
	char *value;
	size_t i;

	for (i = 0; i < nkeys; i++) {
		if (keys[i].section != section ||
		    (!keys[i].text && keys[i].count == 0))
			continue;
		memcpy(&value, (char *)object + keys[i].offset, sizeof(value));
		if (keys[i].secret && keys[i].text && value != NULL)
			explicit_bzero(value, strlen(value));
		free(value);
	}
}

/* Free what a backend owns. */
static void
clear_backend(struct conf_backend *b)
{
	size_t i;

	for (i = 0; i < b->nservers; i++) {
		conf_server_clear(&b->servers[i]);
	}
	for (i = 0; i < b->nsentinels; i++)
		free(b->sentinels[i].host);
	for (i = 0; i < b->nsteps; i++)
		step_clear(&b->steps[i]);
	free(b->name);
	clear_fields(SECTION_BACKEND, b);
}

/* Free what a frontend owns. */
static void
clear_frontend(struct conf_frontend *f)
{
	free(f->name);
	free(f->bind_lines);
	free(f->rules);
	clear_fields(SECTION_FRONTEND, f);
}

/* Free what a place to look at owns. */
static void
clear_stats(struct conf_stats *s)
{
	size_t i;

	for (i = 0; i < s->nauth; i++)
		free_secret(s->auth[i]);
	free(s->name);
	free(s->bind_lines);
	clear_fields(SECTION_STATS, s);
}

void
conf_free(struct conf *conf)
{
	size_t i;

	if (conf == NULL)
		return;
	for (i = 0; i < conf->nbackends; i++)
		clear_backend(&conf->backends[i]);
	for (i = 0; i < conf->nfrontends; i++)
		clear_frontend(&conf->frontends[i]);
	for (i = 0; i < conf->nstats; i++)
		clear_stats(&conf->stats[i]);
	free(conf->backends);
	free(conf->frontends);
	free(conf->stats);
	clear_fields(SECTION_GLOBAL, &conf->global);
	free(conf->use);
	free(conf->path);
	free(conf);
}
