/*
 * Balancing: five ways to pick one of n. All honour the weights but `first`.
 */
#include <math.h>

#include "proxy/balance.h"

/* FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), then mixed. */
uint32_t
balance_hash(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 2166136261u;

	while (len-- > 0)
		h = (h ^ *p++) * 16777619u;
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	return h;
}

/* xorshift64 (Marsaglia 2003): good enough to spread connections. */
static uint32_t
next_random(struct balance_state *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return (uint32_t)(s->random >> 32);
}

/* The candidate at this point of the line of all weights. */
static size_t
at_weight(const struct balance_candidate *c, size_t n, uint32_t point)
{
	size_t i;

	for (i = 0; i < n - 1; i++) {
		if (point < c[i].weight)
			break;
		point -= c[i].weight;
	}
	return i;
}

/* All weights together, after division by what they have in common. */
static uint32_t
total_weight(const struct balance_candidate *c, size_t n, uint32_t *unit)
{
	uint32_t sum = 0, a, b, t, gcd = c[0].weight;
	size_t i;

	for (i = 0; i < n; i++) {
		sum += c[i].weight;
		for (a = c[i].weight, b = gcd; b != 0; t = a % b, a = b, b = t)
			;
		gcd = a;
	}
	*unit = gcd;
	return sum;
}

/* The stride through a round of so many turns that mixes them best: about its
 * golden section, and without a common divisor, so that none is left out. */
static uint32_t
stride(uint32_t turns)
{
	uint32_t step = (uint32_t)(turns * 0.6180339887), a, b, t;

	for (step += step == 0;; step++) {
		for (a = turns, b = step; b != 0; t = a % b, a = b, b = t)
			;
		if (a == 1)
			return step;
	}
}

/* Turn by turn; of equal weights, one each. Of others, each has its turns
 * spread over the round. */
static size_t
pick_roundrobin(
    struct balance_state *s, const struct balance_candidate *c, size_t n)
{
	uint32_t unit, total = total_weight(c, n, &unit);
	uint32_t turns = total / unit, turn = s->turn++ % turns;

	if (turns > n)
		turn = (uint32_t)((uint64_t)turn * stride(turns) % turns);
	return at_weight(c, n, turn * unit);
}

/* Is a less loaded than b, by weight? */
static int
lighter(const struct balance_candidate *a, const struct balance_candidate *b)
{
	return (uint64_t)a->load * b->weight < (uint64_t)b->load * a->weight;
}

/* The least loaded; among equals, turn by turn. */
static size_t
pick_leastconn(
    struct balance_state *s, const struct balance_candidate *c, size_t n)
{
	size_t start = s->turn++ % n, best = start, i, at;

	for (i = 1; i < n; i++) {
		at = (start + i) % n;
		if (lighter(&c[at], &c[best]))
			best = at;
	}
	return best;
}

/* Two at random, the less loaded of them (Mitzenmacher 2001). */
static size_t
pick_random(
    struct balance_state *s, const struct balance_candidate *c, size_t n)
{
	uint32_t unit, total = total_weight(c, n, &unit);
	size_t a = at_weight(c, n, next_random(s) % total);
	size_t b = at_weight(c, n, next_random(s) % total);

	return lighter(&c[b], &c[a]) ? b : a;
}

/*
 * Weighted rendezvous hashing: each client ranks the servers by itself, so that
 * a server that comes or goes moves only its own clients (Thaler and
 * Ravishankar 1998; Schindelhauer and Schomaker 2005 for the weights).
 */
static size_t
pick_source(
    const struct balance_candidate *c, size_t n, const struct in6_addr *client)
{
	double best_score = 0, score;
	size_t best = 0, i;
	struct {
		struct in6_addr client;
		uint32_t name;
	} key = {*client, 0};

	for (i = 0; i < n; i++) {
		key.name = c[i].name;
		score = (balance_hash(&key, sizeof(key)) + 0.5) / 4294967296.0;
		score = c[i].weight / -log(score);
		if (score > best_score) {
			best_score = score;
			best = i;
		}
	}
	return best;
}

size_t
balance_pick(enum conf_balance how, struct balance_state *state,
    const struct balance_candidate *c, size_t n, const struct in6_addr *client)
{
	if (n == 1)
		return 0;
	switch (how) {
	case BALANCE_ROUNDROBIN:
		return pick_roundrobin(state, c, n);
	case BALANCE_RANDOM:
		return pick_random(state, c, n);
	case BALANCE_SOURCE:
		return pick_source(c, n, client);
	case BALANCE_FIRST:
		return 0;
	default:
		return pick_leastconn(state, c, n);
	}
}
