/*
 * Rows are made here: which proxies there are is proxies.c's, what changes over
 * time history.c's, what a server is hstate.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/branch.h"
#include "stats-ui/history.h"
#include "stats-ui/proxies.h"
#include "stats-ui/reason.h"
#include "stats-ui/rows.h"
#include "stats-ui/words.h"

#define REASON_MAX 512 /* bytes of a reason that are shown */
#define NAME_BYTES 64  /* of a name */

/* What the rows are made with. */
struct maker {
	const struct stats_source *src;
	const struct hstats_filter *filter;
	const struct conf *conf;
	hrow_cb cb;
	void *arg;
	int64_t now;
	struct hrow row; /* the one that is being made */
};

/* What the servers of a backend come to; [1] are backup servers. */
struct backend_sum {
	unsigned usable[2];
	int64_t weight[2], uweight[2];
	unsigned states[HSTATE_KINDS], checks[HCHK_L7STS + 1];
	int64_t last_session; /* s since the newest that had a server; or -1 */
};

/* The bits of fields.h that a row has. */
static unsigned
bits(const struct hrow *row)
{
	switch (row->kind) {
	case HROW_FRONTEND:
		return row->http ? HROW_F | HROW_FH : HROW_F;
	case HROW_BACKEND:
		return row->http ? HROW_B | HROW_BH : HROW_B;
	default:
		return HROW_S;
	}
}

bool
hrow_has(const struct hrow *row, enum hfield_id field)
{
	if ((hfields[field].rows & bits(row)) == 0)
		return false;
	if (hfields[field].type == HTYPE_STR)
		return row->text[field] != NULL && row->text[field][0] != '\0';
	return row->number[field] != HROW_NONE;
}

/* Set a column to a copy of text, at most max bytes of it; what a line may not
 * hold is left out. */
static void
copy_text(struct hrow *row, enum hfield_id field, const char *text, size_t max)
{
	char *to = row->texts + row->used;
	size_t room = sizeof(row->texts) - row->used, n;

	row->text[field] = to;
	if (max > room - 1)
		max = room - 1;
	for (; *text != '\0'; text += n) {
		n = words_utf8(text);
		if (n > max)
			break;
		if (n == 0 || (n == 1 && (*text < ' ' || *text == 0x7f))) {
			n = 1;
			*to++ = ' ';
		} else {
			memcpy(to, text, n);
			to += n;
		}
		max -= n;
	}
	*to++ = '\0';
	row->used = (size_t)(to - row->texts);
}

/* Begin a row: nothing but zeros, and who it is. */
static void
begin(struct maker *m, const struct hproxy *px, enum hrow_kind kind,
    const char *name, unsigned sid)
{
	struct hrow *row = &m->row;

	memset(row, 0, sizeof(*row));
	row->kind = kind;
	row->http = px->site != NULL;
	copy_text(row, HF_pxname, px->name, NAME_BYTES);
	copy_text(row, HF_svname, name, NAME_BYTES);
	row->text[HF_mode] = row->http ? "http" : "tcp";
	row->number[HF_pid] = 1;
	row->number[HF_iid] = px->iid;
	row->number[HF_sid] = sid;
	row->number[HF_type] = kind;
}

/* What is there now, and was at most. */
static void
set_figures(struct hrow *row, const struct figures *f)
{
	int64_t *n = row->number;

	n[HF_scur] = n[HF_used_conn_cur] = f->sessions;
	n[HF_smax] = f->sessions_max;
	n[HF_qcur] = f->queued;
	n[HF_qmax] = f->queued_max;
	n[HF_rate] = n[HF_conn_rate] = f->rate;
	n[HF_rate_max] = n[HF_conn_rate_max] = f->rate_max;
	n[HF_lastsess] = f->last_session < 0 ? -1 : f->last_session / 1000;
	n[HF_qtime] = f->queue_ms;
	n[HF_ctime] = f->connect_ms;
	n[HF_ttime] = f->total_ms;
	n[HF_qtime_max] = f->queue_ms_max;
	n[HF_ctime_max] = f->connect_ms_max;
	n[HF_ttime_max] = f->total_ms_max;
	/* It may just have been missed. */
	if (n[HF_scur] > n[HF_smax])
		n[HF_smax] = n[HF_scur];
	if (n[HF_qcur] > n[HF_qmax])
		n[HF_qmax] = n[HF_qcur];
}

