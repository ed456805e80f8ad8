#!/usr/bin/env python3
"""Hostile input: requests to the page and lines to the control socket that are
made of good ones, broken at random and sent in pieces, while clients are served.
FUZZ_SECONDS says for how long (4 s; with --full ten minutes each)."""

import base64
import os
import random
import re
import socket
import threading
import time

import lib
from lib import equal, short, wait_for

THREADS = 4
PASSWORD = "Pa55-w0rd"
LOGIN = b"Authorization: Basic " + base64.b64encode(b"ops:" + PASSWORD.encode()) + b"\r\n"

REQUESTS = [b"".join(parts) + b"\r\n" for parts in (
    (b"GET /stats HTTP/1.1\r\nHost: x\r\n", LOGIN),
    (b"GET /stats;csv;norefresh;scope=re HTTP/1.1\r\nHost: x\r\n", LOGIN),
    (b"GET /stats;json;up;no-maint HTTP/1.0\r\n", LOGIN, b"Connection: keep-alive\r\n"),
    (b"GET /stats;page.js?1 HTTP/1.1\r\nHost: x\r\n", LOGIN),
    (b"GET /stats;typed HTTP/1.1\r\nHost: x\r\n", LOGIN),
    (b"GET /stats.json?a=%41 HTTP/1.1\r\nHost: x\r\n", LOGIN, b"Connection: close\r\n"),
    (b"GET /readyz/%77rite?x HTTP/1.1\r\nHost: x\r\n",),
    (b"GET /readyz/%3Cscript%3Ealert(1)%0d%0aX-Injected:%201 HTTP/1.1\r\nHost: x\r\n",),
    (b"GET /<script>alert(1)</script> HTTP/1.1\r\nHost: x\r\n", LOGIN),
    (b"GET /metrics HTTP/1.1\r\nHost: x\r\n", LOGIN),
    (b"GET http://x:80/healthz HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n",),
    (b"HEAD /stats HTTP/1.1\r\nHost: x\r\n", LOGIN),
    (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n",),
    (b"PUT /stats HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n",),
    (b"POST /stats HTTP/1.1\r\nHost: x\r\n", LOGIN, b"Transfer-Encoding: chunked\r\n"),
)] + [b"POST /stats HTTP/1.1\r\nHost: x\r\n" + LOGIN +
      b"Content-Length: 37\r\nOrigin: http://x\r\n\r\ns=redis-2&action=drain&b=%23redis&x=%0"]

LINES = [line + b"\n" for line in (
    b"status", b"check", b"help", b"help show", b"show stat", b"show stat -1 4 -1 typed",
    b"show info json", b"show sess all", b"show servers state redis", b"show cli sockets",
    b"set server redis/redis-2 state drain", b"set server redis/redis-2 state ready",
    b"set server redis/redis-2 weight 50%", b"set server redis/redis-2 addr 127.0.0.1 port 1",
    b"set weight redis/redis-2 7", b"set timeout cli 5", b"set severity-output number",
    b"disable agent redis/redis-1", b"promote redis/redis-2", b"switchover redis to nobody",
    b"prompt;show version;prompt", b"user;operator", b"show env PATH", b"a\\;b\\ c;quit",
    b"show table <<\nkey\nkey\n", b"shutdown session 0x1234")]


def broken(rng, seeds):
    """One of the seeds or several, broken in some places."""
    data = bytearray(b"".join(rng.choice(seeds) for _ in range(rng.choice((1, 1, 2, 9)))))
    for _ in range(rng.choice((0, 1, 2, 5, 20))):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(6)
        if what == 0:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
        elif what == 1:
            del data[at:at + rng.randrange(1, 30)]
        elif what == 2:
            data[at:at] = data[at:at + 40] * rng.choice((1, 3, 300))
        elif what == 3:
            data[at:at] = rng.choice((b"\r\n", b"\0", b"%", b"%00", b"\n\n", b": ", b"\xff\xfe",
                                      b"Content-Length: -1\r\n", b"99999999999999999999",
                                      b"Transfer-Encoding: chunked\r\n", b";", b"<<\n", b"'\"<>&"))
        elif what == 4 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        else:
            del data[at:]
    return bytes(data)


def send(rng, address, data):
    """Send it in some pieces and hear what there is to hear; rarely all of it."""
    out = b""
    try:
        with lib.connect(address, 2) as s:
            while data:
                n = rng.choice((len(data), len(data), 1 + rng.randrange(len(data))))
                s.sendall(data[:n])
                data = data[n:]
            if rng.random() < 0.8:
                s.shutdown(socket.SHUT_WR)
                while part := s.recv(65536):
                    out += part
    except OSError:
        pass                            # it may end what it does not like
    return out


def attack(address, seeds, check, seconds):
    """Threads that send broken things; how many they sent. check looks at each
    answer."""
    end, sent, faults = time.monotonic() + seconds, [0] * THREADS, []
    seed = int(os.environ.get("FUZZ_SEED", random.randrange(1 << 30)))
    print("FUZZ_SEED=%d" % seed)

    def run(i):
        rng = random.Random(seed + i)
        while time.monotonic() < end and not faults:
            data = broken(rng, seeds)
            try:
                check(send(rng, address, data))
                sent[i] += 1
            except AssertionError as e:
                faults.append("%s for %r" % (e, data[:400]))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(THREADS)]
    for x in threads:
        x.start()
    for x in threads:
        x.join()
    equal(faults, [])
    print("%d sent" % sum(sent))
    return sum(sent)


