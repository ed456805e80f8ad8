#!/usr/bin/env python3
"""HAProxy's command line, taking over from an older process, user and group."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import threading

import lib
from lib import HOST, Client, equal, short, wait_for
from servers import ini
from test_life import alive

CFG = """\
defaults
  mode tcp
  timeout client 1m
  timeout server 1m
  timeout connect 5s
frontend write
  bind %s:%d
  default_backend redis
backend redis
  server a %s:%d
"""


@short
def test_flags(t):
    """HAProxy's flags, alone and joined, and what is none."""
    r = t.redis()
    p = t.proxy([r], start=False)
    for args in (["haproxy", "-c", "-f", p.path], ["-cq", "-f" + p.path],
                 ["-c", "--", p.path], ["-W", "-db", "-c", "-f", p.path],
                 ["-Ws", "-dr", "-dM0x50", "-dKall", "-c", "-f", p.path],
                 ["-c", "-f", p.path, "-sf", "1", "2", "-q"],
                 ["-c", "-sf", "", "-f", p.path], ["-c", "-f", p.path, "-st"],
                 ["-m", "7", "-L", "peer", "-S", "x", "-x", "/nope", "-c", "-f", p.path],
                 ["-C", t.folder, "-c", "-f", os.path.basename(p.path)]):
        code, out, err = t.run(*args)
        equal((code, err), (0, ""), args)
        equal("valid" in out, not {"-q", "-cq"} & set(args), args)
    for args in (["-dZ"], ["-Z"], ["-cZ"], ["-"], ["--"], ["-p"], ["-sf", "x"],
                 ["-sf", "0"], ["-n", "x"], ["-n"], ["-C", "/nope", "-c"]):
        if args != ["--"]:
            equal(t.run(*args)[0], 1, args)
    for condition, code in (("version_atleast(2.6)", 0), ("version_atleast(9)", 1),
                            ("nonsense", 2)):
        equal(t.run("-cc", condition)[0], code, condition)
    code, out, _ = t.run("haproxy", "-v")
    assert code == 0 and re.match(r"HAProxy version 2\.6\.\d+.*roleproxy", out), out


# Files, and what is said of them that does not depend on anyone's wording.
CFGS = {
    "good.cfg": CFG % (HOST, 9, HOST, 9),
    "warned.cfg": (CFG % (HOST, 9, HOST, 9)).replace("  timeout client 1m\n", ""),
    "idle.cfg": "defaults\n  mode tcp\n",
    "empty.cfg": "",
    "bad.cfg": CFG % (HOST, 9, HOST, 9) + "  nonsense\nfrontend x\n  mode nonsense\n",
}
CLOSING = re.compile(r"Error\(s\) found|Fatal errors|No enabled listener|Cannot open|"
                     r"'zero-warning'|change to directory|unparsable conditional")


def said(code, out, err):
    """What is left when the wording of problems and versions is not looked at."""
    lines = [re.sub(r"\(\d+\)", "(pid)", line) for line in err.splitlines()]
    kinds = {line.split()[0] for line in lines if line.startswith("[")}
    return code, out, kinds, [line for line in lines if CLOSING.search(line)]


