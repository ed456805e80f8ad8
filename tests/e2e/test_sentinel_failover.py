#!/usr/bin/env python3
"""What the Sentinels decide, while they come and go, hang, and are cut off."""

import os
import shutil
import time

from lib import SLOW, equal, full, short, stays, wait_for
from test_sentinel import addresses, links, one, proxy


def told_by(p, n):
    """Wait until so many Sentinels answer and agree; the others are shown."""
    wait_for(lambda: p.backend()["sentinels_agree"] == n and
             sum(x["answers"] for x in p.sentinels()) == n,
             "%d Sentinels that agree" % n, 20)


def planned(t, g, s, p, i=0):
    """A planned failover under eight writers: none lost, no READONLY. The gap."""
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more(200)
    g.wait_in_step()
    new = s.fail_over(i)
    p.wait_writer(new, 20)
    w.wait_more(200)
    w.check_kept(new)
    print_gap("planned failover", w)
    return new, w.gap()


def print_gap(what, w):
    """Tell the gap to whoever wants the figures (E2E_FIGURES=FILE)."""
    if os.environ.get("E2E_FIGURES"):
        with open(os.environ["E2E_FIGURES"], "a") as f:
            f.write("%s: gap %.3f s, %d writes\n" % (what, w.gap(), w.count()))


# --- planned failovers ------------------------------------------------------

@short
def test_planned(t):
    """A planned failover under eight writers loses nothing, answers nobody
    READONLY and costs less than a second; the decisions tell how it went."""
    g = t.group()
    s = t.sentinels(g)
    p = proxy(t, g, hold="30s")
    p.wait_sentinels()
    new, gap = planned(t, g, s, p)
    assert gap < 1.0 * SLOW, "gap of %.2f s" % gap
    wait_for(lambda: p.backend()["epoch"] == 1, "the verdict")
    d = [x for x in p.decisions() if x["to"] == new.name or x["action"] == "fence"]
    equal((d[0]["from"], d[0]["to"], d[0]["action"]), ("redis-1", new.name, "switch"))
    assert d[0]["rule"] in ("W2", "W1"), d[0]
    equal({x["rule"] for x in d} & {"W2"}, {"W2"})
    assert d[0]["held"] > 0 and 0 < d[0]["held_ms"] < 1000 * SLOW, d[0]
    assert d[0]["text"].startswith(
        "redis: %s took over from redis-1: the Sentinels " % new.name), d[0]
    assert "Sentinel epoch" in d[0]["evidence"], d[0]
    told_by(p, 3)
    wait_for(lambda: {(x["names"], x["epoch"]) for x in p.sentinels()} ==
             {(new.name, 1)}, "the new verdict of all")
    assert new.name in p.backend()["summary"]
    assert d[0]["text"] in p.ctl("status")[1]


@full
def test_there_and_back(t):
    """Planned failovers one after the other, each with nothing lost."""
    g = t.group(2)
    s = t.sentinels(g)
    p = proxy(t, g, hold="30s")
    p.wait_sentinels()
    for i in (0, 1, 2):
        new, _ = planned(t, g, s, p, i)
        told_by(p, 3)
        others = [r for r in g.servers if r is not new]
        for r in others:    # the Sentinels would do so within ten seconds
            r.replicate(new)
        g.wait_linked(new, others)
        s.pace({"info-period": 200})
        wait_for(lambda: all(s.ready(j, 3) for j in range(3)), "Sentinels ready", 20)
        s.pace({"info-period": 10000})


