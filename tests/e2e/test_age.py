#!/usr/bin/env python3
"""max-session-age: sessions end at a quiet moment, so that they spread again."""

import collections
import random
import re
import threading
import time

import lib
from lib import HOST, SLOW, equal, short, stays, wait_for


class Pooled:
    """A client of a pool: it keeps its connection, uses it now and then, and
    connects again when it finds it closed."""

    def __init__(self, p, frontend):
        self.p, self.frontend = p, frontend
        self.client = p.client(frontend)

    def use(self):
        """One request; the port of who served it."""
        if self.client.is_closed():
            self.client.close()
            self.client = self.p.client(self.frontend)
        return self.client.served_by()


def aged(p, frontend):
    """When sessions of a frontend were closed for their age: the ages in ms."""
    return [int(ms) for ms in re.findall(
        r"session \S+ %s \S+: max age; (\d+) ms" % frontend, p.log())]


def test_replica_comes_back(t):
    """Sessions that went to one replica spread again within the age when the
    other is back, not all at once, and only where the frontend says so."""
    g = t.group(2)
    p = t.proxy(g, frontends={
        "read": {"route": "replica", "max-session-age": "2s"},
        "stay": {"route": "replica"}})
    p.wait_readable(*g[1:])
    g[2].kill()
    p.wait_down(g[2])
    pool = [Pooled(p, "read") for _ in range(16)]
    stay = [Pooled(p, "stay") for _ in range(4)]
    equal({c.use() for c in pool + stay}, {g[1].port}, "the one that is left")
    g[2].start()
    g[2].replicate(g[0])
    p.wait_readable(g[2])

    def spread():
        count = collections.Counter(c.use() for c in pool)
        time.sleep(0.3)     # paced: silent in between
        return count[g[2].port] >= 4 and count[g[1].port] >= 4
    wait_for(spread, "two replicas with sessions", 10)
    ages = aged(p, "read")
    assert 1700 <= min(ages), ages
    equal({c.use() for c in stay}, {g[1].port}, "without an age")
    equal(aged(p, "stay"), [])
    assert p.frontend("read")["counters"]["aged"] >= 4, p.frontend("read")
    assert p.server(g[1])["counters"]["aged"] >= 4, p.server(g[1])
    equal(p.frontend("stay")["counters"]["aged"], 0)


@short
def test_ages_differ(t):
    """Clients that came together are closed within a tenth of the age, before
    and after it, and not together."""
    p = t.proxy([t.redis()], frontends={"write": {"max-session-age": "3s"}})
    clients = [p.client() for _ in range(60)]
    for c in clients:
        equal(c("PING"), "PONG")
    wait_for(lambda: all(c.is_closed() for c in clients), "closes")
    ages = aged(p, "write")
    equal(len(ages), 60)
    assert 2650 <= min(ages) <= 2950, ages
    assert 3050 <= max(ages) <= 3500 * SLOW, ages
    most = max(collections.Counter(a // 100 for a in ages).values())
    assert most <= 30, "%d of 60 within 100 ms: %r" % (most, ages)


def test_work_is_not_cut(t):
    """A client that sends all the time is not closed, and loses no reply; nor is
    one whose request waits. Once it is answered and silent it is."""
    p = t.proxy([t.redis()], frontends={"write": {"max-session-age": "1s"}})
    waiting = p.client(timeout=20)
    waiting.send("BLPOP", "list", 3)
    with p.client() as busy:
        end = time.monotonic() + 2.5
        n = 0
        while time.monotonic() < end:
            busy.raw(lib.encode("INCR", "n") * 100)
            for _ in range(100):
                n += 1
                equal(busy.read(), n)
        equal(aged(p, "write"), [])
    equal(waiting.line(), b"*-1", "BLPOP's answer")
    wait_for(waiting.is_closed, "close of the one that is answered")
    equal(len(aged(p, "write")), 1)


def test_reload_counts_for_those_there(t):
    """A reload that sets an age closes sessions that are older."""
    p = t.proxy([t.redis()], frontends={"write": {}})
    c = p.client()
    equal(c("PING"), "PONG")
    stays(lambda: not c.is_closed(), "closed without an age", 0.6)
    p.conf["frontend write"]["max-session-age"] = "500ms"
    p.reload()
    wait_for(c.is_closed, "close")
    p.wait_log("max age")


def test_pool_of_redis_py(t):
    """A pool of redis-py goes on: no error, no write lost."""
    try:
        import redis
    except ImportError:
        raise lib.Skip("no python3-redis") from None
    r = t.redis()
    p = t.proxy([r], frontends={"write": {"max-session-age": "600ms"}})
    pool = redis.Redis(HOST, p.ports["write"], max_connections=8)
    errors, done = [], []
    end = time.monotonic() + 4

    def use(seed):
        rng = random.Random(seed)
        while time.monotonic() < end:
            try:
                pool.incr("n")
                done.append(1)
            except redis.RedisError as e:
                errors.append(repr(e))
            time.sleep(rng.choice((0.001, 0.01, 0.1, 0.5)))     # paced: now and then
    threads = [threading.Thread(target=use, args=(i,)) for i in range(8)]
    for x in threads:
        x.start()
    for x in threads:
        x.join()
    equal(errors, [])
    equal(int(r("GET", "n")), len(done), "each counted once")
    assert len(aged(p, "write")) >= 3, p.log()
