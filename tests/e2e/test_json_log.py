#!/usr/bin/env python3
"""log-format = json: every line is an object, with the fields of the manual."""

import json
import os
import re

import lib
from lib import equal, short, wait_for

MANUAL = os.path.join(lib.HERE, "..", "..", "man", "roleproxy.8")
ALWAYS = {"time", "level", "event", "text"}


def documented():
    """The events of the manual and their fields."""
    with open(MANUAL) as f:
        part = re.search(r"(?s)\n\.Ss Lines as objects\n(.*?)\n\.S[sh] ", f.read()).group(1)
    out = {}
    for item in part.split("\n.It Li ")[1:]:
        name, text = item.split("\n", 1)
        out[name] = set(re.findall(r"^\.Fa (\w+)", text, re.M))
    return out


def lines(p):
    """All lines of a proxy, read."""
    return [json.loads(x) for x in p.log().splitlines()]


def found(p, event, **fields):
    """The first line of that event that has these values."""
    for o in lines(p):
        if o["event"] == event and all(o.get(k) == v for k, v in fields.items()):
            return o
    return None


@short
def test_lines(t):
    """A failover by hand, sessions, reloads, a command: all are objects, and no
    event has a field that is not in the manual, nor lacks one."""
    path = os.path.join(t.folder, "ctl.sock")
    g = t.group(1)
    p = t.proxy(g, glob={"log-format": "json", "session-log": "all", "control-socket": path})
    p.wait_readable(*g.replicas)
    with p.client() as c:
        equal(c("SET", "a", "b"), "OK")
    s = wait_for(lambda: found(p, "session"), "a session")
    equal((s["frontend"], s["backend"], s["server"], s["reason"], s["level"]),
          ("write", "redis", "redis-1", "done", "info"))
    assert s["bytes_in"] > 0 and s["bytes_out"] == 5 and s["connect_ms"] >= 0, s
    assert s["text"].startswith("session %s write redis/redis-1: " % s["client"]), s
    with p.client():
        g.primary.kill()
        g[1].replicate(None)
        p.wait_writer(g[1])
    w = found(p, "writer", to="redis-2")
    equal((w["backend"], w["from"], w["action"], w["level"]),
          ("redis", "redis-1", "switch", "warn"))
    assert isinstance(w["took_ms"], int) and w["rule"].startswith("W"), w
    wait_for(lambda: found(p, "server", server="redis-1", health="DOWN"), "DOWN")
    wait_for(lambda: found(p, "fence", server="redis-1"), "the fence")
    t.run("ctl", "-s", path, "drain", "redis/redis-2")
    wait_for(lambda: found(p, "control", result="done"), "the command")
    p.reload()
    wait_for(lambda: found(p, "reload", result="ok"), "a reload")
    with open(p.path) as f:
        good = f.read()
    p.write("nonsense")
    p.hup()
    wait_for(lambda: found(p, "reload", result="failed"), "another")
    p.write(good)
    p.stop()
    assert found(p, "start")["version"] and found(p, "stop"), p.log()
    want = documented()
    for o in lines(p):
        if o["event"] == "message":
            equal(set(o), ALWAYS)
        else:
            equal(set(o) - ALWAYS, want[o["event"]], o)
    unseen = set(want) - {o["event"] for o in lines(p)} - {"check", "lag", "message"}
    equal(unseen, set(), "events that did not happen here")


def test_own_format(t):
    """One frontend alone cannot have it."""
    code, _, err = t.run("-c", "-f", t.file("x.ini", """[backend b]
server = a 127.0.0.1:1
[frontend f]
bind = 127.0.0.1:2
backend = b
log-format = json
"""))
    equal(code, 1)
    assert "log-format = json is for all lines or none" in err, err


def test_flapping(t):
    """A server that goes up and down all the time has a bounded number of lines,
    and the log says that it flaps; what is decided about writers is all there."""
    g = t.group(1)
    p = t.proxy(g, backend={"check-interval": "100ms", "fall": 1, "rise": 1},
                glob={"log-format": "json"})
    p.wait_readable(*g.replicas)
    r = g[1]
    for _ in range(12):
        r.pause()
        p.wait_down(r)
        r.resume()
        p.wait_up(r)
    said = [o for o in lines(p) if o.get("server") == "redis-2"]
    assert any("changes all the time" in o["text"] for o in said), said
    assert len(said) <= 13, len(said)
