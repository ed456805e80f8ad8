#!/usr/bin/env python3
"""Connections and commands through the proxy to real Redis."""

import os
import resource
import socket
import subprocess
import time

import lib
from lib import HOST, RedisError, SLOW, alone, equal, mark, short, wait_for
from services import Service, echo, says


def benchmark(address, command, n):
    """redis-benchmark with 50 connections."""
    out = subprocess.run(
        ["redis-benchmark", "-h", address[0], "-p", str(address[1]), "-c", "50",
         "-n", str(n), "-r", "100000", "-q", "-t", command],
        capture_output=True, text=True, timeout=80 * SLOW)
    assert out.returncode == 0 and "rror" not in out.stdout + out.stderr, \
        out.stdout + out.stderr
    return out.stdout


@short
@alone
def test_benchmark(t):
    """100,000 SETs land on the primary and 100,000 GETs on replicas, all of
    them and nothing else; the checks run only PING and INFO."""
    n = 100000 if lib.PLAIN else 20000
    g = t.group()
    p = t.proxy(g)
    benchmark(p.address("write"), "set", n)
    benchmark(p.address("read"), "get", n)
    equal(g.primary.calls("set"), n, "SETs on the primary")
    equal(g.primary.calls("get"), 0, "GETs on the primary")
    equal(sum(r.calls("get") for r in g.replicas), n, "GETs on the replicas")
    for r in g.replicas:
        assert r.calls("get") > n / 10, "%s had its share of GETs" % r.name
        equal(r.calls("set", "rejected_calls"), 0, "SETs sent to " + r.name)
        equal(r.errors("READONLY"), 0, "READONLY at " + r.name)


def test_checks_ask_only_ping_and_info(t):
    """What the checks run on a server without clients."""
    r = t.redis()
    p = t.proxy([r])
    before = set(r.info("commandstats"))
    ping = r.calls("ping")
    wait_for(lambda: r.calls("ping") > ping + 1, "two more checks")
    seen = set(r.info("commandstats")) | before
    seen -= {"cmdstat_info", "cmdstat_ping"}
    # CLIENT SETNAME of all, and what Sentinels say is listened to.
    equal(seen, {"cmdstat_client|setname", "cmdstat_subscribe"}, "commands")
    equal(r.calls("subscribe"), 1, "SUBSCRIBE")
    equal(r.calls("client|setname"), 3, "CLIENT SETNAME (the test's and both ours)")
    equal(p.writer(), "redis")


@short
def test_half_close_pipe(t):
    """printf 'PING...' | nc: the FIN comes with the commands, the answers come
    back, then the end."""
    r = t.redis()
    p = t.proxy([r])
    for text, reply in ((b"PING\r\n", b"+PONG\r\n"),
                        (b"SET a 1\r\nGET a\r\n", b"+OK\r\n$1\r\n1\r\n")):
        c = p.client()
        c.raw(text)
        c.half_close()
        equal(c.rest(), reply, "answer to %r" % text)
        c.close()


def test_close_without_a_byte(t):
    """Clients that connect and go, by FIN or RST, cost nothing and reach no
    server."""
    r = t.redis()
    p = t.proxy([r])
    wait_for(lambda: r("PUBSUB", "NUMSUB", "__sentinel__:hello")[1] == 1,
             "the proxy's own two connections")
    idle = p.child.descriptors()
    connections = int(r.info("stats")["total_connections_received"])
    for i in range(50):
        c = p.client()
        c.close() if i % 2 else c.reset()
    wait_for(lambda: p.child.descriptors() <= idle, "descriptors given back")
    equal(int(r.info("stats")["total_connections_received"]), connections,
          "connections at the server")


@short
def test_pipeline_in_the_first_packet(t):
    """Thousands of commands sent at once; every reply, in order."""
    r = t.redis()
    p = t.proxy([r])
    n = 3000
    c = p.client()
    c.raw(b"".join(lib.encode("SET", "k%d" % i, "v%d" % i) +
                   lib.encode("GET", "k%d" % i) for i in range(n)))
    for i in range(n):
        equal(c.read(), "OK")
        equal(c.read(), "v%d" % i)


def test_one_byte_at_a_time(t):
    """A command that dribbles in."""
    r = t.redis()
    p = t.proxy([r])
    c = p.client()
    for b in lib.encode("SET", "slow", "value"):
        c.raw(bytes([b]))
        time.sleep(0.002)   # paced: a slow client
    equal(c.read(), "OK")
    equal(r("GET", "slow"), "value")


@short
def test_big_values(t):
    """Values of 16 MiB in and out, from several clients at once."""
    g = t.group(1)
    p = t.proxy(g)
    value = os.urandom(8 << 20).hex()
    clients = [p.client(timeout=30) for _ in range(4)]
    for i, c in enumerate(clients):
        equal(c("SET", "big%d" % i, value + str(i)), "OK")
    g.wait_linked()
    for i in range(4):
        wait_for(lambda: g.replicas[0]("EXISTS", "big%d" % i), "big%d" % i, 20)
    readers = [p.client("read", timeout=30) for _ in range(4)]
    for i, c in enumerate(readers):
        c.send("GET", "big%d" % i)
    for i, c in enumerate(readers):
        assert c.read() == value + str(i), "value %d" % i


