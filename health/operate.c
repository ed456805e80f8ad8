/*
 * What an operator sets of one server. Each order changes the admin part of a
 * member; then its group decides again, and what is news is published.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "health/check.h"
#include "health/duty.h"
#include "health/group.h"
#include "health/hlines.h"
#include "health/member.h"
#include "health/monitoring.h"
#include "health/operate.h"
#include "health/publisher.h"

/* The member that a server of the running configuration is. */
static struct member *
member_of(struct monitor *m, const struct conf_server *cs)
{
	return m->all.list[cs->id];
}

/* Say in our words what is ordered; those of HAProxy follow in settle(). */
static void
say(const struct monitor *m, const struct member *mb, const char *what)
{
	if (!hlines_speak(&m->all))
		log_warn("server %s/%s: %s, by the operator", mb->group->name,
		    mb->name, what);
}

/* A member has changed: decide and publish. */
static void
settle(struct monitor *m, struct member *mb)
{
	mb->group->changed = true;
	group_evaluate(&m->all, mb->group, clock_ms());
	hlines_update(&m->all, mb);
	publisher_changes(m->publisher);
}

/* One that is out of use by order closes its sessions, if it is to. */
static void
close_down(struct member *mb, enum snapshot_close reason)
{
	if (mb->cs->close_down)
		member_close_sessions(mb, reason);
}

void
operate_state(
    struct monitor *m, const struct conf_server *cs, enum admin_state state)
{
	struct member *mb = member_of(m, cs);

	if (mb->admin.state == state)
		return;
	say(m, mb, admin_state_str(state));
	mb->admin.state = state;
	if (state == ADMIN_MAINT)
		close_down(mb, CLOSE_MAINT);
	settle(m, mb);
}

void
operate_weight(struct monitor *m, const struct conf_server *cs, unsigned weight)
{
	struct member *mb = member_of(m, cs);

	mb->admin.weight = weight;
	settle(m, mb);
}

void
operate_maxconn(
    struct monitor *m, const struct conf_server *cs, unsigned maxconn)
{
	struct member *mb = member_of(m, cs);

	mb->admin.maxconn = maxconn;
	settle(m, mb);
}

void
operate_health(
    struct monitor *m, const struct conf_server *cs, enum admin_health health)
{
	struct member *mb = member_of(m, cs);

	say(m, mb, admin_health_str(health));
	mb->admin.health = health;
	mb->admin.against = 0;
	if (health == ADMIN_DOWN)
		close_down(mb, CLOSE_DOWN);
	settle(m, mb);
}

void
operate_checks(struct monitor *m, const struct conf_server *cs, bool on)
{
	struct member *mb = member_of(m, cs);
	bool up = check_state(mb->check)->health != HEALTH_DOWN;

	if (mb->admin.unchecked == !on)
		return;
	mb->admin.unchecked = !on;
	if (on)
		mb->admin.health = ADMIN_CHECKED;
	else if (mb->admin.health == ADMIN_CHECKED)
		mb->admin.health = up ? ADMIN_UP : ADMIN_DOWN;
	settle(m, mb);
}

void
operate_move(struct monitor *m, const struct conf_server *cs, const char *host,
    uint16_t port)
{
	struct member *mb = member_of(m, cs);
	char *copy = xstrdup(host); /* may be what is replaced */

	log_warn("server %s/%s: is at %s port %u, by the operator",
	    mb->group->name, mb->name, host, port);
	free(mb->admin.host);
	mb->admin.host = copy;
	mb->admin.port = port;
	if (member_watch(m->duties, mb) && mb->group->redis)
		group_moved(&m->all, mb, clock_ms());
	settle(m, mb);
}
