/*
 * Colours: of a line by its first words, of a table's cell by its word. A cell
 * stands between two blanks at least.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_color.h"

#define GOOD  "\033[32m"
#define WARN  "\033[33m"
#define BAD   "\033[31m"
#define BOLD  "\033[1m"
#define DIM   "\033[2m"
#define PLAIN "\033[0m"

/* A word and how it is shown. */
struct look {
	const char *word, *code;
};

/* A whole line that begins with this, the first that does. */
static const struct look lines[] = {
    {"OK:", GOOD},
    {"WARNING:", WARN},
    {"CRITICAL:", BAD},
    {"warning:", WARN},
    {"critical:", BAD},
    {"backend ", BOLD},
    {"  SERVER ", DIM},
    {"  FRONTEND ", DIM},
    {"  CLIENT ", DIM},
};

static const struct look cells[] = {
    {"UP", GOOD},
    {"DOWN", BAD},
    {"MAINT", DIM},
    {"UNCHECKED", DIM},
    {"yes", GOOD},
    {"away", WARN},
    {"fenced", BAD},
    {"held", WARN},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

int
color_wanted(const char *when)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if (when != NULL && strcmp(when, "always") == 0)
		return 1;
	if (when != NULL && strcmp(when, "never") == 0)
		return 0;
	if (when != NULL && strcmp(when, "auto") != 0)
		return -1;
	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
	       term != NULL && strcmp(term, "dumb") != 0;
}

/* Write so many bytes in a colour, NULL: in none. */
static void
put(FILE *f, const char *code, const char *text, size_t len)
{
	if (code != NULL)
		fputs(code, f);
	fwrite(text, 1, len, f);
	if (code != NULL)
		fputs(PLAIN, f);
}

/* Bytes up to the next two blanks, or to the end. */
static size_t
cell_length(const char *text, size_t len)
{
	size_t n;

	for (n = 0; n < len; n++)
		if (text[n] == ' ' && (n + 1 == len || text[n + 1] == ' '))
			break;
	return n;
}

/* Write a line of cells. */
static void
put_cells(FILE *f, const char *text, size_t len)
{
	const char *code;
	size_t n, i;

	while (len > 0) {
		n = strspn(text, " ");
		n = n < len ? n : len;
		fwrite(text, 1, n, f);
		text += n;
		len -= n;
		n = cell_length(text, len);
		for (i = 0, code = NULL; i < COUNT(cells); i++)
			if (strlen(cells[i].word) == n &&
			    strncmp(cells[i].word, text, n) == 0)
				code = cells[i].code;
		put(f, code, text, n);
		text += n;
		len -= n;
	}
}

/* Write a line without its newline. */
static void
put_line(FILE *f, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < COUNT(lines); i++)
		if (strncmp(text, lines[i].word, strlen(lines[i].word)) == 0) {
			put(f, lines[i].code, text, len);
			return;
		}
	put_cells(f, text, len);
}

void
color_write(FILE *f, const char *text, size_t len)
{
	size_t n;

	while (len > 0) {
		n = strcspn(text, "\n");
		n = n < len ? n : len;
		put_line(f, text, n);
		if (n < len)
			fputc('\n', f);
		n += n < len;
		text += n;
		len -= n;
	}
}
