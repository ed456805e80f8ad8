/*
 * The decision over time: two proxies look at a small world in which anything
 * may happen, each in an order of its own, with the real verdict, failover,
 * witness and writer, and carry out what comes of it as health/group.c does.
 * WRITER_SEED=n tries other sequences.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "health/failover.h"
#include "health/verdict.h"
#include "health/witness.h"
#include "tests/unit/world.h"
#include "tests/unit/writer_situation.h"

#define SEQUENCES  20000
#define ENOUGH_S   60 /* of processor time, where all is slow (valgrind) */
#define STEPS      30
#define CALM_STEPS 60
#define CALM_MS    500
#define PROXIES    2
#define PIECES     (WORLD_SERVERS + WORLD_SENTINELS + 2)

#define VERDICT_AGE_MS 2000 /* as in health/watch.c */
#define VOTE_AGE_MS    1000
#define HELLO_AGE_MS   5000
#define LEADER_MS      1500
#define UNSEEN_MS      1000

/* A server, as a proxy last saw it. */
struct view {
	bool checked, up, refused, loading, maintenance, returnee, linked;
	enum role role;
	int run, replid, replid2;
	int64_t mute_from, mute_to; /* answered nothing; to: 0 still so */
	char run_id[REDIS_ID_MAX], replid_name[2][REDIS_ID_MAX];
};

/* A Sentinel, as a proxy last saw it, or only its hello. */
struct answer {
	int64_t at, hello_at; /* 0 never */
	int named, watched, hello_named;
	int64_t epoch, hello_epoch, pong_at;
};

struct proxy {
	struct view views[WORLD_SERVERS];
	struct answer answers[WORLD_SENTINELS + 1]; /* the last is forged */

	struct verdict verdict;
	struct failover failover;
	struct witness witness;
	struct witness_rules rules;
	int watched; /* whom the witness is about */
	int64_t followed, kept_up, unseen_since;

	struct writer_history history;
	struct writer_evidence evidence;
	struct writer_verdict decided;
	struct writer_server servers[WORLD_SERVERS];
	int writer, promoted;
	bool seen; /* the workers have seen the fence */
};

/* One sequence. */
static struct {
	struct world w;
	struct proxy proxies[PROXIES];
	uint64_t seed;
	unsigned round;
} play;

/* Fail, with all it takes to see why. */
static void
report(const struct proxy *p, const char *what)
{
	const struct view *v;
	size_t i;

	world_print(&play.w);
	for (i = 0; i < play.w.n; i++) {
		v = &p->views[i];
		fprintf(stderr, "view %zu: %s%s%s%s%s%s R%d<R%d run %d\n", i,
		    role_str(v->role), v->up ? "" : " down",
		    v->loading ? " loading" : "",
		    v->maintenance ? " maintenance" : "",
		    v->returnee ? " returnee" : "", v->linked ? " linked" : "",
		    v->replid, v->replid2, v->run);
	}
	fprintf(stderr,
	    "verdict %d/%lld%s, failover %d to %d, witness: %s\n"
	    "history %d %s<%s epoch %lld%s%s, fence = %d\n",
	    p->verdict.named, (long long)p->verdict.epoch,
	    p->verdict.fresh ? " fresh" : "", p->failover.phase,
	    p->failover.successor, witness_reason_str(p->witness.reason),
	    p->history.incumbent, p->history.replid, p->history.replid2,
	    (long long)p->history.epoch, p->history.fenced ? " fenced" : "",
	    p->history.provisional ? " provisional" : "", p->rules.fence);
	ck_abort_msg("%s: proxy %zd, writer %d: %s %s %d (WRITER_SEED=%llu, "
		     "sequence %u)",
	    what, p - play.proxies, p->writer,
	    writer_action_str(p->decided.action),
	    writer_causes[p->decided.cause], p->decided.writer,
	    (unsigned long long)play.seed, play.round);
}

/* Another writer, or the same anew. */
static void
reset_witness(struct proxy *p, int writer, bool provisional)
{
	p->watched = writer;
	p->followed = p->kept_up = p->unseen_since = 0;
	witness_reset(&p->witness, provisional, play.w.now);
}

/* A proxy starts. */
static void
proxy_begin(struct proxy *p, enum conf_fence fence)
{
	memset(p, 0, sizeof(*p));
	p->verdict.named = SERVER_UNKNOWN;
	p->verdict.epoch = -1;
	p->rules.fence = fence;
	p->rules.fence_after = 2000;
	p->history.incumbent = p->writer = p->promoted = p->watched = -1;
	p->history.epoch = -1;
	p->seen = true;
}

