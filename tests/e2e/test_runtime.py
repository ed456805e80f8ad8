#!/usr/bin/env python3
"""HAProxy's runtime API: what is done to servers, frontends and sessions."""

import collections
import os
import shutil
import socket
import subprocess

import lib
import services
from lib import Client, equal, short, wait_for


def proxy(t, servers, **options):
    """A roleproxy with a socket for admins: itself and how to ask there."""
    path = os.path.join(t.folder, "api.sock")
    p = t.proxy(servers, glob={"control-socket": path + " level=admin", "workers": 1},
                **options)

    def api(line):
        """Send a line, as socat does; the answer without the empty line."""
        with lib.connect(path) as s:
            s.sendall(line.encode() + b"\n")
            s.shutdown(socket.SHUT_WR)
            out = b""
            for part in iter(lambda: s.recv(65536), b""):
                out += part
            assert out.endswith(b"\n"), out
            return out[:-1].decode()

    return p, api


def state_of(api, name):
    """The words of a server's line of show servers state."""
    lines = api("show servers state").splitlines()
    return dict(zip(lines[1].split()[1:],
                    next(l.split() for l in lines if " %s " % name in l)))


@short
def test_writer(t):
    """Drain of the writer: its sessions go on, new clients wait, nobody else is
    the writer. Maintenance: its sessions end. Both over a reload."""
    g = t.group(1)
    p, api = proxy(t, g)
    p.wait_writer(g[0])
    p.wait_readable(g[1])
    load = t.writers(p.address("write"), 2)
    load.wait_more()

    equal(api("set server redis/redis-1 state drain"), "")
    with Client(p.address("write")) as c:
        c.send("SET", "k", 1)
        wait_for(lambda: p.frontend("write")["held"] == 1, "held client")
        load.wait_more()            # who was there before goes on
        equal(p.writer(), "redis-1")
        equal(state_of(api, "redis-1")["srv_admin_state"], "8")
        p.reload()
        equal(state_of(api, "redis-1")["srv_admin_state"], "8")
        equal(api("set server redis/redis-1 state ready"), "")
        equal(c.read(), "OK")
        equal(c("GET", "k"), "1")

        equal(api("disable server redis/redis-1"), "")
        wait_for(c.is_closed, "end of the session")
    wait_for(lambda: p.writer() is None, "no writer")
    equal(state_of(api, "redis-1")["srv_admin_state"], "1")
    before = int(g[0].info("stats")["total_commands_processed"])
    equal(api("enable server redis/redis-1"), "")
    p.wait_writer(g[0])
    load.wait_more()
    assert int(g[0].info("stats")["total_commands_processed"]) > before
    load.stop()
    # A force of health moves no writer, and makes none.
    equal(api("set server redis/redis-1 health down"), "")
    equal(p.writer(), "redis-1")
    equal(api("set server redis/redis-2 health up"), "")
    equal(p.writer(), "redis-1")
    wait_for(lambda: state_of(api, "redis-1")["srv_op_state"] == "2", "UP by checks")
    equal(p.client()("SET", "k", 2), "OK")


@short
def test_other_place(t):
    """Sessions end when their server is another one: its entry begins anew with the
    file after a reload without it, or another entry for the same process moved away.
    """
    g = t.group(1)
    other = t.redis("other")
    p, api = proxy(t, g)
    p.wait_writer(g[0])

    def put(name, server):
        """Move an entry to where a server is."""
        api("set server redis/%s addr %s port %d" % ((name,) + server.address))

    put("redis-1", other)
    c = p.client()
    equal(c.served_by(), other.port)
    lines = p.conf["backend redis"]["server"]
    p.conf["backend redis"]["server"] = lines[1:]
    p.reload()
    equal(c("SET", "k", 1), "OK")       # without another writer it stays
    p.conf["backend redis"]["server"] = lines
    p.reload()
    wait_for(c.is_closed, "end of the session on the other")
    equal(p.client().served_by(), g[0].port)

    # The second entry is the writer; the first, which counts as the older of
    # two for one process, comes to it and goes again.
    g.fail_over(g[1])
    g[0].replicate(g[1])
    p.wait_writer(g[1])
    c = p.client()
    equal(c.served_by(), g[1].port)
    put("redis-1", g[1])
    wait_for(lambda: p.writer() == "redis-1", "the other entry")
    equal(c("SET", "k", 2), "OK")       # it is the same process
    put("redis-1", g[0])
    wait_for(c.is_closed, "end of the session by the fence")
    p.wait_writer(g[1])
    equal(p.client()("SET", "k", 3), "OK")


