/*
 * The outbox: a buffer, and whose bytes are where in it.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "proxy/outbox.h"
#include "proxy/relay.h"

#define OUTBOX_BYTES (64 * 1024) /* of parcels */

/* Send all parcels. */
static void
flush(struct outbox *o)
{
	struct session *s;
	unsigned i, n = o->n;

	for (i = 0; i < n; i++) {
		s = o->parcels[i].session;
		if (s != NULL)
			o->send(s);
	}
	o->n = 0;
	o->used = 0;
}

/* All that came in this turn has been received. */
static void
turn_over_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

void
outbox_init(struct outbox *o, struct event_base *base, outbox_send_cb send)
{
	o->send = send;
	o->bytes = xrealloc(NULL, OUTBOX_BYTES + RELAY_BUFFER);
	o->turn_over = event_new(base, -1, 0, turn_over_cb, o);
	if (o->turn_over == NULL)
		fatal("out of memory");
}

void
outbox_free(struct outbox *o)
{
	event_free(o->turn_over);
	free(o->bytes);
}

char *
outbox_room(struct outbox *o)
{
	if (o->used > OUTBOX_BYTES || o->n == OUTBOX_PARCELS)
		flush(o);
	return o->bytes + o->used;
}

uint16_t
outbox_put(struct outbox *o, struct session *s, uint32_t n)
{
	if (o->n == 0)
		event_active(o->turn_over, EV_TIMEOUT, 0);
	o->parcels[o->n].session = s;
	o->parcels[o->n].offset = o->used;
	o->used += n;
	return ++o->n;
}

char *
outbox_take(struct outbox *o, uint16_t parcel)
{
	if (parcel == 0)
		return NULL;
	o->parcels[parcel - 1].session = NULL;
	return o->bytes + o->parcels[parcel - 1].offset;
}
