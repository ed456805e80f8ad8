#!/usr/bin/env python3
"""Clients that wait for a server: held, released, given up, turned away."""

import errno
import resource
import select
import socket
import time

import lib
from lib import RedisError, SLOW, alone, equal, mark, short, stays, wait_for


def held(p, frontend="write"):
    """How many clients of a frontend wait for a server."""
    return p.frontend(frontend)["held"]


def clients_of(p, frontend="write"):
    """How many clients of a frontend are there."""
    return p.frontend(frontend)["sessions"]


@short
def test_loading_after_hold(t):
    """No replica: a read is held, then answered -LOADING, then closed."""
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "1s"}, frontends={
        "read": {"route": "replica"}, "write": {}})
    g[1].kill()
    p.wait_down(g[1])
    for _ in range(2):
        c = p.client("read")
        start = time.monotonic()
        c.send("GET", "a")
        try:
            c.read()
            raise AssertionError("served")
        except RedisError as e:
            assert str(e).startswith("LOADING roleproxy: no replica for "
                                     "backend redis"), e
        took = time.monotonic() - start
        assert 0.9 < took < 3 * SLOW, "answered after %.2f s" % took
        wait_for(c.is_closed, "close")
    equal(p.client()("PING"), "PONG", "other frontend")


def test_loading_says_primary(t):
    """No primary: the answer names what is missing."""
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "300ms"})
    g[0].kill()
    p.wait_down(g[0])
    c = p.client()
    c.send("SET", "a", "1")
    text = c.rest().decode()
    assert text.startswith("-LOADING roleproxy: no primary for backend redis"), text
    assert text.endswith("\r\n") and text.count("\r\n") == 1, repr(text)


def test_loading_with_a_lot_unread(t):
    """The answer arrives although the client's own data was never read: the
    close is no reset."""
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "300ms"})
    g[0].kill()
    p.wait_down(g[0])
    c = p.client()
    c.raw(b"".join(lib.encode("SET", "k%d" % i, "x" * 1000) for i in range(50)))
    text = c.rest()
    assert text.startswith(b"-LOADING roleproxy: no primary"), text[:80]


def test_no_loading_for_tls_or_when_off(t):
    """A TLS client gets no Redis text, and no-server-reply = off sends none."""
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "300ms"},
                frontends={"write": {}, "mute": {"no_server_reply": "off"}})
    g[0].kill()
    p.wait_down(g[0])
    for frontend, data in (("write", b"\x16\x03\x01\x02\x00"),
                           ("mute", lib.encode("PING"))):
        c = p.client(frontend)
        c.raw(data)
        try:
            equal(c.rest(), b"", frontend)
        except ConnectionResetError:
            pass


@short
def test_held_until_the_primary_is_there(t):
    """Clients that came while there was no primary are served by the next."""
    g = t.group()
    p = t.proxy(g, backend={"hold": "30s"})
    g.primary.kill()
    p.wait_down(g.primary)
    clients = [p.client(timeout=30) for _ in range(50)]
    for i, c in enumerate(clients):
        c.send("SET", "k%d" % i, i)
    wait_for(lambda: held(p) == 50, "50 held clients")
    assert not any(c.has_data() for c in clients)
    g.fail_over(g[2])
    for c in clients:
        equal(c.read(), "OK")
    equal(g[2]("DBSIZE"), 50)


@short
def test_client_that_gave_up(t):
    """A held client that leaves, by FIN or RST, is never executed; those that
    stay are."""
    g = t.group()
    p = t.proxy(g, backend={"hold": "30s"})
    g.primary.kill()
    p.wait_down(g.primary)
    stay = []
    for i in range(20):
        for how in ("fin", "rst", "half", "stay"):
            c = p.client(timeout=30)
            c.send("SET", "%s:%d" % (how, i), "1")
            if how == "fin":
                c.close()
            elif how == "rst":
                c.reset()
            else:
                if how == "half":
                    c.half_close()
                stay.append((how, c))
    wait_for(lambda: held(p) <= 20, "those that left to be dropped")
    g.fail_over(g[1])
    for how, c in stay:
        if how == "stay":
            equal(c.read(), "OK")
    keys = sorted("stay:%d" % i for i in range(20))
    stays(lambda: sorted(g[1]("KEYS", "*")) == keys, "other keys were written", 0.5)


def test_gave_up_at_the_moment_of_release(t):
    """Clients leave while the release goes on: each was executed at most once,
    and those that stayed exactly once."""
    g = t.group()
    p = t.proxy(g, backend={"hold": "30s"})
    g.primary.kill()
    p.wait_down(g.primary)
    clients = [p.client(timeout=30) for _ in range(300)]
    for i, c in enumerate(clients):
        c.send("INCR", "n%d" % i)
    wait_for(lambda: held(p) == 300, "300 held clients")
    g.fail_over(g[1])
    for i, c in enumerate(clients):
        if i % 3 == 0:
            c.reset() if i % 2 else c.close()
    for i, c in enumerate(clients):
        if i % 3:
            equal(c.read(), 1, "client %d" % i)
    for i in range(300):
        assert g[1]("GET", "n%d" % i) in (("1",) if i % 3 else (None, "1")), i


