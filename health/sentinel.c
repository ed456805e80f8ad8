/*
 * One Sentinel. All questions of a round are sent at once and answered in
 * order; a round that is not answered in time closes the connection.
 */
#include <event2/event.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "health/link.h"
#include "health/sentinel.h"

#define ROUND_MS   2000 /* an answer later than this closes the connection */
#define SILENCE_MS 3000 /* of the connection that listens: it is asked PING */
#define LIST_EVERY 8    /* rounds between two questions for lists */

/* What is asked, in the order of asking. */
enum question {
	ASK_ADDR,
	ASK_MASTER,
	ASK_INFO,
	ASK_REPLICAS,
	ASK_SENTINELS,
	ASK_COUNT
};

struct sentinel {
	/* Given. */
	const struct sentinel_ops *ops; /* (borrowed from the owner) */
	int id;
	char *name;

	/* At run time. */
	struct addr addr;
	struct link *ask, *listen;
	struct event *timer;
	struct sentinel_view view, next; /* next: of the round under way */
	size_t answered; /* questions of the round; those are in order */
	bool asking, lists, deaf, subscribed;
	int64_t asked_at, epoch;
	unsigned rounds, ticks;
	const char *denied; /* a right that the user lacks; NULL none */
	char trouble[96];
};

static void sentinel_timer_cb(evutil_socket_t, short, void *);
static void ask_up(void *);
static void ask_reply(const struct resp *, size_t, void *);
static void ask_down(const char *, void *);
static void listen_up(void *);
static void listen_reply(const struct resp *, size_t, void *);
static void listen_down(const char *, void *);

static const struct link_ops ask_ops = {ask_up, ask_reply, ask_down};
static const struct link_ops listen_ops = {
    listen_up, listen_reply, listen_down};

struct sentinel *
sentinel_new(struct event_base *base, int id, const char *name,
    const char *username, const char *password, const struct sentinel_ops *ops)
{
	struct sentinel *s = xcalloc(1, sizeof(*s));
	struct timeval tv = {0, SENTINEL_ASK_MS * 1000};

	s->ops = ops;
	s->id = id;
	s->name = xstrdup(name);
	s->ask = link_new(base, &ask_ops, username, password, s);
	s->listen = link_new(base, &listen_ops, username, password, s);
	s->timer = event_new(base, -1, EV_PERSIST, sentinel_timer_cb, s);
	if (s->timer == NULL)
		fatal("out of memory");
	event_add(s->timer, &tv);
	snprintf(s->trouble, sizeof(s->trouble), "not asked yet");
	return s;
}

void
sentinel_free(struct sentinel *s)
{
	link_free(s->ask);
	link_free(s->listen);
	event_free(s->timer);
	free(s->name);
	free(s);
}

void
sentinel_open(struct sentinel *s, const struct addr *addr)
{
	s->addr = *addr;
	link_open(s->ask, addr);
	link_open(s->listen, addr);
}

/* Send one question about the master name. */
static void
question(struct sentinel *s, const char *command)
{
	const char *words[] = {"SENTINEL", command, s->name, NULL};

	link_send(s->ask, words);
}

void
sentinel_ask(struct sentinel *s)
{
	const char *info[] = {"INFO", "sentinel", NULL};

	if (!link_is_up(s->ask) || s->asking)
		return;
	s->asking = true;
	s->answered = 0;
	s->denied = NULL;
	s->asked_at = clock_ms();
	s->lists = s->rounds++ % LIST_EVERY == 0;
	s->next = s->view;
	question(s, "GET-MASTER-ADDR-BY-NAME");
	question(s, "MASTER");
	link_send(s->ask, info);
	if (s->lists) {
		question(s, "REPLICAS");
		question(s, "SENTINELS");
	}
}

/* Ask again; notice what does not answer. */
static void
sentinel_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	static const char *const ping[] = {"PING", NULL};
	struct sentinel *s = arg;
	int64_t now = clock_ms();

	(void)fd;
	(void)what;
	if (s->asking && now - s->asked_at > ROUND_MS)
		link_restart(s->ask, "no answer");
	else
		sentinel_ask(s);
	if (!link_is_up(s->listen))
		return;
	if (now - link_heard_at(s->listen) > SILENCE_MS)
		link_restart(s->listen, "no answer");
	else if (++s->ticks % 4 == 0)
		link_send(s->listen, ping);
}

static void
ask_up(void *arg)
{
	struct sentinel *s = arg;

	s->asking = false;
	s->rounds = 0;
	sentinel_ask(s);
}

