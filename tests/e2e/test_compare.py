#!/usr/bin/env python3
"""The same configuration and the same events for HAProxy and for roleproxy:
they say and do the same (compare/), but for what compare/intended.py has.

Environment: COMPARE_A and COMPARE_B the two programs (haproxy, roleproxy),
COMPARE a regular expression of scenarios, COMPARE_SHOW=1 prints what both did.
"""

import os
import re

from compare import admin, checks, judge, more, sessions, side
from compare.intended import Intended
from lib import alone


def run(t, module):
    """All scenarios of a module."""
    programs = side.programs()
    wanted = re.compile(os.environ.get("COMPARE", ""))
    names = [name for name, s in judge.SCENARIOS.items()
             if s[0].__module__ == module.__name__ and wanted.search(name)]
    problems = judge.run_all(t, names, programs)
    assert not problems, "\n".join(problems)


@alone
def test_checks(t):
    """What is found out about servers."""
    run(t, checks)


@alone
def test_sessions(t):
    """How sessions end, what bounds them, where they go."""
    run(t, sessions)


@alone
def test_more(t):
    """Who may come in, what is logged and passed on, the program's end."""
    run(t, more)


@alone
def test_admin(t):
    """What an operator does; Redis."""
    run(t, admin)


def test_notices(t):
    """What differs is noticed: other figures, an intended difference that does
    not occur."""
    haproxy = side.programs()[0]
    other = t.file("other", "#!/bin/sh\nsed -i 's/fall 2/fall 3/' $3\nexec %s \"$@\"\n" %
                   haproxy[0])
    out = judge.run(t, "server_refuses", [haproxy, ["sh", other]])
    fields = {field for _, field, _, _ in out.differences}
    assert "check_fall" in fields and len(out.problems) >= 2, out.differences
    mine = [Intended("server_refuses", ".* be/[ab]", "check_fall", "2", "3", "told so"),
            Intended("server_refuses", ".*", "status", "UP", "DOWN", "never")]
    out.problems.clear()
    out.judge(mine)
    assert not any("check_fall" in p for p in out.problems), out.problems
    assert any("not seen" in p and "never" in p for p in out.problems), out.problems
