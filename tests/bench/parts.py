#!/usr/bin/env python3
"""The three parts: every candidate in turn, round by round, in an order that
alternates. A part returns figures[candidate][key], a list with a figure for each
round.
"""

import sys
import time

import candidates
import loads

IDLE = [4000, 15000]
IDLE_ROUNDS = 3     # memory hardly moves from round to round
IDLE_BESIDE = [10, 100, 1000, 10000]
SERVERS = [1, 10, 100]
SMOKE = 0.25        # at a smaller scale than that the figures mean nothing


class Options:
    """What the command line asks for."""

    def __init__(self, names, rounds, scale, connect, only_loads):
        self.names, self.rounds, self.scale, self.connect = names, rounds, scale, connect
        self.only_loads = only_loads
        # Seconds after which one round of checks is over; seconds of rest.
        self.settled, self.rest = (1.2, 1) if scale >= SMOKE else (0.2, 0.2)

    def wants(self, load):
        """Is it to be measured?"""
        return not self.only_loads or load in self.only_loads

    def levels(self, all_levels, least=1):
        """Those that fit the scale and the limits of this machine."""
        fitting = [n for n in all_levels if n <= all_levels[-1] * self.scale]
        return fitting if len(fitting) > least else all_levels[:least]

    def idle_levels(self, all_levels, least=1):
        """The same; where the open files do not suffice, as many as can be."""
        most = loads.most_idle()
        levels = self.levels(all_levels, least)
        if levels[-1] > most:
            print("bench: open files suffice for %d idle sessions, not for %d" % (
                most, levels[-1]), file=sys.stderr)
        return sorted({min(n, most) for n in levels})

    def in_turn(self, part, names):
        """(round, candidates in the order of that round)."""
        for i in range(self.rounds):
            yield i, names if i % 2 == 0 else names[::-1]
            print("bench: part %d: round %d of %d" % (part, i + 1, self.rounds),
                  file=sys.stderr, flush=True)


def room_for(redis, idle):
    """A plan with places for so many sessions and the others."""
    return candidates.Plan(redis, maxconn=max(candidates.MAXCONN, idle + 200))


def settled(stage, name, plan, options):
    """A fresh proxy, one round of checks later."""
    server = stage.proxy(name, plan)
    time.sleep(options.settled)
    return server


def measure_idle(stage, name, redis, levels, options, into):
    """Memory of a fresh process: at start, and for each idle session."""
    for level in levels:
        server = settled(stage, name, room_for(redis, level), options)
        start = server.resident()
        if level == levels[0]:
            loads.put(into, "start_mb", start / 1e6)
        with loads.Idle(server, level):
            loads.put(into, "idle_bytes@%d" % level, (server.resident() - start) / level)
        stage.end(server)


def path(options):
    """Part 1: the data path, load by load."""
    figures = {name: {} for name in options.names}
    names = [load[0] for load in loads.LOADS if options.wants(load[0])]
    n = max(int(loads.CONNECTIONS * options.scale), 500)
    levels = options.idle_levels(IDLE) if options.wants("idle") else []
    if options.scale < SMOKE:
        levels = [max(100, int(IDLE[0] * options.scale))] if levels else []
    proxies = [name for name in options.names if name != "direct"]
    with candidates.Stage() as stage:
        redis = stage.redis()
        servers = {name: stage.proxy(name, candidates.Plan(redis)) for name in options.names}
        for server in servers.values():
            loads.requests(server, "get", options.scale / 4, {})     # warm up
        for i, order in options.in_turn(1, options.names):
            for load in names:
                for name in order:
                    loads.requests(servers[name], load, options.scale, figures[name])
            if options.wants("conn"):
                for name in order:
                    loads.connections(servers[name], options.connect, n, figures[name])
            if levels and i < IDLE_ROUNDS:
                for name in [name for name in order if name in proxies]:
                    measure_idle(stage, name, redis, levels, options, figures[name])
    return figures


def beside_idle(stage, name, redis, level, options, into):
    """One candidate with idle sessions beside."""
    server = settled(stage, name, room_for(redis, level), options)
    start = server.resident()
    prefix = "idle=%d:" % level
    with loads.Idle(server, level):
        if level >= 1000:   # below, a page more or less says nothing
            loads.put(into, prefix + "bytes", (server.resident() - start) / level)
        if options.wants("get"):
            loads.requests(server, "get", options.scale / 3, into, prefix)
        if options.wants("conn"):
            loads.connections(server, options.connect, max(int(5000 * options.scale), 500),
                              into, prefix)
    stage.end(server)


def with_servers(stage, name, plan, options, into):
    """One candidate with some replicas: what it costs at rest, and at work."""
    server = settled(stage, name, plan, options)
    prefix = "servers=%d:" % len(plan.replicas)
    before, start = server.cpu(), time.monotonic()
    time.sleep(options.rest)
    loads.put(into, prefix + "rest",
              (server.cpu() - before) / 1000.0 / (time.monotonic() - start))
    if options.wants("get"):
        loads.requests(server, "get", options.scale / 3, into, prefix)
    if options.wants("conn"):
        loads.connections(server, options.connect, max(int(5000 * options.scale), 500),
                          into, prefix, "read")
    stage.end(server)


def growth(options):
    """Part 2: the same work with more and more beside it."""
    names = [name for name in options.names if name != "direct"]
    figures = {name: {} for name in names}
    idle = options.idle_levels(IDLE_BESIDE, 2) if options.wants("idle") else []
    counts = options.levels(SERVERS, 2) if options.wants("servers") else []
    with candidates.Stage() as stage:
        redis = stage.redis()
        replicas = stage.replicas(redis, 3) if counts else []
        for i, order in options.in_turn(2, names):
            for level in idle[::1 - 2 * (i % 2)]:
                for name in order:
                    beside_idle(stage, name, redis, level, options, figures[name])
            for count in counts[::1 - 2 * (i % 2)]:
                plan = candidates.Plan(redis, [
                    "127.0.1.%d:%d" % (i + 1, replicas[i % len(replicas)]) for i in range(count)])
                for name in order:
                    with_servers(stage, name, plan, options, figures[name])
    return figures


def fairness(options):
    """Part 3: small requests beside bulk transfers through the same proxy."""
    figures = {name: {} for name in options.names}
    with candidates.Stage() as stage:
        redis, bulk = stage.redis(), stage.redis()
        plan = candidates.Plan(redis, bulk=bulk)
        servers = {name: stage.proxy(name, plan) for name in options.names}
        for _, order in options.in_turn(3, options.names):
            for name in order:
                with loads.Bulk(servers[name], bulk) as transfer:
                    loads.requests(servers[name], "get", options.scale / 2, figures[name], "mix:")
                    loads.put(figures[name], "mix:bulk", transfer.rate())
    return figures
