/*
 * Basic authentication: the header that is expected is built and compared in
 * constant time, so that nothing that a client sends has to be decoded.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/page.h"
#include "stats-ui/auth.h"

/* text in base64 (RFC 4648), on the heap. */
static char *
base64(const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = (const unsigned char *)text;
	size_t len = strlen(text), n = 0;
	char *out = xcalloc((len + 2) / 3 * 4 + 1, 1);

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)in[i] << 16;

		if (i + 1 < len)
			bits |= (uint32_t)in[i + 1] << 8;
		if (i + 2 < len)
			bits |= in[i + 2];
		out[n++] = digits[bits >> 18];
		out[n++] = digits[bits >> 12 & 63];
		out[n++] = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		out[n++] = i + 2 < len ? digits[bits & 63] : '=';
	}
	return out;
}

/* Are they the same? Takes as long whatever the difference is. */
static bool
same_secret(const char *given, const char *expected)
{
	size_t n = strlen(given), m = strlen(expected);
	unsigned diff = n != m;

	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)given[i] ^
			(unsigned char)expected[m == 0 ? 0 : i % m];
	return diff == 0;
}

/* What stands behind "Basic" in an Authorization header; "" if nothing. */
static const char *
credentials(const char *header)
{
	if (header == NULL || strncasecmp(header, "Basic ", 6) != 0)
		return "";
	return header + 6 + strspn(header + 6, " ");
}

/* Does the header carry just this USER:PASSWORD? */
static bool
carries(const char *header, const char *login)
{
	char *expected = base64(login);
	bool same = same_secret(credentials(header), expected);

	free_secret(expected);
	return same;
}

bool
auth_asks(const struct conf_stats *cs)
{
	return cs->user != NULL || cs->nauth > 0;
}

bool
auth_allows(const struct conf_stats *cs, const char *header)
{
	bool allowed = !auth_asks(cs);
	const char *password = cs->password == NULL ? "" : cs->password;
	char *login;
	size_t size, i;

	if (cs->user != NULL) {
		size = strlen(cs->user) + strlen(password) + 2;
		login = xcalloc(size, 1);
		snprintf(login, size, "%s:%s", cs->user, password);
		allowed |= carries(header, login);
		free_secret(login);
	}
	/* All of them, whoever it was: the time tells nothing. */
	for (i = 0; i < cs->nauth; i++)
		allowed |= carries(header, cs->auth[i]);
	return allowed;
}
