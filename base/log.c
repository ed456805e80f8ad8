/*
 * The log: a lock-free byte ring for each thread, and one thread that writes
 * them all out, oldest line first. Only that thread ever waits for a target.
 * Levels and rings are here; what is worth a line is said by the callers.
 */
#include <errno.h>
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
#include "base/log_out.h"

#define RING_SIZE (64 * 1024)
#define DRAIN_MAX 2048 /* lines between two looks at what else is to do */
#define LINGER_MS 5    /* between two rounds while lines come */
#define CLOSE_MS  1000 /* for what is left, if a target is blocked */
#define REPORT_MS 1000 /* between two reports of dropped lines */
#define CUT_MARK  "\xe2\x80\xa6"
#define CUT_LEN   (sizeof(CUT_MARK) - 1)

/* One producer, and the logger thread as the consumer. A record that begins
 * before the end of the ring lies in one piece and may reach beyond it; the
 * next one then begins as far behind the start. */
struct ring {
	_Alignas(64) _Atomic size_t head; /* bytes ever put */
	_Alignas(64) _Atomic size_t tail; /* bytes ever taken */
	struct ring *next;
	_Alignas(8) char data[RING_SIZE + sizeof(struct log_record)];
};

/* Set at the start, or used by the logger thread only. */
static pthread_t logger;
static struct log_outs *outs;
static struct log_names names = {.tag = "roleproxy"}; /* control thread */
static uint64_t reported;
static int64_t report_at;

/* Shared by all threads. */
static _Atomic int current_level = LEVEL_INFO;
static _Atomic bool json;        /* lines are objects */
static _Atomic bool running;     /* the logger thread is there */
static _Atomic bool napping;     /* it must be woken for a line */
static sem_t wake;               /* wakes it */
static _Atomic int64_t stop_at;  /* clock_ms() of its end; 0 not yet */
static _Atomic uint64_t dropped; /* lines that found a ring full */
static _Atomic(struct log_outs *) pending; /* new targets to take over */
static _Atomic(struct ring *) rings;       /* of all threads */
static _Thread_local struct ring *own_ring;

/* Bytes that a record takes in a ring: the next one is aligned, too. */
static size_t
record_size(const struct log_record *rec)
{
	return (offsetof(struct log_record, text) + rec->len + rec->fields +
		   7) &
	       ~(size_t)7;
}

/* The ring's oldest line, NULL if there is none. Logger thread. */
static const struct log_record *
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
	const struct log_record *rec, *first = NULL;
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

/* Set the message, cut with a mark if it is too long. */
static void __attribute__((format(printf, 2, 0)))
format_text(struct log_record *rec, const char *fmt, va_list ap)
{
	int n = vsnprintf(rec->text, sizeof(rec->text), fmt, ap);
	size_t cut = LOG_TEXT_MAX - CUT_LEN;

	rec->len = n < 0 ? 0 : (uint32_t)n;
	if (rec->len <= LOG_TEXT_MAX)
		return;
	while (cut > 0 && ((unsigned char)rec->text[cut] & 0xc0) == 0x80)
		cut--;
	memcpy(rec->text + cut, CUT_MARK, CUT_LEN);
	rec->len = (uint32_t)(cut + CUT_LEN);
}

/* Put one line into the calling thread's ring, or count it if it is full. */
static void
put(const struct log_record *rec)
{
	struct ring *r = log_thread() == 0 ? own_ring : NULL;
	size_t head = r == NULL ? 0 : atomic_load(&r->head);
	size_t size = record_size(rec);

	if (r == NULL || RING_SIZE - (head - atomic_load(&r->tail)) < size) {
		atomic_fetch_add(&dropped, 1);
		return;
	}
	memcpy(r->data + head % RING_SIZE, rec,
	    offsetof(struct log_record, text) + rec->len + rec->fields);
	atomic_store(&r->head, head + size);
	/* Sequentially consistent: either we see it nap, or it sees the line.
	 */
	if (atomic_load(&napping) && atomic_exchange(&napping, false))
		sem_post(&wake);
}

/* Write a line to stderr at once: there is no logger thread. */
static void
put_directly(const struct log_record *rec)
{
	const struct log_target target = {.kind = LOG_TO_STDERR};
	char buf[LOG_LINE_MAX];

	fwrite(buf, 1, log_out_format(buf, &target, &names, rec), stderr);
}

