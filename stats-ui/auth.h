/*
 * Basic authentication (RFC 7617) of the stats page.
 */
#ifndef STATS_UI_AUTH_H
#define STATS_UI_AUTH_H

#include <stdbool.h>

/* Does an Authorization header (NULL: there is none) carry this user and
 * password? Either may be NULL; with both NULL all may come in. */
bool auth_allows(const char *user, const char *password, const char *header);

#endif
