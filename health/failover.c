/*
 * A failover under way. It ends by a newer verdict, or because nothing backs it
 * any more; then the verdict that stands holds again.
 */
#include "health/failover.h"

#define PROMOTION_MS 5000 /* from the selection to the promotion, at most */
#define DISTRUST_MS  5000 /* of who led one that came to nothing */

bool
failover_select(struct failover *f, int successor, int leader, int64_t epoch,
    int64_t verdict, int64_t now)
{
	if (epoch <= verdict)
		epoch = verdict + 1;
	if (epoch <= f->last_used ||
	    (f->failed_at != 0 && f->failed_leader == leader &&
		now - f->failed_at < DISTRUST_MS))
		return false;
	f->phase = FAILOVER_SELECTED;
	f->successor = successor;
	f->leader = leader;
	f->epoch = verdict;
	f->began = now;
	f->last_used = epoch;
	return true;
}

/* It is over. */
static enum failover_end
end(struct failover *f, enum failover_end why, int64_t now)
{
	f->phase = FAILOVER_NONE;
	if (why != FAILOVER_DONE) {
		f->failed_leader = f->leader;
		f->failed_at = now;
	}
	return why;
}

enum failover_end
failover_abort(struct failover *f, int leader, int64_t now)
{
	if (f->phase == FAILOVER_NONE || f->leader != leader)
		return FAILOVER_GOES_ON;
	return end(f, FAILOVER_ABORTED, now);
}

enum failover_end
failover_update(struct failover *f, const struct failover_news *news)
{
	if (f->phase == FAILOVER_NONE)
		return FAILOVER_GOES_ON;
	/* Sentinels that were made anew count from 0 again. */
	if (news->verdict > f->epoch || news->confirmed)
		return end(f, FAILOVER_DONE, news->now);
	if (!news->leader_alive)
		return end(f, FAILOVER_LEADER_LOST, news->now);
	if (f->phase == FAILOVER_PROVISIONAL && !news->primary)
		return end(f, FAILOVER_UNDONE, news->now);
	if (f->phase == FAILOVER_SELECTED && news->primary)
		f->phase = FAILOVER_PROVISIONAL;
	if (f->phase == FAILOVER_SELECTED &&
	    news->now - f->began > PROMOTION_MS)
		return end(f, FAILOVER_LATE, news->now);
	return FAILOVER_GOES_ON;
}

const char *
failover_end_str(enum failover_end why)
{
	switch (why) {
	case FAILOVER_DONE:
		return "a newer verdict names the primary";
	case FAILOVER_ABORTED:
		return "the leading Sentinel gave it up";
	case FAILOVER_LEADER_LOST:
		return "the leading Sentinel was lost";
	case FAILOVER_LATE:
		return "the successor was not promoted in time";
	case FAILOVER_UNDONE:
		return "the successor is no primary any more";
	default:
		return "it goes on";
	}
}
