#!/usr/bin/env python3
"""The tools of HAProxy's users read what roleproxy says as they read HAProxy:
halog its log, prometheus-haproxy-exporter its figures, socat its runtime API.

Environment: COMPARE_A and COMPARE_B, as in test_compare.py.
"""

import difflib
import re
import subprocess

from lib import HOST, SLOW, equal, wait_for
from servers import http_get

from compare.intended import OWN
from compare.lines import ENDED, Line
from compare.side import HEAD, Side, programs

CONFIG = HEAD + """
frontend fe
  bind {fe}
  default_backend be
backend be
  balance roundrobin
  default-server check inter 100ms fall 1 rise 1
  server a {a}
  server b {b}
  server gone {gone}
frontend dead
  bind {dead}
  default_backend nobody
backend nobody
  retries 0
  server gone {gone}
listen stats
  mode http
  bind {stats}
  stats enable
  stats uri /haproxy_stats
  stats auth admin:admin123
"""


def sides(t, *tools):
    """HAProxy and roleproxy with CONFIG, when the tools are there."""
    out = [Side(t, letter, argv, {"a": {}, "b": {}, "gone": {"down": True}})
           for letter, argv in zip("ab", programs(*tools))]
    for s in out:
        t.closers.append(s.finish)
        s.start(CONFIG)
    for s in out:
        s.up("be/a", "be/b")
        s.down("be/gone")
    return out


# --- halog ------------------------------------------------------------------

def halog(log, *options):
    """What halog prints, in order of the text, and what it counted."""
    p = subprocess.run(["halog"] + list(options), input=log, capture_output=True,
                       text=True, timeout=20 * SLOW)
    equal(p.returncode, 0, "halog %s: %s" % (options, p.stderr))
    return sorted(p.stdout.splitlines()) + \
        [line for line in p.stderr.splitlines() if "Truncated" not in line]


def traffic(s):
    """Sessions that end in different ways; the log as rsyslog would write it."""
    for _ in range(6):
        s.visit()
    s.visit("dead")
    c = s.client()
    c.line()
    c.send("reset")
    c.end()
    s.log.wait(ENDED, 8)
    return "".join(re.sub(r"^<\d+>(.{15}) ", r"\1 localhost ", line).rstrip("\n") + "\n"
                   for line in s.log.got if not OWN.search(Line(line, {}).text))


def test_halog(t):
    """It counts the same in both logs: lines, errors, servers. (Most of what it
    can is for HTTP; of TCP it says where it has to stop, which is the same.)"""
    logs = [traffic(s) for s in sides(t, "halog")]
    for options in (("-c",), ("-c", "-e"), ("-c", "-E"), ("-st",), ("-srv",),
                    ("-tc",), ("-c", "-tcn", "SC"), ("-c", "-Q"), ("-ic",)):
        a, b = (halog(log, *options) for log in logs)
        assert a, "halog %s counts nothing: %s" % (options, logs[0])
        equal(b, a, "halog %s of\n%sand of\n%s" % (" ".join(options), *logs))


# --- prometheus-haproxy-exporter --------------------------------------------

def exported(t, s):
    """What the exporter makes of one side's figures: {metric and labels: value}."""
    port = t.ports.take()
    t.spawn("exporter-" + s.name, [
        "prometheus-haproxy-exporter", "--web.listen-address=%s:%d" % (HOST, port),
        "--haproxy.scrape-uri=http://admin:admin123@%s:%d/haproxy_stats;csv" %
        s.addresses["stats"]])
    text = wait_for(lambda: http_get((HOST, port), "/metrics")[2], "metrics")
    return dict(line.rsplit(" ", 1) for line in text.splitlines()
                if line.startswith("haproxy_"))


# Seconds and rates: two runs of HAProxy do not agree on them.
# Pages of statistics have a limit of their own.
VARIES = re.compile(r"seconds|duration|rate|_exporter_(build|total|csv.*total)"
                    r"|limit_sessions.*\"stats\"")


