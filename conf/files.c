/*
 * Listing configuration files.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/files.h"

/* Add a name; takes it over. */
static void
add(struct files *f, char *name)
{
	f->names = xrealloc(f->names, (f->n + 1) * sizeof(*f->names));
	f->names[f->n++] = name;
}

/* Does this entry of a folder look like a configuration? */
static int
is_wanted(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && entry->d_type != DT_DIR &&
	       (strcmp(dot == NULL ? "" : dot, ".cfg") == 0 ||
		   strcmp(dot == NULL ? "" : dot, ".ini") == 0);
}

/* The order of the bytes, whatever the locale. */
static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Add what is in a folder. Returns -1 if it is none that can be read. */
static int
add_folder(struct files *f, const char *folder)
{
	struct dirent **entries;
	int i, n = scandir(folder, &entries, is_wanted, by_bytes);
	char *name;

	for (i = 0; i < n; i++) {
		if (asprintf(&name, "%s/%s", folder, entries[i]->d_name) < 0)
			fatal("out of memory");
		add(f, name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return n < 0 ? -1 : 0;
}

void
files_list(struct files *f, const char *const *names, size_t n)
{
	size_t i;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < n; i++) {
		if (add_folder(f, names[i]) != 0)
			add(f, xstrdup(names[i]));
	}
}

void
files_clear(struct files *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->names[i]);
	free(f->names);
	memset(f, 0, sizeof(*f));
}
