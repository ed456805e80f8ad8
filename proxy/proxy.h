/*
 * All workers together, as the control thread sees them: started, given
 * listeners and snapshots, counted, drained, stopped. Control thread only.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/view.h"
#include "conf/conf.h"
#include "health/snapshot.h"

struct event_base;
struct proxy;

/* Called on the control thread when a worker has applied a snapshot, or has
 * ended its last session while draining. */
typedef void (*proxy_seen_cb)(void *);

/* n workers, not yet running. */
struct proxy *proxy_new(
    struct event_base *control, unsigned n, proxy_seen_cb seen, void *arg);

/* Open the listeners that conf names and that are not open yet, and give every
 * frontend its id: by address, so that unchanged ones are untouched. -1 if one
 * cannot be opened: nothing has changed then, and error says which and why. */
int proxy_listen(struct proxy *p, struct conf *conf, char *error, size_t size);

/* Take proxy_listen() back: its configuration is not used. */
void proxy_abort(struct proxy *p);

/* Take what proxy_listen() prepared of that conf into use, close listeners that
 * are no longer named. */
void proxy_commit(struct proxy *p, const struct conf *conf);

/* Start the threads. -1 with errno. */
int proxy_start(struct proxy *p);

/* Hand a snapshot to all workers; it is borrowed until proxy_seen() is past
 * its generation. */
void proxy_publish(struct proxy *p, const struct snapshot *s);

/* The oldest generation that some worker still uses. */
uint64_t proxy_seen(const struct proxy *p);

/* The oldest generation of which some worker has closed all that it closes. No
 * client's byte goes to a server that a snapshot closes once it is seen. */
uint64_t proxy_closed(const struct proxy *p);

/* Published snapshots hold until this clock_ms(). */
void proxy_lease(struct proxy *p, int64_t until);

/* What an operator asks for. Frontends by their id: refuse clients, or accept
 * them again; close its listeners until a load that comes after proxy_reopen();
 * what holds instead of the configuration's maxconn, -1 nothing (id -1: all
 * together). */
enum frontend_state proxy_frontend_state(const struct proxy *p, int id);
void proxy_pause(struct proxy *p, int id, bool paused);
void proxy_shutdown(struct proxy *p, int id);
void proxy_reopen(struct proxy *p, bool reopen);
void proxy_set_maxconn(struct proxy *p, int id, int64_t maxconn);
int64_t proxy_maxconn(const struct proxy *p, int id);

/* Sessions: done is called once, when every worker has answered. */
void proxy_list_sessions(struct proxy *p, view_sessions_cb done, void *arg);
void proxy_close_session(
    struct proxy *p, uint64_t id, view_closed_cb done, void *arg);
void proxy_close_server(struct proxy *p, int server_id);

/* Close the listeners, and each session as soon as it is quiet. */
void proxy_drain(struct proxy *p);

/* End the threads, closing what sessions there are, and join them. */
void proxy_stop(struct proxy *p);
void proxy_free(struct proxy *p);

/* Figures, a little late: */
unsigned proxy_workers(const struct proxy *p);
unsigned proxy_sessions(const struct proxy *p); /* clients now, all */
unsigned proxy_server_sessions(const struct proxy *p, int server_id);

/* Have so many connects in a row to a server failed? They count anew then. */
bool proxy_server_failing(struct proxy *p, int server_id, unsigned limit);
unsigned proxy_frontend_sessions(const struct proxy *p, int frontend_id);
unsigned proxy_frontend_held(const struct proxy *p, int frontend_id);
void proxy_server_counters(
    const struct proxy *p, int server_id, struct counter_sums *sum);
void proxy_frontend_counters(
    const struct proxy *p, int frontend_id, struct counter_sums *sum);
void proxy_figures(const struct proxy *p, struct figures *f);
void proxy_server_figures(
    const struct proxy *p, int server_id, struct figures *f);
void proxy_frontend_figures(
    const struct proxy *p, int frontend_id, struct figures *f);

/* Add the times of a frontend's sessions to out. */
struct frontend_times;
void proxy_frontend_times(
    const struct proxy *p, int frontend_id, struct frontend_times *out);

/* Forget the maxima; with all, also what was counted so far. */
void proxy_clear_counters(struct proxy *p, bool all);

/* Milliseconds since a worker last turned, and since the slowest did. */
int64_t proxy_worker_stall_ms(const struct proxy *p, unsigned worker);
int64_t proxy_stall_ms(const struct proxy *p);

#endif
