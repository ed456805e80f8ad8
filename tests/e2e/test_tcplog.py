#!/usr/bin/env python3
"""Session lines in HAProxy's words: each end with its letters, times and
counts, and what log targets get of them. The lines were compared with those of
HAProxy 2.6.12 under the same steps."""

import os
import re
import socket
import threading

import lib
from lib import HOST, SLOW, equal, short, wait_for
from services import Datagrams, Service, echo


def obedient(sock):
    """A service that the client tells how to end."""
    while True:
        data = sock.recv(4096)
        if data.startswith(b"RST"):
            lib.reset(sock)
            return
        if not data or data.startswith(b"END"):
            return
        if data.startswith(b"HALF"):
            sock.shutdown(socket.SHUT_WR)
            sock.recv(1)
            return
        if data.startswith(b"KEEP"):
            threading.Event().wait()    # for ever
        if not data.startswith(b"Q"):
            sock.sendall(data.upper())


def full_listener(t):
    """An address that drops each SYN: its accept queue is full."""
    dead = socket.socket()
    dead.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    dead.bind((HOST, t.ports.take()))
    dead.listen(0)
    t.fillers = [dead]
    for _ in range(4):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(dead.getsockname())
        t.fillers.append(s)
    return dead.getsockname()


class Bench:
    """A roleproxy with one backend and frontend of the same name for each
    case."""

    def __init__(self, t, **cases):
        self.service = Service(t, obedient)
        # One worker: clients are seen in the order of their coming.
        self.p = t.proxy([], start=False, frontends={}, glob={
            "workers": 1, "log": "stdout format=raw", "log-format": "tcplog"})
        del self.p.conf["backend redis"]
        for name, (servers, backend, frontend) in cases.items():
            servers = [s if "@" not in s else
                       s.replace("@", "%s:%d" % self.service.address) for s in servers]
            self.p.conf["backend " + name] = {
                "server": servers, "check": "none", "hold": "0", "retries": 1,
                "connect-timeout": "200ms", **backend}
            self.p.add_frontend(name, **{"backend": name, "route": "any",
                                         "balance": "first", **frontend})
        self.p.write()
        self.p.start()
        self.seen = {}

    def connect(self, name, data=b""):
        """A client; if it sends something that is answered it has its answer."""
        c = lib.connect(self.p.address(name))
        if data:
            c.sendall(data)
        if data in (b"hi",):
            equal(c.recv(9), b"HI")
        return c

    def line(self, pattern):
        """The next session line of a frontend; # is any number. Returns the
        numbers."""
        name = pattern.split("(")[-1].split("/")[0] if "(" in pattern \
            else pattern.split()[0]

        def fresh():
            lines = [x for x in self.p.log().splitlines()
                     if "] %s " % name in x or "(%s/TCP)" % name in x]
            return lines[self.seen.get(name, 0):]
        line = wait_for(fresh, "a line like " + pattern)[0]
        self.seen[name] = self.seen.get(name, 0) + 1
        head = r"127\.0\.0\.1:\d+ \[\d\d/[A-Z][a-z]{2}/\d{4}(?::\d\d){3}\.\d{3}\] "
        if pattern.startswith("Connect"):
            head = ""
        m = re.fullmatch(head + re.escape(pattern).replace(r"\#", r"(\d+)"), line)
        assert m, "%r is not like %r" % (line, pattern)
        return [int(n) for n in m.groups()]


@short
def test_ends_with_data(t):
    """Sessions that had a server: through, or broken off by either side."""
    b = Bench(t, ok=(["s @"], {}, {}))
    c = b.connect("ok", b"hi")
    c.close()
    b.line("ok ok/s 0/#/# 2 -- 1/1/0/0/0 0/0")
    b.connect("ok", b"END").recv(1)
    b.line("ok ok/s 0/#/# 0 -- 1/1/0/0/0 0/0")
    b.connect("ok").close()
    b.line("ok ok/s 0/#/# 0 -- 1/1/0/0/0 0/0")
    lib.reset(b.connect("ok", b"hi"))
    b.line("ok ok/s 0/#/# 2 CD 1/1/0/0/0 0/0")
    c = b.connect("ok", b"RST")
    b.line("ok ok/s 0/#/# 0 SD 1/1/0/0/0 0/0")
    c.close()
    # The counts are of the others, but for the first two.
    clients = [b.connect("ok", b"hi") for _ in range(3)]
    for i, c in enumerate(clients):
        c.close()
        b.line("ok ok/s 0/#/# 2 -- %d/%d/%d/%d/0 0/0" % (3 - i, 3 - i, 2 - i, 2 - i))
    c = b.connect("ok", b"hi")
    b.p.expected_exit = 0
    b.p.child.signal(2)     # INT: at once
    b.line("ok ok/s 0/#/# 2 K- 1/1/0/0/0 0/0")
    c.close()


