/*
 * What a backend says for its servers, and they for themselves.
 */
#include <stdlib.h>

#include "conf/backend.h"

void
conf_server_clear(struct conf_server *s)
{
	free(s->name);
	free(s->host);
	free(s->check_host);
}

/* The first one that is given. */
static int64_t
either(int64_t own, int64_t common)
{
	return own != 0 ? own : common;
}

enum proxy_version
conf_check_proxy(const struct conf_server *cs)
{
	switch (cs->check_send_proxy) {
	case CHECK_PROXY_NONE:
		return PROXY_NONE;
	case CHECK_PROXY_V1:
		return PROXY_V1;
	case CHECK_PROXY_V2:
		return PROXY_V2;
	default:
		return cs->check_host == NULL && cs->check_port == 0
			   ? cs->send_proxy
			   : PROXY_NONE;
	}
}

struct conf_timing
conf_timing(const struct conf_backend *cb, const struct conf_server *cs)
{
	struct conf_timing t;

	t.interval = either(cs->check_interval, cb->check_interval);
	t.fast = either(cs->check_fast, cb->check_fast);
	t.down = either(either(cs->check_down, cb->check_down), t.interval);
	t.fall = (unsigned)either(either(cs->fall, cb->fall), 1);
	t.rise = (unsigned)either(either(cs->rise, cb->rise), 1);
	return t;
}
