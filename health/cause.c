/*
 * The words of the causes.
 */
#include "health/cause.h"

const char *
writer_cause_str(enum writer_cause cause)
{
	static const char *const words[] = {
	    [CAUSE_NOT_CHECKED] = "not every server has been checked yet",
	    [CAUSE_NO_CANDIDATE] = "no server says primary",
	    [CAUSE_STANDS] = "still a primary",
	    [CAUSE_AWAY] = "the writer does not answer",
	    [CAUSE_LOADING] = "the writer is loading its data",
	    [CAUSE_MAINTENANCE] = "the writer is in maintenance",
	    [CAUSE_DEMOTED] = "the writer has become a replica",
	    [CAUSE_SUCCESSOR] = "continues the old writer's data",
	    [CAUSE_RESUMED] = "the same server is back",
	    [CAUSE_FOLLOWED] = "the old writer follows it",
	    [CAUSE_VOTES] = "most replicas follow it",
	    [CAUSE_ONLY] = "the only primary",
	    [CAUSE_LINEAGE] = "continues the data of the other primary",
	    [CAUSE_TIE] = "several primaries and nothing tells which is "
			  "right: make all but one of them replicas",
	    [CAUSE_UNRELATED] = "these are unrelated servers: several "
				"primaries without replicas or a common past",
	    [CAUSE_NOT_OF_LINEAGE] = "a primary is there, but replicas hold "
				     "newer data of the lost writer",
	    [CAUSE_PENDING] = "the Sentinels have not been asked yet",
	    [CAUSE_VERDICT] = "the Sentinels name it",
	    [CAUSE_AWAITED] = "the Sentinels name a server that is not a "
			      "primary yet",
	    [CAUSE_STRANGER] = "the Sentinels name a server that is not "
			       "configured here",
	    [CAUSE_FAILOVER] = "the Sentinels have selected its successor",
	    [CAUSE_SELECTED] = "the Sentinels selected it, and it is a "
			       "primary now",
	    [CAUSE_UNWITNESSED] = "the writer is cut off from the others",
	    [CAUSE_WITNESSED] = "the writer is in touch with the others again",
	    [CAUSE_NO_MAJORITY] = "no majority of the Sentinels can be asked "
				  "(fence = strict)",
	    [CAUSE_OPERATOR] = "promoted by the operator",
	    [CAUSE_HANDOVER] = "the operator asked for a switch-over",
	    [CAUSE_CLUSTER] = "every primary of a Redis Cluster takes writes",
	    [CAUSE_ELECTED] = "the Redis Cluster made it a primary",
	};

	return words[cause];
}

const char *
writer_cause_rule(enum writer_cause cause)
{
	switch (cause) {
	case CAUSE_VERDICT:
	case CAUSE_AWAITED:
	case CAUSE_STRANGER:
		return "W1";
	case CAUSE_FAILOVER:
	case CAUSE_SELECTED:
		return "W2";
	case CAUSE_NOT_CHECKED:
	case CAUSE_NO_CANDIDATE:
	case CAUSE_PENDING:
	case CAUSE_ONLY:
	case CAUSE_LINEAGE:
	case CAUSE_TIE:
	case CAUSE_UNRELATED:
	case CAUSE_OPERATOR:
	case CAUSE_HANDOVER:
		return "W5";
	case CAUSE_UNWITNESSED:
	case CAUSE_WITNESSED:
		return "W6";
	case CAUSE_NO_MAJORITY:
		return "W7";
	case CAUSE_CLUSTER:
	case CAUSE_ELECTED:
		return "W8";
	default:
		return "W4";
	}
}
