/*
 * The player of scripts. Each event goes on with the steps as far as they go,
 * in play(); an attempt ends in finish() and nowhere else, and after it the
 * player may be gone.
 */
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "health/expect.h"
#include "health/place.h"
#include "health/script.h"

#define ANSWER_MAX 16384 /* bytes, as of HAProxy's tune.bufsize */

struct script {
	/* Given. */
	struct event_base *base;     /* (borrowed from the caller) */
	const struct places *places; /* (borrowed from the caller) */
	struct conf_step *steps;
	size_t n;
	bool http;
	enum proxy_version header, own_header; /* see script_subject */
	script_done_cb done;
	void *arg;

	/* The attempt. */
	bool running;
	bool started;    /* the first connection has been made */
	bool connecting; /* one is being made */
	bool linger;     /* it is to be closed with a FIN */
	bool asked;      /* the next expectation needs something new */
	bool ended;      /* no more will be answered */
	struct addr addr;
	size_t at;              /* the step */
	size_t sent;            /* bytes of it */
	int fd;                 /* -1: closed */
	struct event *ready;    /* the socket is, for what the step needs */
	struct event *deadline; /* time is up */
	struct event *deferred; /* goes on in the event loop */
	int error;              /* errno of what could not even begin */
	int64_t started_us;
	struct observation o;
	unsigned char answer[ANSWER_MAX]; /* since the last send */
	size_t length;
};

static void script_ready_cb(evutil_socket_t, short, void *);
static void script_deadline_cb(evutil_socket_t, short, void *);
static void script_deferred_cb(evutil_socket_t, short, void *);
static void play(struct script *);

struct script *
script_new(struct event_base *base, const struct script_subject *of,
    struct places *places, script_done_cb done, void *arg)
{
	struct script *s = xcalloc(1, sizeof(*s));

	s->base = base;
	s->places = places;
	s->steps = xcalloc(of->n + 1, sizeof(*s->steps));
	for (s->n = 0; s->n < of->n; s->n++) {
		s->steps[s->n] = step_expand(&of->steps[s->n], &of->names);
		places_add(places, s->steps[s->n].host);
	}
	s->http = expect_is_http(s->steps, s->n);
	s->header = of->header;
	s->own_header = of->own_header;
	s->done = done;
	s->arg = arg;
	s->fd = -1;
	s->deadline = evtimer_new(base, script_deadline_cb, s);
	s->deferred = event_new(base, -1, 0, script_deferred_cb, s);
	s->ready = event_new(base, -1, 0, script_ready_cb, s);
	if (s->deadline == NULL || s->deferred == NULL || s->ready == NULL)
		fatal("out of memory");
	return s;
}

/* Close the connection: with a reset, which leaves nothing behind, unless the
 * script says otherwise. */
static void
disconnect(struct script *s)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	if (s->fd < 0)
		return;
	event_del(s->ready);
	if (!s->linger)
		(void)setsockopt(
		    s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(s->fd);
	s->fd = -1;
}

void
script_free(struct script *s)
{
	size_t i;

	if (s == NULL)
		return;
	disconnect(s);
	event_free(s->ready);
	event_free(s->deadline);
	event_free(s->deferred);
	for (i = 0; i < s->n; i++)
		step_clear(&s->steps[i]);
	free(s->steps);
	free(s);
}

bool
script_running(const struct script *s)
{
	return s->running;
}

bool
script_matches(const struct script *s, const struct script_subject *of)
{
	struct conf_step step;
	bool same = of->n == s->n && of->header == s->header &&
		    of->own_header == s->own_header;
	size_t i;

	for (i = 0; i < s->n && same; i++) {
		step = step_expand(&of->steps[i], &of->names);
		same = step_equal(&s->steps[i], &step);
		step_clear(&step);
	}
	return same;
}

/* Where the script is. */
static struct expect
place_of(const struct script *s)
{
	return (struct expect){.steps = s->steps,
	    .n = s->n,
	    .at = s->at,
	    .http = s->http,
	    .bytes = s->answer,
	    .length = s->length,
	    .last = s->ended || s->length == sizeof(s->answer)};
}

/* The end of every attempt. The player may be gone when it returns. */
static void
finish(struct script *s, enum probe_result result)
{
	struct observation o = s->o;

	o.result = result;
	o.at = clock_ms();
	o.duration_us = clock_us() - s->started_us;
	o.connected = o.rtt_us >= 0;
	s->running = false;
	event_del(s->deadline);
	event_del(s->deferred);
	disconnect(s);
	s->done(&o, s->arg);
}

/* The attempt has failed outside of what was answered. */
static void
fail(struct script *s, enum probe_result result, enum hcheck_status status,
    const char *what)
{
	struct expect e = place_of(s);

	s->o.status = status;
	expect_explain(&e, s->started, what, &s->o);
	finish(s, result);
}

/* Time is up. */
static void
script_deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	struct script *s = arg;

	(void)fd;
	(void)what;
	fail(s, PROBE_TIMEOUT, s->connecting ? HCHK_L4TOUT : HCHK_L7TOUT, "");
}

/* Call back when the socket is ready for that. */
static void
await(struct script *s, short what)
{
	event_del(s->ready);
	event_assign(s->ready, s->base, s->fd, what, script_ready_cb, s);
	event_add(s->ready, NULL);
}

/* The server has refused, or the system has. What is only our own trouble, as
 * too many open files, does not count as a refusal. */
static void
fail_connect(struct script *s, int error)
{
	bool own = net_is_own_trouble(error);

	fail(s, own ? PROBE_TIMEOUT : PROBE_REFUSED,
	    own ? HCHK_SOCKERR : HCHK_L4CON, strerror(error));
}

