/*
 * The rows of HAProxy's statistics: for each frontend, server and backend every
 * figure of fields.h, as a number, a text or nothing.
 */
#ifndef STATS_UI_ROWS_H
#define STATS_UI_ROWS_H

#include "stats-ui/fields.h"
#include "stats-ui/hstate.h"
#include "stats-ui/stats.h"

/* The numbers of the kinds of objects, as "show stat" takes them. */
#define HSTATS_FRONTENDS 1u
#define HSTATS_BACKENDS  2u
#define HSTATS_SERVERS   4u

/* What is wanted. HSTATS_ALL is a filter that lets everything pass. */
struct hstats_filter {
	int iid;           /* of a proxy; -1: all */
	unsigned types;    /* HSTATS_ bits; 0: all */
	int sid;           /* of a server; -1: all */
	const char *scope; /* a part of a proxy's name; NULL: all */
	bool up;           /* no servers that are DOWN or in maintenance */
	bool no_maint;     /* no servers in maintenance */
	bool legends;      /* with addresses and algorithms */
};
#define HSTATS_ALL \
	((struct hstats_filter){-1, 0, -1, NULL, false, false, false})

#define HROW_NONE INT64_MIN /* of a number: empty */

/* One row. What fields.h does not give to its kind is not looked at. */
struct hrow {
	enum hrow_kind kind;
	bool http;
	bool checked;                  /* of a server */
	enum hstate_kind state;        /* of a server */
	enum hcheck_status check;      /* the same */
	bool up;                       /* of a frontend, a backend */
	unsigned states[HSTATE_KINDS]; /* of a backend's servers */
	unsigned checks[HCHK_L7STS + 1];
	int64_t number[HF_COUNT];
	const char *text[HF_COUNT]; /* NULL: empty; borrowed, or of texts */
	char texts[2048];
	size_t used; /* of texts */
};

/* Called with each row; it is gone when this returns. */
typedef void (*hrow_cb)(const struct hrow *, void *arg);

/* Go through the rows that the filter (NULL: all) lets pass. */
void rows_each(const struct stats_source *src,
    const struct hstats_filter *filter, hrow_cb cb, void *arg);

/* Has the row this column, and is there something in it? */
bool hrow_has(const struct hrow *row, enum hfield_id field);

#endif
