/*
 * What a script makes of an answer, and how it says so: HAProxy's words. Pure.
 */
#ifndef HEALTH_EXPECT_H
#define HEALTH_EXPECT_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/step.h"
#include "health/observation.h"

/* A script, where it is, and what has been answered since the last send. */
struct expect {
	const struct conf_step *steps; /* (borrowed) */
	size_t n, at;
	bool http; /* speaks HTTP: has codes and no numbers of steps */
	const unsigned char *bytes; /* (borrowed) */
	size_t length;
	bool last; /* no more will come */
};

enum expect_verdict { EXPECT_MORE, EXPECT_PASSED, EXPECT_FAILED };

/* Judge the step `at`, of STEP_EXPECT. What is wrong, or the code that was
 * answered, is in o: status, code, detail. */
enum expect_verdict expect_judge(const struct expect *e, struct observation *o);

/* Which of the expectations in a row is looked at again when more has come:
 * as soon as one must not match, all that follow are. */
size_t expect_again(const struct expect *e);

/* Set o's words to what and the step it was at. started: the first connection
 * has been made. */
void expect_explain(const struct expect *e, bool started, const char *what,
    struct observation *o);

/* All steps have passed. */
void expect_pass(const struct expect *e, struct observation *o);

/* Is there a step that expects a status of HTTP? */
bool expect_is_http(const struct conf_step *steps, size_t n);

#endif
