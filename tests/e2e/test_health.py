#!/usr/bin/env python3
"""Health checks: passwords, ACLs, every kind of refusal, other services."""

import os
import shutil
import time

import lib
from lib import HOST, RedisError, SLOW, equal, short, stays, wait_for
from services import Service, SlowLink, echo, says, until_end

SECRET = "s3cret-;#=word"
ACL = ">%s resetkeys resetchannels &__sentinel__:hello -@all " \
    "+ping +info +subscribe +client|setname"


def reason_of(p, server):
    """The reason in /stats.json, "" if there is none."""
    return p.server(server)["reason"] or ""


def is_shown(p, server, *words):
    """Does the reason of a server, in JSON, page and log, contain the words?"""
    def shown():
        reason = reason_of(p, server)
        return all(w.lower() in reason.lower() for w in words)
    wait_for(shown, "reason %r of %s" % (words, getattr(server, "name", server)))
    wait_for(lambda: all(w.lower() in p.page().lower() for w in words), "on the page")
    wait_for(lambda: all(w.lower() in p.log().lower() for w in words), "in the log")


def gets_nothing(p, server, frontend="write"):
    """A client of the frontend is not served, and the server had no session."""
    c = p.client(frontend)
    try:
        c("PING")
        raise AssertionError("served")
    except RedisError as e:
        assert str(e).startswith("LOADING roleproxy: no "), e
    # A check that has just connected has no name yet.
    wait_for(lambda: server.sessions() == [], "server without sessions")


def no_secret(p, secret=SECRET):
    """The secret is nowhere to be seen."""
    for text, where in ((p.log(), "log"), (p.page(), "page"),
                        (str(p.stats()), "stats.json")):
        assert secret not in text, "the password is in the " + where
    with open("/proc/%d/cmdline" % p.child.pid) as f:
        assert secret not in f.read(), "the password is in ps"


def with_password(t, **backend):
    """A proxy in front of a group with a password; clients use their own."""
    g = t.group(1, config={})
    for s in reversed(g.servers):
        s("CONFIG", "SET", "masterauth", SECRET)
        s("CONFIG", "SET", "requirepass", SECRET)
        s.password = SECRET
    p = t.proxy(g, backend={"hold": "500ms", **backend})
    return g, p


def client_works(p, password=SECRET):
    """A client authenticates for itself and writes."""
    c = p.client()
    try:
        c("SET", "a", "1")
        raise AssertionError("no password needed")
    except RedisError as e:
        assert str(e).startswith("NOAUTH"), e
    equal(c("AUTH", password), "OK")
    equal(c("SET", "a", "1"), "OK")


@short
def test_password(t):
    """password = ..., with `;`, `#` and `=` in it, taken from the raw line."""
    g, p = with_password(t, password=SECRET)
    p.wait_up(*g.servers)
    equal(p.writer(), "redis-1")
    client_works(p)
    no_secret(p)


def test_password_file(t):
    """password-file, with and without a newline at its end."""
    for i, end in enumerate(("", "\n")):
        path = t.file("password-%d" % i, SECRET + end)
        os.chmod(path, 0o600)
        if i == 0:
            g, p = with_password(t, password_file=path)
        else:
            p = t.proxy(g, backend={"password-file": path}, name="second")
        p.wait_up(*g.servers)
        no_secret(p)


def test_password_env(t):
    """password-env names a variable."""
    g, p = with_password(t)
    q = t.proxy(g, backend={"password-env": "REDIS_PW"}, name="second",
                env={**os.environ, "REDIS_PW": SECRET})
    q.wait_up(*g.servers)
    no_secret(q)
    client_works(q)
    equal(p.writer(), None)


