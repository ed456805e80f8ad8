/*
 * Moving bytes between the two ends of a session, with backpressure and
 * half-close. It decides nothing: what an end means is the session's business.
 */
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include "proxy/endpoint.h"

#define RELAY_BUFFER (64 * 1024)  /* one receive; also the most kept unsent */
#define RELAY_BUDGET (256 * 1024) /* bytes a wake-up, one direction */
#define RELAY_SHARE  (64 * 1024)  /* the same of one that shares */
#define RELAY_BRIEF  4096         /* an answer that begins with less is brief */
#define RELAY_TICK   6            /* relay.active counts 2^6 ms */

/* Two ends and what went between them. */
struct relay {
	struct endpoint client, server;
	uint64_t bytes_in, bytes_out;
	uint32_t active;       /* last byte, clock_coarse_ms() >> RELAY_TICK */
	bool server_spoke : 1; /* the last byte came from the server */
	bool looked : 1;       /* for an RST since the last byte */
	bool stalled : 1;      /* the client is not read: see read_until */
	bool brief : 1;        /* the last answer began with few bytes */
	bool shares : 1;       /* set by the caller: others want to be quick */
};

/* How a move ended. */
enum relay_result {
	RELAY_ON,            /* nothing more to do until an event */
	RELAY_AGAIN,         /* the budget is spent: come back */
	RELAY_DONE,          /* both sides were through */
	RELAY_CLIENT_BROKEN, /* close the session */
	RELAY_SERVER_BROKEN,
	RELAY_NO_MEMORY
};

/* Something happened at one end (the client's, or the server's): move what
 * there is. buffer has RELAY_BUFFER bytes. Clients are not read, and nothing of
 * theirs is sent, after the clock_coarse_ms() read_until. */
enum relay_result relay_event(struct relay *r, bool at_client, short what,
    char *buffer, int64_t read_until);

/* Move what there is in both directions, or from one side only. */
enum relay_result relay_both(struct relay *r, char *buffer, int64_t read_until);
enum relay_result relay_from_client(
    struct relay *r, char *buffer, int64_t read_until);
enum relay_result relay_from_server(struct relay *r, char *buffer);

#endif
