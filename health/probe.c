/*
 * The check connection of one server. All commands of an attempt are sent at
 * once; answers are matched to them in order. An attempt ends in finish() and
 * nowhere else, and after it the probe may be gone.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/net.h"
#include "health/info.h"
#include "health/probe.h"
#include "health/resp.h"

#define INPUT_MAX   (512 * 1024) /* bytes of answers that wait to be read */
#define RAW_MAX     64           /* bytes shown of what is not RESP */
#define SECRET_MIN  4            /* so much of a password is never shown */
#define CLIENT_NAME "roleproxy-check"

/* What is asked, in the order of asking. */
enum command {
	CMD_AUTH,
	CMD_SETNAME,
	CMD_INFO_SERVER,
	CMD_PING,
	CMD_INFO_REPLICATION,
	CMD_CLUSTER_INFO, /* if it is in cluster mode */
	CMD_COUNT
};

struct probe {
	/* Given. */
	struct event_base *base; /* (borrowed from the caller) */
	enum probe_kind kind;
	enum proxy_version header;
	const char *username, *password; /* (borrowed from the caller) */
	probe_done_cb done;
	probe_lost_cb lost;
	void *arg;

	/* The connection. */
	struct bufferevent *bev; /* NULL: closed */
	struct evbuffer *out;    /* commands on their way to it */
	struct addr addr;
	bool connected;
	bool introduced; /* AUTH and CLIENT SETNAME have been sent */
	bool known;      /* INFO server has been answered */

	/* The attempt. */
	bool running;
	bool reused; /* it found the connection open */
	bool hangup; /* the connection cannot be used again */
	struct event *deadline;
	struct event *deferred; /* fails an attempt that could not begin */
	int deferred_error;     /* errno of that */
	enum command asked[CMD_COUNT];
	size_t nasked, nanswered;
	int64_t started_us, ping_us;
	struct observation o;
};

static void probe_read_cb(struct bufferevent *, void *);
static void probe_event_cb(struct bufferevent *, short, void *);
static void probe_deadline_cb(evutil_socket_t, short, void *);
static void probe_deferred_cb(evutil_socket_t, short, void *);
static void connect_start(struct probe *);
static void disconnect(struct probe *);
static void ask_all(struct probe *);
static bool take_answers(struct probe *);
static enum probe_result judge(
    struct probe *, enum command, const struct resp *);
static void finish(struct probe *, enum probe_result);

static const char *const command_names[] = {
    "AUTH", "CLIENT SETNAME", "INFO", "PING", "INFO", "CLUSTER INFO"};

struct probe *
probe_new(struct event_base *base, enum probe_kind kind, const char *username,
    const char *password, probe_done_cb done, probe_lost_cb lost, void *arg)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->base = base;
	p->kind = kind;
	p->username = username;
	p->password = password;
	p->done = done;
	p->lost = lost;
	p->arg = arg;
	p->deadline = evtimer_new(base, probe_deadline_cb, p);
	p->deferred = event_new(base, -1, 0, probe_deferred_cb, p);
	p->out = evbuffer_new();
	if (p->deadline == NULL || p->deferred == NULL || p->out == NULL) {
		probe_free(p);
		return NULL;
	}
	return p;
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	disconnect(p);
	if (p->deadline != NULL)
		event_free(p->deadline);
	if (p->deferred != NULL)
		event_free(p->deferred);
	if (p->out != NULL)
		evbuffer_free(p->out);
	free(p);
}

void
probe_use_header(struct probe *p, enum proxy_version header)
{
	p->header = header;
}

bool
probe_running(const struct probe *p)
{
	return p->running;
}

struct addr
probe_local(const struct probe *p)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr a;

	memset(&a, 0, sizeof(a));
	if (p->bev == NULL || !p->connected ||
	    getsockname(
		bufferevent_getfd(p->bev), (struct sockaddr *)&ss, &len) != 0)
		return a;
	if (addr_from_sockaddr((struct sockaddr *)&ss, len, &a) != 0)
		a.family = 0;
	return a;
}

/* Forget the last attempt, but not what the connection has told about its
 * server. */
