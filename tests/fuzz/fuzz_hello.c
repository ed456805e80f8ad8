/*
 * Fuzzer of what Sentinels publish: any bytes as a hello, and as the channel
 * (up to the first line feed) and the message of an event.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "health/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is this a text that ends inside its array and has nothing to hide? */
static void
expect_text(const char *text, size_t size)
{
	size_t i;

	if (memchr(text, '\0', size) == NULL)
		abort();
	for (i = 0; text[i] != '\0'; i++)
		if (!isgraph((unsigned char)text[i]))
			abort();
}

/* A place that can be connected to, or none. */
static void
expect_place(const struct place *p, int whole)
{
	struct place copy;

	expect_text(p->host, sizeof(p->host));
	if (!whole)
		return;
	if (place_set(&copy, p->host, p->port) != 0 || !place_equal(&copy, p))
		abort();
}

/* Any bytes as a hello. */
static void
read_hello(const char *text, size_t len)
{
	struct hello h;

	memset(&h, 0xa5, sizeof(h));
	if (hello_read(text, len, &h) != 0)
		return;
	expect_place(&h.sentinel, 1);
	expect_place(&h.primary, 1);
	expect_text(h.sentinel_id, sizeof(h.sentinel_id));
	expect_text(h.name, sizeof(h.name));
	if (h.epoch < 0 || h.name[0] == '\0' || h.sentinel_id[0] == '\0')
		abort();
}

/* Any bytes as an event. */
static void
read_event(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);
	struct resp channel = {.type = RESP_BULK, .str = text};
	struct resp message = {.type = RESP_BULK, .str = ""};
	struct sentinel_event e;

	if (end == NULL)
		return;
	channel.len = (size_t)(end - text);
	message.str = end + 1;
	message.len = len - channel.len - 1;
	e = hello_event(&channel, &message);
	expect_text(e.name, sizeof(e.name));
	expect_place(&e.place, e.kind == EVENT_SELECTED ||
				   e.kind == EVENT_PROMOTED ||
				   e.kind == EVENT_SWITCHED);
	if (e.kind != EVENT_OTHER && e.epoch < 0)
		abort();
}

/* One input. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size == 0 ? "" : (const char *)data;

	read_hello(text, size);
	read_event(text, size);
	return 0;
}
