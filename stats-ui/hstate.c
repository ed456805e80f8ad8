/*
 * A server's state in HAProxy's words. What it counts as is decided in
 * hcheck.c and by an operator; here both come together. Pure.
 */
#include <stdio.h>
#include <string.h>

#include "stats-ui/hstate.h"

const char *const hstate_words[HSTATE_KINDS] = {[HSTATE_DOWN] = "DOWN",
    [HSTATE_UP] = "UP",
    [HSTATE_MAINT] = "MAINT",
    [HSTATE_DRAIN] = "DRAIN",
    [HSTATE_NOLB] = "NOLB"};

void
hstate_of(const struct conf_backend *cb, const struct monitor_server *ms,
    struct hstate *out)
{
	enum admin_health forced =
	    ms->admin == NULL ? ADMIN_CHECKED : ms->admin->health;

	memset(out, 0, sizeof(*out));
	hcheck_of(cb, ms, &out->check);
	if (ms->admin != NULL && ms->admin->unchecked)
		out->check.checked = false;
	out->maint = ms->maintenance;
	out->stopping = forced == ADMIN_STOPPING;
	out->up =
	    !out->maint &&
	    (forced == ADMIN_CHECKED ? out->check.up : forced != ADMIN_DOWN);
	/* Checks that are disabled are not shown. */
	out->check.checked &= ms->admin == NULL || !ms->admin->unchecked;
	out->drain = ms->drain && !out->stopping;
	out->usable =
	    out->up && !out->drain && !out->stopping && ms->weight > 0;
}

/* Are all checks of late as they should be? */
static bool
is_steady(const struct hcheck *h)
{
	return !h->checked || h->health >= h->rise + h->fall - 1;
}

/* A word, and how many failed checks it is away from DOWN. */
static void
going(const struct hcheck *h, const char *word, char buf[HSTATE_MAX])
{
	unsigned left = h->health >= h->rise ? h->health - h->rise + 1 : 1;

	if (is_steady(h))
		snprintf(buf, HSTATE_MAX, "%s", word);
	else
		snprintf(buf, HSTATE_MAX, "%s %u/%u", word, left, h->fall);
}

const char *
hstate_str(const struct hstate *st, char buf[HSTATE_MAX])
{
	const struct hcheck *h = &st->check;

	if (st->maint)
		snprintf(buf, HSTATE_MAX, "MAINT");
	else if (!st->up && h->checked && h->health > 0 && !h->up)
		snprintf(buf, HSTATE_MAX, "DOWN %u/%u", h->health, h->rise);
	else if (!st->up)
		snprintf(buf, HSTATE_MAX, "DOWN");
	else if (st->stopping)
		going(h, "NOLB", buf);
	else if (st->drain)
		going(h, "DRAIN", buf);
	else if (!h->checked)
		snprintf(buf, HSTATE_MAX, "no check");
	else
		going(h, "UP", buf);
	return buf;
}

enum hstate_kind
hstate_kind(const struct hstate *st)
{
	if (st->maint)
		return HSTATE_MAINT;
	if (!st->up)
		return HSTATE_DOWN;
	if (st->stopping)
		return HSTATE_NOLB;
	return st->drain ? HSTATE_DRAIN : HSTATE_UP;
}

const char *
hstate_class(const struct hstate *st, bool backup, char buf[HSTATE_MAX])
{
	const struct hcheck *h = &st->check;
	const char *word = "up";

	if (!st->up)
		word =
		    h->checked && h->health > 0 && !h->up ? "going_up" : "down";
	else if (st->drain || st->stopping)
		word = "draining";
	else if (!h->checked)
		word = "no_check";
	else if (!is_steady(h))
		word = "going_down";
	if (st->maint)
		snprintf(buf, HSTATE_MAX, "maintain");
	else
		snprintf(buf, HSTATE_MAX, "%s_%s", backup ? "backup" : "active",
		    word);
	return buf;
}