def how_many(wanted):
    """How many clients the limits allow: each costs a descriptor here and two
    in the proxy."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return min(wanted, (limit - 500) // 3)


def open_clients(address, n):
    """n connected sockets, each with a command sent."""
    out = []
    for i in range(n):
        s = socket.create_connection(address, 30 * SLOW)
        s.sendall(lib.encode("SET", "k%d" % i, i))
        s.setblocking(False)
        out.append(s)
    return out


def answers(socks, timeout):
    """Wait until each has its +OK; the times of the first and the last one."""
    poll = select.epoll()
    by_fd = {s.fileno(): s for s in socks}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    end = time.monotonic() + timeout
    got, times = {}, []
    while len(got) < len(socks):
        assert time.monotonic() < end, "%d of %d answered" % (len(got), len(socks))
        for fd, _ in poll.poll(0.1):
            got[fd] = by_fd[fd].recv(100)
            poll.unregister(fd)
            times.append(time.monotonic())
    poll.close()
    wrong = [d for d in got.values() if d != b"+OK\r\n"]
    equal(wrong[:3], [], "answers (%d wrong)" % len(wrong))
    return times[0], times[-1]


def listen_overflows():
    """How often a listen queue of this machine was full so far."""
    with open("/proc/net/netstat") as f:
        names, values = [line.split() for line in f if line.startswith("TcpExt")]
    return int(values[names.index("ListenOverflows")])


@short
@alone
@mark(limit=150)
def test_5000_held(t):
    """5,000 held clients are all served within a second of the release."""
    n = how_many(5000 if lib.PLAIN else 1000)
    g = t.group()
    p = t.proxy(g, backend={"hold": "60s"}, glob={"session-log": "errors"})
    g.primary.kill()
    p.wait_down(g.primary)
    socks = open_clients(p.address("write"), n)
    wait_for(lambda: held(p) == n, "%d held clients" % n, 20)
    equal(len(g[1].sessions()), 0, "sessions at the successor")
    full_queues = listen_overflows()
    start = time.monotonic()
    g.fail_over(g[1])
    first, last = answers(socks, 30 * SLOW)
    equal(g[1]("DBSIZE"), n, "keys")
    if lib.PLAIN:
        assert first - start < 2, "first answer after %.2f s" % (first - start)
        assert last - first < 1, "%d clients took %.2f s (listen queues " \
            "overflowed %d times)" % (n, last - first,
                                      listen_overflows() - full_queues)
    for s in socks:
        s.close()
    wait_for(lambda: clients_of(p) == 0, "no session left", 20)


@alone
def test_idle_clients_cost_no_server_connection(t):
    """A client that has not said anything yet is not connected to a server."""
    g = t.group(1)
    p = t.proxy(g)
    clients = [p.client() for _ in range(20)]
    wait_for(lambda: clients_of(p) == 20, "20 clients")
    stays(lambda: not g[0].sessions(), "sessions at the primary", 0.3)
    equal([c("PING") for c in clients], ["PONG"] * 20)


def test_idle_clients_survive_a_failover(t):
    """Clients that said nothing before the switch are served after it."""
    g = t.group()
    p = t.proxy(g)
    clients = [p.client() for _ in range(10)]
    wait_for(lambda: clients_of(p) == 10, "10 clients")
    g.fail_over(g[1])
    p.wait_writer(g[1])
    for c in clients:
        equal(g.serving(c), "redis-2")


def test_hold_zero(t):
    """hold = 0 does not wait."""
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "0"})
    g[0].kill()
    p.wait_down(g[0])
    start = time.monotonic()
    c = p.client()
    c.send("PING")
    assert c.rest().startswith(b"-LOADING roleproxy: no primary")
    assert time.monotonic() - start < 1 * SLOW


def test_connect_queue_overflow(t):
    """More clients at once than the listen queue is long: all are served."""
    r = t.redis()
    p = t.proxy([r])
    socks = []
    for _ in range(1000):
        s = socket.socket()
        s.setblocking(False)
        code = s.connect_ex(p.address("write"))
        assert code in (0, errno.EINPROGRESS), code
        socks.append(s)
    for i, s in enumerate(socks):
        s.settimeout(20 * SLOW)
        wait_for(lambda: s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0,
                 "connect")
        s.setblocking(True)
        select.select([], [s], [], 20 * SLOW)
        s.sendall(lib.encode("SET", "k%d" % i, i))
    answers(socks, 30 * SLOW)