/*
 * What it sees.
 */

/* Take the role that a server tells. */
static void
see_role(struct view *v, const struct world_server *s, bool linked)
{
	bool restarted = v->role != ROLE_UNKNOWN && v->run != s->run;

	if (s->role == ROLE_PRIMARY &&
	    (restarted || (v->role != ROLE_UNKNOWN && !v->up)))
		v->returnee = true;
	if (s->role != ROLE_PRIMARY)
		v->returnee = false;
	v->role = s->role;
	v->run = s->run;
	v->replid = s->replid;
	v->replid2 = s->replid2;
	v->linked = linked;
	snprintf(v->run_id, REDIS_ID_MAX, "run%d", v->run);
	v->replid_name[0][0] = v->replid_name[1][0] = '\0';
	if (v->replid != 0)
		snprintf(v->replid_name[0], REDIS_ID_MAX, "R%d", v->replid);
	if (v->replid2 != 0)
		snprintf(v->replid_name[1], REDIS_ID_MAX, "R%d", v->replid2);
}

/* Does the writer's own INFO tell of a replica? */
static bool
has_replica(int writer)
{
	size_t i;

	for (i = 0; i < play.w.n; i++)
		if (world_linked(&play.w, i) &&
		    play.w.servers[i].follows == writer)
			return true;
	return false;
}

/* A probe has ended. */
static void
probe(struct proxy *p, size_t i)
{
	const struct world_server *s = &play.w.servers[i];
	struct view *v = &p->views[i];
	bool answers = world_answers(&play.w, i);

	v->checked = true;
	v->maintenance = s->maintenance;
	v->refused = !s->alive && !s->cut_us;
	if (!answers && !v->refused && (v->mute_from == 0 || v->mute_to != 0)) {
		v->mute_from = play.w.now;
		v->mute_to = 0;
	} else if ((answers || v->refused) && v->mute_to == 0) {
		v->mute_to = play.w.now;
	}
	if (answers) {
		see_role(v, s, world_linked(&play.w, i));
		v->loading = s->loading;
	}
	v->up = answers;
	if (p->watched < 0 || !answers)
		return;
	if ((int)i == p->watched) {
		if (v->role == ROLE_PRIMARY && has_replica(p->watched))
			p->followed = play.w.now;
	} else if (v->role == ROLE_REPLICA && v->linked &&
		   s->follows == p->watched) {
		p->followed = p->kept_up = play.w.now;
	}
}

/* A Sentinel has answered, or is heard of. */
static void
ask(struct proxy *p, size_t i)
{
	const struct world_sentinel *t = &play.w.sentinels[i];
	struct answer *a = &p->answers[i];

	if (!t->alive)
		return;
	if (!t->cut_us) {
		a->at = play.w.now;
		a->named = t->named;
		a->watched = t->watched;
		a->epoch = t->epoch;
		a->pong_at = t->pong_at;
	}
	if (!t->cut_world && once_in(2)) {
		a->hello_at = play.w.now;
		a->hello_named = t->named;
		a->hello_epoch = t->epoch;
	}
}

/* A hello that somebody has made up. */
static void
hear_forgery(struct proxy *p)
{
	struct answer *a = &p->answers[WORLD_SENTINELS];

	if (play.w.forged_at != play.w.now)
		return;
	a->hello_at = play.w.now;
	a->hello_named = play.w.forged;
	a->hello_epoch = play.w.forged_epoch;
}

/* What the leading Sentinel does. */
static void
hear_news(struct proxy *p)
{
	const struct world *w = &play.w;
	const struct world_sentinel *leader = &w->sentinels[w->leader];

	if (w->news == WORLD_NO_NEWS || !leader->alive || leader->cut_us)
		return;
	if (w->news == WORLD_HAS_ABORTED)
		failover_abort(&p->failover, w->leader, w->now);
	else if (w->target != p->history.incumbent)
		failover_select(&p->failover, w->target, w->leader,
		    once_in(4) ? 0 : w->failover_epoch, p->verdict.epoch,
		    w->now);
}

/*
 * What comes of it.
 */

