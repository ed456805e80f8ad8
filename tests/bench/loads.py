#!/usr/bin/env python3
"""The loads: what goes through a candidate, and the figures that come of it."""

import os
import re
import resource
import socket
import subprocess
import sys
import time

import candidates

# name, title, requests at scale 1, options of redis-benchmark. All of this goes
# through every candidate; the order is that of the table. Those with a goal are
# longer: the noise of a second is more than what they have to show.
LOADS = [
    ("get", "GET 3 B, 50 connections", 200000, "-c 50 GET k3"),
    ("one", "GET 3 B, 1 connection", 15000, "-c 1 GET k3"),
    ("many", "GET 3 B, 500 connections", 60000, "-c 500 GET k3"),
    ("pipe", "GET 3 B, 50 connections, pipeline 16", 2000000, "-c 50 -P 16 GET k3"),
    ("get1k", "GET 1 KiB, 50 connections", 60000, "-c 50 GET k1024"),
    ("get16k", "GET 16 KiB, 50 connections", 25000, "-c 50 GET k16384"),
    ("big", "GET 256 KiB, 50 connections", 16000, "-c 50 GET k262144"),
    ("set", "SET 3 B, 50 connections", 60000, "-c 50 -d 3 -t set"),
    ("set16k", "SET 16 KiB, 50 connections", 15000, "-c 50 -d 16384 -t set"),
    ("set256k", "SET 256 KiB, 50 connections", 3000, "-c 50 -d 262144 -t set"),
]
CONNECTIONS = 30000     # short ones, at scale 1
PERCENTILE = re.compile(r"^(\d+\.\d+)% <= (\d+\.\d+) milliseconds \(cumulative", re.M)
SUMMARY = re.compile(r"avg\s+min\s+p50\s+p95\s+p99\s+max\s+" + r"([\d.]+)\s+" * 5 + r"([\d.]+)")
RATE = re.compile(r"throughput summary: ([\d.]+) requests per second")


def run(argv):
    """Run a client program, return what it printed."""
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if p.returncode != 0:
        sys.exit("bench: %s: %s" % (" ".join(argv), p.stdout))
    return p.stdout


def parse_benchmark(text):
    """The figures in redis-benchmark's own words: requests/s, milliseconds. p99.9
    is the first step of its percentile spectrum that is at 99.9 % or above."""
    text = text.replace("\r", "\n")
    rate, summary = RATE.search(text), SUMMARY.search(text)
    spectrum = text.partition("Latency by percentile")[2].partition("Cumulative distribution")[0]
    steps = [float(ms) for percent, ms in PERCENTILE.findall(spectrum) if float(percent) >= 99.9]
    if rate is None or summary is None or not steps:
        sys.exit("bench: redis-benchmark says something else:\n" + text[-2000:])
    return {"rps": float(rate.group(1)), "p50": float(summary.group(3)),
            "p99": float(summary.group(5)), "p999": steps[0]}


def benchmark(port, n, options):
    """redis-benchmark, n requests."""
    return parse_benchmark(run(["redis-benchmark", "-p", str(port), "-n", str(n),
                                *options.split()]))


def put(into, key, value):
    """Add one round's figure."""
    into.setdefault(key, []).append(value)


def requests(server, name, scale, into, prefix=""):
    """One of LOADS, its figures into a dictionary."""
    _, _, n, options = next(load for load in LOADS if load[0] == name)
    n = max(int(n * scale), 1000)
    before = server.cpu()
    figures = benchmark(server.ports["write"], n, options)
    if before is not None:
        put(into, prefix + name + "_cpu", (server.cpu() - before) / 1000.0 / n)
    for key, value in figures.items():
        put(into, prefix + name + "_" + key, value)


def connections(server, program, n, into, prefix="", port="write"):
    """One PING on each of n connections. What the log costs counts too, so wait
    until all lines are there, or no more come."""
    before, lines = server.cpu(), server.syslog.lines if server.syslog else 0
    out = run([program, str(server.ports[port]), str(n)])
    put(into, prefix + "conn_rps", float(out.split()[0]))
    if before is None:
        return
    end = time.monotonic() + 1
    while server.syslog.lines - lines < n and time.monotonic() < end:
        time.sleep(0.01)
    put(into, prefix + "conn_cpu", (server.cpu() - before) / 1000.0 / n)
    put(into, prefix + "conn_lines", (server.syslog.lines - lines) / n)


class Idle:
    """Sessions that sent one PING and then nothing."""

    def __init__(self, server, n):
        self.sockets = []
        for _ in range(n):
            s = socket.create_connection(("127.0.0.1", server.ports["write"]), timeout=5)
            self.sockets.append(s)
            s.sendall(b"PING\r\n")
            if s.recv(16) != b"+PONG\r\n":
                self.__exit__()
                sys.exit("bench: no PONG from " + server.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in self.sockets:
            s.close()


class Bulk:
    """Big values, one after the other on four connections, while it lasts."""

    def __init__(self, server, redis):
        self.redis = redis
        self.popen = subprocess.Popen(
            ["redis-benchmark", "-p", str(server.ports["bulk"]), "-c", "4", "-n", "100000000",
             "GET", "k262144"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            before = self.calls()
            candidates.wait_for(lambda: self.calls() > before + 20, "bulk transfer")
        except SystemExit:
            self.__exit__()
            raise
        self.started, self.at_start = time.monotonic(), self.calls()

    def calls(self):
        """GETs that Redis answered so far."""
        found = re.search(r"^cmdstat_get:calls=(\d+)",
                          run(["redis-cli", "-p", str(self.redis), "INFO", "commandstats"]), re.M)
        return int(found.group(1)) if found else 0

    def rate(self):
        """Values a second since it started; it must still go on."""
        if self.popen.poll() is not None:
            sys.exit("bench: the bulk transfer ended with %d" % self.popen.returncode)
        return (self.calls() - self.at_start) / (time.monotonic() - self.started)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.kill()
        self.popen.wait()


def most_idle():
    """Sessions that a proxy can have with the files it is allowed, two for each."""
    return (files_allowed() - 1000) // 200 * 100


def files_allowed():
    """Open files that a process may have here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for want in (65536, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (want, max(want, hard)))
            break
        except (ValueError, OSError):
            pass
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connect_program():
    """Where make puts the client for short connections."""
    return os.path.join(candidates.ROOT, "build", "bench", "connect")
