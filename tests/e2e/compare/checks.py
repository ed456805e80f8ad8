#!/usr/bin/env python3
"""Scenarios about health checks: what is found out about servers, and when."""

from compare.judge import scenario
from compare.side import HEALTH

FRONTEND = """
frontend fe
  bind {fe}
  default_backend be
backend be
"""
TWO = FRONTEND + """
  default-server check inter 100ms fall 2 rise 2
  server a {a}
  server b {b}
"""
ONE = FRONTEND + """
  default-server check inter 100ms fall 2 rise 2
  server a {a}
"""
PING = """
  option tcp-check
  tcp-check send PING\\r\\n
  tcp-check expect string +PONG
"""
PONG = {b"PING": b"+PONG\r\n"}


@scenario(TWO, a={}, b={})
def server_killed(s):
    """A server dies under a session, is DOWN, and comes back."""
    s.up("be/a", "be/b")
    s.stat("both up")
    clients = {c.line(): c for c in (s.client(), s.client())}
    s.note("greetings", sorted(clients))
    s.peers["a"].kill()
    s.note("client of a", clients["a\n"].end())
    s.note("client of b", clients["b\n"].ask("x"))
    s.down("be/a")
    s.stat("a down")
    s.note("where clients go", [s.visit() for _ in range(3)])
    s.peers["a"].back()
    s.up("be/a")
    s.stat("a back")
    s.note("where clients go now", sorted(s.visit() for _ in range(4)))


@scenario(TWO, a={"down": True}, b={})
def server_refuses(s):
    """A server that nobody listens for from the start."""
    s.down("be/a")
    s.up("be/b")
    s.stat("a down")
    s.note("where clients go", [s.visit() for _ in range(3)])


@scenario(ONE + PING, a={"greet": False, "replies": PONG})
def server_silent(s):
    """A server that accepts and says nothing: the check times out."""
    s.up("be/a")
    s.peers["a"].set(mode="silent")
    s.down("be/a")
    s.stat("a silent")
    s.note("a client", s.visit())


@scenario(ONE + PING, HEALTH, a={"greet": False, "replies": PONG})
def server_wrong(s):
    """A server whose answer is another one, first with an end of the
    connection, then without."""
    s.up("be/a")
    s.peers["a"].set(replies={b"PING": (b"-ERR no\r\n", "close")})
    s.down("be/a")
    s.stat("wrong and closed")
    s.peers["a"].set(replies=PONG)
    s.up("be/a")
    s.peers["a"].set(replies={b"PING": b"-ERR no\r\n"})
    s.down("be/a")
    s.stat("wrong and open")


@scenario(ONE + PING, a={"greet": False, "replies": PONG})
def server_closes(s):
    """A server that closes, then resets, instead of an answer."""
    for how in ("close", "reset"):
        s.up("be/a")
        s.peers["a"].set(replies={b"PING": (b"", how)})
        s.down("be/a")
        s.stat(how)
        s.peers["a"].set(replies=PONG)
    s.up("be/a")


@scenario(ONE + PING, HEALTH, a={"greet": False, "replies": PONG})
def server_slow(s):
    """A server that answers late, but in time; then too late."""
    s.up("be/a")
    s.peers["a"].set(delay=0.15)
    s.until("be/a", check_duration="1[5-9].|2..|3..")
    s.stat("slow")
    s.peers["a"].set(delay=1)
    s.down("be/a")
    s.stat("too slow")
    s.peers["a"].set(delay=0)
    s.up("be/a")


@scenario(ONE, a="hole")
def check_connect_timeout(s):
    """A check whose connection is never there."""
    s.until("be/a", status="DOWN", check_status="L4TOUT")
    s.stat("no connection")


@scenario(FRONTEND + """
  server a {a} check inter 100ms rise 3 fall 4
""" + PING, HEALTH, a={"greet": False, "replies": PONG})
def rise_and_fall(s):
    """Each check that fails or passes is counted and logged."""
    s.up("be/a")
    s.until("be/a", check_health="6")
    s.peers["a"].set(replies={b"PING": (b"-ERR\r\n", "close")})
    s.down("be/a")
    s.until("be/a", check_health="0")
    s.stat("down")
    s.peers["a"].set(replies=PONG)
    s.up("be/a")
    s.until("be/a", check_health="6")
    s.stat("up")


@scenario(FRONTEND + """
  server a {a} check inter 500ms rise 2 fall 1000
""" + PING, HEALTH, a={"greet": False, "replies": PONG})
def going_down(s):
    """Between UP and DOWN the state has its own words, and still serves."""
    s.up("be/a")
    s.peers["a"].set(replies={b"PING": (b"-ERR\r\n", "close")})
    s.wait_log("Health check for server be/a failed")
    s.note("status", s.is_so("be/a", status=r"UP \d+/1000", check_status="L7RSP"))
    s.note("a client", s.client().ask("x"))
    s.peers["a"].set(replies=PONG)
    s.until("be/a", status="UP")


