#!/usr/bin/env python3
"""How long a fence takes: from the evidence until no session can write, and
until the last one is closed."""

import re

import lib
from lib import alone, connect, equal, mark, wait_for

SWITCHES = 10       # between two servers, there and back
LIMIT_MS = 10.0     # until no session can write, in the middle of all switches
NOISE_MS = 60.0     # for the slowest: other programs may have the processors
CLOSED = re.compile(r"no write passed ([\d.]+) ms after the evidence; (\d+) "
                    r"sessions were closed after ([\d.]+) ms")


def open_sessions(p, n):
    """n clients of the write port, each on a server."""
    socks = [connect(p.address("write")) for _ in range(n)]
    for s in socks:
        s.sendall(b"PING\r\n")
    for s in socks:
        assert s.recv(16) == b"+PONG\r\n"
    return socks


def switch(g, old, new):
    """A failover by hand, all in one go."""
    new.replicate(None)
    for s in g.servers:
        if s is not new:
            s.replicate(new)
    wait_for(lambda: all(s.follows(new) for s in g.servers if s is not new),
             "links to " + new.name, 30)


@alone
@mark(limit=240)
def test_fence_time(t):
    """5,000 sessions on two workers: within 10 ms of the evidence none can write."""
    n = min(5000, lib.resource.getrlimit(lib.resource.RLIMIT_NOFILE)[0] // 3)
    if not lib.PLAIN:
        n = 500
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "30s", "check-interval": "100ms"},
                glob={"session-log": "errors", "workers": 2})
    times, closed = [], []
    for i in range(SWITCHES):
        old, new = g[i % 2], g[(i + 1) % 2]
        socks = open_sessions(p, n)
        start = len(p.log())
        switch(g, old, new)
        p.wait_writer(new)
        m = wait_for(lambda: CLOSED.search(p.log()[start:]), "the fence in the log")
        equal(int(m.group(2)), n, "sessions")
        times.append(float(m.group(1)))
        closed.append(float(m.group(3)))
        for s in socks:
            s.close()
        wait_for(lambda: p.frontend("write")["sessions"] == 0, "no session left", 20)
    times.sort()
    closed.sort()
    print("%d sessions: no write passed after %s ms; closed after %s ms" % (
        n, ", ".join("%.1f" % x for x in times),
        ", ".join("%.1f" % x for x in closed)))
    if lib.PLAIN:
        assert times[len(times) // 2] <= LIMIT_MS, times
        assert times[-1] <= NOISE_MS, times
