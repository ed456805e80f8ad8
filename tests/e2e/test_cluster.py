#!/usr/bin/env python3
"""Redis Cluster behind roleproxy: every primary takes writes, a shard fails over,
cluster clients enter through the two ports."""

import os
import re
import subprocess
import sys

import lib
from lib import HOST, RedisError, SLOW, Skip, equal, short, stays, wait_for
from servers import Redis

PRETENDER = "says primary but is not the writer"


class Cluster:
    """Three primaries, each with a replica, on ports of loopback."""

    def __init__(self, lab, n=6, replicas=1, config=None):
        self.lab = lab
        self.servers = [self.make("node-%d" % (i + 1), config) for i in range(n)]
        self.create(replicas)

    def make(self, name, config=None):
        """One node, of no cluster yet. Its bus would be at port + 10000, which
        may be a port of another test."""
        return Redis(self.lab, name, config={
            "cluster-enabled": "yes", "cluster-config-file": "nodes.conf",
            "cluster-port": self.lab.ports.take(), "cluster-node-timeout": 1500,
            **(config or {})})

    def create(self, replicas):
        """Make them a cluster, and wait until all of them know."""
        run = subprocess.run(
            ["redis-cli", "--cluster", "create"] +
            ["%s:%d" % s.address for s in self.servers] +
            ["--cluster-replicas", str(replicas), "--cluster-yes"],
            capture_output=True, timeout=60 * SLOW)
        assert run.returncode == 0, run.stdout.decode() + run.stderr.decode()
        wait_for(self.is_well, "cluster", 30)

    def is_well(self):
        """Do all that run agree who is what, and that all is well?"""
        alive = [s for s in self.servers if s.child.running()]
        return len({self.view(s) for s in alive}) == 1 and \
            all(self.state(s) == "ok" and
                (s.role() == "master" or s.info()["master_link_status"] == "up")
                for s in alive)

    @staticmethod
    def view(server):
        """Who is what, as one of them sees it: id, flags, primary."""
        return tuple(sorted(
            (w[0], w[2].replace("myself,", ""), w[3])
            for w in map(str.split, server("CLUSTER", "NODES").splitlines())))

    @staticmethod
    def state(server):
        """cluster_state of a node."""
        return lib.parse_info(server("CLUSTER", "INFO"))["cluster_state"]

    def primaries(self):
        """The nodes that are primaries now, of those that run."""
        return [s for s in self.servers
                if s.child.running() and s.role() == "master"]

    def replica_of(self, primary):
        """Its replica."""
        return next(s for s in self.servers
                    if s.child.running() and s.follows(primary))

    def named(self, port):
        """The node at this port."""
        return next(s for s in self.servers if s.port == port)

    def shards(self):
        """Node names by the name of their primary, as Redis has it."""
        return {s.name: p.name for p in self.primaries()
                for s in [p] + [r for r in self.servers if r.follows(p)]}


def serving(cluster, p, frontend="write"):
    """The node that a new connection reaches."""
    with p.client(frontend) as c:
        return cluster.named(c.served_by())


def seen_shards(p):
    """The same as Cluster.shards(), as the proxy has it."""
    return {s["name"]: s["shard"] for s in p.backend()["servers"]}


def cli(p, frontend, *args, text=None):
    """redis-cli as a cluster client that enters through a frontend."""
    run = subprocess.run(
        ["redis-cli", "-c", "-h", HOST, "-p", str(p.address(frontend)[1])] +
        list(args), input=text, capture_output=True, text=True, timeout=30 * SLOW)
    return run.stdout


def readable(p):
    """The names of the servers that serve reads."""
    return sorted(s["name"] for s in p.backend()["servers"] if s["readable"])


def writable(p):
    """The names of the servers that take writes."""
    return sorted(s["name"] for s in p.backend()["servers"] if s["writable"])


def names(servers):
    """The names of servers, in order."""
    return sorted(s.name for s in servers)


def wait_settled(cluster, p):
    """Wait until the proxy sees what Redis says."""
    wait_for(cluster.is_well, "cluster", 30)
    wait_for(lambda: seen_shards(p) == cluster.shards(), "shards", 15)
    wait_for(lambda: writable(p) == names(cluster.primaries()), "writers", 15)
    wait_for(lambda: len(readable(p)) == len(cluster.servers) -
             len(cluster.primaries()), "readers", 15)


def check_log(p):
    """Nothing of the single writer has been applied."""
    assert PRETENDER not in p.log(), "a primary of the cluster was fenced"


