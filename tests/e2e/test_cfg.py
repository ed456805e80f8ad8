#!/usr/bin/env python3
"""What a haproxy.cfg says is done: the stack's two backends, and the recipe that
asks Sentinels through backends of their own."""

import base64
import os

from lib import HOST, equal, parse_info, short, wait_for
from servers import http_get

DEFAULTS = r"""
global
  log stdout format raw local0
defaults
  mode tcp
  log global
  option tcplog
  timeout connect 5s
  timeout client 1m
  timeout server 1m
  timeout tunnel 365d
listen stats
  mode http
  bind %s:%d
  stats enable
  stats uri /haproxy?stats
  stats refresh 5s
"""

SCRIPT = r"""
  option tcp-check
  tcp-check send AUTH\ password\r\n
  tcp-check expect string +OK
  tcp-check send info\ replication\r\n
  tcp-check expect string role:%s
"""

ASKED = r"""
backend asked-%s
  option tcp-check
  tcp-check send SENTINEL\ get-master-addr-by-name\ mymaster\r\n
  tcp-check expect string %d
"""


def server_line(s):
    """A server of HAProxy's language."""
    return "  server %s %s:%d check inter 200\n" % (s.name, s.host, s.port)


def proxy(t, text):
    """A roleproxy with that haproxy.cfg behind the common beginning."""
    p = t.proxy([], start=False)
    p.path = os.path.join(t.folder, "haproxy.cfg")
    p.args = ["-f", p.path]
    p.write(DEFAULTS % p.address("stats") + text(p))
    p.start()
    return p


def backends(p, group):
    """The stack: a port for each role, each with its script."""
    text = ""
    for name, role in (("write", "master"), ("read", "slave")):
        text += "frontend %s\n  bind %s:%d\n  default_backend bk_%s\n" % (
            name, *p.address(name), name)
        text += "backend bk_" + name + SCRIPT % role
        text += "".join(server_line(s) for s in group.servers)
    return text


def recipe(p, group, sentinels):
    """A backend for each server, and one that asks whether it is the master."""
    text = ""
    for s in group.servers:
        text += "backend only-" + s.name + SCRIPT % "master" + server_line(s)
        text += ASKED % (s.name, s.port)
        for i, port in enumerate(sentinels.ports):
            text += "  server s%d %s:%d check inter 500\n" % (i, HOST, port)
    text += "listen write\n  bind %s:%d\n" % p.address("write")
    for s in group.servers:
        text += ("  use_backend only-%s if { srv_is_up(only-%s/%s) } "
                 "{ nbsrv(asked-%s) ge 2 }\n" % (s.name, s.name, s.name, s.name))
    return text


def role(p, frontend):
    """Which role serves a client of this frontend."""
    with p.client(frontend) as c:
        equal(c("AUTH", "password"), "OK")
        return parse_info(c("INFO", "replication"))["role"]


@short
def test_stack(t):
    """Writes go to the primary and reads to replicas, before and after a failover
    by hand; the log is HAProxy's, and has no password."""
    g = t.group(2, config={"requirepass": "password", "masterauth": "password"})
    p = proxy(t, lambda p: backends(p, g))
    equal([role(p, f) for f in ("write", "read", "read")],
          ["master", "slave", "slave"])
    equal(p.get("/haproxy?stats"), 200)
    g.fail_over(g[1])
    wait_for(lambda: p.backend("bk_write")["writer"] == g[1].name, "the new writer")
    equal([role(p, f) for f in ("write", "read")], ["master", "slave"])
    wait_for(lambda: " write bk_write/%s " % g[1].name in p.log(), "the session's line")
    assert "password" not in p.log()


def test_sentinel_recipe(t):
    """Backends that ask Sentinels become one backend with these Sentinels; a
    failover of theirs moves the writes."""
    g = t.group(2, config={"requirepass": "password", "masterauth": "password"})
    s = t.sentinels(g)
    p = proxy(t, lambda p: recipe(p, g, s))
    wait_for(lambda: p.backend("write")["sentinels_agree"] == 3, "Sentinels", 20)
    equal(p.backend("write")["writer"], g[0].name)
    new = s.fail_over()
    wait_for(lambda: p.backend("write")["writer"] == new.name, "the new writer", 20)


BRANCHES = """
listen l
  bind %s:%d
  acl down nbsrv(main) lt 1
  use_backend spare if down
  use_backend main
backend main
  server a %s:%d check inter 100ms fall 1 rise 1
backend spare
  server b %s:%d check inter 100ms fall 1 rise 1
"""


@short
def test_use_backend(t):
    """When the servers of one backend die the next connection goes to the other
    one, and back when they are there again; sessions stay where they are. Each
    is counted on the backend that it went to, before and after a reload."""
    a, b = t.redis("a"), t.redis("b")
    p = proxy(t, lambda p: BRANCHES % (*p.address("l"), a.host, a.port, b.host, b.port))

    def port():
        with p.client("l") as c:
            return c.served_by()

    def total(backend):
        for line in http_get(p.address("stats"), "/haproxy?stats;csv")[2].splitlines():
            if line.startswith(backend + ","):
                return int(line.split(",")[7])

    wait_for(lambda: port() == a.port, "the first backend")
    with p.client("l") as held:
        equal(held.served_by(), a.port)
        a.kill()
        wait_for(lambda: port() == b.port, "the other backend")
        spare = total("spare,BACKEND")
        assert spare > 0
        with p.client("l") as stays:
            equal(stays.served_by(), b.port)
            a.start()
            wait_for(lambda: port() == a.port, "the first backend again")
            equal(stays.served_by(), b.port)
            main = total("main,BACKEND")
            equal(total("l,FRONTEND"), main + total("spare,BACKEND"))
            assert p.hup(), "reload failed"
            equal(port(), a.port)
            equal(stays.served_by(), b.port)
    wait_for(lambda: total("main,BACKEND") == main + 1, "its count")


PAGE = """
listen l
  bind %s:%d
  server s 127.0.0.1:1
listen page
  mode http
  bind %s:%d
  stats enable
  stats uri /s
  stats auth ann:first-secret
  stats auth bob:second:secret
"""


@short
def test_several_users(t):
    """Each user comes in with the password of its own; --to-ini shows none of
    them, and what it prints does the same."""
    p = proxy(t, lambda p: PAGE % (*p.address("l"), *p.address("page")))

    def check():
        for user, password, status in (("ann", "first-secret", 200),
                                       ("bob", "second:secret", 200),
                                       ("ann", "second:secret", 401),
                                       ("eve", "first-secret", 401)):
            login = base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
            equal(http_get(p.address("page"), "/s",
                           {"Authorization": "Basic " + login})[0], status, user)
        equal(http_get(p.address("page"), "/s")[0], 401)

    check()
    code, text, errors = t.run("--to-ini", "-f", p.path)
    equal(code, 0, errors)
    assert "-secret" not in text + errors and "second" not in text, text
    assert "auth-env = ROLEPROXY_SECRET_2\n" in text, text
    p.stop()
    p.child_options = {"env": dict(os.environ, ROLEPROXY_SECRET_1="first-secret",
                                   ROLEPROXY_SECRET_2="bob:second:secret")}
    p.args = ["-f", t.file("made.ini", text)]
    p.start()
    check()
