/*
 * The log: a lock-free byte ring for each thread, and one thread that writes
 * them all out, oldest line first. Only that thread ever waits for a target.
 * Levels and rings are here; what is worth a line is said by the callers.
 */
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
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

#define TEXT_MAX     1024 /* bytes of a message; longer ones are cut */
#define ESCAPED_MAX  (4 * TEXT_MAX) /* as \xNN each */
#define RING_SIZE    (64 * 1024)
#define RINGS_MAX    64   /* threads with a ring of their own, and the shared */
#define DRAIN_MAX    2048 /* lines between two looks at what else is to do */
#define LINGER_MS    5    /* between two rounds while lines come */
#define CLOSE_MS     1000 /* for what is left, if a target is blocked */
#define SYSLOG_MS    200  /* for a syslog daemon that is behind */
#define RETRY_MS     1000 /* between two tries to reach a syslog daemon */
#define REPORT_MS    1000 /* between two reports of dropped lines */
#define CUT_MARK     "\xe2\x80\xa6"
#define CUT_MARK_LEN 3

/* What stands in a ring before each message. */
struct record {
	int64_t wall_us;
	uint32_t len;
	enum log_level level;
};

/* One producer, and the logger thread as the consumer. */
struct ring {
	_Alignas(64) _Atomic size_t head; /* bytes ever put */
	_Alignas(64) _Atomic size_t tail; /* bytes ever taken */
	char data[RING_SIZE];
};

/* A target as the logger thread uses it. */
struct out {
	struct log_target conf;
	int fd;           /* syslog: -1 while it cannot be reached */
	int64_t retry_at; /* syslog: clock_ms() of the next try to reach it */
	bool told;        /* syslog: that it cannot be reached */
};

/* All targets; replaced as a whole. */
struct outs {
	size_t n;
	struct out out[];
};

/* Finished lines for stdout and stderr. */
struct batch {
	size_t len;
	char buf[2 * ESCAPED_MAX];
};

static void *logger_main(void *);
static void logger_take_outs(void);
static bool logger_drain(void);
static void logger_linger(void);
static void logger_nap(void);
static void logger_report(void);
static void logger_note(const char *, ...)
    __attribute__((format(printf, 1, 2)));
static void emit(const struct record *, const char *);
static void flush(void);
static void out_write(int, const char *, size_t);
static bool out_wait(int, int64_t);
static void out_syslog(struct out *, const struct record *, const char *);
static int syslog_connect(struct out *);
static bool syslog_reach(struct out *);
static struct outs *outs_open(const struct log_target *, size_t);
static void outs_free(struct outs *);

/* Set at the start, or used by the logger thread only. */
static pthread_t logger;
static int wake_fd = -1;
static struct outs *outs;
static struct batch batch;
static uint64_t reported;
static int64_t report_at;

/* Shared by all threads. */
static _Atomic int current_level = LEVEL_INFO;
static _Atomic bool running;           /* the logger thread is there */
static _Atomic bool napping;           /* it must be woken for a line */
static _Atomic int64_t stop_at;        /* clock_ms() of its end; 0 not yet */
static _Atomic uint64_t dropped;       /* lines that found a ring full */
static _Atomic(struct outs *) pending; /* new targets to take over */

/* Threads without a ring share the first one, under its lock. */
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ring shared_ring;
static pthread_mutex_t rings_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct ring *) rings[RINGS_MAX] = {&shared_ring};
static _Atomic size_t nrings = 1;
static _Atomic unsigned epoch = 1; /* rises when the rings are freed */
static _Thread_local struct ring *own_ring;
static _Thread_local unsigned own_epoch;

static const char level_names[][6] = {"ERROR", "WARN ", "INFO ", "DEBUG"};
static const int level_severity[] = {3, 4, 6, 7}; /* RFC 3164 */

/* Copy into the ring at a position, around its end if need be. */
static void
ring_write(struct ring *r, size_t at, const void *from, size_t len)
{
	size_t start = at % RING_SIZE, first = RING_SIZE - start;

	if (first > len)
		first = len;
	memcpy(r->data + start, from, first);
	memcpy(r->data, (const char *)from + first, len - first);
}

