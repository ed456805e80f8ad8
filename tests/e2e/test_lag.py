#!/usr/bin/env python3
"""Replicas that are behind: their stream is held back by a relay of the test's
own, while they answer their checks."""

import time

from lib import RedisError, SLOW, alone, equal, full, mark, short, stays, wait_for
from servers import server_line
from services import Stream

CONFIG = {"repl-timeout": "600"}    # a held stream is no broken link
READS = {"replica": {"route": "replica"},
         "any-replica": {"route": "any-replica"},
         "replica-preferred": {"route": "replica-preferred"},
         "any": {"route": "any"}}
BALANCE = {"balance": "roundrobin"}


def streams(t, replicas=2):
    """A group whose replicas follow through a stream each."""
    g = t.group(replicas, config=CONFIG)
    out = [Stream(t, g.primary) for _ in g.replicas]
    for r, s in zip(g.replicas, out):
        r("REPLICAOF", *s.address)
    for r in g.replicas:
        wait_for(lambda: r.info()["master_link_status"] == "up", "link", 20)
    return g, out


def proxy(t, g, frontends=None, **backend):
    """A proxy that checks often, with all replicas in use."""
    p = t.proxy(g, backend={"check_interval": "200ms", "hold": "500ms", **backend},
                frontends={k: {**v, **BALANCE}
                           for k, v in (frontends or READS).items()})
    p.wait_readable(*g.replicas)
    return p


def trickle(t, g):
    """Writes that never end, and are not much."""
    return t.writers(g.primary.address, 1, pause=0.01)


def fill(g, n):
    """Write n KiB to the primary."""
    for i in range(n):
        g.primary("SET", "fill:%d" % (i % 10), "x" * 985)


def out(p, server, timeout=20):
    """Wait until a replica serves no reads; what is said of it."""
    return wait_for(lambda: not p.server(server)["readable"] and p.server(server),
                    "%s out of the reads" % server.name, timeout)


def back(p, server, timeout=20):
    """Wait until a replica serves reads."""
    wait_for(lambda: p.server(server)["readable"],
             "%s back in the reads" % server.name, timeout)


def served(g, p, frontend, n=6):
    """The servers of n new sessions."""
    names = set()
    for _ in range(n):
        with p.client(frontend) as c:
            names.add(g.serving(c))
    return names


def session_on(g, p, frontend, server):
    """A session of a frontend on that server."""
    def attempt():
        c = p.client(frontend)
        if g.serving(c) == server.name:
            return c
        c.close()
        return None
    return wait_for(attempt, "session on " + server.name)


def sessions_on(g, p, server):
    """One session of each frontend on that server."""
    return {name: session_on(g, p, name, server) for name in READS}


def left(clients):
    """The frontends whose sessions are still there."""
    return {name for name, c in clients.items() if not c.is_closed()}


@short
def test_seconds(t):
    """A replica held back for longer than max-lag serves no new reads; what it
    had stays; when it has caught up it serves again."""
    g, s = streams(t)
    p = proxy(t, g, max_lag="2s")
    trickle(t, g)
    wait_for(lambda: p.server(g[1])["lag_seconds"] == 0.0, "no lag")
    mine = session_on(g, p, "replica", g[1])
    s[0].hold()
    said = out(p, g[1])
    assert 2.0 < said["lag_seconds"] < 2.0 + 1.0 * SLOW, said["lag_seconds"]
    assert said["lag_bytes"] > 0, said["lag_bytes"]
    equal(said["reason"], "lags %.1f s behind (max-lag 2 s)" % said["lag_seconds"])
    equal((said["status"], said["role"]), ("UP", "replica"))
    equal(served(g, p, "replica"), {"redis-3"})
    equal(served(g, p, "replica-preferred"), {"redis-3"})
    equal(served(g, p, "any-replica"), {"redis-2", "redis-3"})
    wait_for(lambda: p.server(g[1])["lag_seconds"] > 3.0, "growing lag")
    assert "s behind (max-lag 2 s)</td>" in p.page()
    equal(p.server(g[2])["reason"], None)
    equal(mine("PING"), "PONG")
    s[0].release()
    back(p, g[1])
    p.wait_log(r"redis/redis-2 lags: [2-9]\.\d s, \d+ bytes behind")
    p.wait_log(r"redis/redis-2 has caught up: ")
    equal(served(g, p, "replica"), {"redis-2", "redis-3"})
    equal(p.server(g[1])["reason"], None)


