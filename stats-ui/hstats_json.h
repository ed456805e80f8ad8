/*
 * The pieces that the JSON of HAProxy's statistics is made of.
 */
#ifndef STATS_UI_HSTATS_JSON_H
#define STATS_UI_HSTATS_JSON_H

#include <stdint.h>

#include "stats-ui/fields.h"

struct evbuffer;

/* Add the schema of all documents. */
void hjson_schema(struct evbuffer *out);

/* Add "field", "processNum" and "tags", and a comma. */
void hjson_field(
    struct evbuffer *out, unsigned pos, const char *name, const char *tags);

/* Add "value": text of HTYPE_STR, else the number. */
void hjson_value(struct evbuffer *out, enum hfield_type type, const char *text,
    int64_t number);

#endif
