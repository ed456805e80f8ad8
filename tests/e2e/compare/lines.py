#!/usr/bin/env python3
"""What two programs wrote, made comparable: log lines and the figures of `show
stat`, with what may differ between two runs of one program taken out."""

import re

# --- the log ----------------------------------------------------------------

SYSLOG = re.compile(r"<(\d+)>(\w{3} [ \d]\d \d\d:\d\d:\d\d) (\S+ )?(\w+)\[(\d+)\]: ")
SESSION = re.compile(
    r"(?P<ci>\S+):(?P<cp>\d+) \[(?P<t>[^]]+)\] (?P<ft>\S+) (?P<b>[^/ ]+)/(?P<s>\S+)"
    r" (?P<Tw>-?\d+)/(?P<Tc>-?\d+)/(?P<Tt>\+?-?\d+) (?P<B>\+?\d+) (?P<ts>\S+)"
    r" (?P<ac>\d+)/(?P<fc>\d+)/(?P<bc>\d+)/(?P<sc>\d+)/(?P<rc>\+?\d+)"
    r" (?P<sq>\d+)/(?P<bq>\d+)$")
ENDED = r" \d+/\d+/\d+/\d+/\+?\d+ \d+/\d+\n*$"     # of a session
SERVER = re.compile(r"(?:[Ss]erver )?([\w.-]+/[\w.-]+)[ .]")
TIME = re.compile(r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d\.\d{3}$")


class Line:
    """One line of the log: priority, tag and text; session is its fields."""

    def __init__(self, datagram, names):
        m = SYSLOG.match(datagram)
        self.raw = datagram
        if not m:
            self.head, text = "no syslog head", datagram
        else:
            self.head = "<%s> host=%s tag=%s" % (m[1], (m[3] or "").strip(), m[4])
            text = datagram[m.end():]
        text = text.rstrip("\n\0")
        m = SESSION.match(text)
        self.session = m.groupdict() if m else None
        if m:
            self.session["t"] = "as usual" if TIME.match(m["t"]) else m["t"]
            self.session["head"] = self.head
        self.text = neutral(text, names)

    def subject(self):
        """What it is about: a server, a proxy or whatever."""
        m = SERVER.search(self.text)
        return m.group(1) if m else self.text.split(" ")[1] \
            if " " in self.text else self.text


def neutral(text, names):
    """A text without durations, addresses and process ids."""
    text = re.sub(r"check duration: \d+ms", "check duration: Nms", text)
    for port, name in names.items():
        text = re.sub(r"\b%d\b" % port, "{%s}" % name, text)
    text = re.sub(r"127\.0\.0\.\d+:\d+", "{client}", text)
    return re.sub(r"{client} \[[^]]*\]", "{client} [time]", text)


# --- figures ----------------------------------------------------------------

# Columns that two runs of HAProxy do not agree on, or that its engine alone has.
IGNORED = {
    "checked_now",
    "lastchg", "check_duration", "rate", "rate_max", "req_rate", "req_rate_max",
    "conn_rate", "conn_rate_max", "pid", "rtime", "rtime_max", "agent_duration",
    "used_conn_cur", "need_conn_est", "idle_conn_cur", "safe_conn_cur",
}
# Columns that are empty or 0 while a check goes on.
WHILE_CHECKED = {"last_chk", "check_code"}
# How far others may be apart.
NEAR = {
    "downtime": 2, "lastsess": 2, "qtime": 300, "ctime": 300, "ttime": 400,
    "qtime_max": 400, "ctime_max": 400, "ttime_max": 400,
}
# Fields of a session's line: ms.
TIMERS = {"Tw": 250, "Tc": 250, "Tt": 400}
COUNTS = {"ac": 3}


def table(text, ports):
    """`show stat` as {"px/sv": {column: value}}, up to the column `-`."""
    lines = text.strip().splitlines()
    if not lines or not lines[0].startswith("# "):
        raise ValueError("no table of figures: %r" % text[:200])
    names = lines[0][2:].rstrip(",").split(",")
    names = names[:names.index("-")] if "-" in names else names
    out = {"columns": {"names": ",".join(names)}}
    for line in lines[1:]:
        row = dict(zip(names, split(line)))
        row["checked_now"] = row["check_status"].startswith("* ")
        row["check_status"] = row["check_status"].removeprefix("* ")
        row["addr"] = neutral(row["addr"], ports)
        out[row["pxname"] + "/" + row["svname"]] = row
    return out


def split(line):
    """The values of one line, quoted ones too."""
    out = []
    for m in re.finditer(r'(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)', line):
        out.append(m[2] if m[1] is None else m[1].replace('""', '"'))
    return out


def number(text):
    """A whole number or None."""
    return int(text) if re.fullmatch(r"[+-]?\d+", text or "") else None


def near(a, b, far):
    """Are two numbers as near as they must be? -1 (none) is near nothing."""
    a, b = number(a), number(b)
    if a is None or b is None or (a < 0) != (b < 0):
        return False
    return abs(a - b) <= far
