#!/usr/bin/env python3
"""The image and the compose stack, with Docker: what an operator sees who only
changes the image. Prints a line for each check, "N passed, N failed" at the end.

usage: run.py [--keep]      (--keep leaves the stack running)

The images are made from BASE, or debian:12-slim where that is there, or else a
system that debootstrap makes, kept in /var/tmp. What Docker has built is kept,
too: the first run takes some minutes, others less than one.
"""

import base64
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import lib  # noqa: E402
from lib import Client, equal, wait_for  # noqa: E402
from servers import http_get  # noqa: E402

ROOT = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
COMPOSE = os.path.join(ROOT, "deploy", "compose")
OWN_BASE = "roleproxy-test/base:bookworm"
CACHE = "/var/tmp/roleproxy-docker"
IMAGE_MAX = 25 << 20        # bytes above the base
PASSWORD = "password1234"
PROJECT = "roleproxytest"
IMAGE = "roleproxy:test"
SEEDS = os.path.join(ROOT, "..", "shared", "seeds", "004_*.txt")
HOST = "127.0.0.1"
AUTH = {"Authorization": "Basic " + base64.b64encode(b"admin:admin123").decode()}
CFG = "/usr/local/etc/haproxy/haproxy.cfg"


def sh(*argv, timeout=60, check=True, **options):
    """Run a command; its output, stderr too."""
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=timeout, **options)
    out = p.stdout.decode(errors="replace")
    if check and p.returncode != 0:
        raise AssertionError("%s: exit code %d\n%s" % (
            " ".join(argv), p.returncode, out[-3000:]))
    return out if check else (p.returncode, out)


def docker(*argv, **options):
    """docker with these words."""
    return sh("docker", *argv, **options)


def has_image(name):
    """Is there an image of that name?"""
    return docker("image", "inspect", name, check=False)[0] == 0


def choose_base():
    """An image to build from, made if need be; None if none can be."""
    if os.environ.get("BASE"):
        return os.environ["BASE"]
    for name in ("debian:12-slim", OWN_BASE):
        if has_image(name):
            return name
    tar = os.path.join(CACHE, "base.tar")
    if not os.path.exists(tar):
        if not shutil.which("debootstrap") or os.getuid() != 0:
            return None
        root = os.path.join(CACHE, "root")
        shutil.rmtree(root, ignore_errors=True)
        os.makedirs(CACHE, exist_ok=True)
        if sh("debootstrap", "--variant=minbase", "bookworm", root,
              "http://deb.debian.org/debian", timeout=300, check=False)[0] != 0:
            return None
        sh("tar", "-C", root, "--exclude=./var/cache/apt/archives/*.deb",
           "--exclude=./var/lib/apt/lists/*_*", "-cf", tar + ".new", ".")
        os.rename(tar + ".new", tar)
        shutil.rmtree(root)
    docker("import", tar, OWN_BASE)
    return OWN_BASE


class Stack:
    """The compose project, with a haproxy.cfg or its own configuration."""

    def __init__(self, base, cfg):
        self.env = {**os.environ, "BASE": base, "HAPROXY_CFG": cfg, "TAG": "test",
                    "COMPOSE_HTTP_TIMEOUT": "120"}
        self.files = ["docker-compose.yml"]
        self.page, self.write, self.read = (
            (HOST, self.port(*p)) for p in (("PAGE_PORT", 9777),
                                            ("WRITE_PORT", 9000), ("READ_PORT", 5001)))

    def port(self, variable, port):
        """The seed's port if nobody has it, else a free one."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                probe.bind(("", 0))
            self.env[variable] = str(probe.getsockname()[1])
        return int(self.env[variable])

    def __call__(self, *argv, **options):
        """docker-compose with these words."""
        files = [w for f in self.files for w in ("-f", f)]
        return sh("docker-compose", "--ansi", "never", "-p", PROJECT, *files, *argv,
                  cwd=COMPOSE, env=self.env, **options)

    def name(self, service):
        """A service's container."""
        return "%s_%s_1" % (PROJECT, service)

    def inspect(self, service):
        """What Docker says of a service's container."""
        return json.loads(docker("inspect", self.name(service)))[0]

    def address(self, service):
        """Its address in the stack's network."""
        nets = self.inspect(service)["NetworkSettings"]["Networks"]
        return next(iter(nets.values()))["IPAddress"]

    def redis(self, service):
        """A client of a Redis, past the proxy."""
        return client((self.address(service), 6379))

    def log(self):
        """The proxy's log, as an operator reads it."""
        return self("logs", "--no-color", "haproxy")

    def healthy(self):
        """Does the image's own check say that all is well?"""
        return self.inspect("haproxy")["State"]["Health"]["Status"] == "healthy"


