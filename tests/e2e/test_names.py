#!/usr/bin/env python3
"""Servers by name: /etc/hosts, DNS, names without an address, names that move.
Where this user may, the proxy gets a mount namespace with its own files."""

import os
import subprocess
import time

import lib
from lib import HOST, RedisError, SLOW, equal, mark, short, stays, wait_for
from services import Dns, Service, echo


@short
def test_localhost(t):
    """A name from /etc/hosts."""
    g = t.group(1)
    p = t.proxy(["redis-%d localhost:%d" % (i + 1, s.port)
                 for i, s in enumerate(g.servers)])
    equal(p.writer(), "redis-1")
    equal(g.serving(p.client()), "redis-1")
    equal(p.server("redis-1")["address"], "%s:%d" % g[0].address)


@short
def test_name_without_an_address(t):
    """nope.invalid: starts anyway, shows it, serves with the rest."""
    g = t.group(1)
    p = t.proxy(["lost nope.invalid:6379"] + g.servers)
    p.wait_writer("redis-1")
    equal(g.serving(p.client()), "redis-1")
    equal(g.serving(p.client("read")), "redis-2")
    assert not p.is_up("lost")
    wait_for(lambda: "unresolved" in (p.server("lost")["reason"] or ""), "reason", 20)
    assert "unresolved" in p.page()


def test_only_a_name_without_an_address(t):
    """Nothing resolves: starts, says so, and stops when told."""
    p = t.proxy(["lost nope.invalid:6379"], backend={"hold": "300ms"})
    try:
        p.client()("PING")
        raise AssertionError("served")
    except RedisError as e:
        assert str(e).startswith("LOADING roleproxy: no primary"), e
    equal(p.stop(), 0, "exit code")


class Namespace:
    """Files that take the place of /etc/hosts and /etc/resolv.conf for one
    proxy; they are changed in place."""

    def __init__(self, t, hosts="", nameserver="127.0.0.254"):
        self.files = {
            "/etc/hosts": t.file("hosts", hosts),
            "/etc/resolv.conf": t.file("resolv.conf", "nameserver %s\n"
                                       "options timeout:1 attempts:1\n" % nameserver),
        }
        script = "; ".join("mount --bind %s %s" % (mine, real)
                           for real, mine in self.files.items())
        self.prefix = ["unshare", "-m", "sh", "-c",
                       "set -e; %s; exec \"$@\"" % script, "sh"]
        try:
            ok = subprocess.run(self.prefix + ["true"], capture_output=True,
                                timeout=20).returncode == 0
        except OSError:
            ok = False
        if not ok:
            raise lib.Skip("no mount namespace for this user")

    def hosts(self, text):
        """Change /etc/hosts in place."""
        with open(self.files["/etc/hosts"], "w") as f:
            f.write(text)


def proxy_in(t, namespace, servers, **options):
    """A proxy in that namespace."""
    run = lib.RUN
    lib.RUN = namespace.prefix + run
    try:
        return t.proxy(servers, **options)
    finally:
        lib.RUN = run


@short
def test_hosts_file(t):
    """Names of a hosts file, in any case."""
    n = Namespace(t, "127.0.0.1 alpha beta.example\n")
    g = t.group(1)
    p = proxy_in(t, n, ["a ALPHA:%d" % g[0].port, "b beta.example:%d" % g[1].port])
    p.wait_writer("a")
    equal(g.serving(p.client()), "redis-1")
    equal(g.serving(p.client("read")), "redis-2")


def second_replica(t, g):
    """A replica on 127.0.0.2 and the port of g[1]."""
    r = t.redis("moved", replica_of=g[0], port=g[1].port, host="127.0.0.2")
    wait_for(lambda: r.follows(g[0]), "link of the new replica")
    return r


def dns(t):
    """A name server of our own."""
    try:
        return Dns(t, "127.0.%d.53" % (os.getpid() % 250 + 1))
    except OSError:
        raise lib.Skip("port 53 is not for this user") from None


def by_hosts(t):
    """A name `beta.test` in a hosts file: its namespace, and how to move it."""
    n = Namespace(t, "127.0.0.1 beta.test\n")
    return n, lambda: n.hosts("127.0.0.2 beta.test\n")


def by_dns(t):
    """A name `beta.test` in the DNS: a namespace, and how to move it."""
    server = dns(t)
    server.names["beta.test"] = HOST
    n = Namespace(t, "127.0.0.1 localhost\n", server.address[0])
    return n, lambda: server.names.update({"beta.test": "127.0.0.2"})


def moves_after_a_failure(t, n, move):
    """The server dies, its name moves: it is found at once at the new address."""
    g = t.group(1)
    moved = second_replica(t, g)
    p = proxy_in(t, n, [g[0], "b beta.test:%d" % g[1].port],
                 frontends={"write": {}, "read": {"route": "replica"}})
    p.wait_up("b")
    equal(p.server("b")["address"], "%s:%d" % g[1].address)
    move()
    g[1].kill()
    wait_for(lambda: p.server("b")["address"] == "127.0.0.2:%d" % moved.port,
             "new address", 5)
    p.wait_up("b")
    c = p.client("read")
    c("PING")
    equal(len(moved.sessions()), 1, "sessions at the new address")