def test_idle_writer(t):
    """Without a single write the primary's pings tell that a replica lags."""
    g, s = streams(t)
    p = proxy(t, g, max_lag="3s")
    stays(lambda: all(p.server(r)["readable"] for r in g.replicas), "lag", 4)
    s[0].hold()
    out(p, g[1])
    s[0].release()
    back(p, g[1])


@full
@alone
def test_half(t):
    """Between half and the whole of max-lag a replica stays what it is."""
    g, s = streams(t)
    p = proxy(t, g, max_lag="4s")
    trickle(t, g)

    def lag():
        return p.server(g[1])["lag_seconds"]

    s[0].delay = 3.0
    wait_for(lambda: lag() > 2.2, "a lag of nearly 3 s")
    stays(lambda: p.server(g[1])["readable"], "out below max-lag", 3)
    s[0].delay = 6.0
    out(p, g[1])
    s[0].delay = 3.0
    wait_for(lambda: lag() < 3.5, "a lag of 3 s again")
    stays(lambda: not p.server(g[1])["readable"], "back above half of it", 3)
    assert p.server(g[1])["reason"].endswith(" s behind (back at 2 s)"), \
        p.server(g[1])["reason"]
    s[0].delay = 0.5
    back(p, g[1])
    assert lag() <= 2.0, lag()


@short
def test_bytes(t):
    """max-lag-bytes: out beyond it, back at half of it; time does not count."""
    g, s = streams(t)
    p = proxy(t, g, max_lag="0", max_lag_bytes="200k")

    def lag():
        return p.server(g[1])["lag_bytes"]

    s[0].allow(0)
    fill(g, 150)
    wait_for(lambda: lag() > 145 << 10, "150 KiB behind")
    stays(lambda: p.server(g[1])["readable"], "out below max-lag-bytes", 1)
    fill(g, 100)
    said = out(p, g[1])
    assert 200 << 10 < said["lag_bytes"] < 300 << 10, said["lag_bytes"]
    wait_for(lambda: "(max-lag-bytes 200.0 KiB)" in p.server(g[1])["reason"], "reason")
    equal(served(g, p, "replica"), {"redis-3"})
    s[0].allow(100 << 10)
    wait_for(lambda: lag() < 180 << 10, "150 KiB behind again")
    stays(lambda: not p.server(g[1])["readable"], "back above half of it", 1)
    assert p.server(g[1])["reason"].endswith(" KiB behind (back at 100.0 KiB)")
    s[0].allow(100 << 10)
    back(p, g[1])
    assert 0 < lag() <= 100 << 10, lag()


def test_no_limits(t):
    """0 and 0: a replica serves however far it is behind."""
    g, s = streams(t, 1)
    p = proxy(t, g, max_lag="0", max_lag_bytes="0")
    s[0].hold()
    fill(g, 300)
    wait_for(lambda: p.server(g[1])["lag_seconds"] > 3, "lag")
    assert p.server(g[1])["readable"]
    equal(p.server(g[1])["reason"], None)


