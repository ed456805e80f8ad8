/*
 * haproxy.cfg: server, default-server and server-template lines.
 */
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "conf/cfg_reader.h"

#define TLS   "there is no TLS in this release: leave it to another process"
#define PROXY "a PROXY header is sent with addresses only"
#define NAMES "names are resolved by the system's resolver, every ten seconds"

/* What a parameter does. */
enum kind {
	KIND_CLASS, /* by its class */
	KIND_ON,    /* a flag */
	KIND_OFF,   /* its opposite */
	KIND_COUNT,
	KIND_TIME,
	KIND_OTHER /* by set_other() */
};

#define F(f) offsetof(struct cfg_server, f)
#define ON(n, f)                                        \
	{                                               \
		n, 0, KIND_ON, F(f), 0, 0, CFG_DO, NULL \
	}
#define OFF(n, f)                                        \
	{                                                \
		n, 0, KIND_OFF, F(f), 0, 0, CFG_DO, NULL \
	}
#define COUNT(n, f, min, max)                                  \
	{                                                      \
		n, 1, KIND_COUNT, F(f), min, max, CFG_DO, NULL \
	}
#define TIME(n, f)                                        \
	{                                                 \
		n, 1, KIND_TIME, F(f), 0, 0, CFG_DO, NULL \
	}
#define OTHER(n)                                        \
	{                                               \
		n, 1, KIND_OTHER, 0, 0, 0, CFG_DO, NULL \
	}
#define NOTHING(n, words)                                        \
	{                                                        \
		n, words, KIND_CLASS, 0, 0, 0, CFG_NOTHING, NULL \
	}
#define TUNING(n, words)                                        \
	{                                                       \
		n, words, KIND_CLASS, 0, 0, 0, CFG_TUNING, NULL \
	}
#define WARN(n, words, why)                                  \
	{                                                    \
		n, words, KIND_CLASS, 0, 0, 0, CFG_WARN, why \
	}
#define REFUSE(n, words, why)                                 \
	{                                                     \
		n, words, KIND_CLASS, 0, 0, 0, CFG_ERROR, why \
	}

