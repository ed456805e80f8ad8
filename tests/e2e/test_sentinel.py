#!/usr/bin/env python3
"""Which Sentinels roleproxy asks: found or listed, with passwords and ACL users,
under names, and what they call the servers."""

import os
import re
import time

import lib
from lib import HOST, SLOW, equal, short, stays, wait_for
from servers import server_line

# What the documentation tells to grant, and nothing more.
REDIS_USER = ("roleproxy on >redis-secret resetkeys resetchannels "
              "&__sentinel__:hello -@all +ping +info +subscribe +client|setname")
SENTINEL_USER = (
    "roleproxy on >sentinel-secret -@all +ping +info +subscribe +psubscribe "
    "+sentinel|get-master-addr-by-name +sentinel|master +sentinel|replicas "
    "+sentinel|sentinels allchannels")


def proxy(t, servers, name="roleproxy", **backend):
    """A roleproxy with a control socket and these keys of its backend."""
    socket = os.path.join(t.folder, name + ".sock")
    return t.proxy(servers, name=name, glob={"control-socket": socket},
                   backend={k.replace("_", "-"): v for k, v in backend.items()})


def addresses(p):
    """Where the Sentinels are that it knows."""
    return sorted(s["address"] for s in p.sentinels())


def links(s, i):
    """roleproxy's connections to one Sentinel."""
    return [l for l in s.command(i, "CLIENT", "LIST").splitlines()
            if "name=roleproxy-link" in l]


def one(p, address):
    """One Sentinel in /stats.json."""
    return next(s for s in p.sentinels() if s["address"] == address)


def writes(p, value="1"):
    """Write one key through the proxy."""
    with p.client() as c:
        equal(c("SET", "written", value), "OK")


# --- found and listed -------------------------------------------------------

def test_found(t):
    """Without a line about them all Sentinels are found, and JSON, page and
    `ctl status` say what each names and how lately it heard the primary."""
    g = t.group(2)
    s = t.sentinels(g)
    p = proxy(t, g)
    p.wait_sentinels()
    equal(addresses(p), sorted(s.line(i) for i in range(3)))
    for x in p.sentinels():
        equal((x["names"], x["epoch"], x["configured"], x["tilt"]),
              ("redis-1", 0, False, False), x["address"])
        assert 0 <= x["heard_ms"] < 3000 * SLOW, x
        assert x["text"].startswith("names redis-1, heard it "), x
    b = p.backend()
    equal((b["master_name"], b["sentinels_known"], b["epoch"], b["witness"]),
          ("mymaster", 3, 0, "witnessed"))
    wait_for(lambda: p.backend()["sentinels_hear"] == 3, "three that hear it")
    equal(p.backend()["sentinels_text"], "3 of 3 Sentinels agree "
          "(mymaster, epoch 0), 3 hear the writer.")
    code, out, err = p.ctl("status")
    equal((code, err), (0, ""))
    for text in (out, p.page()):
        assert "3 of 3 Sentinels agree (mymaster, epoch 0)" in text, text
        for i in range(3):
            assert s.line(i) in text, text
    first = p.decisions()[-1]
    equal((first["from"], first["to"], first["action"]), (None, "redis-1", "switch"))
    assert first["rule"] in ("W1", "W5"), first


def test_listed(t):
    """Only the Sentinels that are listed are asked, by address or by name, with
    the master's name given or found."""
    g = t.group(1)
    s = t.sentinels(g, publish=300)
    p = proxy(t, g, sentinel=[s.line(0), s.line(1)], master_name="mymaster")
    q = proxy(t, g, "by-name", sentinel=[s.line(1, "localhost")])
    wait_for(lambda: all(x["answers"] for x in p.sentinels()), "the answers")
    wait_for(lambda: all(x["answers"] for x in q.sentinels()), "answer by name")
    equal([len(links(s, i)) for i in range(3)], [2, 4, 0])
    stays(lambda: addresses(p) == sorted([s.line(0), s.line(1)]) and
          addresses(q) == [s.line(1, "localhost")] and not links(s, 2),
          "only what is listed", 1.5)
    equal(p.backend()["master_name"], "mymaster")
    equal(q.backend()["master_name"], "mymaster")
    for r in (p, q):
        equal({(x["configured"], x["names"]) for x in r.sentinels()},
              {(True, "redis-1")})
    equal(p.backend()["sentinels_known"], 3)    # they say that there are three
    new = s.fail_over()
    p.wait_writer(new)
    q.wait_writer(new)


