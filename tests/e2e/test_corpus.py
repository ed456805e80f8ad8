#!/usr/bin/env python3
"""Real haproxy.cfg files: what HAProxy says of them, and what we say."""

import csv
import os
import re

from lib import HERE, Skip, equal

# Files with an INDEX.tsv of HAProxy's verdicts; not part of the project.
CORPUS = os.environ.get("CORPUS", os.path.join(HERE, *[".."] * 3, "shared", "corpus"))

# What is left out on purpose, by the words with which it is refused.
LEFT_OUT = {
    "stick-tables": r"'stick(-table)?' is not possible",
    "external checks": r"'(option )?external-check' is not possible",
    "TLS": r"there is no TLS in this release",
    "other checks": r"'option (pgsql|mysql|ldap)-check|'option smtpchk'",
    "HTTP": r"is in mode http",
}

# What HAProxy minds and we do not.
HARMLESS = re.compile(r"please use the 'bind' keyword|'listen' or 'defaults' expected|"
                      r"timer overflow|Error\(s\) found|Fatal errors found")


def index():
    """The lines of INDEX.tsv, as dictionaries."""
    path = os.path.join(CORPUS, "INDEX.tsv")
    if not os.path.exists(path):
        raise Skip("no corpus: %s is not there" % path)
    with open(path, newline="") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


def is_good(row):
    """Does HAProxy take it, but for what we do not mind?"""
    verdict = row["HAProxy 2.6.12 (hosts, certificates and environment filled in)"]
    if verdict.startswith("accepted"):
        return True
    reasons = (row["reason of refusal"] or "").split(" | ")
    return all(HARMLESS.search(r) for r in reasons)


def environment(text):
    """The variables that a file wants."""
    env = dict(os.environ)
    for name in re.findall(r"\$\{?(\w+)", text):
        env.setdefault(name, "7000" if "PORT" in name else "value")
    return env


def messages(err):
    """The errors among what was said."""
    return [re.sub(r"^.*?\] : ", "", line).strip() for line in err.splitlines()
            if line.startswith("[ALERT]") and "found in configuration" not in line]


def reason(errors):
    """What is left out that all these errors are about; None if something else."""
    found = [[k for k, v in LEFT_OUT.items() if re.search(v, e)] for e in errors]
    return ", ".join(sorted({f[0] for f in found})) if all(found) else None


def test_corpus(t):
    """What HAProxy takes and is TCP or statistics is taken; all else has a reason
    with its line. A table says what became of each file."""
    wrong = []
    for row in index():
        path = os.path.join(CORPUS, row["file"])
        with open(path) as f:
            env = environment(f.read())
        code, out, err = t.run("-c", "-f", path, env=env)
        errors = messages(err)
        ours = "accepted" if code == 0 else reason(errors)
        print("%-15s HAProxy: %-8s ours: %s" % (
            row["file"], "good" if is_good(row) else "REFUSED", ours or errors[:1]))
        if is_good(row) and ours is None:
            wrong.append((row["file"], errors))
        if code != 0 and not (errors and all(re.search(r".", e) for e in errors)):
            wrong.append((row["file"], "refused without a word"))
        if code not in (0, 1):
            wrong.append((row["file"], code))
    equal(wrong, [])


def test_to_ini(t):
    """What is accepted can be written as an .ini file, which means the same and
    has no secret in it."""
    for row in index():
        path = os.path.join(CORPUS, row["file"])
        with open(path) as f:
            text = f.read()
        env = environment(text)
        code, first, _ = t.run("--to-ini", path, env=env)
        if code != 0:
            continue
        secrets = re.findall(r"AUTH\\ ([^\\\s]+)\\r|stats auth\s+\w+:(\w{6,})", text)
        for secret in filter(None, sum(secrets, ())):
            assert secret not in first, (row["file"], secret)
        env.update(("ROLEPROXY_SECRET_%d" % i, "value") for i in range(1, 9))
        again = t.file("again.ini", first)
        code, second, err = t.run("--to-ini", again, env=env)
        if re.search("has no server|has the address of", err):
            continue  # only haproxy.cfg may say that
        equal(code, 0, row["file"] + ": " + err)
        equal(strip(second), strip(first), row["file"])


def strip(text):
    """The file without its comments."""
    return [line for line in text.splitlines() if not line.startswith("#")]
