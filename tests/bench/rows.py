#!/usr/bin/env python3
"""The rows of the table: which figures there are, how they are called, and the
goals for roleproxy with one worker.
"""

import re
import statistics
from typing import NamedTuple

import loads

SUBJECT, RIVAL = "roleproxy", "haproxy-1"


class Goal(NamedTuple):
    """A limit for the figure itself (of is None) or for its ratio, round by
    round, to that of another candidate or key."""

    limit: float
    words: str
    of: str = RIVAL
    key: str = None


class Row(NamedTuple):
    """One line: what is measured in which unit, which is better, the goals."""

    key: str
    title: str
    unit: str
    better: str
    goals: tuple = ()
    growth: str = None      # the key of which this is a multiple


LOAD_FIGURES = [("cpu", "CPU per request", "us", "low"), ("rps", "requests/s", "", "high"),
                ("p50", "p50", "ms", "low"), ("p99", "p99", "ms", "low"),
                ("p999", "p99.9", "ms", "low")]
GOALS = {
    "get_cpu": (Goal(0.92, "<= 0.92 x"),),
    "get_rps": (Goal(1.0, ">= HAProxy"),),
    "get_p99": (Goal(1.0, "<= HAProxy"),),
    "pipe_cpu": (Goal(0.96, "<= 0.96 x"),),
    "big_cpu": (Goal(0.55, "<= 0.55 x"),),
    "big_rps": (Goal(1.3, ">= 1.3 x"),),
    "conn_cpu": (Goal(0.95, "<= 0.95 x"),),
    "conn_lines": (Goal(0.999, "all", None),),
    "start_mb": (Goal(6.0, "<= 6 MB", None),),
    "mix:get_p99": (Goal(1.3, "<= 1.3 x direct", "direct"), Goal(1.0, "<= HAProxy")),
}
IDLE_GOAL = (Goal(700, "<= 700 B", None),)
FLAT = 1.10     # "does not grow": the most that noise may make of it


def path_rows():
    """Part 1: (title of the group, rows)."""
    for name, title, _, _ in loads.LOADS:
        yield title, [Row(name + "_" + key, words, unit, better, GOALS.get(name + "_" + key, ()))
                      for key, words, unit, better in LOAD_FIGURES]
    yield "One PING per connection", [
        Row("conn_cpu", "CPU per connection", "us", "low", GOALS["conn_cpu"]),
        Row("conn_rps", "connections/s", "", "high"),
        Row("conn_lines", "log lines per connection", "", "high", GOALS["conn_lines"])]


def idle_rows(figures):
    """Memory, for as many idle sessions as were tried."""
    keys = {key for own in figures.values() for key in own if key.startswith("idle_bytes@")}
    counts = sorted(int(key.partition("@")[2]) for key in keys)
    return [Row("start_mb", "at start", "MB", "low", GOALS["start_mb"])] + [
        Row("idle_bytes@%d" % n, "each of %d idle sessions" % n, "B", "low",
            IDLE_GOAL if n >= 1000 else ()) for n in counts]


def growth_rows(figures):
    """Part 2: each figure, and that it stays what it is at the smallest number."""
    found = {}
    for key in {key for own in figures.values() for key in own}:
        match = re.fullmatch(r"(idle|servers)=(\d+):(get_cpu|conn_cpu|bytes|rest)", key)
        if match:
            found.setdefault((match.group(1), match.group(3)), []).append(int(match.group(2)))
    words = {"get_cpu": ("CPU per request", "us"), "conn_cpu": ("CPU per connection", "us"),
             "bytes": ("resident bytes per session", "B"), "rest": ("CPU at rest", "us/s")}
    beside = {"idle": "idle sessions beside: %s", "servers": "replicas to choose from: %s"}
    for (axis, what), counts in sorted(found.items()):
        key = axis + "=%d:" + what
        first = key % min(counts)
        rows = [Row(key % n, beside[axis] % n, words[what][1], "low",
                    () if n == min(counts) or what == "rest" else
                    (Goal(FLAT, "<= %.1f x the first" % FLAT, SUBJECT, first),),
                    None if what == "rest" else first) for n in sorted(counts)]
        yield words[what][0][0].upper() + words[what][0][1:], rows


def fairness_rows():
    """Part 3."""
    yield "GET 3 B, 50 connections, beside 4 that load 256 KiB values", [
        *(Row("mix:get_" + key, words, unit, better, GOALS.get("mix:get_" + key, ()))
          for key, words, unit, better in LOAD_FIGURES[1:]),
        Row("mix:bulk", "256 KiB values/s", "", "high")]


def groups(figures):
    """All groups that have figures: (title, rows)."""
    all_groups = [*path_rows(), ("Resident memory", idle_rows(figures)), *growth_rows(figures),
                  *fairness_rows()]
    measured = {key for own in figures.values() for key in own}
    for title, rows in all_groups:
        rows = [row for row in rows if row.key in measured]
        if rows:
            yield title, rows


def ratios(figures, row, candidate=SUBJECT, of=RIVAL, key=None):
    """One figure through another, round by round; empty if there is no such."""
    mine = figures.get(candidate, {}).get(row.key, [])
    theirs = figures.get(of, {}).get(key or row.key, [])
    return [a / b for a, b in zip(mine, theirs) if b]


def shown_ratios(figures, row, candidate=SUBJECT):
    """Those that stand in the row: to HAProxy, in part 2 to its own first."""
    if row.growth is not None:
        return ratios(figures, row, candidate, candidate, row.growth)
    return ratios(figures, row, candidate)


def judge(figures, row, goal):
    """Is it met? None if that was not measured."""
    values = (figures.get(SUBJECT, {}).get(row.key, []) if goal.of is None else
              ratios(figures, row, SUBJECT, goal.of, goal.key))
    if not values:
        return None
    value = statistics.median(values)
    return value <= goal.limit if row.better == "low" else value >= goal.limit
