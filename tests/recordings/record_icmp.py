"""The ICMP recordings: a client, a router and a server in network namespaces; ping and traceroute tell what they saw.

client 10.1.0.2 -- 10.1.0.1 router 10.2.0.1 -- (MTU 1400) -- 10.2.0.2 server; IPv6 likewise in 2001:db8:1:: and :2::.
Captured at the client.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopback import capture, wait_until

Log = list[dict[str, Any]]
SERVER, SERVER6 = "10.2.0.2", "2001:db8:2::2"

_SEEN = re.compile(r"(\d+) bytes from ([\w:.]+?):? .*?icmp_seq=(\d+) (?:ttl|hop limit)=(\d+) time=([\d.]+) ms")
_ERROR = re.compile(r"From ([\w:.]+?):? icmp_seq=(\d+) (.+)")


def run(*command: str, check: bool = True) -> str:
    """Run a command, give what it printed."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=check).stdout


def ping(log: Log, *arguments: str) -> None:
    """Ping, and log each answer and each error that ping tells of."""
    said = run("ping", "-n", *arguments, check=False)
    sent = int(re.search(r"(\d+) packets transmitted", said)[1])  # type: ignore[index]
    log.append({
        "tool": "ping", "arguments": list(arguments), "target": arguments[-1], "sent": sent,
        "answers": [{"from": one[2], "sequence": int(one[3]), "bytes": int(one[1])} for one in _SEEN.finditer(said)],
        "errors": [{"from": one[1], "sequence": int(one[2]), "text": one[3]} for one in _ERROR.finditer(said)],
    })  # fmt: skip


def echoes(log: Log) -> None:
    """Pings that are answered: two sizes, both versions of IP, quickly one behind the other."""
    ping(log, "-c", "3", "-i", "0.2", SERVER)
    ping(log, "-c", "2", "-i", "0.2", "-s", "1200", "-e", "4242", SERVER)
    ping(log, "-c", "3", "-i", "0.2", SERVER6)
    ping(log, "-c", "20", "-i", "0.002", "-l", "5", SERVER)


def unanswered(log: Log) -> None:
    """Pings that nobody answers, and some that are."""
    with dropping("icmp", "echo-request"):
        ping(log, "-c", "2", "-i", "0.2", "-W", "0.3", SERVER)
    ping(log, "-c", "1", SERVER)


def unreachable(log: Log) -> None:
    """What a router and a host cannot deliver: ports, hosts, networks, and what is forbidden."""
    for family, address in ((socket.AF_INET, SERVER), (socket.AF_INET6, SERVER6)):
        knock(log, family, address, 9)
    ping(log, "-c", "1", "-W", "1", "10.99.0.1")
    ping(log, "-c", "1", "-W", "1", "2001:db8:99::1")
    with dropping("udp", "", "REJECT", "--reject-with", "icmp-admin-prohibited"):
        knock(log, socket.AF_INET, SERVER, 53)
    ping(log, "-c", "1", "-W", "5", "10.2.0.77")


def too_big(log: Log) -> None:
    """Packets that may not be fragmented and are too big for the next link; then the hint is dropped (a black hole)."""
    ping(log, "-c", "1", "-W", "1", "-M", "do", "-s", "1450", SERVER)
    ping(log, "-c", "1", "-W", "1", "-M", "do", "-s", "1440", SERVER6)
    run("ip", "route", "flush", "cache")
    run("ip", "-6", "route", "flush", "cache")
    with dropping("icmp", "fragmentation-needed", chain="OUTPUT"):
        ping(log, "-c", "2", "-i", "0.2", "-W", "0.5", "-M", "do", "-s", "1450", SERVER)


def traced(log: Log) -> None:
    """The way to the server by UDP and by echo requests: routers say where packets end."""
    for arguments in (("-U",), ("-I",), ("-6", "-U")):
        target = SERVER6 if "-6" in arguments else SERVER
        said = run("traceroute", "-n", "-q", "2", "-w", "1", *arguments, target)
        hops = [line.split()[:2] for line in said.splitlines()[1:]]
        log.append({
            "tool": "traceroute", "arguments": list(arguments), "target": target,
            "hops": [{"ttl": int(ttl), "from": address} for ttl, address in hops], "probes": 2,
        })  # fmt: skip


def neighbours(log: Log) -> None:
    """The client asks who has its router's address."""
    run("ip", "-6", "neighbour", "flush", "dev", "eth0")
    ping(log, "-c", "1", "2001:db8:1::1")


