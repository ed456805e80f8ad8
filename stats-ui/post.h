/*
 * What is posted to the page: changes of servers, as HAProxy's page sends them.
 */
#ifndef STATS_UI_POST_H
#define STATS_UI_POST_H

#include <stdbool.h>

#include "stats-ui/admin_ops.h"
#include "stats-ui/stats.h"

/* Did the request come from a page of this host, or from no page at all?
 * Headers that are missing are NULL. */
bool post_is_ours(const char *host, const char *origin, const char *referer,
    const char *site);

/* Carry out what a form says: b, the proxy; action; and s, each server. Changes
 * body. Returns HAProxy's word of what came of it: DONE, NONE, PART, ERRP. */
const char *post_run(
    const struct stats_source *src, const struct admin_ops *admin, char *body);

/* That word in a sentence; NULL if there is none. */
const char *post_sentence(const char *status);

/* The actions that the page offers, in pairs of word and label; NULL ends. */
extern const char *const post_actions[][2];

#endif
