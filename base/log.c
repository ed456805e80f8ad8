/*
 * The log: a lock-free byte ring for each thread, and one thread that writes
 * them all out, oldest line first. Only that thread ever waits for a target.
 * Levels and rings are here; what is worth a line is said by the callers.
 */
#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define TEXT_MAX    1024 /* bytes of a message; longer ones are cut */
#define ESCAPED_MAX (4 * TEXT_MAX + 64) /* a line, with \xNN for each byte */
#define RING_SIZE   (64 * 1024)
#define DRAIN_MAX   2048 /* lines between two looks at what else is to do */
#define LINGER_MS   5    /* between two rounds while lines come */
#define CLOSE_MS    1000 /* for what is left, if a target is blocked */
#define BLOCKED_MS  100  /* between two looks while a target is blocked */
#define SYSLOG_MS   200  /* for a syslog daemon that is behind */
#define REPORT_MS   1000 /* between two reports of dropped lines */
#define CUT_MARK    "\xe2\x80\xa6"
#define CUT_LEN     (sizeof(CUT_MARK) - 1)

/* One line. In a ring only the used part of its text is there. */
struct record {
	int64_t wall_us;
	uint32_t len;
	enum log_level level;
	char text[TEXT_MAX + 1];
};

/* One producer, and the logger thread as the consumer. A record that begins
 * before the end of the ring lies in one piece and may reach beyond it; the
 * next one then begins as far behind the start. */
struct ring {
	_Alignas(64) _Atomic size_t head; /* bytes ever put */
	_Alignas(64) _Atomic size_t tail; /* bytes ever taken */
	struct ring *next;
	_Alignas(8) char data[RING_SIZE + sizeof(struct record)];
};

/* A target as the logger thread uses it. */
struct out {
	struct log_target conf;
	int fd;
	bool told; /* syslog: that it cannot be reached */
};

/* All targets; replaced as a whole. */
struct outs {
	size_t n;
	struct out out[];
};

/* Set at the start, or used by the logger thread only. */
static pthread_t logger;
static struct outs *outs;
static struct {
	size_t len;
	char buf[2 * ESCAPED_MAX];
} batch; /* finished lines for stdout and stderr */
static uint64_t reported;
static int64_t report_at;

/* Shared by all threads. */
static _Atomic int current_level = LEVEL_INFO;
static _Atomic bool running;           /* the logger thread is there */
static _Atomic bool napping;           /* it must be woken for a line */
static sem_t wake;                     /* wakes it */
static _Atomic int64_t stop_at;        /* clock_ms() of its end; 0 not yet */
static _Atomic uint64_t dropped;       /* lines that found a ring full */
static _Atomic(struct outs *) pending; /* new targets to take over */
static _Atomic(struct ring *) rings;   /* of all threads */
static _Thread_local struct ring *own_ring;

/* How a level is printed, and its RFC 3164 severity. */
static const struct {
	char name[6];
	int severity;
} levels[] = {{"ERROR", 3}, {"WARN ", 4}, {"INFO ", 6}, {"DEBUG", 7}};

/* Bytes that a record takes in a ring: the next one is aligned, too. */
static size_t
record_size(const struct record *rec)
{
	return (offsetof(struct record, text) + rec->len + 7) & ~(size_t)7;
}

/* The ring's oldest line, NULL if there is none. Logger thread. */
static const struct record *
ring_peek(const struct ring *r)
{
	size_t tail = atomic_load(&r->tail);

	if (atomic_load(&r->head) == tail)
		return NULL;
	return (const void *)(r->data + tail % RING_SIZE);
}

/* The ring that has the oldest line of all; NULL if all are empty. */
static struct ring *
oldest(void)
{
	const struct record *rec, *first = NULL;
	struct ring *r, *found = NULL;

	for (r = atomic_load(&rings); r != NULL; r = r->next) {
		rec = ring_peek(r);
		if (rec != NULL &&
		    (first == NULL || rec->wall_us < first->wall_us)) {
			first = rec;
			found = r;
		}
	}
	return found;
}

int
log_thread(void)
{
	struct ring *ring;

	if (own_ring != NULL)
		return 0;
	if ((ring = aligned_alloc(64, sizeof(*ring))) == NULL)
		return -1;
	memset(ring, 0, sizeof(*ring));
	ring->next = atomic_load(&rings);
	while (!atomic_compare_exchange_weak(&rings, &ring->next, ring))
		;
	own_ring = ring;
	return 0;
}

