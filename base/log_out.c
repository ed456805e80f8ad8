/*
 * Log targets: formats, and writing. Lines go out by the batch: to a stream in
 * one piece, to a syslog daemon as a datagram each, with one call.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_out.h"

#define BLOCKED_MS 100   /* between two looks while a target is blocked */
#define SYSLOG_MS  200   /* for a syslog daemon that is behind */
#define RESOLVE_MS 10000 /* between two tries to find its name */
#define DATAGRAMS  64    /* lines of a batch for a syslog daemon */
#define OBJECT_MIN 160   /* bytes of an object that has next to no text */

/* A target as the logger thread uses it. */
struct log_out {
	struct log_target conf;
	int fd;             /* -1: not there */
	bool told;          /* that it cannot be reached */
	bool behind;        /* it did not take the last line in time */
	int64_t resolve_at; /* clock_ms() of the next try */
	size_t used;        /* of batch, finished lines */
	char *batch;        /* PIPE_BUF + LOG_LINE_MAX */
	size_t nlines;      /* in batch, for a syslog daemon */
	size_t lens[DATAGRAMS];
};

/* All targets; replaced as a whole. */
struct log_outs {
	struct log_names names;
	bool (*in_haste)(void);
	size_t n;
	struct log_out out[];
};

/* Levels as our own format has them. */
static const char level_names[][6] = {
    "EMERG", "ALERT", "CRIT ", "ERROR", "WARN ", "NOTE ", "INFO ", "DEBUG"};

char *
log_out_escape(char *to, const char *text, size_t len)
{
	size_t n;

	for (; len > 0; text += n, len -= n) {
		/* Most of it is ASCII. */
		for (n = 0; n < len && text[n] >= 0x20 && text[n] < 0x7f; n++)
			;
		if (n == 0)
			n = log_printable(text, len);
		if (n != 0) {
			memcpy(to, text, n);
			to += n;
		} else {
			to += sprintf(to, "\\x%02x", (unsigned char)*text);
			n = 1;
		}
	}
	return to;
}

/* RFC 3164's header behind <N>. */
static char *
put_3164(
    char *p, const struct log_names *names, const char *host, int64_t wall_us)
{
	p = stpcpy(p, clock_second(wall_us, CLOCK_BSD));
	return p + sprintf(p, " %s%s%s[%d]: ", host, *host == '\0' ? "" : " ",
		       names->tag, names->pid);
}

/* The time as RFC 5424 has it, with microseconds. */
static char *
put_time(char *p, int64_t wall_us)
{
	const char *zone = clock_second(wall_us, CLOCK_ZONE);

	p = stpcpy(p, clock_second(wall_us, CLOCK_ISO));
	return p + sprintf(p, ".%06d%.3s:%s ", (int)(wall_us % 1000000), zone,
		       zone + 3);
}

/* What stands before the message. Returns its end. */
static char *
put_header(char *p, const struct log_target *t, const struct log_names *names,
    const struct log_record *rec)
{
	enum log_level level = rec->level < t->least ? t->least : rec->level;
	enum log_format format = t->format;
	const char *host = names->host;

	if (format == LOG_SYSLOG)
		format = *host == '\0' ? LOG_LOCAL : LOG_RFC3164;
	if (format == LOG_SHORT || format == LOG_TIMED)
		p += sprintf(p, "<%d>", (int)level);
	else if (format >= LOG_LOCAL && format <= LOG_PRIORITY)
		p += sprintf(p, "<%d>", t->facility * 8 + (int)level);
	switch (format) {
	case LOG_TEXT:
		clock_format(rec->wall_us, p);
		p += strlen(p);
		return p + sprintf(p, " %s ", level_names[level]);
	case LOG_LOCAL:
		return put_3164(p, names, "", rec->wall_us);
	case LOG_RFC3164:
		return put_3164(
		    p, names, *host == '\0' ? "localhost" : host, rec->wall_us);
	case LOG_RFC5424:
		p = put_time(p + sprintf(p, "1 "), rec->wall_us);
		return p + sprintf(p, "%s %s %d - - ",
			       *host == '\0' ? "-" : host, names->tag,
			       names->pid);
	case LOG_TIMED:
	case LOG_ISO:
		return put_time(p, rec->wall_us);
	default:
		return p;
	}
}

/* The message as an object, its text last so that this can be cut: of so many
 * bytes at most. Returns its end. */
