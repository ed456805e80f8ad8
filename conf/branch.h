/*
 * Where the use-backend rules of frontends lead: for each backend that one
 * leads to a copy of the frontend with that backend, its branch. A session
 * belongs to one branch from the time that it is routed.
 */
#ifndef CONF_BRANCH_H
#define CONF_BRANCH_H

#include "conf/conf.h"

struct conf_problems;
struct ini;

/* The backend of that name; NULL with an error at that line, which names the
 * nearest. */
struct conf_backend *branch_backend(struct conf *conf, const char *file,
    unsigned line, const char *name, struct conf_problems *p);

/* How many branches the document can come to. */
size_t branch_room(const struct ini *doc);

/* Make rules and branches of all frontends, which have been checked. */
void branch_make(
    struct conf *conf, const struct ini *doc, struct conf_problems *p);

/* fe's first branch, or the one after that; NULL if there is none. fe counts
 * sessions of its own backend only. */
static inline const struct conf_frontend *
conf_branch(const struct conf_frontend *fe, const struct conf_frontend *after)
{
	const struct conf_frontend *all, *end;

	if (fe->nrules == 0)
		return NULL;
	all = fe->conf->frontends + fe->conf->nfrontends;
	end = all + fe->conf->nbranches;
	for (all = after == fe ? all : after + 1; all < end; all++) {
		if (all->of == fe)
			return all;
	}
	return NULL;
}

#endif
