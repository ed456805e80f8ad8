#!/usr/bin/env python3
"""What all tests use: waiting, ports, a Redis client, processes, clients that
go on in the background. servers.py has the servers, lab.py what one test gets.

Environment: ROLEPROXY the binary (default: ../../roleproxy), RUN a wrapper put
before it (`valgrind -q`), E2E_SLOW a factor for all waiting, KEEP=1 keeps the
temporary folder.
"""

import collections
import ctypes
import http.client
import itertools
import os
import re
import resource
import shlex
import signal
import socket
import struct
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.abspath(
    os.environ.get("ROLEPROXY", os.path.join(HERE, "..", "..", "roleproxy")))
RUN = shlex.split(os.environ.get("RUN", ""))
HOST = "127.0.0.1"
SANITIZER_REPORT = re.compile(
    r"^.*(ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer"
    r"|runtime error: |==\d+== (Invalid|Conditional|Use of uninit)).*$", re.M)


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


class RedisError(Exception):
    """An error reply, its text without the leading `-`."""


# --- marks on tests ---------------------------------------------------------

def mark(**marks):
    """Decorator that puts marks on a test: full, short, alone, limit=SECONDS."""
    def put(function):
        function.marks = {**getattr(function, "marks", {}), **marks}
        return function
    return put


full = mark(full=True)      # long: only with --full or by name
short = mark(short=True)    # in the subset for sanitizers
alone = mark(alone=True)    # measures time or memory: nothing beside it


# --- waiting ----------------------------------------------------------------

def binary_kind():
    """The sanitizer that the binary is built with: asan, tsan or nothing."""
    try:
        with open(BINARY, "rb") as f:
            data = f.read()
    except OSError:
        return ""
    for kind in ("tsan", "asan"):
        if b"__%s_init" % kind.encode() in data:
            return kind
    return ""


KIND = binary_kind()
SLOW = float(os.environ.get("E2E_SLOW", "0")) or \
    (10.0 if RUN else {"tsan": 4.0, "asan": 2.0}.get(KIND, 1.0))
PLAIN = not RUN and not KIND    # memory and speed can be judged


def wait_for(condition, what, timeout=10.0):
    """Poll until condition() is true and return what it returned."""
    end = time.monotonic() + timeout * SLOW
    error = None
    while True:
        try:
            value = condition()
            if value:
                return value
            error = None
        except (OSError, RedisError, LookupError, ValueError,
                http.client.HTTPException) as e:
            error = e
        if time.monotonic() > end:
            raise AssertionError("no %s within %.1f s%s" % (
                what, timeout * SLOW, " (%r)" % error if error else ""))
        time.sleep(0.02)


def stays(condition, what, seconds):
    """Assert that condition() is true now and all through these seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), what
        time.sleep(0.02)


def equal(got, expected, what=""):
    """Assert equality and say both sides."""
    assert got == expected, "%s: got %r, expected %r" % (what, got, expected)


# --- ports ------------------------------------------------------------------

class Ports:
    """Ports that no other test process uses: a slot of 200 of them, claimed by
    an abstract socket that vanishes with this process."""

    FIRST, SIZE, SLOTS = 10000, 200, 110

    def __init__(self):
        self.lock = threading.Lock()
        self.next = 0
        start = os.getpid() % self.SLOTS
        for i in range(self.SLOTS):
            slot = (start + i) % self.SLOTS
            self.claim = socket.socket(socket.AF_UNIX)
            try:
                self.claim.bind("\0roleproxy-e2e-%d" % slot)
            except OSError:
                self.claim.close()
                continue
            self.base = self.FIRST + slot * self.SIZE
            return
        raise RuntimeError("no free slot of ports")

    @staticmethod
    def is_free(port):
        """Can this port be listened on, on every address?"""
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("", port))
            except OSError:
                return False
        return True

    def take(self):
        """A free port."""
        with self.lock:
            for _ in range(self.SIZE):
                port = self.base + self.next
                self.next = (self.next + 1) % self.SIZE
                if self.is_free(port):
                    return port
        raise RuntimeError("no free port")


# --- a tiny Redis client ----------------------------------------------------

def connect(address, timeout=10.0, source=None):
    """A connected socket to (host, port) or to a UNIX socket's path."""
    if isinstance(address, str):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout * SLOW)
        s.connect(address)
        return s
    s = socket.create_connection(address, timeout * SLOW,
                                 (source, 0) if source else None)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def encode(*args):
    """A command as RESP."""
    out = [b"*%d\r\n" % len(args)]
    for a in args:
        if not isinstance(a, bytes):
            a = str(a).encode()
        out.append(b"$%d\r\n%s\r\n" % (len(a), a))
    return b"".join(out)


