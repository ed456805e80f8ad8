/*
 * haproxy.cfg: bind lines.
 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/units.h"
#include "conf/cfg_reader.h"

#define BINDS_MAX 4096 /* of all sections; more is a mistake in a range */

#define TLS "there is no TLS in this release: leave it to another process"

/* The parameters behind an address, and how many words each takes besides. */
static const struct parameter {
	const char *name;
	unsigned words;
	enum cfg_class class;
	const char *why;
} parameters[] = {
    {"name", 1, CFG_NOTHING, NULL},
    {"id", 1, CFG_NOTHING, NULL},
    {"v4v6", 0, CFG_NOTHING, NULL}, /* [::] is, without v6only */
    {"v6only", 0, CFG_DO, NULL},
    {"interface", 1, CFG_DO, NULL},
    {"tcp-ut", 1, CFG_DO, NULL},
    {"level", 1, CFG_NOTHING, NULL},
    {"expose-fd", 1, CFG_NOTHING, NULL},
    {"severity-output", 1, CFG_NOTHING, NULL},
    {"maxconn", 1, CFG_DO, NULL},
    {"backlog", 1, CFG_DO, NULL},
    {"defer-accept", 0, CFG_TUNING, NULL},
    {"mss", 1, CFG_TUNING, NULL},
    {"nice", 1, CFG_TUNING, NULL},
    {"process", 1, CFG_TUNING, NULL},
    {"shards", 1, CFG_TUNING, NULL},
    {"tfo", 0, CFG_TUNING, NULL},
    {"thread", 1, CFG_TUNING, NULL},
    {"mode", 1, CFG_WARN, "the socket is as the process makes it"},
    {"user", 1, CFG_WARN, "the socket is of who runs roleproxy"},
    {"group", 1, CFG_WARN, "the socket is of who runs roleproxy"},
    {"uid", 1, CFG_WARN, "the socket is of who runs roleproxy"},
    {"gid", 1, CFG_WARN, "the socket is of who runs roleproxy"},
    {"accept-proxy", 0, CFG_DO, NULL},
    {"accept-netscaler-cip", 1, CFG_ERROR, "such headers are not read"},
    {"namespace", 1, CFG_ERROR, "start roleproxy in the namespace"},
    {"proto", 1, CFG_ERROR, "roleproxy relays TCP"},
    {"transparent", 0, CFG_ERROR, "bind to an address of this host"},
    {"ssl", 0, CFG_ERROR, TLS},
    {"allow-0rtt", 0, CFG_ERROR, TLS},
    {"alpn", 1, CFG_ERROR, TLS},
    {"ca-file", 1, CFG_ERROR, TLS},
    {"ca-ignore-err", 1, CFG_ERROR, TLS},
    {"ca-sign-file", 1, CFG_ERROR, TLS},
    {"ca-sign-pass", 1, CFG_ERROR, TLS},
    {"ca-verify-file", 1, CFG_ERROR, TLS},
    {"ciphers", 1, CFG_ERROR, TLS},
    {"ciphersuites", 1, CFG_ERROR, TLS},
    {"crl-file", 1, CFG_ERROR, TLS},
    {"crt", 1, CFG_ERROR, TLS},
    {"crt-ignore-err", 1, CFG_ERROR, TLS},
    {"crt-list", 1, CFG_ERROR, TLS},
    {"curves", 1, CFG_ERROR, TLS},
    {"ecdhe", 1, CFG_ERROR, TLS},
    {"force-sslv3", 0, CFG_ERROR, TLS},
    {"force-tlsv10", 0, CFG_ERROR, TLS},
    {"force-tlsv11", 0, CFG_ERROR, TLS},
    {"force-tlsv12", 0, CFG_ERROR, TLS},
    {"force-tlsv13", 0, CFG_ERROR, TLS},
    {"generate-certificates", 0, CFG_ERROR, TLS},
    {"no-ca-names", 0, CFG_ERROR, TLS},
    {"no-sslv3", 0, CFG_ERROR, TLS},
    {"no-tls-tickets", 0, CFG_ERROR, TLS},
    {"no-tlsv10", 0, CFG_ERROR, TLS},
    {"no-tlsv11", 0, CFG_ERROR, TLS},
    {"no-tlsv12", 0, CFG_ERROR, TLS},
    {"no-tlsv13", 0, CFG_ERROR, TLS},
    {"npn", 1, CFG_ERROR, TLS},
    {"prefer-client-ciphers", 0, CFG_ERROR, TLS},
    {"ssl-max-ver", 1, CFG_ERROR, TLS},
    {"ssl-min-ver", 1, CFG_ERROR, TLS},
    {"strict-sni", 0, CFG_ERROR, TLS},
    {"tls-ticket-keys", 1, CFG_ERROR, TLS},
    {"verify", 1, CFG_ERROR, TLS},
};
#define NPARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* Add an address, as bind = takes it. */
static void
add_bind(struct cfg *c, const char *text)
{
	if (c->nbinds++ < BINDS_MAX)
		cfg_list_add(c, &c->proxy->binds, text);
	else if (c->nbinds == BINDS_MAX + 1)
		cfg_error(c, "'bind': more than %d addresses", BINDS_MAX);
}

