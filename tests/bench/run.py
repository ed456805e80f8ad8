#!/usr/bin/env python3
"""Compare roleproxy (one worker) with HAProxy (one thread) in one run: the same
Redis, candidates in turn, interleaved rounds (ROUNDS=7), each proxy in a session
of its own. CPU is the proxy's own on-CPU time, all threads, per request. Prints a
table of medians, leaves all figures as JSON in tests/bench/results.

usage: run.py [--connect PROGRAM] [--only haproxy|roleproxy] [--scale N]
"""

import argparse
import csv
import glob
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BINARY = os.path.abspath(os.environ.get("ROLEPROXY", os.path.join(ROOT, "roleproxy")))
IDLE = 4000

HAPROXY = """
global
  log 127.0.0.1:{syslog} local2
  nbthread 1
  maxconn 6000
defaults
  mode tcp
  log global
  option tcplog
  timeout connect 5s
  timeout server 1h
  timeout client 1h
  timeout tunnel 24d
frontend ft_redis_master
  bind 127.0.0.1:{port}
  default_backend bk_redis_master
backend bk_redis_master
  option tcp-check
  tcp-check send PING\\r\\n
  tcp-check expect string +PONG
  tcp-check send info\\ replication\\r\\n
  tcp-check expect string role:master
  tcp-check send QUIT\\r\\n
  tcp-check expect string +OK
  server redis-master 127.0.0.1:{redis} check inter 1s
"""
ROLEPROXY = """
[global]
workers = 1
maxconn = 6000
log = syslog:127.0.0.1:{syslog}
session-log = all
[backend redis]
server = redis-master 127.0.0.1:{redis}
[frontend write]
bind = 127.0.0.1:{port}
backend = redis
route = primary
[stats]
bind = 127.0.0.1:{page}
"""

# key, title, unit, better, pass, the goal in words. The limit is that of the
# ratio to HAProxy where `relative`, of the figure itself where not.
ROWS = [
    ("get_cpu", "GET, 50 connections: CPU per request", "us", "low", 0.92, True, "0.88 x, pass <= 0.92 x"),
    ("get_rps", "same: requests/s", "", "high", 1.0, True, ">= HAProxy"),
    ("get_p99", "same: p99 latency", "ms", "low", 1.0, True, "<= HAProxy"),
    ("pipe_cpu", "GET, pipeline 16: CPU per request", "us", "low", 0.96, True, "0.93 x, pass <= 0.96 x"),
    ("pipe_rps", "same: requests/s", "", "high", None, True, ""),
    ("big_cpu", "GET of 256 KiB: CPU per request", "us", "low", 0.55, True, "<= 0.55 x"),
    ("big_rps", "same: requests/s", "", "high", 1.3, True, ">= 1.3 x"),
    ("conn_cpu", "one PING per connection: CPU", "us", "low", 0.95, True, "0.92 x, pass <= 0.95 x"),
    ("conn_rps", "same: connections/s", "", "high", None, True, ""),
    ("idle_bytes", "%d idle sessions: resident bytes each" % IDLE, "B", "low", 700, False, "<= 700"),
    ("start_mb", "resident at start", "MB", "low", 6.0, False, "<= 6 MB"),
]


def free_port(kind=socket.SOCK_STREAM):
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pings(port):
    """Does a PING through this port come back?"""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(b"PING\r\n")
            return s.recv(16) == b"+PONG\r\n"
    except OSError:
        return False


def wait_for(condition, what):
    """Poll until it is true, ten seconds at most."""
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            sys.exit("bench: no %s within 10 s" % what)
        time.sleep(0.02)


class Server:
    """A process in a session of its own that answers PING on its port."""

    def __init__(self, name, argv, port, folder):
        self.name, self.port = name, port
        log_path = os.path.join(folder, name + ".log")
        with open(log_path, "ab") as log:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, start_new_session=True)
        try:
            wait_for(lambda: pings(port), "answer from " + name)
        except SystemExit:
            self.end()
            with open(log_path, errors="replace") as f:
                print(f.read()[-2000:], file=sys.stderr)
            raise

    def cpu(self):
        """Nanoseconds on a CPU so far, all threads."""
        total = 0
        for path in glob.glob("/proc/%d/task/*/schedstat" % self.popen.pid):
            with open(path) as f:
                total += int(f.read().split()[0])
        return total

    def resident(self):
        """Resident bytes."""
        with open("/proc/%d/smaps_rollup" % self.popen.pid) as f:
            return int(re.search(r"^Rss:\s+(\d+) kB", f.read(), re.M).group(1)) * 1024

    def end(self):
        """End it at once."""
        self.popen.kill()
        self.popen.wait()


