/*
 * Socket addresses as values: one small struct for IPv4, IPv6 and UNIX, and
 * networks to match clients against. Nothing here resolves a name.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <sys/socket.h>

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address. Copied freely; compare with addr_equal(). */
struct addr {
	sa_family_t family; /* AF_INET, AF_INET6, AF_UNIX; 0 is "none" */
	uint16_t port;      /* host order */
	union {
		struct in_addr v4;
		struct in6_addr v6;
		char path[108]; /* AF_UNIX, with its final NUL */
	} u;
	/* To listen on: */
	char interface[IFNAMSIZ]; /* only what comes in there; "" any */
	bool v6only;              /* all of IPv6, but not IPv4 */
};

/* A network; IPv4 is kept as ::ffff:a.b.c.d. */
struct addr_net {
	struct in6_addr prefix;
	unsigned bits; /* 0 to 128 */
};

/* Room for any addr_str(), with its final NUL. */
#define ADDR_STR_MAX 120

/* A literal IPv4 or IPv6 address without port ("10.0.0.1", "::1") into *a with
 * that port; -1 if text is not one. */
int addr_parse_ip(const char *text, uint16_t port, struct addr *a);

/* May this be a host: an address, or a name of labels? */
bool addr_is_host(const char *text);

/* Split "HOST:PORT", "[v6]:PORT" or ":PORT" (host then is ""); host is cut of
 * its brackets. -1 if there is no port of 1 to 65535, or host does not fit. */
int addr_split(const char *text, char *host, size_t hostsize, uint16_t *port);

/* "10.0.0.1:6379", "[::1]:6379", "unix:/path", "[::]:6379 interface=eth0
 * v6only". Returns buf. */
const char *addr_str(const struct addr *a, char buf[ADDR_STR_MAX]);

/* "10.0.0.1", "::1", "/path"; "-" if there is none. Returns buf. */
const char *addr_ip_str(const struct addr *a, char buf[ADDR_STR_MAX]);

bool addr_equal(const struct addr *a, const struct addr *b);

/* To and from the system's form. addr_from_sockaddr() returns -1 for a family
 * that it does not know. */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss);
int addr_from_sockaddr(
    const struct sockaddr *sa, socklen_t len, struct addr *a);

/* The IP as 16 bytes, IPv4 mapped; all zero for a UNIX address. */
struct in6_addr addr_in6(const struct addr *a);

/* "10.0.0.0/8", "::1", "fd00::/8"; -1 if it is neither, or has bits set behind
 * its length. */
int addr_net_parse(const char *text, struct addr_net *net);
bool addr_net_contains(const struct addr_net *net, const struct in6_addr *ip);

/* Is ip in one of n networks? */
bool addr_nets_contain(
    const struct addr_net *nets, size_t n, const struct in6_addr *ip);

#endif