static void
ask_down(const char *why, void *arg)
{
	struct sentinel *s = arg;

	s->asking = false;
	sentinel_blame(s, why);
	s->ops->lost(s, why, s->ops->arg);
}

static void
listen_up(void *arg)
{
	static const char *const subscribe[] = {"PSUBSCRIBE", "*", NULL};
	struct sentinel *s = arg;

	s->subscribed = false; /* this is answered first */
	link_send(s->listen, subscribe);
}

static void
listen_down(const char *why, void *arg)
{
	struct sentinel *s = arg;

	s->epoch = 0;
	s->ops->lost(s, why, s->ops->arg);
}

/* The element behind this key of a flat array of keys and values. */
static const struct resp *
value(const struct resp *r, size_t n, const char *key)
{
	static const struct resp none = {.type = RESP_NIL, .str = ""};
	size_t i;

	for (i = 0; i + 1 < n; i += 2) {
		if (resp_is(&r[i], key))
			return &r[i + 1];
	}
	return &none;
}

/* Does a Sentinel's list of flags hold that one? */
static bool
has_flag(const struct resp *flags, const char *flag)
{
	char text[256], *next = text, *word;

	if (!resp_copy(flags, text, sizeof(text)))
		return false;
	while ((word = strsep(&next, ",")) != NULL) {
		if (strcmp(word, flag) == 0)
			return true;
	}
	return false;
}

/* A server out of a flat array of keys and values; -1 if it has no address. */
static int
read_server(const struct resp *r, size_t n, struct sentinel_server *s)
{
	char host[HELLO_HOST_MAX];

	resp_copy(value(r, n, "ip"), host, sizeof(host));
	resp_copy(value(r, n, "runid"), s->run_id, sizeof(s->run_id));
	return place_set(&s->place, host, resp_number(value(r, n, "port"), 0));
}

/* GET-MASTER-ADDR-BY-NAME. */
static void
read_addr(struct sentinel_view *v, const struct resp *r, size_t n)
{
	char host[HELLO_HOST_MAX] = "";

	v->primary.port = 0;
	if (n == 3 && resp_copy(&r[1], host, sizeof(host)))
		place_set(&v->primary, host, resp_number(&r[2], 0));
	v->knows = v->primary.port != 0;
}

/* MASTER. */
static void
read_master(struct sentinel_view *v, const struct resp *r, size_t n)
{
	const struct resp *flags;

	v->ok_ping = -1;
	if (r->type != RESP_ARRAY ||
	    read_server(r + 1, n - 1, &v->watched) != 0) {
		v->knows = false;
		return;
	}
	r++, n--;
	flags = value(r, n, "flags");
	v->epoch = resp_number(value(r, n, "config-epoch"), -1);
	v->ok_ping = resp_number(value(r, n, "last-ok-ping-reply"), -1);
	v->disconnected = has_flag(flags, "disconnected");
	v->failing_over = has_flag(flags, "failover_in_progress");
	v->sentinels =
	    1 + (unsigned)resp_number(value(r, n, "num-other-sentinels"), 0);
	if (v->epoch < 0)
		v->knows = false;
}

/* The next element of an array of arrays: its elements from *at on, *len of
 * them. False at the end, or if it is not a flat array. */
static bool
next_entry(const struct resp *r, size_t n, size_t *at, size_t *len)
{
	*at += *len;
	if (*at >= n || r[*at].type != RESP_ARRAY)
		return false;
	*len = (size_t)r[*at].integer;
	++*at;
	return *at + *len <= n;
}

/* REPLICAS. */
static void
read_replicas(struct sentinel_view *v, const struct resp *r, size_t n)
{
	size_t at = 1, len = 0;

	v->nreplicas = 0;
	while (v->nreplicas < SENTINEL_REPLICAS_MAX &&
	       next_entry(r, n, &at, &len)) {
		if (read_server(r + at, len, &v->replicas[v->nreplicas]) == 0)
			v->nreplicas++;
	}
}

/* SENTINELS: where the others are. */
static void
read_sentinels(struct sentinel *s, const struct resp *r, size_t n)
{
	struct sentinel_server peer;
	size_t at = 1, len = 0;

	while (next_entry(r, n, &at, &len)) {
		if (read_server(r + at, len, &peer) == 0 &&
		    peer.run_id[0] != '\0')
			s->ops->peer(&peer.place, peer.run_id, s->ops->arg);
	}
}

/* INFO sentinel: TILT. */
static void
read_info(struct sentinel_view *v, const struct resp *r)
{
	v->tilt = r->type == RESP_BULK &&
		  memmem(r->str, r->len, "sentinel_tilt:1", 15) != NULL;
}

