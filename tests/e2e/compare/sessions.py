#!/usr/bin/env python3
"""Scenarios about sessions: how they end, what bounds them, where they go."""

from compare.judge import scenario

FRONTEND = """
frontend fe
  bind {fe}
  default_backend be
backend be
"""


@scenario(FRONTEND + """
  server a {a} check inter 100ms
""", a={})
def both_end_well(s):
    """The client, then the server ends a session in the usual way."""
    s.up("be/a")
    c = s.client()
    s.note("greeting", c.line())
    s.note("answer", c.ask("hello"))
    c.half()
    s.note("the end", c.end())
    c = s.client()
    s.note("greeting", c.line())
    c.send("close")
    s.note("the end", c.end())
    s.ended(2)


@scenario(FRONTEND + """
  server a {a} check inter 100ms
""", a={})
def client_aborts(s):
    """A client that resets, and one that closes while much is under way."""
    s.up("be/a")
    c = s.client()
    s.note("greeting", c.line())
    s.note("answer", c.ask("hello"))
    c.reset()
    s.ended(1)
    c = s.client()
    c.line()
    c.send("hush")
    c.close()
    s.ended(2)


@scenario(FRONTEND + """
  server a {a}
""", a="hole")
def client_aborts_connecting(s):
    """A client that leaves while its server is connected."""
    c = s.client()
    s.until("be/BACKEND", scur="1")
    c.reset()
    s.ended(1)


@scenario("""
defaults d
  mode tcp
  log global
  option tcplog
  timeout connect 1s
  timeout client 300ms
  timeout server 10s
""" + FRONTEND + """
  server a {a} check inter 100ms
""", a={})
def client_timeout(s):
    """A client that is idle for too long."""
    s.up("be/a")
    c = s.client()
    s.note("greeting", c.line())
    s.note("the end", c.end())
    s.ended(1)


@scenario("""
defaults d
  mode tcp
  log global
  option tcplog
  timeout connect 1s
  timeout client 10s
  timeout server 300ms
""" + FRONTEND + """
  server a {a} check inter 100ms
""", a={})
def server_timeout(s):
    """A server that is idle for too long."""
    s.up("be/a")
    c = s.client()
    s.note("greeting", c.line())
    c.send("hush")
    s.note("the end", c.end())
    s.ended(1)


@scenario(FRONTEND + """
  server a {a} check inter 100ms
""", a={})
def server_aborts(s):
    """A server that resets: at the start, and later."""
    s.up("be/a")
    c = s.client()
    s.note("greeting", c.line())
    c.send("reset")
    s.note("the end", c.end())
    c = s.client()
    s.note("greeting", c.line())
    s.note("answer", c.ask("hello"))
    c.send("reset")
    s.note("the end", c.end())
    s.ended(2)


@scenario("""
defaults d
  mode tcp
  log global
  option tcplog
  retries 1
  timeout connect 200ms
  timeout client 10s
  timeout server 10s
""" + FRONTEND + """
  server a {a}
""", a="hole")
def connect_timeout(s):
    """A server that does not answer to SYN."""
    c = s.client()
    s.note("the end", c.end())
    s.ended(1)


@scenario("""
defaults d
  mode tcp
  log global
  option tcplog
  retries 2
  timeout connect 200ms
  timeout client 10s
  timeout server 10s
""" + FRONTEND + """
  server a {a}
""", a={"down": True})
def connection_refused(s):
    """A server that refuses, unchecked: tried again, then given up."""
    c = s.client()
    s.note("the end", c.end())
    s.ended(1)


@scenario("""
defaults d
  mode tcp
  log global
  option tcplog
  option redispatch
  retries 1
  balance first
  timeout connect 300ms
  timeout client 10s
  timeout server 10s
""" + FRONTEND + """
  server a {a}
  server b {b}
""", a={"down": True}, b={})
def redispatch(s):
    """A server that refuses: the session goes to another one."""
    for _ in range(2):
        s.note("a client", s.visit())


@scenario(FRONTEND + """
  timeout queue 400ms
  balance first
  server a {a} maxconn 1 check inter 100ms
""", a={})
def queue(s):
    """One place on a server: the second waits for it and gets it; the third
    waits too long."""
    s.up("be/a")
    c = s.client()
    s.note("first", c.line())
    d = s.client()
    s.until("be/BACKEND", qcur="1")
    s.stat("one waits")
    c.close()
    s.note("second", d.line())
    e = s.client()
    s.note("third", e.end())
    s.note("second is there", d.ask("x"))
    d.close()
    s.ended(3)


