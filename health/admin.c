/*
 * What an operator has said of one server, and for how long that holds.
 */
#include <stdlib.h>
#include <string.h>

#include "health/admin.h"

#define SLOW_STEPS 20 /* of a slow start, so that few snapshots are made */

void
admin_configure(struct admin *a, const struct conf_server *cs, bool fresh)
{
	if (fresh) {
		admin_clear(a);
		memset(a, 0, sizeof(*a));
	}
	if (fresh || a->file.disabled != cs->disabled)
		a->state = cs->disabled ? ADMIN_MAINT : ADMIN_READY;
	if (fresh || a->file.weight != cs->weight)
		a->weight = cs->weight;
	if (fresh || a->file.maxconn != cs->maxconn)
		a->maxconn = cs->maxconn;
	a->file.disabled = cs->disabled;
	a->file.weight = cs->weight;
	a->file.maxconn = cs->maxconn;
}

void
admin_clear(struct admin *a)
{
	free(a->host);
	a->host = NULL;
}

bool
admin_up(const struct admin *a, bool checked_up)
{
	switch (a->health) {
	case ADMIN_UP:
	case ADMIN_STOPPING:
		return true;
	case ADMIN_DOWN:
		return false;
	default:
		return checked_up;
	}
}

void
admin_check(struct admin *a, bool up, bool good, unsigned rise, unsigned fall)
{
	bool against = a->health == ADMIN_UP ? !good : good;
	unsigned most = a->health == ADMIN_UP     ? fall
			: a->health == ADMIN_DOWN ? rise
						  : 1;

	if (a->health == ADMIN_CHECKED || a->unchecked)
		return;
	a->against = against ? a->against + 1 : 0;
	if (a->against >= most || up == (a->health == ADMIN_UP))
		a->health = ADMIN_CHECKED;
}

void
admin_note(
    struct admin *a, const struct conf_server *cs, bool able, int64_t now)
{
	if (!able)
		a->was_down = true;
	else if (a->was_down) {
		a->was_down = false;
		a->slow_from = cs->slow_start > 0 ? now : 0;
	}
}

bool
admin_drains(const struct admin *a)
{
	return a->state == ADMIN_DRAIN || a->health == ADMIN_STOPPING;
}

unsigned
admin_parts(const struct admin *a, const struct conf_server *cs, int64_t now)
{
	int64_t all = (int64_t)a->weight * ADMIN_WEIGHT_PARTS, part, step;

	if (a->slow_from == 0 || cs->slow_start <= 0 ||
	    now - a->slow_from >= cs->slow_start)
		return (unsigned)all;
	step = (now - a->slow_from) * SLOW_STEPS / cs->slow_start;
	/* From 1 % on. */
	part = step == 0 ? all / 100 : all * step / SLOW_STEPS;
	return all > 0 && part == 0 ? 1 : (unsigned)part;
}

unsigned
admin_shown_weight(unsigned parts)
{
	return (parts + ADMIN_WEIGHT_PARTS - 1) / ADMIN_WEIGHT_PARTS;
}

const char *
admin_state_str(enum admin_state state)
{
	static const char *const words[] = {"ready", "drain", "maint"};

	return words[state];
}

const char *
admin_health_str(enum admin_health health)
{
	static const char *const words[] = {
	    "checked", "up", "stopping", "down"};

	return words[health];
}
