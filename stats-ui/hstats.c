/*
 * The formats of HAProxy's statistics. What is in a row is rows.c's.
 */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stats-ui/hstats.h"
#include "stats-ui/hstats_json.h"
#include "stats-ui/rows.h"

/* Text of a CSV: quoted if it must be. */
static void
put_csv(struct evbuffer *out, const char *text)
{
	const char *end;

	if (strpbrk(text, ",\"") == NULL) {
		evbuffer_add(out, text, strlen(text));
		return;
	}
	evbuffer_add(out, "\"", 1);
	for (; (end = strchr(text, '"')) != NULL; text = end + 1) {
		evbuffer_add(out, text, (size_t)(end - text));
		evbuffer_add(out, "\"\"", 2);
	}
	evbuffer_add(out, text, strlen(text));
	evbuffer_add(out, "\"", 1);
}

/* One line of the CSV. */
static void
csv_cb(const struct hrow *row, void *arg)
{
	struct evbuffer *out = arg;

	for (unsigned i = 0; i < HF_COUNT; i++) {
		if (i == HF_OURS)
			evbuffer_add(out, "-,", 2);
		if (!hrow_has(row, i))
			;
		else if (hfields[i].type == HTYPE_STR)
			put_csv(out, row->text[i]);
		else
			evbuffer_add_printf(out, "%" PRId64, row->number[i]);
		evbuffer_add(out, ",", 1);
	}
	evbuffer_add(out, "\n", 1);
}

void
hstats_csv(const struct stats_source *src, const struct hstats_filter *filter,
    struct evbuffer *out)
{
	evbuffer_add(out, "# ", 2);
	for (unsigned i = 0; i < HF_COUNT; i++)
		evbuffer_add_printf(
		    out, "%s%s,", i == HF_OURS ? "-," : "", hfields[i].name);
	evbuffer_add(out, "\n", 1);
	rows_each(src, filter, csv_cb, out);
}

/* The tags of a field in this row. */
static const char *
tags_of(const struct hrow *row, unsigned field)
{
	return row->kind == HROW_BACKEND ? hfields[field].backend_tags
					 : hfields[field].tags;
}

/* The typed lines of a row. */
static void
typed_cb(const struct hrow *row, void *arg)
{
	struct evbuffer *out = arg;
	const struct hfield *f;

	for (unsigned i = 0; i < HF_COUNT; i++) {
		f = &hfields[i];
		if (!hrow_has(row, i))
			continue;
		evbuffer_add_printf(out,
		    "%c.%" PRId64 ".%" PRId64 ".%u.%s.1:%s:%s:",
		    "FBS"[row->kind], row -> number[HF_iid],
		    row -> number[HF_sid], i, f -> name, tags_of(row, i),
		    hfield_type_str(f->type));
		if (f->type == HTYPE_STR)
			evbuffer_add_printf(out, "%s\n", row->text[i]);
		else
			evbuffer_add_printf(
			    out, "%" PRId64 "\n", row->number[i]);
	}
}

void
hstats_typed(const struct stats_source *src, const struct hstats_filter *filter,
    struct evbuffer *out)
{
	rows_each(src, filter, typed_cb, out);
}

/* Where the JSON goes, and what is there already. */
struct json_out {
	struct evbuffer *out;
	unsigned rows;
};

/* The JSON of a row: an array of its figures. */
static void
json_cb(const struct hrow *row, void *arg)
{
	static const char *const kinds[] = {[HROW_FRONTEND] = "Frontend",
	    [HROW_BACKEND] = "Backend",
	    [HROW_SERVER] = "Server"};
	struct json_out *j = arg;
	struct evbuffer *out = j->out;
	const char *comma = "";

	evbuffer_add_printf(out, "%s[", j->rows++ == 0 ? "" : ",");
	for (unsigned i = 0; i < HF_COUNT; i++) {
		if (!hrow_has(row, i))
			continue;
		evbuffer_add_printf(out,
		    "%s{\"objType\":\"%s\",\"proxyId\":%" PRId64
		    ",\"id\":%" PRId64 ",",
		    comma, kinds[row->kind], row->number[HF_iid],
		    row->number[HF_sid]);
		hjson_field(out, i, hfields[i].name, tags_of(row, i));
		hjson_value(out, hfields[i].type, row->text[i], row->number[i]);
		evbuffer_add(out, "}", 1);
		comma = ",";
	}
	evbuffer_add(out, "]", 1);
}

void
hstats_json(const struct stats_source *src, const struct hstats_filter *filter,
    struct evbuffer *out)
{
	struct json_out j = {out, 0};

	evbuffer_add(out, "[", 1);
	rows_each(src, filter, json_cb, &j);
	evbuffer_add(out, "]\n", 2);
}
