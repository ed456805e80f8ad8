/*
 * The figures of HAProxy's statistics, and ours behind them: one list makes the
 * columns of the CSV, the tags of the typed output and of the JSON, and the
 * names of /metrics. The names, their order and their tags are HAProxy 2.6's
 * ("Statistics and monitoring" in its management guide).
 */
#ifndef STATS_UI_FIELDS_H
#define STATS_UI_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name): the columns in their order. */
/* clang-format off */
#define HSTATS_FIELDS(X) \
	X(pxname) X(svname) X(qcur) X(qmax) X(scur) X(smax) X(slim) \
	X(stot) X(bin) X(bout) X(dreq) X(dresp) X(ereq) X(econ) X(eresp) \
	X(wretr) X(wredis) X(status) X(weight) X(act) X(bck) X(chkfail) \
	X(chkdown) X(lastchg) X(downtime) X(qlimit) X(pid) X(iid) X(sid) \
	X(throttle) X(lbtot) X(tracked) X(type) X(rate) X(rate_lim) \
	X(rate_max) X(check_status) X(check_code) X(check_duration) \
	X(hrsp_1xx) X(hrsp_2xx) X(hrsp_3xx) X(hrsp_4xx) X(hrsp_5xx) \
	X(hrsp_other) X(hanafail) X(req_rate) X(req_rate_max) X(req_tot) \
	X(cli_abrt) X(srv_abrt) X(comp_in) X(comp_out) X(comp_byp) \
	X(comp_rsp) X(lastsess) X(last_chk) X(last_agt) X(qtime) X(ctime) \
	X(rtime) X(ttime) X(agent_status) X(agent_code) X(agent_duration) \
	X(check_desc) X(agent_desc) X(check_rise) X(check_fall) \
	X(check_health) X(agent_rise) X(agent_fall) X(agent_health) \
	X(addr) X(cookie) X(mode) X(algo) X(conn_rate) X(conn_rate_max) \
	X(conn_tot) X(intercepted) X(dcon) X(dses) X(wrew) X(connect) \
	X(reuse) X(cache_lookups) X(cache_hits) X(srv_icur) X(src_ilim) \
	X(qtime_max) X(ctime_max) X(rtime_max) X(ttime_max) X(eint) \
	X(idle_conn_cur) X(safe_conn_cur) X(used_conn_cur) \
	X(need_conn_est) X(uweight) X(agg_server_status) \
	X(agg_server_check_status) X(agg_check_status) X(role) X(writer) \
	X(lag_bytes) X(lag_seconds) X(reason)
/* clang-format on */

enum hfield_id {
#define X(name) HF_##name,
	HSTATS_FIELDS(X)
#undef X
	    HF_COUNT
};

#define HF_OURS HF_role /* the first that HAProxy does not have */

/* What a row of the figures is about. */
enum hrow_kind { HROW_FRONTEND, HROW_BACKEND, HROW_SERVER };

/* Which rows have a column: bits of hfield.rows and prom_rows. */
#define HROW_F  1u  /* frontends */
#define HROW_B  2u  /* backends */
#define HROW_S  4u  /* servers */
#define HROW_FH 16u /* frontends that speak HTTP: those of statistics */
#define HROW_BH 32u /* their backends */

enum hfield_type { HTYPE_U32, HTYPE_U64, HTYPE_S32, HTYPE_STR };

enum hfield_prom {
	PROM_NONE,
	PROM_GAUGE,
	PROM_COUNTER,
	PROM_SECONDS, /* a gauge that is kept in milliseconds */
	PROM_STATES   /* a gauge for each state, with a label */
};

struct hfield {
	const char *name;
	enum hfield_type type;
	const char *tags, *backend_tags; /* origin, nature, scope */
	unsigned rows;
	enum hfield_prom prom;
	const char *metric; /* behind haproxy_server_ and so on */
	unsigned prom_rows;
	const char *help;
};

extern const struct hfield hfields[HF_COUNT];

/* The words of a tag's three letters: "Metric", "Gauge", "Process". */
const char *hfield_origin(const char *tags);
const char *hfield_nature(const char *tags);
const char *hfield_scope(const char *tags);

/* "u32" and so on. */
const char *hfield_type_str(enum hfield_type type);

#endif
