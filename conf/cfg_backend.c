/*
 * Writing the document: the backends and their servers.
 */
#include <string.h>

#include "base/units.h"
#include "conf/cfg_write.h"

/* What HAProxy does where nothing is said. */
#define INTER       2000
#define CHECK_MIN   10 /* ms, the shortest time of a check here */
#define RETRIES_MAX 100

/* What is common to the servers of a backend: what the first one that is
 * checked says. */
struct common {
	int64_t inter, fast, down, fall, rise;
};

/* A time of checks, in their range. */
static int64_t
check_time(int64_t ms)
{
	return ms < CHECK_MIN ? CHECK_MIN : ms;
}

/* What a server says about its checks. */
static struct common
timing(const struct cfg_server *s)
{
	struct common t = {.inter = s->inter == 0 ? INTER : s->inter,
	    .fall = s->fall == 0 ? 3 : s->fall,
	    .rise = s->rise == 0 ? 2 : s->rise};

	t.inter = check_time(t.inter);
	t.fast = s->fastinter == 0 ? 0 : check_time(s->fastinter);
	if (t.fast > t.inter)
		t.fast = t.inter;
	t.down = s->downinter == 0 ? 0 : check_time(s->downinter);
	return t;
}

/* Append " KEY=NUMBER", unless it is what is common. */
static char *
with_number(
    struct cfg *c, char *text, const char *key, int64_t n, int64_t common)
{
	if (n == common)
		return text;
	return cfg_format(c, "%s %s=%u", text, key, (unsigned)n);
}

/* The same of a time. */
static char *
with_time(
    struct cfg *c, char *text, const char *key, int64_t ms, int64_t common)
{
	char time[UNITS_TIME_MAX];

	if (ms == common)
		return text;
	return cfg_format(c, "%s %s=%s", text, key, units_time_str(ms, time));
}

/* Append a word, if it holds. */
static char *
with_word(struct cfg *c, char *text, const char *word, bool holds)
{
	return holds ? cfg_format(c, "%s %s", text, word) : text;
}

/* Append the header of a server's sessions. */
static char *
with_header(struct cfg *c, char *text, const struct cfg_server *s)
{
	text = with_word(c, text, "send-proxy=v2", s->send_v2);
	return with_word(c, text, "send-proxy=v1", s->send_v1 && !s->send_v2);
}

/* Append the header of its checks, where that is not what is meant anyway. In
 * HAProxy a check's address or port means none, even if they are the server's
 * own, which are left out here. */
static char *
with_check_header(struct cfg *c, char *text, const struct cfg_server *s)
{
	bool sends = s->send_v1 || s->send_v2;
	bool given = s->check_host != NULL || s->check_port != 0;
	bool meant = sends && strstr(text, " check-host=") == NULL &&
		     strstr(text, " check-port=") == NULL;
	bool wanted = s->check_header || (sends && !given);

	if (wanted == meant)
		return text;
	return cfg_format(c, "%s check-send-proxy=%s", text,
	    !wanted      ? "off"
	    : s->send_v2 ? "v2"
			 : "v1");
}

/* Append how a server is checked, where it differs from the others. */
static char *
with_checks(struct cfg *c, char *text, const struct cfg_server *s,
    const struct common *common)
{
	struct common t = timing(s);

	if (!s->check)
		return with_word(c, text, "unchecked", true);
	if (s->check_host != NULL && strcmp(s->check_host, s->host) != 0)
		text = cfg_format(c, "%s check-host=%s", text, s->check_host);
	if (s->check_port != s->port)
		text = with_number(c, text, "check-port", s->check_port, 0);
	text = with_check_header(c, text, s);
	text = with_time(c, text, "check-interval", t.inter, common->inter);
	if (t.fast != common->fast)
		text = with_time(
		    c, text, "check-fast", t.fast == 0 ? t.inter : t.fast, 0);
	if (t.down != common->down)
		text = with_time(
		    c, text, "check-down", t.down == 0 ? t.inter : t.down, 0);
	text = with_number(c, text, "fall", t.fall, common->fall);
	text = with_number(c, text, "rise", t.rise, common->rise);
	text = with_word(c, text, "observe", s->observe);
	if (s->on_error != NULL && s->observe)
		text = cfg_format(c, "%s on-error=%s", text, s->on_error);
	else if (s->observe)
		text = with_word(c, text, "on-error=fail-check", true);
	if (s->observe)
		text = with_number(c, text, "error-limit",
		    s->error_limit == 0 ? 10 : s->error_limit, 10);
	if (s->init_state != NULL)
		text = cfg_format(c, "%s init-state=%s", text, s->init_state);
	return text;
}

