/*
 * One client connection relayed to one server, from accept to close. All on
 * the thread of its worker.
 */
#ifndef PROXY_SESSION_H
#define PROXY_SESSION_H

#include "proxy/session_state.h"
#include "proxy/worker.h"

/* Begin to serve an arrival that was counted by its listener. 0 takes its fd
 * over; -1 (out of memory) leaves fd and counts to the caller. */
int session_open(
    struct worker *w, const struct conf_frontend *fe, const struct arrival *a);

/* Set the TCP options of a frontend's sessions on a socket. */
void session_tune(int fd, const struct conf_frontend *fe);

/* Take back what the listener counted of a client, who is in that branch by
 * now. Any thread. */
void session_uncount(struct worker *w, int frontend_id, int branch_id);

/* conf has one session of this worker more (1) or less (-1). */
void session_use_conf(
    const struct worker *w, const struct conf *conf, int change);

/* The only way out: unlinks, counts, logs, and frees after the current
 * callback. The caller returns at once. */
void session_close(struct session *s, enum session_reason why);

/* Belong to the branch of its frontend that the rules name now. It has no
 * server yet. */
void session_follow_rules(struct session *s);

/* These may close the session: */

/* Go on under the configuration that is in use. False if its frontend is gone:
 * the client is turned away then. */
bool session_rebind(struct session *s);

/* Find a server now, or wait for one. */
void session_route(struct session *s);

/* The connect failed: another server at once if there is one, else wait. */
void session_connect_failed(struct session *s, int error);

/* Move what there is to move, whatever the events. */
void session_move_on(struct session *s);

/* Leave the server. What it has sent already is passed on and the session
 * closed; one that is still connecting has sent nothing, and looks again. */
void session_leave(struct session *s, enum session_reason why);

/* The server has accepted it, or has had its time: the next may come. */
void session_unpace(struct session *s);

/* Tell a Redis client that there is no server, in words that make client
 * libraries try again; then let it read that. */
void session_turn_away(struct session *s);

/* The time of a held client is over at this clock_coarse_ms(): turn it away,
 * unless it waits for something else by now. */
void session_wait_over(struct session *s, int64_t now);

/* Serve held clients for whom there is a server now, in order. */
void session_release(struct worker *w);

#endif
