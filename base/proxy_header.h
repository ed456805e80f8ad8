/*
 * The PROXY protocol, versions 1 and 2: what a proxy says of a connection
 * before anything else is sent over it (HAProxy's doc/proxy-protocol.txt).
 */
#ifndef BASE_PROXY_HEADER_H
#define BASE_PROXY_HEADER_H

#include <sys/types.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_HEADER_MAX 1024 /* bytes of one that is read, extensions too */
#define PROXY_HEADER_OUT 108  /* room for one that is made */

enum proxy_version { PROXY_NONE, PROXY_V1, PROXY_V2 };

/* What is at one end of a connection; IPv4 is mapped, all zero is none. */
struct proxy_end {
	struct in6_addr ip;
	uint16_t port;
};

/* Whose connection it is. */
struct proxy_header {
	bool known; /* false: of the sender itself, or of nothing with an IP */
	struct proxy_end from, to;
};

/* What is no header. */
#define PROXY_HEADER_ALIEN (-1) /* it does not begin like one */
#define PROXY_HEADER_WRONG (-2) /* it does, but is not as it should be */

/* Read the header that the n bytes begin with. Its length; 0 if more bytes are
 * needed to tell, which PROXY_HEADER_MAX never are; or one of the above. */
ssize_t proxy_header_read(const void *bytes, size_t n, struct proxy_header *h);

/* Make a header, of PROXY_V1 or PROXY_V2; its length. Addresses that are not
 * known are UNKNOWN in version 1, and LOCAL in version 2. */
size_t proxy_header_make(enum proxy_version version,
    const struct proxy_header *h, char out[PROXY_HEADER_OUT]);

/* The header of a connection that is made for our own sake, as a check: its own
 * addresses in version 1, LOCAL in version 2, 0 bytes of PROXY_NONE. */
size_t proxy_header_own(
    enum proxy_version version, int fd, char out[PROXY_HEADER_OUT]);

/* Send it, before all else; that the connection has ended already shows when it
 * is read. */
void proxy_header_send(enum proxy_version version, int fd);

/* The addresses of a socket's own end, or of its peer's. */
struct proxy_end proxy_end_local(int fd);
struct proxy_end proxy_end_peer(int fd);

#endif
