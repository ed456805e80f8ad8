/*
 * The only writer of truth about servers: it checks them, decides who takes the
 * writes, and publishes snapshots. Control thread only.
 */
#ifndef HEALTH_MONITOR_H
#define HEALTH_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "health/cluster.h"
#include "health/decision.h"
#include "health/lag.h"
#include "health/monitor_ops.h"
#include "health/report.h"
#include "health/role.h"
#include "health/snapshot.h"
#include "health/view.h"
#include "health/writer.h"

struct discovery;
struct event_base;
struct monitor;

struct monitor *monitor_new(
    struct event_base *base, const struct monitor_ops *ops);
void monitor_free(struct monitor *m);

/* Give each server of conf its id, keep what is known of unchanged ones, start
 * checking the new, retire the others. Publishes. -1, with nothing changed, if
 * there are more than CONF_SERVERS_MAX servers. conf stays the caller's, and
 * valid until the next call and until no worker uses it. */
int monitor_configure(struct monitor *m, struct conf *conf);

/* The workers have seen something new: go on with what waits for that. */
void monitor_seen(struct monitor *m);

/* Has every server been checked once? */
bool monitor_ready(const struct monitor *m);

/* What an operator asks for; -1 with the reason in words in error. promote: it
 * takes the writes, as long as no verdict and no majority says otherwise.
 * switchover: to that server (NULL: the best one); done is called once, later,
 * with what came of it. */
typedef void (*monitor_done_cb)(bool ok, const char *text, void *arg);
int monitor_promote(struct monitor *m, const char *backend, const char *server,
    char *error, size_t size);
int monitor_switchover(struct monitor *m, const char *backend, const char *to,
    monitor_done_cb done, void *arg, char *error, size_t size);

/* Servers that should be added or dropped: up to max into out. */
size_t monitor_discover(struct monitor *m, struct discovery *out, size_t max);

/* For the page: a server of the current configuration; the backend's writer
 * (NULL none) and why; the newest decisions, index 0 first (NULL past the
 * end). */
struct monitor_server monitor_server(
    const struct monitor *m, const struct conf_server *cs);
const struct conf_server *monitor_writer(const struct monitor *m,
    const struct conf_backend *cb, struct writer_verdict *why);

/* The branch of a frontend that serves who comes now. */
const struct conf_frontend *monitor_branch(
    const struct monitor *m, const struct conf_frontend *fe);

/* Is the backend a Redis Cluster, and how does it do? */
bool monitor_cluster(const struct monitor *m, const struct conf_backend *cb,
    struct cluster_summary *sum);
const struct decision *monitor_decision(const struct monitor *m, size_t i);
uint64_t monitor_decisions(const struct monitor *m); /* ever made */

/* What was counted of a backend's writer; borrowed, for now. */
const struct writer_counts *monitor_counts(
    const struct monitor *m, const struct conf_backend *cb);

/* One Sentinel of a backend, from 0 on; false past the end. */
bool monitor_sentinel(const struct monitor *m, const struct conf_backend *cb,
    size_t i, struct report_sentinel *out);

/* What the Sentinels say of a backend as a whole. */
struct report_watch monitor_watch(
    const struct monitor *m, const struct conf_backend *cb);
uint64_t monitor_generation(const struct monitor *m);

#endif
