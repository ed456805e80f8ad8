/*
 * CPUs and open files; two of those a session.
 */
#include <limits.h>
#include <sched.h>
#include <stdio.h>

#include "base/log.h"
#include "base/net.h"
#include "resources.h"

#define SENTINELS_SPARE 5  /* of a backend, for those that are learned */
#define FILES_SPARE     64 /* for logs, libraries and the unexpected */

/* CPUs' worth of time that the control group grants; 0 no limit. */
static unsigned
cgroup_cpus(void)
{
	long long quota = 0, period = 0;
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lld %lld", &quota, &period) != 2 || period <= 0)
		quota = 0;
	fclose(f);
	return quota <= 0 ? 0 : (unsigned)((quota + period - 1) / period);
}

unsigned
resources_workers(void)
{
	cpu_set_t set;
	unsigned n = 1, quota = cgroup_cpus();

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (unsigned)CPU_COUNT(&set);
	if (quota != 0 && quota < n)
		n = quota;
	return n > CONF_WORKERS_MAX ? CONF_WORKERS_MAX : n;
}

/* Say which frontends let more clients wait than the system does. */
static void
check_backlogs(const struct conf *conf)
{
	FILE *f = fopen("/proc/sys/net/core/somaxconn", "re");
	const struct conf_frontend *fe = conf->frontends;
	unsigned most;

	if (f == NULL)
		return;
	if (fscanf(f, "%u", &most) != 1)
		most = UINT_MAX;
	fclose(f);
	for (; fe < conf->frontends + conf->nfrontends; fe++) {
		if (fe->backlog > most)
			log_warn("frontend %s: backlog lowered from %u to %u: "
				 "net.core.somaxconn is no more",
			    fe->name, fe->backlog, most);
	}
}

void
resources_fit(struct conf *conf)
{
	size_t limit = net_raise_nofile(), spare = FILES_SPARE, i;

	check_backlogs(conf);
	for (i = 0; i < conf->nstats; i++)
		spare += conf->stats[i].maxconn + conf->stats[i].nbinds;
	/* Of each server a check and a subscription; of each Sentinel two. */
	for (i = 0; i < conf->nbackends; i++)
		spare += 3 * conf->backends[i].nservers +
			 2 * (conf->backends[i].nsentinels + SENTINELS_SPARE);
	for (i = 0; i < conf->nfrontends; i++)
		spare += conf->frontends[i].nbinds;
	if (2 * (size_t)conf->global.maxconn + spare <= limit)
		return;
	i = limit > spare + 2 ? (limit - spare) / 2 : 1;
	log_warn("maxconn lowered from %u to %zu: the limit of open files "
		 "(RLIMIT_NOFILE) is %zu and a session needs two",
	    conf->global.maxconn, i, limit);
	conf->global.maxconn = (unsigned)i;
}
