/*
 * Prometheus' text format.
 */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stats-ui/exposition.h"
#include "stats-ui/words.h"

/* Add some bytes to labels; what does not fit is cut. */
static void
put(struct labels *l, const char *text, size_t n)
{
	size_t room = sizeof(l->text) - 1 - l->len;

	n = n < room ? n : room;
	memcpy(l->text + l->len, text, n);
	l->len += n;
	l->text[l->len] = '\0';
}

/* Add the character at value, as the format wants it. Returns its bytes. */
static size_t
put_character(struct labels *l, const char *value)
{
	size_t n = words_utf8(value);

	if (*value == '\n')
		put(l, "\\n", 2);
	else if (*value == '"')
		put(l, "\\\"", 2);
	else if (*value == '\\')
		put(l, "\\\\", 2);
	else if (n == 0)
		put(l, "?", 1);
	else
		put(l, value, n);
	return n == 0 ? 1 : n;
}

void
labels_add(struct labels *l, const char *name, const char *value)
{
	if (l->len > 0)
		put(l, ",", 1);
	put(l, name, strlen(name));
	put(l, "=\"", 2);
	/* The closing quote fits as well. */
	while (*value != '\0' && l->len + 8 < sizeof(l->text))
		value += put_character(l, value);
	put(l, "\"", 1);
}

void
exposition_head(
    struct evbuffer *out, const char *name, const char *help, bool histogram)
{
	size_t n = strlen(name);
	bool total = n > 6 && strcmp(name + n - 6, "_total") == 0;

	evbuffer_add_printf(out,
	    "# HELP roleproxy_%s %s\n# TYPE roleproxy_%s %s\n", name, help,
	    name,
	    histogram ? "histogram"
	    : total   ? "counter"
		      : "gauge");
}

void
exposition_line(struct evbuffer *out, const char *name,
    const struct labels *labels, double value)
{
	if (labels->len == 0)
		evbuffer_add_printf(out, "roleproxy_%s %.15g\n", name, value);
	else
		evbuffer_add_printf(
		    out, "roleproxy_%s{%s} %.15g\n", name, labels->text, value);
}

void
exposition_histogram(struct evbuffer *out, const char *name,
    const struct labels *labels, enum histogram_scale scale,
    const struct histogram_sums *sums)
{
	uint64_t count = 0;
	char part[96];

	snprintf(part, sizeof(part), "%s_bucket", name);
	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		struct labels bucket = *labels;
		char bound[32] = "+Inf";

		if (i < HISTOGRAM_BOUNDS)
			snprintf(bound, sizeof(bound), "%g",
			    (double)histogram_bounds[scale][i] / 1e6);
		labels_add(&bucket, "le", bound);
		count += sums->counts[i];
		exposition_line(out, part, &bucket, (double)count);
	}
	snprintf(part, sizeof(part), "%s_sum", name);
	exposition_line(out, part, labels, (double)sums->sum_us / 1e6);
	snprintf(part, sizeof(part), "%s_count", name);
	exposition_line(out, part, labels, (double)count);
}
