#!/usr/bin/env python3
"""deploy/prometheus and deploy/grafana: the rules do what they say, and all that
they ask for is there; a real Prometheus sees alerts fire and clear."""

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess

import lib
from lib import HOST, SLOW, Skip, equal, full, wait_for
from servers import http_get
from services import Stream

DEPLOY = os.path.join(lib.HERE, "..", "..", "deploy")
RULES = os.path.join(DEPLOY, "prometheus", "rules.yml")
TESTS = os.path.join(DEPLOY, "prometheus", "rules_test.yml")
MANUAL = os.path.join(lib.HERE, "..", "..", "man", "roleproxy.8")
DASHBOARD = os.path.join(DEPLOY, "grafana", "roleproxy.json")


def text_of(path):
    """A file's content."""
    with open(path) as f:
        return f.read()


def needs(program):
    """Skip where it is not installed."""
    if shutil.which(program) is None:
        raise Skip("no " + program)


def test_rules(t):
    """promtool finds nothing wrong, and each alert has its test."""
    needs("promtool")
    for what, path in (("check", RULES), ("test", TESTS)):
        run = subprocess.run(["promtool", what, "rules", path], text=True,
                             capture_output=True, timeout=60)
        equal(run.returncode, 0, run.stdout + run.stderr)
    alerts = set(re.findall(r"alert: (\w+)", text_of(RULES)))
    equal(set(re.findall(r"- name: (\w+)", text_of(TESTS))), alerts)


def test_names(t):
    """Each metric that a rule or a panel asks for is there."""
    p = t.proxy(t.group(1))
    there = {line.split()[2] for line in http_get(p.address("stats"), "/metrics")[2].splitlines()
             if line.startswith("# TYPE")}
    for path in (RULES, TESTS, DASHBOARD):
        asked = {re.sub("_(bucket|sum|count)$", "", name)
                 for name in re.findall(r"\broleproxy_\w+", text_of(path))}
        assert asked, path
        equal(asked - there, set(), path)
    panels = json.loads(text_of(DASHBOARD))["panels"]
    equal(len({panel["id"] for panel in panels}), len(panels))


def test_manual(t):
    """The manual lists just the metrics that there are, and promtool finds nothing
    wrong with them."""
    g = t.group(1)
    p = t.proxy(g)
    p.wait_readable(*g.replicas)
    text = p.page("/metrics")
    there = {line.split()[2][len("roleproxy_"):] for line in text.splitlines()
             if line.startswith("# TYPE")}
    manual = re.search(r"(?s)\n\.Sh METRICS\n(.*?)\n\.Sh ", text_of(MANUAL)).group(1)
    words = set(re.findall(r"^\.Li ([a-z_]+)", manual, re.M)) - {"roleproxy_"}
    equal(words ^ there, set(), "in the manual or in /metrics only")
    needs("promtool")
    run = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                         capture_output=True, timeout=60)
    equal((run.returncode, run.stdout + run.stderr), (0, ""))


def metrics(p):
    """The samples of /metrics: {name{labels}: value}."""
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in p.page("/metrics").splitlines() if not line.startswith("#")}


def test_values(t):
    """Through a failover by hand the metrics say what happened: a fence for its
    reason, a switch and how long it took, the clients that were held, sessions
    that ended."""
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "30s"})
    p.wait_readable(*g.replicas)
    before = metrics(p)
    clients = [p.client("write") for _ in range(5)]
    for c in clients:
        c("PING")
    g.primary.kill()
    wait_for(lambda: not p.is_up(g.primary), "DOWN")
    held = [p.client("write") for _ in range(3)]
    for c in held:
        c.send("PING")
    wait_for(lambda: metrics(p)['roleproxy_backend_held{backend="redis"}'] == 3, "held")
    g[1]("REPLICAOF", "NO", "ONE")
    for c in held:
        equal(c.read(), "PONG")
        c.close()
    wait_for(lambda: metrics(p)['roleproxy_frontend_sessions{frontend="write"}'] == 0,
             "the end of all sessions")
    now = metrics(p)

    def rise(name):
        return now.get("roleproxy_" + name, 0) - before.get("roleproxy_" + name, 0)
    equal(now['roleproxy_backend_writer{backend="redis",server="redis-2"}'], 1)
    equal(rise('backend_writer_changes_total{backend="redis"}'), 1)
    equal(rise('backend_switch_duration_seconds_count{backend="redis"}'), 1)
    fences = {k: v for k, v in now.items() if k.startswith("roleproxy_backend_fences_total{")}
    # The one decision that took the writes from redis-1 has the log's cause.
    cause = next(d for d in p.decisions() if d["to"] == "redis-2")["cause"]
    equal(fences, {'roleproxy_backend_fences_total{backend="redis",reason="%s"}' % cause: 1})
    equal(rise('frontend_hold_seconds_count{frontend="write"}'), 3)
    equal(rise('frontend_held_total{frontend="write"}'), 3)
    assert rise('frontend_hold_seconds_sum{frontend="write"}') > 0
    equal(rise('frontend_session_seconds_count{frontend="write"}'), 8)
    equal(rise('frontend_session_seconds_bucket{frontend="write",le="+Inf"}'), 8)
    equal(rise('frontend_connect_seconds_count{frontend="write"}'), 8)
    assert rise('server_check_seconds_count{backend="redis",server="redis-2"}') > 0
    equal(now['roleproxy_server_reason{backend="redis",server="redis-1",reason="down"}'], 1)