@scenario("""
frontend fe
  bind {fe}
  maxconn 1
  default_backend be
backend be
  server a {a} check inter 100ms
""", a={})
def frontend_maxconn(s):
    """The second client of maxconn 1 waits until the first has gone."""
    s.up("be/a")
    c = s.client()
    s.note("first", c.line())
    s.until("fe/FRONTEND", status="FULL|OPEN", scur="1")
    d = s.client()
    s.note("second waits", d.is_open(0.3))
    s.stat("full")
    c.close()
    s.note("second", d.line())
    d.close()
    s.ended(2)


@scenario("""
frontend fe
  bind {fe}
  option dontlognull
  default_backend be
frontend all
  bind {all}
  default_backend be
backend be
  server a {a} check inter 100ms
""", a={"greet": False})
def dontlognull(s):
    """Sessions without a byte are not logged, where the file says so."""
    s.up("be/a")
    for name in ("fe", "all"):
        c = s.client(name)
        c.half()
        s.note(name, c.end())
        s.until("be/a", scur="0")
        c = s.client(name)
        s.note(name, c.ask("x"))
        c.close()
        s.until("be/a", scur="0")
    s.ended(3)


@scenario("""
frontend fe
  bind {fe}
  timeout client-fin 300ms
  default_backend be
backend be
  timeout server-fin 300ms
  server a {a} check inter 100ms
""", a={"linger": True})
def half_close(s):
    """One side has sent its FIN and the other one does not end: it has as long as
    the file says."""
    s.up("be/a")
    c = s.client()
    s.note("greeting", c.line())
    c.half()
    s.note("the end", c.end())
    c = s.client()
    s.note("greeting", c.line())
    c.send("half")
    s.note("the server's end", c.end(close=False))
    s.ended(2)


@scenario(FRONTEND + """
  server a {a} check inter 100ms
""", a={"linger": True})
def half_close_answer(s):
    """What is asked before a FIN is answered after it."""
    s.up("be/a")
    c = s.client()
    s.note("greeting", c.line())
    s.peers["a"].set(delay=0.2)
    c.send("late")
    c.half()
    s.note("answer", c.line())
    s.peers["a"].drop_all()
    s.note("the end", c.end())
    s.ended(1)


# --- balance ----------------------------------------------------------------

def three(algorithm, options=""):
    """A backend of three servers."""
    return FRONTEND + """
  balance %s
  default-server check inter 100ms %s
  server a {a}
  server b {b}
  server c {c}
""" % (algorithm, options)


@scenario(three("roundrobin"), a={}, b={}, c={})
def roundrobin(s):
    """Each in turn; and without one that is in maintenance."""
    s.up("be/a", "be/b", "be/c")
    s.note("clients", sorted(s.visit() for _ in range(9)))
    s.admin("disable server be/b")
    s.note("without b", sorted(s.visit() for _ in range(8)))


@scenario(three("leastconn"), a={}, b={}, c={})
def leastconn(s):
    """Whoever has the fewest sessions."""
    s.up("be/a", "be/b", "be/c")
    clients = {}
    for _ in range(6):
        c = s.client()
        clients.setdefault(c.line(), []).append(c)
    s.note("six", sorted((k, len(v)) for k, v in clients.items()))
    for c in clients.pop("b\n"):
        c.close()
    s.until("be/b", scur="0")
    s.note("b twice", [s.client().line() for _ in range(2)])


@scenario(three("first", "maxconn 2"), a={}, b={}, c={})
def first(s):
    """The first one that has a place."""
    s.up("be/a", "be/b", "be/c")
    clients = [s.client() for _ in range(1)]
    s.note("one", clients[0].line())
    for i in range(4):
        clients.append(s.client())
        s.note("next", clients[-1].line())
    clients[0].close()
    s.until("be/a", scur="1")
    s.note("in the free place", s.client().line())


@scenario(three("source"), a={}, b={}, c={})
def source(s):
    """One client's address, one server, as long as the servers are the same;
    which one is each program's own affair."""
    s.up("be/a", "be/b", "be/c")
    for i in range(1, 6):
        address = "127.0.0.%d" % i
        seen = {s.visit(source=address) for _ in range(3)}
        s.note(address, len(seen))


@scenario(FRONTEND + """
  balance roundrobin
  default-server check inter 100ms
  server a {a} weight 1
  server b {b} weight 2
  server c {c} weight 3
""", a={}, b={}, c={})
def weights(s):
    """Sessions as the weights are; changed, and 0."""
    s.up("be/a", "be/b", "be/c")
    s.note("1 2 3", sorted(s.visit() for _ in range(12)))
    s.admin("get weight be/c")
    s.admin("set server be/c weight 0")
    s.stat("c has 0")
    s.note("1 2 0", sorted(s.visit() for _ in range(6)))
    s.admin("set weight be/c 100%")
    s.admin("set server be/a weight 50%")
    s.admin("get weight be/a")
    s.admin("set server be/b weight 300")
    s.stat("as set")
