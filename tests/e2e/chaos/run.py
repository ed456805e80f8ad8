#!/usr/bin/env python3
"""Run the chaos suite: real Redis and Sentinels, real faults, real writes, and
a table of what each candidate lost.

usage: run.py [--quick | --full] [--only NAME] [--candidates a,b] [--runs N]
              [-j N] [--list]

Each run has a network namespace of its own (`unshare -n`, so root is needed) and
cuts links in it with nftables. Figures are the worst of the runs. The exit code
is 1 if roleproxy misses a bar. ROLEPROXY is the binary, KEEP=1 keeps the logs.
"""

import argparse
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import clock  # noqa: E402
import faults  # noqa: E402
import judge  # noqa: E402
import lab  # noqa: E402
import lib  # noqa: E402
import world  # noqa: E402

SKIPPED = 77
MARK = "RESULT "


# --- one run, in its own namespace ------------------------------------------

def run_one(name, candidate, quick, two):
    """One run of one fault: its figures on the last line of the output."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("out of time"))
    lib.adopt_orphans()
    lib.raise_limits()
    fault = find(name, quick)
    if two:
        fault = dataclasses.replace(fault, proxies=2)
    test = lab.Lab("chaos." + name)
    w = None
    try:
        w = build(test, fault, candidate)
        if not fault.cold:
            w.begin()
        fault.do(w)
        figures = judge.measure(w, w.settle())
        test.end_proxies()
        print(MARK + json.dumps(figures))
    except lib.Skip as e:
        print(e)
        return SKIPPED
    except BaseException as e:
        traceback.print_exc(file=sys.stdout)
        if not isinstance(e, KeyboardInterrupt):
            tell(w)
            test.dump()
        return 1
    finally:
        test.close()
        sys.stdout.flush()
    return 0


def build(test, fault, candidate):
    """The world that a fault wants."""
    fake = clock.Clock(test) if fault.fake_clock else None
    w = world.World(test, candidate, down_after=fault.down_after,
                    backend=fault.backend, proxies=fault.proxies, load=fault.load,
                    env=fake and fake.env, guard_env=fake and fake.env)
    w.clock = fake
    return w


def tell(w):
    """What was seen of the group, for a run that failed."""
    if w is None or w.start is None:
        return
    for when, server, role in w.watch.roles:
        print("%+8.3f %s is %s" % (when - w.start, server.name, role))
    for when, guard, channel, text in w.watch.events:
        if not channel.startswith("__"):
            print("%+8.3f Sentinel %d: %s %s" % (when - w.start, guard + 1, channel, text))


# --- all runs ---------------------------------------------------------------

def find(name, quick):
    """A fault by its name."""
    return next(f for f in (faults.QUICK if quick else faults.FAULTS) if f.name == name)


class Job:
    """One run in a process of its own."""

    def __init__(self, fault, candidate, options):
        self.fault, self.candidate = fault, candidate
        self.start = time.monotonic()
        self.limit = fault.limit * lib.SLOW
        argv = ["unshare", "-n", sys.executable, os.path.abspath(__file__),
                "--one", fault.name, "--candidates", candidate]
        self.popen = subprocess.Popen(
            argv + (["--quick"] if options.quick else []) +
            (["--two"] if options.two else []), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=lib.die_with_parent)
        self.output = []
        self.reader = lib.threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        """Collect the output, so that the pipe never fills."""
        for line in self.popen.stdout:
            self.output.append(line.decode(errors="replace"))

    def poll(self):
        """The exit code or None; a run that is late is ended."""
        code = self.popen.poll()
        late = time.monotonic() - self.start - self.limit
        if code is None and late > 0:
            self.popen.send_signal(signal.SIGTERM if late < 15 else signal.SIGKILL)
            time.sleep(0.5)     # paced: it tidies up
        return code

    def end(self):
        """All is over: let it tidy up, then it must go."""
        self.popen.terminate()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()

    def figures(self, code, verbose):
        """Its figures, None if it has none; print a line for it."""
        self.reader.join(5)
        what = "%-24s %-14s" % (self.fault.name, self.candidate)
        seconds = time.monotonic() - self.start
        last = self.output[-1].strip() if self.output else ""
        if code == SKIPPED:
            print("skip %6.1f s  %s %s" % (seconds, what, last), flush=True)
            return "skip"
        if code != 0 or not last.startswith(MARK):
            print("FAIL %6.1f s  %s\n     | %s" % (
                seconds, what, "     | ".join(self.output)), flush=True)
            return None
        f = json.loads(last[len(MARK):])
        print("ran  %6.1f s  %s lost %s, gap %.2f s at %+.2f, broken %d, errors %d%s" % (
            seconds, what, "%d of %d%s" % (
                f["lost"], f["acked"], " (%.2f s of writes, %+.2f to %+.2f s)" % (
                    f["lost_s"], f["first_lost"], f["last_lost"]) if f["lost"] else ""),
            f["gap"], f["gap_at"], f["broken"], f["errors"],
            "".join(", %s %s" % (judge.WORDS[k], judge.number(f[k]))
                    for k in ("after", "stray") if f[k] is not None)), flush=True)
        if verbose:
            print("     | " + json.dumps(f))
        return f


def runs_of(candidate, options):
    """How often: of --full's five, those that are not judged need one."""
    if options.runs:
        return options.runs
    return 5 if options.full and candidate in faults.OURS else 1


