/*
 * What a worker has received and sends at the end of this turn of its loop.
 * Requests that came together leave together: their server is woken once, not
 * once for each. The worker's thread only.
 */
#ifndef PROXY_OUTBOX_H
#define PROXY_OUTBOX_H

#include <stdint.h>

struct event;
struct event_base;
struct session;

#define OUTBOX_PARCELS 256

/* Send a session's parcel; may close it. */
typedef void (*outbox_send_cb)(struct session *);

struct outbox {
	outbox_send_cb send;
	char *bytes;   /* parcels, then room for one receive */
	uint32_t used; /* bytes of the parcels */
	uint16_t n;
	struct event *turn_over;
	struct {
		struct session *session; /* NULL: it is closed */
		uint32_t offset;
	} parcels[OUTBOX_PARCELS];
};

/* An empty one, of that loop; fatal if out of memory. */
void outbox_init(
    struct outbox *o, struct event_base *base, outbox_send_cb send);
void outbox_free(struct outbox *o);

/* RELAY_BUFFER bytes to receive into. May send the parcels so far. */
char *outbox_room(struct outbox *o);

/* The first n bytes in outbox_room() are sent for s at the end of the turn.
 * Returns the parcel's number, from 1 on. */
uint16_t outbox_put(struct outbox *o, struct session *s, uint32_t n);

/* Take a parcel out: the bytes, to be sent before anything is received. 0, no
 * parcel, is none of it: NULL. */
char *outbox_take(struct outbox *o, uint16_t parcel);

#endif
