#!/usr/bin/env python3
"""Started with a URL instead of a file: ports, password, reload."""

import os
import subprocess

from lib import HOST, Ports, Skip, alone, equal

PORTS = {"write": 9000, "read": 5001, "stats": 8404}
PASSWORD = "p@ss/wo:rd#1"
ENCODED = "p%40ss/wo%3ard#1"


def server(t):
    """A redis-server with that password."""
    return t.redis(config={"requirepass": PASSWORD})


def proxy(t, url, args=(), **options):
    """A roleproxy on the ports that a URL stands for."""
    for port in PORTS.values():
        if not Ports.is_free(port):
            raise Skip("port %d is taken" % port)
    p = t.proxy([], start=False, **options)
    p.args = ([url] if url else []) + list(args)
    p.ports = dict(PORTS)
    p.start()
    return p


def expect_service(p):
    """Clients on both ports are served by the only server."""
    for frontend in ("write", "read"):
        c = p.client(frontend)
        equal(c("AUTH", PASSWORD), "OK")
        equal(c("PING"), "PONG")


@alone
def test_url(t):
    """Both ports serve, the page and the log name the server, and the password
    is nowhere: process list, log, page; neither before nor after a reload."""
    r = server(t)
    p = proxy(t, "redis://:%s@%s:%d" % (ENCODED, HOST, r.port), args=["-d"])
    expect_service(p)
    equal(p.server("%s:%d" % r.address)["role"], "primary")
    assert p.hup(), "reload failed"
    expect_service(p)
    with open("/proc/%d/cmdline" % p.child.pid, "rb") as f:
        line = f.read().decode()
    assert "redis://%s:%d\0" % r.address in line, line
    seen = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(p.child.pid)],
                          capture_output=True, check=True).stdout.decode()
    first = p.log().splitlines()[0]
    assert first.endswith("starts with redis://%s:%d" % r.address), first
    for text in (line, seen, p.log(), p.page(), str(p.stats())):
        assert "p@ss" not in text and "p%40ss" not in text, text
    equal(r.errors("WRONGPASS"), 0)


@alone
def test_environment(t):
    """ROLEPROXY_URL does the same; an argument goes before it."""
    r = server(t)
    url = "redis://:%s@%s:%d" % (ENCODED, HOST, r.port)
    p = proxy(t, None, env={**os.environ, "ROLEPROXY_URL": " %s\n" % url})
    expect_service(p)
    p.stop()
    p.child = None
    p = proxy(t, url, env={**os.environ, "ROLEPROXY_URL": "redis://nowhere"},
              name="argument")
    expect_service(p)


def test_choice(t):
    """-f and a URL exclude each other; -f goes before the environment; without
    either a server at this host is meant."""
    path = t.file("good.ini", "[backend redis]\nserver = a 127.0.0.1:6379\n"
                  "[frontend write]\nbind = 127.0.0.1:9000\nbackend = redis\n")
    bad = {**os.environ, "ROLEPROXY_URL": "redis://h:0"}
    code, _, err = t.run("-c", "-f", path, "redis://:secret@h")
    assert code == 1 and "-f" in err and "secret" not in err, err
    equal(t.run("-c", "-f", path, env=bad)[0], 0)
    code, _, err = t.run("-c", env=bad)
    assert code == 1 and "redis://h: port 0" in err, err
    if not os.path.exists("/etc/roleproxy/roleproxy.ini"):
        equal(t.run("-c", env={**os.environ, "ROLEPROXY_URL": " "})[0], 0)


def test_bad_url(t):
    """What is wrong with a URL is told without its password."""
    for url in ("redis://:secret@h:99999", "rediss://:secret@h", "secret@h",
                "redis://secret@h", "redis://u:secret", "redis://:se%cret@h"):
        code, out, err = t.run("-c", url)
        assert code == 1 and not out and err.startswith("error: "), err
        assert "secret" not in err and "cret" not in err, err
