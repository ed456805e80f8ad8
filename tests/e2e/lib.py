#!/usr/bin/env python3
"""The harness of the end-to-end tests.

A test gets a Lab: a temporary folder, ports of its own, and makers of real
redis-servers, Sentinels and roleproxies, all of which end with the test.

Environment: ROLEPROXY the binary (default: ../../roleproxy), RUN a wrapper put
before it (`valgrind -q`), E2E_SLOW a factor for all waiting, KEEP=1 keeps the
temporary folder.
"""

import collections
import ctypes
import http.client
import itertools
import json
import os
import re
import resource
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
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


# --- Redis ------------------------------------------------------------------

class Redis:
    """A real redis-server that can be stopped and started again."""

    CONFIG = {
        "save": "", "appendonly": "no", "daemonize": "no",
        "repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1",
        "repl-timeout": "10", "tcp-keepalive": "0", "protected-mode": "no",
    }

    def __init__(self, lab, name, replica_of=None, config=None, port=None,
                 host=HOST):
        self.lab, self.name = lab, name
        self.host, self.port = host, port or lab.ports.take()
        self.address = (self.host, self.port)
        self.config = {**self.CONFIG, "bind": self.host, "port": self.port}
        self.config.update(config or {})
        if replica_of:
            self.config["replicaof"] = "%s %d" % replica_of.address
        self.folder = os.path.join(lab.folder, name)
        os.makedirs(self.folder, exist_ok=True)
        self.path = os.path.join(self.folder, "redis.conf")
        self.password = self.config.get("requirepass")
        self.child = self.client = None
        self.start()

    def write_config(self):
        """The configuration file, from self.config."""
        self.config["dir"] = self.folder
        with open(self.path, "w") as f:
            for key, value in self.config.items():
                for v in value if isinstance(value, list) else [value]:
                    f.write("%s %s\n" % (key, v if v != "" else '""'))

    def start(self, wait=True):
        """Start it, with the roles of its configuration file."""
        self.write_config()
        self.client = None
        self.child = self.lab.spawn(self.name, ["redis-server", self.path])
        if wait:
            wait_for(self.answers, "answer of " + self.name)

    def answers(self):
        """Does it answer PING, with whatever?"""
        try:
            return self("PING") == "PONG"
        except RedisError as e:
            return not str(e).startswith("LOADING")

    def __call__(self, *args):
        """One command on the test's own connection, opened when needed and once
        more when a Sentinel has killed it."""
        for last in (self.client is None, True):
            if self.client is None:
                self.client = self.connect()
            try:
                return self.client(*args)
            except (OSError, ValueError):
                self.client = None
                if last:
                    raise

    def connect(self):
        """A connection for the test's own commands."""
        client = Client(self.address)
        if self.password:
            client("AUTH", self.password)
        try:
            client("CLIENT", "SETNAME", "test")
        except RedisError:
            pass
        return client

    def info(self, section="replication"):
        """INFO as a dictionary."""
        return parse_info(self("INFO", section))

    def role(self):
        """`master` or `slave`, as it says itself."""
        return self.info()["role"]

    def replicate(self, primary):
        """Make it a replica of another, or a primary (None)."""
        if primary is None:
            self("REPLICAOF", "NO", "ONE")
        else:
            self("REPLICAOF", primary.host, primary.port)

    def follows(self, primary):
        """Is it a replica of that one, with the link up?"""
        i = self.info()
        return i["role"] == "slave" and int(i["master_port"]) == primary.port \
            and i["master_link_status"] == "up"

    def calls(self, command, field="calls"):
        """How often a command ran (INFO commandstats)."""
        line = self.info("commandstats").get("cmdstat_" + command)
        if line is None:
            return 0
        return int(dict(f.split("=") for f in line.split(","))[field])

    def errors(self, prefix):
        """How often it answered with this error (INFO errorstats)."""
        line = self.info("errorstats").get("errorstat_" + prefix)
        return int(line.split("=")[1]) if line else 0

    def clients(self):
        """CLIENT LIST as dictionaries."""
        return [dict(w.split("=", 1) for w in line.split(" ") if "=" in w)
                for line in self("CLIENT", "LIST").splitlines() if line]

    def sessions(self):
        """Clients that are neither ours, nor checks, nor replication."""
        return [c for c in self.clients()
                if c["name"] not in ("test", "roleproxy-check")
                and not c["name"].startswith("sentinel-")
                and not set(c["flags"]) & set("SM")]

    def checks(self):
        """The check connections of roleproxies."""
        return [c for c in self.clients() if c["name"] == "roleproxy-check"]

    def kill(self):
        """kill -9."""
        self.child.kill()
        self.client = None

    def pause(self):
        """SIGSTOP."""
        self.child.pause()

    def resume(self):
        """SIGCONT."""
        self.child.resume()