/* A primary that continues the incumbent's data? */
static bool
is_heir(const struct proxy *p, size_t i)
{
	const struct view *v = &p->views[i];
	const char *replid = p->history.replid;

	return (int)i != p->history.incumbent && p->history.incumbent >= 0 &&
	       v->up && v->role == ROLE_PRIMARY && replid[0] != '\0' &&
	       (strcmp(v->replid_name[0], replid) == 0 ||
		   strcmp(v->replid_name[1], replid) == 0);
}

/* What the Sentinels say by now. */
static void
update_verdict(struct proxy *p)
{
	struct verdict_source sources[WORLD_SENTINELS + 1];
	bool heirs[WORLD_SERVERS];
	const struct answer *a;
	size_t i;

	for (i = 0; i <= WORLD_SENTINELS; i++) {
		a = &p->answers[i];
		sources[i].asked =
		    a->at != 0 && play.w.now - a->at <= VERDICT_AGE_MS;
		sources[i].named = a->named;
		sources[i].epoch = a->epoch;
		sources[i].heard = a->hello_at != 0 &&
				   play.w.now - a->hello_at <= HELLO_AGE_MS;
		sources[i].hello_named = a->hello_named;
		sources[i].hello_epoch = a->hello_epoch;
	}
	for (i = 0; i < play.w.n; i++)
		heirs[i] = is_heir(p, i);
	verdict_update(&p->verdict, sources, WORLD_SENTINELS + 1,
	    (unsigned)play.w.nsentinels, heirs, play.w.n, play.w.now);
}

/* What they do by now. */
static void
update_failover(struct proxy *p)
{
	struct failover_news news = {
	    .now = play.w.now, .verdict = p->verdict.epoch};
	const struct answer *leader;

	if (p->failover.phase == FAILOVER_NONE)
		return;
	leader = &p->answers[p->failover.leader];
	news.leader_alive = play.w.now - leader->at <= LEADER_MS;
	news.primary = p->views[p->failover.successor].role == ROLE_PRIMARY;
	news.confirmed = p->verdict.named == p->failover.successor;
	failover_update(&p->failover, &news);
}

/* Milliseconds since then in which it answered us nothing. */
static int64_t
blocked(const struct view *v, int64_t since)
{
	int64_t from = v->mute_from > since ? v->mute_from : since;
	int64_t to = v->mute_to == 0 ? play.w.now : v->mute_to;

	return v->mute_from != 0 && to > from ? to - from : 0;
}

/* Is some replica neither seen following nor dead? */
static bool
is_any_loose(const struct proxy *p)
{
	const struct view *v, *writer = &p->views[p->watched];
	size_t i;

	for (i = 0; i < play.w.n; i++) {
		v = &p->views[i];
		if ((int)i != p->watched && v->role == ROLE_REPLICA &&
		    v->replid == writer->replid && (v->up || !v->refused))
			return true;
	}
	return false;
}

/* Does the rest of the world hear the writer? */
static void
update_witness(struct proxy *p)
{
	struct witness_vote votes[WORLD_SENTINELS] = {0};
	struct witness_news news = {.now = play.w.now,
	    .votes = votes,
	    .nvotes = WORLD_SENTINELS,
	    .known = (unsigned)play.w.nsentinels};
	const struct answer *a;
	size_t i;

	if (p->watched < 0)
		return;
	if (!is_any_loose(p))
		p->unseen_since = 0;
	else if (p->unseen_since == 0)
		p->unseen_since = play.w.now;
	for (i = 0; i < play.w.nsentinels; i++) {
		a = &p->answers[i];
		if (a->at == 0 || a->pong_at < 0 || a->watched != p->watched)
			continue;
		votes[i].counts = play.w.now - a->at <= VOTE_AGE_MS;
		votes[i].pong_at = a->pong_at;
		votes[i].blocked = blocked(&p->views[p->watched], a->pong_at);
	}
	news.followed = p->followed;
	news.kept_up = p->kept_up;
	news.blocked = blocked(&p->views[p->watched], p->followed);
	news.unseen =
	    p->unseen_since != 0 && play.w.now - p->unseen_since >= UNSEEN_MS;
	witness_update(&p->witness, &p->rules, &news);
}