def test_missed_events(t):
    """The connections that listen to the Sentinels break over and over while a
    failover begins: asking reconciles, the writer is right soon after, and only
    what the old primary took until then is lost."""
    g = t.group(2)
    s = t.sentinels(g)
    p = proxy(t, g, hold="30s")
    p.wait_sentinels()
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more(200)

    def deafen():
        for i in range(3):
            s.command(i, "CLIENT", "KILL", "TYPE", "pubsub")

    deafen()
    equal(s.ask(0, "FAILOVER", "mymaster"), "OK")
    wait_for(lambda: deafen() or s.named() is not g.primary, "verdict", 30)
    new = s.named()
    p.wait_writer(new, 5)
    w.wait_more(200)
    w.stop()
    equal(w.readonly(), 0, "READONLY answers")
    print_gap("events missed, %d lost" % len(w.lost(new)), w)
    assert w.gap() < 3 * SLOW, "gap of %.2f s" % w.gap()
    told_by(p, 3)
    for i in range(3):
        wait_for(lambda: len(links(s, i)) == 2, "both links")


def test_no_events(t):
    """A user that may not listen to the Sentinels' events: asking them suffices
    to follow a failover within seconds. (What the old primary took in the second
    before their verdict is lost: the log names the right that is missing.)"""
    g = t.group(2)
    s = t.sentinels(g, user="deaf on >secret -@all +ping +info +sentinel|master "
                            "+sentinel|get-master-addr-by-name +sentinel|replicas "
                            "+sentinel|sentinels")
    p = proxy(t, g, hold="30s", sentinel_username="deaf", sentinel_password="secret")
    p.wait_sentinels()
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more(200)
    new = s.fail_over()
    p.wait_writer(new, 5)
    w.wait_more(200)
    w.stop()
    equal(w.readonly(), 0, "READONLY answers")
    print_gap("no events, %d lost" % len(w.lost(new)), w)
    assert w.gap() < 3 * SLOW, "gap of %.2f s" % w.gap()


# --- Sentinels that come and go ---------------------------------------------

def test_restart(t):
    """A Sentinel that restarts is shown as lost, and answers again; nothing
    happens to the writes."""
    g = t.group(1)
    s = t.sentinels(g, publish=300)
    p = proxy(t, g)
    p.wait_sentinels()
    w = t.writers(p.address("write"))
    s.children[1].kill()
    wait_for(lambda: one(p, s.line(1))["text"] in ("closed by the other side", "Connection refused"), "loss")
    equal(p.backend()["sentinels_known"], 3)
    s.start(1)
    told_by(p, 3)
    wait_for(lambda: len(links(s, 1)) == 2, "both links")
    p.wait_log("WARN .*sentinel %s: " % s.line(1))
    equal(p.log().count("sentinel %s answers" % s.line(1)), 2)
    w.wait_more()
    w.stop()
    equal((dict(w.errors), dict(w.broken)), ({}, {}))
    equal(len(p.decisions()), 1)


def test_made_anew(t):
    """A Sentinel that comes back with another id at the same address, as in a new
    container, is one Sentinel, not two."""
    g = t.group(1)
    s = t.sentinels(g, publish=300)
    p = proxy(t, g)
    p.wait_sentinels()
    s.children[2].kill()
    shutil.rmtree(s.folder(2))
    s.write_config(2, 2, 1000)
    s.start(2)
    told_by(p, 3)
    stays(lambda: addresses(p) == sorted(s.line(i) for i in range(3)),
          "three Sentinels", 2.5)
    equal(len(links(s, 2)), 2)


def test_one_killed(t):
    """One of three Sentinels is dead: two agree, and a planned failover loses
    nothing."""
    g = t.group(2)
    s = t.sentinels(g, publish=300)
    p = proxy(t, g, hold="30s")
    p.wait_sentinels()
    s.children[2].kill()
    told_by(p, 2)
    equal(p.backend()["sentinels_text"].split("(")[0], "2 of 3 Sentinels agree ")
    planned(t, g, s, p)


def test_two_killed(t):
    """Two of three Sentinels are dead: no majority, and nothing happens to the
    writes."""
    g = t.group(2)
    s = t.sentinels(g, publish=300)
    p = proxy(t, g)
    p.wait_sentinels()
    w = t.writers(p.address("write"))
    w.wait_more()
    for i in (0, 1):
        s.children[i].kill()
    told_by(p, 1)
    stays(lambda: p.writer() == "redis-1", "the writer", 3)
    w.wait_more()
    w.stop()
    equal((dict(w.errors), dict(w.broken)), ({}, {}))
    assert w.gap() < 1.0 * SLOW, "gap of %.2f s" % w.gap()
    equal(len(p.decisions()), 1)


