#!/usr/bin/env python3
"""Command line, start, background, signals, stop, where the log goes."""

import os
import re
import signal
import subprocess
import time

import lib
from lib import HOST, RedisError, SLOW, equal, mark, short, stays, wait_for
from servers import http_get, ini
from services import Datagrams

GOOD = """\
[backend redis]
server = a 127.0.0.1:6379

[frontend write]
bind = 127.0.0.1:%d
backend = redis
"""


# --- command line -----------------------------------------------------------

@short
def test_version_and_help(t):
    """-v, -vv, -h, --help-config."""
    code, out, err = t.run("-v")
    equal((code, err), (0, ""))
    assert re.match(r"roleproxy \d+\.\d+", out), out
    code, more, _ = t.run("-vv")
    assert code == 0 and out.strip() in more and "libevent" in more, more
    code, out, _ = t.run("-h")
    assert code == 0 and "-f" in out and "-c" in out, out
    code, out, _ = t.run("--help-config")
    equal(code, 0)
    for word in ("check-interval", "route", "hold", "[frontend", "bind"):
        assert word in out, word


def test_bad_arguments(t):
    """Unknown options and stray words: 1 and a word about it."""
    for args in (["--nonsense"], ["-y"], ["-f"], ["stray.ini", "word"]):
        code, out, err = t.run(*args)
        assert code == 1 and err and not out, (args, code, out, err)


@short
def test_check_good(t):
    """-c of a good file: 0, also while its ports are taken."""
    r = t.redis()
    p = t.proxy([r])
    code, out, err = t.run("-c", "-f", p.path)
    equal((code, err), (0, ""))
    assert "valid" in out, out
    code, out, _ = t.run("-c", "-q", "-f", p.path)
    equal((code, out), (0, ""), "-c -q")
    equal(p.client()("PING"), "PONG")


@short
def test_check_bad(t):
    """-c of a bad file: 1, and every error with file and line."""
    path = t.file("bad.ini", "\n".join([
        "[backend redis]", "server = a 127.0.0.1:6379", "hodl = 3s",
        "check-interval = fast", "[frontend write]", "bind = 127.0.0.1:99999",
        "backend = rediss", "[nonsense]", "x = 1", ""]))
    code, out, err = t.run("-c", "-f", path)
    equal((code, out), (1, ""))
    for line in (3, 4, 6, 7, 8):
        assert "bad.ini:%d: " % line in err, "line %d in:\n%s" % (line, err)
    assert "hold" in err, "what was meant:\n" + err


def test_check_without_listener(t):
    """-c of a file that listens nowhere: 2; without -c: 1."""
    path = t.file("idle.ini", "[backend redis]\nserver = a 127.0.0.1:6379\n")
    equal(t.run("-c", "-f", path)[0], 2)
    equal(t.run("-f", path)[0], 1)


def test_missing_file(t):
    """A file that is not there is named."""
    for args in (["-c"], []):
        code, _, err = t.run(*args, "-f", "/nope/there.ini")
        equal(code, 1)
        assert "/nope/there.ini" in err and "No such file" in err, err


def test_several_files(t):
    """-f twice is one configuration."""
    r = t.redis()
    p = t.proxy([r], start=False)
    backend = t.file("backend.ini", ini({"backend redis": p.conf["backend redis"]}))
    del p.conf["backend redis"]
    p.write()
    p.args = ["-f", backend, "-f", p.path]
    p.start()
    equal(p.client()("PING"), "PONG")


def test_samples_are_valid(t):
    """The samples in conf/ pass -c."""
    folder = os.path.join(lib.HERE, "..", "..", "conf")
    for name in ("roleproxy.ini", "minimal.ini"):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            raise lib.Skip("no " + name)
        code, _, err = t.run("-c", "-f", path,
                             env={**os.environ, "REDIS_PASSWORD": "x"})
        equal((code, err), (0, ""), name)


# --- start ------------------------------------------------------------------

@short
def test_first_line(t):
    """The first line of the log names the version and the file."""
    p = t.proxy([t.redis()])
    first = p.log().splitlines()[0]
    assert "roleproxy" in first and p.path in first, first
    assert re.search(r"[+-]\d\d:?\d\d\b|Z\b", first), "no time zone: " + first


