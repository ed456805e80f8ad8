/*
 * Which branch of its frontend a session belongs to, and which configuration;
 * the counts follow it. Before it is relayed it can change both.
 */
#include "proxy/session.h"

void
session_use_conf(const struct worker *w, const struct conf *conf, int change)
{
	atomic_fetch_add_explicit(&conf->use->worker[w->index].sessions,
	    (uint32_t)change, memory_order_release);
}

void
session_uncount(struct worker *w, int frontend_id, int branch_id)
{
	atomic_fetch_sub(&w->load, 1);
	atomic_fetch_sub(&w->shared->sessions, 1);
	atomic_fetch_sub(&w->shared->frontend_clients[frontend_id], 1);
	atomic_fetch_sub(&w->shared->frontend_sessions[branch_id], 1);
}

/* It belongs there from now on; a held one waits in another queue. */
static void
change_branch(struct session *s, const struct conf_frontend *to)
{
	struct worker *w = s->worker;
	struct shared *sh = w->shared;
	int from = s->fe->id;
	bool moves = from != to->id, held = s->state == STATE_HELD;

	if (to->conf != s->fe->conf) {
		session_use_conf(w, to->conf, 1);
		session_use_conf(w, s->fe->conf, -1);
	}
	s->fe = to;
	if (!moves)
		return;
	atomic_fetch_sub(&sh->frontend_sessions[from], 1);
	atomic_fetch_add(&sh->frontend_sessions[to->id], 1);
	if (!held)
		return;
	TAILQ_REMOVE(&w->held[from], s, link);
	TAILQ_INSERT_TAIL(&w->held[to->id], s, link);
	if (s->queued) {
		atomic_fetch_sub(&sh->frontend_held[from], 1);
		atomic_fetch_add(&sh->frontend_held[to->id], 1);
	}
}

void
session_follow_rules(struct session *s)
{
	const struct conf_frontend *fe = session_origin(s), *to;

	to = snapshot_branch(s->worker->snapshot, fe);
	if (to != s->fe)
		change_branch(s, to);
}

bool
session_rebind(struct session *s)
{
	const struct conf_frontend *was = session_origin(s);
	const struct conf_frontend *fe = s->worker->frontends[was->id];

	if (fe == NULL) {
		session_turn_away(s);
		return false;
	}
	if (fe != was)
		change_branch(s, snapshot_branch(s->worker->snapshot, fe));
	return true;
}