uint64_t
log_dropped(void)
{
	return atomic_load(&dropped);
}

bool
log_enabled(enum log_level level)
{
	return (int)level <= atomic_load(&current_level);
}

/* Bytes of the character at p if it may be printed as it is, else 0: a control
 * character, or not UTF-8. */
static size_t
printable(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i, n;

	if (*p < 0x80)
		return *p >= 0x20 && *p != 0x7f;
	n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	if (*p < 0xc2 || *p > 0xf4 || n > len)
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* U+0080 to U+009F are control characters; overlong forms. */
	if ((*p == 0xc2 || *p == 0xe0) && p[1] < 0xa0)
		return 0;
	return n;
}

/* Copy text with \xNN for what is not printable. Returns its end, at most 4
 * bytes for each of text, and one more is written. */
static char *
escape(char *to, const char *text, size_t len)
{
	size_t n;

	for (; len > 0; text += n, len -= n) {
		if ((n = printable(text, len)) != 0) {
			memcpy(to, text, n);
			to += n;
		} else {
			to += sprintf(to, "\\x%02x", (unsigned char)*text);
			n = 1;
		}
	}
	return to;
}

/* One line as stdout and stderr get it. Returns its bytes, ESCAPED_MAX at
 * most. */
static size_t
format_line(char *buf, const struct record *rec)
{
	char when[CLOCK_FORMAT_MAX], *p = buf;

	clock_format(rec->wall_us, when);
	p += sprintf(p, "%s %s ", when, levels[rec->level].name);
	p = escape(p, rec->text, rec->len);
	*p++ = '\n';
	return (size_t)(p - buf);
}

/* Set the message, cut with a mark if it is too long. */
static void __attribute__((format(printf, 2, 0)))
format_text(struct record *rec, const char *fmt, va_list ap)
{
	int n = vsnprintf(rec->text, sizeof(rec->text), fmt, ap);
	size_t cut = TEXT_MAX - CUT_LEN;

	rec->len = n < 0 ? 0 : (uint32_t)n;
	if (rec->len <= TEXT_MAX)
		return;
	while (cut > 0 && ((unsigned char)rec->text[cut] & 0xc0) == 0x80)
		cut--;
	memcpy(rec->text + cut, CUT_MARK, CUT_LEN);
	rec->len = (uint32_t)(cut + CUT_LEN);
}

/* Put one line into the calling thread's ring, or count it if it is full. */
static void
put(const struct record *rec)
{
	struct ring *r = log_thread() == 0 ? own_ring : NULL;
	size_t head = r == NULL ? 0 : atomic_load(&r->head);
	size_t size = record_size(rec);

	if (r == NULL || RING_SIZE - (head - atomic_load(&r->tail)) < size) {
		atomic_fetch_add(&dropped, 1);
		return;
	}
	memcpy(r->data + head % RING_SIZE, rec,
	    offsetof(struct record, text) + rec->len);
	atomic_store(&r->head, head + size);
	/* Sequentially consistent: either we see it nap, or it sees the line.
	 */
	if (atomic_load(&napping) && atomic_exchange(&napping, false))
		sem_post(&wake);
}

/* Write a line to stderr at once: there is no logger thread. */
static void
put_directly(const struct record *rec)
{
	char buf[ESCAPED_MAX];

	fwrite(buf, 1, format_line(buf, rec), stderr);
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	struct record rec;
	int error = errno;
	va_list ap;

	if (!log_enabled(level))
		return;
	rec.wall_us = clock_wall_us();
	rec.level = level;
	va_start(ap, fmt);
	format_text(&rec, fmt, ap);
	va_end(ap);
	if (atomic_load(&running))
		put(&rec);
	else
		put_directly(&rec);
	errno = error;
}

/* Is there no time to wait for a target: log_close()'s limit is over, or there
 * are new targets? */
static bool
in_haste(void)
{
	int64_t stop = atomic_load(&stop_at);

	return (stop != 0 && clock_ms() >= stop) ||
	       atomic_load(&pending) != NULL;
}

/* Write all of it, waiting as long as it takes; given up if the other side is
 * gone. A pipe that polls writable has room for PIPE_BUF bytes. */
