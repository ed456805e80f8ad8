/*
 * The verdict: which server the Sentinels name as the primary. Pure: what each
 * of them said goes in, the verdict that stands comes out. The highest
 * configuration epoch counts, but one source alone is only a hint.
 */
#ifndef HEALTH_VERDICT_H
#define HEALTH_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_UNKNOWN (-1) /* named, but it is none of the servers */

/* One Sentinel. */
struct verdict_source {
	bool asked; /* it answers our own questions */
	int named;  /* what it answered: a server */
	int64_t epoch;
	bool heard; /* a hello of its was heard lately */
	int hello_named;
	int64_t hello_epoch;
};

/* What stands. All zero, but named = SERVER_UNKNOWN and epoch = -1, at first.
 */
struct verdict {
	int named;
	int64_t epoch; /* -1 there was never one */
	int64_t
	    backed_at; /* when it was last that of a majority, or became it */
	bool fresh;    /* enough Sentinels can be asked that it holds now */
	bool hint;     /* someone names another: ask them all now */
	bool mapped;   /* some verdict so far named a server of ours */
	int64_t overruled; /* of that epoch was one that a majority took back:
			    * up to there no server's word is enough */
	unsigned agree,
	    known; /* Sentinels that answer just this, of how many */
};

/* Take the newest answers into account. known is how many Sentinels there are,
 * asked or not; trusted[i] says that server i is a primary with the incumbent's
 * lineage (n of them). now in clock_ms(). */
void verdict_update(struct verdict *v, const struct verdict_source *sources,
    size_t nsources, unsigned known, const bool *trusted, size_t n,
    int64_t now);

#endif
