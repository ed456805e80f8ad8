/*
 * Following: the status is asked for twice a second, and what it says that it
 * did not say before is printed: a backend's sentence, a decision about its
 * writer.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctl_color.h"
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
print(const json_t *o, const char *time, const char *text,
    const struct watch_style *style)
{
	char *line;

	if (!style->json) {
		printf("%.8s  ", day_time(time));
		if (style->color)
			color_write(stdout, text, strlen(text));
		else
			fputs(text, stdout);
		putchar('\n');
	} else if ((line = json_dumps(o, JSON_COMPACT)) != NULL) {
		puts(line);
		free(line);
	}
	fflush(stdout);
}

/* Print the sentences that are other ones than before. */
static void
print_sentences(
    const json_t *was, const json_t *now, const struct watch_style *style)
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
		print(event, time, line, style);
		json_decref(event);
	}
}

/* Are they one decision? Some figures of it are known a little later. */
static bool
is_same(const json_t *a, const json_t *b)
{
	static const char *const keys[] = {
	    "time", "backend", "from", "to", "action"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(text_of(a, keys[i]), text_of(b, keys[i])) != 0)
			return false;
	return true;
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
		if (last != NULL && is_same(last, json_array_get(list, i)))
			break;
	return i;
}

/* Print the decisions that are new, oldest first. */
static void
print_decisions(
    const json_t *was, const json_t *now, const struct watch_style *style)
{
	const json_t *list = json_object_get(now, "decisions"), *d;
	size_t n = count_new(was, now);

	while (n-- > 0) {
		d = json_array_get(list, n);
		print(d, text_of(d, "time"), text_of(d, "text"), style);
	}
}

/* Whoever watched has seen enough. All that was printed is out. */
static void
enough(int sig)
{
	(void)sig;
	_exit(0);
}

/* Ask, and print what is new since the last answer, which is replaced. -1 with
 * the reason in error. */
static int
look(const char *path, const struct watch_style *style, json_t **was,
    char error[LINK_ERROR_MAX])
{
	struct answer a = {NULL, 0};
	json_t *now = NULL;

	if (link_ask(path, "status json\n", ASK_MS, &a, error) == 0 &&
	    (now = json_loads(a.text, 0, NULL)) == NULL)
		snprintf(error, LINK_ERROR_MAX, "%s: %.200s", path, a.text);
	free(a.text);
	if (now == NULL)
		return -1;
	/* What has been before is history: see events. */
	if (*was != NULL)
		print_decisions(*was, now, style);
	print_sentences(*was, now, style);
	json_decref(*was);
	*was = now;
	return 0;
}

bool
watch(const char *path, const struct watch_style *style,
    char error[LINK_ERROR_MAX])
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
	json_t *was = NULL;
	bool seen;

	signal(SIGINT, enough);
	while (look(path, style, &was, error) == 0)
		nanosleep(&pause, NULL);
	seen = was != NULL;
	json_decref(was);
	return seen;
}
