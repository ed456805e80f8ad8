/*
 * Who may take the writes of one backend. Pure: evidence in, verdict out; its
 * specification is tests/unit/writer.cases. How long anything lasted has been
 * judged before (verdict.h, failover.h, witness.h).
 */
#ifndef HEALTH_WRITER_H
#define HEALTH_WRITER_H

#include "health/observation.h"

/* One server, as the decision sees it. */
struct writer_server {
	bool checked;     /* at least one probe has ended */
	bool up;          /* answers */
	bool loading;     /* answers -LOADING */
	bool maintenance; /* by the operator: never the writer */
	bool retired;     /* no longer configured: may stay, not become */
	bool backup;
	bool returnee;         /* a primary that was away or restarted */
	bool link_up;          /* a replica whose link is up */
	enum role role;        /* last known */
	const char *run_id;    /* "" unknown */
	const char *replid;    /* master_replid; "" unknown */
	const char *replid2;   /* master_replid2 */
	int64_t second_offset; /* second_repl_offset; -1 none */
	int64_t offset;
};

/* What came before. */
struct writer_history {
	int incumbent;              /* index of the last writer, -1 never */
	bool fenced;                /* it lost the writes already, */
	int fenced_for;             /* an enum writer_cause: for this */
	char run_id[REDIS_ID_MAX];  /* its process when it last was writer */
	char replid[REDIS_ID_MAX];  /* its lineage when it last was writer */
	char replid2[REDIS_ID_MAX]; /* and the one before */
	int64_t epoch;    /* of the newest verdict that it followed; -1 none */
	bool provisional; /* W2 chose it, and no verdict has named it yet */
};

/* What is known beyond the servers; all zero, but for the -1s: nothing. */
struct writer_evidence {
	bool strict;      /* without a fresh verdict nobody is the writer */
	bool pending;     /* configured Sentinels are about to be asked */
	bool listening;   /* Sentinels, if there are any, are not heard yet */
	bool fresh;       /* the verdict is: enough Sentinels can be asked */
	int named;        /* whom it names; -1 a server that is not here */
	int64_t epoch;    /* its epoch; -1 there is no verdict */
	bool mapped;      /* one before it named a server that is here */
	bool hearsay;     /* no Sentinel ever answered: it is only heard */
	bool failing;     /* a failover from the incumbent is under way */
	int successor;    /* selected in it; -1 a server that is not here */
	bool unwitnessed; /* the incumbent is cut off from the others */
	bool handover;    /* the operator asked it to hand over */
	int promoted;     /* by the operator; -1 none */
};

/* What to do. */
enum writer_action {
	WRITER_NONE,  /* there is no writer and nobody to fence */
	WRITER_STAY,  /* the incumbent takes the writes */
	WRITER_WAIT,  /* the incumbent is away: hold new clients, close none */
	WRITER_FENCE, /* the incumbent may not write any more; nobody may yet */
	WRITER_SWITCH /* fence the incumbent if there is one, then `writer` */
};

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

struct writer_verdict {
	enum writer_action action;
	enum writer_cause cause;
	int writer; /* STAY, WAIT: the incumbent; SWITCH: the new; else -1 */
	int votes, voters; /* replicas that follow it, of how many seen */
};

/* Decide for one backend. */
struct writer_verdict writer_decide(const struct writer_server *servers,
    size_t n, const struct writer_history *history,
    const struct writer_evidence *evidence);

/* What is remembered of a server that is the writer, or becomes it now. */
void writer_remember(struct writer_history *history,
    const struct writer_server *server, const struct writer_evidence *evidence,
    int index);

const char *writer_action_str(enum writer_action action);
const char *writer_cause_str(enum writer_cause cause);

/* The rule of the design that a cause is of: "W1". */
const char *writer_cause_rule(enum writer_cause cause);

#endif