static void
forget(struct probe *p)
{
	struct observation o = {.rtt_us = -1,
	    .second_offset = -1,
	    .link_idle_s = -1,
	    .result = PROBE_OK};

	memcpy(o.run_id, p->o.run_id, sizeof(o.run_id));
	memcpy(o.version, p->o.version, sizeof(o.version));
	o.cluster = p->o.cluster;
	p->o = o;
	p->hangup = false;
	p->nasked = p->nanswered = 0;
}

void
probe_start(struct probe *p, const struct addr *addr, int64_t timeout_ms)
{
	struct timeval tv = {
	    .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

	if (p->bev != NULL && !addr_equal(addr, &p->addr))
		disconnect(p);
	forget(p);
	p->addr = *addr;
	p->running = true;
	p->reused = p->bev != NULL;
	p->started_us = clock_us();
	evtimer_add(p->deadline, &tv);
	if (p->reused)
		ask_all(p);
	else
		connect_start(p);
}

/* The server's or the system's words for people, once in an attempt. */
static void __attribute__((format(printf, 2, 3)))
explain(struct probe *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->o.detail, sizeof(p->o.detail), fmt, ap);
	va_end(ap);
}

/* Could someone read a part of the password in this text? */
static bool
shows_password(const struct probe *p, const char *text, size_t len)
{
	size_t i, n = p->password == NULL ? 0 : strlen(p->password);
	size_t part = n < SECRET_MIN ? n : SECRET_MIN;

	for (i = 0; part > 0 && i + part <= n; i++)
		if (memmem(text, len, p->password + i, part) != NULL)
			return true;
	return false;
}

/* Explain with words from the network: printable, cut, without the password. */
static void
quote(struct probe *p, const char *text, size_t len)
{
	char *to = p->o.detail, *end = to + sizeof(p->o.detail) - 5;
	unsigned char c;
	size_t i;

	if (text == NULL)
		return;
	if (shows_password(p, text, len)) {
		explain(p, "(hidden, it repeats the password)");
		return;
	}
	for (i = 0; i < len && to < end; i++) {
		c = (unsigned char)text[i];
		if (c >= 0x20 && c < 0x7f)
			*to++ = text[i];
		else
			to += sprintf(to, "\\x%02x", c);
	}
	*to = '\0';
}

/* Close the connection, and forget what it told. */
static void
disconnect(struct probe *p)
{
	if (p->bev != NULL)
		bufferevent_free(p->bev);
	p->bev = NULL;
	p->connected = p->introduced = p->known = false;
	p->o.run_id[0] = p->o.version[0] = '\0';
	p->o.cluster = false;
}

/* Does the connection serve for the next attempt, too? */
static bool
keeps_connection(const struct probe *p, enum probe_result result)
{
	return p->kind == PROBE_KIND_REDIS && !p->hangup &&
	       (probe_result_has_role(result) || result == PROBE_BUSY);
}

/* The end of every attempt. The probe may be gone when it returns. */
static void
finish(struct probe *p, enum probe_result result)
{
	struct observation o = p->o;

	o.result = result;
	o.at = clock_ms();
	o.duration_us = clock_us() - p->started_us;
	o.connected = p->connected;
	p->running = false;
	event_del(p->deadline);
	event_del(p->deferred);
	if (!keeps_connection(p, result))
		disconnect(p);
	p->done(&o, p->arg);
}

/* The attempt has failed for a reason that the system gave. What is only our
 * own trouble, as too many open files, does not count as a refusal. */
static void
finish_errno(struct probe *p, int error)
{
	enum probe_result result = PROBE_TIMEOUT;

	explain(p, "%s", strerror(error));
	switch (error) {
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENOENT:
	case EACCES:
		result = p->connected ? PROBE_TIMEOUT : PROBE_REFUSED;
		break;
	case ECONNRESET:
	case EPIPE:
		result = p->connected ? PROBE_CLOSED : PROBE_REFUSED;
		break;
	}
	finish(p, result);
}

/* The attempt could not even begin. */
static void
probe_deferred_cb(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;

	(void)fd;
	(void)what;
	finish_errno(p, p->deferred_error);
}

/* Time is up. */
static void
probe_deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;

	(void)fd;
	(void)what;
	if (!p->connected)
		explain(p, "no connection");
	else if (p->nanswered < p->nasked)
		explain(p, "no answer to %s",
		    command_names[p->asked[p->nanswered]]);
	finish(p, PROBE_TIMEOUT);
}

