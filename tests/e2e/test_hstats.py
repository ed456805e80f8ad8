#!/usr/bin/env python3
"""HAProxy's statistics: CSV, JSON, typed lines, metrics, the page's form."""

import csv
import http.client
import io
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.parse

import lib
from lib import equal, short, wait_for
from servers import http_get
from test_http import basic

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "..", "..", "shared", "golden")
URI = "/haproxy?stats"
LOGIN = basic("admin", "secret")


def proxy(t, group, **stats):
    """The configuration of a stack that HAProxy served: a backend for writes,
    one for reads, a page."""
    p = t.proxy(group, backend={"role": "primary"},
                stats={"uri": URI, "user": "admin", "password": "secret",
                       "realm": "Haproxy Statistics", **stats})
    wait_for(lambda: all(figures(p)["redis", s.name]["role"] != "unknown"
                         for s in group.servers), "the first checks")
    return p


def figures(p, options=""):
    """The rows of the CSV, by proxy and name."""
    status, headers, body = http_get(p.address("stats"), URI + ";csv" + options, LOGIN)
    equal(status, 200)
    equal(headers["content-type"], "text/plain")
    rows = csv.DictReader(io.StringIO(body[2:]))
    return {(r["pxname"], r["svname"]): r for r in rows}


@short
def test_csv(t):
    """Columns, rows, and what they say of a primary and its replica."""
    g = t.group(1)
    p = proxy(t, g)
    body = http_get(p.address("stats"), URI + ";csv", LOGIN)[2]
    with open(os.path.join(HERE, "../unit/hstats_header.txt")) as f:
        header = f.read().rstrip("\n")
    equal(body[:len(header) + 2], header + "-,")
    if os.path.isdir(GOLDEN):
        with open(GOLDEN + "/stats.csv") as f:
            equal(f.readline().split(",-,")[0] + ",", header, "HAProxy's own columns")
    rows = figures(p)
    equal(list(rows), [("redis", "redis-1"), ("redis", "redis-2"), ("redis", "BACKEND"),
                       ("write", "FRONTEND"), ("read", "FRONTEND"),
                       ("stats", "FRONTEND"), ("stats", "BACKEND")])
    one, two = rows["redis", "redis-1"], rows["redis", "redis-2"]
    equal([one[k] for k in ("status", "check_status", "role", "writer")],
          ["UP", "L7OK", "primary", "1"])
    equal([two[k] for k in ("status", "check_status", "last_chk", "role", "writer")],
          ["DOWN", "L7STS", "role:slave", "replica", "0"])
    equal(rows["redis", "BACKEND"]["status"], "UP")
    equal(rows["write", "FRONTEND"]["status"], "OPEN")


@short
def test_sessions_and_death(t):
    """Sessions and bytes are counted, and a server that dies goes DOWN."""
    g = t.group(1)
    p = proxy(t, g)
    with p.client() as c:
        c("SET", "a", "x" * 1000)
        wait_for(lambda: figures(p)["redis", "redis-1"]["scur"] == "1", "session")
    wait_for(lambda: figures(p)["redis", "redis-1"]["scur"] == "0", "its end")
    row = figures(p)["redis", "redis-1"]
    equal([row[k] for k in ("stot", "smax", "lbtot", "chkdown")], ["1", "1", "1", "0"])
    assert int(row["bin"]) > 1000, row
    assert int(row["lastsess"]) >= 0, row
    equal(figures(p)["redis", "redis-2"]["lastsess"], "-1")
    g[0].kill()
    wait_for(lambda: figures(p)["redis", "redis-1"]["status"] == "DOWN", "DOWN")
    rows = figures(p)
    equal(rows["redis", "redis-1"]["check_status"], "L4CON")
    equal(rows["redis", "BACKEND"]["status"], "DOWN")
    wait_for(lambda: figures(p)["redis", "redis-1"]["chkdown"] == "1", "chkdown")
    assert ("redis", "redis-1") not in figures(p, ";up")
    equal(figures(p, ";up")["redis", "BACKEND"]["status"], "DOWN (0/2)")


@short
def test_json_and_typed(t):
    """The other formats say the same."""
    p = proxy(t, t.group(1))
    status, headers, body = http_get(p.address("stats"), URI + ";json;norefresh", LOGIN)
    equal((status, headers["content-type"]), (200, "application/json"))
    assert "refresh" not in headers, headers
    servers = {row[1]["value"]["value"]: {f["field"]["name"]: f for f in row}
               for row in json.loads(body)}
    equal(servers["redis-2"]["status"]["value"], {"type": "str", "value": "DOWN"})
    equal(servers["redis-2"]["status"]["tags"],
          {"origin": "Status", "nature": "Gauge", "scope": "Process"})
    body = http_get(p.address("stats"), URI + ";typed", LOGIN)[2]
    assert "\nS.1.2.17.status.1:SGP:str:DOWN\n" in body, body
    json.loads(http_get(p.address("stats"), URI + ";json-schema", LOGIN)[2])


@short
def test_password_and_other_paths(t):
    """The realm, HAProxy's answer without a password, and what is open."""
    p = proxy(t, t.group(0), health_uri="/alive")
    for path in (URI, URI + ";csv"):
        status, headers, body = http_get(p.address("stats"), path)
        equal(status, 401)
        equal(headers["www-authenticate"], 'Basic realm="Haproxy Statistics"')
        equal(len(body), 112)
    equal(http_get(p.address("stats"), "/alive")[0], 200)
    equal(http_get(p.address("stats"), "/metrics")[0], 401)
    equal(http_get(p.address("stats"), "/metrics", LOGIN)[0], 200)
    headers = http_get(p.address("stats"), URI + ";csv", LOGIN)[1]
    equal(headers["refresh"], "2")