@short
def test_shards(t):
    """Every primary is a writer, every replica a reader; JSON, page and status
    have them by shard."""
    c = Cluster(t)
    p = t.proxy(c.servers, glob={"control-socket": os.path.join(t.folder, "ctl")})
    wait_settled(c, p)
    b = p.backend()
    equal((b["cluster"], b["writer"]), (True, None))
    equal(b["summary"],
          "Redis Cluster: 3 shards, all have a primary; cluster_state ok.")
    equal({s["name"] for s in b["servers"] if s["writer"]}, set(writable(p)))
    page = p.page()
    assert b["summary"] in page
    rows = re.findall(r'<th scope="row"><a name="redis/[^"]*"></a>(node-\d)</th>', page)
    equal(sorted(rows), names(c.servers), "rows")
    shards = [seen_shards(p)[name] for name in rows]
    equal(shards[::2], shards[1::2], "rows by shard")
    equal(rows[::2], shards[::2], "a primary before its replica")
    code, status, _ = t.run("ctl", "-s", os.path.join(t.folder, "ctl"), "status")
    equal(code, 0)
    assert b["summary"] in status and " SHARD " in status
    served = {serving(c, p).name for _ in range(12)}
    equal(served, set(writable(p)), "primaries that new connections reach")
    equal({serving(c, p, "read").name for _ in range(12)}, set(readable(p)))
    for path, expected in ("/readyz", 200), ("/readyz/write", 200), \
            ("/readyz/read", 200):
        equal(p.get(path), expected, path)
    check_log(p)


def test_cluster_cli(t):
    """redis-cli -c writes any key through the write port, and reads it."""
    c = Cluster(t)
    p = t.proxy(c.servers)
    wait_settled(c, p)
    keys = ["key:%d" % i for i in range(300)]
    out = cli(p, "write", text="".join("SET %s v-%s\n" % (k, k) for k in keys))
    equal(out.split().count("OK"), len(keys), "answers OK")
    for k in keys[:10]:
        equal(cli(p, "write", "GET", k).strip(), "v-" + k, k)
    equal(sum(s("DBSIZE") for s in c.primaries()), len(keys), "keys")
    assert all(s("DBSIZE") > 0 for s in c.primaries())
    check_log(p)


def test_readonly(t):
    """A READONLY client of the read port gets what its replica has, and is sent
    elsewhere for the rest."""
    c = Cluster(t)
    p = t.proxy(c.servers)
    wait_settled(c, p)
    cli(p, "write", text="".join("SET key:%d %d\n" % (i, i) for i in range(100)))
    wait_for(lambda: sum(s("DBSIZE") for s in c.servers) == 200, "copies")
    got = 0
    with p.client("read") as r:
        equal(c.named(r.served_by()).role(), "slave")
        equal(r("READONLY"), "OK")
        for i in range(100):
            try:
                equal(r("GET", "key:%d" % i), str(i))
                got += 1
            except RedisError as e:
                assert str(e).startswith("MOVED "), e
    assert 10 < got < 60, "%d keys read from one replica" % got


@short
def test_failover(t):
    """kill -9 a primary: new connections reach primaries only, the page says
    what is missing, then who took over; the old one comes back as a replica."""
    c = Cluster(t)
    p = t.proxy(c.servers, backend={"fence-after": "20s"})
    wait_settled(c, p)
    old = c.primaries()[0]
    new = c.replica_of(old)
    others = [s for s in c.primaries() if s is not old]
    kept = [p.client("write") for _ in range(12)]
    at = {k: c.named(k.served_by()) for k in kept}
    old.kill()
    wait_for(lambda: p.backend()["summary"].startswith(
        "Redis Cluster: 2 of 3 shards have a primary"), "a shard without primary")
    reached = set()

    def took_over():
        s = serving(c, p)
        reached.add(s.name)
        assert s is not old and s.role() == "master", "%s was reached" % s.name
        return new.name in writable(p)

    wait_for(took_over, "another primary", 20)
    assert reached <= set(names(others + [new])), reached
    wait_for(lambda: seen_shards(p)[old.name] == new.name, "the shard's new name")
    wait_for(lambda: p.backend()["summary"] ==
             "Redis Cluster: 3 shards, all have a primary; cluster_state ok.", "ok")
    d = p.stats()["decisions"][0]
    equal((d["from"], d["to"], d["cause"]),
          (old.name, new.name, "the Redis Cluster made it a primary"))
    for k in kept:      # a shard's failover is no matter of the others
        equal(k.is_closed(), at[k] is old, "session on " + at[k].name)
    equal(serving(c, p).name, new.name, "the one with the fewest sessions")
    old.start()
    wait_for(lambda: old.follows(new), "the old primary as a replica", 20)
    wait_settled(c, p)
    equal((p.server(old)["role"], p.server(old)["shard"]), ("replica", new.name))
    assert old.name not in writable(p) and old.name in readable(p)
    check_log(p)