def run_all(plan, options):
    """Run them all; {(fault, candidate): [figures of each run]}."""
    waiting = [pair for pair in plan for _ in range(runs_of(pair[1], options))]
    jobs, out = [], {pair: [] for pair in plan}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    try:
        while waiting or jobs:
            while waiting and len(jobs) < options.j:
                name, candidate = waiting.pop(0)
                jobs.append(Job(find(name, options.quick), candidate, options))
            for job in list(jobs):
                code = job.poll()
                if code is not None:
                    jobs.remove(job)
                    out[job.fault.name, job.candidate].append(
                        job.figures(code, options.verbose))
            time.sleep(0.05)    # paced: the runs go on
    finally:
        for job in jobs:
            job.end()
    return out


def conclude(plan, results, options):
    """Print the table, what was missed, and the closing line. All well?"""
    passed = failed = skipped = 0
    rows, notes = {}, []
    for name, candidate in plan:
        runs = results[name, candidate]
        fault = find(name, options.quick)
        row = rows.setdefault(name, [name, {}, judge.bar_words(fault.bar), ""])
        if "skip" in runs:
            skipped += 1
            row[3] = "skip"
            continue
        good = [r for r in runs if r]
        if good:
            row[1][candidate] = judge.worst(good)
        over = ["a run failed"] if len(good) < len(runs) else []
        if good and candidate in faults.OURS:
            over += judge.misses(row[1][candidate], fault.bar)
        if candidate in faults.OURS:
            row[3] = "FAIL" if over else "pass"
        if over:
            failed += 1
            notes.append("failed: %s, %s: %s" % (name, candidate, "; ".join(over)))
        else:
            passed += 1
    shown = [c for c in faults.ALL if any(c == p[1] for p in plan)]
    print("\n%s\n" % judge.table(list(rows.values()), shown))
    for line in notes:
        print(line)
    print("%d passed, %d failed%s" % (
        passed, failed, ", %d skipped" % skipped if skipped else ""))
    return failed == 0 and passed + skipped > 0


def impossible():
    """Why nothing can run here, "" if it can."""
    for tool in ("unshare", "ip", "nft", "redis-server"):
        if not shutil.which(tool):
            return "%s is not installed" % tool
    try:
        p = subprocess.run(
            ["unshare", "-n", "sh", "-c", "ip link set lo up && nft list ruleset"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=20)
    except (OSError, subprocess.TimeoutExpired) as e:
        return str(e)
    return p.stderr.decode(errors="replace").strip() if p.returncode else ""


def choose(options):
    """What to run: (fault, candidate) pairs."""
    wanted = options.candidates.split(",") if options.candidates else faults.ALL
    for c in wanted:
        if c not in faults.ALL:
            sys.exit("no candidate %s; there are %s" % (c, ", ".join(faults.ALL)))
    if options.quick and not options.candidates:
        wanted = faults.OURS
    chosen = faults.QUICK if options.quick else faults.FAULTS
    names = [n for o in options.only for n in o.split(",")]
    for n in names:
        if n not in [f.name for f in chosen]:
            sys.exit("no fault %s; see --list" % n)
    return [(f.name, c) for f in chosen if not names or f.name in names
            for c in f.candidates if c in wanted]


def main():
    """Parse the command line, run, print the closing line."""
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--quick", action="store_true", help="three faults, roleproxy only")
    p.add_argument("--full", action="store_true", help="everything, roleproxy five times")
    p.add_argument("--only", action="append", default=[], metavar="NAME")
    p.add_argument("--candidates", metavar="a,b")
    p.add_argument("--runs", type=int)
    p.add_argument("--two", action="store_true",
                   help="two proxies side by side, half the clients at each")
    p.add_argument("-j", type=int, default=1)
    p.add_argument("--list", action="store_true")
    p.add_argument("-v", "--verbose", action="store_true", help="all figures of a run")
    p.add_argument("--one", help=argparse.SUPPRESS)
    options = p.parse_args()
    if options.one:
        return run_one(options.one, options.candidates, options.quick,
                       options.two)
    plan = choose(options)
    if options.list:
        for name in dict.fromkeys(n for n, _ in plan):
            f = find(name, options.quick)
            print("%-24s %s [%s] bar: %s" % (
                name, f.do.__doc__.split("\n")[0], " ".join(f.candidates),
                judge.bar_words(f.bar)))
        return 0
    why = impossible()
    if why:
        print("skipped: no network namespaces with nftables here: %s" % why)
        print("0 passed, 0 failed, %d skipped" % len(plan))
        return 0
    lib.adopt_orphans()
    lib.raise_limits()
    start = time.monotonic()
    try:
        results = run_all(plan, options)
    finally:
        lib.kill_children()
    good = conclude(plan, results, options)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
