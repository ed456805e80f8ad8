#!/usr/bin/env python3
"""Byte for byte: random data through 50 connections, both directions, with slow
readers, half-closes and resets mixed in; memory stays bounded."""

import collections
import hashlib
import os
import random
import socket
import struct
import threading
import time

import lib
from lib import SLOW, alone, equal, full, mark, short, wait_for
from services import Service, exactly

HEADER = struct.Struct("!16sIQ")    # kind, number, size
SIZES = (1, 7, 100, 1460, 4096, 16384, 65536, 262144)
# kind -> (share of the data, times it passes the proxy)
KINDS = {
    "echo": (8, 2), "sink": (8, 1), "source": (8, 1), "both": (8, 2),
    "echo-slow": (1, 2), "sink-slow": (1, 1), "source-slow": (1, 1),
    "client-reset": (1, 1), "server-reset": (1, 1), "echo-small": (1, 2),
}
RSS_LIMIT = 64 << 20


def chunks(size, rnd, small=False):
    """Random data of this size in pieces of mixed sizes."""
    while size > 0:
        n = min(size, rnd.choice(SIZES[:4] if small else SIZES))
        yield os.urandom(n)
        size -= n


def send(sock, size, rnd, small=False):
    """Send random data; its SHA-256."""
    digest = hashlib.sha256()
    for data in chunks(size, rnd, small):
        digest.update(data)
        sock.sendall(data)
    return digest.hexdigest()


def receive(sock, slow=False):
    """Read to the end; the SHA-256 of it."""
    digest = hashlib.sha256()
    while True:
        data = sock.recv(4096 if slow else 1 << 18)
        if not data:
            return digest.hexdigest()
        digest.update(data)
        if slow:
            time.sleep(0.0005)  # paced: a slow reader