@short
def test_balance(t):
    """Weights shift what is new; 0, drain and maint leave a server out; an address
    is another server."""
    servers = [services.Service(t, services.says(n)) for n in ("a", "b", "c")]
    p, api = proxy(t, [servers[0].line("a", "weight=10"),
                       servers[1].line("b", "weight=10")],
                   backend={"check": "tcp", "check-interval": "100ms"},
                   frontends={"all": {"balance": "roundrobin"}})

    def served(n=12):
        """How many of n clients each server serves."""
        out = collections.Counter()
        for _ in range(n):
            with lib.connect(p.address("all")) as s:
                out[s.recv(10).decode().strip()] += 1
        return dict(out)

    wait_for(lambda: served(2) == {"a": 1, "b": 1}, "both")
    equal(served(), {"a": 6, "b": 6})
    equal(api("set server redis/a weight 30"), "")
    equal(api("get weight redis/a"), "30 (initial 10)\n")
    equal(served(), {"a": 9, "b": 3})
    p.reload()
    equal(served(), {"a": 9, "b": 3})
    for change in ("weight 0", "state drain", "state maint", "health stopping"):
        equal(api("set server redis/a " + change), "")
        if change != "health stopping":     # until the next check
            equal(served(4), {"b": 4}, change)
        api("set server redis/a weight 100%; set server redis/a state ready")
        wait_for(lambda: "a" in served(2), "a is back")
    equal(api("set server redis/b addr 127.0.0.1 port %d" % servers[2].address[1]),
          "no need to change the addr, port changed from '%d' to '%d' by "
          "'stats socket command'\n" % (servers[1].address[1], servers[2].address[1]))
    wait_for(lambda: served(4) == {"a": 2, "c": 2}, "c in place of b")
    equal(api("disable health redis/a"), "")
    servers[0].close()
    wait_for(lambda: p.server("a")["status"] == "DOWN", "a is DOWN")
    equal(state_of(api, "a")["srv_op_state"], "2")
    equal(api("enable health redis/a"), "")
    equal(served(4), {"c": 4})
    equal(api("clear counters all"), "")
    equal(next(l.split(",")[7] for l in api("show stat").splitlines()
               if l.startswith("all,FRONTEND")), "0")


@short
def test_frontends_and_sessions(t):
    """A disabled frontend refuses, a full one lets wait, one that is shut down is
    back with the reload; sessions are listed and ended."""
    r = t.redis()
    p, api = proxy(t, [r], frontends={"write": {"route": "primary"},
                                      "other": {"route": "primary"}})
    p.wait_up(r)
    a, b = p.client(), p.client("other")
    equal((a("SET", "k", 1), b("GET", "k")), ("OK", "1"))
    rows = [l for l in api("show sess").splitlines() if "fe=GLOBAL" not in l]
    equal(sorted(l.split(" fe=")[1].split(" ts=")[0] for l in rows),
          ["other be=redis srv=redis", "write be=redis srv=redis"])
    row = next(l for l in rows if "fe=write" in l)
    assert "src=127.0.0.1:%d " % a.sock.getsockname()[1] in row, row
    equal(api("shutdown session " + row.split(":")[0]), "")
    wait_for(a.is_closed, "end of the session")
    equal(b("GET", "k"), "1")
    equal(api("shutdown sessions server redis/redis"), "")
    wait_for(b.is_closed, "end of the other")
    equal([l for l in api("show sess").splitlines() if "fe=GLOBAL" not in l], [])

    def refuses(name):
        try:
            lib.connect(p.address(name)).close()
        except ConnectionRefusedError:
            return True
        return False

    equal(api("disable frontend write"), "")
    wait_for(lambda: refuses("write"), "refusal")
    p.conf["frontend write"]["backlog"] = 64
    p.reload()
    wait_for(lambda: refuses("write"), "refusal after the reload")
    equal(api("enable frontend write"), "")
    wait_for(lambda: not refuses("write"), "clients again")
    equal(p.client()("GET", "k"), "1")
    equal(api("set maxconn frontend write 1"), "")
    with p.client() as one, p.client() as two:
        equal(one("GET", "k"), "1")
        two.send("GET", "k")
        wait_for(lambda: p.log().count("maxconn reached"), "the limit")
        equal(api("set maxconn frontend write 9"), "")
        equal(two.read(), "1")
    equal(api("disable frontend other"), "")
    equal(api("shutdown frontend other"), "")
    wait_for(lambda: refuses("other"), "the end of other")
    equal(api("enable frontend other"),
          "Frontend was previously shut down, cannot enable.\n")
    p.reload()
    wait_for(lambda: not refuses("other"), "other is back")
    assert "Invalid argument" not in p.log(), "nothing is accepted where all is closed"


