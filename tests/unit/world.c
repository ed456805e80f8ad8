/*
 * A small world: replication, Sentinels and their failovers as far as somebody
 * who asks them can see.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/world.h"
#include "tests/unit/writer_situation.h"

#define START 100000 /* ms */

/* Note what happens. */
static void
note(struct world *w, const char *what, int whom)
{
	size_t i = w->nlog++ % WORLD_LOG;

	w->log[i].at = w->now;
	w->log[i].what = what;
	w->log[i].whom = whom;
}

void
world_print(const struct world *w)
{
	const struct world_server *s;
	size_t i = w->nlog > WORLD_LOG ? w->nlog - WORLD_LOG : 0;

	for (; i < w->nlog; i++)
		fprintf(stderr, "%lld %s %d\n",
		    (long long)(w->log[i % WORLD_LOG].at - START),
		    w->log[i % WORLD_LOG].what, w->log[i % WORLD_LOG].whom);
	for (i = 0; i < w->n; i++) {
		s = &w->servers[i];
		fprintf(stderr,
		    "server %zu: %s of %d, R%d<R%d run %d%s%s%s%s%s%s\n", i,
		    role_str(s->role), s->follows, s->replid, s->replid2,
		    s->run, s->alive ? "" : " dead", s->hung ? " hung" : "",
		    s->loading ? " loading" : "",
		    s->maintenance ? " maintenance" : "",
		    s->cut_us ? " cut-us" : "", s->cut_world ? " cut" : "");
	}
	for (i = 0; i < w->nsentinels; i++)
		fprintf(stderr, "sentinel %zu: %d/%lld%s\n", i,
		    w->sentinels[i].named, (long long)w->sentinels[i].epoch,
		    w->sentinels[i].alive ? "" : " dead");
}

/* Do others but us reach it? */
static bool
is_there(const struct world_server *s)
{
	return s->alive && !s->hung && !s->cut_world;
}

/* Can the Sentinel reach the others? */
static bool
is_active(const struct world_sentinel *t)
{
	return t->alive && !t->cut_world;
}

bool
world_answers(const struct world *w, size_t i)
{
	const struct world_server *s = &w->servers[i];

	return s->alive && !s->hung && !s->cut_us;
}

bool
world_linked(const struct world *w, size_t i)
{
	const struct world_server *s = &w->servers[i];

	return s->role == ROLE_REPLICA && s->follows >= 0 && is_there(s) &&
	       !s->loading && is_there(&w->servers[s->follows]) &&
	       !w->servers[s->follows].loading;
}

/* It continues what it has under a name of its own. */
static void
promote(struct world *w, struct world_server *s)
{
	s->role = ROLE_PRIMARY;
	s->follows = -1;
	s->replid2 = s->replid;
	s->replid = ++w->lineages;
}

/* It follows another from now on. */
static void
follow(struct world *w, size_t i, int primary)
{
	if ((int)i == primary)
		return;
	w->servers[i].role = ROLE_REPLICA;
	w->servers[i].follows = primary;
}

/* A Sentinel believes that from now on. */
static void
adopt(struct world *w, struct world_sentinel *t, int named, int64_t epoch)
{
	if (t->watched != named)
		t->pong_at = -1;
	t->named = t->watched = named;
	t->epoch = epoch;
	(void)w;
}

/* Sentinels tell each other. */
static void
gossip(struct world *w)
{
	struct world_sentinel *t = w->sentinels;
	size_t i, j;

	for (i = 0; i < w->nsentinels; i++)
		for (j = 0; j < w->nsentinels; j++)
			if (is_active(&t[i]) && is_active(&t[j]) &&
			    t[j].epoch > t[i].epoch)
				adopt(w, &t[i], t[j].named, t[j].epoch);
}

void
world_begin(struct world *w)
{
	size_t i;

	memset(w, 0, sizeof(*w));
	w->now = START;
	w->n = 2 + random_below(WORLD_SERVERS - 1);
	w->nsentinels = once_in(4) ? 0 : WORLD_SENTINELS;
	w->lineages = 1;
	w->promoted = -1;
	for (i = 0; i < w->n; i++) {
		w->servers[i].alive = true;
		w->servers[i].role = i == 0 ? ROLE_PRIMARY : ROLE_REPLICA;
		w->servers[i].follows = i == 0 ? -1 : 0;
		w->servers[i].replid = 1;
	}
	for (i = 0; i < w->nsentinels; i++)
		w->sentinels[i].alive = true;
}

