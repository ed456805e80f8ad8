#!/usr/bin/env python3
"""Which server a session gets: routes, balances, workers."""

import collections
import os
import re
import threading
import time

import lib
from lib import HOST, RedisError, alone, equal, short, stays, wait_for
from services import Service, SlowLink, exactly, says

ROUTES = ("primary", "primary-preferred", "replica", "replica-preferred",
          "any", "any-replica", "lowest-latency")
REPLICAS = {"redis-2", "redis-3", "redis-4"}
EVERYONE = REPLICAS | {"redis-1"}


def sessions(p, frontend, n):
    """n sessions that stay."""
    clients = []
    for _ in range(n):
        clients.append(p.client(frontend))
        clients[-1]("PING")
    return clients


def spread(g, clients):
    """How many of these clients each server has, by its own word."""
    count = collections.Counter(g.serving(c) for c in clients)
    for s in g.servers:
        if s.child.running():
            assert len(s.sessions()) >= count[s.name], s.name
    return count


@short
def test_page_and_json_name_the_writer(t):
    """/stats.json and the page say who is what."""
    g = t.group()
    p = t.proxy(g)
    equal(p.writer(), "redis-1")
    p.wait_up(*g.servers)
    for s in g.servers:
        j = p.server(s)
        equal(j["role"], "primary" if s is g.primary else "replica", s.name)
        equal(j["address"], "%s:%d" % s.address, s.name)
    names = [s["name"] for s in p.backend()["servers"]]
    equal(names, ["redis-1", "redis-2", "redis-3", "redis-4"], "order")
    page = p.page()
    for word in names + ["write", "read", "redis", "primary", "replica", "UP"]:
        assert word in page, "%r is not on the page" % word
    equal(p.frontend("write")["route"], "primary")
    equal(p.frontend("read")["route"], "replica-preferred")
    assert any(str(p.ports["read"]) in b for b in p.frontend("read")["bind"])


def test_order_of_servers_does_not_matter(t):
    """The primary is the last one listed."""
    g = t.group()
    p = t.proxy(g.replicas + [g.primary])
    equal(p.writer(), "redis-1")
    equal(g.serving(p.client()), "redis-1")


@short
def test_no_readonly_at_start(t):
    """Clients that write from the first moment, thrice: never READONLY."""
    g = t.group()
    p = t.proxy(g.replicas + [g.primary], start=False)
    for _ in range(3):
        w = t.writers(p.address("write"), 4, per_connection=3)
        wait_for(lambda: w.broken, "attempt to connect")
        p.start(wait=False)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            w.wait_more(50)
        w.stop()
        equal(dict(w.errors), {}, "error replies")
        equal(w.lost(g.primary), [], "lost")
        equal(p.stop(), 0, "exit code")
    for r in g.replicas:
        equal(r.errors("READONLY"), 0, "READONLY at " + r.name)


def test_no_write_at_start_to_a_lone_replica(t):
    """A replica whose primary is not there: writes are held, not sent."""
    g = t.group(1)
    g.primary.kill()
    p = t.proxy(g, backend={"hold": "1s"})
    c = p.client()
    try:
        c("SET", "a", "1")
        raise AssertionError("served")
    except RedisError as e:
        assert str(e).startswith("LOADING roleproxy: no "), e
    equal(p.writer(), None)
    equal(g[1].errors("READONLY"), 0)


@short
def test_routes(t):
    """Each route uses the servers that its name says, and all of them."""
    g = t.group()
    p = t.proxy(g, frontends={r: {"route": r, "balance": "roundrobin"}
                              for r in ROUTES})
    p.wait_up(*g.servers)
    expected = {
        "primary": {"redis-1"}, "primary-preferred": {"redis-1"},
        "replica": REPLICAS, "replica-preferred": REPLICAS,
        "any": EVERYONE, "any-replica": REPLICAS,
    }
    for route, want in expected.items():
        equal(set(spread(g, sessions(p, route, 12))), want, route)
    assert set(spread(g, sessions(p, "lowest-latency", 4))) <= EVERYONE


def test_routes_without_replicas(t):
    """All replicas killed: what still finds a server, and which."""
    g = t.group()
    p = t.proxy(g, backend={"hold": "500ms"},
                frontends={r: {"route": r} for r in ROUTES})
    for r in g.replicas:
        r.kill()
    p.wait_down(*g.replicas)
    for route in ROUTES:
        c = p.client(route)
        if route in ("replica", "any-replica"):
            try:
                c("PING")
                raise AssertionError(route + " was served")
            except RedisError as e:
                assert str(e).startswith("LOADING roleproxy: no replica "), e
        else:
            equal(g.serving(c), "redis-1", route)


