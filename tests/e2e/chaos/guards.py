#!/usr/bin/env python3
"""Faults of the Sentinels themselves: gone, out of their minds, or lying. What a
fault function must do: see faults.py.

Real Sentinels believe a hello with a higher epoch, whoever sent it, so a lie
that they hear changes the truth. The lies here are told where only a proxy can
hear them: on a replica whose Sentinels are cut off for that moment.
"""

from lib import Skip, wait_for
from liar import EPOCH, Liar
from world import MASTER, SENTINEL_PORT

HELLO = "__sentinel__:hello"


def stopped(w):
    """All Sentinels killed for 15 s."""
    w.mark()
    for g in w.guards.all:
        g.child.kill()
    w.pace(15, "there are no Sentinels")
    for g in w.guards.all:
        w.guards.run(g)


def tilt(w):
    """All Sentinels stopped for 3 s, so that they go into TILT."""
    w.mark()
    for g in w.guards.all:
        g.child.pause()
    w.pace(3, "the Sentinels sleep")
    for g in w.guards.all:
        g.child.resume()
    w.wait_event("+tilt")
    w.pace(10, "they mistrust their clocks")


def clock(w):
    """The wall clock of Sentinels and proxy an hour ahead, then an hour behind."""
    w.mark()
    w.clock.set(3600)
    w.wait_event("+tilt")
    w.pace(8, "an hour ahead")
    w.clock.set(-3600)
    w.pace(8, "an hour behind")


def hello(guard, run_id, named, epoch):
    """The text of a hello: from whom, and whom it names."""
    return "%s,%d,%s,%d,%s,%s,%d,%d" % (
        guard.host, SENTINEL_PORT, run_id, epoch, MASTER, named.host, named.port, epoch)


def whisper(w, server, text):
    """Publish a hello on a replica where no Sentinel can hear it now; how many
    did hear it."""
    w.links.cut([server], w.guards.all)
    try:
        for c in server.clients():
            if c["name"].startswith("sentinel-"):
                server("CLIENT", "KILL", "ID", c["id"])
        wait_for(lambda: not any(c["name"].startswith("sentinel-")
                                 for c in server.clients()), "no Sentinel there")
        return server("PUBLISH", HELLO, text)
    finally:
        w.links.heal()


def forged(w):
    """Hellos in a real Sentinel's name, of a high epoch, naming a replica."""
    guard = w.guards.all[0]
    run_id = w.guards.ask(0, "MYID")
    w.mark()
    heard = 0
    for i in range(9):
        server = w.replicas(w.first)[i % 3]
        heard += whisper(w, server, hello(guard, run_id, server, EPOCH + i))
        w.pace(0.7, "between two lies")
    w.pace(3, "nothing must come of it")
    if not heard:
        raise Skip("no proxy listens to hello messages")


def lying(w):
    """A fourth Sentinel that is found by gossip and lies when it is asked."""
    chosen = w.replicas(w.first)[0]
    liar = Liar(w, chosen)
    w.lab.closers.append(liar.stop)
    epoch = int(w.guards.state(0)["config-epoch"])
    w.mark()
    for i in range(8):
        w.first("PUBLISH", HELLO, hello(liar, liar.run_id, w.first, epoch))
        w.pace(0.5, "it becomes known")
        whisper(w, chosen, hello(liar, liar.run_id, chosen, EPOCH + i))
        w.pace(1, "it is asked and lies")
    liar.stop()
    if not liar.asked_by(w.PROXY):
        raise Skip("no proxy asked the lying Sentinel")
