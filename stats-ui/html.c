/*
 * The page: in a sentence who takes the writes, what is not well, a picture,
 * what changed and why, then tables. All of it is made here; page.js only
 * replaces what is marked data-live by what the next page says.
 */
#include <event2/buffer.h>
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "stats-ui/alarm.h"
#include "stats-ui/assets.h"
#include "stats-ui/markup.h"
#include "stats-ui/tables.h"
#include "stats-ui/topology.h"
#include "stats-ui/words.h"

#define DECISIONS_SHOWN 20
#define DECISIONS_OPEN  6 /* without being asked for the older ones */

/* What is not well, as a list. */
struct troubles {
	struct evbuffer *out; /* NULL: they are only looked at */
	size_t n;
	bool critical;
};

/* For alarm_each(). */
static void
trouble_cb(bool critical, const char *text, void *arg)
{
	struct troubles *t = arg;

	t->critical |= critical;
	t->n++;
	if (t->out == NULL)
		return;
	if (t->n == 1)
		markup(t->out, "<ul class=\"trouble\">\n");
	markup(t->out, critical ? "<li><strong class=\"bad\">\u2715 "
				: "<li><strong>\u26a0 ");
	markup(t->out, critical ? "Critical:" : "Warning:");
	markup(t->out, "</strong> ");
	markup_text(t->out, text);
	markup(t->out, ".</li>\n");
}

/* What is not well, if anything is. */
static void
put_troubles(struct evbuffer *out, const struct stats_source *src)
{
	struct troubles t = {out, 0, false};

	markup(out, "<section id=\"trouble\" data-live aria-live=\"polite\" "
		    "aria-label=\"What is not well\">");
	alarm_each(src, trouble_cb, &t);
	markup(out, t.n > 0 ? "</ul></section>\n" : "</section>\n");
}

/* Who takes the writes: one sentence for each backend. */
static void
put_sentences(struct evbuffer *out, const struct stats_source *src,
    const struct conf *conf)
{
	char text[WORDS_MAX];

	markup(out, "<section id=\"say\" data-live aria-live=\"polite\" "
		    "aria-label=\"Who takes the writes\">\n");
	for (size_t i = 0; i < conf->nbackends; i++) {
		markup(out, "<p class=\"say\">");
		if (conf->nbackends > 1)
			markup_textf(out, "%s: ", conf->backends[i].name);
		markup_text(out, words_backend(src, &conf->backends[i], text));
		markup(out, "</p>\n");
	}
	if (src->draining(src->arg))
		markup(out, "<p class=\"say\">This proxy is draining: it ends "
			    "when its sessions have ended.</p>\n");
	markup(out, "</section>\n");
}

/* Who follows, in sentences. They change all the time, so that a screen reader
 * is not told of it. */
static void
put_followers(struct evbuffer *out, const struct stats_source *src,
    const struct conf *conf)
{
	char text[WORDS_MAX];

	markup(out, "<section id=\"follow\" data-live "
		    "aria-label=\"Who follows\">\n");
	for (size_t i = 0; i < conf->nbackends; i++) {
		words_followers(src, &conf->backends[i], text);
		if (text[0] == '\0')
			continue;
		markup(out, "<p class=\"follow\">");
		if (conf->nbackends > 1)
			markup_textf(out, "%s: ", conf->backends[i].name);
		markup_text(out, text);
		markup(out, "</p>\n");
	}
	markup(out, "</section>\n");
}

/* The pictures of all backends. */
static void
put_pictures(struct evbuffer *out, const struct stats_source *src,
    const struct conf *conf)
{
	markup(out, "<section id=\"pictures\" class=\"pictures\" data-live "
		    "aria-label=\"Who follows whom\">\n");
	for (size_t i = 0; i < conf->nbackends; i++) {
		markup(out, "<figure><figcaption>Backend ");
		markup_text(out, conf->backends[i].name);
		markup(out, "</figcaption>\n");
		topology_put(out, src, &conf->backends[i]);
		markup(out, "</figure>\n");
	}
	markup(out, "</section>\n");
}

/* One change of a writer, with its evidence. */
static void
put_decision(struct evbuffer *out, const struct decision *d)
{
	char text[WORDS_MAX], machine[CLOCK_FORMAT_MAX];
	struct words_decision parts;

	words_decision_parts(d, &parts);
	markup(out, "<li><time datetime=\"");
	markup_text(out, clock_format(d->wall_us, machine));
	markup(out, "\">");
	markup_text(out, words_time(d->wall_us, text));
	markup(out, "</time> <strong>");
	markup_text(out, d->action == WRITER_FENCE    ? "\u2298 "
			 : d->action == WRITER_SWITCH ? "\u2605 "
						      : "\u25cb ");
	markup_textf(out, "%s: %s", d->backend, parts.what);
	markup(out, "</strong><p>");
	markup_text(out, parts.why);
	markup(out, "</p><p class=\"dim\">");
	markup_textf(
	    out, "rule %s; %s", writer_cause_rule(d->cause), parts.effect);
	markup(out, "</p></li>\n");
}

/* The newest changes of a writer, newest first; older ones on demand. */
static void
put_decisions(struct evbuffer *out, const struct stats_source *src)
{
	const struct decision *d;
	size_t i;

	markup(out, "<section id=\"changes\" data-live "
		    "aria-label=\"What changed\">\n<h2>What changed</h2>\n");
	if (monitor_decision(src->monitor, 0) == NULL)
		markup(out, "<p>Nothing yet.</p>\n");
	else
		markup(out, "<ol class=\"timeline\">\n");
	for (i = 0; i < DECISIONS_SHOWN; i++) {
		if ((d = monitor_decision(src->monitor, i)) == NULL)
			break;
		if (i == DECISIONS_OPEN)
			markup(out, "</ol>\n<details><summary>Older"
				    "</summary>\n<ol class=\"timeline\">\n");
		put_decision(out, d);
	}
	if (i > 0)
		markup(out, "</ol>\n");
	if (i > DECISIONS_OPEN)
		markup(out, "</details>\n");
	markup(out, "</section>\n");
}

