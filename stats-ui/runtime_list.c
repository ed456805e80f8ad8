/*
 * Commands that list servers, sessions and what changed: as tables, or as JSON
 * if their last word is "json".
 */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "stats-ui/cluster.h"
#include "stats-ui/columns.h"
#include "stats-ui/commands.h"
#include "stats-ui/json.h"
#include "stats-ui/reason.h"
#include "stats-ui/words.h"

#define SESSIONS_SHOWN 1000

bool
runtime_wants_json(struct cli *c)
{
	if (c->n < 2 || !cli_word_is(c, c->n - 1, "json"))
		return false;
	c->words[--c->n] = "";
	return true;
}

/* There is no such backend, or no such server in cb: say which there are. */
static void
refuse(struct cli *c, const struct conf *conf, const struct conf_backend *cb,
    const char *name)
{
	size_t n = cb == NULL ? conf->nbackends : cb->nservers, i;
	char list[512] = "";

	for (i = 0; i < n && strlen(list) < sizeof(list) - 70; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
		    "%s%.64s", i == 0 ? "" : ", ",
		    cb == NULL ? conf->backends[i].name : cb->servers[i].name);
	if (cb == NULL)
		cli_error(c,
		    "error: there is no backend '%.64s'; there are: "
		    "%s%s\n",
		    name, list, i < n ? ", ..." : "");
	else
		cli_error(c,
		    "error: backend %.64s has no server '%.64s'; it has: "
		    "%s%s\n",
		    cb->name, name, list, i < n ? ", ..." : "");
}

bool
runtime_find(struct runtime *r, struct cli *c, const char *text,
    const struct conf_backend **cb, const struct conf_server **cs)
{
	const char *slash = strchr(text, '/');
	char name[128];

	snprintf(name, sizeof(name), "%.*s",
	    (int)(slash == NULL ? strlen(text) : (size_t)(slash - text)), text);
	*cs = NULL;
	*cb = runtime_backend(r, name);
	if (*cb == NULL) {
		refuse(c, runtime_conf(r), NULL, name);
		return false;
	}
	if (slash == NULL)
		return true;
	for (size_t i = 0; i < (*cb)->nservers; i++)
		if (strcmp((*cb)->servers[i].name, slash + 1) == 0)
			*cs = &(*cb)->servers[i];
	if (*cs == NULL)
		refuse(c, runtime_conf(r), *cb, slash + 1);
	return *cs != NULL;
}

/*
 * Servers.
 */

/* One server's row. */
static void
add_server(struct columns *t, const struct stats_source *src,
    const struct conf_backend *cb, const struct conf_server *cs)
{
	struct monitor_server ms = monitor_server(src->monitor, cs);
	const struct observation *last = &ms.state->last;
	char text[WORDS_MAX];

	columns_cell(t, "%s/%s", cb->name, cs->name);
	columns_cell(t, "%s", words_address(&ms, text));
	columns_cell(t, "%s", words_status(&ms));
	columns_cell(t, "%s", role_str(ms.state->role));
	columns_cell(
	    t, "%s", words_writer(&ms)[0] == '\0' ? "-" : words_writer(&ms));
	columns_cell(t, "%s", ms.lag.ms < 0 ? "-" : words_lag(&ms.lag, text));
	columns_cell(t, "%u", src->server_sessions(cs->id, src->arg));
	columns_cell(t, "%u", ms.weight);
	columns_cell(t, "%s, %.1f ms", probe_result_str(last->result),
	    (double)last->duration_us / 1000);
	columns_cell(t, "%s", reason_words(cb, &ms, text));
}

/* The servers of all backends, or of one. */
static void
list_servers(struct runtime *r, struct cli *c, const struct conf_backend *only)
{
	static const char *const heads[] = {"SERVER", "ADDRESS", "STATUS",
	    "ROLE", "WRITER", "BEHIND", "SESSIONS", "WEIGHT", "LAST CHECK",
	    "REASON", NULL};
	const struct conf *conf = runtime_conf(r);
	size_t order[CONF_SERVERS_MAX];
	struct columns t;

	columns_open(&t, heads);
	for (size_t i = 0; i < conf->nbackends; i++) {
		const struct conf_backend *cb = &conf->backends[i];

		if (only != NULL && cb != only)
			continue;
		cluster_order(r->source, cb, order);
		for (size_t j = 0; j < cb->nservers; j++)
			add_server(&t, r->source, cb, &cb->servers[order[j]]);
	}
	columns_close(&t, c->out);
}

