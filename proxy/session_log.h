/*
 * The log lines of a session: in our words, or in HAProxy's.
 */
#ifndef PROXY_SESSION_LOG_H
#define PROXY_SESSION_LOG_H

#include "proxy/session_state.h"

/* How long a session waited for a server, connected, and lasted. */
struct session_times {
	int64_t queue, connect, total; /* ms; -1 it did not come that far */
};

/* Its times, if it ends now for that reason. */
struct session_times session_times(
    const struct session *s, enum session_reason why);

/* The server that it is on; if it ends because that could not be connected to,
 * the one that it tried last. -1 none. */
int session_last_server(const struct session *s, enum session_reason why);

/* It begins. */
void session_log_begin(const struct session *s);

/* It ends; it is still on its server. */
void session_log_end(const struct session *s, enum session_reason why);

/* A server of its backend, or its name; NULL if no configuration that is still
 * there has it. */
const struct conf_server *session_server(
    const struct session *s, int server_id);
const char *session_server_name(const struct session *s, int server_id);

#endif