def test_stale(t):
    """A Sentinel that slept through a failover and still names the old primary
    changes nothing when it wakes."""
    g = t.group(2)
    s = t.sentinels(g, publish=300)
    p = proxy(t, g, hold="30s")
    p.wait_sentinels()
    s.pace({"tilt-trigger": 60000})     # else it would distrust itself
    s.children[2].pause()
    new, _ = planned(t, g, s, p)
    w = t.writers(p.address("write"))
    w.wait_more()
    n = len(p.decisions())
    s.children[2].resume()
    wait_for(lambda: one(p, s.line(2))["answers"], "its answer")
    stays(lambda: p.writer() == new.name, "the new writer stays", 3)
    w.wait_more()
    w.stop()
    equal((dict(w.errors), dict(w.broken)), ({}, {}))
    equal(len(p.decisions()), n)


# --- the fence --------------------------------------------------------------

def stop_two(s):
    """Stop two of three Sentinels."""
    for i in (0, 1):
        s.children[i].pause()


def test_strict(t):
    """fence = strict: without a majority of the Sentinels nobody writes, within
    about fence-after, and page, JSON and log say why; with them writes go on."""
    g = t.group(1)
    s = t.sentinels(g, down_after=20000, publish=300)
    p = proxy(t, g, hold="30s", fence="strict", fence_after="2s")
    p.wait_writer(g.primary)
    first = p.decisions()[-1]
    equal((first["rule"], first["to"]), ("W1", "redis-1"))
    p.wait_sentinels()
    s.pace({"tilt-trigger": 60000})     # else they distrust themselves for 30 s
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    start, wall = len(p.log()), time.monotonic()
    stop_two(s)
    p.wait_writer(None, 10)
    took = time.monotonic() - wall
    # The Sentinels' own pings are a second apart.
    assert took < 2.5 + 2.5 * SLOW, "%.2f s" % took
    b = p.backend()
    assert "Sentinels" in b["cause"] or "cut off" in b["cause"], b["cause"]
    assert "No server takes writes" in b["summary"], b["summary"]
    assert "No server takes writes" in p.page()
    p.wait_log("WARN .*writer redis-1 -> none: .*(W7|W6)", start)
    before = w.count()
    stays(lambda: w.count() == before, "nobody writes", 1)
    for i in (0, 1):
        s.children[i].resume()
    p.wait_writer(g.primary, 10)
    w.wait_more()
    w.check_kept(g.primary)
    equal(dict(w.errors), {}, "error replies")


def test_off(t):
    """fence = off, and auto while replicas follow: the same takes the writes
    from nobody."""
    g = t.group(1)
    s = t.sentinels(g, down_after=20000, publish=300)
    p, q = proxy(t, g, "off", fence="off"), proxy(t, g, "auto")
    p.wait_sentinels()
    q.wait_sentinels()
    ws = [t.writers(x.address("write"), 4) for x in (p, q)]
    stop_two(s)
    told_by(p, 1)
    told_by(q, 1)
    stays(lambda: (p.writer(), q.writer()) == ("redis-1", "redis-1"), "writers", 2.5)
    equal([len(x.decisions()) for x in (p, q)], [1, 1])
    for w in ws:
        w.wait_more()
        w.stop()
        equal((dict(w.errors), dict(w.broken)), ({}, {}))


# --- what Redis itself may lose ---------------------------------------------

def test_min_replicas(t):
    """The JSON says whether the writer acknowledges what no replica has
    (min-replicas-to-write), and follows a change."""
    g = t.group(1)
    p = proxy(t, g)
    p.wait_writer(g.primary)
    for value, want in ((0, False), (1, True), (0, False)):
        g.primary("CONFIG", "SET", "min-replicas-to-write", value)
        wait_for(lambda: p.backend()["min_replicas_to_write"] is want,
                 "min_replicas_to_write %s" % want)
