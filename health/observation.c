/*
 * The words of a probe's results, the same in logs, metrics, page and manual.
 */
#include <stdlib.h>

#include "health/observation.h"

const char *
probe_result_str(enum probe_result result)
{
	switch (result) {
	case PROBE_NONE:
		return "not checked";
	case PROBE_OK:
		return "ok";
	case PROBE_LOADING:
		return "loading";
	case PROBE_MASTERDOWN:
		return "master down";
	case PROBE_MISCONF:
		return "cannot save";
	case PROBE_BUSY:
		return "busy";
	case PROBE_UNRESOLVED:
		return "unresolved";
	case PROBE_REFUSED:
		return "refused";
	case PROBE_CLOSED:
		return "closed";
	case PROBE_TIMEOUT:
		return "timeout";
	case PROBE_NOAUTH:
		return "password needed";
	case PROBE_WRONGPASS:
		return "wrong password";
	case PROBE_NOPERM:
		return "no permission";
	case PROBE_MAXCLIENTS:
		return "max clients";
	case PROBE_PROTOCOL:
		return "protocol error";
	}
	abort();
}

const char *
role_str(enum role role)
{
	switch (role) {
	case ROLE_UNKNOWN:
		return "unknown";
	case ROLE_PRIMARY:
		return "primary";
	case ROLE_REPLICA:
		return "replica";
	}
	abort();
}

bool
probe_result_has_role(enum probe_result result)
{
	return result == PROBE_OK || result == PROBE_LOADING ||
	       result == PROBE_MASTERDOWN || result == PROBE_MISCONF;
}