/* The tables: what can be changed first, then the figures. */
static void
put_tables(struct evbuffer *out, const struct stats_source *src,
    const struct conf *conf, const struct conf_stats *cs)
{
	markup(out, "<section id=\"frontends\" data-live>\n"
		    "<h2>Frontends</h2>\n");
	tables_frontends(out, src);
	markup(out, "</section>\n");
	for (size_t i = 0; i < conf->nbackends; i++) {
		markupf(out, "<section id=\"backend-%zu\" data-live>\n", i);
		markup(out, "<h2>Backend ");
		markup_text(out, conf->backends[i].name);
		markup(out, "</h2>\n");
		tables_backend(out, src, &conf->backends[i], cs);
		markup(out, "</section>\n");
	}
	markup(out, "<section id=\"figures\" data-live>\n"
		    "<h2>Figures</h2>\n");
	tables_figures(out, src);
	markup(out, "</section>\n");
}

/* How often the page asks again, and how to stop that. */
static void
put_refresh(struct evbuffer *out, const struct conf_stats *cs, bool still)
{
	if (still || cs->refresh <= 0)
		return;
	markup(out, "<span id=\"pause\"><a href=\"");
	markup_text(out, cs->uri);
	markup(out, ";norefresh\">Do not refresh</a></span> \u00b7 ");
}

/* The first line: what this is, as of when. */
static void
put_header(struct evbuffer *out, const struct conf_stats *cs, bool still)
{
	char now[WORDS_MAX];

	markup(out, "<header><h1>roleproxy</h1>\n<p class=\"dim\">");
	put_refresh(out, cs, still);
	markup(out, "<span id=\"now\" data-live>as of ");
	markup_text(out, words_time(clock_wall_us(), now));
	markup(out, "</span></p></header>\n");
}

/* The process itself. */
static void
put_process(struct evbuffer *out, const struct stats_source *src,
    const struct conf_stats *cs)
{
	char now[CLOCK_FORMAT_MAX], up[WORDS_MAX];
	unsigned workers = src->workers(src->arg);

	markup(out, "<footer id=\"process\" data-live>\n<p class=\"dim\">"
		    "roleproxy");
	if (!cs->hide_version)
		markup_textf(out, " %s", ROLEPROXY_VERSION);
	markup_textf(out, ", up %s, %u worker%s, %u sessions, as of %s.",
	    words_span(clock_ms() - src->started, up), workers,
	    workers == 1 ? "" : "s", src->sessions(src->arg),
	    clock_format(clock_wall_us(), now));
	markup(out, " <a href=\"/stats.json\">JSON</a></p>\n</footer>\n");
}

/* What stands in a browser's tab. */
static void
put_title(struct evbuffer *out, const struct stats_source *src)
{
	struct troubles t = {NULL, 0, false};

	alarm_each(src, trouble_cb, &t);
	markup(out, "<title>roleproxy: ");
	markup(out, t.critical ? "\u2715 critical"
		    : t.n > 0  ? "\u26a0 warning"
			       : "\u2713 all is well");
	markup(out, "</title>\n");
}

/* The document's head. Who has no script gets the whole page anew. */
static void
put_head(struct evbuffer *out, const struct stats_source *src,
    const struct conf_stats *cs, bool still)
{
	markup(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		    "<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" "
		    "content=\"width=device-width,initial-scale=1\">\n");
	put_title(out, src);
	if (!still && cs->refresh > 0)
		markupf(out,
		    "<noscript><meta http-equiv=\"refresh\" content=\"%lld\">"
		    "</noscript>\n",
		    (long long)(cs->refresh + 999) / 1000);
	markup(out, "<link rel=\"icon\" href=\"data:,\">\n"
		    "<link rel=\"stylesheet\" href=\"");
	markup_text(out, cs->uri);
	markupf(
	    out, ";page.css?%08x\">\n<script defer src=\"", assets_version());
	markup_text(out, cs->uri);
	markupf(out, ";page.js?%08x\"></script>\n</head>\n", assets_version());
}

void
stats_render_html(const struct stats_source *src, const struct conf_stats *cs,
    const char *notice, bool still, struct evbuffer *out)
{
	const struct conf *conf = src->conf(src->arg);

	put_head(out, src, cs, still);
	markup(out, "<body>\n");
	put_header(out, cs, still);
	markupf(out, "<main data-refresh=\"%lld\" data-page=\"",
	    still ? 0LL : (long long)cs->refresh);
	markup_text(out, cs->uri);
	markup(out, "\">\n");
	if (notice != NULL) {
		markup(out, "<p class=\"follow\" role=\"status\">");
		markup_text(out, notice);
		markup(out, "</p>\n");
	}
	put_sentences(out, src, conf);
	put_followers(out, src, conf);
	put_troubles(out, src);
	markup(out, "<div class=\"over\">\n");
	put_pictures(out, src, conf);
	put_decisions(out, src);
	markup(out, "</div>\n");
	put_tables(out, src, conf, cs);
	markup(out, "</main>\n");
	put_process(out, src, cs);
	markup(out, "</body>\n</html>\n");
}
