"""The DNS recordings: an authoritative server (nsd) on loopback, asked by dnspython and dig, over UDP and TCP."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
from loopback import capture, server

PORT = 53
Log = list[dict[str, Any]]
ZONE = """$ORIGIN shop.example.
$TTL 300
@ SOA ns1 hostmaster 2024010101 7200 1800 86400 60
@ NS ns1
@ NS ns2
@ A 192.0.2.1
@ AAAA 2001:db8::1
@ MX 10 mail
@ MX 20 mail2
@ TXT "v=spf1 -all" "second; string"
@ CAA 0 issue "ca.example.net"
@ HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.1
ns1 A 192.0.2.53
ns2 A 192.0.2.54
mail A 192.0.2.25
mail2 A 192.0.2.26
www CNAME web
web CNAME edge
edge A 192.0.2.80
edge A 192.0.2.81
edge AAAA 2001:db8::80
_http._tcp SRV 0 5 80 www
_http._tcp SRV 1 5 8080 edge
naptr NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@shop.example!" .
info HINFO "AMD64" "Linux"
key DNSKEY 256 3 8 AwEAAcdRc9pK
ds DS 12345 8 2 49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC1234
tls TLSA 3 1 1 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
ssh SSHFP 1 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
svc SVCB 2 edge port=8443
loc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
uri URI 10 1 "https://shop.example/"
dn DNAME other.example.
*.wild A 192.0.2.99
sub NS ns.sub
ns.sub A 192.0.2.60
unknown TYPE65280 \\# 4 0A000001
"""
REVERSE = """$ORIGIN 2.0.192.in-addr.arpa.
$TTL 300
@ SOA ns1.shop.example. hostmaster.shop.example. 1 7200 1800 86400 60
@ NS ns1.shop.example.
80 PTR edge.shop.example.
"""
CONFIGURATION = """server:
  ip-address: 127.0.0.1
  port: 53
  username: ""
  chroot: ""
  server-count: 1
  database: ""
  zonesdir: "WORK"
  pidfile: "WORK/nsd.pid"
  xfrdfile: ""
  zonelistfile: "WORK/zone.list"
  xfrdir: "WORK"
  verbosity: 0
  minimal-responses: no
remote-control:
  control-enable: no
zone:
  name: "shop.example"
  zonefile: "shop.zone"
  provide-xfr: 127.0.0.1 NOKEY
zone:
  name: "2.0.192.in-addr.arpa"
  zonefile: "reverse.zone"
"""


def query(name: str, kind: str = "A", edns: bool = False, number: int | None = None) -> dns.message.Message:
    """Make a query. edns: with a payload size of 1232 and the DO bit."""
    asked = dns.message.make_query(name, kind, use_edns=0 if edns else -1, want_dnssec=edns, payload=1232)
    if number is not None:
        asked.id = number
    return asked


def told(asked: dns.message.Message, got: dns.message.Message | None, transport: str, port: int) -> dict[str, Any]:
    """A query and its response as the log has them."""
    question = asked.question[0]
    entry: dict[str, Any] = {
        "transport": transport, "client_port": port, "id": asked.id, "name": question.name.to_text(),
        "type": dns.rdatatype.to_text(question.rdtype), "edns": asked.edns >= 0, "answered": got is not None,
    }  # fmt: skip
    if got is None:
        return entry
    sections = {"answers": got.answer, "authorities": got.authority, "additionals": got.additional}
    records = {
        section: [
            {"name": str(found.name), "type": dns.rdatatype.to_text(found.rdtype), "ttl": found.ttl, "data": str(data)}
            for found in content
            for data in found
        ]
        for section, content in sections.items()
    }  # fmt: skip
    flags = dns.flags.to_text(got.flags).split()
    return entry | {"rcode": int(got.rcode()), "flags": flags} | records


def over_udp(log: Log, asked: dns.message.Message) -> dns.message.Message:
    """Ask over UDP from a socket of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.bind(("127.0.0.1", 0))
        got = dns.query.udp(asked, "127.0.0.1", 5, PORT, sock=endpoint, ignore_unexpected=True)
        log.append(told(asked, got, "udp", endpoint.getsockname()[1]))
    return got


def udp(log: Log) -> None:
    """Each record type, a chain of aliases, a wildcard, a delegation, and the ways to have no answer."""
    for name, kind in (
        ("shop.example", "A"), ("shop.example", "AAAA"), ("shop.example", "NS"), ("shop.example", "SOA"),
        ("shop.example", "MX"), ("shop.example", "TXT"), ("shop.example", "CAA"), ("shop.example", "HTTPS"),
        ("www.shop.example", "A"), ("WWW.Shop.EXAMPLE", "AAAA"), ("_http._tcp.shop.example", "SRV"),
        ("naptr.shop.example", "NAPTR"), ("info.shop.example", "HINFO"), ("key.shop.example", "DNSKEY"),
        ("ds.shop.example", "DS"), ("tls.shop.example", "TLSA"), ("ssh.shop.example", "SSHFP"),
        ("svc.shop.example", "SVCB"), ("loc.shop.example", "LOC"), ("uri.shop.example", "URI"),
        ("x.dn.shop.example", "A"), ("any.wild.shop.example", "A"), ("host.sub.shop.example", "A"),
        ("unknown.shop.example", "TYPE65280"), ("80.2.0.192.in-addr.arpa", "PTR"), ("missing.shop.example", "A"),
        ("edge.shop.example", "MX"), ("elsewhere.example.org", "A"),
    ):  # fmt: skip
        over_udp(log, query(name, kind))


