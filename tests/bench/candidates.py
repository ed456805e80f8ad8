#!/usr/bin/env python3
"""The candidates: how each proxy is configured, started, watched and ended.
They stand before the same Redis, log each session to a syslog of their own, and
run in a session (setsid) of their own.
"""

import glob
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BINARY = os.path.abspath(os.environ.get("ROLEPROXY", os.path.join(ROOT, "roleproxy")))
NGINX_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
NAMES = ["roleproxy", "roleproxy-2", "haproxy-1", "haproxy", "nginx", "direct"]
MAXCONN = 6000
CLIENT_PORTS = 12000    # the first of them, where that is ours to say
SIZES = [3, 1024, 16384, 262144]    # the values in Redis: key k3, k1024, ...

ROLEPROXY = """
[global]
workers = {workers}
maxconn = {maxconn}
log = syslog:127.0.0.1:{syslog}
session-log = all
[stats]
bind = 127.0.0.1:{page}
"""
ROLEPROXY_BACKEND = """
[backend {name}]
server-timeout = 1h
{servers}
"""
ROLEPROXY_FRONTEND = """
[frontend {name}]
bind = 127.0.0.1:{port}
backend = {backend}
route = {route}
client-timeout = 1h
"""
HAPROXY = """
global
  log 127.0.0.1:{syslog} local2
  maxconn {maxconn}
  {threads}
defaults
  mode tcp
  log global
  option tcplog
  timeout connect 5s
  timeout server 1h
  timeout client 1h
  timeout tunnel 24d
"""
HAPROXY_PROXY = """
frontend ft_{name}
  bind 127.0.0.1:{port}
  default_backend bk_{name}
backend bk_{name}
  balance leastconn
  option tcp-check
  tcp-check send PING\\r\\n
  tcp-check expect string +PONG
  tcp-check send info\\ replication\\r\\n
  tcp-check expect string role:{role}
  tcp-check send QUIT\\r\\n
  tcp-check expect string +OK
{servers}
"""
NGINX = """
{module}
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {path}.pid;
error_log {path}.err;
events {{ worker_connections {files}; }}
stream {{
  log_format session '$remote_addr:$remote_port [$time_local] $upstream_addr $status '
    '$upstream_connect_time $session_time $bytes_sent $bytes_received';
  access_log syslog:server=127.0.0.1:{syslog},nohostname session;
  proxy_connect_timeout 5s;
  proxy_timeout 1h;
{servers}
}}
"""
NGINX_SERVER = """
  upstream {name} {{ least_conn; {servers} }}
  server {{ listen 127.0.0.1:{port}; proxy_pass {name}; }}
"""


def missing(names):
    """Why these candidates cannot run here; empty if they can."""
    out = []
    for program in ("redis-server", "redis-benchmark", "redis-cli"):
        if shutil.which(program) is None:
            out.append("no %s" % program)
    if any(n.startswith("roleproxy") for n in names) and not os.access(BINARY, os.X_OK):
        out.append("no %s: run make first" % BINARY)
    if any(n.startswith("haproxy") for n in names) and shutil.which("haproxy") is None:
        out.append("no haproxy")
    if "nginx" in names:
        if shutil.which("nginx") is None:
            out.append("no nginx")
        elif not os.path.exists(NGINX_MODULE) and "--with-stream " not in version("nginx", "-V"):
            out.append("nginx has no stream module (libnginx-mod-stream)")
    return out


def version(*argv):
    """What a program says of its version."""
    try:
        return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True).stdout + " "
    except OSError:
        return ""


def free_port(kind=socket.SOCK_STREAM):
    """A port that was free a moment ago, below those that clients get, as the
    many connections of a run would take it before its server does."""
    while True:
        port = 10000 + int.from_bytes(os.urandom(2), "big") % (CLIENT_PORTS - 10000)
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def ask(port, command=b"PING"):
    """One inline command, the first bytes of the answer; None without one."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(command + b"\r\n")
            return s.recv(65536)
    except OSError:
        return None


def pings(port):
    """Does a PING through this port come back?"""
    return ask(port) == b"+PONG\r\n"


def wait_for(condition, what, seconds=10):
    """Poll until it is true, ten seconds at most."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit("bench: no %s within %d s" % (what, seconds))
        time.sleep(0.02)


