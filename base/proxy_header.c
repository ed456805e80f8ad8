/*
 * Reading and making PROXY headers. Strict where the protocol is: who sends
 * something else is no proxy that we know.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/proxy_header.h"

#define V1_MAX    107 /* bytes of a line, its end included */
#define V2_FIXED  16  /* bytes before the addresses */
#define V2_LOCAL  0x20
#define V2_PROXY  0x21
#define V2_TCP4   0x11
#define V2_TCP6   0x21
#define V2_FAMILY 3 /* the last one there is: AF_UNIX */
#define V2_KIND   2 /* the same of transports: datagrams */

static const char v1_begin[] = "PROXY ";
static const unsigned char v2_begin[] = {
    '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

/* Do n bytes begin like the other ones, as far as they go? */
static bool
begins(const void *bytes, size_t n, const void *like, size_t len)
{
	return memcmp(bytes, like, n < len ? n : len) == 0;
}

/* An IPv4 address, as 16 bytes. */
static struct in6_addr
mapped(const void *v4)
{
	struct in6_addr ip = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(&ip.s6_addr[12], v4, 4);
	return ip;
}

/* Nobody is at the address that is none. */
static void
settle(struct proxy_header *h)
{
	h->known = !IN6_IS_ADDR_UNSPECIFIED(&h->from.ip);
}

/* A decimal port without leading zeros; -1 if it is none. */
static int
read_port(const char *text, uint16_t *port)
{
	unsigned n = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && n <= 65535; p++)
		n = n * 10 + (unsigned)(*p - '0');
	if (p == text || *p != '\0' || n > 65535 ||
	    (*text == '0' && p != text + 1))
		return -1;
	*port = (uint16_t)n;
	return 0;
}

/* An address of the line's family; -1 if it is none. */
static int
read_ip(const char *text, bool v6, struct in6_addr *ip)
{
	struct in_addr v4;

	if (v6)
		return inet_pton(AF_INET6, text, ip) == 1 ? 0 : -1;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return -1;
	*ip = mapped(&v4);
	return 0;
}

/* "TCP4 FROM TO PORT PORT" or "UNKNOWN ...". */
static int
read_words(char *line, struct proxy_header *h)
{
	char *word[6];
	size_t n = 0;
	bool v6;

	while (n < 6 && (word[n] = strsep(&line, " ")) != NULL)
		n++;
	if (strcmp(word[0], "UNKNOWN") == 0)
		return 0;
	v6 = strcmp(word[0], "TCP6") == 0;
	if (n != 5 || (!v6 && strcmp(word[0], "TCP4") != 0) ||
	    read_ip(word[1], v6, &h->from.ip) != 0 ||
	    read_ip(word[2], v6, &h->to.ip) != 0 ||
	    read_port(word[3], &h->from.port) != 0 ||
	    read_port(word[4], &h->to.port) != 0)
		return -1;
	settle(h);
	return 0;
}

/* Version 1: a line. */
static ssize_t
read_v1(const char *bytes, size_t n, struct proxy_header *h)
{
	size_t most = n < V1_MAX ? n : V1_MAX, len, skip = strlen(v1_begin);
	const char *end = memmem(bytes, most, "\r\n", 2);
	char line[V1_MAX + 1];

	if (end == NULL)
		return n < V1_MAX ? 0 : PROXY_HEADER_WRONG;
	len = (size_t)(end - bytes);
	if (len < skip)
		return PROXY_HEADER_WRONG;
	memcpy(line, bytes + skip, len - skip);
	line[len - skip] = '\0';
	if (strlen(line) != len - skip && strncmp(line, "UNKNOWN ", 8) != 0)
		return PROXY_HEADER_WRONG;
	return read_words(line, h) == 0 ? (ssize_t)len + 2 : PROXY_HEADER_WRONG;
}

/* The addresses of version 2, of len bytes; what follows them is skipped. */
static int
read_addresses(
    const unsigned char *p, size_t len, unsigned kind, struct proxy_header *h)
{
	size_t size = kind == V2_TCP4 ? 4 : 16;

	if (kind >> 4 > V2_FAMILY || (kind & 15) > V2_KIND)
		return -1;
	/* Of others it says nothing that we could use. */
	if (kind != V2_TCP4 && kind != V2_TCP6)
		return 0;
	if (len < 2 * size + 4)
		return -1;
	if (kind == V2_TCP4) {
		h->from.ip = mapped(p);
		h->to.ip = mapped(p + size);
	} else {
		memcpy(&h->from.ip, p, size);
		memcpy(&h->to.ip, p + size, size);
	}
	p += 2 * size;
	h->from.port = (uint16_t)(p[0] << 8 | p[1]);
	h->to.port = (uint16_t)(p[2] << 8 | p[3]);
	settle(h);
	return 0;
}

