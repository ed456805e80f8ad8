/*
 * Figures that take time to know and that the proxy does not keep: when a
 * server's state changed, the most that several frontends had together, the
 * rates of the pages. Sampled on the control thread; control thread only.
 */
#ifndef STATS_UI_HISTORY_H
#define STATS_UI_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_backend;
struct conf_server;
struct conf_stats;
struct history;
struct samples;
struct stats_source;

/* Requests of a [stats]. */
struct site_counts {
	unsigned sessions; /* connections now */
	uint64_t connections, requests, bytes_in, bytes_out;
	uint64_t responses[6]; /* 1xx to 5xx, other */
};

/* One server, backend or [stats] over time. */
struct track {
	char name[64];

	/* Of a backend or a [stats]: */
	uint64_t sessions;       /* as of the last second */
	unsigned rate, rate_max; /* of new ones, a second */
	unsigned smax, qmax;     /* the most sessions, waiting clients */
	uint64_t seen;           /* sessions, as of the last look */
	int64_t last_session;    /* clock_ms(), 0 never */

	/* Of a server or a backend: */
	bool known;        /* has been looked at */
	bool up;           /* as of the last look; true before the first */
	int64_t since;     /* clock_ms() */
	uint64_t downs;    /* changes to DOWN */
	uint64_t fails;    /* failed checks while it was not simply DOWN */
	unsigned health;   /* as of the last look */
	unsigned failures; /* of the checks, as of the last look */
	int64_t down_ms;   /* DOWN, but for the current time */
	struct samples *samples; /* of a server; NULL: none yet */

	struct site_counts cleared; /* when they were */
};

struct history *history_new(void);
void history_free(struct history *f);

/* Look at everything, if it is time: call it some times a second. */
void history_tick(struct history *f, const struct stats_source *src);

/* Look now: somebody wants to know. */
void history_refresh(struct history *f, const struct stats_source *src);

/* Forget the most there was; all: and what was counted. The proxy's counters
 * are the proxy's to clear. */
void history_clear(struct history *f, const struct stats_source *src, bool all);

/* Of the running configuration's objects; never NULL. */
const struct track *history_server(
    struct history *f, const struct conf_server *cs);
const struct track *history_backend(
    struct history *f, const struct conf_backend *cb);
const struct track *history_site(
    struct history *f, const struct conf_stats *cs);

/* The last hour of a server; NULL if it has not begun. */
const struct samples *history_samples(
    struct history *f, const struct conf_server *cs);

/* Bytes to clients in the last second; percent of that second that so many
 * threads were idle. */
uint64_t history_bytes_rate(const struct history *f);
unsigned history_idle(const struct history *f, unsigned threads);

/* What a [stats] counted since that was cleared. */
void history_site_counts(struct history *f, const struct stats_source *src,
    const struct conf_stats *cs, struct site_counts *out);

#endif
