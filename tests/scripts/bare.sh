#!/usr/bin/env bash
# Does everything work from a bare Debian with only make and the sources? Makes
# one with debootstrap, copies the sources, runs `make demo FAILOVER=1` and `make
# check` in it (or the commands given). Root only. Mirror, proxy, certificates and
# name service are those of this machine, found at run time.
# usage: bare.sh [COMMAND ...]   KEEP=1 keeps the folder
set -u

cd "$(dirname "$0")/../.." || exit 1
folder=$(mktemp -d "${TMPDIR:-/var/tmp}/roleproxy-bare.XXXXXX")
root=$folder/root
trap '[ -n "${KEEP-}" ] || rm -rf --one-file-system "$folder"' EXIT
trap 'exit 130' INT TERM
[ $# -gt 0 ] || set -- "make demo FAILOVER=1" "make check"

# Say why not, and end.
die() {
	echo "bare: $1" >&2
	echo "0 passed, 1 failed"
	exit 1
}

[ "$(id -u)" -eq 0 ] || die "needs root"
command -v debootstrap >/dev/null || die "needs debootstrap (apt-get install debootstrap)"

# The first Debian archive that apt uses here, without updates and security.
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format "\$(SITE) \$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' |
    awk -v s="$suite" '$2 == s && $3 == "main" { print $1; exit }')
[ -n "$mirror" ] || die "apt on this machine has no archive for $suite"

echo "bare: making a bare $suite"
debootstrap --variant=minbase --include=make "$suite" "$root" "$mirror" >"$folder/log" 2>&1 || {
	tail -n 20 "$folder/log"
	die "debootstrap failed"
}
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
apt-config dump --no-empty --format '%F "%v";%n' Acquire::http::Proxy Acquire::https::Proxy \
    Acquire::https::CaInfo >"$root/etc/apt/apt.conf.d/90bare"
if [ -d /etc/ssl/certs ] && [[ $mirror == https:* ]]; then
	mkdir -p "$root/etc/ssl"
	cp -rL /etc/ssl/certs "$root/etc/ssl/"
fi

# The sources as they are here: what git would commit, or else everything.
mkdir "$root/src"
if git rev-parse --git-dir >/dev/null 2>&1; then
	git ls-files -z --cached --others --exclude-standard |
	    tar -c --null --ignore-failed-read -T - 2>/dev/null | tar -x -C "$root/src"
else
	cp -r . "$root/src"
fi

# Run a command in it with process and mount namespaces of its own: when it ends,
# so does all it left. "/" in there is a mount point, so that tests can unshare.
inside() {
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child sh -c '
		mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' \
	    "$root" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
	    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
	    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	    sh -c "cd /src && $1" </dev/null
}

passed=0 failed=0
for command; do
	printf '\nbare: %s\n' "$command"
	start=$SECONDS
	if inside "$command"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "bare: FAILED: $command"
	fi
	echo "bare: $((SECONDS - start)) s"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
