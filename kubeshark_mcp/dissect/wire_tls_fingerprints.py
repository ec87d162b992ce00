"""Fingerprints of TLS programs: JA3 and JA3S (Salesforce, 2017), JA4 of clients (FoxIO, 2023)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from kubeshark_mcp.dissect import wire_tls_names as n
from kubeshark_mcp.dissect.wire_tls import Hello, numbers, offered_versions, protocol_names
from kubeshark_mcp.dissect.wire_tls_suites import GREASE

_JA4_VERSIONS = {
    n.TLS13: "13",
    n.TLS12: "12",
    n.TLS11: "11",
    n.TLS10: "10",
    n.SSL3: "s3",
    n.SSL2: "s2",
    n.DTLS10: "d1",
    n.DTLS12: "d2",
    n.DTLS13: "d3",
}
_NOTHING = "000000000000"


def ja3(hello: Hello) -> str:
    """Give the JA3 of a ClientHello: the MD5 of its version, suites, extensions, groups and point formats."""
    groups = numbers(hello.extension(n.SUPPORTED_GROUPS) or b"", 2)
    formats = numbers(hello.extension(n.POINT_FORMATS) or b"", 1, 1)
    extensions = [number for number, _ in hello.extensions]
    parts = (_joined(found) for found in (hello.suites, extensions, groups, formats))
    return _md5(f"{hello.version},{','.join(parts)}")


def ja3s(hello: Hello) -> str:
    """Give the JA3S of a ServerHello: the MD5 of its version, suite and extensions."""
    return _md5(f"{hello.version},{_joined(hello.suites)},{_joined([number for number, _ in hello.extensions])}")


def ja4(hello: Hello, *, transport: str = "t") -> str:
    """Give the JA4 of a ClientHello. transport: `t` for TCP, `d` for DTLS."""
    suites = [f"{number:04x}" for number in hello.suites if number not in GREASE]
    extensions = [f"{number:04x}" for number, _ in hello.extensions if number not in GREASE]
    version = _JA4_VERSIONS.get(n.newest(offered_versions(hello)), "00")
    named = "d" if hello.extension(n.SERVER_NAME) is not None else "i"
    counts = f"{min(len(suites), 99):02}{min(len(extensions), 99):02}"
    sorted_extensions = ",".join(sorted(set_aside(extensions)))
    algorithms = [f"{number:04x}" for number in numbers(hello.extension(n.SIGNATURE_ALGORITHMS) or b"", 2)]
    if algorithms := [number for number in algorithms if int(number, 16) not in GREASE]:
        sorted_extensions += "_" + ",".join(algorithms)
    return (
        f"{transport}{version}{named}{counts}{_first_protocol(hello)}"
        f"_{_short(','.join(sorted(suites)))}_{_short(sorted_extensions if extensions else '')}"
    )


def set_aside(extensions: Iterable[str]) -> list[str]:
    """Leave out the extensions that differ from site to site: server name and ALPN."""
    return [number for number in extensions if number not in {f"{n.SERVER_NAME:04x}", f"{n.ALPN:04x}"}]


def _first_protocol(hello: Hello) -> str:
    """Give first and last character of the first protocol offered, by their hex digits where they are no letters."""
    offered = protocol_names(hello.extension(n.ALPN) or b"")
    if not offered or not offered[0]:
        return "00"
    first, last = offered[0][0], offered[0][-1]
    if (first + last).isascii() and first.isalnum() and last.isalnum():
        return first + last
    return f"{ord(first):02x}"[0] + f"{ord(last):02x}"[-1]


def _joined(found: Iterable[int]) -> str:
    return "-".join([str(number) for number in found if number not in GREASE])


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else _NOTHING