class Bench:
    """The surroundings: folder, Redis, a syslog that nobody reads."""

    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="roleproxy-bench.")
        self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sink.bind(("127.0.0.1", 0))
        self.redis_port = free_port()
        self.servers = []
        self.start("redis", [
            "redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1",
            "--protected-mode", "no", "--save", "", "--appendonly", "no",
            "--maxclients", "10000", "--dir", self.folder], self.redis_port)
        self.run(["redis-benchmark", "-p", str(self.redis_port), "-n", "1", "-q", "-t", "set"])
        subprocess.run(["redis-cli", "-p", str(self.redis_port), "-x", "SET", "big"],
                       input=b"x" * 262144, check=True, stdout=subprocess.DEVNULL)

    def start(self, name, argv, port):
        """Start a server and remember to end it."""
        s = Server(name, argv, port, self.folder)
        self.servers.append(s)
        return s

    def proxy(self, name):
        """Start a candidate."""
        port = free_port()
        path = os.path.join(self.folder, "%s-%d.%s" % (
            name, port, "cfg" if name == "haproxy" else "ini"))
        text = HAPROXY if name == "haproxy" else ROLEPROXY
        with open(path, "w") as f:
            f.write(text.format(port=port, page=free_port(), redis=self.redis_port,
                                syslog=self.sink.getsockname()[1]))
        argv = ["haproxy", "-db", "-f", path] if name == "haproxy" else [BINARY, "-f", path]
        return self.start(name, argv, port)

    def end(self, server):
        """End one."""
        server.end()
        self.servers.remove(server)

    def close(self):
        """End all and remove the folder."""
        for s in self.servers:
            s.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, argv):
        """Run a client program, return what it printed."""
        p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if p.returncode != 0:
            sys.exit("bench: %s: %s" % (" ".join(argv), p.stdout))
        return p.stdout

    def benchmark(self, port, n, *args):
        """redis-benchmark: requests/s and p99 in ms."""
        out = self.run(["redis-benchmark", "-p", str(port), "-c", "50", "-n", str(n),
                        "--csv", *args])
        lines = [r for r in csv.reader(out.splitlines()) if len(r) == 8]
        return float(lines[1][1]), float(lines[1][6])

    def work(self, kind, port):
        """One workload on a port: requests, requests/s, p99."""
        scale = self.options.scale
        if kind == "get":
            n = int(200000 * scale)
            return (n, *self.benchmark(port, n, "-t", "get"))
        if kind == "pipe":
            n = int(2000000 * scale)
            return (n, *self.benchmark(port, n, "-t", "get", "-P", "16"))
        if kind == "big":
            n = int(20000 * scale)
            return (n, *self.benchmark(port, n, "GET", "big"))
        n = int(20000 * scale)
        out = self.run([self.options.connect, str(port), str(n)])
        return n, float(out.split()[0]), None


def measure(bench, server, kind, into):
    """One workload through one candidate: its figures into a dictionary."""
    before = server.cpu()
    n, rps, p99 = bench.work(kind, server.port)
    into.setdefault(kind + "_cpu", []).append((server.cpu() - before) / 1000.0 / n)
    into.setdefault(kind + "_rps", []).append(rps)
    if p99 is not None:
        into.setdefault(kind + "_p99", []).append(p99)


def measure_idle(bench, name, into):
    """Memory of a fresh process: at start, and for each idle session."""
    server = bench.proxy(name)
    time.sleep(1.2)     # one round of checks
    start = server.resident()
    into.setdefault("start_mb", []).append(start / 1e6)
    sockets = []
    for _ in range(IDLE):
        s = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        s.sendall(b"PING\r\n")
        if s.recv(16) != b"+PONG\r\n":
            sys.exit("bench: no PONG from " + name)
        sockets.append(s)
    time.sleep(0.5)
    into.setdefault("idle_bytes", []).append((server.resident() - start) / IDLE)
    for s in sockets:
        s.close()
    bench.end(server)


