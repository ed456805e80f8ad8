#!/usr/bin/env python3
"""The HTTP listener: page, JSON, health, readiness, and bad manners."""

import base64
import json
import re
import socket
import time

import lib
from lib import SLOW, equal, mark, short, wait_for
from servers import http_get


def basic(user, password):
    """An Authorization header."""
    word = base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
    return {"Authorization": "Basic " + word}


@short
def test_page(t):
    """The page is HTML that needs no JavaScript, refreshes, and links nowhere
    else."""
    g = t.group(1)
    p = t.proxy(g)
    p.wait_up(*g.servers)
    status, headers, body = http_get(p.address("stats"), "/stats")
    equal(status, 200)
    assert headers["content-type"].startswith("text/html"), headers
    equal(re.findall(r"<script[^>]*>[^<]*", body),
          ['<script defer src="/stats;page.js?%s">' % body.split(";page.js?")[1][:8]])
    assert "javascript:" not in body.lower() and not re.search(r"\son[a-z]+=", body)
    assert "style=" not in body, "a style that the policy forbids"
    assert body.lstrip().lower().startswith("<!doctype html"), body[:60]
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", body), "foreign link"
    assert "refresh" in body.lower() or "refresh" in headers
    assert "no-store" in headers.get("cache-control", "") or \
        "no-cache" in headers.get("cache-control", ""), headers
    for word in ("redis-1", "redis-2", "UP", "primary", "replica", "write", "read"):
        assert word in body, word


def test_page_is_well_formed(t):
    """Every element that is opened is closed, in order."""
    from html.parser import HTMLParser

    class Checker(HTMLParser):
        VOID = {"meta", "link", "br", "hr", "img", "input", "col"}
        stack = []

        def handle_starttag(self, tag, attrs):
            if tag not in self.VOID:
                self.stack.append(tag)

        def handle_endtag(self, tag):
            equal(self.stack.pop(), tag, "closing tag")

    g = t.group(1)
    p = t.proxy(g)
    checker = Checker()
    checker.feed(p.page())
    equal(checker.stack, [], "elements left open")


def test_names_are_escaped(t):
    """What a server says does not become HTML, nor break the JSON."""
    from services import Service, says
    bad = Service(t, says('-ERR <script>alert(1)</script> & "x" \x01\xff'))
    p = t.proxy([bad.line("bad")])
    wait_for(lambda: p.server("bad")["reason"], "reason")
    assert "<script>" not in p.page()
    p.stats()


@short
def test_json(t):
    """/stats.json has the documented fields."""
    g = t.group(1)
    p = t.proxy(g)
    status, headers, body = http_get(p.address("stats"), "/stats.json")
    equal(status, 200)
    assert headers["content-type"].startswith("application/json"), headers
    j = json.loads(body)
    for key in ("backends", "frontends", "decisions", "sentinels"):
        assert key in j, key
    for s in j["backends"][0]["servers"]:
        for key in ("name", "address", "status", "role", "reason", "sessions",
                    "lag_bytes", "lag_seconds"):
            assert key in s, key
    for f in j["frontends"]:
        for key in ("name", "bind", "route", "sessions"):
            assert key in f, key
    equal(len(j["decisions"]), 1, "decisions: the first election")


def test_sessions_are_counted(t):
    """Sessions of servers and frontends, now."""
    g = t.group(1)
    p = t.proxy(g)
    clients = [p.client() for _ in range(5)] + [p.client("read") for _ in range(3)]
    for c in clients:
        c("PING")
    wait_for(lambda: (p.server("redis-1")["sessions"],
                      p.server("redis-2")["sessions"],
                      p.frontend("write")["sessions"],
                      p.frontend("read")["sessions"]) == (5, 3, 5, 3), "figures")
    for c in clients:
        c.close()
    wait_for(lambda: p.server("redis-1")["sessions"] == 0, "end")


