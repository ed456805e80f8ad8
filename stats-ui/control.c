/*
 * The control socket: who may connect, one line, its command, the answer. An
 * answer ends with an empty line; one that begins with "error: " is one.
 */
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/net.h"
#include "conf/control.h"
#include "conf/keys.h"
#include "stats-ui/control.h"

#define BACKLOG     128
#define CLIENTS_MAX 16
#define LOOKERS_MAX 12   /* with so many, only who may act gets in */
#define LINE_BYTES  4096 /* without its newline */
#define MAX_WORDS   8
#define TIMEOUT_MS  10000
#define PAUSE_MS    1000 /* after a failed accept() */
#define WHAT_MAX    160
#define REASON_MAX  512

enum client_state {
	CLIENT_READING, /* its line */
	CLIENT_BUSY,    /* its act is under way, however long that takes */
	CLIENT_ANSWERED /* it ends as soon as the answer is written */
};

/* One connection; owned by the list. */
struct client {
	TAILQ_ENTRY(client) link;
	struct control *control;
	struct bufferevent *bev;
	struct event *deadline; /* of reading, and of answering */
	struct ucred peer;      /* pid 0: not of this machine */
	enum conf_level level;
	enum client_state state;
	struct act *act;     /* under way (borrowed from whoever does it) */
	char what[WHAT_MAX]; /* the command, for the log */
};

/* An act under way. It lives until it is done, whether or not its client, and
 * the control socket, are still there. */
struct act {
	struct client *client; /* NULL: gone */
	struct ucred peer;
	char what[WHAT_MAX];
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
	struct control_ops ops;
	int64_t timeout; /* ms */
	int (*peer)(int fd, struct ucred *);

	SLIST_HEAD(, door) doors;
	TAILQ_HEAD(, client) clients;
	unsigned nclients;
};

/* A command; run returns false if it was not used as args say. */
struct command {
	const char *name, *args, *help;
	bool acts; /* not for those who may only look */
	bool (*run)(struct client *cl, char *words[], size_t n);
};

static bool run_check(struct client *, char *[], size_t);
static bool run_help(struct client *, char *[], size_t);
static bool run_promote(struct client *, char *[], size_t);
static bool run_status(struct client *, char *[], size_t);
static bool run_switchover(struct client *, char *[], size_t);