def test_listed_and_unreachable(t):
    """A listed Sentinel that refuses, is mute or has a name that nobody knows is
    shown with the reason and does not hold up the start for more than 2 s."""
    g = t.group(1)
    s = t.sentinels(g)
    mute = lib.socket.socket()
    mute.setsockopt(lib.socket.SOL_SOCKET, lib.socket.SO_REUSEADDR, 1)
    mute.bind((HOST, t.ports.take()))
    mute.listen(8)
    silent = "%s:%d" % mute.getsockname()
    refused = "%s:%d" % (HOST, t.ports.take())
    unknown = "no-such-host.invalid:26379"
    start = time.monotonic()
    p = proxy(t, g, sentinel=[refused, silent, unknown], master_name="mymaster")
    p.wait_writer(g.primary)
    writes(p)
    took = time.monotonic() - start
    assert took < 2 + 1.5 * SLOW, "%.2f s" % took
    wait_for(lambda: "refused" in one(p, refused)["text"], "refusal")
    wait_for(lambda: "no answer" in one(p, silent)["text"], "silence")
    equal([x["answers"] for x in p.sentinels()], [False] * 3)
    p.wait_log(r"WARN .*sentinel %s: .*refused" % refused)
    p.wait_log(r"WARN .*sentinel no-such-host.invalid:26379: ")
    wait_for(lambda: one(p, unknown)["text"] not in ("", "not asked yet"),
             "why the unknown name does not answer")
    p.conf["backend redis"]["sentinel"].append(s.line(0))
    p.reload()
    wait_for(lambda: one(p, s.line(0))["answers"], "the one that is there")
    writes(p)


# --- passwords and ACL users ------------------------------------------------

def logs_without(t, p, *secrets):
    """No secret is in the log, the JSON, the page or the status."""
    for text in (p.log(), str(p.stats()), p.page(), p.ctl("status")[1]):
        for secret in secrets:
            assert secret not in text, secret


@short
def test_password(t):
    """Sentinels with requirepass: asked with sentinel-password; with a wrong one
    or none the log says so once for each, the JSON all the time, and writes go
    on. No log has a password."""
    g = t.group(1)
    s = t.sentinels(g, password="sentinel-secret", publish=300)
    p = proxy(t, g, sentinel_password="sentinel-secret")
    wrong = proxy(t, g, "wrong", sentinel_password="wrong-secret")
    none = proxy(t, g, "none")
    p.wait_sentinels()
    for q, text in ((wrong, "wrong password"), (none, "password needed")):
        wait_for(lambda: [x["text"] for x in q.sentinels()] == [text] * 3, text)
        equal([x["answers"] for x in q.sentinels()], [False] * 3)
        stays(lambda: q.log().count(text) == 3, text, 1)
        q.wait_writer(g.primary)
        writes(q)
        logs_without(t, q, "wrong-secret", "sentinel-secret")
    logs_without(t, p, "sentinel-secret")
    for r in (p, wrong, none):
        equal(r.writer(), "redis-1")
    new = s.fail_over()
    for r in (p, wrong, none):
        r.wait_writer(new, 20)
        writes(r)


def test_acl_user(t):
    """A Sentinel user with the documented ACL and nothing more suffices, also
    through a failover under load; roleproxy is that user and complains of
    nothing."""
    g = t.group(2)
    s = t.sentinels(g, password="other-secret", user=SENTINEL_USER)
    p = proxy(t, g, hold="30s", sentinel_username="roleproxy",
              sentinel_password="sentinel-secret")
    p.wait_sentinels()
    for i in range(3):
        equal([" user=roleproxy " in l for l in s.command(
            i, "CLIENT", "LIST").splitlines() if " sub=0 psub=1 " in l], [True])
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    g.wait_in_step()
    new = s.fail_over()
    p.wait_writer(new)
    w.wait_more(200)
    w.check_kept(new)
    assert "ACL" not in p.log(), p.log()
    logs_without(t, p, "sentinel-secret")


