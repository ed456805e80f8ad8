#!/usr/bin/env bash
# Run unit test binaries (libcheck) and sum their "100%: Checks: N, Failures: N,
# Errors: N" lines. WRAP is put before each, for instance valgrind.
# One whose only trouble is checks that failed is run once more, and counts by
# that: some depend on the time that a busy machine takes.
# usage: unit.sh BINARY ...
set -u

passed=0 failed=0

# Run one; its output, status and counts are in variables.
run() {
	# shellcheck disable=SC2086
	output=$(${WRAP:-} "$1" 2>&1 </dev/null)
	status=$?
	counts=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\).*/\1 \2 \3/p' \
	    <<<"$output" | tail -n 1)
	read -r checks failures errors <<<"${counts:-0 0 0}"
}

for binary; do
	run "$binary"
	if [ "$failures" -gt 0 ] && [ "$errors" -eq 0 ] && [ "$status" -eq 1 ]; then
		printf '%s\n(again)\n' "$output"
		run "$binary"
	fi
	bad=$((failures + errors))
	passed=$((passed + checks - bad))
	# It crashed, found nothing to do, or a sanitizer or valgrind objected.
	if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$checks" -eq 0 ]; }; then
		bad=1
	fi
	failed=$((failed + bad))
	printf '%-28s %4d checks, %d failed\n' "${binary##*/}" "$checks" "$bad"
	[ "$bad" -eq 0 ] || printf '%s\n(exit code %d)\n' "$output" "$status"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