/* clang-format off */
static const struct parameter {
	const char *name;
	unsigned words; /* that it takes besides */
	enum kind kind;
	size_t at; /* of its field */
	unsigned min, max;
	enum cfg_class class;
	const char *why;
} parameters[] = {
    ON("check", check),
    OFF("no-check", check),
    ON("backup", backup),
    OFF("no-backup", backup),
    ON("disabled", disabled),
    OFF("enabled", disabled),
    ON("send-proxy", send_v1),
    OFF("no-send-proxy", send_v1),
    ON("send-proxy-v2", send_v2),
    OFF("no-send-proxy-v2", send_v2),
    ON("check-send-proxy", check_header),
    OFF("no-check-send-proxy", check_header),
    COUNT("weight", weight, 0, 256),
    COUNT("maxconn", maxconn, 0, PARSE_COUNT_MAX),
    COUNT("maxqueue", maxqueue, 0, PARSE_COUNT_MAX),
    COUNT("error-limit", error_limit, 1, PARSE_COUNT_MAX),
    COUNT("fall", fall, 1, 1000),
    COUNT("rise", rise, 1, 1000),
    COUNT("port", check_port, 1, 65535),
    COUNT("id", number, 1, PARSE_COUNT_MAX),
    TIME("inter", inter),
    TIME("fastinter", fastinter),
    TIME("downinter", downinter),
    TIME("slowstart", slowstart),
    OTHER("addr"),
    OTHER("init-state"),
    OTHER("observe"),
    OTHER("on-error"),
    OTHER("on-marked-down"),
    OTHER("on-marked-up"),
    OTHER("init-addr"),
    OTHER("tcp-ut"),
    NOTHING("resolvers", 1),
    NOTHING("resolve-prefer", 1),
    NOTHING("non-stick", 0),
    NOTHING("stick", 0),
    NOTHING("no-agent-check", 0),
    NOTHING("no-check-ssl", 0),
    NOTHING("no-send-proxy-v2-ssl", 0),
    NOTHING("no-send-proxy-v2-ssl-cn", 0),
    NOTHING("no-ssl", 0),
    NOTHING("no-tfo", 0),
    NOTHING("max-reuse", 1),
    NOTHING("pool-low-conn", 1),
    NOTHING("pool-max-conn", 1),
    NOTHING("pool-purge-delay", 1),
    NOTHING("redir", 1),
    NOTHING("ws", 1),
    TUNING("tfo", 0),
    WARN("minconn", 1, "the limit is maxconn, whatever the load"),
    WARN("cookie", 1, "it is for HTTP: mode tcp sets none"),
    WARN("resolve-net", 1, NAMES),
    WARN("resolve-opts", 1, NAMES),
    WARN("agent-check", 0, "no agent is asked"),
    WARN("agent-addr", 1, "no agent is asked"),
    WARN("agent-inter", 1, "no agent is asked"),
    WARN("agent-port", 1, "no agent is asked"),
    WARN("agent-send", 1, "no agent is asked"),
    REFUSE("track", 1, "write the check of the tracked server here too: a server is checked once anyway"),
    REFUSE("source", 1, "connections to servers come from the system's choice of address"),
    REFUSE("usesrc", 1, "connections to servers come from the system's choice of address"),
    REFUSE("namespace", 1, "start roleproxy in the namespace"),
    REFUSE("socks4", 1, "servers are connected directly"),
    REFUSE("check-via-socks4", 0, "servers are connected directly"),
    REFUSE("proto", 1, "roleproxy relays TCP"),
    REFUSE("check-proto", 1, "roleproxy relays TCP"),
    REFUSE("log-proto", 1, "roleproxy relays TCP"),
    REFUSE("send-proxy-v2-ssl", 0, PROXY),
    REFUSE("send-proxy-v2-ssl-cn", 0, PROXY),
    REFUSE("proxy-v2-options", 1, PROXY),
    REFUSE("ssl", 0, TLS),
    REFUSE("check-ssl", 0, TLS),
    REFUSE("check-sni", 1, TLS),
    REFUSE("check-alpn", 1, TLS),
    REFUSE("allow-0rtt", 0, TLS),
    REFUSE("alpn", 1, TLS),
    REFUSE("npn", 1, TLS),
    REFUSE("sni", 1, TLS),
    REFUSE("verify", 1, TLS),
    REFUSE("verifyhost", 1, TLS),
    REFUSE("ca-file", 1, TLS),
    REFUSE("crl-file", 1, TLS),
    REFUSE("crt", 1, TLS),
    REFUSE("ciphers", 1, TLS),
    REFUSE("ciphersuites", 1, TLS),
    REFUSE("force-sslv3", 0, TLS),
    REFUSE("force-tlsv10", 0, TLS),
    REFUSE("force-tlsv11", 0, TLS),
    REFUSE("force-tlsv12", 0, TLS),
    REFUSE("force-tlsv13", 0, TLS),
    NOTHING("no-sslv3", 0),
    NOTHING("no-tls-tickets", 0),
    NOTHING("no-tlsv10", 0),
    NOTHING("no-tlsv11", 0),
    NOTHING("no-tlsv12", 0),
    NOTHING("no-tlsv13", 0),
    NOTHING("no-ssl-reuse", 0),
    NOTHING("ssl-reuse", 0),
    NOTHING("ssl-max-ver", 1),
    NOTHING("ssl-min-ver", 1),
    NOTHING("tls-tickets", 0),
};
/* clang-format on */
#define NPARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* A word of a list, or an error. */
static int
one_of(
    struct cfg *c, const char *what, const char *const *words, const char *word)
{
	int i = parse_word_index(words, word);

	if (i < 0)
		cfg_error(c, "'%s' does not take '%.40s'", what, word);
	return i;
}

/* init-addr: a name that does not resolve stops nothing; an address cannot be
 * given for it. */
static void
init_addr(struct cfg *c, const char *value)
{
	if (strspn(value, "lastibcnoe,") != strlen(value))
		cfg_warn(c,
		    "'init-addr %.40s' is left out: a server has no "
		    "address until its name resolves",
		    value);
}

