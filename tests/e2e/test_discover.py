#!/usr/bin/env python3
"""discover = on: servers that nobody listed are found, and dropped again."""

from lib import equal, short, stays, wait_for
from servers import ini


def names(p):
    """The addresses of the servers that it knows."""
    return sorted(s["address"] for s in p.backend()["servers"])


def addresses(*servers):
    """The same of real ones."""
    return sorted("%s:%d" % s.address for s in servers)


def named(p, server):
    """The server's entry in /stats.json, whatever its name."""
    return next(s for s in p.backend()["servers"]
                if s["address"] == "%s:%d" % server.address)


def lined(g, *servers):
    """`server` lines for some of a group."""
    return ["%s %s:%d" % (s.name, s.host, s.port) for s in servers or g.servers]


@short
def test_found_from_one_replica(t):
    """One replica is listed: its primary and the other replicas are found, and
    writes work; a session of the listed one lives through all of it."""
    g = t.group()
    p = t.proxy(lined(g, g[1]), backend={"discover": "on"})
    wait_for(lambda: names(p) == addresses(*g.servers), "all four servers")
    with p.client() as c:
        equal(c("SET", "a", "1"), "OK")
        equal(c.served_by(), g.primary.port)
    wait_for(lambda: named(p, g[3])["readable"], "reads from a found replica")
    equal(p.backend()["writer"], "%s:%d" % g.primary.address)


def test_found_by_sentinels(t):
    """A replica that is added later is found; so is a whole group through a
    failover, with nobody but the Sentinels to name it."""
    g = t.group(replicas=2)
    s = t.sentinels(g)
    p = t.proxy(lined(g, g.primary), backend={"discover": "on", "hold": "30s"})
    wait_for(lambda: names(p) == addresses(*g.servers), "all three servers")
    late = t.redis("redis-9", replica_of=g.primary)
    wait_for(lambda: late.follows(g.primary), "the late one as a replica", 20)
    wait_for(lambda: names(p) == addresses(late, *g.servers), "the late one", 20)
    g.servers.append(late)
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    wait_for(lambda: len(p.stats()["sentinels"]) == 3, "three Sentinels")
    g.wait_in_step()
    new = s.fail_over()
    wait_for(lambda: p.writer() == named(p, new)["name"], "the new writer", 20)
    w.wait_more(200)
    w.stop()
    equal(w.lost(new), [], "lost writes")


def test_reload_keeps_them(t):
    """HUP keeps what was found, also the sessions on it; discover = off drops
    it."""
    g = t.group(replicas=2)
    p = t.proxy(lined(g, g[1]), backend={"discover": "on"})
    wait_for(lambda: names(p) == addresses(*g.servers), "all three servers")
    c = p.client()
    equal(c("SET", "a", "1"), "OK")
    p.reload()
    equal(names(p), addresses(*g.servers))
    stays(lambda: c("GET", "a") == "1", "the session goes on", 0.5)
    p.conf["backend redis"]["discover"] = "off"
    p.reload()
    equal(names(p), addresses(g[1]))


def test_alias(t):
    """A listed server that is announced under another address is one server: the
    second entry goes, and stays away."""
    g = t.group(replicas=1, config={"bind": "127.0.0.1 127.0.0.2"})
    r = g[1]
    r("CONFIG", "SET", "slave-announce-ip", "127.0.0.2")
    r("REPLICAOF", "NO", "ONE")
    r.replicate(g.primary)
    g.wait_linked()
    wait_for(lambda: "ip=127.0.0.2" in g.primary.info().get("slave0", ""),
             "the other address in INFO")
    p = t.proxy(g, backend={"discover": "on"})
    p.wait_log("dropped: it is a listed server under another address")
    stays(lambda: names(p) == addresses(*g.servers), "no second entry", 2)
    equal(p.log().count("is added"), 1, "times that it was added")


def test_unreachable(t):
    """An announced address that nobody answers at is shown, not used, and does
    not flap."""
    g = t.group(replicas=1)
    port = t.ports.take()
    g[1]("CONFIG", "SET", "slave-announce-port", str(port))
    g[1]("REPLICAOF", "NO", "ONE")
    g[1].replicate(g.primary)
    g.wait_linked()
    wait_for(lambda: "port=%d" % port in g.primary.info().get("slave0", ""),
             "the other port in INFO")
    p = t.proxy(g, backend={"discover": "on"})
    wait_for(lambda: "127.0.0.1:%d" % port in names(p), "the announced one")
    entry = next(s for s in p.backend()["servers"] if s["address"].endswith(":%d" % port))
    wait_for(lambda: not entry["readable"], "not readable")
    stays(lambda: "127.0.0.1:%d" % port in names(p) and
          p.writer() == g.primary.name, "it stays as it is", 2)
    equal(p.log().count("is added"), 1, "times that it was added")
    with p.client() as c:
        equal(c("SET", "a", "1"), "OK")


def test_off(t):
    """Without discover = on nothing is added."""
    g = t.group(replicas=2)
    p = t.proxy(lined(g, g.primary, g[1]))
    stays(lambda: names(p) == addresses(g.primary, g[1]), "as listed", 1.5)
    assert "discover" not in ini(p.conf)
