#!/usr/bin/env python3
"""A Sentinel that lies: it speaks enough of the protocol to be taken for one,
and names a replica as the primary, with an epoch that no one can beat."""

import socketserver
import threading

from lib import encode
from watch import parse
from world import MASTER, SENTINEL_PORT

EPOCH = 1000000


def resp(value):
    """A reply as RESP: int, None, str (a bulk), list."""
    if isinstance(value, int):
        return b":%d\r\n" % value
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, list):
        return b"*%d\r\n" % len(value) + b"".join(resp(v) for v in value)
    return encode(value).split(b"\r\n", 1)[1]


def flat(pairs):
    """A dictionary as the flat list that Sentinel answers with."""
    return [x for kv in pairs.items() for x in kv]


class Handler(socketserver.BaseRequestHandler):
    """One connection to it."""

    def handle(self):
        """Answer commands until the other side ends."""
        liar, data = self.server.liar, b""
        while True:
            try:
                more = self.request.recv(65536)
            except OSError:
                return
            if not more:
                return
            data += more
            while True:
                if data and data[:1] != b"*":       # an inline command
                    if b"\r\n" not in data:
                        break
                    line, data = data.split(b"\r\n", 1)
                    command = line.decode(errors="replace").split()
                else:
                    item = parse(data)
                    if item is None:
                        break
                    command, data = item[0], data[item[1]:]
                if command:
                    self.request.sendall(
                        liar.answer([str(c) for c in command], self.client_address[0]))


class Liar:
    """The lying Sentinel, in threads of the harness."""

    host = "127.0.2.9"
    run_id = "f" * 40

    def __init__(self, world, chosen):
        self.world, self.chosen = world, chosen
        self.runs = {s: s.info("server")["run_id"] for s in world.nodes.servers}
        self.asked = set()
        self.server = socketserver.ThreadingTCPServer(
            (self.host, SENTINEL_PORT), Handler)
        self.server.daemon_threads = True
        self.server.liar = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        """Take no more connections."""
        self.server.shutdown()
        self.server.server_close()

    def asked_by(self, host):
        """Did that host ask it for the primary?"""
        return host in self.asked

    def primary(self):
        """SENTINEL MASTER: a lie."""
        c = self.chosen
        return flat({
            "name": MASTER, "ip": c.host, "port": str(c.port), "runid": self.runs[c],
            "flags": "master", "link-pending-commands": "0", "link-refcount": "1",
            "last-ping-sent": "0", "last-ok-ping-reply": "200",
            "last-ping-reply": "200", "down-after-milliseconds": "5000",
            "info-refresh": "500", "role-reported": "master",
            "role-reported-time": "100000", "config-epoch": str(EPOCH),
            "num-slaves": "3", "num-other-sentinels": "3", "quorum": "2",
            "failover-timeout": "4000", "parallel-syncs": "3"})

    def replicas(self):
        """SENTINEL REPLICAS: the real primary among them."""
        return [flat({
            "name": "%s:%d" % s.address, "ip": s.host, "port": str(s.port),
            "runid": self.runs[s], "flags": "slave", "last-ok-ping-reply": "200",
            "role-reported": "slave", "master-link-status": "ok",
            "master-host": self.chosen.host, "master-port": str(self.chosen.port),
            "slave-priority": "100", "slave-repl-offset": "0"})
            for s in self.world.nodes.servers if s is not self.chosen]

    def sentinels(self):
        """SENTINEL SENTINELS: the three."""
        return [flat({"name": g.host, "ip": g.host, "port": str(SENTINEL_PORT),
                      "runid": "%040d" % g.number, "flags": "sentinel"})
                for g in self.world.guards.all]

    def sentinel(self, command, host):
        """The reply to a SENTINEL command."""
        word = command[1].lower() if len(command) > 1 else ""
        if word == "get-master-addr-by-name":
            self.asked.add(host)
            return resp([self.chosen.host, str(self.chosen.port)])
        if word == "master":
            self.asked.add(host)
            return resp(self.primary())
        if word == "is-master-down-by-addr":
            return resp([0, "*", 0])
        lists = {"masters": lambda: [self.primary()], "replicas": self.replicas,
                 "slaves": self.replicas, "sentinels": self.sentinels,
                 "myid": lambda: self.run_id}
        if word in lists:
            return resp(lists[word]())
        return b"-ERR unknown subcommand\r\n"

    def answer(self, command, host):
        """The reply to any command."""
        word = command[0].lower()
        if word == "sentinel":
            return self.sentinel(command, host)
        if word in ("subscribe", "psubscribe"):
            return b"".join(resp([word, name, i + 1])
                            for i, name in enumerate(command[1:]))
        if word == "ping":
            return b"+PONG\r\n"
        if word == "publish":
            return resp(1)
        if word == "role":
            return resp(["sentinel", [MASTER]])
        if word == "info":
            return resp("# Server\r\nredis_version:7.0.15\r\nredis_mode:sentinel\r\n"
                        "run_id:%s\r\n# Sentinel\r\nsentinel_masters:1\r\n"
                        "sentinel_tilt:0\r\nmaster0:name=%s,status=ok,address=%s:%d,"
                        "slaves=3,sentinels=4\r\n" % (
                            self.run_id, MASTER, self.chosen.host, self.chosen.port))
        return b"+OK\r\n"
