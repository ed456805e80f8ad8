/*
 * The words of the configuration's choices.
 */
#include <stddef.h>

#include "conf/words.h"

const char *const conf_check_words[] = {"redis", "tcp", "none", NULL};
const char *const conf_route_words[] = {"primary", "primary-preferred",
    "replica", "replica-preferred", "any", "any-replica", "lowest-latency",
    NULL};
const char *const conf_balance_words[] = {
    "roundrobin", "leastconn", "random", "source", "first", NULL};

const char *
conf_check_str(enum conf_check check)
{
	return conf_check_words[check];
}

const char *
conf_route_str(enum conf_route route)
{
	return conf_route_words[route];
}

const char *
conf_balance_str(enum conf_balance balance)
{
	return conf_balance_words[balance];
}