@scenario(FRONTEND + """
  option tcp-check
  tcp-check connect
  tcp-check send PING\\r\\n
  tcp-check expect rstring ^\\+(PONG|LOADING)[[:space:]]
  tcp-check send-binary 494e464f0d0a
  tcp-check expect binary 726f6c65 comment "has a role"
  tcp-check send QUIT\\r\\n
  tcp-check expect ! string slave
  tcp-check expect ! rstring ^-ERR
  server a {a} check inter 100ms fall 1 rise 1
""", HEALTH, a={"greet": False, "replies": {
    b"PING": b"+PONG\r\n", b"INFO": b"$11\r\nrole:master\r\n",
    b"QUIT": (b"+OK\r\n", "close")}})
def tcp_check_script(s):
    """Regular expressions, binary, negated: each fails in its own words."""
    right = dict(s.peers["a"].replies)
    for key, wrong in ((b"PING", b"+PINK\r\n"), (b"INFO", b"$4\r\nrope\r\n"),
                       (b"QUIT", b"$5\r\nslave\r\n"), (b"QUIT", b"-ERR x\r\n")):
        s.up("be/a")
        s.peers["a"].set(replies={**right, key: (wrong, "close")})
        s.down("be/a")
        s.stat("wrong: %r" % wrong)
        s.peers["a"].set(replies=right)
    s.up("be/a")
    s.stat("right")


@scenario(FRONTEND + """
  option httpchk GET /health
  http-check expect status 200
  server a {a} check inter 100ms fall 1 rise 1
""", HEALTH, a={"greet": False, "replies": {
    b"GET /health": (b"HTTP/1.0 200 OK\r\n\r\n", "close")}})
def http_check(s):
    """The status of an answer of HTTP; one that is none; none at all."""
    right = dict(s.peers["a"].replies)
    s.up("be/a")
    s.stat("200")
    for reply in (b"HTTP/1.0 503 Sorry\r\n\r\n", b"HTTP/1.1 404 Not Found\r\n\r\n",
                  b"+PONG\r\n"):
        s.peers["a"].set(replies={b"GET /health": (reply, "close")})
        s.down("be/a")
        s.stat(reply.decode().split("\r")[0])
        s.peers["a"].set(replies=right)
        s.up("be/a")


@scenario(FRONTEND + """
  default-server check inter 100ms fall 2 rise 2
  server a {a}
  server b {b} backup
  server c {c} backup
""", a={}, b={}, c={})
def backup(s):
    """The first backup server serves while no other one does."""
    s.up("be/a", "be/b", "be/c")
    s.note("a is up", [s.visit() for _ in range(2)])
    s.peers["a"].kill()
    s.down("be/a")
    s.stat("on backup")
    s.note("a is down", [s.visit() for _ in range(2)])
    s.peers["a"].back()
    s.up("be/a")
    s.stat("back")
    s.note("a is back", [s.visit() for _ in range(2)])


@scenario(FRONTEND + """
  default-server check inter 100ms fall 2 rise 2
  server a {a} on-marked-down shutdown-sessions
  server b {b} backup
""", a={}, b={})
def on_marked_down(s):
    """A server that is DOWN loses its sessions."""
    s.up("be/a", "be/b")
    c = s.client()
    s.note("greeting", c.line())
    s.peers["a"].refuse()
    s.down("be/a")
    s.note("the client", c.end())
    s.note("another", s.visit())


@scenario(FRONTEND + """
  default-server check inter 100ms fall 2 rise 2
  server a {a} on-marked-up shutdown-backup-sessions
  server b {b} backup
""", a={}, b={})
def on_marked_up(s):
    """A server that is UP again takes the sessions from the backup servers."""
    s.up("be/a", "be/b")
    s.peers["a"].kill()
    s.down("be/a")
    c = s.client()
    s.note("greeting", c.line())
    s.peers["a"].back()
    s.up("be/a")
    s.note("the client", c.end())
    s.note("another", s.visit())


@scenario(FRONTEND + """
  default-server check inter 100ms
  server a {a} disabled
  server b {b}
""", a={}, b={})
def disabled_server(s):
    """A server that is disabled in the file is in maintenance until enabled."""
    s.up("be/b")
    s.stat("disabled")
    s.note("clients", [s.visit() for _ in range(2)])
    s.admin("enable server be/a")
    s.up("be/a")
    s.stat("enabled")
    s.note("clients now", sorted(s.visit() for _ in range(2)))


@scenario(TWO,
          a={}, b={"down": True})