def test_words_as_haproxy(t):
    """-c and a start that fails: exit codes, stdout and HAProxy's closing lines,
    beside HAProxy itself."""
    if not shutil.which("haproxy"):
        raise lib.Skip("no haproxy")
    for name, text in CFGS.items():
        t.file(name, text)
    folder = os.path.join(t.folder, "conf.d")
    os.mkdir(folder)
    t.file("conf.d/a.cfg", CFGS["good.cfg"])
    for args in [[*flags, "-f", name] for name in [*CFGS, "nope.cfg", "conf.d"]
                 for flags in (["-c"], ["-c", "-q"], ["-c", "-q", "-V"], ["-c", "-dW"])] \
            + [["-f", "idle.cfg"], ["-f", "bad.cfg"], ["-f", "nope.cfg"],
               ["-c", "-f", "good.cfg", "-f", "bad.cfg"], ["-c", "--", "good.cfg"],
               ["-C", "/nope", "-c", "-f", "good.cfg"], ["-C", "conf.d", "-c", "-f", "a.cfg"],
               ["-cc", "1"], ["-cc", "0"], ["-cc", "nonsense"],
               ["-c", "-f", "good.cfg", "-sf", "1", "2"], ["-c", "-f"], ["-c", "-Z"]]:
        theirs = subprocess.run(["haproxy", *args], cwd=t.folder, capture_output=True,
                                text=True, timeout=20)
        ours = t.run("haproxy", *args)
        if args[-1] in ("-f", "-Z"):        # their usage goes to stdout
            equal(ours[0], theirs.returncode, args)
            continue
        equal(said(*ours), said(theirs.returncode, theirs.stdout, theirs.stderr), args)


def test_folder(t):
    """-f of a folder: its *.ini, in the order of their names."""
    folder = os.path.join(t.folder, "conf.d")
    os.mkdir(folder)
    p = t.proxy([t.redis()], start=False)
    rest = {k: v for k, v in p.conf.items() if k != "backend redis"}
    for name, conf in (("b.ini", rest), (".c.ini", {"nonsense": {}}),
                       ("a.ini", {"backend redis": p.conf["backend redis"]}),
                       ("readme.txt", {"nonsense": {}})):
        with open(os.path.join(folder, name), "w") as f:
            f.write(ini(conf))
    p.args = ["-f", folder]
    p.start()
    equal(p.client()("PING"), "PONG")
    code, _, err = t.run("-c", "-f", os.path.join(t.folder, "nope"))
    assert code == 1 and "nope: cannot open" in err, err


def test_maxconn(t):
    """-n and -N go before what the files say."""
    p = t.proxy([t.redis()], args=["-n", "50", "-N", "2"])
    clients = [p.client() for _ in range(2)]
    for c in clients:
        equal(c("PING"), "PONG")
    with p.client(timeout=0.3) as third:
        try:
            third("PING")
            raise AssertionError("a third client came in")
        except socket.timeout:
            pass
    p.wait_log("maxconn reached")


