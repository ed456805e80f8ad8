#!/usr/bin/env python3
"""The PROXY protocol: headers that are read from clients' proxies and sent to
servers, with a real HAProxy on either side."""

import os
import shutil
import socket
import struct

import lib
from lib import HOST, Client, Skip, equal, short, stays, wait_for
from services import Service, echo

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source="192.0.2.7", port=4711):
    """A header of version 1."""
    return b"PROXY TCP4 %s 198.51.100.1 %d 6379\r\n" % (source.encode(), port)


def v2(source="192.0.2.7", port=4711, more=b""):
    """A header of version 2, with what may follow the addresses."""
    body = socket.inet_aton(source) + socket.inet_aton("198.51.100.1") + \
        struct.pack(">HH", port, 6379) + more
    return SIGNATURE + b"\x21\x11" + struct.pack(">H", len(body)) + body


LOCAL = SIGNATURE + b"\x20\0\0\0"


class Recorder(Service):
    """A service that keeps what each connection sends, and echoes."""

    def __init__(self, t):
        self.got = []
        super().__init__(t, self.record)

    def record(self, sock):
        """One connection."""
        i = len(self.got)
        self.got.append(b"")
        while data := sock.recv(65536):
            self.got[i] += data
            sock.sendall(data)


def plain(t, service, server="", **keys):
    """A roleproxy before a service, with a frontend `fe`."""
    p = t.proxy([service.line("s", server)], start=False,
                backend={"check": "none", "hold": "0"},
                frontends={"fe": {"route": "any", **keys}})
    p.start()
    return p


def session_line(p, start, text):
    """Wait for a session's line that has this text, behind a place in the log."""
    return p.wait_log("session .*%s.*" % text, start).group(0)


def send(p, *parts, path=None):
    """A client that has sent these parts, each for itself."""
    c = lib.connect(path or p.address("fe"))
    for part in parts:
        c.sendall(part)
    return c


def answer(c, n):
    """n bytes of the answer."""
    data = b""
    while len(data) < n:
        part = c.recv(n - len(data))
        assert part, "ended after %r" % data
        data += part
    return data


def closed(c):
    """Is the connection closed, in whichever way, without an answer?"""
    try:
        return c.recv(1) == b""
    except ConnectionResetError:
        return True


@short
def test_accepted(t):
    """The address in a header is the session's; bytes behind it are the stream,
    however it is cut; LOCAL and UNKNOWN keep the connection's own."""
    path = os.path.join(t.folder, "s")
    p = plain(t, Service(t, echo), accept_proxy="on", defer_connect="on")
    p.conf["frontend fe"]["bind"] = [p.conf["frontend fe"]["bind"], "unix:" + path]
    p.reload()
    body = bytes(range(256)) * 400
    for header, who in ((v1(), "192.0.2.7:4711"), (v2(), "192.0.2.7:4711"),
                        (v2(more=b"\x04\0\x05hello"), "192.0.2.7:4711"),
                        (b"PROXY TCP6 2001:db8::1 ::1 9 10\r\n", r"\[2001:db8::1\]:9"),
                        (LOCAL, "127.0.0.1:.*"), (b"PROXY UNKNOWN x\r\n", "127.0.0.1:.*")):
        for parts in ([header + body], [header, body],
                      [header[i:i + 1] for i in range(len(header))] + [body]):
            for where in (None, path):
                start = len(p.log())
                with send(p, *parts, path=where) as c:
                    equal(answer(c, len(body)), body)
                own = "unix" if where and "127" in who else who
                line = session_line(p, start, " fe redis/s: done")
                assert line.startswith("session " + own.replace("\\", "").split(":.*")[0]), line
                assert "%d bytes in" % len(body) in line, line


def test_show_sess(t):
    """A header alone connects where nothing is deferred, and show sess names
    whom it names."""
    service = Recorder(t)
    sock = os.path.join(t.folder, "c")
    p = plain(t, service, accept_proxy=[HOST, "10.0.0.0/8"], defer_connect="off")
    p.conf["global"]["control-socket"] = sock
    p.stop()
    p.write()
    p.start()
    with send(p) as c:
        stays(lambda: service.accepted == 0, "connected without a header", 0.2)
        c.sendall(v1("192.0.2.9", 5))
        wait_for(lambda: service.accepted == 1, "the connection")
        equal("src=192.0.2.9:5" in p.ctl("show", "sess")[1], True, "show sess")
        c.sendall(b"x")
        equal(answer(c, 1), b"x")
    # Who is not among the networks sends no header: what comes is the stream.
    p.conf["frontend fe"]["accept_proxy"] = "10.0.0.0/8"
    p.reload()
    with send(p, v1() + b"x") as c:
        equal(answer(c, len(v1()) + 1), v1() + b"x")


