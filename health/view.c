/*
 * What the monitor shows of one server, from its working state.
 */
#include "health/view.h"
#include "health/check.h"
#include "health/group.h"

struct monitor_server
view_of(const struct members *m, const struct member *mb)
{
	struct monitor_server out = {0};

	out.conf = mb->cs;
	out.state = check_state(mb->check);
	out.now = &mb->now;
	out.writer = group_writes(mb);
	out.checks = check_times(mb->check);
	out.checking = check_running(mb->check);
	out.use = mb->cluster.use;
	if (mb->cluster.shard >= 0)
		out.shard = m->list[mb->cluster.shard]->name;
	out.fenced = mb->fenced;
	out.fit = mb->fit;
	out.lagging = mb->lagging;
	out.lag = mb->lag;
	out.maintenance = mb->admin.state == ADMIN_MAINT;
	out.drain = mb->now.drain;
	out.weight = admin_shown_weight(mb->now.weight);
	out.admin = &mb->admin;
	return out;
}
