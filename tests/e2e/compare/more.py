#!/usr/bin/env python3
"""Scenarios about what else a configuration of TCP services says: who may come
in, what is logged, what is passed on, and the end of the program."""

import signal

from compare.judge import scenario
from compare.side import HEAD

FRONTEND = """
frontend fe
  bind {fe}
  default_backend be
backend be
"""
V2 = b"\r\n\r\n\0\r\nQUIT\n"    # what a PROXY header of version 2 begins with
ONE = FRONTEND + """
  server a {a} check inter 100ms
"""


@scenario("""
frontend fe
  bind {fe}
  acl office src 127.0.0.1 127.0.1.0/24
  tcp-request connection reject if !office
  default_backend be
backend be
  server a {a} check inter 100ms
""", a={})
def rejected(s):
    """Who may not come in is closed, counted and not logged."""
    s.up("be/a")
    s.note("office", s.visit())
    s.note("other office", s.visit(source="127.0.1.9"))
    s.note("elsewhere", s.turned_away(source="127.0.0.2"))
    s.until("fe/FRONTEND", dcon="1")


@scenario("""
frontend fe
  bind {fe} accept-proxy
  timeout client 400ms
  default_backend be
backend be
  server a {a} check inter 100ms
""", a={})
def accept_proxy(s):
    """Whom a PROXY header names is logged; what is none is closed and said."""
    s.up("be/a")
    for name, header in (
            ("version 1", b"PROXY TCP4 127.0.0.77 127.0.0.1 4711 6379\r\n"),
            ("IPv6", b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 6379\r\n"),
            ("unknown", b"PROXY UNKNOWN\r\n"),
            ("version 2", V2 + b"\x21\x11\0\x0c\x7f\0\0\x4d\x7f\0\0\x01\x12\x67\x18\xeb"),
            ("local", V2 + b"\x20\0\0\0")):
        c = s.client()
        c.sock.sendall(header)
        s.note(name, c.line())
        s.note("answer", c.ask("x"))
        c.close()
        s.until("be/a", scur="0")
    s.ended(5)
    for n, (name, wrong) in enumerate((
            ("something else", b"*1\r\n$4\r\nPING\r\n"),
            ("wrong", b"PROXY TCP4 127.0.0.77 nowhere 1 2\r\n"),
            ("wrong version 2", V2 + b"\x51\x11\0\0"),
            ("a part, and silence", b"PROXY TCP4 127."))):
        c = s.client()
        c.sock.sendall(wrong)
        s.note(name, c.end().split()[-1])
        s.wait_log("PROXY protocol", n + 1)


@scenario("""
listen both
  bind {fe}
  balance first
  server a {a} check inter 100ms fall 1 rise 1
  server b {b} check inter 100ms fall 1 rise 1
""", a={}, b={})
def listen(s):
    """A frontend and a backend in one section."""
    s.up("both/a", "both/b")
    s.note("a client", s.visit())
    s.peers["a"].kill()
    s.down("both/a")
    s.note("another", s.visit())


@scenario("""
frontend fe
  bind {fe}
  use_backend spare if {{ nbsrv(be) lt 2 }} !{{ nbsrv(be) 1 }} or {{ srv_is_up(spare/c) }} {{ nbsrv(be) le 0 }}
  use_backend other unless {{ srv_is_up(be/a) }} or {{ nbsrv(be) ge 2 }}
  default_backend be
backend be
  balance first
  server a {a} check inter 100ms fall 1 rise 1
  server b {b} check inter 100ms fall 1 rise 1
backend other
  server b {b} check inter 100ms fall 1 rise 1
backend spare
  server c {c} check inter 100ms fall 1 rise 1
""", a={}, b={}, c={})
def use_backend(s):
    """Which backend serves changes with how many servers of one are usable."""
    s.up("be/a", "be/b", "spare/c", "other/b")
    s.note("all are up", s.visit())
    s.ended(1)
    s.admin("set server be/b state drain")
    s.note("one left", s.visit())
    s.ended(2)
    s.admin("set server be/b state ready")
    s.peers["a"].kill()
    s.down("be/a")
    s.note("the other one left", s.visit())
    s.ended(3)
    s.peers["b"].kill()
    s.down("be/b", "other/b")
    s.note("none left", s.visit())
    s.ended(4)
    s.peers["a"].back()
    s.up("be/a")
    s.peers["b"].back()
    s.up("be/b", "other/b")
    s.note("all are up again", s.visit())
    s.ended(5)


@scenario(ONE, HEAD.replace("  option tcplog\n", ""), a={})
def plain_log(s):
    """Without option tcplog a line says who connected."""
    s.up("be/a")
    c = s.client()
    s.note("greeting", c.line())
    s.wait_log("Connect from")
    c.close()
    s.until("be/a", scur="0")


@scenario(ONE, HEAD + "  option dontlog-normal\n", a={})
def dontlog_normal(s):
    """Only sessions that ended badly have a line."""
    s.up("be/a")
    c = s.client()
    c.line()
    c.close()
    s.until("be/a", scur="0")
    c = s.client()
    c.line()
    c.send("reset")
    s.note("the end", c.end())
    s.ended(1)


@scenario(ONE, HEAD + "  option log-separate-errors\n", a={})
def log_separate_errors(s):
    """Sessions that ended badly are logged as errors."""
    s.up("be/a")
    s.note("a client", s.visit())
    c = s.client()
    c.line()
    c.send("reset")
    s.note("the end", c.end())
    s.ended(2)


@scenario(ONE, a={})
def bytes_counted(s):
    """Many bytes both ways, counted by both."""
    s.up("be/a")
    c = s.client()
    c.line()
    line = "x" * 9999
    for _ in range(100):
        if c.ask(line) != line + "\n":
            s.note("answer", "broken")
    c.close()
    s.ended(1)


@scenario(FRONTEND + """
  timeout queue 5s
  server a {a} maxconn 1 maxqueue 1 check inter 100ms
""", a={})
def set_maxconn_server(s):
    """More places on a server let those in that wait."""
    s.up("be/a")
    c, d = s.client(), None
    s.note("first", c.line())
    d = s.client()
    s.until("be/BACKEND", qcur="0|1", qmax="0|1")
    s.admin("set maxconn server be/a 2")
    s.note("second", d.line())
    d.close()
    s.ended(1)
    c.close()
    s.ended(2)


@scenario(ONE, a={})
def shutdown_session(s):
    """An operator ends one session."""
    s.up("be/a")
    c, d = s.client(), s.client()
    s.note("greetings", (c.line(), d.line()))
    port = c.sock.getsockname()[1]
    line = next(x for x in s.cli("show sess").splitlines() if ":%d " % port in x)
    s.note("answer", s.cli("shutdown session " + line.split(":")[0]))
    s.note("the end", c.end())
    s.note("the other", d.ask("x"))
    d.close()
    s.ended(2)
    s.note("no such", s.cli("shutdown session 0x1"))


@scenario(ONE, a={})
def soft_stop(s):
    """USR1: no new clients, those there are go on; then it ends."""
    s.up("be/a")
    c = s.client()
    s.note("greeting", c.line())
    s.child.signal(signal.SIGUSR1)
    s.wait_log("Proxy be stopped|[Ss]topping")
    s.note("still there", c.ask("x"))
    c.close()
    s.note("exit code", s.child.wait())
