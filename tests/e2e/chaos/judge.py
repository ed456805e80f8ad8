#!/usr/bin/env python3
"""What a run came to: figures from what the clients saw and what the final
primary has, and whether they are within the bar."""

import bisect

AT_ONCE = 0.1       # seconds: what dies with a primary was acknowledged before

UNITS = {"lost": "", "later": "", "lost_s": " s of writes", "last_lost": " s", "gap": " s",
         "after": " s", "broken": "", "stray": "", "readonly": "", "errors": ""}
WORDS = {"lost": "lost", "later": "lost later", "lost_s": "lost", "last_lost": "last lost",
         "gap": "gap", "after": "after the promotion", "broken": "broken",
         "stray": "stray writes", "readonly": "READONLY", "errors": "errors"}


def missing(server, keys):
    """Those keys that a server does not have."""
    out = []
    for at in range(0, len(keys), 1000):
        part = keys[at:at + 1000]
        out += [k for k, v in zip(part, server("MGET", *part)) if v is None]
    return set(out)


def longest_gap(load):
    """The longest time in which no write was acknowledged, by any one proxy:
    (seconds, when it began)."""
    worst = (0.0, 0.0)
    for times in load.times():
        points = times[:1] + times + [load.data["end"]]
        worst = max([worst] + [(b - a, a) for a, b in zip(points, points[1:])])
    return worst


def after_promotion(load, promotions):
    """The longest time from a promotion to the next acknowledged write; None
    without a promotion."""
    worst = None
    for when, _ in promotions:
        for times in load.times():
            i = bisect.bisect_right(times, when)
            end = times[i] if i < len(times) else load.data["end"]
            worst = max(worst or 0.0, end - when)
    return worst


def measure(world, primary):
    """All figures of a run whose group has settled on this primary."""
    load, start = world.load, world.start
    acks = load.acks()
    absent = missing(primary, [k for _, k in acks])
    lost = [t - start for t, k in acks if k in absent]
    before = sum(1 for t, _ in acks if start - 2 <= t < start) / 2
    if not before:
        before = len(acks) / (load.data["end"] - load.data["start"])
    ends = [why for t, _, why in load.data["ends"]]
    errors = load.data["errors"]
    gap, at = longest_gap(load)
    return {
        "acked": len(acks), "lost": len(lost), "lost_s": len(lost) / before,
        "later": sum(1 for t in lost if t > AT_ONCE),
        "first_lost": min(lost, default=None), "last_lost": max(lost, default=None),
        "gap": gap, "gap_at": at - start,
        "after": after_promotion(load, world.watch.promotions(start)),
        "broken": ends.count("broken") + ends.count("timeout"),
        "refused": ends.count("refused"), "error_texts": errors,
        "errors": sum(errors.values()),
        "readonly": sum(n for text, n in errors.items() if text.startswith("READONLY")),
        "stray": world.stray, "rate": before,
        "promotions": [[t - start, s.name] for t, s in world.watch.promotions(start)],
        "seconds": load.data["end"] - load.data["start"],
    }


def misses(figures, bar):
    """What is over the bar, in words; empty if nothing is."""
    out = []
    for key, limit in bar.items():
        value = figures.get(key)
        if key in ("stray", "after") and value is None:
            out.append("%s: not measured" % WORDS[key])
        elif value is not None and value > limit:
            out.append("%s %s > %s" % (WORDS[key], number(value), told(key, limit)))
    return out


def number(value):
    """A figure as it is printed."""
    if value is None:
        return "-"
    return "%d" % value if isinstance(value, int) else "%.2f" % value


def told(key, limit):
    """A limit in words."""
    return number(limit) + UNITS[key]


def bar_words(bar):
    """A bar in words."""
    return ", ".join("%s %s %s" % (WORDS[k], "=" if v == 0 else "<=", told(k, v))
                     for k, v in bar.items()) or "none"


def worst(runs):
    """One set of figures: the worst of several runs, each figure for itself."""
    out = dict(max(runs, key=lambda r: r["lost"]))
    for key, value in out.items():
        values = [r[key] for r in runs if r[key] is not None]
        if key != "acked" and values and isinstance(values[0], (int, float)):
            out[key] = max(values)
    out["error_texts"] = {
        text: max(r["error_texts"].get(text, 0) for r in runs)
        for text in {t for r in runs for t in r["error_texts"]}}
    return out


def cell(figures):
    """The four columns of a candidate: lost of acked, last lost, longest gap,
    error replies."""
    if figures is None:
        return ["-"] * 4
    kinds = {}
    for text, n in figures["error_texts"].items():
        word = text.split()[0] if text else "?"
        kinds[word] = kinds.get(word, 0) + n
    errors = " ".join("%d %s" % (n, w) for w, n in sorted(kinds.items())) or "0"
    last = figures["last_lost"]
    return ["%d of %d" % (figures["lost"], figures["acked"]),
            "-" if last is None else "%+.2f s" % last,
            "%.2f s" % figures["gap"], errors]


def table(rows, candidates):
    """The closing table as text: rows of (fault, {candidate: figures}, bar,
    verdict)."""
    columns = ["lost of acked", "last lost", "gap", "errors"]
    lines = [[["fault"]] + [columns for _ in candidates] + [["bar for roleproxy"], [""]]]
    for name, figures, bar, verdict in rows:
        lines.append([[name]] + [cell(figures.get(c)) for c in candidates] +
                     [[bar], [verdict]])
    widths = [[max(len(line[g][i]) for line in lines) for i in range(len(group))]
              for g, group in enumerate(lines[0])]
    top = [""] + list(candidates) + ["", ""]
    out = [" | ".join(word.ljust(sum(w) + 2 * len(w) - 2)
                      for word, w in zip(top, widths))]
    for line in lines:
        out.append(" | ".join("  ".join(x.ljust(n) for x, n in zip(group, w))
                              for group, w in zip(line, widths)))
    return "\n".join(line.rstrip() for line in out)