@short
def test_ends_by_timeouts(t):
    """Silence, at each side's turn, and of a half-closed session."""
    idle = ({"server-timeout": "300ms"}, {"client-timeout": "300ms"})
    fin = ({"server-timeout": "60s"}, {"client-timeout": "60s",
           "client-fin-timeout": "200ms", "server-fin-timeout": "200ms"})
    b = Bench(t, c=(["s @"],) + idle, s=(["s @"],) + idle,
              cfin=(["s @"],) + fin, sfin=(["s @"],) + fin)
    clients = [b.connect("c", b"hi"), b.connect("s", b"Q"),
               b.connect("cfin", b"HALF"), b.connect("sfin", b"KEEP")]
    clients[3].shutdown(socket.SHUT_WR)
    b.line("c c/s 0/#/# 2 cD #/1/0/0/0 0/0")
    b.line("s s/s 0/#/# 0 sD #/1/0/0/0 0/0")
    b.line("cfin cfin/s 0/#/# 0 cD #/1/0/0/0 0/0")
    b.line("sfin sfin/s 0/#/# 0 sD #/1/0/0/0 0/0")


@short
def test_ends_without_server(t):
    """No server, none that can be connected to, none that answers."""
    dead = "%s:%d" % full_listener(t)
    closed = "%s:%d" % (HOST, t.ports.take())
    other = "%s:%d" % (HOST, t.ports.take())
    b = Bench(t, none=(["s @ disabled"], {}, {}),
              hold=(["s @ disabled"], {"hold": "200ms"}, {}),
              long=(["s @ disabled"], {"hold": "9s"}, {}),
              refused=(["s " + closed], {"retries": 2}, {}),
              both=(["s " + closed, "t " + other], {"retries": 1}, {}),
              second=(["s " + closed, "t @"], {}, {}),
              silent=(["s " + dead], {"retries": 0}, {}))
    equal(b.connect("none").recv(1), b"")
    b.line("none none/<NOSRV> -1/-1/# 0 SC 1/1/0/0/0 0/0")
    equal(b.connect("hold").recv(1), b"")
    queue, total = b.line("hold hold/<NOSRV> #/-1/# 0 sQ 1/1/0/0/0 0/1")
    assert 195 <= queue <= total, (queue, total)
    b.connect("long").close()
    b.line("long long/<NOSRV> #/-1/# 0 CQ 1/1/0/0/0 0/1")
    # Between two connects to one server there is a pause, of 200 ms here.
    equal(b.connect("refused").recv(1), b"")
    total, = b.line("refused refused/s 0/-1/# 0 SC 1/1/0/0/2 0/0")
    assert 350 <= total < 1500 * SLOW, total
    b.connect("refused").close()
    b.line("refused refused/s 0/-1/# 0 CC 1/1/0/0/0 0/0")
    equal(b.connect("both").recv(1), b"")
    b.line("both both/t 0/-1/# 0 SC 1/1/0/0/+1 0/0")
    b.connect("second", b"hi").close()
    b.line("second second/t 0/#/# 2 -- 1/1/0/0/+1 0/0")
    equal(b.connect("silent").recv(1), b"")
    total, = b.line("silent silent/s 0/-1/# 0 sC 1/1/0/0/0 0/0")
    assert total >= 195, total
    lib.reset(b.connect("silent"))
    b.line("silent silent/s 0/-1/# 0 CD 1/1/0/0/0 0/0")
    names = ("connects", "connect_errors", "retries", "redispatches",
             "loadbalanced", "unserved")

    def counted(object_of, expected):
        wait_for(lambda: [object_of()["counters"][n] for n in names] == expected,
                 "%s of %s" % (expected, names))
    counted(lambda: b.p.server("s", "refused"), [4, 4, 2, 0, 2, 1])
    counted(lambda: b.p.frontend("refused"), [4, 0, 2, 0, 2, 1])
    counted(lambda: b.p.server("s", "second"), [1, 1, 0, 1, 1, 0])
    counted(lambda: b.p.server("t", "second"), [1, 0, 0, 0, 1, 0])