def test_held_client_of_a_branch(t):
    """A client that is held for the backend of a rule, its frontend shut down
    and removed: it is turned away, not served by what comes after that."""
    r, gone = t.redis("r"), t.redis("gone")
    gone.kill()
    p, api = proxy(t, [gone], backend={"hold": "20s"}, frontends={
        "in": {"use_backend": "spare if { nbsrv(redis) lt 1 }"}}, start=False)
    p.conf["backend spare"] = {"server": ["s %s:%d" % (gone.host, gone.port)],
                               "hold": "20s"}
    p.write()
    p.start()
    client = p.client("in")
    client.send("SET", "wrong", "1")
    wait_for(lambda: "spare" in api("show sess"), "the session in its branch")
    equal(api("shutdown frontend in"), "")
    del p.conf["frontend in"]
    p.conf["backend other"] = {"server": ["o %s:%d" % (r.host, r.port)]}
    p.add_frontend("other", backend="other")
    p.reload()
    equal(p.client("other")("PING"), "PONG")
    wait_for(client.has_data, "an answer")
    equal(client.peek()[:1], b"-")     # LOADING
    equal(r("DBSIZE"), 0)


@short
def test_socat(t):
    """As people use it: socat, prompt, several commands, a payload; levels."""
    if shutil.which("socat") is None:
        raise lib.Skip("no socat")
    r = t.redis()
    path, look = (os.path.join(t.folder, n) for n in ("api.sock", "look.sock"))
    port = t.ports.take()
    t.proxy([r], glob={"control-socket": [
        path + " level=admin mode=660", look + " level=user",
        "127.0.0.1:%d level=operator" % port]})

    def socat(text, to):
        return subprocess.run(["socat", "-t5", "stdio", to], input=text.encode(),
                              capture_output=True, timeout=20).stdout.decode()

    unix = "unix-connect:"
    equal(socat("show cli level;get weight redis/redis\n", unix + path),
          "admin\n\n100 (initial 100)\n\n")
    equal(socat("prompt\nshow cli level\nget weight redis/x\nquit\n", unix + path),
          "\n> admin\n\n> No such server.\n\n> ")
    equal(socat("show cli level <<\nnothing\n\n", unix + path), "admin\n\n")
    equal(socat("disable server redis/redis\n", unix + look), "Permission denied\n\n")
    equal(socat("show cli level\n", "tcp:127.0.0.1:%d" % port), "operator\n\n")
    equal(oct(os.stat(path).st_mode & 0o777), "0o660")
    out = socat("show info;show stat\n", unix + look)
    assert out.startswith("Name: ") and "\n\n# pxname,svname," in out, out[:200]
    code, out, err = t.run("ctl", "-s", path, "show", "servers", "state")
    assert (code, err) == (0, "") and out.startswith("1\n# be_id "), (code, out, err)
    code, out, err = t.run("ctl", "-s", path, "set", "weight", "redis/redis", "999")
    equal((code, out), (1, ""))
    equal(err, "Absolute weight can only be between 0 and 256 inclusive.\n")
