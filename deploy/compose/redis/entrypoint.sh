#!/bin/sh
# Start one member of the group under the name that it has in the network, so
# that Sentinels and replicas find it when it comes back with another address.
# usage: entrypoint.sh primary NAME | replica NAME PRIMARY | sentinel NAME PRIMARY
set -eu

password=${REDIS_PASSWORD:?is not set}
role=$1 name=$2 primary=${3-}

case $role in
sentinel)
	# Sentinel writes down what it learns: a restart must not forget it.
	if [ ! -e sentinel.conf ]; then
		cat >sentinel.conf <<-EOF
		port 26379
		sentinel resolve-hostnames yes
		sentinel announce-hostnames yes
		sentinel announce-ip $name
		sentinel monitor mymaster $primary 6379 2
		sentinel auth-pass mymaster $password
		sentinel down-after-milliseconds mymaster ${DOWN_AFTER:-5000}
		sentinel failover-timeout mymaster ${FAILOVER_TIMEOUT:-10000}
		EOF
	fi
	exec redis-sentinel sentinel.conf ;;
primary|replica)
	if [ ! -e redis.conf ]; then
		cat >redis.conf <<-EOF
		bind * -::*
		dir /data
		appendonly yes
		requirepass $password
		masterauth $password
		replica-announce-ip $name
		EOF
		if [ "$role" = replica ]; then
			echo "replicaof $primary 6379" >>redis.conf
		fi
	fi
	exec redis-server redis.conf ;;
*)
	echo "usage: entrypoint.sh primary|replica|sentinel NAME [PRIMARY]" >&2
	exit 2 ;;
esac
