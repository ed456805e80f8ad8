/*
 * The figures of the process, and what "show info" makes of them.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "stats-ui/history.h"
#include "stats-ui/hstats.h"
#include "stats-ui/hstats_json.h"
#include "stats-ui/info.h"
#include "stats-ui/words.h"

#define MEGABYTE 1048576

#define ROW(n, shown, tag, t, p, m, h) \
	[HI_##n] = {shown, tag, HTYPE_##t, PROM_##p, m, h}

/* clang-format off */
const struct hinfo_row hinfo_rows[HI_COUNT] = {
    ROW(Name, "Name", "POS", STR, NONE, NULL, NULL),
    ROW(Version, "Version", "POS", STR, NONE, NULL, NULL),
    ROW(Release_date, "Release_date", "POS", STR, NONE, NULL, NULL),
    ROW(Nbthread, "Nbthread", "CGS", U32, GAUGE,
	"nbthread", "Threads that relay"),
    ROW(Nbproc, "Nbproc", "CGS", U32, GAUGE,
	"nbproc", "Processes: always 1"),
    ROW(Process_num, "Process_num", "KGP", U32, GAUGE,
	"relative_process_id", "Number of this process: always 1"),
    ROW(Pid, "Pid", "SGP", U32, NONE, NULL, NULL),
    ROW(Uptime, "Uptime", "MDP", STR, NONE, NULL, NULL),
    ROW(Uptime_sec, "Uptime_sec", "MDP", U32, GAUGE,
	"uptime_seconds", "Seconds since the start"),
    ROW(Memmax_MB, "Memmax_MB", "CLP", U32, NONE, NULL, NULL),
    ROW(PoolAlloc_MB, "PoolAlloc_MB", "MGP", U32, NONE, NULL, NULL),
    ROW(PoolUsed_MB, "PoolUsed_MB", "MGP", U32, NONE, NULL, NULL),
    ROW(PoolFailed, "PoolFailed", "MCP", U32, COUNTER,
	"pool_failures_total", "Allocations that failed"),
    ROW(Ulimit_n, "Ulimit-n", "CLP", U32, GAUGE,
	"max_fds", "File descriptors that are allowed"),
    ROW(Maxsock, "Maxsock", "CLP", U32, GAUGE,
	"max_sockets", "Sockets that are allowed"),
    ROW(Maxconn, "Maxconn", "CLP", U32, GAUGE,
	"max_connections", "Connections that are allowed at a time"),
    ROW(Hard_maxconn, "Hard_maxconn", "CLP", U32, GAUGE,
	"hard_max_connections", "Connections that the system allows at a time"),
    ROW(CurrConns, "CurrConns", "MGP", U32, GAUGE,
	"current_connections", "Connections now"),
    ROW(CumConns, "CumConns", "MCP", U64, COUNTER,
	"connections_total", "Connections so far"),
    ROW(CumReq, "CumReq", "MCP", U64, COUNTER,
	"requests_total", "Sessions and requests so far"),
    ROW(MaxSslConns, "MaxSslConns", "MMP", U32, GAUGE,
	"max_ssl_connections", "TLS connections that are allowed"),
    ROW(CurrSslConns, "CurrSslConns", "MGP", U32, GAUGE,
	"current_ssl_connections", "TLS connections now"),
    ROW(CumSslConns, "CumSslConns", "MCP", U32, COUNTER,
	"ssl_connections_total", "TLS connections so far"),
    ROW(Maxpipes, "Maxpipes", "CLP", U32, GAUGE,
	"max_pipes", "Pipes that are allowed"),
    ROW(PipesUsed, "PipesUsed", "MGP", U32, COUNTER,
	"pipes_used_total", "Pipes in use"),
    ROW(PipesFree, "PipesFree", "MGP", U32, COUNTER,
	"pipes_free_total", "Pipes not in use"),
    ROW(ConnRate, "ConnRate", "MRP", U32, GAUGE,
	"current_connection_rate", "New connections in the last second"),
    ROW(ConnRateLimit, "ConnRateLimit", "CLP", U32, GAUGE,
	"limit_connection_rate", "New connections a second that are allowed"),
    ROW(MaxConnRate, "MaxConnRate", "MMP", U32, GAUGE,
	"max_connection_rate", "The most new connections in a second"),
    ROW(SessRate, "SessRate", "MRP", U32, GAUGE,
	"current_session_rate", "New sessions in the last second"),
    ROW(SessRateLimit, "SessRateLimit", "CLP", U32, GAUGE,
	"limit_session_rate", "New sessions a second that are allowed"),
    ROW(MaxSessRate, "MaxSessRate", "MRP", U32, GAUGE,
	"max_session_rate", "The most new sessions in a second"),
    ROW(SslRate, "SslRate", "MRP", U32, GAUGE,
	"current_ssl_rate", "New TLS sessions in the last second"),
    ROW(SslRateLimit, "SslRateLimit", "CLP", U32, GAUGE,
	"limit_ssl_rate", "New TLS sessions a second that are allowed"),
    ROW(MaxSslRate, "MaxSslRate", "MMP", U32, GAUGE,
	"max_ssl_rate", "The most new TLS sessions in a second"),
    ROW(SslFrontendKeyRate, "SslFrontendKeyRate", "MGP", U32, GAUGE,
	"current_frontend_ssl_key_rate", "TLS keys made for clients in the last second"),
    ROW(SslFrontendMaxKeyRate, "SslFrontendMaxKeyRate", "MMP", U32, GAUGE,
	"max_frontend_ssl_key_rate", "The most of them in a second"),
    ROW(SslFrontendSessionReuse_pct, "SslFrontendSessionReuse_pct", "MGP", U32, GAUGE,
	"frontend_ssl_reuse", "Percent of TLS sessions that clients used again"),
    ROW(SslBackendKeyRate, "SslBackendKeyRate", "MRP", U32, GAUGE,
	"current_backend_ssl_key_rate", "TLS keys made for servers in the last second"),
    ROW(SslBackendMaxKeyRate, "SslBackendMaxKeyRate", "MMP", U32, GAUGE,
	"max_backend_ssl_key_rate", "The most of them in a second"),
    ROW(SslCacheLookups, "SslCacheLookups", "MCP", U32, COUNTER,
	"ssl_cache_lookups_total", "Look-ups in the TLS cache"),
    ROW(SslCacheMisses, "SslCacheMisses", "MCP", U32, COUNTER,
	"ssl_cache_misses_total", "Of them those that found nothing"),
    ROW(CompressBpsIn, "CompressBpsIn", "MRP", U32, COUNTER,
	"http_comp_bytes_in_total", "Bytes given to compression"),
    ROW(CompressBpsOut, "CompressBpsOut", "MRP", U32, COUNTER,
	"http_comp_bytes_out_total", "Bytes that came out of compression"),
    ROW(CompressBpsRateLim, "CompressBpsRateLim", "CLP", U32, GAUGE,
	"limit_http_comp", "Bytes of compression a second that are allowed"),
    ROW(ZlibMemUsage, "ZlibMemUsage", "MGP", U32, GAUGE,
	"current_zlib_memory", "Memory of compression"),
    ROW(MaxZlibMemUsage, "MaxZlibMemUsage", "CLP", U32, GAUGE,
	"max_zlib_memory", "Memory that compression may have"),
    ROW(Tasks, "Tasks", "MGP", U32, GAUGE,
	"current_tasks", "Sessions and checks"),
    ROW(Run_queue, "Run_queue", "MGP", U32, GAUGE,
	"current_run_queue", "Of them those that wait for a CPU"),
    ROW(Idle_pct, "Idle_pct", "MaP", U32, GAUGE,
	"idle_time_percent", "Percent of the threads' time that they wait"),
    ROW(node, "node", "COS", STR, NONE, NULL, NULL),
    ROW(description, "description", "COS", STR, NONE, NULL, NULL),
    ROW(Stopping, "Stopping", "MGP", U32, GAUGE,
	"stopping", "Is it about to end"),
    ROW(Jobs, "Jobs", "MGP", U32, GAUGE,
	"jobs", "Sessions and listening sockets"),
    ROW(Unstoppable_Jobs, "Unstoppable Jobs", "MGP", U32, GAUGE,
	"unstoppable_jobs", "Of them those that a stop does not end"),
    ROW(Listeners, "Listeners", "MGP", U32, GAUGE,
	"listeners", "Listening sockets"),
    ROW(ActivePeers, "ActivePeers", "MGP", U32, GAUGE,
	"active_peers", "Peers"),
    ROW(ConnectedPeers, "ConnectedPeers", "MGP", U32, GAUGE,
	"connected_peers", "Of them those that are connected"),
    ROW(DroppedLogs, "DroppedLogs", "MGP", U32, COUNTER,
	"dropped_logs_total", "Lines of the log that were lost"),
    ROW(BusyPolling, "BusyPolling", "MGP", U32, GAUGE,
	"busy_polling_enabled", "Always 0"),
    ROW(FailedResolutions, "FailedResolutions", "MGP", U32, GAUGE,
	"failed_resolutions", "Names that could not be resolved"),
    ROW(TotalBytesOut, "TotalBytesOut", "MGP", U64, COUNTER,
	"bytes_out_total", "Bytes sent to clients"),
    ROW(TotalSplicdedBytesOut, "TotalSplicdedBytesOut", "MGP", U64, COUNTER,
	"spliced_bytes_out_total", "Of them those that the kernel moved"),
    ROW(BytesOutRate, "BytesOutRate", "MRP", U64, GAUGE,
	"bytes_out_rate", "Bytes sent to clients in the last second"),
    ROW(DebugCommandsIssued, "DebugCommandsIssued", "MGP", U32, NONE, NULL, NULL),
    ROW(CumRecvLogs, "CumRecvLogs", "MCP", U32, COUNTER,
	"recv_logs_total", "Log lines received: always 0"),
    ROW(Build_info, "Build info", "POS", STR, GAUGE,
	"build_info", "Its version"),
    ROW(Memmax_bytes, "Memmax_bytes", "CLP", U64, GAUGE,
	"max_memory_bytes", "Memory that is allowed; 0: no limit"),
    ROW(PoolAlloc_bytes, "PoolAlloc_bytes", "MGP", U64, GAUGE,
	"pool_allocated_bytes", "Memory of the process"),
    ROW(PoolUsed_bytes, "PoolUsed_bytes", "MGP", U64, GAUGE,
	"pool_used_bytes", "The same"),
    ROW(Start_time_sec, "Start_time_sec", "MDP", U32, GAUGE,
	"start_time_seconds", "When it was started"),
    ROW(Tainted, "Tainted", "SGP", STR, NONE, NULL, NULL),
};
/* clang-format on */

