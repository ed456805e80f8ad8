#!/usr/bin/env python3
"""The faults: what each does to the world, and the bar that roleproxy must
keep. A fault marks its beginning, does its harm, and repairs what it broke; that
the group settles, and what was lost, is looked after by the runner.

Figures of a bar: lost (acknowledged writes), later (those of them acknowledged
more than 0.1 s after the beginning), lost_s (the same as seconds of
writes), last_lost (seconds after the beginning), gap (the longest without an
acknowledged write), after (from a promotion to the next acknowledged write),
broken (connections that ended), stray (writes at a server that must not get
any), readonly and errors (error replies).
"""

import dataclasses

from guards import clock, forged, lying, stopped, tilt
from moves import aborted, crash, crash_return, detached, hang_long, hang_short, \
    leader_dies, leader_dies_crash, leader_dies_with_primary, planned, planned_row, \
    proxy_stopped, restart_all, sentinel_dies_with_primary, start_up, two_faults
from splits import isolation, loss, minority, partition, partition_quick, \
    primary_from_sentinels, proxy_blind_planned, proxy_from_sentinels

STEADY = {"lost": 0, "gap": 0.2, "broken": 0, "errors": 0}
PLANNED = {"lost": 0, "gap": 0.2, "errors": 0}
# What a primary acknowledged and no replica had dies with it, one write per client
# at most; later than that nothing may be lost.
KILLED = {"lost": 8, "later": 0}
RETURN = {**KILLED, "gap": 5.5, "errors": 0}
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


FAULTS = [
    # The primary moves.
    Fault("planned", planned, PLANNED),
    Fault("planned-strict", planned, {"lost": 0, "gap": 2.0, "errors": 0}, OURS, STRICT),
    Fault("planned-short", planned, PLANNED, load=SHORT),
    Fault("planned-two", planned, PLANNED, OURS, proxies=2),
    Fault("planned-20", planned_row, PLANNED, OURS, limit=400),
    Fault("crash", crash, {**KILLED, "gap": 5.5, "after": 0.1, "errors": 0}),
    Fault("crash-return", crash_return, RETURN),
    Fault("crash-return-short", crash_return, RETURN, load=SHORT),
    Fault("crash-return-two", crash_return, RETURN, OURS, load=SHORT, proxies=2),
    Fault("hang-3", hang_short, {"lost": 0, "broken": 0, "gap": 3.3, "errors": 0}),
    Fault("hang-20", hang_long, {**KILLED, "gap": 6.5, "after": 0.1, "errors": 0}),
    Fault("two-faults", two_faults, {"lost_s": 0.5, "gap": 5.8}),
    Fault("aborted", aborted, {"lost": 0, "gap": 5.5}),
    # The network.
    Fault("partition", partition, {"last_lost": 2.0, "gap": 6.0, "after": 0.1}),
    Fault("partition-fast", partition, {"last_lost": 0.8, "gap": 6.0, "after": 0.1}, OURS,
          FAST),
    Fault("partition-strict", partition, {"last_lost": 2.0, "gap": 7.5}, OURS, STRICT),
    Fault("partition-two", partition, {"last_lost": 2.0, "gap": 6.0, "after": 0.1}, OURS,
          proxies=2),
    Fault("isolation", isolation, {"last_lost": 5.0}),
    Fault("isolation-strict", isolation, {"last_lost": 3.0}, OURS, STRICT),
    Fault("minority", minority, {"last_lost": 22.5}),
    Fault("minority-strict", minority, {"last_lost": 3.0}, OURS, STRICT),
    Fault("primary-no-sentinel", primary_from_sentinels, {"lost": 0, "gap": 0.2}),
    Fault("proxy-no-sentinel", proxy_from_sentinels, STEADY),
    Fault("proxy-no-sentinel-planned", proxy_blind_planned, {"lost_s": 2.0}),
    Fault("loss-30", loss, {"lost_s": 2.0, "gap": 6.0}),
    # The Sentinels.
    Fault("leader-dies", leader_dies, {"lost_s": 0.5}),
    Fault("leader-dies-strict", leader_dies, {"lost": 0}, OURS, STRICT),
    Fault("leader-dies-crash", leader_dies_crash, {"lost_s": 0.5}),
    Fault("leader-dies-crash-strict", leader_dies_crash, KILLED, OURS, STRICT),
    Fault("leader-with-primary", leader_dies_with_primary, {**KILLED, "after": 0.1}),
    Fault("sentinel-with-primary", sentinel_dies_with_primary,
          {**KILLED, "after": 0.1}),
    Fault("sentinels-stopped", stopped, STEADY),
    Fault("sentinels-tilt", tilt, STEADY),
    Fault("clock", clock, STEADY, OURS, fake_clock=True),
    Fault("lying-sentinel", lying, STEADY, OURS),
    Fault("forged-hello", forged, STEADY, OURS),
    # Operators, and the proxy itself.
    Fault("start-up", start_up, {"lost": 0, "readonly": 0, "errors": 0}, cold=True),
    Fault("restart-all", restart_all, PLANNED),
    Fault("detached", detached, {**STEADY, "stray": 0}),
    Fault("proxy-stopped", proxy_stopped, {"lost": 0, "stray": 0, "errors": 0}),
]
BY_NAME = {f.name: f for f in FAULTS}
QUICK = [
    BY_NAME["planned"],
    dataclasses.replace(BY_NAME["crash-return-short"], down_after=2000,
                        bar={**RETURN, "gap": 2.6}),
    dataclasses.replace(BY_NAME["partition"], do=partition_quick, down_after=2000,
                        bar={"last_lost": 2.0, "gap": 2.8}),
]
