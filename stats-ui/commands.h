/*
 * The commands' own parts, for runtime.c's table: each reads c->words.
 */
#ifndef STATS_UI_COMMANDS_H
#define STATS_UI_COMMANDS_H

#include "stats-ui/cli.h"
#include "stats-ui/runtime_ops.h"

typedef void command_run(struct runtime *r, struct cli *c);

/* runtime_show.c */
command_run show_backend, show_cli_level, show_cli_sockets, show_env;
command_run show_errors, show_info, show_schema, show_servers_conn;
command_run show_servers_state, show_stat, show_table, show_version;
command_run get_weight;

/* runtime_sess.c */
command_run show_sess, shutdown_session, shutdown_sessions_server;

/* runtime_set.c */
command_run set_maxconn_server, set_server, set_weight;
command_run disable_agent, enable_agent;
command_run disable_health, enable_health, disable_server, enable_server;

/* runtime_proxy.c */
command_run clear_counters, disable_frontend, enable_frontend;
command_run set_maxconn_frontend, set_maxconn_global, shutdown_frontend;

/* runtime_list.c */
command_run run_events, run_servers, run_sessions;

/* runtime_own.c */
command_run run_check, run_drain, run_maint, run_promote, run_ready;
command_run run_status, run_switchover;

/* Is the last word "json"? It is taken away. */
bool runtime_wants_json(struct cli *c);

/* What BACKEND or BACKEND/SERVER names, *cs NULL if no server is named; false,
 * with an error said that lists what there is, if it is not there. */
bool runtime_find(struct runtime *r, struct cli *c, const char *text,
    const struct conf_backend **cb, const struct conf_server **cs);

/* The server, or frontend, that word i names, by its name or #id; NULL, with
 * HAProxy's error said, if there is none. *cb is set to its backend. */
const struct conf_server *runtime_server(
    struct runtime *r, struct cli *c, size_t i, const struct conf_backend **cb);
const struct conf_frontend *runtime_frontend(
    struct runtime *r, struct cli *c, size_t i);

/* The backend of that name, or #id; NULL none. */
const struct conf_backend *runtime_backend(
    const struct runtime *r, const char *name);

/* The running configuration. */
const struct conf *runtime_conf(const struct runtime *r);

#endif