def test_asked_failover(t):
    """CLUSTER FAILOVER: the sessions on the old primary are closed, those on the
    others stay."""
    c = Cluster(t)
    p = t.proxy(c.servers)
    wait_settled(c, p)
    old = c.primaries()[0]
    new = c.replica_of(old)
    kept = [p.client("write") for _ in range(9)]
    at = {k: c.named(k.served_by()) for k in kept}
    equal(new("CLUSTER", "FAILOVER"), "OK")
    wait_for(lambda: old.follows(new), "swapped roles", 20)
    wait_for(lambda: all(k.is_closed() for k in kept if at[k] is old),
             "closed sessions")
    wait_settled(c, p)
    equal([at[k].name for k in kept if k.is_closed() and at[k] is not old], [])
    p.wait_log(r"%s is a replica now: fenced, 3 sessions closed" % old.name)
    p.wait_log(r"session .*/%s: fenced" % old.name)
    d = p.stats()["decisions"]
    equal([(x["from"], x["to"]) for x in d], [(old.name, new.name)])
    check_log(p)


def test_state_fail(t):
    """A cluster that is down for long takes no writes: clients wait, and are
    served when it is back. A moment of it closes no session."""
    c = Cluster(t, n=3, replicas=0)
    p = t.proxy(c.servers, backend={"hold": "30s", "fence-after": "1s"})
    wait_settled(c, p)
    dead, left = c.servers[0], c.servers[1:]
    kept = p.client("write")
    while c.named(kept.served_by()) is dead:
        kept.close()
        kept = p.client("write")
    dead.kill()
    wait_for(lambda: c.state(left[0]) == "fail", "fail", 20)
    wait_for(lambda: not writable(p), "no writer")
    equal(p.get("/readyz/write"), 503)
    wait_for(kept.is_closed, "closed session")
    equal(p.backend()["summary"],
          "Redis Cluster: 2 of 3 shards have a primary; cluster_state fail.")
    equal(p.server(left[0])["reason"], "fenced: its cluster_state is not ok")
    waiting = p.client("write", timeout=40)
    waiting.send("PING")
    wait_for(lambda: p.backend()["held"] == 1, "held client")
    assert "1 client waits" in p.backend()["summary"]
    dead.start()
    equal(waiting.read(), "PONG")
    wait_settled(c, p)
    check_log(p)


def test_blocked_primary(t):
    """A primary that is stopped for a moment loses no session."""
    c = Cluster(t, config={"cluster-node-timeout": 15000})
    p = t.proxy(c.servers)
    wait_settled(c, p)
    stopped = c.primaries()[0]
    kept = [p.client("write") for _ in range(6)]
    at = {k: c.named(k.served_by()) for k in kept}
    stopped.pause()
    p.wait_down(stopped)
    stays(lambda: serving(c, p) is not stopped, "new connections elsewhere", 0.5)
    stopped.resume()
    wait_settled(c, p)
    equal([at[k].name for k in kept if k.is_closed()], [])
    check_log(p)


def test_replaced_while_stopped(t):
    """A primary that is stopped until it is replaced loses its sessions, and gets
    none when it wakes up and still takes itself for one."""
    c = Cluster(t)
    p = t.proxy(c.servers)
    wait_settled(c, p)
    stopped = c.primaries()[0]
    new = c.replica_of(stopped)
    kept = [p.client("write") for _ in range(6)]
    at = {k: c.named(k.served_by()) for k in kept}
    stopped.pause()
    wait_for(lambda: new.name in writable(p), "another primary", 20)
    wait_for(lambda: all(k.is_closed() for k in kept if at[k] is stopped),
             "closed sessions")
    p.wait_log("%s has been replaced: fenced, 2 sessions closed" % stopped.name)
    stopped.resume()
    ended = []
    wait_for(lambda: ended.append(serving(c, p)) or stopped.follows(new),
             "the old primary as a replica", 20)
    assert stopped not in ended, "the old primary was reached"
    wait_settled(c, p)
    equal([(d["from"], d["to"]) for d in p.stats()["decisions"]],
          [(stopped.name, new.name)])
    check_log(p)


