#!/usr/bin/env python3
"""The primary moves: by Sentinel, by hand in every order, by crash and hang."""

import time

import lib
from lib import RedisError, SLOW, Steady, alone, equal, short, stays, wait_for


def check_writes(w, server, readonly_ok=False):
    """Stop the writers; what they wrote last is on this server, and they never
    met a server that refuses writes."""
    mark = w.count()
    w.wait_more(100)
    w.stop()
    late = list(w.acked)[mark:]
    have = server("MGET", *late)
    equal([k for k, v in zip(late, have) if v is None], [], "missing on " + server.name)
    if not readonly_ok:
        equal(w.readonly(), 0, "READONLY answers")


def untouched(server, action):
    """Run action and assert that no key is added to a server meanwhile."""
    before = server("DBSIZE")
    action()
    equal(server("DBSIZE"), before, "keys of " + server.name)


def wait_calm(server):
    """Wait until nothing that is still on its way is written."""
    def same():
        before = server.calls("set")
        stays(lambda: True, "", 0.1)
        return server.calls("set") == before
    wait_for(same, "end of the writes")


# --- with Sentinels ---------------------------------------------------------

@short
def test_sentinel_crash(t):
    """kill -9: the Sentinels promote; writes resume without a restart, the page
    names the new primary, reads go on."""
    g = t.group()
    s = t.sentinels(g)
    p = t.proxy(g, backend={"hold": "30s"})
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    pid = p.child.pid
    g.primary.kill()
    wait_for(lambda: s.named() is not g.primary, "verdict", 40)
    new = s.named()
    p.wait_writer(new, 15)
    check_writes(w, new)
    equal(p.child.pid, pid)
    page = p.page()
    assert new.name in page
    equal(p.server(new)["role"], "primary")
    assert not p.is_up(g.primary)
    left = [r for r in g.replicas if r is not new]
    g.wait_linked(new, left)
    wait_for(lambda: g.serving(p.client("read")) in [r.name for r in left],
             "read from a replica of the new primary")


def test_sentinel_planned(t):
    """SENTINEL FAILOVER under load: writes move, no READONLY, no restart."""
    g = t.group()
    s = t.sentinels(g)
    p = t.proxy(g, backend={"hold": "30s"})
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    new = s.fail_over()
    p.wait_writer(new, 20)
    check_writes(w, new)
    wait_for(lambda: g.primary.follows(new), "old primary as a replica", 40)
    equal(p.writer(), new.name)
    wait_for(lambda: p.server(g.primary)["role"] == "replica", "its role")


def test_sentinel_crash_and_return(t):
    """The old primary comes back as a primary before the Sentinels demote it:
    it gets no write."""
    g = t.group()
    s = t.sentinels(g, down_after=2000)
    p = t.proxy(g, backend={"hold": "30s"})
    old = g.primary
    w = t.writers(p.address("write"), timeout=40, per_connection=10)
    w.wait_more()
    g.wait_in_step()
    old.kill()
    wait_for(lambda: s.named() is not old, "verdict", 40)
    p.wait_writer(s.named(), 20)
    old.start()
    w.wait_more(300)
    w.stop()
    wait_for(lambda: is_settled(g, s, p), "one primary, three replicas", 60)
    # While it was a primary on its own nobody wrote to it; now it is a copy.
    equal(old.calls("set", "rejected_calls"), 0, "writes refused by the old primary")
    equal(w.readonly(), 0, "READONLY answers")
    lost = w.lost(s.named())
    assert len(lost) <= 8, "%d acknowledged writes lost: %r" % (len(lost), lost[:9])


def is_settled(g, s, p):
    """Do all replicas follow the server that the Sentinels and the proxy name?
    (On a busy machine the Sentinels may fail over once more.)"""
    primary = s.named()
    return p.writer() == primary.name and primary.role() == "master" and \
        all(r.follows(primary) for r in g.servers if r is not primary)