def test_drained(t):
    """A drained server is not eligible, and says why; the same server again after an
    outage is no other writer."""
    g = t.group(1)
    p = t.proxy(g, glob={"control-socket": os.path.join(t.folder, "ctl.sock")})
    p.wait_readable(*g.replicas)
    of = '{backend="redis",server="redis-2"%s}'
    equal(metrics(p)["roleproxy_server_eligible" + of % ""], 1)
    t.run("ctl", "-s", os.path.join(t.folder, "ctl.sock"), "drain", "redis/redis-2")
    wait_for(lambda: metrics(p)["roleproxy_server_eligible" + of % ""] == 0, "drain")
    equal(metrics(p)["roleproxy_server_reason" + of % ',reason="drain"'], 1)
    equal(p.server("redis-2")["reason"], "drained: takes no new sessions")
    changes = 'roleproxy_backend_writer_changes_total{backend="redis"}'
    before = metrics(p)[changes]
    g.primary.kill()
    wait_for(lambda: not p.is_up(g.primary), "DOWN")
    g.primary.start()
    p.wait_writer(g.primary)
    wait_for(lambda: metrics(p)['roleproxy_backend_has_writer{backend="redis"}'] == 1, "writes")
    equal(metrics(p)[changes], before)
    equal(metrics(p)['roleproxy_backend_switch_duration_seconds_count{backend="redis"}'], 0)


class Prometheus:
    """A real one that scrapes a proxy; alerts do not wait, and look back for some
    seconds only. changes are made to the rules' text."""

    def __init__(self, t, p, changes=()):
        rules = re.sub(r"for: \w+", "for: 0s", text_of(RULES)).replace("[10m]", "[8s]")
        for old, new in changes:
            assert old in rules, old
            rules = rules.replace(old, new)
        t.file("rules.yml", rules)
        config = t.file("prometheus.yml", """
global: {scrape_interval: 300ms, scrape_timeout: 300ms, evaluation_interval: 300ms}
rule_files: [rules.yml]
scrape_configs:
  - job_name: roleproxy
    static_configs: [{targets: ["%s:%d"]}]
""" % p.address("stats"))
        self.address = (HOST, t.ports.take())
        t.spawn("prometheus", [
            "prometheus", "--config.file=" + config, "--storage.tsdb.path=" + t.folder + "/tsdb",
            "--web.listen-address=%s:%d" % self.address, "--log.level=warn"])
        wait_for(lambda: self.get("/-/ready") is not None, "Prometheus", 30)
        wait_for(lambda: json.loads(self.get(
            "/api/v1/query?query=roleproxy_backend_has_writer") or "{}").get("data", {}).get(
                "result"), "the first scrape", 20)
        equal(self.firing(), set())

    def get(self, path):
        """What it answers; None if that is no answer."""
        try:
            status, _, body = http_get(self.address, path)
        except OSError:
            return None
        return body if status == 200 else None

    def firing(self):
        """The names of the alerts that fire."""
        alerts = json.loads(self.get("/api/v1/alerts") or '{"data": {"alerts": []}}')
        return {a["labels"]["alertname"] for a in alerts["data"]["alerts"]
                if a["state"] == "firing"}

    def wait_firing(self, *names):
        """Wait until these fire."""
        for name in names:
            wait_for(lambda: name in self.firing(), name, 20 * SLOW)

    def wait_clear(self):
        """Wait until none fires."""
        wait_for(lambda: self.firing() == set(), "all alerts cleared", 30 * SLOW)


