/*
 * What the page and its JSON say alike: sentences, status words, lag. Every
 * text may hold bytes from the network: the renderers make it safe.
 */
#ifndef STATS_UI_WORDS_H
#define STATS_UI_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats-ui/stats.h"

/* Room for a sentence, with its final NUL. */
#define WORDS_MAX 768

/* "UP", "DOWN", "UNCHECKED", "MAINT". */
const char *words_status(const struct monitor_server *ms);

/* Does it take the writes? "yes", "away", "fenced", "". */
const char *words_writer(const struct monitor_server *ms);

/* Who takes the writes, or that nobody does and why. Returns buf. */
const char *words_backend(const struct stats_source *src,
    const struct conf_backend *cb, char buf[WORDS_MAX]);

/* "3 of 3 replicas follow, 0.2 s behind at most.", of a backend that has a
 * writer and is no cluster; else "". Returns buf. */
const char *words_followers(const struct stats_source *src,
    const struct conf_backend *cb, char buf[WORDS_MAX]);

/* One change of the writer in parts: what happened, why, with the evidence, and
 * what came of it. */
struct words_decision {
	char what[WORDS_MAX], why[WORDS_MAX], effect[WORDS_MAX];
};
void words_decision_parts(const struct decision *d, struct words_decision *out);

/* One change of the writer, without its time. Returns buf. */
const char *words_decision(const struct decision *d, char buf[WORDS_MAX]);

/* What one Sentinel says, or why it cannot be asked. Returns buf. */
const char *words_sentinel(
    const struct report_sentinel *s, char buf[WORDS_MAX]);

/* What all Sentinels of a backend say. Returns buf. */
const char *words_watch(const struct stats_source *src,
    const struct conf_backend *cb, char buf[WORDS_MAX]);

/* Where a server is: its address, or its name while that is not resolved.
 * Returns buf. */
const char *words_address(const struct monitor_server *ms, char buf[WORDS_MAX]);

/* The time of day, with the date if that is not today's. Returns buf. */
const char *words_time(int64_t wall_us, char buf[WORDS_MAX]);

/* The wall clock's time, in microseconds, of a clock_ms() value. */
int64_t words_wall_us(int64_t ms);

/* Bytes as people read them: "17 B", "1.2 GiB". Returns buf. */
const char *words_bytes(uint64_t n, char buf[32]);

/* A span of time in its two largest units: "3 h 12 min". Returns buf. */
const char *words_span(int64_t ms, char buf[WORDS_MAX]);

/* How far a replica is behind: "1.2 MiB, 3.4 s"; "" if not known. */
const char *words_lag(const struct lag *lag, char buf[WORDS_MAX]);

/* Clients that wait for a server of this backend. */
unsigned words_held(
    const struct stats_source *src, const struct conf_backend *cb);

/* May this frontend send new sessions to this server now? */
bool words_eligible(
    const struct conf_frontend *cf, const struct snapshot_server *now);

/* Bytes of the UTF-8 character at text (RFC 3629); 0 if it is not one. */
size_t words_utf8(const char *text);

/* Clients of a frontend, and those of them who wait. */
struct words_load {
	unsigned sessions, held;
};

/* That of a frontend in all its branches; adds what they counted to sums. */
struct words_load words_frontend(const struct stats_source *src,
    const struct conf_frontend *cf, struct counter_sums *sums);

/* How long its sessions took, of all its branches; adds to times. */
void words_times(const struct stats_source *src, const struct conf_frontend *cf,
    struct frontend_times *times);

/* Has a frontend, or the branch that monitor_branch() says, a server for new
 * clients? */
bool words_serves(
    const struct stats_source *src, const struct conf_frontend *cf);

#endif