/* Bytes of memory that the process has; 0 if that cannot be known. */
static int64_t
memory_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long long pages = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%*s %lld", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

/* Open files, without a look at each; 0 if the system does not tell. */
static int64_t
open_files(void)
{
	struct stat st;

	return stat("/proc/self/fd", &st) == 0 ? st.st_size : 0;
}

/* What it is, and what it may use. */
static void
set_process(const struct stats_source *src, struct hinfo *out)
{
	const struct conf *conf = src->conf(src->arg);
	int64_t up = (clock_ms() - src->started) / 1000, memory;
	struct rlimit files = {0, 0};
	int64_t *n = out->number;

	getrlimit(RLIMIT_NOFILE, &files);
	memory = memory_bytes();
	out->open_fds = open_files();
	snprintf(out->uptime, sizeof(out->uptime),
	    "%" PRId64 "d %" PRId64 "h%02dm%02ds", up / 86400, up / 3600 % 24,
	    (int)(up / 60 % 60), (int)(up % 60));
	gethostname(out->node, sizeof(out->node) - 1);
	out->text[HI_Name] = "roleproxy";
	out->text[HI_Version] = SHOWN_VERSION;
	out->text[HI_Build_info] = out->text[HI_Version];
	out->text[HI_Release_date] = ROLEPROXY_DATE;
	out->text[HI_Uptime] = out->uptime;
	out->text[HI_node] = out->node;
	out->text[HI_Tainted] = "0";
	n[HI_Nbthread] = src->workers(src->arg);
	n[HI_Nbproc] = n[HI_Process_num] = 1;
	n[HI_Pid] = getpid();
	n[HI_Uptime_sec] = up;
	n[HI_PoolAlloc_bytes] = n[HI_PoolUsed_bytes] = memory;
	n[HI_PoolAlloc_MB] = n[HI_PoolUsed_MB] = memory / MEGABYTE;
	n[HI_Ulimit_n] = n[HI_Maxsock] = (int64_t)files.rlim_cur;
	n[HI_Maxconn] = n[HI_Hard_maxconn] = conf->global.maxconn;
	n[HI_Stopping] = src->draining(src->arg);
	n[HI_DroppedLogs] = (int64_t)log_dropped();
	n[HI_Start_time_sec] = words_wall_us(src->started) / 1000000;
}

