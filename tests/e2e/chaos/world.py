#!/usr/bin/env python3
"""The world of one chaos run, inside a network namespace of its own.

Every process is a host with an address: servers 127.0.1.N, Sentinels 127.0.2.N,
the proxies and their clients 127.0.0.1 (the kernel picks that source), and the
harness looks on from 127.0.9.9, so that what is cut is never its own view.
"""

import os
import re
import signal
import subprocess
import time

import lib
import servers
from lib import Client, RedisError, wait_for
from load import Load
from watch import Watch

SOURCE = "127.0.9.9"
PROXY = "127.0.0.1"
MASTER = "mymaster"
PORT, SENTINEL_PORT = 6379, 26379


# --- the network ------------------------------------------------------------

class Links:
    """nftables rules that lose packets between addresses on their way in."""

    TABLE = "table ip chaos {\n chain links {\n" \
        "  type filter hook input priority 0; policy accept;\n }\n}\n"

    def __init__(self):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.nft(self.TABLE)

    @staticmethod
    def nft(text):
        """Load some rules."""
        subprocess.run(["nft", "-f", "-"], input=text.encode(), check=True)

    @staticmethod
    def addresses(hosts):
        """The set of the addresses of some hosts."""
        return "{ %s }" % ", ".join(getattr(h, "host", h) for h in hosts)

    def lose(self, a, b, percent=100):
        """Lose packets that go from any of a to any of b."""
        part = "" if percent == 100 else "numgen random mod 100 < %d " % percent
        self.nft("add rule ip chaos links ip saddr %s ip daddr %s %scounter drop\n" % (
            self.addresses(a), self.addresses(b), part))

    def cut(self, a, b):
        """Lose everything between a and b, both ways."""
        self.lose(a, b)
        self.lose(b, a)

    def heal(self):
        """Lose nothing any more; how many packets were lost."""
        text = subprocess.run(["nft", "list", "chain", "ip", "chaos", "links"],
                              capture_output=True, check=True).stdout.decode()
        self.nft("flush chain ip chaos links\n")
        return sum(int(n) for n in re.findall(r"counter packets (\d+)", text))


# --- hosts ------------------------------------------------------------------

class Node(servers.Redis):
    """A redis-server that is a host of its own."""

    CONFIG = {"save": "", "appendonly": "no", "daemonize": "no",
              "repl-diskless-sync-delay": "0", "protected-mode": "no"}

    def __init__(self, lab, number, replica_of=None):
        host = "127.0.1.%d" % number
        super().__init__(lab, "redis-%d" % number, replica_of,
                         {"bind-source-addr": host}, PORT, host)

    def write_config(self):
        """Only once: what Sentinel had it write into the file stays."""
        if not os.path.exists(self.path):
            super().write_config()

    def connect(self):
        """A connection from the harness."""
        client = Client(self.address, source=SOURCE)
        client("CLIENT", "SETNAME", "test")
        return client

    def follows(self, primary):
        """Is it a replica of that one, with the link up?"""
        i = self.info()
        return i["role"] == "slave" and i["master_host"] == primary.host \
            and i["master_link_status"] == "up"

    def offset(self):
        """How far it has got in the stream of writes."""
        i = self.info()
        return int(i["master_repl_offset"])

    def alive(self):
        """Is it running, and not stopped?"""
        return self.child.running() and not self.child.stopped


class Nodes(servers.Group):
    """One primary and its replicas, each a host."""

    def __init__(self, lab, replicas=3):
        self.primary = Node(lab, 1)
        self.replicas = [Node(lab, i + 2, self.primary) for i in range(replicas)]
        self.servers = [self.primary] + self.replicas
        self.wait_linked()

    def named(self, host):
        """The server that has this address."""
        return next(s for s in self.servers if s.host == host)


class Guard:
    """A Sentinel as a host: what a fault needs to know of it."""

    def __init__(self, number, child):
        self.number, self.child = number, child
        self.host = "127.0.2.%d" % (number + 1)
        self.address = (self.host, SENTINEL_PORT)

    def alive(self):
        """Is it running, and not stopped?"""
        return self.child.running() and not self.child.stopped


