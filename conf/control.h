/*
 * A control socket of the configuration model.
 */
#ifndef CONF_CONTROL_H
#define CONF_CONTROL_H

#include <stdbool.h>

#include "base/addr.h"
#include "conf/words.h"

/* Compared byte by byte: zeroed before it is filled. */
struct conf_control {
	struct addr addr;
	bool has_mode, has_level;
	unsigned mode;            /* of a UNIX socket */
	char user[33], group[33]; /* the same, names or numbers; "" ours */
	enum conf_level level;    /* without one: by who the other end is */
};

#endif
