/*
 * One line at a session's end, in our words or as HAProxy's option tcplog
 * writes it; or HAProxy's line at its start.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/session_log.h"

#define CLIENT_MAX 64 /* room for an address and a port */

/* The frontend as it is configured now; as it was, if it is gone. */
static const struct conf_frontend *
frontend_of(const struct session *s)
{
	const struct conf_frontend *fe = s->worker->frontends[s->fe->id];

	return fe == NULL ? s->fe : fe;
}

const struct conf_server *
session_server(const struct session *s, int server_id)
{
	const struct conf_backend *cb = s->fe->backend;
	size_t i;

	for (i = 0; i < cb->nservers; i++) {
		if (cb->servers[i].id == server_id)
			return &cb->servers[i];
	}
	return NULL;
}

const char *
session_server_name(const struct session *s, int server_id)
{
	const struct conf_server *cs = session_server(s, server_id);

	return cs == NULL ? NULL : cs->name;
}

/* An address as HAProxy writes it, "ADDR:PORT" without brackets. */
static const char *
ip_port(const struct in6_addr *ip, uint16_t port, char buf[CLIENT_MAX])
{
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_UNSPECIFIED(ip))
		return "unix:1";
	if (IN6_IS_ADDR_V4MAPPED(ip))
		inet_ntop(AF_INET, &ip->s6_addr[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, ip, text, sizeof(text));
	snprintf(buf, CLIENT_MAX, "%s:%u", text, port);
	return buf;
}

/* Does it wait to connect again to the server that failed? */
static bool
is_pausing(const struct session *s)
{
	return (s->state == STATE_HELD || s->state == STATE_WAITING) &&
	       s->failed_id >= 0 && s->queue_place == 0;
}

/* How far the session came. */
static enum session_phase
phase_of(const struct session *s)
{
	switch (s->state) {
	case STATE_CONNECTING:
		return PHASE_CONNECT;
	case STATE_RELAYING:
		return PHASE_DATA;
	default:
		if (is_pausing(s))
			return PHASE_CONNECT;
		return s->held_ms == SESSION_NEVER ? PHASE_FIRST : PHASE_QUEUE;
	}
}

int
session_last_server(const struct session *s, enum session_reason why)
{
	if (s->state == STATE_CONNECTING || s->state == STATE_RELAYING)
		return s->server_id;
	return why == SESSION_UNREACHABLE || why == SESSION_CONNECT_TIMEOUT ||
		       is_pausing(s)
		   ? s->failed_id
		   : -1;
}

struct session_times
session_times(const struct session *s, enum session_reason why)
{
	struct session_times t = {-1, -1, clock_ms() - s->opened};
	int64_t held = s->held_ms, assigned = s->assigned_ms, end = t.total;

	if (s->state == STATE_REPLYING)
		end = s->since - s->opened;
	if (s->held_ms == SESSION_NEVER)
		t.queue = s->assigned_ms == SESSION_NEVER ? -1 : 0;
	else if (session_last_server(s, why) >= 0)
		t.queue = assigned > held ? assigned - held : 0;
	else
		t.queue = end > held ? end - held : 0;
	if (s->connected_ms != SESSION_NEVER)
		t.connect = s->connected_ms - assigned;
	return t;
}

/* What a client sent instead of a PROXY header, as far as it is of interest. It
 * is still unread. */
static const char *
sent_instead(const struct session *s, char *text, size_t size)
{
	char bytes[24], *to = text;
	ssize_t n = recv(s->relay.client.fd, bytes, sizeof(bytes), MSG_PEEK), i;

	if (n <= 0)
		return ": nothing came";
	to += snprintf(to, size, " (version 1 or 2): \"");
	for (i = 0; i < n; i++)
		to += sprintf(to,
		    isprint((unsigned char)bytes[i]) ? "%c" : "\\x%02x",
		    (unsigned char)bytes[i]);
	sprintf(to, "\" came");
	return text;
}