class Guards(servers.Sentinels):
    """Three Sentinels, each a host."""

    def __init__(self, lab, group, down_after, env=None):
        self.env = env
        self.all = []
        self.ports = [SENTINEL_PORT] * 3
        self.lab, self.group, self.master = lab, group, MASTER
        self.groups, self.password = {MASTER: group}, None
        for i in range(3):
            self.begin(i, SENTINEL_PORT, 2, down_after)
        self.wait_known(3)
        self.pace(self.USUAL)

    @property
    def children(self):
        """Their processes."""
        return [g.child for g in self.all]

    def begin(self, i, port, quorum, down_after):
        """Start one for the first time."""
        folder = os.path.join(self.lab.folder, "sentinel-%d" % (i + 1))
        os.makedirs(folder)
        guard = Guard(i, None)
        lines = [
            "port %d" % port, "bind %s" % guard.host,
            "bind-source-addr %s" % guard.host, "dir %s" % folder,
            "protected-mode no",
            "sentinel monitor %s %s %d %d" % (
                self.master, self.group.primary.host, PORT, quorum),
            "sentinel down-after-milliseconds %s %d" % (self.master, down_after),
            "sentinel failover-timeout %s 4000" % self.master,
            "sentinel parallel-syncs %s 3" % self.master,
        ]
        self.lab.file("sentinel-%d/sentinel.conf" % (i + 1), "\n".join(lines) + "\n")
        self.all.append(guard)
        self.run(guard)

    def run(self, guard):
        """Start one, again too: it goes on from its file."""
        path = os.path.join(self.lab.folder, "sentinel-%d/sentinel.conf" % (
            guard.number + 1))
        guard.child = self.lab.spawn("sentinel-%d" % (guard.number + 1), [
            "redis-server", path, "--sentinel"], env=self.env)

    def command(self, i, *args):
        """One command to one Sentinel."""
        with Client(self.all[i].address, timeout=2, source=SOURCE) as c:
            return c(*args)

    def named(self, i=0):
        """The server that a Sentinel names as the primary."""
        return self.group.named(self.ask(i, "GET-MASTER-ADDR-BY-NAME", self.master)[0])

    def verdict(self):
        """The server that all Sentinels that run name, None if they differ."""
        names = {self.named(g.number) for g in self.all if g.alive()}
        return names.pop() if len(names) == 1 else None

    def replica(self, i, server):
        """What a Sentinel knows of a replica, as a dictionary."""
        return next(r for r in (dict(zip(flat[::2], flat[1::2]))
                                for flat in self.ask(i, "REPLICAS", self.master))
                    if r["ip"] == server.host)

    def calm(self):
        """Do all that run agree, and is no failover or doubt under way?"""
        return self.verdict() is not None and all(
            self.state(g.number)["flags"] == "master" for g in self.all if g.alive())

    def request(self, i=0):
        """SENTINEL FAILOVER, as soon as it is taken; when it was."""
        def taken():
            nonlocal when
            when = time.monotonic()
            return self.ask(i, "FAILOVER", self.master) == "OK"
        when = 0.0
        wait_for(taken, "SENTINEL FAILOVER", 60)
        return when


# --- what is judged ---------------------------------------------------------

class Roleproxy(servers.Proxy):
    """roleproxy with the group's four servers and no line about Sentinels."""

    NAME = "roleproxy"

    def __init__(self, world, number=0):
        name = "roleproxy" + ("-%d" % (number + 1) if number else "")
        super().__init__(world.lab, world.nodes.servers, backend=world.backend,
                         name=name, start=False, glob={"session-log": "errors"},
                         env=world.env)
        world.lab.proxies.append(self)

    def knows_sentinels(self):
        """Has it found three Sentinels?"""
        stats = self.stats()
        known = stats.get("sentinels") or self.backend().get("sentinels") or []
        return len(known) >= 3

    def wait_fit(self):
        """Wait until it has found the Sentinels, or had the time to."""
        end = time.monotonic() + 5
        wait_for(lambda: self.knows_sentinels() or time.monotonic() > end, "Sentinels")


class Haproxy:
    """HAProxy with a check of `role:master` once a second, as the compose stack
    has it."""

    NAME = "haproxy"
    SERVER = "inter 1s"
    BACKEND = "balance source"
    ROLE = "tcp-check expect string role:master"

    def __init__(self, world, number=0):
        self.world = world
        self.name = self.NAME + ("-%d" % (number + 1) if number else "")
        self.port = world.lab.ports.take()
        self.path = world.lab.file(self.name + ".cfg", self.config())
        self.child = None

    def config(self):
        """Its configuration file."""
        lines = [
            "defaults", "mode tcp", "timeout connect 5s", "timeout client 1m",
            "timeout server 1m", "timeout tunnel 24d",
            "frontend write", "bind %s:%d" % (PROXY, self.port),
            "default_backend primary",
            "backend primary", self.BACKEND, "option tcp-check",
            r"tcp-check send PING\r\n", "tcp-check expect string +PONG",
            r"tcp-check send info\ replication\r\n", self.ROLE,
            r"tcp-check send QUIT\r\n", "tcp-check expect string +OK",
            "default-server check " + self.SERVER,
        ]
        lines += ["server %s %s:%d" % (s.name, s.host, s.port)
                  for s in self.world.nodes.servers]
        return "\n".join(lines) + "\n"

    def address(self, _):
        """Where it listens."""
        return (PROXY, self.port)

    def start(self, wait=True):
        """Start it, and wait until only the primary takes connections."""
        self.child = self.world.lab.spawn(self.name, ["haproxy", "-db", "-f", self.path])
        if wait:
            wait_for(self.answers, "answers through " + self.name, 20)

    def answers(self):
        """Do ten new connections in a row reach a primary?"""
        for i in range(10):
            with Client(self.address("write")) as c:
                c("SET", "ready", i)
        return True

    def wait_fit(self):
        """Nothing more to wait for."""


