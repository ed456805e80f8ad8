#!/usr/bin/env python3
"""The two clients of demo.sh: one that follows /stats.json and prints a line at
every change of role or writer, one that writes through a failover and counts."""

import argparse
import http.client
import json
import os
import signal
import socket
import sys
import threading
import time

START = time.monotonic()


def say(text):
    """A line with the seconds since the start."""
    print("%6.1f s  %s" % (time.monotonic() - START, text), flush=True)


def stats(page):
    """What /stats.json says, or None."""
    try:
        c = http.client.HTTPConnection("127.0.0.1", page, timeout=2)
        c.request("GET", "/stats.json")
        return json.loads(c.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None


def words(server):
    """One server in a few words."""
    return "%s, %s" % (server.get("status", "?"), server.get("role") or "unknown")


class Watch:
    """Prints what changed since the last look."""

    def __init__(self, page):
        self.page, self.known, self.writer, self.addresses = page, {}, None, {}
        self.reachable = True

    def look(self):
        """Ask once. False if roleproxy does not answer."""
        now = stats(self.page)
        if now is None:
            if self.reachable:
                say("the page does not answer")
            self.reachable = False
            return False
        self.reachable = True
        for backend in now.get("backends", []):
            for server in backend.get("servers", []):
                name = server["name"]
                self.addresses[name] = server.get("address", "")
                if self.known.get(name) != words(server):
                    say("%s: %s%s" % (name, words(server), "  (was %s)" %
                                      self.known[name] if name in self.known else ""))
                self.known[name] = words(server)
            writer = backend.get("writer")
            if writer != self.writer:
                say("writes go to: %s" % (writer or "nobody, clients are held"))
            self.writer = writer
        return True

    def run(self, stop):
        """Look until told to stop or roleproxy has been away for five seconds."""
        seen = time.monotonic()
        while not stop.wait(0.1):
            if self.look():
                seen = time.monotonic()
            elif time.monotonic() - seen > 5:
                say("roleproxy has ended")
                return


def connect(port):
    """A connection to a port of this machine, without Nagle's delay."""
    s = socket.create_connection(("127.0.0.1", port), timeout=30)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def command(s, *args):
    """Send one command, return the reply's bytes up to its end of line."""
    out = b"*%d\r\n" % len(args)
    for a in args:
        out += b"$%d\r\n%s\r\n" % (len(a), a)
    s.sendall(out)
    reply = b""
    while not reply.endswith(b"\r\n"):
        data = s.recv(4096)
        if not data:
            raise ConnectionError("closed")
        reply += data
    return reply


class Writer(threading.Thread):
    """Writes unique keys as an application would: one connection, on any error a
    new one. Keeps what was acknowledged, and the longest time without that."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stop = port, threading.Event()
        self.acknowledged, self.errors, self.reconnects = [], {}, 0
        self.gap, self.gap_at, self.last = 0.0, 0.0, time.monotonic()

    def error(self, text):
        """Count an error by its text."""
        self.errors[text] = self.errors.get(text, 0) + 1

    def took(self, key):
        """One more write was acknowledged."""
        now = time.monotonic()
        if now - self.last > self.gap:
            self.gap, self.gap_at = now - self.last, self.last
        self.last = now
        self.acknowledged.append(key)

    def run(self):
        """Write about a thousand keys a second until told to stop."""
        sock, n = None, 0
        while not self.stop.is_set():
            try:
                if sock is None:
                    sock = connect(self.port)
                    self.reconnects += 1
                key = b"demo:%d" % n
                n += 1
                reply = command(sock, b"SET", key, b"%d" % n)
                if reply == b"+OK\r\n":
                    self.took(key)
                else:
                    self.error(reply.decode(errors="replace").strip())
            except OSError as e:
                self.error("connection " + (e.strerror or str(e)))
                if sock is not None:
                    sock.close()
                sock = None
            time.sleep(0.001)


def present(address, keys):
    """How many of the keys does this server have?"""
    host, _, port = address.rpartition(":")
    s = socket.create_connection((host.strip("[]") or "127.0.0.1", int(port)), timeout=30)
    found = 0
    for i in range(0, len(keys), 500):
        found += int(command(s, b"EXISTS", *keys[i:i + 500])[1:])
    s.close()
    return found


def watch(options):
    """Follow until Ctrl-C."""
    Watch(options.page).run(threading.Event())
    return 1


def failover(options):
    """Write, kill, write on, and compare."""
    eyes, done = Watch(options.page), threading.Event()
    threading.Thread(target=eyes.run, args=(done,), daemon=True).start()
    writer = Writer(options.write)
    writer.start()
    say("a client writes unique keys through :%d" % options.write)
    time.sleep(options.before)
    before, killed = len(writer.acknowledged), time.monotonic()
    os.kill(options.kill, signal.SIGKILL)
    say("kill -9 of the primary, %s; %d writes acknowledged so far" % (options.victim, before))
    while time.monotonic() - killed < 60:
        if eyes.writer not in (None, "", options.victim) and writer.last > killed + 1:
            break
        time.sleep(0.05)
    time.sleep(5)
    writer.stop.set()
    writer.join(30)
    done.set()
    return report(options, eyes, writer, before, killed)


def report(options, eyes, writer, before, killed):
    """Say what the client saw; 0 if writes went on and none is missing."""
    n = len(writer.acknowledged)
    print("\nWhat the writing client saw:")
    print("  writes acknowledged   %d (%d before the kill, %d after)" % (n, before, n - before))
    print("  connections made      %d" % writer.reconnects)
    for text, count in sorted(writer.errors.items()):
        print("  errors                %d x %s" % (count, text))
    print("  longest gap           %.2f s, from %.2f s after the kill on (Sentinel's "
          "down-after is 5 s)" % (writer.gap, writer.gap_at - killed))
    if eyes.writer in (None, "", options.victim):
        print("  taken over by         nobody within a minute")
        return 1
    print("  taken over by         %s (%s)" % (eyes.writer, eyes.addresses[eyes.writer]))
    found = present(eyes.addresses[eyes.writer], writer.acknowledged)
    print("  on the new primary    %d of %d acknowledged writes" % (found, n))
    if found < n:
        print("  missing               %d: acknowledged before any replica had them "
              "(Redis replicates asynchronously)" % (n - found))
    print(flush=True)
    return 0 if n > before else 1


def main():
    """Parse the command line and do one or the other."""
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("what", choices=["watch", "failover"])
    p.add_argument("--page", type=int, required=True)
    p.add_argument("--write", type=int)
    p.add_argument("--kill", type=int, help="process id of the primary")
    p.add_argument("--victim", help="and its name")
    p.add_argument("--before", type=float, default=10)
    options = p.parse_args()
    try:
        return watch(options) if options.what == "watch" else failover(options)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
