#!/usr/bin/env bash
# A primary, three replicas and three Sentinels in a temporary folder, with
# roleproxy in front: something to try, with nothing to configure. Ctrl-C ends
# all of it. FAILOVER=1: write for ten seconds, kill the primary, show what the
# writing client saw, check that nothing is missing, and exit.
set -u

here=$(cd "$(dirname "$0")" && pwd)
roleproxy=${ROLEPROXY:-$here/../roleproxy}
folder=$(mktemp -d "${TMPDIR:-/tmp}/roleproxy-demo.XXXXXX")
pids=()
write='' read='' page='' primary='' replica1='' replica2='' replica3=''

# End everything that was started, then remove the folder.
cleanup() {
	trap '' INT TERM HUP
	kill "${pids[@]}" 2>/dev/null
	for _ in {1..30}; do
		kill -0 "${pids[@]}" 2>/dev/null || break
		sleep 0.1
	done
	kill -9 "${pids[@]}" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$folder"
	echo "demo: all ended, $folder removed"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Say why not, with the last lines of a log, and end.
die() {
	echo "demo: $1" >&2
	[ $# -lt 2 ] || tail -n 20 "$2" >&2
	exit 1
}

# Does nobody listen on this port?
is_free() {
	! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Set the variable $1 to the first free port from $2 on; never one twice.
taken=" "
free_port() {
	local p=$2
	until [[ $taken != *" $p "* ]] && is_free "$p"; do
		p=$((p + 1))
	done
	taken+="$p "
	printf -v "$1" %s "$p"
}

# The same for a port that the reader expects: say so if it is another.
known_port() {
	free_port "$1" "$2"
	[ "${!1}" = "$2" ] || echo "demo: port $2 is taken, using ${!1} for $3"
}

# Wait until a command succeeds, ten seconds at most.
wait_for() {
	local what=$1 i
	shift
	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	die "no $what within 10 s" "$folder/roleproxy.log"
}

# Does the server on port $1 answer $3... with something that contains $2?
answers() {
	local port=$1 what=$2
	shift 2
	redis-cli -h 127.0.0.1 -p "$port" "$@" 2>/dev/null | grep -q "$what"
}

# Start one Redis server ($1 its name, $2 its port, the rest its settings).
start_redis() {
	local name=$1 port=$2
	shift 2
	mkdir "$folder/$name"
	redis-server --port "$port" --bind 127.0.0.1 --dir "$folder/$name" --save '' \
	    --appendonly no --repl-diskless-sync-delay 0 --logfile "$folder/$name.log" \
	    "$@" >/dev/null 2>&1 &
	pids+=($!)
	disown $!	# bash need not tell when it is killed
	printf -v "pid_${name//-/_}" %s $!
	wait_for "answer from $name" answers "$port" PONG PING
}

# Start one Sentinel ($1 its name, $2 its port).
start_sentinel() {
	mkdir "$folder/$1"
	cat >"$folder/$1/sentinel.conf" <<-END
		port $2
		bind 127.0.0.1
		dir $folder/$1
		logfile $folder/$1.log
		sentinel monitor mymaster 127.0.0.1 $primary 2
		sentinel down-after-milliseconds mymaster 5000
		sentinel failover-timeout mymaster 5000
		sentinel parallel-syncs mymaster 3
	END
	redis-server "$folder/$1/sentinel.conf" --sentinel >/dev/null 2>&1 &
	pids+=($!)
}

for program in redis-server redis-cli python3 "$roleproxy"; do
	command -v "$program" >/dev/null || die "$program is missing; \`make demo\` gets it"
done

known_port write 9000 writes
known_port read 5001 reads
known_port page 8404 "the page"
free_port primary 7001
free_port replica1 7002
free_port replica2 7003
free_port replica3 7004
echo "demo: starting one primary, three replicas and three Sentinels in $folder"
start_redis redis-1 "$primary"
start_redis redis-2 "$replica1" --replicaof "127.0.0.1 $primary"
start_redis redis-3 "$replica2" --replicaof "127.0.0.1 $primary"
start_redis redis-4 "$replica3" --replicaof "127.0.0.1 $primary"
wait_for "replication" answers "$primary" 'slave2:.*state=online' INFO replication
sentinels=()
for i in 1 2 3; do
	free_port port 27001
	sentinels+=("$port")
	start_sentinel "sentinel-$i" "$port"
done

cat >"$folder/roleproxy.ini" <<END
[global]
control-socket = $folder/roleproxy.sock

[backend redis]
server = redis-1 127.0.0.1:$primary
server = redis-2 127.0.0.1:$replica1
server = redis-3 127.0.0.1:$replica2
server = redis-4 127.0.0.1:$replica3

[frontend write]
bind    = 127.0.0.1:$write
backend = redis
route   = primary

[frontend read]
bind    = 127.0.0.1:$read
backend = redis
route   = replica-preferred

[stats]
bind = 127.0.0.1:$page
END
"$roleproxy" -f "$folder/roleproxy.ini" >"$folder/roleproxy.log" 2>&1 &
pids+=($!)
wait_for "route for writes" answers "$write" master ROLE
wait_for "route for reads" answers "$read" slave ROLE
for port in "${sentinels[@]}"; do
	wait_for "agreement of the Sentinels" answers "$port" 'sentinels=3' INFO sentinel
	wait_for "replicas known to the Sentinels" answers "$port" 'slaves=3' INFO sentinel
done

cat <<END

  write   redis-cli -p $write SET hello world
  read    redis-cli -p $read GET hello
  look    http://127.0.0.1:$page/stats    (or /stats.json)
  ask     ./roleproxy ctl -s $folder/roleproxy.sock status    (or watch)
  log     tail -f $folder/roleproxy.log
  fail    kill -9 ${pid_redis_1:?}    (the primary)
  move    redis-cli -p ${sentinels[0]} SENTINEL FAILOVER mymaster

END
if [ -n "${FAILOVER-}" ] && [ "$FAILOVER" != 0 ]; then
	python3 "$here/demo.py" failover --write "$write" --page "$page" --kill "$pid_redis_1" \
	    --victim redis-1
else
	echo "Every change of role is shown here; Ctrl-C ends all of it."
	python3 "$here/demo.py" watch --page "$page"
fi