def test_routes_without_primary(t):
    """The primary killed: what still finds a server, and which."""
    g = t.group()
    p = t.proxy(g, backend={"hold": "500ms"},
                frontends={r: {"route": r} for r in ROUTES})
    p.wait_up(*g.servers)
    g.primary.kill()
    p.wait_down(g.primary)
    for route in ROUTES:
        c = p.client(route)
        if route == "primary":
            try:
                c("PING")
                raise AssertionError(route + " was served")
            except RedisError as e:
                assert str(e).startswith("LOADING roleproxy: no primary "), e
        else:
            assert g.serving(c) in REPLICAS, route


def test_lowest_latency(t):
    """The server whose checks come back fastest."""
    g = t.group(2)
    slow = [SlowLink(t, s.address, 0.03) for s in (g[0], g[1])]
    p = t.proxy([slow[0].line("redis-1"), slow[1].line("redis-2"), g[2]],
                frontends={"in": {"route": "lowest-latency"}})
    p.wait_up("redis-1", "redis-2", "redis-3")
    equal(spread(g, sessions(p, "in", 6)), {"redis-3": 6})


def balanced(t, balance, n, servers=None, options=None, **glob):
    """Sessions of a read frontend, by server."""
    g = t.group()
    names = [(s, (options or {}).get(s.name, "")) for s in g.servers]
    p = t.proxy(names, frontends={"in": {"route": "replica", "balance": balance}},
                glob=glob)
    p.wait_readable(*g.replicas)
    return g, p, spread(g, sessions(p, "in", n))


@short
def test_roundrobin(t):
    """In turn: three each."""
    _, _, got = balanced(t, "roundrobin", 9, workers=1)
    equal(got, {"redis-2": 3, "redis-3": 3, "redis-4": 3})


def test_roundrobin_weights(t):
    """1 : 2 : 3."""
    _, _, got = balanced(t, "roundrobin", 12, workers=1, options={
        "redis-2": "weight=50", "redis-3": "weight=100", "redis-4": "weight=150"})
    equal(got, {"redis-2": 2, "redis-3": 4, "redis-4": 6})


def test_roundrobin_two_workers(t):
    """Nearly even over two workers."""
    _, _, got = balanced(t, "roundrobin", 30)
    for name in REPLICAS:
        assert 8 <= got[name] <= 12, got


@short
def test_leastconn(t):
    """The one with the fewest sessions, also when some have gone."""
    g, p, got = balanced(t, "leastconn", 6, workers=1)
    equal(got, {"redis-2": 2, "redis-3": 2, "redis-4": 2})
    mine = sessions(p, "in", 6)
    for c in mine:
        if g.serving(c) == "redis-3":
            c.close()
    wait_for(lambda: p.server("redis-3")["sessions"] <= 2, "sessions gone")


def test_leastconn_fills_the_emptiest(t):
    """Sessions that end make room on their server."""
    g = t.group()
    p = t.proxy(g, frontends={"in": {"route": "replica", "balance": "leastconn"}},
                glob={"workers": 1})
    p.wait_readable(*g.replicas)
    mine = sessions(p, "in", 12)
    equal(set(spread(g, mine).values()), {4})
    gone = [c for c in mine if g.serving(c) == "redis-3"]
    for c in gone:
        c.close()
    wait_for(lambda: p.server("redis-3")["sessions"] == 0, "sessions gone")
    equal(spread(g, sessions(p, "in", len(gone))), {"redis-3": len(gone)})


def test_leastconn_weights(t):
    """1 : 2 : 3."""
    _, _, got = balanced(t, "leastconn", 12, workers=1, options={
        "redis-2": "weight=50", "redis-3": "weight=100", "redis-4": "weight=150"})
    equal(got, {"redis-2": 2, "redis-3": 4, "redis-4": 6})


def test_leastconn_two_workers(t):
    """Nearly even over two workers."""
    _, _, got = balanced(t, "leastconn", 30)
    for name in REPLICAS:
        assert 8 <= got[name] <= 12, got


def test_random(t):
    """Two choices: nobody is forgotten, nobody has it all."""
    _, _, got = balanced(t, "random", 45)
    for name in REPLICAS:
        assert 8 <= got[name] <= 22, got


def by_source(g, p, hosts):
    """Which server each client address gets."""
    out = {}
    for host in hosts:
        with p.client("in", source=host) as c:
            out[host] = g.serving(c)
    return out


