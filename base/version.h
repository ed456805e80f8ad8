/*
 * The version, in one place.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define ROLEPROXY_VERSION "0.1"
#define ROLEPROXY_DATE    "2026/11/24"

/* Of HAProxy, whose formats these are, for scripts that look for one. */
#define HAPROXY_VERSION "2.6.12"

/* Both, where HAProxy tells its own. */
#define SHOWN_VERSION HAPROXY_VERSION "-roleproxy-" ROLEPROXY_VERSION

#endif
