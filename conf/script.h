/*
 * What a check that is a script wants to know: many are written for Redis or
 * Sentinel, and what those ask, the native check knows better.
 */
#ifndef CONF_SCRIPT_H
#define CONF_SCRIPT_H

#include <stddef.h>

#include "conf/step.h"
#include "conf/words.h"

struct script_meaning {
	enum {
		SCRIPT_OTHER,   /* something else, or wrong: run as written */
		SCRIPT_REDIS,   /* PING and INFO, on the server itself */
		SCRIPT_SENTINEL /* asks a Sentinel where the primary is */
	} kind;
	enum conf_role role;       /* that it wants; WANT_ANY: it does not ask,
				    * so every answering server is UP */
	char *username, *password; /* of AUTH; NULL none; secret */
	char *master_name;         /* SCRIPT_SENTINEL: what it asks for, */
	char *address;             /* and what must be in the answer */
	char left_out[256];        /* what else it expects, with ", " between;
				    * "" nothing */
};

/* Find out; script_meaning_clear() it. */
void script_understand(
    const struct conf_step *steps, size_t n, struct script_meaning *out);

/* Free and wipe what it owns. */
void script_meaning_clear(struct script_meaning *m);

#endif