/* What goes through it. */
static void
set_traffic(const struct stats_source *src, struct hinfo *out)
{
	const struct conf *conf = src->conf(src->arg);
	int64_t *n = out->number;
	struct counter_sums sums;
	struct figures figures = {0};
	const struct track *track;
	struct site_counts site;
	size_t i;

	n[HI_CurrConns] = src->sessions(src->arg);
	for (i = 0; i < conf->nfrontends + conf->nbranches; i++) {
		memset(&sums, 0, sizeof(sums));
		src->frontend_counters(conf->frontends[i].id, &sums, src->arg);
		n[HI_CumConns] += (int64_t)(sums.sessions + sums.denied);
		n[HI_CumReq] += (int64_t)sums.sessions;
		n[HI_TotalBytesOut] += (int64_t)sums.bytes_out;
		n[HI_Listeners] += (int64_t)conf->frontends[i].nbinds;
	}
	for (i = 0; i < conf->nstats; i++) {
		history_site_counts(src->history, src, &conf->stats[i], &site);
		n[HI_CurrConns] += site.sessions;
		n[HI_CumConns] += (int64_t)site.connections;
		n[HI_CumReq] += (int64_t)site.requests;
		n[HI_TotalBytesOut] += (int64_t)site.bytes_out;
		n[HI_Listeners] += (int64_t)conf->stats[i].nbinds;
		track = history_site(src->history, &conf->stats[i]);
		n[HI_ConnRate] += track->rate;
		if (track->rate_max > n[HI_MaxConnRate])
			n[HI_MaxConnRate] = track->rate_max;
	}
	for (i = 0; i < conf->nbackends; i++)
		n[HI_Tasks] += (int64_t)conf->backends[i].nservers;
	n[HI_Tasks] += n[HI_CurrConns];
	n[HI_Jobs] = n[HI_CurrConns] + n[HI_Listeners];
	src->figures(&figures, src->arg);
	n[HI_ConnRate] += figures.rate;
	if (figures.rate_max > n[HI_MaxConnRate])
		n[HI_MaxConnRate] = figures.rate_max;
	n[HI_SessRate] = n[HI_ConnRate];
	n[HI_MaxSessRate] = n[HI_MaxConnRate];
	n[HI_BytesOutRate] = (int64_t)history_bytes_rate(src->history);
	n[HI_Idle_pct] = history_idle(src->history, src->workers(src->arg));
}

