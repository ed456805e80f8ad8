#!/usr/bin/env python3
"""More than there is room for: clients, descriptors, places on a server, bytes
that nobody reads. What is refused or waits is bounded and said, nobody else
notices, and afterwards all is as it was."""

import os
import resource
import select
import selectors
import shutil
import socket
import subprocess
import time

import lib
from lib import HOST, Client, RedisError, SLOW, alone, equal, full, mark, short, \
    stays, wait_for
from services import Service

WAIT = "new connections wait in the kernel's queue"


def crowd(address, n):
    """n clients that have sent a PING; the system lets them wait."""
    clients = [Client(address, timeout=30) for _ in range(n)]
    for c in clients:
        c.send("PING")
    return clients


def cpu(child):
    """Seconds of processor time that a process has used."""
    with open("/proc/%d/stat" % child.pid) as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def waits_quietly(p, message, seconds=1.5):
    """Through these seconds the message comes at most once in each, and nothing
    spins."""
    start, used, before = time.monotonic(), cpu(p.child), p.log().count(message)
    stays(p.child.running, "it ended", seconds)
    took = time.monotonic() - start
    assert p.log().count(message) - before <= took + 1, p.log()
    if lib.PLAIN:
        assert cpu(p.child) - used < took / 2, "it spins"


def over_maxconn(t, limit, message, **options):
    """Five times as many clients as there is room for: all are served in the
    end, as others go."""
    p = t.proxy([t.redis()], **options)
    clients = crowd(p.address("write"), 5 * limit)
    p.wait_log("listener .*: %s: %s" % (message, WAIT))
    wait_for(lambda: p.stats()["sessions"] == limit, "as many as there is room for")
    waits_quietly(p, message)
    equal(p.stats()["sessions"], limit)
    for c in clients:
        equal(c.read(), "PONG")
        c.close()
    wait_for(lambda: p.stats()["sessions"] == 0, "no session left")
    equal(p.client()("PING"), "PONG", "afterwards")


@short
def test_maxconn(t):
    """More clients than the process takes."""
    over_maxconn(t, 20, "maxconn reached", glob={"maxconn": 20})


def test_frontend_maxconn(t):
    """More clients than a frontend takes."""
    over_maxconn(t, 20, "the frontend's maxconn reached",
                 frontends={"write": {"maxconn": 20}})


def is_watched(p, server):
    """Is a server UP, by a check of this second, and does `ctl status` answer?"""
    s = p.server(server)
    code, out, err = p.ctl("status")
    return s["status"] == "UP" and s["last_check"]["age_ms"] < 2500 and code == 0 \
        and server.name in out and not err


def controlled(t, r, **options):
    """A proxy with a control socket."""
    return t.proxy([r], glob={"control-socket": os.path.join(t.folder, "ctl")},
                   **options)


def test_small_limit_of_files(t):
    """maxconn fits the limit of open files: what is beyond waits, and checks, page
    and control socket have theirs."""
    r = t.redis()
    p = controlled(t, r, limits={resource.RLIMIT_NOFILE: 256})
    p.wait_log(r"maxconn lowered from 20000 to \d+: the limit of open files "
               r"\(RLIMIT_NOFILE\) is 256 and a session needs two")
    clients = crowd(p.address("write"), 300)
    p.wait_log("maxconn reached: " + WAIT)
    waits_quietly(p, "maxconn reached")
    assert p.child.descriptors() < 256
    assert is_watched(p, r)
    for c in clients:
        equal(c.read(), "PONG")
        c.close()
    wait_for(lambda: p.stats()["sessions"] == 0, "no session left")
    assert "Too many open files" not in p.log(), p.log()


def test_no_files_left(t):
    """The limit is lowered under a running process: clients wait, it says why, the
    server is not blamed, and all goes on when there is room again."""
    r = t.redis()
    p = controlled(t, r)
    kept = p.client()
    equal(kept("PING"), "PONG")
    pid = p.child.popen.pid
    limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    most = max(map(int, os.listdir("/proc/%d/fd" % pid)))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most + 1, limit[1]))
    clients = crowd(p.address("write"), 60)
    p.wait_log("Too many open files: " + WAIT)
    waits_quietly(p, WAIT)
    equal(kept("PING"), "PONG", "one that was there")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
    for c in clients:
        try:
            equal(c.read(), "PONG")
        except RedisError as e:     # it had a descriptor, its server had none
            assert str(e).startswith("LOADING roleproxy: "), e
        c.close()
    wait_for(lambda: is_watched(p, r), "all as before")
    assert "is DOWN" not in p.log(), p.log()
    equal(p.client()("PING"), "PONG", "afterwards")


def test_redis_maxclients(t):
    """A Redis that has its maxclients: clients get its own words and then the end,
    as they would from itself; it stays UP, others go on."""
    r = t.redis(config={"maxclients": 12})
    p = t.proxy([r])
    inside, outside = [], []
    for _ in range(30):
        c = p.client()
        try:
            equal(c("PING"), "PONG")
            inside.append(c)
        except RedisError as e:
            equal(str(e), "ERR max number of clients reached")
            equal(c.rest(), b"")
            outside.append(c)
    assert len(inside) >= 8 and len(outside) >= 18, (len(inside), len(outside))
    for c in inside:
        equal(c("PING"), "PONG")
    assert p.is_up(r)
    p.wait_log(r"session \S+ write redis/%s: (server broke off|done)" % r.name)
    for c in inside[:4]:
        c.close()
    wait_for(lambda: p.client()("PING") == "PONG", "a place that is free")