def no_server(s):
    """All servers DOWN: who comes is closed at once, and it is an emergency."""
    s.up("be/a")
    s.down("be/b")
    s.peers["a"].kill()
    s.down("be/a")
    s.stat("none")
    s.note("a client", s.visit())
    s.until("be/BACKEND", status="DOWN")


@scenario(FRONTEND + """
  server a {a} check port {p_other} inter 100ms fall 1 rise 1
""", a={}, other={})
def check_port(s):
    """A server that is checked at another port."""
    s.up("be/a")
    s.peers["other"].kill()
    s.down("be/a")
    s.stat("down, though it serves")
    s.peers["other"].back()
    s.up("be/a")
    s.note("a client", s.visit())


@scenario(FRONTEND + """
  server a {a} check inter 2s fastinter 1s fall 9 observe layer4 error-limit 2 on-error mark-down
  server b {b} check inter 2s
  balance first
  retries 0
""", a={}, b={})
def observe(s):
    """Errors of sessions in a row mark a server DOWN."""
    s.up("be/a", "be/b")
    s.peers["a"].kill()
    for _ in range(2):
        s.note("a client", s.visit())
    s.down("be/a")
    s.stat("down")
    s.note("a client now", s.visit())


@scenario(TWO, HEALTH, a={}, b={})
def health_commands(s):
    """An operator says what a check would."""
    s.up("be/a", "be/b")
    s.admin("disable health be/a")
    s.admin("set server be/a health down")
    s.down("be/a")
    s.stat("down")
    s.note("clients", [s.visit() for _ in range(2)])
    s.admin("set server be/a health stopping")
    s.stat("stopping")
    s.admin("set server be/a health up")
    s.stat("up")
    s.admin("enable health be/a")
    s.up("be/a")


@scenario(FRONTEND + """
  option httpchk
  http-check send meth HEAD uri /live ver HTTP/1.1 hdr Host redis
  http-check expect ! rstatus ^5
  server a {a} check inter 100ms fall 1 rise 1
""", a={"greet": False, "replies": {
    b"HEAD /live HTTP/1.1\r\n": (b"HTTP/1.1 204 Fine\r\n\r\n", "close")}})
def http_check_send(s):
    """A request as the file says it, and an answer that must not be."""
    s.up("be/a")
    s.stat("204")
    s.peers["a"].set(replies={b"HEAD": (b"HTTP/1.1 502 No\r\n\r\n", "close")})
    s.down("be/a")
    s.stat("502")


@scenario(FRONTEND + """
  default-server check addr localhost port {p_health} inter 100ms fall 1 rise 1
  option httpchk
  http-check connect port {p_health} addr localhost
  http-check send meth GET uri-lf /%[srv_name] hdr X-Of "%[be_name] 100%%" body-lf %s
  http-check expect status 200
  http-check expect string-lf "%b/%s is well"
  server a {a}
  server b {b}
""", HEALTH, a={}, b={}, health={"greet": False, "replies": {
    b"GET /a HTTP/1.0\r\n": (b"HTTP/1.0 200 OK\r\n\r\nbe/a is well", "close"),
    b"GET /b HTTP/1.0\r\n": (b"HTTP/1.0 503 Ill\r\n\r\n", "close")}})
def health_service(s):
    """One service of a name says of each server how it is, by the server's name."""
    well = dict(s.peers["health"].replies)
    s.up("be/a")
    s.down("be/b")
    s.stat("a alone")
    s.note("clients", [s.visit() for _ in range(2)])
    well[b"GET /b HTTP/1.0\r\n"] = (b"HTTP/1.0 200 OK\r\n\r\nbe/b is well", "close")
    s.peers["health"].set(replies=well)
    s.up("be/b")
    s.stat("both")
    body = b"be 100%\r\ncontent-length: 1\r\n\r\na"
    s.peers["health"].set(replies={
        body: (b"HTTP/1.0 200 OK\r\n\r\nbe/b is well", "close"), **well})
    s.down("be/a")
    s.stat("b alone")
    s.note("clients now", [s.visit() for _ in range(2)])


@scenario(FRONTEND + """
  option tcp-check
  tcp-check connect port {p_health}
  tcp-check send-lf "how is %[srv_name]?\\r\\n"
  tcp-check expect string-lf "%s is well"
  server a {a} check inter 100ms fall 1 rise 1
""", HEALTH, a={}, health={"greet": False, "replies": {b"how is a?": b"a is well\r\n"}})
def tcp_check_format(s):
    """A script that says whom it asks for, and in which words it fails."""
    s.up("be/a")
    for reply in ((b"b is well\r\n", "close"), b"b is well\r\n"):
        s.peers["health"].set(replies={b"how is a?": reply})
        s.down("be/a")
        s.stat("wrong: %r" % (reply,))
        s.peers["health"].set(replies={b"how is a?": b"a is well\r\n"})
        s.up("be/a")
