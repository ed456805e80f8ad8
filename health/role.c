/*
 * What observations make of one server. Connectivity rises and falls slowly,
 * the role is believed at once: a wrong role is an answer, not a failure.
 */
#include <string.h>

#include "health/role.h"

/* Is the server alive and answering as Redis should, if not ready? */
static bool
is_good(enum probe_result result)
{
	return result == PROBE_BUSY || probe_result_has_role(result);
}

/* Does this failure mean that connections to it are dead already? Not if it is
 * only that others could not be made. */
static bool
is_gone(const struct observation *o)
{
	return o->status != HCHK_HANA &&
	       (o->result == PROBE_REFUSED || o->result == PROBE_CLOSED);
}

/* Has it gone DOWN since it last told its role? */
static bool
was_away(const struct server_state *s)
{
	return s->health == HEALTH_DOWN && s->known.at != 0 &&
	       s->known.at <= s->health_since;
}

/* Take a role that was told, and what it says of the past. */
static void
learn_role(
    struct server_state *s, const struct observation *o, struct role_change *c)
{
	const struct observation *old = &s->known;

	if (old->run_id[0] != '\0' && o->run_id[0] != '\0' &&
	    strcmp(old->run_id, o->run_id) != 0) {
		c->restarted = true;
		s->restarts++;
		s->offset_restarted = o->offset < old->offset;
	}
	if (o->role == ROLE_PRIMARY && (c->restarted || was_away(s)))
		s->returnee = true;
	if (o->role != s->role) {
		c->role = true;
		s->was_replica = s->role == ROLE_REPLICA;
		s->role = o->role;
		s->role_since = o->at;
	}
	if (o->role != ROLE_PRIMARY)
		s->returnee = false;
	s->known = *o;
}

/* Move between UP and DOWN; says what that means for its sessions. */
static void
set_health(struct server_state *s, enum health health, int64_t at,
    struct role_change *c)
{
	if (s->health == health)
		return;
	s->health = health;
	s->health_since = at;
	c->health = true;
	c->gone = health == HEALTH_DOWN && is_gone(&s->last);
	c->silent = health == HEALTH_DOWN && s->last.result == PROBE_TIMEOUT;
}

struct role_change
role_update(struct server_state *s, const struct observation *o, unsigned fall,
    unsigned rise)
{
	struct role_change c = {0};
	bool first = s->health == HEALTH_UNCHECKED,
	     was_gone = is_gone(&s->last);

	c.result = s->last.result != o->result;
	s->last = *o;
	if (probe_result_has_role(o->result) && o->role != ROLE_UNKNOWN)
		learn_role(s, o, &c);
	if (is_good(o->result)) {
		s->bad = 0;
		if (++s->good >= rise || first)
			set_health(s, HEALTH_UP, o->at, &c);
	} else {
		s->failures += s->health != HEALTH_DOWN || s->good > 0;
		s->good = 0;
		if (++s->bad >= fall || first)
			set_health(s, HEALTH_DOWN, o->at, &c);
		/* It was silent, and is gone now. */
		if (s->health == HEALTH_DOWN && !was_gone && is_gone(o))
			c.gone = true;
	}
	return c;
}

bool
role_readable(const struct server_state *s, const struct server_state *writer,
    bool recent)
{
	const struct observation *k = &s->known;

	if (s->health != HEALTH_UP || s->role != ROLE_REPLICA ||
	    s->last.result == PROBE_LOADING ||
	    s->last.result == PROBE_MASTERDOWN || k->syncing)
		return false;
	/* Not repointed yet: what the old writer had is what it serves. */
	if (recent && writer != NULL && writer->known.replid2[0] != '\0' &&
	    strcmp(k->replid, writer->known.replid2) == 0)
		return true;
	return k->link_up &&
	       (writer == NULL || strcmp(k->replid, writer->known.replid) == 0);
}

const char *
health_str(enum health health)
{
	switch (health) {
	case HEALTH_UP:
		return "UP";
	case HEALTH_DOWN:
		return "DOWN";
	default:
		return "UNCHECKED";
	}
}