@short
def test_ends_in_the_queue(t):
    """A server with one place: the queue's time, place and end."""
    b = Bench(t, q=(["s @ maxconn=1 maxqueue=2"], {"queue-timeout": "300ms"}, {}),
              p=(["s @ maxconn=1"], {"queue-timeout": "9s"}, {}))
    first = b.connect("q", b"hi")
    second, third = b.connect("q"), b.connect("q")
    equal(b.connect("q").recv(1), b"")      # a third one would be too many
    b.line("q q/<NOSRV> -1/-1/# 0 SQ 4/4/3/0/0 0/0")
    third.close()
    b.line("q q/<NOSRV> #/-1/# 0 CQ 3/3/2/0/0 0/2")
    equal(second.recv(1), b"")
    queue, _ = b.line("q q/<NOSRV> #/-1/# 0 sQ 2/2/1/0/0 0/1")
    assert 295 <= queue < 600 * SLOW, queue
    first.close()
    b.line("q q/s 0/#/# 2 -- 1/1/0/0/0 0/0")
    first = b.connect("p", b"hi")
    second = b.connect("p")
    wait_for(lambda: b.p.frontend("p")["held"] == 1, "the queue")
    first.close()
    b.line("p p/s 0/#/# 2 -- 2/2/1/0/0 0/0")
    second.sendall(b"hi")
    equal(second.recv(9), b"HI")
    second.close()
    queue, connect, total = b.line("p p/s #/#/# 2 -- 1/1/0/0/0 0/1")
    assert 0 < queue and queue + connect <= total, (queue, connect, total)


def test_ends_with_the_server(t):
    """A server that goes DOWN takes its sessions along."""
    b = Bench(t, down=(["s @ close-down"], {"check": "tcp", "check-interval": "100ms",
                                           "check-fast": "20ms", "fall": 1}, {}))
    c = b.connect("down", b"hi")
    b.service.close()
    b.line("down down/s 0/#/# 2 D- 1/1/0/0/0 0/0")
    equal(c.recv(1), b"")


@short
def test_which_sessions(t):
    """session-log, log-null, and the line at the start."""
    b = Bench(t, connect=(["s @"], {}, {"log-format": "connect"}),
              errors=(["s @"], {}, {"session-log": "errors"}),
              null=(["s @"], {}, {"log-null": "off"}),
              off=(["s @"], {}, {"session-log": "off"}),
              own=(["s @"], {}, {"log-format": "text"}))
    b.connect("connect", b"hi").close()
    port = b.p.address("connect")[1]
    b.line("Connect from 127.0.0.1:# to 127.0.0.1:%d (connect/TCP)" % port)
    for name in ("off", "own", "errors"):
        b.connect(name, b"hi").close()
    b.p.wait_log("session 127.0.0.1:.* own own/s: done")
    b.connect("null").close()
    lib.reset(b.connect("null"))
    b.connect("null", b"hi").close()
    b.line("null null/s 0/#/# 2 -- 1/1/0/0/0 0/0")
    lib.reset(b.connect("errors", b"hi"))
    b.line("errors errors/s 0/#/# 2 CD 1/1/0/0/0 0/0")


@short
def test_targets(t):
    """UDP and a UNIX socket that is no /dev/log: prefix, facility, level. A
    daemon that refuses, and one that blocks, stop nothing."""
    udp, quiet = Datagrams(t), Datagrams(t)
    path = os.path.join(t.folder, "log.sock")
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    unix.bind(path)
    unix.settimeout(5 * SLOW)
    nobody = "%s:%d" % (HOST, t.ports.take())
    s = Service(t, echo)
    p = t.proxy([s.line("s")], backend={"check": "none"},
                frontends={"in": {"route": "any"}}, glob={
        "log-format": "tcplog", "log-tag": "haproxy", "log": [
            "syslog:%s:%d facility=local0" % udp.address,
            "syslog:%s:%d facility=local1 level=notice" % quiet.address,
            "syslog:%s format=short len=100" % path, "syslog:" + nobody]})
    for _ in range(20):
        c = lib.connect(p.address("in"))
        c.sendall(b"x")
        c.recv(1)
        c.close()
    wait_for(lambda: len([x for x in udp.got if " in redis/s " in x]) == 20, "lines")
    for line in udp.got:
        if " in redis/s " in line:
            assert re.match(r"<134>[A-Z][a-z]{2} [ \d]\d (\d\d:){2}\d\d haproxy\[%d\]: "
                            r"127\.0\.0\.1:\d+ \[.* 1 -- \d/\d/\d/\d/0 0/0\n$" %
                            p.child.popen.pid, line), repr(line)
    assert not any(" in redis/s " in x for x in quiet.got), quiet.got
    while True:
        line = unix.recv(2000).decode()
        assert re.match(r"<[0-7]>\S", line) and len(line) <= 100, line
        if " in redis/s " in line:
            break
    assert line.startswith("<6>127.0.0.1:"), line
    equal(p.get("/readyz"), 200)
    unix.close()
