#!/usr/bin/env python3
"""USR2: another binary takes over; one that fails leaves things as they are."""

import os
import re
import shutil
import signal
import threading
import time

import lib
from lib import Client, equal, mark, short, wait_for
from servers import http_get

FAILING = {     # what stands in the binary's place, and what the log says of it
    "not a program": ("no program", r"exit code 127"),
    "cannot run": ("#!/bin/sh\nexit 3\n", r"exit code 3"),
    "killed at once": ("#!/bin/sh\nkill -9 $$\n", r"signal 9"),
    "crashes": ("#!/bin/sh\nkill -SEGV $$\n", r"signal 11"),
    "address in use": ("#!/bin/sh\nexec {real} \"$@\" -f {taken}\n", r"exit code 1"),
    "cannot read": ("#!/bin/sh\nexec {real} -f /nonexistent.ini\n", r"exit code 1"),
}


class Visitors:
    """Clients that connect, ask and leave, some a second each; others that stay
    and ask now and then."""

    def __init__(self, address, threads=8, stay=50):
        self.address, self.over = address, threading.Event()
        self.failed, self.served, self.seconds = [], 0, 0
        self.began = time.monotonic()
        self.staying = [Client(address, 20) for _ in range(stay)]
        self.threads = [threading.Thread(target=self.visit, daemon=True)
                        for _ in range(threads)]
        for x in self.threads:
            x.start()

    def visit(self):
        """Come and go."""
        while not self.over.wait(0.04):
            try:
                with Client(self.address, 20) as c:
                    equal(c("PING"), "PONG")
                self.served += 1
            except (OSError, AssertionError, lib.RedisError) as e:
                self.failed.append(repr(e))

    def ask(self):
        """All that stay: they must be served, or be told to go at a quiet moment."""
        for i, c in enumerate(self.staying):
            if c.is_closed():
                c.close()
                self.staying[i] = Client(self.address, 20)
            equal(self.staying[i]("PING"), "PONG")

    def end(self):
        """What failed, and how many were served."""
        self.seconds = time.monotonic() - self.began
        self.over.set()
        for x in self.threads:
            x.join(15)
        for c in self.staying:
            c.close()
        return self.failed, self.served


def start(t):
    """A group, a proxy whose binary can be replaced, and the path of that."""
    binary = os.path.join(t.folder, "roleproxy-here")
    shutil.copy(lib.BINARY, binary)
    g = t.group(1)
    p = t.proxy(g, start=False, glob={"control-socket": socket_of(t), "session-log": "off"})
    p.child = t.spawn("roleproxy", lib.RUN + [binary] + p.args)
    t.closers.append(lambda: os.kill(serving(t), signal.SIGKILL))
    p.wait_ready()
    p.wait_readable(*g.replicas)
    return g, p, binary


def socket_of(t):
    """The control socket, which tells who serves."""
    return os.path.join(t.folder, "ctl.sock")


def place(binary, what):
    """Put another file in the binary's place, as packages do."""
    new = binary + ".new"
    if os.path.isfile(what):
        shutil.copy(what, new)
    else:
        with open(new, "w") as f:
            f.write(what)
    os.chmod(new, 0o755)
    os.rename(new, binary)


def serving(t):
    """The process that has the control socket now; None if nobody answers."""
    out = t.run("ctl", "-s", socket_of(t), "show info")[1]
    found = re.search(r"^Pid: (\d+)", out, re.M)
    return int(found.group(1)) if found else None


def has_ended(pid):
    """Has it, but for whoever started it?"""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def upgrade(t):
    """One upgrade; the new process, when the old one has ended."""
    old = serving(t)
    os.kill(old, signal.SIGUSR2)
    wait_for(lambda: serving(t) not in (None, old), "the new process", 20)
    wait_for(lambda: has_ended(old), "the end of the old one", 20)
    return serving(t)


def upgrades(t, times):
    """Upgrades under clients that come and go and others that stay."""
    _, p, binary = start(t)
    v = Visitors(p.address("write"))
    pids = {p.child.pid}
    for _ in range(times):
        place(binary, lib.BINARY)
        pids.add(upgrade(t))
        v.ask()
    failed, served = v.end()
    equal(failed, [])
    equal(len(pids), times + 1)
    equal(http_get(p.address("stats"), "/healthz")[0], 200)
    print("%d upgrades, %d visits, %.1f a second" % (times, served, served / v.seconds))
    assert served > 20 * times, served


@short
def test_upgrade(t):
    """Some upgrades under load: nobody is refused, no request fails."""
    upgrades(t, 4)


@mark(full=True, limit=900)
def test_many_upgrades(t):
    """A hundred."""
    upgrades(t, 100)


def test_upgrade_that_fails(t):
    """A binary that fails in any way: the old process goes on, says so, and can be
    upgraded by a good one."""
    g, p, binary = start(t)
    v = Visitors(p.address("write"), stay=5)
    pid = serving(t)
    taken = t.file("taken.ini", "[frontend more]\nbind = %s:%d\nbackend = redis\n" %
                   g.primary.address)
    for what, (text, says) in FAILING.items():
        before = len(p.log())
        place(binary, text.format(real=lib.BINARY, taken=taken))
        os.kill(pid, signal.SIGUSR2)
        wait_for(lambda: re.search("has ended before it took over \\(" + says,
                                   p.log()[before:]), what)
        equal(serving(t), pid, what)
        v.ask()
    place(binary, lib.BINARY)
    assert upgrade(t) != pid
    equal(v.end()[0], [])


def test_urls_are_not_upgraded(t):
    """What a URL of the command line holds is not kept: USR2 is refused."""
    g = t.group(0)
    child = t.spawn("url", lib.RUN + [lib.BINARY, "redis://127.0.0.1:%d" % g.primary.port])
    wait_for(lambda: "ready after" in child.log() or not child.running(), "start")
    if not child.running():
        raise lib.Skip("the usual ports are taken")
    child.signal(signal.SIGUSR2)
    wait_for(lambda: "the binary cannot be replaced: the URLs" in child.log(), "the refusal")
    assert child.running()