def test_port_taken(t):
    """A port that is taken: exit code 1, and the message says which."""
    r = t.redis()
    p = t.proxy([r], start=False)
    p.conf["frontend write"]["bind"] = "%s:%d" % r.address
    p.write()
    code, out, err = t.run("-f", p.path)
    equal(code, 1)
    assert "%s:%d" % r.address in out + err and "in use" in out + err, out + err


def test_nothing_is_up(t):
    """With no server up it starts, is ready and tells so on the page."""
    p = t.proxy(["a %s:%d" % (HOST, t.ports.take())], backend={"hold": "300ms"})
    equal(p.writer(), None)
    equal(p.get("/readyz"), 200)
    assert "refused" in p.page()


def daemon_pid(t, p):
    """Start in the background; the pid from the pidfile."""
    pidfile = os.path.join(t.folder, "pid")
    code, out, err = t.run("-D", "-p", pidfile, "-f", p.path)
    equal((code, out), (0, ""), "start in the background: " + err)
    with open(pidfile) as f:
        return int(f.read())


def alive(pid):
    """Does this process exist, and is it no zombie?"""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@short
def test_daemon(t):
    """-D returns when it is ready to serve; the pidfile names the process; TERM
    ends it and the pidfile goes."""
    r = t.redis()
    log = Datagrams(t)
    p = t.proxy([r], start=False, glob={"log": "syslog:%s:%d" % log.address})
    pid = daemon_pid(t, p)
    equal(p.client()("SET", "a", "1"), "OK", "served at once")
    equal(p.get("/readyz"), 200)
    assert pid != os.getpid() and alive(pid)
    with open("/proc/%d/stat" % pid) as f:
        words = f.read().rsplit(")", 1)[1].split()
    equal(int(words[3]), pid, "session")
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not alive(pid), "end", 20)
    assert not os.path.exists(os.path.join(t.folder, "pid")), "pidfile left"


def test_daemon_that_fails(t):
    """-D reports a start that failed through its exit code."""
    r = t.redis()
    p = t.proxy([r], start=False)
    p.conf["frontend write"]["bind"] = "%s:%d" % r.address
    p.write()
    pidfile = os.path.join(t.folder, "pid")
    code, out, err = t.run("-D", "-p", pidfile, "-f", p.path)
    equal(code, 1)
    assert "in use" in out + err, out + err
    assert not os.path.exists(pidfile), "pidfile left"
    code, _, err = t.run("-D", "-f", "/nope/there.ini")
    equal(code, 1)
    assert "/nope/there.ini" in err


def test_pidfile_in_the_foreground(t):
    """-p without -D; a pidfile that cannot be written is an error."""
    pidfile = os.path.join(t.folder, "pid")
    p = t.proxy([t.redis()], args=["-p", pidfile])
    with open(pidfile) as f:
        equal(int(f.read()), p.child.pid)
    q = t.proxy([t.redis("other")], start=False, name="second")
    code, out, err = t.run("-p", "/nope/pid", "-f", q.path)
    equal(code, 1)
    assert "/nope/pid" in out + err


def test_quiet_start_is_fast(t):
    """A small group is ready well below a second, the first client is served at
    once, and nothing in the log is alarming."""
    g = t.group(1)
    start = time.monotonic()
    p = t.proxy(g)
    equal(p.client()("PING"), "PONG")
    assert time.monotonic() - start < 1.5 * SLOW
    for word in ("nothing is known", "ERROR", "late", "stalled"):
        assert word not in p.log(), p.log()


# --- stop -------------------------------------------------------------------

@short
def test_term_idle(t):
    """TERM: idle sessions are closed quickly, not only after grace."""
    r = t.redis()
    p = t.proxy([r], glob={"grace": "20s"})
    clients = [p.client() for _ in range(10)]
    for c in clients:
        c("PING")
    silent = p.client()
    start = time.monotonic()
    equal(p.stop(signal.SIGTERM), 0, "exit code")
    took = time.monotonic() - start
    assert took < 5 * SLOW, "took %.1f s" % took
    assert all(c.is_closed() for c in clients + [silent])
    assert "stopp" in p.log()


