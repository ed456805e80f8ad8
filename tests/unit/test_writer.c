/*
 * health/writer.c: each line of writer.cases with its servers in every order,
 * and what must hold in any situation whatever, tried on many random ones. Run
 * from the root of the repository; WRITER_SEED=n tries other situations.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/writer.h"

#define CASES      "tests/unit/writer.cases"
#define TEXT_MAX   512
#define SERVERS    8
#define SEED       20261121
#define SITUATIONS 200000

/* Everything that writer_decide() is asked about, with room for the names. */
struct situation {
	struct writer_server servers[SERVERS];
	char names[SERVERS];
	char run_ids[SERVERS][REDIS_ID_MAX];
	char replids[SERVERS][REDIS_ID_MAX], replids2[SERVERS][REDIS_ID_MAX];
	size_t n;
	struct writer_history history;
	struct writer_evidence evidence;
};

/* What is expected of it; NULL or -1: anything. */
struct expectation {
	char action[16], cause[24];
	int writer; /* index; -1 none is named */
	int votes, voters;
};

/* A line of writer.cases. */
struct sample {
	unsigned line;
	char name[128], text[TEXT_MAX];
};

static struct sample samples[512];
static int nsamples;

/* The words of the causes, as writer.cases has them. */
static const char *const causes[] = {
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
    [CAUSE_NO_MAJORITY] = "no-majority",
    [CAUSE_OPERATOR] = "operator",
};
#define NCAUSES (sizeof(causes) / sizeof(causes[0]))

/* Point the servers at their own names, after a copy or a change of places. */
static void
link_names(struct situation *s)
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
static void
permute(struct situation *dst, const struct situation *src, const int *order)
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
	link_names(dst);
}

/* Decide. */
static struct writer_verdict
decide(const struct situation *s)
{
	return writer_decide(s->servers, s->n, &s->history, &s->evidence);
}

/* The name of the server at i. */
static char
name_of(const struct situation *s, int i)
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
	if (ev->successor >= 0)
		fprintf(stderr, " selected=%c", s->names[ev->successor]);
	if (ev->promoted >= 0)
		fprintf(stderr, " promoted=%c", s->names[ev->promoted]);
	fprintf(stderr, "%s%s%s%s%s |", ev->mapped ? " mapped" : "",
	    ev->unwitnessed ? " unwitnessed" : "", ev->strict ? " strict" : "",
	    ev->pending ? " pending" : "", ev->listening ? " listening" : "");
}

