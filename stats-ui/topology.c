/*
 * The picture of a backend is a tree that grows to the right: under each server
 * those that follow it. Where a server stands comes first (place_all()), then
 * it is drawn. Signs and words say what colours say.
 */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "stats-ui/cluster.h"
#include "stats-ui/markup.h"
#include "stats-ui/topology.h"
#include "stats-ui/words.h"

#define WIDTH         380
#define NODES_MAX     48 /* servers that are drawn */
#define SENTINELS_MAX 16
#define DEPTH_MAX     2 /* what follows deeper is drawn as deep */
#define INDENT        84
#define TRUNK         20 /* from a box's left side to its trunk */
#define BOX           46
#define ROW           56
#define LINE          24 /* of a Sentinel */

/* One server; parent is an index, -1 none. */
struct node {
	struct monitor_server ms;
	int parent;
	bool placed;
	unsigned depth, x, y;
};

struct picture {
	const struct stats_source *src;
	const struct conf_backend *cb;
	struct node nodes[NODES_MAX];
	size_t n, order[NODES_MAX], placed;
	size_t sentinels;
	bool cluster;
	unsigned height; /* so far */
};

/* Is the server at this place? A replica may know its primary by the name that
 * is configured here or by the address that this has. */
static bool
is_at(const struct monitor_server *ms, const char *host, uint16_t port)
{
	char text[ADDR_STR_MAX], place[ADDR_STR_MAX];

	if (ms->conf->port == port && strcmp(ms->conf->host, host) == 0)
		return true;
	if (ms->now->addr.family == 0)
		return false;
	snprintf(place, sizeof(place),
	    strchr(host, ':') == NULL ? "%.60s:%u" : "[%.60s]:%u", host, port);
	return strcmp(addr_str(&ms->now->addr, text), place) == 0;
}

/* Whom a server follows; -1 nobody that is drawn. */
static int
find_parent(const struct picture *p, size_t i)
{
	const struct monitor_server *ms = &p->nodes[i].ms;
	const struct observation *known = &ms->state->known;
	int writer = -1;

	if (ms->writer || ms->state->role != ROLE_REPLICA)
		return -1;
	for (size_t j = 0; j < p->n; j++) {
		const struct monitor_server *other = &p->nodes[j].ms;

		if (j == i)
			continue;
		if (p->cluster ? ms->shard != NULL &&
				     strcmp(other->conf->name, ms->shard) == 0
			       : is_at(other, known->primary_host,
				     known->primary_port))
			return (int)j;
		if (other->writer)
			writer = (int)j;
	}
	return ms->fit && !p->cluster ? writer : -1;
}

/* Where a server is drawn, below what is there, and then those behind it. */
static void
place(struct picture *p, size_t i, unsigned depth)
{
	struct node *node = &p->nodes[i];

	if (node->placed)
		return; /* they follow each other in a ring */
	node->placed = true;
	node->depth = depth > DEPTH_MAX ? DEPTH_MAX : depth;
	node->x = 1 + node->depth * INDENT;
	node->y = p->height;
	p->height += ROW;
	p->order[p->placed++] = i;
	for (size_t j = 0; j < p->n; j++)
		if (p->nodes[j].parent == (int)i)
			place(p, j, depth + 1);
}

/* Place all: those who take writes, who is followed, then the rest. */
static void
place_all(struct picture *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->nodes[i].ms.writer)
			place(p, i, 0);
	for (size_t i = 0; i < p->n; i++)
		for (size_t j = 0; j < p->n; j++)
			if (p->nodes[i].parent < 0 &&
			    p->nodes[j].parent == (int)i)
				place(p, i, 0);
	for (size_t i = 0; i < p->n; i++)
		place(p, i, 0);
}

/* Look at the servers and say where they stand. */
static struct picture *
look(const struct stats_source *src, const struct conf_backend *cb)
{
	struct picture *p = xcalloc(1, sizeof(*p));
	size_t order[CONF_SERVERS_MAX];
	struct report_sentinel s;

	p->src = src;
	p->cb = cb;
	p->cluster = cluster_order(src, cb, order);
	p->n = cb->nservers < NODES_MAX ? cb->nservers : NODES_MAX;
	for (size_t i = 0; i < p->n; i++)
		p->nodes[i].ms =
		    monitor_server(src->monitor, &cb->servers[order[i]]);
	for (size_t i = 0; i < p->n; i++)
		p->nodes[i].parent = find_parent(p, i);
	place_all(p);
	while (p->sentinels < SENTINELS_MAX &&
	       monitor_sentinel(src->monitor, cb, p->sentinels, &s))
		p->sentinels++;
	return p;
}