@short
def test_term_busy(t):
    """TERM: a session whose client waits for its reply may finish; nobody new
    is let in meanwhile."""
    r = t.redis()
    p = t.proxy([r], glob={"grace": "20s"})
    busy, idle = p.client(timeout=30), p.client()
    idle("PING")
    busy("PING")
    busy.send("BLPOP", "list", 0)
    wait_for(lambda: r.info("clients")["blocked_clients"] == "1", "blocked client")
    p.child.signal(signal.SIGTERM)
    wait_for(idle.is_closed, "idle session closed")
    try:
        p.client()("PING")
        raise AssertionError("a new client was served")
    except OSError:
        pass
    assert p.child.running() and not busy.is_closed()
    r("RPUSH", "list", "value")
    equal(busy.read(), ["list", "value"])
    equal(p.child.wait(), 0, "exit code")


def test_term_grace_ends(t):
    """TERM waits for grace and no longer."""
    r = t.redis()
    p = t.proxy([r], glob={"grace": "1s"})
    c = p.client()
    c.send("BLPOP", "list", 0)
    wait_for(lambda: r.info("clients")["blocked_clients"] == "1", "blocked client")
    start = time.monotonic()
    equal(p.stop(signal.SIGTERM), 0, "exit code")
    took = time.monotonic() - start
    assert 0.9 < took < 5 * SLOW, "took %.2f s" % took
    assert c.is_closed()


def test_term_without_clients(t):
    """TERM with nobody there ends at once."""
    p = t.proxy([t.redis()], glob={"grace": "20s"})
    start = time.monotonic()
    equal(p.stop(signal.SIGTERM), 0, "exit code")
    assert time.monotonic() - start < 3 * SLOW


def blocked(p, r):
    """A client in the middle of a command."""
    c = p.client(timeout=30)
    c.send("BLPOP", "list", 0)
    wait_for(lambda: r.info("clients")["blocked_clients"] == "1", "blocked client")
    return c


@short
def test_int(t):
    """INT stops at once, busy sessions or not."""
    r = t.redis()
    p = t.proxy([r], glob={"grace": "60s"})
    c = blocked(p, r)
    start = time.monotonic()
    equal(p.stop(signal.SIGINT), 0, "exit code")
    assert time.monotonic() - start < 3 * SLOW
    assert c.is_closed()


def test_second_term(t):
    """A second TERM stops at once."""
    r = t.redis()
    p = t.proxy([r], glob={"grace": "60s"})
    c = blocked(p, r)
    p.child.signal(signal.SIGTERM)
    p.wait_log("stopping")
    stays(p.child.running, "it ended", 0.5)
    start = time.monotonic()
    equal(p.stop(signal.SIGTERM), 0, "exit code")
    assert time.monotonic() - start < 3 * SLOW
    assert c.is_closed()


def test_usr1(t):
    """USR1 waits as long as it takes, beyond grace."""
    r = t.redis()
    p = t.proxy([r], glob={"grace": "300ms"})
    c = blocked(p, r)
    p.child.signal(signal.SIGUSR1)
    stays(lambda: p.child.running() and not c.is_closed(), "did not wait", 2)
    r("RPUSH", "list", "value")
    equal(c.read(), ["list", "value"])
    equal(p.child.wait(), 0, "exit code")


def test_term_while_held(t):
    """Held clients do not keep it from stopping."""
    g = t.group(0)
    p = t.proxy(g, backend={"hold": "60s"}, glob={"grace": "2s"})
    g[0].kill()
    p.wait_down(g[0])
    c = p.client()
    c.send("SET", "a", "1")
    wait_for(lambda: p.frontend("write")["held"] == 1, "held client")
    equal(p.stop(signal.SIGTERM), 0, "exit code")
    assert c.is_closed()


def test_drain_delay(t):
    """drain-delay: /readyz fails first, clients are still served for so long."""
    r = t.redis()
    p = t.proxy([r], glob={"drain_delay": "2s"})
    equal(p.get("/readyz"), 200)
    p.child.signal(signal.SIGTERM)
    wait_for(lambda: p.get("/readyz") == 503, "/readyz failing", 2)
    with p.client() as c:
        equal(c("PING"), "PONG", "served within drain-delay")
    equal(p.get("/healthz"), 200)
    equal(p.child.wait(), 0, "exit code")