CASES: tuple[Callable[[Log], None], ...] = (echoes, unanswered, unreachable, too_big, traced, neighbours)


def knock(log: Log, family: socket.AddressFamily, address: str, port: int) -> None:
    """Send a datagram to a port; the system tells the sender that it was refused."""
    with socket.socket(family, socket.SOCK_DGRAM) as endpoint:
        endpoint.settimeout(2)
        endpoint.connect((address, port))
        endpoint.send(b"who is there")
        try:
            endpoint.recv(100)
        except OSError as error:
            log.append({
                "tool": "udp", "target": address, "port": port, "source_port": endpoint.getsockname()[1],
                "error": type(error).__name__ if error.errno is None else str(error.strerror),
            })  # fmt: skip


@contextmanager
def dropping(protocol: str, kind: str, *target: str, chain: str = "FORWARD") -> Iterator[None]:
    """Let the router drop, or refuse, what it would forward, or send itself."""
    match = ["--icmp-type", kind] if kind else []
    rule = [chain, "-p", protocol, *match, "-j", *(target or ("DROP",))]
    at_router("iptables", "-I", *rule)
    try:
        yield
    finally:
        at_router("iptables", "-D", *rule)


_HOSTS: dict[str, int] = {}


def at_router(*command: str) -> None:
    """Run a command in the router's namespace."""
    run("nsenter", "--net", "-t", str(_HOSTS["router"]), *command)


@contextmanager
def network() -> Iterator[None]:
    """Make router and server, each a process in a network namespace of its own, and the links between them."""
    hosts = {name: subprocess.Popen(("unshare", "--net", "sleep", "infinity")) for name in ("router", "server")}
    _HOSTS.update({name: process.pid for name, process in hosts.items()})
    try:
        ours = Path("/proc/self/ns/net").readlink()
        for process in hosts.values():
            space = Path(f"/proc/{process.pid}/ns/net")
            wait_until(lambda space=space: space.readlink() != ours, "a namespace of its own")
        _link()
        yield
    finally:
        for process in hosts.values():
            process.kill()
            process.wait()


def _link() -> None:
    router, server = str(_HOSTS["router"]), str(_HOSTS["server"])
    run("ip", "link", "add", "eth0", "type", "veth", "peer", "eth1", "netns", router)
    at_router("ip", "link", "add", "eth2", "mtu", "1400", "type", "veth", "peer", "eth0", "netns", server)
    ends = {
        "eth1": (router, "10.1.0.1", "2001:db8:1::1"),
        "eth2": (router, "10.2.0.1", "2001:db8:2::1"),
        "eth0": (server, SERVER, SERVER6),
    }
    for device, (process, address, address6) in ends.items():
        _set_up(("nsenter", "--net", "-t", process), device, address, address6)
    _set_up((), "eth0", "10.1.0.2", "2001:db8:1::2")
    at_router("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_ratelimit=0")
    at_router("ip", "link", "set", "dev", "eth2", "mtu", "1400")
    for prefix, link in (((), 1), (("nsenter", "--net", "-t", server), 2)):
        run(*prefix, "ip", "route", "add", "default", "via", f"10.{link}.0.1")
        run(*prefix, "ip", "-6", "route", "add", "default", "via", f"2001:db8:{link}::1")


def _set_up(prefix: tuple[str, ...], device: str, address: str, address6: str) -> None:
    run(*prefix, "ip", "address", "add", f"{address}/24", "dev", device)
    run(*prefix, "ip", "-6", "address", "add", f"{address6}/64", "dev", device, "nodad")
    run(*prefix, "ip", "link", "set", "dev", device, "up")


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/icmp`."""
    folder = out / "icmp"
    folder.mkdir(parents=True, exist_ok=True)
    with network():
        wait_until(
            lambda: "1 received" in run("ping", "-c", "1", "-W", "1", SERVER6, check=False), "the way to be there"
        )
        run("ping", "-c", "1", "-W", "1", SERVER)
        for case in CASES:
            log: Log = []
            with capture(folder / f"{case.__name__}.pcap", "icmp or icmp6 or udp", interface="eth0"):
                case(log)
            content = {"about": (case.__doc__ or "").strip(), "calls": log}
            (folder / f"{case.__name__}.json").write_text(json.dumps(content, indent=1) + "\n")
