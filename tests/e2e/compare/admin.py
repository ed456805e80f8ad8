#!/usr/bin/env python3
"""Scenarios about what an operator does, and about Redis itself."""

import time

from compare.judge import scenario
from compare.side import HEALTH
from lib import wait_for
from servers import Redis

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


@scenario(TWO, HEALTH, a={}, b={})
def drain(s):
    """A draining server keeps its sessions and gets no new ones."""
    s.up("be/a", "be/b")
    c = {x.line(): x for x in (s.client(), s.client())}["a\n"]
    s.admin("set server be/a state drain")
    s.stat("draining")
    s.note("clients", [s.visit() for _ in range(3)])
    s.note("the old one", c.ask("x"))
    s.admin("set server be/a state ready")
    s.up("be/a")
    s.stat("ready")
    s.note("clients", sorted(s.visit() for _ in range(4)))


@scenario(TWO, a={}, b={})
def maintenance(s):
    """A server in maintenance keeps its sessions and is not checked."""
    s.up("be/a", "be/b")
    c = {x.line(): x for x in (s.client(), s.client())}["a\n"]
    s.admin("set server be/a state maint")
    s.stat("in maintenance")
    s.note("clients", [s.visit() for _ in range(3)])
    s.note("the old one", c.ask("x"))
    s.admin("set server be/b state maint")
    s.stat("both")
    s.note("a client", s.visit())
    s.admin("set server be/a state ready")
    s.until("be/a", status="UP")
    s.admin("set server be/b state ready")
    s.up("be/a", "be/b")
    s.stat("ready")


@scenario(TWO, HEALTH, a={}, b={})
def maintenance_while_down(s):
    """Maintenance of a server that is DOWN; it comes back by checks."""
    s.up("be/a", "be/b")
    s.peers["a"].kill()
    s.down("be/a")
    s.admin("disable server be/a")
    s.stat("disabled")
    s.admin("enable server be/a")
    s.down("be/a")
    s.peers["a"].back()
    s.up("be/a")
    s.stat("back")


@scenario(TWO, HEALTH, a={}, b={})
def drain_while_down(s):
    """A draining server goes DOWN and comes back draining."""
    s.up("be/a", "be/b")
    s.admin("set server be/a state drain")
    s.peers["a"].kill()
    s.down("be/a")
    s.stat("down")
    s.peers["a"].back()
    s.until("be/a", status="DRAIN")
    s.stat("draining again")
    s.admin("set server be/a state ready")
    s.up("be/a")


@scenario(FRONTEND + """
  server a {a}
""", a={})
def shutdown_sessions(s):
    """An operator ends the sessions of a server."""
    c = s.client()
    s.note("greeting", c.line())
    s.admin("shutdown sessions server be/a")
    s.note("the end", c.end())
    s.note("another", s.visit())


@scenario(TWO, a={}, b={})
def frontend_disabled(s):
    """A frontend that an operator disables and enables."""
    s.up("be/a", "be/b")
    s.admin("disable frontend fe")
    s.stat("disabled")
    s.admin("enable frontend fe")
    s.note("a client", s.visit())
    s.admin("set maxconn frontend fe 7")
    s.stat("maxconn")


@scenario(TWO, a={}, b={})
def wrong_commands(s):
    """What the runtime API says to what it does not understand."""
    for command in ("set server be/a", "set server be/nope state drain",
                    "set server nope/a state drain", "set server be/a state foo",
                    "set server be/a health foo", "set server be/a weight x",
                    "disable server be", "enable server be/nope",
                    "get weight be/nope", "shutdown sessions server be/x",
                    "disable frontend nope", "show servers state nope",
"set weight be/a 1000", "show cli level"):
        s.admin(command)


@scenario(TWO, a={}, b={})
def address_changed(s):
    """A server is given another port."""
    s.up("be/a", "be/b")
    s.admin("set server be/a addr 127.0.0.1 port %d" % s.peers["b"].address[1])
    s.note("clients", [s.visit() for _ in range(2)])


