/*
 * The proxies of a configuration as HAProxy counts them: a frontend, a backend,
 * both of one name (its "listen"), or a place to look at the figures.
 */
#ifndef STATS_UI_PROXIES_H
#define STATS_UI_PROXIES_H

#include "conf/conf.h"

/* One of them; fe and be, or site, are set. */
struct hproxy {
	const char *name;
	unsigned place, number; /* number 0: by its place */
	unsigned iid;
	const struct conf_frontend *fe;
	const struct conf_backend *be;
	const struct conf_stats *site;
};

/* All, in the order of the configuration; on the heap. */
struct hproxy *proxies_list(const struct conf *conf, size_t *n);

/* The numbers of a backend's servers, in their order; on the heap. */
unsigned *proxies_sids(const struct conf_backend *cb);

/* The number of the proxy that has them, and of a server in its backend. */
unsigned proxies_backend_iid(
    const struct conf *conf, const struct conf_backend *cb);
unsigned proxies_frontend_iid(
    const struct conf *conf, const struct conf_frontend *cf);
unsigned proxies_sid(
    const struct conf_backend *cb, const struct conf_server *cs);

#endif
