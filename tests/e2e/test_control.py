#!/usr/bin/env python3
"""The control socket and `roleproxy ctl`."""

import json
import os
import pty
import re
import signal
import stat
import subprocess
import threading
import time

import lib
from lib import SLOW, equal, full, short, stays, wait_for

NOBODY = 65534


def proxy(t, servers, mode=None, name="roleproxy", **options):
    """A roleproxy with a control socket: itself and the socket's path."""
    path = os.path.join(t.folder, name + ".sock")
    glob = {"control-socket": path}
    if mode:
        glob["control-mode"] = mode
    return t.proxy(servers, glob=glob, name=name, **options), path


def ctl(t, path, *words, **options):
    """roleproxy ctl with these words."""
    return t.run("ctl", "-s", path, *words, **options)


def raw(path, data):
    """What comes back for these bytes."""
    with lib.connect(path) as s:
        s.sendall(data)
        out = b""
        while True:
            part = s.recv(65536)
            if not part:
                return out.decode()
            out += part


def row(text, name):
    """The words of the row that begins with a name."""
    return next(l.split() for l in text.splitlines()
                if l.split() and l.split()[0] == name and "backend" not in l)


@short
def test_status(t):
    """Who takes the writes, servers, frontends, what changed; and a failover."""
    g = t.group(2)
    p, path = proxy(t, g)
    p.wait_up(*g.servers)
    p.wait_readable(*g.replicas)
    with p.client() as c:
        equal(c("SET", "a", 1), "OK")
        code, out, err = ctl(t, path, "status")
        equal((code, err), (0, ""))
    assert "backend redis: Writes go to redis-1 since " in out, out
    equal(row(out, "redis-1"), ["redis-1", "127.0.0.1:%d" % g[0].port, "UP",
                                "primary", "yes", "-", "1"])
    for r in g.replicas:
        equal(row(out, r.name)[:4],
              [r.name, "127.0.0.1:%d" % r.port, "UP", "replica"])
    equal(row(out, "write"), ["write", "127.0.0.1:%d" % p.ports["write"], "redis",
                              "primary", "1", "0"])
    assert "redis: redis-1 takes the writes: the only primary" in out, out
    assert "\n\n" not in out and out.endswith("\n"), repr(out[-20:])
    assert max(map(len, out.splitlines()[:8])) <= 80, out

    g[0].kill()
    g.fail_over(g[1])
    p.wait_writer(g[1])
    p.wait_down(g[0])
    out = ctl(t, path, "status")[1]
    assert "Writes go to redis-2 since " in out, out
    equal(row(out, "redis-1")[2], "DOWN")
    assert "redis-2 took over from redis-1" in out, out


@short
def test_help(t):
    """ctl --help is the client's, ctl help the running program's."""
    p, path = proxy(t, [t.redis()])
    code, out, err = t.run("ctl", "--help")
    equal((code, err), (0, ""))
    assert out.startswith("usage: roleproxy ctl ") and "-s SOCKET" in out, out
    code, out, err = ctl(t, path, "help")
    equal((code, err), (0, ""))
    for word in ("help", "status", "promote <bk>/<srv>", "switchover <bk> [to <srv>]",
                 "show stat"):
        assert word in out, word
    code, out, err = t.run("ctl")
    assert code == 1 and not out and err.startswith("usage: "), err
    code, out, err = t.run("ctl", "-y")
    assert code == 1 and not out and "ctl --help" in err, err
    assert "roleproxy ctl" in t.run("--help")[1]


