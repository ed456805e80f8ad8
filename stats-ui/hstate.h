/*
 * What HAProxy would call a server's state: its check, what an operator says of
 * it, and whether new sessions go there.
 */
#ifndef STATS_UI_HSTATE_H
#define STATS_UI_HSTATE_H

#include "health/hcheck.h"
#include "health/monitor.h"

#define HSTATE_MAX 32 /* of hstate_str(), with its final NUL */

struct hstate {
	struct hcheck check;
	bool up;       /* not DOWN and not in maintenance */
	bool maint;    /* in maintenance */
	bool drain;    /* takes no new sessions */
	bool stopping; /* the same, because its health says so */
	bool usable;   /* takes new sessions */
};

/* The state of a server in this backend. */
void hstate_of(const struct conf_backend *cb, const struct monitor_server *ms,
    struct hstate *out);

/* "UP", "UP 1/3", "DOWN", "MAINT", "DRAIN", "NOLB", "no check". Returns buf. */
const char *hstate_str(const struct hstate *st, char buf[HSTATE_MAX]);

/* The class of its row on HAProxy's page: "active_up", "backup_down",
 * "maintain". Returns buf. */
const char *hstate_class(
    const struct hstate *st, bool backup, char buf[HSTATE_MAX]);

/* Which of hstate_words it is, as /metrics tells it. */
enum hstate_kind {
	HSTATE_DOWN,
	HSTATE_UP,
	HSTATE_MAINT,
	HSTATE_DRAIN,
	HSTATE_NOLB,
	HSTATE_KINDS
};
enum hstate_kind hstate_kind(const struct hstate *st);
extern const char *const hstate_words[HSTATE_KINDS];

#endif