/* The address that a name stands for now, "" with an error if none. */
static const char *
resolve(struct cfg *c, const char *name, bool v6)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_family = v6 ? AF_INET6 : AF_UNSPEC};
	struct addrinfo *list = NULL;
	char text[ADDR_STR_MAX];
	struct addr a;
	int rc = EAI_NONAME;

	if (addr_is_host(name))
		rc = getaddrinfo(name, NULL, &hints, &list);
	if (rc != 0 ||
	    addr_from_sockaddr(list->ai_addr, list->ai_addrlen, &a) != 0) {
		cfg_error(c, "'bind': '%.80s' is no address of this host: %s",
		    name, gai_strerror(rc));
		text[0] = '\0';
	} else {
		a.port = 1;
		addr_str(&a, text);
		*strrchr(text, ':') = '\0';
	}
	if (list != NULL)
		freeaddrinfo(list);
	return cfg_keep(c, text);
}

/* The host of an address of HAProxy's, as bind = takes it, "" with an error. No
 * host and "*" are all of IPv4, "::" all of IPv6 too. */
static const char *
bind_host(struct cfg *c, const char *host, bool v6)
{
	struct addr a;

	if (*host == '\0' || strcmp(host, "*") == 0)
		return v6 ? "[::]" : "*";
	if (addr_parse_ip(host, 1, &a) != 0)
		return resolve(c, host, v6);
	return cfg_format(c, a.family == AF_INET6 ? "[%s]" : "%s", host);
}

/* HOST:PORT or HOST:FIRST-LAST. */
static void
bind_address(struct cfg *c, char *text)
{
	bool v6 =
	    strncmp(text, "ipv6@", 5) == 0 || strncmp(text, "tcp6@", 5) == 0;
	char *at = strchr(text, '@'), *colon, *dash, *host;
	int64_t first, last;
	const char *address;

	if (at != NULL)
		text = at + 1;
	if ((colon = strrchr(text, ':')) == NULL || colon[1] == '\0') {
		cfg_error(c, "'bind': '%.80s' has no port", text);
		return;
	}
	*colon++ = '\0';
	host = text;
	if (*host == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		host++;
	}
	if ((dash = strchr(colon, '-')) != NULL)
		*dash++ = '\0';
	if (cfg_count(c, "bind", colon, 1, 65535, &first) != 0 ||
	    cfg_count(
		c, "bind", dash == NULL ? colon : dash, 1, 65535, &last) != 0)
		return;
	if (last < first)
		cfg_error(c, "'bind': the ports of '%s-%s' go backwards", colon,
		    dash);
	address = bind_host(c, host, v6);
	for (; *address != '\0' && first <= last && c->nbinds <= BINDS_MAX;
	     first++)
		add_bind(c, cfg_format(c, "%s:%d", address, (int)first));
}

