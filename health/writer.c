/*
 * Who may take the writes of one backend: rules W4 (the incumbent, its lineage,
 * the votes of the replicas) and W5 (cold start) of the single writer. The
 * incumbent is asked about first; only when it has lost its claim are others.
 */
#include <string.h>

#include "health/writer.h"

/* One decision under way. */
struct election {
	const struct writer_server *servers;
	size_t n;
	const struct writer_history *history;
	int voters; /* replicas with a link, whomever they follow */
};

/* Known and the same? */
static bool
same_id(const char *a, const char *b)
{
	return a[0] != '\0' && strcmp(a, b) == 0;
}

/* Does it claim the writes, and could it take them? */
static bool
is_candidate(const struct writer_server *s)
{
	return s->checked && s->up && s->role == ROLE_PRIMARY && !s->loading &&
	       !s->maintenance;
}

/* A candidate that may become the writer, not only stay it. */
static bool
may_become(const struct writer_server *s)
{
	return is_candidate(s) && !s->retired;
}

/* A replica whose word counts as a vote. */
static bool
is_voter(const struct writer_server *s)
{
	return s->checked && s->up && s->role == ROLE_REPLICA && s->link_up;
}

/* Replicas with a link that hold this lineage. */
static int
count_votes(const struct election *e, const char *replid)
{
	int votes = 0;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (is_voter(&e->servers[i]) &&
		    same_id(e->servers[i].replid, replid))
			votes++;
	}
	return votes;
}

/* Does the candidate continue the data that the lost writer had? */
static bool
continues(const struct writer_server *s, const char *replid)
{
	return same_id(s->replid, replid) || same_id(s->replid2, replid);
}

static struct writer_verdict
verdict(const struct election *e, enum writer_action action,
    enum writer_cause cause, int writer)
{
	struct writer_verdict v = {action, cause, writer, 0, e->voters};

	if (writer >= 0)
		v.votes = count_votes(e, e->servers[writer].replid);
	return v;
}

/* Nobody to give the writes to: what becomes of the incumbent. */
static struct writer_verdict
nobody(const struct election *e, enum writer_cause cause)
{
	const struct writer_history *h = e->history;

	if (h->incumbent < 0 || h->fenced)
		return verdict(e, WRITER_NONE, cause, -1);
	return verdict(e, WRITER_FENCE, cause, -1);
}

/* The only index for which ok() holds, -1 for none, -2 for several. */
static int
only(const struct election *e,
    bool (*ok)(const struct election *, const struct writer_server *))
{
	int found = -1;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (!may_become(&e->servers[i]) || !ok(e, &e->servers[i]))
			continue;
		if (found >= 0)
			return -2;
		found = (int)i;
	}
	return found;
}

static bool
any_candidate(const struct election *e, const struct writer_server *s)
{
	(void)e;
	(void)s;
	return true;
}

/* Is it a successor of the last writer's data? */
static bool
of_lineage(const struct election *e, const struct writer_server *s)
{
	return continues(s, e->history->replid);
}

/* Does the old writer itself follow it? */
static bool
followed_by_incumbent(const struct election *e, const struct writer_server *s)
{
	const struct writer_server *old = &e->servers[e->history->incumbent];

	return old->up && old->role == ROLE_REPLICA && old->link_up &&
	       same_id(old->replid, s->replid);
}

/* The one candidate that more than half of the voters follow; -1 none. A
 * returnee needs no followers to be dangerous, so it never counts here. */
static int
by_majority(const struct election *e, int except)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		if ((int)i == except || !may_become(&e->servers[i]) ||
		    e->servers[i].returnee)
			continue;
		if (2 * count_votes(e, e->servers[i].replid) > e->voters)
			return (int)i;
	}
	return -1;
}

/* The one candidate with more votes than any other; -1 on a draw. */
static int
by_most_votes(const struct election *e)
{
	int best = -1, most = 0, votes;
	bool draw = false;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (!may_become(&e->servers[i]))
			continue;
		votes = count_votes(e, e->servers[i].replid);
		if (votes > most) {
			best = (int)i;
			most = votes;
			draw = false;
		} else if (votes == most) {
			draw = true;
		}
	}
	return draw ? -1 : best;
}

/* The one candidate that continues another's data and is continued by none. */
static int
by_succession(const struct election *e)
{
	const struct writer_server *s = e->servers;
	int found = -1;
	bool heir, ancestor;
	size_t i, j;

	for (i = 0; i < e->n; i++) {
		if (!may_become(&s[i]))
			continue;
		heir = ancestor = false;
		for (j = 0; j < e->n; j++) {
			if (i == j || !may_become(&s[j]))
				continue;
			heir |= same_id(s[i].replid2, s[j].replid);
			ancestor |= same_id(s[j].replid2, s[i].replid);
		}
		if (!heir || ancestor)
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

/* Do two candidates share any past? */
static bool
any_related(const struct election *e)
{
	const struct writer_server *s = e->servers;
	size_t i, j;

	for (i = 0; i < e->n; i++) {
		for (j = 0; j < e->n; j++) {
			if (i != j && may_become(&s[i]) && may_become(&s[j]) &&
			    (continues(&s[i], s[j].replid) ||
				same_id(s[i].replid2, s[j].replid2)))
				return true;
		}
	}
	return false;
}

/* Does some server that answers still hold the lost writer's data? */
static bool
lineage_is_held(const struct election *e)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		const struct writer_server *s = &e->servers[i];

		if (s->up && !s->retired && s->role == ROLE_REPLICA &&
		    continues(s, e->history->replid))
			return true;
	}
	return false;
}

