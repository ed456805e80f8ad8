#!/usr/bin/env python3
"""SIGHUP: what changes, what stays, what a bad file does."""

import signal
import time

import lib
from lib import HOST, RedisError, Steady, alone, equal, full, mark, short, \
    stays, wait_for
from servers import ini, server_line


@short
def test_changed_route(t):
    """A route changes: open sessions stay, new ones follow it."""
    g = t.group(1)
    p = t.proxy(g)
    c = p.client("read")
    equal(g.serving(c), "redis-2")
    p.conf["frontend read"]["route"] = "primary"
    p.reload()
    equal(g.serving(p.client("read")), "redis-1")
    equal(g.serving(c), "redis-2", "the old session")
    equal(p.frontend("read")["route"], "primary")


@short
def test_added(t):
    """A frontend and a server are added; nobody notices but those who look."""
    g = t.group(2)
    p = t.proxy([g[0], g[1]])
    c = p.client()
    c("SET", "a", "1")
    p.conf["backend redis"]["server"].append(server_line(g[2]))
    p.add_frontend("more", route="replica", balance="roundrobin")
    p.reload()
    p.wait_up(g[2])
    equal({g.serving(p.client("more")) for _ in range(6)}, {"redis-2", "redis-3"})
    equal(c("GET", "a"), "1")
    equal(p.writer(), "redis-1")


@short
def test_removed_server(t):
    """A server is removed: its session lives and it is checked until that ends;
    nothing new goes there."""
    g = t.group(2)
    p = t.proxy(g, frontends={"write": {}, "read": {
        "route": "replica", "balance": "roundrobin"}})
    p.wait_up(*g.servers)
    clients = [p.client("read") for _ in range(4)]
    mine = [c for c in clients if g.serving(c) == "redis-3"]
    assert mine
    p.conf["backend redis"]["server"].pop()
    p.reload()
    for _ in range(6):
        equal(g.serving(p.client("read")), "redis-2")
    equal(len(g[2].checks()), 1, "check connections while a session lives")
    for c in mine:
        equal(c("PING"), "PONG")
        c.close()
    wait_for(lambda: not g[2].checks(), "end of its checks", 20)
    equal([s["name"] for s in p.backend()["servers"]], ["redis-1", "redis-2"])


def test_removed_server_is_fenced(t):
    """A removed server that loses its role still loses its sessions."""
    g = t.group(2)
    p = t.proxy(g, frontends={"write": {}, "read": {
        "route": "replica", "balance": "roundrobin"}})
    clients = [p.client("read") for _ in range(4)]
    mine = [c for c in clients if g.serving(c) == "redis-3"]
    p.conf["backend redis"]["server"].pop()
    p.reload()
    g[2].replicate(None)
    for c in mine:
        wait_for(c.is_closed, "session on the detached, removed server closed")


def test_removed_writer(t):
    """The writer is removed from the file: its sessions are not left writing
    beside a new writer."""
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "20s"})
    c = p.client()
    c("SET", "a", "1")
    del p.conf["backend redis"]["server"][0]
    p.reload()
    g[1].replicate(None)
    wait_for(lambda: p.client(timeout=3)("SET", "b", "2") == "OK", "new writer", 20)
    equal(g[1]("GET", "b"), "2")
    wait_for(c.is_closed, "session of the removed writer closed")


def test_removed_frontend(t):
    """A frontend is removed: it does not listen any more; its sessions live."""
    r = t.redis()
    p = t.proxy([r], frontends={"write": {}, "more": {}})
    c = p.client("more")
    c("SET", "a", "1")
    keys = p.conf.pop("frontend more")
    p.reload()
    try:
        p.client("more")
        raise AssertionError("still listens")
    except ConnectionRefusedError:
        pass
    equal(c("GET", "a"), "1")
    p.conf["frontend more"] = keys
    p.reload()
    equal(p.client("more")("PING"), "PONG")
    equal(c("GET", "a"), "1")


def test_moved_frontend(t):
    """A frontend gets another port: the new one opens, the old one closes, the
    sessions stay."""
    r = t.redis()
    p = t.proxy([r])
    c, old = p.client(), p.address("write")
    c("SET", "a", "1")
    p.ports["write"] = t.ports.take()
    p.conf["frontend write"]["bind"] = "%s:%d" % p.address("write")
    p.reload()
    equal(p.client()("PING"), "PONG")
    equal(c("GET", "a"), "1")
    try:
        lib.Client(old)("PING")
        raise AssertionError("old port open")
    except OSError:
        pass