def test_acl_incomplete(t):
    """A Sentinel user that lacks one of the rights: the log names it, once for
    each Sentinel, and the writer stays."""
    g = t.group(1)
    s = t.sentinels(g)
    for i, right in enumerate((
            "+ping", "+psubscribe", "+sentinel|get-master-addr-by-name", "+sentinel|master",
            "+info", "+sentinel|replicas", "+sentinel|sentinels", "allchannels")):
        rule = SENTINEL_USER.replace(" " + right, "")
        for j in range(3):
            s.command(j, "ACL", "SETUSER", *(
                ("roleproxy reset" + rule[9:]).split(" ")))
        p = proxy(t, g, "proxy-%d" % i, sentinel=[s.line(j) for j in range(3)],
                  master_name="mymaster", sentinel_username="roleproxy",
                  sentinel_password="sentinel-secret")
        p.wait_log(r"WARN .*sentinel .*ACL .*" + re.escape(right))
        wait_for(lambda: p.log().count("ACL ") == 3, "three that say so")
        stays(lambda: p.log().count("ACL ") == 3, "said once for each", 0.5)
        equal(p.writer(), "redis-1")
        equal(p.stop(), 0)


def test_redis_acl_user(t):
    """A Redis user with the documented ACL suffices to learn the roles and, from
    the hello messages, the Sentinels."""
    g = t.group(1, config={"user": REDIS_USER})
    s = t.sentinels(g, publish=300)
    p = proxy(t, g, username="roleproxy", password="redis-secret")
    p.wait_sentinels()
    for r in g.servers:
        users = {c["user"] for c in r.clients() if c["name"].startswith("roleproxy")}
        equal(users, {"roleproxy"})
    p.wait_readable(g[1])
    assert "ACL" not in p.log(), p.log()
    new = s.fail_over()
    p.wait_writer(new)
    writes(p)


def test_redis_acl_without_channel(t):
    """A Redis user that may not listen to the Sentinels: which right is missing
    is said once for each server, and only listed Sentinels are known."""
    rule = REDIS_USER.replace(" &__sentinel__:hello", "")
    g = t.group(2, config={"user": rule})
    s = t.sentinels(g, publish=300)
    keys = {"username": "roleproxy", "password": "redis-secret"}
    p = proxy(t, g, **keys)
    q = proxy(t, g, "listed", sentinel=[s.line(i) for i in range(3)], **keys)
    for r in g.servers:
        p.wait_log(r"WARN .*server %s:%d: .*ACL SETUSER roleproxy resetchannels "
                   r"&__sentinel__:hello" % r.address)
    q.conf["backend redis"]["master-name"] = "mymaster"
    q.reload()
    q.wait_sentinels()
    p.wait_writer(g.primary)
    writes(p)
    stays(lambda: p.sentinels() == [] and p.log().count("ACL SETUSER") == 3,
          "nothing learned, said once", 1.5)
    new = s.fail_over()
    q.wait_writer(new)
    p.wait_writer(new, 30)


# --- names ------------------------------------------------------------------

def add_backend(p, name, g, **keys):
    """One more backend with a frontend of its own, in the configuration."""
    p.conf["backend " + name] = {"server": [server_line(x) for x in g.servers],
                                 **keys}
    p.add_frontend("write-" + name, backend=name, route="primary")


def test_two_masters(t):
    """The same Sentinels watch two groups: each backend goes by its own name,
    and a failover of one does not touch the sessions of the other."""
    g, h = t.group(1), t.group(1, names="other-%d")
    s = t.sentinels(masters={"first": g, "second": h}, publish=300)
    p = proxy(t, g, hold="30s")
    add_backend(p, "other", h, hold="30s")
    p.reload()
    p.wait_sentinels()
    p.wait_sentinels(backend="other")
    equal([p.backend(b)["master_name"] for b in ("redis", "other")],
          ["first", "second"])
    steady = p.client("write-other")
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    equal(steady("SET", "a", "1"), "OK")
    g.wait_in_step()
    new = s.fail_over()
    p.wait_writer(new)
    w.wait_more(200)
    w.check_kept(new)
    equal(steady("GET", "a"), "1")
    equal(steady.served_by(), h.primary.port)
    equal([d["to"] for d in p.decisions("other")], ["other-1"])
    wait_for(lambda: [p.backend(b)["epoch"] for b in ("redis", "other")] == [1, 0],
             "epochs")
    assert "call it" in p.log() and "master-name says another" not in p.log()
    other = s.fail_over(name="second")
    wait_for(lambda: p.backend("other")["writer"] == other.name, "its writer")
    wait_for(steady.is_closed, "the session on its old primary closed")
    equal(p.writer(), new.name)


