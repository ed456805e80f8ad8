/*
 * Time: thin wrappers of clock_gettime(2), so that no other file needs to know
 * which clock is which.
 */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

/* One clock as microseconds. */
static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_coarse_ms(void)
{
	return read_us(CLOCK_MONOTONIC_COARSE) / 1000;
}

int64_t
clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

const char *
clock_format(int64_t wall_us, char buf[CLOCK_FORMAT_MAX])
{
	static _Thread_local time_t last; /* the calendar is worth keeping */
	static _Thread_local char day[24], zone[8];
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;

	if (seconds != last) {
		localtime_r(&seconds, &tm);
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
		strftime(zone, sizeof(zone), "%z", &tm);
		last = seconds;
	}
	snprintf(buf, CLOCK_FORMAT_MAX, "%s.%03d%.3s:%s", day,
	    (int)(wall_us / 1000 % 1000), zone, zone + 3);
	return buf;
}