def test_source(t):
    """The same client, the same server; different clients are spread."""
    g, p, _ = balanced(t, "source", 1)
    hosts = ["127.0.2.%d" % i for i in range(1, 31)]
    first = by_source(g, p, hosts)
    for _ in range(3):
        equal(by_source(g, p, hosts), first, "servers by client")
    equal(set(first.values()), REPLICAS, "servers used")
    got = collections.Counter(first.values())
    assert max(got.values()) <= 22, got


def test_first(t):
    """The first one until it is full, then the next."""
    _, _, got = balanced(t, "first", 7, workers=1, options={
        "redis-2": "maxconn=2", "redis-3": "maxconn=3"})
    equal(got, {"redis-2": 2, "redis-3": 3, "redis-4": 2})


def test_backup(t):
    """A backup server is used when no other is left, and only then."""
    g, p, got = balanced(t, "roundrobin", 6, options={"redis-4": "backup"})
    equal(set(got), {"redis-2", "redis-3"})
    g[1].kill()
    g[2].kill()
    p.wait_down(g[1], g[2])
    equal(spread(g, sessions(p, "in", 3)), {"redis-4": 3})
    g[1].start()
    g.wait_linked(g.primary, [g[1]])
    p.wait_up(g[1])
    wait_for(lambda: g.serving(p.client("in")) == "redis-2", "way back")


def test_first_backup(t):
    """all-backups = off: of several backups the first one that is fit, and the
    next only if that cannot be connected to."""
    services = [Service(t, says(name)) for name in "abc"]
    lines = [services[0].line("a", "disabled"), services[1].line("b", "backup"),
             services[2].line("c", "backup")]
    p = t.proxy(lines, backend={"check": "none", "all-backups": "off"},
                frontends={"in": {"route": "any", "balance": "roundrobin"}})
    got = [lib.connect(p.address("in")).recv(9) for _ in range(4)]
    equal(got, [b"b\n"] * 4)
    services[1].close()
    equal(lib.connect(p.address("in")).recv(9), b"c\n")
    p.conf["backend redis"]["all-backups"] = "on"
    services[1] = Service(t, says("b"))
    p.conf["backend redis"]["server"][1] = services[1].line("b", "backup")
    p.reload()
    got = {lib.connect(p.address("in")).recv(9) for _ in range(8)}
    equal(got, {b"b\n", b"c\n"})


def test_disabled(t):
    """A disabled server gets nothing, not even when it is the primary."""
    g = t.group(1)
    p = t.proxy([g[0], (g[1], "disabled")], backend={"hold": "500ms"},
                frontends={"in": {"route": "replica"}, "any": {"route": "any"}})
    for c in sessions(p, "any", 4):
        equal(g.serving(c), "redis-1")
    try:
        p.client("in")("PING")
        raise AssertionError("served by a disabled server")
    except RedisError as e:
        assert str(e).startswith("LOADING roleproxy: no replica"), e


def test_server_maxconn(t):
    """A full server's clients wait until a session ends."""
    g = t.group(1)
    p = t.proxy([g[0], (g[1], "maxconn=2")],
                frontends={"in": {"route": "replica"}}, glob={"workers": 1})
    p.wait_up(*g.servers)
    mine = sessions(p, "in", 2)
    third = p.client("in")
    third.send("PING")
    stays(lambda: not third.has_data(), "a third session on maxconn=2", 0.3)
    equal(len(g[1].sessions()), 2, "sessions at the server")
    mine[0].close()
    equal(third.read(), "PONG")


def test_server_maxconn_over_workers(t):
    """The limit holds for all workers together."""
    g = t.group(1)
    p = t.proxy([g[0], (g[1], "maxconn=4")], backend={"hold": "1s"},
                frontends={"in": {"route": "replica"}})
    p.wait_up(*g.servers)
    clients = [p.client("in") for _ in range(12)]
    for c in clients:
        c.send("PING")
    wait_for(lambda: len(g[1].sessions()) >= 4, "4 sessions at the server")
    stays(lambda: len(g[1].sessions()) <= 4, "more than maxconn sessions", 0.5)


def epolls_of(pid, inodes):
    """How many of these sockets each epoll instance of a process watches."""
    fds, count = {}, collections.Counter()
    folder = "/proc/%d/fd" % pid
    for fd in os.listdir(folder):
        try:
            fds[fd] = os.readlink("%s/%s" % (folder, fd))
        except OSError:
            pass
    wanted = {fd for fd, to in fds.items()
              if to.startswith("socket:[") and to[8:-1] in inodes}
    for fd, to in fds.items():
        if to == "anon_inode:[eventpoll]":
            with open("/proc/%d/fdinfo/%s" % (pid, fd)) as f:
                watched = re.findall(r"^tfd:\s*(\d+)", f.read(), re.M)
            n = len(wanted & set(watched))
            if n:
                count[fd] = n
    return sorted(count.values())


