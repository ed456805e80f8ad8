/*
 * The log. Every thread appends finished lines to a ring of its own; one logger
 * thread writes them out, so that a slow terminal or disk never stops relaying.
 * A full ring drops lines and counts them. Before log_open() and after
 * log_close() lines go to stderr at once.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log_fields.h"
#include "base/log_target.h"

/* How lines for syslog call the program, and the host (NULL: not at all,
 * "auto": as the system does), from the next log_open() or log_change() on.
 * Control thread. */
void log_name(const char *tag, const char *hostname);

/* Lines are JSON objects, or are not; from the next log_open() or log_change()
 * on. Control thread. */
void log_set_json(bool json);

/* Start the logger thread with a copy of these targets. Main thread, once.
 * -1 with errno if a target or the thread cannot be opened. */
int log_open(const struct log_target *targets, size_t n, enum log_level level);

/* Change targets and level while running (reload). Control thread. -1 with
 * errno, and the old ones stay. */
int log_change(
    const struct log_target *targets, size_t n, enum log_level level);

/* Write out what is left and end the logger thread. All other threads that
 * log have ended. */
void log_close(void);

/* Give the calling thread its own ring now; else its first line does. The ring
 * lives until log_close(). -1 if out of memory: then its lines are dropped, and
 * counted. */
int log_thread(void);

/* Lines dropped because a ring was full, since the start. Any thread. */
uint64_t log_dropped(void);

/* Would a line of this level be written? Any thread. */
bool log_enabled(enum log_level level);

/* Are lines JSON objects, so that fields are of use? Any thread. */
bool log_is_json(void);

/* One line, without a newline at its end. Any thread. errno is kept. event is a
 * word of the manual's list, and a constant; fields may be NULL. */
void log_event(enum log_level level, const char *event,
    const struct log_fields *fields, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same of what is no event of that list. */
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                      \
	do {                                                \
		if (log_enabled(LEVEL_DEBUG))               \
			log_line(LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

/* Boot only: print "roleproxy: …" on stderr and exit with 1. */
_Noreturn void fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* malloc and friends that are fatal when out of memory: boot and control
 * thread; the workers use the plain ones and close a session. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s); /* NULL of NULL */

/* Free a secret, wiped; NULL is nothing. */
void free_secret(char *s);

/* Equal, or both NULL? */
bool same_text(const char *a, const char *b);

#endif
