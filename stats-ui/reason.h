/*
 * Why a server is not, or not fully, in use: the same for the page, its JSON,
 * the status and the metrics.
 */
#ifndef STATS_UI_REASON_H
#define STATS_UI_REASON_H

#include "stats-ui/words.h"

enum reason {
	REASON_NOT, /* it is in use */
	REASON_MAINTENANCE,
	REASON_UNCHECKED, /* as it is configured */
	REASON_PENDING,   /* no check has ended yet */
	REASON_DOWN,
	REASON_DRAIN,   /* it answers, and takes no new sessions */
	REASON_CHECK,   /* it answers, but not as it should */
	REASON_CLUSTER, /* its Redis Cluster says so */
	REASON_FENCED,
	REASON_NOT_WRITER, /* though it says primary */
	REASON_LAGS,
	REASON_SYNCS,
	REASON_LINK,
	REASON_STRANGER, /* it follows somebody else */
	REASONS
};

enum reason reason_of(
    const struct conf_backend *cb, const struct monitor_server *ms);

/* A few words, "" of REASON_NOT. */
const char *reason_str(enum reason reason);

/* All that is to be said, "" if nothing is. Returns buf. */
const char *reason_words(const struct conf_backend *cb,
    const struct monitor_server *ms, char buf[WORDS_MAX]);

#endif
