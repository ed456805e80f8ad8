/*
 * The directives of haproxy.cfg: all that HAProxy 2.6 knows, and what becomes
 * of each.
 */
#include "conf/cfg_reader.h"

#define HTTP_ONLY "it is for HTTP, and roleproxy relays TCP"
#define STICK                                                              \
	"there are no stick-tables: balance source keeps a client on its " \
	"server"
#define TLS     "there is no TLS in this release"
#define PROCESS "roleproxy does that itself, or its starter does"

#define DO(n, where, handler)                   \
	{                                       \
		n, where, CFG_DO, handler, NULL \
	}
#define NOTHING(n, where)                         \
	{                                         \
		n, where, CFG_NOTHING, NULL, NULL \
	}
#define TUNING(n, where)                         \
	{                                        \
		n, where, CFG_TUNING, NULL, NULL \
	}
#define WARN(n, where, why)                   \
	{                                     \
		n, where, CFG_WARN, NULL, why \
	}
#define REFUSE(n, where, why)                  \
	{                                      \
		n, where, CFG_ERROR, NULL, why \
	}

/* clang-format off */
const struct cfg_directive cfg_directives[] = {
    /* global */
    DO("daemon", IN_GLOBAL, cfg_daemon),
    DO("hard-stop-after", IN_GLOBAL, cfg_global_number),
    DO("log", IN_GLOBAL, cfg_global_log),
    DO("log-send-hostname", IN_GLOBAL, cfg_log_hostname),
    DO("log-tag", IN_GLOBAL, cfg_log_tag),
    DO("maxconn", IN_GLOBAL, cfg_global_number),
    DO("nbthread", IN_GLOBAL, cfg_global_number),
    DO("pidfile", IN_GLOBAL, cfg_global_text),
    DO("user", IN_GLOBAL, cfg_global_text),
    DO("group", IN_GLOBAL, cfg_global_text),
    DO("stats", IN_GLOBAL, cfg_global_stats),
    DO("unix-bind", IN_GLOBAL, cfg_unix_bind),
    DO("presetenv", IN_GLOBAL, cfg_environment),
    DO("setenv", IN_GLOBAL, cfg_environment),
    DO("unsetenv", IN_GLOBAL, cfg_environment),
    WARN("resetenv", IN_GLOBAL, "the environment stays as it is"),
    WARN("chroot", IN_GLOBAL, "a reload must reach its files"),
    REFUSE("uid", IN_GLOBAL, "write 'user NAME'"),
    REFUSE("gid", IN_GLOBAL, "write 'group NAME'"),
    WARN("nbproc", IN_GLOBAL, "there is one process, with threads"),
    WARN("master-worker", IN_GLOBAL, "there is one process: HUP reloads it in place"),
    WARN("mworker-max-reloads", IN_GLOBAL, "a reload starts no process"),
    WARN("server-state-file", IN_GLOBAL, "a reload keeps what is known of the servers"),
    WARN("server-state-base", IN_GLOBAL, "a reload keeps what is known of the servers"),
    WARN("zero-warning", IN_GLOBAL, "there are warnings here that HAProxy has not"),
    WARN("strict-limits", IN_GLOBAL, "a limit that cannot be had is an error anyway"),
    WARN("grace", IN_GLOBAL, "USR1 and TERM drain the sessions"),
    WARN("close-spread-time", IN_GLOBAL, "USR1 and TERM drain the sessions"),
    WARN("maxconnrate", IN_GLOBAL, "there is no limit of a rate"),
    WARN("maxsessrate", IN_GLOBAL, "there is no limit of a rate"),
    WARN("maxsslconn", IN_GLOBAL, TLS),
    WARN("maxsslrate", IN_GLOBAL, TLS),
    WARN("localpeer", IN_GLOBAL, "there are no stick-tables to share"),
    WARN("external-check", IN_GLOBAL, "no program is started by checks"),
    WARN("insecure-fork-wanted", IN_GLOBAL, "no program is started"),
    WARN("insecure-setuid-wanted", IN_GLOBAL, "no program is started"),
    WARN("set-var", IN_GLOBAL, "there are no variables"),
    WARN("set-var-fmt", IN_GLOBAL, "there are no variables"),
    WARN("lua-load*", IN_GLOBAL, "there is no Lua"),
    WARN("lua-prepend-path", IN_GLOBAL, "there is no Lua"),
    WARN("default-path", IN_GLOBAL, "paths of passwords and sockets are absolute"),
    WARN("ca-base", IN_GLOBAL, TLS),
    WARN("crt-base", IN_GLOBAL, TLS),
    WARN("issuers-chain-path", IN_GLOBAL, TLS),
    WARN("ssl-*", IN_GLOBAL, TLS),
    WARN("51degrees-*", IN_GLOBAL, HTTP_ONLY),
    WARN("deviceatlas-*", IN_GLOBAL, HTTP_ONLY),
    WARN("wurfl-*", IN_GLOBAL, HTTP_ONLY),
    NOTHING("description", IN_GLOBAL),
    NOTHING("node", IN_GLOBAL),
    NOTHING("quiet", IN_GLOBAL),
    NOTHING("debug", IN_GLOBAL),
    NOTHING("h1-*", IN_GLOBAL),
    NOTHING("httpclient.*", IN_GLOBAL),
    TUNING("busy-polling", IN_GLOBAL),
    TUNING("cluster-secret", IN_GLOBAL),
    TUNING("cpu-map", IN_GLOBAL),
    TUNING("expose-experimental-directives", IN_GLOBAL),
    TUNING("fd-hard-limit", IN_GLOBAL),
    TUNING("max-spread-checks", IN_GLOBAL),
    TUNING("maxcomp*", IN_GLOBAL),
    TUNING("maxpipes", IN_GLOBAL),
    TUNING("maxzlibmem", IN_GLOBAL),
    TUNING("no-memory-trimming", IN_GLOBAL),
    TUNING("noepoll", IN_GLOBAL),
    TUNING("noevports", IN_GLOBAL),
    TUNING("nogetaddrinfo", IN_GLOBAL),
    TUNING("nokqueue", IN_GLOBAL),
    TUNING("nopoll", IN_GLOBAL),
    TUNING("noreuseport", IN_GLOBAL),
    TUNING("nosplice", IN_GLOBAL),
    TUNING("numa-cpu-mapping", IN_GLOBAL),
    TUNING("pp2-never-send-local", IN_GLOBAL),
    TUNING("profiling.*", IN_GLOBAL),
    TUNING("set-dumpable", IN_GLOBAL),
    TUNING("spread-checks", IN_GLOBAL),
    TUNING("thread-group*", IN_GLOBAL),
    TUNING("tune.*", IN_GLOBAL),
    TUNING("ulimit-n", IN_GLOBAL),

    /* defaults, listen, frontend, backend */
    DO("acl", IN_FRONT | IN_BACK, cfg_acl),
    DO("backlog", IN_DEFAULTS | IN_FRONT, cfg_number_of),
    DO("balance", IN_DEFAULTS | IN_BACK, cfg_balance),
    DO("bind", IN_FRONT, cfg_bind),
    DO("clitcpka-cnt", IN_DEFAULTS | IN_FRONT, cfg_keepalive),
    DO("clitcpka-idle", IN_DEFAULTS | IN_FRONT, cfg_keepalive),
    DO("clitcpka-intvl", IN_DEFAULTS | IN_FRONT, cfg_keepalive),
    DO("clitimeout", IN_DEFAULTS | IN_FRONT, cfg_old_timeout),
    DO("contimeout", IN_DEFAULTS | IN_BACK, cfg_old_timeout),
    DO("default-server", IN_DEFAULTS | IN_BACK, cfg_default_server),
    DO("default_backend", IN_DEFAULTS | IN_FRONT, cfg_default_backend),
    DO("disabled", IN_PROXY, cfg_disabled),
    DO("enabled", IN_PROXY, cfg_disabled),
    DO("fullconn", IN_DEFAULTS | IN_BACK, cfg_number_of),
    DO("http-check", IN_DEFAULTS | IN_BACK, cfg_http_check),
    DO("http-request", IN_PROXY, cfg_http_request),
    DO("id", IN_FRONT | IN_BACK, cfg_number_of),
    DO("log", IN_PROXY, cfg_log),
    DO("log-format", IN_DEFAULTS | IN_FRONT, cfg_log_format),
    DO("log-tag", IN_PROXY, cfg_log_tag),
    DO("maxconn", IN_DEFAULTS | IN_FRONT, cfg_number_of),
    DO("mode", IN_PROXY, cfg_mode),
    DO("monitor-uri", IN_DEFAULTS | IN_FRONT, cfg_monitor_uri),
    DO("option", IN_PROXY, cfg_option),
    DO("retries", IN_DEFAULTS | IN_BACK, cfg_number_of),
    DO("server", IN_BACK, cfg_server),
    DO("server-template", IN_BACK, cfg_server_template),
    DO("srvtcpka-cnt", IN_DEFAULTS | IN_BACK, cfg_keepalive),
    DO("srvtcpka-idle", IN_DEFAULTS | IN_BACK, cfg_keepalive),
    DO("srvtcpka-intvl", IN_DEFAULTS | IN_BACK, cfg_keepalive),
    DO("srvtimeout", IN_DEFAULTS | IN_BACK, cfg_old_timeout),
    DO("stats", IN_PROXY, cfg_stats),
    DO("tcp-check", IN_DEFAULTS | IN_BACK, cfg_check_rule),
    DO("tcp-request", IN_PROXY, cfg_tcp_request),
    DO("timeout", IN_PROXY, cfg_timeout),
    DO("use-server", IN_BACK, cfg_use_server),
    DO("use_backend", IN_FRONT, cfg_use_backend),
    /* HAProxy ignores these in mode tcp with a warning, and so do we; where
     * they would guard the statistics, they are an error. */
    DO("http-after-response", IN_PROXY, cfg_http_rule),
    DO("http-response", IN_PROXY, cfg_http_rule),
    DO("monitor", IN_PROXY, cfg_http_rule),
    DO("redirect", IN_PROXY, cfg_http_rule),
    DO("reqdeny", IN_PROXY, cfg_http_rule),
    NOTHING("capture", IN_PROXY),
    NOTHING("compression", IN_PROXY),
    NOTHING("description", IN_PROXY),
    NOTHING("errorfile", IN_PROXY),
    NOTHING("errorfiles", IN_PROXY),
    NOTHING("errorloc", IN_PROXY),
    NOTHING("errorloc302", IN_PROXY),
    NOTHING("errorloc303", IN_PROXY),
    NOTHING("hash-balance-factor", IN_PROXY),
    NOTHING("hash-type", IN_PROXY),
    NOTHING("http-error", IN_PROXY),
    NOTHING("http-reuse", IN_PROXY),
    NOTHING("http-send-name-header", IN_PROXY),
    NOTHING("ignore-persist", IN_PROXY),
    NOTHING("force-persist", IN_PROXY),
    NOTHING("max-keep-alive-queue", IN_PROXY),
    NOTHING("max-session-srv-conns", IN_PROXY),
    NOTHING("unique-id-format", IN_PROXY),
    NOTHING("unique-id-header", IN_PROXY),
    WARN("cookie", IN_PROXY, "it is for HTTP: mode tcp sets none"),
    WARN("dynamic-cookie-key", IN_PROXY, "it is for HTTP: mode tcp sets none"),
    WARN("retry-on", IN_PROXY, "a client that cannot be connected is tried elsewhere anyway"),
    WARN("email-alert", IN_PROXY, "no mail is sent"),
    WARN("grace", IN_PROXY, "USR1 and TERM drain the sessions"),
    WARN("load-server-state-from-file", IN_PROXY, "a reload keeps what is known of the servers"),
    WARN("server-state-file-name", IN_PROXY, "a reload keeps what is known of the servers"),
    WARN("log-format-sd", IN_PROXY, "lines have no structured data"),
    WARN("error-log-format", IN_PROXY, "errors are lines as of option tcplog"),
    WARN("bind-process", IN_PROXY, "there is one process, with threads"),
    REFUSE("declare", IN_PROXY, HTTP_ONLY),
    REFUSE("dispatch", IN_BACK, "name the server in a server line"),
    REFUSE("external-check", IN_PROXY, "no program is started by checks: use tcp-check or http-check"),
    REFUSE("filter", IN_PROXY, "there are no filters"),
    REFUSE("rate-limit", IN_PROXY, "there is no limit of a rate: use maxconn"),
    REFUSE("source", IN_PROXY, "connections to servers come from the system's choice of address"),
    REFUSE("stick", IN_PROXY, STICK),
    REFUSE("stick-table", IN_PROXY, STICK),
    REFUSE("tcp-response", IN_PROXY, "what servers send is relayed as it is"),
    REFUSE("transparent", IN_PROXY, "name the servers in server lines"),
    REFUSE("use-fcgi-app", IN_PROXY, HTTP_ONLY),
};
/* clang-format on */
const size_t cfg_ndirectives =
    sizeof(cfg_directives) / sizeof(cfg_directives[0]);