def test_readyz_while_draining(t):
    """While it drains /readyz fails and the page can still be seen."""
    r = t.redis()
    p = t.proxy([r], glob={"grace": "30s"})
    c = blocked(p, r)
    p.child.signal(signal.SIGTERM)
    wait_for(lambda: p.get("/readyz") == 503, "/readyz failing", 5)
    equal(p.get("/healthz"), 200)
    assert "redis" in p.page()
    r("RPUSH", "list", "value")
    c.read()
    equal(p.child.wait(), 0, "exit code")


def is_refused(p):
    """Does the write frontend not listen?"""
    try:
        p.client().close()
        return False
    except ConnectionRefusedError:
        return True


def test_hup_while_draining(t):
    """HUP while it stops changes nothing."""
    r = t.redis()
    p = t.proxy([r], glob={"grace": "30s"})
    c = blocked(p, r)
    p.child.signal(signal.SIGTERM)
    p.wait_log("stopping")
    wait_for(lambda: is_refused(p), "closed listener")
    p.child.signal(signal.SIGHUP)
    stays(lambda: is_refused(p), "listens again", 0.5)
    r("RPUSH", "list", "value")
    equal(c.read(), ["list", "value"])
    equal(p.child.wait(), 0, "exit code")


def test_usr2_does_not_kill(t):
    """USR2 is answered, not fatal."""
    r = t.redis()
    p = t.proxy([r])
    c = p.client()
    c("PING")
    start = len(p.log())
    p.child.signal(signal.SIGUSR2)
    p.wait_log("SIGUSR2", start)
    equal(c("PING"), "PONG")


def test_stop_during_start(t):
    """INT and TERM in the first moments end it, every time."""
    g = t.group(1)
    for i in range(8):
        p = t.proxy(g, name="early-%d" % i, start=False)
        p.start(wait=False)
        time.sleep(0.01 * i)    # paced: another moment each time
        number = signal.SIGTERM if i % 2 else signal.SIGINT
        p.child.signal(number)
        code = p.child.wait()
        assert code in (0, -number), "exit code %r" % code
        p.expected_exit = code


# --- log --------------------------------------------------------------------

@short
def test_syslog(t):
    """syslog over UDP, with facility: RFC 3164 lines."""
    log = Datagrams(t)
    p = t.proxy([t.redis()], glob={"log": "syslog:%s:%d/local3" % log.address})
    p.client()("PING")
    wait_for(lambda: any("ready" in line for line in log.got), "line")
    for line in log.got:
        m = re.match(r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\S+ )?"
                     r"roleproxy\[\d+\]: \S", line)
        assert m and int(m.group(1)) >> 3 == 19, line
    equal(p.log(), "", "stdout")


