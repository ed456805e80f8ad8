/*
 * What a service manager is told, if there is one: sd_notify(3)'s words.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdint.h>

struct stats_source;

/* We are ready, as the main process, also where another one was that before. */
void service_ready(void);

/* The configuration is about to be loaded; it has been, or not. */
void service_reloading(void);
void service_reloaded(void);

/* We are about to end. */
void service_stopping(void);

/* Call it some times a second: tells who takes the writes when that changes,
 * and that all workers turn as often as the manager wants to hear it
 * (WATCHDOG_USEC). now is clock_ms(). */
void service_tick(const struct stats_source *src, int64_t now);

#endif
