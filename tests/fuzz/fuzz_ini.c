/*
 * Fuzzer of the configuration: any bytes as a file, through the reader, the
 * parsers and the checks, as conf_load() is called at start and on reload.
 */
#include <sys/mman.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One file in memory, with a name that can be opened. */
static int
memory_file(char *name, size_t namesize)
{
	int fd = memfd_create("fuzz_ini", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	snprintf(name, namesize, "/proc/self/fd/%d", fd);
	return fd;
}

/* One input. What loads has listeners and servers; what does not has errors. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char name[64];
	static int fd = -1;
	const char *const files[] = {name};
	struct conf_problems problems = {0};
	struct conf *conf;
	size_t i;

	if (fd < 0)
		fd = memory_file(name, sizeof(name));
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	conf = conf_load(files, 1, &problems);
	if ((conf == NULL) != (problems.errors > 0))
		abort();
	for (i = 0; i < problems.n; i++) {
		if (strncmp(problems.list[i].text, name, strlen(name)) != 0)
			abort();
	}
	for (i = 0; conf != NULL && i < conf->nfrontends; i++) {
		if (conf->frontends[i].nbinds == 0 ||
		    conf->frontends[i].backend->nservers == 0)
			abort();
	}
	conf_free(conf);
	conf_problems_clear(&problems);
	return 0;
}
