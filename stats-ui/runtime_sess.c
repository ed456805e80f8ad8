/*
 * Commands about sessions. The workers are asked; the answer comes when all of
 * them have told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "stats-ui/commands.h"

#define AGE_MAX 32

/* What HAProxy tells of its own engine. */
#define ENGINE                             \
	"rq[f=0h,i=0,an=00h,rx=,wx=,ax=] " \
	"rp[f=0h,i=0,an=00h,rx=,wx=,ax=] "

/* What is to be shown. */
struct wish {
	struct runtime *runtime;
	uint64_t id; /* only this one; 0: all */
	bool detail;
};

/* A time as HAProxy writes ages: its two largest units. Returns buf. */
static const char *
age_str(int64_t ms, char buf[AGE_MAX])
{
	long long s = ms / 1000;

	if (s < 60)
		snprintf(buf, AGE_MAX, "%llds", s);
	else if (s < 3600)
		snprintf(buf, AGE_MAX, "%lldm%llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, AGE_MAX, "%lldh%lldm", s / 3600, s / 60 % 60);
	else
		snprintf(buf, AGE_MAX, "%lldd%lldh", s / 86400, s / 3600 % 24);
	return buf;
}

/* The frontend of that id; NULL if no load has it any more. */
static const struct conf_frontend *
frontend_of(const struct conf *conf, int id)
{
	size_t i;

	for (i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		if (conf->frontends[i].id == id)
			return &conf->frontends[i];
	}
	return NULL;
}

/* The name of a server by its id. */
static const char *
server_of(const struct conf_backend *cb, int id)
{
	size_t i;

	for (i = 0; i < cb->nservers && id >= 0; i++) {
		if (cb->servers[i].id == id)
			return cb->servers[i].name;
	}
	return "<none>";
}

/* Who it is from: "proto=tcpv4 src=10.0.0.1:4711". */
static void
print_source(struct cli *c, const struct session_view *v)
{
	struct addr a = {.family = AF_INET6, .port = v->port, .u.v6 = v->ip};
	char ip[ADDR_STR_MAX];

	if (IN6_IS_ADDR_UNSPECIFIED(&v->ip)) {
		cli_print(c, "proto=unix_stream src=unix:1");
		return;
	}
	if (IN6_IS_ADDR_V4MAPPED(&v->ip)) {
		a.family = AF_INET;
		memcpy(&a.u.v4, &v->ip.s6_addr[12], 4);
	}
	cli_print(c, "proto=tcpv%c src=%s:%u", a.family == AF_INET ? '4' : '6',
	    addr_ip_str(&a, ip), a.port);
}

/* Its line. Fields of HAProxy's own engine are there, and say nothing. */
static void
print_session(struct cli *c, const struct conf *conf,
    const struct session_view *v, bool detail)
{
	static const char *const states[] = {
	    "waiting", "held", "connecting", "relaying", "ending"};
	const struct conf_frontend *fe = frontend_of(conf, v->frontend_id);
	char age[AGE_MAX], idle[AGE_MAX];

	cli_print(c, "0x%llx: ", (unsigned long long)v->id);
	print_source(c, v);
	cli_print(c,
	    " fe=%s be=%s srv=%s ts=00 epoch=0 age=%s calls=1 rate=0 cpu=0 "
	    "lat=0 " ENGINE "scf=[8,0h,fd=%d] scb=[8,0h,fd=%d] "
	    "exp= rc=0 c_exp=\n",
	    fe == NULL ? "<NONE>" : fe->name,
	    fe == NULL ? "<NONE>" : fe->backend->name,
	    fe == NULL ? "<none>" : server_of(fe->backend, v->server_id),
	    age_str(v->age, age), v->client_fd, v->server_fd);
	if (detail)
		cli_print(c, "  state=%s idle=%s in=%llu out=%llu\n",
		    states[v->state], age_str(v->idle, idle),
		    (unsigned long long)v->bytes_in,
		    (unsigned long long)v->bytes_out);
}

/* The workers have told. */
static void
listed_cb(const struct session_view *list, size_t n, bool cut, void *arg)
{
	struct cli_act *a = arg;
	struct wish *w = a->arg;
	struct cli *c = a->cli;
	bool found = false;
	size_t i;

	for (i = 0; i < n && c != NULL; i++) {
		if (w->id != 0 && list[i].id != w->id)
			continue;
		found = true;
		print_session(c, runtime_conf(w->runtime), &list[i], w->detail);
	}
	if (c != NULL && w->id != 0 && !found)
		cli_error(c, "Session not found.\n");
	if (c != NULL && cut)
		cli_print(c, "# there are more\n");
	free(w);
	cli_act_end(a);
}

void
show_sess(struct runtime *r, struct cli *c)
{
	struct wish *w = xcalloc(1, sizeof(*w));
	const char *from =
	    c->peer.pid == 0 ? "tcpv4 src=-" : "unix_stream src=unix:1";

	w->runtime = r;
	w->id = strtoull(c->words[2], NULL, 0);
	/* As in HAProxy, this connection is one of them. */
	if (w->id == 0)
		cli_print(c,
		    "0x%llx: proto=%s fe=GLOBAL be=<NONE> srv=<none> ts=00 "
		    "epoch=0 age=0s calls=1 rate=0 cpu=0 lat=0 " ENGINE
		    "scf=[8,0h,fd=-1] scb=[8,1h,fd=-1] exp= rc=0 c_exp=\n",
		    (unsigned long long)(uintptr_t)c, from);
	w->detail = w->id != 0 || cli_word_is(c, 2, "all");
	r->admin.list_sessions(listed_cb, cli_act_begin(c, w), r->admin.arg);
}

/* It was closed, or is not there. */
static void
closed_cb(bool found, void *arg)
{
	struct cli_act *a = arg;

	cli_log(&a->copy, found, found ? "done" : "no such session", "");
	if (a->cli != NULL && !found)
		cli_error(a->cli, "No such session (use 'show sess').\n");
	cli_act_end(a);
}

void
shutdown_session(struct runtime *r, struct cli *c)
{
	uint64_t id = strtoull(c->words[2], NULL, 0);

	if (id == 0)
		cli_error(c, "Session pointer expected (use 'show sess').\n");
	else
		r->admin.close_session(
		    id, closed_cb, cli_act_begin(c, NULL), r->admin.arg);
}

void
shutdown_sessions_server(struct runtime *r, struct cli *c)
{
	const struct conf_backend *cb;
	const struct conf_server *cs = runtime_server(r, c, 3, &cb);

	if (cs == NULL)
		return;
	cli_log(c, true, "done", "");
	r->admin.close_server(cs->id, r->admin.arg);
}
