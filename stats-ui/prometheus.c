/*
 * The figures for Prometheus, with the names that HAProxy's exporter gives
 * them. A metric's lines stand together, so all rows are made first.
 */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "stats-ui/info.h"
#include "stats-ui/prometheus.h"
#include "stats-ui/rows.h"

/* The rows, by reference: they are large. */
struct rows {
	struct hrow **list;
	size_t n;
};

/* Where lines go: of the objects of one kind. */
struct scope {
	struct evbuffer *out;
	const struct rows *rows;
	enum hrow_kind kind;
};

/* The words of the exporter's states that we never are in, as well. */
static const struct {
	const char *word;
	int status; /* of enum hcheck_status; -1: none */
} check_words[] = {{"HANA", -1}, {"SOCKERR", HCHK_SOCKERR}, {"L4OK", HCHK_L4OK},
    {"L4TOUT", HCHK_L4TOUT}, {"L4CON", HCHK_L4CON}, {"L6OK", HCHK_L6OK},
    {"L6TOUT", HCHK_L6TOUT}, {"L6RSP", HCHK_L6RSP}, {"L7TOUT", HCHK_L7TOUT},
    {"L7RSP", HCHK_L7RSP}, {"L7OK", HCHK_L7OK}, {"L7OKC", HCHK_L7OKC},
    {"L7STS", HCHK_L7STS}, {"PROCERR", -1}, {"PROCTOUT", -1}, {"PROCOK", -1}};
#define NCHECK_WORDS (sizeof(check_words) / sizeof(check_words[0]))

/* Keep a row. */
static void
keep_cb(const struct hrow *row, void *arg)
{
	struct rows *rows = arg;
	struct hrow *copy = xcalloc(1, sizeof(*copy));

	*copy = *row;
	for (unsigned i = 0; i < HF_COUNT; i++)
		if (row->text[i] >= row->texts &&
		    row->text[i] < row->texts + sizeof(row->texts))
			copy->text[i] =
			    copy->texts + (row->text[i] - row->texts);
	rows->list =
	    xrealloc(rows->list, (rows->n + 1) * sizeof(struct hrow *));
	rows->list[rows->n++] = copy;
}

/* Forget the rows. */
static void
free_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		free(rows->list[i]);
	free(rows->list);
}

/* HELP and TYPE of a metric. */
static void
put_head(struct evbuffer *out, const char *kind, const char *metric,
    enum hfield_prom prom, const char *help)
{
	evbuffer_add_printf(out,
	    "# HELP haproxy_%s_%s %s\n# TYPE haproxy_%s_%s %s\n", kind, metric,
	    help, kind, metric, prom == PROM_COUNTER ? "counter" : "gauge");
}

/* A line's metric and labels, but for the closing bracket. Names are of
 * letters that need no escape. */
static void
put_labels(const struct scope *s, const char *metric, const struct hrow *row)
{
	static const char *const kinds[] = {"frontend", "backend", "server"};

	evbuffer_add_printf(s->out, "haproxy_%s_%s{proxy=\"%s\"",
	    kinds[s->kind], metric, row->text[HF_pxname]);
	if (s->kind == HROW_SERVER)
		evbuffer_add_printf(
		    s->out, ",server=\"%s\"", row->text[HF_svname]);
}

/* A line of a state: how many are in it, or whether it holds. */
static void
put_state(const struct scope *s, const char *metric, const struct hrow *row,
    const char *state, unsigned value)
{
	put_labels(s, metric, row);
	evbuffer_add_printf(s->out, ",state=\"%s\"} %u\n", state, value);
}

/* The states of a server, or how many servers of a backend are in each. */
static void
put_server_states(
    const struct scope *s, const char *metric, const struct hrow *row)
{
	for (int i = 0; i < HSTATE_KINDS; i++)
		put_state(s, metric, row, hstate_words[i],
		    row->kind == HROW_SERVER ? row->state == (unsigned)i
					     : row->states[i]);
}

/* The same of the results of checks. */
static void
put_checks(const struct scope *s, const char *metric, const struct hrow *row)
{
	unsigned value;

	for (size_t i = 0; i < NCHECK_WORDS; i++) {
		value = 0;
		if (check_words[i].status < 0)
			;
		else if (row->kind == HROW_BACKEND)
			value = row->checks[check_words[i].status];
		else
			value = (int)row->check == check_words[i].status;
		put_state(s, metric, row, check_words[i].word, value);
	}
}

/* The lines of one object for a metric that has states. */
static void
put_states(const struct scope *s, enum hfield_id field, const struct hrow *row)
{
	const char *metric = hfields[field].metric;

	if (field == HF_check_status || field == HF_agg_check_status)
		put_checks(s, metric, row);
	else if (field == HF_status && s->kind != HROW_SERVER) {
		put_state(s, metric, row, "DOWN", !row->up);
		put_state(s, metric, row, "UP", row->up);
	} else
		put_server_states(s, metric, row);
}