static char *
put_object(char *p, const struct log_record *rec, size_t max)
{
	static const char *const levels[] = {"emerg", "alert", "crit", "error",
	    "warn", "notice", "info", "debug"};
	const char *start = p, *fields = rec->text + rec->len;
	size_t n, left = rec->len;
	const char *text = rec->text;
	char piece[8], *end;

	p = stpcpy(p, "{\"time\":\"");
	clock_format(rec->wall_us, p);
	p += strlen(p);
	p += sprintf(p, "\",\"level\":\"%s\",\"event\":\"%s\"",
	    levels[rec->level], rec->event == NULL ? "message" : rec->event);
	if ((size_t)(p - start) + rec->fields + 16 < max) {
		memcpy(p, fields, rec->fields);
		p += rec->fields;
	}
	p = stpcpy(p, ",\"text\":\"");
	for (; left > 0; text += n, left -= n) {
		n = log_printable(text, left);
		n = n == 0 ? 1 : n;
		end = log_json_escape(piece, text, n);
		if ((size_t)(p - start) + (size_t)(end - piece) + 3 > max)
			break;
		memcpy(p, piece, (size_t)(end - piece));
		p += end - piece;
	}
	return stpcpy(p, "\"}");
}

/* The message as it stands, what is not printable escaped; the line is cut to
 * the target's length. Returns its end. */
static char *
put_text(char *line, char *p, const struct log_target *target,
    const struct log_record *rec)
{
	size_t len;

	p = log_out_escape(p, rec->text, rec->len);
	len = (size_t)(p - line);
	if (target->length == 0 || len < target->length)
		return p;
	len = target->length - 1;
	while (len > 0 && ((unsigned char)line[len] & 0xc0) == 0x80)
		len--;
	return line + len;
}

size_t
log_out_format(char *buf, const struct log_target *target,
    const struct log_names *names, const struct log_record *rec)
{
	size_t max = LOG_LINE_MAX, used;
	char *p = buf;

	/* An object has its time and level inside. */
	if (!names->json || target->format != LOG_TEXT)
		p = put_header(buf, target, names, rec);
	used = (size_t)(p - buf);
	if (target->length != 0)
		max = target->length > used + OBJECT_MIN ? target->length
							 : used + OBJECT_MIN;
	if (names->json)
		p = put_object(p, rec, max - used - 1);
	else
		p = put_text(buf, p, target, rec);
	*p++ = '\n';
	return (size_t)(p - buf);
}

/* Write all of it, waiting as long as it takes; given up if the other side is
 * gone. A pipe that polls writable has room for PIPE_BUF bytes. */
static void
write_all(const struct log_outs *outs, int fd, const char *buf, size_t len)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	ssize_t n;

	while (len > 0) {
		n = poll(&pfd, 1, outs->in_haste() ? 0 : BLOCKED_MS);
		if (n == 0 && outs->in_haste())
			return;
		if (n > 0)
			n = write(fd, buf, len < PIPE_BUF ? len : PIPE_BUF);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
}

/* Find the address of the name that was configured, not too often. -1 with
 * errno. */
static int
resolve(struct log_out *o)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	uint16_t port = o->conf.addr.port;
	struct addrinfo *list;
	int rc = -1;

	errno = EHOSTUNREACH;
	if (clock_ms() < o->resolve_at)
		return -1;
	o->resolve_at = clock_ms() + RESOLVE_MS;
	if (getaddrinfo(o->conf.host, NULL, &hints, &list) != 0) {
		errno = ENXIO;
		return -1;
	}
	if (list != NULL)
		rc = addr_from_sockaddr(
		    list->ai_addr, list->ai_addrlen, &o->conf.addr);
	o->conf.addr.port = port;
	freeaddrinfo(list);
	return rc;
}