def rounds(bench, names, n):
    """All rounds; name -> key -> list of figures."""
    figures = {name: {} for name in names}
    servers = {name: bench.proxy(name) for name in names}
    for name in names:     # warm up
        bench.work("get", servers[name].port)
    for i in range(n):
        order = names if i % 2 == 0 else names[::-1]
        for kind in ("get", "pipe", "big", "conn"):
            for name in order:
                measure(bench, servers[name], kind, figures[name])
        for name in order:
            measure_idle(bench, name, figures[name])
        print("bench: round %d of %d" % (i + 1, n), file=sys.stderr, flush=True)
    figures["direct"] = {}
    for kind in ("get", "pipe", "big", "conn"):
        _, rps, _ = bench.work(kind, bench.redis_port)
        figures["direct"][kind + "_rps"] = [rps]
    return figures


def show(values, unit):
    """Median and range of some figures."""
    def one(v):
        return "%.0f" % v if abs(v) >= 1000 else "%.3g" % v
    if not values:
        return "-"
    m = one(statistics.median(values))
    if len(values) > 1:
        m += " [%s-%s]" % (one(min(values)), one(max(values)))
    return m + (" " + unit if unit else "")


def verdict(row, mine, theirs):
    """(median of the ratios round by round, did it pass: True, False or None)."""
    _, _, _, better, limit, relative, _ = row
    ratio = statistics.median(a / b for a, b in zip(mine, theirs)) if theirs and mine and all(theirs) else None
    value = ratio if relative else (statistics.median(mine) if mine else None)
    if value is None or limit is None:
        return ratio, None
    return ratio, value <= limit if better == "low" else value >= limit


def table(figures):
    """Print the table; name of row -> verdict."""
    verdicts = {}
    form = "%-42s %-24s %-24s %7s  %-24s %s"
    print(form % ("work", "HAProxy", "roleproxy", "ratio", "goal", ""))
    for row in ROWS:
        key, title, unit = row[:3]
        theirs = figures.get("haproxy", {}).get(key, [])
        mine = figures.get("roleproxy", {}).get(key, [])
        ratio, ok = verdict(row, mine, theirs)
        verdicts[key] = {"ratio": ratio, "goal": row[6], "pass": ok}
        print(form % (title, show(theirs, unit), show(mine, unit),
                      "-" if ratio is None else "%.2f" % ratio, row[6],
                      {True: "ok", False: "MISSED", None: ""}[ok]))
    direct = figures["direct"]
    print("without a proxy: GET %s/s, pipeline 16 %s/s, 256 KiB %s/s, connections %s/s" % tuple(
        show(direct[k], "") for k in ("get_rps", "pipe_rps", "big_rps", "conn_rps")))
    return verdicts


def version(*argv):
    """First line of a program's version."""
    try:
        return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return ""


def save(figures, verdicts, n):
    """All figures as JSON; returns the path."""
    folder = os.path.join(HERE, "results")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, time.strftime("%Y%m%d-%H%M%S.json"))
    with open(path, "w") as f:
        json.dump({
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "rounds": n,
            "kernel": os.uname().release, "cpus": os.cpu_count(),
            "versions": {"haproxy": version("haproxy", "-v"), "roleproxy": version(BINARY, "-v"),
                         "redis": version("redis-server", "--version")},
            "figures": figures, "verdicts": verdicts}, f, indent=1)
        f.write("\n")
    return path


def main():
    """Parse the command line, run, print, save."""
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--connect", default=os.path.join(ROOT, "build/bench/connect"))
    p.add_argument("--only", choices=["haproxy", "roleproxy"])
    p.add_argument("--scale", type=float, default=float(os.environ.get("SCALE", "1")))
    options = p.parse_args()
    options.connect = os.path.abspath(options.connect)
    n = int(os.environ.get("ROUNDS") or 7)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3 * IDLE:
        sys.exit("bench: needs %d open files, the hard limit is %d" % (3 * IDLE, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(options)
    try:
        figures = rounds(bench, [options.only] if options.only else ["haproxy", "roleproxy"], n)
    finally:
        bench.close()
    verdicts = table(figures)
    print("all figures: " + os.path.relpath(save(figures, verdicts, n)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