/* Copy out of the ring at a position, around its end if need be. */
static void
ring_read(const struct ring *r, size_t at, void *to, size_t len)
{
	size_t start = at % RING_SIZE, first = RING_SIZE - start;

	if (first > len)
		first = len;
	memcpy(to, r->data + start, first);
	memcpy((char *)to + first, r->data, len - first);
}

/* Append one line; false, and counted, if the ring is full. Its producer. */
static bool
ring_put(struct ring *r, const struct record *rec, const char *text)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	if (RING_SIZE - (head - tail) < sizeof(*rec) + rec->len) {
		atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
		return false;
	}
	ring_write(r, head, rec, sizeof(*rec));
	ring_write(r, head + sizeof(*rec), text, rec->len);
	atomic_store(&r->head, head + sizeof(*rec) + rec->len);
	return true;
}

/* The record of the oldest line, if there is one. Logger thread. */
static bool
ring_peek(struct ring *r, struct record *rec)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (atomic_load(&r->head) == tail)
		return false;
	ring_read(r, tail, rec, sizeof(*rec));
	return true;
}

/* Take the oldest line's text out of the ring. Logger thread. */
static void
ring_take(struct ring *r, const struct record *rec, char *text)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	ring_read(r, tail + sizeof(*rec), text, rec->len);
	atomic_store_explicit(
	    &r->tail, tail + sizeof(*rec) + rec->len, memory_order_release);
}

/* Make the logger thread look up from its poll. */
static void
wake(void)
{
	const uint64_t one = 1;
	ssize_t n;

	do
		n = write(wake_fd, &one, sizeof(one));
	while (n == -1 && errno == EINTR);
}

