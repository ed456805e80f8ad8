/*
 * A server's check in HAProxy's words and figures: "check_status" and others of
 * its statistics, "srv_check_status" of show servers state.
 */
#include <stdio.h>
#include <string.h>

#include "conf/backend.h"
#include "health/hcheck.h"
#include "health/view.h"

#define PASSED "(tcp-check)" /* a script's information when it has passed */

static const struct {
	const char *code, *text;
	unsigned number, result;
} words[] = {
    [HCHK_UNKNOWN] = {"UNK", "Unknown", 0, 0},
    [HCHK_INI] = {"INI", "Initializing", 1, 0},
    [HCHK_HANA] = {"HANA", "Health analyze", 4, 2},
    [HCHK_SOCKERR] = {"SOCKERR", "Socket error", 5, 2},
    [HCHK_L4OK] = {"L4OK", "Layer4 check passed", 6, 3},
    [HCHK_L4TOUT] = {"L4TOUT", "Layer4 timeout", 7, 2},
    [HCHK_L4CON] = {"L4CON", "Layer4 connection problem", 8, 2},
    [HCHK_L6OK] = {"L6OK", "Layer6 check passed", 9, 3},
    [HCHK_L6TOUT] = {"L6TOUT", "Layer6 timeout", 10, 2},
    [HCHK_L6RSP] = {"L6RSP", "Layer6 invalid response", 11, 2},
    [HCHK_L7TOUT] = {"L7TOUT", "Layer7 timeout", 12, 2},
    [HCHK_L7RSP] = {"L7RSP", "Layer7 invalid response", 13, 2},
    [HCHK_L7OK] = {"L7OK", "Layer7 check passed", 15, 3},
    [HCHK_L7OKC] = {"L7OKC", "Layer7 check conditionally passed", 16, 4},
    [HCHK_L7STS] = {"L7STS", "Layer7 wrong status", 17, 2},
};

const char *
hcheck_code(enum hcheck_status status)
{
	return words[status].code;
}

const char *
hcheck_text(enum hcheck_status status)
{
	return words[status].text;
}

unsigned
hcheck_number(enum hcheck_status status)
{
	return words[status].number;
}

unsigned
hcheck_result(enum hcheck_status status)
{
	return words[status].result;
}

bool
hcheck_has_code(enum hcheck_status status)
{
	return status >= HCHK_L7OK;
}

/* The result of a check that only connects, or of one that could not. */
static enum hcheck_status
judge_connect(const struct observation *o)
{
	if (o->status == HCHK_HANA)
		return HCHK_HANA;
	switch (o->result) {
	case PROBE_OK:
		return HCHK_L4OK;
	case PROBE_UNRESOLVED:
		return HCHK_SOCKERR;
	case PROBE_TIMEOUT:
		return HCHK_L4TOUT;
	default:
		return HCHK_L4CON;
	}
}

/* The result of a check that speaks Redis, whatever the role. */
static enum hcheck_status
judge_redis(const struct observation *o)
{
	switch (o->result) {
	case PROBE_OK:
		return HCHK_L7OK;
	case PROBE_MISCONF:
	case PROBE_BUSY:
		/* It serves, if not everything. */
		return HCHK_L7OKC;
	case PROBE_CLOSED:
	case PROBE_PROTOCOL:
		return HCHK_L7RSP;
	case PROBE_TIMEOUT:
		return o->connected ? HCHK_L7TOUT : HCHK_L4TOUT;
	case PROBE_NONE:
	case PROBE_UNRESOLVED:
	case PROBE_REFUSED:
		return judge_connect(o);
	default:
		return HCHK_L7STS;
	}
}

/* Does it have the role that the backend wants? */
static bool
is_wanted(const struct conf_backend *cb, const struct monitor_server *ms)
{
	enum role role = ms->state->role;

	switch (cb->role) {
	case WANT_PRIMARY:
		return role == ROLE_PRIMARY && !ms->fenced;
	case WANT_REPLICA:
		return role == ROLE_REPLICA;
	default:
		return true;
	}
}

