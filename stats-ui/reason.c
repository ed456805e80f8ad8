/*
 * Reasons, and their sentences.
 */
#include <stdio.h>

#include "stats-ui/cluster.h"
#include "stats-ui/reason.h"

/* "lags 12.3 s behind (max-lag 10 s)": of both limits the one that it is
 * beyond, or to half of which it is not back. Returns buf. */
static const char *
lagging_words(const struct conf_backend *cb, const struct monitor_server *ms,
    char buf[WORDS_MAX])
{
	double s = (double)ms->lag.ms / 1000, max = (double)cb->max_lag / 1000;
	uint64_t bytes = (uint64_t)ms->lag.bytes, most = cb->max_lag_bytes;
	const char *still =
	    ms->now->readable ? "; still used: min-readers" : "";
	char is[32], limit[32];

	words_bytes(bytes, is);
	if (ms->lag.ms < 0)
		snprintf(buf, WORDS_MAX, "lagged when last known%s", still);
	else if (cb->max_lag > 0 && ms->lag.ms > cb->max_lag)
		snprintf(buf, WORDS_MAX, "lags %.1f s behind (max-lag %g s)%s",
		    s, max, still);
	else if (most > 0 && bytes > most)
		snprintf(buf, WORDS_MAX, "lags %s behind (max-lag-bytes %s)%s",
		    is, words_bytes(most, limit), still);
	else if (cb->max_lag > 0 && ms->lag.ms > cb->max_lag / 2)
		snprintf(buf, WORDS_MAX, "lags %.1f s behind (back at %g s)%s",
		    s, max / 2, still);
	else
		snprintf(buf, WORDS_MAX, "lags %s behind (back at %s)%s", is,
		    words_bytes(most / 2, limit), still);
	return buf;
}

/* Why a server that answers does less than its role could. */
static enum reason
reason_up(const struct monitor_server *ms)
{
	const struct server_state *st = ms->state;

	if (st->last.result != PROBE_OK && st->last.result != PROBE_NONE)
		return REASON_CHECK;
	if (ms->use != CLUSTER_UNKNOWN && ms->use != CLUSTER_REPLICA)
		return cluster_reason(ms)[0] == '\0' ? REASON_NOT
						     : REASON_CLUSTER;
	if (st->role == ROLE_PRIMARY && ms->fenced)
		return REASON_FENCED;
	if (st->role == ROLE_PRIMARY && !ms->writer)
		return REASON_NOT_WRITER;
	if (st->role == ROLE_REPLICA && ms->fit && ms->lagging)
		return REASON_LAGS;
	if (st->role != ROLE_REPLICA || ms->now->readable)
		return REASON_NOT;
	if (st->known.syncing)
		return REASON_SYNCS;
	return st->known.link_up ? REASON_STRANGER : REASON_LINK;
}

enum reason
reason_of(const struct conf_backend *cb, const struct monitor_server *ms)
{
	if (ms->maintenance)
		return REASON_MAINTENANCE;
	if (cb->check == CHECK_NONE ||
	    (ms->conf->unchecked && cb->check != CHECK_REDIS))
		return REASON_UNCHECKED;
	if (ms->state->health == HEALTH_UNCHECKED)
		return REASON_PENDING;
	if (ms->state->health == HEALTH_DOWN)
		return REASON_DOWN;
	if (ms->drain || ms->weight == 0)
		return REASON_DRAIN;
	return cb->check == CHECK_REDIS ? reason_up(ms) : REASON_NOT;
}

const char *
reason_str(enum reason why)
{
	static const char *const words[REASONS] = {[REASON_NOT] = "",
	    [REASON_MAINTENANCE] = "maintenance",
	    [REASON_UNCHECKED] = "not checked",
	    [REASON_PENDING] = "no check yet",
	    [REASON_DOWN] = "down",
	    [REASON_DRAIN] = "drain",
	    [REASON_CHECK] = "check",
	    [REASON_CLUSTER] = "cluster",
	    [REASON_FENCED] = "fenced",
	    [REASON_NOT_WRITER] = "not the writer",
	    [REASON_LAGS] = "lags",
	    [REASON_SYNCS] = "synchronising",
	    [REASON_LINK] = "no link",
	    [REASON_STRANGER] = "follows another"};

	return words[why];
}

/* The sentence of a reason. May use buf. */
static const char *
sentence(enum reason why, const struct conf_backend *cb,
    const struct monitor_server *ms, char buf[WORDS_MAX])
{
	switch (why) {
	case REASON_MAINTENANCE:
		return "taken out by the operator";
	case REASON_UNCHECKED:
		return cb->check != CHECK_NONE
			   ? "not checked, as it is configured"
			   : "not checked: check = none";
	case REASON_PENDING:
		return "no check has ended yet";
	case REASON_DOWN:
	case REASON_CHECK:
		return probe_result_str(ms->state->last.result);
	case REASON_DRAIN:
		return ms->drain ? "drained: takes no new sessions"
				 : "weight 0: takes no new sessions";
	case REASON_CLUSTER:
		return cluster_reason(ms);
	case REASON_FENCED:
		return "fenced: it lost the writes";
	case REASON_NOT_WRITER:
		return "says primary but is not the writer";
	case REASON_LAGS:
		return lagging_words(cb, ms, buf);
	case REASON_SYNCS:
		return "synchronising with its primary";
	case REASON_LINK:
		return "its link to the primary is down";
	case REASON_STRANGER:
		return ms->use == CLUSTER_REPLICA
			   ? "not fit for reads: not a replica of its "
			     "shard's primary"
			   : "not fit for reads: not a replica of the writer";
	default:
		return "";
	}
}

const char *
reason_words(const struct conf_backend *cb, const struct monitor_server *ms,
    char buf[WORDS_MAX])
{
	enum reason why = reason_of(cb, ms);
	char lagging[WORDS_MAX];
	const char *text = sentence(why, cb, ms, lagging), *detail = "";

	if (why == REASON_DOWN || why == REASON_CHECK)
		detail = ms->state->last.detail;
	snprintf(buf, WORDS_MAX, "%.500s%s%.130s", text,
	    detail[0] == '\0' ? "" : ": ", detail);
	return buf;
}
