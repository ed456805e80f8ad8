/*
 * Numbers with units, as people write them: "10s", "64m", "20000". Text that is
 * anything else, or does not fit, is refused with the reason in words.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdint.h>

/* Room for a reason, with its final NUL. */
#define UNITS_ERROR_MAX 128

/* A time: a whole number and us, ms, s, m, h or d; "0" needs none. Into
 * milliseconds; microseconds are rounded up, so that only 0 is 0. -1 with the
 * reason in error. */
int units_time(const char *text, int64_t *ms, char error[UNITS_ERROR_MAX]);

/* A size: a whole number of bytes, or with k, m or g of 1024, 1024^2 or 1024^3
 * of them. -1 with the reason in error. */
int units_size(const char *text, int64_t *bytes, char error[UNITS_ERROR_MAX]);

/* A plain number of min to max. -1 with the reason in error. */
int units_number(const char *text, unsigned min, unsigned max, unsigned *n,
    char error[UNITS_ERROR_MAX]);

/* Room for units_time_str(), with its final NUL. */
#define UNITS_TIME_MAX 24

/* Milliseconds with the largest unit that divides them: "90s", "2h", "0".
 * Returns buf. */
const char *units_time_str(int64_t ms, char buf[UNITS_TIME_MAX]);

#endif
