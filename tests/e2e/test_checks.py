#!/usr/bin/env python3
"""Checks as HAProxy has them: scripts, their words in the log, places and times
of their own for each server, what becomes of sessions."""

import os
import re
import resource
import socket

from lib import equal, short, stays, wait_for
from services import Service

FAST = {"check-interval": "50ms", "check-fast": "50ms", "fall": "2", "rise": "2"}
PING = {"check": "script", "check-timeout": "2s",
        "check-step": ["send PING\\r\\n", "expect string +PONG"], **FAST}
ANY = {"any": {"route": "any", "defer-connect": "off"}}
TCPLOG = {"log-format": "tcplog", "session-log": "off"}


class Named(Service):
    """A service that says its name, and then answers each line with a reply."""

    def __init__(self, lab, name, reply=b"+PONG\r\n", greet=True):
        self.name, self.reply, self.greet = name, reply, greet
        super().__init__(lab, self.answer)

    def answer(self, sock):
        """Serve a connection: a reply that is no +PONG ends it."""
        if self.greet:
            sock.sendall(b"%s\n" % self.name.encode())
        while sock.recv(1000):
            sock.sendall(self.reply)
            if not self.reply.startswith(b"+"):
                return

    def at(self, options=""):
        """Its line in a backend."""
        return self.line(self.name, options)


def visit(p):
    """A client that is being served, and by whom."""
    sock = socket.create_connection(p.address("any"), timeout=10)
    return sock, sock.makefile().readline().strip()


def lines(p, pattern):
    """What the log says of something, without its times."""
    return [re.sub(r"check duration: \d+ms", "check duration: 0ms", m)
            for m in re.findall(r"^\S+ +\S+ +(.*%s.*)$" % pattern, p.log(), re.M)]


@short
def test_script(t):
    """A script that passes and fails: counted, logged, and nothing is closed."""
    a, b = Named(t, "a"), Named(t, "b")
    p = t.proxy([a.at(), b.at("backup")], frontends=ANY, glob=TCPLOG,
                backend={**PING, "log-checks": "on"})
    p.wait_up("a")
    sock, name = visit(p)
    equal(name, "a")
    a.reply = b"-ERR no\r\n"
    p.wait_down("a")
    equal(visit(p)[1], "b", "served on")
    p.wait_log("Running on backup")
    a.reply = b"+PONG\r\n"
    p.wait_up("a")
    sock.sendall(b"x")
    equal(sock.recv(100), b"+PONG\r\n", "its session")
    p.wait_log("Server redis/a is UP")
    good = 'reason: Layer7 check passed, code: 0, info: "(tcp-check)", check duration: 0ms'
    bad = ('reason: Layer7 invalid response, info: "TCPCHK did not match content '
           '\'+PONG\' at step 2", check duration: 0ms')
    health = "Health check for server redis/a "
    equal(lines(p, "redis/a "), [
        health + "succeeded, %s, status: 2/2 UP." % good,
        health + "failed, %s, status: 1/2 UP." % bad,
        health + "failed, %s, status: 0/2 DOWN." % bad,
        "Server redis/a is DOWN. 0 active and 1 backup servers left. Running on "
        "backup. 1 sessions active, 0 requeued, 0 remaining in queue.",
        health + "succeeded, %s, status: 1/2 DOWN." % good,
        health + "succeeded, %s, status: 2/2 UP." % good,
        "Server redis/a is UP. 1 active and 1 backup servers online. 0 sessions "
        "requeued, 0 total in queue."])


def test_each_server(t):
    """One that is checked elsewhere, one by a name, one that is not checked, and
    one with counts of its own."""
    a, b, other = Named(t, "a"), Named(t, "b"), Named(t, "other", greet=False)
    elsewhere = "check-port=%d" % other.address[1]
    p = t.proxy([a.at(elsewhere + " fall=1"), b.at("fall=1000"),
                 "c 127.0.0.9:1 unchecked",
                 "d 127.0.0.8:1 %s check-host=localhost" % elsewhere],
                frontends=ANY, glob=TCPLOG, backend={**PING, "check": "tcp",
                                                     "check-step": None})
    p.wait_up("a", "b", "d")
    equal(p.server("c")["reason"], "not checked, as it is configured")
    other.close()
    p.wait_down("a", "d")
    b.close()
    seen = b.accepted
    stays(lambda: p.is_up("b"), "b UP", 0.3)
    equal(b.accepted, seen, "closed")
    equal(lines(p, "redis/a "), [
        'Server redis/a is DOWN, reason: Layer4 connection problem, info: '
        '"Connection refused", check duration: 0ms. 3 active and 0 backup servers '
        "left. 0 sessions active, 0 requeued, 0 remaining in queue."])