@short
def test_impatient(t):
    """Signals that do not cease until it is gone: it still ends well."""
    p = t.proxy([t.redis()], start=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        p.start()
        with p.client() as c:
            equal(c("PING"), "PONG")
            while p.child.popen.poll() is None:
                p.child.signal(number)
            equal(p.child.popen.returncode, 0)


def test_several_logs(t):
    """stdout and syslog at once."""
    log = Datagrams(t)
    p = t.proxy([t.redis()], glob={"log": ["stdout", "syslog:%s:%d" % log.address]})
    p.wait_log("ready")
    wait_for(lambda: any("ready" in line for line in log.got), "line")


def test_log_to_stderr(t):
    """log = stderr leaves stdout alone."""
    r = t.redis()
    p = t.proxy([r], start=False, glob={"log": "stderr"})
    out = os.path.join(t.folder, "only-stdout")
    with open(out, "w") as f:
        child = subprocess.Popen(lib.RUN + [lib.BINARY] + p.args, stdout=f,
                                 stderr=subprocess.PIPE, cwd=t.folder)
    try:
        wait_for(lambda: p.get("/readyz") == 200, "/readyz")
        equal(p.client()("PING"), "PONG")
    finally:
        child.send_signal(signal.SIGINT)
        err = child.communicate(timeout=10 * SLOW)[1]
    equal(child.returncode, 0)
    with open(out) as f:
        equal(f.read(), "", "stdout")
    assert b"roleproxy" in err, err


def test_session_log(t):
    """session-log = all tells each session once, errors only the bad ends, off
    none; with client, frontend, server and bytes."""
    g = t.group(0)
    lines = {}
    for kind in ("all", "errors", "off"):
        p = t.proxy(g, glob={"session-log": kind}, name="log-" + kind)
        with p.client() as c:
            c("SET", "a", "1")
        wait_for(lambda: p.frontend("write")["sessions"] == 0, "end")
        p.stop()
        lines[kind] = [l for l in p.log().splitlines() if re.search(r" session \d", l)]
    equal([len(lines[k]) for k in ("all", "errors", "off")], [1, 0, 0], str(lines))
    for word in ("127.0.0.1", "write", "redis/redis-1"):
        assert word in lines["all"][0], lines["all"][0]


def test_log_level(t):
    """warn hides what info shows; -d shows the checks."""
    r = t.redis()
    p = t.proxy([r], glob={"log-level": "warn", "session-log": "off"})
    equal([l for l in p.log().splitlines() if "ready" in l], [], "info lines")
    q = t.proxy([r], args=["-d"], name="verbose")
    wait_for(lambda: "DEBUG" in q.log(), "debug line")


@short
def test_stdout_closed(t):
    """The reader of stdout goes away: the proxy goes on, and stops well."""
    read, write = os.pipe()
    r = t.redis()
    p = t.proxy([r], stdout=write)
    os.close(write)
    os.close(read)
    for _ in range(50):
        with p.client() as c:
            equal(c("PING"), "PONG")
    p.child.signal(signal.SIGHUP)
    stays(lambda: p.client()("PING") == "PONG", "not served", 0.3)


def test_stdout_full(t):
    """Nobody reads stdout: relaying does not wait for the log."""
    read, write = os.pipe()
    r = t.redis()
    p = t.proxy([r], stdout=write)
    os.close(write)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        for _ in range(100):
            with p.client() as c:
                equal(c("PING"), "PONG")
    equal(p.get("/healthz"), 200)
    os.close(read)


@mark(limit=60)
def test_secrets_are_not_shown(t):
    """Passwords of backend and page: not in the log at debug, the page, the
    JSON, the command line, nor in an error about the line that holds one."""
    secret, web = "backend-Secret", "page-Secret"
    r = t.redis(config={"requirepass": secret})
    p = t.proxy([r], backend={"password": secret}, glob={"log-level": "debug"},
                stats={"user": "admin", "password": web}, args=["-d"])
    p.child.signal(signal.SIGHUP)
    p.wait_log("is in use")
    basic = {"Authorization": "Basic YWRtaW46cGFnZS1TZWNyZXQ="}
    page = http_get(p.address("stats"), "/stats", basic)
    stats = http_get(p.address("stats"), "/stats.json", basic)
    equal((page[0], stats[0]), (200, 200))
    with open("/proc/%d/cmdline" % p.child.pid) as f:
        seen = p.log() + page[2] + stats[2] + f.read()
    for word in (secret, web):
        assert word not in seen, "a password is shown"
    bad = t.file("bad.ini", GOOD % 1 + "[backend b]\nserver = a 127.0.0.1:1\n"
                 "password = one-%s\npassword = two-%s\n"
                 "pasword = three-%s\n" % (secret, secret, secret))
    _, out, err = t.run("-c", "-f", bad)
    assert "bad.ini:10:" in err and "bad.ini:11:" in err, err
    assert secret not in out + err, err


def test_unreadable_password_file(t):
    """A password file that is not there is an error with file and line."""
    path = t.file("a.ini", GOOD.replace("server", "password-file = /nope/pw\nserver")
                  % t.ports.take())
    code, _, err = t.run("-c", "-f", path)
    equal(code, 1)
    assert "a.ini:2:" in err and "/nope/pw" in err, err


def test_clients_get_no_answer_when_start_fails(t):
    """While it refuses to start nobody is served by half of it."""
    r = t.redis()
    p = t.proxy([r], start=False)
    p.add_frontend("taken", bind="%s:%d" % r.address)
    p.conf["frontend taken"]["backend"] = "redis"
    p.write()
    equal(t.run("-f", p.path)[0], 1)
    try:
        p.client()("PING")
        raise AssertionError("served")
    except (OSError, RedisError):
        pass