static const struct command commands[] = {
    {"check", "", "is all well? OK, WARNING or CRITICAL", false, run_check},
    {"help", "", "print this", false, run_help},
    {"promote", "BACKEND/SERVER", "make this primary the writer of its backend",
	true, run_promote},
    {"status", "", "who takes the writes, every server, why", false,
	run_status},
    {"switchover", "BACKEND [to SERVER]",
	"move the writes, losing none of them", true, run_switchover},
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

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

/* A line in the log about an act: how it went, and words if there are any. */
static void
log_act(enum log_level level, const struct ucred *peer, const char *what,
    const char *how, const char *words)
{
	log_line(level, "control: %s, asked for by uid %u, pid %d: %s%s%s",
	    what, (unsigned)peer->uid, (int)peer->pid, how,
	    words[0] == '\0' ? "" : ": ", words);
}

/*
 * Connections.
 */

/* It may take the timeout from now on. */
static void
client_arm(struct client *cl)
{
	int64_t ms = cl->control->timeout;
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(cl->deadline, &tv);
}

/* End it; an act of it goes on. */
static void
client_close(struct client *cl)
{
	if (cl->act != NULL)
		cl->act->client = NULL;
	TAILQ_REMOVE(&cl->control->clients, cl, link);
	cl->control->nclients--;
	event_free(cl->deadline);
	bufferevent_free(cl->bev);
	free(cl);
}

/* Where its answer goes. */
static struct evbuffer *
answer(struct client *cl)
{
	return bufferevent_get_output(cl->bev);
}

/* The answer is complete: send it, then close. */
static void
client_finish(struct client *cl)
{
	evbuffer_add(answer(cl), "\n", 1);
	cl->state = CLIENT_ANSWERED;
	bufferevent_disable(cl->bev, EV_READ);
	client_arm(cl);
}

/* Add a line to the answer; what is not plain text in it is not shown. */
static void __attribute__((format(printf, 2, 3)))
say(struct client *cl, const char *fmt, ...)
{
	char text[REASON_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
	evbuffer_add_printf(answer(cl), "%s\n", text);
}

/* Answer with an error of one line. */
static void
client_refuse(struct client *cl, const char *reason)
{
	say(cl, "error: %s", reason);
	client_finish(cl);
}

/*
 * Commands.
 */

/* The list of commands. */
static void
say_commands(struct client *cl)
{
	const struct command *cmd;
	char usage[64];

	for (cmd = commands; cmd < commands + NCOMMANDS; cmd++) {
		snprintf(usage, sizeof(usage), "%s %s", cmd->name, cmd->args);
		say(cl, "  %-30s %s", usage, cmd->help);
	}
}

static bool
run_help(struct client *cl, char *words[], size_t n)
{
	(void)words;
	if (n != 1)
		return false;
	say(cl, "commands:");
	say_commands(cl);
	client_finish(cl);
	return true;
}

/* Answer with what a report of the owner's says. */
static bool
run_report(
    struct client *cl, size_t n, void (*report)(struct evbuffer *, void *))
{
	if (n != 1)
		return false;
	report(answer(cl), cl->control->ops.arg);
	client_finish(cl);
	return true;
}

static bool
run_status(struct client *cl, char *words[], size_t n)
{
	(void)words;
	return run_report(cl, n, cl->control->ops.status);
}

static bool
run_check(struct client *cl, char *words[], size_t n)
{
	(void)words;
	return run_report(cl, n, cl->control->ops.check);
}

static bool
run_promote(struct client *cl, char *words[], size_t n)
{
	const struct control_ops *ops = &cl->control->ops;
	char reason[REASON_MAX] = "";
	char *slash = n == 2 ? strchr(words[1], '/') : NULL;

	if (slash == NULL || slash == words[1] || slash[1] == '\0')
		return false;
	*slash = '\0';
	if (ops->promote(
		words[1], slash + 1, reason, sizeof(reason), ops->arg) != 0) {
		log_act(LEVEL_WARN, &cl->peer, cl->what, "refused", reason);
		client_refuse(cl, reason);
		return true;
	}
	log_act(LEVEL_INFO, &cl->peer, cl->what, "done", "");
	say(cl, "done: %.64s is made the writer of backend %.64s", slash + 1,
	    words[1]);
	client_finish(cl);
	return true;
}

/* An act has ended; its client may have, too. */
static void
act_done_cb(bool ok, const char *text, void *arg)
{
	struct act *act = arg;
	struct client *cl = act->client;

	log_act(ok ? LEVEL_INFO : LEVEL_WARN, &act->peer, act->what,
	    ok ? "done" : "failed", text);
	free(act);
	if (cl == NULL)
		return;
	cl->act = NULL;
	if (ok) {
		say(cl, "done: %s", text);
		client_finish(cl);
	} else
		client_refuse(cl, text);
}

/* Begin what is answered when it is done. */
static struct act *
client_begin(struct client *cl)
{
	struct act *act = xcalloc(1, sizeof(*act));

	act->client = cl;
	act->peer = cl->peer;
	memcpy(act->what, cl->what, sizeof(act->what));
	cl->act = act;
	cl->state = CLIENT_BUSY;
	bufferevent_disable(cl->bev, EV_READ);
	event_del(cl->deadline);
	return act;
}

static bool
run_switchover(struct client *cl, char *words[], size_t n)
{
	const struct control_ops *ops = &cl->control->ops;
	char reason[REASON_MAX] = "";
	struct act *act;

	if (n != 2 && (n != 4 || strcmp(words[2], "to") != 0))
		return false;
	act = client_begin(cl);
	log_act(LEVEL_INFO, &act->peer, act->what, "begins", "");
	if (ops->switchover(words[1], n == 4 ? words[3] : NULL, act_done_cb,
		act, reason, sizeof(reason), ops->arg) == 0)
		return true; /* done already, perhaps: act may be gone */
	cl->act = NULL;
	free(act);
	log_act(LEVEL_WARN, &cl->peer, cl->what, "refused", reason);
	client_refuse(cl, reason);
	return true;
}

/* There is no such command: name the one that was probably meant, and all. */
static void
refuse_unknown(struct client *cl, const char *word)
{
	const char *near = NULL;

	for (size_t i = 0; i < NCOMMANDS; i++)
		near = key_nearer(word, commands[i].name, near);
	if (near == NULL)
		say(cl, "error: unknown command '%.40s'", word);
	else
		say(cl, "error: unknown command '%.40s'; did you mean '%s'?",
		    word, near);
	say_commands(cl);
	client_finish(cl);
}

/* Carry out a command if its client may. */
static void
run_command(
    struct client *cl, const struct command *cmd, char *words[], size_t n)
{
	char reason[REASON_MAX];

	if (cmd->acts && cl->level < ALLOW_ADMIN) {
		log_act(LEVEL_WARN, &cl->peer, cl->what, "refused",
		    "permission denied");
		snprintf(reason, sizeof(reason),
		    "Permission denied: only root and uid %u may do that",
		    (unsigned)geteuid());
		client_refuse(cl, reason);
	} else if (!cmd->run(cl, words, n)) {
		snprintf(reason, sizeof(reason), "usage: %s%s%s", cmd->name,
		    cmd->args[0] == '\0' ? "" : " ", cmd->args);
		client_refuse(cl, reason);
	}
}

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

/* A line has come: find its words and the command. Changes line. */
static void
client_obey(struct client *cl, char *line)
{
	char *words[MAX_WORDS + 1], *save = NULL;
	size_t n = 0;

	snprintf(cl->what, sizeof(cl->what), "%s", line + strspn(line, " \t"));
	for (char *w = strtok_r(line, " \t", &save); w != NULL && n < MAX_WORDS;
	     w = strtok_r(NULL, " \t", &save))
		words[n++] = w;
	if (n == 0) {
		client_refuse(cl, "no command; there is 'help'");
		return;
	}
	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (strcmp(commands[i].name, words[0]) == 0) {
			run_command(cl, &commands[i], words, n);
			return;
		}
	}
	refuse_unknown(cl, words[0]);
}

/*
 * Events.
 */

/* Take what there is up to its newline, or to the end, as the line. */
static void
client_take(struct client *cl, size_t len)
{
	char line[LINE_BYTES + 1];

	if (len > LINE_BYTES) {
		client_refuse(cl, "the line is longer than 4096 bytes");
		return;
	}
	evbuffer_remove(bufferevent_get_input(cl->bev), line, len);
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	if (is_text(line, len))
		client_obey(cl, line);
	else
		client_refuse(cl, "the line is not plain ASCII text");
}

/* Something came: a whole line, or not yet. */
static void
read_cb(struct bufferevent *bev, void *arg)
{
	struct client *cl = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct evbuffer_ptr eol =
	    evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);

	if (cl->state != CLIENT_READING)
		return;
	if (eol.pos >= 0)
		client_take(cl, (size_t)eol.pos);
	else if (evbuffer_get_length(in) > LINE_BYTES)
		client_take(cl, evbuffer_get_length(in));
}

