/*
 * The control sockets: who connects, lines and what stands in them, answers,
 * time. A connection takes one line of commands, or goes on for as long as the
 * client wishes ("prompt"); see "Unix Socket commands" in HAProxy's management
 * guide.
 */
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/net.h"
#include "conf/control.h"
#include "stats-ui/control.h"
#include "stats-ui/runtime.h"

#define BACKLOG     128
#define CLIENTS_MAX 16
#define LOOKERS_MAX 12      /* with so many, only who may act gets in */
#define LINE_BYTES  16384   /* without its newline */
#define UNREAD_MAX  1048576 /* bytes of answers, until the client reads */
#define TIMEOUT_MS  10000
#define PAUSE_MS    1000 /* after a failed accept() */

enum client_state {
	CLIENT_READING, /* its next line */
	CLIENT_BUSY,    /* its act is under way, however long that takes */
	CLIENT_FULL,    /* it is to read first what it was answered */
	CLIENT_ANSWERED /* it ends as soon as the answer is written */
};

/* One connection; owned by the list. */
struct client {
	struct cli cli; /* first: see client_of() */
	TAILQ_ENTRY(client) link;
	struct control *control;
	struct bufferevent *bev;
	struct event *deadline; /* of reading, and of answering */
	enum client_state state;
	char line[LINE_BYTES + 1]; /* that is being carried out */
	char *rest;                /* of it; NULL none */
	bool payload; /* what comes up to an empty line belongs to line */
	bool ended;   /* the client sends no more */
};

/* A socket that we listen on. */
struct door {
	SLIST_ENTRY(door) link;
	struct control *control;
	struct conf_control conf;
	struct evconnlistener *listener;
	struct event *resume; /* accepting, after an error */
	struct stat socket;   /* as we made it */
};

struct control {
	struct event_base *base; /* (borrowed from main) */
	struct runtime runtime;
	int64_t timeout; /* ms */
	int (*peer)(int fd, struct ucred *);

	SLIST_HEAD(, door) doors;
	TAILQ_HEAD(, client) clients;
	unsigned nclients;
};

/* What the kernel says of the other end, see unix(7). */
static int
peer_of(int fd, struct ucred *peer)
{
	socklen_t len = sizeof(*peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len);
}

/* What may be done by the other end of a connection to a door: what the door
 * grants, else all if it is root or our own user, else look. */
static enum conf_level
level_of(const struct door *d, const struct ucred *peer)
{
	if (d->conf.has_level)
		return d->conf.level;
	if (d->conf.addr.family == AF_UNIX &&
	    (peer->uid == 0 || peer->uid == geteuid()))
		return ALLOW_ADMIN;
	return ALLOW_USER;
}

/*
 * Connections.
 */

/* The connection that the commands see as that. */
static struct client *
client_of(struct cli *c)
{
	return (struct client *)(void *)c;
}

/* It may take the timeout from now on. */
static void
client_arm(struct client *cl)
{
	int64_t ms = cl->cli.timeout;
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(cl->deadline, &tv);
}

/* End it; an act of it goes on. */
static void
client_close(struct client *cl)
{
	cli_forget(&cl->cli);
	TAILQ_REMOVE(&cl->control->clients, cl, link);
	cl->control->nclients--;
	event_free(cl->deadline);
	bufferevent_free(cl->bev);
	free(cl);
}

/* The last answer is complete: send it, then close. */
static void
client_finish(struct client *cl)
{
	cl->state = CLIENT_ANSWERED;
	bufferevent_disable(cl->bev, EV_READ);
	client_arm(cl);
	if (evbuffer_get_length(cl->cli.out) == 0)
		client_close(cl);
}

/* Answer with an error of one line, and end. */
static void
client_refuse(struct client *cl, const char *reason)
{
	cli_error(&cl->cli, "error: %s\n", reason);
	evbuffer_add(cl->cli.out, "\n", 1);
	client_finish(cl);
}

