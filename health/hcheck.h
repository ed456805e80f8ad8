/*
 * A server's check in HAProxy's words and figures. Pure.
 */
#ifndef HEALTH_HCHECK_H
#define HEALTH_HCHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "health/observation.h"

struct conf_backend;
struct monitor_server;

struct hcheck {
	enum hcheck_status status;
	int code;            /* -1 none */
	int64_t duration_ms; /* of the last check; -1 none */
	char info[128];      /* last_chk; "" none */
	bool running;        /* a check is under way */

	/* As HAProxy counts: 0 to rise - 1 while it is DOWN, rise to
	 * rise + fall - 1 while it is UP. */
	unsigned health, rise, fall;
	bool up;      /* with the role that the backend wants */
	bool checked; /* false: UP without a check */
};

/* What HAProxy would say of this server in this backend: a wrong role is DOWN,
 * L7STS, "role:slave". */
void hcheck_of(const struct conf_backend *cb, const struct monitor_server *ms,
    struct hcheck *out);

/* "L7OK", "Layer7 check passed", and the number in show servers state. */
const char *hcheck_code(enum hcheck_status status);
const char *hcheck_text(enum hcheck_status status);
unsigned hcheck_number(enum hcheck_status status);

/* 0 unknown, 2 failed, 3 passed, 4 conditionally passed: srv_check_result. */
unsigned hcheck_result(enum hcheck_status status);

/* Is it one of those that go with a code? */
bool hcheck_has_code(enum hcheck_status status);

#endif
