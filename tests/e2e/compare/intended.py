#!/usr/bin/env python3
"""What differs from HAProxy on purpose: in which scenarios, where, which field,
HAProxy's value, ours (regular expressions), and why. A difference that is not
here is an error, one that is here and does not occur is as well."""

import re


class Intended:
    """One intended difference; always: it is seen each time."""

    def __init__(self, scenarios, where, field, theirs, ours, reason, always=True):
        self.scenarios, self.always = scenarios.split(), always
        self.where, self.field, self.reason = where, field, reason
        self.theirs, self.ours = theirs, ours

    def concerns(self, scenario):
        """Is it about that one? `*` is about all."""
        return scenario in self.scenarios or self.scenarios == ["*"]

    def matches(self, where, field, a, b):
        """Is it this one?"""
        pairs = ((self.where, where), (self.field, field),
                 (self.theirs, a), (self.ours, b))
        return all(re.fullmatch(p, text, re.S) for p, text in pairs)


# Bytes of sessions that have not ended yet.
COUNTED = "bytes are counted as they pass, not at a session's end"

# Lines that HAProxy has nothing like: of the program itself, of the operator, of
# who may write.
OWN = re.compile("^roleproxy .* starts with |^ready after |, asked for by uid "
                 "|maxconn reached|^backend .*: |^stop|, by the operator$"
                 "|^server .*, role ")

ROLE = "a role is known when the answer is complete, HAProxy waits for another"
MAINT = "who was DOWN before its maintenance is DOWN until a check passes"
HASH = "which server an address has is each program's own affair"
PAGE = "pages have no servers, and a limit of their own; who reads is not logged"
ASKED = "what asks Redis is a check of its own kind, whose results are logged"

INTENDED = [
    Intended("*", "log", "own line", "", "(roleproxy .* starts with|ready after) .*",
             "the program says that it starts, and when it serves"),
    Intended("roundrobin weights disabled_server health_commands drain maintenance "
             "maintenance_while_down drain_while_down shutdown_sessions "
             "frontend_disabled address_changed set_maxconn_server shutdown_session "
             "use_backend",
             "log", "own line", "", "control: .*, asked for by uid .*",
             "who changed what is on record"),
    Intended("accept_proxy", "at the end fe/FRONTEND", "ereq", "0", "4",
             "a client that is no proxy is a request that failed"),
    Intended("accept_proxy", "log .*", "line [134]",
             ".*(Truncated PROXY protocol header received|does not look like.*)",
             ".*(Received something which does not look like.*|invalid PROXY protocol header"
             "|Timeout while waiting for PROXY protocol header)",
             "a header may come in parts; what cannot become one is said as soon as it shows"),
    Intended("frontend_maxconn", "log", "own line", "",
             ".* the frontend's maxconn reached: .*",
             "why clients have to wait is said"),
    Intended("server_killed leastconn first frontend_maxconn going_down queue drain "
             "maintenance", ".*",
             "bin|bout", r"\d+", r"\d+", COUNTED),
    Intended("observe", ".* be/a", "chkfail|hanafail|check_status|last_chk|check_desc",
             ".*", ".*", "who failed sessions is checked at once, and its checks "
             "count, not the sessions", always=False),
    Intended("observe", "log be/a", "line 1", ".* 1 sessions active.*",
             ".* 0 sessions active.*", "the session that failed has gone by then"),
    Intended("redis_failover", ".* stats/.*", "slim|algo|hrsp_2xx", ".*", ".*", PAGE),
    Intended("redis_failover", "sessions of stats", "lines", "1", "0", PAGE),
    Intended("redis_failover", "log bk_redis_.*", "line .*", ".*", ".*", ROLE),
    Intended("redis_failover redis_check", "log", "own line", "", "(backend|server) .*",
             "who may write, and why, is on record"),
    Intended("redis_check", ".* be/a", "last_chk", ".*", ".*", ASKED),
    Intended("redis_check", "log be/a", "line .*", ".*", ".*", ASKED),
    Intended("redis_failover", ".* bk_redis_master/BACKEND", "algo", "source",
             "leastconn", "one writer needs no choice"),
    Intended("redis_failover", ".* bk_redis_.*/(one|two)", "check_status", "L7TOUT",
             "L7STS", ROLE),
    Intended("redis_failover", ".* bk_redis_.*/(one|two)", "check_code", "", "0", ROLE),
    Intended("redis_failover", ".* bk_redis_.*/(one|two)", "check_desc",
             "Layer7 timeout", "Layer7 wrong status", ROLE),
    Intended("redis_failover", ".* bk_redis_.*/(one|two)", "last_chk",
             " at step 6 of .*", "role:(master|slave)", ROLE),
    Intended("redis_failover", ".* bk_redis_.*/(one|two)", "chkfail", "2", "1",
             "one answer is enough for a role, it is not asked for fall times"),
    Intended("maintenance_while_down", ".* be/a", "chkfail|chkdown", r"\d", r"\d",
             MAINT),
    Intended("maintenance_while_down", "log be/a", "line .*", ".*", ".*", MAINT),
    Intended("address_changed", "log", "own line", "", ".*by the operator",
             "a changed address is on record"),
    Intended("soft_stop", "log (<HTTPCLIENT>|be|fe)", "line 1", ".*", "",
             "the end is one line about the whole program"),
    Intended("soft_stop", "log", "own line", "", "stop.*",
             "the end is one line about the whole program"),
    Intended("source", "at the end be/.", "smax|stot|bout|lbtot|lastsess|connect",
             ".*", ".*", HASH),
    Intended("source", "session .*", "s", "[abc]", "[abc]", HASH),
    Intended("log_separate_errors", "session .*", "head", "<131> .*", "<134> .*",
             "the option is not done; -c says so"),
]
