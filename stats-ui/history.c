/*
 * Figures over time. Servers are found by their ids, which are stable; an id
 * that another one has taken over begins anew. Backends and [stats] are found
 * by their names.
 */
#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "stats-ui/history.h"
#include "stats-ui/hstate.h"
#include "stats-ui/samples.h"
#include "stats-ui/stats.h"

#define LOOK_MS   100  /* between two looks at sessions and states */
#define SECOND_MS 1000 /* of the rates */

/* Figures that are found by name. */
struct named {
	struct track *list;
	size_t n;
};

struct history {
	struct track servers[CONF_SERVERS_MAX];
	struct named backends, sites;
	uint64_t bytes, bytes_rate; /* to clients */
	int64_t cpu_ms, cpu_rate;   /* used; in each of the last second's ms */
	int64_t looked, counted;    /* clock_ms() */
	bool second;                /* this look ends one */
};

struct history *
history_new(void)
{
	return xcalloc(1, sizeof(struct history));
}

void
history_free(struct history *f)
{
	for (size_t i = 0; i < CONF_SERVERS_MAX; i++)
		free(f->servers[i].samples);
	free(f->backends.list);
	free(f->sites.list);
	free(f);
}

/* A new one. */
static void
begin(struct track *track, const char *name)
{
	memset(track, 0, sizeof(*track));
	snprintf(track->name, sizeof(track->name), "%s", name);
	track->up = true;
	track->since = clock_ms();
}

/* The track of a server. */
static struct track *
by_id(struct history *f, const struct conf_server *cs)
{
	bool known = cs->id >= 0 && cs->id < CONF_SERVERS_MAX;
	struct track *track = &f->servers[known ? cs->id : 0];

	if (strncmp(track->name, cs->name, sizeof(track->name) - 1) != 0) {
		free(track->samples);
		begin(track, cs->name);
	}
	return track;
}

/* The track of a name. */
static struct track *
by_name(struct named *named, const char *name)
{
	size_t i;

	for (i = 0; i < named->n; i++)
		if (strcmp(named->list[i].name, name) == 0)
			return &named->list[i];
	named->list =
	    xrealloc(named->list, (named->n + 1) * sizeof(*named->list));
	begin(&named->list[named->n], name);
	return &named->list[named->n++];
}

const struct track *
history_server(struct history *f, const struct conf_server *cs)
{
	return by_id(f, cs);
}

const struct track *
history_backend(struct history *f, const struct conf_backend *cb)
{
	return by_name(&f->backends, cb->name);
}

const struct track *
history_site(struct history *f, const struct conf_stats *cs)
{
	return by_name(&f->sites, cs->name);
}

const struct samples *
history_samples(struct history *f, const struct conf_server *cs)
{
	return by_id(f, cs)->samples;
}

uint64_t
history_bytes_rate(const struct history *f)
{
	return f->bytes_rate;
}

unsigned
history_idle(const struct history *f, unsigned threads)
{
	int64_t busy = threads == 0 ? 0 : f->cpu_rate / threads;

	return busy > 100 ? 0 : (unsigned)(100 - busy);
}

/* What a [stats] has counted. */
static void
read_site(const struct stats_source *src, const struct conf_stats *cs,
    struct site_counts *out)
{
	memset(out, 0, sizeof(*out));
	src->site_counts(
	    (size_t)(cs - src->conf(src->arg)->stats), out, src->arg);
}

void
history_site_counts(struct history *f, const struct stats_source *src,
    const struct conf_stats *cs, struct site_counts *out)
{
	const struct site_counts *was = &history_site(f, cs)->cleared;

	read_site(src, cs, out);
	out->connections -= was->connections;
	out->requests -= was->requests;
	out->bytes_in -= was->bytes_in;
	out->bytes_out -= was->bytes_out;
	for (size_t i = 0; i < 6; i++)
		out->responses[i] -= was->responses[i];
}