/* Where the client is, as our lines have it. Returns buf. */
static const char *
client_str(const struct session *s, char buf[ADDR_STR_MAX])
{
	struct addr a = {.family = AF_INET6, .port = s->port, .u.v6 = s->ip};

	if (IN6_IS_ADDR_UNSPECIFIED(&s->ip))
		return "unix";
	if (IN6_IS_ADDR_V4MAPPED(&s->ip)) {
		a.family = AF_INET;
		memcpy(&a.u.v4, &s->ip.s6_addr[12], 4);
	}
	return addr_str(&a, buf);
}

/* What programs want to know of a session that ends. Returns f; NULL if lines
 * have no room for that. */
static const struct log_fields *
end_fields(
    const struct session *s, enum session_reason why, struct log_fields *f)
{
	struct session_times t;
	char client[ADDR_STR_MAX];

	if (!log_is_json())
		return NULL;
	t = session_times(s, why);
	f->len = 0;
	log_field(f, "client", client_str(s, client));
	log_field(f, "frontend", session_origin(s)->name);
	log_field(f, "backend", s->fe->backend->name);
	log_field(
	    f, "server", session_server_name(s, session_last_server(s, why)));
	log_field(f, "reason", session_reason_str(why));
	log_field_known(f, "queue_ms", t.queue);
	log_field_known(f, "connect_ms", t.connect);
	log_field_number(f, "duration_ms", t.total);
	log_field_number(f, "bytes_in", (int64_t)s->relay.bytes_in);
	log_field_number(f, "bytes_out", (int64_t)s->relay.bytes_out);
	return f;
}

/* In our words. */
static void
log_text(const struct session *s, enum session_reason why,
    const struct log_fields *fields)
{
	const char *name = session_server_name(s, s->server_id);
	char client[ADDR_STR_MAX], what[160];

	log_event(LEVEL_INFO, "session", fields,
	    "session %s %s %s/%s: %s%s; %lld ms, %llu bytes in, %llu out",
	    client_str(s, client), s->fe->name, s->fe->backend->name,
	    name == NULL ? "-" : name, session_reason_str(why),
	    why == SESSION_NO_HEADER ? sent_instead(s, what, sizeof(what)) : "",
	    (long long)(clock_ms() - s->opened),
	    (unsigned long long)s->relay.bytes_in,
	    (unsigned long long)s->relay.bytes_out);
}

/* Other sessions of the same backend. */
static unsigned
backend_sessions(const struct session *s)
{
	const struct conf *conf = s->fe->conf;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		if (conf->frontends[i].backend == s->fe->backend)
			n += atomic_load(
			    &s->worker->shared
				 ->frontend_sessions[conf->frontends[i].id]);
	}
	return n == 0 ? 0 : n - 1;
}

/* The server that the line names, and its other sessions. */
static const char *
server_of(const struct session *s, enum session_reason why, unsigned *sessions)
{
	int id = session_last_server(s, why);
	const char *name = id < 0 ? NULL : session_server_name(s, id);

	*sessions = 0;
	if (name == NULL)
		return "<NOSRV>";
	*sessions = atomic_load(&s->worker->shared->server_sessions[id]);
	if (s->state == STATE_CONNECTING || s->state == STATE_RELAYING)
		*sessions -= *sessions > 0;
	return name;
}

/* "06/Feb/2009:12:12:51.443", when it was accepted. */
static void
accept_time(int64_t total, char *buf, size_t size)
{
	int64_t us = clock_wall_us() - total * 1000;

	snprintf(buf, size, "%s.%03d", clock_second(us, CLOCK_HTTP),
	    (int)(us / 1000 % 1000));
}

/* HAProxy's words for a header that did not come; NULL if it is not about that.
 */
static const char *
header_fault(const struct session *s, enum session_reason why)
{
	char bytes[PROXY_HEADER_MAX];
	struct proxy_header h;
	ssize_t n;

	if (why == SESSION_NOTHING_SENT)
		return "Connection closed while waiting for PROXY protocol "
		       "header";
	if (why == SESSION_CLIENT_ABORT)
		return "Connection error while waiting for PROXY protocol "
		       "header";
	if (why != SESSION_NO_HEADER)
		return NULL;
	n = recv(s->relay.client.fd, bytes, sizeof(bytes), MSG_PEEK);
	n = n < 0 ? 0 : proxy_header_read(bytes, (size_t)n, &h);
	if (n == PROXY_HEADER_ALIEN)
		return "Received something which does not look like a PROXY "
		       "protocol header";
	if (n == PROXY_HEADER_WRONG)
		return "Received an invalid PROXY protocol header";
	return s->relay.client.closed
		   ? "Truncated PROXY protocol header received"
		   : "Timeout while waiting for PROXY protocol header";
}

