/*
 * Numbers with units: times, sizes and counts, in 64 bits and checked.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* A unit and how many of the smallest one it is. */
struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit time_units[] = {{"us", 1}, {"ms", 1000},
    {"s", 1000000}, {"m", 60000000}, {"h", 3600000000}, {"d", 86400000000},
    {NULL, 0}};

static const struct unit size_units[] = {
    {"", 1}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {NULL, 0}};

/* Read leading digits; returns what follows, NULL if there are none. A number
 * that does not fit sets *overflow. */
static const char *
read_digits(const char *text, int64_t *n, bool *overflow)
{
	const char *p;

	*n = 0;
	*overflow = false;
	for (p = text; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, *p - '0', n))
			*overflow = true;
	}
	return p == text ? NULL : p;
}

/* The unit of that name, or NULL. */
static const struct unit *
find_unit(const struct unit *units, const char *name)
{
	const struct unit *u;

	for (u = units; u->name != NULL; u++) {
		if (strcmp(u->name, name) == 0)
			return u;
	}
	return NULL;
}

/* Say why a text is refused. Returns -1. */
static int __attribute__((format(printf, 2, 3)))
refuse(char error[UNITS_ERROR_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, UNITS_ERROR_MAX, fmt, ap);
	va_end(ap);
	return -1;
}

/* Milliseconds of so many of a unit, rounded up; true if they do not fit. */
static bool
to_ms(int64_t n, const struct unit *u, int64_t *ms)
{
	if (u->factor == 1) {
		*ms = n / 1000 + (n % 1000 != 0);
		return false;
	}
	return __builtin_mul_overflow(n, u->factor / 1000, ms);
}

int
units_time(const char *text, int64_t *ms, char error[UNITS_ERROR_MAX])
{
	const struct unit *u;
	const char *rest;
	bool overflow;
	int64_t n;

	rest = read_digits(text, &n, &overflow);
	if (rest != NULL && *rest == '\0' && (n != 0 || overflow))
		return refuse(error,
		    "'%.40s' has no unit: write %.20ss or %.20sms", text, text,
		    text);
	if (rest != NULL && *rest == '\0')
		rest = "ms";
	u = rest == NULL ? NULL : find_unit(time_units, rest);
	if (u == NULL)
		return refuse(error,
		    "'%.40s' is not a time: a whole number and us, ms, s, m, "
		    "h or d",
		    text);
	if (overflow || to_ms(n, u, ms))
		return refuse(error, "'%.40s' is too long", text);
	return 0;
}

int
units_size(const char *text, int64_t *bytes, char error[UNITS_ERROR_MAX])
{
	const struct unit *u;
	const char *rest;
	bool overflow;
	int64_t n;

	rest = read_digits(text, &n, &overflow);
	u = rest == NULL ? NULL : find_unit(size_units, rest);
	if (u == NULL)
		return refuse(error,
		    "'%.40s' is not a size: a whole number, with k, m or g if "
		    "need be",
		    text);
	if (overflow || __builtin_mul_overflow(n, u->factor, bytes))
		return refuse(error, "'%.40s' is too large", text);
	return 0;
}

int
units_number(const char *text, unsigned min, unsigned max, unsigned *n,
    char error[UNITS_ERROR_MAX])
{
	const char *rest;
	bool overflow;
	int64_t value;

	rest = read_digits(text, &value, &overflow);
	if (rest == NULL || *rest != '\0')
		return refuse(error, "'%.40s' is not a number", text);
	if (overflow || value < min || value > max)
		return refuse(
		    error, "'%.40s' is out of range: %u to %u", text, min, max);
	*n = (unsigned)value;
	return 0;
}

const char *
units_time_str(int64_t ms, char buf[UNITS_TIME_MAX])
{
	size_t i = sizeof(time_units) / sizeof(time_units[0]) - 2;

	if (ms == 0)
		return strcpy(buf, "0");
	while (i > 1 && ms % (time_units[i].factor / 1000) != 0)
		i--;
	snprintf(buf, UNITS_TIME_MAX, "%" PRId64 "%s",
	    ms / (time_units[i].factor / 1000), time_units[i].name);
	return buf;
}
