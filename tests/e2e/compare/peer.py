#!/usr/bin/env python3
"""Small TCP servers that do as a scenario tells them: answer, be silent, refuse,
close, reset. All of one side live in one thread."""

import selectors
import socket
import threading
import time

import lib
from lib import HOST


class Loop(threading.Thread):
    """The thread in which the servers of one side run."""

    def __init__(self):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        self.near, self.far = socket.socketpair()
        self.calls, self.timers, self.ending = [], [], False
        self.selector.register(self.far, selectors.EVENT_READ,
                               lambda: self.far.recv(4096))
        self.start()

    def run(self):
        """Serve until told to end."""
        while not self.ending:
            for key, _ in self.selector.select(self.next_timer()):
                if key.fileobj.fileno() >= 0:
                    key.data()
            while self.calls:
                f, done = self.calls.pop(0)
                f()
                done.set()
            now = time.monotonic()
            due = [t for t in self.timers if t[0] <= now]
            self.timers = [t for t in self.timers if t[0] > now]
            for _, f in due:
                f()

    def next_timer(self):
        """Seconds until the first timer, None without one."""
        if not self.timers:
            return None
        return max(0, min(t[0] for t in self.timers) - time.monotonic())

    def later(self, seconds, f):
        """Call f in this thread; only from this thread."""
        self.timers.append((time.monotonic() + seconds, f))

    def call(self, f):
        """Run f in this thread and wait for it."""
        done = threading.Event()
        self.calls.append((f, done))
        self.near.send(b"x")
        assert done.wait(10 * lib.SLOW), "the servers' thread hangs"

    def end(self):
        """The servers end."""
        if self.is_alive():
            self.call(lambda: setattr(self, "ending", True))
            self.join(5)


class Peer:
    """One server.

    It greets (`greet`: its name and a line end), and answers what it is sent:
    by the first of `replies` whose key is in it, else, a line at a time:
    `close`, `reset` and `half` end the connection so, `hush` is not answered,
    everything else comes back. A reply is bytes, None (none), or bytes and what
    comes then. `mode` is answer, silent, close or reset; `delay` puts off every
    answer; with `linger` a client's end is not answered by an end.
    """

    def __init__(self, side, name, greet=True, replies=None, mode="answer",
                 delay=0, linger=False, down=False):
        self.loop, self.name = side.loop, name
        self.address = (HOST, side.lab.ports.take())
        self.greet, self.replies, self.mode = greet, replies or {}, mode
        self.delay, self.linger = delay, linger
        self.listener, self.connections = None, set()
        if not down:
            self.back()

    def set(self, **changes):
        """From now on; what is connected notices too."""
        for key, value in changes.items():
            setattr(self, key, value)

    # --- what a scenario calls ---

    def back(self):
        """Listen (again)."""
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(self.address)
        s.listen(128)
        s.setblocking(False)
        self.listener = s
        self.loop.call(lambda: self.loop.selector.register(
            s, selectors.EVENT_READ, self.accept))

    def refuse(self):
        """No new connections; those there are stay."""
        self.loop.call(self.stop_listening)

    def kill(self):
        """Refuse, and reset all connections."""
        def f():
            self.stop_listening()
            for c in list(self.connections):
                self.drop(c, hard=True)
        self.loop.call(f)

    def drop_all(self, hard=False):
        """End all connections."""
        self.loop.call(lambda: [self.drop(c, hard) for c in list(self.connections)])

    # --- in the loop's thread ---

    def stop_listening(self):
        """Close the listening socket, also for a process that is being forked."""
        if self.listener:
            self.loop.selector.unregister(self.listener)
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None

    def accept(self):
        """A connection."""
        try:
            c, _ = self.listener.accept()
        except OSError:
            return
        if self.mode in ("close", "reset"):
            lib.reset(c) if self.mode == "reset" else c.close()
            return
        c.setblocking(False)
        self.connections.add(c)
        self.loop.selector.register(c, selectors.EVENT_READ, lambda: self.readable(c))
        if self.greet and self.mode == "answer":
            self.reply(c, self.name.encode() + b"\n")

    def readable(self, c):
        """Bytes, or the end."""
        try:
            data = c.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
            self.drop(c)
            return
        if not data:
            if self.linger:
                self.loop.selector.unregister(c)
            else:
                self.drop(c)
        elif self.mode == "answer":
            self.answer(c, data)

    def answer(self, c, data):
        """What was asked for."""
        for key, reply in self.replies.items():
            if key in data:
                then = None
                if isinstance(reply, tuple):
                    reply, then = reply
                if reply is not None:
                    self.reply(c, reply, then)
                return
        for line in data.splitlines(True):
            word = line.strip()
            if word in (b"close", b"reset", b"half"):
                self.then(c, word.decode())
            elif word != b"hush":
                self.reply(c, line)

    def reply(self, c, data, then=None):
        """Send, now or later."""
        def f():
            try:
                c.sendall(data)
            except OSError:
                return
            if then:
                self.then(c, then)
        self.loop.later(self.delay, f) if self.delay else f()

    def then(self, c, how):
        """End a connection, or one half of it."""
        if how == "half":
            c.shutdown(socket.SHUT_WR)
        else:
            self.drop(c, how == "reset")

    def drop(self, c, hard=False):
        """Close one."""
        self.connections.discard(c)
        if c.fileno() < 0:
            return
        try:
            self.loop.selector.unregister(c)
        except KeyError:
            pass
        lib.reset(c) if hard else c.close()


class Hole:
    """An address that does not answer to SYN: its queue is full."""

    def __init__(self, side, name):
        self.name = name
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((HOST, side.lab.ports.take()))
        self.sock.listen(0)
        self.address = self.sock.getsockname()
        self.fillers = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(self.address)
            self.fillers.append(s)

    def close(self):
        """Answer again: refuse."""
        for s in self.fillers + [self.sock]:
            s.close()
