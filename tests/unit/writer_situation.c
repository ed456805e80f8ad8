/*
 * Situations: their servers in another order, their words, and random ones.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/writer_situation.h"

#define SEED 20261121

/* The words of the causes, as writer.cases has them. */
const char *const writer_causes[SITUATION_CAUSES] = {
    [CAUSE_NOT_CHECKED] = "not-checked",
    [CAUSE_NO_CANDIDATE] = "no-candidate",
    [CAUSE_STANDS] = "stands",
    [CAUSE_AWAY] = "away",
    [CAUSE_LOADING] = "loading",
    [CAUSE_MAINTENANCE] = "maintenance",
    [CAUSE_DEMOTED] = "demoted",
    [CAUSE_SUCCESSOR] = "successor",
    [CAUSE_RESUMED] = "resumed",
    [CAUSE_FOLLOWED] = "followed",
    [CAUSE_VOTES] = "votes",
    [CAUSE_ONLY] = "only",
    [CAUSE_LINEAGE] = "lineage",
    [CAUSE_TIE] = "tie",
    [CAUSE_UNRELATED] = "unrelated",
    [CAUSE_NOT_OF_LINEAGE] = "not-of-lineage",
    [CAUSE_PENDING] = "pending",
    [CAUSE_VERDICT] = "verdict",
    [CAUSE_AWAITED] = "awaited",
    [CAUSE_STRANGER] = "stranger",
    [CAUSE_FAILOVER] = "failover",
    [CAUSE_SELECTED] = "selected",
    [CAUSE_UNWITNESSED] = "unwitnessed",
    [CAUSE_WITNESSED] = "witnessed",
    [CAUSE_NO_MAJORITY] = "no-majority",
    [CAUSE_OPERATOR] = "operator",
    [CAUSE_HANDOVER] = "handover",
};

/* No evidence. */
void
situation_init_evidence(struct situation *s)
{
	struct writer_evidence *ev = &s->evidence;

	memset(ev, 0, sizeof(*ev));
	ev->named = ev->successor = ev->promoted = -1;
	ev->epoch = -1;
}

/* Point the servers at their own names, after a copy or a change of places. */
void
situation_link(struct situation *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		s->servers[i].run_id = s->run_ids[i];
		s->servers[i].replid = s->replids[i];
		s->servers[i].replid2 = s->replids2[i];
	}
}

/* A server that was at order[i] is at i now. */
static void
move(int *to, int from, size_t i, const int *order)
{
	if (from == order[i])
		*to = (int)i;
}

/* dst: the same servers, the one at i taken from order[i]. */
void
situation_permute(
    struct situation *dst, const struct situation *src, const int *order)
{
	size_t i, from;

	*dst = *src;
	for (i = 0; i < src->n; i++) {
		from = (size_t)order[i];
		dst->servers[i] = src->servers[from];
		dst->names[i] = src->names[from];
		memcpy(dst->run_ids[i], src->run_ids[from], REDIS_ID_MAX);
		memcpy(dst->replids[i], src->replids[from], REDIS_ID_MAX);
		memcpy(dst->replids2[i], src->replids2[from], REDIS_ID_MAX);
		move(&dst->history.incumbent, src->history.incumbent, i, order);
		move(&dst->evidence.named, src->evidence.named, i, order);
		move(&dst->evidence.successor, src->evidence.successor, i,
		    order);
		move(&dst->evidence.promoted, src->evidence.promoted, i, order);
	}
	situation_link(dst);
}

/* Decide. */
struct writer_verdict
situation_decide(const struct situation *s)
{
	return writer_decide(s->servers, s->n, &s->history, &s->evidence);
}

/* The name of the server at i. */
char
situation_name(const struct situation *s, int i)
{
	return i < 0 ? '-' : s->names[i];
}

/* The evidence in the words of writer.cases, to stderr. */
static void
print_evidence(const struct situation *s)
{
	const struct writer_evidence *ev = &s->evidence;

	if (ev->epoch >= 0)
		fprintf(stderr, " %s=%c/%lld", ev->fresh ? "verdict" : "stale",
		    ev->named < 0 ? '?' : s->names[ev->named],
		    (long long)ev->epoch);
	if (ev->failing)
		fprintf(stderr, " selected=%c",
		    ev->successor < 0 ? '?' : s->names[ev->successor]);
	if (ev->promoted >= 0)
		fprintf(stderr, " promoted=%c", s->names[ev->promoted]);
	fprintf(stderr, "%s%s%s%s%s |", ev->mapped ? " mapped" : "",
	    ev->unwitnessed ? " unwitnessed" : "", ev->strict ? " strict" : "",
	    ev->pending ? " pending" : "", ev->listening ? " listening" : "");
	fprintf(stderr, "%s", ev->handover ? " handover" : "");
}