static void
out_write(int fd, const char *buf, size_t len)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	ssize_t n;

	while (len > 0) {
		n = poll(&pfd, 1, in_haste() ? 0 : BLOCKED_MS);
		if (n == 0 && in_haste())
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

/* Connect to the daemon that is there now. -1 with errno. */
static int
syslog_connect(const struct out *o)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&o->conf.addr, &ss);

	return connect(o->fd, (struct sockaddr *)&ss, len);
}

/* Send one line to a syslog daemon, RFC 3164 without a host name; one that is
 * behind for long misses it. Says once on stderr if it is not there. */
static void
out_syslog(struct out *o, const struct record *rec)
{
	char buf[ESCAPED_MAX], *p = buf, when[24], addr[ADDR_STR_MAX];
	time_t seconds = (time_t)(rec->wall_us / 1000000);
	int flags = MSG_NOSIGNAL | (in_haste() ? MSG_DONTWAIT : 0);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%b %e %H:%M:%S", &tm);
	p += sprintf(p, "<%d>%s roleproxy[%d]: ",
	    o->conf.facility * 8 + levels[rec->level].severity, when,
	    (int)getpid());
	p = escape(p, rec->text, rec->len);
	if (send(o->fd, buf, (size_t)(p - buf), flags) != -1 || errno == EAGAIN)
		return;
	/* It is gone, or the answer to an earlier datagram says that it was. */
	if (syslog_connect(o) == 0) {
		o->told = false;
		send(o->fd, buf, (size_t)(p - buf), flags);
	} else if (!o->told) {
		o->told = true;
		dprintf(STDERR_FILENO, "roleproxy: log: cannot reach %s: %s\n",
		    addr_str(&o->conf.addr, addr), strerror(errno));
	}
}

/* Write the lines that wait to stdout and stderr, if they are targets. */
static void
flush(void)
{
	size_t i;

	for (i = 0; i < outs->n && batch.len > 0; i++)
		if (outs->out[i].conf.kind != LOG_TO_SYSLOG)
			out_write(outs->out[i].fd, batch.buf, batch.len);
	batch.len = 0;
}

/* Send one line to syslog targets, and keep it for the others until flush(). */
static void
emit(const struct record *rec)
{
	size_t i;

	if (batch.len + ESCAPED_MAX > sizeof(batch.buf) ||
	    batch.len + rec->len + 64 > PIPE_BUF)
		flush();
	batch.len += format_line(batch.buf + batch.len, rec);
	for (i = 0; i < outs->n; i++)
		if (outs->out[i].conf.kind == LOG_TO_SYSLOG)
			out_syslog(&outs->out[i], rec);
}

/* Open a target. A syslog daemon that is not there (yet) is no error. -1 with
 * errno. */
