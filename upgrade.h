/*
 * Another binary in the place of this one: it is started beside, takes over as
 * with -sf, and this one ends when its sessions have ended.
 */
#ifndef UPGRADE_H
#define UPGRADE_H

#include <sys/types.h>

/* Remember how we were started, before anything changes that. */
void upgrade_prepare(int argc, char *const argv[]);

/* Nothing of that can be used: why, in words that are never freed. */
void upgrade_forbid(const char *why);

/* Start the binary that is at our place now. Its process; -1, with a line in
 * the log, if that cannot be done. Control thread. */
pid_t upgrade_start(void);

/* Forget what is remembered. */
void upgrade_clear(void);

#endif