def test_all_sentinels_killed(t):
    """Losing the Sentinels changes nothing."""
    g = t.group()
    s = t.sentinels(g)
    p = t.proxy(g)
    w = t.writers(p.address("write"))
    w.wait_more()
    for child in s.children:
        child.kill()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        w.wait_more(100)
    w.stop()
    equal((dict(w.errors), dict(w.broken)), ({}, {}), "errors")
    assert w.gap() < 1.0 * SLOW, "gap of %.2f s" % w.gap()


# --- by hand ----------------------------------------------------------------

@short
def test_promote_then_repoint(t):
    """A replica is promoted (nothing changes), the others are repointed (the
    writer moves), the old primary follows at last."""
    g = t.group()
    old, new, left = g[0], g[1], g.servers[2:]
    p = t.proxy(g)
    w = t.writers(p.address("write"))
    mine = p.client()
    mine("SET", "mine", "1")
    w.wait_more()
    new.replicate(None)
    stays(lambda: p.writer() == old.name, "the old primary stands", 1.5)
    for r in left:
        r.replicate(new)
    p.wait_writer(new)
    wait_for(mine.is_closed, "session on the old primary closed")
    untouched(old, lambda: w.wait_more(200))
    check_writes(w, new)
    old.replicate(new)
    g.wait_linked(new, [old] + left)
    wait_for(lambda: p.server(old)["role"] == "replica", "its role")
    p.wait_up(*g.servers)
    equal(p.writer(), new.name)


def test_demote_then_promote(t):
    """The primary is made a replica first: writes are held until the successor
    is promoted; only what was on its way meets READONLY, for a second at most."""
    g = t.group()
    old, new, left = g[0], g[1], g.servers[2:]
    p = t.proxy(g, backend={"hold": "30s"})
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    old.replicate(new)
    wait_for(lambda: p.writer() is None, "no writer", 5)
    seen = w.readonly()
    stays(lambda: p.writer() is None and w.readonly() <= seen + len(w.threads),
          "nobody writes while there is no primary", 1)
    new.replicate(None)
    for r in left:
        r.replicate(new)
    p.wait_writer(new)
    seen = w.readonly()
    check_writes(w, new, readonly_ok=True)
    equal(w.readonly(), seen, "READONLY after the switch")


@short
def test_crash_then_promote(t):
    """kill -9, later a promotion by hand: writers are held meanwhile and served
    by the new primary; none sees an error reply."""
    g = t.group()
    old, new = g[0], g[1]
    p = t.proxy(g, backend={"hold": "30s"})
    w = t.writers(p.address("write"), timeout=40)
    mine = p.client()
    mine("SET", "mine", "1")
    w.wait_more()
    old.kill()
    wait_for(mine.is_closed, "session of the dead primary closed")
    p.wait_down(old)
    before = w.count()
    stays(lambda: w.count() == before, "nobody writes without a primary", 1)
    g.fail_over(new)
    p.wait_writer(new)
    check_writes(w, new)
    equal(dict(w.errors), {}, "error replies")


def test_old_primary_returns(t):
    """After a crash and a promotion the old primary starts again as a primary:
    it is not the writer and gets no write until it is a replica."""
    g = t.group()
    old, new = g[0], g[1]
    p = t.proxy(g, backend={"hold": "30s"})
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    old.kill()
    p.wait_down(old)
    g.fail_over(new)
    p.wait_writer(new)
    old.start()
    p.wait_up(old)
    wait_for(lambda: p.server(old)["role"] == "primary", "its role")
    equal(p.writer(), new.name)
    untouched(old, lambda: w.wait_more(300))
    equal(old("DBSIZE"), 0, "keys of the old primary")
    for _ in range(8):
        equal(g.serving(p.client()), new.name)
        assert g.serving(p.client("read")) != old.name, "read from the old primary"
    check_writes(w, new)
    old.replicate(new)
    g.wait_linked(new, [old])
    equal(p.writer(), new.name)


def test_old_primary_restarts_alone(t):
    """The primary restarts and nobody was promoted: it is the writer again, and
    the log says loudly if it came back with less data."""
    g = t.group()
    p = t.proxy(g, backend={"hold": "30s"})
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more(300)
    g.primary.kill()
    p.wait_down(g.primary)
    g.primary.start()
    p.wait_writer(g.primary)
    check_writes(w, g.primary)
    equal(dict(w.errors), {}, "error replies")
    p.wait_log("restarted at offset|" + g.primary.name + ".*restarted")
    g.wait_linked()


