/*
 * The table of configuration keys, and what is made of it: defaults, and what
 * was probably meant.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/keys.h"

#define WORD_MAX 63 /* longer ones are like nothing */

static const char *const onoff_words[] = {"off", "on", NULL};
static const char *const auto_words[] = {"off", "on", "auto", NULL};
static const char *const level_words[] = {
    "error", "warn", "info", "debug", NULL};
static const char *const session_log_words[] = {"off", "errors", "all", NULL};

/* The beginning of a row, and the field that it sets. */
#define KEY(s, n, d, p) .section = s, .name = n, .defval = d, .parse = p
#define FIELD(type, field)                      \
	.offset = offsetof(struct type, field), \
	.size = sizeof(((struct type *)NULL)->field)

/* clang-format off */
const struct key keys[] = {
    {KEY(SECTION_BACKEND, "check", "redis", parse_choice),
	FIELD(conf_backend, check), .words = conf_check_words,
	.help = "how servers are checked: redis (PING, INFO), tcp (connect), none"},
    {KEY(SECTION_BACKEND, "check-fast", "100ms", parse_time),
	FIELD(conf_backend, check_fast), .min = 10,
	.help = "between two checks while something is changing"},
    {KEY(SECTION_BACKEND, "check-interval", "1s", parse_time),
	FIELD(conf_backend, check_interval), .min = 10,
	.help = "between two checks of a server"},
    {KEY(SECTION_BACKEND, "check-timeout", "1s", parse_time),
	FIELD(conf_backend, check_timeout), .min = 10,
	.help = "for a whole check: connect, AUTH, PING and INFO"},
    {KEY(SECTION_BACKEND, "connect-timeout", "5s", parse_time),
	FIELD(conf_backend, connect_timeout), .min = 1,
	.help = "for connecting a client to a server"},
    {KEY(SECTION_BACKEND, "fall", "3", parse_number),
	FIELD(conf_backend, fall), .min = 1, .max = 1000,
	.help = "failed checks in a row that make a server DOWN"},
    {KEY(SECTION_BACKEND, "fence-after", "2s", parse_time),
	FIELD(conf_backend, fence_after), .min = 500,
	.help = "a proxy stopped or stalled for longer relays no writes until it "
	    "has looked again"},
    {KEY(SECTION_BACKEND, "hold", "10s", parse_time),
	FIELD(conf_backend, hold),
	.help = "how long a client waits for a server; 0: not at all"},
    {KEY(SECTION_BACKEND, "keepalive", "60s/10s/6", parse_keepalive),
	FIELD(conf_backend, keepalive_idle),
	.help = "TCP keep-alive: idle time/interval/count, or off"},
    {KEY(SECTION_BACKEND, "password", NULL, parse_secret),
	FIELD(conf_backend, password), .secret = true,
	.help = "for AUTH of the checks: the rest of the line as it is"},
    {KEY(SECTION_BACKEND, "password-env", NULL, parse_word),
	.help = "the environment variable that holds the password"},
    {KEY(SECTION_BACKEND, "password-file", NULL, parse_path),
	.help = "the file whose first line is the password"},
    {KEY(SECTION_BACKEND, "retries", "3", parse_number),
	FIELD(conf_backend, retries), .max = 100,
	.help = "connects tried again for one client, elsewhere if possible"},
    {KEY(SECTION_BACKEND, "rise", "2", parse_number),
	FIELD(conf_backend, rise), .min = 1, .max = 1000,
	.help = "good checks in a row that make a server UP again"},
    {KEY(SECTION_BACKEND, "server", NULL, parse_server),
	FIELD(conf_backend, servers), .repeat = true,
	.help = "NAME HOST:PORT [weight=100] [maxconn=0] [backup] [disabled]"},
    {KEY(SECTION_BACKEND, "server-timeout", "0", parse_time),
	FIELD(conf_backend, server_timeout),
	.help = "close a session idle for so long at the server's turn; 0: off"},
    {KEY(SECTION_BACKEND, "user-timeout", "30s", parse_time),
	FIELD(conf_backend, user_timeout), .max = 24LL * 86400 * 1000,
	.help = "how long sent bytes may stay unacknowledged; 0: the system's"},
    {KEY(SECTION_BACKEND, "username", NULL, parse_word),
	FIELD(conf_backend, username),
	.help = "the ACL user for AUTH of the checks"},

    {KEY(SECTION_FRONTEND, "allow", NULL, parse_network),
	FIELD(conf_frontend, allow), .repeat = true,
	.help = "serve only clients of this network, as in 10.0.0.0/8"},
    {KEY(SECTION_FRONTEND, "backend", NULL, parse_word),
	.help = "the backend that serves it (required)"},
    {KEY(SECTION_FRONTEND, "balance", "leastconn", parse_choice),
	FIELD(conf_frontend, balance), .words = conf_balance_words,
	.help = "roundrobin, leastconn, random (of two), source or first"},
    {KEY(SECTION_FRONTEND, "bind", NULL, parse_bind),
	FIELD(conf_frontend, binds), .repeat = true,
	.help = "where to listen: ADDR:PORT, :PORT, *:PORT, [v6]:PORT, unix:/path"},
    {KEY(SECTION_FRONTEND, "client-timeout", "0", parse_time),
	FIELD(conf_frontend, client_timeout),
	.help = "close a session idle for so long at the client's turn; 0: off"},
    {KEY(SECTION_FRONTEND, "defer-connect", "auto", parse_auto),
	FIELD(conf_frontend, defer_connect), .words = auto_words,
	.help = "connect to a server at the client's first byte; auto: on for Redis"},
    {KEY(SECTION_FRONTEND, "deny", NULL, parse_network),
	FIELD(conf_frontend, deny), .repeat = true,
	.help = "refuse clients of this network, even allowed ones"},
    {KEY(SECTION_FRONTEND, "maxconn", "0", parse_number),
	FIELD(conf_frontend, maxconn), .max = PARSE_COUNT_MAX,
	.help = "clients at a time; 0: no limit of its own"},
    {KEY(SECTION_FRONTEND, "no-server-reply", "auto", parse_auto),
	FIELD(conf_frontend, no_server_reply), .words = auto_words,
	.help = "answer -LOADING when hold has passed; auto: on for Redis"},
    {KEY(SECTION_FRONTEND, "route", "primary", parse_choice),
	FIELD(conf_frontend, route), .words = conf_route_words,
	.help = "which servers may serve it; without check = redis it is any"},

    {KEY(SECTION_GLOBAL, "drain-delay", "0", parse_time),
	FIELD(conf_global, drain_delay),
	.help = "on TERM, go on listening for so long with /readyz failing"},
    {KEY(SECTION_GLOBAL, "grace", "5s", parse_time),
	FIELD(conf_global, grace),
	.help = "on TERM, how long sessions may take to end"},
    {KEY(SECTION_GLOBAL, "log", "stdout", parse_log),
	FIELD(conf_global, logs), .repeat = true,
	.help = "stdout, stderr, syslog:IP:PORT[/facility], "
	    "syslog:/dev/log[/facility]"},
    {KEY(SECTION_GLOBAL, "log-level", "info", parse_choice),
	FIELD(conf_global, log_level), .words = level_words,
	.help = "error, warn, info or debug"},
    {KEY(SECTION_GLOBAL, "maxconn", "20000", parse_number),
	FIELD(conf_global, maxconn), .min = 1, .max = PARSE_COUNT_MAX,
	.help = "clients at a time, in all"},
    {KEY(SECTION_GLOBAL, "pidfile", NULL, parse_path),
	FIELD(conf_global, pidfile), .fixed = true,
	.help = "a file to write the process id to"},
    {KEY(SECTION_GLOBAL, "session-log", "errors", parse_choice),
	FIELD(conf_global, session_log), .words = session_log_words,
	.help = "which ended sessions get a log line: all, errors or off"},
    {KEY(SECTION_GLOBAL, "startup-wait", "2s", parse_time),
	FIELD(conf_global, startup_wait),
	.help = "for the first round of checks before the start counts as ready"},
    {KEY(SECTION_GLOBAL, "workers", "auto", parse_workers),
	FIELD(conf_global, workers), .fixed = true,
	.help = "relaying threads, 1 to 16; auto: as many as there are CPUs"},

    {KEY(SECTION_STATS, "bind", NULL, parse_bind),
	FIELD(conf_stats, binds), .repeat = true,
	.help = "where to listen: ADDR:PORT, :PORT, *:PORT, [v6]:PORT, unix:/path"},
    {KEY(SECTION_STATS, "hide-version", "on", parse_onoff),
	FIELD(conf_stats, hide_version), .words = onoff_words,
	.help = "do not tell the version: on or off"},
    {KEY(SECTION_STATS, "maxconn", "64", parse_number),
	FIELD(conf_stats, maxconn), .min = 1, .max = 10000,
	.help = "HTTP connections at a time"},
    {KEY(SECTION_STATS, "password", NULL, parse_secret),
	FIELD(conf_stats, password), .secret = true,
	.help = "of user: the rest of the line as it is"},
    {KEY(SECTION_STATS, "password-env", NULL, parse_word),
	.help = "the environment variable that holds the password"},
    {KEY(SECTION_STATS, "password-file", NULL, parse_path),
	.help = "the file whose first line is the password"},
    {KEY(SECTION_STATS, "refresh", "2s", parse_time),
	FIELD(conf_stats, refresh),
	.help = "how often the page reloads itself; 0: never"},
    {KEY(SECTION_STATS, "uri", "/stats", parse_uri),
	FIELD(conf_stats, uri),
	.help = "the path of the page"},
    {KEY(SECTION_STATS, "user", NULL, parse_word),
	FIELD(conf_stats, user),
	.help = "who may look, but for /healthz and /readyz; all when not given"},
};
/* clang-format on */
const size_t nkeys = sizeof(keys) / sizeof(keys[0]);