/* Log a line with what belongs to it. */
static void __attribute__((format(printf, 4, 0)))
log_it(enum log_level level, const char *event, const struct log_fields *fields,
    const char *fmt, va_list ap)
{
	struct log_record rec;
	int error = errno;

	if (!log_enabled(level))
		return;
	rec.wall_us = clock_wall_us();
	rec.level = level;
	rec.event = event;
	format_text(&rec, fmt, ap);
	rec.fields = 0;
	if (fields != NULL && log_is_json()) {
		rec.fields = (uint32_t)fields->len;
		memcpy(rec.text + rec.len, fields->text, fields->len);
	}
	if (atomic_load(&running))
		put(&rec);
	else
		put_directly(&rec);
	errno = error;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_it(level, NULL, NULL, fmt, ap);
	va_end(ap);
}

void
log_event(enum log_level level, const char *event,
    const struct log_fields *fields, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_it(level, event, fields, fmt, ap);
	va_end(ap);
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

/* Say how many lines were dropped, at most once a second. */
static void
logger_report(void)
{
	struct log_record rec = {.level = LEVEL_WARN};
	uint64_t sum = log_dropped();
	int64_t now = clock_ms();

	if (sum == reported || now < report_at)
		return;
	rec.wall_us = clock_wall_us();
	rec.len = (uint32_t)sprintf(rec.text,
	    "log: the target is too slow, lines dropped: %llu",
	    (unsigned long long)(sum - reported));
	if (log_enabled(LEVEL_WARN))
		log_outs_emit(outs, &rec);
	log_outs_flush(outs);
	reported = sum;
	report_at = now + REPORT_MS;
}

/* Write out some lines; false if there were none. */
static bool
logger_drain(void)
{
	const struct log_record *rec;
	struct ring *r;
	int i;

	for (i = 0; i < DRAIN_MAX && (r = oldest()) != NULL; i++) {
		rec = ring_peek(r);
		log_outs_emit(outs, rec);
		atomic_fetch_add(&r->tail, record_size(rec));
	}
	log_outs_flush(outs);
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
	struct log_outs *fresh;
	bool stopping, wrote;

	do {
		stopping = atomic_load(&stop_at) != 0;
		if ((fresh = atomic_exchange(&pending, NULL)) != NULL) {
			log_outs_free(outs);
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

/* The last level that some target takes, no further than the one given. */
static enum log_level
wanted(const struct log_target *targets, size_t n, enum log_level level)
{
	enum log_level last = LEVEL_EMERG;
	size_t i;

	for (i = 0; i < n; i++)
		last = targets[i].level > last ? targets[i].level : last;
	return last < level ? last : level;
}

void
log_name(const char *tag, const char *hostname)
{
	snprintf(names.tag, sizeof(names.tag), "%s", tag);
	snprintf(names.host, sizeof(names.host), "%s",
	    hostname == NULL ? "" : hostname);
	if (strcmp(names.host, "auto") == 0)
		(void)gethostname(names.host, sizeof(names.host) - 1);
}

void
log_set_json(bool on)
{
	names.json = on;
	atomic_store(&json, on);
}

bool
log_is_json(void)
{
	return atomic_load_explicit(&json, memory_order_relaxed);
}

int
log_open(const struct log_target *targets, size_t n, enum log_level level)
{
	sigset_t all, before;
	int error;

	if ((outs = log_outs_open(targets, n, &names, in_haste)) == NULL)
		return -1;
	sem_init(&wake, 0, 0);
	atomic_store(&current_level, (int)wanted(targets, n, level));
	atomic_store(&stop_at, 0);
	/* Signals are for the control thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&logger, NULL, logger_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		log_outs_free(outs);
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
	struct log_outs *fresh;

	if ((fresh = log_outs_open(targets, n, &names, in_haste)) == NULL)
		return -1;
	atomic_store(&current_level, (int)wanted(targets, n, level));
	log_outs_free(atomic_exchange(&pending, fresh));
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
	log_outs_free(outs);
	log_outs_free(atomic_exchange(&pending, NULL));
	free_rings();
}

void
fatal(const char *fmt, ...)
{
	char buf[LOG_LINE_MAX] = "roleproxy: ", *p = buf + strlen(buf);
	struct log_record rec;
	va_list ap;

	va_start(ap, fmt);
	format_text(&rec, fmt, ap);
	va_end(ap);
	p = log_out_escape(p, rec.text, rec.len);
	*p++ = '\n';
	fwrite(buf, 1, (size_t)(p - buf), stderr);
	exit(1);
}