/* The situation in the words of writer.cases, to stderr. */
static void
print(const struct situation *s)
{
	static const char *const roles[] = {"unknown", "primary", "replica"};
	const struct writer_history *h = &s->history;
	const struct writer_server *w;
	size_t i;

	fprintf(stderr, "%c,%s<%s,run=%s,epoch=%lld%s%s",
	    name_of(s, h->incumbent), h->replid, h->replid2, h->run_id,
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

/* A lineage, R2<R1 or R1 or ?, into its two names. */
static void
parse_lineage(const char *text, char *replid, char *replid2)
{
	const char *past = strchr(text, '<');
	size_t len = past == NULL ? strlen(text) : (size_t)(past - text);

	ck_assert_uint_lt(strlen(text), REDIS_ID_MAX);
	snprintf(replid, REDIS_ID_MAX, "%.*s", (int)len, text);
	snprintf(replid2, REDIS_ID_MAX, "%s", past == NULL ? "" : past + 1);
	if (strcmp(replid, "?") == 0)
		replid[0] = '\0';
}

/* The role of a server, with its link. */
static void
parse_role(struct writer_server *w, const char *word)
{
	w->link_up = strcmp(word, "replica") == 0;
	if (strcmp(word, "primary") == 0)
		w->role = ROLE_PRIMARY;
	else if (w->link_up || strcmp(word, "orphan") == 0)
		w->role = ROLE_REPLICA;
	else
		ck_assert_str_eq(word, "unknown");
}

/* One flag of the server at i. */
static void
parse_flag(struct situation *s, size_t i, const char *word)
{
	struct writer_server *w = &s->servers[i];

	if (strncmp(word, "run=", 4) == 0)
		snprintf(s->run_ids[i], REDIS_ID_MAX, "%s", word + 4);
	else if (strcmp(word, "down") == 0)
		w->up = false;
	else if (strcmp(word, "unchecked") == 0)
		w->checked = w->up = false;
	else if (strcmp(word, "loading") == 0)
		w->loading = true;
	else if (strcmp(word, "maint") == 0)
		w->maintenance = true;
	else if (strcmp(word, "retired") == 0)
		w->retired = true;
	else if (strcmp(word, "backup") == 0)
		w->backup = true;
	else if (strcmp(word, "returnee") == 0)
		w->returnee = true;
	else
		ck_abort_msg("'%s' is no flag", word);
}

/* One server: NAME:ROLE,LINEAGE,FLAG... */
static void
parse_server(struct situation *s, char *token)
{
	size_t i = s->n++;
	char *next, *word;

	ck_assert_uint_lt(i, SERVERS);
	ck_assert_msg(isupper((unsigned char)token[0]) && token[1] == ':',
	    "'%s' is no server", token);
	s->names[i] = token[0];
	s->servers[i].checked = s->servers[i].up = true;
	s->servers[i].second_offset = -1;
	snprintf(s->run_ids[i], REDIS_ID_MAX, "%c1", tolower(token[0]));
	word = strtok_r(token + 2, ",", &next);
	ck_assert_ptr_nonnull(word);
	parse_role(&s->servers[i], word);
	word = strtok_r(NULL, ",", &next);
	ck_assert_ptr_nonnull(word);
	parse_lineage(word, s->replids[i], s->replids2[i]);
	while ((word = strtok_r(NULL, ",", &next)) != NULL)
		parse_flag(s, i, word);
}

/* The index of a server by name. */
static int
find(const struct situation *s, char name)
{
	const char *at = memchr(s->names, name, s->n);

	ck_assert_msg(at != NULL, "there is no server '%c'", name);
	return (int)(at - s->names);
}

/* No evidence. */
static void
init_evidence(struct situation *s)
{
	struct writer_evidence *ev = &s->evidence;

	memset(ev, 0, sizeof(*ev));
	ev->named = ev->successor = ev->promoted = -1;
	ev->epoch = -1;
}

/* One word of evidence: verdict=B/6, stale=?/6, selected=B and so on. */
static void
parse_evidence(struct situation *s, const char *word)
{
	struct writer_evidence *ev = &s->evidence;
	const char *value = strchr(word, '=');

	if (strncmp(word, "verdict=", 8) == 0 ||
	    strncmp(word, "stale=", 6) == 0) {
		ev->fresh = word[0] == 'v';
		ev->named = value[1] == '?' ? -1 : find(s, value[1]);
		ck_assert_int_eq(value[2], '/');
		ev->epoch = atoi(value + 3);
	} else if (strncmp(word, "selected=", 9) == 0) {
		ev->successor = find(s, value[1]);
	} else if (strncmp(word, "promoted=", 9) == 0) {
		ev->promoted = find(s, value[1]);
	} else if (strcmp(word, "mapped") == 0) {
		ev->mapped = true;
	} else if (strcmp(word, "unwitnessed") == 0) {
		ev->unwitnessed = true;
	} else if (strcmp(word, "strict") == 0) {
		ev->strict = true;
	} else if (strcmp(word, "pending") == 0) {
		ev->pending = true;
	} else if (strcmp(word, "listening") == 0) {
		ev->listening = true;
	} else {
		ck_abort_msg("'%s' is no evidence", word);
	}
}

/* NAME,LINEAGE,FLAG... or -. */
static void
parse_incumbent(struct situation *s, char *text)
{
	struct writer_history *h = &s->history;
	char *next, *word = strtok_r(text, ",", &next);

	h->incumbent = h->epoch = -1;
	if (strcmp(word, "-") == 0)
		return;
	h->incumbent = find(s, word[0]);
	snprintf(h->run_id, REDIS_ID_MAX, "%c1", tolower(word[0]));
	word = strtok_r(NULL, ",", &next);
	ck_assert_ptr_nonnull(word);
	parse_lineage(word, h->replid, h->replid2);
	while ((word = strtok_r(NULL, ",", &next)) != NULL) {
		if (strncmp(word, "run=", 4) == 0)
			snprintf(h->run_id, REDIS_ID_MAX, "%s", word + 4);
		else if (strncmp(word, "epoch=", 6) == 0)
			h->epoch = atoi(word + 6);
		else if (strcmp(word, "fenced") == 0)
			h->fenced = true;
		else if (strcmp(word, "provisional") == 0)
			h->provisional = true;
		else
			ck_abort_msg("'%s' is no history", word);
	}
}

/* What was before, and the evidence. */
static void
parse_history(struct situation *s, char *text)
{
	char *next, *word = strtok_r(text, " ", &next);

	ck_assert_ptr_nonnull(word);
	init_evidence(s);
	parse_incumbent(s, word);
	while ((word = strtok_r(NULL, " ", &next)) != NULL)
		parse_evidence(s, word);
}

/* What must come out: ACTION CAUSE [WRITER] [VOTES/VOTERS]. */
static void
parse_expected(const struct situation *s, struct expectation *e, char *text)
{
	char *next, *word;
	int used = 0;

	e->writer = e->votes = e->voters = -1;
	ck_assert_int_eq(
	    sscanf(text, "%15s %23s%n", e->action, e->cause, &used), 2);
	for (word = strtok_r(text + used, " ", &next); word != NULL;
	     word = strtok_r(NULL, " ", &next)) {
		if (isdigit((unsigned char)word[0]))
			ck_assert_int_eq(
			    sscanf(word, "%d/%d", &e->votes, &e->voters), 2);
		else
			e->writer = find(s, word[0]);
	}
}

/* A line of writer.cases. */
static void
parse(const struct sample *sample, struct situation *s, struct expectation *e)
{
	char text[TEXT_MAX], *column[4], *next, *token;
	char *rest = text;
	size_t i;

	memset(s, 0, sizeof(*s));
	memset(e, 0, sizeof(*e));
	memcpy(text, sample->text, sizeof(text));
	for (i = 0; i < 4; i++) {
		column[i] = strsep(&rest, "|");
		ck_assert_msg(column[i] != NULL, "line %u: too few columns",
		    sample->line);
	}
	for (token = strtok_r(column[2], " ", &next); token != NULL;
	     token = strtok_r(NULL, " ", &next))
		parse_server(s, token);
	link_names(s);
	parse_history(s, column[1]);
	parse_expected(s, e, column[3]);
}

/* Is the word that, or anything? */
static bool
is_word(const char *expected, const char *word)
{
	return strcmp(expected, "*") == 0 || strcmp(expected, word) == 0;
}

/* Is it the verdict that the line wants? */
static bool
matches(const struct writer_verdict *v, const struct expectation *e)
{
	return is_word(e->action, writer_action_str(v->action)) &&
	       is_word(e->cause, causes[v->cause]) &&
	       (e->writer == v->writer ||
		   (strcmp(e->action, "*") == 0 && e->writer < 0)) &&
	       (e->votes < 0 || e->votes == v->votes) &&
	       (e->voters < 0 || e->voters == v->voters);
}

/* The next order of n places; false after the last. */
static bool
next_order(int *order, int n)
{
	int i, j, t;

	for (i = n - 2; i >= 0 && order[i] > order[i + 1]; i--)
		;
	if (i < 0)
		return false;
	for (j = n - 1; order[j] < order[i]; j--)
		;
	t = order[i], order[i] = order[j], order[j] = t;
	for (i++, j = n - 1; i < j; i++, j--)
		t = order[i], order[i] = order[j], order[j] = t;
	return true;
}

START_TEST(test_case)
{
	const struct sample *sample = &samples[_i];
	int order[SERVERS] = {0, 1, 2, 3, 4, 5, 6, 7};
	struct situation s, other;
	struct expectation e;
	struct writer_verdict v;

	parse(sample, &s, &e);
	do {
		permute(&other, &s, order);
		v = decide(&other);
		if (v.writer >= 0)
			v.writer = order[v.writer];
		if (!matches(&v, &e))
			ck_abort_msg(CASES
			    ":%u: %s: expected%s; it is %s %s %c %d/%d",
			    sample->line, sample->name,
			    strrchr(sample->text, '|') + 1,
			    writer_action_str(v.action), causes[v.cause],
			    name_of(&s, v.writer), v.votes, v.voters);
	} while (next_order(order, (int)s.n));
}
END_TEST

/* All words are different, and none is missing. */
START_TEST(test_words)
{
	size_t i, j;

	for (i = 0; i < NCAUSES; i++) {
		ck_assert_ptr_nonnull(writer_cause_str((enum writer_cause)i));
		for (j = 0; j < i; j++)
			ck_assert_str_ne(writer_cause_str((enum writer_cause)i),
			    writer_cause_str((enum writer_cause)j));
	}
	for (i = WRITER_NONE; i <= WRITER_SWITCH; i++) {
		for (j = 0; j < i; j++)
			ck_assert_str_ne(
			    writer_action_str((enum writer_action)i),
			    writer_action_str((enum writer_action)j));
	}
}
END_TEST

/* Random numbers, the same everywhere for a seed (Marsaglia's xorshift64). */
static uint64_t state;

static unsigned
random_below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

/* True once in n times. */
static bool
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

	init_evidence(s);
	if (once_in(2))
		return;
	ev->strict = once_in(5);
	ev->pending = once_in(5);
	ev->listening = once_in(5);
	ev->mapped = once_in(2);
	ev->unwitnessed = once_in(4);
	if (!once_in(3)) {
		ev->fresh = once_in(2);
		ev->named = once_in(6) ? -1 : random_index(s);
		ev->epoch = (int64_t)random_below(5) - 1;
	}
	if (once_in(4))
		ev->successor = random_index(s);
	if (once_in(6))
		ev->promoted = random_index(s);
}

/* Any situation. */
static void
random_situation(struct situation *s)
{
	struct writer_history *h = &s->history;
	size_t i;

	memset(s, 0, sizeof(*s));
	s->n = random_below(SERVERS + 1);
	for (i = 0; i < s->n; i++)
		random_server(s, i);
	link_names(s);
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
static bool
is_candidate(const struct writer_server *w)
{
	return w->checked && w->up && w->role == ROLE_PRIMARY && !w->loading &&
	       !w->maintenance;
}

/* What is wrong with a verdict by itself; NULL nothing. */
static const char *
wrong(const struct situation *s, const struct writer_verdict *v)
{
	const struct writer_history *h = &s->history;

	if (v->writer < -1 || v->writer >= (int)s->n)
		return "a writer that does not exist";
	if ((v->action == WRITER_NONE || v->action == WRITER_FENCE) !=
	    (v->writer == -1))
		return "an action and a writer that contradict each other";
	if (v->votes < 0 || v->votes > v->voters || v->voters > (int)s->n)
		return "votes that nobody has";
	switch (v->action) {
	case WRITER_STAY:
		if (v->writer != h->incumbent || h->fenced)
			return "stay, without a writer";
		break;
	case WRITER_WAIT:
		if (v->writer != h->incumbent || h->fenced)
			return "wait, without a writer";
		return NULL;
	case WRITER_FENCE:
		return h->incumbent < 0 || h->fenced ? "fence nobody" : NULL;
	case WRITER_SWITCH:
		if (v->writer == h->incumbent && !h->fenced)
			return "switch to the writer";
		if (v->writer != h->incumbent && s->servers[v->writer].retired)
			return "switch to a retired server";
		break;
	default:
		return h->incumbent >= 0 && !h->fenced
			   ? "a writer is neither kept nor fenced"
			   : NULL;
	}
	return is_candidate(&s->servers[v->writer]) ? NULL : "not a candidate";
}

/* Fail, with all it takes to see why. */
static void
report(const struct situation *s, const struct writer_verdict *v, uint64_t seed,
    unsigned round, const char *what)
{
	print(s);
	ck_abort_msg("%s: %s %s %c (WRITER_SEED=%llu, situation %u)", what,
	    writer_action_str(v->action), causes[v->cause],
	    name_of(s, v->writer), (unsigned long long)seed, round);
}

/* The seed to begin with. */
static uint64_t
seed_from_environment(void)
{
	const char *seed = getenv("WRITER_SEED");

	state = seed == NULL ? SEED : strtoull(seed, NULL, 10);
	ck_assert_uint_ne(state, 0);
	return state;
}

/* Nobody writes who must not. */
START_TEST(test_sound)
{
	uint64_t seed = seed_from_environment();
	struct situation s;
	struct writer_verdict v;
	const char *what;
	unsigned round;

	for (round = 0; round < SITUATIONS; round++) {
		random_situation(&s);
		v = decide(&s);
		what = wrong(&s, &v);
		if (what != NULL)
			report(&s, &v, seed, round, what);
	}
}
END_TEST

/* Primaries that share a lineage, which Redis never does: still sound. */
START_TEST(test_sound_on_nonsense)
{
	uint64_t seed = seed_from_environment();
	struct situation s;
	struct writer_verdict v;
	const char *what;
	unsigned round;
	size_t i;

	for (round = 0; round < SITUATIONS; round++) {
		random_situation(&s);
		for (i = 0; i < s.n; i++) {
			random_lineage(s.replids[i]);
			if (once_in(4))
				s.replids[i][0] = '\0';
		}
		v = decide(&s);
		what = wrong(&s, &v);
		if (what != NULL)
			report(&s, &v, seed, round, what);
	}
}
END_TEST

/* The order of the servers in the configuration decides nothing. */
START_TEST(test_any_order)
{
	uint64_t seed = seed_from_environment();
	int order[SERVERS], t;
	struct situation s, other;
	struct writer_verdict v, w;
	unsigned round, i, j;

	for (round = 0; round < SITUATIONS; round++) {
		random_situation(&s);
		for (i = 0; i < SERVERS; i++)
			order[i] = (int)i;
		for (i = (unsigned)s.n; i > 1; i--) {
			j = random_below(i);
			t = order[j], order[j] = order[i - 1], order[i - 1] = t;
		}
		permute(&other, &s, order);
		v = decide(&s);
		w = decide(&other);
		if (w.writer >= 0)
			w.writer = order[w.writer];
		if (memcmp(&v, &w, sizeof(v)) != 0)
			report(&s, &v, seed, round,
			    "another order, another verdict");
	}
}
END_TEST

/* What was decided stays decided while nothing changes. */
START_TEST(test_no_flapping)
{
	uint64_t seed = seed_from_environment();
	struct situation s, after;
	struct writer_verdict v, w;
	size_t x;
	unsigned round;

	for (round = 0; round < SITUATIONS; round++) {
		random_situation(&s);
		v = decide(&s);
		after = s;
		link_names(&after);
		if (v.action == WRITER_FENCE)
			after.history.fenced = true;
		if (v.action == WRITER_SWITCH) {
			x = (size_t)v.writer;
			after.history.fenced = false;
			after.history.provisional = v.cause == CAUSE_SELECTED;
			writer_remember(&after.history, &after.servers[x],
			    &after.evidence, v.writer);
			/* They were about the one before. */
			after.evidence.unwitnessed = false;
			after.evidence.promoted = -1;
		}
		w = decide(&after);
		/* What the operator chose, the next vote may change. */
		if (v.action == WRITER_SWITCH && v.cause != CAUSE_OPERATOR &&
		    (w.action != WRITER_STAY || w.writer != v.writer))
			report(
			    &s, &v, seed, round, "a switch that does not last");
		if (v.action == WRITER_FENCE && w.action != WRITER_NONE)
			report(
			    &s, &v, seed, round, "a fence that does not last");
	}
}
END_TEST

/* While the workers close the old writer's sessions, the choice stands. */
START_TEST(test_switch_in_two_steps)
{
	uint64_t seed = seed_from_environment();
	struct situation s;
	struct writer_verdict v, w;
	unsigned round;

	for (round = 0; round < SITUATIONS; round++) {
		random_situation(&s);
		if (s.history.incumbent < 0 || s.history.fenced)
			continue;
		v = decide(&s);
		if (v.action != WRITER_SWITCH)
			continue;
		s.history.fenced = true;
		w = decide(&s);
		if (w.action != WRITER_SWITCH || w.writer != v.writer)
			report(&s, &v, seed, round,
			    "fenced for it, and not taken");
	}
}
END_TEST

/* Read writer.cases. */
static int
read_samples(void)
{
	FILE *f = fopen(CASES, "r");
	char text[TEXT_MAX];
	unsigned line = 0;
	struct sample *s;
	size_t len;

	if (f == NULL) {
		perror(CASES);
		return -1;
	}
	while (fgets(text, sizeof(text), f) != NULL) {
		line++;
		text[strcspn(text, "\n")] = '\0';
		if (text[0] == '#' || text[0] == '\0')
			continue;
		s = &samples[nsamples++];
		s->line = line;
		len = strcspn(text, "|");
		snprintf(s->name, sizeof(s->name), "%.*s",
		    len == 0 ? 0 : (int)len - 1, text);
		memcpy(s->text, text, sizeof(text));
	}
	fclose(f);
	return 0;
}

/* Run them all. */
int
main(void)
{
	Suite *suite = suite_create("writer");
	TCase *tc = tcase_create("writer");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (read_samples() != 0)
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, test_case, 0, nsamples);
	tcase_add_test(tc, test_words);
	tcase_add_test(tc, test_sound);
	tcase_add_test(tc, test_sound_on_nonsense);
	tcase_add_test(tc, test_any_order);
	tcase_add_test(tc, test_no_flapping);
	tcase_add_test(tc, test_switch_in_two_steps);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
