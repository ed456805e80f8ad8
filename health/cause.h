/*
 * The causes of a decision about the writer: one list, its words for the log,
 * the page and the manual, and the rule of the design that each is of.
 */
#ifndef HEALTH_CAUSE_H
#define HEALTH_CAUSE_H

/* Why; writer_cause_str() has the words. */
enum writer_cause {
	CAUSE_NOT_CHECKED,  /* the first round of checks is not done */
	CAUSE_NO_CANDIDATE, /* no server says primary */
	CAUSE_STANDS,       /* the writer is still a primary */
	CAUSE_AWAY,         /* the writer does not answer */
	CAUSE_LOADING,      /* the writer is loading its data set */
	CAUSE_MAINTENANCE,  /* taken out by the operator */
	CAUSE_DEMOTED,      /* the writer has become a replica */
	CAUSE_SUCCESSOR,    /* continues the writer's data after it was gone */
	CAUSE_RESUMED,      /* the same server is back */
	CAUSE_FOLLOWED,     /* the old writer itself follows it */
	CAUSE_VOTES,        /* most replicas follow it */
	CAUSE_ONLY,         /* the only primary */
	CAUSE_LINEAGE,      /* of several, it continues another's data */
	CAUSE_TIE,          /* several, and nothing tells them apart */
	CAUSE_UNRELATED,    /* several with data that has nothing in common */
	CAUSE_NOT_OF_LINEAGE, /* one, but others hold the lost writer's data */
	CAUSE_PENDING,        /* the Sentinels were not asked yet */
	CAUSE_VERDICT,        /* the Sentinels name it */
	CAUSE_AWAITED,        /* they name another, which is no primary yet */
	CAUSE_STRANGER,       /* they name a server that is not here */
	CAUSE_FAILOVER,       /* they have selected its successor */
	CAUSE_SELECTED,       /* selected by them, and a primary now */
	CAUSE_UNWITNESSED,    /* nobody else hears or follows it */
	CAUSE_WITNESSED,      /* they do again */
	CAUSE_NO_MAJORITY,    /* fence = strict: too few can be asked */
	CAUSE_OPERATOR,       /* ctl promote */
	CAUSE_HANDOVER,       /* ctl switchover */
	CAUSE_CLUSTER,        /* Redis Cluster: every primary is a writer */
	CAUSE_ELECTED         /* by its Redis Cluster */
};
#define WRITER_CAUSES (CAUSE_ELECTED + 1)

const char *writer_cause_str(enum writer_cause cause);

/* The rule: "W1". */
const char *writer_cause_rule(enum writer_cause cause);

#endif
