/*
 * The service manager. One datagram says one thing; that it cannot be sent is a
 * line in the log and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "process.h"
#include "service.h"
#include "stats-ui/stats.h"
#include "stats-ui/words.h"

#define LOOK_MS  1000 /* between two looks at who takes the writes */
#define STALL_MS 5000 /* a worker that does not turn for so long is ill */

static char told[2 * WORDS_MAX]; /* as STATUS */
static int64_t looked, petted;   /* clock_ms() */

void
service_ready(void)
{
	char text[64];

	snprintf(text, sizeof(text), "MAINPID=%d\nREADY=1", (int)getpid());
	process_notify(text);
}

void
service_reloading(void)
{
	struct timespec ts;
	char text[80];

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	process_notify(text);
}

void
service_reloaded(void)
{
	process_notify("READY=1");
}

void
service_stopping(void)
{
	process_notify("STOPPING=1");
}

/* The sentences of all backends, as the page has them. */
static void
status_text(const struct stats_source *src, char *text, size_t size)
{
	const struct conf *conf = src->conf(src->arg);
	char words[WORDS_MAX], *p;
	size_t len;

	len = (size_t)snprintf(text, size, "STATUS=");
	for (size_t i = 0; i < conf->nbackends && len + 1 < size; i++) {
		words_backend(src, &conf->backends[i], words);
		snprintf(text + len, size - len, "%s%s%s%s", i > 0 ? " " : "",
		    conf->nbackends > 1 ? conf->backends[i].name : "",
		    conf->nbackends > 1 ? ": " : "", words);
		len += strlen(text + len);
	}
	for (p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
}

/* How often the manager wants to hear of us, in ms; 0: not at all. */
static int64_t
watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	/* After an upgrade the number is the older process's. */
	if (usec == NULL || pid == NULL)
		return 0;
	return strtoll(usec, NULL, 10) / 1000;
}

void
service_tick(const struct stats_source *src, int64_t now)
{
	int64_t watchdog = watchdog_ms();
	char text[sizeof(told)];

	if (getenv("NOTIFY_SOCKET") == NULL)
		return;
	if (watchdog > 0 && now - petted >= watchdog / 3 &&
	    src->stall_ms(src->arg) < STALL_MS) {
		petted = now;
		process_notify("WATCHDOG=1");
	}
	if (now - looked < LOOK_MS)
		return;
	looked = now;
	status_text(src, text, sizeof(text));
	if (strcmp(text, told) == 0)
		return;
	strcpy(told, text);
	process_notify(text);
}