/* The round is answered. */
static void
end_round(struct sentinel *s)
{
	s->asking = false;
	s->next.at = clock_ms();
	s->next.rtt = s->next.at - s->asked_at;
	s->view = s->next;
	if (s->view.knows)
		s->trouble[0] = '\0';
	else if (s->denied != NULL)
		snprintf(s->trouble, sizeof(s->trouble),
		    "the user lacks the right %s", s->denied);
	else
		snprintf(s->trouble, sizeof(s->trouble),
		    "it does not know the master name %s", s->name);
	s->ops->answered(s, s->ops->arg);
}

/* Is it an error for want of rights? Says once which right that is. */
static bool
is_denied(struct sentinel *s, const struct resp *r, const char *right)
{
	char text[ADDR_STR_MAX];

	if (r->type != RESP_ERROR || r->len < 6 ||
	    memcmp(r->str, "NOPERM", 6) != 0)
		return false;
	if (!s->deaf)
		log_warn("sentinel %s: the user may not ask all that is "
			 "needed: ACL SETUSER … %s",
		    addr_str(&s->addr, text), right);
	s->deaf = true;
	return true;
}

/* The right that a question needs. */
static const char *
right_for(enum question q)
{
	static const char *const rights[] = {
	    [ASK_ADDR] = "+sentinel|get-master-addr-by-name",
	    [ASK_MASTER] = "+sentinel|master",
	    [ASK_INFO] = "+info",
	    [ASK_REPLICAS] = "+sentinel|replicas",
	    [ASK_SENTINELS] = "+sentinel|sentinels"};

	return rights[q];
}

static void
ask_reply(const struct resp *r, size_t n, void *arg)
{
	struct sentinel *s = arg;
	size_t due = s->lists ? ASK_COUNT : ASK_REPLICAS;

	if (!s->asking) {
		link_restart(s->ask, "protocol error");
		return;
	}
	if (is_denied(s, r, right_for((enum question)s->answered)) &&
	    s->answered <= ASK_MASTER)
		s->denied = right_for((enum question)s->answered);
	switch ((enum question)s->answered) {
	case ASK_ADDR:
		read_addr(&s->next, r, n);
		break;
	case ASK_MASTER:
		read_master(&s->next, r, n);
		break;
	case ASK_INFO:
		read_info(&s->next, r);
		break;
	case ASK_REPLICAS:
		read_replicas(&s->next, r, n);
		break;
	case ASK_SENTINELS:
		read_sentinels(s, r, n);
		break;
	case ASK_COUNT:
		break;
	}
	if (++s->answered == due)
		end_round(s);
}

/* A message of the subscription, or the answer to PING. */
static void
listen_reply(const struct resp *r, size_t n, void *arg)
{
	struct sentinel *s = arg;
	struct sentinel_event e;

	if (r->type == RESP_ERROR && memmem(r->str, r->len, "channel", 7))
		is_denied(s, r, "allchannels");
	else if (r->type == RESP_ERROR)
		is_denied(s, r, s->subscribed ? "+ping" : "+psubscribe");
	s->subscribed = true;
	if (n != 5 || !resp_is(&r[1], "pmessage"))
		return;
	e = hello_event(&r[3], &r[4]);
	if (e.kind == EVENT_EPOCH)
		s->epoch = e.epoch;
	if (e.kind == EVENT_OTHER || e.kind == EVENT_EPOCH ||
	    (e.name[0] != '\0' && strcmp(e.name, s->name) != 0))
		return;
	s->ops->event(s, &e, s->ops->arg);
	sentinel_ask(s);
}

int
sentinel_id(const struct sentinel *s)
{
	return s->id;
}

const struct addr *
sentinel_addr(const struct sentinel *s)
{
	return &s->addr;
}

const struct sentinel_view *
sentinel_view(const struct sentinel *s)
{
	return &s->view;
}

int64_t
sentinel_epoch(const struct sentinel *s)
{
	return s->epoch;
}

bool
sentinel_alive(const struct sentinel *s, int64_t ms)
{
	return link_is_up(s->ask) && clock_ms() - s->view.at <= ms;
}

bool
sentinel_fresh(const struct sentinel *s, int64_t since)
{
	return !link_is_up(s->ask) || s->view.at - s->view.rtt >= since;
}

const char *
sentinel_trouble(const struct sentinel *s)
{
	return s->trouble;
}

void
sentinel_blame(struct sentinel *s, const char *why)
{
	snprintf(s->trouble, sizeof(s->trouble), "%s", why);
}