def test_exporter(t):
    """It finds every server's state and the same figures in both."""
    both = sides(t, "prometheus-haproxy-exporter")
    for s in both:
        traffic(s)
    a, b = (exported(t, s) for s in both)
    for side, got in (("HAProxy", a), ("roleproxy", b)):
        equal(got["haproxy_up"], "1", "haproxy_up of " + side)
        for server, up in (("a", "1"), ("b", "1"), ("gone", "0")):
            key = 'haproxy_server_up{backend="be",server="%s"}' % server
            equal(got.get(key), up, "%s of %s" % (key, side))
        equal(got['haproxy_exporter_csv_parse_failures_total'], "0", "failures")
    keys = [k for k in a if not VARIES.search(k)]
    assert len(keys) > 50, keys
    wrong = ["%s %s, ours %s" % (k, a[k], b.get(k)) for k in keys if a[k] != b.get(k)]
    wrong += ["%s, ours only" % k for k in b if k not in a]
    assert not wrong, "\n".join(wrong)


# --- socat ------------------------------------------------------------------

def socat(s, text):
    """A session of the runtime API."""
    p = subprocess.run(["socat", "-t5", "stdio", s.sock], input=text, text=True,
                       capture_output=True, timeout=20 * SLOW)
    equal(p.returncode, 0, "socat: " + p.stderr)
    return p.stdout


SESSIONS = (
    "show stat\n",
    "show stat -1 4 -1\n",
    "show stat be 6 -1\n",
    "show info;show stat\n",
    "prompt\nshow info\nshow stat\nquit\n",
    "prompt\nset server be/a state maint\nshow servers state be\n\nquit\n",
    "show servers state\n",
    "show servers conn\n",
    "show backend\n",
    "set server be/a state ready;get weight be/a;set server be/a weight 50%;"
    "get weight be/a;set server be/a weight 1\n",
    "set server be/b state drain\n",
    "show servers state be\n",
    "set server be/b state ready\n",
    "disable server be/nope;enable server be;shutdown sessions server be/a\n",
    "get weight be/gone; get weight nobody/gone\n",
    "set maxconn frontend fe 100\n",
    "show cli level\n",
    "clear counters all\n",
    "show stat typed\n",
    "set server be/a\n",
    "set server be/a weight many\n",
    "set timeout cli 20\n",
    "help\n",
)


HTTP_ONLY = 102     # the columns after it are of HAProxy's engine


def shape(s, text):
    """A session's output without what two runs do not agree on."""
    for port, name in s.names().items():
        text = re.sub(r"\b%d\b" % port, "{%s}" % name, text)
    out = []
    for line in text.split("\n"):
        m = re.match(r"[FBSL]\.\d+\.\d+\.(\d+)\.", line)
        if m and int(m[1]) > HTTP_ONLY:
            continue
        if re.match(r" {2}\w.*(]| |\*): ", line) or line.endswith(":str:"):
            continue    # the list of commands; a text that says nothing
        if re.match(r"(> )?[A-Za-z][\w -]*: ", line):   # show info: its names
            line = line.split(":")[0]
        elif line.startswith(("[", "# ")) or "," not in line:
            line = re.sub(r"(?<![\w.{])\d+(\.\d+)*(?![\w.}])", "N", line)
            line = line.replace(":str:* ", ":str:")
        else:
            line = ",".join(line.split(",")[:2])
        out.append(re.sub(r",-,.*", ",-,", line))
    return out


def test_socat(t):
    """Sessions as HAProxy's management guide has them: the same lines."""
    a, b = sides(t, "socat")
    wrong = []
    for session in SESSIONS:
        x, y = (shape(s, socat(s, session)) for s in (a, b))
        if x != y:
            wrong += ["%r:" % session] + list(difflib.unified_diff(
                x, y, "HAProxy", "roleproxy", n=1, lineterm=""))
    assert not wrong, "\n".join(wrong)
