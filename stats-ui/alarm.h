/*
 * What is not well, in words.
 */
#ifndef STATS_UI_ALARM_H
#define STATS_UI_ALARM_H

#include "stats-ui/stats.h"

/* One thing that is not well; critical: clients are not served. */
typedef void (*alarm_cb)(bool critical, const char *text, void *arg);

/* Call with each. */
void alarm_each(const struct stats_source *src, alarm_cb cb, void *arg);

#endif
