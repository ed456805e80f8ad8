#!/usr/bin/env python3
"""Run the end-to-end tests: each in a process of its own, a line for each.

usage: run.py [-j N] [--short | --full] [--list] [NAME ...]

A few that fail are run once more, with the machine to themselves, and count by
that; the first failure stays in the output, with the word "again". What a
sanitizer reports, or a proxy that crashed, needs no second look.

NAME is a test (`test_life.test_version`), a file (`test_life`) or a part of a
name. Without one, all tests that are not marked full run; --full adds those,
--short runs the subset for sanitizers.
"""

import argparse
import glob
import importlib
import os
import re
import signal
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lab  # noqa: E402
import lib  # noqa: E402

CERTAIN = re.compile(lib.SANITIZER_REPORT.pattern + r"|exit code: got -\d", re.M)
AGAIN = 3       # failures that are worth a second look, alone
LIMIT = 90      # seconds that one test may take, unless it says otherwise
SKIPPED = 77    # exit code of a test that cannot run here


def discover():
    """All tests: (name, marks), in the order of the files."""
    out = []
    for path in sorted(glob.glob(os.path.join(lib.HERE, "test_*.py"))):
        name = os.path.basename(path)[:-3]
        module = importlib.import_module(name)
        for key, value in vars(module).items():
            if key.startswith("test_") and getattr(value, "__module__", "") == name:
                out.append((name + "." + key, getattr(value, "marks", {})))
    return out


def select(tests, options):
    """Those that the command line asks for."""
    if options.names:
        exact = [t for t in tests if t[0] in options.names]
        if exact:
            return exact
        tests = [t for t in tests if any(n in t[0] for n in options.names)]
    if options.short:
        return [t for t in tests if t[1].get("short")]
    return [t for t in tests if options.full or not t[1].get("full")]


def run_one(name):
    """Run one test in this process; exit with 0, 1 or SKIPPED."""
    module, function = name.split(".")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("out of time"))
    lib.adopt_orphans()
    lib.raise_limits()
    test = lab.Lab(name)
    try:
        getattr(importlib.import_module(module), function)(test)
        test.end_proxies()
    except lib.Skip as e:
        print(e)
        return SKIPPED
    except BaseException as e:
        traceback.print_exc(file=sys.stdout)
        if not isinstance(e, KeyboardInterrupt):
            test.dump()
        return 1
    finally:
        test.close()
        sys.stdout.flush()
    return 0


class Job:
    """A running test. failure is the word for its failing."""

    def __init__(self, name, marks, failure="FAIL"):
        self.failure = failure
        self.name, self.start = name, time.monotonic()
        self.limit = marks.get("limit", LIMIT) * lib.SLOW
        self.popen = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--one", name],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=lib.die_with_parent)
        self.output = []
        self.reader = lib.threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        """Collect the output, so that the pipe never fills."""
        for line in self.popen.stdout:
            self.output.append(line.decode(errors="replace"))

    def poll(self):
        """The exit code or None; a test that is late is ended."""
        code = self.popen.poll()
        late = time.monotonic() - self.start - self.limit
        if code is None and late > 0:
            self.popen.send_signal(signal.SIGTERM if late < 15 else signal.SIGKILL)
            time.sleep(0.5)
        return code

    def end(self):
        """The run is over: let it tidy up, then it must go."""
        self.popen.terminate()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()

    def report(self, code):
        """Print its line, and its output if it failed."""
        self.reader.join(5)
        seconds = time.monotonic() - self.start
        word = {0: "ok", SKIPPED: "skip"}.get(code, self.failure)
        if code != 0 and CERTAIN.search("".join(self.output)):
            word = "FAIL"
        why = " (%s)" % self.output[-1].strip() if word == "skip" else ""
        print("%-4s %6.1f s  %s%s" % (word, seconds, self.name, why))
        if word in ("FAIL", "again") or (word == "ok" and self.output):
            print("     | " + "     | ".join(self.output), flush=True)
        sys.stdout.flush()
        return word


def may_start(marks, jobs, options):
    """Is there room for this test beside those that run?"""
    if not jobs:
        return True
    return len(jobs) < options.j and not marks.get("alone") and \
        not any(m.get("alone") for _, m in jobs)


def run_all(tests, options):
    """Run them and count the results. Those marked alone go last."""
    waiting = sorted(tests, key=lambda t: bool(t[1].get("alone")))
    jobs, words, failed = [], [], []
    marks = dict(tests)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    try:
        run_jobs(waiting, jobs, words, failed, options)
        if "FAIL" not in words and len(failed) <= AGAIN:
            waiting = [(name, dict(marks[name], alone=True)) for name in failed]
            words = [w for w in words if w != "again"]
            failed = []
            run_jobs(waiting, jobs, words, failed, options, "FAIL")
        words = ["FAIL" if w == "again" else w for w in words]
    finally:
        for job, _ in jobs:
            job.end()
    return words, failed


def run_jobs(waiting, jobs, words, failed, options, failure="again"):
    """Start what there is room for, collect what has ended, until all have."""
    while waiting or jobs:
        while waiting and may_start(waiting[0][1], jobs, options):
            name, marks = waiting.pop(0)
            jobs.append((Job(name, marks, failure), marks))
        for job, marks in list(jobs):
            code = job.poll()
            if code is not None:
                jobs.remove((job, marks))
                words.append(job.report(code))
                if words[-1] in ("FAIL", "again"):
                    failed.append(job.name)
        time.sleep(0.02)


def main():
    """Parse the command line, run, print the closing line."""
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("names", nargs="*")
    p.add_argument("-j", type=int, default=2)
    p.add_argument("--short", action="store_true")
    p.add_argument("--full", action="store_true")
    p.add_argument("--list", action="store_true")
    p.add_argument("--one", help=argparse.SUPPRESS)
    options = p.parse_args()
    if options.one:
        return run_one(options.one)
    tests = select(discover(), options)
    if options.list:
        for name, marks in tests:
            print(name, " ".join(sorted(m for m in marks if m != "limit")))
        return 0
    lib.adopt_orphans()
    lib.raise_limits()
    start = time.monotonic()
    try:
        words, failed = run_all(tests, options)
    finally:
        lib.kill_children()
    for name in failed:
        print("failed: " + name)
    n = {w: words.count(w) for w in ("ok", "FAIL", "skip")}
    print("%.0f s in total" % (time.monotonic() - start))
    print("%d passed, %d failed%s" % (
        n["ok"], n["FAIL"], ", %d skipped" % n["skip"] if n["skip"] else ""))
    return 1 if n["FAIL"] or not words else 0


if __name__ == "__main__":
    sys.exit(main())
