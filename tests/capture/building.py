"""Build packets and capture files byte by byte, and read them back as rows."""

from __future__ import annotations

import struct
from dataclasses import fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from kubeshark_mcp.capture import open_capture
from kubeshark_mcp.model.packet import PacketBlock, address_text

START = 1_700_000_000
"""Seconds of the first packet of built captures."""


def tcp(
    payload: bytes = b"", *, ports=(40000, 80), sequence=1000, acknowledgment=2000, flags=0x18, options=b""
) -> bytes:
    offset = (20 + len(options)) // 4 << 12
    return struct.pack(">HHIIHHHH", *ports, sequence, acknowledgment, offset | flags, 512, 0, 0) + options + payload


def udp(payload: bytes = b"", *, ports=(40000, 53), length: int | None = None) -> bytes:
    return struct.pack(">HHHH", *ports, 8 + len(payload) if length is None else length, 0) + payload


def ipv4(
    payload: bytes,
    protocol: int = 6,
    *,
    source="10.0.0.1",
    destination="10.0.0.2",
    total: int | None = None,
    flags=0x4000,
    identification=7,
    options=b"",
) -> bytes:
    size = 20 + len(options)
    return (
        struct.pack(
            ">BBHHHBBH4s4s",
            0x40 | size // 4,
            0,
            size + len(payload) if total is None else total,
            identification,
            flags,
            64,
            protocol,
            0,
            ip_address(source).packed,
            ip_address(destination).packed,
        )
        + options
        + payload
    )


def ipv6(
    payload: bytes, following: int = 6, *, source="2001:db8::1", destination="2001:db8::2", length: int | None = None
) -> bytes:
    size = len(payload) if length is None else length
    packed = ip_address(source).packed + ip_address(destination).packed
    return struct.pack(">IHBB", 0x60000000, size, following, 63) + packed + payload


def ethernet(payload: bytes, kind: int = 0x0800, *, tags: tuple[int, ...] = ()) -> bytes:
    tagged = b"".join(struct.pack(">HH", tag, 5) for tag in tags)
    return bytes(12) + tagged + struct.pack(">H", kind) + payload


def record(packet: bytes, seconds: int = START, fraction: int = 0, original: int | None = None, order="<") -> bytes:
    size = len(packet) if original is None else original
    return struct.pack(f"{order}IIII", seconds, fraction, len(packet), size) + packet


def pcap_head(link_type: int = 1, *, order="<", magic=0xA1B2C3D4, snaplen=262144) -> bytes:
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snaplen, link_type)


def pcap(*packets: bytes, link_type: int = 1, order="<", magic=0xA1B2C3D4) -> bytes:
    """Give a pcap whose packets are one microsecond (or nanosecond) apart."""
    records = (record(packet, fraction=number, order=order) for number, packet in enumerate(packets))
    return pcap_head(link_type, order=order, magic=magic) + b"".join(records)


def block(kind: int, body: bytes, order="<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def option(code: int, value: bytes, order="<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order="<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type: int = 1, options: bytes = b"", order="<", snaplen=0) -> bytes:
    return block(1, struct.pack(f"{order}HHI", link_type, 0, snaplen) + options, order)


def enhanced(
    packet: bytes, ticks: int = START * 10**6, number: int = 0, order="<", original: int | None = None
) -> bytes:
    size = len(packet) if original is None else original
    head = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), size)
    return block(6, head + packet + bytes(-len(packet) % 4), order)


def copy(block: PacketBlock) -> dict[str, Any]:
    """Give a block as lists; it stays valid when the next one is asked for."""
    return {field.name: getattr(block, field.name).tolist() for field in fields(PacketBlock) if field.name != "data"}


def read(path: Path, content: bytes | None = None, size: int = 32768) -> tuple[list[dict[str, Any]], list[str]]:
    """Write `content` to `path` if given, and read it back: rows, with the payload's bytes, and warnings."""
    if content is not None:
        path.write_bytes(content)
    rows = []
    with open_capture(path) as capture:
        for block in capture.blocks(size):
            columns = copy(block)
            for number in range(len(block)):
                row = {name: values[number] for name, values in columns.items()}
                start = row["payload_offset"]
                row["payload"] = block.data[start : start + row["payload_length"]].tobytes()
                row["source"] = address_text(row["source_high"], row["source_low"]) if row["ip_version"] else ""
                row["destination"] = (
                    address_text(row["destination_high"], row["destination_low"]) if row["ip_version"] else ""
                )
                rows.append(row)
        return rows, [str(warning) for warning in capture.warnings]


def seen(row: dict[str, Any]) -> tuple[Any, ...]:
    """Give what most tests are about: who speaks to whom over what, and the payload."""
    return (
        row["protocol"],
        row["source"],
        row["source_port"],
        row["destination"],
        row["destination_port"],
        row["payload"],
    )


def pktap_header(link_type, interface="en0", size=108, kind=1):
    """Build Apple's PKTAP header of a packet of process 4321, `curl`."""
    name = interface.encode().ljust(24, b"\0")
    head = struct.pack("<III24sIIIII20s", size, kind, link_type, name, 0, 2, 14, 0, 4321, b"curl")
    return head.ljust(size, b"\0")