def looks_well(answer):
    """Nothing that was sent has become a header or markup; who is not let in sees
    nothing."""
    head = answer.split(b"\r\n\r\n")[0]
    assert answer == b"" or re.match(rb"HTTP/\S+ \d\d\d ", head), \
        "no HTTP: %r" % head[:80]
    assert b"\r\nX-Injected" not in head, "a header was injected"
    assert b"<script>alert" not in answer, "markup was injected"
    assert PASSWORD.encode() not in answer, "the password"


def stack(t):
    """A group, a proxy with a page that lets servers be changed and a control
    socket, and clients that write."""
    g = t.group(1)
    path = os.path.join(t.folder, "ctl.sock")
    p = t.proxy(g, stats={"user": "ops", "password": PASSWORD, "admin": "on", "maxconn": 100},
                glob={"control-socket": path})
    w = t.writers(p.address("write"), 2)
    w.wait_more()
    return p, path, w


def survives(p, w, attacked):
    """After an attack: the same process, its memory, its files; clients never
    noticed."""
    pid, files, rss = p.child.pid, p.child.descriptors(), p.child.rss()
    n = attacked()
    assert n > 50, "only %d sent" % n
    equal(p.get("/healthz"), 200)
    equal(p.child.pid, pid)
    wait_for(lambda: p.child.descriptors() <= files + 2, "files closed again", 30)
    if lib.PLAIN:
        assert p.child.rss() < rss + (24 << 20), (rss, p.child.rss())
    w.stop()
    equal(dict(w.errors), {})


def http(t, seconds):
    """Attack the page."""
    p, _, w = stack(t)
    survives(p, w, lambda: attack(p.address("stats"), REQUESTS, looks_well, seconds))


def control(t, seconds):
    """Attack the control socket."""
    p, path, w = stack(t)

    def has_no_secret(answer):
        assert PASSWORD.encode() not in answer, "the password"
    survives(p, w, lambda: attack(path, LINES, has_no_secret, seconds))


@short
def test_http(t):
    """Broken requests, for some seconds."""
    http(t, float(os.environ.get("FUZZ_SECONDS", "4")))


@short
def test_control(t):
    """Broken lines, for some seconds."""
    control(t, float(os.environ.get("FUZZ_SECONDS", "4")))


@lib.mark(full=True, limit=800)
def test_http_for_long(t):
    """Broken requests, for ten minutes."""
    http(t, 600)


@lib.mark(full=True, limit=800)
def test_control_for_long(t):
    """Broken lines, for ten minutes."""
    control(t, 600)