@short
def test_bind_that_cannot_open(t):
    """One listener cannot open: the whole reload fails, the log says which, and
    the rest of the new file is not in force either."""
    g = t.group(1)
    p = t.proxy(g)
    c = p.client()
    c("SET", "a", "1")
    before = p.child.descriptors()
    p.conf["frontend read"]["route"] = "primary"
    p.add_frontend("fine")
    p.add_frontend("taken", bind="%s:%d" % g[0].address)
    start = len(p.log())
    p.write()
    assert not p.hup(), "the reload was taken"
    p.wait_log(r"%s:%d.*in use" % g[0].address, start)
    equal(g.serving(p.client("read")), "redis-2", "old route")
    equal(p.frontend("read")["route"], "replica-preferred")
    try:
        p.client("fine")
        raise AssertionError("the other new listener is open")
    except ConnectionRefusedError:
        pass
    equal(c("GET", "a"), "1")
    wait_for(lambda: p.child.descriptors() <= before + 1, "descriptors given back")
    del p.conf["frontend taken"]
    p.reload()
    equal(p.client("fine")("PING"), "PONG")


@short
def test_broken_file(t):
    """A broken file: each error is logged with file and line, all goes on."""
    g = t.group(1)
    p = t.proxy(g)
    c = p.client()
    c("SET", "a", "1")
    good = ini(p.conf)
    n = len(good.splitlines())
    for text, lines in ((good + "\n[frontend x]\nbind = nowhere\nbakend = redis\n",
                         (n + 3, n + 4)),
                        ("utter nonsense\n", (1,)), ("", ())):
        start = len(p.log())
        p.write(text)
        assert not p.hup(), "taken: %r" % text[-40:]
        for line in lines:
            p.wait_log(r"roleproxy\.ini:%d: " % line, start)
        equal(c("GET", "a"), "1")
        equal(p.client()("GET", "a"), "1")
    p.reload()


def test_missing_file(t):
    """The file is gone: the same."""
    r = t.redis()
    p = t.proxy([r])
    lib.os.unlink(p.path)
    assert not p.hup()
    p.wait_log("No such file")
    equal(p.client()("PING"), "PONG")


def test_fixed_key(t):
    """workers takes effect only at start: a warning, and the rest is applied."""
    g = t.group(1)
    p = t.proxy(g)
    start = len(p.log())
    p.conf["global"]["workers"] = 1
    p.conf["frontend read"]["route"] = "primary"
    p.reload()
    p.wait_log(r"roleproxy\.ini.*workers", start)
    equal(g.serving(p.client("read")), "redis-1")


def test_nothing_changed(t):
    """HUP with the same file: no session, no verdict, no check changes."""
    g = t.group(1)
    p = t.proxy(g)
    c = p.client()
    c("SET", "a", "1")
    ids = [[x["id"] for x in s.checks()] for s in g.servers]
    decisions = len(p.stats()["decisions"])
    for _ in range(5):
        p.reload()
    equal(c("GET", "a"), "1")
    equal([[x["id"] for x in s.checks()] for s in g.servers], ids, "check connections")
    equal(len(p.stats()["decisions"]), decisions, "decisions")


def test_changed_address(t):
    """A server gets another address: new sessions go there, those of the old
    one do not stay."""
    g = t.group(2)
    p = t.proxy([g[0], "r %s:%d" % g[1].address],
                frontends={"write": {}, "read": {"route": "replica"}})
    p.wait_up("r")
    c = p.client("read")
    equal(g.serving(c), "redis-2")
    p.conf["backend redis"]["server"][1] = "r %s:%d" % g[2].address
    p.reload()
    wait_for(lambda: g.serving(p.client("read")) == "redis-3", "new address")


def test_weight_and_disabled(t):
    """Options of a server change."""
    g = t.group(2)
    p = t.proxy(g, frontends={"read": {"route": "replica", "balance": "roundrobin"}})
    p.wait_up(*g.servers)
    p.conf["backend redis"]["server"][2] += " disabled"
    p.reload()
    equal({g.serving(p.client("read")) for _ in range(6)}, {"redis-2"})
    p.conf["backend redis"]["server"][2] = server_line(g[2])
    p.reload()
    wait_for(lambda: g.serving(p.client("read")) == "redis-3", "its way back")


def test_disabled_writer(t):
    """The writer is disabled: it is fenced, its sessions end; enabled again it
    is the writer."""
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "300ms"})
    c = p.client()
    c("SET", "a", "1")
    line = p.conf["backend redis"]["server"][0]
    p.conf["backend redis"]["server"][0] = line + " disabled"
    p.reload()
    wait_for(c.is_closed, "its session closed")
    try:
        p.client()("SET", "a", "2")
        raise AssertionError("written")
    except RedisError as e:
        assert str(e).startswith("LOADING roleproxy: no primary"), e
    p.conf["backend redis"]["server"][0] = line
    p.reload()
    p.wait_writer("redis-1")
    equal(p.client()("SET", "a", "3"), "OK")