class Client:
    """One connection that speaks RESP."""

    def __init__(self, address, timeout=10.0, source=None):
        self.sock = connect(address, timeout, source)
        self.buffer = b""

    def __call__(self, *args):
        """Send one command and return its reply."""
        self.send(*args)
        return self.read()

    def send(self, *args):
        """Send one command and do not wait."""
        self.sock.sendall(encode(*args))

    def raw(self, data):
        """Send these bytes."""
        self.sock.sendall(data)

    def fill(self):
        """Receive more; the end of the connection is an error."""
        data = self.sock.recv(1 << 20)
        if not data:
            raise ConnectionError("closed by the other side")
        self.buffer += data

    def line(self):
        """One line of a reply."""
        while b"\r\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def bulk(self, n):
        """n bytes and their line end."""
        while len(self.buffer) < n + 2:
            self.fill()
        data, self.buffer = self.buffer[:n], self.buffer[n + 2:]
        return data.decode(errors="surrogateescape")

    def read(self):
        """One reply; an error reply is raised."""
        line = self.line()
        kind, rest = line[:1], line[1:].decode(errors="replace")
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RedisError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self.bulk(int(rest))
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        raise ValueError("not a Redis reply: %r" % line)

    def half_close(self):
        """Send FIN, go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    def rest(self):
        """Everything up to the end of the connection."""
        while True:
            data = self.sock.recv(1 << 20)
            if not data:
                out, self.buffer = self.buffer, b""
                return out
            self.buffer += data

    def reset(self):
        """Close with RST."""
        reset(self.sock)

    def close(self):
        """Close with FIN."""
        self.sock.close()

    def peek(self):
        """What is there to read now: bytes, b"" at the end, None if nothing."""
        timeout = self.sock.gettimeout()
        self.sock.setblocking(False)
        try:
            return self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        finally:
            self.sock.settimeout(timeout)

    def is_closed(self):
        """Has the other side closed it? Does not wait."""
        return self.peek() == b""

    def has_data(self):
        """Has the other side sent something that is not read yet?"""
        return bool(self.peek())

    def served_by(self):
        """The port of the redis-server at the other end, as it says itself."""
        return int(parse_info(self("INFO", "server"))["tcp_port"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def reset(sock):
    """Close a socket with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def parse_info(text):
    """INFO's text as a dictionary."""
    return dict(l.split(":", 1) for l in text.splitlines() if ":" in l)


# --- processes --------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def adopt_orphans():
    """Make grandchildren that lose their parent children of ours."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent():
    """Ask the kernel to kill this process when its parent ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def children():
    """All child processes of this one."""
    out = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open("/proc/self/task/%s/children" % task) as f:
                out += [int(w) for w in f.read().split()]
        except OSError:
            pass
    return out


def kill_children():
    """Kill and reap whatever children are left: a daemon that lost its parent,
    for example."""
    for pid in children():
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except OSError:
            pass


