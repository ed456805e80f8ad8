/*
 * Who may take the writes of one backend. First what the Sentinels do (W2) and
 * say (W1, W3); without them the incumbent, its lineage and the votes of the
 * replicas (W4), or a cold start (W5). The incumbent is asked about first; only
 * when it has lost its claim are others.
 */
#include <stdio.h>
#include <string.h>

#include "health/writer.h"

/* One decision under way. */
struct election {
	const struct writer_server *servers;
	size_t n;
	const struct writer_history *history;
	const struct writer_evidence *evidence;
	int replicas; /* that answer, with a link or without */
	int voters;   /* of them, with a link, whomever they follow */
	int deposed;  /* may not become the writer; -1 none */
};

/* A question about a candidate. */
typedef bool (*question)(const struct election *, const struct writer_server *);

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
may_become(const struct election *e, const struct writer_server *s)
{
	return is_candidate(s) && !s->retired && s - e->servers != e->deposed;
}

/* A replica that answers. */
static bool
is_replica(const struct writer_server *s)
{
	return s->checked && s->up && s->role == ROLE_REPLICA;
}

/* Does the server continue the data of that lineage? */
static bool
continues(const struct writer_server *s, const char *replid)
{
	return same_id(s->replid, replid) || same_id(s->replid2, replid);
}

/* Replicas with a link that hold this lineage. */
static int
count_votes(const struct election *e, const char *replid)
{
	int votes = 0;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (is_replica(&e->servers[i]) && e->servers[i].link_up &&
		    same_id(e->servers[i].replid, replid))
			votes++;
	}
	return votes;
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

/*
 * Questions.
 */

static bool
anyone(const struct election *e, const struct writer_server *s)
{
	(void)e;
	(void)s;
	return true;
}

/* Has it been there all the time? Who comes back may hold old data. */
static bool
no_returnee(const struct election *e, const struct writer_server *s)
{
	(void)e;
	return !s->returnee;
}

/* Does it continue the last writer's data? */
static bool
of_lineage(const struct election *e, const struct writer_server *s)
{
	return continues(s, e->history->replid);
}

/* Is it the process that was the writer? */
static bool
same_process(const struct election *e, const struct writer_server *s)
{
	return same_id(s->run_id, e->history->run_id);
}

/* Does the old writer itself follow it? */
static bool
followed_by_incumbent(const struct election *e, const struct writer_server *s)
{
	const struct writer_server *old = &e->servers[e->history->incumbent];

	return is_replica(old) && old->link_up &&
	       same_id(old->replid, s->replid);
}

/*
 * Choices.
 */

/* How many candidates is that true of; *found is the last of them. */
static int
count(const struct election *e, question ok, int *found)
{
	int n = 0;
	size_t i;

	*found = -1;
	for (i = 0; i < e->n; i++) {
		if (!may_become(e, &e->servers[i]) || !ok(e, &e->servers[i]))
			continue;
		*found = (int)i;
		n++;
	}
	return n;
}

/* The only candidate for which that is true; -1 none or several. */
static int
only(const struct election *e, question ok)
{
	int found, n = count(e, ok, &found);

	return n == 1 ? found : -1;
}

/* Do more than half of all replicas follow it? Those without a link count as
 * undecided: one of three is no majority because two are resynchronising. */
static bool
has_majority(const struct election *e, const struct writer_server *s)
{
	return 2 * count_votes(e, s->replid) > e->replicas;
}

/* The candidate with the majority; -1 none. A returnee never wins this way. */
static int
by_majority(const struct election *e, int except)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		if ((int)i != except && may_become(e, &e->servers[i]) &&
		    !e->servers[i].returnee && has_majority(e, &e->servers[i]))
			return (int)i;
	}
	return -1;
}

/* The most votes that a candidate has for which that is true. */
static int
most_votes(const struct election *e, question ok)
{
	int most = 0, votes;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (!may_become(e, &e->servers[i]) || !ok(e, &e->servers[i]))
			continue;
		votes = count_votes(e, e->servers[i].replid);
		if (votes > most)
			most = votes;
	}
	return most;
}