def client(address, timeout=20):
    """A client that has given its password."""
    c = Client(address, timeout)
    equal(c("AUTH", PASSWORD), "OK")
    return c


def patient(question):
    """The same question; that nobody answers yet is a no."""
    def ask():
        try:
            return question()
        except (OSError, AssertionError, lib.RedisError):
            return False
    return ask


class Writers(lib.Writers):
    """Those that give their password first."""

    def write(self, c, keys):
        """As without."""
        try:
            c("AUTH", PASSWORD)
        except lib.RedisError as e:
            raise OSError(str(e)) from e
        super().write(c, keys)


def seed_cfg(folder):
    """The seed's haproxy.cfg, byte for byte, or our own like it; its path, and
    whether it is the seed's."""
    for path in glob.glob(SEEDS):
        with open(path) as f:
            found = re.search(r"```yaml\n(global\n.*?)```", f.read(), re.S)
        if found:
            out = os.path.join(folder, "haproxy.cfg")
            with open(out, "w") as f:
                f.write(found.group(1))
            os.chmod(out, 0o644)
            return out, True
    return os.path.join(COMPOSE, "haproxy.cfg"), False


# --- the checks, in their order -----------------------------------------------

def check_image(s):
    """Small, not root, checked, with HAProxy's names."""
    image = json.loads(docker("image", "inspect", IMAGE))[0]
    base = json.loads(docker("image", "inspect", s.env["BASE"]))[0]
    added = image["Size"] - base["Size"]
    print("     %.1f MB above its base" % (added / 1e6))
    assert added < IMAGE_MAX, added
    assert image["Config"]["User"] == "99:99" and image["Config"]["Healthcheck"]
    equal(sorted(image["Config"]["ExposedPorts"]), ["5001/tcp", "8404/tcp", "9000/tcp"])
    out = docker("run", "--rm", "--entrypoint", "sh", IMAGE, "-c",
                 "id; haproxy -v; ls /usr/local/etc/haproxy /etc/roleproxy")
    assert "uid=99(haproxy) gid=99(haproxy)" in out and "HAProxy version" in out, out
    assert ".cfg" not in out and ".ini" not in out, out


def check_words(s):
    """docker run IMAGE with nothing, flags, `haproxy` first, a URL."""
    mount = ["-v", s.env["HAPROXY_CFG"] + ":" + CFG]
    for words in (["-c", "-f", CFG], ["haproxy", "-c", "-f", CFG], ["-c"]):
        out = docker("run", "--rm", *mount, IMAGE, *words)
        assert "Configuration file is valid" in out, out
    for words, what in (([], "redis://127.0.0.1:6379"),
                        (["redis://:x@127.0.0.1:7"], "redis://127.0.0.1:7")):
        name = docker("run", "-d", IMAGE, *words).strip()
        try:
            wait_for(lambda: what in docker("logs", name), "first line of the log")
        finally:
            docker("rm", "-f", name)


def check_haproxy_refuses(s):
    """HAProxy 2.6 does not take that very file; we do."""
    if not shutil.which("haproxy"):
        raise lib.Skip("no haproxy")
    code, out = sh("haproxy", "-c", "-f", s.env["HAPROXY_CFG"], check=False)
    assert code == 1 and "timer overflow in argument '365d'" in out, out


