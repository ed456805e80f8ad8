/*
 * What is asked for behind the page's address: HAProxy's options, each behind a
 * ";", in any order. Pure.
 */
#ifndef STATS_UI_QUERY_H
#define STATS_UI_QUERY_H

#include <stdbool.h>

#define QUERY_SCOPE_MAX 21 /* of a scope, with its final NUL */

enum query_format {
	QUERY_HTML,
	QUERY_CSV,
	QUERY_JSON,
	QUERY_SCHEMA, /* of the JSON */
	QUERY_TYPED
};

struct query {
	enum query_format format;
	bool norefresh;
	bool up, no_maint; /* as in struct hstats_filter */
	char scope[QUERY_SCOPE_MAX];
	char status[8]; /* of what was posted: "DONE"; "" none */
};

/* What follows the page's address in a target; as HAProxy does, it is not
 * looked at whether anything is unknown. */
void query_parse(const char *suffix, struct query *q);

/* Does the query need a document of its own? */
bool query_filters(const struct query *q);

#endif
