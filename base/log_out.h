/*
 * Where log lines end up: the targets, opened, and what stands before a message
 * in each of their formats. Used by the logger thread of log.c and nobody else.
 */
#ifndef BASE_LOG_OUT_H
#define BASE_LOG_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log_fields.h"
#include "base/log_target.h"

#define LOG_TEXT_MAX 1024 /* bytes of a message; longer ones are cut */
#define LOG_NAME_MAX 64   /* of the tag and of the host, with the final NUL */

/* Room for a whole line, with \u00NN for each byte of its message. */
#define LOG_LINE_MAX \
	(6 * LOG_TEXT_MAX + LOG_FIELDS_MAX + 2 * LOG_NAME_MAX + 256)

/* One message. Its text is followed by its fields, without a NUL between them;
 * in a ring only that much of text is there. */
struct log_record {
	int64_t wall_us;
	const char *event;    /* a word that is never freed */
	uint32_t len, fields; /* bytes of the two */
	enum log_level level;
	char text[LOG_TEXT_MAX + 1 + LOG_FIELDS_MAX];
};

/* How lines name the program and the host. */
struct log_names {
	char tag[LOG_NAME_MAX], host[LOG_NAME_MAX]; /* host "": not at all */
	bool json;                                  /* lines are objects */
	int pid;                                    /* set by log_outs_open() */
};

struct log_outs;

/* Open all of these targets. in_haste says that there is no time to wait for
 * any of them. NULL with errno. A syslog daemon that is not there (yet) is no
 * error. */
struct log_outs *log_outs_open(const struct log_target *targets, size_t n,
    const struct log_names *names, bool (*in_haste)(void));

/* Close and free; NULL is fine. errno is kept. */
void log_outs_free(struct log_outs *outs);

/* A message for those targets that take its level; it is kept until
 * log_outs_flush(), or until the batch is full. */
void log_outs_emit(struct log_outs *outs, const struct log_record *rec);

/* Write what waits. */
void log_outs_flush(struct log_outs *outs);

/* A whole line in a target's format, with a newline at its end. Returns its
 * bytes, at most LOG_LINE_MAX. */
size_t log_out_format(char *buf, const struct log_target *target,
    const struct log_names *names, const struct log_record *rec);

/* Copy text with \xNN for what is not printable. Returns its end, at most 4
 * bytes for each of text, and one more is written. */
char *log_out_escape(char *to, const char *text, size_t len);

#endif
