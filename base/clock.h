/*
 * Time. One monotonic clock for everything that is compared or waited for;
 * the wall clock only for what people read.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic milliseconds. Any thread. */
int64_t clock_ms(void);

/* Monotonic microseconds, for round trips. Any thread. */
int64_t clock_us(void);

/* Monotonic milliseconds, up to 4 ms late but a tenth of the cost; same clock
 * as clock_ms(). Any thread. */
int64_t clock_coarse_ms(void);

/* Wall clock, microseconds since 1970. Any thread. */
int64_t clock_wall_us(void);

/* How a second is written; the zone is one of it. */
enum clock_style {
	CLOCK_ISO,  /* 2026-11-21T03:12:07 */
	CLOCK_BSD,  /* Nov 21 03:12:07 */
	CLOCK_HTTP, /* 21/Nov/2026:03:12:07 */
	CLOCK_ZONE, /* +0900 */
	CLOCK_STYLES
};

/* Local time of a clock_wall_us() value. Returns a text of the calling
 * thread's, good until it asks for the same style again. Any thread. */
const char *clock_second(int64_t wall_us, enum clock_style style);

/* Room for clock_format(), with its final NUL. */
#define CLOCK_FORMAT_MAX 40

/* Local time with milliseconds and zone, 2026-11-21T03:12:07.123+09:00, of a
 * clock_wall_us() value. Returns buf. Any thread. */
const char *clock_format(int64_t wall_us, char buf[CLOCK_FORMAT_MAX]);

#endif