def client_inodes(port):
    """Inodes of the established connections that came in on a port."""
    out = set()
    with open("/proc/net/tcp") as f:
        for line in f.read().splitlines()[1:]:
            w = line.split()
            if w[3] == "01" and int(w[1].split(":")[1], 16) == port:
                out.add(w[9])
    return out


@short
def test_four_and_four(t):
    """Eight long-lived connections on two workers are four and four, thrice,
    seen in the kernel's own lists."""
    r = t.redis()
    p = t.proxy([r])
    for _ in range(3):
        clients = sessions(p, "write", 8)
        inodes = client_inodes(p.ports["write"])
        equal(len(inodes), 8, "connections")
        equal(epolls_of(p.child.pid, inodes), [4, 4], "sessions by worker")
        for c in clients:
            c.close()
        wait_for(lambda: p.frontend("write")["sessions"] == 0, "close")


def test_workers_rebalance_after_closing(t):
    """The worker with the fewest sessions gets the next ones."""
    r = t.redis()
    p = t.proxy([r])
    clients = sessions(p, "write", 16)
    for c in clients[:8]:
        c.close()
    wait_for(lambda: p.frontend("write")["sessions"] == 8, "close")
    clients[:8] = sessions(p, "write", 8)
    equal(epolls_of(p.child.pid, client_inodes(p.ports["write"])), [8, 8],
          "sessions by worker")


def test_any_of_plain_services(t):
    """check = tcp: services that are not Redis, in turn; one that dies is left
    out, one that comes back is used again."""
    a, b = Service(t, says("a")), Service(t, says("b"))
    p = t.proxy([a.line("a"), b.line("b")], backend={
        "check": "tcp", "check_interval": "200ms"},
        frontends={"in": {"route": "any", "balance": "roundrobin"}},
        glob={"workers": 1})

    def who():
        with lib.Client(p.address("in")) as c:
            return exactly(c.sock, 2)[:1].decode()

    p.wait_up("a", "b")
    equal(sorted(who() for _ in range(6)), list("aaabbb"))
    a.close()
    p.wait_down("a")
    equal([who() for _ in range(4)], list("bbbb"))


@alone
def test_many_sessions_are_even(t):
    """200 sessions: leastconn keeps the three replicas within a few."""
    g = t.group()
    p = t.proxy(g, frontends={"in": {"route": "replica"}})
    p.wait_up(*g.servers)
    clients, lock = [], threading.Lock()

    def opener():
        for _ in range(50):
            c = p.client("in")
            c("PING")
            with lock:
                clients.append(c)

    threads = [threading.Thread(target=opener) for _ in range(4)]
    for th in threads:
        th.start()
    for th in threads:
        th.join()
    got = spread(g, clients)
    equal(sum(got.values()), 200)
    assert max(got.values()) - min(got.values()) <= 10, got


def test_same_server_in_two_backends(t):
    """One process in two backends is checked once and shown in both."""
    g = t.group(1)
    p = t.proxy(g, start=False)
    p.conf["backend other"] = dict(p.conf["backend redis"])
    p.add_frontend("other", backend="other")
    p.write()
    p.start()
    p.wait_writer("redis-1")
    equal(p.backend("other")["writer"], "redis-1")
    equal(p.client("other")("SET", "a", "1"), "OK")
    stays(lambda: [len(s.checks()) for s in g.servers] == [1, 1],
          "another number of check connections than one each", 1)


def test_same_server_twice(t):
    """Two entries of one backend that are one process count as one server."""
    g = t.group(1)
    p = t.proxy([g[0], "again localhost:%d" % g[0].port, g[1]])
    w = p.writer()
    assert w in ("redis-1", "again"), w
    equal(p.client()("SET", "a", "1"), "OK")


def test_listening_only_where_told(t):
    """bind = 127.0.0.1:PORT is not open on 127.0.0.2."""
    r = t.redis()
    p = t.proxy([r])
    equal(p.client()("PING"), "PONG")
    try:
        lib.connect(("127.0.0.2", p.ports["write"]), 1).close()
        raise AssertionError("open on %s" % HOST)
    except ConnectionRefusedError:
        pass


def test_several_binds(t):
    """One frontend on several addresses."""
    r = t.redis()
    binds = ["127.0.0.%d:%d" % (i, t.ports.take()) for i in (1, 2, 3)]
    p = t.proxy([r], frontends={"write": {"bind": binds}})
    for b in binds:
        host, port = b.split(":")
        equal(lib.Client((host, int(port)))("PING"), "PONG", b)
    equal(len(p.frontend("write")["bind"]), 3)