/*
 * Lines.
 */

/* Is it text of one line, in ASCII? */
static bool
is_text(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (line[i] != '\t' && (line[i] < 0x20 || line[i] > 0x7e))
			return false;
	}
	return true;
}

/* Cut the first command off the rest of the line: up to a ";" that no backslash
 * is before. Returns it. */
static char *
next_command(struct client *cl)
{
	char *command = cl->rest, *p;

	for (p = command; *p != '\0' && *p != ';'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
	}
	cl->rest = *p == ';' ? p + 1 : NULL;
	*p = '\0';
	return command;
}

/* Does a line end in " <<", so that a payload follows? Cut that off. */
static bool
cut_payload_mark(char *line)
{
	size_t len = strlen(line);

	if (len < 2 || strcmp(line + len - 2, "<<") != 0 ||
	    (len > 2 && line[len - 3] != ' '))
		return false;
	line[len - 2] = '\0';
	return true;
}

/* Take the next line out of what has come, up to its newline, or, from a client
 * that sends no more, to the end. False if there is none, or it is no text:
 * then the client is told and may be gone. */
static bool
take_line(struct client *cl, char line[LINE_BYTES + 1])
{
	struct evbuffer *in = bufferevent_get_input(cl->bev);
	struct evbuffer_ptr eol =
	    evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);
	size_t have = evbuffer_get_length(in);
	size_t len = eol.pos >= 0 ? (size_t)eol.pos : have;

	if (len > LINE_BYTES) {
		client_refuse(cl, "the line is longer than 16384 bytes");
		return false;
	}
	if (eol.pos < 0 && (!cl->ended || have == 0))
		return false;
	evbuffer_remove(in, line, len);
	evbuffer_drain(in, eol.pos >= 0 ? 1 : 0);
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	if (is_text(line, len))
		return true;
	client_refuse(cl, "the line is not plain ASCII text");
	return false;
}

/* A line is there to be carried out; or a payload comes first. */
static void
begin_line(struct client *cl)
{
	cl->payload = cut_payload_mark(cl->line);
	cl->rest = cl->payload ? NULL : cl->line;
	if (cl->payload && cl->cli.prompt)
		evbuffer_add(cl->cli.out, "+ ", 2);
}

/* A line of a payload; no command takes one, so it is dropped. The empty one
 * ends it. */
static void
take_payload(struct client *cl, const char *line)
{
	if (line[0] == '\0') {
		cl->payload = false;
		cl->rest = cl->line;
	} else if (cl->cli.prompt)
		evbuffer_add(cl->cli.out, "+ ", 2);
}

/* Find the next line. False if there is none for now, or the client is told
 * that it was a bad one. */
static bool
find_line(struct client *cl)
{
	char line[LINE_BYTES + 1];

	while (cl->rest == NULL) {
		if (!take_line(cl, cl->payload ? line : cl->line))
			return false;
		if (cl->payload)
			take_payload(cl, line);
		else
			begin_line(cl);
	}
	return true;
}

/* Nothing is to be done for now: wait for more, or end. */
static void
client_wait(struct client *cl, bool answered)
{
	if (cl->state == CLIENT_ANSWERED)
		return;
	if (cl->ended || (answered && !cl->cli.prompt)) {
		client_finish(cl);
		return;
	}
	cl->state = CLIENT_READING;
	client_arm(cl);
}

/* A command is answered. Returns false if the connection does not go on now. */
static bool
client_answered(struct client *cl)
{
	if (cl->cli.quit) {
		client_finish(cl);
		return false;
	}
	if (cl->cli.act != NULL) {
		cl->state = CLIENT_BUSY;
		event_del(cl->deadline);
		return false;
	}
	if (cl->cli.prompt)
		evbuffer_add(cl->cli.out, "> ", 2);
	if (evbuffer_get_length(cl->cli.out) <= UNREAD_MAX)
		return true;
	cl->state = CLIENT_FULL;
	client_arm(cl);
	return false;
}

