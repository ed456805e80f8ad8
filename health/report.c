/*
 * What is known of a backend's Sentinels, for people.
 */
#include <string.h>

#include "base/clock.h"
#include "health/check.h"
#include "health/members.h"
#include "health/report.h"
#include "health/sentinels.h"
#include "health/watch.h"

/* What its newest answer says. */
static void
report_view(const struct members *m, const struct group *g,
    const struct sentinel_view *v, struct report_sentinel *out)
{
	int id;

	out->tilt = v->tilt;
	if (v->at == 0 || !v->knows)
		return;
	out->named = v->primary;
	out->epoch = v->epoch;
	if (v->ok_ping >= 0 && !v->disconnected)
		out->heard_ms = clock_ms() - v->at + v->ok_ping;
	id = watch_map(m, g, &v->primary);
	out->name = id < 0 ? NULL : m->list[id]->name;
}

bool
report_sentinel(const struct members *m, const struct group *g, size_t i,
    struct report_sentinel *out)
{
	struct sentinels_one one;

	if (!sentinels_get(g->watch.sentinels, i, &one))
		return false;
	memset(out, 0, sizeof(*out));
	out->place = one.place;
	out->configured = one.configured;
	out->epoch = out->heard_ms = -1;
	out->trouble = "only heard of";
	if (one.sentinel != NULL) {
		out->trouble = sentinel_trouble(one.sentinel);
		report_view(m, g, sentinel_view(one.sentinel), out);
	}
	return true;
}

struct report_watch
report_watch(const struct members *m, const struct group *g)
{
	const struct watch *w = &g->watch;
	struct report_watch out = {.master_name = sentinels_name(w->sentinels),
	    .known = sentinels_known(w->sentinels),
	    .agree = w->verdict.agree,
	    .hear = w->witness.hear,
	    .epoch = w->verdict.epoch,
	    .stranger = w->verdict.epoch >= 0 && w->verdict.named < 0,
	    .reason = w->witness.reason};

	if (g->writer >= 0)
		out.risky =
		    !check_state(m->list[g->writer]->check)->known.bounded;
	return out;
}
