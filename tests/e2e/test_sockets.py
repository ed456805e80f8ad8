#!/usr/bin/env python3
"""Where and how it listens: interfaces, IPv6 alone, how many may wait. Where this
user may, the test has a network of its own."""

import ctypes
import os
import shutil
import socket
import subprocess

import lib
from lib import HOST, Client, Skip, equal, short, wait_for

CLONE_NEWNET = 0x40000000


def private_network():
    """Leave this machine's network for one of the test's own, with lo."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not shutil.which("ip") or not shutil.which("nsenter"):
        raise Skip("no ip or nsenter (iproute2, util-linux)")
    if libc.unshare(CLONE_NEWNET) != 0:
        raise Skip("no network namespaces: " + os.strerror(ctypes.get_errno()))
    ip("link set lo up")


def ip(words):
    """The command ip; a test that may not do that is skipped."""
    p = subprocess.run(["ip"] + words.split(), capture_output=True, text=True)
    if p.returncode != 0:
        raise Skip("ip %s: %s" % (words, p.stderr.strip()))


def neighbour(t):
    """The pid of a process in another network, which a cable leads to: veth0
    here has 10.9.0.1, its end there 10.9.0.2."""
    child = t.spawn("neighbour", ["unshare", "-n", "sleep", "600"])
    here = os.readlink("/proc/thread-self/ns/net")
    wait_for(lambda: os.readlink("/proc/%d/ns/net" % child.pid) != here, "network")
    ip("link add veth0 type veth peer name veth1 netns %d" % child.pid)
    ip("addr add 10.9.0.1/24 dev veth0")
    ip("link set veth0 up")
    inside = ["nsenter", "-t", str(child.pid), "-n"]
    for words in ("addr add 10.9.0.2/24 dev veth1", "link set veth1 up"):
        subprocess.run(inside + ["ip"] + words.split(), check=True)
    return inside


def is_refused(address):
    """Does nobody listen there?"""
    try:
        socket.create_connection(address, 5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_interface(t):
    """Two frontends with one port, each for what comes in at one interface."""
    private_network()
    inside = neighbour(t)
    g = t.group(1)
    p = t.proxy(g, start=False)
    port = t.ports.take()
    p.conf["frontend write"]["bind"] = "*:%d interface=lo" % port
    p.conf["frontend read"]["bind"] = "*:%d interface=veth0" % port
    p.write()
    p.start()
    p.wait_readable(g[1])
    equal(Client((HOST, port)).served_by(), g[0].port, "at lo")
    out = subprocess.run(inside + ["redis-cli", "-h", "10.9.0.1", "-p", str(port),
                                   "INFO", "server"], capture_output=True, text=True)
    assert "tcp_port:%d\r" % g[1].port in out.stdout.replace("\n", "\r"), out
    equal(p.frontend("read")["bind"], ["0.0.0.0:%d interface=veth0" % port])
    p.conf["frontend write"] = None
    p.reload()
    wait_for(lambda: is_refused((HOST, port)), "nobody at lo")


@short
def test_no_such_interface(t):
    """An interface that is not there: the line says so, in both languages."""
    path = t.file("x.ini", "[backend redis]\nserver = a 127.0.0.1:6379\n"
                  "[frontend f]\nbackend = redis\nbind = :%d interface=nix0\n"
                  % t.ports.take())
    code, out, err = t.run("-c", "-f", path)
    equal((code, out), (1, ""))
    assert "%s:5: bind: there is no interface 'nix0' here" % path in err, err
    path = t.file("x.cfg", "listen l\n  mode tcp\n  bind :%d interface nix0\n"
                  "  server a 127.0.0.1:6379\n" % t.ports.take())
    code, out, err = t.run("-c", "-f", path)
    equal((code, out), (1, ""))
    assert "[%s:3] : bind: there is no interface 'nix0' here" % path in err, err


def test_v6only(t):
    """[::] takes IPv4 too, but not with v6only: there is room for another."""
    private_network()
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as e:
        raise Skip("no IPv6: %s" % e) from None
    r = t.redis()
    both, six = t.ports.take(), t.ports.take()
    path = t.file("x.cfg", "\n".join([
        "defaults", " mode tcp", " timeout client 9s", " timeout connect 1s",
        " timeout server 9s", "listen both", " bind [::]:%d v4v6" % both,
        " server a %s:%d" % r.address, "listen six", " bind [::]:%d v6only" % six,
        " server a %s:%d" % r.address, ""]))
    child = t.spawn("cfg", lib.RUN + [lib.BINARY, "-f", path])
    for address in (("::1", both), (HOST, both), ("::1", six)):
        wait_for(lambda a=address: Client(a)("PING") == "PONG", "%s %d" % address)
    assert is_refused((HOST, six)), "IPv4 in spite of v6only"
    with open(path, "a") as f:
        f.write("listen four\n bind :%d\n server a %s:%d\n" % ((six,) + r.address))
    child.signal(lib.signal.SIGHUP)
    wait_for(lambda: Client((HOST, six))("PING") == "PONG", "IPv4 beside it")


def waiting_room(port):
    """The backlog of a listening socket, as the system has it."""
    if not shutil.which("ss"):
        raise Skip("no ss (iproute2)")
    out = subprocess.run(["ss", "-ltnH", "sport = :%d" % port], check=True,
                         capture_output=True, text=True).stdout
    return int(out.split()[2])


def test_backlog(t):
    """From both languages, after a reload too; more than the system lets is said."""
    with open("/proc/sys/net/core/somaxconn") as f:
        most = int(f.read())
    r = t.redis()
    p = t.proxy([r], frontends={"write": {"backlog": 77}})
    port = p.ports["write"]
    equal(waiting_room(port), 77)
    assert "backlog lowered" not in p.log(), p.log()
    p.conf["frontend write"]["backlog"] = 65535
    p.reload()
    wait_for(lambda: waiting_room(port) == min(most, 65535), "another backlog")
    if most < 65535:
        p.wait_log(r"frontend write: backlog lowered from 65535 to %d: "
                   r"net\.core\.somaxconn is no more" % most)
    ports = [t.ports.take() for _ in range(2)]
    path = t.file("x.cfg", "\n".join([
        "defaults", " mode tcp", " timeout client 9s", " timeout connect 1s",
        " timeout server 9s", " backlog 33", "listen a", " bind :%d" % ports[0],
        " server a %s:%d" % r.address, "listen b", " bind :%d backlog 44" % ports[1],
        " server a %s:%d" % r.address, ""]))
    t.spawn("cfg", lib.RUN + [lib.BINARY, "-f", path])
    wait_for(lambda: Client((HOST, ports[1]))("PING") == "PONG", "start")
    equal([waiting_room(n) for n in ports], [33, 44])
