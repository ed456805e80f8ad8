/*
 * A failover that the Sentinels have begun (rule W2): the writer is fenced when
 * its successor is selected, and the successor may write as soon as it says
 * primary, provisionally until a newer verdict. Pure.
 */
#ifndef HEALTH_FAILOVER_H
#define HEALTH_FAILOVER_H

#include <stdbool.h>
#include <stdint.h>

enum failover_phase {
	FAILOVER_NONE,
	FAILOVER_SELECTED,   /* a successor is named, and no primary yet */
	FAILOVER_PROVISIONAL /* it says primary; no verdict names it yet */
};

/* How the last one ended; failover_end_str() has the words. */
enum failover_end {
	FAILOVER_GOES_ON,
	FAILOVER_DONE,        /* a newer verdict decides */
	FAILOVER_ABORTED,     /* the leading Sentinel gave it up */
	FAILOVER_LEADER_LOST, /* it cannot be asked any more */
	FAILOVER_LATE,        /* no promotion in time */
	FAILOVER_UNDONE       /* the successor is no primary any more */
};

/* One backend's. All zero at first. */
struct failover {
	enum failover_phase phase;
	int successor;     /* member id */
	int leader;        /* id of the Sentinel that leads it */
	int64_t epoch;     /* of the verdict that stood when it began */
	int64_t began;     /* clock_ms() */
	int64_t last_used; /* the failover epoch of the newest one */
	int failed_leader; /* who led one that came to nothing, and when */
	int64_t failed_at; /* clock_ms(); 0 never */
};

/* What is known now. */
struct failover_news {
	int64_t now;
	bool leader_alive; /* its connections are open, it answers */
	bool primary;      /* the successor says primary */
	int64_t verdict;   /* epoch of the verdict that stands */
	bool confirmed;    /* that verdict names the successor */
};

/* A Sentinel has selected a successor in that failover epoch (0 unknown). False
 * if one of this epoch, or a newer, was already taken, or if it has just led
 * one that came to nothing. */
bool failover_select(struct failover *f, int successor, int leader,
    int64_t epoch, int64_t verdict, int64_t now);

/* That Sentinel has given up. */
enum failover_end failover_abort(struct failover *f, int leader, int64_t now);

/* Time has passed. What ends it is told once. */
enum failover_end failover_update(
    struct failover *f, const struct failover_news *news);

const char *failover_end_str(enum failover_end end);

#endif
