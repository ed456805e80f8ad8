/*
 * PROXY headers of sessions. A header is looked at in the kernel's buffer until
 * all of it is there: what is behind it is the stream, and stays.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "proxy/preface.h"
#include "proxy/session_log.h"

bool
preface_is_due(const struct conf_frontend *fe, const struct in6_addr *ip)
{
	return addr_nets_contain(fe->accept_proxy, fe->naccept_proxy, ip);
}

/* The client is who the header says. 0, or -1 with the reason to close it. */
static int
adopt(struct session *s, const struct proxy_header *h, enum session_reason *why)
{
	s->since = clock_coarse_ms();
	if (!h->known)
		return 0;
	s->ip = h->from.ip;
	s->port = h->from.port;
	*why = SESSION_DENIED;
	if (addr_nets_contain(s->fe->deny, s->fe->ndeny, &s->ip))
		return -1;
	*why = SESSION_NO_MEMORY;
	s->via = malloc(sizeof(*s->via));
	if (s->via == NULL)
		return -1;
	*s->via = h->to;
	return 0;
}

int
preface_take(struct session *s, enum session_reason *why)
{
	char bytes[PROXY_HEADER_MAX];
	int fd = s->relay.client.fd;
	struct proxy_header h;
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_PEEK), len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	*why = n == 0 ? SESSION_NOTHING_SENT : SESSION_CLIENT_ABORT;
	if (n <= 0)
		return -1;
	len = proxy_header_read(bytes, (size_t)n, &h);
	if (len == 0 && !s->relay.client.closed)
		return 0;
	*why = SESSION_NO_HEADER;
	if (len <= 0)
		return -1;
	*why = SESSION_CLIENT_ABORT;
	if (recv(fd, bytes, (size_t)len, 0) != len)
		return -1;
	return adopt(s, &h, why) == 0 ? 1 : -1;
}

int
preface_send(struct session *s)
{
	const struct conf_server *cs = session_server(s, s->server_id);
	struct proxy_header h = {.known = !IN6_IS_ADDR_UNSPECIFIED(&s->ip),
	    .from = {s->ip, s->port}};
	char out[PROXY_HEADER_OUT];
	size_t n;

	if (cs == NULL || cs->send_proxy == PROXY_NONE)
		return 0;
	h.to = s->via != NULL ? *s->via : proxy_end_local(s->relay.client.fd);
	n = proxy_header_make(cs->send_proxy, &h, out);
	return endpoint_send(&s->relay.server, out, n);
}

void
preface_forget(struct session *s)
{
	free(s->via);
	s->via = NULL;
}
