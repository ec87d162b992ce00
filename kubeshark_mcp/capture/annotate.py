"""Captures that explain themselves: pcapng with names of addresses and comments (draft-ietf-opsawg-pcapng)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from kubeshark_mcp.capture.write import LARGEST_SNAPLEN, pcapng_interface

_SECTION, _NAMES, _PACKET = 0x0A0D0D0A, 4, 6
_COMMENT, _PROGRAM = 1, 4
_TEXT = 4000
"""Bytes of one comment at most; an option could hold 65,535."""


@dataclass(frozen=True, slots=True)
class NotedPacket:
    """A packet to write. interface: position in the list of interfaces. comments: each its own."""

    time_ns: int
    original: int
    data: bytes
    interface: int = 0
    comments: tuple[str, ...] = ()


def annotated_pcapng(
    packets: Iterable[NotedPacket],
    interfaces: Sequence[tuple[int, str]],
    names: Sequence[tuple[str, str]] = (),
    comments: Sequence[str] = (),
    program: str = "",
) -> bytes:
    """Give a whole file. interfaces: LINKTYPE and name; names: address text and name; comments: of the section."""
    options = b"".join(_option(_COMMENT, comment) for comment in comments) + _option(_PROGRAM, program)
    parts = [_block(_SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _closed(options))]
    parts += [pcapng_interface(kind, LARGEST_SNAPLEN, name) for kind, name in interfaces]
    if names:
        records = b"".join(_name(address, name) for address, name in names)
        parts.append(_block(_NAMES, records + struct.pack("<HH", 0, 0)))
    parts += [_packet(packet) for packet in packets]
    return b"".join(parts)


def _block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _option(code: int, text: str) -> bytes:
    data = text.encode("utf-8", "replace")[:_TEXT].decode("utf-8", "ignore").encode()
    return struct.pack("<HH", code, len(data)) + _padded(data) if data else b""


def _closed(options: bytes) -> bytes:
    return options + struct.pack("<HH", 0, 0) if options else b""


def _name(address: str, name: str) -> bytes:
    packed = ip_address(address).packed
    data = packed + name.encode("utf-8", "replace").replace(b"\0", b"")[:255] + b"\0"
    return struct.pack("<HH", 1 if len(packed) == 4 else 2, len(data)) + _padded(data)


def _packet(packet: NotedPacket) -> bytes:
    head = struct.pack(
        "<IIIII",
        packet.interface, packet.time_ns >> 32 & 0xFFFFFFFF, packet.time_ns & 0xFFFFFFFF,
        len(packet.data), packet.original,
    )  # fmt: skip
    options = b"".join(_option(_COMMENT, comment) for comment in packet.comments)
    return _block(_PACKET, head + _padded(packet.data) + _closed(options))
