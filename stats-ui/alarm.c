/*
 * Is all well? One line for monitoring systems, whose first word is what
 * plugins of Nagios exit by: OK, WARNING, CRITICAL.
 */
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stats-ui/words.h"

#define STALL_MS 5000 /* a worker that turns so rarely does not serve */

/* What has been found so far. */
struct alarm {
	bool critical, warning;
	char text[8 * WORDS_MAX];
};

/* Add what is not well. */
static void __attribute__((format(printf, 3, 4)))
raise_alarm(struct alarm *a, bool critical, const char *fmt, ...)
{
	size_t len = strlen(a->text);
	va_list ap;

	*(critical ? &a->critical : &a->warning) = true;
	if (len > 0 && len + 2 < sizeof(a->text))
		len += (size_t)sprintf(a->text + len, "; ");
	va_start(ap, fmt);
	vsnprintf(a->text + len, sizeof(a->text) - len, fmt, ap);
	va_end(ap);
}

/* Has this frontend a server for new clients? */
static void
look_at_frontend(const struct stats_source *src, const struct conf_frontend *cf,
    struct alarm *a)
{
	const struct conf_frontend *br = monitor_branch(src->monitor, cf);

	if (words_serves(src, br))
		return;
	raise_alarm(a, true,
	    "frontend %s: no server of backend %s is fit for route %s",
	    cf->name, br->backend->name, conf_route_str(br->route));
}

/* Do all servers of this backend answer? */
static void
look_at_servers(const struct stats_source *src, const struct conf_backend *cb,
    struct alarm *a)
{
	struct monitor_server ms;
	size_t i;

	for (i = 0; i < cb->nservers; i++) {
		ms = monitor_server(src->monitor, &cb->servers[i]);
		if (!ms.maintenance && !ms.now->up)
			raise_alarm(a, false, "server %s/%s is %s", cb->name,
			    cb->servers[i].name, words_status(&ms));
	}
}

void
stats_render_alarm(const struct stats_source *src, struct evbuffer *out)
{
	const struct conf *conf = src->conf(src->arg);
	struct alarm a = {false, false, ""};
	int64_t stall = src->stall_ms(src->arg);
	size_t i;

	if (stall > STALL_MS)
		raise_alarm(&a, true, "a worker has not turned for %lld s",
		    (long long)stall / 1000);
	if (src->draining(src->arg))
		raise_alarm(&a, false, "draining");
	if (!monitor_ready(src->monitor))
		raise_alarm(&a, false, "the first round of checks is not done");
	else
		for (i = 0; i < conf->nfrontends; i++)
			look_at_frontend(src, &conf->frontends[i], &a);
	for (i = 0; i < conf->nbackends; i++)
		look_at_servers(src, &conf->backends[i], &a);
	if (a.text[0] == '\0')
		snprintf(a.text, sizeof(a.text),
		    "%zu frontends, each has a server; all servers answer",
		    conf->nfrontends);
	evbuffer_add_printf(out, "%s: %s\n",
	    a.critical  ? "CRITICAL"
	    : a.warning ? "WARNING"
			: "OK",
	    a.text);
}