def test_bytes_are_counted(t):
    """Bytes in and out, of a frontend and of a server."""
    r = t.redis()
    p = t.proxy([r])
    with p.client() as c:
        c("SET", "a", "x" * 100000)
        c("GET", "a")
        c("GET", "a")

    def counted():
        for o in (p.frontend("write"), p.server(r)):
            n = o["counters"]
            if not (100000 < n["bytes_in"] < 101000 and
                    200000 < n["bytes_out"] < 201000 and n["sessions"] == 1):
                return False
        return True

    wait_for(counted, "figures")


@short
def test_auth(t):
    """User and password guard all but /healthz and /readyz*."""
    r = t.redis()
    p = t.proxy([r], stats={"user": "admin", "password": "pa;ss#w:ord"})
    good = basic("admin", "pa;ss#w:ord")
    for path in ("/stats", "/stats.json"):
        status, headers, body = http_get(p.address("stats"), path)
        equal(status, 401, path)
        assert headers["www-authenticate"].startswith("Basic realm="), headers
        assert "redis" not in body.lower(), body
        for bad in (basic("admin", "pa"), basic("admin", ""), basic("", ""),
                    basic("Admin", "pa;ss#w:ord"), basic("admin", "pa;ss#w:ordx"),
                    {"Authorization": "Basic !!!"}, {"Authorization": "Bearer x"},
                    {"Authorization": ""}):
            equal(p.get(path, headers=bad), 401, "%s with %r" % (path, bad))
        equal(p.get(path, headers=good), 200, path)
    for path in ("/healthz", "/readyz", "/readyz/write"):
        equal(p.get(path), 200, path)


@short
def test_health_and_readiness(t):
    """/healthz and /readyz stay 200 through a failover; /readyz/FRONTEND tells
    whether there is a server."""
    g = t.group(1)
    p = t.proxy(g, frontends={"write": {}, "read": {"route": "replica"}})
    p.wait_up(*g.servers)
    paths = ("/healthz", "/readyz", "/readyz/write", "/readyz/read")
    equal([p.get(x) for x in paths], [200, 200, 200, 200])
    equal(p.get("/readyz/nonsense"), 404)
    g[1].kill()
    p.wait_down(g[1])
    equal([p.get(x) for x in paths], [200, 200, 200, 503], "no replica")
    g[0].kill()
    p.wait_down(g[0])
    equal([p.get(x) for x in paths], [200, 200, 503, 503], "no server")
    g[0].start()
    wait_for(lambda: p.get("/readyz/write") == 200, "primary back")


def test_readyz_before_the_first_round(t):
    """Not ready while a server has not been checked yet."""
    hung = t.redis("hung")
    hung.pause()
    p = t.proxy([hung], start=False, backend={"check_timeout": "3s"},
                glob={"startup-wait": "1s"})
    p.start(wait=False)
    seen = []

    def ready():
        seen.append(p.get("/readyz"))
        return seen[-1] == 200

    wait_for(ready, "/readyz", 15)
    assert 503 in seen, seen


@short
def test_not_found(t):
    """Other paths are 404, other methods refused, HEAD has no body."""
    p = t.proxy([t.redis()])
    for path in ("/", "/nope", "/readyz/", "/healthzz", "/%2e%2e/", "//stats"):
        assert p.get(path) in (404, 400, 301, 302), path
    for method in ("POST", "PUT", "DELETE"):
        assert p.get("/stats", method=method) in (405, 501, 404), method
    status, _, body = http_get(p.address("stats"), "/stats", method="HEAD")
    assert status in (200, 405) and body == "", (status, body)
    for path in ("/stats?x=1", "/stats.jsonx", "/stats/../etc/passwd"):
        assert "<title>roleproxy" in p.page(path), path  # as HAProxy does


def test_other_uri(t):
    """uri moves the page."""
    p = t.proxy([t.redis()], stats={"uri": "/status/here"})
    equal([p.get("/status/here"), p.get("/stats"), p.get("/stats.json")],
          [200, 404, 200])


