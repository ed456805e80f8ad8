/*
 * The hosts that a check goes to besides its server: names are looked up as a
 * server's is. An address stays until the name has another one. Control thread
 * only.
 */
#ifndef HEALTH_PLACE_H
#define HEALTH_PLACE_H

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct places;
struct resolver;

/* A host has an address, another one than before; or, with an error in words,
 * has none and had none. */
typedef void (*place_cb)(const char *host, const char *error, void *arg);

/* None at first; the resolver is borrowed. */
struct places *places_new(struct resolver *r, place_cb changed, void *arg);
void places_free(struct places *p);

/* One more, unless it is there; NULL is none. */
void places_add(struct places *p, const char *host);

/* Begin with the addresses that other ones have found. */
void places_inherit(struct places *p, const struct places *old);

/* Begin to look up all that are names. */
void places_resolve(struct places *p);

/* Is there a name that was not looked up with success since that clock_ms()? */
bool places_stale(const struct places *p, int64_t since);

/* The address of one of them, its port 0; NULL while there is none. */
const struct addr *places_find(const struct places *p, const char *host);

/* The first that has no address; NULL: all have one. */
const char *places_missing(const struct places *p);

#endif
