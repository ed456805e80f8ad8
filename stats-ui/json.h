/*
 * Parts of the JSON document, for answers that hold only some of it. Each
 * returned value is the caller's.
 */
#ifndef STATS_UI_JSON_H
#define STATS_UI_JSON_H

#include <jansson.h>

#include "stats-ui/stats.h"

struct evbuffer;

/* A string of text that may not be UTF-8: what is not becomes U+FFFD. */
json_t *json_text(const char *text);

/* One server; one change of a writer. */
json_t *json_server(const struct stats_source *src,
    const struct conf_backend *cb, const struct conf_server *cs);
json_t *json_decision(const struct decision *d);

/* Add the document to out, and drop it. */
void json_write(json_t *o, struct evbuffer *out);

#endif
