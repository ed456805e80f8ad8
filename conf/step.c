/*
 * The steps of a check that is a script, as text and back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/step.h"

int
step_parse(const char *text, struct conf_step *step, char *error, size_t size)
{
	memset(step, 0, sizeof(*step));
	if (strncmp(text, "send ", 5) != 0) {
		snprintf(error, size, "'%.40s' is no step of a check", text);
		return -1;
	}
	step->kind = STEP_SEND;
	step->text = xstrdup(text + 5);
	step->length = strlen(step->text);
	step->bytes = (unsigned char *)xstrdup(step->text);
	return 0;
}

void
step_clear(struct conf_step *step)
{
	if (step->bytes != NULL)
		explicit_bzero(step->bytes, step->length);
	free(step->bytes);
	free_secret(step->text);
	free(step->host);
	free(step->comment);
}

struct conf_step
step_copy(const struct conf_step *step)
{
	struct conf_step copy = *step;

	copy.host = xstrdup(step->host);
	copy.text = xstrdup(step->text);
	copy.comment = xstrdup(step->comment);
	if (step->bytes != NULL) {
		copy.bytes = xcalloc(1, step->length + 1);
		memcpy(copy.bytes, step->bytes, step->length);
	}
	return copy;
}
