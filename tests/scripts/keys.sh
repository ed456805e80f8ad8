#!/usr/bin/env bash
# Is each configuration key that --help-config prints in the sample and in the
# manual, with its default, and do these name no key that there is not?
set -u

cd "$(dirname "$0")/../.." || exit 1
roleproxy=${ROLEPROXY:-./roleproxy}
passed=0 failed=0

# Lines "section key default" of what --help-config prints.
of_program() {
	"$roleproxy" --help-config | awk '/^\[/ { gsub(/[][]/, ""); s = $1; next }
	    NF { print s, $1, $2 }'
}

# The same of the sample: settings, commented out or not.
of_sample() {
	awk '/^\[/ { gsub(/[][]/, ""); s = $1; next }
	    /^;?[^ #;=]+ *=/ { sub(/^;/, ""); k = $1; sub(/^[^=]*= */, "")
	    print s, k, $1 }' conf/roleproxy.ini
}

# The same of the manual: ".It Ic key" with its default behind "=", in a ".Ss".
of_manual() {
	awk '/^\.S[hs] / { s = $2; gsub(/[][]/, "", s); next }
	    /^\.It Ic / { print s, $3, $4 == "=" ? $5 : "-" }' man/roleproxy.ini.5
}

# Count a check; it fails with this text.
fail() {
	echo "$1"
	failed=$((failed + 1))
}

program=$(of_program) sample=$(of_sample) manual=$(of_manual)
[ -n "$program" ] || fail "$roleproxy --help-config prints no keys"
while read -r section key default; do
	if ! grep -q "^$section $key " <<<"$sample"; then
		fail "[$section] $key is not in conf/roleproxy.ini"
	elif [ "$default" != - ] && ! grep -qxF "$section $key $default" <<<"$sample"; then
		fail "[$section] $key: conf/roleproxy.ini does not show its default, $default"
	elif ! grep -qxF "$section $key $default" <<<"$manual"; then
		fail "[$section] $key is not in man/roleproxy.ini.5 with its default, $default"
	else
		passed=$((passed + 1))
	fi
done <<<"$program"
while read -r section key _; do
	if grep -q "^$section $key " <<<"$program"; then
		passed=$((passed + 1))
	else
		fail "[$section] $key is no key, but the sample or the manual has it"
	fi
done < <(printf '%s\n%s\n' "$sample" "$manual" | sort -u)
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
