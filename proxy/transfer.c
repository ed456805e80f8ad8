/*
 * Moving a session's bytes.
 */
#include "proxy/transfer.h"

/* Until when the session's client may be read: see worker_read_until(). */
static int64_t
read_until(const struct session *s)
{
	return worker_read_until(s->worker, s->fe);
}

/* Where bytes are received. Beside sessions with brief answers, this one
 * shares: a bulk transfer would keep them waiting for each 256 KiB. */
static char *
prepare(struct session *s)
{
	s->relay.shares = s->relay.active - s->worker->brief_at <= 1;
	return s->worker->buffer;
}

/* Count what a move did, beside what there was before it. */
static enum relay_result
count(struct session *s, enum relay_result result, uint64_t in, uint64_t out)
{
	struct counters *list[2] = {
	    session_server_counters(s), session_frontend_counters(s)};
	int i;

	for (i = 0; i < 2; i++) {
		counter_add(list[i]->bytes_in, s->relay.bytes_in - in);
		counter_add(list[i]->bytes_out, s->relay.bytes_out - out);
	}
	if (s->relay.brief)
		s->worker->brief_at = s->relay.active;
	if (s->relay.stalled)
		worker_stall(s->worker);
	return result;
}

enum relay_result
transfer_event(struct session *s, bool at_client, short what)
{
	uint64_t in = s->relay.bytes_in, out = s->relay.bytes_out;
	char *room = prepare(s);

	return count(s,
	    relay_event(&s->relay, at_client, what, room, read_until(s)), in,
	    out);
}

enum relay_result
transfer_both(struct session *s)
{
	uint64_t in = s->relay.bytes_in, out = s->relay.bytes_out;
	char *room = prepare(s);

	s->relay.stalled = false;
	return count(s, relay_both(&s->relay, room, read_until(s)), in, out);
}

enum relay_result
transfer_from_client(struct session *s)
{
	uint64_t in = s->relay.bytes_in, out = s->relay.bytes_out;
	char *room = prepare(s);

	return count(
	    s, relay_from_client(&s->relay, room, read_until(s)), in, out);
}

enum relay_result
transfer_from_server(struct session *s)
{
	uint64_t in = s->relay.bytes_in, out = s->relay.bytes_out;
	char *room = prepare(s);

	return count(s, relay_from_server(&s->relay, room), in, out);
}