/* The same as JSON: as in /stats.json, and each with its backend. */
static void
list_servers_json(
    struct runtime *r, struct cli *c, const struct conf_backend *only)
{
	const struct conf *conf = runtime_conf(r);
	json_t *list = json_array(), *o;

	for (size_t i = 0; i < conf->nbackends; i++) {
		const struct conf_backend *cb = &conf->backends[i];

		for (size_t j = 0; j < cb->nservers; j++) {
			if (only != NULL && cb != only)
				continue;
			o = json_server(r->source, cb, &cb->servers[j]);
			json_object_set_new(o, "backend", json_text(cb->name));
			json_array_append_new(list, o);
		}
	}
	json_write(list, c->out);
}

void
run_servers(struct runtime *r, struct cli *c)
{
	bool json = runtime_wants_json(c);
	const struct conf_backend *cb = NULL;
	const struct conf_server *cs;

	if (c->n > 2)
		cli_error(c, "error: usage: servers [BACKEND]\n");
	else if (c->n == 2 && !runtime_find(r, c, c->words[1], &cb, &cs))
		return;
	else if (json)
		list_servers_json(r, c, cb);
	else
		list_servers(r, c, cb);
}

/*
 * What changed.
 */

void
run_events(struct runtime *r, struct cli *c)
{
	bool json = runtime_wants_json(c);
	char *end, text[WORDS_MAX], when[WORDS_MAX];
	size_t most = strtoul(c->words[1], &end, 10), i;
	json_t *list = json ? json_array() : NULL;
	const struct decision *d;

	if (c->n > 2 || *end != '\0' || (c->n == 2 && most == 0)) {
		json_decref(list);
		cli_error(c, "error: usage: events [NUMBER]\n");
		return;
	}
	for (i = 0; c->n == 1 || i < most; i++) {
		if ((d = monitor_decision(r->source->monitor, i)) == NULL)
			break;
		if (json)
			json_array_append_new(list, json_decision(d));
		else
			columns_line(c->out, "%s  %s",
			    words_time(d->wall_us, when),
			    words_decision(d, text));
	}
	if (json)
		json_write(list, c->out);
	else if (i == 0)
		columns_line(c->out, "nothing has changed yet");
}

/*
 * Sessions.
 */

/* Whose are asked for: of all, of a backend, of a server. */
struct wish {
	struct runtime *runtime;
	char backend[64], server[64];
	bool json;
};

/* A session, and what its ids stand for in the running configuration. */
struct found {
	const struct session_view *view;
	const char *frontend, *backend, *server; /* "-" none */
};

/* Find out; false if it is not one of those that are asked for. */
static bool
find_session(
    const struct wish *w, const struct session_view *v, struct found *out)
{
	const struct conf *conf = runtime_conf(w->runtime);

	*out = (struct found){v, "-", "-", "-"};
	for (size_t i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		const struct conf_frontend *cf = &conf->frontends[i];

		if (cf->id != v->frontend_id)
			continue;
		out->frontend = cf->name;
		out->backend = cf->backend->name;
		for (size_t j = 0; j < cf->backend->nservers; j++)
			if (cf->backend->servers[j].id == v->server_id)
				out->server = cf->backend->servers[j].name;
	}
	return (w->backend[0] == '\0' ||
		   strcmp(w->backend, out->backend) == 0) &&
	       (w->server[0] == '\0' || strcmp(w->server, out->server) == 0);
}

/* Where a client is, as text. Returns buf. */
static const char *
client_of(const struct session_view *v, char buf[ADDR_STR_MAX])
{
	struct addr a = {.family = AF_INET6, .port = v->port, .u.v6 = v->ip};

	if (IN6_IS_ADDR_UNSPECIFIED(&v->ip))
		return "unix";
	if (IN6_IS_ADDR_V4MAPPED(&v->ip)) {
		a.family = AF_INET;
		memcpy(&a.u.v4, &v->ip.s6_addr[12], 4);
	}
	return addr_str(&a, buf);
}

static const char *const states[] = {
    "waiting", "held", "connecting", "relaying", "ending"};

