/*
 * What a worker is, and the inbox through which others ask something of it.
 */
#include <sys/eventfd.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/relay.h"
#include "proxy/worker.h"

/* An event base without locks: only its own thread touches it. */
static struct event_base *
new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL &&
	    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
	    event_config_require_features(config, EV_FEATURE_ET) == 0)
		base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	return base;
}

/* Empty lists and seeds. */
static void
init_lists(struct worker *w)
{
	size_t i;

	for (i = 0; i < CONF_SERVERS_MAX; i++)
		TAILQ_INIT(&w->on_server[i]);
	for (i = 0; i < CONF_FRONTENDS_MAX; i++) {
		TAILQ_INIT(&w->held[i]);
		/* Workers start at different places of the round. */
		w->balance[i].turn = w->index;
		w->balance[i].random =
		    ((uint64_t)clock_wall_us() * (w->index * 2 + 1) + i) | 1;
	}
	TAILQ_INIT(&w->waiting);
	TAILQ_INIT(&w->replying);
	TAILQ_INIT(&w->dead);
	TAILQ_INIT(&w->listeners);
}

struct worker *
worker_new(struct shared *shared, unsigned index)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->index = index;
	w->shared = shared;
	w->buffer = xrealloc(NULL, RELAY_BUFFER);
	pthread_mutex_init(&w->lock, NULL);
	init_lists(w);
	w->base = new_base();
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->base == NULL || w->wake_fd < 0)
		fatal("cannot make an event loop: %s", strerror(errno));
	atomic_store(&w->turned, clock_ms());
	return w;
}

void
worker_free(struct worker *w)
{
	size_t i;

	for (i = 0; i < w->norders; i++) {
		if (w->orders[i].kind == ORDER_ARRIVAL)
			close(w->orders[i].arrival.fd);
	}
	event_base_free(w->base);
	close(w->wake_fd);
	pthread_mutex_destroy(&w->lock);
	free(w->orders);
	free(w->run);
	free(w->buffer);
	free(w);
}

void
worker_wake(struct worker *w)
{
	uint64_t one = 1;

	(void)!write(w->wake_fd, &one, sizeof(one));
}

int
worker_order(struct worker *w, const struct order *o)
{
	struct order *orders;
	bool first;
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	first = w->norders == 0;
	if (w->norders == w->room) {
		orders =
		    realloc(w->orders, (w->room * 2 + 16) * sizeof(*orders));
		if (orders == NULL)
			rc = -1;
		else {
			w->orders = orders;
			w->room = w->room * 2 + 16;
		}
	}
	if (rc == 0)
		w->orders[w->norders++] = *o;
	pthread_mutex_unlock(&w->lock);
	if (rc == 0 && first)
		worker_wake(w);
	return rc;
}

struct order *
worker_take_orders(struct worker *w, size_t *n)
{
	struct order *orders;

	pthread_mutex_lock(&w->lock);
	orders = w->orders;
	*n = w->norders;
	w->orders = NULL;
	w->norders = w->room = 0;
	pthread_mutex_unlock(&w->lock);
	return orders;
}

void
worker_later(struct worker *w)
{
	struct timeval now = {0, 0};

	/* Not event_active(): that would never let the loop poll. */
	event_add(w->later, &now);
}

/* Can a client of this route reach a server that takes writes? */
static bool
can_write(const struct conf_frontend *fe)
{
	return fe->backend->check == CHECK_REDIS &&
	       fe->route != ROUTE_REPLICA && fe->route != ROUTE_ANY_REPLICA;
}

int64_t
worker_read_until(const struct worker *w, const struct conf_frontend *fe)
{
	if (!can_write(fe))
		return INT64_MAX;
	return atomic_load_explicit(&w->shared->lease, memory_order_relaxed);
}

void
worker_stall(struct worker *w)
{
	if (!w->stalled)
		log_warn("worker %u: nothing is known of the servers any "
			 "more: clients that could write are not read",
		    w->index);
	w->stalled = true;
}