def moves_while_all_is_well(t, n, move):
    """The name moves and nobody dies: noticed within the 10 s, the check and
    new sessions move, sessions at the old address end."""
    g = t.group(1)
    moved = second_replica(t, g)
    p = proxy_in(t, n, [g[0], "b beta.test:%d" % g[1].port],
                 frontends={"write": {}, "read": {"route": "replica"}})
    p.wait_up("b")
    writer, reader = p.client(), p.client("read")
    writer("PING")
    reader("PING")
    move()
    wait_for(lambda: p.server("b")["address"] == "127.0.0.2:%d" % moved.port,
             "new address", 20)
    p.wait_up("b")
    wait_for(reader.is_closed, "session at the old address closed")
    wait_for(lambda: p.client("read")("PING") == "PONG", "read")
    wait_for(lambda: len(moved.checks()) == 1, "check at the new address")
    wait_for(lambda: not g[1].checks(), "no check at the old address")
    equal(writer("PING"), "PONG", "session of the other server")


class Health(Service):
    """Says over HTTP of each server how it is: 200 of those in `well`."""

    def __init__(self, lab, *well, **where):
        self.well = well
        super().__init__(lab, self.answer, **where)

    def answer(self, sock):
        """One request."""
        name = sock.recv(1000).split()[1][1:].decode()
        sock.sendall(b"HTTP/1.0 %d x\r\n\r\n" % (200 if name in self.well else 503))


def test_check_host(t):
    """Where servers are checked is a name: while it has no address none of them
    is UP, and the log says why; it is used once it has one, and followed."""
    server = dns(t)
    n = Namespace(t, "127.0.0.1 localhost\n", server.address[0])
    health = Health(t, "a")
    port = health.address[1]
    moved = Health(t, "b", host="127.0.0.2", port=port)
    p = proxy_in(t, n, [Service(t, echo).line("a", "check-host=health.test"),
                        Service(t, echo).line("b")],
                 frontends={"any": {"route": "any"}},
                 backend={"check": "script", "check-interval": "100ms",
                          "fall": "1", "rise": "1", "check-step": [
                              "connect port %d addr health.test" % port,
                              "send-lf GET\\ /%[srv_name]\\ HTTP/1.0\\r\\n\\r\\n",
                              "expect status 200"]})
    for name in "ab":
        p.wait_log(r"server redis/%s .* DOWN.*: unresolved: "
                   "check host health.test: does not exist" % name)
    server.names["health.test"] = HOST
    p.wait_up("a")
    assert not p.is_up("b")
    server.names["health.test"] = "127.0.0.2"
    health.close()
    p.wait_up("b")
    p.wait_down("a")
    moved.well = ("a", "b")
    p.wait_up("a", "b")


def test_hosts_change_after_a_failure(t):
    """A dead server's name moves, in /etc/hosts."""
    moves_after_a_failure(t, *by_hosts(t))


def test_dns_changes_after_a_failure(t):
    """A dead server's name moves, in the DNS."""
    moves_after_a_failure(t, *by_dns(t))


def test_hosts_change_while_all_is_well(t):
    """A living server's name moves, in /etc/hosts."""
    moves_while_all_is_well(t, *by_hosts(t))


def test_dns_changes_while_all_is_well(t):
    """A living server's name moves, in the DNS."""
    moves_while_all_is_well(t, *by_dns(t))


@short
def test_dns(t):
    """A name that does not exist at first: starts, shows it; used once it is
    there; the last good address stays when the name server forgets it."""
    server = dns(t)
    n = Namespace(t, "127.0.0.1 localhost\n", server.address[0])
    g = t.group(1)
    p = proxy_in(t, n, [g[0], "b beta.test:%d" % g[1].port],
                 frontends={"write": {}, "read": {"route": "replica"}})
    p.wait_writer("redis-1")
    wait_for(lambda: "unresolved" in (p.server("b")["reason"] or ""), "reason", 20)
    server.names["beta.test"] = HOST
    wait_for(lambda: p.is_up("b"), "b UP", 25)
    equal(g.serving(p.client("read")), "redis-2")
    c = p.client("read")
    c("PING")
    del server.names["beta.test"]
    asked = len(server.asked)
    wait_for(lambda: len(server.asked) > asked + 1, "another question", 25)
    stays(lambda: p.is_up("b"), "last good address was dropped", 0.3)
    equal(c("PING"), "PONG")


@mark(limit=120)
def test_dns_that_does_not_answer(t):
    """A dead name server holds nothing up: clients are served and the page
    answers at once, all the while."""
    n = Namespace(t, "127.0.0.1 localhost\n", "127.0.0.254")
    g = t.group(1)
    p = proxy_in(t, n, ["lost gone.test:6379"] + g.servers)
    p.wait_writer("redis-1")
    slowest = 0.0
    end = time.monotonic() + 5
    while time.monotonic() < end:
        start = time.monotonic()
        equal(p.client()("PING"), "PONG")
        equal(p.get("/healthz"), 200)
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < 1.0 * SLOW, "a client waited %.2f s" % slowest