/* A server as server = takes it. */
static char *
server_text(struct cfg *c, const struct cfg_server *s, bool checks,
    const struct common *common)
{
	bool v6 = strchr(s->host, ':') != NULL;
	char *text = cfg_format(c, "%s %s%s%s:%u weight=%u", s->name,
	    v6 ? "[" : "", s->host, v6 ? "]" : "", s->port,
	    s->weight < 0 ? 1U : (unsigned)s->weight);

	text = with_number(c, text, "maxconn", s->maxconn, 0);
	text = with_word(c, text, "backup", s->backup);
	text = with_word(c, text, "disabled", s->disabled);
	text = with_header(c, text, s);
	if (checks)
		text = with_checks(c, text, s, common);
	text = with_word(c, text, "close-down", s->close_down);
	text = with_word(c, text, "close-backups", s->close_backups);
	text = with_number(c, text, "maxqueue", s->maxqueue, 0);
	text = with_time(c, text, "slow-start", s->slowstart, 0);
	return with_number(c, text, "id", s->number, 0);
}

/* How the servers are checked. */
static void
write_checks(
    struct cfg_out *o, const struct cfg_proxy *x, const struct common *t)
{
	static const char *const roles[] = {[WANT_ANY] = "any",
	    [WANT_PRIMARY] = "primary",
	    [WANT_REPLICA] = "replica"};
	const struct cfg_number *given = &x->timeouts[TIMEOUT_CHECK];
	struct cfg_number n = {t->inter, x->line};
	const struct cfg_item *i;

	cfg_out_time(o, "check-interval", &n);
	if (given->line != 0)
		n = *given;
	n.n = check_time(n.n);
	cfg_out_time(o, "check-timeout", &n);
	n = (struct cfg_number){t->fast == 0 ? t->inter : t->fast, x->line};
	if (t->fast != 0 || x->means != CHECK_REDIS)
		cfg_out_time(o, "check-fast", &n);
	n = (struct cfg_number){t->down, x->line};
	if (t->down != 0)
		cfg_out_time(o, "check-down", &n);
	if (t->fall != 3)
		cfg_out_text(o, "fall", x->line,
		    cfg_format(o->c, "%u", (unsigned)t->fall));
	if (t->rise != 2)
		cfg_out_text(o, "rise", x->line,
		    cfg_format(o->c, "%u", (unsigned)t->rise));
	if (x->means == CHECK_REDIS)
		cfg_out_text(o, "role", x->check_line, roles[x->role]);
	for (i = x->steps.first; x->means == CHECK_SCRIPT && i != NULL;
	     i = i->next)
		cfg_out_text(o, "check-step", i->v.line, i->v.text);
	if (x->log_checks)
		cfg_out_text(o, "log-checks", x->line, "on");
}

/* User, password and Sentinels of a backend of Redis. */
static void
write_redis(struct cfg_out *o, const struct cfg_proxy *x)
{
	const struct cfg_item *i;

	if (x->username != NULL)
		cfg_out_text(o, "username", x->check_line, x->username);
	if (x->password != NULL)
		cfg_out_text(o, "password", x->check_line, x->password);
	for (i = x->sentinels.first; i != NULL; i = i->next)
		cfg_out_text(o, "sentinel", i->v.line, i->v.text);
	if (x->sentinel_username != NULL)
		cfg_out_text(
		    o, "sentinel-username", x->line, x->sentinel_username);
	if (x->sentinel_password != NULL)
		cfg_out_text(
		    o, "sentinel-password", x->line, x->sentinel_password);
	if (x->sentinels.n > 0 && x->master_name != NULL)
		cfg_out_text(o, "master-name", x->line, x->master_name);
}

/* Of several backup servers the first one serves, unless told otherwise. */
static void
write_backups(struct cfg_out *o, const struct cfg_proxy *x)
{
	const struct cfg_server *s;
	size_t n = 0;

	for (s = x->servers; s != NULL; s = s->next)
		n += s->backup;
	if (n > 1 && !x->all_backups && !x->made)
		cfg_out_text(o, "all-backups", x->line, "off");
}