@short
def test_metrics(t):
    """/metrics has HAProxy's names, and Prometheus can read them."""
    p = proxy(t, t.group(1), metrics_prefix="haproxy", metrics_auth="off")
    status, headers, body = http_get(p.address("stats"), "/metrics")
    equal(status, 200)
    assert headers["content-type"].startswith("text/plain"), headers
    for line in ('haproxy_server_status{proxy="redis",server="redis-1",state="UP"} 1',
                 'haproxy_server_status{proxy="redis",server="redis-2",state="DOWN"} 1',
                 'haproxy_backend_active_servers{proxy="redis"} 1'):
        assert "\n" + line + "\n" in body, line
    if os.path.isdir(GOLDEN):
        with open(GOLDEN + "/metrics.txt") as f:
            names = {x.split()[2] for x in f if x.startswith("# TYPE")}
        equal(names - {x.split()[2] for x in body.splitlines()
                       if x.startswith("# TYPE")}, set(), "metrics that are missing")
    only = http_get(p.address("stats"), "/metrics?scope=server")[2]
    assert "haproxy_server_" in only and "haproxy_backend_" not in only
    if shutil.which("promtool") is not None:
        run = subprocess.run(["promtool", "check", "metrics"], input=body, text=True,
                             capture_output=True, timeout=20)
        equal((run.returncode, run.stderr), (0, ""))


def metric(p, name, **labels):
    """The value of one of our metrics; None if it is not there."""
    wanted = {'%s="%s"' % pair for pair in labels.items()}
    for line in http_get(p.address("stats"), "/metrics")[2].splitlines():
        m = re.fullmatch(r"roleproxy_%s(?:{(.*)})? (\S+)" % name, line)
        if m and wanted <= set((m[1] or "").split(",")):
            return float(m[2])
    return None


@short
def test_own_metrics(t):
    """/metrics has our names; what they say follows a failover and a reload."""
    g = t.group(2)
    p = t.proxy(g)
    wait_for(lambda: metric(p, "backend_replicas_following", backend="redis") == 2, "replicas")
    equal(metric(p, "backend_writer", server=g.primary.name), 1)
    with p.client() as c:
        c("SET", "a", "1")
        wait_for(lambda: metric(p, "frontend_sessions", frontend="write") == 1, "session")
    assert metric(p, "server_lag_seconds", server=g.replicas[0].name) is not None
    equal(metric(p, "server_lag_seconds", server=g.primary.name), None)
    assert metric(p, "resident_memory_bytes") > 1e6
    old = g.primary
    g.fail_over(g.replicas[0])
    wait_for(lambda: metric(p, "backend_writer", server=g.primary.name) == 1, "the new writer")
    equal(metric(p, "backend_writer", server=old.name), None)
    assert metric(p, "writer_changes_total") >= 2
    p.write("nonsense")
    p.child.signal(signal.SIGHUP)
    wait_for(lambda: metric(p, "reloads_total", result="failed") == 1, "reload that fails")
    wait_for(lambda: metric(p, "last_reload_successful") == 0, "the same")
    body = http_get(p.address("stats"), "/metrics")[2]
    assert "haproxy_" not in body
    if shutil.which("promtool") is not None:
        run = subprocess.run(["promtool", "check", "metrics"], input=body, text=True,
                             capture_output=True, timeout=20)
        equal((run.returncode, run.stderr), (0, ""))


def post(p, form, **headers):
    """Post a form to the page; the status and the Location."""
    c = http.client.HTTPConnection(*p.address("stats"), timeout=10 * lib.SLOW)
    c.request("POST", URI, urllib.parse.urlencode(form, doseq=True),
              {"Content-Type": "application/x-www-form-urlencoded", **headers})
    r = c.getresponse()
    r.read()
    c.close()
    return r.status, r.getheader("Location")


@short
def test_form(t):
    """The page's form sets a server's state, with the password only."""
    g = t.group(1)
    p = proxy(t, g, admin="on")
    form = {"s": "redis-1", "action": "maint", "b": "#1"}
    equal(post(p, form)[0], 401)
    equal(post(p, form, Origin="http://evil", **LOGIN), (303, URI + ";st=DENY"))
    equal(figures(p)["redis", "redis-1"]["status"], "UP")
    equal(post(p, form, **LOGIN), (303, URI + ";st=DONE"))
    wait_for(lambda: figures(p)["redis", "redis-1"]["status"] == "MAINT", "MAINT")
    assert ("redis", "redis-1") not in figures(p, ";no-maint")
    equal(post(p, {**form, "action": "ready"}, **LOGIN), (303, URI + ";st=DONE"))
    wait_for(lambda: figures(p)["redis", "redis-1"]["status"] == "UP", "UP")
    equal(post(p, {**form, "action": "explode"}, **LOGIN), (303, URI + ";st=ERRP"))
    page = http_get(p.address("stats"), URI + ";st=DONE", LOGIN)[2]
    assert "It is done." in page and '<a name="redis/redis-1">' in page, page


def test_several_pages(t):
    """Each page has its own address, uri, password; a reload adds one."""
    g = t.group(0)
    p = proxy(t, g)
    port = t.ports.take()
    p.conf["stats two"] = {"bind": "127.0.0.1:%d" % port, "uri": "/"}
    p.reload()
    two = ("127.0.0.1", port)
    status, _, body = http_get(two, "/;csv")
    equal(status, 200)
    assert "\ntwo,FRONTEND," in body and "\nstats,FRONTEND," in body, body
    equal(http_get(two, "/healthz")[2], "ok\n")
    equal(http_get(p.address("stats"), "/")[0], 401)