def test_server_maxconn_spares_clients(t):
    """maxconn of the server below its maxclients: who comes later waits instead."""
    r = t.redis(config={"maxclients": 12})
    p = t.proxy([(r, "maxconn=6")])
    clients = crowd(p.address("write"), 30)
    wait_for(lambda: p.frontend("write")["held"] >= 24, "clients that wait")
    while clients:      # each worker serves its own in order
        ready = select.select([c.sock for c in clients], [], [], 10 * SLOW)[0]
        assert ready, "%d clients are not served" % len(clients)
        for c in [c for c in clients if c.sock in ready]:
            equal(c.read(), "PONG")
            c.close()
            clients.remove(c)


class Flood(Service):
    """A service that sends to whoever comes as much as it can, and reads nothing;
    one thread for all."""

    def run(self):
        sockets = selectors.DefaultSelector()
        sockets.register(self.sock, selectors.EVENT_READ)
        while self.sock.fileno() >= 0:
            for key, _ in sockets.select(0.2):
                if key.fileobj is self.sock:
                    try:
                        sock, _ = self.sock.accept()
                    except OSError:
                        return
                    self.accepted += 1
                    sock.setblocking(False)
                    sockets.register(sock, selectors.EVENT_WRITE)
                    continue
                try:
                    key.fileobj.send(b"x" * 65536)
                except BlockingIOError:
                    pass
                except OSError:
                    sockets.unregister(key.fileobj)
                    key.fileobj.close()


def slow_readers(t, n):
    """n clients that send and do not read, at a server that does the same: 64 KiB
    are kept for each direction, no more, and nobody else waits for them."""
    r, flood = t.redis(), Flood(t, None)
    p = t.proxy([r], start=False)
    p.conf["backend flood"] = {"server": flood.line("f"), "check": "none",
                               "connect-timeout": "30s", "user-timeout": "0"}
    p.add_frontend("flood", backend="flood", route="any")
    p.write()
    p.start()
    with p.client() as c:
        equal(c("PING"), "PONG")
    wait_for(lambda: p.stats()["sessions"] == 0, "no session")
    rss, files = p.child.rss(), p.child.descriptors()
    clients = [lib.connect(p.address("flood")) for _ in range(n)]
    for c in clients:
        c.setblocking(False)

    def push():
        sent = 0
        for c in clients:
            try:
                for _ in range(8):
                    sent += c.send(b"y" * 65536)
            except BlockingIOError:
                pass
        return sent
    wait_for(lambda: push() == 0 and flood.accepted == n, "pipes that are full", 60)
    other, start = p.client(), time.monotonic()
    for _ in range(200):
        equal(other("PING"), "PONG")
    took = time.monotonic() - start
    grown = p.child.rss() - rss
    if lib.PLAIN:
        assert grown < n * 2 * 68000 + (8 << 20), "%d bytes for %d" % (grown, n)
        assert took < 5, "%.1f s for 200 PINGs" % took
    used = cpu(p.child)
    stays(p.child.running, "it ended", 1)
    if lib.PLAIN:
        assert cpu(p.child) - used < 0.5, "it spins"
    other.close()
    for c in clients:
        lib.reset(c)
    wait_for(lambda: p.stats()["sessions"] == 0, "no session left", 20)
    wait_for(lambda: p.child.descriptors() <= files, "descriptors given back")
    if lib.PLAIN:
        wait_for(lambda: p.child.rss() - rss < (4 << 20), "memory given back", 15)


@alone
def test_slow_readers(t):
    """300 of them."""
    slow_readers(t, 300)


@full
@alone
@mark(limit=200)
def test_more_slow_readers(t):
    """1,000 of them."""
    slow_readers(t, 1000)


def benchmark(p, *words):
    """redis-benchmark through a proxy, to its end."""
    if not shutil.which("redis-benchmark"):
        raise lib.Skip("no redis-benchmark")
    out = subprocess.run(
        ["redis-benchmark", "-h", HOST, "-p", str(p.ports["write"]), "-q", "-t",
         "get"] + list(map(str, words)), capture_output=True, text=True, check=True)
    assert "requests per second" in out.stdout and "rror" not in out.stderr, out


def leaks(t, requests, connections):
    """So many requests and connections, and all is as it was."""
    r = t.redis()
    p = t.proxy([r], glob={"session-log": "errors"})

    def load(part):
        benchmark(p, "-c", 50, "-P", 16, "-n", requests // part)
        benchmark(p, "-c", 50, "-k", 0, "-n", connections // part)
        wait_for(lambda: p.stats()["sessions"] == 0, "no session left")
    load(10)        # the first ones make what is kept for the next
    rss, files = p.child.rss(), p.child.descriptors()
    before = p.frontend("write")["counters"]["sessions"]
    load(1)
    assert p.frontend("write")["counters"]["sessions"] - before >= connections
    wait_for(lambda: p.child.descriptors() <= files, "descriptors given back")
    grown = p.child.rss() - rss
    if lib.PLAIN:
        assert grown < 2 << 20, "resident memory grew by %d" % grown
    equal(p.server(r)["sessions"], 0)
    equal(p.client()("PING"), "PONG")
    assert "broke off" not in p.log(), p.log()[-2000:]


@alone
def test_nothing_leaks(t):
    """100,000 requests and 20,000 connections."""
    leaks(t, 100000, 20000)


@full
@alone
@mark(limit=1200)
def test_nothing_leaks_for_long(t):
    """10 million requests and a million connections."""
    leaks(t, 10000000, 1000000)