# --- Redis ------------------------------------------------------------------

REDIS = """
defaults
  mode tcp
  log global
  option tcplog
  balance source
  timeout connect 5s
  timeout server 1m
  timeout client 1m
  timeout tunnel 24d
listen stats
  mode http
  bind {stats}
  stats enable
  stats hide-version
  stats realm Haproxy\\ Statistics
  stats uri /haproxy_stats
  stats auth admin:admin123
frontend write
  bind {write}
  default_backend bk_redis_master
backend bk_redis_master
  option tcp-check
  tcp-check send AUTH\\ sesame\\r\\n
  tcp-check expect string +OK
  tcp-check send PING\\r\\n
  tcp-check expect string +PONG
  tcp-check send info\\ replication\\r\\n
  tcp-check expect string role:master
  tcp-check send QUIT\\r\\n
  tcp-check expect string +OK
  server one {one} check inter 200ms fall 2 rise 1
  server two {two} check inter 200ms fall 2 rise 1
frontend read
  bind {read}
  default_backend bk_redis_slave
backend bk_redis_slave
  option tcp-check
  tcp-check send AUTH\\ sesame\\r\\n
  tcp-check expect string +OK
  tcp-check send PING\\r\\n
  tcp-check expect string +PONG
  tcp-check send info\\ replication\\r\\n
  tcp-check expect string role:slave
  tcp-check send QUIT\\r\\n
  tcp-check expect string +OK
  server one {one} check inter 200ms fall 2 rise 1
  server two {two} check inter 200ms fall 2 rise 1
"""
CONFIG = {"requirepass": "sesame", "masterauth": "sesame"}


def primary(side, name):
    """A redis-server with a password."""
    return Redis(side.lab, side.name + "-" + name, config=CONFIG)


def replica(side, name):
    """A replica of `one`."""
    r = Redis(side.lab, side.name + "-" + name, side.peers["one"], config=CONFIG)
    r.follow = side.peers["one"]
    return r


def ask(s, frontend, *commands):
    """A client of Redis: its answers, then how it ends."""
    c = s.client(frontend)
    out = [c.ask(command).strip() for command in ("AUTH sesame",) + commands]
    c.close()
    return out


@scenario(REDIS, one=primary, two=replica)
def redis_failover(s):
    """The stack: the primary dies, the replica is promoted, the old primary
    comes back as a replica."""
    one, two = s.peers["one"], s.peers["two"]
    s.up("bk_redis_master/one", "bk_redis_slave/two")
    s.down("bk_redis_master/two", "bk_redis_slave/one")
    s.stat("roles")
    s.note("write", ask(s, "write", "SET a 1"))
    s.note("read", ask(s, "read", "SET a 2"))
    one.kill()
    s.down("bk_redis_master/one")
    s.stat("no primary")
    two.replicate(None)
    s.up("bk_redis_master/two")
    s.down("bk_redis_slave/two")
    s.stat("promoted")
    s.note("write", ask(s, "write", "SET a 3"))
    one.config["replicaof"] = "%s %d" % two.address
    one.start()
    s.up("bk_redis_slave/one")
    s.until("bk_redis_master/one", check_status="L7.*")
    s.stat("repaired")
    wait_for(lambda: one.follows(two), "replication")
    time.sleep(0.5)     # paced: for two checks to see that
    s.note("read", ask(s, "read", "SET a 4"))
    s.ended(4)
    s.page("by HTTP", "stats", "/haproxy_stats;csv", "admin:admin123")


@scenario(FRONTEND + """
  option redis-check
  server a {a} check inter 100ms fall 1 rise 1
""", HEALTH, a=lambda side, name: Redis(side.lab, side.name + "-" + name))
def redis_check(s):
    """HAProxy's own check of Redis."""
    s.up("be/a")
    s.stat("up")
    s.peers["a"].kill()
    s.until("be/a", status="DOWN", check_status="L4CON")
    s.stat("killed")
    s.peers["a"].start()
    s.up("be/a")