@short
def test_sessions(t):
    """close-down ends sessions with their server, close-backups those on backup
    servers when another is UP; the last server that goes is an emergency."""
    a, b = Named(t, "a"), Named(t, "b")
    p = t.proxy([a.at("close-down close-backups"), b.at("close-down backup")],
                frontends=ANY, glob=TCPLOG, backend=PING)
    p.wait_up("a", "b")
    sock, name = visit(p)
    equal(name, "a")
    a.reply = b"-ERR\r\n"
    p.wait_down("a")
    equal(sock.recv(100), b"", "closed")
    sock, name = visit(p)
    equal(name, "b")
    a.reply = b"+PONG\r\n"
    p.wait_up("a")
    equal(sock.recv(100), b"", "closed for the better one")
    a.reply = b.reply = b"-ERR\r\n"
    p.wait_log("backend redis has no server available!")


def test_observe(t):
    """Connects that fail in a row do what on-error says, at once or by the
    count; one that passes forgives those before."""
    alive = Named(t, "alive")
    check = "check-host=127.0.0.1 check-port=%d observe error-limit=3" % alive.address[1]
    p = t.proxy(["a 127.0.0.9:1 %s on-error=mark-down" % check], frontends=ANY,
                glob=TCPLOG, backend={"check": "tcp", "check-interval": "60s",
                                      "check-fast": "60s", "fall": "9",
                                      "retries": "0", "hold": "0"})
    p.wait_up("a")
    for _ in range(2):
        equal(visit(p)[1], "", "turned away")
    # With one descriptor left a client can come in, and no connect begin.
    pid = p.child.popen.pid
    used = set(map(int, os.listdir("/proc/%d/fd" % pid)))
    free = [n for n in range(max(used) + 3) if n not in used]
    limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[1], limit[1]))
    for _ in range(3):
        equal(visit(p)[1], "", "turned away")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
    stays(lambda: p.is_up("a"), "two, and ours, are not enough", 0.3)
    visit(p)
    p.wait_down("a")
    p.wait_log(r'Server redis/a is DOWN, reason: Health analyze, info: "Detected 3 '
               r'consecutive errors, last one was: L4 unsuccessful connection"\. 0')


@short
def test_roles(t):
    """Redis: a wrong role is DOWN, and moves with the role; what the writer is
    stays in our words."""
    g = t.group(1)
    p = t.proxy(g, glob=TCPLOG, backend={"role": "primary", **FAST})
    p.wait_writer(g[0])
    p.wait_log('Server redis/%s is DOWN, reason: Layer7 wrong status, code: 0, info: '
               '"role:slave", check duration: \\d+ms. 1 active' % g[1].name)
    g[1]("REPLICAOF", "NO", "ONE")
    g[0].replicate(g[1])
    p.wait_writer(g[1])
    p.wait_log('Server redis/%s is DOWN, reason: Layer7 wrong status, code: 0, info: '
               '"role:slave"' % g[0].name)
    p.wait_log('Server redis/%s is UP, reason: Layer7 check passed, code: 0, info: '
               r'"\(tcp-check\)"' % g[1].name)
    p.wait_log("writer %s -> %s" % (g[0].name, g[1].name))
    g[1].kill()
    p.wait_log("Server redis/%s is DOWN, reason: Layer4 connection problem, info: "
               '"Connection refused at initial connection step of tcp-check"' %
               g[1].name)
    p.wait_log("backend redis has no server available!")
    wait_for(lambda: not lines(p, "server redis/"), "none of our own lines")


def test_reload(t):
    """A script that is changed by a reload is another check at once."""
    a = Named(t, "a")
    p = t.proxy([a.at()], frontends=ANY, backend=PING)
    p.wait_up("a")
    p.conf["backend redis"]["check-step"][1] = "expect string +PANG"
    p.conf["backend redis"]["check-timeout"] = "100ms"
    p.reload()
    p.wait_down("a")