def test_alerts(t):
    """A primary that is killed, clients that wait for it, a reload that fails, a
    proxy that is gone: the alerts fire, and clear when it is well again."""
    needs("prometheus")
    g = t.group(1)
    p = t.proxy(g, backend={"hold": "60s"})
    prometheus = Prometheus(t, p)
    good = text_of(p.path)
    p.write("nonsense")
    p.child.signal(signal.SIGHUP)
    g.primary.child.kill()
    wait_for(lambda: not p.is_up(g.primary), "DOWN")
    waits = p.client("write")
    waits.send("PING")
    prometheus.wait_firing(
        "RoleproxyReloadFailed", "RoleproxyNoWriter", "RoleproxyServerDown",
        "RoleproxyFewReplicas", "RoleproxyClientsWait")
    p.write(good)
    p.child.signal(signal.SIGHUP)
    g.primary.start()
    prometheus.wait_clear()
    equal(waits.read(), "PONG")
    p.stop()
    prometheus.wait_firing("RoleproxyDown")
    p.start()
    prometheus.wait_clear()


@full
def test_alerts_of_writers(t):
    """Writes that move all the time, and a second primary."""
    needs("prometheus")
    g = t.group(1)
    p = t.proxy(g)
    p.wait_readable(*g.replicas)
    prometheus = Prometheus(t, p, [("[8s]", "[20s]")])
    for i in range(6):
        new = g[(i + 1) % 2]
        new.replicate(None)
        g[i % 2].replicate(new)
        p.wait_writer(new)
    prometheus.wait_firing("RoleproxyWriterFlaps")
    prometheus.wait_clear()
    g[1]("REPLICAOF", "NO", "ONE")
    prometheus.wait_firing("RoleproxyServerFenced")
    g[1].replicate(g[0])
    prometheus.wait_clear()


@full
def test_alert_of_sentinels(t):
    """Two of three Sentinels are gone."""
    needs("prometheus")
    g = t.group(1)
    s = t.sentinels(g)
    p = t.proxy(g)
    p.wait_sentinels()
    prometheus = Prometheus(t, p)
    for i in (1, 2):
        s.children[i].kill()
    prometheus.wait_firing("RoleproxySentinelsBelowQuorum")
    for i in (1, 2):
        s.start(i)
    prometheus.wait_clear()


@full
def test_alert_of_lag(t):
    """A replica whose stream is held back."""
    needs("prometheus")
    g = t.group(1, config={"repl-timeout": "600"})
    stream = Stream(t, g.primary)
    g[1]("REPLICAOF", *stream.address)
    wait_for(lambda: g[1].info()["master_link_status"] == "up", "link", 20)
    p = t.proxy(g, backend={"check_interval": "200ms"})
    p.wait_readable(g[1])
    t.writers(g.primary.address, 1, pause=0.01)
    prometheus = Prometheus(t, p, [("lag_seconds > 5", "lag_seconds > 1")])
    stream.hold()
    prometheus.wait_firing("RoleproxyReplicaLags")
    stream.release()
    prometheus.wait_clear()


@full
def test_alerts_of_load(t):
    """Almost all the clients that are allowed, and a worker that does not turn: its
    thread alone is stopped, as a debugger stops one."""
    needs("prometheus")
    g = t.group(0)
    p = t.proxy(g, glob={"maxconn": 10, "workers": 2})
    p.wait_writer(g.primary)
    prometheus = Prometheus(t, p)
    clients = [p.client("write") for _ in range(9)]
    for c in clients:
        c("PING")
    prometheus.wait_firing("RoleproxyNearMaxconn")
    for c in clients:
        c.close()
    prometheus.wait_clear()
    with stopped_worker(p):
        prometheus.wait_firing("RoleproxyWorkerStuck")
    prometheus.wait_clear()


@contextlib.contextmanager
def stopped_worker(p):
    """Stop one of its workers, and let it go on."""
    for tid in os.listdir("/proc/%d/task" % p.child.pid):
        if re.match(r"rp-w", text_of("/proc/%d/task/%s/comm" % (p.child.pid, tid))):
            break
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    seize, interrupt, detach, wall = 0x4206, 0x4207, 17, 0x40000000
    if libc.ptrace(seize, int(tid), None, None) != 0:
        raise Skip("no ptrace: " + os.strerror(ctypes.get_errno()))
    libc.ptrace(interrupt, int(tid), None, None)
    os.waitpid(int(tid), wall)
    try:
        yield
    finally:
        libc.ptrace(detach, int(tid), None, None)