/* When it changed. */
static void
set_states(struct maker *m, const struct track *track)
{
	int64_t *n = m->row.number;

	n[HF_chkdown] = (int64_t)track->downs;
	n[HF_chkfail] = (int64_t)track->fails;
	n[HF_lastchg] = (m->now - track->since) / 1000;
	n[HF_downtime] =
	    (track->down_ms + (track->up ? 0 : m->now - track->since)) / 1000;
}

/* What is counted. */
static void
set_counters(struct hrow *row, const struct counter_sums *c)
{
	uint64_t again = c->retries + c->redispatches;
	int64_t *n = row->number;

	n[HF_stot] = n[HF_conn_tot] = (int64_t)c->sessions;
	n[HF_bin] = (int64_t)c->bytes_in;
	n[HF_bout] = (int64_t)c->bytes_out;
	/* A failed connect that is tried again is none. */
	n[HF_econ] = c->connect_errors < again
			 ? 0
			 : (int64_t)(c->connect_errors - again);
	n[HF_wretr] = (int64_t)c->retries;
	n[HF_wredis] = (int64_t)c->redispatches;
	/* HAProxy counts who was silent for too long, too. */
	n[HF_cli_abrt] = (int64_t)(c->client_aborts + c->client_timeouts);
	n[HF_srv_abrt] =
	    (int64_t)(c->server_aborts + c->timeouts - c->client_timeouts);
	n[HF_eresp] = (int64_t)c->response_errors;
	n[HF_lbtot] = (int64_t)c->loadbalanced;
	n[HF_connect] = (int64_t)c->connects;
	n[HF_dcon] = (int64_t)c->denied;
	n[HF_ereq] = (int64_t)c->request_errors;
}

/* Hand the row over, if the filter wants it. */
static void
emit(struct maker *m)
{
	static const unsigned kinds[] = {[HROW_FRONTEND] = HSTATS_FRONTENDS,
	    [HROW_BACKEND] = HSTATS_BACKENDS,
	    [HROW_SERVER] = HSTATS_SERVERS};
	const struct hstats_filter *f = m->filter;
	const struct hrow *row = &m->row;

	if (f->types != 0 && (f->types & kinds[row->kind]) == 0)
		return;
	if (row->kind == HROW_SERVER && f->sid >= 0 &&
	    row->number[HF_sid] != f->sid)
		return;
	if (row->kind == HROW_SERVER && f->no_maint &&
	    row->state == HSTATE_MAINT)
		return;
	if (row->kind == HROW_SERVER && f->up &&
	    (row->state == HSTATE_MAINT ||
		(row->state == HSTATE_DOWN &&
		    row->number[HF_check_health] == 0)))
		return;
	m->cb(row, m->arg);
}

/* Sessions that a frontend may have. */
static int64_t
frontend_limit(const struct maker *m, const struct conf_frontend *cf)
{
	int64_t given = m->src->frontend_maxconn(cf->id, m->src->arg);

	if (given >= 0)
		return given;
	return cf->maxconn == 0 ? m->conf->global.maxconn : cf->maxconn;
}

/* What a frontend does with clients. */
static void
set_state(struct hrow *row, enum frontend_state state)
{
	const char *word = "OPEN";

	row->up = state == FRONTEND_OPEN;
	if (state == FRONTEND_STOPPED)
		word = "STOP";
	else if (state == FRONTEND_PAUSED)
		word = "PAUSED";
	row->text[HF_status] = word;
}

