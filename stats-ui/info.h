/*
 * The figures of the process, as HAProxy's "show info" has them. The names,
 * their numbers and their tags are HAProxy 2.6's.
 */
#ifndef STATS_UI_INFO_H
#define STATS_UI_INFO_H

#include "stats-ui/fields.h"
#include "stats-ui/stats.h"

/* clang-format off */
enum hinfo_field {
	HI_Name, HI_Version, HI_Release_date, HI_Nbthread, HI_Nbproc,
	HI_Process_num, HI_Pid, HI_Uptime, HI_Uptime_sec, HI_Memmax_MB,
	HI_PoolAlloc_MB, HI_PoolUsed_MB, HI_PoolFailed, HI_Ulimit_n,
	HI_Maxsock, HI_Maxconn, HI_Hard_maxconn, HI_CurrConns, HI_CumConns,
	HI_CumReq, HI_MaxSslConns, HI_CurrSslConns, HI_CumSslConns,
	HI_Maxpipes, HI_PipesUsed, HI_PipesFree, HI_ConnRate,
	HI_ConnRateLimit, HI_MaxConnRate, HI_SessRate, HI_SessRateLimit,
	HI_MaxSessRate, HI_SslRate, HI_SslRateLimit, HI_MaxSslRate,
	HI_SslFrontendKeyRate, HI_SslFrontendMaxKeyRate,
	HI_SslFrontendSessionReuse_pct, HI_SslBackendKeyRate,
	HI_SslBackendMaxKeyRate, HI_SslCacheLookups, HI_SslCacheMisses,
	HI_CompressBpsIn, HI_CompressBpsOut, HI_CompressBpsRateLim,
	HI_ZlibMemUsage, HI_MaxZlibMemUsage, HI_Tasks, HI_Run_queue,
	HI_Idle_pct, HI_node, HI_description, HI_Stopping, HI_Jobs,
	HI_Unstoppable_Jobs, HI_Listeners, HI_ActivePeers, HI_ConnectedPeers,
	HI_DroppedLogs, HI_BusyPolling, HI_FailedResolutions,
	HI_TotalBytesOut, HI_TotalSplicdedBytesOut, HI_BytesOutRate,
	HI_DebugCommandsIssued, HI_CumRecvLogs, HI_Build_info,
	HI_Memmax_bytes, HI_PoolAlloc_bytes, HI_PoolUsed_bytes,
	HI_Start_time_sec, HI_Tainted,
	HI_COUNT
};
/* clang-format on */

/* One of them; metric is NULL if /metrics does not have it. */
struct hinfo_row {
	const char *name, *tags;
	enum hfield_type type;
	enum hfield_prom prom;
	const char *metric, *help;
};

extern const struct hinfo_row hinfo_rows[HI_COUNT];

/* All of them, now. */
struct hinfo {
	int64_t number[HI_COUNT];
	const char *text[HI_COUNT]; /* NULL: none; of texts, or constant */
	char uptime[32], node[64];
	int64_t open_fds; /* 0: the system does not tell (Linux 6.2 does) */
};
void hinfo_of(const struct stats_source *src, struct hinfo *out);

#endif