class Peer:
    """The server's side; it remembers what it sent and got, by number."""

    def __init__(self):
        self.sent, self.got = {}, {}
        self.ended = collections.Counter()

    def __call__(self, sock):
        """One connection."""
        sock.settimeout(120 * SLOW)
        head = HEADER.unpack(exactly(sock, HEADER.size))
        kind = head[0].rstrip(b"\0").decode()
        try:
            getattr(self, kind.split("-")[0])(sock, kind, head[1], head[2])
        finally:
            self.ended[kind] += 1

    def echo(self, sock, _, __, ___):
        """All that comes goes back."""
        while True:
            data = sock.recv(1 << 18)
            if not data:
                return
            sock.sendall(data)

    def sink(self, sock, kind, number, _):
        """Read to the end, then say what it was."""
        self.got[number] = receive(sock, "slow" in kind)
        sock.sendall(self.got[number].encode())

    def source(self, sock, _, number, size):
        """Send, half-close, then read what still comes."""
        self.sent[number] = send(sock, size, random.Random(number))
        sock.shutdown(socket.SHUT_WR)
        self.got[number] = receive(sock)

    def both(self, sock, _, number, size):
        """Send and read at the same time."""
        def sender():
            self.sent[number] = send(sock, size, random.Random(number))
            sock.shutdown(socket.SHUT_WR)
        t = threading.Thread(target=sender)
        t.start()
        self.got[number] = receive(sock)
        t.join()

    def client(self, sock, _, __, ___):
        """Read until the client resets."""
        receive(sock)

    def server(self, sock, _, __, size):
        """Reset in the middle."""
        exactly(sock, size // 2)
        lib.reset(sock)


class Exercise:
    """The client's side: 50 connections of all kinds at once."""

    def __init__(self, address, peer, total, n=50):
        self.address, self.peer = address, peer
        self.problems, self.done = [], 0
        names = list(KINDS)
        jobs = [names[i % len(names)] for i in range(n)]
        unit = total // sum(KINDS[k][0] * KINDS[k][1] for k in jobs) + 1
        self.threads = [
            threading.Thread(target=self.guard, daemon=True,
                             args=(kind, i, unit * KINDS[kind][0]))
            for i, kind in enumerate(jobs)]

    def run(self):
        """Run all and return what went wrong."""
        for t in self.threads:
            t.start()
        for t in self.threads:
            t.join(300 * SLOW)
            if t.is_alive():
                self.problems.append("a connection hangs")
        return self.problems

    def guard(self, kind, number, size):
        """One connection, with what goes wrong noted."""
        try:
            with self.open(kind, number, size) as sock:
                getattr(self, kind.split("-")[0])(sock, kind, number, size)
            self.done += 1
        except Exception as e:
            self.problems.append("%s %d (%d bytes): %r" % (kind, number, size, e))

    def open(self, kind, number, size):
        """Connect and say what is to come."""
        sock = socket.socket()
        sock.settimeout(120 * SLOW)
        if "slow" in kind:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        sock.connect(self.address)
        sock.sendall(HEADER.pack(kind.encode(), number, size))
        return sock

    def echo(self, sock, kind, number, size):
        """Send and read back at the same time, with a half-close."""
        sent = []
        t = threading.Thread(target=lambda: (sent.append(
            send(sock, size, random.Random(number), "small" in kind)),
            sock.shutdown(socket.SHUT_WR)))
        t.start()
        got = receive(sock, "slow" in kind)
        t.join()
        equal([got], sent, "echo")

    def sink(self, sock, _, number, size):
        """Send, half-close, read the verdict."""
        sent = send(sock, size, random.Random(number))
        sock.shutdown(socket.SHUT_WR)
        equal(sock.recv(64, socket.MSG_WAITALL).decode(), sent, "sink")
        equal(sock.recv(1), b"", "end")

    def source(self, sock, kind, number, size):
        """Read to the server's half-close, then send something after it."""
        got = receive(sock, "slow" in kind)
        equal(got, self.peer.sent[number], "source")
        self.after(sock, number, 100000)

    def both(self, sock, kind, number, size):
        """Both directions at once, the server ends first or last."""
        sent = []
        t = threading.Thread(target=lambda: sent.append(
            send(sock, size, random.Random(~number))))
        t.start()
        got = receive(sock)
        t.join()
        sock.shutdown(socket.SHUT_WR)
        wait_for(lambda: number in self.peer.got, "end at the server", 60)
        equal(got, self.peer.sent[number], "server to client")
        equal(self.peer.got[number], sent[0], "client to server")

    def after(self, sock, number, size):
        """Data against a half-closed direction."""
        sent = send(sock, size, random.Random(number))
        sock.shutdown(socket.SHUT_WR)
        wait_for(lambda: number in self.peer.got, "end at the server", 60)
        equal(self.peer.got[number], sent, "after the half-close")

    def client(self, sock, kind, number, size):
        """Reset in the middle; the server must notice."""
        send(sock, size // 2, random.Random(number))
        ended = self.peer.ended[kind]
        lib.reset(sock)
        wait_for(lambda: self.peer.ended[kind] > ended, "end at the server", 60)

    def server(self, sock, _, number, size):
        """The server resets; the client must notice."""
        try:
            send(sock, size, random.Random(number))
            receive(sock)
        except ConnectionError:
            pass


class Memory:
    """The largest resident size that a process has, sampled."""

    def __init__(self, child):
        self.child, self.most, self.ending = child, 0, False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Sample until told to stop."""
        while not self.ending and self.child.running():
            try:
                self.most = max(self.most, self.child.rss())
            except (OSError, AttributeError):   # it is just ending
                return
            time.sleep(0.05)    # paced: a sample now and then

    def stop(self):
        """The largest one."""
        self.ending = True
        self.thread.join()
        return self.most


def byte_exact(t, total, **backend):
    """Run the exercise through a proxy."""
    peer = Peer()
    s = Service(t, peer)
    p = t.proxy([s.line("a")], backend={"check": "tcp", **backend},
                frontends={"in": {"route": "any"}}, glob={"session-log": "errors"})
    memory = Memory(p.child)
    e = Exercise(p.address("in"), peer, total)
    problems = e.run()
    equal(problems, [], "problems (%d of 50 connections fine)" % e.done)
    most = memory.stop()
    assert most < RSS_LIMIT or not lib.PLAIN, "resident memory reached %d" % most
    wait_for(lambda: p.frontend("in")["sessions"] == 0, "no session left")


@short
@alone
def test_harness_itself(t):
    """The exercise without a proxy: what it finds is the proxy's fault."""
    peer = Peer()
    s = Service(t, peer)
    equal(Exercise(s.address, peer, 8 << 20).run(), [], "problems")


@alone
@mark(limit=180)
def test_64_mib(t):
    """64 MiB."""
    byte_exact(t, 64 << 20)


@short
def test_4_mib(t):
    """4 MiB, for the sanitizers."""
    byte_exact(t, 4 << 20)


def test_8_mib_unchecked(t):
    """8 MiB to a server that is not checked."""
    byte_exact(t, 8 << 20, check="none")


@full
@alone
@mark(limit=600)
def test_1_gib(t):
    """1 GiB."""
    byte_exact(t, 1 << 30)


@short
def test_backpressure(t):
    """A server that does not read: the client is stopped, the proxy's memory
    does not grow; when it reads, everything arrives."""
    go = threading.Event()
    result = []

    def handler(sock):
        go.wait(60 * SLOW)
        result.append(receive(sock))

    s = Service(t, handler, receive_buffer=65536)
    p = t.proxy([s.line("a")], backend={"check": "none"},
                frontends={"in": {"route": "any"}})
    rss = p.child.rss()
    c = lib.connect(p.address("in"))
    digest, sent = hashlib.sha256(), 0
    c.settimeout(1.5 * SLOW)
    try:
        while sent < 256 << 20:
            data = os.urandom(65536)
            n = c.send(data)
            digest.update(data[:n])
            sent += n
    except socket.timeout:
        pass
    assert sent < 64 << 20, "%d bytes were taken for a server that reads none" % sent
    if lib.PLAIN:
        grown = p.child.rss() - rss
        assert grown < 8 << 20, "resident memory grew by %d" % grown
    go.set()
    c.shutdown(socket.SHUT_WR)
    wait_for(lambda: result, "end at the server", 30)
    equal(result[0], digest.hexdigest(), "%d bytes" % sent)


def test_slow_reader_does_not_slow_others(t):
    """One client that reads nothing of a large reply; the others go on."""
    r = t.redis()
    r("SET", "big", "x" * (32 << 20))
    p = t.proxy([r], glob={"workers": 1})
    stuck = lib.connect(p.address("write"))
    stuck.sendall(lib.encode("GET", "big") * 4)
    other = p.client()
    start = time.monotonic()
    for _ in range(500):
        equal(other("PING"), "PONG")
    took = time.monotonic() - start
    assert took < 5 * SLOW, "500 PINGs took %.1f s" % took
    if lib.PLAIN:
        assert p.child.rss() < RSS_LIMIT, "resident memory %d" % p.child.rss()
    equal(stuck.recv(11, socket.MSG_WAITALL), b"$33554432\r\n")


def test_reset_reaches_the_other_side(t):
    """A reset on one side ends the other at once."""
    open_now = []

    def handler(sock):
        open_now.append(sock)
        try:
            while True:
                data = sock.recv(1)
                if not data:
                    return
                if data == b"r":
                    return lib.reset(sock)
        finally:
            open_now.remove(sock)

    s = Service(t, handler)
    p = t.proxy([s.line("a")], backend={"check": "none"},
                frontends={"in": {"route": "any"}})
    c = lib.connect(p.address("in"))
    c.sendall(b"x")
    wait_for(lambda: open_now, "server's side")
    lib.reset(c)
    wait_for(lambda: not open_now, "end at the server")
    c = lib.Client(p.address("in"))
    c.raw(b"r")
    wait_for(c.is_closed, "end at the client")