def test_fast_restart(t):
    """The primary restarts between two checks: the same writer goes on."""
    g = t.group()
    p = t.proxy(g)
    w = t.writers(p.address("write"))
    w.wait_more()
    for _ in range(3):
        g.primary.kill()
        g.primary.start()
        w.wait_more(100)
    check_writes(w, g.primary)
    equal(p.writer(), g.primary.name)


@short
def test_detached_replica(t):
    """REPLICAOF NO ONE on a replica: its sessions are closed, it gets neither
    writes nor reads, the writer stays; back as a replica it is used again."""
    g = t.group()
    out = g[1]
    p = t.proxy(g, frontends={"write": {}, "read": {
        "route": "replica", "balance": "roundrobin"}})
    readers = [p.client("read") for _ in range(6)]
    mine = [c for c in readers if g.serving(c) == out.name]
    others = [c for c in readers if c not in mine]
    assert mine and others
    w = t.writers(p.address("write"))
    w.wait_more()
    out.replicate(None)
    for c in mine:
        wait_for(c.is_closed, "session on the detached replica closed")
    calls = out.calls("set")
    untouched(out, lambda: w.wait_more(300))
    equal(out.calls("set"), calls, "SETs at the detached replica")
    equal(p.writer(), g.primary.name)
    for _ in range(8):
        assert g.serving(p.client("read")) != out.name, "read from it"
    for c in others:
        equal(c("PING"), "PONG", "other replicas' sessions")
    check_writes(w, g.primary)
    out.replicate(g.primary)
    g.wait_linked()
    wait_for(lambda: g.serving(p.client("read")) == out.name, "its way back")


def test_hang_promote_return(t):
    """The primary hangs, another is promoted, the old one wakes up as a
    primary: not one write reaches it, and its sessions are closed."""
    g = t.group()
    old, new = g[0], g[1]
    p = t.proxy(g, backend={"hold": "30s"})
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    old.pause()
    p.wait_down(old)
    g.fail_over(new)
    p.wait_writer(new)
    w.wait_more()
    old.resume()
    size = old("DBSIZE")
    calls = old.calls("set")
    w.wait_more(300)
    equal((old("DBSIZE"), old.calls("set")), (size, calls), "keys of the old primary")
    equal(old.sessions(), [], "sessions of the old primary")
    check_writes(w, new)


def test_writer_moves_there_and_back(t):
    """Four switches by hand in a row, each followed."""
    g = t.group()
    p = t.proxy(g, backend={"hold": "30s"})
    w = t.writers(p.address("write"), timeout=40)
    for i in (1, 2, 1, 0):
        old, new = g.primary, g[i]
        g.fail_over(new)
        p.wait_writer(new)
        w.wait_more()
        old.replicate(new)
        g.replicas.append(old)
        g.wait_linked()
    check_writes(w, g.primary, readonly_ok=True)


def test_two_proxies_agree(t):
    """Two proxies on one group follow the same switch."""
    g = t.group()
    a, b = t.proxy(g, name="a"), t.proxy(g, name="b")
    g.fail_over(g[2])
    a.wait_writer(g[2])
    b.wait_writer(g[2])


def test_started_in_a_split(t):
    """Started with two primaries: the one with replicas is the writer; without
    any vote or common past there is none, and the log and the page say why."""
    g = t.group()
    g[1].replicate(None)
    p = t.proxy(g)
    p.wait_writer(g[0])
    a, b = t.redis("lone-1"), t.redis("lone-2")
    q = t.proxy([a, b], backend={"hold": "300ms"}, name="split")
    stays(lambda: q.writer() is None, "no writer", 1)
    q.wait_log("unrelated")
    try:
        q.client()("SET", "a", "1")
        raise AssertionError("written")
    except RedisError as e:
        assert str(e).startswith("LOADING roleproxy: no primary"), e
    b.replicate(a)
    q.wait_writer(a)


