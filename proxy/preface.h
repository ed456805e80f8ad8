/*
 * What goes before a session's bytes: the PROXY header that its client's proxy
 * sends, and the one that its server is sent. The worker's thread only.
 */
#ifndef PROXY_PREFACE_H
#define PROXY_PREFACE_H

#include "proxy/session_state.h"

#define PREFACE_MS 5000 /* for a header to come, at most */

/* Is a header due from who connects from there? */
bool preface_is_due(const struct conf_frontend *fe, const struct in6_addr *ip);

/* Take the client's header, and not a byte behind it; the addresses in it are
 * the session's from then on. 1; 0 if more is to come; -1 if the session is to
 * be closed for *why. */
int preface_take(struct session *s, enum session_reason *why);

/* Send the server its header, if it wants one. -1 if its connection is broken,
 * or out of memory. */
int preface_send(struct session *s);

/* What is kept for preface_send() is not needed any more. */
void preface_forget(struct session *s);

#endif
