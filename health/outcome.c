/*
 * What the end of a check means. Of a Redis, the sessions on a server that is
 * gone are of no use to anybody; on others they stay in the way of HAProxy,
 * unless the configuration says otherwise.
 */
#include "health/outcome.h"
#include "base/clock.h"
#include "base/log.h"
#include "health/check.h"
#include "health/group.h"
#include "health/hlines.h"
#include "health/member.h"

/* What a line about a server says besides. Returns f. */
static const struct log_fields *
server_fields(const struct member *mb, struct log_fields *f)
{
	const struct server_state *s = check_state(mb->check);
	char addr[ADDR_STR_MAX];

	f->len = 0;
	log_field(f, "backend", mb->group->name);
	log_field(f, "server", mb->name);
	log_field(f, "address", addr_str(check_addr(mb->check), addr));
	log_field(f, "health", health_str(s->health));
	log_field(f, "role", role_str(s->role));
	log_field(f, "result", probe_result_str(s->last.result));
	log_field(f, "detail", s->last.detail);
	return f;
}

/* One line in our words for what changed at one server. */
static void
report(const struct member *mb, const struct role_change *change)
{
	const struct check *c = mb->check;
	const struct server_state *s = check_state(c);
	char addr[ADDR_STR_MAX];
	const char *detail = s->last.detail;
	struct log_fields f;

	enum log_level level =
	    s->health == HEALTH_UP && s->restarts == 0 && !change->role
		? LEVEL_INFO
		: LEVEL_WARN;

	if (change->health || change->role || change->restarted)
		log_event(level, "server", server_fields(mb, &f),
		    "server %s/%s (%s) is %s, role %s%s: %s%s%s",
		    mb->group->name, mb->name, addr_str(check_addr(c), addr),
		    health_str(s->health), role_str(s->role),
		    change->restarted ? ", restarted" : "",
		    probe_result_str(s->last.result),
		    detail[0] == '\0' ? "" : ": ", detail);
	else if (change->result)
		log_event(LEVEL_INFO, "check", server_fields(mb, &f),
		    "server %s/%s (%s): check: %s%s%s", mb->group->name,
		    mb->name, addr_str(check_addr(c), addr),
		    probe_result_str(s->last.result),
		    detail[0] == '\0' ? "" : ": ", detail);
}

/* The same, unless it changes all the time: then it is said once, and again
 * when it has been calm. */
static void
report_limited(struct member *mb, const struct role_change *change)
{
	const struct server_state *s = check_state(mb->check);
	enum flap_verdict verdict = FLAP_LOG;
	unsigned withheld = flap_calm(&mb->flap, clock_ms());
	struct log_fields f;

	if (withheld > 0)
		log_event(LEVEL_WARN, "server", server_fields(mb, &f),
		    "server %s/%s is %s, role %s, and has not changed for %d "
		    "s; %u changes were not logged",
		    mb->group->name, mb->name, health_str(s->health),
		    role_str(s->role), FLAP_QUIET_MS / 1000, withheld);
	if (change->health || change->role || change->restarted ||
	    change->result)
		verdict = flap_change(&mb->flap, clock_ms());
	if (verdict != FLAP_WITHHOLD)
		report(mb, change);
	if (verdict == FLAP_LOG_END)
		log_event(LEVEL_WARN, "server", server_fields(mb, &f),
		    "server %s/%s changes all the time: %d times within %d s; "
		    "its changes are not logged until it has been calm for so "
		    "long",
		    mb->group->name, mb->name, FLAP_CHANGES,
		    FLAP_QUIET_MS / 1000);
}

/* It went DOWN, or is gone. */
static void
close_down(const struct members *m, struct member *mb,
    const struct role_change *change)
{
	bool down =
	    change->health && check_state(mb->check)->health == HEALTH_DOWN;
	bool keeps = !mb->group->redis && m->conf->haproxy;

	if (down && mb->cs != NULL && mb->cs->close_down)
		member_close_sessions(mb, CLOSE_DOWN);
	else if (keeps)
		return;
	else if (change->gone)
		member_close_sessions(mb, CLOSE_DOWN);
	else if (change->silent && !group_writes(mb))
		member_close_sessions(mb, CLOSE_TIMEOUT);
}

/* It went UP: the sessions on backup servers are to come to it. */
static void
close_backups(struct member *mb)
{
	struct member *o;

	TAILQ_FOREACH (o, &mb->group->members, in_group) {
		if (o->cs != NULL && o->cs->backup)
			member_close_sessions(o, CLOSE_BACKUP);
	}
}

void
outcome_take(struct members *m, struct member *mb,
    const struct role_change *change, bool moved)
{
	if (!hlines_speak(m) || change->restarted)
		report_limited(mb, change);
	if (moved)
		group_moved(m, mb, check_state(mb->check)->last.at);
	else
		close_down(m, mb, change);
	if (change->health && mb->cs != NULL && mb->cs->close_backups &&
	    !mb->cs->backup && check_state(mb->check)->health == HEALTH_UP)
		close_backups(mb);
}
