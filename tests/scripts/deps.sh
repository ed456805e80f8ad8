#!/bin/sh
# Install the Debian packages that are missing, for a purpose; nothing when all
# are there. Needs root for that, and a mirror in apt's configuration.
# usage: deps.sh demo | test | full | bench
set -eu

build='gcc libc6-dev make pkg-config libevent-dev libinih-dev libjansson-dev libpcre2-dev'
build="$build libssl-dev"
demo="$build redis-server redis-sentinel redis-tools python3"
test="$demo check clang clang-format shellcheck netcat-openbsd curl procps util-linux"
test="$test nftables iproute2 python3-redis haproxy socat prometheus-haproxy-exporter prometheus"
# Ubuntu has Chromium as a snap only; without it the tests of the page are skipped.
if grep -q '^ID=debian' /etc/os-release 2>/dev/null; then
	test="$test chromium chromium-driver python3-selenium"
fi
case ${1:-test} in
demo)	want=$demo ;;
test)	want=$test ;;
full)	want="$test valgrind libclang-rt-14-dev keepalived" ;;
bench)	want="$demo haproxy nginx libnginx-mod-stream" ;;
*)	echo "usage: deps.sh demo|test|full|bench" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
	echo "deps: not a Debian or Ubuntu; please install what these packages contain:" >&2
	echo "  $want" >&2
	exit 0
fi

missing=
for p in $want; do
	dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed' ||
	    missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "deps: some packages are missing, and installing them needs root. Please run:" >&2
	echo "  sudo apt-get install -y --no-install-recommends$missing" >&2
	exit 1
fi

# Packages must not start their services while they are installed: the demo and
# the tests start their own. invoke-rc.d asks this file; one that is there stays.
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
remove=$log
trap 'rm -f $remove' EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
	remove="$log $policy"
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
{ apt-get -q update && apt-get -q install -y --no-install-recommends $missing; } \
    >"$log" 2>&1 </dev/null || { cat "$log" >&2; exit 1; }