def raw(p, data, timeout=15):
    """What comes back for these bytes, up to the end."""
    with lib.connect(p.address("stats"), timeout) as s:
        out = b""
        try:
            s.sendall(data)
            while True:
                part = s.recv(65536)
                if not part:
                    return out
                out += part
        except ConnectionError:
            return out


@short
def test_oversize_requests(t):
    """More than 8 KiB of request, in the line or the headers: refused, and the
    memory stays."""
    p = t.proxy([t.redis()])
    for data in (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nX: " + b"y" * 20000 + b"\r\n\r\n",
                 b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 3000 + b"\r\n",
                 b"POST /stats HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n" +
                 b"z" * 100000):
        answer = raw(p, data)
        assert answer == b"" or re.match(rb"HTTP/1\.[01] (4|5)\d\d ", answer), \
            answer[:80]
    for _ in range(50):
        raw(p, b"GET /" + b"x" * 100000)
    if lib.PLAIN:
        assert p.child.rss() < 32 << 20
    equal(p.get("/healthz"), 200)


@short
def test_garbage(t):
    """What is no HTTP ends, and hurts nobody."""
    p = t.proxy([t.redis()])
    for data in (b"\r\n\r\n", b"\x16\x03\x01\x00\xf0" + bytes(range(256)),
                 b"PING\r\n\r\n", b"GET\r\n\r\n", b"\0" * 5000 + b"\r\n\r\n"):
        raw(p, data)
    equal(p.get("/healthz"), 200)


@mark(limit=60)
def test_slow_requests(t):
    """A request that dribbles in is ended after about 10 s; others are served
    meanwhile."""
    p = t.proxy([t.redis()])
    s = lib.connect(p.address("stats"), 30)
    start = time.monotonic()
    s.sendall(b"GET /stats HTTP/1.1\r\n")
    ended = False
    while not ended and time.monotonic() - start < 25 * SLOW:
        try:
            s.sendall(b"X: y\r\n")
            s.settimeout(0.5)
            ended = s.recv(1000) == b"" or True
        except socket.timeout:
            pass
        except OSError:
            ended = True
        equal(p.get("/healthz"), 200)
    took = time.monotonic() - start
    assert ended and 5 < took < 20 * SLOW, "ended after %.1f s" % took


def test_connection_limit(t):
    """No more than maxconn connections; when they go others are served; the
    proxy itself does not care."""
    r = t.redis()
    p = t.proxy([r], stats={"maxconn": 4})
    socks = [lib.connect(p.address("stats")) for _ in range(40)]
    equal(p.client()("PING"), "PONG")
    for s in socks:
        s.close()
    wait_for(lambda: p.get("/healthz") == 200, "page")


def test_kept_connection(t):
    """Several requests on one connection, and pipelined ones."""
    import http.client
    p = t.proxy([t.redis()])
    c = http.client.HTTPConnection(*p.address("stats"), timeout=10)
    for _ in range(3):
        c.request("GET", "/healthz")
        r = c.getresponse()
        equal(r.status, 200)
        r.read()


@short
def test_answers_at_once_under_load(t):
    """The page comes quickly while clients write; many readers at once."""
    g = t.group(1)
    p = t.proxy(g)
    w = t.writers(p.address("write"), 4)
    w.wait_more()
    for _ in range(20):
        start = time.monotonic()
        p.page()
        assert time.monotonic() - start < 2 * SLOW
    w.stop()
    equal(dict(w.errors), {})


def test_open_to_unix_socket(t):
    """The page on a UNIX socket."""
    path = lib.os.path.join(t.folder, "stats.sock")
    p = t.proxy([t.redis()], start=False)
    p.conf["stats"]["bind"] = [p.conf["stats"]["bind"], "unix:" + path]
    p.write()
    p.start()
    with lib.connect(path) as s:
        s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1."), "answer"