def edns(log: Log) -> None:
    """EDNS with the DO bit, an unknown version, an option, and ANY."""
    over_udp(log, query("shop.example", "MX", edns=True))
    over_udp(log, query("missing.shop.example", "A", edns=True))
    version = dns.message.make_query("shop.example", "A", use_edns=1, payload=4096)
    over_udp(log, version)
    cookie = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, bytes(range(8)))
    over_udp(log, dns.message.make_query("edge.shop.example", "A", use_edns=0, options=[cookie]))
    over_udp(log, query("edge.shop.example", "ANY", edns=True))


def tcp(log: Log) -> None:
    """Several queries on one connection, some sent together, messages cut into pieces, and a zone transfer."""
    with socket.create_connection(("127.0.0.1", PORT), 5) as connection:
        stream, port = connection.makefile("rb"), connection.getsockname()[1]

        def read(asked: dns.message.Message) -> None:
            (size,) = struct.unpack("!H", stream.read(2))
            log.append(told(asked, dns.message.from_wire(stream.read(size)), "tcp", port))

        for kind in ("A", "TXT"):
            asked = query("shop.example", kind)
            connection.sendall(_framed(asked))
            read(asked)
        together = [query(name) for name in ("www.shop.example", "missing.shop.example", "mail.shop.example")]
        connection.sendall(b"".join(map(_framed, together)))
        waiting = {asked.id: asked for asked in together}
        for _ in together:
            (size,) = struct.unpack("!H", stream.read(2))
            got = dns.message.from_wire(stream.read(size))
            log.append(told(waiting[got.id], got, "tcp", port))
        asked = query("_http._tcp.shop.example", "SRV")
        data = _framed(asked)
        for start in range(0, len(data), 11):
            connection.sendall(data[start : start + 11])
            time.sleep(0.005)
        read(asked)
    with socket.create_connection(("127.0.0.1", PORT), 5) as connection:
        asked = query("shop.example", "AXFR")
        connection.sendall(_framed(asked))
        stream = connection.makefile("rb")
        (size,) = struct.unpack("!H", stream.read(2))
        got = dns.message.from_wire(stream.read(size), xfr=True, one_rr_per_rrset=True)
        log.append(told(asked, got, "tcp", connection.getsockname()[1]))


def _framed(asked: dns.message.Message) -> bytes:
    wire = asked.to_wire()
    return struct.pack("!H", len(wire)) + wire


def repeated(log: Log) -> None:
    """A and AAAA from one socket by one id, a query sent again, and one that is never answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.bind(("127.0.0.1", 0))
        endpoint.connect(("127.0.0.1", PORT))
        endpoint.settimeout(5)
        port = endpoint.getsockname()[1]
        both = [query("edge.shop.example", "A", number=7), query("edge.shop.example", "AAAA", number=7)]
        for asked in both:
            endpoint.send(asked.to_wire())
        answers = [dns.message.from_wire(endpoint.recv(4096)) for _ in both]
        for asked in both:
            got = next(got for got in answers if got.question == asked.question)
            log.append(told(asked, got, "udp", port))
        again = query("mail.shop.example", "A", number=8)
        for _ in range(2):
            endpoint.send(again.to_wire())
            log.append(told(again, dns.message.from_wire(endpoint.recv(4096)), "udp", port))
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf,
    ):
        # A packet to port 53 of an address where nobody answers: only the question is seen.
        deaf.bind(("127.0.0.2", PORT))
        silent.bind(("127.0.0.1", 0))
        lost = query("lost.shop.example", "A")
        for _ in range(2):
            silent.sendto(lost.to_wire(), ("127.0.0.2", PORT))
            time.sleep(0.05)
        log.append(told(lost, None, "udp", silent.getsockname()[1]) | {"times": 2})


def dig(log: Log) -> None:
    """Real dig: a plain question, a reverse one, and one that is cut short and asked again over TCP."""
    for arguments in (
        ["www.shop.example"],
        ["-x", "192.0.2.80"],
        ["+tcp", "shop.example", "TXT"],
        ["nothing.shop.example"],
    ):
        command = ("dig", "@127.0.0.1", "+tries=1", "+time=3", *arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        status = done.stdout.partition("status: ")[2].partition(",")[0]
        answers = done.stdout.partition("ANSWER: ")[2].partition(",")[0]
        log.append({
            "arguments": arguments, "transport": "tcp" if "+tcp" in arguments else "udp", "status": status,
            "answers": int(answers), "answered": True,
        })  # fmt: skip


def truncated(log: Log) -> None:
    """An answer too long for UDP: cut short (TC), then asked again over TCP."""
    asked = query("many.shop.example", "TXT")
    over_udp(log, asked)
    with socket.create_connection(("127.0.0.1", PORT), 5) as connection:
        connection.sendall(_framed(asked))
        stream = connection.makefile("rb")
        (size,) = struct.unpack("!H", stream.read(2))
        got = dns.message.from_wire(stream.read(size))
        log.append(told(asked, got, "tcp", connection.getsockname()[1]))


CASES: tuple[Callable[[Log], None], ...] = (udp, edns, tcp, truncated, repeated, dig)


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/dns`."""
    folder = out / "dns"
    folder.mkdir(parents=True, exist_ok=True)
    long = "".join(f'many TXT "{number:03d} {"long text " * 8}"\n' for number in range(12))
    (work / "shop.zone").write_text(ZONE + long)
    (work / "reverse.zone").write_text(REVERSE)
    (work / "nsd.conf").write_text(CONFIGURATION.replace("WORK", str(work)))
    with server("nsd", "-d", "-c", str(work / "nsd.conf"), port=PORT):
        for case in CASES:
            log: Log = []
            with capture(folder / f"{case.__name__}.pcap", f"port {PORT}"):
                case(log)
            content = {"about": (case.__doc__ or "").strip(), "calls": log}
            (folder / f"{case.__name__}.json").write_text(json.dumps(content, indent=1) + "\n")
