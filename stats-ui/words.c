/*
 * What the page and its JSON say alike: the state of servers and backends in
 * words that a person can act on. No markup here.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "conf/branch.h"
#include "stats-ui/cluster.h"
#include "stats-ui/words.h"

const char *
words_status(const struct monitor_server *ms)
{
	if (ms->maintenance)
		return "MAINT";
	return health_str(ms->state->health);
}

const char *
words_writer(const struct monitor_server *ms)
{
	if (ms->writer)
		return ms->now->writable ? "yes" : "away";
	return ms->fenced ? "fenced" : "";
}

unsigned
words_held(const struct stats_source *src, const struct conf_backend *cb)
{
	const struct conf *conf = src->conf(src->arg);
	unsigned held = 0;

	for (size_t i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		const struct conf_frontend *cf = &conf->frontends[i];

		if (cf->backend == cb)
			held += src->frontend_held(cf->id, src->arg);
	}
	return held;
}

struct words_load
words_frontend(const struct stats_source *src, const struct conf_frontend *cf,
    struct counter_sums *sums)
{
	struct words_load load = {0, 0};
	const struct conf_frontend *br;

	for (br = cf; br != NULL; br = conf_branch(cf, br)) {
		src->frontend_counters(br->id, sums, src->arg);
		load.sessions += src->frontend_sessions(br->id, src->arg);
		load.held += src->frontend_held(br->id, src->arg);
	}
	return load;
}

void
words_times(const struct stats_source *src, const struct conf_frontend *cf,
    struct frontend_times *times)
{
	const struct conf_frontend *br;

	for (br = cf; br != NULL; br = conf_branch(cf, br))
		src->frontend_times(br->id, times, src->arg);
}

bool
words_serves(const struct stats_source *src, const struct conf_frontend *cf)
{
	struct monitor_server ms;
	size_t i;

	for (i = 0; i < cf->backend->nservers; i++) {
		ms = monitor_server(src->monitor, &cf->backend->servers[i]);
		if (words_eligible(cf, ms.now))
			return true;
	}
	return false;
}

/* "; 3 clients wait", or nothing when there are none. Returns buf. */
static const char *
waiting(
    const struct stats_source *src, const struct conf_backend *cb, char buf[48])
{
	unsigned held = words_held(src, cb);

	buf[0] = '\0';
	if (held == 1)
		snprintf(buf, 48, "; 1 client waits");
	else if (held > 1)
		snprintf(buf, 48, "; %u clients wait", held);
	return buf;
}

/* The newest decision that made this server the writer; NULL if forgotten. */
static const struct decision *
made_writer(const struct stats_source *src, const struct conf_backend *cb,
    const char *name)
{
	const struct decision *d;

	for (size_t i = 0; (d = monitor_decision(src->monitor, i)) != NULL; i++)
		if (strcmp(d->backend, cb->name) == 0 && d->to[0] != '\0' &&
		    d->action == WRITER_SWITCH)
			return strcmp(d->to, name) == 0 ? d : NULL;
	return NULL;
}

/* "Writes go to redis-2 since 03:12:07." */
static void
writer_words(const struct stats_source *src, const struct conf_backend *cb,
    const char *name, char buf[WORDS_MAX])
{
	const struct decision *d = made_writer(src, cb, name);
	char when[WORDS_MAX], wait[48];

	waiting(src, cb, wait);
	if (d == NULL)
		snprintf(buf, WORDS_MAX, "Writes go to %.64s%s.", name, wait);
	else
		snprintf(buf, WORDS_MAX, "Writes go to %.64s since %.32s%s.",
		    name, words_time(d->wall_us, when), wait);
}

/* For a backend without roles: how many servers are up. */
static void
plain_words(const struct stats_source *src, const struct conf_backend *cb,
    char buf[WORDS_MAX])
{
	char wait[48];
	size_t up = 0;

	for (size_t i = 0; i < cb->nservers; i++)
		up += monitor_server(src->monitor, &cb->servers[i]).now->up;
	waiting(src, cb, wait);
	if (cb->check == CHECK_NONE)
		snprintf(buf, WORDS_MAX, "Servers are not checked%s.", wait);
	else if (up == 0)
		snprintf(buf, WORDS_MAX, "No server is up%s.", wait);
	else
		snprintf(buf, WORDS_MAX, "%zu of %zu servers %s up%s.", up,
		    cb->nservers, up == 1 ? "is" : "are", wait);
}

