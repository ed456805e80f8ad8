/*
 * The readers of a group: its replicas that are fit and keep up. A server that
 * is not a reader any more keeps its sessions, or loses those whose route does
 * not admit it, at once or after a while, as on-role-lost says.
 */
#include "health/readers.h"
#include "base/clock.h"
#include "base/log.h"
#include "health/check.h"
#include "health/shards.h"

/* Remember where the writer was seen. */
static void
note_writer(struct members *m, struct group *g)
{
	const struct server_state *w;

	if (g->cluster)
		shards_note_offsets(m, g);
	if (g->writer < 0)
		return;
	w = check_state(m->list[g->writer]->check);
	if (w->role == ROLE_PRIMARY && w->known.replid[0] != '\0')
		lag_note(&g->lag, g->writer, &w->known);
}

/* The offsets of a member's writer; NULL if there are none. */
static const struct lag_history *
offsets_for(const struct members *m, const struct member *mb)
{
	const struct group *g = mb->group;

	if (g->cluster)
		return shards_offsets(m, mb);
	return g->writer < 0 || g->lag.writer != g->writer ? NULL : &g->lag;
}

/* The lag of a member as of its last check; unknown for all but a replica that
 * answers. */
static struct lag
lag_now(const struct members *m, const struct member *mb)
{
	const struct lag_history *offsets = offsets_for(m, mb);
	struct lag unknown = {-1, -1};

	if (!mb->now.replica || offsets == NULL)
		return unknown;
	return lag_of(offsets, &check_state(mb->check)->known);
}

/* The limits of a group; none for one that is no longer configured. */
static struct lag_limits
limits_of(const struct group *g)
{
	struct lag_limits l = {0};

	if (g->cb != NULL) {
		l.ms = g->cb->max_lag;
		l.bytes = g->cb->max_lag_bytes;
		l.min_readers = g->cb->min_readers;
	}
	return l;
}

/* One line when a replica falls behind, or has caught up. */
static void
report_lag(const struct member *mb)
{
	struct log_fields f = {.len = 0};

	log_field(&f, "backend", mb->group->name);
	log_field(&f, "server", mb->name);
	log_field(&f, "state", mb->lagging ? "lags" : "caught up");
	log_field_number(&f, "lag_ms", mb->lag.ms);
	log_field_number(&f, "lag_bytes", mb->lag.bytes);
	log_event(mb->lagging ? LEVEL_WARN : LEVEL_INFO, "lag", &f,
	    "server %s/%s %s: %.1f s, %lld bytes behind", mb->group->name,
	    mb->name, mb->lagging ? "lags" : "has caught up",
	    (double)mb->lag.ms / 1000, (long long)mb->lag.bytes);
}

/* Take what was chosen for a member. */
static void
take_choice(struct member *mb, const struct lag_reader *r)
{
	bool news = mb->lagging != r->lagging;

	mb->lagging = r->lagging;
	mb->now.readable = r->reads;
	if (news && mb->lag.ms >= 0)
		report_lag(mb);
}

/* Is it time to close the sessions whose route does not admit the server any
 * more? Once for each role that it serves no reads in. While nobody is surely
 * the writer no role is lost. */
static void
count_misfits(struct member *mb, bool sure, int64_t now)
{
	const struct conf_backend *cb = mb->group->cb;
	const struct snapshot_server *n = &mb->now;
	enum role role =
	    n->up && !n->readable ? check_state(mb->check)->role : ROLE_UNKNOWN;

	if (!sure || cb == NULL)
		return;
	if (role != mb->lost_as) {
		mb->lost_as = role;
		mb->lost_at = now;
		mb->lost_closed = false;
	}
	if (role == ROLE_UNKNOWN || mb->lost_closed ||
	    cb->role_lost == ROLE_LOST_KEEP ||
	    (cb->role_lost == ROLE_LOST_DRAIN &&
		now - mb->lost_at < cb->role_lost_drain))
		return;
	mb->lost_closed = true;
	mb->now.misfits++;
}

void
readers_update(struct members *m, struct group *g)
{
	struct lag_reader r[CONF_SERVERS_MAX];
	struct member *list[CONF_SERVERS_MAX];
	struct lag_limits limits = limits_of(g);
	bool sure[CONF_SERVERS_MAX];
	int64_t now = clock_ms();
	struct member *mb;
	size_t i, n = 0;

	note_writer(m, g);
	TAILQ_FOREACH (mb, &g->members, in_group) {
		mb->lag = lag_now(m, mb);
		sure[n] = g->redis && group_sure_writer(m, mb) != NULL;
		r[n] = (struct lag_reader){.fit = mb->fit,
		    .served = mb->now.readable,
		    .lagging = mb->lagging && mb->now.replica,
		    .lag = mb->lag};
		/* Without a writer all stays as it is. */
		if (!sure[n])
			r[n].lag.ms = r[n].lag.bytes = -1;
		list[n++] = mb;
	}
	lag_choose(r, n, &limits);
	for (i = 0; i < n; i++) {
		take_choice(list[i], &r[i]);
		count_misfits(list[i], sure[i], now);
	}
}