/* Begin to connect. If that is not possible, fail from the event loop. */
static void
connect_start(struct probe *p)
{
	int fd = net_connect(&p->addr), error = errno;

	if (fd >= 0) {
		net_tune(fd, NULL);
		p->bev =
		    bufferevent_socket_new(p->base, fd, BEV_OPT_CLOSE_ON_FREE);
		error = ENOMEM;
		if (p->bev == NULL)
			close(fd);
	}
	if (p->bev != NULL) {
		bufferevent_setcb(
		    p->bev, probe_read_cb, NULL, probe_event_cb, p);
		if (bufferevent_socket_connect(p->bev, NULL, 0) == 0)
			return;
	}
	p->deferred_error = error;
	event_active(p->deferred, EV_TIMEOUT, 1);
}

/* Send one command, as an array of one to three words (NULL ends them). */
static void
ask(struct probe *p, enum command command, const char *a, const char *b,
    const char *c)
{
	const char *words[] = {a, b, c, NULL};
	size_t i, n = 0;

	while (words[n] != NULL)
		n++;
	evbuffer_add_printf(p->out, "*%zu\r\n", n);
	for (i = 0; i < n; i++)
		evbuffer_add_printf(
		    p->out, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
	p->asked[p->nasked++] = command;
}

/* Send all that this attempt asks, at once: going through the event loop would
 * count as round trip. What does not fit goes that way, and so do errors. */
static void
ask_all(struct probe *p)
{
	if (!p->introduced && p->password != NULL && p->username != NULL)
		ask(p, CMD_AUTH, "AUTH", p->username, p->password);
	else if (!p->introduced && p->password != NULL)
		ask(p, CMD_AUTH, "AUTH", p->password, NULL);
	if (!p->introduced)
		ask(p, CMD_SETNAME, "CLIENT", "SETNAME", CLIENT_NAME);
	if (!p->known)
		ask(p, CMD_INFO_SERVER, "INFO", "server", NULL);
	ask(p, CMD_PING, "PING", NULL, NULL);
	ask(p, CMD_INFO_REPLICATION, "INFO", "replication", NULL);
	if (p->known && p->o.cluster)
		ask(p, CMD_CLUSTER_INFO, "CLUSTER", "INFO", NULL);
	p->introduced = true;
	p->ping_us = clock_us();
	evbuffer_write(p->out, bufferevent_getfd(p->bev));
	bufferevent_write_buffer(p->bev, p->out);
}

/* The connection has been made. */
static void
connected(struct probe *p)
{
	p->connected = true;
	proxy_header_send(p->header, bufferevent_getfd(p->bev));
	if (p->kind == PROBE_KIND_TCP) {
		p->o.rtt_us = clock_us() - p->started_us;
		finish(p, PROBE_OK);
		return;
	}
	bufferevent_enable(p->bev, EV_READ);
	ask_all(p);
}

/* The idle connection has ended, or can no longer be trusted. */
static void
lose(struct probe *p)
{
	disconnect(p);
	p->lost(p->arg);
}

/* Bytes have arrived. */
static void
probe_read_cb(struct bufferevent *bev, void *arg)
{
	struct probe *p = arg;

	(void)bev;
	if (p->running)
		take_answers(p);
	else
		lose(p);
}

/* Take what has come in together with the end of the connection. True if the
 * attempt has ended with it. */
static bool
take_last_words(struct probe *p)
{
	struct evbuffer *in = bufferevent_get_input(p->bev);
	evutil_socket_t fd = bufferevent_getfd(p->bev);

	/* A write may have failed before the answer was read. */
	evbuffer_unfreeze(in, 0);
	while (evbuffer_get_length(in) <= INPUT_MAX &&
	       evbuffer_read(in, fd, -1) > 0)
		continue;
	evbuffer_freeze(in, 0);
	return take_answers(p);
}

/* The connection has been made, could not be made, or has ended. */
static void
probe_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct probe *p = arg;
	int error = (what & BEV_EVENT_ERROR) != 0 ? EVUTIL_SOCKET_ERROR() : 0;

	(void)bev;
	if ((what & BEV_EVENT_CONNECTED) != 0) {
		connected(p);
		return;
	}
	if (!p->running) {
		lose(p);
		return;
	}
	if (p->connected && take_last_words(p))
		return;
	if (p->reused && p->nanswered == 0) {
		/* It ended while it was idle, and we did not know yet. */
		disconnect(p);
		forget(p);
		p->reused = false;
		connect_start(p);
	} else if (error != 0) {
		finish_errno(p, error);
	} else {
		explain(p, "closed without an answer");
		finish(p, PROBE_CLOSED);
	}
}

