#!/usr/bin/env python3
"""Real redis-servers and Sentinels, and roleproxy, as a test drives them."""

import http.client
import json
import os
import re
import signal

import lib
from lib import HOST, Client, RedisError, SLOW, equal, parse_info, report_in, \
    wait_for


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
                if c["name"] not in ("test", "roleproxy-check", "roleproxy-link")
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

    def wait_in_step(self):
        """Wait until the replicas have what their primary has now. Redis sends one
        that was synchronised nothing until its next acknowledgement, which can take
        a second; who is promoted before that has nothing of what was written."""
        primary = next(s for s in self.servers if s.role() == "master")
        offset = int(primary.info()["master_repl_offset"])
        wait_for(lambda: all(int(s.info()["slave_repl_offset"]) >= offset
                             for s in self.servers if s is not primary),
                 "replicas in step", 10)

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
    """Sentinels that watch one group, or several under names of their own.

    config are lines for all of them (those about hosts must come first, so they
    do), user an ACL rule like `name on >password ...`, monitor what `sentinel
    monitor` is told as the primary's host, publish the ms between two hellos.
    """

    QUICK = {"publish-period": 100, "info-period": 200, "ask-period": 200}
    USUAL = {"publish-period": 2000, "info-period": 10000, "ask-period": 1000}

    def __init__(self, lab, group=None, n=3, down_after=1000, master="mymaster",
                 masters=None, config=(), password=None, user=None, monitor=None,
                 publish=2000):
        self.lab = lab
        self.groups = masters or {master: group}
        self.master, self.group = next(iter(self.groups.items()))
        self.password, self.monitor = password, monitor
        self.config = list(config)
        if user:
            self.config.append("user " + user)
        if password:
            self.config.append("requirepass " + password)
        self.ports = [lab.ports.take() for _ in range(n)]
        self.children = [None] * n
        for i in range(n):
            self.write_config(i, n // 2 + 1, down_after)
            self.start(i)
        self.wait_known(n)
        self.pace({**self.USUAL, "publish-period": publish})

    def folder(self, i):
        """Where one keeps its files."""
        return os.path.join(self.lab.folder, "sentinel-%d" % (i + 1))

    def write_config(self, i, quorum, down_after):
        """The configuration file of one."""
        os.makedirs(self.folder(i))
        lines = ["port %d" % self.ports[i], "bind %s" % HOST,
                 "dir %s" % self.folder(i), "protected-mode no"] + self.config
        for name, group in self.groups.items():
            p = group.primary
            lines += [
                "sentinel monitor %s %s %d %d" % (
                    name, self.monitor or p.host, p.port, quorum),
                "sentinel down-after-milliseconds %s %d" % (name, down_after),
                "sentinel failover-timeout %s 4000" % name,
                "sentinel parallel-syncs %s 3" % name,
            ]
            if p.password:
                lines.append("sentinel auth-pass %s %s" % (name, p.password))
        with open(os.path.join(self.folder(i), "sentinel.conf"), "w") as f:
            f.write("\n".join(lines) + "\n")

    def start(self, i):
        """Start one, with what it has written into its configuration file."""
        self.children[i] = self.lab.spawn("sentinel-%d" % (i + 1), [
            "redis-server", os.path.join(self.folder(i), "sentinel.conf"),
            "--sentinel"])

    def restart(self, i):
        """kill -9 and start again."""
        self.children[i].kill()
        self.start(i)
        wait_for(lambda: self.state(i), "Sentinel %d" % (i + 1))

    def command(self, i, *args):
        """One command, whichever, to one Sentinel."""
        with Client((HOST, self.ports[i])) as c:
            if self.password:
                c("AUTH", self.password)
            return c(*args)

    def ask(self, i, *args):
        """One SENTINEL command to one Sentinel."""
        return self.command(i, "SENTINEL", *args)

    def pace(self, periods):
        """How often those that run do what they do (not in every version)."""
        for i, child in enumerate(self.children):
            for name, ms in periods.items():
                try:
                    if child.running():
                        self.ask(i, "DEBUG", name, ms)
                except RedisError:
                    pass

    def line(self, i, host=HOST):
        """The `sentinel` value of a configuration for one of them."""
        return "%s:%d" % (host, self.ports[i])

    def state(self, i, name=None):
        """SENTINEL MASTER as a dictionary."""
        flat = self.ask(i, "MASTER", name or self.master)
        return dict(zip(flat[::2], flat[1::2]))

    def wait_known(self, n):
        """Wait until they know each other and all replicas."""
        for i in range(n):
            wait_for(lambda: self.command(i, "PING"), "Sentinel %d" % (i + 1))
        self.pace(self.QUICK)
        for i in range(n):
            for name in self.groups:
                wait_for(lambda: self.ready(i, n, name),
                         "Sentinel %d" % (i + 1), 30)

    def ready(self, i, n, name=None):
        """Does this one know the others, and are its replicas linked?"""
        name = name or self.master
        s = self.state(i, name)
        if (s["num-slaves"], s["num-other-sentinels"], s["flags"]) != (
                str(len(self.groups[name].replicas)), str(n - 1), "master"):
            return False
        for flat in self.ask(i, "REPLICAS", name):
            r = dict(zip(flat[::2], flat[1::2]))
            if r["flags"] != "slave" or r["master-link-status"] != "ok":
                return False
        return True

    def named(self, i=0, name=None):
        """The server that a Sentinel names as the primary."""
        name = name or self.master
        host, port = self.ask(i, "GET-MASTER-ADDR-BY-NAME", name)
        return self.groups[name].named(int(port))

    def fail_over(self, i=0, name=None):
        """SENTINEL FAILOVER, and wait for its verdict."""
        old = self.named(i, name)
        wait_for(lambda: self.ask(i, "FAILOVER", name or self.master) == "OK",
                 "SENTINEL FAILOVER", 30)
        wait_for(lambda: self.named(i, name) is not old, "verdict", 30)
        return self.named(i, name)


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
            self.name, lib.RUN + [lib.BINARY] + self.args, **self.child_options)
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

    def wait_readable(self, *servers):
        """Wait until these servers are fit for reads, and a moment more, so that
        the workers have heard of it."""
        for s in servers:
            wait_for(lambda: self.server(s)["readable"], "%s fit for reads" % s.name)
        lib.stays(lambda: True, "", 0.1)

    def wait_down(self, *servers):
        """Wait until these servers are not UP."""
        for s in servers:
            wait_for(lambda: not self.is_up(s), "%s DOWN" % getattr(s, "name", s))

    def sentinels(self, backend="redis"):
        """The Sentinels of a backend in /stats.json."""
        return [s for s in self.stats()["sentinels"] if s["backend"] == backend]

    def wait_sentinels(self, n=3, backend="redis"):
        """Wait until so many Sentinels answer and agree."""
        wait_for(lambda: [s["answers"] for s in self.sentinels(backend)] ==
                 [True] * n and self.backend(backend)["sentinels_agree"] == n,
                 "%d Sentinels" % n)

    def decisions(self, backend="redis"):
        """What changed, newest first."""
        return [d for d in self.stats()["decisions"] if d["backend"] == backend]

    def ctl(self, *words):
        """roleproxy ctl: exit code, stdout, stderr."""
        return self.lab.run("ctl", "-s", self.conf["global"]["control-socket"],
                            *words)

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
