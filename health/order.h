/*
 * One command to one Redis or Sentinel, over a connection of its own that is
 * closed after the answer. Control thread only.
 */
#ifndef HEALTH_ORDER_H
#define HEALTH_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/proxy_header.h"

struct event_base;
struct order_call;

/* How it went: done, or the error in words. Called once, never before
 * order_call() has returned; the call is gone when it returns. */
typedef void (*order_call_cb)(bool done, const char *error, void *arg);

/* Send the words, ended by NULL and copied, as that user; the answer +OK is
 * what is wanted, within so many ms. Either credential may be NULL; they are
 * borrowed until it has called back. header: the PROXY header that it wants
 * first. */
struct order_call *order_call(struct event_base *base, const struct addr *addr,
    enum proxy_version header, const char *username, const char *password,
    const char *const *words, int64_t timeout_ms, order_call_cb done,
    void *arg);

/* Forget it; it does not call back. */
void order_call_cancel(struct order_call *c);

#endif