def test_refused(t):
    """What is no header closes the connection, is said and counted; who comes
    and goes is not; a slow one has five seconds."""
    service = Service(t, echo)
    p = plain(t, service, accept_proxy="on", session_log="errors")
    slow = [send(p), send(p, b"PRO")]
    for data, what in ((b"GET / HTTP/1.0\r\n\r\n", "GET / HTTP"),
                       (b"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP5"),
                       (SIGNATURE + b"\x21\x11\xff\xff", "QUIT"),
                       (v1("1.2.3.400"), "1.2.3.400"),
                       (b"PROXY " + b"x" * 5000, "PROXY xxx")):
        start = len(p.log())
        with send(p, data) as c:
            assert closed(c)
        line = session_line(p, start, "no PROXY header")
        assert what in line, line
    start = len(p.log())
    with send(p, b"PROXY TCP4 1.2") as c:
        c.shutdown(socket.SHUT_WR)
        assert closed(c)
    session_line(p, start, 'no PROXY header.*"PROXY TCP4 1.2" came')
    start = len(p.log())
    for _ in range(3):
        send(p).close()
    for c in slow:
        assert closed(c)
    session_line(p, start, "no PROXY header: nothing came")
    wait_for(lambda: p.log()[start:].count("session ") == 2, "lines of those that are slow")
    equal(service.accepted, 0)
    _, _, csv = p.http("/stats;csv")
    head, row = [x.split(",") for x in csv.splitlines()
                 if x.startswith("#") or ",FRONTEND," in x][:2]
    equal(row[head.index("ereq")], "8")


def test_deny(t):
    """allow is about who connects, whatever a header says; deny about both."""
    p = plain(t, Service(t, echo), accept_proxy="on", allow="192.0.2.0/24",
              deny="192.0.2.66")
    with send(p) as c:
        assert closed(c)
    p.conf["frontend fe"]["allow"] = HOST
    p.reload()
    with send(p, v1("203.0.113.1") + b"x") as c:
        equal(answer(c, 1), b"x")
    start = len(p.log())
    with send(p, v1("192.0.2.66") + b"x") as c:
        assert closed(c)
    session_line(p, start, "192.0.2.66:4711 .* denied")


@short
def test_sent(t):
    """The server has the header before all else, once, and it is not counted;
    what came in a header goes out in one; a UNIX socket's is unknown."""
    service, path = Recorder(t), os.path.join(t.folder, "s")
    p = plain(t, service, "send-proxy=v1")
    p.conf["frontend fe"]["bind"] = [p.conf["frontend fe"]["bind"], "unix:" + path]
    p.conf["frontend via"] = {"bind": "%s:%d" % p.address("via"), "backend": "redis",
                              "route": "any", "accept-proxy": "on"}
    for version in ("v1", "v2"):
        p.conf["backend redis"]["server"] = [service.line("s", "send-proxy=" + version)]
        p.reload()
        start = len(p.log())
        with send(p, b"hi") as c:
            port = c.getsockname()[1]
            mine = b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" % (
                port, p.address("fe")[1])
            if version == "v2":
                mine = SIGNATURE + b"\x21\x11\0\x0c" + \
                    socket.inet_aton(HOST) * 2 + struct.pack(
                        ">HH", port, p.address("fe")[1])
            answer(c, len(mine) + 2)
            equal(service.got[-1], mine + b"hi")
        assert " 2 bytes in" in session_line(p, start, "done")
        with send(p, b"hi", path=path) as c:
            none = b"PROXY UNKNOWN\r\n" if version == "v1" else LOCAL
            answer(c, len(none) + 2)
            equal(service.got[-1], none + b"hi")
        c = lib.connect(p.address("via"))
        with c:
            c.sendall((v2() if version == "v1" else v1()) + b"hi")
            other = v1() if version == "v1" else v2()
            answer(c, len(other) + 2)
            equal(service.got[-1], other + b"hi")


