#!/usr/bin/env python3
"""Two proxies on two hosts behind one address, as deploy/keepalived has it: the
hosts are network namespaces, the clients and Redis a third."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import lib
from lib import equal, mark, wait_for

CONF = os.path.join(lib.HERE, "..", "..", "deploy", "keepalived", "keepalived.conf")
NET, SHARED = "10.99.0.%d", "10.99.0.100"

# One client: writes numbered keys, connects again when it has to; at its end it
# says what was acknowledged, the longest gap, and how often a request failed.
CLIENT = """
import json, select, signal, socket, sys, time
acked, failed, last, gap, over, sock = 0, 0, time.monotonic(), 0.0, [], None
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
while not over:
    key = "key:%s:%d" % (sys.argv[1], acked)
    data = b"*3\\r\\n$3\\r\\nSET\\r\\n$%d\\r\\n%s\\r\\n$1\\r\\n1\\r\\n" % (len(key), key.encode())
    try:
        sock = sock or socket.create_connection(("10.99.0.100", 9000), 1)
        sock.settimeout(12)
        sock.sendall(data)
        if sock.recv(100) != b"+OK\\r\\n":
            raise OSError("no OK")
        gap, last = max(gap, time.monotonic() - last), time.monotonic()
        acked += 1
    except OSError:
        failed += sock is not None
        if sock:
            sock.close()
        sock = None
        select.select([], [], [], 0.05)
    select.select([], [], [], 0.002)
print(json.dumps({"acked": acked, "failed": failed, "gap": gap}))
"""


def ip(*words):
    """The ip command; it must succeed."""
    p = subprocess.run(("ip",) + words, capture_output=True, text=True)
    if p.returncode != 0:
        raise lib.Skip("ip %s: %s" % (" ".join(words), p.stderr.strip()))


class Pair:
    """The three namespaces, and what runs in them."""

    def __init__(self, t):
        if not shutil.which("keepalived"):
            raise lib.Skip("no keepalived")
        self.t, self.here = t, "rp%d" % os.getpid()
        t.closers.append(self.clear)
        for n in (0, 1, 2):
            ip("netns", "add", self.ns(n))
            ip("-n", self.ns(n), "link", "set", "lo", "up")
        ip("-n", self.ns(0), "link", "add", "br0", "type", "bridge")
        ip("-n", self.ns(0), "addr", "add", NET % 1 + "/24", "dev", "br0")
        ip("-n", self.ns(0), "link", "set", "br0", "up")
        for n in (1, 2):
            ip("-n", self.ns(0), "link", "add", "v%d" % n, "type", "veth", "peer",
               "name", "eth0", "netns", self.ns(n))
            ip("-n", self.ns(0), "link", "set", "v%d" % n, "master", "br0", "up")
            ip("-n", self.ns(n), "addr", "add", NET % (10 + n) + "/24", "dev", "eth0")
            ip("-n", self.ns(n), "link", "set", "eth0", "up")
        self.run(0, "redis", "redis-server", "--port", "6379", "--bind", NET % 1,
                 "--protected-mode", "no", "--save", "", "--dir", t.folder)
        self.proxies = {n: self.start_proxy(n) for n in (1, 2)}
        for n in (1, 2):
            self.start_keepalived(n)
        wait_for(self.holder, "somebody with the address", 20)

    def ns(self, n):
        """The name of a namespace."""
        return "%s-%d" % (self.here, n)

    def run(self, n, name, *argv):
        """Start a program in a namespace."""
        return self.t.spawn("%s-%d" % (name, n), ["ip", "netns", "exec", self.ns(n)] + list(argv))

    def start_proxy(self, n):
        """A proxy, as the comment in keepalived.conf wants it."""
        path = self.t.file("r%d.ini" % n, """[global]
