/*
 * Is all well? What is not, in words: each thing for the page, and one line for
 * monitoring systems, whose first word is what plugins of Nagios exit by: OK,
 * WARNING, CRITICAL.
 */
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stats-ui/alarm.h"
#include "stats-ui/reason.h"
#include "stats-ui/words.h"

#define STALL_MS 5000 /* a worker that turns so rarely does not serve */
#define FULL     90   /* percent of the sessions that are allowed */

/* Who is told. */
struct alarm {
	const struct stats_source *src;
	alarm_cb cb;
	void *arg;
};

/* Something is not well. */
static void __attribute__((format(printf, 3, 4)))
raise_alarm(const struct alarm *a, bool critical, const char *fmt, ...)
{
	char text[2 * WORDS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	a->cb(critical, text, a->arg);
}

/* Has this frontend a server for new clients? */
static void
look_at_frontend(const struct alarm *a, const struct conf_frontend *cf)
{
	const struct conf_frontend *br = monitor_branch(a->src->monitor, cf);

	if (words_serves(a->src, br))
		return;
	raise_alarm(a, true,
	    "frontend %s: no server of backend %s is fit for route %s",
	    cf->name, br->backend->name, conf_route_str(br->route));
}

/* Do all servers of this backend answer, and is none fenced? */
static void
look_at_servers(const struct alarm *a, const struct conf_backend *cb)
{
	char reason[WORDS_MAX], when[WORDS_MAX], since[WORDS_MAX] = "";
	struct monitor_server ms;

	for (size_t i = 0; i < cb->nservers; i++) {
		ms = monitor_server(a->src->monitor, &cb->servers[i]);
		if (ms.maintenance || (ms.now->up && !ms.fenced))
			continue;
		if (ms.state->health_since != 0 && !ms.now->up)
			snprintf(since, sizeof(since), " since %.32s",
			    words_time(
				words_wall_us(ms.state->health_since), when));
		reason_words(cb, &ms, reason);
		raise_alarm(a, false, "server %s/%s is %s%.48s%s%s", cb->name,
		    cb->servers[i].name,
		    ms.now->up ? "a second primary" : words_status(&ms), since,
		    reason[0] == '\0' ? "" : ": ", reason);
	}
}

/* Can most of the Sentinels that are known be asked? */
static void
look_at_sentinels(const struct alarm *a, const struct conf_backend *cb)
{
	struct report_watch watch;
	struct report_sentinel s;
	unsigned mute = 0, n;

	if (cb->check != CHECK_REDIS)
		return;
	for (n = 0; monitor_sentinel(a->src->monitor, cb, n, &s); n++)
		mute += s.trouble[0] != '\0';
	watch = monitor_watch(a->src->monitor, cb);
	if (watch.stranger)
		raise_alarm(a, false,
		    "the Sentinels of backend %s name a primary that is not "
		    "configured here",
		    cb->name);
	else if (n > 0 && n - mute <= n / 2)
		raise_alarm(a, false,
		    "only %u of %u Sentinels of backend %s can be asked",
		    n - mute, n, cb->name);
}

/* Is there room for more clients? */
static void
look_at_room(const struct alarm *a)
{
	int64_t max = a->src->conf(a->src->arg)->global.maxconn;
	struct figures all;

	a->src->figures(&all, a->src->arg);
	if (max > 0 && (int64_t)all.sessions * 100 >= max * FULL)
		raise_alarm(a, false, "%u sessions of maxconn %lld",
		    all.sessions, (long long)max);
}

/* Is the process itself well? */
static void
look_at_process(const struct alarm *a)
{
	int64_t stall = a->src->stall_ms(a->src->arg);

	if (stall > STALL_MS)
		raise_alarm(a, true, "a worker has not turned for %lld s",
		    (long long)stall / 1000);
	if (a->src->draining(a->src->arg))
		raise_alarm(a, false, "draining");
	if (a->src->reloads(a->src->arg).last_failed)
		raise_alarm(a, false,
		    "the last reload failed; the configuration before it is "
		    "in use");
	look_at_room(a);
}

void
alarm_each(const struct stats_source *src, alarm_cb cb, void *arg)
{
	const struct conf *conf = src->conf(src->arg);
	const struct alarm a = {src, cb, arg};
	size_t i;

	look_at_process(&a);
	if (!monitor_ready(src->monitor))
		raise_alarm(&a, false, "the first round of checks is not done");
	else
		for (i = 0; i < conf->nfrontends; i++)
			look_at_frontend(&a, &conf->frontends[i]);
	for (i = 0; i < conf->nbackends; i++) {
		look_at_servers(&a, &conf->backends[i]);
		look_at_sentinels(&a, &conf->backends[i]);
	}
}

/* The line for monitoring, as far as it has come. */
struct line {
	bool critical, warning;
	char text[8 * WORDS_MAX];
};

/* Add what is not well. */
static void
line_cb(bool critical, const char *text, void *arg)
{
	struct line *l = arg;
	size_t len = strlen(l->text);

	*(critical ? &l->critical : &l->warning) = true;
	snprintf(l->text + len, sizeof(l->text) - len, "%s%s",
	    len == 0 ? "" : "; ", text);
}

void
stats_render_alarm(const struct stats_source *src, struct evbuffer *out)
{
	struct line l = {false, false, ""};

	alarm_each(src, line_cb, &l);
	if (l.text[0] == '\0')
		snprintf(l.text, sizeof(l.text),
		    "%zu frontends, each has a server; all servers answer",
		    src->conf(src->arg)->nfrontends);
	evbuffer_add_printf(out, "%s: %s\n",
	    l.critical  ? "CRITICAL"
	    : l.warning ? "WARNING"
			: "OK",
	    l.text);
}
