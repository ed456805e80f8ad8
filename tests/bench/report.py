#!/usr/bin/env python3
"""What a run gives: the table, and all figures as JSON."""

import json
import os
import statistics
import time

import candidates
import rows

WIDTH = 12


def number(value):
    """With as many digits as say something."""
    return "%.0f" % value if abs(value) >= 1000 else "%.3g" % value


def spread(values):
    """Median and range of ratios."""
    if not values:
        return ""
    out = "%.2f" % statistics.median(values)
    if len(values) > 1:
        out += " [%.2f-%.2f]" % (min(values), max(values))
    return out


def verdict(figures, row):
    """(goals in words, how they were met in words)."""
    met = {True: "ok", False: "MISSED", None: "-"}
    return (", ".join(goal.words for goal in row.goals),
            ", ".join(met[rows.judge(figures, row, goal)] for goal in row.goals))


def table(figures):
    """Print it: medians, and the median of roleproxy's ratios with their range."""
    names = [name for name in candidates.NAMES if name in figures]
    head = "%-34s" % "" + "".join("%*s" % (WIDTH, name) for name in names)
    print("%s  %-18s %-28s %s" % (head, "ratio", "goal", ""))
    for title, group in rows.groups(figures):
        print(title)
        for row in group:
            label = row.title + (", " + row.unit if row.unit else "")
            line = "  %-32s" % label
            for name in names:
                values = figures[name].get(row.key)
                line += "%*s" % (WIDTH, number(statistics.median(values)) if values else "-")
            text = "%s  %-18s %-28s %s" % (
                line, spread(rows.shown_ratios(figures, row)), *verdict(figures, row))
            print(text.rstrip())
    print("ratio: roleproxy (1 worker) through HAProxy (1 thread), where something grows through\n"
          "its own first; the median of all rounds, round by round [and its range].")
    results = [rows.judge(figures, row, goal)
               for _, group in rows.groups(figures) for row in group for goal in row.goals]
    print("%d of %d goals met" % (results.count(True), len(results) - results.count(None)))


def first_line(*argv):
    """First line of what a program says of its version."""
    return candidates.version(*argv).strip().partition("\n")[0]


def context(options):
    """What was measured, where and when."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "rounds": options.rounds,
        "scale": options.scale, "kernel": os.uname().release, "cpus": os.cpu_count(),
        "versions": {"roleproxy": first_line(candidates.BINARY, "-v"),
                     "haproxy": first_line("haproxy", "-v"), "nginx": first_line("nginx", "-v"),
                     "redis": first_line("redis-server", "--version")}}


def save(path, about, figures):
    """All figures, and what came of the goals."""
    goals = [{"key": row.key, "goal": goal.words, "met": rows.judge(figures, row, goal)}
             for _, group in rows.groups(figures) for row in group for goal in row.goals]
    with open(path, "w") as f:
        json.dump({**about, "goals": goals, "figures": figures}, f, indent=1)
        f.write("\n")
