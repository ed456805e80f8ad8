/*
 * What people and programs can see over HTTP: the page, its JSON, health and
 * readiness. Control thread only; nothing here changes what the proxy does.
 */
#ifndef STATS_UI_STATS_H
#define STATS_UI_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/view.h"
#include "conf/conf.h"
#include "health/monitor.h"

struct admin_ops;
struct event_base;
struct history;
struct site_counts;
struct stats;

/* Reloads of the configuration. */
struct stats_reloads {
	unsigned ok, failed;
	bool last_failed;
};

/* Where the figures come from; set by main. All are called with arg. */
struct stats_source {
	const struct monitor *monitor;
	const struct conf *(*conf)(void *); /* the running one */
	unsigned (*sessions)(void *);       /* clients now */
	unsigned (*server_sessions)(int id, void *);
	unsigned (*frontend_sessions)(int id, void *);
	unsigned (*frontend_held)(int id, void *);
	enum frontend_state (*frontend_state)(int id, void *);
	int64_t (*frontend_maxconn)(int id, void *); /* -1: of the conf */
	void (*server_counters)(int id, struct counter_sums *, void *);
	void (*frontend_counters)(int id, struct counter_sums *, void *);
	void (*figures)(struct figures *, void *); /* of all clients */
	void (*server_figures)(int id, struct figures *, void *);
	void (*frontend_figures)(int id, struct figures *, void *);
	void (*frontend_times)(int id, struct frontend_times *, void *);
	int64_t (*stall_ms)(void *); /* since the slowest worker turned */
	int64_t (*worker_stall_ms)(unsigned worker, void *);
	bool (*draining)(void *);
	unsigned (*workers)(void *);
	struct stats_reloads (*reloads)(void *);
	/* Of conf's [stats] with this index. */
	void (*site_counts)(size_t site, struct site_counts *, void *);
	int64_t started; /* clock_ms() at the start; 0: when stats_new() ran */
	struct history *history; /* (borrowed from main) */
	void *arg;
};

/* What whoever may look can change, where that is allowed; copied. */
void stats_set_admin(struct stats *s, const struct admin_ops *admin);

/* Keeps a copy of source. */
struct stats *stats_new(
    struct event_base *base, const struct stats_source *source);

/* Open the addresses that conf->stats name and that are not open yet; -1 with
 * error set if one cannot be opened, and nothing has changed. */
int stats_listen(
    struct stats *s, const struct conf *conf, char *error, size_t size);

/* Take that into use; close addresses that are no longer named. */
void stats_commit(struct stats *s);

/* Close all addresses. */
void stats_unlisten(struct stats *s);

/* Close what stats_listen() opened and stats_commit() did not take. */
void stats_abort(struct stats *s);

/* What has been asked for at a [stats] of the running configuration. */
void stats_site_counts(
    const struct stats *s, size_t site, struct site_counts *out);

/* How long a client may take to send its request; 10 s unless told. */
void stats_set_timeout(struct stats *s, int64_t ms);
void stats_free(struct stats *s);

/* Renderers: each adds its document to out; cs is whose page it is, notice a
 * sentence to begin with (NULL: none). still: the page does not refresh. */
struct evbuffer;
void stats_render_html(const struct stats_source *src,
    const struct conf_stats *cs, const char *notice, bool still,
    struct evbuffer *out);
void stats_render_json(const struct stats_source *src,
    const struct conf_stats *cs, struct evbuffer *out);
void stats_render_status(const struct stats_source *src, struct evbuffer *out);

/* One line for monitoring: OK, WARNING or CRITICAL, and what is not well. */
void stats_render_alarm(const struct stats_source *src, struct evbuffer *out);

#endif
