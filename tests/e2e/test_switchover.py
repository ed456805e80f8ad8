#!/usr/bin/env python3
"""`roleproxy ctl switchover` and `promote`: the operator moves the writer."""

import threading
import time

import lib
from lib import SLOW, equal, short, stays, wait_for
from test_sentinel import proxy
from test_sentinel_failover import print_gap, told_by


def refused(p, why, *words):
    """These words of `roleproxy ctl` get an error that says why."""
    code, out, err = p.ctl(*words)
    equal((code, out), (1, ""), words)
    assert err.startswith("error: ") and why in err, (words, err)


class Later(threading.Thread):
    """`roleproxy ctl` in a thread; result() is its exit code, stdout, stderr."""

    def __init__(self, p, *words):
        super().__init__(daemon=True)
        self.p, self.words, self.value = p, words, None
        self.start()

    def run(self):
        """The command."""
        self.value = self.p.ctl(*self.words)

    def result(self):
        """Wait for its end."""
        self.join()
        return self.value


def moved(t, p, g, *to):
    """Switch over under eight writers: nothing is lost. The new writer."""
    old = p.writer()
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more(200)
    code, out, err = p.ctl("switchover", "redis", *to)
    equal((code, err), (0, ""), out)
    name = p.writer()
    assert name != old, name
    assert "%s took over from %s, " % (name, old) in out, out
    w.wait_more(200)
    new = next(s for s in g.servers if s.name == name)
    w.check_kept(new)
    print_gap("switchover " + " ".join(to), w)
    assert w.gap() < 2 * SLOW, "gap of %.2f s" % w.gap()
    fence, switch = next((b, a) for a, b in zip(p.decisions(), p.decisions()[1:])
                         if b["cause"] == "the operator asked for a switch-over")
    equal((fence["from"], fence["action"]), (old, "fence"))
    equal((switch["from"], switch["to"]), (old, name))
    return new


# --- switch-over ------------------------------------------------------------

@short
def test_without_sentinels(t):
    """Without Sentinels: to any replica, then to a named one, under load, with
    nothing lost. The old writer ends as a replica of the new one, which keeps
    the others; a replica of a replica cannot be told to take over."""
    g = t.group(2)
    p = proxy(t, g, hold="30s")
    p.wait_writer(g.primary)
    p.wait_readable(*g.replicas)
    new = moved(t, p, g)
    g.wait_linked(new, [g.primary])
    far = next(s for s in g.replicas if s is not new)
    assert far.follows(g.primary)
    p.wait_readable(g.primary, far)
    refused(p, "that server is no replica of the writer",
            "switchover", "redis", "to", far.name)
    far.replicate(new)
    g.wait_linked(new, [far])
    p.wait_readable(g.primary, far)
    equal(moved(t, p, g, "to", far.name).name, far.name)
    g.wait_linked(far, [new])
    p.wait_log("INFO .*switch-over: %s took over from %s" % (far.name, new.name))
    # The first replica in the list follows another one: it is not asked for.
    assert g.primary.follows(new)
    p.wait_readable(g.primary, new)
    equal(moved(t, p, g).name, new.name)


def test_with_sentinels(t):
    """With Sentinels: they are told, under load, with nothing lost."""
    g = t.group(2)
    s = t.sentinels(g, publish=300)
    p = proxy(t, g, hold="30s")
    p.wait_sentinels()
    p.wait_readable(*g.replicas)
    new = moved(t, p, g)
    wait_for(lambda: s.named() is new, "the Sentinels' verdict", 20)
    told_by(p, 3)
    equal(p.writer(), new.name)


def test_refusals(t):
    """What cannot be done is refused with the reason, and nothing changes."""
    g, lone = t.group(1), t.redis("lone")
    s = t.sentinels(g, publish=300)
    p, q = proxy(t, g), proxy(t, [lone], "lone")
    p.wait_sentinels()
    q.wait_writer(lone)
    refused(q, "no replica follows the writer", "switchover", "redis")
    refused(p, "the Sentinels choose the new primary",
            "switchover", "redis", "to", "redis-2")
    refused(q, "it takes the writes already", "promote", "redis/lone")
    refused(p, "it does not say primary", "promote", "redis/redis-2")
    g[1].replicate(None)
    wait_for(lambda: p.server("redis-2")["role"] == "primary", "its role")
    refused(p, "the Sentinels decide who takes the writes",
            "promote", "redis/redis-2")
    for x in (p, q):
        stays(lambda: x.writer() is not None and len(x.decisions()) == 1,
              "nothing changes", 0.3)
    assert s.named() is g.primary