def test_no_permission(t):
    """A user that may not ask CLUSTER INFO: the page has the missing right."""
    c = Cluster(t)
    for s in c.servers:
        s("ACL", "SETUSER", "check", "on", ">pw", "-@all", "+ping", "+info")
    p = t.proxy(c.servers, backend={"username": "check", "password": "pw"})
    equal(p.server(c.servers[0])["reason"],
          "no permission: the user may not run CLUSTER INFO: "
          "ACL SETUSER check +cluster|info")
    for s in c.servers:
        s("ACL", "SETUSER", "check", "+cluster|info")
    wait_settled(c, p)


def test_mixed(t):
    """A server that is not in cluster mode serves nobody, and the log says so."""
    c = Cluster(t, n=3, replicas=0)
    alone = t.redis("alone")
    copy = t.redis("copy", replica_of=alone)
    p = t.proxy(c.servers + [alone, copy])
    wait_for(lambda: writable(p) == names(c.servers), "writers")
    p.wait_log("alone is not in cluster mode, but others are")
    equal({serving(c, p).name for _ in range(9)}, set(names(c.servers)))
    equal((readable(p), p.server("alone")["shard"]), ([], None))
    equal(p.server("alone")["reason"],
          "not in cluster mode, as others of this backend are")
    equal(p.log().count("alone is not in cluster mode"), 1, "lines of the log")
    check_log(p)


# What a program that uses redis-py's cluster client does: it enters through one
# port, writes and reads, and says what was acknowledged and what went wrong.
PROGRAM = """
import sys, time
import redis
from redis.cluster import ClusterNode, RedisCluster
node = ClusterNode("127.0.0.1", int(sys.argv[1]))
def client():
    return RedisCluster(startup_nodes=[node], read_from_replicas=False,
                        socket_timeout=2, cluster_error_retry_attempts=20)
def say(word, n):
    print(word, n, flush=True)
c = client()
say("connected", len(c.get_primaries()))
n = errors = 0
for line in iter(sys.stdin.readline, ""):
    end = time.monotonic() + 60
    for _ in range(int(line)):
        while time.monotonic() < end:
            try:
                assert c.set("py:%d" % n, n) and c.get("py:%d" % n) == b"%d" % n
                n += 1
                break
            except Exception as e:      # a RedisClusterException is just that
                errors += 1
                print(repr(e)[:200], file=sys.stderr)
                time.sleep(0.1)         # paced: what a program does
                try:
                    c = client()
                except Exception as e:
                    print(repr(e)[:200], file=sys.stderr)
    say("written", n)
say("errors", errors)
"""


def interpreter():
    """A Python that has redis-py's cluster client (Debian: python3-redis)."""
    for python in sys.executable, "/usr/bin/python3":
        if os.path.exists(python) and subprocess.run(
                [python, "-c", "import redis.cluster"],
                stderr=subprocess.DEVNULL).returncode == 0:
            return python
    raise Skip("there is no redis-py with a cluster client (python3-redis)")


def test_library(t):
    """redis-py's cluster client, entering through the write port, works before,
    during and after the failover of a shard; one that starts then does, too."""
    python = interpreter()
    c = Cluster(t)
    p = t.proxy(c.servers, backend={"hold": "30s"})
    wait_settled(c, p)
    path = t.file("program.py", PROGRAM)

    def start():
        return subprocess.Popen(
            [python, path, str(p.address("write")[1])], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1,
            stderr=open(os.path.join(t.folder, "program.err"), "a"))

    def write(program, n):
        program.stdin.write("%d\n" % n)
        return program.stdout.readline().split()

    first = start()
    equal(first.stdout.readline().split(), ["connected", "3"])
    equal(write(first, 300), ["written", "300"])
    old = c.primaries()[0]
    new = c.replica_of(old)
    old.kill()
    equal(write(first, 300), ["written", "600"])
    second = start()        # while the dead one is still in the file
    equal(second.stdout.readline().split()[0], "connected")
    equal(write(second, 300), ["written", "300"])
    equal(new.role(), "master")
    old.start()
    wait_for(lambda: old.follows(new), "the old primary as a replica", 20)
    equal(write(first, 300), ["written", "900"])
    wait_settled(c, p)
    for program in first, second:
        program.stdin.close()
        equal(program.stdout.read().split()[0], "errors")
        equal(program.wait(), 0)
    check_log(p)
