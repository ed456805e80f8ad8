/*
 * Log targets: a place, then options. What HAProxy's log line can say can be
 * said here.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/units.h"
#include "conf/keys.h"
#include "conf/target.h"

#define FACILITY_DAEMON 3
#define SYSLOG_PORT     514
#define LENGTH_MIN      80
#define LENGTH_MAX      65535

/* RFC 3164 facilities, by their numbers. */
static const char *const facility_words[] = {"kern", "user", "mail", "daemon",
    "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7", NULL};

/* The words of enum log_format, in its order. */
static const char *const format_words[] = {"text", "syslog", "local", "rfc3164",
    "rfc5424", "priority", "short", "timed", "iso", "raw", NULL};

/* What is wrong, and where to say it. */
struct complaint {
	char *error;
	size_t size;
};

/* Say why it is refused. Returns -1. */
static int __attribute__((format(printf, 2, 3)))
refuse(struct complaint *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->error, c->size, fmt, ap);
	va_end(ap);
	return -1;
}

/* A facility by its name. */
static int
set_facility(struct complaint *c, const char *word, struct log_target *t)
{
	t->facility = parse_word_index(facility_words, word);
	if (t->facility >= 0)
		return 0;
	return refuse(c,
	    "'%.40s' is not a facility: daemon, user, local0 to local7 and so "
	    "on",
	    word);
}

/* A level by its name. */
static int
set_level(struct complaint *c, const char *word, enum log_level *level)
{
	int i = parse_word_index(conf_log_level_words, word);

	if (i < 0)
		return refuse(c,
		    "'%.40s' is not a level: emerg, alert, crit, error, warn, "
		    "notice, info, debug",
		    word);
	*level = (enum log_level)i;
	return 0;
}

/* A UNIX socket. /dev/log may have its facility behind a slash. */
static int
set_path(struct complaint *c, char *path, struct log_target *t)
{
	static const char dev[] = "/dev/log/";

	if (strncmp(path, dev, sizeof(dev) - 1) == 0) {
		path[sizeof(dev) - 2] = '\0';
		if (set_facility(c, path + sizeof(dev) - 1, t) != 0)
			return -1;
	}
	if (strlen(path) >= sizeof(t->addr.u.path))
		return refuse(c, "'%.110s' is longer than %zu bytes", path,
		    sizeof(t->addr.u.path) - 1);
	t->addr.family = AF_UNIX;
	strcpy(t->addr.u.path, path);
	return 0;
}

/* HOST[:PORT], an IPv6 address without port bare or in brackets. */
static int
set_host(struct complaint *c, const char *place, struct log_target *t)
{
	char host[PARSE_HOST_MAX];
	uint16_t port = SYSLOG_PORT;
	size_t len = strlen(place);

	if (addr_parse_ip(place, port, &t->addr) == 0)
		return 0;
	if (addr_split(place, host, sizeof(host), &port) != 0) {
		if (place[0] == '[' && place[len - 1] == ']')
			snprintf(host, sizeof(host), "%.*s", (int)len - 2,
			    place + 1);
		else
			snprintf(host, sizeof(host), "%s", place);
	}
	if (addr_parse_ip(host, port, &t->addr) == 0)
		return 0;
	if (len >= sizeof(host) || !addr_is_host(host))
		return refuse(c,
		    "'syslog:%.100s' is neither syslog:HOST:PORT nor "
		    "syslog:/path",
		    place);
	snprintf(t->host, sizeof(t->host), "%s", host);
	t->addr.port = port;
	return 0;
}

/* Where the lines go. */
static int
set_place(struct complaint *c, char *place, struct log_target *t)
{
	char *facility, reason[UNITS_ERROR_MAX];
	unsigned fd;

	if (strcmp(place, "stdout") == 0)
		return 0;
	t->kind = LOG_TO_STDERR;
	if (strcmp(place, "stderr") == 0)
		return 0;
	t->kind = LOG_TO_FD;
	if (strncmp(place, "fd@", 3) == 0) {
		if (units_number(place + 3, 0, INT_MAX, &fd, reason) != 0)
			return refuse(c, "fd@: %s", reason);
		t->fd = (int)fd;
		return 0;
	}
	t->kind = LOG_TO_SYSLOG;
	t->format = LOG_SYSLOG;
	if (strncmp(place, "syslog:", 7) != 0)
		return refuse(c,
		    "'%.60s' is not stdout, stderr, fd@N or syslog:…", place);
	place += 7;
	if (*place == '/')
		return set_path(c, place, t);
	if ((facility = strchr(place, '/')) != NULL) {
		*facility++ = '\0';
		if (set_facility(c, facility, t) != 0)
			return -1;
	}
	return set_host(c, place, t);
}

/* One of the words behind the place. */
static int
set_option(struct complaint *c, char *word, struct log_target *t)
{
	char *value = strchr(word, '='), reason[UNITS_ERROR_MAX];
	unsigned length;
	int i;

	if (value != NULL)
		*value++ = '\0';
	if (value != NULL && strcmp(word, "facility") == 0)
		return set_facility(c, value, t);
	if (value != NULL && strcmp(word, "level") == 0)
		return set_level(c, value, &t->level);
	if (value != NULL && strcmp(word, "min") == 0)
		return set_level(c, value, &t->least);
	if (value != NULL && strcmp(word, "len") == 0) {
		if (units_number(
			value, LENGTH_MIN, LENGTH_MAX, &length, reason) != 0)
			return refuse(c, "len: %s", reason);
		t->length = length;
		return 0;
	}
	if (value == NULL || strcmp(word, "format") != 0)
		return refuse(c,
		    "'%.40s' is not facility=, level=, min=, format= or len=",
		    word);
	if ((i = parse_word_index(format_words, value)) < 0)
		return refuse(c,
		    "'%.40s' is not a format: text, syslog, local, rfc3164, "
		    "rfc5424, "
		    "priority, short, timed, iso, raw",
		    value);
	t->format = (enum log_format)i;
	return 0;
}

int
target_parse(
    const char *text, struct log_target *target, char *error, size_t size)
{
	struct complaint c = {error, size};
	char copy[1024], *save, *word;

	memset(target, 0, sizeof(*target));
	target->kind = LOG_TO_STDOUT;
	target->facility = FACILITY_DAEMON;
	target->level = LEVEL_DEBUG;
	if (strlen(text) >= sizeof(copy))
		return refuse(&c, "longer than %zu bytes", sizeof(copy) - 1);
	strcpy(copy, text);
	word = strtok_r(copy, " \t", &save);
	if (word == NULL || set_place(&c, word, target) != 0)
		return word == NULL ? refuse(&c, "a target is missing") : -1;
	while ((word = strtok_r(NULL, " \t", &save)) != NULL) {
		if (set_option(&c, word, target) != 0)
			return -1;
	}
	return 0;
}