@short
def test_acl_user(t):
    """An ACL user with exactly the rights of the manual is enough; the servers
    have refused nothing."""
    g = t.group(1)
    for s in g.servers:
        s("ACL", "SETUSER", "roleproxy", "on", *(ACL % SECRET).split(" "))
    p = t.proxy(g, backend={"username": "roleproxy", "password": SECRET})
    p.wait_up(*g.servers)
    equal(p.writer(), "redis-1")
    equal(p.client()("SET", "a", "1"), "OK")
    for s in g.servers:
        equal([c["user"] for c in s.checks()], ["roleproxy"], "user of the check")
        equal(s("ACL", "LOG"), [], "what %s refused" % s.name)
    no_secret(p)


@short
def test_wrong_password(t):
    """A wrong password is shown as such; such a server gets nothing; the right
    one, after a reload, does."""
    g, p = with_password(t, password="wrong-" + SECRET)
    is_shown(p, g[0], "wrong password")
    assert not p.is_up(g[0]) and not p.is_up(g[1])
    equal(p.writer(), None)
    gets_nothing(p, g[0])
    no_secret(p)
    p.conf["backend redis"]["password"] = SECRET
    p.reload()
    p.wait_writer(g[0])
    client_works(p)


def test_wrong_user(t):
    """A user that does not exist."""
    g = t.group(0)
    p = t.proxy(g, backend={"username": "nobody", "password": SECRET,
                            "hold": "300ms"})
    is_shown(p, g[0], "wrong password")
    gets_nothing(p, g[0])


@short
def test_password_not_needed(t):
    """A password is configured and the server has none: fine."""
    g = t.group(1)
    p = t.proxy(g, backend={"password": SECRET})
    p.wait_up(*g.servers)
    equal(p.writer(), "redis-1")
    equal(p.client()("SET", "a", "1"), "OK")


def test_password_needed(t):
    """The server wants a password and none is configured."""
    g, p = with_password(t)
    is_shown(p, g[0], "password needed")
    assert not p.is_up(g[0])
    gets_nothing(p, g[0])


def test_password_changed_while_running(t):
    """requirepass set on a running server: the open check connection stays
    good; after a reload with the password a restart is survived, too."""
    g = t.group(0)
    p = t.proxy(g)
    g[0]("CONFIG", "SET", "requirepass", SECRET)
    stays(lambda: p.writer() == "redis-1", "still the writer", 2.5)
    p.conf["backend redis"]["password"] = SECRET
    p.reload()
    g[0].password = g[0].config["requirepass"] = '"%s"' % SECRET
    g[0].password = SECRET
    g[0].kill()
    g[0].start()
    p.wait_writer("redis-1")
    client_works(p)


@short
def test_noperm(t):
    """A missing right is named in the words of ACL SETUSER."""
    g = t.group(0)
    for name, without in (("no-info", "+info"), ("no-ping", "+ping")):
        rules = [w for w in (ACL % SECRET).split(" ") if w != without]
        g[0]("ACL", "SETUSER", name, "on", *rules)
    for name, without in (("no-info", "+info"), ("no-ping", "+ping")):
        p = t.proxy(g, name=name, backend={
            "username": name, "password": SECRET, "hold": "300ms"})
        is_shown(p, g[0], "no permission", without)
        gets_nothing(p, g[0])


def test_noperm_for_the_name_only(t):
    """Without +client|setname the check works, and says what is missing."""
    g = t.group(0)
    rules = [w for w in (ACL % SECRET).split(" ") if not w.startswith("+client")]
    g[0]("ACL", "SETUSER", "nameless", "on", *rules)
    p = t.proxy(g, backend={"username": "nameless", "password": SECRET})
    p.wait_writer(g[0])
    equal(p.client()("SET", "a", "1"), "OK")


def fill(server):
    """Some thousand keys."""
    server("EVAL", "for i=1,4000 do redis.call('set','k'..i,'x') end", 0)


def kill_and_load_slowly(server):
    """Save, kill; its next start takes some seconds to load."""
    wait_for(lambda: server("DBSIZE") >= 4000, "keys")
    server("SAVE")
    server.config.update({"key-load-delay": 1000,
                          "loading-process-events-interval-bytes": 1024})
    server.kill()


