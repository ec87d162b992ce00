"""The PROXY protocol, versions 1 and 2: what a load balancer writes before the first byte of a client it speaks for."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
"""First bytes of version 2 (section 2.2 of the specification by W. Tarreau, HAProxy)."""
_TEXT = b"PROXY "
FIRST_BYTES = (_TEXT[:1], SIGNATURE[:1])
"""What a header begins with."""
_LONGEST_LINE = 107
"""Bytes of a line of version 1, its CRLF included (section 2.1)."""
_HEADER = 16
_LOCAL, _PROXIED = 0x20, 0x21
_STREAM_OR_DATAGRAM = (1, 2)
_ADDRESSES = {1: 4, 2: 16, 3: 108}
"""Address family -> bytes of each address: IPv4, IPv6, Unix."""
_UNIX = 3
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Preface:
    """One header. length: its bytes. source, destination: `address:port` or a path, empty where it does not say."""

    length: int
    version: int
    source: str = ""
    destination: str = ""


def read_preface(data: bytes) -> Preface | int:
    """Read the header at the beginning of `data`; else give how many bytes it needs at least, 0 where it is none."""
    if data[:1] == b"P":
        return _read_line(data)
    if not SIGNATURE.startswith(data[: len(SIGNATURE)]):
        return 0
    return _read_binary(data) if len(data) >= _HEADER else _HEADER


def _read_line(data: bytes) -> Preface | int:
    if not _TEXT.startswith(data[: len(_TEXT)]):
        return 0
    end = data.find(b"\r\n", 0, _LONGEST_LINE)
    if end < 0:
        return len(data) + 1 if len(data) < _LONGEST_LINE else 0
    match data[:end].split(b" "):
        case [_, b"UNKNOWN", *_]:
            return Preface(end + 2, 1)
        case [_, (b"TCP4" | b"TCP6") as family, source, destination, source_port, destination_port]:
            version = 4 if family == b"TCP4" else 6
            ends = _end(source, source_port, version), _end(destination, destination_port, version)
            return Preface(end + 2, 1, *ends) if all(ends) else 0
    return 0


def _end(address: bytes, port: bytes, version: int) -> str:
    """Write an end of version 1 as people do; empty where it is no address and port."""
    try:
        found = ip_address(address.decode("ascii"))
    except ValueError:
        return ""
    if found.version != version or not (port.isdigit() and int(port[:6]) <= _HIGHEST_PORT):
        return ""
    return _written(str(found), int(port))


def _read_binary(data: bytes) -> Preface | int:
    command, family = data[12], data[13] >> 4
    if command not in {_LOCAL, _PROXIED}:
        return 0
    length = _HEADER + int.from_bytes(data[14:16], "big")
    if len(data) < length:
        return length
    size = _ADDRESSES.get(family, 0)
    ports = 0 if family == _UNIX else 4
    if command == _LOCAL or not size or data[13] & 15 not in _STREAM_OR_DATAGRAM or length < _HEADER + 2 * size + ports:
        return Preface(length, 2)
    source, destination = data[_HEADER : _HEADER + size], data[_HEADER + size : _HEADER + 2 * size]
    if family == _UNIX:
        return Preface(length, 2, _path(source), _path(destination))
    at = _HEADER + 2 * size
    return Preface(
        length,
        2,
        _written(str(ip_address(source)), int.from_bytes(data[at : at + 2], "big")),
        _written(str(ip_address(destination)), int.from_bytes(data[at + 2 : at + 4], "big")),
    )


def _path(address: bytes) -> str:
    return address.split(b"\0", 1)[0].decode("utf-8", "replace")


def _written(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
