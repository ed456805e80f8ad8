/*
 * haproxy.cfg: option NAME.
 */
#include <string.h>

#include "conf/cfg_reader.h"

/* What an option switches. */
enum flag {
	FLAG_NONE,
	FLAG_ALL_BACKUPS,
	FLAG_TCPLOG,
	FLAG_LOG_NULL,
	FLAG_LOG_NORMAL,
	FLAG_LOG_CHECKS,
	FLAG_TCP_CHECK,
	FLAG_REDIS_CHECK,
	FLAG_HTTP_CHECK
};

#define CHECKS "use tcp-check (as written), http-check or a plain check"

static const struct option {
	const char *name;
	enum cfg_class class;
	enum flag flag;
	const char *why;
} options[] = {
    {"allbackups", CFG_DO, FLAG_ALL_BACKUPS, NULL},
    {"tcplog", CFG_DO, FLAG_TCPLOG, NULL},
    {"dontlognull", CFG_DO, FLAG_LOG_NULL, NULL},
    {"dontlog-normal", CFG_DO, FLAG_LOG_NORMAL, NULL},
    {"log-health-checks", CFG_DO, FLAG_LOG_CHECKS, NULL},
    {"tcp-check", CFG_DO, FLAG_TCP_CHECK, NULL},
    {"redis-check", CFG_DO, FLAG_REDIS_CHECK, NULL},
    {"httpchk", CFG_DO, FLAG_HTTP_CHECK, NULL},
    /* So it is anyway: keep-alive is on, connects are tried elsewhere, a
     * client's half-closed connection is one. */
    {"tcpka", CFG_NOTHING, FLAG_NONE, NULL},
    {"clitcpka", CFG_NOTHING, FLAG_NONE, NULL},
    {"srvtcpka", CFG_NOTHING, FLAG_NONE, NULL},
    {"redispatch", CFG_NOTHING, FLAG_NONE, NULL},
    {"persist", CFG_NOTHING, FLAG_NONE, NULL},
    {"contstats", CFG_NOTHING, FLAG_NONE, NULL},
    {"abortonclose", CFG_NOTHING, FLAG_NONE, NULL},
    {"prefer-last-server", CFG_NOTHING, FLAG_NONE, NULL},
    /* For HTTP. */
    {"httplog", CFG_DO, FLAG_TCPLOG, NULL},
    {"httpslog", CFG_DO, FLAG_TCPLOG, NULL},
    {"accept-invalid-http-request", CFG_NOTHING, FLAG_NONE, NULL},
    {"accept-invalid-http-response", CFG_NOTHING, FLAG_NONE, NULL},
    {"checkcache", CFG_NOTHING, FLAG_NONE, NULL},
    {"disable-h2-upgrade", CFG_NOTHING, FLAG_NONE, NULL},
    {"forwardfor", CFG_NOTHING, FLAG_NONE, NULL},
    {"forceclose", CFG_NOTHING, FLAG_NONE, NULL},
    {"h1-case-adjust-bogus-client", CFG_NOTHING, FLAG_NONE, NULL},
    {"h1-case-adjust-bogus-server", CFG_NOTHING, FLAG_NONE, NULL},
    {"http-buffer-request", CFG_NOTHING, FLAG_NONE, NULL},
    {"http-ignore-probes", CFG_NOTHING, FLAG_NONE, NULL},
    {"http-keep-alive", CFG_NOTHING, FLAG_NONE, NULL},
    {"http-no-delay", CFG_NOTHING, FLAG_NONE, NULL},
    {"http-pretend-keepalive", CFG_NOTHING, FLAG_NONE, NULL},
    {"http-server-close", CFG_NOTHING, FLAG_NONE, NULL},
    {"http-tunnel", CFG_NOTHING, FLAG_NONE, NULL},
    {"http-use-htx", CFG_NOTHING, FLAG_NONE, NULL},
    {"http-use-proxy-header", CFG_NOTHING, FLAG_NONE, NULL},
    {"httpclose", CFG_NOTHING, FLAG_NONE, NULL},
    {"idle-close-on-response", CFG_NOTHING, FLAG_NONE, NULL},
    {"originalto", CFG_NOTHING, FLAG_NONE, NULL},
    /* How HAProxy moves bytes. */
    {"independent-streams", CFG_TUNING, FLAG_NONE, NULL},
    {"nolinger", CFG_TUNING, FLAG_NONE, NULL},
    {"splice-auto", CFG_TUNING, FLAG_NONE, NULL},
    {"splice-request", CFG_TUNING, FLAG_NONE, NULL},
    {"splice-response", CFG_TUNING, FLAG_NONE, NULL},
    {"socket-stats", CFG_TUNING, FLAG_NONE, NULL},
    {"tcp-smart-accept", CFG_TUNING, FLAG_NONE, NULL},
    {"tcp-smart-connect", CFG_TUNING, FLAG_NONE, NULL},
    {"logasap", CFG_WARN, FLAG_NONE, "a session's line comes at its end"},
    {"log-separate-errors", CFG_WARN, FLAG_NONE,
	"all sessions are logged at one level"},
    {"external-check", CFG_ERROR, FLAG_NONE,
	"no program is started by checks: " CHECKS},
    {"ldap-check", CFG_ERROR, FLAG_NONE, CHECKS},
    {"mysql-check", CFG_ERROR, FLAG_NONE, CHECKS},
    {"pgsql-check", CFG_ERROR, FLAG_NONE, CHECKS},
    {"smtpchk", CFG_ERROR, FLAG_NONE, CHECKS},
    {"spop-check", CFG_ERROR, FLAG_NONE, CHECKS},
    {"ssl-hello-chk", CFG_ERROR, FLAG_NONE, CHECKS},
    {"lb-agent-chk", CFG_ERROR, FLAG_NONE, CHECKS},
    {"transparent", CFG_ERROR, FLAG_NONE, "name the servers in server lines"},
    {"http_proxy", CFG_ERROR, FLAG_NONE, "roleproxy relays TCP"},
    {"rdp-cookie", CFG_ERROR, FLAG_NONE, "roleproxy relays bytes as they are"},
};
#define NOPTIONS (sizeof(options) / sizeof(options[0]))