/* Go on in the event loop: so that script_start() never calls back. */
static void
script_deferred_cb(evutil_socket_t fd, short what, void *arg)
{
	struct script *s = arg;

	(void)fd;
	(void)what;
	fail_connect(s, s->error);
}

/* Begin a connection: to where the step says, or else to the server. */
static void
connect_start(struct script *s, const struct conf_step *step)
{
	struct addr addr = s->addr;
	uint16_t port =
	    step != NULL && step->port != 0 ? step->port : addr.port;

	disconnect(s);
	s->linger = step != NULL && step->linger;
	if (step != NULL && step->host != NULL)
		addr = *places_find(s->places, step->host);
	addr.port = port;
	s->length = 0;
	s->ended = false;
	s->connecting = true;
	s->fd = net_connect(&addr);
	s->error = errno;
	if (s->fd >= 0) {
		net_tune(s->fd, NULL);
		await(s, EV_WRITE);
	} else {
		event_active(s->deferred, EV_TIMEOUT, 1);
	}
}

/* The first step that does something, NULL none. */
static const struct conf_step *
first_step(struct script *s)
{
	for (s->at = 0; s->at < s->n; s->at++) {
		if (s->steps[s->at].kind != STEP_COMMENT)
			return &s->steps[s->at];
	}
	return NULL;
}

void
script_start(struct script *s, const struct addr *addr, int64_t timeout_ms)
{
	struct timeval tv = {
	    .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
	const struct conf_step *first = first_step(s);

	memset(&s->o, 0, sizeof(s->o));
	s->o.rtt_us = -1;
	s->o.code = -1;
	s->o.second_offset = s->o.link_idle_s = -1;
	s->addr = *addr;
	s->running = true;
	s->sent = 0;
	s->asked = true;
	s->started_us = clock_us();
	evtimer_add(s->deadline, &tv);
	/* A connection that no step names is not counted as one. */
	s->started = first != NULL && first->kind == STEP_CONNECT;
	connect_start(s, s->started ? first : NULL);
}

/* The header of the connection that was made. HAProxy sends none of its own
 * accord where a step connects, unless as "default". */
static enum proxy_version
header_of(const struct script *s)
{
	const struct conf_step *step = s->started ? &s->steps[s->at] : NULL;

	if (step != NULL && step->header)
		return s->own_header;
	return step == NULL || step->usual ? s->header : PROXY_NONE;
}

/* The connection has been made, or not. False if that ended the attempt. */
static bool
take_connection(struct script *s)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0) {
		fail_connect(s, error);
		return false;
	}
	s->connecting = false;
	proxy_header_send(header_of(s), s->fd);
	if (s->o.rtt_us < 0)
		s->o.rtt_us = clock_us() - s->started_us;
	if (s->started)
		s->at++;
	s->started = true;
	return true;
}

/* Take what has come. False if there was nothing, and more may come. */
static bool
receive(struct script *s)
{
	size_t before = s->length, room = sizeof(s->answer);
	ssize_t n = 1;

	while (!s->ended && s->length < room && n > 0) {
		n = recv(s->fd, s->answer + s->length, room - s->length, 0);
		if (n > 0)
			s->length += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			s->ended = true;
	}
	s->error = n < 0 && s->ended ? errno : 0;
	return s->length > before || s->ended || s->length == room;
}

/* Send. False if the socket takes no more now. */
static bool
send_step(struct script *s, const struct conf_step *step)
{
	ssize_t n = 0;

	while (s->sent < step->length) {
		n = send(s->fd, step->bytes + s->sent, step->length - s->sent,
		    MSG_NOSIGNAL);
		if (n < 0)
			break;
		s->sent += (size_t)n;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		await(s, EV_WRITE);
		return false;
	}
	/* That the server has closed shows when its answer is read. */
	s->sent = 0;
	s->length = 0;
	s->asked = true;
	return true;
}

/* Look at what was answered. False if more is needed, or the attempt has ended.
 */
static bool
expect_step(struct script *s)
{
	struct expect e;
	enum expect_verdict verdict = EXPECT_MORE;

	if (!s->asked || receive(s)) {
		if (s->error != 0 && s->length == 0) {
			fail(s, PROBE_CLOSED, HCHK_SOCKERR, strerror(s->error));
			return false;
		}
		s->asked = false;
		e = place_of(s);
		verdict = expect_judge(&e, &s->o);
		if (verdict == EXPECT_MORE)
			s->at = expect_again(&e);
	}
	if (verdict == EXPECT_FAILED)
		finish(s, s->length == 0 ? PROBE_CLOSED : PROBE_PROTOCOL);
	if (verdict == EXPECT_MORE) {
		s->asked = true;
		await(s, EV_READ);
	}
	return verdict == EXPECT_PASSED;
}

/* Go on with the steps as far as they go. The player may be gone when it
 * returns. */
static void
play(struct script *s)
{
	const struct conf_step *step;
	struct expect e;

	for (; s->at < s->n; s->at++) {
		step = &s->steps[s->at];
		if (step->kind == STEP_CONNECT) {
			connect_start(s, step);
			return;
		}
		if (step->kind == STEP_SEND && !send_step(s, step))
			return;
		if (step->kind == STEP_EXPECT && !expect_step(s))
			return;
	}
	e = place_of(s);
	expect_pass(&e, &s->o);
	finish(s, PROBE_OK);
}

/* The socket is ready for what the step needs. */
static void
script_ready_cb(evutil_socket_t fd, short what, void *arg)
{
	struct script *s = arg;

	(void)fd;
	(void)what;
	if (!s->connecting || take_connection(s))
		play(s);
}