/* Bring everything up to now. */
static void
update(struct proxy *p)
{
	struct writer_evidence *ev = &p->evidence;
	struct writer_server *s;
	struct view *v;
	size_t i;

	update_verdict(p);
	update_failover(p);
	update_witness(p);
	memset(ev, 0, sizeof(*ev));
	ev->strict = p->rules.fence == FENCE_STRICT;
	ev->fresh = p->verdict.fresh;
	ev->named = p->verdict.named;
	ev->epoch = p->verdict.epoch;
	ev->mapped = p->verdict.mapped;
	ev->failing = p->failover.phase != FAILOVER_NONE;
	ev->successor =
	    p->failover.phase == FAILOVER_NONE ? -1 : p->failover.successor;
	ev->unwitnessed = p->watched >= 0 && p->witness.reason != WITNESS_FINE;
	ev->promoted = p->promoted;
	for (i = 0; i < play.w.n; i++) {
		s = &p->servers[i];
		v = &p->views[i];
		s->checked = v->checked;
		s->up = v->up;
		s->loading = v->loading;
		s->maintenance = v->maintenance;
		s->returnee = v->returnee;
		s->link_up = v->linked;
		s->role = v->role;
		s->run_id = v->run_id;
		s->replid = v->replid_name[0];
		s->replid2 = v->replid_name[1];
	}
}

/* Take the writes from the incumbent. */
static void
fence(struct proxy *p)
{
	p->history.fenced = true;
	p->writer = -1;
	p->seen = false;
}

/* Give the writes to a server; nobody has them now. */
static void
install(struct proxy *p, int x)
{
	bool selected = p->decided.cause == CAUSE_SELECTED;

	if (p->writer >= 0)
		report(p, "two writers");
	p->history.incumbent = p->writer = x;
	p->history.fenced = false;
	p->history.provisional = selected;
	p->promoted = -1;
	reset_witness(p, x, selected);
	if (!situation_is_candidate(&p->servers[x]))
		report(p, "given to one that cannot take it");
}

/* A switch in two steps. */
static void
switch_writer(struct proxy *p)
{
	if (p->history.incumbent >= 0 && !p->history.fenced)
		fence(p);
	else if (!p->history.fenced || p->seen)
		install(p, p->decided.writer);
}

/* Is a fence's cause true? */
static bool
is_justified(const struct proxy *p)
{
	const struct writer_server *s = &p->servers[p->history.incumbent];
	const struct writer_evidence *ev = &p->evidence;

	switch (p->decided.cause) {
	case CAUSE_MAINTENANCE:
		return s->maintenance;
	case CAUSE_DEMOTED:
		return s->role == ROLE_REPLICA;
	case CAUSE_UNWITNESSED:
		return ev->unwitnessed;
	case CAUSE_FAILOVER:
		return ev->successor >= 0 &&
		       ev->successor != p->history.incumbent;
	case CAUSE_AWAITED:
		return ev->epoch >= 0 && ev->named != p->history.incumbent;
	case CAUSE_NO_MAJORITY:
		return ev->strict && !ev->fresh;
	default:
		return false;
	}
}

/* Why a writer that was kept should not have been; NULL: all is well. */
static const char *
wrong_to_keep(const struct proxy *p)
{
	const struct writer_history *h = &p->history;
	const struct answer *leader = &p->answers[p->failover.leader];
	bool selected = p->failover.phase != FAILOVER_NONE;

	if (h->incumbent < 0 || h->fenced)
		return "kept, and there is none";
	if (p->servers[h->incumbent].maintenance)
		return "kept in maintenance";
	if (p->decided.action == WRITER_STAY &&
	    !situation_is_candidate(&p->servers[h->incumbent]))
		return "stays, and cannot";
	if (p->evidence.unwitnessed)
		return "kept without a witness";
	if (selected && p->failover.successor != h->incumbent)
		return "kept, though its successor is selected";
	if (selected && play.w.now - leader->at > LEADER_MS)
		return "provisional, and the leading Sentinel is silent";
	if (!selected && h->provisional && p->verdict.fresh &&
	    p->verdict.named != h->incumbent)
		return "provisional, and nothing backs it";
	return NULL;
}

/* Decide, and carry it out. */
static void
evaluate(struct proxy *p)
{
	const char *wrong;

	update(p);
	p->seen |= once_in(2);
	p->decided =
	    writer_decide(p->servers, play.w.n, &p->history, &p->evidence);
	switch (p->decided.action) {
	case WRITER_STAY:
	case WRITER_WAIT:
		p->writer = p->history.incumbent;
		wrong = wrong_to_keep(p);
		if (wrong != NULL)
			report(p, wrong);
		break;
	case WRITER_FENCE:
		if (!is_justified(p))
			report(p, "a fence without a cause");
		fence(p);
		break;
	case WRITER_SWITCH:
		switch_writer(p);
		break;
	case WRITER_NONE:
		if (p->writer >= 0)
			report(p, "a writer is neither kept nor fenced");
		break;
	}
	if (p->writer >= 0)
		writer_remember(&p->history, &p->servers[p->writer],
		    &p->evidence, p->writer);
}

