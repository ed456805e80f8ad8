/*
 * Log lines about servers in HAProxy's words. What a member's last lines said
 * is kept with it; a line is due when something of that is no longer so.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "health/check.h"
#include "health/hcheck.h"
#include "health/hlines.h"
#include "health/view.h"

#define LINE_MAX_BYTES 512

/* A line that is being written. */
struct line {
	char text[LINE_MAX_BYTES];
	size_t length;
};

bool
hlines_speak(const struct members *m)
{
	return m->conf != NULL &&
	       m->conf->global.log_format == LOG_FORMAT_TCPLOG;
}

/* Add to a line; what does not fit is cut. */
static void __attribute__((format(printf, 2, 3)))
add(struct line *l, const char *fmt, ...)
{
	size_t room = sizeof(l->text) - l->length;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->length, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->length += (size_t)n < room ? (size_t)n : room - 1;
}

/* May it take sessions, as far as the lines have said? */
static bool
is_usable(const struct member *mb)
{
	return mb->cs != NULL && (mb->said.up || !mb->said.known) &&
	       mb->admin.state == ADMIN_READY && mb->admin.weight > 0 &&
	       mb->admin.health != ADMIN_STOPPING;
}

/* How many there are, without and with backup. */
static void
count_usable(const struct group *g, unsigned *active, unsigned *backup)
{
	const struct member *mb;

	*active = *backup = 0;
	TAILQ_FOREACH (mb, &g->members, in_group) {
		if (is_usable(mb))
			++*(mb->cs->backup ? backup : active);
	}
}

/* Begin a line about a server. */
static struct line
begin(const struct member *mb)
{
	struct line l = {.length = 0};

	add(&l, "%sServer %s/%s ", mb->cs->backup ? "Backup " : "",
	    mb->group->name, mb->name);
	return l;
}

/* Why: the last check. */
static void
add_check(struct line *l, const struct hcheck *h)
{
	add(l, ", reason: %s", hcheck_text(h->status));
	if (hcheck_has_code(h->status))
		add(l, ", code: %d", h->code);
	if (h->info[0] != '\0')
		add(l, ", info: \"%s\"", h->info);
	if (h->duration_ms >= 0)
		add(l, ", check duration: %lldms", (long long)h->duration_ms);
}

/* What is left of the backend. gone: it was this one that left. */
static void
add_rest(
    struct line *l, const struct members *m, const struct member *mb, bool gone)
{
	unsigned active, backup;

	count_usable(mb->group, &active, &backup);
	add(l, ". %u active and %u backup servers %s.%s", active, backup,
	    gone ? "left" : "online",
	    active == 0 && backup > 0 ? " Running on backup." : "");
	if (gone)
		add(l, " %u sessions active, 0 requeued, 0 remaining in queue.",
		    m->sessions(mb->id, m->arg));
	else
		add(l, " 0 sessions requeued, 0 total in queue.");
}

/* A check's result is another one. */
static void
log_check(const struct member *mb, const struct hcheck *h)
{
	bool up = h->health >= h->rise;
	struct line l = {.length = 0};

	add(&l, "Health check for %sserver %s/%s %s%s",
	    mb->cs->backup ? "backup " : "", mb->group->name, mb->name,
	    h->status == HCHK_L7OKC ? "conditionally " : "",
	    hcheck_result(h->status) == 2 ? "failed" : "succeeded");
	add_check(&l, h);
	add(&l, ", status: %u/%u %s.", up ? h->health - h->rise + 1 : h->health,
	    up ? h->fall : h->rise,
	    !up                     ? "DOWN"
	    : mb->admin.weight == 0 ? "DRAIN"
				    : "UP");
	log_line(LEVEL_NOTICE, "%s", l.text);
}

/* Is a line due for a check that ended? What asks Redis is in haproxy.cfg not
 * seen to be a script any more: there its first result and each change of state
 * are shown unasked. */
static bool
is_check_due(
    const struct members *m, const struct member *mb, const struct hcheck *h)
{
	const struct conf_backend *cb = mb->group->cb;

	if (cb->log_checks)
		return h->status != mb->said.status ||
		       h->health != mb->said.health;
	return hlines_speak(m) && m->conf->haproxy &&
	       cb->check == CHECK_REDIS &&
	       (mb->said.status == HCHK_UNKNOWN ||
		   (h->up != mb->said.up && mb->admin.health == ADMIN_CHECKED));
}

/* It went UP or DOWN. A line of its check has said why already, if there is
 * one. */
static void
log_state(
    struct members *m, const struct member *mb, const struct hcheck *h, bool up)
{
	bool draining = mb->admin.state == ADMIN_DRAIN;
	struct line l = begin(mb);