/* "0.2 s behind at most" of those that follow, as far as it is known. */
static void
behind_words(int64_t most, unsigned known, char buf[64])
{
	if (known == 0)
		snprintf(buf, 64, "how far behind is not known yet");
	else if (most < 50)
		snprintf(buf, 64, "less than 0.1 s behind");
	else
		snprintf(buf, 64, "%.1f s behind at most", (double)most / 1000);
}

const char *
words_followers(const struct stats_source *src, const struct conf_backend *cb,
    char buf[WORDS_MAX])
{
	unsigned all = 0, follow = 0, known = 0;
	struct cluster_summary sum;
	struct writer_verdict why;
	struct monitor_server ms;
	int64_t most = 0;
	char behind[64];

	buf[0] = '\0';
	if (cb->check != CHECK_REDIS ||
	    monitor_cluster(src->monitor, cb, &sum) ||
	    monitor_writer(src->monitor, cb, &why) == NULL)
		return buf;
	for (size_t i = 0; i < cb->nservers; i++) {
		ms = monitor_server(src->monitor, &cb->servers[i]);
		all += !ms.writer && !ms.maintenance;
		if (ms.writer || !ms.now->replica || !ms.fit ||
		    !ms.state->known.link_up)
			continue;
		follow++;
		known += ms.lag.ms >= 0;
		most = ms.lag.ms > most ? ms.lag.ms : most;
	}
	behind_words(most, known, behind);
	if (all == 0)
		snprintf(buf, WORDS_MAX, "It has no replica.");
	else if (follow == 0)
		snprintf(buf, WORDS_MAX, "%s",
		    all == 1 ? "Its replica does not follow."
			     : "None of its replicas follows.");
	else
		snprintf(buf, WORDS_MAX, "%u of %u replica%s follow%s, %s.",
		    follow, all, all == 1 ? "" : "s", follow == 1 ? "s" : "",
		    behind);
	return buf;
}

const char *
words_backend(const struct stats_source *src, const struct conf_backend *cb,
    char buf[WORDS_MAX])
{
	struct writer_verdict why = {.action = WRITER_NONE, .writer = -1};
	const struct conf_server *writer;
	struct cluster_summary sum;
	const char *cause;
	char wait[48];

	if (cb->check != CHECK_REDIS) {
		plain_words(src, cb, buf);
		return buf;
	}
	writer = monitor_writer(src->monitor, cb, &why);
	cause = writer_cause_str(why.cause);
	waiting(src, cb, wait);
	if (monitor_cluster(src->monitor, cb, &sum)) {
		cluster_words(&sum, wait, buf, WORDS_MAX);
		return buf;
	}
	if (writer == NULL)
		snprintf(buf, WORDS_MAX, "No server takes writes: %.200s%s.",
		    cause, wait);
	else if (monitor_server(src->monitor, writer).now->writable)
		writer_words(src, cb, writer->name, buf);
	else
		snprintf(buf, WORDS_MAX, "Writes wait for %.64s: %.200s%s.",
		    writer->name, cause, wait);
	return buf;
}

/* What a decision did, without the reason. */
static void
decision_head(const struct decision *d, char buf[WORDS_MAX])
{
	bool from = d->from[0] != '\0', to = d->to[0] != '\0';

	if (d->action == WRITER_FENCE)
		snprintf(buf, WORDS_MAX, "%s loses the writes",
		    from ? d->from : "the writer");
	else if (from && to && strcmp(d->from, d->to) != 0)
		snprintf(
		    buf, WORDS_MAX, "%s took over from %s", d->to, d->from);
	else if (from && to)
		snprintf(buf, WORDS_MAX, "%s takes the writes again", d->to);
	else if (to)
		snprintf(buf, WORDS_MAX, "%s takes the writes", d->to);
	else
		snprintf(buf, WORDS_MAX, "no server takes writes");
}