/*
 * Sequences.
 */

/* One piece of evidence arrives. */
static void
take(struct proxy *p, size_t piece)
{
	if (piece < play.w.n)
		probe(p, piece);
	else if (piece - play.w.n < play.w.nsentinels)
		ask(p, piece - play.w.n);
	else if (piece - play.w.n == play.w.nsentinels)
		hear_news(p);
	else
		hear_forgery(p);
}

/* All there is to see now arrives, in some order. */
static void
look(struct proxy *p, bool each)
{
	size_t pieces[PIECES], n = play.w.n + play.w.nsentinels + 2, i, j, t;

	for (i = 0; i < n; i++)
		pieces[i] = i;
	for (i = n; i > 0; i--) {
		j = random_below((unsigned)i);
		t = pieces[j];
		pieces[j] = pieces[i - 1];
		pieces[i - 1] = t;
		take(p, t);
		if (each)
			evaluate(p);
	}
	if (!each)
		evaluate(p);
}

/* Of two proxies with the same verdict, which can be followed, none may write
 * to another server than the other does. */
static void
compare(void)
{
	const struct proxy *a = &play.proxies[0], *b = &play.proxies[1];

	if (a->verdict.fresh && b->verdict.fresh && a->verdict.named >= 0 &&
	    a->verdict.named == b->verdict.named &&
	    a->verdict.epoch == b->verdict.epoch &&
	    a->failover.phase == FAILOVER_NONE &&
	    b->failover.phase == FAILOVER_NONE && a->writer >= 0 &&
	    b->writer >= 0 && a->writer != b->writer &&
	    situation_is_candidate(&a->servers[a->verdict.named]) &&
	    situation_is_candidate(&b->servers[b->verdict.named]))
		report(b, "two proxies, two writers");
}

/* Something happens, and the proxies see it. */
static void
step(void)
{
	size_t i;

	play.w.news = WORLD_NO_NEWS;
	play.w.promoted = -1;
	world_pass(&play.w, 100 + (int64_t)random_below(900));
	if (!once_in(3))
		world_event(&play.w);
	for (i = 0; i < PROXIES; i++) {
		if (play.w.promoted >= 0)
			play.proxies[i].promoted = play.w.promoted;
		look(&play.proxies[i], true);
	}
	compare();
}

/* Nothing happens any more: in the end all is well with every proxy. */
static void
calm_down(void)
{
	int primary = world_calm(&play.w);
	struct proxy *p;
	size_t i, j;

	for (i = 0; i < CALM_STEPS; i++) {
		world_pass(&play.w, CALM_MS);
		for (j = 0; j < PROXIES; j++)
			look(&play.proxies[j], false);
	}
	for (j = 0; j < PROXIES; j++) {
		p = &play.proxies[j];
		if (p->rules.fence == FENCE_STRICT && play.w.nsentinels == 0)
			primary = -1;
		if (p->writer != primary)
			report(p, "calm, and the writer is another");
		if (primary >= 0 && (p->decided.action != WRITER_STAY ||
					p->decided.cause == CAUSE_UNWITNESSED))
			report(p, "calm, and the writer is not at ease");
	}
}

START_TEST(test_sequences)
{
	static const enum conf_fence fences[] = {
	    FENCE_AUTO, FENCE_AUTO, FENCE_AUTO, FENCE_STRICT, FENCE_OFF};
	enum conf_fence how;
	unsigned i;

	play.seed = random_seed();
	for (play.round = 0;
	     play.round < SEQUENCES && clock() / CLOCKS_PER_SEC < ENOUGH_S;
	     play.round++) {
		world_begin(&play.w);
		how = fences[random_below(5)];
		for (i = 0; i < PROXIES; i++)
			proxy_begin(&play.proxies[i], how);
		for (i = 0; i < STEPS; i++)
			step();
		calm_down();
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("writer_sequence");
	TCase *tc = tcase_create("writer_sequence");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, test_sequences);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
