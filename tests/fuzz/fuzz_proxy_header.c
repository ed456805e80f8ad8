/*
 * Fuzzer of PROXY headers: any bytes. What is taken lies inside what was given,
 * is the same however much follows, and can be made and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One input. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header h, again;
	char out[PROXY_HEADER_OUT];
	enum proxy_version v;
	ssize_t n = proxy_header_read(data, size, &h), made;

	if (n > (ssize_t)size || n > PROXY_HEADER_MAX ||
	    (n == 0 && size >= PROXY_HEADER_MAX))
		abort();
	if (n <= 0)
		return 0;
	if (proxy_header_read(data, (size_t)n, &again) != n ||
	    proxy_header_read(data, (size_t)n - 1, &again) != 0)
		abort();
	for (v = PROXY_V1; v <= PROXY_V2; v++) {
		made = (ssize_t)proxy_header_make(v, &h, out);
		if (made > PROXY_HEADER_OUT ||
		    proxy_header_read(out, (size_t)made, &again) != made ||
		    again.known != h.known ||
		    (h.known && memcmp(&again.from, &h.from, sizeof(h.from))))
			abort();
	}
	return 0;
}