def test_pub_sub(t):
    """The server speaks first on an old connection."""
    r = t.redis()
    p = t.proxy([r])
    c = p.client()
    equal(c("SUBSCRIBE", "news"), ["subscribe", "news", 1])
    for i in range(10):
        r("PUBLISH", "news", i)
        equal(c.read(), ["message", "news", str(i)])


def test_server_speaks_first(t):
    """With defer-connect = off the server is connected before the client says
    anything."""
    s = Service(t, says("hello"))
    p = t.proxy([s.line("a")], backend={"check": "tcp"},
                frontends={"in": {"route": "any"}})
    c = lib.connect(p.address("in"))
    equal(c.recv(100), b"hello\n", "greeting")


def test_unix_socket(t):
    """A frontend on a UNIX socket; it goes when the proxy goes."""
    r = t.redis()
    path = os.path.join(t.folder, "rp.sock")
    p = t.proxy([r], frontends={"write": {"bind": "unix:" + path}})
    c = lib.Client(path)
    equal(c("SET", "a", "1"), "OK")
    equal(p.frontend("write")["sessions"], 1)
    p.stop()
    assert c.is_closed()
    assert not os.path.exists(path), "socket file left behind"
    p.start()
    equal(lib.Client(path)("GET", "a"), "1")


def test_unix_socket_left_by_a_crash(t):
    """A socket file that nobody listens on is no obstacle."""
    r = t.redis()
    path = os.path.join(t.folder, "rp.sock")
    p = t.proxy([r], frontends={"write": {"bind": "unix:" + path}})
    p.child.kill()
    assert os.path.exists(path)
    p.start()
    equal(lib.Client(path)("PING"), "PONG")


def test_ipv6(t):
    """Frontend and server on the IPv6 loopback; `:PORT` takes both."""
    port, both = t.ports.take(), t.ports.take()
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        raise lib.Skip("no IPv6 loopback") from None
    r = t.redis(config={"bind": "127.0.0.1 ::1"})
    p = t.proxy(["six [::1]:%d" % r.port], frontends={
        "six": {"bind": "[::1]:%d" % port}, "both": {"bind": ":%d" % both}})
    for address in (("::1", port), ("::1", both), (HOST, both)):
        with lib.Client(address) as c:
            equal(c("PING"), "PONG", "through %s" % (address,))
    assert p.server("six")["address"].startswith("[::1]:"), p.server("six")


def refused(address, source):
    """Is a client from that source turned away without an answer?"""
    try:
        with lib.Client(address, source=source, timeout=3) as c:
            c("PING")
    except ConnectionError:
        return True
    return False


def test_allow_and_deny(t):
    """allow lets in only what it names, deny keeps out what it names, and wins."""
    r = t.redis()
    p = t.proxy([r], frontends={
        "open": {},
        "allow": {"allow": ["127.0.0.2/32", "127.0.1.0/24"]},
        "deny": {"deny": "127.0.0.2"},
        "both": {"allow": "127.0.0.0/8", "deny": ["127.0.0.2", "127.0.1.0/24"]},
    })
    expected = {    # refused from .0.1, .0.2, .1.9
        "open": (False, False, False),
        "allow": (True, False, False),
        "deny": (False, True, False),
        "both": (False, True, True),
    }
    for name, want in expected.items():
        got = tuple(refused(p.address(name), source)
                    for source in ("127.0.0.1", "127.0.0.2", "127.0.1.9"))
        equal(got, want, "refused by " + name)


def served(address, timeout=0.4):
    """A connection that is answered, or None when that does not happen."""
    try:
        c = lib.Client(address, timeout=timeout)
        c("PING")
        return c
    except OSError:
        return None


def test_frontend_maxconn(t):
    """The third client of maxconn = 2 has to do without until one goes; other
    frontends do not notice."""
    r = t.redis()
    p = t.proxy([r], frontends={"few": {"maxconn": 2}, "write": {}})
    first, second = p.client("few"), p.client("few")
    equal([first("PING"), second("PING")], ["PONG", "PONG"])
    assert served(p.address("few")) is None, "a third client was served"
    equal(p.client("write")("PING"), "PONG", "other frontend")
    first.close()
    wait_for(lambda: served(p.address("few")), "place that was freed")
    equal(second("PING"), "PONG")


def test_global_maxconn(t):
    """The limit of the whole process."""
    r = t.redis()
    p = t.proxy([r], glob={"maxconn": 4}, frontends={"a": {}, "b": {}})
    clients = [p.client(f) for f in "abab"]
    for c in clients:
        equal(c("PING"), "PONG")
    assert served(p.address("a")) is None, "a fifth client was served"
    clients.pop().close()
    wait_for(lambda: served(p.address("a")), "place that was freed")
    for c in clients:
        equal(c("PING"), "PONG")


