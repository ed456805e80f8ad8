/*
 * The figures for Prometheus (text format 0.0.4), with HAProxy's names.
 */
#ifndef STATS_UI_PROMETHEUS_H
#define STATS_UI_PROMETHEUS_H

#include <stdbool.h>

#include "stats-ui/stats.h"

/* Whose figures. */
#define PROMETHEUS_GLOBAL    1u
#define PROMETHEUS_FRONTENDS 2u
#define PROMETHEUS_BACKENDS  4u
#define PROMETHEUS_SERVERS   8u
#define PROMETHEUS_ALL       15u

/* Add them to out; no_maint: without servers in maintenance. */
void prometheus_render(const struct stats_source *src, unsigned scopes,
    bool no_maint, struct evbuffer *out);

#endif
