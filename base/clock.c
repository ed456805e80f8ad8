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

/* One second in one style; see strftime(3). */
static void
write_second(char buf[32], const struct tm *tm, enum clock_style style)
{
	switch (style) {
	case CLOCK_ISO:
		strftime(buf, 32, "%Y-%m-%dT%H:%M:%S", tm);
		break;
	case CLOCK_BSD:
		strftime(buf, 32, "%b %e %H:%M:%S", tm);
		break;
	case CLOCK_HTTP:
		strftime(buf, 32, "%d/%b/%Y:%H:%M:%S", tm);
		break;
	default:
		strftime(buf, 32, "%z", tm);
	}
}

const char *
clock_second(int64_t wall_us, enum clock_style style)
{
	/* The calendar costs more than all else of a line: keep it. */
	static _Thread_local struct {
		time_t second;
		char text[32];
	} kept[CLOCK_STYLES];
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;

	if (seconds != kept[style].second || kept[style].text[0] == '\0') {
		localtime_r(&seconds, &tm);
		write_second(kept[style].text, &tm, style);
		kept[style].second = seconds;
	}
	return kept[style].text;
}

const char *
clock_format(int64_t wall_us, char buf[CLOCK_FORMAT_MAX])
{
	const char *zone = clock_second(wall_us, CLOCK_ZONE);

	snprintf(buf, CLOCK_FORMAT_MAX, "%.19s.%03d%.3s:%.2s",
	    clock_second(wall_us, CLOCK_ISO), (int)(wall_us / 1000 % 1000),
	    zone, zone + 3);
	return buf;
}