def raise_limits():
    """As many descriptors as this user may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for want in (65536, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (want, max(want, hard)))
            return
        except (ValueError, OSError):
            pass


class Child:
    """A process in a group of its own, its output in a file."""

    def __init__(self, lab, name, argv, limits=None, stdout=None, **popen):
        self.name, self.argv = name, argv
        self.log_path = os.path.join(lab.folder, name + ".log")
        self.stopped = False

        def setup():
            die_with_parent()
            # Whoever runs the tests in the background may ignore it.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            for what, value in (limits or {}).items():
                resource.setrlimit(what, (value, value))

        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=stdout or log,
                stderr=log if stdout is None else subprocess.STDOUT,
                preexec_fn=setup, start_new_session=True, cwd=lab.folder,
                **popen)
        self.pid = self.popen.pid

    def signal(self, number):
        """Send a signal to the process."""
        os.kill(self.pid, number)

    def running(self):
        """Is it alive (a stopped one is)?"""
        return self.popen.poll() is None

    def pause(self):
        """SIGSTOP, and wait until it has stopped."""
        self.signal(signal.SIGSTOP)
        self.stopped = True
        wait_for(lambda: self.status("State").startswith("T"), "stop")

    def resume(self):
        """SIGCONT."""
        self.signal(signal.SIGCONT)
        self.stopped = False

    def kill(self):
        """End it and its group at once."""
        if self.running():
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except OSError:
                pass
        self.popen.wait()

    def wait(self, timeout=10.0):
        """Its exit code."""
        try:
            return self.popen.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            raise AssertionError("%s did not end within %.1f s" % (
                self.name, timeout * SLOW)) from None

    def log(self):
        """What it wrote so far."""
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def status(self, field):
        """A field of /proc/PID/status."""
        with open("/proc/%d/status" % self.pid) as f:
            return re.search(r"^%s:\s*(.*)" % field, f.read(), re.M).group(1)

    def rss(self):
        """Resident bytes."""
        return int(self.status("VmRSS").split()[0]) * 1024

    def descriptors(self):
        """How many it has open."""
        return len(os.listdir("/proc/%d/fd" % self.pid))


def report_in(log):
    """What a sanitizer or valgrind said, "" if nothing."""
    m = SANITIZER_REPORT.search(log)
    return m.group(0) if m else ""


# --- background writers -----------------------------------------------------

class Writers:
    """Threads that write unique keys through one address, one at a time each,
    and remember what was acknowledged and what else was answered."""

    def __init__(self, address, n=8, per_connection=0, timeout=15.0, pause=0.0005,
                 command=None):
        self.address, self.timeout, self.pause = address, timeout, pause
        self.command = command      # instead of writing
        self.per_connection = per_connection
        self.ending = threading.Event()
        self.lock = threading.Lock()
        self.acked = {}                         # key -> time
        self.errors = collections.Counter()     # text of error replies
        self.broken = collections.Counter()     # connections that ended
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True)
                        for i in range(n)]
        for t in self.threads:
            t.start()

    def run(self, i):
        """One writer: connect, write, connect again when it breaks."""
        keys = ("w:%d:%d" % (i, n) for n in itertools.count())
        while not self.ending.is_set():
            try:
                with Client(self.address, self.timeout) as c:
                    self.write(c, keys)
            except OSError as e:
                with self.lock:
                    self.broken[type(e).__name__] += 1
                time.sleep(0.005)   # paced: no storm of connects

    def write(self, c, keys):
        """Write on one connection until told to stop."""
        for n in itertools.count(1):
            key = next(keys)
            try:
                c(*(self.command or ("SET", key, n)))
                self.acked[key] = time.monotonic()
            except RedisError as e:
                with self.lock:
                    self.errors[str(e)] += 1
            if self.ending.is_set() or n == self.per_connection:
                return
            time.sleep(self.pause)  # paced: a steady load

    def count(self):
        """Acknowledged writes so far."""
        return len(self.acked)

    def wait_more(self, n=50, timeout=30):
        """Wait until that many more writes are acknowledged."""
        target = self.count() + n
        wait_for(lambda: self.count() >= target, "%d more writes" % n, timeout)

    def stop(self):
        """End the threads."""
        self.ending.set()
        for t in self.threads:
            t.join(self.timeout * SLOW + 5)

    def gap(self):
        """The longest time without an acknowledged write."""
        times = sorted(self.acked.values())
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)

    def readonly(self):
        """READONLY answers."""
        return sum(n for text, n in self.errors.items()
                   if text.startswith("READONLY"))

    def check_kept(self, server):
        """Stop; this server has every write that was acknowledged, and none met
        a server that refuses writes."""
        self.stop()
        lost = self.lost(server)
        assert not lost, "%d of %d acknowledged writes lost: %r" % (
            len(lost), self.count(), lost[:9])
        equal(self.readonly(), 0, "READONLY answers")

    def lost(self, server):
        """Acknowledged keys that a server does not have."""
        keys, missing = list(self.acked), []
        for at in range(0, len(keys), 500):
            part = keys[at:at + 500]
            for key, value in zip(part, server("MGET", *part)):
                if value is None:
                    missing.append(key)
        return missing


class Steady:
    """Clients that keep one connection each and use it all the time."""

    def __init__(self, p, frontend, n):
        self.clients = [p.client(frontend, timeout=30) for _ in range(n)]
        self.problems, self.calls = [], 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Use each in turn."""
        while not self.ending.is_set():
            for i, c in enumerate(self.clients):
                try:
                    c("GET", "x")
                    self.calls += 1
                except (OSError, RedisError) as e:
                    self.problems.append("client %d: %r" % (i, e))
                    return
            time.sleep(0.002)   # paced: a steady load

    def stop(self):
        """End and return what went wrong."""
        self.ending.set()
        self.thread.join()
        return self.problems