@short
def test_replica_that_hangs(t):
    """The only replica does not catch up, because it is stopped: the switch-over
    is given up within about two seconds, and writes go on. A second one that is
    asked for meanwhile is refused."""
    g = t.group(1)
    p = proxy(t, g, hold="30s", check_timeout="5s")
    p.wait_writer(g.primary)
    p.wait_readable(g[1])
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more(200)
    g[1].pause()
    start = time.monotonic()
    first = Later(p, "switchover", "redis")
    p.wait_log("switch-over from redis-1 asked for")
    refused(p, "under way", "switchover", "redis")
    code, out, err = first.result()
    took = time.monotonic() - start
    equal((code, out), (1, ""))
    assert "no replica had all the data within a second; redis-1 goes on" in err, err
    assert took < 1 + 1.5 * SLOW, "%.2f s" % took
    p.wait_writer(g.primary, 2)
    w.wait_more(200)
    g[1].resume()
    w.check_kept(g.primary)
    equal(dict(w.errors), {}, "error replies")
    print_gap("switchover rolled back", w)
    assert w.gap() < 1 + 1.5 * SLOW, "gap of %.2f s" % w.gap()
    last = p.decisions()[0]
    equal((last["from"], last["to"], last["cause"]),
          ("redis-1", "redis-1", "the same server is back"))
    equal(g.primary.role(), "master")


def test_redis_refuses(t):
    """A user without the right to FAILOVER: the answer says so, and the writer
    goes on."""
    g = t.group(1, config={"user": "roleproxy on >secret resetkeys resetchannels "
                           "&__sentinel__:hello -@all +ping +info +subscribe"})
    p = proxy(t, g, hold="30s", username="roleproxy", password="secret")
    p.wait_writer(g.primary)
    p.wait_readable(g[1])
    refused(p, "the failover was refused: NOPERM", "switchover", "redis")
    p.wait_writer(g.primary, 2)
    for s in g.servers:
        s("ACL", "SETUSER", "roleproxy", "+failover")
    moved(t, p, g)


def test_sentinel_refuses(t):
    """A Sentinel user without the right to SENTINEL FAILOVER: the answer says so,
    and the writer goes on."""
    g = t.group(1)
    rule = ("roleproxy on >secret allchannels -@all +ping +info +psubscribe "
            "+sentinel|get-master-addr-by-name +sentinel|master +sentinel|replicas "
            "+sentinel|sentinels")
    s = t.sentinels(g, user=rule, publish=300)
    p = proxy(t, g, hold="30s", sentinel_username="roleproxy",
              sentinel_password="secret")
    p.wait_sentinels()
    p.wait_readable(g[1])
    refused(p, "the failover was refused: NOPERM", "switchover", "redis")
    p.wait_writer(g.primary, 2)
    for i in range(3):
        s.command(i, "ACL", "SETUSER", "roleproxy", "+sentinel|failover")
    moved(t, p, g)


# --- promote ----------------------------------------------------------------

def test_promote_in_a_tie(t):
    """Two primaries that nothing tells apart: nobody writes until one is
    promoted; that ends when most replicas follow the other."""
    g = t.group(2)
    a, b, c = g.servers
    a.kill()
    b.replicate(None)
    c.replicate(None)
    p = proxy(t, g, hold="30s")
    stays(lambda: p.writer() is None, "no writer in a tie", 3)
    assert "No server takes writes" in p.backend()["summary"]
    p.wait_log("WARN .*no writer: .*nothing tells which is right")
    w = t.writers(p.address("write"), 2, timeout=60)
    code, out, err = p.ctl("promote", "redis/redis-2")
    equal((code, err), (0, ""))
    p.wait_writer(b)
    d = p.decisions()[0]
    equal((d["to"], d["rule"], d["cause"]), ("redis-2", "W5", "promoted by the operator"))
    w.wait_more()
    p.wait_log("promote redis/redis-2, asked for by uid")
    stays(lambda: p.writer() == b.name, "it stays", 0.5)
    a.config["replicaof"] = "%s %d" % c.address
    a.start()
    wait_for(lambda: a.follows(c), "a replica of the other")
    p.wait_writer(c)
    equal(p.decisions()[0]["cause"], "most replicas follow it")
    w.wait_more()
    w.stop()
    equal(w.readonly(), 0, "READONLY answers")