/* How a server is drawn: the class of its box, the sign and the word in it. */
struct look {
	const char *class, *sign, *word;
};

/* The look of one that answers. */
static struct look
look_up(const struct picture *p, const struct monitor_server *ms)
{
	if (ms->fenced && !ms->writer)
		return (struct look){"bad", "\u2298", "fenced"};
	if (ms->drain || ms->weight == 0)
		return (struct look){"out", "\u25cb", "draining"};
	if (p->cb->check != CHECK_REDIS)
		return (struct look){"up", "\u25cf", "up"};
	if (ms->writer && !ms->now->writable)
		return (struct look){"out", "\u2606", "writer, away"};
	if (ms->writer)
		return (struct look){"writer", "\u2605", "writer"};
	if (ms->state->role != ROLE_REPLICA)
		return (struct look){"bad", "\u2298", "not the writer"};
	if (!ms->now->readable)
		return (struct look){"out", "\u25cb", "not for reads"};
	return (struct look){"up", "\u25cf", ms->lagging ? "lags" : "replica"};
}

/* The look of a server. */
static struct look
look_of(const struct picture *p, const struct monitor_server *ms)
{
	if (ms->maintenance)
		return (struct look){"out", "\u25cb", "MAINT"};
	if (ms->now->up)
		return look_up(p, ms);
	if (ms->state->health == HEALTH_DOWN)
		return (struct look){
		    "bad", "\u2715", ms->writer ? "writer, DOWN" : "DOWN"};
	return (struct look){"out", "\u25cb", "UNCHECKED"};
}

/* Text at a place; class NULL: none. */
static void
put_label(struct evbuffer *out, unsigned x, unsigned y, const char *class,
    const char *text, unsigned max)
{
	markupf(out, "<text x=\"%u\" y=\"%u\"", x, y);
	if (class != NULL)
		markupf(out, " class=\"%s\"", class);
	markup(out, ">");
	markup_cut(out, text, max);
	markup(out, "</text>");
}

/* The box of a server. */
static void
put_box(struct evbuffer *out, const struct picture *p, const struct node *node)
{
	const struct monitor_server *ms = &node->ms;
	unsigned sessions = p->src->server_sessions(ms->conf->id, p->src->arg);
	unsigned x = node->x, y = node->y, room = node->depth;
	struct look l = look_of(p, ms);
	char text[WORDS_MAX], name[80];

	markupf(out,
	    "<g class=\"node %s\"><rect x=\"%u\" y=\"%u\" width=\"%u\" "
	    "height=\"%d\" rx=\"6\"/>",
	    l.class, x, y, WIDTH - 1 - x, BOX);
	snprintf(name, sizeof(name), "%s %.64s", l.sign, ms->conf->name);
	put_label(out, x + 10, y + 19, "name", name, 24 - 8 * room);
	put_label(out, WIDTH - 10, y + 19, "end", l.word, 15);
	put_label(out, x + 10, y + 37, "sub", words_address(ms, text),
	    32 - 11 * room);
	snprintf(text, sizeof(text), "%u session%s", sessions,
	    sessions == 1 ? "" : "s");
	put_label(out, WIDTH - 10, y + 37, "sub end", text, 18);
	markup(out, "</g>\n");
}

/* "0.2 s", or in bytes where that says more. Returns buf. */
static const char *
lag_label(const struct lag *lag, char buf[32])
{
	if (lag->ms < 0)
		buf[0] = '\0';
	else if (lag->ms < 50 && lag->bytes > 0)
		words_bytes((uint64_t)lag->bytes, buf);
	else if (lag->ms < 50)
		snprintf(buf, 32, "in step");
	else
		snprintf(buf, 32, "%.1f s", (double)lag->ms / 1000);
	return buf;
}

