/*
 * Socket addresses as values: parsing, printing, comparing, matching.
 */
#include <sys/un.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/units.h"

#define HOST_CHARS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

int
addr_parse_ip(const char *text, uint16_t port, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	a->port = port;
	if (inet_pton(AF_INET, text, &a->u.v4) == 1)
		a->family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a->u.v6) == 1)
		a->family = AF_INET6;
	else
		return -1;
	return 0;
}

bool
addr_is_host(const char *text)
{
	size_t labels = strspn(text, HOST_CHARS);
	struct addr a;

	if (addr_parse_ip(text, 1, &a) == 0)
		return true;
	if (labels == 0 || text[labels] != '\0' || text[0] == '.' ||
	    text[0] == '-' || strstr(text, "..") != NULL)
		return false;
	/* What looks like an IPv4 address must be one. */
	return text[strspn(text, "0123456789.")] != '\0';
}

int
addr_split(const char *text, char *host, size_t hostsize, uint16_t *port)
{
	const char *start = text, *end, *colon;
	char error[UNITS_ERROR_MAX];
	unsigned n;

	if (*text == '[') {
		start = text + 1;
		end = strchr(text, ']');
		if (end == NULL || end[1] != ':')
			return -1;
		colon = end + 1;
	} else {
		colon = end = strrchr(text, ':');
		/* Two colons without brackets: an IPv6 address, no port. */
		if (colon == NULL || strchr(text, ':') != colon)
			return -1;
	}
	if ((size_t)(end - start) >= hostsize ||
	    units_number(colon + 1, 1, 65535, &n, error) != 0)
		return -1;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	*port = (uint16_t)n;
	return 0;
}

const char *
addr_ip_str(const struct addr *a, char buf[ADDR_STR_MAX])
{
	if (a->family == AF_UNIX)
		snprintf(buf, ADDR_STR_MAX, "%s", a->u.path);
	else if (a->family == 0 ||
		 inet_ntop(a->family, &a->u, buf, ADDR_STR_MAX) == NULL)
		strcpy(buf, "-");
	return buf;
}

const char *
addr_str(const struct addr *a, char buf[ADDR_STR_MAX])
{
	bool v6 = a->family == AF_INET6;
	char ip[ADDR_STR_MAX];

	switch (a->family) {
	case AF_INET:
	case AF_INET6:
		snprintf(buf, ADDR_STR_MAX, "%s%s%s:%u%s%s%s", v6 ? "[" : "",
		    addr_ip_str(a, ip), v6 ? "]" : "", a->port,
		    a->interface[0] == '\0' ? "" : " interface=", a->interface,
		    a->v6only ? " v6only" : "");
		break;
	case AF_UNIX:
		snprintf(buf, ADDR_STR_MAX, "unix:%s", a->u.path);
		break;
	default:
		snprintf(buf, ADDR_STR_MAX, "unresolved");
	}
	return buf;
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family || a->port != b->port ||
	    a->v6only != b->v6only || strcmp(a->interface, b->interface) != 0)
		return false;
	switch (a->family) {
	case AF_INET:
		return a->u.v4.s_addr == b->u.v4.s_addr;
	case AF_INET6:
		return memcmp(&a->u.v6, &b->u.v6, sizeof(a->u.v6)) == 0;
	case AF_UNIX:
		return strcmp(a->u.path, b->u.path) == 0;
	default:
		return true;
	}
}

socklen_t
addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_un *un = (struct sockaddr_un *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = a->family;
	switch (a->family) {
	case AF_INET:
		in->sin_port = htons(a->port);
		in->sin_addr = a->u.v4;
		return sizeof(*in);
	case AF_INET6:
		in6->sin6_port = htons(a->port);
		in6->sin6_addr = a->u.v6;
		return sizeof(*in6);
	case AF_UNIX:
		memcpy(un->sun_path, a->u.path, sizeof(un->sun_path));
		return sizeof(*un);
	default:
		return 0;
	}
}

int
addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct addr *a)
{
	struct sockaddr_storage ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&ss;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&ss;

	memset(&ss, 0, sizeof(ss));
	memcpy(&ss, sa, len < sizeof(ss) ? len : sizeof(ss));
	memset(a, 0, sizeof(*a));
	a->family = ss.ss_family;
	switch (ss.ss_family) {
	case AF_INET:
		a->port = ntohs(in->sin_port);
		a->u.v4 = in->sin_addr;
		return 0;
	case AF_INET6:
		a->port = ntohs(in6->sin6_port);
		a->u.v6 = in6->sin6_addr;
		return 0;
	case AF_UNIX:
		memcpy(a->u.path, un->sun_path, sizeof(a->u.path) - 1);
		return 0;
	default:
		return -1;
	}
}

struct in6_addr
addr_in6(const struct addr *a)
{
	struct in6_addr out = IN6ADDR_ANY_INIT;

	if (a->family == AF_INET6)
		return a->u.v6;
	if (a->family == AF_INET) {
		out.s6_addr[10] = out.s6_addr[11] = 0xff;
		memcpy(&out.s6_addr[12], &a->u.v4, 4);
	}
	return out;
}

int
addr_net_parse(const char *text, struct addr_net *net)
{
	char ip[INET6_ADDRSTRLEN], error[UNITS_ERROR_MAX];
	const char *slash = strchrnul(text, '/');
	size_t len = (size_t)(slash - text);
	unsigned i, bits, max;
	struct addr a;

	if (len >= sizeof(ip))
		return -1;
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (addr_parse_ip(ip, 0, &a) != 0)
		return -1;
	bits = max = a.family == AF_INET ? 32 : 128;
	if (*slash != '\0' &&
	    units_number(slash + 1, 0, max, &bits, error) != 0)
		return -1;
	net->prefix = addr_in6(&a);
	net->bits = 128 - max + bits;
	for (i = net->bits; i < 128; i++) {
		if ((net->prefix.s6_addr[i / 8] & (0x80 >> i % 8)) != 0)
			return -1;
	}
	return 0;
}

bool
addr_net_contains(const struct addr_net *net, const struct in6_addr *ip)
{
	unsigned bytes = net->bits / 8, rest = net->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (memcmp(&net->prefix, ip, bytes) != 0)
		return false;
	return rest == 0 ||
	       ((net->prefix.s6_addr[bytes] ^ ip->s6_addr[bytes]) & mask) == 0;
}

bool
addr_nets_contain(
    const struct addr_net *nets, size_t n, const struct in6_addr *ip)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (addr_net_contains(&nets[i], ip))
			return true;
	}
	return false;
}