@short
def test_errors(t):
    """What cannot be done: exit code 1, words on stderr."""
    p, path = proxy(t, [t.redis()])
    for words, want in (
            (["statsu"], "\n  status [json]  "),
            (["show servers nope"], "\n  show servers state "),
            (["set weight redis/redis x"], "preceded by garbage"),
            (["get weight redis/nope"], "No such server."),
            (["promote"], "usage: promote BACKEND/SERVER"),
            (["promote", "redis"], "usage: promote"),
            (["promote", "redis/nope"], "backend redis has no server 'nope'"),
            (["promote", "other/redis"], "there is no backend 'other'"),
            (["drain", "redis"], "usage: drain BACKEND/SERVER"),
            (["maint", "redis/nope"], "has no server 'nope'; it has: redis\n"),
            (["servers", "nope"], "there is no backend 'nope'; there are: redis\n"),
            (["events", "many"], "usage: events [NUMBER]"),
            (["watch", "it"], "usage: watch"),
            (["switchover", "other"], "there is no backend 'other'"),
            (["switchover", "redis", "to", "nope"], "no server 'nope'"),
            (["switchover redis to nope"], "no server 'nope'"),
            (["x" * 4096], "Unknown command"),
            ([""], "Unknown command. Please enter one of"),
            (["show version;get weight x;show version"], "Require 'backend/server'."),
            (["caf\u00e9"], "not plain ASCII")):
        code, out, err = ctl(t, path, *words)
        equal((code, out), (1, "2.6.12-roleproxy-0.1\n" * 2 if ";" in words[0] else ""), words)
        assert want in err and "\n\n" not in err, (words, err)
    for words in (["x" * 4097], ["a\nb"]):
        code, out, err = ctl(t, path, *words)
        assert code == 1 and not out and err.startswith("roleproxy ctl: "), err
    p.wait_log(r"WARN .*control: promote redis/nope, asked for by uid %d, pid \d+: "
               r"refused: backend redis has no server 'nope'" % os.getuid())


@full
def test_nobody_there(t):
    """No socket, a stale one, one that never answers: words, at once or in
    bounded time."""
    path = os.path.join(t.folder, "none.sock")
    code, out, err = ctl(t, path, "status")
    equal((code, out), (1, ""))
    assert path in err and "is control-socket set in the configuration" in err, err
    s = lib.socket.socket(lib.socket.AF_UNIX)
    s.bind(path)
    code, _, err = ctl(t, path, "status")
    assert code == 1 and "nobody listens there" in err, err
    s.listen(1)
    start = time.monotonic()
    code, _, err = ctl(t, path, "status")
    assert code == 1 and "no answer within 10 s" in err, err
    assert 9 < time.monotonic() - start < 15 * SLOW
    code, _, err = ctl(t, "/" + "x" * 200, "status")
    assert code == 1 and "too long" in err, err


@short
def test_json(t):
    """--json: status is /stats.json, the others parts of it; an act and an error
    are objects, with the usual exit codes."""
    g = t.group(1)
    p, path = proxy(t, g)
    p.wait_readable(*g.replicas)

    def still(o):
        """Without what changes all the time."""
        if isinstance(o, dict):
            return {k: still(v) for k, v in o.items() if k not in (
                "time", "uptime_seconds", "age_ms", "duration_us", "latency_us", "since",
                "result", "sentinels_text")}
        return [still(x) for x in o] if isinstance(o, list) else o

    def ask(*words, code=0):
        got, out, err = ctl(t, path, *words)
        equal((got, err), (code, ""), words)
        return json.loads(out)

    with p.client() as c:
        c("PING")
        wait_for(lambda: still(ask("--json", "status")) == still(p.stats()),
                 "the same as /stats.json, which may be a second old")
        equal(still(ask("status", "--json")["backends"][0]["servers"][1]),
              still({k: v for k, v in ask("servers", "redis", "--json")[1].items()
                     if k != "backend"}))
        listed = ask("sessions", "--json", "redis/redis-1")
        equal(listed["cut"], False)
        s, = listed["sessions"]
        equal([s[k] for k in ("frontend", "backend", "server", "state")],
              ["write", "redis", "redis-1", "relaying"])
        equal(ask("sessions", "redis/redis-2", "--json"), {"sessions": [], "cut": False})
        row_of = ctl(t, path, "sessions")[1].splitlines()[1].split()
        equal(row_of[:4], [s["client"], "write", "redis/redis-1", "relaying"])
        equal(ask("shutdown session " + s["id"], "--json"), {"ok": True, "text": ""})
    equal([e["to"] for e in ask("-j", "events")], ["redis-1"])
    equal(ask("check", "--json"), {"status": "OK", "alarms": []})
    equal(ask("drain", "redis/x", "--json", code=1),
          {"ok": False, "error": "backend redis has no server 'x'; it has: redis-1, redis-2"})
    g[1].kill()
    p.wait_down(g[1])
    said = ask("check", "--json", code=1)
    equal((said["status"], said["alarms"][0]["severity"]), ("WARNING", "warning"))
    got, out, _ = t.run("ctl", "-s", path + "x", "--json", "check")
    equal((got, json.loads(out)["status"]), (3, "UNKNOWN"))
    got, out, _ = t.run("ctl", "-s", path + "x", "--json", "status")
    equal((got, json.loads(out)["ok"]), (1, False))


