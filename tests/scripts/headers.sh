#!/usr/bin/env bash
# Each header compiles alone, with warnings as errors, and included twice.
set -u

cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
for header in *.h base/*.h conf/*.h health/*.h proxy/*.h stats-ui/*.h; do
	[ -f "$header" ] || continue
	if printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
	    ${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -I. -Wall -Wextra -Wstrict-prototypes \
	    -Werror -fsyntax-only -x c -; then
		passed=$((passed + 1))
	else
		echo "$header does not compile alone"
		failed=$((failed + 1))
	fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