static const char *const section_words[] = {
    "backend", "frontend", "global", "stats", NULL};

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

/* How many letters are to be added, removed, changed or swapped with their
 * neighbour to make b of a (optimal string alignment). Neither is longer than
 * WORD_MAX. */
static unsigned
edit_distance(const char *a, const char *b)
{
	unsigned row[3][WORD_MAX + 2], *prev2 = row[0], *prev = row[1],
				       *cur = row[2], *swap, best, change;
	size_t i, j, lena = strlen(a), lenb = strlen(b);

	for (j = 0; j <= lenb; j++)
		prev[j] = (unsigned)j;
	for (i = 1; i <= lena; i++) {
		cur[0] = (unsigned)i;
		for (j = 1; j <= lenb; j++) {
			change = prev[j - 1] + (a[i - 1] != b[j - 1]);
			best = prev[j] < cur[j - 1] ? prev[j] : cur[j - 1];
			best = best + 1 < change ? best + 1 : change;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && prev2[j - 2] + 1 < best)
				best = prev2[j - 2] + 1;
			cur[j] = best;
		}
		swap = prev2;
		prev2 = prev;
		prev = cur;
		cur = swap;
	}
	return prev[lenb];
}

bool
key_is_nearer(const char *text, const char *word, unsigned *best)
{
	size_t len = strlen(text);
	unsigned distance, limit = len < 4 ? 1 : len < 9 ? 2 : 3;

	if (len > WORD_MAX)
		return false;
	distance = edit_distance(text, word);
	if (distance > limit || distance >= *best)
		return false;
	*best = distance;
	return true;
}