/* The line of one object for a metric that is a number. */
static void
put_number(const struct scope *s, enum hfield_id field, const struct hrow *row)
{
	const struct hfield *f = &hfields[field];
	int64_t n = row->number[field];

	put_labels(s, f->metric, row);
	if (field >= HF_hrsp_1xx && field <= HF_hrsp_other)
		evbuffer_add_printf(
		    s->out, ",code=\"%s\"", strchr(f->name, '_') + 1);
	if (!hrow_has(row, field))
		evbuffer_add_printf(s->out, "} NaN\n");
	else if (f->prom == PROM_SECONDS)
		evbuffer_add_printf(s->out, "} %.6f\n", (double)n / 1000);
	else
		evbuffer_add_printf(s->out, "} %" PRId64 "\n", n);
}

/* Has an object this metric? Those of HTTP only what speaks HTTP; those of
 * checks only what is checked. */
static bool
has_metric(const struct hrow *row, enum hfield_id field)
{
	static const unsigned rows[] = {[HROW_FRONTEND] = HROW_F,
	    [HROW_BACKEND] = HROW_B,
	    [HROW_SERVER] = HROW_S};
	static const unsigned http[] = {[HROW_FRONTEND] = HROW_FH,
	    [HROW_BACKEND] = HROW_BH,
	    [HROW_SERVER] = 0};
	unsigned have = rows[row->kind] | (row->http ? http[row->kind] : 0);

	if (row->kind == HROW_SERVER && !row->checked &&
	    (field == HF_check_status || field == HF_check_code ||
		field == HF_check_duration))
		return false;
	if (row->http && hfields[field].prom == PROM_STATES &&
	    field != HF_status)
		return false; /* it has no servers */
	return (hfields[field].prom_rows & have) != 0;
}

/* The lines of one metric. */
static void
put_metric(const struct scope *s, enum hfield_id field)
{
	static const char *const kinds[] = {"frontend", "backend", "server"};
	const struct hfield *f = &hfields[field];
	const struct hrow *row;
	/* One metric has a column for each class of status. */
	bool headed = field > HF_hrsp_1xx && field <= HF_hrsp_other;

	for (size_t i = 0; i < s->rows->n; i++) {
		row = s->rows->list[i];
		if (row->kind != s->kind || !has_metric(row, field))
			continue;
		if (!headed)
			put_head(s->out, kinds[s->kind], f->metric, f->prom,
			    f->help);
		headed = true;
		if (f->prom == PROM_STATES)
			put_states(s, field, row);
		else
			put_number(s, field, row);
	}
}

/* The metrics of all objects of a kind. */
static void
put_kind(struct evbuffer *out, const struct rows *rows, enum hrow_kind kind)
{
	struct scope s = {out, rows, kind};

	for (unsigned i = 0; i < HF_COUNT; i++)
		if (hfields[i].prom != PROM_NONE)
			put_metric(&s, i);
}

/* The metrics of the process. */
static void
put_process(const struct stats_source *src, struct evbuffer *out)
{
	const struct hinfo_row *row;
	struct hinfo info;

	hinfo_of(src, &info);
	for (unsigned i = 0; i < HI_COUNT; i++) {
		row = &hinfo_rows[i];
		if (row->prom == PROM_NONE)
			continue;
		put_head(out, "process", row->metric, row->prom, row->help);
		evbuffer_add_printf(out, "haproxy_process_%s", row->metric);
		if (row->type == HTYPE_STR)
			evbuffer_add_printf(
			    out, "{version=\"%s\"} 1\n", info.text[i]);
		else
			evbuffer_add_printf(
			    out, " %" PRId64 "\n", info.number[i]);
	}
}

void
prometheus_render(const struct stats_source *src, unsigned scopes,
    bool no_maint, struct evbuffer *out)
{
	struct hstats_filter filter = HSTATS_ALL;
	struct rows rows = {NULL, 0};

	filter.no_maint = no_maint;
	if ((scopes & PROMETHEUS_GLOBAL) != 0)
		put_process(src, out);
	rows_each(src, &filter, keep_cb, &rows);
	if ((scopes & PROMETHEUS_FRONTENDS) != 0)
		put_kind(out, &rows, HROW_FRONTEND);
	if ((scopes & PROMETHEUS_BACKENDS) != 0)
		put_kind(out, &rows, HROW_BACKEND);
	if ((scopes & PROMETHEUS_SERVERS) != 0)
		put_kind(out, &rows, HROW_SERVER);
	free_rows(&rows);
}
