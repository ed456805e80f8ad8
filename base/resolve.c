/*
 * Names to addresses: literals and /etc/hosts here, the rest by evdns. evdns
 * 2.1 knows neither TCP nor EDNS, rotates over the name servers, and must not
 * be cancelled or freed while it has an answer in hand: a question whose asker
 * has gone away is left to come to its end.
 */
#include <sys/queue.h>
#include <sys/stat.h>

#include <event2/dns.h>
#include <event2/event.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/resolve.h"

#define TOTAL_S    5  /* for a whole resolution */
#define RETIRE_S   30 /* until an old set of name servers is freed */
#define NO_ANSWER  "no answer from the name server"
#define SEPARATORS " \t\r\n"

/* One question to evdns; freed when it has been answered. */
struct query {
	TAILQ_ENTRY(query) entry;
	struct dns *dns;
	struct resolution *res; /* NULL: the asker is gone */
	int family;
};

/* The name servers of one resolv.conf. */
struct dns {
	TAILQ_ENTRY(dns) entry;
	struct resolver *r; /* (its owner) */
	struct evdns_base *evdns;
	struct event *retire;
	TAILQ_HEAD(, query) queries;
};

struct resolver {
	struct event_base *base; /* (borrowed from the caller) */
	const char *resolv_conf_path, *hosts_path;
	struct stat resolv_conf_stat;
	struct dns *dns; /* the newest */
	TAILQ_HEAD(, dns) all;
	TAILQ_HEAD(, resolution) running;
};

struct resolution {
	TAILQ_ENTRY(resolution) entry;
	struct resolver *r; /* (its owner) */
	char *host;
	uint16_t port;
	struct addr keep;
	resolve_cb cb;
	void *arg;
	struct event *timer; /* the deadline, or the answer that is known */
	struct query *query; /* NULL: nothing is asked */
	struct addr addr;    /* the answer, family 0 none */
	const char *error;
};

static void resolve_timer_cb(evutil_socket_t, short, void *);
static void query_cb(int, char, int, int, void *, void *);
static void dns_retire_cb(evutil_socket_t, short, void *);
static struct dns *dns_new(struct resolver *);
static void dns_free(struct dns *);

/* What evdns has to say about name servers: the callers say the rest. */
static void
dns_log_cb(int is_warning, const char *text)
{
	(void)is_warning;
	log_debug("dns: %s", text);
}

struct resolver *
resolver_new(struct event_base *base)
{
	return resolver_new_files(base, "/etc/resolv.conf", "/etc/hosts");
}

struct resolver *
resolver_new_files(
    struct event_base *base, const char *resolv_conf, const char *hosts)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	evdns_set_log_fn(dns_log_cb);
	TAILQ_INIT(&r->all);
	TAILQ_INIT(&r->running);
	r->base = base;
	r->resolv_conf_path = resolv_conf;
	r->hosts_path = hosts;
	stat(resolv_conf, &r->resolv_conf_stat);
	if ((r->dns = dns_new(r)) == NULL) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	while (!TAILQ_EMPTY(&r->running))
		resolve_cancel(TAILQ_FIRST(&r->running));
	while (!TAILQ_EMPTY(&r->all))
		dns_free(TAILQ_FIRST(&r->all));
	free(r);
}

void
resolver_refresh(struct resolver *r)
{
	const struct timeval tv = {.tv_sec = RETIRE_S};
	struct stat *old = &r->resolv_conf_stat, now = {.st_ino = 0};
	struct dns *fresh;

	stat(r->resolv_conf_path, &now);
	if (now.st_mtim.tv_sec == old->st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == old->st_mtim.tv_nsec &&
	    now.st_ino == old->st_ino && now.st_size == old->st_size)
		return;
	/* Out of memory: once more, next time. */
	if ((fresh = dns_new(r)) == NULL)
		return;
	*old = now;
	evtimer_add(r->dns->retire, &tv);
	r->dns = fresh;
}