/* What INFO replication says of the role. */
static const char *
role_line(const struct monitor_server *ms)
{
	switch (ms->state->role) {
	case ROLE_PRIMARY:
		return ms->fenced ? "role:master, fenced" : "role:master";
	case ROLE_REPLICA:
		return "role:slave";
	default:
		return "role unknown";
	}
}

/* Say what the last check saw. */
static void
inform(struct hcheck *h, const struct observation *o)
{
	const char *words_of_it = o->detail;

	if (h->status == HCHK_L4TOUT && o->status == HCHK_UNKNOWN)
		words_of_it = "";
	else if (words_of_it[0] == '\0' && h->status == HCHK_L7OK)
		words_of_it = PASSED;
	else if (words_of_it[0] == '\0' && h->status != HCHK_L4OK)
		words_of_it = probe_result_str(o->result);
	snprintf(h->info, sizeof(h->info), "%s", words_of_it);
}

/* A check that speaks Redis. False if the server may not serve here. */
static bool
judge_server(struct hcheck *h, const struct conf_backend *cb,
    const struct monitor_server *ms)
{
	const struct observation *o = &ms->state->last;
	size_t len;

	h->status = judge_redis(o);
	inform(h, o);
	if (!o->connected && h->status < HCHK_L6OK && h->status != HCHK_HANA) {
		len = strlen(h->info);
		snprintf(h->info + len, sizeof(h->info) - len,
		    " at initial connection step of tcp-check");
	}
	if (o->result == PROBE_LOADING || o->result == PROBE_MASTERDOWN)
		return false;
	if (is_wanted(cb, ms))
		return true;
	if (hcheck_result(h->status) != 2) {
		h->status = HCHK_L7STS;
		snprintf(h->info, sizeof(h->info), "%s", role_line(ms));
	}
	return false;
}

/* Before the first check has ended. */
static void
judge_new(struct hcheck *h, const struct monitor_server *ms)
{
	h->status = HCHK_INI;
	h->up = ms->state->health == HEALTH_UP;
	h->health = h->up ? h->rise : 0;
}

/* Count as HAProxy does. */
static unsigned
count(const struct hcheck *h, const struct server_state *s, bool serves)
{
	if (!serves)
		return 0;
	if (s->health == HEALTH_UP)
		return h->rise + (s->bad < h->fall ? h->fall - 1 - s->bad : 0);
	return s->good < h->rise ? s->good : h->rise - 1;
}

void
hcheck_of(const struct conf_backend *cb, const struct monitor_server *ms,
    struct hcheck *out)
{
	const struct server_state *s = ms->state;
	struct conf_timing t = conf_timing(cb, ms->conf);
	bool serves = true;

	memset(out, 0, sizeof(*out));
	out->code = -1;
	out->duration_ms = -1;
	out->rise = t.rise;
	out->fall = t.fall;
	/* One of Redis always is. */
	out->checked = cb->check == CHECK_REDIS ||
		       (cb->check != CHECK_NONE && !ms->conf->unchecked);
	if (!out->checked) {
		out->up = true;
		out->health = t.rise + t.fall - 1;
		return;
	}
	out->running = ms->checking;
	if (s->last.result == PROBE_NONE) {
		judge_new(out, ms);
		return;
	}
	if (cb->check == CHECK_REDIS) {
		serves = judge_server(out, cb, ms);
	} else {
		out->status =
		    cb->check == CHECK_SCRIPT && s->last.status != HCHK_UNKNOWN
			? s->last.status
			: judge_connect(&s->last);
		if (cb->check == CHECK_SCRIPT && s->last.status != HCHK_UNKNOWN)
			memcpy(out->info, s->last.detail, sizeof(out->info));
		else
			inform(out, &s->last);
	}
	if (hcheck_has_code(out->status))
		out->code = cb->check == CHECK_SCRIPT && s->last.code > 0
				? s->last.code
				: 0;
	if (out->status != HCHK_HANA)
		out->duration_ms = s->last.duration_us / 1000;
	out->up = serves && s->health == HEALTH_UP;
	out->health = count(out, s, serves);
}
