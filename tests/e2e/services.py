#!/usr/bin/env python3
"""Small servers inside a test: any TCP service, a slow link, syslog, DNS."""

import collections
import socket
import struct
import threading
import time

from lib import HOST


class Service:
    """A TCP server of the test's own: handler(socket) in a thread for each
    connection; the socket is closed when the handler returns."""

    def __init__(self, lab, handler, receive_buffer=None, host=HOST, port=None):
        self.handler, self.accepted = handler, 0
        self.address = (host, port or lab.ports.take())
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.bind(self.address)
        self.sock.listen(512)
        threading.Thread(target=self.run, daemon=True).start()
        lab.closers.append(self.close)

    def run(self):
        """Accept until closed."""
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        """One connection."""
        with sock:
            try:
                self.handler(sock)
            except OSError:
                pass

    def close(self):
        """Stop listening."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def line(self, name, options=""):
        """The `server` value of a configuration."""
        return ("%s %s:%d %s" % ((name,) + self.address + (options,))).strip()


def exactly(sock, n):
    """n bytes from a socket."""
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise ConnectionError("ended early")
        data += part
    return data


def until_end(sock):
    """Everything up to the end."""
    out = []
    while True:
        data = sock.recv(1 << 18)
        if not data:
            return b"".join(out)
        out.append(data)


def echo(sock):
    """Send back what comes, then the end."""
    while True:
        data = sock.recv(1 << 18)
        if not data:
            return
        sock.sendall(data)


def says(text):
    """A handler of a service that says who it is, then echoes."""
    def handler(sock):
        sock.sendall(text.encode() + b"\n")
        echo(sock)
    return handler


class SlowLink(Service):
    """A relay that delays all that passes by some seconds."""

    def __init__(self, lab, target, delay):
        self.target, self.delay = target, delay
        super().__init__(lab, self.relay)

    def relay(self, sock):
        """Both directions of one connection."""
        with socket.create_connection(self.target) as far:
            back = threading.Thread(target=self.pump, args=(far, sock), daemon=True)
            back.start()
            self.pump(sock, far)
            back.join()

    def pump(self, source, sink):
        """One direction."""
        try:
            while True:
                data = source.recv(1 << 16)
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                time.sleep(self.delay)
                sink.sendall(data)
        except OSError:
            for s in (source, sink):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Stream(Service):
    """A relay between a replica and its primary that holds back what the
    primary sends: for `delay` seconds, or but for `budget` more bytes. All
    that is read is kept, so that the primary notices nothing."""

    def __init__(self, lab, primary):
        self.target, self.delay, self.budget = primary.address, 0, None
        self.lock = threading.Lock()
        super().__init__(lab, self.relay)

    def hold(self):
        """Nothing more."""
        self.delay = float("inf")

    def allow(self, n):
        """So many bytes more, and then nothing."""
        with self.lock:
            self.budget = (self.budget or 0) + n

    def release(self):
        """Everything, at once."""
        self.delay, self.budget = 0, None

    def relay(self, sock):
        """One connection of the replica; what still waits at its end is lost."""
        with socket.create_connection(self.target) as far:
            waiting, ended = collections.deque(), threading.Event()
            for f in (lambda: self.read(sock, far.sendall),
                      lambda: self.read(far, lambda data: waiting.append(
                          (time.monotonic(), data)))):
                threading.Thread(target=self.until_end, args=(f, ended),
                                 daemon=True).start()
            while not ended.is_set():
                if waiting and self.due(waiting[0][0]):
                    self.pass_on(waiting, sock)
                else:
                    time.sleep(0.005)

    @staticmethod
    def read(sock, took):
        """Call took() with all that comes."""
        while data := sock.recv(1 << 18):
            took(data)

    @staticmethod
    def until_end(f, ended):
        """A thread that ends one connection when it ends."""
        try:
            f()
        except OSError:
            pass
        ended.set()

    def due(self, at):
        """May what came then go on now?"""
        return time.monotonic() - at >= self.delay and self.budget != 0

    def pass_on(self, waiting, sock):
        """Send what came first, or as much of it as may go."""
        at, data = waiting.popleft()
        with self.lock:
            n = len(data) if self.budget is None else min(len(data), self.budget)
            if self.budget is not None:
                self.budget -= n
        sock.sendall(data[:n])
        if n < len(data):
            waiting.appendleft((at, data[n:]))


class Datagrams:
    """A UDP socket that collects what it gets."""

    def __init__(self, lab, address=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = address or (HOST, lab.ports.take())
        self.sock.bind(self.address)
        self.got = []
        lab.closers.append(self.sock.close)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        """Receive until closed."""
        while True:
            try:
                data, peer = self.sock.recvfrom(65536)
            except OSError:
                return
            self.took(data, peer)

    def took(self, data, _):
        """One datagram."""
        self.got.append(data.decode(errors="replace"))


class Dns(Datagrams):
    """A name server for A records: names maps a name to an address."""

    def __init__(self, lab, host):
        self.names, self.asked = {}, []
        super().__init__(lab, (host, 53))

    def took(self, data, peer):
        """One query: answer, or say that there is no such name."""
        try:
            self.sock.sendto(self.answer(data), peer)
        except (OSError, IndexError, struct.error):
            pass

    def answer(self, query):
        """The reply to one query (RFC 1035)."""
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        name = ".".join(labels).lower()
        self.asked.append(name)
        address = self.names.get(name)
        found = address is not None and kind == 1
        flags = 0x8580 if address is not None else 0x8583
        head = query[:2] + struct.pack("!HHHHH", flags, 1, int(found), 0, 0)
        if not found:
            return head + question
        return head + question + struct.pack(
            "!HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(address)