def test_many_hups_at_once(t):
    """A burst of signals is survived and ends with the newest file."""
    g = t.group(1)
    p = t.proxy(g)
    c = p.client()
    c("PING")
    p.conf["frontend read"]["route"] = "primary"
    p.write()
    for _ in range(100):
        p.child.signal(signal.SIGHUP)
    wait_for(lambda: p.frontend("read")["route"] == "primary", "new route")
    equal(c("PING"), "PONG")


def test_held_over_a_reload(t):
    """A held client is served although the configuration was replaced."""
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "30s"})
    g[0].kill()
    p.wait_down(g[0])
    c = p.client(timeout=30)
    c.send("SET", "a", "1")
    wait_for(lambda: p.frontend("write")["held"] == 1, "held client")
    for _ in range(3):
        p.reload()
    g[1].replicate(None)
    equal(c.read(), "OK")


def test_log_target_changes(t):
    """The log moves with a reload."""
    from services import Datagrams
    log = Datagrams(t)
    p = t.proxy([t.redis()])
    p.conf["global"]["log"] = "syslog:%s:%d" % log.address
    p.write()
    p.child.signal(signal.SIGHUP)
    wait_for(lambda: any("is in use" in line for line in log.got), "line")


def variant(p, g, i):
    """The i-th configuration: frontends and servers come and go, options
    change."""
    lines = [server_line(s) for s in g.servers]
    lines[3] += " weight=%d" % (1 + i % 200)
    p.conf["backend redis"]["server"] = lines[:3] if i % 3 == 0 else lines
    p.conf["frontend read"]["balance"] = ("leastconn", "roundrobin", "random")[i % 3]
    p.conf.pop("frontend extra", None)
    if i % 2:
        p.add_frontend("extra", route="any")
    p.conf["backend redis"]["hold"] = "%ds" % (10 + i % 5)


def break_it(p, i):
    """Write a broken file; the number of its bad line."""
    text = ini(p.conf) + "\n[frontend broken]\nbind = 127.0.0.1:1x%d\n" % i
    p.write(text)
    return len(text.splitlines())


def hups(t, n):
    """n reloads under load, every tenth file broken; then a fence."""
    g = t.group()
    p = t.proxy(g, glob={"session-log": "off"})
    old = [p.client(timeout=30) for _ in range(10)]
    for c in old:
        c("SET", "x", "1")
    steady = [Steady(p, "write", 10), Steady(p, "read", 10)]
    w = t.writers(p.address("write"), 4, per_connection=20, pause=0.002)
    rss = 0
    for i in range(n):
        start = len(p.log())
        if i % 10 == 9:
            line = break_it(p, i)
            assert not p.hup(), "a broken file was taken"
            p.wait_log(r"roleproxy\.ini:%d: " % line, start)
        else:
            variant(p, g, i)
            p.reload()
        time.sleep(0.03)    # paced: some load on each configuration
        if i == n // 3:
            rss = p.child.rss()
    w.wait_more(20)
    w.stop()
    equal((dict(w.errors), dict(w.broken)), ({}, {}), "errors at short connections")
    for s in steady:
        equal(s.stop(), [], "errors at long connections")
        assert s.calls > 100
    if lib.PLAIN:
        grown = p.child.rss() - rss
        assert grown < 2 << 20, "resident memory grew by %d" % grown
    equal([c("GET", "x") for c in old], ["1"] * 10, "the oldest sessions")
    variant(p, g, 1)
    p.reload()
    g.fail_over(g[1])
    p.wait_writer(g[1])
    for c in old + steady[0].clients:
        wait_for(c.is_closed, "session from before the first HUP closed")
    equal(p.client()("SET", "y", "1"), "OK")


@short
@mark(limit=150)
def test_60_hups(t):
    """60 reloads under load, 6 of them broken."""
    hups(t, 60 if lib.PLAIN else 20)


@full
@alone
@mark(limit=400)
def test_200_hups(t):
    """200 reloads under load, 20 of them broken."""
    hups(t, 200)


def test_configurations_are_freed(t):
    """Many reloads with a session of each generation closed in between: memory
    and descriptors stay."""
    r = t.redis()
    p = t.proxy([r])

    def some(n):
        for _ in range(n):
            c = p.client()
            c("PING")
            p.reload()
            c.close()

    some(20)
    rss, fds = p.child.rss(), p.child.descriptors()
    some(60)
    if lib.PLAIN:
        grown = p.child.rss() - rss
        assert grown < 1 << 20, "resident memory grew by %d" % grown
    wait_for(lambda: p.child.descriptors() <= fds + 2, "descriptors given back")