/* Why: the evidence, and whom the replicas follow. */
static void
decision_reason(const struct decision *d, char buf[WORDS_MAX])
{
	char votes[64] = "";

	if (d->voters > 0 && d->action == WRITER_SWITCH)
		snprintf(votes, sizeof(votes), "%d of %d%s", d->votes,
		    d->voters,
		    d->cause == CAUSE_VOTES ? "" : " replicas follow it");
	snprintf(buf, WORDS_MAX, "%.160s%s%.120s%s%s%s",
	    writer_cause_str(d->cause),
	    d->evidence[0] == '\0' && votes[0] == '\0' ? "" : " (", d->evidence,
	    d->evidence[0] != '\0' && votes[0] != '\0' ? "; " : "", votes,
	    d->evidence[0] == '\0' && votes[0] == '\0' ? "" : ")");
}

/* What came of it: sessions closed, clients held, the time it took. */
static void
decision_effect(const struct decision *d, char buf[WORDS_MAX])
{
	char closed[64] = "", held[64] = "";

	if (d->sessions_closed > 0)
		snprintf(closed, sizeof(closed), "%u session%s closed; ",
		    d->sessions_closed, d->sessions_closed == 1 ? "" : "s");
	if (d->held > 0)
		snprintf(held, sizeof(held), "%u client%s held %lld ms; ",
		    d->held, d->held == 1 ? "" : "s", (long long)d->held_ms);
	snprintf(buf, WORDS_MAX, "%s%stook %lld ms", closed, held,
	    (long long)d->took_ms);
}

void
words_decision_parts(const struct decision *d, struct words_decision *out)
{
	decision_head(d, out->what);
	decision_reason(d, out->why);
	decision_effect(d, out->effect);
}

const char *
words_decision(const struct decision *d, char buf[WORDS_MAX])
{
	struct words_decision parts;

	words_decision_parts(d, &parts);
	snprintf(buf, WORDS_MAX, "%.63s: %.160s: %.280s; %.200s.", d->backend,
	    parts.what, parts.why, parts.effect);
	return buf;
}

const char *
words_sentinel(const struct report_sentinel *s, char buf[WORDS_MAX])
{
	if (s->trouble[0] != '\0')
		snprintf(buf, WORDS_MAX, "%.120s", s->trouble);
	else if (s->tilt)
		snprintf(
		    buf, WORDS_MAX, "in TILT: it does not trust its clock");
	else if (s->name == NULL)
		snprintf(buf, WORDS_MAX,
		    "names %.64s:%u, which is not configured here",
		    s->named.host, s->named.port);
	else if (s->heard_ms < 0)
		snprintf(buf, WORDS_MAX, "names %.64s, not connected to it now",
		    s->name);
	else
		snprintf(buf, WORDS_MAX, "names %.64s, heard it %.1f s ago",
		    s->name, (double)s->heard_ms / 1000);
	return buf;
}

const char *
words_watch(const struct stats_source *src, const struct conf_backend *cb,
    char buf[WORDS_MAX])
{
	struct report_watch w = monitor_watch(src->monitor, cb);

	buf[0] = '\0';
	if (w.known == 0)
		snprintf(buf, WORDS_MAX, "No Sentinel is known.");
	else if (w.stranger)
		snprintf(buf, WORDS_MAX,
		    "The Sentinels name a primary that is not configured "
		    "here (%.64s, epoch %lld).",
		    w.master_name == NULL ? "" : w.master_name,
		    (long long)w.epoch);
	else if (w.epoch < 0)
		snprintf(
		    buf, WORDS_MAX, "%u Sentinels, no verdict yet.", w.known);
	else
		snprintf(buf, WORDS_MAX,
		    "%u of %u Sentinels agree (%.64s, epoch %lld), %u hear "
		    "the writer.",
		    w.agree, w.known,
		    w.master_name == NULL ? "" : w.master_name,
		    (long long)w.epoch, w.hear);
	return buf;
}

