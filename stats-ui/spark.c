/*
 * Small curves. The newest value stands at the right; where none is known the
 * curve has a gap. The scale goes from 0 to the largest value.
 */
#include <event2/buffer.h>

#include "stats-ui/markup.h"
#include "stats-ui/spark.h"

#define HEIGHT 20
#define ROOM   1  /* above and below, for the line's own width */
#define FEW    24 /* samples: fewer do not fill the width */

/* The largest value that is known; false: none is. */
static bool
largest(const uint32_t *values, size_t n, uint32_t *max)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (values[i] == SAMPLE_NONE)
			continue;
		*max = any && *max > values[i] ? *max : values[i];
		any = true;
	}
	return any;
}

/* Where a value is drawn. */
static unsigned
height_of(uint32_t value, uint32_t max)
{
	uint64_t room = HEIGHT - 2 * ROOM;

	return HEIGHT - ROOM -
	       (unsigned)(max == 0 ? 0 : (room * value + max / 2) / max);
}

/* The line: to each value that is not simply the last one's height. A value
 * that stands alone is a dash. */
static void
put_line(struct evbuffer *out, const uint32_t *values, size_t n, uint32_t max)
{
	size_t left = n < FEW ? FEW - n : 0, x;
	bool pen = false, ends; /* it is down; it goes up behind this value */
	unsigned y, last = 0;

	for (size_t i = 0; i < n; i++) {
		if (values[i] == SAMPLE_NONE) {
			pen = false;
			continue;
		}
		x = left + i;
		y = height_of(values[i], max);
		ends = i + 1 == n || values[i + 1] == SAMPLE_NONE;
		if (!pen)
			markupf(out, ends ? "M%zu %uh1" : "M%zu %u", x, y);
		else if (y != last)
			markupf(out, "L%zu %u", x, y);
		else if (ends || height_of(values[i + 1], max) != y)
			markupf(out, "H%zu", x);
		pen = true;
		last = y;
	}
}

void
spark_put(struct evbuffer *out, const struct spark *spark,
    const struct samples *s, enum sample_kind kind)
{
	uint32_t values[SAMPLES + 1], max = 0;
	size_t n = samples_read(s, kind, values);
	unsigned minutes;
	char text[32];

	if (n < 2 || !largest(values, n, &max))
		return;
	minutes = (unsigned)((n - 1) * SAMPLE_MS / 60000);
	markupf(out,
	    "<svg class=\"spark\" viewBox=\"0 0 %zu %d\" role=\"img\" "
	    "preserveAspectRatio=\"none\" aria-label=\"",
	    (n < FEW ? FEW : n) + 1, HEIGHT);
	markup_textf(out, "%s, the last %u min: at most %s", spark->what,
	    minutes, spark->words(max, text));
	markup(out, "\"><title>");
	markup_textf(out, "the last %u min: at most %s", minutes, text);
	markup(out, "</title><path d=\"");
	put_line(out, values, n, max);
	markup(out, "\"/></svg>");
}