class Connecting:
    """A client that connects, asks and leaves, again and again."""

    def __init__(self, address):
        self.address, self.served, self.failed = address, 0, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Until told to end."""
        while not self.over.is_set():
            try:
                with Client(self.address, timeout=10) as c:
                    equal(c("PING"), "PONG")
                self.served += 1
            except (OSError, AssertionError, lib.RedisError) as e:
                self.failed.append(repr(e))

    def end(self):
        """Stop it; what failed."""
        self.over.set()
        self.thread.join(15)
        return self.failed


@short
def test_take_over(t):
    """-sf: the new one opens what the old one has, page, control socket and
    pidfile included, and no client is refused; the old one ends with its last
    session."""
    r = t.redis()
    pidfile = os.path.join(t.folder, "pid")
    control = os.path.join(t.folder, "control.sock")
    p = t.proxy([r], args=["-p", pidfile], glob={"control-socket": control, "session-log": "off"})
    clients = [Connecting(p.address("write")) for _ in range(4)]
    old = p.child
    busy = p.client(timeout=30)
    busy("PING")
    busy.send("BLPOP", "list", 0)
    wait_for(lambda: r.info("clients")["blocked_clients"] == "1", "blocked client")
    for i in range(5):
        p.name = "roleproxy-%d" % i
        p.args = ["-f", p.path, "-p", pidfile, "-sf", str(p.child.pid)]
        before = p.child
        served = [c.served for c in clients]
        p.start(wait=False)
        p.wait_log("ready after")
        if before is not old:
            equal(before.wait(10), 0, "the one before ends")
        with open(pidfile) as f:
            equal(int(f.read()), p.child.pid)
        code, out, err = t.run("ctl", "-s", control, "status")
        assert code == 0 and "roleproxy" in out, err
        wait_for(lambda: all(c.served > n + 5 for c, n in zip(clients, served)),
                 "clients are served on")
    equal([f for c in clients for f in c.end()], [], "refused")
    assert old.running(), "its client still waits"
    with Client(r.address) as c:
        c("RPUSH", "list", "x")
    equal(busy.read(), ["list", "x"])
    equal(old.wait(10), 0)
    assert os.path.exists(pidfile) and os.path.exists(control)


def test_take_over_that_fails(t):
    """If the new one cannot start, the old one goes on, alone."""
    r = t.redis()
    p = t.proxy([r])
    other = t.proxy([r], start=False, name="other")
    other.conf["frontend write"]["bind"] = "%s:%d" % p.address("write")
    other.conf["frontend read"]["bind"] = "%s:%d" % r.address
    other.write()
    code, out, err = t.run("-f", other.path, "-sf", str(p.child.pid))
    assert code == 1 and "in use" in out + err, out + err
    equal(p.client()("PING"), "PONG")
    code, out, err = t.run("-f", p.path)
    assert code == 1 and "in use" in out + err, "addresses are shared unasked"


def test_start_that_fails_is_seen(t):
    """Also where the log goes to syslog only, whoever started it is told why."""
    r = t.redis()
    cfg = t.file("haproxy.cfg", "global\n  log 127.0.0.1:9 local2\n" +
                 CFG % (r.address + r.address))
    for args in ([], ["-D"]):
        code, out, err = t.run("haproxy", *args, "-f", cfg)
        assert code == 1 and "%s:%d: Address already in use" % r.address in err, err


def test_daemon_replaces_itself(t):
    """-D -p FILE -sf $(cat FILE), as init scripts do: each time one is left."""
    p = t.proxy([t.redis()], start=False,
                glob={"log": "syslog:127.0.0.1:9"})
    pidfile = os.path.join(t.folder, "pid")
    command = "exec %s -f %s -D -p %s -sf $(cat %s)" % (
        " ".join(lib.RUN + [lib.BINARY]), p.path, pidfile, pidfile)
    pids = []
    for _ in range(3):
        equal(subprocess.run(["sh", "-c", command], cwd=t.folder,
                             stderr=subprocess.DEVNULL).returncode, 0)
        with open(pidfile) as f:
            pids.append(int(f.read()))
        equal(p.client()("PING"), "PONG")
    equal(len(set(pids)), 3)
    for pid in pids[:-1]:
        wait_for(lambda: not alive(pid), "end of the old one", 10)
    os.kill(pids[-1], signal.SIGTERM)
    wait_for(lambda: not os.path.exists(pidfile), "end")


@short
def test_haproxy_and_back(t):
    """-sf takes over from a real HAProxy, which takes over from us."""
    if not shutil.which("haproxy"):
        raise lib.Skip("no haproxy")
    r = t.redis()
    p = t.proxy([r], start=False)
    address = p.address("write")
    cfg = t.file("haproxy.cfg", CFG % (address + r.address))
    haproxy = t.spawn("haproxy", ["haproxy", "-db", "-f", cfg])
    wait_for(lambda: Client(address)("PING") == "PONG", "haproxy")
    client = Connecting(address)
    p.args += ["-sf", str(haproxy.pid)]
    p.start(wait=False)
    p.wait_log("ready after")
    equal(haproxy.wait(10), 0)
    equal(p.client()("PING"), "PONG")
    again = t.spawn("haproxy-again", [
        "haproxy", "-db", "-f", cfg, "-sf", str(p.child.pid)])
    equal(p.child.wait(10), 0)
    served = client.served
    wait_for(lambda: client.served > served + 5, "clients are served on")
    equal(client.end(), [])
    assert again.running()
    again.kill()


def test_hard_stop_after(t):
    """It bounds the drain of USR1."""
    r = t.redis()
    p = t.proxy([r], glob={"hard-stop-after": "300ms"})
    busy = p.client(timeout=30)
    busy("PING")
    busy.send("BLPOP", "list", 0)
    wait_for(lambda: r.info("clients")["blocked_clients"] == "1", "blocked client")
    p.child.signal(signal.SIGUSR1)
    equal(p.child.wait(10), 0)


def rights(pid):
    """Its user, group, further groups and effective capabilities."""
    with open("/proc/%d/status" % pid) as f:
        fields = dict(line.split(":", 1) for line in f)
    return [fields[k].split() for k in ("Uid", "Gid", "Groups", "CapEff")]


@short
def test_user(t):
    """user and group: all threads run as them, with the right to open low ports
    and no other; a reload opens one, and what it could not read is named."""
    if os.getuid() != 0:
        raise lib.Skip("not root")
    r = t.redis()
    nobody = pwd.getpwnam("nobody")
    p = t.proxy([r], glob={"user": "nobody"})
    bits = "%016x" % (1 << 10)
    for task in os.listdir("/proc/%d/task" % p.child.pid):
        uid, gid, groups, caps = rights(int(task))
        equal((uid, gid, groups), ([str(nobody.pw_uid)] * 4, [str(nobody.pw_gid)] * 4, []))
        assert caps[0] in (bits, "0" * 16), caps
    equal(rights(p.child.pid)[3], [bits])
    assert "a reload would fail" not in p.log()
    p.conf["frontend low"] = {"bind": "%s:%d" % (HOST, 919), "backend": "redis"}
    p.reload()
    wait_for(lambda: Client((HOST, 919))("PING") == "PONG", "port 919")
    q = t.proxy([r], start=False, name="private", glob={"user": "65534", "group": "0"})
    os.chmod(q.path, 0o600)
    q.start()
    q.wait_log(r"a reload would fail: .*private.ini: cannot open: Permission denied")
    equal(rights(q.child.pid)[1], ["0"] * 4)
    code, out, err = t.run("-f", t.file("bad.ini", ini(
        {**q.conf, "global": {"user": "no-such-user"},
         "frontend write": {"bind": "%s:%d" % (
             HOST, t.ports.take()), "backend": "redis"},
         "frontend read": {"bind": "%s:%d" % (HOST, t.ports.take()), "backend": "redis"},
         "stats": {"bind": "%s:%d" % (HOST, t.ports.take())}})))
    assert code == 1 and "no such user" in out + err, out + err


def test_notify(t):
    """A service manager is told when it is ready, who takes the writes, of a reload,
    that it lives, and when it stops."""
    path = os.path.join(t.folder, "notify.sock")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    s.settimeout(10)
    r = t.redis()
    env = {**os.environ, "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "300000",
           "WATCHDOG_PID": "1"}
    p = t.proxy([r], args=["-Ws"], env=env)
    seen = []

    def told(word):
        while not any(word in x for x in seen):
            seen.append(s.recv(2000).decode())
        return next(x for x in seen if word in x)

    equal(told("READY=1"), "MAINPID=%d\nREADY=1" % p.child.pid)
    equal(told("WATCHDOG"), "WATCHDOG=1")
    assert told("Writes go to redis").startswith("STATUS=Writes go to redis since "), seen
    r.pause()
    equal(told("Writes wait"), "STATUS=Writes wait for redis: the writer does not answer.")
    r.resume()
    seen.clear()
    p.child.signal(signal.SIGUSR2)
    assert told("RELOADING=1").startswith("RELOADING=1\nMONOTONIC_USEC="), seen
    told("READY=1")
    p.wait_log("configuration 2 is in use")
    p.child.signal(signal.SIGTERM)
    equal(told("STOPPING"), "STOPPING=1")
    equal(p.child.wait(10), 0)