/* The larger one. */
static unsigned
most(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* There are so many sessions now, so many since the start; so many wait. */
static void
note_sessions(const struct history *f, struct track *track, unsigned now,
    uint64_t ever, unsigned waiting)
{
	track->smax = most(track->smax, now);
	track->qmax = most(track->qmax, waiting);
	if (ever != track->seen)
		track->last_session = f->looked;
	track->seen = ever;
	if (!f->second)
		return;
	track->rate =
	    ever > track->sessions ? (unsigned)(ever - track->sessions) : 0;
	track->rate_max = most(track->rate_max, track->rate);
	track->sessions = ever;
}

/* It is UP or DOWN now. */
static void
note_state(const struct history *f, struct track *track, bool up)
{
	if (track->up == up)
		return;
	if (up)
		track->down_ms += f->looked - track->since;
	else
		track->downs++;
	track->up = up;
	track->since = f->looked;
}

/* Count the checks that failed since the last look. forced: an operator said
 * what it is. */
static void
note_checks(struct track *track, const struct hstate *st, bool forced,
    const struct server_state *s)
{
	unsigned failed = s->failures - track->failures;

	/* Who is DOWN for its role has no health left to lose. */
	if (failed > 0 && (track->up || track->health > 0))
		track->fails += failed;
	else if (track->up && !st->up && !st->maint && !forced)
		track->fails++; /* its role is another one now */
	track->failures = s->failures;
	track->health = st->check.health;
}

/* A number that may be too large for a sample, or unknown if negative. */
static uint32_t
to_sample(int64_t n)
{
	if (n < 0)
		return SAMPLE_NONE;
	return n < SAMPLE_NONE ? (uint32_t)n : SAMPLE_NONE - 1;
}

/* Add what is true of a server to its last hour. */
static void
note_samples(const struct history *f, const struct stats_source *src,
    struct track *track, const struct monitor_server *ms)
{
	const struct observation *last = &ms->state->last;
	uint32_t look[SAMPLE_KINDS] = {
	    [SAMPLE_SESSIONS] = src->server_sessions(ms->conf->id, src->arg),
	    [SAMPLE_CHECK] =
		to_sample(last->result == PROBE_NONE ? -1 : last->duration_us),
	    [SAMPLE_LAG] = to_sample(ms->lag.ms)};
	struct counter_sums sums = {0};

	src->server_counters(ms->conf->id, &sums, src->arg);
	if (track->samples == NULL) {
		track->samples = xcalloc(1, sizeof(*track->samples));
		samples_begin(
		    track->samples, f->looked, sums.bytes_in + sums.bytes_out);
	}
	samples_note(
	    track->samples, f->looked, look, sums.bytes_in + sums.bytes_out);
}

/* Look at one server; true if it takes sessions. */
static bool
look_server(struct history *f, const struct stats_source *src,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	struct track *track = by_id(f, cs);
	struct monitor_server ms = monitor_server(src->monitor, cs);
	struct hstate st;

	if (f->second)
		note_samples(f, src, track, &ms);
	hstate_of(cb, &ms, &st);
	/* Until it is checked it counts as HAProxy counts it: as UP. */
	if (st.check.checked && st.check.status == HCHK_INI && !st.maint)
		return st.up;
	note_checks(track, &st,
	    ms.admin != NULL && ms.admin->health != ADMIN_CHECKED, ms.state);
	if (!track->known && st.maint)
		track->up = false; /* from the start: nothing has changed */
	track->known = true;
	note_state(f, track, st.up);
	return st.usable;
}

/* Look at a backend and at its servers. */
static void
look_backend(struct history *f, const struct stats_source *src,
    const struct conf_backend *cb)
{
	struct track *track = by_name(&f->backends, cb->name);
	const struct conf *conf = src->conf(src->arg);
	unsigned sessions = 0, held = 0, usable = 0;
	const struct conf_frontend *cf;
	struct counter_sums sums = {0};

	for (size_t i = 0; i < cb->nservers; i++)
		usable += look_server(f, src, cb, &cb->servers[i]);
	for (size_t i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		cf = &conf->frontends[i];
		if (cf->backend != cb)
			continue;
		sessions += src->frontend_sessions(cf->id, src->arg);
		held += src->frontend_held(cf->id, src->arg);
		src->frontend_counters(cf->id, &sums, src->arg);
	}
	note_sessions(f, track, sessions, sums.sessions, held);
	if (monitor_ready(src->monitor))
		note_state(f, track, usable > 0 || cb->nservers == 0);
}

/* Bytes that all clients were sent. */
static uint64_t
total_bytes(const struct stats_source *src, const struct conf *conf)
{
	struct counter_sums sums = {0};
	struct site_counts counts;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < conf->nfrontends + conf->nbranches; i++)
		src->frontend_counters(conf->frontends[i].id, &sums, src->arg);
	for (i = 0; i < conf->nstats; i++) {
		read_site(src, &conf->stats[i], &counts);
		bytes += counts.bytes_out;
	}
	return bytes + sums.bytes_out;
}