def test_stats_listener_moves(t):
    """The page gets another port; a taken one fails the reload."""
    r = t.redis()
    p = t.proxy([r])
    old = p.conf["stats"]["bind"]
    p.conf["stats"]["bind"] = "%s:%d" % r.address
    p.write()
    assert not p.hup()
    p.conf["stats"]["bind"] = old
    p.reload()
    equal(p.get("/healthz"), 200)
    p.ports["stats"] = t.ports.take()
    p.conf["stats"]["bind"] = "%s:%d" % p.address("stats")
    p.reload()
    wait_for(lambda: p.get("/healthz") == 200, "page at the new port")
    stays(lambda: p.writer() == "redis", "the writer", 0.2)
    try:
        lib.connect((HOST, int(old.split(":")[1])), 1).close()
        raise AssertionError("old port of the page open")
    except OSError:
        pass


# --- clients between two configurations -------------------------------------

def test_waiting_client_of_a_removed_frontend(t):
    """A client that has sent nothing, its frontend removed, its server's place
    taken by another backend's: it is turned away, never sent there."""
    a, b, c = t.redis("a"), t.redis("b"), t.redis("c")
    p = t.proxy([a])
    p.conf["backend two"] = {"server": [server_line(b)]}
    p.add_frontend("two", backend="two")
    p.reload()
    client = p.client("two")
    wait_for(lambda: p.frontend("two")["sessions"] == 1, "accepted client")
    del p.conf["backend two"], p.conf["frontend two"]
    p.reload()
    p.conf["backend three"] = {"server": [server_line(c)]}
    p.add_frontend("three", backend="three")
    p.reload()
    wait_for(lambda: p.client("three")("PING") == "PONG", "the new backend")
    try:
        client("SET", "a", "1")
        raise AssertionError("was served")
    except (RedisError, ConnectionError, EOFError):
        pass
    equal([s("DBSIZE") for s in (a, b, c)], [0, 0, 0])


def test_hold_ends_while_a_server_refuses(t):
    """A server that nothing checks refuses each connect: hold ends all the
    same, and counts from the first."""
    gone = t.redis("gone")
    gone.kill()
    p = t.proxy([gone], backend={"check": "none", "hold": "1s"},
                frontends={"write": {"route": "any"}})
    start = time.monotonic()
    c = p.client()
    c.send("PING")
    wait_for(c.is_closed, "end of hold", 10)
    took = time.monotonic() - start
    assert 0.9 < took < 3 * lib.SLOW, "turned away after %.2f s" % took


def test_neighbour_of_bulk_transfers(t):
    """Two transfers that never pause on one worker: a small request beside them
    is answered at once, and so is the worker's wake-up."""
    r = t.redis()
    p = t.proxy([r], glob={"workers": 1})
    r("SET", "big", "x" * (8 << 20))
    bulk = t.writers(p.address("write"), 2, command=("GET", "big"))
    small = p.client()
    bulk.wait_more(4)
    worst = 0
    for _ in range(50):
        start = time.monotonic()
        equal(small("PING"), "PONG")
        worst = max(worst, time.monotonic() - start)
    bulk.stop()
    assert worst < 0.5 * lib.SLOW, "slowest answer %.3f s" % worst


def test_maxconn_when_a_branch_goes(t):
    """Clients who came in by a rule that is gone count against the frontend's
    maxconn; whether it serves is asked of the backend that the rule leads to."""
    r, gone = t.redis("r"), t.redis("gone")
    gone.kill()
    p = t.proxy([r], frontends={"in": {"maxconn": 2, "use_backend": "other"}}, start=False)
    p.conf["global"]["control-socket"] = t.folder + "/sock"
    other = p.conf["backend other"] = {"server": ["o %s:%d" % (gone.host, gone.port)]}
    p.write()
    p.start()
    wait_for(lambda: p.ctl("check")[0] == 2, "CRITICAL: no server of backend other")
    other["server"] = ["o %s:%d" % (r.host, r.port)]
    p.reload()
    wait_for(lambda: p.ctl("check")[0] == 0, "OK")
    two = [p.client("in") for _ in range(2)]
    for c in two:
        equal(c("PING"), "PONG")
    del p.conf["frontend in"]["use_backend"]
    p.reload()
    third = p.client("in")
    third.send("PING")
    p.wait_log("maxconn reached")
    stays(lambda: not third.has_data(), "the third is served", 0.3)
    two[0].close()
    equal(third.read(), "PONG")