def test_started_in_a_split_with_init_state(t):
    """What init-state takes for granted is no answer: the first to say primary
    waits for what the others say."""
    g, stale = t.group(1), t.redis("stale")
    g[0].pause()
    p = t.proxy([(s, "init-state=up") for s in (*g.servers, stale)], start=False,
                backend={"check-timeout": "8s"})
    p.start(wait=False)
    p.wait_log("server redis/stale .* role primary")
    p.wait_log("server redis/%s .* role replica" % g[1].name)
    stays(lambda: p.writer() is None, "one has not answered", 0.5)
    g[0].resume()
    p.wait_writer(g[0])
    assert "none -> stale" not in p.log(), "it was never the writer"


def test_decisions_are_told(t):
    """A switch is one log line with from and to, and a decision in the JSON."""
    g = t.group()
    p = t.proxy(g)
    start = len(p.log())
    g.fail_over(g[1])
    p.wait_writer(g[1])
    p.wait_log("redis-1.*redis-2", start)
    d = p.stats()["decisions"]
    newest = [x for x in d if x.get("to") == "redis-2"]
    equal(len(newest), 1, "decisions for redis-2 in %r" % d)
    equal(newest[0]["from"], "redis-1")


# --- crash and hang ---------------------------------------------------------

@short
def test_crash_closes_sessions(t):
    """A primary that dies takes its sessions with it at once; an idle one too."""
    g = t.group(1)
    p = t.proxy(g)
    clients = [p.client() for _ in range(20)]
    for c in clients:
        c("PING")
    start = time.monotonic()
    g.primary.kill()
    for c in clients:
        wait_for(c.is_closed, "close")
    assert time.monotonic() - start < 2 * SLOW


def test_replica_crash(t):
    """A replica that dies: its sessions are closed, the next connect goes
    elsewhere, the others notice nothing."""
    g = t.group()
    p = t.proxy(g, frontends={"read": {"route": "replica"}})
    clients = {}
    while len(clients) < 3:
        c = p.client("read")
        clients[g.serving(c)] = c
    g[2].kill()
    wait_for(clients["redis-3"].is_closed, "close")
    for _ in range(10):
        assert g.serving(p.client("read")) != "redis-3"
    equal([clients[n]("PING") for n in ("redis-2", "redis-4")], ["PONG", "PONG"])


@alone
def test_blocked_primary(t):
    """SIGSTOP for 3 s: no session is closed, new clients wait, all are served
    when it goes on."""
    g = t.group()
    p = t.proxy(g, backend={"check_interval": "300ms", "check_timeout": "500ms"})
    mine = [p.client(timeout=30) for _ in range(20)]
    for i, c in enumerate(mine):
        c("SET", "m%d" % i, "0")
    g.primary.pause()
    for i, c in enumerate(mine[:10]):
        c.send("SET", "m%d" % i, "1")
    p.wait_down(g.primary)
    late = [p.client(timeout=30) for _ in range(20)]
    for i, c in enumerate(late):
        c.send("SET", "l%d" % i, "1")
    stays(lambda: not any(c.is_closed() for c in mine + late),
          "a session was closed", 3 * min(SLOW, 2))
    equal(p.writer() or g.primary.name, g.primary.name, "writer")
    g.primary.resume()
    for c in mine[:10] + late:
        equal(c.read(), "OK")
    for c in mine:
        equal(c("PING"), "PONG")
    equal(g.primary("GET", "l19"), "1")