/* W5: no incumbent to hold on to. */
static struct writer_verdict
cold_start(const struct election *e)
{
	int x;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (!e->servers[i].checked && !e->servers[i].retired)
			return nobody(e, CAUSE_NOT_CHECKED);
	}
	x = only(e, any_candidate);
	if (x >= 0)
		return verdict(e, WRITER_SWITCH, CAUSE_ONLY, x);
	if (x == -1)
		return nobody(e, CAUSE_NO_CANDIDATE);
	x = by_most_votes(e);
	if (x >= 0)
		return verdict(e, WRITER_SWITCH, CAUSE_VOTES, x);
	x = by_succession(e);
	if (x >= 0)
		return verdict(e, WRITER_SWITCH, CAUSE_LINEAGE, x);
	if (e->voters == 0 && !any_related(e))
		return nobody(e, CAUSE_UNRELATED);
	return nobody(e, CAUSE_TIE);
}

/* W4 when the incumbent still is a primary: a majority moves it, no less. */
static struct writer_verdict
incumbent_stands(const struct election *e)
{
	int i = e->history->incumbent, x;
	struct writer_verdict v;

	x = by_majority(e, i);
	if (x >= 0)
		return verdict(e, WRITER_SWITCH, CAUSE_VOTES, x);
	/* The operator has taken it out of the list: any other will do. */
	if (e->servers[i].retired) {
		v = cold_start(e);
		if (v.action == WRITER_SWITCH)
			return v;
	}
	if (e->history->fenced)
		return verdict(e, WRITER_SWITCH, CAUSE_RESUMED, i);
	return verdict(e, WRITER_STAY, CAUSE_STANDS, i);
}

/* Why the incumbent cannot take writes. */
static enum writer_cause
why_lost(const struct writer_server *s)
{
	if (s->maintenance)
		return CAUSE_MAINTENANCE;
	if (!s->up || !s->checked)
		return CAUSE_AWAY;
	if (s->role == ROLE_REPLICA)
		return CAUSE_DEMOTED;
	return s->loading ? CAUSE_LOADING : CAUSE_AWAY;
}

/* A successor of the incumbent that is gone, or has become a replica; -1. */
static int
find_successor(const struct election *e, enum writer_cause *cause)
{
	int x;

	*cause = CAUSE_FOLLOWED;
	x = only(e, followed_by_incumbent);
	if (x >= 0)
		return x;
	*cause = CAUSE_SUCCESSOR;
	x = only(e, of_lineage);
	if (x >= 0)
		return x;
	*cause = CAUSE_VOTES;
	return by_majority(e, e->history->incumbent);
}

/* W4 when the incumbent has lost its claim. */
static struct writer_verdict
incumbent_lost(const struct election *e)
{
	const struct writer_history *h = e->history;
	enum writer_cause cause, lost = why_lost(&e->servers[h->incumbent]);
	int x = find_successor(e, &cause);

	if (x >= 0)
		return verdict(e, WRITER_SWITCH, cause, x);
	if (only(e, any_candidate) != -1) {
		if (!lineage_is_held(e))
			return cold_start(e);
		lost = lost == CAUSE_AWAY ? CAUSE_NOT_OF_LINEAGE : lost;
	}
	if (h->fenced)
		return verdict(e, WRITER_NONE, lost, -1);
	if (lost == CAUSE_DEMOTED || lost == CAUSE_MAINTENANCE)
		return verdict(e, WRITER_FENCE, lost, -1);
	return verdict(e, WRITER_WAIT, lost, h->incumbent);
}

struct writer_verdict
writer_decide(const struct writer_server *servers, size_t n,
    const struct writer_history *history)
{
	struct election e = {servers, n, history, 0};
	int i = history->incumbent;
	size_t j;

	for (j = 0; j < n; j++) {
		if (is_voter(&servers[j]))
			e.voters++;
	}
	if (i < 0)
		return cold_start(&e);
	if (is_candidate(&servers[i]))
		return incumbent_stands(&e);
	return incumbent_lost(&e);
}

const char *
writer_action_str(enum writer_action action)
{
	switch (action) {
	case WRITER_STAY:
		return "stay";
	case WRITER_WAIT:
		return "wait";
	case WRITER_FENCE:
		return "fence";
	case WRITER_SWITCH:
		return "switch";
	default:
		return "none";
	}
}

const char *
writer_cause_str(enum writer_cause cause)
{
	static const char *const words[] = {
	    [CAUSE_NOT_CHECKED] = "not every server has been checked yet",
	    [CAUSE_NO_CANDIDATE] = "no server says primary",
	    [CAUSE_STANDS] = "still a primary",
	    [CAUSE_AWAY] = "the writer does not answer",
	    [CAUSE_LOADING] = "the writer is loading its data",
	    [CAUSE_MAINTENANCE] = "the writer is in maintenance",
	    [CAUSE_DEMOTED] = "the writer has become a replica",
	    [CAUSE_SUCCESSOR] = "continues the old writer's data",
	    [CAUSE_RESUMED] = "the same server is back",
	    [CAUSE_FOLLOWED] = "the old writer follows it",
	    [CAUSE_VOTES] = "most replicas follow it",
	    [CAUSE_ONLY] = "the only primary",
	    [CAUSE_LINEAGE] = "continues the data of the other primary",
	    [CAUSE_TIE] = "several primaries and nothing tells which is "
			  "right: make all but one of them replicas",
	    [CAUSE_UNRELATED] = "these are unrelated servers: several "
				"primaries without replicas or a common past",
	    [CAUSE_NOT_OF_LINEAGE] = "a primary is there, but replicas hold "
				     "newer data of the lost writer",
	};

	return words[cause];
}
