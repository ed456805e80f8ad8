/*
 * One value of the key log: where lines go, and which of them in what format.
 */
#ifndef CONF_TARGET_H
#define CONF_TARGET_H

#include <stddef.h>

#include "base/log_target.h"

/* The target that text says, as in "syslog:10.0.0.5:514 facility=local0
 * level=notice". -1 with what is wrong in error, of size bytes. */
int target_parse(
    const char *text, struct log_target *target, char *error, size_t size);

#endif