static int
out_open(struct out *o, const struct log_target *target)
{
	const struct timeval limit = {.tv_usec = SYSLOG_MS * 1000};

	o->conf = *target;
	o->fd = target->kind == LOG_TO_STDOUT ? STDOUT_FILENO : STDERR_FILENO;
	if (target->kind != LOG_TO_SYSLOG)
		return 0;
	o->fd = socket(target->addr.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (o->fd == -1)
		return -1;
	setsockopt(o->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (syslog_connect(o) != 0 && errno != ENOENT &&
	    errno != ECONNREFUSED && errno != ENETUNREACH &&
	    errno != EHOSTUNREACH)
		return -1;
	return 0;
}

/* Close and free; NULL is fine. errno is kept. */
static void
outs_free(struct outs *os)
{
	int error = errno;
	size_t i;

	for (i = 0; os != NULL && i < os->n; i++)
		if (os->out[i].conf.kind == LOG_TO_SYSLOG &&
		    os->out[i].fd != -1)
			close(os->out[i].fd);
	free(os);
	errno = error;
}

/* The targets as open ones. NULL with errno. */
static struct outs *
outs_open(const struct log_target *targets, size_t n)
{
	struct outs *os = calloc(1, sizeof(*os) + n * sizeof(os->out[0]));
	size_t i;

	for (i = 0; os != NULL && i < n; i++) {
		os->n = i + 1;
		if (out_open(&os->out[i], &targets[i]) != 0) {
			outs_free(os);
			return NULL;
		}
	}
	return os;
}

/* Say how many lines were dropped, at most once a second. */
static void
logger_report(void)
{
	struct record rec = {.level = LEVEL_WARN};
	uint64_t sum = log_dropped();
	int64_t now = clock_ms();

	if (sum == reported || now < report_at)
		return;
	rec.wall_us = clock_wall_us();
	rec.len = (uint32_t)sprintf(rec.text,
	    "log: the target is too slow, lines dropped: %llu",
	    (unsigned long long)(sum - reported));
	if (log_enabled(LEVEL_WARN))
		emit(&rec);
	flush();
	reported = sum;
	report_at = now + REPORT_MS;
}

/* Write out some lines; false if there were none. */
static bool
logger_drain(void)
{
	const struct record *rec;
	struct ring *r;
	int i;

	for (i = 0; i < DRAIN_MAX && (r = oldest()) != NULL; i++) {
		rec = ring_peek(r);
		emit(rec);
		atomic_fetch_add(&r->tail, record_size(rec));
	}
	flush();
	logger_report();
	return i > 0;
}

/* Sleep until a line is put, or log_change() or log_close() calls. */
static void
logger_nap(void)
{
	atomic_store(&napping, true);
	if (oldest() == NULL && atomic_load(&stop_at) == 0 &&
	    atomic_load(&pending) == NULL)
		sem_wait(&wake);
	atomic_store(&napping, false);
}

/* The logger thread: write lines until told to stop and nothing is left. Where
 * one line was, more follow, and waking a thread for each costs its producer
 * more than the line: so it lets them gather for a moment. */
static void *
logger_main(void *arg)
{
	const struct timespec linger = {.tv_nsec = LINGER_MS * 1000000};
	struct outs *fresh;
	bool stopping, wrote;

	do {
		stopping = atomic_load(&stop_at) != 0;
		if ((fresh = atomic_exchange(&pending, NULL)) != NULL) {
			outs_free(outs);
			outs = fresh;
		}
		wrote = logger_drain();
		if (!stopping && (wrote || log_dropped() != reported))
			nanosleep(&linger, NULL);
		else if (!stopping)
			logger_nap();
	} while (!stopping || wrote);
	report_at = 0;
	logger_report();
	return arg;
}

int
log_open(const struct log_target *targets, size_t n, enum log_level level)
{
	sigset_t all, before;
	int error;

	if ((outs = outs_open(targets, n)) == NULL)
		return -1;
	sem_init(&wake, 0, 0);
	atomic_store(&current_level, (int)level);
	atomic_store(&stop_at, 0);
	/* Signals are for the control thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&logger, NULL, logger_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		outs_free(outs);
		errno = error;
		return -1;
	}
	pthread_setname_np(logger, "rp-log");
	atomic_store(&running, true);
	return 0;
}

int
log_change(const struct log_target *targets, size_t n, enum log_level level)
{
	struct outs *fresh;

	if ((fresh = outs_open(targets, n)) == NULL)
		return -1;
	atomic_store(&current_level, (int)level);
	outs_free(atomic_exchange(&pending, fresh));
	sem_post(&wake);
	return 0;
}

/* The threads that had them are gone; the caller's goes, too. */
static void
free_rings(void)
{
	struct ring *r = atomic_exchange(&rings, NULL), *next;

	for (; r != NULL; r = next) {
		next = r->next;
		free(r);
	}
	own_ring = NULL;
}

void
log_close(void)
{
	struct timespec ts;

	if (!atomic_exchange(&running, false))
		return;
	atomic_store(&stop_at, clock_ms() + CLOSE_MS);
	sem_post(&wake);
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += CLOSE_MS / 1000 + 1;
	/* Blocked inside write(2): leave it what it may still touch. */
	if (pthread_timedjoin_np(logger, NULL, &ts) != 0)
		return;
	outs_free(outs);
	outs_free(atomic_exchange(&pending, NULL));
	free_rings();
}

void
fatal(const char *fmt, ...)
{
	char buf[ESCAPED_MAX] = "roleproxy: ", *p = buf + strlen(buf);
	struct record rec;
	va_list ap;

	va_start(ap, fmt);
	format_text(&rec, fmt, ap);
	va_end(ap);
	p = escape(p, rec.text, rec.len);
	*p++ = '\n';
	fwrite(buf, 1, (size_t)(p - buf), stderr);
	exit(1);
}
