#!/usr/bin/env bash
# Build each fuzzer and run all of them side by side for FUZZ_SECONDS; an input
# that breaks one is left in build-fuzz. Seeds: tests/fuzz/corpus/X for fuzz_X.
# usage: fuzz.sh FUZZER ...
set -u

passed=0 failed=0 pids=()
trap 'kill "${pids[@]}" 2>/dev/null' EXIT

for name; do
	if ! ${MAKE:-make} --no-print-directory "$name"; then
		failed=$((failed + 1))
		continue
	fi
	seeds=tests/fuzz/corpus/${name#fuzz_}
	mkdir -p "build-fuzz/corpus-$name"
	"build-fuzz/$name" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 \
	    -print_final_stats=1 -artifact_prefix="build-fuzz/$name-" \
	    "build-fuzz/corpus-$name" ${seeds:+$([ -d "$seeds" ] && echo "$seeds")} \
	    >"build-fuzz/$name.log" 2>&1 </dev/null &
	pids+=($!)
	names[$!]=$name
done
for pid in "${pids[@]}"; do
	name=${names[$pid]}
	if wait "$pid"; then
		passed=$((passed + 1))
		printf '%s: %s runs, nothing found\n' "$name" \
		    "$(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$name.log")"
	else
		failed=$((failed + 1))
		printf '%s: found something\n' "$name"
		tail -n 40 "build-fuzz/$name.log"
	fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