void
world_pass(struct world *w, int64_t ms)
{
	struct world_sentinel *t;
	struct world_server *s;
	size_t i;

	w->now += ms;
	for (i = 0; i < w->n; i++) {
		s = &w->servers[i];
		if (s->loading && once_in(4))
			s->loading = false;
		if (!world_linked(w, i))
			continue;
		s->replid = w->servers[s->follows].replid;
		s->replid2 = w->servers[s->follows].replid2;
	}
	if (once_in(4))
		gossip(w);
	for (i = 0; i < w->nsentinels; i++) {
		t = &w->sentinels[i];
		if (is_active(t) && is_there(&w->servers[t->watched]))
			t->pong_at = w->now;
	}
}

/*
 * What may happen.
 */

/* A failover begins, if the Sentinels can agree on one. */
static void
begin_failover(struct world *w)
{
	size_t i, leader = random_below((unsigned)w->nsentinels), active = 0;
	size_t target = random_below((unsigned)w->n);
	const struct world_server *s = &w->servers[target];

	gossip(w);
	for (i = 0; i < w->nsentinels; i++)
		active += is_active(&w->sentinels[i]);
	if (!is_active(&w->sentinels[leader]) || active < 2 ||
	    s->role != ROLE_REPLICA || !is_there(s) || s->loading ||
	    (int)target == w->sentinels[leader].named)
		return;
	w->leader = (int)leader;
	w->target = (int)target;
	w->failover_epoch = ++w->epoch;
	w->phase = WORLD_SELECTED;
	w->news = WORLD_HAS_SELECTED;
	note(w, "selected", w->target);
}

/* Its successor becomes a primary. */
static void
promote_target(struct world *w)
{
	struct world_sentinel *leader = &w->sentinels[w->leader];

	if (!is_there(&w->servers[w->target]))
		return;
	promote(w, &w->servers[w->target]);
	leader->named = w->target;
	leader->epoch = w->failover_epoch;
	w->phase = WORLD_PROMOTED;
	note(w, "promoted", w->target);
}

/* The others hear of it, and follow. */
static void
end_failover(struct world *w)
{
	struct world_sentinel *leader = &w->sentinels[w->leader];
	size_t i;

	adopt(w, leader, w->target, w->failover_epoch);
	gossip(w);
	for (i = 0; i < w->n; i++)
		if (is_there(&w->servers[i]) && once_in(2))
			follow(w, i, w->target);
	w->phase = WORLD_PEACE;
	note(w, "switched", w->target);
}

/* The next step of a failover. */
static void
happen_failover(struct world *w)
{
	if (w->nsentinels == 0)
		return;
	if (w->phase != WORLD_PEACE && !is_active(&w->sentinels[w->leader])) {
		w->phase = WORLD_PEACE;
		note(w, "leader lost", w->leader);
	}
	if (w->phase == WORLD_PEACE)
		begin_failover(w);
	else if (w->phase == WORLD_SELECTED)
		promote_target(w);
	else
		end_failover(w);
}

/* The leading Sentinel gives up. */
static void
happen_abort(struct world *w)
{
	if (w->phase != WORLD_SELECTED)
		return;
	w->phase = WORLD_PEACE;
	w->news = WORLD_HAS_ABORTED;
	note(w, "aborted", w->leader);
}

/* A server ends, or starts again: some lose their data. */
static void
happen_crash(struct world *w)
{
	size_t i = random_below((unsigned)w->n);
	struct world_server *s = &w->servers[i];

	if (s->alive) {
		s->alive = s->hung = s->loading = false;
		note(w, "crash", (int)i);
		return;
	}
	s->alive = true;
	s->loading = once_in(2);
	s->run++;
	if (s->role == ROLE_PRIMARY) {
		promote(w, s);
		if (once_in(3))
			s->replid2 = 0;
	}
	note(w, "return", (int)i);
}

/* A server answers nobody, or again. */
static void
happen_hang(struct world *w)
{
	size_t i = random_below((unsigned)w->n);

	if (!w->servers[i].alive)
		return;
	w->servers[i].hung = !w->servers[i].hung;
	note(w, w->servers[i].hung ? "hangs" : "wakes", (int)i);
}

/* A cable. */
static void
happen_cut(struct world *w)
{
	size_t i = random_below((unsigned)w->n);
	struct world_server *s = &w->servers[i];

	if (once_in(3)) {
		s->cut_us = !s->cut_us;
		note(w, s->cut_us ? "cut from us" : "near us", (int)i);
	} else {
		s->cut_world = !s->cut_world;
		note(w, s->cut_world ? "cut off" : "joined", (int)i);
	}
}

