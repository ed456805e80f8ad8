/*
 * Following: the status is asked for twice a second, and what it says that it
 * did not say before is printed: a backend's sentence, a decision about its
 * writer.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctl_watch.h"

#define PAUSE_MS 500
#define ASK_MS   10000

/* A text of an object; "" if it has none. */
static const char *
text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text == NULL ? "" : text;
}

/* The object of that name in a list; NULL none. */
static const json_t *
named(const json_t *list, const char *name)
{
	json_t *o;
	size_t i;

	json_array_foreach(
	    list, i, o) if (strcmp(text_of(o, "name"), name) == 0) return o;
	return NULL;
}

/* The time of day of a time as JSON has it. */
static const char *
day_time(const char *time)
{
	const char *t = strchr(time, 'T');

	return t == NULL ? time : t + 1;
}

/* Print a change in a line: the object itself, or its text with the time. */
static void
print(const json_t *o, const char *time, const char *text, bool json)
{
	char *line;

	if (!json) {
		printf("%.8s  %s\n", day_time(time), text);
	} else if ((line = json_dumps(o, JSON_COMPACT)) != NULL) {
		puts(line);
		free(line);
	}
	fflush(stdout);
}

/* Print the sentences that are other ones than before. */
static void
print_sentences(const json_t *was, const json_t *now, bool json)
{
	const json_t *before, *list = json_object_get(now, "backends");
	const char *text, *time = text_of(now, "time");
	char line[1024];
	json_t *o, *event;
	size_t i;

	json_array_foreach(list, i, o)
	{
		text = text_of(o, "summary");
		before =
		    named(json_object_get(was, "backends"), text_of(o, "name"));
		if (before != NULL &&
		    strcmp(text_of(before, "summary"), text) == 0)
			continue;
		snprintf(line, sizeof(line), "backend %s: %s",
		    text_of(o, "name"), text);
		event = json_pack("{s:s, s:s, s:s}", "time", time, "backend",
		    text_of(o, "name"), "summary", text);
		print(event, time, line, json);
		json_decref(event);
	}
}

/* How many of the decisions of now are newer than the newest of before. */
static size_t
count_new(const json_t *was, const json_t *now)
{
	const json_t *last =
	    json_array_get(json_object_get(was, "decisions"), 0);
	const json_t *list = json_object_get(now, "decisions");
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (last != NULL && json_equal(last, json_array_get(list, i)))
			break;
	return i;
}

/* Print the decisions that are new, oldest first. */
static void
print_decisions(const json_t *was, const json_t *now, bool json)
{
	const json_t *list = json_object_get(now, "decisions"), *d;
	size_t n = count_new(was, now);

	while (n-- > 0) {
		d = json_array_get(list, n);
		print(d, text_of(d, "time"), text_of(d, "text"), json);
	}
}

void
watch(const char *path, bool json, char error[LINK_ERROR_MAX])
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
	json_t *was = NULL, *now;
	struct answer a = {NULL, 0};

	while (link_ask(path, "status json\n", ASK_MS, &a, error) == 0) {
		now = json_loads(a.text, 0, NULL);
		if (now == NULL) {
			snprintf(
			    error, LINK_ERROR_MAX, "%s: %.200s", path, a.text);
			break;
		}
		/* What has been before is history: see events. */
		if (was != NULL)
			print_decisions(was, now, json);
		print_sentences(was, now, json);
		json_decref(was);
		was = now;
		free(a.text);
		a = (struct answer){NULL, 0};
		nanosleep(&pause, NULL);
	}
	json_decref(was);
	free(a.text);
}
