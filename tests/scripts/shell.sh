#!/usr/bin/env bash
# Do the shell scripts parse, and has shellcheck nothing to say about them?
set -u

passed=0 failed=0 skipped=0
cd "$(dirname "$0")/../.." || exit 1
for file in .ci/run deploy/*.sh tests/*/*.sh tests/*/*/*.sh; do
	[ -f "$file" ] || continue
	if ! bash -n "$file"; then
		failed=$((failed + 1))
	elif ! command -v shellcheck >/dev/null; then
		skipped=$((skipped + 1))
	elif shellcheck -x "$file"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
printf '%d passed, %d failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
printf '\n'
[ "$failed" -eq 0 ]