@short
def test_loading(t):
    """A primary that loads its data is shown so and not eligible; writes wait
    until it has."""
    g = t.group(0)
    p = t.proxy(g, backend={"hold": "30s"})
    fill(g[0])
    kill_and_load_slowly(g[0])
    p.wait_down(g[0])
    g[0].start(wait=False)
    is_shown(p, g[0], "loading")
    c = p.client(timeout=30)
    c.send("SET", "new", "1")
    assert not c.has_data()
    equal(c.read(), "OK")
    equal(g[0]("GET", "new"), "1")
    assert g[0].errors("LOADING") > 0, "it never loaded: the test itself is wrong"


def test_loading_replica(t):
    """A replica that loads is not read from."""
    g = t.group(2)
    p = t.proxy(g, frontends={"read": {"route": "replica", "balance": "roundrobin"}})
    p.wait_up(*g.servers)
    fill(g.primary)
    kill_and_load_slowly(g[1])
    p.wait_down(g[1])
    g[1].start(wait=False)
    is_shown(p, g[1], "loading")
    for _ in range(6):
        equal(g.serving(p.client("read")), "redis-3")
    wait_for(g[1].answers, "end of loading", 20)
    assert g[1].errors("LOADING") > 0, "it never loaded: the test itself is wrong"
    g.wait_linked()
    wait_for(lambda: g.serving(p.client("read")) == "redis-2", "its way back")