def test_again(t):
    """A connect that fails is tried elsewhere: the header is that of the
    connection that was made."""
    service = Recorder(t)
    dead = "127.0.0.1:%d" % t.ports.take()
    p = t.proxy(["a %s send-proxy=v2" % dead, service.line("b", "send-proxy=v1")],
                backend={"check": "none"},
                frontends={"fe": {"route": "any", "balance": "first"}})
    with send(p, b"hi") as c:
        wait_for(lambda: service.got and service.got[0].endswith(b"hi"), "the client")
        equal(service.got[0].count(b"PROXY"), 1)
        c.close()


@short
def test_held(t):
    """A client that comes with a header and waits for a server: the header goes
    out once, before what the client sent, when there is one; and its own again
    after it was closed."""
    service = Recorder(t)
    p = t.proxy([service.line("s", "send-proxy=v1")],
                backend={"check": "none", "hold": "30s"}, start=False,
                glob={"control-socket": t.folder + "/ctl.sock"},
                frontends={"fe": {"route": "any", "accept_proxy": "on"}})
    p.start()

    def ctl(*words):
        equal(t.run("ctl", "-s", t.folder + "/ctl.sock", *words)[0], 0)
    ctl("set", "server", "redis/s", "state", "maint")
    with send(p, v1() + b"one") as c, send(p, v2("192.0.2.8", 12, b"")) as d:
        d.sendall(b"two")
        wait_for(lambda: p.frontend("fe")["held"] == 2, "held clients")
        equal(service.got, [])
        ctl("set", "server", "redis/s", "state", "ready")
        for client, text in ((c, v1() + b"one"), (d, v1("192.0.2.8", 12) + b"two")):
            equal(answer(client, len(text)), text)      # the service echoes all of it
        # Maintenance closes them; who comes again has a header of its own.
        ctl("shutdown", "sessions", "server", "redis/s")
        assert closed(c) and closed(d)
    with send(p, v1("192.0.2.9", 9), b"three") as c:
        wait_for(lambda: len(service.got) == 3 and service.got[2].endswith(b"three"), "the next")
        equal(service.got[2].count(b"PROXY"), 1)


def haproxy(t, text):
    """A real HAProxy with these sections."""
    if not shutil.which("haproxy"):
        raise Skip("no haproxy here")
    path = t.file("haproxy.cfg", """
defaults
  mode tcp
  timeout connect 2s
  timeout client 30s
  timeout server 30s
""" + text)
    return t.spawn("haproxy", ["haproxy", "-db", "-f", path])


@short
def test_between_haproxies(t):
    """HAProxy in front with send-proxy and send-proxy-v2, and Redis behind one
    that accepts: sessions, the native checks and the permanent link."""
    g = t.group(1)
    ports = [t.ports.take() for _ in range(4)]
    p = t.proxy([], start=False, frontends={"write": {"route": "primary",
                                                      "accept-proxy": "on"}})
    text = ""
    for i, s in enumerate(g.servers):
        text += "listen behind%d\n bind %s:%d accept-proxy\n server r %s:%d\n" % (
            i, HOST, ports[i], HOST, s.port)
    for i, word in enumerate(("send-proxy", "send-proxy-v2")):
        text += "listen front%d\n bind %s:%d\n server p %s:%d %s\n" % (
            i, HOST, ports[2 + i], *p.address("write"), word)
    haproxy(t, text)
    p.conf["backend redis"]["server"] = [
        "%s %s:%d send-proxy=v%d" % (s.name, HOST, ports[i], i + 1)
        for i, s in enumerate(g.servers)]
    p.write()
    p.start()
    p.wait_writer(g[0])
    for port in ports[2:]:
        start = len(p.log())
        with Client((HOST, port)) as c:
            mine = c.sock.getsockname()[1]
            equal(c("SET", "a", port), "OK")
        session_line(p, start, "write redis/")
        assert "session 127.0.0.1:%d write" % mine in p.log()[start:], p.log()[start:]
    names = [x for x in g[0]("CLIENT", "LIST").split() if x.startswith("name=rol")]
    equal(sorted(set(names)), ["name=roleproxy-check", "name=roleproxy-link"])