class HaproxyTuned(Haproxy):
    """HAProxy with what its manual offers against stale primaries."""

    NAME = "haproxy-tuned"
    SERVER = "inter 1s fall 1 rise 1 on-marked-down shutdown-sessions"
    BACKEND = "balance first"
    ROLE = "tcp-check expect min-recv 60 string role:master"


CANDIDATES = {c.NAME: c for c in (Roleproxy, Haproxy, HaproxyTuned)}


class World:
    """Everything of one run; the faults work on this."""

    PROXY = PROXY

    def __init__(self, lab, candidate, down_after=5000, backend=None, proxies=1,
                 load=None, env=None, guard_env=None):
        self.lab, self.down_after = lab, down_after
        self.backend, self.env = backend or {}, env
        self.links = Links()
        self.nodes = Nodes(lab)
        self.guards = Guards(lab, self.nodes, down_after, guard_env)
        self.first = self.nodes.primary
        self.watch = Watch(self.nodes.servers, [g.address for g in self.guards.all],
                           SOURCE)
        lab.closers.append(self.watch.stop)
        self.proxies = [CANDIDATES[candidate](self, i) for i in range(proxies)]
        self.load_options = load or {}
        self.load = None
        self.start = None       # when the fault began
        self.stray = None       # writes at a server that must not get any

    # --- before and after

    def begin(self, wait=True):
        """Start the proxies and the clients, and let them run for a while."""
        for p in self.proxies:
            p.start()
        if wait:
            for p in self.proxies:
                p.wait_fit()
        self.write()
        if wait:
            self.pace(2.5, "ordinary work before the fault")

    def write(self):
        """Start the clients."""
        self.load = Load(self.lab, [p.address("write") for p in self.proxies],
                         **self.load_options)
        wait_for(lambda: self.load.count() > 50, "the first writes", 20)

    def mark(self):
        """The fault begins now."""
        self.start = time.monotonic()

    @staticmethod
    def pace(seconds, _why):
        """Let the clients go on for that long."""
        time.sleep(seconds)     # paced: the fault lasts, or work goes on

    def settled(self):
        """Do all Sentinels name one primary, whom all that live follow?"""
        p = self.guards.verdict()
        return p is not None and p.alive() and p.role() == "master" and all(
            s.follows(p) for s in self.nodes.servers if s is not p and s.alive())

    def settle(self):
        """Wait until the group has settled, the clients still writing; end
        them; wait until the replicas have it all. The primary at the end."""
        wait_for(self.settled, "settled group", 120)
        at = self.load.count()
        end = time.monotonic() + 15
        wait_for(lambda: self.load.count() > at + 500 or time.monotonic() > end,
                 "writes after it", 20)
        self.load.stop()
        wait_for(self.settled, "settled group", 60)
        p = self.guards.verdict()
        wait_for(lambda: len({s.offset() for s in self.nodes.servers if s.alive()}) == 1,
                 "equal offsets", 30)
        return p

    # --- words for the faults

    @property
    def primary(self):
        """The primary by the Sentinels' word."""
        return wait_for(self.guards.verdict, "verdict", 60)

    def replicas(self, of=None):
        """All servers but one, by default the primary."""
        of = of or self.primary
        return [s for s in self.nodes.servers if s is not of]

    def failover(self, i=0):
        """A planned failover, asked of one Sentinel; when it was taken."""
        return self.guards.request(i)

    def wait_promotion(self, since=None, timeout=60):
        """Wait until a replica has become a primary; when, and which."""
        since = self.start if since is None else since
        return wait_for(lambda: self.watch.promotions(since), "promotion",
                        timeout)[0]

    def wait_named(self, old, timeout=60):
        """Wait until all Sentinels name another than old."""
        return wait_for(lambda: (self.guards.verdict() or old) is not old
                        and self.guards.verdict(), "verdict", timeout)

    def wait_event(self, channel, since=None, timeout=60):
        """Wait for an event of any Sentinel: (time, Sentinel, text)."""
        since = self.start if since is None else since
        return wait_for(lambda: self.watch.event(channel, since), channel, timeout)

    @staticmethod
    def until(when):
        """Let the clients go on until that moment."""
        time.sleep(max(0, when - time.monotonic()))     # paced: the fault's timing

    def restart(self, server):
        """End a replica as an operator would, and start it again."""
        server.child.signal(signal.SIGTERM)
        server.child.wait(20)
        server.start()
        wait_for(lambda: server.follows(self.primary), "its link", 30)

    def stand_alone(self, server, seconds, action=None):
        """SETs that a server runs as long as it says primary, these seconds at
        most: not one of them came by replication. action is called when the
        counting has begun."""
        first = last = None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                info = lib.parse_info(server("INFO", "everything"))
            except (OSError, RedisError):
                continue
            if info["role"] != "master":
                break
            last = calls_of_set(info)
            if first is None:
                first = last
                if action:
                    action()
            time.sleep(0.005)   # paced: between two looks
        return (last or 0) - (first or 0)


def calls_of_set(info):
    """How many SETs a server ran, by its INFO."""
    return int(info.get("cmdstat_set", "calls=0").split(",")[0].split("=")[1])