def test_two_names(t):
    """One group under two names: the first that is heard counts, with a warning;
    master-name picks the other."""
    g = t.group(1)
    s = t.sentinels(masters={"one": g, "two": g}, publish=300)
    p = proxy(t, g)
    p.wait_sentinels()
    name = p.backend()["master_name"]
    assert name in ("one", "two"), name
    other = "two" if name == "one" else "one"
    p.wait_log("WARN .*Sentinels call it %s and %s; %s counts" % (name, other, name))
    p.conf["backend redis"]["master-name"] = other
    p.reload()
    wait_for(lambda: p.backend()["master_name"] == other, "the other name")
    p.wait_sentinels()
    stays(lambda: p.backend()["master_name"] == other, "it stays", 1)
    equal(p.log().count("; %s counts" % name), 1)
    writes(p)


def test_unknown_name(t):
    """A master-name that no Sentinel knows: JSON, page and log say so, and the
    servers themselves decide."""
    g = t.group(1)
    s = t.sentinels(g)
    p = proxy(t, g, master_name="typo", sentinel=[s.line(i) for i in range(3)])
    text = "it does not know the master name typo"
    wait_for(lambda: [x["text"] for x in p.sentinels()] == [text] * 3, text)
    equal([x["answers"] for x in p.sentinels()], [False] * 3)
    assert text in p.page()
    assert text in p.ctl("status")[1]
    p.wait_log(text)
    p.wait_writer(g.primary)
    writes(p)


# --- addresses --------------------------------------------------------------

TWO = {"bind": "127.0.0.1 127.0.0.2"}


def elsewhere(g, host="127.0.0.2", servers=None):
    """`server` lines for a group at another address."""
    return ["%s %s:%d" % (s.name, host, s.port) for s in servers or g.servers]


def test_other_addresses(t):
    """The servers are listed at other addresses than those that the Sentinels
    announce: they are told by their run ids, and nothing is lost in a planned
    failover."""
    g = t.group(2, config=TWO)
    s = t.sentinels(g)
    p = proxy(t, elsewhere(g), hold="30s")
    p.wait_sentinels()
    equal({x["names"] for x in p.sentinels()}, {"redis-1"})
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    g.wait_in_step()
    new = s.fail_over()
    p.wait_writer(new)
    w.wait_more(200)
    w.check_kept(new)
    wait_for(lambda: {x["names"] for x in p.sentinels()} == {new.name}, "verdicts")


def test_host_names(t):
    """Sentinels that announce host names: mapped, to servers that are listed by
    address, and nothing is lost in a planned failover."""
    g = t.group(2, config={"replica-announce-ip": "localhost"})
    s = t.sentinels(g, monitor="localhost", config=[
        "sentinel resolve-hostnames yes", "sentinel announce-hostnames yes"])
    equal(s.ask(0, "GET-MASTER-ADDR-BY-NAME", "mymaster")[0], "localhost")
    p = proxy(t, elsewhere(g, "127.0.0.1"), hold="30s", master_name="mymaster")
    p.wait_sentinels()
    equal({x["names"] for x in p.sentinels()}, {"redis-1"})
    w = t.writers(p.address("write"), timeout=40)
    w.wait_more()
    g.wait_in_step()
    new = s.fail_over()
    p.wait_writer(new)
    w.wait_more(200)
    w.check_kept(new)
    equal(s.ask(0, "GET-MASTER-ADDR-BY-NAME", "mymaster")[0], "localhost")


def test_strange_verdict(t):
    """Only a part of the group is listed and the Sentinels name a server that is
    not: nobody else takes the writes, and page, JSON and status say why."""
    g = t.group(1)
    s = t.sentinels(g, publish=300)
    p = proxy(t, elsewhere(g, HOST, [g[0]]), hold="300ms")
    p.wait_sentinels()
    writes(p)
    new = s.fail_over()
    equal(new, g[1])
    p.wait_writer(None)
    text = "The Sentinels name a primary that is not configured here"
    wait_for(lambda: text in p.backend()["sentinels_text"], text)
    assert text in p.page()
    assert text in p.ctl("status")[1]
    wait_for(lambda: "names %s:%d, which is not configured here" % new.address in
             {x["text"] for x in p.sentinels()}, "which one")
    assert "not configured here" in p.backend()["summary"] or \
        p.backend()["cause"] != "", p.backend()
    try:
        p.client()("SET", "a", "1")
        raise AssertionError("written")
    except lib.RedisError as e:
        assert str(e).startswith("LOADING roleproxy: no primary"), e
