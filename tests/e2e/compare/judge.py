#!/usr/bin/env python3
"""Runs a scenario on both programs at once, finds what differs, and sets it
against the table of intended differences."""

import os
import threading
import time
import traceback

import lib

from compare import lines
from compare.intended import INTENDED, OWN
from compare.side import HEAD, Side

SCENARIOS = {}      # name: (function, config, servers, marks)


def scenario(config, head=HEAD, **servers):
    """Decorator: a function of a side that is run for both programs."""
    def put(f):
        marks = {"full": servers.pop("full", False)}
        SCENARIOS[f.__name__] = (f, head + config, servers, marks)
        return f
    return put


class Outcome:
    """What became of one scenario."""

    def __init__(self, name):
        self.name, self.compared, self.seconds = name, 0, 0.0
        self.differences = []   # (where, field, a, b)
        self.intended, self.problems = [], []

    def same(self, where, field, a, b):
        """Compare exactly."""
        self.compared += 1
        if a != b:
            self.differences.append((where, field, str(a), str(b)))

    def close(self, where, field, a, b, far):
        """Compare two numbers with a tolerance."""
        self.compared += 1
        if a != b and not lines.near(a, b, far * lib.SLOW):
            self.differences.append((where, field, str(a), str(b)))

    def judge(self, table=INTENDED):
        """Sort the differences into intended ones and problems; what is intended
        and did not occur is a problem too."""
        wanted = [i for i in table if i.concerns(self.name)]
        unused = [i for i in wanted if i.always]
        for d in self.differences:
            match = [i for i in wanted if i.matches(*d)]
            if match:
                self.intended.append(d)
                unused = [i for i in unused if i not in match]
            else:
                self.problems.append("%s: %s: %r, ours %r" % d)
        for i in unused:
            self.problems.append("intended, but not seen: %s %s: %s" % (
                i.where, i.field, i.reason))


# --- running ----------------------------------------------------------------

def run(lab, name, programs):
    """Run one scenario on both programs; its Outcome."""
    function, config, servers, _ = SCENARIOS[name]
    out, start, sides, acts = Outcome(name), time.monotonic(), [], []
    try:
        sides = [Side(lab, "%s-%s" % (name, letter), argv, servers)
                 for letter, argv in zip("ab", programs)]
        acts = [Act(out, s, function, config) for s in sides]
        for a in acts:
            a.acted.wait()
        if not out.problems:
            settle(sides)
            compare(out, *sides)
    except Exception:
        out.problems.append(traceback.format_exc())
    finally:
        if os.environ.get("COMPARE_SHOW"):
            show(name, sides)
        for a in acts:
            a.may_end.set()
        for s in sides:
            s.finish()
    if not out.problems:
        out.judge()
    if not out.problems:
        lab.all = [c for c in lab.all if not c.name.startswith(name + "-")]
    out.seconds = time.monotonic() - start
    return out


def show(name, sides):
    """What was seen of both, for a person."""
    for s in sides:
        print("=== %s, %s" % (s.name, SCENARIOS[name][0].__doc__.split("\n")[0]))
        for label, value in s.seen:
            if isinstance(value, dict):
                value = "".join("\n  %s: %s" % (what, " ".join(
                    "%s=%s" % x for x in row.items() if x[0] not in lines.IGNORED
                    and x[1] not in ("", "0"))) for what, row in value.items()
                    if what != "columns")
            print("%s: %s" % (label, value))
        print("".join(s.log.got))


class Act(threading.Thread):
    """One side's thread. Processes end with the thread that started them, so it
    goes on until all is compared."""

    def __init__(self, out, side, function, config):
        super().__init__(daemon=True)
        self.out, self.side = out, side
        self.function, self.config = function, config
        self.acted, self.may_end = threading.Event(), threading.Event()
        self.start()

    def run(self):
        """Start the program, do what the scenario says."""
        try:
            self.side.start(self.config)
            self.function(self.side)
        except Exception:
            self.out.problems.append("%s: %s\n%s" % (
                self.side.name, traceback.format_exc(), "\n".join(self.side.log.got)))
        self.acted.set()
        self.may_end.wait()


def count_lines(side):
    """How many lines has it written that both write?"""
    return sum(not OWN.search(lines.Line(d, {}).text) for d in list(side.log.got))


