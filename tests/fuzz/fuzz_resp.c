/*
 * Fuzzer of what servers send: any bytes as a row of RESP values, and each bulk
 * string (and all the bytes) as an answer to both INFOs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "health/info.h"
#include "health/resp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is this a text that ends inside its array and has nothing to hide? */
static void
expect_text(const char *text, size_t size)
{
	size_t i;

	if (memchr(text, '\0', size) == NULL)
		abort();
	for (i = 0; text[i] != '\0'; i++)
		if (text[i] <= ' ' || text[i] > '~')
			abort();
}

/* Both readers on one text. */
static void
read_infos(const char *text, size_t len)
{
	struct observation o;

	memset(&o, 0xa5, sizeof(o));
	info_read_server(text, len, &o);
	if ((info_read_replication(text, len, &o) == 0) !=
	    (o.role != ROLE_UNKNOWN))
		abort();
	expect_text(o.run_id, sizeof(o.run_id));
	expect_text(o.version, sizeof(o.version));
	expect_text(o.replid, sizeof(o.replid));
	expect_text(o.replid2, sizeof(o.replid2));
	expect_text(o.primary_host, sizeof(o.primary_host));
	if (o.offset < 0 || o.second_offset < -1 || o.link_idle_s < -1 ||
	    o.replica_offset < 0)
		abort();
}

/* One input. What is taken lies inside what was given. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	struct resp r;
	ssize_t n;

	read_infos(p, size);
	while ((n = resp_read(p, (size_t)(end - p), &r)) > 0) {
		if (n > end - p)
			abort();
		if (r.len > 0 && (r.str <= p || r.str + r.len > p + n - 2))
			abort();
		if (r.type == RESP_BULK)
			read_infos(r.str, r.len);
		p += n;
	}
	return 0;
}