def test_client_timeout(t):
    """An idle client is closed after client-timeout, a busy one is not."""
    r = t.redis()
    p = t.proxy([r], frontends={"in": {"client_timeout": "1s"}})
    idle, busy = p.client("in"), p.client("in")
    idle("PING")
    start = time.monotonic()
    while not idle.is_closed():
        equal(busy("PING"), "PONG")
        time.sleep(0.1)     # paced: a client that is not quite idle
        assert time.monotonic() - start < 10 * SLOW, "idle client not closed"
    took = time.monotonic() - start
    assert took > 0.9, "closed after %.2f s" % took
    equal(busy("PING"), "PONG")


def test_silent_client_times_out(t):
    """client-timeout also ends one that never said anything (nothing is
    connected for it yet)."""
    r = t.redis()
    p = t.proxy([r], frontends={"in": {"client_timeout": "1s"}})
    c = p.client("in")
    wait_for(c.is_closed, "close")


def test_keepalive(t):
    """A session that lasts has the keepalive of its backend at both ends."""
    r = t.redis()
    p = t.proxy([r])

    def timers(port):
        """Sockets of this peer's port that send keepalives."""
        out = subprocess.run(["ss", "-Htno", "dport = :%d or sport = :%d" % (port, port)],
                             capture_output=True, text=True, check=True).stdout
        return out.count("timer:(keepalive")
    checks = timers(r.port)
    c = p.client("write")
    equal(c("PING"), "PONG")
    wait_for(lambda: timers(r.port) == checks + 1, "the server's keepalive")
    wait_for(lambda: timers(p.address("write")[1]) == 1, "the client's keepalive")


def test_server_timeout(t):
    """A server that does not answer within server-timeout costs the session."""
    r = t.redis()
    p = t.proxy([r], backend={"server_timeout": "1s"})
    c = p.client()
    c("PING")
    start = time.monotonic()
    c.send("BLPOP", "nothing", 0)
    wait_for(c.is_closed, "close")
    assert time.monotonic() - start > 0.9


@short
@mark(limit=120)
def test_many_short_connections(t):
    """2,000 connections of one command each: all answered, nothing leaks."""
    r = t.redis()
    p = t.proxy([r])
    for _ in range(200):
        p.client()("PING")
    wait_for(lambda: p.server(r)["sessions"] == 0, "no session left")
    idle, rss = p.child.descriptors(), p.child.rss()
    for i in range(1800):
        with p.client() as c:
            equal(c("INCR", "n"), i + 1)
    wait_for(lambda: p.child.descriptors() <= idle, "descriptors given back")
    if lib.PLAIN:
        grown = p.child.rss() - rss
        assert grown < 2 << 20, "resident memory grew by %d" % grown
    wait_for(lambda: p.server(r)["sessions"] == 0, "no session left")


def test_few_descriptors(t):
    """With a small limit of descriptors maxconn is fitted to it (and the log
    says so); clients beyond it wait or are turned away, none of the others
    notices, and places are used again."""
    r = t.redis()
    p = t.proxy([r], limits={resource.RLIMIT_NOFILE: 256})
    p.wait_log(r"(?i)maxconn")
    clients = []
    for _ in range(200):
        c = served(p.address("write"), 0.2)
        if c is None:
            break
        clients.append(c)
    assert 10 < len(clients) < 128, "%d clients served" % len(clients)
    for c in clients:
        equal(c("PING"), "PONG")
    for c in clients[:5]:
        c.close()
    more = [wait_for(lambda: served(p.address("write")), "freed place")
            for _ in range(5)]
    for c in clients[5:] + more:
        equal(c("PING"), "PONG")


def test_connect_tried_on_another_server(t):
    """A server that dies between two checks: the session goes to the next one
    and the client does not notice."""
    a, b = Service(t, says("a")), Service(t, says("b"))
    p = t.proxy([a.line("a"), b.line("b")],
                backend={"check": "tcp", "check_interval": "60s", "retries": 3},
                frontends={"in": {"route": "any", "balance": "first"}})
    equal(lib.connect(p.address("in")).recv(9), b"a\n")
    a.close()
    for _ in range(5):
        equal(lib.connect(p.address("in")).recv(9), b"b\n", "greeting")


def test_unreachable_server_is_not_waited_for(t):
    """An address that never answers to SYN: connect-timeout, then another."""
    b = Service(t, echo)
    dead = socket.socket()      # a full accept queue drops SYNs
    dead.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    dead.bind((HOST, t.ports.take()))
    dead.listen(0)
    fillers = []
    for _ in range(4):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(dead.getsockname())
        fillers.append(s)
    p = t.proxy(["a %s:%d" % dead.getsockname(), b.line("b")],
                backend={"check": "none", "connect_timeout": "500ms"},
                frontends={"in": {"route": "any", "balance": "first"}})
    start = time.monotonic()
    c = lib.connect(p.address("in"))
    c.sendall(b"x")
    equal(c.recv(1), b"x")
    assert time.monotonic() - start < 5 * SLOW


def test_error_replies_pass(t):
    """What Redis answers is not touched."""
    r = t.redis()
    p = t.proxy([r])
    c = p.client()
    try:
        c("NONSENSE")
        raise AssertionError("no error")
    except RedisError as e:
        assert str(e).startswith("ERR unknown command 'NONSENSE'"), e
