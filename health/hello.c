/*
 * Readers of what Sentinels publish. A field that is too long, empty or out of
 * range makes the whole message worth nothing.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "health/hello.h"

#define TEXT_MAX 512 /* of a message that is looked at */
#define FIELDS   8

/* A number of min to max that is all of the text; -1 otherwise. */
static int64_t
number(const char *text, int64_t min, int64_t max)
{
	char *end;
	long long n;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	return *end != '\0' || errno != 0 || n < min || n > max ? -1 : n;
}

/* Printable text into a field of that size; false if it is empty or too long.
 */
static bool
copy(char *to, size_t size, const char *text)
{
	size_t len = strlen(text), i;

	if (len == 0 || len >= size)
		return false;
	for (i = 0; i < len; i++) {
		if (!isgraph((unsigned char)text[i]))
			return false;
	}
	memcpy(to, text, len + 1);
	return true;
}

int
place_set(struct place *p, const char *host, int64_t port)
{
	const char *c;

	p->host[0] = '\0';
	p->port = 0;
	for (c = host; *c != '\0'; c++) {
		if (!isalnum((unsigned char)*c) && strchr(".:-_%", *c) == NULL)
			return -1;
	}
	if (port < 1 || port > 65535 || !copy(p->host, sizeof(p->host), host))
		return -1;
	p->port = (uint16_t)port;
	return 0;
}

bool
place_equal(const struct place *a, const struct place *b)
{
	return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

/* Cut text at a separator into at most n fields; returns how many there are. */
static size_t
split(char *text, const char *separators, char **fields, size_t n)
{
	size_t i = 0;
	char *part;

	while ((part = strsep(&text, separators)) != NULL) {
		if (i < n)
			fields[i] = part;
		i++;
	}
	return i;
}

int
hello_read(const char *text, size_t len, struct hello *h)
{
	char buf[TEXT_MAX], *f[FIELDS];

	memset(h, 0, sizeof(*h));
	if (len >= sizeof(buf) || memchr(text, '\0', len) != NULL)
		return -1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (split(buf, ",", f, FIELDS) != FIELDS)
		return -1;
	h->epoch = number(f[7], 0, INT64_MAX);
	if (place_set(&h->sentinel, f[0], number(f[1], 1, 65535)) != 0 ||
	    !copy(h->sentinel_id, sizeof(h->sentinel_id), f[2]) ||
	    !copy(h->name, sizeof(h->name), f[4]) ||
	    place_set(&h->primary, f[5], number(f[6], 1, 65535)) != 0 ||
	    h->epoch < 0)
		return -1;
	return 0;
}

/* "slave NAME IP PORT @ MASTER IP PORT": the slave, and the master's name. */
static void
read_replica(struct sentinel_event *e, char **f, size_t n)
{
	if (n != FIELDS || strcmp(f[0], "slave") != 0 ||
	    strcmp(f[4], "@") != 0 ||
	    place_set(&e->place, f[2], number(f[3], 1, 65535)) != 0 ||
	    !copy(e->name, sizeof(e->name), f[5]))
		e->kind = EVENT_OTHER;
}

/* "master NAME IP PORT": the master's name. */
static void
read_master(struct sentinel_event *e, char **f, size_t n)
{
	if (n < 4 || strcmp(f[0], "master") != 0 ||
	    !copy(e->name, sizeof(e->name), f[1]))
		e->kind = EVENT_OTHER;
}

/* "NAME OLD-IP OLD-PORT NEW-IP NEW-PORT". */
static void
read_switch(struct sentinel_event *e, char **f, size_t n)
{
	if (n != 5 || !copy(e->name, sizeof(e->name), f[0]) ||
	    place_set(&e->place, f[3], number(f[4], 1, 65535)) != 0)
		e->kind = EVENT_OTHER;
}

/* What a channel's messages are about. */
static enum sentinel_event_kind
kind_of(const struct resp *channel)
{
	static const struct {
		const char *channel;
		enum sentinel_event_kind kind;
	} kinds[] = {
	    {"+new-epoch", EVENT_EPOCH},
	    {"+selected-slave", EVENT_SELECTED},
	    {"+promoted-slave", EVENT_PROMOTED},
	    {"-failover-abort-no-good-slave", EVENT_ABORTED},
	    {"-failover-abort-not-elected", EVENT_ABORTED},
	    {"-failover-abort-slave-timeout", EVENT_ABORTED},
	    {"-failover-abort-master-is-back", EVENT_ABORTED},
	    {"+switch-master", EVENT_SWITCHED},
	    {"+config-update-from", EVENT_CHANGED},
	    {"+failover-end", EVENT_CHANGED},
	    {"+sdown", EVENT_CHANGED},
	    {"-sdown", EVENT_CHANGED},
	    {"+odown", EVENT_CHANGED},
	    {"+tilt", EVENT_CHANGED},
	    {"-tilt", EVENT_CHANGED},
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (resp_is(channel, kinds[i].channel))
			return kinds[i].kind;
	}
	return EVENT_OTHER;
}

struct sentinel_event
hello_event(const struct resp *channel, const struct resp *message)
{
	struct sentinel_event e = {.kind = kind_of(channel)};
	char buf[TEXT_MAX], *f[FIELDS];
	size_t n;

	if (e.kind == EVENT_OTHER || message->len >= sizeof(buf) ||
	    message->type != RESP_BULK ||
	    memchr(message->str, '\0', message->len) != NULL) {
		e.kind = EVENT_OTHER;
		return e;
	}
	memcpy(buf, message->str, message->len);
	buf[message->len] = '\0';
	n = split(buf, " ", f, FIELDS);
	switch (e.kind) {
	case EVENT_EPOCH:
		e.epoch = number(f[0], 0, INT64_MAX);
		if (n != 1 || e.epoch < 0)
			e.kind = EVENT_OTHER;
		break;
	case EVENT_SELECTED:
	case EVENT_PROMOTED:
		read_replica(&e, f, n);
		break;
	case EVENT_ABORTED:
		read_master(&e, f, n);
		break;
	case EVENT_SWITCHED:
		read_switch(&e, f, n);
		break;
	case EVENT_OTHER:
	case EVENT_CHANGED:
		break;
	}
	return e;
}
