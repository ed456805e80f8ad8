/*
 * Moving a session's bytes: through the worker's outbox, counted, its clients
 * read only as the lease allows. What an end means is session.c's business, who
 * is told by the result. The worker's thread only.
 */
#ifndef PROXY_TRANSFER_H
#define PROXY_TRANSFER_H

#include "proxy/session_state.h"

/* Send its parcel in the outbox, if it has one. Before any of the others. */
enum relay_result transfer_deliver(struct session *s);

/* Something happened at one end. */
enum relay_result transfer_event(struct session *s, bool at_client, short what);

/* Move what there is to move, whatever the events; or only one way. */
enum relay_result transfer_both(struct session *s);
enum relay_result transfer_from_client(struct session *s);
enum relay_result transfer_from_server(struct session *s);

/* Its parcel is not sent. */
void transfer_forget(struct session *s);

#endif
