/*
 * The table of the figures, and the words of their tags.
 */
#include "stats-ui/fields.h"

#define F  HROW_F
#define B  HROW_B
#define S  HROW_S
#define FH HROW_FH
#define BH HROW_BH

#define ROW(n, t, tag, btag, r, p, m, pr, h) \
	[HF_##n] = {#n, HTYPE_##t, tag, btag, r, PROM_##p, m, pr, h}

/* clang-format off */
const struct hfield hfields[HF_COUNT] = {
    ROW(pxname, STR, "KNS", "KNS", F|B|S, NONE, NULL, 0, NULL),
    ROW(svname, STR, "KNS", "KNS", F|B|S, NONE, NULL, 0, NULL),
    ROW(qcur, U32, "MGP", "MGP", B|S,
	GAUGE, "current_queue", B|S,
	"Clients that wait in the queue"),
    ROW(qmax, U32, "MMP", "MMP", B|S,
	GAUGE, "max_queue", B|S,
	"The most that ever waited in the queue"),
    ROW(scur, U32, "MGP", "MGP", F|B|S,
	GAUGE, "current_sessions", F|B|S,
	"Sessions now"),
    ROW(smax, U32, "MMP", "MMP", F|B|S,
	GAUGE, "max_sessions", F|B|S,
	"The most sessions at a time"),
    ROW(slim, U32, "CLP", "CLP", F|B|S,
	GAUGE, "limit_sessions", F|B|S,
	"Sessions that are allowed at a time"),
    ROW(stot, U64, "MCP", "MCP", F|B|S,
	COUNTER, "sessions_total", F|B|S,
	"Sessions so far"),
    ROW(bin, U64, "MCP", "MCP", F|B|S,
	COUNTER, "bytes_in_total", F|B|S,
	"Bytes received from clients"),
    ROW(bout, U64, "MCP", "MCP", F|B|S,
	COUNTER, "bytes_out_total", F|B|S,
	"Bytes sent to clients"),
    ROW(dreq, U64, "MCP", "MCP", F|B,
	COUNTER, "requests_denied_total", F|B,
	"Requests denied by a rule"),
    ROW(dresp, U64, "MCP", "MCP", F|B|S,
	COUNTER, "responses_denied_total", F|B|S,
	"Responses denied by a rule"),
    ROW(ereq, U64, "MCP", "MCP", F,
	COUNTER, "request_errors_total", F,
	"Requests that could not be read"),
    ROW(econ, U64, "MCP", "MCP", B|S,
	COUNTER, "connection_errors_total", B|S,
	"Connects to servers that failed"),
    ROW(eresp, U64, "MCP", "MCP", B|S,
	COUNTER, "response_errors_total", B|S,
	"Responses that could not be read"),
    ROW(wretr, U64, "MCP", "MCP", B|S,
	COUNTER, "retry_warnings_total", B|S,
	"Connects tried again"),
    ROW(wredis, U64, "MCP", "MCP", B|S,
	COUNTER, "redispatch_warnings_total", B|S,
	"Clients sent to another server after a failed connect"),
    ROW(status, STR, "SGP", "SGP", F|B|S,
	STATES, "status", F|B|S,
	"What it is now: 1 for the state that holds"),
    ROW(weight, U32, "MaP", "MaP", B|S,
	GAUGE, "weight", B|S,
	"Weight now; of a backend, of all servers in use"),
    ROW(act, U32, "SGP", "MGP", B|S,
	GAUGE, "active_servers", B,
	"Servers in use that are not backup ones"),
    ROW(bck, U32, "SGP", "MGP", B|S,
	GAUGE, "backup_servers", B,
	"Backup servers that are UP"),
    ROW(chkfail, U64, "MCP", "MCP", S,
	COUNTER, "check_failures_total", S,
	"Checks that failed while it was UP"),
    ROW(chkdown, U64, "MCP", "MCP", B|S,
	COUNTER, "check_up_down_total", B|S,
	"Changes from UP to DOWN"),
    ROW(lastchg, U32, "MAP", "MAP", B|S,
	GAUGE, "check_last_change_seconds", B|S,
	"Seconds since it last changed between UP and DOWN"),
    ROW(downtime, U32, "MCP", "MCP", B|S,
	COUNTER, "downtime_seconds_total", B|S,
	"Seconds that it has been DOWN"),
    ROW(qlimit, U32, "CLS", "CLS", S,
	GAUGE, "queue_limit", S,
	"Clients that may wait for it"),
    ROW(pid, U32, "KGP", "KGP", F|B|S, NONE, NULL, 0, NULL),
    ROW(iid, U32, "KGS", "KGS", F|B|S, NONE, NULL, 0, NULL),
    ROW(sid, U32, "KGS", "KGS", F|B|S, NONE, NULL, 0, NULL),
    ROW(throttle, U32, "MaP", "MaP", S,
	GAUGE, "current_throttle", S,
	"Percent of its weight during a slow start"),
    ROW(lbtot, U64, "MCP", "MCP", B|S,
	COUNTER, "loadbalanced_total", B|S,
	"Sessions that balancing sent there"),
    ROW(tracked, STR, "CNS", "CNS", 0, NONE, NULL, 0, NULL),
    ROW(type, U32, "CGS", "CGS", F|B|S, NONE, NULL, 0, NULL),
    ROW(rate, U32, "MRP", "MGP", F|B|S, NONE, NULL, 0, NULL),
    ROW(rate_lim, U32, "CLP", "CLP", F,
	GAUGE, "limit_session_rate", F,
	"New sessions a second that are allowed"),
    ROW(rate_max, U32, "MMP", "MGP", F|B|S,
	GAUGE, "max_session_rate", F|B|S,
	"The most new sessions in a second"),
    ROW(check_status, STR, "MOP", "MOP", S,
	STATES, "check_status", S,
	"Result of the last check: 1 for the one that holds"),
    ROW(check_code, U32, "MOP", "MOP", S,
	GAUGE, "check_code", S,
	"Code of the last check, if it has one"),
    ROW(check_duration, U64, "MDP", "MDP", S,
	SECONDS, "check_duration_seconds", S,
	"Seconds that the last check took"),
    ROW(hrsp_1xx, U64, "MCP", "MCP", FH|BH,
	COUNTER, "http_responses_total", FH|BH,
	"Responses by class of their status"),
    ROW(hrsp_2xx, U64, "MCP", "MCP", FH|BH,
	COUNTER, "http_responses_total", FH|BH,
	"Responses by class of their status"),
    ROW(hrsp_3xx, U64, "MCP", "MCP", FH|BH,
	COUNTER, "http_responses_total", FH|BH,
	"Responses by class of their status"),
    ROW(hrsp_4xx, U64, "MCP", "MCP", FH|BH,
	COUNTER, "http_responses_total", FH|BH,
	"Responses by class of their status"),
    ROW(hrsp_5xx, U64, "MCP", "MCP", FH|BH,
	COUNTER, "http_responses_total", FH|BH,
	"Responses by class of their status"),
    ROW(hrsp_other, U64, "MCP", "MCP", FH|BH,
	COUNTER, "http_responses_total", FH|BH,
	"Responses by class of their status"),
    ROW(hanafail, U64, "MCP", "MCP", S, NONE, NULL, 0, NULL),
    ROW(req_rate, U32, "MRP", "MRP", F, NONE, NULL, 0, NULL),
    ROW(req_rate_max, U32, "MMP", "MMP", F,
	GAUGE, "http_requests_rate_max", FH,
	"The most requests in a second"),
    ROW(req_tot, U64, "MCP", "MCP", F|BH,
	COUNTER, "http_requests_total", FH|BH,
	"Requests so far"),
    ROW(cli_abrt, U64, "MCP", "MCP", B|S,
	COUNTER, "client_aborts_total", B|S,
	"Sessions that the client broke off"),
    ROW(srv_abrt, U64, "MCP", "MCP", B|S,
	COUNTER, "server_aborts_total", B|S,
	"Sessions that the server broke off"),
    ROW(comp_in, U64, "MCP", "MCP", F|B,
	COUNTER, "http_comp_bytes_in_total", FH|BH,
	"Bytes given to compression"),
    ROW(comp_out, U64, "MCP", "MCP", F|B,
	COUNTER, "http_comp_bytes_out_total", FH|BH,
	"Bytes that came out of compression"),
    ROW(comp_byp, U64, "MCP", "MCP", F|B,
	COUNTER, "http_comp_bytes_bypassed_total", FH|BH,
	"Bytes that were not compressed"),
    ROW(comp_rsp, U64, "MCP", "MCP", F|B,
	COUNTER, "http_comp_responses_total", FH|BH,
	"Responses that were compressed"),
    ROW(lastsess, S32, "MAP", "MAP", B|S,
	GAUGE, "last_session_seconds", B|S,
	"Seconds since the last session began; -1 none"),
    ROW(last_chk, STR, "MOP", "MOP", S, NONE, NULL, 0, NULL),
    ROW(last_agt, STR, "MOP", "MOP", 0, NONE, NULL, 0, NULL),
    ROW(qtime, U32, "MaP", "MaP", B|S,
	SECONDS, "queue_time_average_seconds", B|S,
	"Average time in the queue of the last 1024 sessions"),
    ROW(ctime, U32, "MaP", "MaP", B|S,
	SECONDS, "connect_time_average_seconds", B|S,
	"Average time of connecting of the last 1024 sessions"),
    ROW(rtime, U32, "MaP", "MaP", B|S,
	SECONDS, "response_time_average_seconds", B|S,
	"Average time of responses; 0 for TCP"),
    ROW(ttime, U32, "MaP", "MaP", B|S,
	SECONDS, "total_time_average_seconds", B|S,
	"Average time of the last 1024 sessions"),
    ROW(agent_status, STR, "MOP", "MOP", 0, NONE, NULL, 0, NULL),
    ROW(agent_code, U32, "MOP", "MOP", 0, NONE, NULL, 0, NULL),
    ROW(agent_duration, U64, "MDP", "MDP", 0, NONE, NULL, 0, NULL),
    ROW(check_desc, STR, "MOP", "MOP", S, NONE, NULL, 0, NULL),
    ROW(agent_desc, STR, "MOP", "MOP", 0, NONE, NULL, 0, NULL),
    ROW(check_rise, U32, "CGS", "CGS", S, NONE, NULL, 0, NULL),
    ROW(check_fall, U32, "CGS", "CGS", S, NONE, NULL, 0, NULL),
    ROW(check_health, U32, "CGS", "CGS", S, NONE, NULL, 0, NULL),
    ROW(agent_rise, U32, "CGS", "CGS", 0, NONE, NULL, 0, NULL),
    ROW(agent_fall, U32, "CGS", "CGS", 0, NONE, NULL, 0, NULL),
    ROW(agent_health, U32, "CGS", "CGS", 0, NONE, NULL, 0, NULL),
    ROW(addr, STR, "CGS", "CGS", S, NONE, NULL, 0, NULL),
    ROW(cookie, STR, "CNS", "CNS", 0, NONE, NULL, 0, NULL),
    ROW(mode, STR, "CGS", "CGS", F|B|S, NONE, NULL, 0, NULL),
    ROW(algo, STR, "CGS", "CGS", B, NONE, NULL, 0, NULL),
    ROW(conn_rate, U32, "MRP", "MRP", F, NONE, NULL, 0, NULL),
    ROW(conn_rate_max, U32, "MMP", "MMP", F,
	GAUGE, "connections_rate_max", F,
	"The most new connections in a second"),
    ROW(conn_tot, U64, "MCP", "MCP", F,
	COUNTER, "connections_total", F,
	"Connections so far"),
    ROW(intercepted, U64, "MCP", "MCP", FH,
	COUNTER, "intercepted_requests_total", FH,
	"Requests that were answered here"),
    ROW(dcon, U64, "MCP", "MCP", F,
	COUNTER, "denied_connections_total", F,
	"Connections that were denied"),
    ROW(dses, U64, "MCP", "MCP", F,
	COUNTER, "denied_sessions_total", F,
	"Sessions that were denied"),
    ROW(wrew, U64, "MCP", "MCP", F|B|S,
	COUNTER, "failed_header_rewriting_total", F|B|S,
	"Headers that could not be rewritten"),
    ROW(connect, U64, "MCP", "MCP", B|S,
	COUNTER, "connection_attempts_total", B|S,
	"Connects to servers"),
    ROW(reuse, U64, "MCP", "MCP", B|S,
	COUNTER, "connection_reuses_total", B|S,
	"Connections to servers used again"),
    ROW(cache_lookups, U64, "MCP", "MCP", FH|BH,
	COUNTER, "http_cache_lookups_total", FH|BH,
	"Look-ups in a cache"),
    ROW(cache_hits, U64, "MCP", "MCP", FH|BH,
	COUNTER, "http_cache_hits_total", FH|BH,
	"Answers from a cache"),
    ROW(srv_icur, U32, "MGP", "MGP", S,
	GAUGE, "idle_connections_current", S,
	"Idle connections that could be used again"),
    ROW(src_ilim, U32, "CLP", "CLP", S,
	GAUGE, "idle_connections_limit", S,
	"Idle connections that are allowed"),
    ROW(qtime_max, U32, "MMP", "MMP", B|S,
	SECONDS, "max_queue_time_seconds", B|S,
	"The longest time in the queue"),
    ROW(ctime_max, U32, "MMP", "MMP", B|S,
	SECONDS, "max_connect_time_seconds", B|S,
	"The longest time of connecting"),
    ROW(rtime_max, U32, "MMP", "MMP", B|S,
	SECONDS, "max_response_time_seconds", B|S,
	"The longest time of a response; 0 for TCP"),
    ROW(ttime_max, U32, "MMP", "MMP", B|S,
	SECONDS, "max_total_time_seconds", B|S,
	"The longest session"),
    ROW(eint, U64, "MCP", "MCP", F|B|S,
	COUNTER, "internal_errors_total", F|B|S,
	"Sessions ended by trouble in the proxy"),
    ROW(idle_conn_cur, U32, "MGP", "MGP", S,
	GAUGE, "unsafe_idle_connections_current", S,
	"Unsafe idle connections"),
    ROW(safe_conn_cur, U32, "MGP", "MGP", S,
	GAUGE, "safe_idle_connections_current", S,
	"Safe idle connections"),
    ROW(used_conn_cur, U32, "MGP", "MGP", S,
	GAUGE, "used_connections_current", S,
	"Connections in use"),
    ROW(need_conn_est, U32, "MGP", "MGP", S,
	GAUGE, "need_connections_current", S,
	"Connections that are thought to be needed"),
    ROW(uweight, U32, "MaP", "MaP", B|S,
	GAUGE, "uweight", B|S,
	"Weight as an operator set it; of a backend, of all servers in use"),
    ROW(agg_server_status, U32, "MGP", "MGP", B,
	STATES, "agg_server_status", B,
	"Servers by their state"),
    ROW(agg_server_check_status, U32, "MGP", "MGP", B,
	STATES, "agg_server_check_status", B,
	"Servers by their state"),
    ROW(agg_check_status, U32, "MGP", "MGP", B,
	STATES, "agg_check_status", B,
	"Servers by the result of their last check"),
    ROW(role, STR, "SGP", "SGP", S, NONE, NULL, 0, NULL),
    ROW(writer, U32, "SGP", "SGP", S, NONE, NULL, 0, NULL),
    ROW(lag_bytes, U64, "MGP", "MGP", S, NONE, NULL, 0, NULL),
    ROW(lag_seconds, U32, "MAP", "MAP", S, NONE, NULL, 0, NULL),
    ROW(reason, STR, "SOP", "SOP", B|S, NONE, NULL, 0, NULL),
};
/* clang-format on */

const char *
hfield_origin(const char *tags)
{
	switch (tags[0]) {
	case 'M':
		return "Metric";
	case 'S':
		return "Status";
	case 'K':
		return "Key";
	case 'C':
		return "Config";
	default:
		return "Product";
	}
}

const char *
hfield_nature(const char *tags)
{
	switch (tags[1]) {
	case 'G':
		return "Gauge";
	case 'L':
		return "Limit";
	case 'M':
		return "Max";
	case 'R':
		return "Rate";
	case 'C':
		return "Counter";
	case 'D':
		return "Duration";
	case 'A':
		return "Age";
	case 'T':
		return "Time";
	case 'N':
		return "Name";
	case 'O':
		return "Output";
	default:
		return "Avg";
	}
}

const char *
hfield_scope(const char *tags)
{
	switch (tags[2]) {
	case 'C':
		return "Cluster";
	case 'P':
		return "Process";
	case 'S':
		return "Service";
	default:
		return "System";
	}
}

const char *
hfield_type_str(enum hfield_type type)
{
	static const char *const words[] = {[HTYPE_U32] = "u32",
	    [HTYPE_U64] = "u64",
	    [HTYPE_S32] = "s32",
	    [HTYPE_STR] = "str"};

	return words[type];
}
