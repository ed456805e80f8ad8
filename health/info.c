/*
 * Reader of what INFO and CLUSTER INFO answer. A line counts only if it is
 * complete, a field only if its value is what it should be; anything else is as
 * if it were not there.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/info.h"

/* A part of the text; not terminated. */
struct part {
	const char *str;
	size_t len;
};

/* Find the value of `name:value\r\n`; false if there is no such line. */
static bool
find(struct part text, const char *name, struct part *value)
{
	size_t len, namelen = strlen(name);
	const char *end;

	while ((end = memchr(text.str, '\n', text.len)) != NULL) {
		len = (size_t)(end - text.str);
		if (len > namelen && text.str[namelen] == ':' &&
		    memcmp(text.str, name, namelen) == 0) {
			value->str = text.str + namelen + 1;
			value->len = len - namelen - 1;
			if (value->len > 0 && end[-1] == '\r')
				value->len--;
			return true;
		}
		text.len -= len + 1;
		text.str = end + 1;
	}
	return false;
}

/* Is the field's value that word? */
static bool
is(struct part text, const char *name, const char *word)
{
	struct part value;

	return find(text, name, &value) && value.len == strlen(word) &&
	       memcmp(value.str, word, value.len) == 0;
}

/* The field's value into to, "" if it is missing, does not fit or has other
 * than printable characters. */
static void
copy(struct part text, const char *name, char *to, size_t size)
{
	struct part value;
	size_t i;

	to[0] = '\0';
	if (!find(text, name, &value) || value.len >= size)
		return;
	for (i = 0; i < value.len; i++)
		if (!isgraph((unsigned char)value.str[i]))
			return;
	memcpy(to, value.str, value.len);
	to[value.len] = '\0';
}

/* A run id or replication id; "" also for the 40 zeros that mean none. */
static void
copy_id(struct part text, const char *name, char to[REDIS_ID_MAX])
{
	size_t i;

	copy(text, name, to, REDIS_ID_MAX);
	for (i = 0; to[i] != '\0'; i++)
		if (!isalnum((unsigned char)to[i]))
			to[0] = '\0';
	if (strspn(to, "0") == strlen(to))
		to[0] = '\0';
}

/* The field as a number of min to max, or otherwise if it is not one. */
static int64_t
number(struct part text, const char *name, int64_t min, int64_t max,
    int64_t otherwise)
{
	char digits[24], *end;
	long long n;

	copy(text, name, digits, sizeof(digits));
	errno = 0;
	n = strtoll(digits, &end, 10);
	if (end == digits || *end != '\0' || errno != 0 || n < min || n > max)
		return otherwise;
	return n;
}

int
info_read_server(const char *text, size_t len, struct observation *o)
{
	struct part t = {text, len};

	copy_id(t, "run_id", o->run_id);
	copy(t, "redis_version", o->version, sizeof(o->version));
	o->cluster = is(t, "redis_mode", "cluster");
	return o->run_id[0] == '\0' ? -1 : 0;
}

int
info_read_cluster(const char *text, size_t len, struct observation *o)
{
	struct part t = {text, len}, state;

	o->cluster_ok = is(t, "cluster_state", "ok");
	return find(t, "cluster_state", &state) ? 0 : -1;
}

/* The value of key=value in a comma-separated list into to; "" if it is not
 * there or does not fit. */
static void
copy_item(struct part list, const char *key, char *to, size_t size)
{
	size_t keylen = strlen(key), len;
	const char *end;

	to[0] = '\0';
	for (; list.len > 0; list.str += len, list.len -= len) {
		end = memchr(list.str, ',', list.len);
		len = end == NULL ? list.len : (size_t)(end - list.str) + 1;
		if (len > keylen && list.str[keylen] == '=' &&
		    memcmp(list.str, key, keylen) == 0) {
			list.str += keylen + 1;
			list.len = len - keylen - 1 - (end != NULL);
			if (list.len < size) {
				memcpy(to, list.str, list.len);
				to[list.len] = '\0';
			}
			return;
		}
	}
}

/* The same as a number; -1 if it is none. */
static int64_t
item(struct part list, const char *key)
{
	char digits[24], *end;
	long long n;

	copy_item(list, key, digits, sizeof(digits));
	errno = 0;
	n = strtoll(digits, &end, 10);
	return end == digits || *end != '\0' || errno != 0 || n < 0 ? -1 : n;
}

/* slave0, slave1 and so on: what a primary tells of its replicas. */
static void
read_replicas(struct part t, struct observation *o)
{
	struct observed_replica *r;
	char name[16], state[16];
	struct part line;
	int64_t port;
	size_t i;

	o->nlist = 0;
	for (i = 0; i < OBSERVED_REPLICAS; i++) {
		snprintf(name, sizeof(name), "slave%zu", i);
		if (!find(t, name, &line))
			break;
		r = &o->list[o->nlist];
		copy_item(line, "ip", r->host, sizeof(r->host));
		copy_item(line, "state", state, sizeof(state));
		port = item(line, "port");
		if (r->host[0] == '\0' || port < 1 || port > 65535)
			continue;
		r->port = (uint16_t)port;
		r->online = strcmp(state, "online") == 0;
		r->offset = item(line, "offset");
		r->lag_s = item(line, "lag");
		o->nlist++;
	}
}

/* What only a replica tells. */
static void
read_replica(struct part t, struct observation *o)
{
	copy(t, "master_host", o->primary_host, sizeof(o->primary_host));
	o->primary_port = (uint16_t)number(t, "master_port", 0, 65535, 0);
	o->link_up = is(t, "master_link_status", "up");
	o->syncing = is(t, "master_sync_in_progress", "1");
	o->link_idle_s =
	    number(t, "master_last_io_seconds_ago", -1, INT64_MAX, -1);
	o->replica_offset = number(t, "slave_repl_offset", 0, INT64_MAX, 0);
}

int
info_read_replication(const char *text, size_t len, struct observation *o)
{
	const struct part t = {text, len}, none = {"", 0};
	struct part state;

	o->role = ROLE_UNKNOWN;
	if (is(t, "role", "master"))
		o->role = ROLE_PRIMARY;
	else if (is(t, "role", "slave"))
		o->role = ROLE_REPLICA;
	copy_id(t, "master_replid", o->replid);
	copy_id(t, "master_replid2", o->replid2);
	o->offset = number(t, "master_repl_offset", 0, INT64_MAX, 0);
	o->second_offset = number(t, "second_repl_offset", -1, INT64_MAX, -1);
	o->replicas = (unsigned)number(t, "connected_slaves", 0, UINT32_MAX, 0);
	o->failing_over = find(t, "master_failover_state", &state) &&
			  !is(t, "master_failover_state", "no-failover");
	/* This line is there only if replicas are counted. */
	o->bounded = find(t, "min_slaves_good_slaves", &state);
	read_replica(o->role == ROLE_REPLICA ? t : none, o);
	read_replicas(o->role == ROLE_PRIMARY ? t : none, o);
	return o->role == ROLE_UNKNOWN ? -1 : 0;
}