/* Match the answers that have arrived with the commands. True if the attempt
 * has ended with that: the probe may be gone. */
static bool
take_answers(struct probe *p)
{
	struct evbuffer *in = bufferevent_get_input(p->bev);
	enum probe_result result = PROBE_NONE;
	struct resp answer;
	const char *buf;
	size_t len;
	ssize_t n;

	while (result == PROBE_NONE && (len = evbuffer_get_length(in)) > 0) {
		buf = (const char *)evbuffer_pullup(in, -1);
		n = buf == NULL ? -1 : resp_read(buf, len, &answer);
		if (p->nanswered == p->nasked || n < 0 || len > INPUT_MAX) {
			quote(p, buf, len < RAW_MAX ? len : RAW_MAX);
			result = PROBE_PROTOCOL;
		} else if (n == 0) {
			return false;
		} else {
			result = judge(p, p->asked[p->nanswered++], &answer);
			evbuffer_drain(in, (size_t)n);
		}
	}
	if (result == PROBE_NONE && p->nanswered == p->nasked)
		result = p->o.result;
	if (result == PROBE_NONE)
		return false;
	finish(p, result);
	return true;
}

/* Is the answer an error that begins like this? */
static bool
is_error(const struct resp *r, const char *prefix)
{
	size_t len = strlen(prefix);

	return r->type == RESP_ERROR && r->len >= len &&
	       memcmp(r->str, prefix, len) == 0;
}

/* Is the answer an error that has these words? */
static bool
has_words(const struct resp *r, const char *words)
{
	return r->type == RESP_ERROR &&
	       memmem(r->str, r->len, words, strlen(words)) != NULL;
}

/* Is the answer this simple string? */
static bool
is_simple(const struct resp *r, const char *word)
{
	return r->type == RESP_SIMPLE && r->len == strlen(word) &&
	       memcmp(r->str, word, r->len) == 0;
}

/* An error that says what state the server is in, whatever was asked. */
static enum probe_result
judge_state(const struct resp *r)
{
	if (is_error(r, "LOADING "))
		return PROBE_LOADING;
	if (is_error(r, "MASTERDOWN "))
		return PROBE_MASTERDOWN;
	if (is_error(r, "MISCONF "))
		return PROBE_MISCONF;
	if (is_error(r, "BUSY "))
		return PROBE_BUSY;
	return PROBE_NONE;
}

/* What a user must be allowed to do to ask this. */
static const char *
right_for(enum command command)
{
	switch (command) {
	case CMD_PING:
		return "+ping";
	case CMD_CLUSTER_INFO:
		return "+cluster|info";
	default:
		return "+info";
	}
}

/* An error that ends the attempt, whatever was asked. */
static enum probe_result
judge_refusal(struct probe *p, enum command command, const struct resp *r)
{
	enum probe_result result = PROBE_NONE;

	if (is_error(r, "ERR max number of clients"))
		result = PROBE_MAXCLIENTS;
	else if (is_error(r, "NOAUTH "))
		result = PROBE_NOAUTH;
	else if (is_error(r, "DENIED "))
		result = PROBE_NOPERM; /* protected mode */
	if (result != PROBE_NONE) {
		quote(p, r->str, r->len);
	} else if (is_error(r, "NOPERM ") && command != CMD_SETNAME) {
		explain(p, "the user may not run %s: ACL SETUSER %s %s",
		    command_names[command],
		    p->username == NULL ? "default" : p->username,
		    right_for(command));
		result = PROBE_NOPERM;
	}
	return result;
}

/* The end of an attempt whose answer to the command makes no sense. */
static enum probe_result
not_as_redis(struct probe *p, enum command command)
{
	explain(p, "%s is not answered as Redis does", command_names[command]);
	return PROBE_PROTOCOL;
}