@short
def test_reads_go_on(t):
    """The primary crashes, later another is promoted, at last the replicas are
    repointed: reads from replicas never notice, on old and new connections."""
    g = t.group()
    p = t.proxy(g, backend={"hold": "1s"}, frontends={
        "write": {}, "read": {"route": "replica", "balance": "roundrobin"}})
    p.wait_up(*g.servers)
    old = Steady(p, "read", 9)
    new = t.writers(p.address("read"), 2, per_connection=5, pause=0.005,
                    command=("GET", "x"))
    g.primary.kill()
    p.wait_down(g.primary)
    stays(lambda: not old.problems, "an old connection broke", 1.5)
    g[1].replicate(None)
    p.wait_writer(g[1])
    stays(lambda: not old.problems, "an old connection broke", 1)
    for r in g.servers[2:]:
        r.replicate(g[1])
    g.wait_linked(g[1], g.servers[2:])
    new.wait_more(50)
    new.stop()
    equal(old.stop(), [], "errors at old connections")
    equal((dict(new.errors), dict(new.broken)), ({}, {}), "errors at new ones")


def test_stopped_replica(t):
    """A replica that hangs: its read sessions are closed, reads go elsewhere."""
    g = t.group()
    p = t.proxy(g, frontends={"read": {"route": "replica"}, "write": {}},
                backend={"check_interval": "200ms", "check_timeout": "300ms"})
    clients = {}
    while len(clients) < 3:
        c = p.client("read")
        clients[g.serving(c)] = c
    g[2].pause()
    wait_for(clients["redis-3"].is_closed, "close")
    for _ in range(10):
        c = p.client("read")
        assert g.serving(c) != "redis-3"
    equal([clients[n]("PING") for n in ("redis-2", "redis-4")], ["PONG", "PONG"])
    g[2].resume()
    p.wait_up(g[2])


@short
@alone
def test_proxy_stopped_across_a_failover(t):
    """SIGSTOP of roleproxy, a failover by hand that leaves the old primary a
    primary, SIGCONT, eight writers all the while: not one write reaches the old
    primary after the switch. Three rounds."""
    g = t.group()
    p = t.proxy(g, backend={"hold": "30s"})
    for new in (g[1], g[2], g[3]):
        old = g.primary
        w = t.writers(p.address("write"), timeout=40)
        w.wait_more()
        p.child.pause()
        wait_calm(old)
        g.fail_over(new)
        size, calls = old("DBSIZE"), old.calls("set")
        g.wait_linked(new, g.replicas)
        stays(lambda: old.calls("set") == calls, "SETs from nowhere", 3)
        p.child.resume()
        p.wait_writer(new, 20)
        w.wait_more(200)
        equal((old("DBSIZE"), old.calls("set")), (size, calls),
              "keys of and SETs at the old primary %s" % old.name)
        check_writes(w, new)
        old.replicate(new)
        g.replicas.append(old)
        g.wait_linked()


def test_proxy_stopped_and_nothing_happened(t):
    """SIGSTOP and SIGCONT alone: the sessions live on."""
    g = t.group()
    p = t.proxy(g)
    c = p.client()
    c("SET", "a", "1")
    p.child.pause()
    c.send("GET", "a")
    stays(lambda: not c.has_data(), "a stopped proxy answers", 3)
    p.child.resume()
    equal(c.read(), "1")
    equal(p.writer(), g.primary.name)
    equal(p.client()("GET", "a"), "1")


def test_replica_that_lost_its_primary(t):
    """A replica whose link is down is left out of reads, and used again later."""
    g = t.group()
    p = t.proxy(g, frontends={"read": {"route": "replica", "balance": "roundrobin"}})
    p.wait_up(*g.servers)
    g[1]("REPLICAOF", lib.HOST, t.ports.take())

    def avoided():
        return "redis-2" not in [g.serving(p.client("read")) for _ in range(6)]

    wait_for(avoided, "reads that avoid it")
    g[1].replicate(g.primary)
    g.wait_linked()
    wait_for(lambda: not avoided(), "its way back")


def test_stranger_among_replicas(t):
    """A replica of some other primary is not used for reads."""
    g = t.group(2)
    other = t.redis("stranger")
    other("SET", "a", "wrong")
    p = t.proxy(g, frontends={"read": {"route": "replica", "balance": "roundrobin"}})
    p.wait_up(*g.servers)
    g[1].replicate(other)
    wait_for(lambda: g[1].follows(other), "link to the stranger")
    wait_for(lambda: all(g.serving(p.client("read")) == "redis-3"
                         for _ in range(6)), "reads that avoid it")
