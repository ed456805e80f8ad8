/*
 * A situation that the writer of a backend is decided in, with room for the
 * names in it; and random ones. For the tests of health/writer.c.
 */
#ifndef TESTS_WRITER_SITUATION_H
#define TESTS_WRITER_SITUATION_H

#include "health/writer.h"

#define SERVERS 8

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

/* The words of the causes, as writer.cases has them. */
#define SITUATION_CAUSES (CAUSE_HANDOVER + 1)
extern const char *const writer_causes[SITUATION_CAUSES];

/* No evidence. */
void situation_init_evidence(struct situation *s);

/* Point the servers at their own names, after a copy or a change of places. */
void situation_link(struct situation *s);

/* dst: the same servers, the one at i taken from order[i]. */
void situation_permute(
    struct situation *dst, const struct situation *src, const int *order);

/* Decide. */
struct writer_verdict situation_decide(const struct situation *s);

/* The name of the server at i. */
char situation_name(const struct situation *s, int i);

/* In the words of writer.cases, to stderr. */
void situation_print(const struct situation *s);

/* Any situation. */
void situation_random(struct situation *s);

/* Up, primary, and ready. */
bool situation_is_candidate(const struct writer_server *w);

/* Begin the random numbers with WRITER_SEED, or always the same. Returns it. */
uint64_t random_seed(void);

/* One of 0 to n - 1. */
unsigned random_below(unsigned n);

/* True once in n times. */
bool once_in(unsigned n);

#endif