/* Of the candidates with so many votes: does s continue another's data, and is
 * it continued by none? */
static bool
is_heir(const struct election *e, question ok, int votes,
    const struct writer_server *s)
{
	bool heir = false, ancestor = false;
	size_t i;

	for (i = 0; i < e->n; i++) {
		const struct writer_server *o = &e->servers[i];

		if (o == s || !may_become(e, o) || !ok(e, o) ||
		    count_votes(e, o->replid) != votes)
			continue;
		heir |= same_id(s->replid2, o->replid);
		ancestor |= same_id(o->replid2, s->replid);
	}
	return heir && !ancestor;
}

/* The candidate with the most votes; of several such, the one that continues
 * the others' data. -1 if that does not tell them apart, or there is none. */
static int
best(const struct election *e, question ok, enum writer_cause *cause)
{
	int most = most_votes(e, ok), top = 0, heirs = 0, at = -1, heir = -1;
	size_t i;

	for (i = 0; i < e->n; i++) {
		const struct writer_server *s = &e->servers[i];

		if (!may_become(e, s) || !ok(e, s) ||
		    count_votes(e, s->replid) != most)
			continue;
		top++;
		at = (int)i;
		if (is_heir(e, ok, most, s)) {
			heirs++;
			heir = (int)i;
		}
	}
	*cause = top == 1 ? CAUSE_VOTES : CAUSE_LINEAGE;
	if (top == 1)
		return at;
	return heirs == 1 ? heir : -1;
}

/* The candidate that continues the last writer's data; -1 none, or several that
 * nothing tells apart. */
static int
successor(const struct election *e, enum writer_cause *cause)
{
	int x = best(e, of_lineage, cause), last;

	if (count(e, of_lineage, &last) == 1)
		*cause = CAUSE_SUCCESSOR;
	return x;
}

/* Do two candidates share any past? */
static bool
any_related(const struct election *e)
{
	const struct writer_server *s = e->servers;
	size_t i, j;

	for (i = 0; i < e->n; i++) {
		for (j = 0; j < e->n; j++) {
			if (i != j && may_become(e, &s[i]) &&
			    may_become(e, &s[j]) &&
			    (continues(&s[i], s[j].replid) ||
				same_id(s[i].replid2, s[j].replid2)))
				return true;
		}
	}
	return false;
}

/* Does some server that answers still hold the last writer's data? */
static bool
lineage_is_held(const struct election *e)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (is_replica(&e->servers[i]) && !e->servers[i].retired &&
		    continues(&e->servers[i], e->history->replid))
			return true;
	}
	return false;
}

/*
 * Rules.
 */

/* W5: there is no incumbent to hold on to. Only SWITCH, or NONE and why. */
static struct writer_verdict
cold_start(const struct election *e, question ok)
{
	enum writer_cause cause;
	int x, n = count(e, ok, &x);
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (!e->servers[i].checked && !e->servers[i].retired)
			return verdict(e, WRITER_NONE, CAUSE_NOT_CHECKED, -1);
	}
	if (n == 1)
		return verdict(e, WRITER_SWITCH, CAUSE_ONLY, x);
	if (n == 0)
		return verdict(e, WRITER_NONE, CAUSE_NO_CANDIDATE, -1);
	x = best(e, ok, &cause);
	if (x >= 0)
		return verdict(e, WRITER_SWITCH, cause, x);
	if (e->voters == 0 && !any_related(e))
		return verdict(e, WRITER_NONE, CAUSE_UNRELATED, -1);
	return verdict(e, WRITER_NONE, CAUSE_TIE, -1);
}

/* The candidate that most replicas follow rather than n; -1 none. Where the
 * last verdict named n, it is not the one before n: they are repointed one by
 * one. */
static int
outvotes(const struct election *e, int n)
{
	int x = by_majority(e, n);

	if (x >= 0 && e->evidence->epoch >= 0 && e->evidence->named == n &&
	    same_id(e->servers[n].replid2, e->servers[x].replid))
		return -1;
	return x;
}

