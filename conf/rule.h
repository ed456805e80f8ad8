/*
 * use-backend: which backend serves a client instead of its frontend's, by how
 * many servers are usable when it comes. The words are HAProxy's.
 */
#ifndef CONF_RULE_H
#define CONF_RULE_H

#include <stdbool.h>
#include <stddef.h>

#define RULE_TERMS_MAX 16

struct conf_backend;
struct conf_frontend;

enum rule_than { THAN_EQ, THAN_GE, THAN_GT, THAN_LE, THAN_LT };

/* nbsrv(BACKEND) or srv_is_up(BACKEND/SERVER). */
struct rule_term {
	bool first;   /* of those that "or" parts */
	bool negated; /* of this one alone */
	bool is_up;   /* srv_is_up() */
	const struct conf_backend *backend;
	size_t server; /* its place in the backend, of srv_is_up() */
	enum rule_than than;
	unsigned n;
};

struct conf_rule {
	const struct conf_frontend *to; /* a branch, or the frontend itself */
	bool unless;
	struct rule_term terms[RULE_TERMS_MAX];
	size_t nterms; /* 0: for all */
};

#endif
