#!/usr/bin/env python3
"""What one test gets: a temporary folder, ports of its own, and makers of real
redis-servers, Sentinels and roleproxies, all of which end with the test."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

import lib
from lib import Child, Ports, SLOW, Writers, equal, kill_children, report_in
from servers import Group, Proxy, Redis, Sentinels


class Lab:
    """What one test has; everything in it ends with it."""

    def __init__(self, name):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="e2e-%s-" % name.split(".")[-1][:40])
        os.chmod(self.folder, 0o755)
        self.ports = Ports()
        self.all, self.proxies, self.closers = [], [], []

    def spawn(self, name, argv, **options):
        """Start a process that ends with the test."""
        child = Child(self, name, argv, **options)
        self.all.append(child)
        return child

    def redis(self, name="redis", **options):
        """A redis-server."""
        return Redis(self, name, **options)

    def group(self, replicas=3, **options):
        """A primary and replicas, linked."""
        return Group(self, replicas, **options)

    def sentinels(self, group=None, **options):
        """Three Sentinels that know each other and the group, or several."""
        return Sentinels(self, group, **options)

    def proxy(self, servers=(), **options):
        """A roleproxy; servers is a Group or a list of server lines."""
        servers = servers.servers if isinstance(servers, Group) else servers
        p = Proxy(self, servers, **options)
        self.proxies.append(p)
        return p

    def run(self, *args, timeout=20, **options):
        """Run roleproxy to its end: exit code, stdout, stderr."""
        p = subprocess.run(lib.RUN + [lib.BINARY] + list(args), cwd=self.folder,
                           stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=timeout * SLOW, **options)
        return p.returncode, p.stdout.decode(errors="replace"), \
            p.stderr.decode(errors="replace")

    def file(self, name, text):
        """A file in the temporary folder; its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def writers(self, address, n=8, **options):
        """Clients that write unique keys until stopped."""
        w = Writers(address, n, **options)
        self.closers.append(w.stop)
        return w

    def dump(self, out=sys.stdout):
        """The end of every log and /stats.json, for a failed test."""
        for p in self.proxies:
            if p.child and p.child.running() and not p.child.stopped:
                try:
                    text = json.dumps(p.stats(), indent=1)
                except Exception as e:      # whatever: this is a help only
                    text = repr(e)
                out.write("--- %s /stats.json\n%s\n" % (p.name, text))
            elif p.child:
                out.write("--- %s: exit code %r\n" % (p.name, p.child.popen.poll()))
        for name, path in sorted({(c.name, c.log_path) for c in self.all}):
            with open(path, errors="replace") as f:
                lines = f.read().splitlines()
            n = 120 if "redis" not in name and "sentinel" not in name else 12
            out.write("--- %s (%d lines)\n%s\n" % (
                name, len(lines), "\n".join(lines[-n:])))

    def end_proxies(self):
        """Stop each roleproxy as an operator would; it must end well."""
        for p in self.proxies:
            if p.child is None:
                continue
            code = p.child.popen.poll()
            if code is None:
                code = p.stop()
            report = report_in(p.log())
            assert not report, "%s: %s" % (p.name, report)
            equal(code, p.expected_exit, "%s's exit code" % p.name)

    def close(self):
        """End everything that is left and remove the folder."""
        for f in self.closers:
            try:
                f()
            except Exception:
                pass
        for child in self.all:
            child.kill()
        kill_children()
        if os.environ.get("KEEP"):
            print("kept: " + self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