def test_states(t):
    """drain, maint and ready: where new clients go, and what becomes of those that
    are there."""
    g = t.group(2)
    p, path = proxy(t, g, frontends={"read": {"route": "replica"}})
    p.wait_readable(*g.replicas)

    def act(word, server, says):
        code, out, err = ctl(t, path, word, "redis/" + server.name)
        equal((code, err), (0, ""))
        assert out.startswith("done: redis/%s %s" % (server.name, says)), out

    def serving():
        with p.client("read") as c:
            return g.serving(c)

    first = p.client("read")
    on = g.named(first.served_by())
    other = next(r for r in g.replicas if r is not on)
    act("drain", on, "takes no new sessions")
    wait_for(lambda: {serving() for _ in range(8)} == {other.name}, "new clients elsewhere")
    equal(first("PING"), "PONG")
    act("maint", on, "is taken out")
    wait_for(lambda: p.server(on)["status"] == "MAINT", "its state")
    equal(first("PING"), "PONG")
    act("ready", on, "is used again")
    wait_for(lambda: on.name in {serving() for _ in range(8)}, "new clients again")
    p.wait_log(r"control: maint redis/%s, asked for by uid" % on.name)


def test_watch(t):
    """watch shows a failover as it happens, with its evidence, and ends with the
    proxy."""
    g = t.group(1)
    p, path = proxy(t, g)
    p.wait_readable(*g.replicas)
    plain, objects = [
        t.spawn(name, lib.RUN + [lib.BINARY, "ctl", "-s", path, "watch"] + more)
        for name, more in (("watch", []), ("watch-json", ["--json"]))]
    wait_for(lambda: "backend redis: Writes go to redis-1" in plain.log(), "the sentence")
    wait_for(lambda: '"summary"' in objects.log(), "the same")
    g.primary.kill()
    g[1].replicate(None)
    p.wait_writer(g[1])
    wait_for(lambda: "redis-2 took over from redis-1: " in plain.log(), "the decision")
    wait_for(lambda: "backend redis: Writes go to redis-2" in plain.log(), "the sentence")
    assert re.match(r"\d\d:\d\d:\d\d  ", plain.log()), plain.log()
    wait_for(lambda: '"to":"redis-2"' in objects.log(), "its object")
    for line in objects.log().splitlines():
        json.loads(line)
    # What is added to a decision later does not make it a new one.
    wait_for(lambda: p.decisions()[0]["closed_ms"] > 0, "the end of the fence")
    stays(lambda: plain.log().count("took over from redis-1") == 1, "one line", 1.2)
    equal(plain.log().count("redis-1 takes the writes: "), 0, "what was before")
    objects.signal(signal.SIGINT)
    equal(objects.wait(), 0, "SIGINT")
    p.stop()
    equal(plain.wait(), 1)
    assert "roleproxy ctl: roleproxy has ended" in plain.log()


def test_color(t):
    """Colours on a terminal only, unless they are asked for; the words are the
    same."""
    p, path = proxy(t, t.group(1))
    out = ctl(t, path, "servers")[1]
    assert "\x1b" not in out
    shown = ctl(t, path, "--color", "servers")[1]
    equal(ctl(t, path, "servers", "--color")[1].count("\x1b[32mUP"), 2)
    assert "\x1b[32mUP\x1b[0m" in shown, shown
    equal(set(re.sub(r"\x1b\[\d*m", "", shown).splitlines()[0].split()), set(out.split("\n")[0].split()))
    assert "\x1b" not in ctl(t, path, "--color=never", "status")[1]
    equal(ctl(t, path, "--color=sometimes", "status")[0], 1)

    def on_terminal(**env):
        main, other = pty.openpty()
        child = t.spawn("ctl", [lib.BINARY, "ctl", "-s", path, "status"], stdout=other,
                        env={**os.environ, **env})
        child.wait()
        os.close(other)
        seen = b""
        try:
            while part := os.read(main, 65536):
                seen += part
        except OSError:
            pass                        # the other end is closed
        os.close(main)
        return seen
    assert b"\x1b[1mbackend redis: " in on_terminal(TERM="xterm", NO_COLOR="")
    assert b"\x1b" not in on_terminal(TERM="xterm", NO_COLOR="1")
    assert b"\x1b" not in on_terminal(TERM="dumb", NO_COLOR="")


