#!/usr/bin/env python3
"""The harness itself, without roleproxy: real servers, real Sentinels."""

import lib
from lib import wait_for


def test_group(t):
    """A primary and three replicas; a write arrives everywhere."""
    g = t.group()
    g.primary("SET", "a", "1")
    for r in g.replicas:
        wait_for(lambda: r("GET", "a") == "1", "write on " + r.name)
    lib.equal(g.primary.calls("set"), 1)
    lib.equal(g.primary.sessions(), [])


def test_sentinel_failover(t):
    """kill -9: the Sentinels promote a replica and repoint the others."""
    g = t.group()
    s = t.sentinels(g)
    g.primary.kill()
    wait_for(lambda: s.named() is not g.primary, "verdict", 30)
    new = s.named()
    wait_for(lambda: new.role() == "master", "promotion")
    g.wait_linked(new, [r for r in g.replicas if r is not new])


def test_writers(t):
    """Writers remember what was acknowledged, through a restart."""
    r = t.redis()
    w = t.writers(r.address, n=4)
    w.wait_more(100)
    r.kill()
    r.start()
    w.wait_more(100)
    w.stop()
    assert w.lost(r), "kill -9 without saving loses writes"
    assert w.broken, "its connections broke"


def test_orphans(t):
    """What a child leaves behind is found and killed."""
    t.spawn("shell", ["sh", "-c", "setsid sleep 1000 & echo $!"]).wait()
    wait_for(lambda: len(lib.children()) == 1, "orphan")
    lib.kill_children()
    lib.equal(lib.children(), [])