/* The answer to AUTH. Its errors may repeat the password: never quoted. */
static enum probe_result
judge_auth(struct probe *p, const struct resp *r)
{
	if (is_simple(r, "OK") || has_words(r, "called without any password") ||
	    has_words(r, "no password is set"))
		return PROBE_NONE;
	if (is_error(r, "WRONGPASS") || has_words(r, "invalid password"))
		return PROBE_WRONGPASS;
	if (is_error(r, "ERR wrong number of arguments")) {
		explain(p, "this server knows no user names");
		return PROBE_WRONGPASS;
	}
	return not_as_redis(p, CMD_AUTH);
}

/* The answer to PING: +PONG, or the state of the server. */
static enum probe_result
judge_ping(struct probe *p, const struct resp *r)
{
	if (is_simple(r, "PONG"))
		return PROBE_NONE;
	quote(p, r->str, r->len);
	return PROBE_PROTOCOL;
}

/* The answer to INFO server. After an error it is asked again next time. What
 * is to be asked of a server in cluster mode follows within the attempt. */
static enum probe_result
judge_server(struct probe *p, const struct resp *r)
{
	if (r->type == RESP_ERROR)
		return PROBE_NONE;
	if (r->type != RESP_BULK)
		return not_as_redis(p, CMD_INFO_SERVER);
	p->known = true;
	info_read_server(r->str, r->len, &p->o);
	if (p->o.cluster) {
		ask(p, CMD_CLUSTER_INFO, "CLUSTER", "INFO", NULL);
		bufferevent_write_buffer(p->bev, p->out);
	}
	return PROBE_NONE;
}

/* The answer to INFO replication. */
static enum probe_result
judge_replication(struct probe *p, const struct resp *r)
{
	if (r->type != RESP_BULK) {
		quote(p, r->str, r->len);
		return PROBE_PROTOCOL;
	}
	if (info_read_replication(r->str, r->len, &p->o) == 0)
		return PROBE_NONE;
	explain(p, "INFO replication names no role");
	return PROBE_PROTOCOL;
}

/* The answer to CLUSTER INFO. */
static enum probe_result
judge_cluster(struct probe *p, const struct resp *r)
{
	if (r->type != RESP_BULK) {
		quote(p, r->str, r->len);
		return PROBE_PROTOCOL;
	}
	if (info_read_cluster(r->str, r->len, &p->o) == 0)
		return PROBE_NONE;
	explain(p, "CLUSTER INFO names no state");
	return PROBE_PROTOCOL;
}

/* The server is in such a state. What it says to PING and INFO replication
 * counts; after an unanswered AUTH the connection is of no use. */
static enum probe_result
take_state(struct probe *p, enum command command, const struct resp *r,
    enum probe_result state)
{
	if (command == CMD_AUTH) {
		p->hangup = true;
		return state;
	}
	if (command == CMD_PING || command == CMD_INFO_REPLICATION) {
		p->o.result = state;
		quote(p, r->str, r->len);
	}
	return PROBE_NONE;
}

/* What one answer means: PROBE_NONE goes on, anything else ends the attempt. */
static enum probe_result
judge(struct probe *p, enum command command, const struct resp *r)
{
	enum probe_result result = judge_refusal(p, command, r);

	if (result != PROBE_NONE)
		return result;
	if (command == CMD_PING)
		p->o.rtt_us = clock_us() - p->ping_us;
	if ((result = judge_state(r)) != PROBE_NONE)
		return take_state(p, command, r, result);
	switch (command) {
	case CMD_AUTH:
		return judge_auth(p, r);
	case CMD_SETNAME:
		if (r->type == RESP_SIMPLE || r->type == RESP_ERROR)
			return PROBE_NONE;
		return not_as_redis(p, command);
	case CMD_INFO_SERVER:
		return judge_server(p, r);
	case CMD_PING:
		return judge_ping(p, r);
	case CMD_INFO_REPLICATION:
		return judge_replication(p, r);
	case CMD_CLUSTER_INFO:
		return judge_cluster(p, r);
	case CMD_COUNT:
		break;
	}
	return PROBE_NONE;
}