@short
def test_min_readers(t):
    """All replicas lag: the least lagging min-readers of them stay, without a
    turn; with none of them the route falls back, or waits."""
    g, s = streams(t)
    p = proxy(t, g, max_lag="2s")
    trickle(t, g)
    s[0].hold()
    out(p, g[1])
    s[1].hold()
    wait_for(lambda: p.server(g[2])["reason"], "redis-3 lags")
    assert p.server(g[2])["reason"].endswith(
        " (max-lag 2 s); still used: min-readers"), p.server(g[2])["reason"]
    stays(lambda: [p.server(r)["readable"] for r in g.replicas] == [False, True],
          "another reader than redis-3", 3)
    equal(served(g, p, "replica"), {"redis-3"})
    equal(served(g, p, "replica-preferred"), {"redis-3"})
    p.conf["backend redis"]["min-readers"] = 2
    p.reload()
    back(p, g[1])
    equal(served(g, p, "replica"), {"redis-2", "redis-3"})
    p.conf["backend redis"]["min-readers"] = 0
    p.reload()
    out(p, g[1])
    out(p, g[2])
    equal(served(g, p, "replica-preferred"), {"redis-1"})
    try:
        p.client("replica")("PING")
        raise AssertionError("served")
    except RedisError as e:
        assert str(e).startswith("LOADING roleproxy: no replica "), e
    s[1].release()
    back(p, g[2])
    equal(served(g, p, "replica-preferred"), {"redis-3"})


def test_failover_keeps_the_readers(t):
    """The primary dies: who served reads goes on, who lagged does not begin;
    its successor's replicas serve when they follow."""
    g, s = streams(t, 3)
    p = proxy(t, g, max_lag="2s")
    trickle(t, g)
    s[0].hold()
    out(p, g[1])
    g.primary.kill()
    p.wait_down(g.primary)
    stays(lambda: [p.server(r)["readable"] for r in g.replicas] ==
          [False, True, True], "other readers than before", 2)
    equal(served(g, p, "replica"), {"redis-3", "redis-4"})
    g.fail_over(g[3])
    p.wait_writer(g[3])
    back(p, g[1])
    equal(p.server(g[1])["reason"], None)
    equal(served(g, p, "replica"), {"redis-2", "redis-3"})


# --- on-role-lost -----------------------------------------------------------

def lose(t, **backend):
    """Sessions of all routes on redis-2, which is held back until it is out, and
    one on redis-3."""
    g, s = streams(t)
    p = proxy(t, g, max_lag="2s", **backend)
    trickle(t, g)
    mine, other = sessions_on(g, p, g[1]), session_on(g, p, "replica", g[2])
    s[0].hold()
    out(p, g[1])
    return g, s, p, mine, other


@short
def test_keep(t):
    """keep: all sessions on a replica that lags stay. A reload that says close
    closes them then; another does nothing more."""
    _, _, p, mine, other = lose(t)
    stays(lambda: left(mine) == set(READS), "a session closed", 1)
    p.conf["backend redis"]["on-role-lost"] = "close"
    p.reload()
    wait_for(lambda: left(mine) == {"any-replica"}, "close")
    p.reload()
    stays(lambda: left(mine) == {"any-replica"}, "closed by a reload", 1)
    equal(mine["any-replica"]("PING"), "PONG")
    equal(other("PING"), "PONG")


@short
def test_close(t):
    """close: sessions whose route does not admit it any more are closed, at
    once, and no others."""
    g, s, p, mine, other = lose(t, on_role_lost="close")
    wait_for(lambda: left(mine) == {"any-replica"}, "close")
    equal(mine["any-replica"]("PING"), "PONG")
    equal(other("PING"), "PONG")
    for route in set(READS) - {"any-replica"}:
        p.wait_log(r"session \S+ %s redis/redis-2: role lost; " % route)
    equal(p.log().count("role lost"), 3)
    s[0].release()
    back(p, g[1])
    mine = sessions_on(g, p, g[1])
    s[0].hold()
    out(p, g[1])
    wait_for(lambda: left(mine) == {"any-replica"}, "close the second time")


def test_close_under_load(t):
    """close, with replies on their way: each one arrives whole, or not at all."""
    g, s = streams(t)
    p = proxy(t, g, max_lag="2s", on_role_lost="close")
    g.primary("SET", "big", "x" * 100000)
    w = t.writers(p.address("replica"), 8, command=("GET", "big"))
    w.wait_more()
    s[0].hold()
    fill(g, 10)
    out(p, g[1])
    wait_for(lambda: p.server(g[1])["sessions"] == 0, "close")
    w.wait_more(200)
    w.stop()
    equal(dict(w.errors), {}, "errors")
    assert set(w.broken) <= {"ConnectionError", "ConnectionResetError",
                             "BrokenPipeError"}, w.broken


