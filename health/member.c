/*
 * What the deciding of every kind of backend has in common.
 */
#include <string.h>

#include "base/clock.h"
#include "health/check.h"
#include "health/duty.h"
#include "health/member.h"

const struct server_state *
member_state(const struct members *m, int id)
{
	return check_state(m->list[id]->check);
}

int
member_named(const struct group *g, const char *server)
{
	const struct member *mb;

	TAILQ_FOREACH (mb, &g->members, in_group) {
		if (mb->cs != NULL && strcmp(mb->name, server) == 0)
			return mb->id;
	}
	return -1;
}

bool
member_watch(struct duties *d, struct member *mb)
{
	struct conf_server at = *mb->cs;
	struct duty *old = mb->duty;
	bool moved;

	if (mb->admin.host != NULL) {
		at.host = mb->admin.host;
		at.port = mb->admin.port;
	}
	moved = old != NULL && !check_same_host(mb->check, &at);
	mb->duty = duty_take(d, mb->group->cb, &at);
	mb->check = duty_check(mb->duty);
	if (mb->duty != old)
		mb->pace = 0;
	if (old != NULL)
		duty_release(old);
	return moved;
}

void
member_close_sessions(struct member *mb, enum snapshot_close reason)
{
	mb->now.closes++;
	mb->now.close_reason = reason;
}

void
member_pace(const struct members *m, struct member *mb, int64_t pace)
{
	size_t i;

	if (mb->pace == pace)
		return;
	mb->pace = pace;
	for (i = 0; i < m->n; i++) {
		const struct member *o = m->list[i];

		if (o != NULL && o->check == mb->check && o->pace != 0 &&
		    (pace == 0 || o->pace < pace))
			pace = o->pace;
	}
	check_pace(mb->check, pace);
}

/* Copy a name that may be missing. */
static void
copy_name(char *dst, size_t size, const char *name)
{
	strncpy(dst, name == NULL ? "" : name, size - 1);
	dst[size - 1] = '\0';
}

struct decision *
member_decision(
    struct members *m, struct group *g, int from, int to, int64_t evidence_at)
{
	struct decision *d = &m->decisions[m->ndecisions++ % MONITOR_DECISIONS];

	memset(d, 0, sizeof(*d));
	d->wall_us = clock_wall_us();
	copy_name(d->backend, sizeof(d->backend), g->name);
	if (from >= 0) {
		copy_name(d->from, sizeof(d->from), m->list[from]->name);
		d->from_offset = member_state(m, from)->known.offset;
	}
	if (to >= 0) {
		copy_name(d->to, sizeof(d->to), m->list[to]->name);
		d->to_offset = member_state(m, to)->known.offset;
	}
	d->took_ms = clock_ms() - evidence_at;
	g->counts.changes += to >= 0 && to != from;
	if (from >= 0 && to >= 0 && to != from)
		histogram_add(
		    &g->counts.switches, HISTOGRAM_SHORT, d->took_ms * 1000);
	if (to >= 0 && g->cb != NULL)
		d->held = m->held(g->cb, m->arg);
	return d;
}

const struct log_fields *
member_decision_fields(const struct decision *d, struct log_fields *f)
{
	f->len = 0;
	log_field(f, "backend", d->backend);
	log_field(f, "from", d->from);
	log_field(f, "to", d->to);
	log_field(f, "action", writer_action_str(d->action));
	log_field(f, "cause", writer_cause_str(d->cause));
	log_field(f, "rule", writer_cause_rule(d->cause));
	log_field(f, "evidence", d->evidence);
	log_field_number(f, "votes", d->votes);
	log_field_number(f, "voters", d->voters);
	log_field_number(f, "took_ms", d->took_ms);
	log_field_number(f, "sessions_closed", d->sessions_closed);
	log_field_number(f, "held", d->held);
	return f;
}
