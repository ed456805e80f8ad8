/*
 * Moving a session's bytes, counted, its client read only as the lease allows.
 * What an end means is session.c's business, who is told by the result. The
 * worker's thread only.
 */
#ifndef PROXY_TRANSFER_H
#define PROXY_TRANSFER_H

#include "proxy/session_state.h"

/* Something happened at one end. */
enum relay_result transfer_event(struct session *s, bool at_client, short what);

/* Move what there is to move, whatever the events; or only one way. */
enum relay_result transfer_both(struct session *s);
enum relay_result transfer_from_client(struct session *s);
enum relay_result transfer_from_server(struct session *s);

#endif