/* What a parameter with a word of its own says. */
static void
set_other(
    struct cfg *c, struct cfg_server *s, const char *name, const char *value)
{
	static const char *const errors[] = {
	    "fastinter", "fail-check", "sudden-death", "mark-down", NULL};
	static const char *const states[] = {
	    "up", "down", "fully-up", "fully-down", NULL};
	static const char *const layers[] = {"layer4", NULL};
	static const char *const down[] = {"shutdown-sessions", NULL};
	static const char *const up[] = {"shutdown-backup-sessions", NULL};

	if (strcmp(name, "addr") == 0) {
		if (!addr_is_host(value))
			cfg_error(c, "'addr': '%.80s' is no host", value);
		else
			s->check_host = cfg_keep(c, value);
	} else if (strcmp(name, "init-state") == 0) {
		if (one_of(c, name, states, value) >= 0)
			s->init_state =
			    strstr(value, "up") != NULL ? "up" : "down";
	} else if (strcmp(name, "observe") == 0) {
		s->observe = one_of(c, name, layers, value) >= 0;
	} else if (strcmp(name, "on-error") == 0) {
		if (one_of(c, name, errors, value) >= 0)
			s->on_error = cfg_keep(c, value);
	} else if (strcmp(name, "on-marked-down") == 0) {
		s->close_down = one_of(c, name, down, value) >= 0;
	} else if (strcmp(name, "on-marked-up") == 0) {
		s->close_backups = one_of(c, name, up, value) >= 0;
	} else if (strcmp(name, "tcp-ut") == 0) {
		cfg_user_timeout(c, "server ... tcp-ut", value);
	} else {
		init_addr(c, value);
	}
}

/* What one parameter says. */
static void
set_parameter(struct cfg *c, struct cfg_server *s, const struct parameter *a,
    const char *value)
{
	char *what = cfg_format(c, "server ... %s", a->name);
	void *at = (char *)s + a->at;

	switch (a->kind) {
	case KIND_ON:
	case KIND_OFF:
		*(bool *)at = a->kind == KIND_ON;
		break;
	case KIND_COUNT:
		(void)cfg_count(c, a->name, value, a->min, a->max, at);
		break;
	case KIND_TIME:
		(void)cfg_time(c, a->name, value, "ms", at);
		break;
	case KIND_OTHER:
		set_other(c, s, a->name, value);
		break;
	default:
		cfg_classed(c, a->class, what, a->why);
	}
}

/* The parameters of a server line. The first that is an error ends them: what
 * follows ssl is no news. */
static void
server_parameters(struct cfg *c, struct cfg_server *s, char **w)
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
			cfg_unknown(c, "parameter of server", w[0], nearest);
			return;
		}
		if (parameters[i].words > 0 && w[1] == NULL) {
			cfg_error(c, "'%s' expects a value", w[0]);
			return;
		}
		set_parameter(c, s, &parameters[i], w[1]);
		if (parameters[i].class == CFG_ERROR)
			return;
		w += 1 + parameters[i].words;
	}
}

/* Where a server is: HOST:PORT. -1 with an error. */
static int
server_address(struct cfg *c, struct cfg_server *s, const char *text)
{
	static const char *const ip[] = {
	    "ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@", NULL};
	char host[PARSE_HOST_MAX], *colon;
	uint16_t port = 0;
	size_t i;

	for (i = 0; ip[i] != NULL; i++) {
		if (strncmp(text, ip[i], strlen(ip[i])) == 0)
			text += strlen(ip[i]);
	}
	colon = strrchr(text, ':');
	if (*text != '[' && strchr(text, ':') != colon) { /* ::1:6379 */
		text =
		    cfg_format(c, "[%.*s]%s", (int)(colon - text), text, colon);
		colon = strrchr(text, ':');
	}
	if (*text == '/' || strchr(text, '@') != NULL)
		cfg_error(c,
		    "'server': '%.80s' is not possible here: a host "
		    "and a port are",
		    text);
	else if (strncmp(text, "_", 1) == 0 && strstr(text, "._tcp.") != NULL)
		cfg_error(c,
		    "'server': '%.80s': SRV records are not asked "
		    "for, name host and port",
		    text);
	else if (colon == NULL || colon[1] == '\0' || colon[1] == '+' ||
		 colon[1] == '-')
		cfg_error(c,
		    "'server': '%.80s' has no port of its own (the "
		    "client's is not taken over)",
		    text);
	else if (addr_split(text, host, sizeof(host), &port) != 0 ||
		 !addr_is_host(host))
		cfg_error(c, "'server': '%.80s' is not HOST:PORT", text);
	else {
		s->host = cfg_keep(c, host);
		s->port = port;
		return 0;
	}
	return -1;
}