int
log_open(const struct log_target *targets, size_t n, enum log_level level)
{
	sigset_t all, before;
	int error;

	if ((outs = outs_open(targets, n)) == NULL)
		return -1;
	if ((wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1)
		goto fail;
	atomic_store(&current_level, (int)level);
	atomic_store(&stop_at, 0);
	atomic_store(&napping, false);
	/* Signals are for the control thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&logger, NULL, logger_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		close(wake_fd);
		errno = error;
		goto fail;
	}
	pthread_setname_np(logger, "rp-log");
	atomic_store(&running, true);
	return 0;
fail:
	error = errno;
	outs_free(outs);
	outs = NULL;
	errno = error;
	return -1;
}

int
log_change(const struct log_target *targets, size_t n, enum log_level level)
{
	struct outs *fresh;

	if ((fresh = outs_open(targets, n)) == NULL)
		return -1;
	atomic_store(&current_level, (int)level);
	outs_free(atomic_exchange(&pending, fresh));
	wake();
	return 0;
}

void
log_close(void)
{
	struct timespec ts;
	size_t i;

	if (!atomic_exchange(&running, false))
		return;
	atomic_store(&stop_at, clock_ms() + CLOSE_MS);
	wake();
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += CLOSE_MS / 1000 + 1;
	/* Blocked inside write(2): leave it what it may still touch. */
	if (pthread_timedjoin_np(logger, NULL, &ts) != 0)
		return;
	outs_free(outs);
	outs_free(atomic_exchange(&pending, NULL));
	outs = NULL;
	close(wake_fd);
	atomic_fetch_add(&epoch, 1);
	for (i = 1; i < atomic_load(&nrings); i++)
		free(atomic_exchange(&rings[i], NULL));
	atomic_store(&nrings, 1);
}

int
log_thread(void)
{
	struct ring *ring;
	size_t n;

	if ((ring = aligned_alloc(64, sizeof(*ring))) == NULL)
		return -1;
	memset(ring, 0, sizeof(*ring));
	pthread_mutex_lock(&rings_lock);
	n = atomic_load(&nrings);
	if (n < RINGS_MAX) {
		atomic_store(&rings[n], ring);
		atomic_store(&nrings, n + 1);
	}
	pthread_mutex_unlock(&rings_lock);
	if (n == RINGS_MAX) {
		free(ring);
		errno = ENOMEM;
		return -1;
	}
	own_ring = ring;
	own_epoch = atomic_load(&epoch);
	return 0;
}

uint64_t
log_dropped(void)
{
	return atomic_load_explicit(&dropped, memory_order_relaxed);
}

bool
log_enabled(enum log_level level)
{
	return (int)level <=
	       atomic_load_explicit(&current_level, memory_order_relaxed);
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

/* Copy text with \xNN for what is not printable. Returns the bytes written, at
 * most 4 for each of text. */
static size_t
escape(char *to, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t n, out = 0;

	while (len > 0) {
		if ((n = printable(text, len)) != 0) {
			memcpy(to + out, text, n);
			out += n;
		} else {
			n = 1;
			to[out++] = '\\';
			to[out++] = 'x';
			to[out++] = hex[(unsigned char)*text >> 4];
			to[out++] = hex[*text & 15];
		}
		text += n;
		len -= n;
	}
	return out;
}

/* One line as stdout and stderr get it. Returns its bytes; buf has room for
 * ESCAPED_MAX + 64. */
static size_t
format_line(char *buf, const struct record *rec, const char *text)
{
	char when[CLOCK_FORMAT_MAX];
	size_t n;

	clock_format(rec->wall_us, when);
	n = (size_t)sprintf(buf, "%s %s ", when, level_names[rec->level]);
	n += escape(buf + n, text, rec->len);
	buf[n++] = '\n';
	return n;
}

/* Print a message into TEXT_MAX bytes, cut with a mark if it is longer. */
static uint32_t __attribute__((format(printf, 2, 0)))
format_text(char buf[TEXT_MAX + 1], const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, TEXT_MAX + 1, fmt, ap);
	size_t cut = TEXT_MAX - CUT_MARK_LEN;

	if (n < 0)
		return 0;
	if (n <= TEXT_MAX)
		return (uint32_t)n;
	while (cut > 0 && ((unsigned char)buf[cut] & 0xc0) == 0x80)
		cut--;
	memcpy(buf + cut, CUT_MARK, CUT_MARK_LEN);
	return (uint32_t)(cut + CUT_MARK_LEN);
}

/* Put one line into the calling thread's ring. */
static void
put(const struct record *rec, const char *text)
{
	if (own_ring != NULL && own_epoch == atomic_load(&epoch)) {
		ring_put(own_ring, rec, text);
	} else {
		pthread_mutex_lock(&shared_lock);
		ring_put(&shared_ring, rec, text);
		pthread_mutex_unlock(&shared_lock);
	}
	/* Sequentially consistent with ring_put(): either we see it nap, or it
	 * sees the line. */
	if (atomic_load(&napping) && atomic_exchange(&napping, false))
		wake();
}

/* Write a line to stderr at once: there is no logger thread. */
static void
put_directly(const struct record *rec, const char *text)
{
	char buf[ESCAPED_MAX + 64];
	ssize_t n;

	n = write(STDERR_FILENO, buf, format_line(buf, rec, text));
	(void)n;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	char text[TEXT_MAX + 1];
	struct record rec = {0};
	int error = errno;
	va_list ap;

	if (!log_enabled(level))
		return;
	rec.wall_us = clock_wall_us();
	rec.level = level;
	va_start(ap, fmt);
	rec.len = format_text(text, fmt, ap);
	va_end(ap);
	if (atomic_load_explicit(&running, memory_order_acquire))
		put(&rec, text);
	else
		put_directly(&rec, text);
	errno = error;
}

/* The ring that has the oldest line, and that line's record; NULL if all are
 * empty. */
static struct ring *
oldest(struct record *rec)
{
	size_t i, n = atomic_load(&nrings);
	struct ring *found = NULL, *r;
	struct record it;

	for (i = 0; i < n; i++) {
		r = atomic_load(&rings[i]);
		if (!ring_peek(r, &it))
			continue;
		if (found == NULL || it.wall_us < rec->wall_us) {
			found = r;
			*rec = it;
		}
	}
	return found;
}

/* The logger thread: write lines until told to stop and nothing is left. */
static void *
logger_main(void *arg)
{
	bool stopping;

	(void)arg;
	for (;;) {
		stopping = atomic_load(&stop_at) != 0;
		logger_take_outs();
		if (logger_drain()) {
			if (!stopping)
				logger_linger();
			continue;
		}
		if (stopping)
			break;
		logger_nap();
	}
	report_at = 0;
	logger_report();
	return NULL;
}

/* Take over the targets that log_change() has left, if any. */
static void
logger_take_outs(void)
{
	struct outs *fresh = atomic_exchange(&pending, NULL);

	if (fresh == NULL)
		return;
	outs_free(outs);
	outs = fresh;
}

/* Write out some lines; false if there were none. */
static bool
logger_drain(void)
{
	char text[TEXT_MAX];
	struct record rec;
	struct ring *r;
	int i;

	for (i = 0; i < DRAIN_MAX; i++) {
		if ((r = oldest(&rec)) == NULL)
			break;
		ring_take(r, &rec, text);
		emit(&rec, text);
	}
	flush();
	logger_report();
	return i > 0;
}

/* Let lines gather for a moment: where one was, more follow, and waking a
 * thread for each costs its producer more than the line. */
static void
logger_linger(void)
{
	struct pollfd pfd = {.fd = wake_fd, .events = POLLIN};

	(void)poll(&pfd, 1, LINGER_MS);
}

/* Sleep until a line is put or log_change() or log_close() calls, or until a
 * report of dropped lines is due. */
static void
logger_nap(void)
{
	struct pollfd pfd = {.fd = wake_fd, .events = POLLIN};
	struct record rec;
	uint64_t count;
	ssize_t n;

	atomic_store(&napping, true);
	if (oldest(&rec) == NULL && atomic_load(&stop_at) == 0 &&
	    atomic_load(&pending) == NULL)
		poll(&pfd, 1, log_dropped() != reported ? REPORT_MS : -1);
	atomic_store(&napping, false);
	n = read(wake_fd, &count, sizeof(count));
	(void)n;
}

/* Say how many lines were dropped, at most once a second. */
static void
logger_report(void)
{
	uint64_t sum = log_dropped();
	int64_t now = clock_ms();

	if (sum == reported || now < report_at)
		return;
	logger_note("log: the target is too slow, lines dropped: %llu",
	    (unsigned long long)(sum - reported));
	reported = sum;
	report_at = now + REPORT_MS;
}

/* A line of the logger thread's own, past the rings. */
static void
logger_note(const char *fmt, ...)
{
	struct record rec = {.level = LEVEL_WARN};
	char text[TEXT_MAX + 1];
	va_list ap;

	if (!log_enabled(LEVEL_WARN))
		return;
	rec.wall_us = clock_wall_us();
	va_start(ap, fmt);
	rec.len = format_text(text, fmt, ap);
	va_end(ap);
	emit(&rec, text);
	flush();
}

/* Send one line to syslog targets, and keep it for the others until flush(). */
static void
emit(const struct record *rec, const char *text)
{
	size_t i;

	if (batch.len + ESCAPED_MAX + 64 > sizeof(batch.buf) ||
	    batch.len + rec->len + 64 > PIPE_BUF)
		flush();
	batch.len += format_line(batch.buf + batch.len, rec, text);
	for (i = 0; i < outs->n; i++)
		if (outs->out[i].conf.kind == LOG_TO_SYSLOG)
			out_syslog(&outs->out[i], rec, text);
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

/* Write all of it, waiting as long as it takes; given up if the other side is
 * gone. A pipe that polls writable has room for PIPE_BUF bytes. */
static void
out_write(int fd, const char *buf, size_t len)
{
	ssize_t n;

	while (len > 0) {
		if (!out_wait(fd, -1))
			return;
		n = write(fd, buf, len < PIPE_BUF ? len : PIPE_BUF);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return;
		buf += n;
		len -= (size_t)n;
	}
}

/* Wait until fd is writable. False if that took ms (-1: any time), or
 * log_close()'s limit is over, or there are new targets. */
static bool
out_wait(int fd, int64_t ms)
{
	struct pollfd fds[2] = {
	    {.fd = fd, .events = POLLOUT}, {.fd = wake_fd, .events = POLLIN}};
	int64_t stop, left;
	uint64_t count;
	ssize_t n;

	for (;;) {
		left = ms;
		if ((stop = atomic_load(&stop_at)) != 0) {
			left = stop - clock_ms();
			if (left < 0)
				left = 0;
			if (ms >= 0 && ms < left)
				left = ms;
		}
		if ((n = poll(fds, 2, (int)left)) == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		if (fds[0].revents != 0)
			return true;
		if (atomic_load(&pending) != NULL)
			return false;
		n = read(wake_fd, &count, sizeof(count));
		(void)n;
	}
}

/* Send one line to a syslog daemon, RFC 3164 without a host name. */
static void
out_syslog(struct out *o, const struct record *rec, const char *text)
{
	char buf[ESCAPED_MAX + 64], when[24];
	time_t seconds = (time_t)(rec->wall_us / 1000000);
	struct tm tm;
	size_t len;
	int try;

	localtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%b %e %H:%M:%S", &tm);
	len = (size_t)sprintf(buf, "<%d>%s roleproxy[%d]: ",
	    o->conf.facility * 8 + level_severity[rec->level], when,
	    (int)getpid());
	len += escape(buf + len, text, rec->len);
	/* The first try may find the daemon gone, or the answer to an earlier
	 * datagram. */
	for (try = 0; try < 2 && syslog_reach(o); try++) {
		if (o->conf.addr.family == AF_UNIX &&
		    !out_wait(o->fd, SYSLOG_MS))
			break;
		if (send(o->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
			return;
		close(o->fd);
		o->fd = -1;
	}
}

/* Open and connect the socket. -1 with errno. */
static int
syslog_connect(struct out *o)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&o->conf.addr, &ss);
	int error;

	o->fd =
	    socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (o->fd == -1)
		return -1;
	if (connect(o->fd, (struct sockaddr *)&ss, len) == 0)
		return 0;
	error = errno;
	close(o->fd);
	o->fd = -1;
	errno = error;
	return -1;
}

/* Is the syslog daemon connected? Tries to, once a second, and says it once on
 * stderr if it is not there. */
static bool
syslog_reach(struct out *o)
{
	char addr[ADDR_STR_MAX];
	int64_t now;

	if (o->fd != -1)
		return true;
	if ((now = clock_ms()) < o->retry_at)
		return false;
	if (syslog_connect(o) == 0) {
		o->told = false;
		return true;
	}
	o->retry_at = now + RETRY_MS;
	if (!o->told) {
		o->told = true;
		dprintf(STDERR_FILENO, "roleproxy: log: cannot reach %s: %s\n",
		    addr_str(&o->conf.addr, addr), strerror(errno));
	}
	return false;
}

/* The targets as open ones. A syslog daemon that is not there (yet) is no
 * error. NULL with errno. */
static struct outs *
outs_open(const struct log_target *targets, size_t n)
{
	struct outs *os = calloc(1, sizeof(*os) + n * sizeof(os->out[0]));
	int error;

	if (os == NULL)
		return NULL;
	for (; os->n < n; os->n++) {
		struct out *o = &os->out[os->n];

		o->conf = targets[os->n];
		o->fd = o->conf.kind == LOG_TO_STDOUT ? STDOUT_FILENO
						      : STDERR_FILENO;
		if (o->conf.kind != LOG_TO_SYSLOG || syslog_connect(o) == 0 ||
		    errno == ENOENT || errno == ECONNREFUSED ||
		    errno == ENETUNREACH || errno == EHOSTUNREACH)
			continue;
		error = errno;
		outs_free(os);
		errno = error;
		return NULL;
	}
	return os;
}

/* Close and free; NULL is fine. */
static void
outs_free(struct outs *os)
{
	size_t i;

	for (i = 0; os != NULL && i < os->n; i++)
		if (os->out[i].conf.kind == LOG_TO_SYSLOG &&
		    os->out[i].fd != -1)
			close(os->out[i].fd);
	free(os);
}

void
fatal(const char *fmt, ...)
{
	char text[TEXT_MAX + 1], buf[ESCAPED_MAX + 64] = "roleproxy: ";
	size_t len = strlen(buf);
	va_list ap;
	ssize_t n;

	va_start(ap, fmt);
	len += escape(buf + len, text, format_text(text, fmt, ap));
	va_end(ap);
	buf[len++] = '\n';
	n = write(STDERR_FILENO, buf, len);
	(void)n;
	exit(1);
}