/* One session's row. */
static void
add_session(struct columns *t, const struct found *f)
{
	char text[WORDS_MAX], client[ADDR_STR_MAX];

	columns_cell(t, "%s", client_of(f->view, client));
	columns_cell(t, "%s", f->frontend);
	columns_cell(t, "%s/%s", f->backend, f->server);
	columns_cell(t, "%s", states[f->view->state]);
	columns_cell(t, "%s", words_span(f->view->age, text));
	columns_cell(t, "%s", words_span(f->view->idle, text));
	columns_cell(t, "%s", words_bytes(f->view->bytes_in, text));
	columns_cell(t, "%s", words_bytes(f->view->bytes_out, text));
	columns_cell(t, "0x%llx", (unsigned long long)f->view->id);
}

/* One session as JSON; its id is what "shutdown session" takes. */
static json_t *
session_json(const struct found *f)
{
	char id[24], client[ADDR_STR_MAX];
	json_t *o = json_object();

	snprintf(id, sizeof(id), "0x%llx", (unsigned long long)f->view->id);
	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(
	    o, "client", json_string(client_of(f->view, client)));
	json_object_set_new(o, "frontend", json_text(f->frontend));
	json_object_set_new(o, "backend", json_text(f->backend));
	json_object_set_new(o, "server",
	    f->view->server_id < 0 ? json_null() : json_text(f->server));
	json_object_set_new(o, "state", json_string(states[f->view->state]));
	json_object_set_new(o, "age_ms", json_integer(f->view->age));
	json_object_set_new(o, "idle_ms", json_integer(f->view->idle));
	json_object_set_new(
	    o, "bytes_in", json_integer((json_int_t)f->view->bytes_in));
	json_object_set_new(
	    o, "bytes_out", json_integer((json_int_t)f->view->bytes_out));
	return o;
}

/* Write the sessions that are asked for; no more than SESSIONS_SHOWN. */
static void
write_sessions(struct cli *c, const struct wish *w,
    const struct session_view *list, size_t n, bool cut)
{
	static const char *const heads[] = {"CLIENT", "FRONTEND", "SERVER",
	    "STATE", "AGE", "IDLE", "IN", "OUT", "ID", NULL};
	json_t *array = w->json ? json_array() : NULL;
	struct columns t;
	struct found f;
	size_t shown = 0, more;

	columns_open(&t, heads);
	for (size_t i = 0; i < n; i++) {
		if (!find_session(w, &list[i], &f))
			continue;
		if (++shown > SESSIONS_SHOWN)
			continue;
		if (w->json)
			json_array_append_new(array, session_json(&f));
		else
			add_session(&t, &f);
	}
	more = shown > SESSIONS_SHOWN ? shown - SESSIONS_SHOWN : 0;
	if (w->json) {
		columns_free(&t);
		json_write(json_pack("{s:o, s:b}", "sessions", array, "cut",
			       cut || more > 0),
		    c->out);
		return;
	}
	columns_close(&t, c->out);
	if (cut)
		columns_line(c->out, "and at least %zu more", more);
	else if (more > 0)
		columns_line(c->out, "and %zu more", more);
}

/* The workers have told. */
static void
listed_cb(const struct session_view *list, size_t n, bool cut, void *arg)
{
	struct cli_act *a = arg;
	struct wish *w = a->arg;

	if (a->cli != NULL)
		write_sessions(a->cli, w, list, n, cut);
	free(w);
	cli_act_end(a);
}

void
run_sessions(struct runtime *r, struct cli *c)
{
	const struct conf_backend *cb = NULL;
	const struct conf_server *cs = NULL;
	bool json = runtime_wants_json(c);
	struct wish *w;

	if (c->n > 2) {
		cli_error(c, "error: usage: sessions [BACKEND[/SERVER]]\n");
		return;
	}
	if (c->n == 2 && !runtime_find(r, c, c->words[1], &cb, &cs))
		return;
	w = xcalloc(1, sizeof(*w));
	w->runtime = r;
	w->json = json;
	snprintf(
	    w->backend, sizeof(w->backend), "%s", cb == NULL ? "" : cb->name);
	snprintf(
	    w->server, sizeof(w->server), "%s", cs == NULL ? "" : cs->name);
	r->admin.list_sessions(listed_cb, cli_act_begin(c, w), r->admin.arg);
}