/* The timeouts of the connections to the servers, and what else is theirs. */
static void
write_connections(struct cfg_out *o, const struct cfg_proxy *x)
{
	const struct cfg_number *t = x->timeouts;
	struct cfg_number connect = t[TIMEOUT_CONNECT], retries = x->retries;
	char idle[UNITS_TIME_MAX], interval[UNITS_TIME_MAX];

	if (connect.n == 0)
		connect.n = 10000LL * 86400 * 1000;
	cfg_out_time(o, "connect-timeout", &connect);
	cfg_out_time(o, "server-timeout",
	    &t[t[TIMEOUT_TUNNEL].line != 0 ? TIMEOUT_TUNNEL : TIMEOUT_SERVER]);
	cfg_out_time(o, "queue-timeout",
	    &t[t[TIMEOUT_QUEUE].line != 0 ? TIMEOUT_QUEUE : TIMEOUT_CONNECT]);
	if (retries.n > RETRIES_MAX)
		retries.n = RETRIES_MAX;
	cfg_out_number(o, "retries", &retries);
	if (x->means != CHECK_REDIS)
		cfg_out_text(o, "hold", x->line, "0");
	if (x->keep_idle.line + x->keep_interval.line + x->keep_count.line > 0)
		cfg_out_text(o, "keepalive", x->line,
		    cfg_format(o->c, "%s/%s/%u",
			x->keep_idle.line == 0
			    ? "60s"
			    : units_time_str(x->keep_idle.n, idle),
			x->keep_interval.line == 0
			    ? "10s"
			    : units_time_str(x->keep_interval.n, interval),
			x->keep_count.line == 0 ? 6U
						: (unsigned)x->keep_count.n));
	cfg_out_time(o, "user-timeout", &x->user_timeout);
	cfg_out_number(o, "fullconn", &x->fullconn);
	cfg_out_number(o, "id", &x->number);
}

/* Say what becomes of server-template: Redis itself knows the others. */
static void
write_template(struct cfg_out *o, const struct cfg_proxy *x)
{
	const struct cfg_server *s = x->servers;

	while (s != NULL && s->template == 0)
		s = s->next;
	if (s == NULL)
		return;
	o->c->place.line = s->template;
	if (x->means != CHECK_REDIS) {
		cfg_error(o->c,
		    "'server-template' of more than one server is possible "
		    "with a check of Redis only: name them one by one");
		return;
	}
	if (s->send_v1 || s->send_v2)
		cfg_error(o->c,
		    "'server-template' with send-proxy is not possible here: "
		    "name the servers one by one");
	cfg_out_text(o, "discover", s->template, "on");
	cfg_warn(o->c,
	    "'server-template': one server is asked for the others (discover "
	    "= on)");
}

/* Warn of timeouts that HAProxy misses too. */
static void
warn_timeouts(struct cfg *c, const struct cfg_proxy *x)
{
	c->place.line = x->line;
	if (x->nservers == 0)
		cfg_warn(c, "backend '%s' has no server", x->name);
	else if (x->timeouts[TIMEOUT_CONNECT].line == 0)
		cfg_warn(c,
		    "missing 'timeout connect' for '%s': connects end after "
		    "5s",
		    x->name);
	else if (x->timeouts[TIMEOUT_SERVER].line == 0)
		cfg_warn(c, "missing 'timeout server' for '%s'", x->name);
}

void
cfg_write_backend(struct cfg_out *o, const struct cfg_proxy *x)
{
	const struct cfg_server *s = x->servers;
	struct common t = {0};

	while (s != NULL && !s->check)
		s = s->next;
	if (s != NULL)
		t = timing(s);
	cfg_out_section(o, SECTION_BACKEND, x->name, x->file, x->line);
	for (s = x->servers; s != NULL; s = s->next)
		cfg_out_text(o, "server", s->line,
		    server_text(o->c, s, x->means != CHECK_NONE, &t));
	cfg_out_text(o, "check", x->check_line == 0 ? x->line : x->check_line,
	    conf_check_str(x->means));
	if (x->means != CHECK_NONE)
		write_checks(o, x, &t);
	if (x->means == CHECK_REDIS)
		write_redis(o, x);
	write_backups(o, x);
	write_connections(o, x);
	write_template(o, x);
	warn_timeouts(o->c, x);
}