/* Who takes over from a writer that stands, if anyone does. */
static struct writer_verdict
replaces_standing(const struct election *e)
{
	const struct writer_history *h = e->history;
	const struct writer_server *i = &e->servers[h->incumbent];
	enum writer_cause cause;
	int x = outvotes(e, h->incumbent);

	if (x >= 0)
		return verdict(e, WRITER_SWITCH, CAUSE_VOTES, x);
	/* It is back, and has lost what another has continued. */
	x = only(e, of_lineage);
	if (x >= 0 && x != h->incumbent && !same_process(e, i) &&
	    !of_lineage(e, i) && !has_majority(e, i))
		return verdict(e, WRITER_SWITCH, CAUSE_SUCCESSOR, x);
	if (!i->retired)
		return verdict(e, WRITER_STAY, CAUSE_STANDS, h->incumbent);
	/* The operator has taken it out of the list: the same process under
	 * another name, its successor, or any if nobody holds its data. */
	x = only(e, same_process);
	if (x >= 0)
		return verdict(e, WRITER_SWITCH, CAUSE_RESUMED, x);
	x = successor(e, &cause);
	if (x >= 0)
		return verdict(e, WRITER_SWITCH, cause, x);
	if (!lineage_is_held(e))
		return cold_start(e, no_returnee);
	return verdict(e, WRITER_STAY, CAUSE_STANDS, h->incumbent);
}

/* It was fenced, and writes again: why? */
static enum writer_cause
back(const struct writer_history *h)
{
	return h->fenced_for == CAUSE_UNWITNESSED ? CAUSE_WITNESSED
						  : CAUSE_RESUMED;
}

