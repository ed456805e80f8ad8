#!/usr/bin/env python3
"""Many browsers on the page and a scrape every second: what they cost those whom
the proxy is there for."""

import asyncio
import multiprocessing
import re
import threading
import time

import lib
from lib import equal, mark, wait_for

BROWSERS = 500
REFRESH = 2.0       # as the page does
FAILOVERS = 60


async def browse(address, path, every, end, counts):
    """One browser: ask, read the answer, wait, ask again."""
    await asyncio.sleep(every * (counts["started"] % 97) / 97)
    counts["started"] += 1
    while time.monotonic() < end:
        start = time.monotonic()
        try:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path)
            answer = await reader.read(-1)
            writer.close()
            counts["ok" if b"\r\n\r\n" in answer[:2000] and b" 200 " in answer[:20]
                   else "bad"] += 1
        except OSError:
            counts["bad"] += 1
        await asyncio.sleep(max(0, every - (time.monotonic() - start)))


def crowd(address, seconds, out):
    """All browsers, and one Prometheus, in a process of their own."""
    async def all_of_them():
        counts = {"ok": 0, "bad": 0, "started": 0}
        end = time.monotonic() + seconds
        await asyncio.gather(
            browse(address, b"/metrics", 1.0, end, counts),
            *(browse(address, b"/stats", REFRESH, end, counts) for _ in range(BROWSERS)))
        out.put(counts)
    asyncio.run(all_of_them())


def latencies(address, seconds, out):
    """A client with a request each ms or so: p50 and p99, in ms."""
    client, took = lib.Client(address), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        client("GET", "x")
        took.append((time.perf_counter() - start) * 1000)
        pause(0.001)
    took.sort()
    out.put((took[len(took) // 2], took[len(took) * 99 // 100], len(took)))


def pause(seconds):
    """Let that much time pass between two requests."""
    threading.Event().wait(seconds)


def run(function, *args):
    """Start a function in a process of its own; its queue and itself."""
    out = multiprocessing.Queue()
    p = multiprocessing.Process(target=function, args=args + (out,), daemon=True)
    p.start()
    return out, p


def move(g, p, new):
    """Another writer by hand, while the old one has sessions."""
    clients = [p.client("write") for _ in range(20)]
    for c in clients:
        c("PING")
    new.replicate(None)
    for s in g.servers:
        if s is not new:
            s.replicate(new)
    p.wait_writer(new)
    for c in clients:
        wait_for(c.is_closed, "the end of the old writer's sessions")
        c.close()


@mark(full=True, alone=True, limit=400)
def test_many_browsers(t):
    """500 browsers and a scrape every second: p99 of relayed requests, how long
    sessions of a fenced writer live, memory. Rounds without and with them take
    turns."""
    g = t.group(2)
    p = t.proxy(g, stats={"maxconn": 600}, glob={"workers": 2},
                backend={"check-interval": "200ms"})
    p.wait_readable(*g.replicas)
    rounds = {False: [], True: []}
    for i in range(6):
        crowded = i % 2 == 1
        if crowded:
            counts, _ = run(crowd, p.address("stats"), 7)
            pause(1.5)
        result, _ = run(latencies, p.address("write"), 5)
        rounds[crowded].append(result.get(timeout=60))
        if crowded:
            seen = counts.get(timeout=60)
            equal(seen["bad"], 0, "answers that were none")
            assert seen["ok"] > BROWSERS * 2, seen
    for crowded, figures in rounds.items():
        print("%s: p50 %s, p99 %s ms" % (
            "500 browsers" if crowded else "nobody      ",
            ", ".join("%.2f" % f[0] for f in figures), ", ".join("%.2f" % f[1] for f in figures)))
    rss = p.child.rss()
    counts, process = run(crowd, p.address("stats"), 40)
    start = len(p.log())
    for i in range(FAILOVERS):
        move(g, p, g[(i + 1) % 3])
    took = sorted(float(x) for x in re.findall(
        r"sessions were closed after ([0-9.]+) ms", p.log()[start:]))
    seen = counts.get(timeout=90)
    process.join()
    print("%d fences with 500 browsers: evidence to last close p50 %.1f, p99 %.1f, "
          "most %.1f ms; %d answers; %.1f MiB, then %.1f MiB" % (
              len(took), took[len(took) // 2], took[len(took) * 99 // 100], took[-1],
              seen["ok"], rss / (1 << 20), p.child.rss() / (1 << 20)))
    assert len(took) >= FAILOVERS / 2, len(took)
    assert took[len(took) * 99 // 100] <= 10 * lib.SLOW, took[-3:]
    worst, plain = min(f[1] for f in rounds[True]), max(f[1] for f in rounds[False])
    assert worst <= plain * 1.5 + 0.2, rounds
    assert p.child.rss() < rss + (16 << 20), "memory"