const char *
key_nearest(enum key_section section, const char *name)
{
	const char *nearest = NULL;
	unsigned best = UINT_MAX;
	size_t i;

	for (i = 0; i < nkeys; i++) {
		if (keys[i].section == section &&
		    key_is_nearer(name, keys[i].name, &best))
			nearest = keys[i].name;
	}
	return nearest;
}

/* The word of a list that was probably meant, or NULL. */
static const char *
nearest_word(const char *const *words, const char *text)
{
	const char *nearest = NULL;
	unsigned best = UINT_MAX;

	for (; *words != NULL; words++) {
		if (key_is_nearer(text, *words, &best))
			nearest = *words;
	}
	return nearest;
}

enum key_section
key_elsewhere(enum key_section section, const char *name)
{
	size_t i;

	for (i = 0; i < nkeys; i++) {
		if (keys[i].section != section &&
		    strcmp(keys[i].name, name) == 0)
			return keys[i].section;
	}
	return SECTION_NONE;
}

const char *
key_section_str(enum key_section section)
{
	return section_words[section];
}

bool
key_section_named(enum key_section section)
{
	return section == SECTION_BACKEND || section == SECTION_FRONTEND;
}

enum key_section
key_section_find(const char *word)
{
	int i = parse_word_index(section_words, word);

	return i < 0 ? SECTION_NONE : (enum key_section)i;
}

const char *
key_section_nearest(const char *word)
{
	return nearest_word(section_words, word);
}

void
key_defaults(enum key_section section, void *object)
{
	struct key_text text = {NULL, 0};
	char error[KEY_ERROR_MAX];
	size_t i;

	for (i = 0; i < nkeys; i++) {
		text.value = keys[i].defval;
		if (keys[i].section == section && text.value != NULL &&
		    keys[i].parse(&keys[i], &text, object, error) != 0)
			fatal("default of %s: %s", keys[i].name, error);
	}
}

/* Declared in conf.h: a model is made of the defaults above. */
struct conf *
conf_new(void)
{
	struct conf *conf = xcalloc(1, sizeof(*conf));

	conf->use =
	    aligned_alloc(_Alignof(struct conf_use), sizeof(*conf->use));
	if (conf->use == NULL)
		fatal("out of memory");
	memset(conf->use, 0, sizeof(*conf->use));
	key_defaults(SECTION_GLOBAL, &conf->global);
	key_defaults(SECTION_STATS, &conf->stats);
	return conf;
}

bool
key_same(const struct key *k, const void *a, const void *b)
{
	const char *fa = (const char *)a + k->offset;
	const char *fb = (const char *)b + k->offset;
	const char *ta, *tb;

	if (k->parse != parse_path && k->parse != parse_word)
		return memcmp(fa, fb, k->size) == 0;
	memcpy(&ta, fa, sizeof(ta));
	memcpy(&tb, fb, sizeof(tb));
	if (ta == NULL || tb == NULL)
		return ta == tb;
	return strcmp(ta, tb) == 0;
}