/* One of the options that say how servers are checked; "no" undoes it. */
static void
set_check(struct cfg *c, enum cfg_check check)
{
	struct cfg_proxy *x = c->proxy;

	if (c->no && x->check != check)
		return;
	x->check = c->no ? CFG_CHECK_TCP : check;
	x->check_line = c->place.line;
}

/* option httpchk [METHOD] URI [VERSION], the request of old. */
static void
http_check(struct cfg *c, char **w)
{
	struct cfg_request *r = &c->proxy->request;

	set_check(c, CFG_CHECK_HTTP);
	r->line = c->place.line;
	if (w[0] == NULL)
		return;
	r->method = w[1] == NULL ? NULL : cfg_escape(c, w[0]);
	r->uri = cfg_escape(c, w[1] == NULL ? w[0] : w[1]);
	r->version = NULL;
	if (w[1] != NULL && w[2] != NULL)
		r->version = cfg_escape(c, w[2]);
}

/* Switch what an option stands for. */
static void
switch_option(struct cfg *c, enum flag flag, char **w)
{
	struct cfg_proxy *x = c->proxy;

	switch (flag) {
	case FLAG_ALL_BACKUPS:
		x->all_backups = !c->no;
		break;
	case FLAG_TCPLOG:
		x->tcplog = !c->no;
		break;
	case FLAG_LOG_NULL:
		x->log_null_off = !c->no;
		break;
	case FLAG_LOG_NORMAL:
		x->log_normal_off = !c->no;
		break;
	case FLAG_LOG_CHECKS:
		x->log_checks = !c->no;
		break;
	case FLAG_TCP_CHECK:
		set_check(c, CFG_CHECK_SCRIPT);
		break;
	case FLAG_REDIS_CHECK:
		set_check(c, CFG_CHECK_REDIS);
		break;
	case FLAG_HTTP_CHECK:
		http_check(c, w + 1);
		break;
	default:
		break;
	}
}

void
cfg_option(struct cfg *c, char **w)
{
	const char *name = w[1] == NULL ? "" : w[1], *nearest = NULL;
	size_t i;

	for (i = 0; i < NOPTIONS; i++) {
		if (strcmp(options[i].name, name) == 0)
			break;
		nearest = key_nearer(name, options[i].name, nearest);
	}
	if (i == NOPTIONS)
		cfg_unknown(c, "option", name, nearest);
	else if (options[i].class == CFG_DO)
		switch_option(c, options[i].flag, w + 1);
	else if (!c->no)
		cfg_classed(c, options[i].class,
		    cfg_format(c, "option %s", name), options[i].why);
}
