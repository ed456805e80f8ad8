/*
 * What a snapshot means for a route, and the words for what it says.
 */
#include "health/snapshot.h"

#define LATENCY_NOISE 100 /* us that are no news, and */
#define LATENCY_SHARE 4   /* a quarter is none either */

/* The rank by role alone. */
static unsigned
rank_role(enum conf_route route, const struct snapshot_server *s)
{
	switch (route) {
	case ROUTE_PRIMARY:
		return s->writable ? 1 : 0;
	case ROUTE_PRIMARY_PREFERRED:
		return s->writable ? 1 : s->readable ? 2 : 0;
	case ROUTE_REPLICA:
		return s->readable ? 1 : 0;
	case ROUTE_REPLICA_PREFERRED:
		return s->readable ? 1 : s->writable ? 2 : 0;
	case ROUTE_ANY_REPLICA:
		return s->replica ? 1 : 0;
	default:
		return s->readable || s->writable ? 1 : 0;
	}
}

unsigned
snapshot_rank(const struct snapshot *s, const struct conf_frontend *fe,
    const struct conf_server *cs)
{
	const struct snapshot_server *srv;
	unsigned rank;

	if ((size_t)cs->id >= s->nservers)
		return 0;
	srv = &s->servers[cs->id];
	if (!srv->up || srv->drain || srv->weight == 0)
		return 0;
	rank =
	    fe->backend->check == CHECK_REDIS ? rank_role(fe->route, srv) : 1;
	return rank == 0 || !cs->backup ? rank : rank + 2;
}

bool
snapshot_keeps(const struct snapshot_server *s, const struct conf_frontend *fe)
{
	if (fe->backend->check != CHECK_REDIS)
		return true;
	switch (fe->route) {
	case ROUTE_PRIMARY:
		return true;
	case ROUTE_REPLICA:
		return s->readable;
	case ROUTE_ANY_REPLICA:
		return s->replica;
	default:
		/* A primary that was not fenced is the writer. */
		return s->readable || !s->replica;
	}
}

/* Is it UP as HAProxy sees it: in the role that the backend wants, too? */
static bool
is_up(const struct snapshot *s, const struct conf_backend *cb,
    const struct conf_server *cs)
{
	const struct snapshot_server *srv;

	if ((size_t)cs->id >= s->nservers || !s->servers[cs->id].up)
		return false;
	srv = &s->servers[cs->id];
	if (cb->check != CHECK_REDIS || cb->role == WANT_ANY)
		return true;
	return cb->role == WANT_PRIMARY ? srv->writable : srv->replica;
}

unsigned
snapshot_usable(const struct snapshot *s, const struct conf_backend *cb)
{
	const struct conf_server *cs = cb->servers;
	unsigned n[2] = {0, 0};
	size_t i;

	for (i = 0; i < cb->nservers; i++, cs++) {
		if (is_up(s, cb, cs) && !s->servers[cs->id].drain &&
		    s->servers[cs->id].weight > 0)
			n[cs->backup]++;
	}
	if (n[false] > 0 || cb->all_backups)
		return n[false] > 0 ? n[false] : n[true];
	return n[true] > 0;
}

/* Does one criterion hold? */
static bool
holds(const struct snapshot *s, const struct rule_term *t)
{
	unsigned n;

	if (t->is_up)
		return is_up(s, t->backend, &t->backend->servers[t->server]);
	n = snapshot_usable(s, t->backend);
	switch (t->than) {
	case THAN_GE:
		return n >= t->n;
	case THAN_GT:
		return n > t->n;
	case THAN_LE:
		return n <= t->n;
	case THAN_LT:
		return n < t->n;
	default:
		return n == t->n;
	}
}

/* Does the condition of a rule hold? */
static bool
applies(const struct snapshot *s, const struct conf_rule *r)
{
	bool all = true;
	size_t i;

	for (i = 0; i < r->nterms; i++) {
		if (i > 0 && r->terms[i].first) {
			if (all)
				break;
			all = true;
		}
		all &= holds(s, &r->terms[i]) != r->terms[i].negated;
	}
	return all != r->unless;
}

const struct conf_frontend *
snapshot_branch(const struct snapshot *s, const struct conf_frontend *fe)
{
	size_t i;

	for (i = 0; i < fe->nrules; i++) {
		if (applies(s, &fe->rules[i]))
			return fe->rules[i].to;
	}
	return fe;
}

bool
snapshot_is_news(
    const struct snapshot_server *now, const struct snapshot_server *was)
{
	int64_t diff = (int64_t)now->latency_us - (int64_t)was->latency_us;

	if (diff < 0)
		diff = -diff;
	return now->up != was->up || now->writable != was->writable ||
	       now->readable != was->readable || now->replica != was->replica ||
	       now->closes != was->closes || now->misfits != was->misfits ||
	       now->drain != was->drain || now->weight != was->weight ||
	       now->maxconn != was->maxconn ||
	       !addr_equal(&now->addr, &was->addr) ||
	       diff > LATENCY_NOISE + was->latency_us / LATENCY_SHARE;
}

const char *
snapshot_close_str(enum snapshot_close reason)
{
	switch (reason) {
	case CLOSE_FENCED:
		return "fenced";
	case CLOSE_DOWN:
		return "server down";
	case CLOSE_TIMEOUT:
		return "server silent";
	case CLOSE_MAINT:
		return "maintenance";
	case CLOSE_BACKUP:
		return "another server is up";
	default:
		return "address changed";
	}
}