def test_broken_answers(t):
    """An answer that ends too soon is none."""
    path = os.path.join(t.folder, "fake.sock")
    s = lib.socket.socket(lib.socket.AF_UNIX)
    s.bind(path)
    s.listen(8)

    def answer(data):
        c = s.accept()[0]
        c.recv(100)
        c.sendall(data)
        c.close()

    for data, code in ((b"", 1), (b"half an ans", 1), (b"whole\n", 1),
                       (b"whole\n\n", 0), (b"\n", 0), (b"error: no\n\n", 1)):
        thread = threading.Thread(target=answer, args=(data,))
        thread.start()
        got, out, err = ctl(t, path, "status")
        thread.join()
        equal(got, code, data)
        if not data.endswith(b"\n\n") and data != b"\n":
            assert "before the answer was complete" in err, (data, err)
        equal(out, "whole\n" if data == b"whole\n\n" else "", data)


def test_interrupt(t):
    """Ctrl-C ends a ctl that waits."""
    path = os.path.join(t.folder, "mute.sock")
    s = lib.socket.socket(lib.socket.AF_UNIX)
    s.bind(path)
    s.listen(8)
    child = t.spawn("ctl", lib.RUN + [lib.BINARY, "ctl", "-s", path, "status"])
    s.accept()[0].recv(100)
    child.signal(signal.SIGINT)
    assert child.wait(5) != 0


def test_environment(t):
    """ROLEPROXY_SOCKET names the socket; -s goes first."""
    p, path = proxy(t, [t.redis()])
    env = {**os.environ, "ROLEPROXY_SOCKET": path}
    equal(t.run("ctl", "status", env=env)[0], 0)
    equal(t.run("ctl", "-s", path + "x", "status", env=env)[0], 1)


@short
def test_check(t):
    """ctl check: exit code and first word as monitoring systems want them; the
    socket is the environment's, not the configuration's."""
    path = os.path.join(t.folder, "check.sock")
    env = {**os.environ, "ROLEPROXY_SOCKET": path}
    code, out, _ = t.run("ctl", "check", env=env)
    assert (code, out[:8]) == (3, "UNKNOWN:"), (code, out)
    g = t.group(1)
    t.proxy(g, env=env)

    def says(code, *words):
        got, out, err = t.run("ctl", "check", env=env)
        return (got, err) == (code, "") and out.count("\n") == 1 and \
            all(w in out for w in words)

    wait_for(lambda: says(0, "OK: "), "all well")
    g.servers[1].kill()
    wait_for(lambda: says(1, "WARNING: ", "DOWN"), "a server is down")
    g.servers[0].kill()
    wait_for(lambda: says(2, "CRITICAL: ", "write", "primary"), "nothing is up")


@short
def test_mode_and_removal(t):
    """The socket has the mode of the configuration, whatever the umask; a reload
    does not touch it; it is gone at the end."""
    r = t.redis()
    for mode, want in ((None, 0o600), ("0666", 0o666), ("660", 0o660)):
        p, path = proxy(t, [r], mode, name="proxy-%s" % mode)
        s = os.stat(path)
        assert stat.S_ISSOCK(s.st_mode)
        equal(stat.S_IMODE(s.st_mode), want)
        equal([n for n in os.listdir(t.folder) if ".sock." in n], [])
        p.conf["global"]["control-mode"] = "0644"
        p.reload()
        p.wait_log(r"WARN .*control-mode of \[global\] changed: .* restart")
        after = os.stat(path)
        equal((after.st_ino, after.st_mode), (s.st_ino, s.st_mode))
        equal(p.stop(), 0)
        assert not os.path.exists(path)


