#!/usr/bin/env python3
"""The same as a picture: a plain SVG, readable on light and on dark ground. One
line for each row: what roleproxy costs in proportion to HAProxy (in part 2: to
its own first figure), a dot for the median and a bar for the range of the
rounds; small rings for the others; a tick for the goal. Left is better: rates
are turned round.
"""

import math
import statistics
from xml.sax.saxutils import escape

import rows

LEFT, WIDTH, RIGHT, LINE, TOP = 330, 520, 120, 18, 84
LOW, HIGH = 0.05, 8.0       # ends of the axis
TICKS = [0.1, 0.2, 0.5, 1, 2, 5]
OTHERS = ["roleproxy-2", "haproxy", "nginx", "direct"]

STYLE = """
 svg { --ink: #1d2330; --soft: #687083; --grid: #dfe3ea; --ground: #ffffff;
  --good: #1a7f4b; --bad: #c43d2b; --plain: #2f62c9;
  --roleproxy-2: #2f62c9; --haproxy: #b0640a; --nginx: #7a4bb5; --direct: #687083;
  background: var(--ground); font: 12px system-ui, sans-serif; }
 @media (prefers-color-scheme: dark) { svg { --ink: #e6e9f0; --soft: #99a2b5; --grid: #323846;
  --ground: #171a21; --good: #4fc587; --bad: #f0806f; --plain: #7ea6f4;
  --roleproxy-2: #7ea6f4; --haproxy: #e3a04e; --nginx: #b996e8; --direct: #99a2b5; } }
 text { fill: var(--ink); } .soft { fill: var(--soft); } .head { font-weight: 600; }
 .grid { stroke: var(--grid); } .one { stroke: var(--soft); } .goal { stroke: var(--ink);
  stroke-width: 2; } .range { stroke-width: 4; stroke-linecap: round; opacity: .45; }
 .ring { fill: none; stroke-width: 1.5; } .end { text-anchor: end; } .mid { text-anchor: middle; }
"""


def at(ratio):
    """Where a ratio stands on the axis."""
    ratio = min(max(ratio, LOW), HIGH)
    return LEFT + WIDTH * math.log(ratio / LOW) / math.log(HIGH / LOW)


def costs(figures, row, candidate):
    """Its ratios as costs: less is better."""
    found = [r for r in rows.shown_ratios(figures, row, candidate) if r > 0]
    return found if row.better == "low" else [1 / r for r in found]


def colour(figures, row):
    """How the goals were met."""
    met = [rows.judge(figures, row, goal) for goal in row.goals]
    return "--bad" if False in met else "--good" if True in met else "--plain"


def goal_ticks(row, y):
    """A tick for each goal that is a ratio on this line's axis."""
    for goal in row.goals:
        if goal.key == row.growth and goal.of == (rows.SUBJECT if row.growth else rows.RIVAL):
            x = at(goal.limit if row.better == "low" else 1 / goal.limit)
            yield '<line class="goal" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>' % (x, x, y - 7, y + 7)


def line(figures, row, y):
    """One row."""
    mine = costs(figures, row, rows.SUBJECT)
    unit = " (%s)" % row.unit if row.unit else ""
    yield '<text class="end" x="%d" y="%d">%s<tspan class="soft">%s</tspan></text>' % (
        LEFT - 12, y + 4, escape(row.title), escape(unit))
    yield '<line class="grid" x1="%d" x2="%d" y1="%d" y2="%d"/>' % (LEFT, LEFT + WIDTH, y, y)
    yield from goal_ticks(row, y)
    for name in OTHERS if row.growth is None else [rows.RIVAL]:
        theirs = costs(figures, row, name)
        if theirs:
            yield '<circle class="ring" cx="%.1f" cy="%d" r="3.5" style="stroke: var(--%s)"/>' % (
                at(statistics.median(theirs)), y, "haproxy" if name == rows.RIVAL else name)
    if not mine:
        return
    shade = colour(figures, row)
    middle = statistics.median(mine)
    yield '<line class="range" x1="%.1f" x2="%.1f" y1="%d" y2="%d" style="stroke: var(%s)"/>' % (
        at(min(mine)), at(max(mine)), y, y, shade)
    yield '<circle cx="%.1f" cy="%d" r="5" style="fill: var(%s)"/>' % (at(middle), y, shade)
    word = {"--bad": " missed", "--good": " ok", "--plain": ""}[shade]
    yield '<text x="%d" y="%d" style="fill: var(%s)">%.2f%s</text>' % (
        LEFT + WIDTH + 12, y + 4, shade, middle, word)


def legend():
    """What the marks mean."""
    yield '<circle cx="20" cy="49" r="5" style="fill: var(--plain)"/>'
    yield '<text x="32" y="53">roleproxy, 1 worker (green: goal met, red: missed)</text>'
    x = 350
    for name in OTHERS:
        yield '<circle class="ring" cx="%d" cy="49" r="3.5" style="stroke: var(--%s)"/>' % (x, name)
        yield '<text x="%d" y="53">%s</text>' % (x + 10, name)
        x += 30 + 7 * len(name)
    yield '<line class="goal" x1="%d" x2="%d" y1="42" y2="56"/><text x="%d" y="53">goal</text>' % (
        x, x, x + 8)


def grid(bottom):
    """The axis."""
    for tick in TICKS:
        x = at(tick)
        yield '<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>' % (
            "one" if tick == 1 else "grid", x, x, TOP - 6, bottom)
        yield '<text class="soft mid" x="%.1f" y="%d">%g x</text>' % (x, TOP - 12, tick)


def svg(about, figures):
    """The whole picture."""
    out, y = [], TOP + 10
    for title, group in rows.groups(figures):
        drawn = [row for row in group if costs(figures, row, rows.SUBJECT)]
        if not drawn:
            continue
        out.append('<text class="head" x="14" y="%d">%s</text>' % (y + 4, escape(title)))
        for row in drawn:
            y += LINE
            out += line(figures, row, y)
        y += LINE + 8
    about_text = "%s, %s, %s: %d rounds, %s CPUs" % (
        about["versions"]["roleproxy"], about["versions"]["redis"].partition(" sha")[0],
        about["time"][:10], about["rounds"], about["cpus"])
    width = LEFT + WIDTH + RIGHT
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">' % (
            width, y, width, y),
        "<style>%s</style>" % STYLE,
        '<rect width="100%" height="100%" style="fill: var(--ground)"/>',
        '<text class="head" x="14" y="22">Cost in proportion to HAProxy with one thread, '
        'where something grows to its own first; left is better (rates are turned round)</text>',
        '<text class="soft" x="14" y="38" style="font-size: 10px">%s</text>' % escape(about_text),
        *legend(), *grid(y - LINE), *out, "</svg>", ""])