@alone
def test_drain(t):
    """drain 3s: no new sessions, and what is left after that time is closed."""
    g, _, p, mine, other = lose(t, on_role_lost="drain 3s")
    equal(served(g, p, "replica"), {"redis-3"})
    stays(lambda: left(mine) == set(READS), "closed too soon", 2)
    wait_for(lambda: left(mine) == {"any-replica"}, "close", 3)
    equal(mine["any-replica"]("PING"), "PONG")
    equal(other("PING"), "PONG")


@full
def test_drain_ends(t):
    """drain 3s, and the replica is back before that: nothing is closed."""
    g, s, p, mine, _ = lose(t, on_role_lost="drain 3s")
    s[0].release()
    back(p, g[1], 2.5)
    stays(lambda: left(mine) == set(READS), "a session closed", 4)


def promoted(t, **backend):
    """Sessions of all routes on redis-2, which follows a primary that dies."""
    g = t.group()
    p = proxy(t, g, **backend)
    mine = sessions_on(g, p, g[1])
    g.primary.kill()
    p.wait_down(g.primary)
    g.fail_over(g[1])
    p.wait_writer(g[1])
    return g, p, mine


@short
def test_promoted_keep(t):
    """keep: all sessions on a replica that is promoted stay."""
    g, p, mine = promoted(t)
    back(p, g[2])
    stays(lambda: left(mine) == set(READS), "a session closed", 1)
    equal(mine["replica"]("SET", "a", "1"), "OK")


@short
def test_promoted_close(t):
    """close: sessions of routes that want a replica are closed when theirs is
    promoted; the others go on with the writer."""
    g, p, mine = promoted(t, on_role_lost="close")
    wait_for(lambda: left(mine) == {"any", "replica-preferred"}, "close")
    back(p, g[2])
    stays(lambda: left(mine) == {"any", "replica-preferred"}, "more closed", 1)
    equal(mine["any"]("SET", "a", "1"), "OK")
    equal(p.log().count("role lost"), 2)


# --- what is no lag ---------------------------------------------------------

def written(g, seconds):
    """Bytes a second that are written to the primary."""
    def offset():
        return int(g.primary.info()["master_repl_offset"])

    start, at = offset(), time.monotonic()
    stays(lambda: True, "", seconds)
    return (offset() - start) / (time.monotonic() - at)


@alone
@mark(limit=60)
def test_healthy_under_load(t):
    """Replicas that keep up under heavy writes are never late, although the
    writer, which is checked at other moments, is far ahead then: the limits are
    0.35 s and what is written in that time."""
    g = t.group(2)
    w = t.writers(g.primary.address, 4, pause=0.003,
                  command=("SET", "big", "x" * 40000))
    w.wait_more()
    rate = written(g, 1)
    p = t.proxy([g.primary], frontends=READS, backend={
        "max_lag": "350ms", "max_lag_bytes": int(rate * 0.35)})
    # Whatever the moments are, one of the two is far from the writer's.
    for n in (2, 3):
        stays(lambda: True, "", 0.4)
        p.conf["backend redis"]["server"] = [server_line(s) for s in g.servers[:n]]
        p.reload()
    p.wait_readable(*g.replicas)

    def healthy():
        for s in map(p.server, g.replicas):
            assert s["readable"] and not s["reason"], \
                "%s of %d bytes/s" % (s["reason"], rate)
        return True

    start, at = g.primary.info()["master_repl_offset"], time.monotonic()
    stays(healthy, "", 8)
    written_since = int(g.primary.info()["master_repl_offset"]) - int(start)
    mean = written_since / (time.monotonic() - at)
    # The larger of the two distances in time is 0.6 s at least.
    assert mean * 0.6 > rate * 0.35, "%d bytes/s are too few after %d" % (mean, rate)