/* The larger one. */
static unsigned
most(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* Add a frontend's figures to those of others. */
static void
add_figures(struct figures *sum, const struct figures *f)
{
	sum->sessions += f->sessions;
	sum->queued += f->queued;
	sum->rate += f->rate;
	sum->sessions_max = most(sum->sessions_max, f->sessions_max);
	sum->queued_max = most(sum->queued_max, f->queued_max);
	sum->rate_max = most(sum->rate_max, f->rate_max);
	if (sum->last_session < 0 ||
	    (f->last_session >= 0 && f->last_session < sum->last_session))
		sum->last_session = f->last_session;
	sum->queue_ms = most(sum->queue_ms, f->queue_ms);
	sum->connect_ms = most(sum->connect_ms, f->connect_ms);
	sum->total_ms = most(sum->total_ms, f->total_ms);
	sum->queue_ms_max = most(sum->queue_ms_max, f->queue_ms_max);
	sum->connect_ms_max = most(sum->connect_ms_max, f->connect_ms_max);
	sum->total_ms_max = most(sum->total_ms_max, f->total_ms_max);
}

/* A frontend's row. Of several branches together the most that there was is not
 * known: it is at least that of each. */
static void
make_frontend(struct maker *m, const struct hproxy *px)
{
	const struct stats_source *src = m->src;
	const struct conf_frontend *cf = px->fe;
	struct counter_sums sums = {0};
	struct figures figures = {.last_session = -1}, one;
	const struct conf_frontend *br;

	begin(m, px, HROW_FRONTEND, "FRONTEND", 0);
	for (br = cf; br != NULL; br = conf_branch(cf, br)) {
		memset(&one, 0, sizeof(one));
		src->frontend_figures(br->id, &one, src->arg);
		add_figures(&figures, &one);
	}
	figures.sessions_max = most(figures.sessions_max, figures.sessions);
	set_figures(&m->row, &figures);
	m->row.number[HF_slim] = frontend_limit(m, cf);
	words_frontend(src, cf, &sums);
	set_counters(&m->row, &sums);
	m->row.number[HF_conn_tot] +=
	    (int64_t)(sums.denied + sums.request_errors);
	set_state(&m->row, src->frontend_state(cf->id, src->arg));
	emit(m);
}

/* What the last check said. */
static void
set_check(struct hrow *row, const struct hcheck *h, bool maint)
{
	int64_t *n = row->number;
	char text[24];

	if (!h->checked)
		n[HF_chkfail] = n[HF_chkdown] = n[HF_downtime] = HROW_NONE;
	/* HAProxy does not check in maintenance, and shows nothing of it. */
	row->checked = h->checked && !maint;
	if (!row->checked) {
		n[HF_check_code] = n[HF_check_duration] = HROW_NONE;
		n[HF_check_rise] = n[HF_check_fall] = HROW_NONE;
		n[HF_check_health] = HROW_NONE;
		return;
	}
	row->check = h->status;
	snprintf(text, sizeof(text), "%s%s",
	    h->running && h->status != HCHK_INI ? "* " : "",
	    hcheck_code(h->status));
	copy_text(row, HF_check_status, text, sizeof(text));
	row->text[HF_check_desc] = hcheck_text(h->status);
	copy_text(row, HF_last_chk, h->info, sizeof(h->info));
	n[HF_check_code] = h->code < 0 ? HROW_NONE : h->code;
	n[HF_check_duration] = h->duration_ms < 0 ? HROW_NONE : h->duration_ms;
	n[HF_check_rise] = h->rise;
	n[HF_check_fall] = h->fall;
	n[HF_check_health] = h->health;
	n[HF_need_conn_est] = 1; /* as HAProxy counts its checks */
}

/* What HAProxy does not have. */
static void
set_ours(struct hrow *row, const struct conf_backend *cb,
    const struct monitor_server *ms)
{
	char reason[WORDS_MAX];

	row->number[HF_writer] = row->number[HF_lag_bytes] =
	    row->number[HF_lag_seconds] = HROW_NONE;
	copy_text(row, HF_reason, reason_words(cb, ms, reason), REASON_MAX);
	if (cb->check != CHECK_REDIS)
		return;
	row->text[HF_role] = role_str(ms->state->role);
	row->number[HF_writer] = ms->writer;
	if (ms->lag.bytes >= 0)
		row->number[HF_lag_bytes] = ms->lag.bytes;
	if (ms->lag.ms >= 0)
		row->number[HF_lag_seconds] = (ms->lag.ms + 500) / 1000;
}

/* Its limits and its weight. */
static void
set_limits(struct hrow *row, const struct monitor_server *ms)
{
	const struct conf_server *cs = ms->conf;
	const struct admin *a = ms->admin;
	unsigned maxconn = a == NULL ? cs->maxconn : a->maxconn;
	unsigned weight = a == NULL ? cs->weight : a->weight;
	int64_t *n = row->number;

	n[HF_slim] = maxconn == 0 ? HROW_NONE : maxconn;
	n[HF_qlimit] = cs->maxqueue == 0 ? HROW_NONE : cs->maxqueue;
	n[HF_uweight] = weight;
	n[HF_weight] = ms->weight;
	n[HF_throttle] = HROW_NONE;
	if (a != NULL && a->slow_from != 0 && weight > 0)
		n[HF_throttle] = (int64_t)ms->now->weight * 100 /
				 (int64_t)(weight * ADMIN_WEIGHT_PARTS);
	n[HF_act] = !cs->backup;
	n[HF_bck] = cs->backup;
	n[HF_src_ilim] = HROW_NONE;
}

/* Add a server to what its backend has. Of backup servers one is in use. */
static void
add_up(
    struct backend_sum *sum, const struct hrow *row, bool usable, bool backup)
{
	const int64_t *n = row->number;

	sum->states[row->state]++;
	if (sum->last_session < 0 ||
	    (n[HF_lastsess] >= 0 && n[HF_lastsess] < sum->last_session))
		sum->last_session = n[HF_lastsess];
	if (row->checked)
		sum->checks[row->check]++;
	if (!usable)
		return;
	if (!backup || sum->usable[backup] == 0) {
		sum->weight[backup] += n[HF_weight];
		sum->uweight[backup] += n[HF_uweight];
	}
	sum->usable[backup]++;
}

/* A server's row; adds to the sums of its backend. */
static void
make_server(struct maker *m, const struct hproxy *px,
    const struct conf_server *cs, unsigned sid, struct backend_sum *sum)
{
	const struct stats_source *src = m->src;
	const struct conf_backend *cb = px->be;
	struct monitor_server ms = monitor_server(src->monitor, cs);
	char text[WORDS_MAX], status[HSTATE_MAX];
	struct hrow *row = &m->row;
	struct counter_sums sums = {0};
	struct figures figures = {0};
	struct hstate st;

	begin(m, px, HROW_SERVER, cs->name, sid);
	hstate_of(cb, &ms, &st);
	src->server_figures(cs->id, &figures, src->arg);
	set_figures(row, &figures);
	src->server_counters(cs->id, &sums, src->arg);
	set_counters(row, &sums);
	row->number[HF_stot] = (int64_t)sums.connects;
	set_states(m, history_server(src->history, cs));
	set_limits(row, &ms);
	row->number[HF_hanafail] =
	    cs->observe ? (int64_t)ms.state->accused : HROW_NONE;
	set_check(row, &st.check, st.maint);
	set_ours(row, cb, &ms);
	row->state = hstate_kind(&st);
	copy_text(row, HF_status, hstate_str(&st, status), HSTATE_MAX);
	if (m->filter->legends)
		copy_text(row, HF_addr, words_address(&ms, text), 128);
	add_up(sum, row, st.usable, cs->backup);
	emit(m);
}

/* Sessions that a backend is made for: a tenth of what its frontends take. */
static int64_t
full_sessions(const struct conf *conf, const struct conf_backend *cb)
{
	uint64_t sum = 0;
	unsigned max;

	if (cb->fullconn != 0)
		return cb->fullconn;
	for (size_t i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		max = conf->frontends[i].maxconn;
		if (conf->frontends[i].backend == cb)
			sum += max == 0 ? conf->global.maxconn : max;
	}
	if (sum == 0)
		sum = conf->global.maxconn;
	return (int64_t)(sum + 9) / 10;
}

/* What the frontends of a backend have counted. Of several together the most
 * that there was is known by the looks of history.c only. */
static void
sum_frontends(const struct maker *m, const struct conf_backend *cb,
    struct counter_sums *sums, struct figures *figures)
{
	const struct track *track = history_backend(m->src->history, cb);
	const struct conf_frontend *cf = m->conf->frontends;
	struct figures one;

	memset(sums, 0, sizeof(*sums));
	*figures = (struct figures){.last_session = -1};
	for (size_t i = 0; i < m->conf->nfrontends + m->conf->nbranches;
	     i++, cf++) {
		if (cf->backend != cb)
			continue;
		m->src->frontend_counters(cf->id, sums, m->src->arg);
		memset(&one, 0, sizeof(one));
		m->src->frontend_figures(cf->id, &one, m->src->arg);
		add_figures(figures, &one);
	}
	figures->sessions_max = most(figures->sessions_max, track->smax);
	figures->queued_max = most(figures->queued_max, track->qmax);
	figures->rate_max = most(figures->rate_max, track->rate_max);
}

/* What the servers of a backend come to. */
static void
set_sum(struct hrow *row, const struct backend_sum *sum)
{
	int64_t *n = row->number;
	bool backup = sum->usable[0] == 0;

	n[HF_act] = sum->usable[0];
	n[HF_bck] = sum->usable[1];
	n[HF_weight] = sum->weight[backup];
	n[HF_uweight] = sum->uweight[backup];
	n[HF_lastsess] = sum->last_session;
	memcpy(row->states, sum->states, sizeof(row->states));
	memcpy(row->checks, sum->checks, sizeof(row->checks));
	row->up = sum->usable[0] + sum->usable[1] > 0;
}

/* A backend's row. */
static void
make_backend(
    struct maker *m, const struct hproxy *px, const struct backend_sum *sum)
{
	const struct conf_backend *cb = px->be;
	struct hrow *row = &m->row;
	int64_t *n = row->number;
	char text[WORDS_MAX];
	struct counter_sums sums;
	struct figures figures;
	unsigned live;

	begin(m, px, HROW_BACKEND, "BACKEND", 0);
	sum_frontends(m, cb, &sums, &figures);
	set_figures(row, &figures);
	set_counters(row, &sums);
	n[HF_econ] = (int64_t)sums.unserved;
	set_states(m, history_backend(m->src->history, cb));
	n[HF_slim] = full_sessions(m->conf, cb);
	set_sum(row, sum);
	live = (unsigned)cb->nservers - row->states[HSTATE_DOWN] -
	       row->states[HSTATE_MAINT];
	if (m->filter->up || m->filter->no_maint)
		snprintf(text, sizeof(text), "%s (%u/%zu)",
		    row->up ? "UP" : "DOWN", live, cb->nservers);
	else
		snprintf(text, sizeof(text), "%s", row->up ? "UP" : "DOWN");
	copy_text(row, HF_status, text, HSTATE_MAX);
	if (cb->check == CHECK_REDIS)
		copy_text(row, HF_reason, words_backend(m->src, cb, text),
		    REASON_MAX);
	for (size_t i = 0;
	     m->filter->legends && i < m->conf->nfrontends + m->conf->nbranches;
	     i++)
		if (m->conf->frontends[i].backend == cb)
			row->text[HF_algo] =
			    conf_balance_str(m->conf->frontends[i].balance);
	emit(m);
}

/* What a [stats] has counted, in both of its rows. */
static void
set_site(
    struct maker *m, const struct conf_stats *cs, const struct site_counts *c)
{
	const struct track *track = history_site(m->src->history, cs);
	int64_t *n = m->row.number;

	m->row.up = true;
	n[HF_req_tot] = (int64_t)c->requests;
	n[HF_bin] = (int64_t)c->bytes_in;
	n[HF_bout] = (int64_t)c->bytes_out;
	for (int i = 0; i < 6; i++)
		n[HF_hrsp_1xx + i] = (int64_t)c->responses[i];
	n[HF_rate] = n[HF_conn_rate] = track->rate;
	n[HF_rate_max] = n[HF_conn_rate_max] = track->rate_max;
	n[HF_smax] = track->smax;
	n[HF_lastchg] = (m->now - m->src->started) / 1000;
	n[HF_lastsess] = track->last_session == 0
			     ? -1
			     : (m->now - track->last_session) / 1000;
	if (c->sessions > 0)
		n[HF_lastsess] = 0;
	if (n[HF_scur] > n[HF_smax])
		n[HF_smax] = n[HF_scur];
}

/* The rows of a [stats], whose backend is only there for form's sake. */
static void
make_site(struct maker *m, const struct hproxy *px)
{
	struct site_counts counts;
	int64_t *n = m->row.number;

	history_site_counts(m->src->history, m->src, px->site, &counts);
	begin(m, px, HROW_FRONTEND, "FRONTEND", 0);
	n[HF_scur] = counts.sessions;
	n[HF_slim] = px->site->maxconn;
	n[HF_stot] = n[HF_conn_tot] = (int64_t)counts.connections;
	n[HF_intercepted] = (int64_t)counts.requests;
	set_site(m, px->site, &counts);
	n[HF_req_rate] = n[HF_rate];
	n[HF_req_rate_max] = n[HF_rate_max];
	m->row.text[HF_status] = "OPEN";
	emit(m);
	begin(m, px, HROW_BACKEND, "BACKEND", 0);
	set_site(m, px->site, &counts);
	n[HF_slim] = (px->site->maxconn + 9) / 10;
	n[HF_smax] = n[HF_rate] = n[HF_rate_max] = n[HF_req_tot] = 0;
	n[HF_downtime] = HROW_NONE;
	m->row.text[HF_status] = "UP";
	if (m->filter->legends)
		m->row.text[HF_algo] = "roundrobin";
	emit(m);
}

/* All rows of a proxy. */
static void
make_proxy(struct maker *m, const struct hproxy *px)
{
	struct backend_sum sum = {.last_session = -1};
	unsigned *sids;

	if (px->site != NULL)
		make_site(m, px);
	if (px->fe != NULL)
		make_frontend(m, px);
	if (px->be == NULL)
		return;
	sids = proxies_sids(px->be);
	for (size_t i = 0; i < px->be->nservers; i++)
		make_server(m, px, &px->be->servers[i], sids[i], &sum);
	make_backend(m, px, &sum);
	free(sids);
}

/* Is the proxy one of those that are wanted? */
static bool
is_wanted(const struct hstats_filter *f, const struct hproxy *px)
{
	return (f->iid < 0 || (unsigned)f->iid == px->iid) &&
	       (f->scope == NULL || strcasestr(px->name, f->scope) != NULL);
}

void
rows_each(const struct stats_source *src, const struct hstats_filter *filter,
    hrow_cb cb, void *arg)
{
	const struct hstats_filter all = HSTATS_ALL;
	struct maker *m = xcalloc(1, sizeof(*m));
	struct hproxy *list;
	size_t n;

	m->src = src;
	m->filter = filter == NULL ? &all : filter;
	m->conf = src->conf(src->arg);
	m->cb = cb;
	m->arg = arg;
	m->now = clock_ms();
	history_refresh(src->history, src);
	list = proxies_list(m->conf, &n);
	for (size_t i = 0; i < n; i++)
		if (is_wanted(m->filter, &list[i]))
			make_proxy(m, &list[i]);
	free(list);
	free(m);
}
