/*
 * Fuzzer of haproxy.cfg: any bytes as such a file, through the reader, the
 * parsers and the checks, and back as an .ini file.
 */
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Instead of the system's: no name is asked for. */
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
    struct addrinfo **list)
{
	(void)name;
	(void)service;
	(void)hints;
	*list = NULL;
	return EAI_NONAME;
}

/* The same: the environment would grow with each input. */
int
setenv(const char *name, const char *value, int overwrite)
{
	return name == value && overwrite; /* never so */
}

/* Write the input to a file of that name. */
static void
write_file(const char *name, const uint8_t *data, size_t size)
{
	FILE *f = fopen(name, "w");

	if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0)
		abort();
}

/* What loads can be written as an .ini file. */
static void
write_ini(const char *name)
{
	const char *const files[] = {name};
	const struct conf_source source = {.files = files, .nfiles = 1};
	struct conf_problems problems = {0};
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL || conf_print_ini(&source, f, &problems) != 0 ||
	    fclose(f) != 0)
		abort();
	free(text);
	conf_problems_clear(&problems);
}

/* One input. What loads has listeners; what does not has errors. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char name[64];
	const char *const files[] = {name};
	struct conf_problems problems = {0};
	struct conf *conf;
	size_t i;

	if (name[0] == '\0')
		snprintf(
		    name, sizeof(name), "/dev/shm/fuzz.%d.cfg", (int)getpid());
	write_file(name, data, size);
	conf = conf_load(files, 1, &problems);
	if ((conf == NULL) != (problems.errors > 0))
		abort();
	for (i = 0; i < problems.n; i++) {
		if (strncmp(problems.list[i].text, name, strlen(name)) != 0)
			abort();
	}
	for (i = 0; conf != NULL && i < conf->nfrontends; i++) {
		if (conf->frontends[i].nbinds == 0 ||
		    conf->frontends[i].backend == NULL)
			abort();
	}
	if (conf != NULL)
		write_ini(name);
	conf_free(conf);
	conf_problems_clear(&problems);
	unlink(name);
	return 0;
}