/* Carry out what there is; the client may be gone afterwards. */
static void
client_go_on(struct client *cl)
{
	bool answered = cl->state != CLIENT_READING;

	while (find_line(cl)) {
		answered = true;
		runtime_run(&cl->control->runtime, &cl->cli, next_command(cl));
		if (!client_answered(cl))
			return;
	}
	client_wait(cl, answered);
}

/*
 * Events.
 */

/* An act of it has ended, with its answer. */
static void
resume_client(struct cli *c)
{
	struct client *cl = client_of(c);

	if (client_answered(cl))
		client_go_on(cl);
}

/* Something came. */
static void
read_cb(struct bufferevent *bev, void *arg)
{
	struct client *cl = arg;

	(void)bev;
	if (cl->state == CLIENT_READING)
		client_go_on(cl);
}

/* All is written. */
static void
write_cb(struct bufferevent *bev, void *arg)
{
	struct client *cl = arg;

	(void)bev;
	if (cl->state == CLIENT_ANSWERED)
		client_close(cl);
	else if (cl->state == CLIENT_FULL)
		client_go_on(cl);
}

/* The client broke off, or has no more to say; it may still listen, and its
 * line may lack a newline. */
static void
event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct client *cl = arg;

	(void)bev;
	if ((what & BEV_EVENT_ERROR) != 0) {
		client_close(cl);
		return;
	}
	cl->ended |= (what & BEV_EVENT_EOF) != 0;
	if (cl->ended && cl->state == CLIENT_READING)
		client_go_on(cl);
}

/* It takes too long to send a command, or to read its answer. */
static void
deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	client_close(arg);
}

/* Take a connection in. */
static void
client_open(struct door *d, int fd, const struct ucred *peer)
{
	struct control *c = d->control;
	struct client *cl = xcalloc(1, sizeof(*cl));

	cl->control = c;
	cl->bev = bufferevent_socket_new(c->base, fd, BEV_OPT_CLOSE_ON_FREE);
	cl->deadline = evtimer_new(c->base, deadline_cb, cl);
	if (cl->bev == NULL || cl->deadline == NULL)
		fatal("out of memory");
	cl->cli.level = level_of(d, peer);
	cl->cli.timeout = c->timeout;
	cl->cli.peer = *peer;
	cl->cli.out = bufferevent_get_output(cl->bev);
	cl->cli.resume = resume_client;
	TAILQ_INSERT_TAIL(&c->clients, cl, link);
	c->nclients++;
	bufferevent_setcb(cl->bev, read_cb, write_cb, event_cb, cl);
	/* No more than that is ever kept. */
	bufferevent_setwatermark(cl->bev, EV_READ, 0, LINE_BYTES + 1);
	bufferevent_enable(cl->bev, EV_READ);
	client_arm(cl);
}