def check_start(s):
    """It starts, routes writes and reads, and is healthy."""
    s("up", "-d", timeout=120)
    wait_for(s.healthy, "healthy", 40)
    with client(s.write) as c:
        equal(c("SET", "a", "1"), "OK")
        assert c("ROLE")[0] == "master"
    wait_for(patient(lambda: all(s.redis("slave-%d" % i)("GET", "a") == "1"
                                 for i in (1, 2, 3))), "replicas")
    with client(s.read) as c:
        assert c("ROLE")[0] == "slave"
        equal(c("GET", "a"), "1")
    wait_for(lambda: "3 replicas" in s.sentinel_text(), "Sentinels", 30)


def check_page(s):
    """The page at its port and URI, with user, password and realm."""
    status, headers, _ = http_get(s.page, "/haproxy_stats")
    equal(status, 401)
    equal(headers["www-authenticate"], 'Basic realm="Haproxy Statistics"')
    status, _, body = http_get(s.page, "/haproxy_stats", AUTH)
    equal(status, 200)
    assert "redis-slave-3" in body
    status, _, body = http_get(s.page, "/haproxy_stats;csv", AUTH)
    assert status == 200 and body.startswith("# pxname,svname,"), body[:200]
    equal(csv_status(body, "redis-master"), {"UP", "DOWN"}, body)


def csv_status(text, server):
    """The states that the CSV has of a server, in its backends."""
    rows = [line.split(",") for line in text.splitlines()[1:]]
    return {r[17].split()[0] for r in rows if len(r) > 17 and r[1] == server}


def check_log(s):
    """docker-compose logs haproxy | grep "Health check" shows the checks."""
    lines = [line for line in s.log().splitlines() if "Health check" in line]
    assert any("redis-master" in line for line in lines), s.log()


def check_stop_master(s):
    """The master is stopped: writes resume. Its container returns with another
    address and becomes a replica that is read from."""
    before = s.address("master")
    w = Writers(s.write, 4, timeout=30)
    try:
        w.wait_more(100)
        s("stop", "-t", "5", "master")
        stopped = time.monotonic()
        w.wait_more(200, 40)
        print("     writes resumed: gap of %.1f s" % w.gap())
        assert time.monotonic() - stopped < 40
    finally:
        w.stop()
    docker("run", "-d", "--rm", "--name", PROJECT + "_squatter", "--network",
           PROJECT + "_redis_network", "--entrypoint", "sleep", "roleproxy-redis:test",
           "300")
    try:
        s("start", "master")
        assert s.address("master") != before, "the same address"

        def is_replica():
            with s.redis("master") as c:
                role = c("ROLE")
            return role[0] == "slave" and role[3] == "connected"

        wait_for(patient(is_replica), "master is a replica", 40)
        address = s.address("master")
        wait_for(lambda: re.search(r"redis-master +%s:6379 +UP +replica" % address,
                                   s.status()), "UP as a replica there", 20)
    finally:
        docker("rm", "-f", PROJECT + "_squatter")


def check_planned_failover(s):
    """SENTINEL FAILOVER under load loses no acknowledged write."""
    for _ in range(2):
        s.wait_replicas()
        w = Writers(s.write, 8, timeout=30)
        try:
            w.wait_more(300)
            old = s.primary()
            wait_for(patient(lambda: s.sentinel("FAILOVER", "mymaster") == "OK"),
                     "SENTINEL FAILOVER", 30)
            wait_for(lambda: s.primary() not in (old, None), "another primary", 30)
            w.wait_more(300)
        finally:
            w.stop()
        with s.redis(s.primary()) as c:
            lost = [k for k in w.acked if c("EXISTS", k) != 1]
        print("     %d acknowledged, %d lost, gap of %.0f ms" % (
            w.count(), len(lost), w.gap() * 1000))
        equal(len(lost), 0, "lost")
        with client(s.write) as c:
            c("FLUSHALL")


