#!/usr/bin/env python3
"""Faults in which the primary moves, or nearly does: failovers planned and
forced, crashes, hangs, leading Sentinels that die half-way, proxies that miss it
all. What a fault function must do: see faults.py."""

from lib import wait_for


def planned(w):
    """SENTINEL FAILOVER under load."""
    old = w.primary
    w.mark()
    w.failover()
    w.wait_named(old)


def planned_row(w):
    """Twenty planned failovers in a row, each as soon as the Sentinels agree."""
    w.mark()
    for i in range(20):
        old = w.primary
        w.failover(i % 3)
        w.wait_named(old)
        w.pace(0.5, "writes reach the new primary")


def crash(w):
    """kill -9 of the primary, which stays away."""
    old = w.primary
    w.mark()
    old.kill()
    w.wait_named(old)
    w.pace(2, "writes reach the new primary")


def crash_return(w):
    """kill -9 of the primary, which comes back a primary in its own eyes."""
    crash(w)
    w.first.start()


def hang(w, seconds):
    """SIGSTOP and, later, SIGCONT."""
    p = w.primary
    w.mark()
    p.pause()
    w.pace(seconds, "the primary hangs")
    p.resume()


def hang_short(w):
    """The primary stopped for 3 s, less than the Sentinels' patience."""
    hang(w, 3)
    w.pace(3, "all goes on")


def hang_long(w):
    """The primary stopped for 20 s; another is promoted, then it wakes."""
    hang(w, 20)


def two_faults(w):
    """A planned failover, and 2 s later kill -9 of the new primary."""
    w.mark()
    w.failover()
    _, new = w.wait_promotion()
    w.until(w.start + 2)
    new.kill()
    w.wait_named(new)
    w.pace(2, "writes reach the new primary")
    new.start()


def leader_dies(w):
    """The leading Sentinel killed 0.1 s after a planned promotion."""
    leader = w.guards.all[0]
    w.mark()
    w.failover(0)
    when, _ = w.wait_promotion()
    w.until(when + 0.1)
    leader.child.kill()
    w.pace(12, "the others undo it or finish it")
    w.guards.run(leader)


def leader_dies_crash(w):
    """kill -9 of the primary, and of the leader 0.1 s after the promotion."""
    w.mark()
    w.first.kill()
    when, _ = w.wait_promotion()
    leader = w.guards.all[w.wait_event("+elected-leader")[1]]
    w.until(when + 0.1)
    leader.child.kill()
    w.pace(15, "the others elect again")
    w.guards.run(leader)
    w.first.start()


def leader_dies_with_primary(w):
    """kill -9 of the primary, and of the Sentinel that is elected, at once."""
    w.mark()
    w.first.kill()
    leader = w.guards.all[w.wait_event("+elected-leader")[1]]
    leader.child.kill()
    w.wait_promotion()
    w.pace(2, "writes reach the new primary")
    w.guards.run(leader)
    w.first.start()


def sentinel_dies_with_primary(w):
    """kill -9 of the primary and of one Sentinel at the same moment."""
    w.mark()
    w.first.kill()
    w.guards.all[0].child.kill()
    w.wait_promotion()
    w.pace(2, "writes reach the new primary")
    w.guards.run(w.guards.all[0])
    w.first.start()


def aborted(w):
    """A failover that Sentinel gives up: the replica it selects is stopped; it
    wakes afterwards and finds the order to become a primary."""
    chosen = w.nodes[1]
    chosen("CONFIG", "SET", "replica-priority", 1)
    wait_for(lambda: all(w.guards.replica(i, chosen)["slave-priority"] == "1"
                         for i in range(3)), "priority", 30)
    chosen.pause()
    w.mark()
    w.failover()
    w.wait_event("-failover-abort-slave-timeout")
    w.pace(1, "writes go on")
    chosen.resume()
    w.pace(3, "a second primary")


def proxy_stopped(w):
    """The proxy stopped before a failover and continued after it."""
    old = w.primary
    w.mark()
    for p in w.proxies:
        p.child.pause()
    w.failover()
    w.wait_named(old)
    w.pace(1, "all have gone on but the proxy")

    def go_on():
        for p in w.proxies:
            p.child.resume()
    w.stray = w.stand_alone(old, 15, go_on)


def detached(w):
    """REPLICAOF NO ONE on a replica, by hand, until the Sentinels repair it."""
    out = w.replicas()[0]
    w.mark()
    out.replicate(None)
    w.stray = w.stand_alone(out, 20)


def restart_all(w):
    """Every node restarted in turn, the primary after a planned failover."""
    old = w.primary
    w.mark()
    for r in w.replicas():
        w.restart(r)
    for g in w.guards.all:
        g.child.kill()
        w.guards.run(g)
        wait_for(w.guards.calm, "calm Sentinels", 30)
    w.failover()
    w.wait_named(old)
    wait_for(lambda: old.follows(w.primary), "old primary as a replica", 60)
    w.restart(old)


def start_up(w):
    """The proxy started with clients at the door."""
    w.mark()
    for p in w.proxies:
        p.start(wait=False)
    w.write()
    w.pace(5, "the first seconds")
