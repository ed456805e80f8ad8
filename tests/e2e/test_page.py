#!/usr/bin/env python3
"""The page in a real browser: a failover is seen without a reload and, without
JavaScript, by the refresh; what it looks like at many sizes."""

import os
import shutil

import lib
from lib import alone, equal, mark, wait_for

SIZES = (320, 390, 1280, 2560)
SHOTS = os.environ.get("SHOTS")     # a folder for pictures of the page


def browser(t, **options):
    """A browser, or this test is skipped."""
    if not shutil.which("chromedriver") or not shutil.which("chromium"):
        raise lib.Skip("no chromium, chromium-driver")
    try:
        from browser import Browser
    except ImportError as e:
        raise lib.Skip("no python3-selenium") from e
    return Browser(t, **options)


def url(p, path="/stats"):
    """The page's address."""
    return "http://%s:%d%s" % (*p.address("stats"), path)


def stack(t):
    """A primary, two replicas and Sentinels; a proxy that has seen all."""
    g = t.group(2)
    s = t.sentinels(g)
    p = t.proxy(g, stats={"refresh": "500ms"}, backend={"hold": "30s"})
    p.wait_readable(*g.replicas)
    p.wait_sentinels()
    return g, s, p


def shoot(b, name):
    """Pictures at all sizes in light and dark, if they are wanted."""
    for width in SIZES if SHOTS else ():
        for dark in (False, True):
            b.resize(width, dark=dark)
            b.shot("%s/%s-%d-%s.png" % (SHOTS, name, width, "dark" if dark else "light"))
    b.resize(1280)


def check_looks(b):
    """At every size nothing is wider than the window; texts can be read; what is
    drawn has a name."""
    for width in SIZES:
        for dark in (False, True):
            b.resize(width, dark=dark)
            wide = b.execute_script(
                "return [document.documentElement.scrollWidth, innerWidth]")
            assert wide[0] <= wide[1], "%d: %r" % (width, wide)
            equal(b.low_contrast(), [], "contrast at %d, dark %r" % (width, dark))
    b.resize(1280)
    nameless = b.execute_script(
        'return [].filter.call(document.querySelectorAll('
        '"svg, section, [role=region], a[href], button, input, select"), '
        'e => !(e.getAttribute("aria-label") || e.textContent.trim() || e.closest("label")))'
        '.map(e => e.outerHTML)')
    equal(nameless, [])
    equal(b.execute_script("return document.documentElement.lang"), "en")
    equal(len(b.find_elements("css selector", "main")), 1)
    equal(len(b.find_elements("css selector", "h1")), 1)


@alone
def test_failover_in_place(t):
    """The sentence, the picture and the timeline follow a failover while the
    document stays the same."""
    g, s, p = stack(t)
    b = browser(t)
    b.get(url(p))
    wait_for(lambda: "Writes go to redis-1" in b.text("#say"), "the sentence")
    wait_for(lambda: "2 of 2 replicas follow" in b.text("#follow"), "followers")
    equal(b.text(".node.writer .name"), "★ redis-1")
    equal(len(b.find_elements("css selector", ".link:not(.broken)")), 2)
    equal(b.text("#trouble"), "")
    check_looks(b)
    shoot(b, "well")
    b.execute_script("window.stays = 1; document.querySelector('.box').focus()")
    before = len(b.find_elements("css selector", ".timeline li"))
    g.primary.kill()
    wait_for(lambda: "DOWN" in b.text("#trouble"), "what is not well")
    assert "redis-1 is DOWN" in b.text("#trouble"), b.text("#trouble")
    wait_for(lambda: b.text(".node.bad .name") == "✕ redis-1", "the picture")
    shoot(b, "away")
    wait_for(lambda: s.named() is not g.primary, "verdict", 40)
    new = s.named()
    wait_for(lambda: "Writes go to " + new.name in b.text("#say"), "the sentence", 20)
    wait_for(lambda: b.text(".node.writer .name") == "★ " + new.name, "the picture")
    wait_for(lambda: "1 of 2 replicas follows" in b.text("#follow"), "followers")
    first = b.text(".timeline li")
    assert new.name + " took over from redis-1" in first and "rule W" in first, first
    assert len(b.find_elements("css selector", ".timeline li")) > before
    equal(b.execute_script("return window.stays"), 1, "the document was loaded again")
    equal(b.execute_script("return document.activeElement.className"), "box", "focus")
    check_looks(b)
    shoot(b, "after")
    g.primary.start()
    wait_for(lambda: b.text("#trouble") == "", "all is well", 40)
    wait_for(lambda: "✓ all is well" in b.title, "title")
    equal(b.complaints(), [])


