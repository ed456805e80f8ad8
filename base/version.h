/*
 * The version, in one place.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define ROLEPROXY_VERSION "0.1"

#endif
