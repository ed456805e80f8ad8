/*
 * Basic authentication (RFC 7617) of the stats page.
 */
#ifndef STATS_UI_AUTH_H
#define STATS_UI_AUTH_H

#include <stdbool.h>

struct conf_stats;

/* Is there a user at all? Without one all may come in. */
bool auth_asks(const struct conf_stats *cs);

/* Does an Authorization header (NULL: there is none) carry one of the users
 * with its password, if there are any? */
bool auth_allows(const struct conf_stats *cs, const char *header);

#endif
