#!/usr/bin/env bash
# The rules of style that a script can see: sizes, an opening comment in every
# file, no sleep in tests, one home for each foreign library.
set -u

cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0

# One rule: it passes when its command prints nothing.
rule() {
	local what=$1 found
	shift
	found=$("$@")
	if [ -z "$found" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'not so: %s\n' "$what"
		printf '%s\n' "$found" | sed 's/^/  /'
	fi
}

# Files that are longer than $1 lines.
longer_than() {
	local max=$1
	shift
	awk -v max="$max" 'FNR == 1 && NR > 1 { check() } { n = FNR; f = FILENAME }
	    END { check() } function check() { if (n > max) print f ": " n " lines" }' "$@"
}

# Functions of more than 80 lines: from "{" to "}" in the first column.
long_functions() {
	awk '/^\{/ { start = FNR } /^\}/ && start { if (FNR - start + 1 > 80)
	    print FILENAME ":" start ": " FNR - start + 1 " lines"; start = 0 }' "$@"
}

# Files whose first line (second after #!) is not a comment.
no_opening_comment() {
	local file first
	for file; do
		first=$(sed -e '1{/^#!/d}' "$file" | head -n 1)
		case $file:$first in
		*.[ch]:/\**|*.py:\"\"\"*|*.py:\#*|*.sh:\#*|*run:\#*|Makefile:\#*) ;;
		*) echo "$file" ;;
		esac
	done
}

# Sleeps in end-to-end tests; lib.py may where it polls, a client that is slow on
# purpose says so: "# paced: why".
sleeps() {
	awk 'FNR == 1 { def = "" } /^ *(async )?def / { def = $2 }
	    /(^|[^A-Za-z_.])(time\.)?sleep\(/ &&
	    !/# paced: / && !(FILENAME ~ /lib\.py$/ && def ~ /^(wait|stays|poll)/) {
	    print FILENAME ":" FNR ":" $0 }' "$@"
}

# A library that more than one file of the proxy includes.
homes() {
	local files
	files=$(grep -lE "^#[[:space:]]*include[[:space:]]*<$1>" "${sources[@]}" "${headers[@]}" |
	    grep -v '^ctl')
	[ "$(printf '%s' "$files" | grep -c '')" -le 1 ] || echo "$files"
}

shopt -s nullglob
sources=(*.c base/*.c conf/*.c health/*.c proxy/*.c stats-ui/*.c)
headers=(*.h base/*.h conf/*.h health/*.h proxy/*.h stats-ui/*.h)
tests=(tests/*/*.[ch] tests/*/*/*.[ch])
scripts=(.ci/run deploy/*.sh tests/*/*.sh tests/*/*.py tests/*/*/*.py deploy/*.py)

rule "no file over 800 lines" longer_than 800 "${sources[@]}" "${tests[@]}" "${scripts[@]}"
rule "no header over 120 lines" longer_than 120 "${headers[@]}"
rule "no function over 80 lines" long_functions "${sources[@]}"
rule "every file opens with a comment" no_opening_comment \
    "${sources[@]}" "${headers[@]}" "${tests[@]}" "${scripts[@]}" Makefile
rule "tests wait for a condition, they do not sleep" sleeps tests/e2e/lib.py \
    tests/e2e/test_*.py tests/e2e/chaos/*.py tests/e2e/compare/*.py
rule "lines end without blanks" grep -nE '[[:blank:]]+$' \
    "${sources[@]}" "${headers[@]}" "${tests[@]}" "${scripts[@]}" Makefile
for library in ini.h event2/http.h event2/dns.h jansson.h pcre2.h; do
	rule "<$library> has one home" homes "$library"
done
rule "OpenSSL has one home" homes 'openssl/[a-z0-9]*\.h'
printf '%s lines of code without tests\n' "$(cat "${sources[@]}" "${headers[@]}" | wc -l)"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