/* Append a copy of a server under a name. */
static void
add_server(struct cfg *c, const struct cfg_server *like, const char *name)
{
	struct cfg_proxy *x = c->proxy;
	const struct cfg_server *twin;
	struct cfg_server *s;

	for (twin = x->servers; twin != NULL; twin = twin->next) {
		if (strcmp(twin->name, name) == 0) {
			cfg_error(c,
			    "another server named '%s' was already defined at "
			    "line %u, please use distinct names",
			    name, twin->line);
			return;
		}
	}
	if (c->nservers++ >= CONF_SERVERS_MAX) {
		if (c->nservers == CONF_SERVERS_MAX + 1)
			cfg_error(c, "more than %d servers", CONF_SERVERS_MAX);
		return;
	}
	s = cfg_alloc(c, sizeof(*s));
	*s = *like;
	s->next = NULL;
	s->name = cfg_keep(c, name);
	s->line = c->place.line;
	if (x->servers == NULL)
		x->servers = s;
	else
		x->last_server->next = s;
	x->last_server = s;
	x->nservers++;
}

/* server NAME ADDRESS ... */
void
cfg_server(struct cfg *c, char **w)
{
	struct cfg_server s = c->proxy->defaults;

	if (w[1] == NULL || w[2] == NULL) {
		cfg_error(c, "'server' expects a name and an address, as in "
			     "'server redis1 redis1:6379 check'");
		return;
	}
	if (!parse_is_name(w[1])) {
		cfg_error(c,
		    "'server': '%.80s': a name is 1 to 63 of A-Z a-z "
		    "0-9 . _ : -",
		    w[1]);
		return;
	}
	if (server_address(c, &s, w[2]) != 0)
		s.host = NULL;
	server_parameters(c, &s, w + 3);
	if (s.host != NULL)
		add_server(c, &s, w[1]);
}

void
cfg_default_server(struct cfg *c, char **w)
{
	server_parameters(c, &c->proxy->defaults, w + 1);
}

/* server-template PREFIX N ADDRESS ...: servers named PREFIX1 to PREFIXN, each
 * with an address of the name's; here one of that name. */
void
cfg_server_template(struct cfg *c, char **w)
{
	struct cfg_server s = c->proxy->defaults;
	int64_t first = 1, last;
	char *dash;

	if (w[1] == NULL || w[2] == NULL || w[3] == NULL) {
		cfg_error(c, "'server-template' expects a prefix, a number and "
			     "an address");
		return;
	}
	if ((dash = strchr(w[2], '-')) != NULL)
		*dash++ = '\0';
	if ((dash != NULL &&
		cfg_count(c, w[0], w[2], 1, CONF_SERVERS_MAX, &first) != 0) ||
	    cfg_count(c, w[0], dash == NULL ? w[2] : dash, 1, CONF_SERVERS_MAX,
		&last) != 0)
		return;
	s.template = last > first ? c->place.line : 0;
	if (!parse_is_name(cfg_format(c, "%s%d", w[1], (int)first)))
		cfg_error(c, "'server-template': '%.80s' is no name", w[1]);
	else if (server_address(c, &s, w[3]) == 0) {
		server_parameters(c, &s, w + 4);
		add_server(c, &s, cfg_format(c, "%s%d", w[1], (int)first));
	}
}