/* A set of name servers as resolv.conf says; there may be none. */
static struct dns *
dns_new(struct resolver *r)
{
	struct dns *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->r = r;
	TAILQ_INIT(&d->queries);
	TAILQ_INSERT_TAIL(&r->all, d, entry);
	d->retire = evtimer_new(r->base, dns_retire_cb, d);
	d->evdns = evdns_base_new(r->base, 0);
	if (d->retire == NULL || d->evdns == NULL) {
		dns_free(d);
		return NULL;
	}
	evdns_base_resolv_conf_parse(d->evdns,
	    DNS_OPTION_SEARCH | DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC |
		DNS_OPTION_NAMESERVERS_NO_DEFAULT,
	    r->resolv_conf_path);
	evdns_base_set_option(d->evdns, "randomize-case", "0");
	evdns_base_set_option(d->evdns, "timeout", "1");
	evdns_base_set_option(d->evdns, "attempts", "3");
	evdns_base_set_option(d->evdns, "initial-probe-timeout", "1");
	return d;
}

/* Free it with the questions that are still open. */
static void
dns_free(struct dns *d)
{
	struct query *q;

	TAILQ_REMOVE(&d->r->all, d, entry);
	if (d->evdns != NULL)
		evdns_base_free(d->evdns, 0);
	if (d->retire != NULL)
		event_free(d->retire);
	while ((q = TAILQ_FIRST(&d->queries)) != NULL) {
		TAILQ_REMOVE(&d->queries, q, entry);
		free(q);
	}
	free(d);
}

/* Nobody can be waiting for the old name servers any more. */
static void
dns_retire_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dns_free(arg);
}

/* Offer one more address of the name: IPv4 counts first, then the one to keep,
 * then the first. */
static void
offer(struct resolution *res, const struct addr *a)
{
	sa_family_t have = res->addr.family;

	if (have == 0 || (have == AF_INET6 && a->family == AF_INET) ||
	    (have == a->family && addr_equal(a, &res->keep)))
		res->addr = *a;
}

/* Take one line of the hosts file, "ADDRESS NAME..."; changed by this. */
static void
read_hosts_line(struct resolution *res, char *line)
{
	char *word, *rest;
	struct addr a;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, SEPARATORS, &rest);
	if (word == NULL || addr_parse_ip(word, res->port, &a) != 0)
		return;
	while ((word = strtok_r(NULL, SEPARATORS, &rest)) != NULL)
		if (strcasecmp(word, res->host) == 0)
			offer(res, &a);
}

/* Look the name up in the hosts file. */
static void
read_hosts(struct resolution *res)
{
	FILE *f = fopen(res->r->hosts_path, "re");
	char *line = NULL;
	size_t size = 0;

	while (f != NULL && getline(&line, &size, f) > 0)
		read_hosts_line(res, line);
	free(line);
	if (f != NULL)
		fclose(f);
}

/* Ask evdns for addresses of that family; -1 if it cannot be asked. */
static int
ask(struct resolution *res, int family)
{
	struct query *q = calloc(1, sizeof(*q));
	struct dns *d = res->r->dns;
	struct evdns_request *request;
	size_t len = strlen(res->host);
	int flags = 0;
	char name[256];

	if (q == NULL || len == 0 || len >= sizeof(name)) {
		free(q);
		return -1;
	}
	memcpy(name, res->host, len + 1);
	if (name[len - 1] == '.') {
		name[len - 1] = '\0';
		flags = DNS_QUERY_NO_SEARCH;
	}
	q->res = res;
	q->family = family;
	q->dns = d;
	TAILQ_INSERT_TAIL(&d->queries, q, entry);
	res->query = q;
	request =
	    family == AF_INET
		? evdns_base_resolve_ipv4(d->evdns, name, flags, query_cb, q)
		: evdns_base_resolve_ipv6(d->evdns, name, flags, query_cb, q);
	if (request != NULL)
		return 0;
	res->query = NULL;
	TAILQ_REMOVE(&d->queries, q, entry);
	free(q);
	return -1;
}

