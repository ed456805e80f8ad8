/*
 * How sessions end: in our words, and in the two letters of HAProxy's logs
 * ("Session state at disconnection" in its configuration manual, 2.6).
 */
#ifndef PROXY_ENDING_H
#define PROXY_ENDING_H

#include <stdbool.h>

/* Why a session ended; session_reason_str() has the words. */
enum session_reason {
	SESSION_DONE,            /* both sides were through */
	SESSION_NOTHING_SENT,    /* the client left without a byte */
	SESSION_GAVE_UP,         /* the client left while it was held */
	SESSION_CLIENT_ABORT,    /* the client's connection broke */
	SESSION_SERVER_ABORT,    /* the server's connection broke */
	SESSION_CLIENT_TIMEOUT,  /* quiet too long, at the client's turn */
	SESSION_SERVER_TIMEOUT,  /* quiet too long, at the server's turn */
	SESSION_NO_SERVER,       /* none fit within hold */
	SESSION_NO_PLACE,        /* those that fit were full for too long */
	SESSION_UNREACHABLE,     /* the last connect was refused, or broke */
	SESSION_CONNECT_TIMEOUT, /* the last connect had no answer */
	SESSION_FENCED,          /* see enum snapshot_close for these five */
	SESSION_SERVER_DOWN,
	SESSION_SERVER_SILENT,
	SESSION_MAINTENANCE,
	SESSION_MOVED,
	SESSION_ROLE_LOST, /* the server is not what its route wants now */
	SESSION_ACTIVE_UP, /* on a backup server, and another one is UP */
	SESSION_KILLED,    /* an operator said so */
	SESSION_AGED,      /* quiet, and older than max-session-age */
	SESSION_DRAINED,   /* quiet, and the proxy is stopping */
	SESSION_STOPPED,   /* cut off by the proxy's end */
	SESSION_NO_HEADER, /* a PROXY header was due, and did not come */
	SESSION_DENIED,    /* whom a header named is denied */
	SESSION_NO_MEMORY,
	SESSION_REASONS /* how many there are */
};

/* How far it came. */
enum session_phase {
	PHASE_FIRST,   /* it asked for no server yet, or was refused at once */
	PHASE_QUEUE,   /* it waited for one */
	PHASE_CONNECT, /* it was connecting */
	PHASE_DATA,    /* it had one */
	SESSION_PHASES
};

const char *session_reason_str(enum session_reason why);

/* HAProxy's termination state. */
const char *ending_code(enum session_reason why, enum session_phase phase);

/* Is this an end that nobody needs to look into? */
bool ending_is_plain(enum session_reason why);

#endif