@alone
def test_failover_without_javascript(t):
    """The same by the refresh."""
    g, s, p = stack(t)
    b = browser(t, javascript=False)
    b.get(url(p))
    assert "Writes go to redis-1" in b.text("#say"), b.text("#say")
    assert b.find_elements("css selector", "#pause a"), "no link to stop the refresh"
    new = s.fail_over()
    wait_for(lambda: "Writes go to " + new.name in b.text("#say"), "the sentence", 30)
    equal(b.text(".node.writer .name"), "★ " + new.name)
    assert new.name + " took over from redis-1" in b.text(".timeline li")


@alone
def test_lost_and_found(t):
    """The page says that it is old when roleproxy does not answer any more, and
    goes on when it does; its button stops and starts it; what is open stays."""
    g = t.group(1)
    p = t.proxy(g, stats={"refresh": "300ms"})
    b = browser(t)
    b.get(url(p))
    b.find_element("css selector", "#pause button").click()
    equal(b.text("#pause button"), "Go on")
    b.find_element("css selector", "#pause button").click()
    equal(b.text("#pause button"), "Pause")
    p.stop()
    wait_for(lambda: "has not answered since" in b.text("#lost"), "the warning")
    p.start()
    wait_for(lambda: b.text("#lost") == "", "its end")


def test_hostile_names(t):
    """Nothing that a server says becomes markup; nothing is run that is not the
    page's own script. (Names from the configuration cannot hold any: A-Z 0-9.)"""
    from services import Service, says
    bad = Service(t, says('-ERR </td><script>window.bad=1</script>"\'><img src=x onerror=bad=1>'))
    p = t.proxy([bad.line("bad")])
    b = browser(t)
    wait_for(lambda: "script" in p.page(), "the server's words")
    b.get(url(p))
    equal(b.execute_script("return window.bad"), None)
    equal(len(b.find_elements("css selector", "img")), 0)
    equal(len(b.find_elements("css selector", "script")), 1)
    assert "<img src=x" in b.text("#trouble"), b.text("#trouble")
    b.execute_script("var s = document.createElement('script');"
                     "s.textContent = 'window.bad = 2'; document.body.append(s)")
    equal(b.execute_script("return window.bad"), None, "the policy lets scripts in")


@mark(alone=True, full=True)
def test_cluster_picture(t):
    """A Redis Cluster: each shard's primary with its replica behind an arrow."""
    from test_cluster import Cluster, wait_settled
    c = Cluster(t)
    p = t.proxy(c.servers)
    wait_settled(c, p)
    b = browser(t)
    b.get(url(p))
    wait_for(lambda: len(b.find_elements("css selector", ".node.writer")) == 3, "primaries")
    equal(len(b.find_elements("css selector", ".link:not(.broken)")), 3)
    equal(len(b.find_elements("css selector", ".node.up")), 3)
    check_looks(b)
    shoot(b, "cluster")


def test_size(t):
    """Under 100 KB in all, with the largest stack of the manual."""
    g = t.group(3)
    p = t.proxy(g)
    p.wait_readable(*g.replicas)
    total = sum(len(p.page(path)) for path in (
        "/stats", "/stats;page.css", "/stats;page.js"))
    assert total < 100000, total