/* Look at a [stats]. */
static void
look_site(struct history *f, const struct stats_source *src,
    const struct conf_stats *cs)
{
	struct site_counts counts;

	read_site(src, cs, &counts);
	note_sessions(f, by_name(&f->sites, cs->name), counts.sessions,
	    counts.connections, 0);
}

/* Forget the figures of names that are no longer there. */
static void
prune(struct named *named, const char *const *names, size_t n)
{
	size_t kept = 0, i, j;

	for (i = 0; i < named->n; i++) {
		for (j = 0; j < n; j++)
			if (strcmp(named->list[i].name, names[j]) == 0)
				break;
		if (j < n)
			named->list[kept++] = named->list[i];
	}
	named->n = kept;
}

/* The same of backends and sites. */
static void
prune_all(struct history *f, const struct conf *conf)
{
	size_t n = conf->nbackends + conf->nstats + 1, i;
	const char **names = xcalloc(n, sizeof(*names));

	for (i = 0; i < conf->nbackends; i++)
		names[i] = conf->backends[i].name;
	prune(&f->backends, names, conf->nbackends);
	for (i = 0; i < conf->nstats; i++)
		names[i] = conf->stats[i].name;
	prune(&f->sites, names, conf->nstats);
	free(names);
}

/* Milliseconds of CPU time that the process has used. */
static int64_t
cpu_ms(void)
{
	struct rusage u = {0};

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

/* A second has passed since the last time. */
static void
end_second(struct history *f, int64_t now, uint64_t bytes)
{
	int64_t cpu = cpu_ms();

	f->bytes_rate = bytes > f->bytes ? bytes - f->bytes : 0;
	f->bytes = bytes;
	f->cpu_rate = (cpu - f->cpu_ms) * 100 / (now - f->counted);
	f->cpu_ms = cpu;
	f->counted = now;
}

void
history_tick(struct history *f, const struct stats_source *src)
{
	const struct conf *conf = src->conf(src->arg);
	int64_t now = clock_ms();
	size_t i;

	if (now - f->looked < LOOK_MS)
		return;
	f->looked = now;
	f->second = now - f->counted >= SECOND_MS;
	for (i = 0; i < conf->nbackends; i++)
		look_backend(f, src, &conf->backends[i]);
	for (i = 0; i < conf->nstats; i++)
		look_site(f, src, &conf->stats[i]);
	if (f->second)
		end_second(f, now, total_bytes(src, conf));
	if (f->backends.n > conf->nbackends || f->sites.n > conf->nstats)
		prune_all(f, conf);
}

void
history_refresh(struct history *f, const struct stats_source *src)
{
	f->looked = 0;
	history_tick(f, src);
}

/* Forget the most there was. */
static void
clear_most(struct track *track)
{
	track->smax = track->qmax = track->rate_max = 0;
}

/* Forget what was counted. */
static void
clear_counts(struct track *track)
{
	track->downs = track->fails = 0;
	track->down_ms = 0;
}

/* Forget what was counted of servers, backends and sites. */
static void
clear_all(struct history *f, const struct stats_source *src)
{
	const struct conf *conf = src->conf(src->arg);
	size_t i;

	for (i = 0; i < CONF_SERVERS_MAX; i++)
		clear_counts(&f->servers[i]);
	for (i = 0; i < f->backends.n; i++)
		clear_counts(&f->backends.list[i]);
	for (i = 0; i < conf->nstats; i++)
		read_site(src, &conf->stats[i],
		    &by_name(&f->sites, conf->stats[i].name)->cleared);
}

void
history_clear(struct history *f, const struct stats_source *src, bool all)
{
	size_t i;

	for (i = 0; i < f->backends.n; i++)
		clear_most(&f->backends.list[i]);
	for (i = 0; i < f->sites.n; i++)
		clear_most(&f->sites.list[i]);
	if (all)
		clear_all(f, src);
}