	add(&l, "is %s", up ? "UP" : "DOWN");
	if (mb->admin.health != ADMIN_CHECKED)
		add(&l, ", changed from CLI");
	else if (!mb->group->cb->log_checks)
		add_check(&l, h);
	add_rest(&l, m, mb, !up);
	log_line(up || draining ? LEVEL_NOTICE : LEVEL_ALERT, "%s", l.text);
	if (!draining)
		return;
	l = begin(mb);
	add(&l, "remains in forced drain mode.");
	log_line(LEVEL_NOTICE, "%s", l.text);
}

/* An operator changed its state. */
static void
log_admin(struct members *m, struct member *mb)
{
	enum admin_state was = mb->said.admin, now = mb->admin.state;
	enum log_level level = LEVEL_NOTICE;
	bool up = mb->said.up;
	struct line l = begin(mb);

	mb->said.admin = now;
	if (now == ADMIN_MAINT && up) {
		add(&l, "is going DOWN for maintenance");
		add_rest(&l, m, mb, true);
		level = LEVEL_ALERT;
	} else if (now == ADMIN_MAINT) {
		add(&l, "was DOWN and now enters maintenance.");
	} else if (was == ADMIN_MAINT) {
		add(&l, "is UP/%s (leaving forced maintenance).",
		    now == ADMIN_DRAIN ? "DRAIN" : "READY");
		mb->said.up = true;
	} else if (now == ADMIN_DRAIN) {
		add(&l, "enters drain state");
		add_rest(&l, m, mb, !up);
	} else {
		add(&l, "is %s (leaving forced drain).", up ? "UP" : "DOWN");
	}
	log_line(level, "%s", l.text);
}

/* An operator let it stop, or no longer. */
static void
log_stopping(struct members *m, const struct member *mb, bool stopping)
{
	struct line l = begin(mb);

	add(&l, "is %s, changed from CLI", stopping ? "stopping" : "UP");
	add_rest(&l, m, mb, false);
	log_line(LEVEL_NOTICE, "%s", l.text);
}

/* Nobody is left in the backend. */
static void
log_empty(const struct group *g, unsigned before)
{
	unsigned active, backup;

	count_usable(g, &active, &backup);
	if (before > 0 && active + backup == 0)
		log_line(LEVEL_EMERG, "backend %s has no server available!",
		    g->name);
}

/* Is anything of its state another than the last lines said? */
static bool
is_news(const struct member *mb, const struct hcheck *h)
{
	return mb->said.admin != mb->admin.state ||
	       mb->said.up !=
		   admin_up(&mb->admin, h->status == HCHK_INI || h->up) ||
	       mb->said.stopping != (mb->admin.health == ADMIN_STOPPING) ||
	       mb->said.usable != is_usable(mb);
}

/* The lines on its state. */
static void
say_state(struct members *m, struct member *mb, const struct hcheck *h)
{
	bool up = admin_up(&mb->admin, h->status == HCHK_INI || h->up);
	bool stopping = mb->admin.health == ADMIN_STOPPING, changed;

	if (mb->said.admin != mb->admin.state)
		log_admin(m, mb);
	if (mb->admin.state == ADMIN_MAINT)
		return;
	changed = up != mb->said.up;
	mb->said.up = up;
	if (stopping != mb->said.stopping && up)
		log_stopping(m, mb, stopping);
	else if (changed)
		log_state(m, mb, h, up);
	mb->said.stopping = stopping;
}

/* How many can take sessions, by what the lines have said: what the operator
 * did since then does not count. */
static unsigned
usable_before(const struct group *g)
{
	const struct member *mb;
	unsigned n = 0;

	TAILQ_FOREACH (mb, &g->members, in_group)
		n += mb->cs != NULL && mb->said.usable;
	return n;
}

void
hlines_update(struct members *m, struct member *mb)
{
	struct monitor_server ms;
	struct hcheck h;
	unsigned before;

	if (mb->cs == NULL || mb->group->cb == NULL)
		return;
	if (!mb->said.known) {
		/* As HAProxy begins: UP until a check says otherwise. */
		mb->said.known = mb->said.up = true;
		mb->said.admin = mb->admin.state;
		mb->said.usable = is_usable(mb);
	}
	ms = view_of(m, mb);
	hcheck_of(mb->group->cb, &ms, &h);
	if (h.checked && h.status != HCHK_INI) {
		if (mb->admin.state != ADMIN_MAINT && is_check_due(m, mb, &h))
			log_check(mb, &h);
		mb->said.status = h.status;
		mb->said.health = h.health;
	}
	if (!hlines_speak(m)) {
		mb->said.up = admin_up(&mb->admin, h.up);
		mb->said.admin = mb->admin.state;
		return;
	}
	if (!is_news(mb, &h))
		return;
	before = usable_before(mb->group);
	say_state(m, mb, &h);
	mb->said.usable = is_usable(mb);
	log_empty(mb->group, before);
}

void
hlines_update_all(struct members *m, struct group *g)
{
	struct member *mb;

	TAILQ_FOREACH (mb, &g->members, in_group)
		hlines_update(m, mb);
}
