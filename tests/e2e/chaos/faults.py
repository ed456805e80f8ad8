#!/usr/bin/env python3
"""The faults: what each does to the world, and the bar that roleproxy must
keep. A fault marks its beginning, does its harm, and repairs what it broke; that
the group settles, and what was lost, is looked after by the runner.

Figures of a bar: lost (acknowledged writes), lost_s (the same as seconds of
writes), last_lost (seconds after the beginning), gap (the longest without an
acknowledged write), after (from a promotion to the next acknowledged write),
broken (connections that ended), stray (writes at a server that must not get
any), readonly and errors (error replies).
"""

import dataclasses

STEADY = {"lost": 0, "gap": 0.2, "broken": 0, "errors": 0}
PLANNED = {"lost": 0, "gap": 0.2, "errors": 0}
ALL = ("roleproxy", "haproxy", "haproxy-tuned")
OURS = ("roleproxy",)
SHORT = {"per_connection": 10}
STRICT = {"fence": "strict"}
FAST = {"fence-fast": "on"}


@dataclasses.dataclass
class Fault:
    """One row of the table: a name, a function, its bar, and its setting."""

    name: str
    do: object
    bar: dict
    candidates: tuple = ALL
    backend: dict = None        # keys for roleproxy's backend
    load: dict = None           # options of the clients
    proxies: int = 1
    down_after: int = 5000
    limit: int = 240            # seconds that one run may take
    fake_clock: bool = False    # run Sentinels and proxy on a clock that can jump
    cold: bool = False          # the fault starts the clients itself


# --- failovers --------------------------------------------------------------

def planned(w):
    """SENTINEL FAILOVER under load."""
    old = w.primary
    w.mark()
    w.failover()
    w.wait_named(old)


def planned_row(w):
    """Twenty of them, each as soon as the Sentinels agree on the one before."""
    w.mark()
    for i in range(20):
        old = w.primary
        w.failover(i % 3)
        w.wait_named(old)
        w.pace(0.5, "writes reach the new primary")


def crash(w):
    """kill -9; the server stays away."""
    old = w.primary
    w.mark()
    old.kill()
    w.wait_named(old)
    w.pace(2, "writes reach the new primary")


def crash_return(w):
    """kill -9; the server comes back, a primary in its own eyes."""
    crash(w)
    w.first.start()


def hang_short(w):
    """SIGSTOP for less than the Sentinels' patience."""
    p = w.primary
    w.mark()
    p.pause()
    w.pace(3, "the primary hangs")
    p.resume()


def hang_long(w):
    """SIGSTOP for so long that another is promoted; then it wakes."""
    p = w.primary
    w.mark()
    p.pause()
    w.pace(20, "the primary hangs")
    p.resume()


# --- partitions -------------------------------------------------------------

def cut(w, a, b, seconds):
    """Cut a from b for some time."""
    w.mark()
    w.links.cut(a, b)
    w.pace(seconds, "the network is split")
    w.links.heal()


def partition(w, seconds=20):
    """The primary is alone with the proxy's clients."""
    cut(w, [w.first], w.replicas() + w.guards.all, seconds)


def partition_quick(w):
    """The same, shorter."""
    partition(w, 12)


def isolation(w):
    """Primary and proxy on one side, all else on the other."""
    cut(w, [w.first, w.PROXY], w.replicas() + w.guards.all, 20)


def minority(w):
    """Primary, one replica and the proxy on one side, all else on the other."""
    near, *far = w.replicas()
    cut(w, [w.first, near, w.PROXY], far + w.guards.all, 20)


def primary_from_sentinels(w):
    """The Sentinels do not see the primary; its replicas do."""
    cut(w, [w.first], w.guards.all, 20)


def proxy_from_sentinels(w):
    """The proxy does not see the Sentinels; nothing else is wrong."""
    cut(w, [w.PROXY], w.guards.all, 15)


FAULTS = [
    Fault("planned", planned, PLANNED),
    Fault("crash", crash, {"gap": 5.5, "after": 0.1, "errors": 0}),
    Fault("crash-return", crash_return, {"lost": 0, "gap": 5.5, "errors": 0}),
    Fault("crash-return-short", crash_return, {"lost": 0, "gap": 5.5, "errors": 0},
          load=SHORT),
    Fault("partition", partition, {"last_lost": 2.0, "gap": 5.8}),
]
BY_NAME = {f.name: f for f in FAULTS}
QUICK = [
    BY_NAME["planned"],
    dataclasses.replace(BY_NAME["crash-return-short"], down_after=2000,
                        bar={"lost": 0, "gap": 2.5, "errors": 0}),
    dataclasses.replace(BY_NAME["partition"], do=partition_quick, down_after=2000,
                        bar={"last_lost": 2.0, "gap": 2.8}),
]