def check_native(s):
    """The same with roleproxy.ini; ctl in the container."""
    s.files.append("native.yml")
    s("up", "-d", "--no-deps", "haproxy", timeout=60)
    wait_for(s.healthy, "healthy", 30)
    with client(s.write) as c:
        equal(c("SET", "native", "1"), "OK")
    with client(s.read) as c:
        assert c("ROLE")[0] == "slave"
    equal(http_get(s.page, "/haproxy_stats", AUTH)[0], 200)
    # The old primary of the failover before says so until the Sentinels tell it.
    wait_for(lambda: s("exec", "-T", "haproxy", "roleproxy", "ctl", "check",
                       check=False)[1].startswith("OK: "), "all well", 40)


def check_end(s):
    """docker-compose stop does not have to kill it."""
    start = time.monotonic()
    s("stop", "-t", "10", "haproxy")
    assert time.monotonic() - start < 8
    equal(s.inspect("haproxy")["State"]["ExitCode"], 0)


class Checked(Stack):
    """The stack and what its Sentinels say."""

    def sentinel(self, *words):
        """One SENTINEL command to the first."""
        with Client((self.address("sentinel-1"), 26379)) as c:
            return c("SENTINEL", *words)

    def sentinel_text(self):
        """What it knows, in a few words."""
        fields = self.sentinel("MASTER", "mymaster")
        d = dict(zip(fields[::2], fields[1::2]))
        return "%s replicas, %s others" % (d["num-slaves"], d["num-other-sentinels"])

    def primary(self):
        """The service that is the primary, as the Sentinels say."""
        return self.sentinel("GET-MASTER-ADDR-BY-NAME", "mymaster")[0]

    def wait_replicas(self):
        """Wait until the primary has three replicas that keep up."""
        def three():
            with self.redis(self.primary()) as c:
                return c("INFO", "replication").count("state=online") == 3
        wait_for(patient(three), "three replicas", 60)
        wait_for(patient(lambda: self.sentinel("CKQUORUM", "mymaster")), "quorum", 10)

    def status(self):
        """roleproxy ctl status."""
        return self("exec", "-T", "haproxy", "roleproxy", "ctl", "status")


CHECKS = [check_haproxy_refuses, check_image, check_words, check_start, check_page,
          check_log, check_stop_master, check_planned_failover, check_native, check_end]


def run_checks(s):
    """All of them; what came of them."""
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    for check in CHECKS:
        start = time.monotonic()
        try:
            check(s)
            word, more = "ok", ""
        except lib.Skip as e:
            word, more = "skip", " (%s)" % e
        except Exception:
            word, more = "FAIL", "\n" + traceback.format_exc()
        counts[word] += 1
        print("%-4s %6.1f s  docker.%s%s" % (
            word, time.monotonic() - start, check.__name__, more), flush=True)
        if word == "FAIL":
            print("\n".join(s("logs", "--no-color", "--tail", "60", "haproxy",
                              check=False)[1].splitlines()))
    return counts


def skip(why):
    """This cannot run here."""
    print("skipped: " + why)
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)


def main():
    if not shutil.which("docker") or not shutil.which("docker-compose"):
        skip("no Docker")
    if docker("info", check=False)[0] != 0:
        skip("Docker does not run")
    start = time.monotonic()
    base = choose_base()
    if base is None:
        skip("nothing to build images from, and debootstrap makes nothing")
    os.makedirs(CACHE, exist_ok=True)
    cfg, is_seed = seed_cfg(CACHE)
    s = Checked(base, cfg)
    print("with %s" % ("the seed's haproxy.cfg" if is_seed else cfg))
    s("down", "-t", "1", check=False)
    try:
        s("build", "master", "haproxy", timeout=600)
        print("images after %.0f s" % (time.monotonic() - start), flush=True)
        counts = run_checks(s)
    finally:
        if "--keep" not in sys.argv:
            s("down", "-t", "1", "-v", check=False)
    print("%.0f s in total" % (time.monotonic() - start))
    print("%d passed, %d failed, %d skipped" % (
        counts["ok"], counts["FAIL"], counts["skip"]))
    sys.exit(counts["FAIL"] != 0)


if __name__ == "__main__":
    main()
