#!/usr/bin/env bash
# Is every file formatted as .clang-format says? Other versions of clang-format
# break lines elsewhere, so with those the question is skipped.
# usage: fmt-check.sh FILE ...
set -u

want=14 passed=0 failed=0
version=$(clang-format --version 2>/dev/null | sed 's/.*version \([0-9]*\).*/\1/')
if [ "$version" != "$want" ]; then
	echo "clang-format is ${version:-not installed}, the files are formatted with $want"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
for file; do
	if clang-format --dry-run -Werror "$file"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