/* Connect to the daemon that is there now. -1 with errno. */
static int
connect_out(struct log_out *o)
{
	const struct timeval limit = {.tv_usec = SYSLOG_MS * 1000};
	struct sockaddr_storage ss;
	socklen_t len;

	/* Where it was found last is as good, if that is not asked again yet.
	 */
	if (o->conf.host[0] != '\0' && resolve(o) != 0 && o->fd == -1)
		return -1;
	if (o->fd != -1)
		close(o->fd);
	o->fd = socket(o->conf.addr.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (o->fd == -1)
		return -1;
	setsockopt(o->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	len = addr_to_sockaddr(&o->conf.addr, &ss);
	return connect(o->fd, (struct sockaddr *)&ss, len);
}

/* Send a line that a syslog daemon did not take at once (errno says why), or
 * that has no socket yet. One that is behind for long misses it, and is not
 * waited for again until it takes one. Says once on stderr if it is not there.
 */
static void
send_hard(const struct log_outs *outs, struct log_out *o, const char *line,
    size_t len)
{
	char addr[ADDR_STR_MAX];
	int flags = MSG_NOSIGNAL;

	if (o->conf.addr.family != AF_UNIX || o->behind || outs->in_haste())
		flags |= MSG_DONTWAIT;
	if (o->fd != -1 && errno == EAGAIN && (flags & MSG_DONTWAIT) == 0 &&
	    send(o->fd, line, len, flags) != -1)
		return;
	o->behind = o->fd != -1 && errno == EAGAIN;
	if (o->behind || (o->fd != -1 && errno == EMSGSIZE))
		return;
	/* It is gone, or the answer to an earlier datagram says that it was. */
	if (connect_out(o) == 0) {
		o->told = false;
		send(o->fd, line, len, flags);
	} else if (!o->told) {
		o->told = true;
		dprintf(STDERR_FILENO, "roleproxy: log: cannot reach %s: %s\n",
		    o->conf.host[0] != '\0' ? o->conf.host
					    : addr_str(&o->conf.addr, addr),
		    strerror(errno));
	}
}

/* Send the lines that wait for a syslog daemon. */
static void
send_batch(const struct log_outs *outs, struct log_out *o)
{
	struct mmsghdr msgs[DATAGRAMS] = {0};
	struct iovec lines[DATAGRAMS];
	char *at = o->batch;
	size_t i;
	int n;

	for (i = 0; i < o->nlines; i++) {
		lines[i] = (struct iovec){at, o->lens[i]};
		msgs[i].msg_hdr.msg_iov = &lines[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
		at += o->lens[i];
	}
	for (i = 0; i < o->nlines; i += (size_t)n) {
		n = o->fd == -1
			? -1
			: sendmmsg(o->fd, msgs + i, (unsigned)(o->nlines - i),
			      MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			o->behind = false;
			continue;
		}
		send_hard(outs, o, lines[i].iov_base, lines[i].iov_len);
		n = 1;
	}
	o->nlines = 0;
}

/* Write the lines that wait. */
static void
flush_out(const struct log_outs *outs, struct log_out *o)
{
	if (o->conf.kind == LOG_TO_SYSLOG)
		send_batch(outs, o);
	else if (o->used > 0)
		write_all(outs, o->fd, o->batch, o->used);
	o->used = 0;
}

void
log_outs_flush(struct log_outs *outs)
{
	size_t i;

	for (i = 0; i < outs->n; i++)
		flush_out(outs, &outs->out[i]);
}

void
log_outs_emit(struct log_outs *outs, const struct log_record *rec)
{
	char line[LOG_LINE_MAX];
	struct log_out *o;
	size_t i, len;

	for (i = 0; i < outs->n; i++) {
		o = &outs->out[i];
		if (rec->level > o->conf.level)
			continue;
		len = log_out_format(line, &o->conf, &outs->names, rec);
		/* Together they fit a pipe's one write, if each does. */
		if (o->used + len > PIPE_BUF || o->nlines == DATAGRAMS)
			flush_out(outs, o);
		memcpy(o->batch + o->used, line, len);
		o->used += len;
		if (o->conf.kind == LOG_TO_SYSLOG)
			o->lens[o->nlines++] = len;
	}
}

/* Is that where systemd's journal listens? It has the time of a line and wants
 * its level, see JOURNAL_STREAM in systemd.exec(5) and sd-daemon(3). */
static bool
is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL &&
	       sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(fd, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* Open a target. -1 with errno. */
static int
open_out(struct log_out *o, const struct log_target *target)
{
	o->conf = *target;
	o->fd = -1;
	if ((o->batch = malloc(PIPE_BUF + LOG_LINE_MAX)) == NULL)
		return -1;
	if (target->kind == LOG_TO_SYSLOG) {
		/* A name is looked for at the first line. */
		if (target->host[0] != '\0' || connect_out(o) == 0)
			return 0;
		return errno == ENOENT || errno == ECONNREFUSED ||
			       errno == ENETUNREACH || errno == EHOSTUNREACH
			   ? 0
			   : -1;
	}
	o->fd = target->kind == LOG_TO_STDOUT   ? STDOUT_FILENO
		: target->kind == LOG_TO_STDERR ? STDERR_FILENO
						: target->fd;
	if (fcntl(o->fd, F_GETFD) == -1 && target->kind == LOG_TO_FD)
		return -1;
	if (o->conf.format == LOG_TEXT && is_journal(o->fd))
		o->conf.format = LOG_SHORT;
	return 0;
}

void
log_outs_free(struct log_outs *outs)
{
	int error = errno;
	size_t i;

	for (i = 0; outs != NULL && i < outs->n; i++) {
		if (outs->out[i].conf.kind == LOG_TO_SYSLOG &&
		    outs->out[i].fd != -1)
			close(outs->out[i].fd);
		free(outs->out[i].batch);
	}
	free(outs);
	errno = error;
}

struct log_outs *
log_outs_open(const struct log_target *targets, size_t n,
    const struct log_names *names, bool (*in_haste)(void))
{
	struct log_outs *outs =
	    calloc(1, sizeof(*outs) + n * sizeof(outs->out[0]));
	size_t i;

	if (outs == NULL)
		return NULL;
	outs->names = *names;
	outs->names.pid = (int)getpid();
	outs->in_haste = in_haste;
	for (i = 0; i < n; i++) {
		outs->n = i + 1;
		if (open_out(&outs->out[i], &targets[i]) != 0) {
			log_outs_free(outs);
			return NULL;
		}
	}
	return outs;
}