class Group:
    """One primary and its replicas."""

    def __init__(self, lab, replicas=3, config=None, names="redis-%d"):
        self.primary = Redis(lab, names % 1, config=config)
        self.replicas = [Redis(lab, names % (i + 2), self.primary, config)
                         for i in range(replicas)]
        self.servers = [self.primary] + self.replicas
        self.wait_linked()

    def __getitem__(self, i):
        return self.servers[i]

    def wait_linked(self, primary=None, replicas=None):
        """Wait until these replicas follow that primary, links up."""
        primary = primary or self.primary
        for r in self.replicas if replicas is None else replicas:
            wait_for(lambda: r.follows(primary),
                     "%s following %s" % (r.name, primary.name), 20)

    def named(self, port):
        """The server that listens on this port."""
        return next(s for s in self.servers if s.port == port)

    def serving(self, client):
        """The name of the server that a client is relayed to."""
        return self.named(client.served_by()).name

    def fail_over(self, new):
        """Promote by hand and repoint the others that are alive; the old
        primary is left as it is."""
        old = self.primary
        new.replicate(None)
        others = [s for s in self.servers
                  if s not in (old, new) and s.child.running()]
        for s in others:
            s.replicate(new)
        self.primary, self.replicas = new, others


class Sentinels:
    """Sentinels that watch one group."""

    def __init__(self, lab, group, n=3, down_after=1000, master="mymaster"):
        self.lab, self.group, self.master = lab, group, master
        self.ports = [lab.ports.take() for _ in range(n)]
        self.children = []
        for i, port in enumerate(self.ports):
            self.start(i, port, n // 2 + 1, down_after)
        self.wait_known(n)

    def start(self, i, port, quorum, down_after):
        """Start one."""
        folder = os.path.join(self.lab.folder, "sentinel-%d" % (i + 1))
        os.makedirs(folder)
        path = os.path.join(folder, "sentinel.conf")
        p = self.group.primary
        lines = [
            "port %d" % port, "bind %s" % HOST, "dir %s" % folder,
            "protected-mode no",
            "sentinel monitor %s %s %d %d" % (self.master, p.host, p.port, quorum),
            "sentinel down-after-milliseconds %s %d" % (self.master, down_after),
            "sentinel failover-timeout %s 4000" % self.master,
            "sentinel parallel-syncs %s 3" % self.master,
        ]
        if p.password:
            lines.append("sentinel auth-pass %s %s" % (self.master, p.password))
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")
        self.children.append(self.lab.spawn(
            "sentinel-%d" % (i + 1), ["redis-server", path, "--sentinel"]))

    def ask(self, i, *args):
        """One command to one Sentinel."""
        with Client((HOST, self.ports[i])) as c:
            return c("SENTINEL", *args)

    def state(self, i):
        """SENTINEL MASTER as a dictionary."""
        flat = self.ask(i, "MASTER", self.master)
        return dict(zip(flat[::2], flat[1::2]))

    def wait_known(self, n):
        """Wait until they know each other and all replicas."""
        replicas = str(len(self.group.replicas))
        for i in range(n):
            wait_for(lambda: self.ready(i, n, replicas), "Sentinel %d" % (i + 1), 30)

    def ready(self, i, n, replicas):
        """Does this one know the others, and are its replicas linked?"""
        s = self.state(i)
        if (s["num-slaves"], s["num-other-sentinels"], s["flags"]) != \
                (replicas, str(n - 1), "master"):
            return False
        for flat in self.ask(i, "REPLICAS", self.master):
            r = dict(zip(flat[::2], flat[1::2]))
            if r["flags"] != "slave" or r["master-link-status"] != "ok":
                return False
        return True

    def named(self, i=0):
        """The server that a Sentinel names as the primary."""
        host, port = self.ask(i, "GET-MASTER-ADDR-BY-NAME", self.master)
        return self.group.named(int(port))

    def fail_over(self):
        """SENTINEL FAILOVER, and wait for its verdict."""
        old = self.named()
        wait_for(lambda: self.ask(0, "FAILOVER", self.master) == "OK",
                 "SENTINEL FAILOVER", 30)
        wait_for(lambda: self.named() is not old, "verdict", 30)
        return self.named()


# --- roleproxy --------------------------------------------------------------

def http_get(address, path, headers=None, timeout=10.0, method="GET"):
    """Status, headers (lower case) and body of one request."""
    c = http.client.HTTPConnection(*address, timeout=timeout * SLOW)
    try:
        c.request(method, path, headers=headers or {})
        r = c.getresponse()
        body = r.read().decode(errors="replace")
        return r.status, {k.lower(): v for k, v in r.getheaders()}, body
    finally:
        c.close()


def ini(sections):
    """The text of an INI file; keys may be written with `_`, a list is a
    repeated key."""
    out = []
    for name, keys in sections.items():
        if keys is None:
            continue
        out.append("[%s]" % name)
        for key, value in keys.items():
            if value is None:
                continue
            for v in value if isinstance(value, list) else [value]:
                out.append("%s = %s" % (key.replace("_", "-"), v))
        out.append("")
    return "\n".join(out)


def server_line(s):
    """A `server` value from a Redis, a (Redis, options) pair or a string."""
    if isinstance(s, str):
        return s
    s, options = s if isinstance(s, tuple) else (s, "")
    return ("%s %s:%d %s" % (s.name, s.host, s.port, options)).strip()


FRONTENDS = {"write": {"route": "primary"}, "read": {"route": "replica-preferred"}}


class Proxy:
    """A roleproxy with a configuration file that tests may change.

    self.conf is {"section": {"key": value}}; reload() writes it and sends HUP.
    """

    def __init__(self, lab, servers, frontends=None, backend=None, stats=None,
                 glob=None, name="roleproxy", start=True, args=(), **child):
        self.lab, self.name, self.child_options = lab, name, child
        self.path = os.path.join(lab.folder, name + ".ini")
        self.args = ["-f", self.path] + list(args)
        self.child = None
        self.expected_exit = 0
        self.ports = {}
        self.conf = {
            "global": {"workers": 2, "session-log": "all", **(glob or {})},
            "backend redis": {"server": [server_line(s) for s in servers],
                              **(backend or {})},
        }
        for key, f in (FRONTENDS if frontends is None else frontends).items():
            self.add_frontend(key, **f)
        self.conf["stats"] = {"bind": "%s:%d" % self.address("stats"), **(stats or {})}
        self.write()
        if start:
            self.start()

    def add_frontend(self, name, **keys):
        """A frontend section on a port of its own (unless bind is given)."""
        self.conf["frontend " + name] = {
            "bind": "%s:%d" % self.address(name), "backend": "redis", **keys}

    def address(self, name):
        """Where a frontend (or `stats`) listens."""
        if name not in self.ports:
            self.ports[name] = self.lab.ports.take()
        return (HOST, self.ports[name])

    def write(self, text=None):
        """Write the configuration file."""
        text = ini(self.conf) if text is None else text
        with open(self.path + ".new", "w") as f:
            f.write(text)
        os.rename(self.path + ".new", self.path)

    def start(self, wait=True):
        """Start it and wait until its first checks are done."""
        self.child = self.lab.spawn(
            self.name, RUN + [BINARY] + self.args, **self.child_options)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        """Wait for /readyz."""
        wait_for(lambda: self.get("/readyz") == 200, "/readyz", 15)

    def client(self, frontend="write", **options):
        """A Redis client of a frontend."""
        return Client(self.address(frontend), **options)

    def http(self, path, **options):
        """http_get() of the page's listener; that it has died is no reason to
        wait on."""
        try:
            return http_get(self.address("stats"), path, **options)
        except OSError:
            self.check_alive()
            raise

    def check_alive(self):
        """Fail if it has ended by itself."""
        assert not self.child or self.child.running(), "%s ended with %r: %s" % (
            self.name, self.child.popen.returncode, report_in(self.log()))

    def stats(self):
        """/stats.json."""
        status, _, body = self.http("/stats.json")
        equal(status, 200, "/stats.json")
        return json.loads(body)

    def page(self, path="/stats", **options):
        """The page's HTML."""
        status, _, body = self.http(path, **options)
        equal(status, 200, path)
        return body

    def get(self, path, **options):
        """The status of a path."""
        return self.http(path, **options)[0]

    def backend(self, name="redis"):
        """A backend in /stats.json."""
        return next(b for b in self.stats()["backends"] if b["name"] == name)

    def frontend(self, name):
        """A frontend in /stats.json."""
        return next(f for f in self.stats()["frontends"] if f["name"] == name)

    def server(self, name, backend="redis"):
        """A server in /stats.json."""
        name = getattr(name, "name", name)
        return next(s for s in self.backend(backend)["servers"]
                    if s["name"] == name)

    def writer(self):
        """The name of the writer, None if there is none."""
        return self.backend()["writer"] or None

    def wait_writer(self, server, timeout=10):
        """Wait until this server (None: nobody) is the writer."""
        name = getattr(server, "name", server)
        wait_for(lambda: self.writer() == name, "writer %s" % name, timeout)

    def is_up(self, server):
        """Is a server UP?"""
        return self.server(server)["status"].upper().startswith("UP")

    def wait_up(self, *servers):
        """Wait until these servers are UP."""
        for s in servers:
            wait_for(lambda: self.is_up(s), "%s UP" % getattr(s, "name", s))

    def wait_down(self, *servers):
        """Wait until these servers are not UP."""
        for s in servers:
            wait_for(lambda: not self.is_up(s), "%s DOWN" % getattr(s, "name", s))

    def log(self):
        """Its log so far."""
        return self.child.log()

    def wait_log(self, pattern, start=0, timeout=10):
        """Wait for a line that matches, after position start of the log."""
        def found():
            m = re.search(pattern, self.log()[start:], re.M)
            if not m:
                self.check_alive()
            return m
        return wait_for(found, "log line %r" % pattern, timeout)

    def hup(self):
        """SIGHUP, and wait until the log says how the reload went. Is the new
        configuration in use?"""
        start = len(self.log())
        self.child.signal(signal.SIGHUP)
        m = self.wait_log(r"reload failed|configuration \d+ is in use", start)
        return m.group(0) != "reload failed"

    def reload(self):
        """Write the configuration and reload it; it must be taken."""
        self.write()
        assert self.hup(), "reload failed"

    def stop(self, number=signal.SIGINT, timeout=10):
        """Send a signal and return the exit code."""
        if self.child.stopped:
            self.child.resume()
        self.child.signal(number)
        return self.child.wait(timeout)


def report_in(log):
    """What a sanitizer or valgrind said, "" if nothing."""
    m = SANITIZER_REPORT.search(log)
    return m.group(0) if m else ""


# --- one test's surroundings ------------------------------------------------

class Lab:
    """What one test has; everything in it ends with it."""

    def __init__(self, name):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="e2e-%s-" % name.split(".")[-1][:40])
        os.chmod(self.folder, 0o755)
        self.ports = Ports()
        self.all, self.proxies, self.closers = [], [], []

    def spawn(self, name, argv, **options):
        """Start a process that ends with the test."""
        child = Child(self, name, argv, **options)
        self.all.append(child)
        return child

    def redis(self, name="redis", **options):
        """A redis-server."""
        return Redis(self, name, **options)

    def group(self, replicas=3, **options):
        """A primary and replicas, linked."""
        return Group(self, replicas, **options)

    def sentinels(self, group, **options):
        """Three Sentinels that know each other and the group."""
        return Sentinels(self, group, **options)

    def proxy(self, servers=(), **options):
        """A roleproxy; servers is a Group or a list of server lines."""
        servers = servers.servers if isinstance(servers, Group) else servers
        p = Proxy(self, servers, **options)
        self.proxies.append(p)
        return p

    def run(self, *args, timeout=20, **options):
        """Run roleproxy to its end: exit code, stdout, stderr."""
        p = subprocess.run(RUN + [BINARY] + list(args), cwd=self.folder,
                           stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=timeout * SLOW, **options)
        return p.returncode, p.stdout.decode(errors="replace"), \
            p.stderr.decode(errors="replace")

    def file(self, name, text):
        """A file in the temporary folder; its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def writers(self, address, n=8, **options):
        """Clients that write unique keys until stopped."""
        w = Writers(address, n, **options)
        self.closers.append(w.stop)
        return w

    def dump(self, out=sys.stdout):
        """The end of every log and /stats.json, for a failed test."""
        for p in self.proxies:
            if p.child and p.child.running() and not p.child.stopped:
                try:
                    text = json.dumps(p.stats(), indent=1)
                except Exception as e:      # whatever: this is a help only
                    text = repr(e)
                out.write("--- %s /stats.json\n%s\n" % (p.name, text))
            elif p.child:
                out.write("--- %s: exit code %r\n" % (p.name, p.child.popen.poll()))
        for name, path in sorted({(c.name, c.log_path) for c in self.all}):
            with open(path, errors="replace") as f:
                lines = f.read().splitlines()
            n = 120 if "redis" not in name and "sentinel" not in name else 12
            out.write("--- %s (%d lines)\n%s\n" % (
                name, len(lines), "\n".join(lines[-n:])))

    def end_proxies(self):
        """Stop each roleproxy as an operator would; it must end well."""
        for p in self.proxies:
            if p.child is None:
                continue
            code = p.child.popen.poll()
            if code is None:
                code = p.stop()
            report = report_in(p.log())
            assert not report, "%s: %s" % (p.name, report)
            equal(code, p.expected_exit, "%s's exit code" % p.name)

    def close(self):
        """End everything that is left and remove the folder."""
        for f in self.closers:
            try:
                f()
            except Exception:
                pass
        for child in self.all:
            child.kill()
        kill_children()
        if os.environ.get("KEEP"):
            print("kept: " + self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


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
                time.sleep(0.005)

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
            time.sleep(self.pause)

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
            time.sleep(0.002)

    def stop(self):
        """End and return what went wrong."""
        self.ending.set()
        self.thread.join()
        return self.problems