/* The situation in the words of writer.cases, to stderr. */
void
situation_print(const struct situation *s)
{
	static const char *const roles[] = {"unknown", "primary", "replica"};
	const struct writer_history *h = &s->history;
	const struct writer_server *w;
	size_t i;

	fprintf(stderr, "%c,%s<%s,run=%s,epoch=%lld%s%s",
	    situation_name(s, h->incumbent), h->replid, h->replid2, h->run_id,
	    (long long)h->epoch, h->fenced ? ",fenced" : "",
	    h->provisional ? ",provisional" : "");
	print_evidence(s);
	for (i = 0; i < s->n; i++) {
		w = &s->servers[i];
		fprintf(stderr, " %c:%s,%s<%s,run=%s%s%s%s%s%s%s%s",
		    s->names[i],
		    w->role == ROLE_REPLICA && !w->link_up ? "orphan"
							   : roles[w->role],
		    w->replid, w->replid2, w->run_id, w->up ? "" : ",down",
		    w->checked ? "" : ",unchecked",
		    w->loading ? ",loading" : "",
		    w->maintenance ? ",maint" : "",
		    w->retired ? ",retired" : "",
		    w->returnee ? ",returnee" : "", w->backup ? ",backup" : "");
	}
	fputc('\n', stderr);
}

/* Random numbers, the same everywhere for a seed (Marsaglia's xorshift64). */
static uint64_t state;

unsigned
random_below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

/* True once in n times. */
bool
once_in(unsigned n)
{
	return random_below(n) == 0;
}

/* One of the lineages there are: that of a server, or one of the past. */
static void
random_lineage(char *replid)
{
	snprintf(replid, REDIS_ID_MAX, "R%u", random_below(SERVERS + 2));
}

/* A server of any kind. Each primary has a lineage of its own, as in Redis. */
static void
random_server(struct situation *s, size_t i)
{
	struct writer_server *w = &s->servers[i];

	s->names[i] = (char)('A' + i);
	snprintf(
	    s->run_ids[i], REDIS_ID_MAX, "run%zu%s", i, once_in(4) ? "b" : "");
	w->checked = !once_in(20);
	w->up = w->checked && !once_in(6);
	w->loading = once_in(12);
	w->maintenance = once_in(12);
	w->retired = once_in(12);
	w->backup = once_in(12);
	w->link_up = !once_in(3);
	w->role = once_in(20)  ? ROLE_UNKNOWN
		  : once_in(2) ? ROLE_PRIMARY
			       : ROLE_REPLICA;
	w->returnee = w->role == ROLE_PRIMARY && once_in(4);
	random_lineage(s->replids[i]);
	random_lineage(s->replids2[i]);
	if (w->role == ROLE_PRIMARY)
		snprintf(s->replids[i], REDIS_ID_MAX, "R%zu", i);
	if (once_in(3) || strcmp(s->replids[i], s->replids2[i]) == 0)
		s->replids2[i][0] = '\0';
	w->offset = (int64_t)random_below(1000);
	w->second_offset = s->replids2[i][0] == '\0' ? -1 : w->offset / 2;
}

/* Some server, or none. */
static int
random_index(const struct situation *s)
{
	return s->n == 0 ? -1 : (int)random_below((unsigned)s->n);
}

/* Any evidence; half the time none. */
static void
random_evidence(struct situation *s)
{
	struct writer_evidence *ev = &s->evidence;

	situation_init_evidence(s);
	if (once_in(2))
		return;
	ev->strict = once_in(5);
	ev->pending = once_in(5);
	ev->listening = once_in(5);
	ev->handover = once_in(8);
	ev->mapped = once_in(2);
	ev->unwitnessed = once_in(4);
	if (!once_in(3)) {
		ev->fresh = once_in(2);
		ev->named = once_in(6) ? -1 : random_index(s);
		ev->epoch = (int64_t)random_below(5) - 1;
	}
	ev->failing = once_in(4);
	if (ev->failing && !once_in(6))
		ev->successor = random_index(s);
	if (once_in(6))
		ev->promoted = random_index(s);
}

/* Any situation. */
void
situation_random(struct situation *s)
{
	struct writer_history *h = &s->history;
	size_t i;

	memset(s, 0, sizeof(*s));
	s->n = random_below(SERVERS + 1);
	for (i = 0; i < s->n; i++)
		random_server(s, i);
	situation_link(s);
	h->incumbent = h->epoch = -1;
	random_evidence(s);
	if (s->n == 0 || once_in(4))
		return;
	h->incumbent = (int)random_below((unsigned)s->n);
	h->fenced = once_in(3);
	h->provisional = once_in(4);
	h->epoch = (int64_t)random_below(4) - 1;
	snprintf(h->run_id, REDIS_ID_MAX, "run%d", h->incumbent);
	random_lineage(h->replid);
	random_lineage(h->replid2);
	if (once_in(2))
		memcpy(h->replid, s->replids[h->incumbent], REDIS_ID_MAX);
}

/* Up, primary, and ready. */
bool
situation_is_candidate(const struct writer_server *w)
{
	return w->checked && w->up && w->role == ROLE_PRIMARY && !w->loading &&
	       !w->maintenance;
}

/* The seed to begin with. */
uint64_t
random_seed(void)
{
	const char *seed = getenv("WRITER_SEED");

	state = seed == NULL ? SEED : strtoull(seed, NULL, 10);
	ck_assert_uint_ne(state, 0);
	return state;
}