/* Find out what there is to wait for: true if the answer is known already. */
static bool
begin(struct resolution *res)
{
	struct dns *d = res->r->dns;

	if (addr_parse_ip(res->host, res->port, &res->addr) == 0)
		return true;
	memset(&res->addr, 0, sizeof(res->addr));
	read_hosts(res);
	if (res->addr.family != 0)
		return true;
	if (evdns_base_count_nameservers(d->evdns) == 0)
		res->error = "no name server is configured";
	else if (ask(res, AF_INET) != 0)
		res->error = "is not a host name";
	else
		return false;
	return true;
}

struct resolution *
resolve_start(struct resolver *r, const char *host, uint16_t port,
    const struct addr *keep, resolve_cb cb, void *arg)
{
	struct timeval tv = {.tv_sec = TOTAL_S};
	struct resolution *res = calloc(1, sizeof(*res));

	if (res == NULL)
		return NULL;
	TAILQ_INSERT_TAIL(&r->running, res, entry);
	res->r = r;
	res->port = port;
	res->cb = cb;
	res->arg = arg;
	if (keep != NULL)
		res->keep = *keep;
	res->host = strdup(host);
	res->timer = evtimer_new(r->base, resolve_timer_cb, res);
	if (res->host == NULL || res->timer == NULL) {
		resolve_cancel(res);
		return NULL;
	}
	if (begin(res))
		tv.tv_sec = 0;
	evtimer_add(res->timer, &tv);
	return res;
}

void
resolve_cancel(struct resolution *res)
{
	TAILQ_REMOVE(&res->r->running, res, entry);
	if (res->query != NULL)
		res->query->res = NULL;
	if (res->timer != NULL)
		event_free(res->timer);
	free(res->host);
	free(res);
}

/* Call back. The resolution is gone when it returns. */
static void
settle(struct resolution *res)
{
	struct addr addr = res->addr;
	const char *error = res->error;
	resolve_cb cb = res->cb;
	void *arg = res->arg;

	resolve_cancel(res);
	if (addr.family == 0)
		cb(NULL, error, arg);
	else
		cb(&addr, NULL, arg);
}

/* The answer was known from the start, or time is up. */
static void
resolve_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct resolution *res = arg;

	(void)fd;
	(void)what;
	if (res->query != NULL)
		res->error = NO_ANSWER;
	settle(res);
}

/* evdns' result in words. */
static const char *
error_str(int result)
{
	static const char *const words[] = {
	    [DNS_ERR_SERVERFAILED] = "the name server has failed",
	    [DNS_ERR_NOTEXIST] = "does not exist",
	    [DNS_ERR_REFUSED] = "the name server refuses to answer",
	    [DNS_ERR_TRUNCATED] = "the name server's answer is too long",
	    [DNS_ERR_TIMEOUT] = NO_ANSWER,
	    [DNS_ERR_NODATA] = "has no address"};
	const int n = sizeof(words) / sizeof(words[0]);

	if (result > 0 && result < n && words[result] != NULL)
		return words[result];
	return "the name server's answer is not understood";
}

/* Take the addresses of an answer. */
static void
take_addresses(
    struct resolution *res, int family, const void *addresses, int count)
{
	const size_t size = family == AF_INET ? sizeof(struct in_addr)
					      : sizeof(struct in6_addr);
	struct addr a = {.family = (sa_family_t)family, .port = res->port};
	size_t i;

	for (i = 0; i < (size_t)count; i++) {
		memcpy(&a.u, (const char *)addresses + i * size, size);
		offer(res, &a);
	}
}

/* evdns has answered, one way or another. */
static void
query_cb(int result, char type, int count, int ttl, void *addresses, void *arg)
{
	struct query *q = arg;
	struct resolution *res = q->res;
	int family = q->family;

	(void)type;
	(void)ttl;
	TAILQ_REMOVE(&q->dns->queries, q, entry);
	free(q);
	if (res == NULL)
		return;
	res->query = NULL;
	if (result == DNS_ERR_NONE && count == 0)
		result = DNS_ERR_NODATA;
	if (result == DNS_ERR_NONE)
		take_addresses(res, family, addresses, count);
	else
		res->error = error_str(result);
	if (res->addr.family == 0 && family == AF_INET &&
	    (result == DNS_ERR_NOTEXIST || result == DNS_ERR_NODATA) &&
	    ask(res, AF_INET6) == 0)
		return;
	settle(res);
}
