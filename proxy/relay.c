/*
 * The hot path: recv then send at once, nothing allocated while data flows.
 * Sockets are edge-triggered, so each move goes on until its source is empty,
 * its sink is full, or its budget is spent, and each of these has someone who
 * comes back to it.
 */
#include <sys/socket.h>

#include <errno.h>

#include "base/clock.h"
#include "proxy/relay.h"

/* One move under way. */
struct move {
	struct relay *r;
	struct endpoint *from, *to;
	char *buffer;
	int64_t read_until;
};

/* The end that broke, by errno. */
static enum relay_result
broken(const struct move *m, const struct endpoint *e)
{
	if (errno == ENOMEM)
		return RELAY_NO_MEMORY;
	return e == &m->r->client ? RELAY_CLIENT_BROKEN : RELAY_SERVER_BROKEN;
}

/* May bytes of this end go on? A client's may not once nothing is known of the
 * servers any more. */
static bool
may_read(struct move *m)
{
	if (m->from == &m->r->server || clock_coarse_ms() <= m->read_until)
		return true;
	m->r->stalled = true;
	return false;
}

/* `from` has sent its last byte. */
static enum relay_result
pass_eof(struct move *m)
{
	const struct relay *r = m->r;

	m->from->eof = true;
	if (r->client.eof && r->server.eof && r->client.pending == NULL &&
	    r->server.pending == NULL)
		return RELAY_DONE;
	endpoint_shut(m->to);
	return RELAY_ON;
}

/* Send what was received; -1 with errno if the sink is broken. */
static int
pass_bytes(struct move *m, size_t n)
{
	struct relay *r = m->r;

	r->active = (uint32_t)(clock_coarse_ms() >> RELAY_TICK);
	if (!r->server_spoke && m->from == &r->server)
		r->brief = n < RELAY_BRIEF;
	r->server_spoke = m->from == &r->server;
	r->looked = false;
	if (r->server_spoke)
		r->bytes_out += n;
	else
		r->bytes_in += n;
	/* The process may have been stopped inside recv(). */
	if (!may_read(m))
		return endpoint_keep(m->to, m->buffer, n);
	return endpoint_send(m->to, m->buffer, n);
}

/* Move until the source is empty, the sink full, or the budget spent. */
static enum relay_result
pump(struct move *m)
{
	size_t budget = m->r->shares ? RELAY_SHARE : RELAY_BUDGET, moved = 0;
	size_t room = budget < RELAY_BUFFER ? budget : RELAY_BUFFER;
	ssize_t n;

	while (!m->from->eof && m->to->pending == NULL) {
		if (moved >= budget)
			return RELAY_AGAIN;
		if (!may_read(m))
			return RELAY_ON;
		n = recv(m->from->fd, m->buffer, room, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return RELAY_ON;
		if (n < 0)
			return broken(m, m->from);
		if (n == 0)
			return pass_eof(m);
		if (pass_bytes(m, (size_t)n) != 0)
			return broken(m, m->to);
		moved += (size_t)n;
		/* A short read has emptied the socket: the next byte is an
		 * edge. But a FIN that was reported already is not. */
		if ((size_t)n < room && !m->from->closed)
			return RELAY_ON;
	}
	return RELAY_ON;
}

/* The sink takes bytes again: send what is pending, then read the source. */
static enum relay_result
drain(struct move *m)
{
	if (m->to->pending == NULL || !may_read(m))
		return RELAY_ON;
	if (endpoint_flush(m->to) != 0)
		return broken(m, m->to);
	if (m->to->pending != NULL)
		return RELAY_ON;
	return m->from->eof ? pass_eof(m) : pump(m);
}

enum relay_result
relay_event(struct relay *r, bool at_client, short what, char *buffer,
    int64_t read_until)
{
	struct endpoint *here = at_client ? &r->client : &r->server;
	struct endpoint *there = at_client ? &r->server : &r->client;
	struct move in = {r, here, there, buffer, read_until};
	struct move out = {r, there, here, buffer, read_until};
	enum relay_result drained = RELAY_ON, pumped;

	if ((what & EV_CLOSED) != 0)
		here->closed = true;
	if ((what & EV_WRITE) != 0)
		drained = drain(&out);
	if (drained > RELAY_AGAIN || (what & (EV_READ | EV_CLOSED)) == 0)
		return drained;
	pumped = pump(&in);
	return pumped == RELAY_ON ? drained : pumped;
}

enum relay_result
relay_both(struct relay *r, char *buffer, int64_t read_until)
{
	struct move in = {r, &r->client, &r->server, buffer, read_until};
	struct move out = {r, &r->server, &r->client, buffer, read_until};
	enum relay_result first, second;

	first = in.to->pending != NULL ? drain(&in) : pump(&in);
	if (first > RELAY_AGAIN)
		return first;
	second = out.to->pending != NULL ? drain(&out) : pump(&out);
	return second == RELAY_ON ? first : second;
}

enum relay_result
relay_from_client(struct relay *r, char *buffer, int64_t read_until)
{
	struct move in = {r, &r->client, &r->server, buffer, read_until};

	return pump(&in);
}

enum relay_result
relay_from_server(struct relay *r, char *buffer)
{
	struct move out = {r, &r->server, &r->client, buffer, INT64_MAX};

	return pump(&out);
}