@short
def test_misconf(t):
    """A primary that cannot save refuses writes itself; it stays the writer and
    is shown so."""
    g = t.group(1)
    p = t.proxy(g)
    c = p.client()
    c("SET", "a", "1")
    shutil.rmtree(g[0].folder)
    g[0]("CONFIG", "SET", "save", "3600 1000000")
    wait_for(lambda: g[0]("BGSAVE"), "attempt to save")
    wait_for(lambda: g[0].info("persistence")["rdb_last_bgsave_status"] == "err",
             "failed save")
    is_shown(p, g[0], "cannot save")
    stays(lambda: p.writer() == "redis-1", "still the writer", 1.5)
    try:
        c("SET", "a", "2")
        raise AssertionError("no MISCONF: the test itself is wrong")
    except RedisError as e:
        assert str(e).startswith("MISCONF"), e
    equal(c("GET", "a"), "1")
    g[0]("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
    wait_for(lambda: "cannot save" not in reason_of(p, g[0]), "recovery")
    equal(c("SET", "a", "3"), "OK")


@short
def test_busy(t):
    """A script that runs for long: the server stays the writer, its sessions
    live, and all is well after SCRIPT KILL."""
    g = t.group(1, config={"busy-reply-threshold": "100"})
    p = t.proxy(g)
    c = p.client(timeout=30)
    c("SET", "a", "1")
    looper = lib.Client(g[0].address, timeout=60)
    looper.send("EVAL", "while true do end", 0)
    is_shown(p, g[0], "busy")
    stays(lambda: p.writer() == "redis-1", "still the writer", 4)
    assert not c.is_closed()
    equal(g[0]("SCRIPT", "KILL"), "OK")
    try:
        looper.read()
    except RedisError:
        pass
    equal(c("SET", "a", "2"), "OK")
    wait_for(lambda: "busy" not in reason_of(p, g[0]), "recovery")
    p.wait_up(g[0])
    equal(p.client()("GET", "a"), "2")


def test_maxclients(t):
    """A full server is shown so; it is the writer when there is room again."""
    r = t.redis(config={"maxclients": 8})
    others = [lib.Client(r.address) for _ in range(7)]
    for c in others:
        c("PING")
    p = t.proxy([r], backend={"hold": "30s"})
    is_shown(p, r, "max", "clients")
    equal(p.writer(), None)
    for c in others:
        c.close()
    p.wait_writer(r)
    equal(p.client()("SET", "a", "1"), "OK")


def test_replica_without_stale_data(t):
    """replica-serve-stale-data no and a dead link: MASTERDOWN, not read from."""
    g = t.group(2, config={"replica-serve-stale-data": "no"})
    p = t.proxy(g, frontends={"read": {"route": "replica", "balance": "roundrobin"}})
    p.wait_up(*g.servers)
    g[1]("REPLICAOF", HOST, t.ports.take())
    is_shown(p, g[1], "master down")
    for _ in range(6):
        equal(g.serving(p.client("read")), "redis-3")


@short
def test_one_check_connection(t):
    """Exactly one check connection per server, named roleproxy-check, and it is
    the same one after many checks and two reloads."""
    g = t.group(1)
    p = t.proxy(g, backend={"check_interval": "100ms"})
    p.add_frontend("more", backend="redis", route="any")
    p.reload()
    first = [[c["id"] for c in s.checks()] for s in g.servers]
    equal([len(ids) for ids in first], [1, 1], "check connections")
    pings = g[0].calls("ping")
    wait_for(lambda: g[0].calls("ping") > pings + 15, "15 more checks")
    p.reload()
    pings = g[0].calls("ping")
    wait_for(lambda: g[0].calls("ping") > pings + 5, "5 more checks")
    equal([[c["id"] for c in s.checks()] for s in g.servers], first, "their ids")


def test_check_interval(t):
    """A calm server is asked every check-interval, no more."""
    r = t.redis()
    t.proxy([r], backend={"check_interval": "500ms"})
    time.sleep(3)   # paced: right after a change it is asked more often
    asked = r.calls("ping")
    time.sleep(3)   # paced: this is what is measured
    asked = r.calls("ping") - asked
    assert 4 <= asked <= 7, "%d checks in 3 s" % asked


@short
def test_check_connection_killed(t):
    """CLIENT KILL of the check connection: a new one at once, nothing else."""
    g = t.group(1)
    p = t.proxy(g, backend={"check_interval": "5s"})
    c = p.client()
    c("SET", "a", "1")
    for _ in range(3):
        old = g[0].checks()[0]["id"]
        g[0]("CLIENT", "KILL", "ID", old)
        start = time.monotonic()
        wait_for(lambda: [x for x in g[0].checks() if x["id"] != old],
                 "new check connection")
        assert time.monotonic() - start < 2 * SLOW, "not at once"
    equal(p.writer(), "redis-1")
    equal(c("GET", "a"), "1")


def test_role_change_is_seen_quickly_after_client_kill(t):
    """A Sentinel kills the clients of a server that it reconfigures: the role
    is seen then, long before check-interval has passed."""
    g = t.group(2)
    p = t.proxy(g, backend={"check_interval": "20s", "hold": "30s"})
    p.wait_up(*g.servers)
    start = time.monotonic()
    g.fail_over(g[1])
    g[0].replicate(g[1])
    for s in g.servers:
        s("CLIENT", "KILL", "TYPE", "normal")
    p.wait_writer(g[1])
    assert time.monotonic() - start < 5 * SLOW


@short
def test_not_redis(t):
    """Something else on the port is DOWN, in words, and gets no session."""
    web = Service(t, says("SSH-2.0-OpenSSH_9.2"))
    p = t.proxy([web.line("ssh")], backend={"hold": "300ms"})
    is_shown(p, "ssh", "protocol")
    assert not p.is_up("ssh")
    c = p.client()
    c.send("PING")
    assert c.rest().startswith(b"-LOADING roleproxy: no primary")


def test_silent_service(t):
    """A port that accepts and says nothing: DOWN by timeout."""
    s = Service(t, until_end)
    p = t.proxy([s.line("mute")], backend={"hold": "300ms", "check_timeout": "300ms"})
    is_shown(p, "mute", "timeout")
    assert not p.is_up("mute")


def test_endless_reply(t):
    """A service that answers without end costs neither memory nor time."""
    def flood(sock):
        sock.sendall(b"$2000000000\r\n")
        while True:
            sock.sendall(b"x" * 65536)
    s = Service(t, flood)
    r = t.redis()
    p = t.proxy([s.line("flood"), r], backend={"check_timeout": "500ms"})
    p.wait_writer(r)
    is_shown(p, "flood", "protocol")
    if lib.PLAIN:
        stays(lambda: p.child.rss() < 32 << 20, "resident memory grows", 1)
    equal(p.client()("PING"), "PONG")


def test_nobody_there(t):
    """Refused connections: DOWN, in words; UP when the server comes."""
    port = t.ports.take()
    p = t.proxy(["late %s:%d" % (HOST, port)], backend={"hold": "30s"})
    is_shown(p, "late", "refused")
    t.redis("late", port=port)
    p.wait_writer("late")
    equal(p.client()("PING"), "PONG")


def test_fall_and_rise(t):
    """A server that misses fewer than fall checks stays UP."""
    g = t.group(1)
    p = t.proxy(g, frontends={"read": {"route": "replica"}, "write": {}}, backend={
        "check_interval": "400ms", "check_timeout": "400ms", "check_fast": "400ms",
        "fall": 50})
    p.wait_up(*g.servers)
    c = p.client("read")
    c("PING")
    g[1].pause()
    stays(lambda: p.is_up(g[1]), "UP below fall", 2)
    g[1].resume()
    equal(c("PING"), "PONG")


def test_slow_server_does_not_delay_others(t):
    """While one server hangs, the others are checked as ever: a failover among
    them is seen."""
    g = t.group(2)
    hung = t.redis("hung")
    hung.pause()
    p = t.proxy([hung] + g.servers, backend={"check_timeout": "5s", "hold": "30s"})
    p.wait_writer(g[0])
    g.primary.kill()
    start = time.monotonic()
    g.fail_over(g[1])
    p.wait_writer(g[1])
    assert time.monotonic() - start < 5 * SLOW


def test_start_with_a_hung_server(t):
    """A server that hangs at start does not keep the others from serving for
    longer than check-timeout."""
    g = t.group(1)
    hung = t.redis("hung")
    hung.pause()
    p = t.proxy([hung] + g.servers, start=False)
    start = time.monotonic()
    p.start(wait=False)
    c = wait_for(lambda: p.client(timeout=15), "listener")
    equal(c("SET", "a", "1"), "OK")
    assert time.monotonic() - start < 5 * SLOW


def test_check_tcp(t):
    """check = tcp: UP when it accepts, DOWN when not; nothing is sent to it."""
    got = []

    def handler(sock):
        data = sock.recv(100)
        if data:
            got.append(data)
            sock.sendall(data)

    s = Service(t, handler)
    p = t.proxy([s.line("a")], backend={"check": "tcp", "check_interval": "100ms"},
                frontends={"in": {"route": "any"}})
    p.wait_up("a")
    wait_for(lambda: s.accepted > 5, "checks")
    equal(got, [], "bytes sent by checks")
    c = lib.connect(p.address("in"))
    c.sendall(b"hello")
    equal(c.recv(5), b"hello")
    s.close()
    p.wait_down("a")


def test_check_none(t):
    """check = none: used unchecked, nobody connects but clients."""
    s = Service(t, echo)
    p = t.proxy([s.line("a")], backend={"check": "none"},
                frontends={"in": {"route": "any"}})
    stays(lambda: s.accepted == 0, "a connection without a client", 1.5)
    c = lib.connect(p.address("in"))
    c.sendall(b"hello")
    equal(c.recv(5), b"hello")
    equal(s.accepted, 1)


def test_latency_is_measured(t):
    """A slow link does not make a server DOWN below check-timeout."""
    r = t.redis()
    slow = SlowLink(t, r.address, 0.1)
    p = t.proxy([slow.line("far")])
    p.wait_writer("far")
    stays(lambda: p.writer() == "far", "still the writer", 2)
    equal(p.client()("SET", "a", "1"), "OK")