/* W4 when the incumbent still is a primary. */
static struct writer_verdict
incumbent_stands(const struct election *e)
{
	const struct writer_history *h = e->history;
	const struct writer_server *i = &e->servers[h->incumbent];
	struct writer_verdict v = replaces_standing(e);

	if (v.action == WRITER_SWITCH)
		return v;
	if (!h->fenced)
		return verdict(e, WRITER_STAY, CAUSE_STANDS, h->incumbent);
	/* No client can reach it any more: nothing to resume. */
	if (i->retired)
		return verdict(e, WRITER_NONE, CAUSE_NO_CANDIDATE, -1);
	return verdict(e, WRITER_SWITCH, back(h), h->incumbent);
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

/* Who takes over from a writer that is gone, or has become a replica: SWITCH,
 * or NONE and why nobody does. */
static struct writer_verdict
replaces_lost(const struct election *e, enum writer_cause lost)
{
	enum writer_cause cause = CAUSE_VOTES;
	int x = by_majority(e, e->history->incumbent);

	if (x >= 0) {
		if (followed_by_incumbent(e, &e->servers[x]))
			cause = CAUSE_FOLLOWED;
		else if (only(e, of_lineage) == x)
			cause = CAUSE_SUCCESSOR;
		return verdict(e, WRITER_SWITCH, cause, x);
	}
	x = only(e, followed_by_incumbent);
	if (x >= 0)
		return verdict(e, WRITER_SWITCH, CAUSE_FOLLOWED, x);
	x = successor(e, &cause);
	if (x >= 0)
		return verdict(e, WRITER_SWITCH, cause, x);
	if (count(e, of_lineage, &x) > 1)
		return verdict(e, WRITER_NONE, CAUSE_TIE, -1);
	/* It is alive and about to have its data again; or others have it. */
	if (count(e, anyone, &x) == 0 || lost == CAUSE_LOADING)
		return verdict(e, WRITER_NONE, lost, -1);
	if (lineage_is_held(e) || count(e, no_returnee, &x) == 0)
		return verdict(e, WRITER_NONE, CAUSE_NOT_OF_LINEAGE, -1);
	return cold_start(e, no_returnee);
}

/* W4 when the incumbent has lost its claim. */
static struct writer_verdict
incumbent_lost(const struct election *e)
{
	const struct writer_history *h = e->history;
	enum writer_cause lost = why_lost(&e->servers[h->incumbent]);
	struct writer_verdict v = replaces_lost(e, lost);

	if (v.action == WRITER_SWITCH || h->fenced)
		return v;
	if (lost == CAUSE_DEMOTED || lost == CAUSE_MAINTENANCE)
		return verdict(e, WRITER_FENCE, lost, -1);
	return verdict(e, WRITER_WAIT, v.cause, h->incumbent);
}

/* The incumbent may not write any more: fence it. With replace, who continues
 * its data takes over. */
static struct writer_verdict
depose(struct election *e, enum writer_cause cause, bool replace)
{
	const struct writer_history *h = e->history;
	struct writer_verdict v;

	/* Not while most replicas follow it: they would bring it back. */
	if (replace && h->incumbent >= 0 &&
	    !(is_candidate(&e->servers[h->incumbent]) &&
		has_majority(e, &e->servers[h->incumbent]))) {
		e->deposed = h->incumbent;
		v = replaces_lost(e, cause);
		if (v.action == WRITER_SWITCH &&
		    of_lineage(e, &e->servers[v.writer]))
			return v;
	}
	if (h->incumbent < 0 || h->fenced)
		return verdict(e, WRITER_NONE, cause, -1);
	return verdict(e, WRITER_FENCE, cause, -1);
}

/* The incumbent is the one that should write: does it, and can it? */
static struct writer_verdict
confirm(const struct election *e, enum writer_cause cause)
{
	const struct writer_history *h = e->history;
	const struct writer_server *i = &e->servers[h->incumbent];
	enum writer_cause lost = why_lost(i);

	if (is_candidate(i) && h->fenced && i->retired)
		return verdict(e, WRITER_NONE, CAUSE_NO_CANDIDATE, -1);
	/* Who only W2 has chosen is as provisional as before. */
	if (is_candidate(i) && h->fenced && cause != CAUSE_SELECTED)
		cause = back(h);
	if (is_candidate(i))
		return verdict(e, h->fenced ? WRITER_SWITCH : WRITER_STAY,
		    cause, h->incumbent);
	if (h->fenced)
		return verdict(e, WRITER_NONE, lost, -1);
	if (lost == CAUSE_DEMOTED || lost == CAUSE_MAINTENANCE)
		return verdict(e, WRITER_FENCE, lost, -1);
	return verdict(e, WRITER_WAIT, lost, h->incumbent);
}

/* W2: the Sentinels have selected a successor. */
static struct writer_verdict
by_failover(struct election *e)
{
	int x = e->evidence->successor;

	if (x < 0)
		return depose(e, CAUSE_FAILOVER, false);
	/* For some seconds nobody is asked to witness it; then they are. */
	if (x == e->history->incumbent)
		return e->evidence->unwitnessed
			   ? depose(e, CAUSE_UNWITNESSED, false)
			   : confirm(e, CAUSE_SELECTED);
	if (!e->evidence->strict && may_become(e, &e->servers[x]))
		return verdict(e, WRITER_SWITCH, CAUSE_SELECTED, x);
	return depose(e, CAUSE_FAILOVER, false);
}

/* Does the incumbent stand although the verdict names another, that cannot take
 * over? Only if the verdict is not newer than what it became the writer by, or
 * anyone may have published it. */
static bool
outlives_verdict(const struct election *e)
{
	const struct writer_history *h = e->history;

	return h->incumbent >= 0 && !h->fenced && !h->provisional &&
	       (e->evidence->epoch <= h->epoch || e->evidence->hearsay) &&
	       is_candidate(&e->servers[h->incumbent]) &&
	       !e->evidence->unwitnessed;
}

/* W1 and W3: the Sentinels name a primary. */
static struct writer_verdict
by_verdict(struct election *e)
{
	const struct writer_evidence *ev = e->evidence;
	const struct writer_history *h = e->history;
	int x;

	if (ev->named < 0)
		return depose(e, CAUSE_STRANGER, false);
	x = ev->fresh ? -1 : outvotes(e, ev->named);
	if (x >= 0 && x != h->incumbent)
		return verdict(e, WRITER_SWITCH, CAUSE_VOTES, x);
	if (ev->named == h->incumbent || x >= 0)
		return ev->unwitnessed ? depose(e, CAUSE_UNWITNESSED, false)
				       : confirm(e, CAUSE_VERDICT);
	if (may_become(e, &e->servers[ev->named]))
		return verdict(e, WRITER_SWITCH, CAUSE_VERDICT, ev->named);
	if (outlives_verdict(e))
		return verdict(e, WRITER_STAY, CAUSE_STANDS, h->incumbent);
	return depose(e, CAUSE_AWAITED, !ev->fresh);
}

/* W4 and W5: there is no verdict to go by. */
static struct writer_verdict
by_ourselves(struct election *e)
{
	const struct writer_evidence *ev = e->evidence;
	int i = e->history->incumbent;
	struct writer_verdict v;

	if (i >= 0 && ev->unwitnessed)
		return depose(e, CAUSE_UNWITNESSED, true);
	if (ev->promoted >= 0 && ev->promoted != i &&
	    may_become(e, &e->servers[ev->promoted]))
		return verdict(e, WRITER_SWITCH, CAUSE_OPERATOR, ev->promoted);
	if (i >= 0)
		return is_candidate(&e->servers[i]) ? incumbent_stands(e)
						    : incumbent_lost(e);
	if (ev->pending)
		return verdict(e, WRITER_NONE, CAUSE_PENDING, -1);
	v = cold_start(e, anyone);
	if (ev->listening &&
	    (v.cause == CAUSE_VOTES || v.cause == CAUSE_LINEAGE ||
		v.cause == CAUSE_TIE))
		return verdict(e, WRITER_NONE, CAUSE_PENDING, -1);
	return v;
}

struct writer_verdict
writer_decide(const struct writer_server *servers, size_t n,
    const struct writer_history *history,
    const struct writer_evidence *evidence)
{
	struct election e = {.servers = servers,
	    .n = n,
	    .history = history,
	    .evidence = evidence,
	    .deposed = -1};
	bool binding = evidence->epoch >= 0 &&
		       (evidence->fresh || evidence->epoch > history->epoch);
	size_t j;

	for (j = 0; j < n; j++) {
		if (is_replica(&servers[j])) {
			e.replicas++;
			e.voters += servers[j].link_up;
		}
	}
	if (evidence->failing)
		return by_failover(&e);
	if (evidence->strict && !evidence->fresh)
		return depose(&e, CAUSE_NO_MAJORITY, false);
	/* The operator asked it to hand over: fenced, as long as it could write
	 * and no newer verdict names another. */
	if (evidence->handover && history->incumbent >= 0 &&
	    is_candidate(&servers[history->incumbent]) &&
	    (!binding || evidence->named == history->incumbent))
		return depose(&e, CAUSE_HANDOVER, false);
	/* A name that never fitted any server is a fault of the configuration.
	 */
	if (binding && (evidence->named >= 0 || evidence->mapped))
		return by_verdict(&e);
	if (evidence->strict)
		return depose(&e, CAUSE_NO_MAJORITY, false);
	return by_ourselves(&e);
}

void
writer_remember(struct writer_history *h, const struct writer_server *s,
    const struct writer_evidence *ev, int index)
{
	/* Who becomes it after a verdict does so in spite of that verdict. */
	if (h->incumbent != index || (ev->epoch >= 0 && ev->named == index))
		h->epoch = ev->epoch;
	if (ev->epoch >= 0 && ev->named == index)
		h->provisional = false;
	h->incumbent = index;
	if (s->role != ROLE_PRIMARY)
		return;
	snprintf(h->run_id, sizeof(h->run_id), "%s", s->run_id);
	snprintf(h->replid, sizeof(h->replid), "%s", s->replid);
	snprintf(h->replid2, sizeof(h->replid2), "%s", s->replid2);
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
