#!/usr/bin/env python3
"""One program in one scenario: its configuration, its own servers and clients,
its log, and what was seen of it, in order."""

import base64
import os
import re
import shlex
import shutil
import socket
import string
import threading
import time

import lib
from lib import HOST, SLOW, wait_for
from servers import http_get

from compare import lines
from compare.peer import Hole, Loop, Peer

# What every configuration begins with.
HEAD = """
global
  log {log} local0
  stats socket {sock} mode 600 level admin
  nbthread 1
  maxconn 500
defaults
  mode tcp
  log global
  option tcplog
  timeout connect 500ms
  timeout client 20s
  timeout server 20s
  timeout check 400ms
"""

# The same, and each result of a check that is another one is logged.
HEALTH = HEAD + "  option log-health-checks\n"


def programs(*tools):
    """How to start HAProxy and roleproxy; Skip where one of the tools is not."""
    a = shlex.split(os.environ.get("COMPARE_A", "haproxy"))
    b = shlex.split(os.environ.get("COMPARE_B", "")) or lib.RUN + [lib.BINARY]
    for tool in (a[0],) + tools:
        if not shutil.which(tool):
            raise lib.Skip("no %s here" % tool)
    return [a, b]


class Client:
    """A client's connection."""

    def __init__(self, address, source=None):
        self.sock = lib.connect(address, 8, source)
        self.file = self.sock.makefile("rb")

    def line(self):
        """The next line, with what went wrong instead."""
        try:
            return self.file.readline().decode()
        except ConnectionResetError:
            return "(reset)"
        except TimeoutError:
            return "(nothing)"

    def ask(self, text):
        """Send a line and return the answer."""
        self.send(text)
        return self.line()

    def send(self, text):
        """Send a line."""
        try:
            self.sock.sendall(text.encode() + b"\n")
        except OSError:
            pass

    def end(self, timeout=8, close=True):
        """What comes up to the end, and how it ends: eof, reset or (open)."""
        self.sock.settimeout(timeout * SLOW)
        data = b""
        try:
            while part := self.file.read1(65536):
                data += part
            how = "eof"
        except ConnectionResetError:
            how = "reset"
        except TimeoutError:
            how = "(open)"
        if close:
            self.close()
        return "%s %s" % (data.decode(), how) if data else how

    def is_open(self, seconds=0.2):
        """Does nothing come for so long? Nothing is read."""
        self.sock.settimeout(seconds)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
            return False
        except TimeoutError:
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(8 * SLOW)

    def half(self):
        """Send FIN."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        """FIN."""
        self.file.close()
        self.sock.close()

    def reset(self):
        """RST."""
        self.file.close()
        lib.reset(self.sock)


class Log:
    """The datagrams that one program sends."""

    def __init__(self, lab):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = (HOST, lab.ports.take())
        self.sock.bind(self.address)
        self.got, self.news = [], threading.Condition()
        lab.closers.append(self.sock.close)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        """Receive until closed."""
        while True:
            try:
                data = self.sock.recv(65536)
            except OSError:
                return
            with self.news:
                self.got.append(data.decode(errors="replace"))
                self.news.notify_all()

    def count(self, regex):
        """How many such lines are there?"""
        return sum(bool(re.search(regex, line)) for line in self.got)

    def wait(self, regex, n=1, timeout=8.0):
        """Wait for n lines."""
        with self.news:
            if not self.news.wait_for(lambda: self.count(regex) >= n, timeout * SLOW):
                raise AssertionError("no line %r (%d) in the log:\n  %s" % (
                    regex, n, "\n  ".join(self.got)))


class Side:
    """One of the two programs."""

    def __init__(self, lab, name, argv, servers):
        self.lab, self.name, self.argv = lab, name, argv
        self.loop, self.log, self.clients = Loop(), Log(lab), []
        lab.closers.append(self.loop.end)
        self.peers, self.addresses = {}, {"log": self.log.address}
        self.sock = lab.folder + "/" + name + ".sock"
        self.seen, self.child = [], None    # [(label, value)]
        for server, options in servers.items():
            peer = Hole(self, server) if options == "hole" else \
                options(self, server) if callable(options) else \
                Peer(self, server, **options)
            self.peers[server] = peer
            self.addresses[server] = peer.address

    def start(self, config):
        """Write the configuration with this side's addresses, and start. {x} is
        x's address and port, {p_x} its port, {sock} the runtime API's socket."""
        for _, key, _, _ in string.Formatter().parse(config):
            if key and key[:2] != "p_" and key not in self.addresses and key != "sock":
                self.addresses[key] = (HOST, self.lab.ports.take())
        values = {k: "%s:%d" % a for k, a in self.addresses.items()}
        values.update(("p_" + k, a[1]) for k, a in self.addresses.items())
        path = self.lab.file(self.name + ".cfg", config.format(sock=self.sock, **values))
        self.child = self.lab.spawn(self.name, self.argv + ["-db", "-f", path])
        wait_for(self.started, "start of " + self.name)

    def started(self):
        """Does it answer on its socket? One that has ended never will."""
        if not self.child.running():
            raise AssertionError("%s ended: %s" % (self.name, self.child.log()))
        return self.cli("show version")

    def names(self):
        """{port: name}, for what is the same on both sides."""
        return {a[1]: k for k, a in self.addresses.items()}

    # --- what a scenario asks ---

    def cli(self, command):
        """The answer of the runtime API, without the empty line after it."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5 * SLOW)
            s.connect(self.sock)
            s.sendall(command.encode() + b"\n")
            out = b""
            while data := s.recv(65536):
                out += data
        return out.decode().strip("\n")

    def admin(self, command):
        """A command whose answer is compared."""
        answer = self.cli(command)
        self.note(*(lines.neutral(text, self.names()) for text in (command, answer)))

    def figures(self):
        """`show stat` now."""
        return lines.table(self.cli("show stat"), self.names())

    def is_so(self, what, **values):
        """Have these columns of px/sv these values (regular expressions)?"""
        row = self.figures()[what]
        return all(re.fullmatch(v, row[k]) for k, v in values.items())

    def until(self, what, timeout=8.0, **values):
        """Wait until columns of px/sv have these values."""
        end = time.monotonic() + timeout * SLOW
        while not self.is_so(what, **values):
            if time.monotonic() > end:
                row = self.figures()[what]
                raise AssertionError("%s of %s is %r, not %r" % (
                    what, self.name, {k: row[k] for k in values}, values))
            time.sleep(0.05)    # paced: a question at a time

    def up(self, *servers):
        """Wait until their first checks have passed."""
        for server in servers:
            self.until(server, status="UP", check_status="L.OK.?")

    def down(self, *servers):
        """Wait until they are DOWN."""
        for server in servers:
            self.until(server, status="DOWN")

    def wait_log(self, regex, n=1):
        """Wait for n such lines in the log."""
        self.log.wait(regex, n)

    def ended(self, n):
        """Wait until n sessions have been logged."""
        self.log.wait(lines.ENDED, n)

    def client(self, name="fe", source=None):
        """A new client of a frontend."""
        c = Client(self.addresses[name], source)
        self.clients.append(c)
        return c

    def visit(self, name="fe", source=None):
        """Connect, read the greeting, close, wait for the line in the log; the
        greeting, or how it ended."""
        n = self.log.count(lines.ENDED)
        c = self.client(name, source)
        text = c.line()
        c.close()
        self.log.wait(lines.ENDED, n + 1)
        return text.strip() or "eof"

    def turned_away(self, name="fe", source=None):
        """Is a client closed without a word, in whichever way?"""
        try:
            return self.client(name, source).end() in ("eof", "reset")
        except ConnectionResetError:
            return True

    # --- what is compared ---

    def note(self, label, value):
        """Something that was seen."""
        self.seen.append((label, str(value)))

    def stat(self, label):
        """All figures."""
        self.seen.append((label, self.figures()))

    def page(self, label, name, path, password):
        """All figures, from the page of statistics."""
        auth = base64.b64encode(password.encode()).decode()
        status, _, body = http_get(self.addresses[name], path,
                                   {"Authorization": "Basic " + auth})
        self.note(label + ": status", status)
        self.seen.append((label, lines.table(body, self.names())))

    def finish(self):
        """Stop the program and what belongs to it."""
        for c in self.clients:
            c.close()
        if self.child:
            self.child.kill()
        self.loop.end()
        for p in self.peers.values():
            close = getattr(p, "refuse", None) if isinstance(p, Peer) else \
                getattr(p, "close", None)
            if isinstance(p, Hole) and close:
                close()
