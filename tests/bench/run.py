#!/usr/bin/env python3
"""Compare roleproxy with HAProxy, nginx and no proxy at all; README.md says what
is measured, and how to read it.

Part 1 is the data path, load by load; part 2 the same with more and more idle
sessions and servers beside; part 3 small requests beside bulk transfers. Prints a
table, and leaves all figures as JSON and a picture as SVG in tests/bench/results.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import candidates
import loads
import parts
import plot
import report

PARTS = {1: parts.path, 2: parts.growth, 3: parts.fairness}
INSIDE = "BENCH_NETWORK"     # in the environment: the namespace is ours
# Part 2 compares each with itself: two show it.
FEWER = {2: ["roleproxy", "haproxy-1"], 3: ["roleproxy", "haproxy-1", "nginx", "direct"]}


def numbers(text):
    """1,3 as a list."""
    out = [int(part) for part in text.split(",")]
    if not set(out) <= set(PARTS):
        raise argparse.ArgumentTypeError("parts are 1, 2 and 3")
    return out


def some_of(known):
    """A parser of lists of these words."""
    def parse(text):
        out = text.split(",")
        for word in out:
            if word not in known:
                raise argparse.ArgumentTypeError("%s is none of %s" % (word, " ".join(known)))
        return [word for word in known if word in out]
    return parse


def command_line():
    """What is to be done."""
    env = os.environ.get
    kinds = [load[0] for load in loads.LOADS] + ["conn", "idle", "servers"]
    p = argparse.ArgumentParser(description=__doc__, epilog="The environment may say it too: "
                                "PART, ONLY, LOAD, ROUNDS, SCALE.",
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--part", type=numbers, default=env("PART") or "1,2,3", metavar="1,2,3")
    p.add_argument("--only", type=some_of(candidates.NAMES), default=env("ONLY") or None,
                   metavar="NAME,...", help="candidates: " + " ".join(candidates.NAMES))
    p.add_argument("--load", type=some_of(kinds), default=env("LOAD") or None,
                   metavar="NAME,...", help="loads: " + " ".join(kinds))
    p.add_argument("--rounds", type=int, default=env("ROUNDS") or 7)
    p.add_argument("--scale", type=float, default=env("SCALE") or 1,
                   help="how much of each load; below 1 also fewer sessions and servers")
    p.add_argument("--connect", default=loads.connect_program(), metavar="PROGRAM",
                   help="the client for short connections")
    p.add_argument("--out", default=os.path.join(candidates.HERE, "results"), metavar="FOLDER")
    p.add_argument("--show", metavar="JSON", help="print and draw a run that was saved")
    return p.parse_args()


def own_network():
    """Go on in a network namespace of our own, with nothing but its loopback and
    twice the ports: the packet filter of this machine costs each packet, where it
    tracks connections (Docker makes it) some 100,000 short ones fill its table, and
    beside thousands of idle sessions the system looks long for a free port. Where
    that is not allowed, stay."""
    if os.environ.get(INSIDE) is not None:
        return
    unshare = ["unshare", "--net"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    up = ["sh", "-c", "ip link set lo up && echo %d 65535 >/proc/sys/net/ipv4/ip_local_port_range"
          " && exec \"$0\" \"$@\"" % candidates.CLIENT_PORTS]
    try:
        possible = subprocess.run(unshare + up + ["true"], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        possible = False
    if possible:
        os.execvpe(unshare[0], unshare + up + [sys.executable, *sys.argv],
                   {**os.environ, INSIDE: "1"})
    print("bench: no network namespace of its own (unshare, ip): packet filters and "
          "connection tracking of this machine count", file=sys.stderr)


def check(options):
    """Exit if something is missing that the run needs."""
    wanted = options.only or candidates.NAMES
    problems = candidates.missing(wanted)
    if not os.access(options.connect, os.X_OK):
        problems.append("no %s: run make build/bench/connect" % options.connect)
    for problem in problems:
        print("bench: " + problem, file=sys.stderr)
    if problems:
        sys.exit("bench: tests/scripts/deps.sh bench installs packages; "
                 "--only leaves candidates out")


def measure(options):
    """Run the parts; figures[candidate][key]."""
    figures = {}
    for part in options.part:
        names = options.only or FEWER.get(part, candidates.NAMES)
        run = PARTS[part](parts.Options(names, options.rounds, options.scale,
                                        os.path.abspath(options.connect), options.load))
        for name, own in run.items():
            figures.setdefault(name, {}).update(own)
    return figures


def leave(stem, about, figures):
    """Print the table; the picture goes beside the JSON."""
    report.table(figures)
    with open(stem + ".svg", "w") as f:
        f.write(plot.svg(about, figures))
    print("all figures: %s.json, as a picture: %s.svg" % ((os.path.relpath(stem),) * 2))


def main():
    """Parse the command line, run, print, save."""
    options = command_line()
    if options.show:
        with open(options.show) as f:
            saved = json.load(f)
        leave(os.path.splitext(options.show)[0], saved, saved["figures"])
        return 0
    check(options)
    own_network()
    loads.files_allowed()
    figures = measure(options)
    os.makedirs(options.out, exist_ok=True)
    stem = os.path.join(options.out, time.strftime("%Y%m%d-%H%M%S"))
    about = report.context(options)
    report.save(stem + ".json", about, figures)
    leave(stem, about, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