const char *
words_address(const struct monitor_server *ms, char buf[WORDS_MAX])
{
	char text[ADDR_STR_MAX];

	if (ms->now->addr.family != 0)
		snprintf(buf, WORDS_MAX, "%s", addr_str(&ms->now->addr, text));
	else if (strchr(ms->conf->host, ':') != NULL)
		snprintf(
		    buf, WORDS_MAX, "[%s]:%u", ms->conf->host, ms->conf->port);
	else
		snprintf(
		    buf, WORDS_MAX, "%s:%u", ms->conf->host, ms->conf->port);
	return buf;
}

const char *
words_time(int64_t wall_us, char buf[WORDS_MAX])
{
	time_t then = (time_t)(wall_us / 1000000);
	time_t now = (time_t)(clock_wall_us() / 1000000);
	struct tm t, n;

	localtime_r(&then, &t);
	localtime_r(&now, &n);
	if (t.tm_yday == n.tm_yday && t.tm_year == n.tm_year)
		strftime(buf, WORDS_MAX, "%H:%M:%S", &t);
	else
		strftime(buf, WORDS_MAX, "%Y-%m-%d %H:%M:%S", &t);
	return buf;
}

int64_t
words_wall_us(int64_t ms)
{
	return clock_wall_us() - (clock_ms() - ms) * 1000;
}

const char *
words_bytes(uint64_t n, char buf[32])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
	double value = (double)n / 1024;
	size_t i = 0;

	if (n < 1024) {
		snprintf(buf, 32, "%u B", (unsigned)n);
		return buf;
	}
	for (; value >= 1024 && i + 1 < sizeof(units) / sizeof(*units); i++)
		value /= 1024;
	snprintf(buf, 32, "%.1f %s", value, units[i]);
	return buf;
}

const char *
words_span(int64_t ms, char buf[WORDS_MAX])
{
	long long s = ms < 0 ? 0 : ms / 1000;

	if (s < 60)
		snprintf(buf, WORDS_MAX, "%lld s", s);
	else if (s < 3600)
		snprintf(buf, WORDS_MAX, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(
		    buf, WORDS_MAX, "%lld h %lld min", s / 3600, s / 60 % 60);
	else
		snprintf(
		    buf, WORDS_MAX, "%lld d %lld h", s / 86400, s / 3600 % 24);
	return buf;
}

const char *
words_lag(const struct lag *lag, char buf[WORDS_MAX])
{
	char bytes[32];

	if (lag->ms < 0)
		return "";
	words_bytes((uint64_t)lag->bytes, bytes);
	if (lag->ms == 0)
		snprintf(buf, WORDS_MAX, "%s", bytes);
	else
		snprintf(buf, WORDS_MAX, "%s, %.1f s", bytes,
		    (double)lag->ms / 1000);
	return buf;
}

bool
words_eligible(
    const struct conf_frontend *cf, const struct snapshot_server *now)
{
	if (now->drain || now->weight == 0)
		return false;
	if (cf->backend->check != CHECK_REDIS)
		return now->up;
	switch (cf->route) {
	case ROUTE_PRIMARY:
		return now->writable;
	case ROUTE_REPLICA:
		return now->readable;
	case ROUTE_ANY_REPLICA:
		return now->replica;
	case ROUTE_PRIMARY_PREFERRED:
	case ROUTE_REPLICA_PREFERRED:
	case ROUTE_ANY:
	case ROUTE_LOWEST_LATENCY:
		break;
	}
	return now->writable || now->readable;
}

/* Bytes that the first byte of a character announces; 0 if it cannot be one. */
static size_t
utf8_length(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	if (c >= 0xf0 && c <= 0xf4)
		return 4;
	return 0;
}

size_t
words_utf8(const char *text)
{
	unsigned char first = (unsigned char)text[0];
	unsigned char second = (unsigned char)text[1];
	size_t n = utf8_length(first);

	for (size_t i = 1; i < n; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what is past U+10FFFF. */
	if ((first == 0xe0 && second < 0xa0) ||
	    (first == 0xed && second > 0x9f) ||
	    (first == 0xf0 && second < 0x90) ||
	    (first == 0xf4 && second > 0x8f))
		return 0;
	return n;
}
