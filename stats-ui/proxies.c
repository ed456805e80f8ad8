/*
 * Which proxies there are, and their numbers: HAProxy gives each that has none
 * the next one that is free.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "stats-ui/proxies.h"

/* Is the number given to one of them in the file? */
static bool
is_given(const unsigned *given, size_t n, unsigned number)
{
	for (size_t i = 0; i < n; i++)
		if (given[i] == number)
			return true;
	return false;
}

/* Number n things from first on; those that are given a number keep it. */
static void
number(unsigned *numbers, size_t n, unsigned first)
{
	unsigned *given = xcalloc(n + 1, sizeof(*given));

	memcpy(given, numbers, n * sizeof(*given));
	for (size_t i = 0; i < n; i++, first++) {
		if (given[i] != 0)
			continue;
		while (is_given(given, n, first))
			first++;
		numbers[i] = first;
	}
	free(given);
}

/* The backend of the same name, if it is the frontend's: both halves of what
 * HAProxy calls a listen. In its files a frontend and a backend may have one
 * name, too; but a listen is of one line. */
static const struct conf_backend *
own_backend(const struct conf_frontend *cf)
{
	const struct conf_backend *cb = cf->backend;

	if (strcmp(cb->name, cf->name) != 0 ||
	    (cf->conf->haproxy && cb->line != cf->line))
		return NULL;
	return cb;
}

/* Is the backend one half of a proxy? */
static bool
is_half(const struct conf *conf, const struct conf_backend *cb)
{
	for (size_t i = 0; i < conf->nfrontends; i++)
		if (own_backend(&conf->frontends[i]) == cb)
			return true;
	return false;
}

/* By their places. */
static int
compare(const void *a, const void *b)
{
	const struct hproxy *x = a, *y = b;

	return x->place < y->place ? -1 : x->place > y->place;
}

/* Number them; HAProxy's own, that its sockets have, is the first. */
static void
number_proxies(const struct conf *conf, struct hproxy *list, size_t n)
{
	unsigned *numbers = xcalloc(n + 1, sizeof(*numbers));

	for (size_t i = 0; i < n; i++)
		numbers[i] = list[i].number;
	number(numbers, n, conf->global.ncontrols > 0 ? 2 : 1);
	for (size_t i = 0; i < n; i++)
		list[i].iid = numbers[i];
	free(numbers);
}

struct hproxy *
proxies_list(const struct conf *conf, size_t *n)
{
	struct hproxy *list =
	    xcalloc(conf->nfrontends + conf->nbackends + conf->nstats + 1,
		sizeof(*list));
	const struct conf_frontend *cf = conf->frontends;
	const struct conf_backend *cb = conf->backends;
	const struct conf_stats *cs = conf->stats;
	size_t i;

	*n = 0;
	for (i = 0; i < conf->nfrontends; i++, cf++)
		list[(*n)++] = (struct hproxy){cf->name, cf->place, cf->number,
		    0, cf, own_backend(cf), NULL};
	for (i = 0; i < conf->nbackends; i++, cb++)
		if (!is_half(conf, cb))
			list[(*n)++] = (struct hproxy){
			    cb->name, cb->place, cb->number, 0, NULL, cb, NULL};
	for (i = 0; i < conf->nstats; i++, cs++)
		list[(*n)++] =
		    (struct hproxy){cs->name, cs->place, 0, 0, NULL, NULL, cs};
	qsort(list, *n, sizeof(*list), compare);
	number_proxies(conf, list, *n);
	return list;
}

unsigned *
proxies_sids(const struct conf_backend *cb)
{
	unsigned *sids = xcalloc(cb->nservers + 1, sizeof(*sids));

	for (size_t i = 0; i < cb->nservers; i++)
		sids[i] = cb->servers[i].number;
	number(sids, cb->nservers, 1);
	return sids;
}

/* The number of the proxy that has this frontend or backend. */
static unsigned
find_iid(const struct conf *conf, const struct conf_frontend *cf,
    const struct conf_backend *cb)
{
	struct hproxy *list;
	unsigned iid = 0;
	size_t n;

	list = proxies_list(conf, &n);
	for (size_t i = 0; i < n; i++)
		if ((cf != NULL && list[i].fe == cf) ||
		    (cb != NULL && list[i].be == cb))
			iid = list[i].iid;
	free(list);
	return iid;
}

unsigned
proxies_backend_iid(const struct conf *conf, const struct conf_backend *cb)
{
	return find_iid(conf, NULL, cb);
}

unsigned
proxies_frontend_iid(const struct conf *conf, const struct conf_frontend *cf)
{
	return find_iid(conf, cf, NULL);
}

unsigned
proxies_sid(const struct conf_backend *cb, const struct conf_server *cs)
{
	unsigned *sids = proxies_sids(cb), sid = sids[cs - cb->servers];

	free(sids);
	return sid;
}
