/*
 * The assets, and where the linker has put them.
 */
#include <stdint.h>
#include <string.h>

#include "stats-ui/assets.h"

/* The file, from name to name_end. */
#define EMBED(name, file)                                 \
	__asm__(".section .rodata\n"                      \
		".global " #name "\n" #name ":\n"         \
		".incbin \"" file "\"\n"                  \
		".global " #name "_end\n" #name "_end:\n" \
		".byte 0\n"                               \
		".previous\n");                           \
	extern const char name[], name##_end[]

EMBED(asset_css, "stats-ui/page.css");
EMBED(asset_js, "stats-ui/page.js");

/* All; the lengths are known when it is linked. */
static const struct {
	const char *option, *type, *bytes, *end;
} assets[] = {
    {";page.css", "text/css; charset=utf-8", asset_css, asset_css_end},
    {";page.js", "text/javascript; charset=utf-8", asset_js, asset_js_end},
};

#define ASSETS (sizeof(assets) / sizeof(assets[0]))

bool
asset_find(const char *suffix, struct asset *out)
{
	size_t n, i;

	for (i = 0; i < ASSETS; i++) {
		n = strlen(assets[i].option);
		if (strncmp(suffix, assets[i].option, n) != 0 ||
		    (suffix[n] != '\0' && suffix[n] != '?'))
			continue;
		out->type = assets[i].type;
		out->bytes = assets[i].bytes;
		out->length = (size_t)(assets[i].end - assets[i].bytes);
		return true;
	}
	return false;
}

unsigned
assets_version(void)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	const char *p;
	size_t i;

	for (i = 0; i < ASSETS; i++)
		for (p = assets[i].bytes; p < assets[i].end; p++)
			hash = (hash ^ (unsigned char)*p) * 16777619u;
	return hash;
}