/* As HAProxy's tcplog: %ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts
 * %ac/%fc/%bc/%sc/%rc %sq/%bq. */
static void
log_tcplog(const struct session *s, enum session_reason why,
    const struct log_fields *fields)
{
	const struct shared *sh = s->worker->shared;
	struct session_times t = session_times(s, why);
	char client[CLIENT_MAX], when[48];
	unsigned on_server;
	const char *server = server_of(s, why, &on_server);
	const char *fault = s->header_due ? header_fault(s, why) : NULL;

	accept_time(t.total, when, sizeof(when));
	if (fault != NULL) {
		log_event(LEVEL_INFO, "session", fields, "%s [%s] %s/1: %s",
		    ip_port(&s->ip, s->port, client), when, s->fe->name, fault);
		return;
	}
	log_event(LEVEL_INFO, "session", fields,
	    "%s [%s] %s %s/%s %lld/%lld/%lld %llu %s %u/%u/%u/%u/%s%u 0/%u",
	    ip_port(&s->ip, s->port, client), when, s->fe->name,
	    s->fe->backend->name, server, (long long)t.queue,
	    (long long)t.connect, (long long)t.total,
	    (unsigned long long)s->relay.bytes_out,
	    ending_code(why, phase_of(s)), atomic_load(&sh->sessions),
	    atomic_load(&sh->frontend_clients[session_origin(s)->id]),
	    backend_sessions(s), on_server, s->redispatched ? "+" : "",
	    s->retried, s->queue_place);
}

/* Did it end well, and without a second connect if HAProxy asks? */
static bool
is_plain(const struct session *s, enum conf_log_format format,
    enum session_reason why)
{
	return ending_is_plain(why) &&
	       (format != LOG_FORMAT_TCPLOG || s->retried == 0);
}

/* Did the client send nothing? What a deferred one sent before it found a
 * server is still unread. */
static bool
is_null(const struct session *s, enum session_reason why)
{
	if (s->state == STATE_RELAYING)
		return s->relay.bytes_in == 0;
	if (s->state == STATE_CONNECTING)
		return why == SESSION_CLIENT_ABORT;
	return s->state == STATE_WAITING && why != SESSION_NO_HEADER &&
	       why != SESSION_DENIED &&
	       (!s->fe->defer_connect || why == SESSION_NOTHING_SENT ||
		   why == SESSION_CLIENT_ABORT ||
		   why == SESSION_CLIENT_TIMEOUT || why == SESSION_DRAINED);
}

void
session_log_end(const struct session *s, enum session_reason why)
{
	const struct conf_frontend *fe = frontend_of(s);
	struct log_fields f;

	if (fe->session_log == SESSION_LOG_OFF ||
	    fe->log_format == LOG_FORMAT_CONNECT ||
	    (fe->session_log == SESSION_LOG_ERRORS &&
		is_plain(s, fe->log_format, why)) ||
	    (!fe->log_null && is_null(s, why)))
		return;
	if (fe->log_format == LOG_FORMAT_TCPLOG)
		log_tcplog(s, why, end_fields(s, why, &f));
	else
		log_text(s, why, end_fields(s, why, &f));
}

void
session_log_begin(const struct session *s)
{
	char client[CLIENT_MAX], local[CLIENT_MAX];
	struct proxy_end to;

	if (s->fe->log_format != LOG_FORMAT_CONNECT ||
	    s->fe->session_log == SESSION_LOG_OFF)
		return;
	if (IN6_IS_ADDR_UNSPECIFIED(&s->ip)) {
		log_info("Connect to unix listener 1 (%s/TCP)", s->fe->name);
		return;
	}
	to = s->via != NULL ? *s->via : proxy_end_local(s->relay.client.fd);
	log_info("Connect from %s to %s (%s/TCP)",
	    ip_port(&s->ip, s->port, client), ip_port(&to.ip, to.port, local),
	    s->fe->name);
}
