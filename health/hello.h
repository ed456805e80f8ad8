/*
 * What Sentinels publish: the hello message on every server they watch, and the
 * events on themselves. Pure readers of text that is not trusted. Formats:
 * https://redis.io/docs/management/sentinel/ and sentinel.c of Redis.
 */
#ifndef HEALTH_HELLO_H
#define HEALTH_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "health/observation.h"
#include "health/resp.h"

#define HELLO_CHANNEL  "__sentinel__:hello"
#define HELLO_NAME_MAX 64 /* of a master name, with its final NUL */
#define HELLO_HOST_MAX 64 /* of an address or host name */

/* Where a Sentinel says that a server, or another Sentinel, is. */
struct place {
	char host[HELLO_HOST_MAX];
	uint16_t port;
};

/* ip,port,runid,current_epoch,master_name,master_ip,master_port,config_epoch */
struct hello {
	struct place sentinel;
	char sentinel_id[REDIS_ID_MAX];
	char name[HELLO_NAME_MAX]; /* of the master */
	struct place primary;
	int64_t epoch; /* its configuration epoch */
};

/* What an event means for us. */
enum sentinel_event_kind {
	EVENT_OTHER,    /* nothing */
	EVENT_EPOCH,    /* +new-epoch: the current epoch is `epoch` */
	EVENT_SELECTED, /* +selected-slave: `place` is to be the primary */
	EVENT_PROMOTED, /* +promoted-slave */
	EVENT_ABORTED,  /* -failover-abort-*: that failover is over */
	EVENT_SWITCHED, /* +switch-master: `place` is the primary */
	EVENT_CHANGED   /* something else worth asking about at once */
};

struct sentinel_event {
	enum sentinel_event_kind kind;
	char name[HELLO_NAME_MAX]; /* of the master; "" if it names none */
	struct place place;
	int64_t epoch;
};

/* -1 if it is not a whole hello. */
int hello_read(const char *text, size_t len, struct hello *h);

/* A message of a channel. Never fails: what is not understood is OTHER. */
struct sentinel_event hello_event(
    const struct resp *channel, const struct resp *message);

/* A host as in an address; -1 if it has other letters or the port is none. */
int place_set(struct place *p, const char *host, int64_t port);

bool place_equal(const struct place *a, const struct place *b);

#endif
