/*
 * Pieces of HAProxy's JSON, and the schema that says how they fit together.
 */
#include <event2/buffer.h>
#include <inttypes.h>
#include <string.h>

#include "stats-ui/hstats_json.h"

#define NUMBER_MAX 9007199254740991 /* that a double of JavaScript holds */

/* What the documents are, as a JSON schema (draft 4). */
static const char schema[] =
    "{\"$schema\":\"http://json-schema.org/draft-04/schema#\","
    "\"oneOf\":["
    "{\"title\":\"Info\",\"type\":\"array\","
    "\"items\":{\"$ref\":\"#/definitions/item\"}},"
    "{\"title\":\"Stat\",\"type\":\"array\",\"items\":{\"type\":\"array\","
    "\"items\":{\"allOf\":[{\"$ref\":\"#/definitions/item\"},"
    "{\"type\":\"object\",\"properties\":{"
    "\"objType\":{\"enum\":[\"Frontend\",\"Backend\",\"Listener\","
    "\"Server\",\"Unknown\"]},"
    "\"proxyId\":{\"type\":\"integer\",\"minimum\":0},"
    "\"id\":{\"type\":\"integer\",\"minimum\":0}},"
    "\"required\":[\"objType\",\"proxyId\",\"id\"]}]}}},"
    "{\"title\":\"Error\",\"type\":\"object\","
    "\"properties\":{\"errorStr\":{\"type\":\"string\"}},"
    "\"required\":[\"errorStr\"]}],"
    "\"definitions\":{\"item\":{\"type\":\"object\",\"properties\":{"
    "\"field\":{\"type\":\"object\",\"properties\":{"
    "\"pos\":{\"type\":\"integer\",\"minimum\":0},"
    "\"name\":{\"type\":\"string\"}},\"required\":[\"pos\",\"name\"]},"
    "\"processNum\":{\"type\":\"integer\",\"minimum\":1},"
    "\"tags\":{\"type\":\"object\",\"properties\":{"
    "\"origin\":{\"enum\":[\"Metric\",\"Status\",\"Key\",\"Config\","
    "\"Product\",\"Unknown\"]},"
    "\"nature\":{\"enum\":[\"Gauge\",\"Limit\",\"Min\",\"Max\",\"Rate\","
    "\"Counter\",\"Duration\",\"Age\",\"Time\",\"Name\",\"Output\",\"Avg\","
    "\"Unknown\"]},"
    "\"scope\":{\"enum\":[\"Cluster\",\"Process\",\"Service\",\"System\","
    "\"Unknown\"]}},\"required\":[\"origin\",\"nature\",\"scope\"]},"
    "\"value\":{\"oneOf\":["
    "{\"type\":\"object\",\"properties\":{\"type\":{\"enum\":[\"s32\","
    "\"s64\",\"u32\",\"u64\"]},\"value\":{\"type\":\"integer\"}},"
    "\"required\":[\"type\",\"value\"]},"
    "{\"type\":\"object\",\"properties\":{\"type\":{\"enum\":[\"str\"]},"
    "\"value\":{\"type\":\"string\"}},\"required\":[\"type\",\"value\"]}]}},"
    "\"required\":[\"field\",\"processNum\",\"tags\",\"value\"]}}}\n";

void
hjson_schema(struct evbuffer *out)
{
	evbuffer_add(out, schema, sizeof(schema) - 1);
}

void
hjson_field(
    struct evbuffer *out, unsigned pos, const char *name, const char *tags)
{
	evbuffer_add_printf(out,
	    "\"field\":{\"pos\":%u,\"name\":\"%s\"},\"processNum\":1,"
	    "\"tags\":{\"origin\":\"%s\",\"nature\":\"%s\",\"scope\":\"%s\"},",
	    pos, name, hfield_origin(tags), hfield_nature(tags),
	    hfield_scope(tags));
}

/* A string: UTF-8 without control characters. */
static void
put_string(struct evbuffer *out, const char *text)
{
	size_t n;

	evbuffer_add(out, "\"", 1);
	for (; *text != '\0'; text += n) {
		n = strcspn(text, "\"\\");
		evbuffer_add(out, text, n);
		if (text[n] == '\0')
			break;
		evbuffer_add_printf(out, "\\%c", text[n++]);
	}
	evbuffer_add(out, "\"", 1);
}

void
hjson_value(struct evbuffer *out, enum hfield_type type, const char *text,
    int64_t number)
{
	if (number > NUMBER_MAX)
		number = NUMBER_MAX;
	evbuffer_add_printf(out,
	    "\"value\":{\"type\":\"%s\",\"value\":", hfield_type_str(type));
	if (type == HTYPE_STR)
		put_string(out, text);
	else
		evbuffer_add_printf(out, "%" PRId64, number);
	evbuffer_add(out, "}", 1);
}
