#!/usr/bin/env python3
"""deploy/prometheus and deploy/grafana: the rules do what they say, and all that
they ask for is there; a real Prometheus sees alerts fire and clear."""

import json
import os
import re
import shutil
import signal
import subprocess

import lib
from lib import HOST, SLOW, Skip, equal, wait_for
from servers import http_get

DEPLOY = os.path.join(lib.HERE, "..", "..", "deploy")
RULES = os.path.join(DEPLOY, "prometheus", "rules.yml")
TESTS = os.path.join(DEPLOY, "prometheus", "rules_test.yml")
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
        asked = set(re.findall(r"\broleproxy_\w+", text_of(path)))
        assert asked, path
        equal(asked - there, set(), path)
    panels = json.loads(text_of(DASHBOARD))["panels"]
    equal(len({panel["id"] for panel in panels}), len(panels))


class Prometheus:
    """A real one that scrapes a proxy; alerts do not wait."""

    def __init__(self, t, p):
        t.file("rules.yml", re.sub(r"for: \w+", "for: 0s", text_of(RULES)))
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


def test_alerts(t):
    """For a primary that is killed and a reload that fails alerts fire, and clear
    when it is well again."""
    needs("prometheus")
    g = t.group(1)
    p = t.proxy(g)
    prometheus = Prometheus(t, p)
    wait_for(lambda: json.loads(prometheus.get(
        "/api/v1/query?query=roleproxy_backend_has_writer") or "{}").get("data", {}).get(
            "result"), "the first scrape", 20)
    equal(prometheus.firing(), set())
    good = text_of(p.path)
    p.write("nonsense")
    p.child.signal(signal.SIGHUP)
    g.primary.child.kill()
    for name in ("RoleproxyReloadFailed", "RoleproxyNoWriter", "RoleproxyServerDown",
                 "RoleproxyFewReplicas"):
        wait_for(lambda: name in prometheus.firing(), name, 20 * SLOW)
    p.write(good)
    p.child.signal(signal.SIGHUP)
    g.primary.start()
    wait_for(lambda: prometheus.firing() == set(), "all alerts cleared", 30 * SLOW)