def settle(sides):
    """Wait until both have logged as much, or for a second."""
    end = time.monotonic() + 2.0 * lib.SLOW
    while len(set(map(count_lines, sides))) > 1 and time.monotonic() < end:
        time.sleep(0.02)    # paced: nothing says that no line will come
    time.sleep(0.1)         # paced: a line too much
    for s in sides:
        if s.child.running():
            s.stat("at the end")


# --- comparing --------------------------------------------------------------

def compare(out, a, b):
    """Everything that was seen of both."""
    labels = [[label for label, _ in s.seen] for s in (a, b)]
    out.same("steps", "labels", *labels)
    for (label, x), (_, y) in zip(a.seen, b.seen):
        if isinstance(x, dict):
            compare_figures(out, label, x, y)
        else:
            out.same(label, "seen", x, y)
    logs = [[lines.Line(d, s.names()) for d in s.log.got] for s in (a, b)]
    compare_sessions(out, *[[l for l in log if l.session] for log in logs])
    compare_words(out, *[[l for l in log if not l.session] for log in logs])


def compare_figures(out, label, a, b):
    """Two tables of `show stat`."""
    out.same(label, "rows", ",".join(a), ",".join(b))
    for what in a:
        for column, x in a[what].items():
            y = b.get(what, {}).get(column)
            where = "%s %s" % (label, what)
            if y is None or column in lines.IGNORED:
                continue
            if column in ("bin", "bout") and a[what]["mode"] == "http":
                continue    # of a page of statistics, whose size varies
            if column in lines.WHILE_CHECKED and (
                    a[what]["checked_now"] or b[what]["checked_now"]):
                continue
            if column in lines.NEAR:
                out.close(where, column, x, y, lines.NEAR[column])
            else:
                out.same(where, column, x, y)


def compare_sessions(out, a, b):
    """The lines of sessions, by frontend."""
    for ft in sorted({line.session["ft"] for line in a + b}):
        compare_frontend(out, ft, *[[line for line in log if line.session["ft"] == ft]
                                    for log in (a, b)])


def compare_frontend(out, ft, a, b):
    """The lines of one frontend, whatever their order among themselves."""
    def key(line):
        s = line.session
        return s["ci"], s["b"], s["s"], s["ts"], int(s["B"].lstrip("+"))
    out.same("sessions of " + ft, "lines", len(a), len(b))
    for i, (x, y) in enumerate(zip(sorted(a, key=key), sorted(b, key=key))):
        where = "session %d %s/%s" % (i + 1, x.session["b"], x.session["s"])
        for field, v in x.session.items():
            w = y.session[field]
            if field in lines.TIMERS:
                out.close(where, field, v, w, lines.TIMERS[field])
            elif field in lines.COUNTS:
                out.close(where, field, v, w, lines.COUNTS[field])
            elif field == "B" and x.session["s"] == "<STATS>":
                continue
            elif field != "cp":
                out.same(where, field, v, w)


def compare_words(out, a, b):
    """All other lines, by what they are about, in order."""
    groups = []
    for text in sorted(line.text for line in b if OWN.search(line.text)):
        out.same("log", "own line", "", text)
    for log in (a, [line for line in b if not OWN.search(line.text)]):
        g = {}
        for line in log:
            g.setdefault(line.subject(), []).append(line.head + " " + line.text)
        groups.append(g)
    for subject in sorted(set(groups[0]) | set(groups[1])):
        x, y = (g.get(subject, []) for g in groups)
        for i in range(max(len(x), len(y))):
            out.same("log %s" % subject, "line %d" % (i + 1),
                     x[i] if i < len(x) else "", y[i] if i < len(y) else "")


# --- many -------------------------------------------------------------------

def run_all(lab, names, programs, at_once=6):
    """Run scenarios beside each other; print the table, return the problems."""
    names, outcomes, lock = list(names), {}, threading.Lock()
    order = list(names)

    def worker():
        while True:
            with lock:
                if not names:
                    return
                name = names.pop(0)
            outcomes[name] = run(lab, name, programs)

    threads = [threading.Thread(target=worker, daemon=True) for _ in range(at_once)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print_table([outcomes[n] for n in order])
    return ["%s: %s" % (n, p) for n in order for p in outcomes[n].problems]


def print_table(outcomes):
    """A line for each scenario, and each intended difference."""
    print("%-26s %8s %9s %9s  %s" % ("scenario", "compared", "intended", "s", ""))
    for o in outcomes:
        print("%-26s %8d %9d %9.1f  %s" % (
            o.name, o.compared, len(o.intended), o.seconds,
            "differs" if o.problems else "agrees"))
