#!/usr/bin/env python3
"""Faults of the network: who cannot hear whom. What a fault function must do:
see faults.py."""


def cut(w, a, b, seconds):
    """Cut a from b for some time; how many packets were lost."""
    w.mark()
    w.links.cut(a, b)
    w.pace(seconds, "the network is split")
    return w.links.heal()


def partition(w, seconds=20):
    """The primary cut from Sentinels and replicas, not from the proxy."""
    assert cut(w, [w.first], w.replicas() + w.guards.all, seconds), "nothing was cut"


def partition_quick(w):
    """The primary cut from Sentinels and replicas for 10 s."""
    partition(w, 10)


def isolation(w):
    """Primary and proxy on one side, all else on the other."""
    assert cut(w, [w.first, w.PROXY], w.replicas() + w.guards.all, 20), "nothing was cut"


def minority(w):
    """Primary, one replica and the proxy on one side, all else on the other."""
    near, *far = w.replicas()
    assert cut(w, [w.first, near, w.PROXY], far + w.guards.all, 20), "nothing was cut"


def primary_from_sentinels(w):
    """The primary cut from the Sentinels only; its replicas follow it."""
    assert cut(w, [w.first], w.guards.all, 20), "nothing was cut"


def proxy_from_sentinels(w):
    """The proxy cut from the Sentinels; nothing else is wrong."""
    cut(w, [w.PROXY], w.guards.all, 15)


def proxy_blind_planned(w):
    """The proxy cut from the Sentinels, then a planned failover."""
    old = w.primary
    w.links.cut([w.PROXY], w.guards.all)
    w.pace(5, "the proxy has lost the Sentinels")
    w.mark()
    w.failover()
    w.wait_named(old)
    w.pace(5, "the proxy finds out")
    w.links.heal()


def loss(w):
    """30 % of the packets from the primary to Sentinels and replicas lost."""
    w.mark()
    w.links.lose([w.first], w.replicas() + w.guards.all, 30)
    w.pace(20, "a bad cable")
    assert w.links.heal() > 200, "too few packets were lost"
