#!/usr/bin/env python3
"""The clients of a chaos run: a process of their own that writes unique keys.

Each client has one write outstanding, remembers when it was acknowledged, and
connects again when its connection ends or an error is answered. As a module:
class Load starts that process, watches its progress and reads what it saw.
"""

import array
import collections
import heapq
import json
import mmap
import os
import selectors
import signal
import socket
import struct
import sys
import time

TIMEOUT = 15.0      # seconds that a client waits for one answer
RETRY = 0.01        # seconds before it connects again
PROGRESS = struct.Struct("Qd")      # writes acknowledged, time of the last


class Writer:
    """One client. Its state is what it waits for: a timer, or its socket."""

    def __init__(self, load, number, address):
        self.load, self.number, self.address = load, number, address
        self.sock = None
        self.timer = 0          # the timer that counts; older ones are void
        self.keys = 0           # the number of the key last used
        self.on_connection = 0  # writes acknowledged on this connection
        self.buffer = b""
        self.sent_at = None     # when the outstanding write was sent
        self.connecting = False
        self.ids = array.array("Q")
        self.times = array.array("d")

    def wake(self):
        """Its timer has run out: connect, or write."""
        if self.sock is None:
            self.connect()
        else:
            self.write()

    def connect(self):
        """Begin to connect."""
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connecting, self.on_connection, self.buffer = True, 0, b""
        self.sent_at = time.monotonic()
        self.sock.connect_ex(self.address)
        self.load.selector.register(self.sock, selectors.EVENT_WRITE, self)

    def write(self):
        """Send the next write."""
        self.keys += 1
        key = b"w:%d:%d" % (self.number, self.keys)
        self.sent_at = time.monotonic()
        try:
            self.sock.send(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$1\r\nx\r\n" % (len(key), key))
        except OSError:
            self.end("broken")

    def ready(self):
        """Its socket is ready."""
        if self.connecting:
            if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.end("refused")
                return
            self.connecting = False
            self.load.selector.modify(self.sock, selectors.EVENT_READ, self)
            self.write()
            return
        try:
            data = self.sock.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.end("broken")
            return
        self.buffer += data
        if self.buffer.endswith(b"\r\n"):
            self.answer(self.buffer[:-2])

    def answer(self, line):
        """Its write was answered."""
        now = time.monotonic()
        self.buffer, self.sent_at = b"", None
        if line != b"+OK":
            text = line.decode(errors="replace")
            self.load.errors[text.lstrip("-")[:80]] += 1
            self.end(None)
            return
        self.ids.append(self.keys)
        self.times.append(now)
        self.load.acknowledged(now)
        self.on_connection += 1
        if self.on_connection == self.load.per_connection:
            self.end(None, self.load.pause)
        else:
            self.load.wake_at(now + self.load.pause, self)

    def late(self, now):
        """Has it waited too long for an answer?"""
        return self.sent_at is not None and now - self.sent_at > TIMEOUT

    def end(self, why, pause=RETRY):
        """Close the connection, count why, connect again later."""
        if why:
            self.load.ends.append((time.monotonic(), self.number, why))
        self.load.selector.unregister(self.sock)
        self.sock.close()
        self.sock = self.sent_at = None
        self.load.wake_at(time.monotonic() + pause, self)


class Clients:
    """All clients of the process, and what they count together."""

    def __init__(self, options):
        self.selector = selectors.DefaultSelector()
        self.per_connection = options["per_connection"]
        self.pause = options["pause"]
        self.ending = False
        self.timers = []
        self.errors = collections.Counter()
        self.ends = []
        self.count = 0
        with open(options["progress"], "r+b") as f:
            self.progress = mmap.mmap(f.fileno(), PROGRESS.size)
        addresses = [tuple(a) for a in options["addresses"]]
        self.all = [Writer(self, i, addresses[i % len(addresses)])
                    for i in range(options["clients"])]

    def wake_at(self, when, writer):
        """Call a writer's wake() at that time, and at no other."""
        writer.timer += 1
        heapq.heappush(self.timers, (when, writer.number, writer.timer))

    def acknowledged(self, now):
        """Count a write for whoever watches."""
        self.count += 1
        PROGRESS.pack_into(self.progress, 0, self.count, now)

    def run(self):
        """Write until told to end."""
        start = time.monotonic()
        for w in self.all:
            self.wake_at(start + w.number * self.pause / len(self.all), w)
        look = start
        while not self.ending:
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                _, number, timer = heapq.heappop(self.timers)
                if self.all[number].timer == timer:
                    self.all[number].wake()
            wait = self.timers[0][0] - time.monotonic() if self.timers else 0.05
            for key, _ in self.selector.select(min(max(wait, 0), 0.05)):
                key.data.ready()
            if now - look > 0.25:
                look = now
                for w in [w for w in self.all if w.late(now)]:
                    w.end("timeout")
        return start, time.monotonic()

    def result(self, start, end):
        """What they saw, as a dictionary."""
        return {"start": start, "end": end, "errors": dict(self.errors),
                "ends": self.ends,
                "ids": [w.ids.tolist() for w in self.all],
                "times": [w.times.tolist() for w in self.all]}


class Load:
    """The clients' process, as the harness sees it."""

    def __init__(self, lab, addresses, clients=8, per_connection=0, pause=0.003):
        self.addresses = addresses
        self.out = os.path.join(lab.folder, "load.json")
        progress = lab.file("load.progress", "\0" * PROGRESS.size)
        with open(progress, "rb") as f:
            self.progress = mmap.mmap(f.fileno(), PROGRESS.size, access=mmap.ACCESS_READ)
        options = {"addresses": addresses, "clients": clients, "out": self.out,
                   "per_connection": per_connection, "pause": pause,
                   "progress": progress}
        self.child = lab.spawn("load", [
            sys.executable, os.path.abspath(__file__), json.dumps(options)])
        self.data = None

    def count(self):
        """Writes acknowledged so far."""
        return PROGRESS.unpack_from(self.progress)[0]

    def stop(self):
        """End the clients and read what they saw."""
        self.child.signal(signal.SIGTERM)
        code = self.child.wait(20)
        assert code == 0, "the clients ended with %r: %s" % (code, self.child.log())
        with open(self.out) as f:
            self.data = json.load(f)

    def acks(self):
        """(time, key) of every acknowledged write, in order of time."""
        return sorted((t, "w:%d:%d" % (i, n))
                      for i, (ids, times) in enumerate(
                          zip(self.data["ids"], self.data["times"]))
                      for n, t in zip(ids, times))

    def times(self):
        """The times of acknowledged writes, one sorted list per address."""
        out = [[] for _ in self.addresses]
        for i, times in enumerate(self.data["times"]):
            out[i % len(out)] += times
        return [sorted(t) for t in out]


def main():
    """Run the clients until SIGTERM; write what they saw."""
    options = json.loads(sys.argv[1])
    clients = Clients(options)

    def end(*_):
        clients.ending = True

    signal.signal(signal.SIGTERM, end)
    result = clients.result(*clients.run())
    with open(options["out"], "w") as f:
        json.dump(result, f)


if __name__ == "__main__":
    main()
