/*
 * The made-up operations: each leaves its words in fake_order.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/operate_fake.h"

char fake_order[160];
enum frontend_state fake_frontends[FAKE_FRONTENDS];
struct session_view fake_sessions[2];
size_t fake_nsessions;
bool fake_later;

static view_sessions_cb listed;
static view_closed_cb closed;
static void *done_arg;
static uint64_t closing;

/* Remember an order. */
static void
note(const char *what, const char *name, const char *value, long number)
{
	snprintf(fake_order, sizeof(fake_order), "%s %s %s%ld", what, name,
	    value, number);
}

void
operate_state(
    struct monitor *m, const struct conf_server *cs, enum admin_state state)
{
	(void)m;
	w.admins[cs->id].state = state;
	note("state", cs->name, admin_state_str(state), 0);
}

void
operate_weight(struct monitor *m, const struct conf_server *cs, unsigned weight)
{
	(void)m;
	w.admins[cs->id].weight = weight;
	note("weight", cs->name, "", weight);
}

void
operate_maxconn(
    struct monitor *m, const struct conf_server *cs, unsigned maxconn)
{
	(void)m;
	w.admins[cs->id].maxconn = maxconn;
	note("maxconn", cs->name, "", maxconn);
}

void
operate_health(
    struct monitor *m, const struct conf_server *cs, enum admin_health health)
{
	(void)m;
	w.admins[cs->id].health = health;
	note("health", cs->name, admin_health_str(health), 0);
}

void
operate_checks(struct monitor *m, const struct conf_server *cs, bool on)
{
	(void)m;
	w.admins[cs->id].unchecked = !on;
	w.checks_off =
	    on ? w.checks_off & ~(1u << cs->id) : w.checks_off | 1u << cs->id;
	note("checks", cs->name, on ? "on" : "off", 0);
}

void
operate_move(struct monitor *m, const struct conf_server *cs, const char *host,
    uint16_t port)
{
	(void)m;
	addr_parse_ip(host, port, &w.now[cs->id].addr);
	note("move", cs->name, host, port);
}

/* The proxy's side. */
static enum frontend_state
state_cb(int id, void *arg)
{
	(void)arg;
	return fake_frontends[id];
}

static void
pause_cb(int id, bool paused, void *arg)
{
	(void)arg;
	fake_frontends[id] = paused ? FRONTEND_PAUSED : FRONTEND_OPEN;
	note("pause", w.frontends[id].name, paused ? "on" : "off", 0);
}

static void
shutdown_cb(int id, void *arg)
{
	(void)arg;
	fake_frontends[id] = FRONTEND_STOPPED;
	note("shutdown", w.frontends[id].name, "", 0);
}

static void
maxconn_cb(int id, int64_t maxconn, void *arg)
{
	(void)arg;
	note("maxconn", id < 0 ? "all" : w.frontends[id].name, "",
	    (long)maxconn);
}

void
fake_answer(void)
{
	bool found = false;
	size_t i;

	for (i = 0; i < fake_nsessions; i++)
		found |= fake_sessions[i].id == closing;
	if (listed != NULL)
		listed(fake_sessions, fake_nsessions, false, done_arg);
	else if (closed != NULL)
		closed(found, done_arg);
	listed = NULL;
	closed = NULL;
}

static void
list_cb(view_sessions_cb done, void *arg, void *ops)
{
	(void)ops;
	listed = done;
	done_arg = arg;
	if (!fake_later)
		fake_answer();
}

static void
close_cb(uint64_t id, view_closed_cb done, void *arg, void *ops)
{
	(void)ops;
	closing = id;
	closed = done;
	done_arg = arg;
	if (!fake_later)
		fake_answer();
}

static void
close_server_cb(int server_id, void *arg)
{
	(void)arg;
	w.closed |= 1u << server_id;
	note("close", w.servers[server_id].name, "", 0);
}

static void
clear_cb(bool all, void *arg)
{
	(void)arg;
	note("clear", all ? "all" : "maxima", "", 0);
}

struct admin_ops fake_admin = {.monitor = (struct monitor *)&w,
    .frontend_state = state_cb,
    .pause = pause_cb,
    .shutdown = shutdown_cb,
    .set_maxconn = maxconn_cb,
    .list_sessions = list_cb,
    .close_session = close_cb,
    .close_server = close_server_cb,
    .clear_counters = clear_cb};
