/*
 * Who may take the writes of one backend. Pure: evidence in, verdict out; its
 * specification is tests/unit/writer.cases. How long anything lasted has been
 * judged before (verdict.h, failover.h, witness.h).
 */
#ifndef HEALTH_WRITER_H
#define HEALTH_WRITER_H

#include "health/cause.h"
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
#endif
