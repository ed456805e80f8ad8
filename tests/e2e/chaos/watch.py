#!/usr/bin/env python3
"""What really happens, seen from beside: the role of every server every few
milliseconds, and every event that a Sentinel publishes, each with its time."""

import errno
import selectors
import socket
import threading
import time

EVERY = 0.005       # seconds between two questions to a server
AGAIN = 0.02        # seconds before a connection is tried again


def parse(data, at=0):
    """One RESP value from data[at:]: (value, end), None if it is not complete.
    An error reply is its text."""
    end = data.find(b"\r\n", at)
    if end < 0:
        return None
    kind, rest, at = data[at:at + 1], data[at + 1:end], end + 2
    if kind in b"+-":
        return rest.decode(errors="replace"), at
    if kind == b":":
        return int(rest), at
    n = int(rest)
    if n < 0:
        return "", at
    if kind == b"$":
        if len(data) < at + n + 2:
            return None
        return data[at:at + n].decode(errors="replace"), at + n + 2
    out = []
    for _ in range(n):
        item = parse(data, at)
        if item is None:
            return None
        out.append(item[0])
        at = item[1]
    return out, at


class Peer:
    """One connection that is made again whenever it ends."""

    def __init__(self, watch, address):
        self.watch, self.address = watch, address
        self.sock, self.buffer, self.ready = None, b"", False
        self.retry = 0.0

    def connect(self, now):
        """Begin to connect, from the address of the harness."""
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.bind((self.watch.source, 0))
        self.buffer, self.ready = b"", False
        if self.sock.connect_ex(self.address) not in (0, errno.EINPROGRESS):
            self.sock.close()
            self.sock, self.retry = None, now + AGAIN
            return
        self.watch.selector.register(self.sock, selectors.EVENT_WRITE, self)

    def close(self):
        """The connection has ended."""
        self.watch.selector.unregister(self.sock)
        self.sock.close()
        self.sock, self.retry = None, time.monotonic() + AGAIN

    def send(self, data):
        """Send a few bytes."""
        try:
            self.sock.send(data)
        except OSError:
            self.close()

    def turn(self, now):
        """Called all the time: what is there to do?"""
        if self.sock is None and now >= self.retry:
            self.connect(now)

    def event(self):
        """The socket is ready."""
        if not self.ready:
            if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.close()
                return
            self.ready = True
            self.watch.selector.modify(self.sock, selectors.EVENT_READ, self)
            self.opened()
            return
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self.buffer += data
        at = 0
        while True:
            item = parse(self.buffer, at)
            if item is None:
                break
            at = item[1]
            self.got(item[0])
        self.buffer = self.buffer[at:]


class RolePeer(Peer):
    """Asks one server for its role."""

    def __init__(self, watch, server):
        super().__init__(watch, server.address)
        self.server, self.asked, self.waiting = server, 0.0, False
        self.role = None

    def opened(self):
        """Connected: name it, so that it is not taken for a session."""
        self.waiting = False
        self.send(b"CLIENT SETNAME test\r\n")

    def turn(self, now):
        """Ask when it is time."""
        super().turn(now)
        if self.sock and self.ready and not self.waiting and now - self.asked >= EVERY:
            self.waiting, self.asked = True, now
            self.send(b"INFO replication\r\n")

    def got(self, value):
        """An answer."""
        if not isinstance(value, str) or "role:" not in value:
            return
        self.waiting = False
        role = "master" if "role:master" in value else "slave"
        if role != self.role:
            self.role = role
            self.watch.roles.append((time.monotonic(), self.server, role))


class EventPeer(Peer):
    """Listens to one Sentinel."""

    def __init__(self, watch, number, address):
        super().__init__(watch, address)
        self.number = number

    def opened(self):
        """Connected: subscribe."""
        self.send(b"PSUBSCRIBE *\r\n")

    def got(self, value):
        """A message."""
        if isinstance(value, list) and len(value) == 4 and value[0] == "pmessage":
            self.watch.events.append((time.monotonic(), self.number, value[2], value[3]))


class Watch(threading.Thread):
    """The thread that sees it all; its lists are only ever appended to."""

    def __init__(self, servers, sentinels, source):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        self.source, self.ending = source, False
        self.roles = []     # (time, server, "master" or "slave") at each change
        self.events = []    # (time, number of the Sentinel, channel, text)
        self.peers = [RolePeer(self, s) for s in servers] + \
            [EventPeer(self, i, a) for i, a in enumerate(sentinels)]
        self.start()

    def run(self):
        """Ask and listen until told to end."""
        while not self.ending:
            now = time.monotonic()
            for p in self.peers:
                p.turn(now)
            for key, _ in self.selector.select(0.003):
                if key.data.sock is key.fileobj:
                    key.data.event()

    def stop(self):
        """End the thread."""
        self.ending = True
        self.join()

    def promotions(self, since):
        """(time, server) of every server that became a primary since then,
        those that had not been seen as a replica before left out."""
        seen, out = set(), []
        for when, server, role in list(self.roles):
            if role == "slave":
                seen.add(server)
            elif server in seen:
                seen.discard(server)
                if when >= since:
                    out.append((when, server))
        return out

    def event(self, channel, since):
        """The first event of a channel since then: (time, Sentinel, text)."""
        for when, number, name, text in list(self.events):
            if name == channel and when >= since:
                return when, number, text
        return None
