/*
 * Fuzzer of the URLs of the command line: any text, cut at blanks, as main()
 * hands it to conf_load_urls().
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/load.h"

#define URLS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One input. What loads has a server for each URL; what does not has errors. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_problems problems = {0};
	char *text = calloc(size + 1, 1), *urls[URLS_MAX], *save, *word;
	struct conf *conf;
	size_t n = 0;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	for (word = strtok_r(text, " ", &save); word != NULL && n < URLS_MAX;
	     word = strtok_r(NULL, " ", &save))
		urls[n++] = word;
	if (n > 0) {
		conf = conf_load_urls(urls, n, &problems);
		if ((conf == NULL) != (problems.errors > 0))
			abort();
		if (conf != NULL && conf->backends[0].nservers != n)
			abort();
		conf_free(conf);
	}
	conf_problems_clear(&problems);
	free(text);
	return 0;
}