/* Version 2: binary. */
static ssize_t
read_v2(const unsigned char *p, size_t n, struct proxy_header *h)
{
	size_t len;

	if (n > 12 && p[12] != V2_LOCAL && p[12] != V2_PROXY)
		return PROXY_HEADER_WRONG;
	if (n < V2_FIXED)
		return 0;
	len = (size_t)(p[14] << 8 | p[15]);
	if (len > PROXY_HEADER_MAX - V2_FIXED)
		return PROXY_HEADER_WRONG;
	if (n < V2_FIXED + len)
		return 0;
	if (p[12] == V2_PROXY &&
	    read_addresses(p + V2_FIXED, len, p[13], h) != 0)
		return PROXY_HEADER_WRONG;
	return (ssize_t)(V2_FIXED + len);
}

ssize_t
proxy_header_read(const void *bytes, size_t n, struct proxy_header *h)
{
	memset(h, 0, sizeof(*h));
	if (begins(bytes, n, v1_begin, strlen(v1_begin)))
		return n < strlen(v1_begin) ? 0 : read_v1(bytes, n, h);
	if (begins(bytes, n, v2_begin, sizeof(v2_begin)))
		return read_v2(bytes, n, h);
	return PROXY_HEADER_ALIEN;
}

/* Are both ends of IPv4? */
static bool
is_v4(const struct proxy_header *h)
{
	return IN6_IS_ADDR_V4MAPPED(&h->from.ip) &&
	       IN6_IS_ADDR_V4MAPPED(&h->to.ip);
}

/* Version 1. */
static size_t
make_v1(const struct proxy_header *h, char *out)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	bool v4 = is_v4(h);
	int family = v4 ? AF_INET : AF_INET6, skip = v4 ? 12 : 0;

	inet_ntop(family, &h->from.ip.s6_addr[skip], from, sizeof(from));
	inet_ntop(family, &h->to.ip.s6_addr[skip], to, sizeof(to));
	return (size_t)snprintf(out, PROXY_HEADER_OUT, "%s%s %s %s %u %u\r\n",
	    v1_begin, v4 ? "TCP4" : "TCP6", from, to, h->from.port, h->to.port);
}

/* Version 2. */
static size_t
make_v2(const struct proxy_header *h, char *out)
{
	bool v4 = is_v4(h);
	size_t size = v4 ? 4 : 16, skip = 16 - size;
	uint16_t ports[2] = {htons(h->from.port), htons(h->to.port)};
	char *p = out + V2_FIXED;

	out[12] = V2_PROXY;
	out[13] = v4 ? V2_TCP4 : V2_TCP6;
	out[14] = 0;
	out[15] = (char)(2 * size + sizeof(ports));
	memcpy(p, &h->from.ip.s6_addr[skip], size);
	memcpy(p + size, &h->to.ip.s6_addr[skip], size);
	memcpy(p + 2 * size, ports, sizeof(ports));
	return V2_FIXED + 2 * size + sizeof(ports);
}

size_t
proxy_header_make(enum proxy_version version, const struct proxy_header *h,
    char out[PROXY_HEADER_OUT])
{
	if (version == PROXY_V1)
		return h->known ? make_v1(h, out)
				: (size_t)snprintf(out, PROXY_HEADER_OUT,
				      "%sUNKNOWN\r\n", v1_begin);
	memcpy(out, v2_begin, sizeof(v2_begin));
	if (h->known)
		return make_v2(h, out);
	memcpy(out + sizeof(v2_begin), "\x20\0\0\0", 4);
	return V2_FIXED;
}

/* What getsockname() or getpeername() say. */
static struct proxy_end
end_of(int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct proxy_end end = {.port = 0};
	struct addr a;

	if (ask(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    addr_from_sockaddr((struct sockaddr *)&ss, len, &a) == 0) {
		end.ip = addr_in6(&a);
		end.port = a.port;
	}
	return end;
}

struct proxy_end
proxy_end_local(int fd)
{
	return end_of(fd, getsockname);
}

struct proxy_end
proxy_end_peer(int fd)
{
	return end_of(fd, getpeername);
}

size_t
proxy_header_own(enum proxy_version version, int fd, char out[PROXY_HEADER_OUT])
{
	struct proxy_header h = {.known = false};

	if (version == PROXY_NONE)
		return 0;
	if (version == PROXY_V1) {
		h.from = proxy_end_local(fd);
		h.to = proxy_end_peer(fd);
		settle(&h);
	}
	return proxy_header_make(version, &h, out);
}

void
proxy_header_send(enum proxy_version version, int fd)
{
	char header[PROXY_HEADER_OUT];
	size_t n = proxy_header_own(version, fd, header);

	if (n > 0)
		(void)send(fd, header, n, MSG_NOSIGNAL);
}