void
hinfo_of(const struct stats_source *src, struct hinfo *out)
{
	memset(out, 0, sizeof(*out));
	set_process(src, out);
	set_traffic(src, out);
}

/* Is it one of those that are not told? */
static bool
is_hidden(const struct hinfo *info, unsigned field)
{
	if (field == HI_ZlibMemUsage || field == HI_MaxZlibMemUsage)
		return true; /* HAProxy has them only if it is built so */
	return hinfo_rows[field].type == HTYPE_STR && info->text[field] == NULL;
}

/* The value of a field, as text, and the end of its line. */
static void
put_value(struct evbuffer *out, const struct hinfo *info, unsigned field)
{
	if (hinfo_rows[field].type == HTYPE_STR)
		evbuffer_add_printf(out, "%s\n", info->text[field]);
	else
		evbuffer_add_printf(out, "%" PRId64 "\n", info->number[field]);
}

void
hinfo_text(const struct stats_source *src, struct evbuffer *out)
{
	struct hinfo info;

	hinfo_of(src, &info);
	for (unsigned i = 0; i < HI_COUNT; i++) {
		if (is_hidden(&info, i))
			continue;
		evbuffer_add_printf(out, "%s: ", hinfo_rows[i].name);
		put_value(out, &info, i);
	}
}

void
hinfo_typed(const struct stats_source *src, struct evbuffer *out)
{
	struct hinfo info;

	hinfo_of(src, &info);
	for (unsigned i = 0; i < HI_COUNT; i++) {
		if (is_hidden(&info, i))
			continue;
		evbuffer_add_printf(out, "%u.%s.1:%s:%s:", i,
		    hinfo_rows[i].name, hinfo_rows[i].tags,
		    hfield_type_str(hinfo_rows[i].type));
		put_value(out, &info, i);
	}
}

void
hinfo_json(const struct stats_source *src, struct evbuffer *out)
{
	const char *comma = "[";
	struct hinfo info;

	hinfo_of(src, &info);
	for (unsigned i = 0; i < HI_COUNT; i++) {
		if (is_hidden(&info, i))
			continue;
		evbuffer_add_printf(out, "%s{", comma);
		hjson_field(out, i, hinfo_rows[i].name, hinfo_rows[i].tags);
		hjson_value(
		    out, hinfo_rows[i].type, info.text[i], info.number[i]);
		evbuffer_add(out, "}", 1);
		comma = ",";
	}
	evbuffer_add(out, "]\n", 2);
}
