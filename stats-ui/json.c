/*
 * The JSON document: what the page shows, for programs. Its keys are a promise:
 * they are added to, never renamed.
 */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "stats-ui/json.h"
#include "stats-ui/reason.h"
#include "stats-ui/words.h"

json_t *
json_text(const char *text)
{
	char *clean = xcalloc(strlen(text) * 3 + 1, 1);
	size_t len = 0, n;
	json_t *out;

	for (; *text != '\0'; text += n) {
		n = words_utf8(text);
		if (n > 0) {
			memcpy(clean + len, text, n);
			len += n;
		} else {
			memcpy(clean + len, "\xef\xbf\xbd", 3);
			len += 3;
			n = 1;
		}
	}
	out = json_stringn(clean, len);
	free(clean);
	return out;
}

/* Set a key to text; to null if that is NULL or empty. */
static void
set_text(json_t *o, const char *key, const char *text)
{
	bool none = text == NULL || text[0] == '\0';

	json_object_set_new(o, key, none ? json_null() : json_text(text));
}

/* Set a key to a number. */
static void
set_number(json_t *o, const char *key, int64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

/* Set a key to a number; to null if that is negative. */
static void
set_known(json_t *o, const char *key, int64_t n)
{
	json_object_set_new(
	    o, key, n < 0 ? json_null() : json_integer((json_int_t)n));
}

/* Set a key to true or false. */
static void
set_bool(json_t *o, const char *key, bool b)
{
	json_object_set_new(o, key, json_boolean(b));
}

/* Set a key to a time, from the wall clock; to null if that is 0. */
static void
set_time(json_t *o, const char *key, int64_t wall_us)
{
	char text[CLOCK_FORMAT_MAX];

	set_text(o, key, wall_us == 0 ? NULL : clock_format(wall_us, text));
}

/* Every counter by its name. */
static json_t *
counters_json(const struct counter_sums *c)
{
	json_t *o = json_object();

#define X(name, help) set_number(o, #name, (int64_t)c->name);
	COUNTERS(X)
#undef X
	return o;
}

/* The newest check of a server; null before the first. */
static json_t *
check_json(const struct observation *last)
{
	json_t *o;

	if (last->result == PROBE_NONE)
		return json_null();
	o = json_object();
	set_text(o, "result", probe_result_str(last->result));
	set_text(o, "detail", last->detail);
	set_number(o, "age_ms", clock_ms() - last->at);
	set_number(o, "duration_us", last->duration_us);
	return o;
}

/* How far a replica is behind; null if that is not known. */
static void
add_lag(json_t *o, const struct lag *lag)
{
	set_known(o, "lag_bytes", lag->bytes);
	json_object_set_new(o, "lag_seconds",
	    lag->ms < 0 ? json_null() : json_real((double)lag->ms / 1000));
}

/* What a server may be used for now. */
static void
add_use(json_t *o, const struct monitor_server *ms)
{
	set_bool(o, "writer", ms->writer);
	set_bool(o, "fenced", ms->fenced);
	set_bool(o, "writable", ms->now->writable);
	set_bool(o, "readable", ms->now->readable);
	set_bool(o, "backup", ms->conf->backup);
	set_number(o, "weight", ms->conf->weight);
}

json_t *
json_server(const struct stats_source *src, const struct conf_backend *cb,
    const struct conf_server *cs)
{
	struct monitor_server ms = monitor_server(src->monitor, cs);
	int64_t since = ms.state->health_since;
	struct counter_sums sums = {0};
	char text[WORDS_MAX];
	json_t *o = json_object();

	src->server_counters(cs->id, &sums, src->arg);
	set_text(o, "name", cs->name);
	set_text(o, "address", words_address(&ms, text));
	set_text(o, "status", words_status(&ms));
	set_text(o, "role", role_str(ms.state->role));
	set_text(o, "shard", ms.shard);
	set_text(o, "reason", reason_words(cb, &ms, text));
	set_number(o, "sessions", src->server_sessions(cs->id, src->arg));
	add_lag(o, &ms.lag);
	add_use(o, &ms);
	set_text(o, "run_id", ms.state->known.run_id);
	set_text(o, "redis_version", ms.state->known.version);
	set_known(o, "latency_us",
	    ms.now->latency_us == 0 ? -1 : (int64_t)ms.now->latency_us);
	set_time(o, "since", since == 0 ? 0 : words_wall_us(since));
	json_object_set_new(o, "last_check", check_json(&ms.state->last));
	json_object_set_new(o, "counters", counters_json(&sums));
	return o;
}

/* What the Sentinels say of a backend as a whole. */
static void
add_watch(
    json_t *o, const struct stats_source *src, const struct conf_backend *cb)
{
	struct report_watch w = monitor_watch(src->monitor, cb);
	char text[WORDS_MAX];

	set_text(o, "master_name", w.master_name);
	set_number(o, "sentinels_known", w.known);
	set_number(o, "sentinels_agree", w.agree);
	set_number(o, "sentinels_hear", w.hear);
	set_known(o, "epoch", w.epoch);
	set_text(o, "witness", witness_reason_str(w.reason));
	set_text(o, "sentinels_text", words_watch(src, cb, text));
	set_bool(o, "min_replicas_to_write", !w.risky);
}

/* One backend with its servers. */
static json_t *
backend_json(const struct stats_source *src, const struct conf_backend *cb)
{
	struct writer_verdict why = {.action = WRITER_NONE, .writer = -1};
	const struct conf_server *writer =
	    monitor_writer(src->monitor, cb, &why);
	json_t *o = json_object(), *servers = json_array();
	bool redis = cb->check == CHECK_REDIS;
	struct cluster_summary sum;
	char text[WORDS_MAX];

	for (size_t i = 0; i < cb->nservers; i++)
		json_array_append_new(
		    servers, json_server(src, cb, &cb->servers[i]));
	set_text(o, "name", cb->name);
	set_text(o, "writer", writer == NULL ? NULL : writer->name);
	set_text(o, "summary", words_backend(src, cb, text));
	set_text(o, "followers", words_followers(src, cb, text));
	set_text(o, "cause", redis ? writer_cause_str(why.cause) : NULL);
	set_bool(o, "cluster", monitor_cluster(src->monitor, cb, &sum));
	set_text(o, "check", conf_check_str(cb->check));
	set_number(o, "held", words_held(src, cb));
	if (redis)
		add_watch(o, src, cb);
	json_object_set_new(o, "servers", servers);
	return o;
}

/* One frontend. */
static json_t *
frontend_json(const struct stats_source *src, const struct conf_frontend *cf)
{
	json_t *o = json_object(), *binds = json_array();
	struct counter_sums sums = {0};
	struct words_load load;
	char text[ADDR_STR_MAX];

	load = words_frontend(src, cf, &sums);
	for (size_t i = 0; i < cf->nbinds; i++)
		json_array_append_new(
		    binds, json_text(addr_str(&cf->binds[i], text)));
	set_text(o, "name", cf->name);
	json_object_set_new(o, "bind", binds);
	set_text(o, "backend", cf->backend->name);
	set_text(o, "route", conf_route_str(cf->route));
	set_text(o, "balance", conf_balance_str(cf->balance));
	set_number(o, "sessions", load.sessions);
	set_number(o, "held", load.held);
	json_object_set_new(o, "counters", counters_json(&sums));
	return o;
}

json_t *
json_decision(const struct decision *d)
{
	json_t *o = json_object();
	char text[WORDS_MAX];

	set_time(o, "time", d->wall_us);
	set_text(o, "backend", d->backend);
	set_text(o, "from", d->from);
	set_text(o, "to", d->to);
	set_text(o, "action", writer_action_str(d->action));
	set_text(o, "cause", writer_cause_str(d->cause));
	set_text(o, "rule", writer_cause_rule(d->cause));
	set_text(o, "evidence", d->evidence);
	set_text(o, "text", words_decision(d, text));
	set_number(o, "votes", d->votes);
	set_number(o, "voters", d->voters);
	set_number(o, "took_ms", d->took_ms);
	set_number(o, "sessions_closed", d->sessions_closed);
	json_object_set_new(
	    o, "fenced_ms", json_real((double)d->fenced_us / 1000));
	json_object_set_new(
	    o, "closed_ms", json_real((double)d->closed_us / 1000));
	set_number(o, "held", d->held);
	set_number(o, "held_ms", d->held_ms);
	set_number(o, "from_offset", d->from_offset);
	set_number(o, "to_offset", d->to_offset);
	return o;
}

/* One Sentinel of a backend. */
static json_t *
sentinel_json(const struct conf_backend *cb, const struct report_sentinel *s)
{
	char text[WORDS_MAX];
	json_t *o = json_object();

	set_text(o, "backend", cb->name);
	snprintf(text, sizeof(text), "%s:%u", s->place.host, s->place.port);
	set_text(o, "address", text);
	set_bool(o, "configured", s->configured);
	set_bool(o, "answers", s->trouble[0] == '\0');
	set_bool(o, "tilt", s->tilt);
	set_text(o, "names", s->name);
	set_known(o, "epoch", s->epoch);
	set_known(o, "heard_ms", s->heard_ms);
	set_text(o, "text", words_sentinel(s, text));
	return o;
}

/* All Sentinels of all backends. */
static json_t *
sentinels_json(const struct stats_source *src, const struct conf *conf)
{
	struct report_sentinel s;
	json_t *list = json_array();

	for (size_t i = 0; i < conf->nbackends; i++)
		for (size_t j = 0;
		     monitor_sentinel(src->monitor, &conf->backends[i], j, &s);
		     j++)
			json_array_append_new(
			    list, sentinel_json(&conf->backends[i], &s));
	return list;
}

/* What is true of the process as a whole. */
static void
add_process(
    json_t *o, const struct stats_source *src, const struct conf_stats *cs)
{
	if (!cs->hide_version)
		set_text(o, "version", ROLEPROXY_VERSION);
	set_time(o, "time", clock_wall_us());
	set_number(o, "uptime_seconds", (clock_ms() - src->started) / 1000);
	set_number(o, "generation", (int64_t)monitor_generation(src->monitor));
	set_number(o, "workers", src->workers(src->arg));
	set_number(o, "sessions", src->sessions(src->arg));
	set_bool(o, "ready", monitor_ready(src->monitor));
	set_bool(o, "draining", src->draining(src->arg));
}

/* jansson's way to hand out what it writes. */
static int
dump_cb(const char *bytes, size_t len, void *arg)
{
	return evbuffer_add(arg, bytes, len);
}

/* In ASCII: a terminal may be what reads it. */
void
json_write(json_t *o, struct evbuffer *out)
{
	json_dump_callback(o, dump_cb, out,
	    JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12));
	evbuffer_add(out, "\n", 1);
	json_decref(o);
}

void
stats_render_json(const struct stats_source *src, const struct conf_stats *cs,
    struct evbuffer *out)
{
	const struct conf *conf = src->conf(src->arg);
	json_t *o = json_object(), *backends = json_array();
	json_t *frontends = json_array(), *decisions = json_array();
	const struct decision *d;

	for (size_t i = 0; i < conf->nbackends; i++)
		json_array_append_new(
		    backends, backend_json(src, &conf->backends[i]));
	for (size_t i = 0; i < conf->nfrontends; i++)
		json_array_append_new(
		    frontends, frontend_json(src, &conf->frontends[i]));
	for (size_t i = 0; (d = monitor_decision(src->monitor, i)) != NULL; i++)
		json_array_append_new(decisions, json_decision(d));
	add_process(o, src, cs);
	json_object_set_new(o, "backends", backends);
	json_object_set_new(o, "frontends", frontends);
	json_object_set_new(o, "decisions", decisions);
	json_object_set_new(o, "sentinels", sentinels_json(src, conf));
	json_write(o, out);
}