/* An operator makes a replica a primary, or a server a replica. */
static void
happen_by_hand(struct world *w)
{
	size_t i = random_below((unsigned)w->n);
	size_t j = random_below((unsigned)w->n);
	struct world_server *s = &w->servers[i];

	if (!s->alive || s->hung)
		return;
	if (once_in(2) && s->role == ROLE_REPLICA) {
		promote(w, s);
		note(w, "detached", (int)i);
	} else if (i != j && w->servers[j].role == ROLE_PRIMARY) {
		follow(w, i, (int)j);
		note(w, "repointed", (int)i);
	}
}

/* An operator tells us something. */
static void
happen_maintenance(struct world *w)
{
	size_t i = random_below((unsigned)w->n);

	if (once_in(4)) {
		w->promoted = (int)i;
		note(w, "ctl promote", (int)i);
		return;
	}
	w->servers[i].maintenance = !w->servers[i].maintenance;
	note(w, w->servers[i].maintenance ? "maintenance" : "ready", (int)i);
}

/* A Sentinel ends or starts, or is cut off. */
static void
happen_sentinel(struct world *w)
{
	struct world_sentinel *t;
	size_t i;

	if (w->nsentinels == 0)
		return;
	i = random_below((unsigned)w->nsentinels);
	t = &w->sentinels[i];
	switch (random_below(3)) {
	case 0:
		t->alive = !t->alive;
		note(w, t->alive ? "sentinel starts" : "sentinel ends", (int)i);
		break;
	case 1:
		t->cut_us = !t->cut_us;
		note(w, "sentinel, cut from us or near", (int)i);
		break;
	default:
		t->cut_world = !t->cut_world;
		note(w, "sentinel, cut off or joined", (int)i);
		break;
	}
}

/* Sentinels put a server right. */
static void
happen_repair(struct world *w)
{
	size_t i = random_below((unsigned)w->n);
	int named;

	if (w->nsentinels == 0 || w->phase != WORLD_PEACE ||
	    !is_there(&w->servers[i]))
		return;
	gossip(w);
	named = w->sentinels[0].named;
	if (!is_active(&w->sentinels[0]) || !is_active(&w->sentinels[1]) ||
	    w->sentinels[1].named != named || (int)i == named)
		return;
	follow(w, i, named);
	note(w, "repaired", (int)i);
}

/* Somebody lies. */
static void
happen_forgery(struct world *w)
{
	/* Where there are no Sentinels, gossip alone is believed. */
	if (w->nsentinels == 0)
		return;
	w->forged = (int)random_below((unsigned)w->n);
	w->forged_at = w->now;
	w->forged_epoch = (int64_t)random_below(8);
	if (once_in(2))
		w->forged_epoch += 1000;
	note(w, "forged hello", w->forged);
}

/* All Sentinels are made anew. */
static void
happen_renewal(struct world *w)
{
	size_t i;

	if (w->phase != WORLD_PEACE || w->nsentinels == 0)
		return;
	gossip(w);
	for (i = 1; i < w->nsentinels; i++)
		if (w->sentinels[i].named != w->sentinels[0].named)
			return;
	for (i = 0; i < w->nsentinels; i++)
		w->sentinels[i].epoch = 0;
	w->epoch = 0;
	note(w, "made anew", w->sentinels[0].named);
}

void
world_event(struct world *w)
{
	static void (*const events[])(struct world *) = {happen_failover,
	    happen_failover, happen_failover, happen_failover, happen_abort,
	    happen_crash, happen_crash, happen_hang, happen_cut, happen_cut,
	    happen_by_hand, happen_maintenance, happen_sentinel,
	    happen_sentinel, happen_repair, happen_repair, happen_forgery,
	    happen_renewal};

	events[random_below(sizeof(events) / sizeof(events[0]))](w);
}

int
world_calm(struct world *w)
{
	struct world_sentinel *t = w->sentinels, *newest = t;
	struct world_server *s;
	size_t i;
	int primary;

	for (i = 0; i < w->nsentinels; i++) {
		t[i].alive = true;
		t[i].cut_us = t[i].cut_world = false;
		if (t[i].epoch > newest->epoch)
			newest = &t[i];
	}
	primary = w->nsentinels > 0 ? newest->named
				    : (int)random_below((unsigned)w->n);
	for (i = 0; i < w->nsentinels; i++)
		adopt(w, &t[i], newest->named, newest->epoch);
	for (i = 0; i < w->n; i++) {
		s = &w->servers[i];
		s->run += !s->alive;
		s->alive = true;
		s->hung = s->loading = s->maintenance = false;
		s->cut_us = s->cut_world = false;
		if ((int)i == primary && s->role != ROLE_PRIMARY)
			promote(w, s);
		follow(w, i, primary);
	}
	w->phase = WORLD_PEACE;
	w->news = WORLD_NO_NEWS;
	w->forged_at = 0;
	note(w, "calm", primary);
	return primary;
}
