#!/usr/bin/env bash
# Run steps one after another and sum what they counted. A step is a make target
# or a script; it goes on after one that failed. The closing line of a step is
# "N passed, N failed[, N skipped]"; a step without one counts as one itself.
# usage: tally.sh STEP ...
set -u

passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
jobs=-j$(nproc)
case ${MAKEFLAGS-} in
*jobserver*) jobs= ;;	# the make above us shares out its own
esac

# Run one step, show and keep its output, add what it counted.
step() {
	local name=$1 start=$SECONDS status line p=0 f=0 s=0

	printf '\n== %s\n' "$name"
	case $name in
	*/*)	"$name" 2>&1 </dev/null | tee "$log" ;;
	*)	${MAKE:-make} -s --no-print-directory ${jobs:+"$jobs"} ${WERROR:+WERROR="$WERROR"} \
		    "$name" 2>&1 </dev/null | tee "$log" ;;
	esac
	status=${PIPESTATUS[0]}
	line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
	if [ -n "$line" ]; then
		read -r p _ f _ s _ <<<"$line"
		s=${s:-0}
	else
		p=1
	fi
	# Whatever was counted, a step that says it failed has failed.
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
		[ -n "$line" ] || p=0
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf -- '-- %s: %s, %d s\n' "$name" \
	    "$([ "$f" -eq 0 ] && echo ok || echo FAILED)" $((SECONDS - start))
}

for name; do
	step "$name"
done
echo
printf '%d passed, %d failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
printf '\n'
[ "$failed" -eq 0 ]
