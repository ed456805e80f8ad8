/*
 * haproxy.cfg: what stands in global, and the logs of all sections.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/cfg_reader.h"
#include "conf/target.h"

/* The levels of syslog as HAProxy and as log = calls them, most severe first.
 */
static const char *const level_words[] = {"emerg", "alert", "crit", "err",
    "warning", "notice", "info", "debug", NULL};
static const char *const our_levels[] = {
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"};
#define LEVEL_OF_SESSIONS 6 /* info */

/* The same of the facilities. */
static const char *const facility_words[] = {"kern", "user", "mail", "daemon",
    "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp", "ntp",
    "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7", NULL};
#define FACILITY_AUTH2 10
#define FACILITY_CRON2 15

/* Where log = sends what HAProxy sends to an address; NULL with an error. Those
 * that are no syslog have its format all the same. */
static char *
log_place(struct cfg *c, const char *address)
{
	static const char *const ip[] = {
	    "udp@", "udp4@", "udp6@", "ipv4@", "ipv6@", NULL};
	size_t i;

	if (strcmp(address, "stdout") == 0 || strcmp(address, "stderr") == 0 ||
	    strncmp(address, "fd@", 3) == 0)
		return cfg_format(c, "%s format=syslog", address);
	if (strncmp(address, "unix@", 5) == 0)
		address += 5;
	for (i = 0; ip[i] != NULL; i++) {
		if (strncmp(address, ip[i], strlen(ip[i])) == 0)
			address += strlen(ip[i]);
	}
	if (strchr(address, '@') == NULL)
		return cfg_format(c, "syslog:%s", address);
	cfg_error(c,
	    "'log': '%.80s' cannot be logged to: use stdout, stderr, an "
	    "address or a socket's path",
	    address);
	return NULL;
}

/* Read len, format and sample behind an address; the place gets them. */
static char **
log_options(struct cfg *c, char **w, char **place)
{
	char *format;

	for (; w[0] != NULL && w[1] != NULL; w += 2) {
		if (strcmp(w[0], "format") == 0) {
			if ((format = strstr(*place, " format=")) != NULL)
				*format = '\0';
			*place = cfg_format(c, "%s format=%s", *place, w[1]);
		} else if (strcmp(w[0], "len") == 0) {
			*place = cfg_format(c, "%s len=%s", *place, w[1]);
		} else if (strcmp(w[0], "sample") == 0) {
			cfg_warn(c, "'log': sample is left out: every line is "
				    "logged");
		} else {
			break;
		}
	}
	return w;
}

/* LEVEL [LEAST] behind the facility. -1 with an error; *level is its index. */
static int
log_levels(struct cfg *c, char **w, char **target, int *level)
{
	static const char *const options[] = {"level", "min"};
	int i, index;

	for (i = 0; i < 2 && w[i] != NULL; i++) {
		if ((index = parse_word_index(level_words, w[i])) < 0) {
			cfg_error(c,
			    "'log': '%.40s' is no level: emerg, "
			    "alert, crit, err, warning, notice, info "
			    "or debug",
			    w[i]);
			return -1;
		}
		if (i == 0)
			*level = index;
		*target = cfg_format(
		    c, "%s %s=%s", *target, options[i], our_levels[index]);
	}
	return 0;
}

/* Add the target that w describes, ADDRESS [len N] [format F] FACILITY [LEVEL
 * [LEAST]], to a list. */
static void
add_log(struct cfg *c, char **w, struct cfg_list *list, bool *sessions)
{
	char *target = log_place(c, w[0]), error[384];
	struct log_target parsed;
	int level = LEVEL_OF_SESSIONS, facility;

	if (target == NULL)
		return;
	w = log_options(c, w + 1, &target);
	if (w[0] == NULL ||
	    (facility = parse_word_index(facility_words, w[0])) < 0) {
		cfg_error(c,
		    "'log': a facility is expected, as in local0, not '%.40s'",
		    w[0] == NULL ? "" : w[0]);
		return;
	}
	target = cfg_format(c, "%s facility=%s", target,
	    facility == FACILITY_AUTH2   ? "authpriv"
	    : facility == FACILITY_CRON2 ? "clock"
					 : w[0]);
	if (log_levels(c, w + 1, &target, &level) != 0)
		return;
	if (target_parse(target, &parsed, error, sizeof(error)) != 0) {
		cfg_error(c, "'log': %s", error);
		return;
	}
	*sessions |= level >= LEVEL_OF_SESSIONS;
	if (!cfg_list_has(list, target))
		cfg_list_add(c, list, target);
}

void
cfg_global_log(struct cfg *c, char **w)
{
	if (w[1] == NULL)
		cfg_error(c, "'log' expects an address and a facility");
	else
		add_log(c, w + 1, &c->global.logs, &c->global.sessions);
}

/* log of a proxy: global, or a target of its own; no log forgets them. */
void
cfg_log(struct cfg *c, char **w)
{
	struct cfg_proxy *x = c->proxy;

	if (c->no) {
		x->log_global = x->sessions = false;
		x->logs = (struct cfg_list){NULL, NULL, 0};
	} else if (w[1] == NULL) {
		cfg_error(c, "'log' expects 'global', or an address and a "
			     "facility");
	} else if (strcmp(w[1], "global") == 0) {
		x->log_global = true;
	} else {
		add_log(c, w + 1, &x->logs, &x->sessions);
	}
}

/* A word and its number. */
void
cfg_global_number(struct cfg *c, char **w)
{
	struct cfg_global *g = &c->global;
	struct cfg_number *n = &g->maxconn;
	bool good;

	if (!cfg_one(c, w[0], w + 1))
		return;
	if (strcmp(w[0], "hard-stop-after") == 0) {
		n = &g->hard_stop;
		good = cfg_time(c, w[0], w[1], "ms", &n->n) == 0;
	} else if (strcmp(w[0], "nbthread") == 0) {
		n = &g->workers;
		good = cfg_count(c, w[0], w[1], 1, 4096, &n->n) == 0;
		if (good && n->n > CONF_WORKERS_MAX) {
			cfg_warn(c, "'nbthread': there are %d threads at most",
			    CONF_WORKERS_MAX);
			n->n = CONF_WORKERS_MAX;
		}
	} else {
		good = cfg_count(c, w[0], w[1], 0, PARSE_COUNT_MAX, &n->n) == 0;
	}
	n->line = good ? c->place.line : 0;
}

/* A word and its text. */
void
cfg_global_text(struct cfg *c, char **w)
{
	struct cfg_global *g = &c->global;
	struct cfg_text *t = strcmp(w[0], "pidfile") == 0 ? &g->pidfile
			     : strcmp(w[0], "user") == 0  ? &g->user
							  : &g->group;

	if (!cfg_one(c, w[0], w + 1))
		return;
	if (t == &g->pidfile && w[1][0] != '/')
		cfg_error(
		    c, "'pidfile': '%.100s' is not an absolute path", w[1]);
	else
		*t = cfg_text(c, w[1]);
}

/* daemon: to the background. */
void
cfg_daemon(struct cfg *c, char **w)
{
	(void)w;
	c->global.daemon = cfg_text(c, "on");
}

/* log-tag WORD, of global or of a proxy: there is one. */
void
cfg_log_tag(struct cfg *c, char **w)
{
	if (!cfg_one(c, w[0], w + 1))
		return;
	if (strpbrk(w[1], " \t") != NULL)
		cfg_error(c, "'log-tag' takes no blanks");
	else if (c->global.tag.line == 0 || c->proxy == NULL)
		c->global.tag = cfg_text(c, w[1]);
	else if (strcmp(c->global.tag.text, w[1]) != 0)
		cfg_warn(c, "'log-tag' is left out: all lines are tagged '%s'",
		    c->global.tag.text);
}

/* log-send-hostname [NAME]. */
void
cfg_log_hostname(struct cfg *c, char **w)
{
	c->global.hostname = cfg_text(c, w[1] == NULL ? "auto" : w[1]);
}

/* The words behind the address of a stats socket; the value gets mode and
 * level. */
static char *
socket_options(struct cfg *c, char **w, char *value)
{
	static const char *const levels[] = {"user", "operator", "admin", NULL};
	static const char *const owner[] = {
	    "user", "group", "uid", "gid", NULL};
	static const char *const idle[] = {"expose-fd", "name", "id", "maxconn",
	    "backlog", "process", "thread", "severity-output", NULL};
	const char *level = "operator";

	for (; w[0] != NULL; w += 2) {
		if (w[1] == NULL) {
			cfg_error(c,
			    "'stats socket': '%.40s' is unknown, or lacks its "
			    "value",
			    w[0]);
			break;
		}
		if (strcmp(w[0], "mode") == 0)
			value = cfg_format(c, "%s mode=%s", value, w[1]);
		else if (strcmp(w[0], "level") == 0 &&
			 parse_word_index(levels, w[1]) >= 0)
			level = cfg_keep(c, w[1]);
		else if (strcmp(w[0], "level") == 0)
			cfg_error(c,
			    "'stats socket': level is user, operator or "
			    "admin, not '%.40s'",
			    w[1]);
		else if (parse_word_index(owner, w[0]) >= 0)
			value = cfg_format(c, "%s %s=%s", value,
			    w[0][0] == 'u' ? "user" : "group", w[1]);
		else if (parse_word_index(idle, w[0]) < 0)
			cfg_error(
			    c, "'stats socket': '%.40s' is unknown", w[0]);
	}
	return cfg_format(c, "%s level=%s", value, level);
}

/* stats socket ADDRESS ...: a control socket. */
static void
stats_socket(struct cfg *c, char **w)
{
	static const char *const kinds[] = {
	    "unix@", "ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@", NULL};
	const char *address = w[0];
	size_t i;

	if (address == NULL) {
		cfg_error(c, "'stats socket' expects a path or an address");
		return;
	}
	for (i = 0; kinds[i] != NULL; i++) {
		if (strncmp(address, kinds[i], strlen(kinds[i])) == 0)
			address += strlen(kinds[i]);
	}
	if (strchr(address, '@') != NULL)
		cfg_error(c,
		    "'stats socket': '%.40s' is not possible here: a path or "
		    "an address is",
		    address);
	else
		cfg_list_add(c, &c->global.sockets,
		    socket_options(c, w + 1,
			cfg_format(
			    c, "%s%s", *address == ':' ? "*" : "", address)));
}

void
cfg_global_stats(struct cfg *c, char **w)
{
	struct cfg_number *timeout = &c->global.timeout;

	if (w[1] != NULL && strcmp(w[1], "socket") == 0) {
		stats_socket(c, w + 2);
	} else if (w[1] != NULL && strcmp(w[1], "timeout") == 0) {
		if (cfg_time(c, "stats timeout", w[2], "ms", &timeout->n) == 0)
			timeout->line = c->place.line;
	} else if (w[1] != NULL && (strcmp(w[1], "maxconn") == 0 ||
				       strcmp(w[1], "bind-process") == 0))
		cfg_classed(c, CFG_TUNING, "stats maxconn", NULL);
	else
		cfg_error(c, "'stats' of global is 'stats socket PATH' or "
			     "'stats timeout TIME'");
}

/* unix-bind [prefix PATH] [mode M] [user U] ...: what all bind lines share. */
void
cfg_unix_bind(struct cfg *c, char **w)
{
	size_t i;

	for (i = 1; w[i] != NULL && strcmp(w[i], "prefix") != 0; i++)
		;
	if (w[i] != NULL)
		cfg_error(c, "'unix-bind prefix' is not possible here: write "
			     "the whole paths into the bind lines");
	else
		cfg_warn(c, "'unix-bind' is left out: sockets are as the "
			    "process makes them");
}

/* setenv, presetenv, unsetenv: what follows is read with it. */
void
cfg_environment(struct cfg *c, char **w)
{
	size_t i;

	if (strcmp(w[0], "unsetenv") == 0) {
		for (i = 1; w[i] != NULL; i++)
			unsetenv(w[i]);
	} else if (w[1] == NULL || w[2] == NULL || *w[1] == '\0' ||
		   strchr(w[1], '=') != NULL) {
		cfg_error(c, "'%s' expects a name and a value", w[0]);
	} else {
		setenv(w[1], w[2], strcmp(w[0], "setenv") == 0);
	}
}