drain-delay = 5s
[backend redis]
server = redis-1 %s:6379
[frontend write]
bind = :9000
backend = redis
route = primary
[stats]
bind = 127.0.0.1:8404
""" % (NET % 1))
        return self.run(n, "roleproxy", lib.BINARY, "-f", path)

    def start_keepalived(self, n):
        """keepalived with the file of deploy, but for the addresses."""
        with open(CONF) as f:
            text = f.read().replace("10.0.0.100", SHARED)
        text = re.sub(r"10\.0\.0\.11\b", NET % (10 + n), text)
        text = re.sub(r"10\.0\.0\.12\b", NET % (13 - n), text)
        path = self.t.file("keepalived%d.conf" % n, text)
        files = [os.path.join(self.t.folder, "%s%d.pid" % (x, n)) for x in "prc"]
        self.run(n, "keepalived", "keepalived", "-n", "-l", "-D", "-p", files[0],
                 "-r", files[1], "-c", files[2], "-f", path)

    def holder(self):
        """Which host has the shared address; 0 none, or both."""
        found = [n for n in (1, 2) if SHARED + "/" in subprocess.run(
            ["ip", "-n", self.ns(n), "addr", "show", "eth0"],
            capture_output=True, text=True).stdout]
        return found[0] if len(found) == 1 else 0

    def client(self, name):
        """A client that writes until it is ended."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.ns(0), sys.executable, "-c", CLIENT, name],
            stdout=subprocess.PIPE, text=True)

    def keys(self):
        """How many keys Redis has."""
        out = subprocess.run(["ip", "netns", "exec", self.ns(0), "redis-cli", "-h", NET % 1,
                              "DBSIZE"], capture_output=True, text=True).stdout
        return int(out.split()[-1])

    def wait_ready(self, n):
        """Wait until a host's proxy is ready."""
        wait_for(lambda: subprocess.run(
            ["ip", "netns", "exec", self.ns(n), "curl", "-fsS", "-m", "1",
             "http://127.0.0.1:8404/readyz"], capture_output=True).returncode == 0, "readyz")

    def clear(self):
        """End what is in the namespaces, and them."""
        for n in (0, 1, 2):
            pids = subprocess.run(["ip", "netns", "pids", self.ns(n)],
                                  capture_output=True, text=True).stdout.split()
            for pid in pids:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except OSError:
                    pass
            subprocess.run(["ip", "netns", "del", self.ns(n)], capture_output=True)


def through(pair, what, act, longest):
    """Clients write while act makes the address move: nothing that was
    acknowledged is missing, and the gap is no longer than that."""
    before, old = pair.keys(), pair.holder()
    clients = [pair.client("%s%d" % (what, i)) for i in range(4)]
    wait_for(lambda: pair.keys() > before + 50, "writes")
    act(old)
    wait_for(lambda: pair.holder() not in (0, old), "the address at the other host", 20)
    now = pair.keys()
    wait_for(lambda: pair.keys() > now + 50, "writes by way of the other host", 20)
    for c in clients:
        c.terminate()
    said = [json.loads(c.communicate(timeout=30)[0]) for c in clients]
    acked, gap = sum(s["acked"] for s in said), max(s["gap"] for s in said)
    print("%s: %d acknowledged, %d of 4 clients had a request that failed, gap %.2f s" % (
        what, acked, sum(s["failed"] > 0 for s in said), gap))
    assert 0 <= pair.keys() - before - acked <= len(said), "acknowledged and missing"
    assert gap < longest, gap
    return old


@mark(full=True, alone=True, limit=200)
def test_two_hosts(t):
    """One of two is killed, started again, then the other is drained."""
    pair = Pair(t)
    old = through(pair, "killed", lambda n: pair.proxies[n].kill(), 8)
    pair.proxies[old] = pair.start_proxy(old)
    pair.wait_ready(old)
    first = pair.holder()
    again = through(pair, "drained", lambda n: pair.proxies[n].signal(signal.SIGTERM), 6)
    equal(again, first)
    equal(pair.proxies[again].wait(20), 0)
