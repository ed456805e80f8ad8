#!/usr/bin/env python3
"""The benchmark runs: all parts at the least scale, that its figures are there.
What they are is not judged here.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import xml.dom.minidom

import lib

ROOT = os.path.dirname(os.path.dirname(lib.HERE))
KEYS = ["get_cpu", "get_p999", "conn_cpu", "start_mb", "idle=10:get_cpu", "idle=100:conn_cpu",
        "servers=1:rest", "servers=10:conn_cpu", "mix:get_p99"]


def bench(t, *options):
    """Run it; returns the process, over."""
    return subprocess.run([sys.executable, os.path.join(ROOT, "tests", "bench", "run.py"),
                           "--out", t.folder, *options], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "ROLEPROXY": lib.BINARY})


@lib.full
def test_smoke(t):
    """Table, JSON and picture of one small round."""
    connect = os.path.join(ROOT, "build", "bench", "connect")
    if not lib.PLAIN or not os.access(connect, os.X_OK) or shutil.which("haproxy") is None:
        raise lib.Skip("needs haproxy, a plain binary and build/bench/connect")
    p = bench(t, "--rounds", "1", "--scale", "0.01", "--only", "roleproxy,haproxy-1,direct",
              "--load", "get,conn,idle,servers")
    lib.equal(p.returncode, 0, p.stdout)
    path, = glob.glob(os.path.join(t.folder, "*.json"))
    with open(path) as f:
        figures = json.load(f)["figures"]
    for key in KEYS:
        for name in ("roleproxy", "haproxy-1"):
            assert figures[name][key][0] > 0, "%s of %s" % (key, name)
    lib.equal(figures["roleproxy"]["conn_lines"], [1.0])
    assert figures["direct"]["mix:get_p99"][0] > 0
    xml.dom.minidom.parse(path[:-5] + ".svg")


def test_options(t):
    """What it does not know, it says."""
    for option, word in (("--only", "squid"), ("--load", "huge"), ("--part", "4")):
        p = bench(t, option, word)
        lib.equal(p.returncode, 2, p.stdout)
    p = bench(t, "--connect", "/nowhere")
    lib.equal(p.returncode, 1, p.stdout)
    assert "no /nowhere" in p.stdout, p.stdout