/* All is written: the answer, if there was one. */
static void
write_cb(struct bufferevent *bev, void *arg)
{
	struct client *cl = arg;

	(void)bev;
	if (cl->state == CLIENT_ANSWERED)
		client_close(cl);
}

/* The client broke off, or has no more to say; it may still listen, and its
 * line may lack a newline. */
static void
event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct client *cl = arg;
	size_t len = evbuffer_get_length(bufferevent_get_input(bev));

	if ((what & BEV_EVENT_ERROR) != 0)
		client_close(cl);
	else if ((what & BEV_EVENT_EOF) == 0 || cl->state != CLIENT_READING)
		return;
	else if (len > 0)
		client_take(cl, len);
	else
		client_close(cl);
}

/* It takes too long to send its line, or to read its answer. */
static void
deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	struct client *cl = arg;

	(void)fd;
	(void)what;
	if (cl->state == CLIENT_READING)
		client_refuse(cl, "no command came in time");
	else
		client_close(cl);
}

/* Take a connection in. */
static void
client_open(struct door *d, int fd, const struct ucred *peer)
{
	struct control *c = d->control;
	struct client *cl = xcalloc(1, sizeof(*cl));

	cl->control = c;
	cl->peer = *peer;
	cl->level = level_of(d, peer);
	cl->bev = bufferevent_socket_new(c->base, fd, BEV_OPT_CLOSE_ON_FREE);
	cl->deadline = evtimer_new(c->base, deadline_cb, cl);
	if (cl->bev == NULL || cl->deadline == NULL)
		fatal("out of memory");
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
control_new(struct event_base *base, const struct control_ops *ops)
{
	struct control *c = xcalloc(1, sizeof(*c));

	c->base = base;
	c->ops = *ops;
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
	if (fd >= 0)
		(void)lstat(k->addr.u.path, &d->socket);
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
