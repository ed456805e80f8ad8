/*
 * Levels of log lines, and where lines go.
 */
#ifndef BASE_LOG_TARGET_H
#define BASE_LOG_TARGET_H

#include <stddef.h>

#include "base/addr.h"

/* Syslog's severities, RFC 5424. */
enum log_level {
	LEVEL_EMERG,  /* nobody can be served */
	LEVEL_ALERT,  /* a server is gone */
	LEVEL_CRIT,   /* (of HAProxy's words only) */
	LEVEL_ERROR,  /* someone should look now */
	LEVEL_WARN,   /* something is wrong and is being dealt with */
	LEVEL_NOTICE, /* a server is back, or a check of it changed */
	LEVEL_INFO,   /* what an operator wants to read the morning after */
	LEVEL_DEBUG   /* each check, each connection */
};

enum log_kind { LOG_TO_STDOUT, LOG_TO_STDERR, LOG_TO_FD, LOG_TO_SYSLOG };

/* What stands before a message: HAProxy's formats ("log" in its configuration
 * manual, 2.6), and ours. */
enum log_format {
	LOG_TEXT,   /* ours: time with zone, level */
	LOG_SYSLOG, /* LOG_LOCAL, or LOG_RFC3164 if lines name the host */
	LOG_LOCAL,  /* RFC 3164 without a host */
	LOG_RFC3164,
	LOG_RFC5424,
	LOG_PRIORITY, /* <N>, level and facility */
	LOG_SHORT,    /* <N>, the level alone */
	LOG_TIMED,    /* the same and the time */
	LOG_ISO,      /* the time */
	LOG_RAW       /* nothing */
};

/* Where lines go. */
struct log_target {
	enum log_kind kind;
	enum log_format format;
	int fd;           /* LOG_TO_FD */
	struct addr addr; /* LOG_TO_SYSLOG: UDP, or a UNIX datagram socket */
	char host[256];   /* LOG_TO_SYSLOG: of addr if it has no IP yet */
	int facility;     /* 0 to 23 */
	enum log_level level; /* lines of this one and above */
	enum log_level least; /* what is above this is said to be this */
	size_t length; /* a longer line is cut; 0: as long as they come */
};

#endif