class Syslog:
    """A syslog daemon that reads and counts lines, and does nothing with them."""

    def __init__(self):
        self.lines = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        """Until an empty datagram comes."""
        buf = bytearray(4096)
        while self.socket.recv_into(buf) > 0:
            self.lines += 1

    def close(self):
        """End the reader."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()


class Server:
    """A process in a session of its own, with its children."""

    def __init__(self, name, argv, ports, folder, syslog=None):
        self.name, self.ports, self.syslog = name, ports, syslog
        self.log_path = os.path.join(folder, "%s-%d.log" % (name, ports["write"]))
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, start_new_session=True)

    def wait(self):
        """Until it answers on all ports."""
        try:
            for port in self.ports.values():
                wait_for(lambda p=port: self.popen.poll() is not None or pings(p),
                         "answer from " + self.name)
            if self.popen.poll() is not None:
                sys.exit("bench: %s ended with %d" % (self.name, self.popen.returncode))
        except SystemExit:
            with open(self.log_path, errors="replace") as f:
                print(f.read()[-2000:], file=sys.stderr)
            raise

    def pids(self):
        """Its own and those of its children (nginx has a worker)."""
        out = [self.popen.pid]
        for path in glob.glob("/proc/%d/task/*/children" % self.popen.pid):
            with open(path) as f:
                out += [int(pid) for pid in f.read().split()]
        return out

    def cpu(self):
        """Nanoseconds on a CPU so far, all threads."""
        total = 0
        for pid in self.pids():
            for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
                with open(path) as f:
                    total += int(f.read().split()[0])
        return total

    def resident(self):
        """Resident bytes; what a process shares with its children counts once."""
        total = 0
        for i, pid in enumerate(reversed(self.pids())):
            with open("/proc/%d/smaps_rollup" % pid) as f:
                text = f.read()
            fields = ("Rss",) if i == 0 else ("Private_Clean", "Private_Dirty")
            total += sum(int(re.search(r"^%s:\s+(\d+) kB" % field, text, re.M).group(1))
                         for field in fields) * 1024
        return total

    def end(self):
        """End it and its children at once."""
        for pid in reversed(self.pids()):
            os.kill(pid, 9)
        self.popen.wait()
        if self.syslog is not None:
            self.syslog.close()


class Direct:
    """No proxy at all: the ports of Redis itself."""

    syslog = None

    def __init__(self, ports):
        self.name, self.ports = "direct", ports

    def cpu(self):
        """Nothing stands between, nothing to measure."""

    def wait(self):
        """Redis is there."""


class Plan:
    """What a proxy is to stand before, all on loopback: a Redis that takes
    writes; HOST:PORT of its replicas, if they are to be read from; a second
    Redis for bulk transfers, if there is to be one."""

    def __init__(self, redis, replicas=(), bulk=None, maxconn=MAXCONN):
        self.redis, self.replicas, self.bulk, self.maxconn = redis, replicas, bulk, maxconn

    def proxies(self):
        """(name, backend, role, servers) for each frontend."""
        servers = ["127.0.0.1:%d" % self.redis, *self.replicas]
        yield "write", "redis", "master", servers
        if self.replicas:
            yield "read", "redis", "slave", servers
        if self.bulk is not None:
            yield "bulk", "bulk", "master", ["127.0.0.1:%d" % self.bulk]


def roleproxy_text(plan, ports, syslog, workers):
    """roleproxy.ini."""
    out = ROLEPROXY.format(workers=workers, maxconn=plan.maxconn, syslog=syslog, page=free_port())
    backends = {backend: servers for _, backend, _, servers in plan.proxies()}
    for name, servers in backends.items():
        out += ROLEPROXY_BACKEND.format(name=name, servers="\n".join(
            "server = s%d %s" % pair for pair in enumerate(servers)))
    for name, backend, role, _ in plan.proxies():
        out += ROLEPROXY_FRONTEND.format(
            name=name, port=ports[name], backend=backend,
            route="primary" if role == "master" else "replica")
    return out


def haproxy_text(plan, ports, syslog, threads):
    """haproxy.cfg."""
    out = HAPROXY.format(syslog=syslog, maxconn=plan.maxconn,
                         threads="nbthread %d" % threads if threads else "")
    for name, _, role, servers in plan.proxies():
        out += HAPROXY_PROXY.format(name=name, port=ports[name], role=role, servers="\n".join(
            "  server s%d %s check inter 1s" % pair for pair in enumerate(servers)))
    return out


def nginx_text(plan, ports, syslog, path):
    """nginx.conf. It knows no roles: it is told who takes the writes."""
    text = ""
    for name, _, role, servers in plan.proxies():
        chosen = servers[:1] if role == "master" else servers[1:]
        text += NGINX_SERVER.format(name=name, port=ports[name], servers=" ".join(
            "server %s;" % s for s in chosen))
    return NGINX.format(
        module="load_module %s;" % NGINX_MODULE if os.path.exists(NGINX_MODULE) else "",
        files=2 * plan.maxconn + 100, path=path, syslog=syslog, servers=text)


class Stage:
    """The surroundings: a folder, and all that was started."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="roleproxy-bench.")
        os.chmod(self.folder, 0o755)    # a proxy that gives up root reads it
        self.servers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while self.servers:
            self.end(self.servers[0])
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, server):
        """Remember to end it, wait until it answers."""
        self.servers.append(server)
        server.wait()
        return server

    def end(self, server):
        """End one."""
        self.servers.remove(server)
        if not isinstance(server, Direct):
            server.end()

    def redis(self, primary=None):
        """A Redis with the values in it, or an empty replica that listens on all
        of 127.0.0.0/8 (protected mode lets in nobody else); returns its port."""
        port = free_port()
        argv = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no",
                "--maxclients", "30000", "--dir", self.folder, "--repl-diskless-sync-delay", "0"]
        argv += (["--bind", "127.0.0.1", "--protected-mode", "no"] if primary is None else
                 ["--bind", "0.0.0.0", "--replicaof", "127.0.0.1 %d" % primary])
        self.start(Server("redis", argv, {"write": port}, self.folder))
        if primary is not None:
            return port
        for size in SIZES:
            subprocess.run(["redis-cli", "-p", str(port), "-x", "SET", "k%d" % size],
                           input=b"x" * size, check=True, stdout=subprocess.DEVNULL)
        return port

    def replicas(self, primary, n):
        """The ports of some replicas, linked."""
        ports = [self.redis(primary) for _ in range(n)]
        for port in ports:
            wait_for(lambda p=port: b"master_link_status:up" in (
                ask(p, b"INFO replication") or b""), "replica that is linked")
        return ports

    def proxy(self, name, plan):
        """Start a candidate before a Redis."""
        if name == "direct":
            ports = {"write": plan.redis}
            if plan.bulk is not None:
                ports["bulk"] = plan.bulk
            return self.start(Direct(ports))
        ports = {proxy[0]: free_port() for proxy in plan.proxies()}
        path = os.path.join(self.folder, "%s-%d.conf" % (name, ports["write"]))
        syslog = Syslog()
        if name.startswith("roleproxy"):
            text = roleproxy_text(plan, ports, syslog.port, 2 if name == "roleproxy-2" else 1)
            argv = [BINARY, "-f", path]
        elif name.startswith("haproxy"):
            text = haproxy_text(plan, ports, syslog.port, 1 if name == "haproxy-1" else None)
            argv = ["haproxy", "-db", "-f", path]
        else:
            text = nginx_text(plan, ports, syslog.port, path)
            argv = ["nginx", "-p", self.folder, "-e", path + ".err", "-c", path]
        with open(path, "w") as f:
            f.write(text)
        return self.start(Server(name, argv, ports, self.folder, syslog))