/* One address of a bind line. */
static void
one_address(struct cfg *c, char *text)
{
	static const char *const ip[] = {
	    "ipv4", "ipv6", "tcp", "tcp4", "tcp6", NULL};
	char *at = strchr(text, '@'), *kind;

	kind = cfg_format(c, "%.*s", at == NULL ? 0 : (int)(at - text), text);
	if (strcmp(kind, "unix") == 0)
		text = at + 1;
	if (text[0] == '/' && strlen(text) < 108)
		add_bind(c, cfg_format(c, "unix:%s", text));
	else if (text[0] == '/')
		cfg_error(c, "'bind': the path is longer than 107 bytes");
	else if (at == NULL || parse_word_index(ip, kind) >= 0)
		bind_address(c, text);
	else
		cfg_error(c,
		    "'bind': '%.40s@' is not possible here: use an address, "
		    "or unix@ and a path",
		    kind);
}

/* Say something of each address of a line, of those of IPv6 alone or of all
 * that have a port; of the others it would mean nothing. */
static void
say_of(struct cfg *c, struct cfg_item *first, bool v6, const char *what)
{
	struct cfg_item *i;

	for (i = first; i != NULL; i = i->next) {
		if (v6 ? i->v.text[0] == '['
		       : strncmp(i->v.text, "unix:", 5) != 0)
			i->v.text = cfg_format(c, "%s %s", i->v.text, what);
	}
}

/* What one parameter says; first is the first address of its line. */
static void
set_parameter(struct cfg *c, const struct parameter *a, const char *value,
    struct cfg_item *first)
{
	struct cfg_proxy *x = c->proxy;
	char *what = cfg_format(c, "bind ... %s", a->name);
	struct cfg_number n = {0, c->place.line};

	if (strcmp(a->name, "accept-proxy") == 0) {
		x->proxied += x->binds.n - x->bound;
		return;
	}
	if (a->class != CFG_DO) {
		cfg_classed(c, a->class, what, a->why);
		return;
	}
	if (strcmp(a->name, "v6only") == 0)
		say_of(c, first, true, a->name);
	else if (strcmp(a->name, "interface") == 0)
		say_of(c, first, false, cfg_format(c, "interface=%s", value));
	else if (strcmp(a->name, "tcp-ut") == 0)
		cfg_user_timeout(c, what, value);
	else if (cfg_count(c, what, value, 0, PARSE_COUNT_MAX, &n.n) != 0)
		return;
	else if (strcmp(a->name, "backlog") == 0) {
		x->backlog = n;
	} else if (n.n > 0 &&
		   (x->bind_maxconn.n == 0 || n.n < x->bind_maxconn.n)) {
		x->bind_maxconn = n;
		cfg_warn(c, "'%s' holds for the whole section", what);
	}
}

/* The parameters behind the addresses. The first that is an error ends them:
 * what follows ssl is no news. */
static void
bind_parameters(struct cfg *c, char **w, struct cfg_item *first)
{
	const char *nearest;
	size_t i;

	while (w[0] != NULL) {
		nearest = NULL;
		for (i = 0; i < NPARAMETERS; i++) {
			if (strcmp(parameters[i].name, w[0]) == 0)
				break;
			nearest = key_nearer(w[0], parameters[i].name, nearest);
		}
		if (i == NPARAMETERS) {
			cfg_unknown(c, "parameter of bind", w[0], nearest);
			return;
		}
		if (parameters[i].words > 0 && w[1] == NULL) {
			cfg_error(c, "'bind ... %s' expects a value", w[0]);
			return;
		}
		set_parameter(c, &parameters[i], w[1], first);
		if (parameters[i].class == CFG_ERROR)
			return;
		w += 1 + parameters[i].words;
	}
}

void
cfg_bind(struct cfg *c, char **w)
{
	struct cfg_list *binds = &c->proxy->binds;
	struct cfg_item *before = binds->last;
	char *save, *address;

	if (w[1] == NULL || *w[1] == '\0') {
		cfg_error(c, "'bind' expects an address, as in :6379");
		return;
	}
	c->proxy->bound = c->proxy->binds.n;
	for (address = strtok_r(w[1], ",", &save); address != NULL;
	     address = strtok_r(NULL, ",", &save))
		one_address(c, address);
	bind_parameters(c, w + 2, before == NULL ? binds->first : before->next);
}