/* The arrow from whom a server follows. */
static void
put_arrow(struct evbuffer *out, const struct picture *p, const struct node *n)
{
	const struct node *from = &p->nodes[n->parent];
	bool good = n->ms.now->up && n->ms.state->known.link_up;
	unsigned x = from->x + TRUNK, to = n->x, y = n->y + BOX / 2;
	char lag[32];

	if (to <= x) /* both are as deep as it gets */
		to = x;
	markupf(out,
	    "<path class=\"link%s\" d=\"M%u %uV%uH%u\"/>"
	    "<path class=\"tip%s\" d=\"M%u %ul-8 -5v10z\"/>",
	    good ? "" : " broken", x, from->y + BOX, y, to,
	    good ? "" : " broken", to, y);
	put_label(out, x + 6, y - 5, good ? "lag" : "lag bad",
	    good ? lag_label(&n->ms.lag, lag) : "\u2715 no link", 9);
	markup(out, "\n");
}

/* One Sentinel and its vote. */
static void
put_sentinel(struct evbuffer *out, const struct picture *p, size_t i,
    const struct conf_server *writer, unsigned y)
{
	char text[WORDS_MAX], says[WORDS_MAX];
	const char *class = "good", *sign = "\u2713";
	struct report_sentinel s;

	monitor_sentinel(p->src->monitor, p->cb, i, &s);
	if (s.trouble[0] != '\0') {
		class = "bad";
		sign = "\u2715";
	} else if (writer == NULL || s.name == NULL ||
		   strcmp(s.name, writer->name) != 0) {
		class = "bad";
		sign = "\u2260";
	}
	snprintf(text, sizeof(text), "%s", sign);
	put_label(out, 10, y, class, text, 2);
	snprintf(text, sizeof(text), "%.64s:%u %s", s.place.host, s.place.port,
	    words_sentinel(&s, says));
	put_label(out, 28, y, "sub", text, 52);
	markup(out, "\n");
}

/* The Sentinels. */
static void
put_sentinels(struct evbuffer *out, const struct picture *p)
{
	struct writer_verdict why;
	const struct conf_server *writer =
	    monitor_writer(p->src->monitor, p->cb, &why);
	char text[64];
	unsigned y = p->height + LINE - 6;

	if (p->sentinels == 0)
		return;
	snprintf(text, sizeof(text), "%zu Sentinel%s", p->sentinels,
	    p->sentinels == 1 ? "" : "s");
	put_label(out, 10, y, "name", text, 30);
	for (size_t i = 0; i < p->sentinels; i++)
		put_sentinel(out, p, i, writer, y + (unsigned)(i + 1) * LINE);
}

/* Open the picture, with its name. */
static void
put_head(struct evbuffer *out, const struct picture *p)
{
	char text[WORDS_MAX];
	unsigned height = p->height;

	if (p->sentinels > 0)
		height += (unsigned)(p->sentinels + 1) * LINE;
	if (p->cb->nservers > p->n)
		height += LINE;
	markupf(out,
	    "<svg class=\"topology\" viewBox=\"0 0 %d %u\" role=\"img\" "
	    "aria-label=\"",
	    WIDTH, height);
	markup_textf(out,
	    "Backend %s in a picture, its tables say the same: ", p->cb->name);
	markup_text(out, words_backend(p->src, p->cb, text));
	markup(out, "\">\n");
}

void
topology_put(struct evbuffer *out, const struct stats_source *src,
    const struct conf_backend *cb)
{
	struct picture *p = look(src, cb);
	char more[64];

	put_head(out, p);
	for (size_t i = 0; i < p->placed; i++)
		if (p->nodes[p->order[i]].parent >= 0)
			put_arrow(out, p, &p->nodes[p->order[i]]);
	for (size_t i = 0; i < p->placed; i++)
		put_box(out, p, &p->nodes[p->order[i]]);
	if (cb->nservers > p->n) {
		snprintf(more, sizeof(more), "and %zu more: see the table",
		    cb->nservers - p->n);
		p->height += LINE;
		put_label(out, 10, p->height - 8, "sub", more, 40);
	}
	put_sentinels(out, p);
	markup(out, "</svg>\n");
	free(p);
}