/* Answer at once and without waiting, by way of the socket itself. */
static void
answer_now(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Somebody connects. */
static void
accept_cb(struct evconnlistener *ev, evutil_socket_t fd, struct sockaddr *sa,
    int len, void *arg)
{
	struct door *d = arg;
	struct control *c = d->control;
	struct ucred peer = {.uid = (uid_t)-1};

	(void)ev;
	(void)sa;
	(void)len;
	if (d->conf.addr.family == AF_UNIX && c->peer(fd, &peer) != 0) {
		log_warn(
		    "control: cannot tell who connects: %s", strerror(errno));
		close(fd);
	} else if (c->nclients >= (level_of(d, &peer) == ALLOW_ADMIN
					  ? CLIENTS_MAX
					  : LOOKERS_MAX)) {
		answer_now(fd, "error: too many connections; try again\n\n");
		close(fd);
	} else
		client_open(d, fd, &peer);
}

/* accept() failed, most likely for want of file descriptors: wait a second. */
static void
accept_error_cb(struct evconnlistener *ev, void *arg)
{
	struct door *d = arg;
	struct timeval tv = {PAUSE_MS / 1000, PAUSE_MS % 1000 * 1000};

	log_warn("control: cannot accept: %s", strerror(errno));
	evconnlistener_disable(ev);
	event_add(d->resume, &tv);
}

/* Accept again. */
static void
resume_cb(evutil_socket_t fd, short what, void *arg)
{
	struct door *d = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(d->listener);
}

/*
 * Life.
 */

struct control *
control_new(struct event_base *base, const struct runtime *runtime)
{
	struct control *c = xcalloc(1, sizeof(*c));

	c->base = base;
	c->runtime = *runtime;
	c->timeout = TIMEOUT_MS;
	c->peer = peer_of;
	TAILQ_INIT(&c->clients);
	SLIST_INIT(&c->doors);
	return c;
}

void
control_set_timeout(struct control *c, int64_t ms)
{
	c->timeout = ms;
}

void
control_set_peer(struct control *c, int (*peer)(int fd, struct ucred *))
{
	c->peer = peer;
}

/* Whose is a socket? If it cannot be theirs it is ours. */
static void
give_away(const struct conf_control *k)
{
	if (net_give(k->addr.u.path, k->user, k->group) != 0)
		log_warn("control socket %s: cannot give it to user '%s' and "
			 "group '%s': %s",
		    k->addr.u.path, k->user, k->group,
		    errno == EINVAL ? "there is no such one" : strerror(errno));
}

/* Open the socket of a door. Returns it; -1 with the reason in error. */
static int
open_door(struct door *d, unsigned mode, char *error, size_t size)
{
	const struct conf_control *k = &d->conf;
	int fd;

	if (k->addr.family != AF_UNIX)
		return net_listen(&k->addr, BACKLOG, error, size);
	fd = net_listen_mode(
	    &k->addr, k->has_mode ? k->mode : mode, BACKLOG, error, size);
	if (fd >= 0) {
		give_away(k);
		(void)lstat(k->addr.u.path, &d->socket);
	}
	return fd;
}

int
control_listen(struct control *c, const struct conf_control *conf,
    unsigned mode, char *error, size_t size)
{
	struct door *d = xcalloc(1, sizeof(*d));
	int fd;

	d->control = c;
	d->conf = *conf;
	fd = open_door(d, mode, error, size);
	if (fd < 0) {
		free(d);
		return -1;
	}
	d->listener = evconnlistener_new(c->base, accept_cb, d,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	d->resume = evtimer_new(c->base, resume_cb, d);
	if (d->listener == NULL || d->resume == NULL)
		fatal("out of memory");
	evconnlistener_set_error_cb(d->listener, accept_error_cb);
	SLIST_INSERT_HEAD(&c->doors, d, link);
	return 0;
}

/* Stop listening; remove the socket, unless another process has put its own
 * there. */
static void
close_door(struct door *d)
{
	const char *path = d->conf.addr.u.path;
	struct stat st;

	if (d->conf.addr.family == AF_UNIX && lstat(path, &st) == 0 &&
	    st.st_dev == d->socket.st_dev && st.st_ino == d->socket.st_ino)
		unlink(path);
	evconnlistener_free(d->listener);
	event_free(d->resume);
	free(d);
}

void
control_free(struct control *c)
{
	struct client *cl;
	struct door *d;

	while ((d = SLIST_FIRST(&c->doors)) != NULL) {
		SLIST_REMOVE_HEAD(&c->doors, link);
		close_door(d);
	}
	while ((cl = TAILQ_FIRST(&c->clients)) != NULL) {
		if (cl->state != CLIENT_ANSWERED)
			answer_now(bufferevent_getfd(cl->bev),
			    "error: roleproxy has stopped\n\n");
		client_close(cl);
	}
	free(c);
}