@short
def test_stale_and_taken(t):
    """A socket left by a crash is replaced; one in use is not, and its owner
    goes on; nor is a file that is no socket."""
    r = t.redis()
    p, path = proxy(t, [r])
    p.child.kill()
    assert os.path.exists(path)
    p.start()
    equal(ctl(t, path, "status")[0], 0)

    second = t.proxy([r], glob={"control-socket": path}, name="second", start=False)
    second.expected_exit = 1
    second.start(wait=False)
    equal(second.child.wait(), 1)
    assert "another process listens there" in second.log(), second.log()
    equal(ctl(t, path, "status")[0], 0)
    equal(p.client()("PING"), "PONG")

    second.conf["global"]["control-socket"] = t.file("plain", "text")
    second.write()
    second.start(wait=False)
    equal(second.child.wait(), 1)
    assert "is not a socket" in second.log(), second.log()
    with open(os.path.join(t.folder, "plain")) as f:
        equal(f.read(), "text")


def as_nobody(t, path, *words):
    """roleproxy ctl as another user."""
    if os.geteuid() != 0:
        raise lib.Skip("needs root to become another user")
    p = subprocess.run(
        ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"] +
        lib.RUN + [lib.BINARY, "ctl", "-s", path] + list(words),
        stdin=subprocess.DEVNULL, capture_output=True, timeout=20 * SLOW)
    if b"setpriv" in p.stderr or p.returncode in (126, 127):
        raise lib.Skip(p.stderr.decode())
    return p.returncode, p.stdout.decode(), p.stderr.decode()


@short
def test_others_look(t):
    """Whom the mode lets in may look and not act; whom it does not, hears so."""
    r = t.redis()
    p, path = proxy(t, [r], "0666")
    code, out, err = as_nobody(t, path, "status")
    equal((code, err), (0, ""))
    assert "Writes go to redis" in out, out
    equal(as_nobody(t, path, "help")[0], 0)
    for words in (["promote", "redis/redis"], ["switchover", "redis"]):
        code, out, err = as_nobody(t, path, *words)
        equal((code, out), (1, ""))
        equal(err, "error: Permission denied: only root and uid %d may do that\n"
              % os.geteuid())
    p.wait_log(r"WARN .*promote redis/redis, asked for by uid %d, pid \d+: "
               r"refused: permission denied" % NOBODY)
    p, path = proxy(t, [r], name="private")
    code, out, err = as_nobody(t, path, "status")
    assert code == 1 and not out and "control-mode" in err, err


def test_bad_clients(t):
    """Half lines, garbage, clients that leave or fill all places: the others are
    relayed, and the socket answers again."""
    r = t.redis()
    p, path = proxy(t, [r])
    w = t.writers(p.address("write"), 2)
    equal(raw(path, b"status\nstatus\n").count("Writes go to"), 2)
    assert raw(path, b"\0" * 10 + b"\n").startswith("error: ")
    assert raw(path, os.urandom(4000) + b"\n").startswith("error: ")
    assert raw(path, b"status\r\n").startswith("roleproxy ")
    for data in (b"", b"stat", b"status\n", b"switchover redis\n", b"x" * 100000):
        for _ in range(20):
            with lib.connect(path) as s:
                try:
                    s.send(data)
                except OSError:
                    pass
    wait_for(lambda: ctl(t, path, "status")[0] == 0, "places")
    socks = [lib.connect(path) for _ in range(40)]
    code, _, err = ctl(t, path, "status")
    assert code == 1 and "too many connections" in err, err
    for s in socks:
        s.close()
    wait_for(lambda: ctl(t, path, "status")[0] == 0, "status")
    w.wait_more()
    w.stop()
    equal((dict(w.errors), dict(w.broken)), ({}, {}))


@full
def test_idle(t):
    """A client that says nothing is sent away after 10 s."""
    p, path = proxy(t, [t.redis()])
    start = time.monotonic()
    equal(raw(path, b""), "")
    assert 9 < time.monotonic() - start < 15 * SLOW


def test_while_draining(t):
    """A process that waits for its last session still answers."""
    r = t.redis()
    p, path = proxy(t, [r])
    c = p.client()
    c.raw(b"*1\r\n$4\r\nPI")
    wait_for(lambda: p.frontend("write")["sessions"] == 1, "session")
    p.child.signal(signal.SIGUSR1)
    wait_for(lambda: ", draining" in ctl(t, path, "status")[1], "draining")
    c.close()
    equal(p.child.wait(), 0)
    assert not os.path.exists(path)
