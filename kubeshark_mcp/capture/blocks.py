"""The blocks of pcapng that are not packets, and the state of a section that they build."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.capture.chain import occurrences
from kubeshark_mcp.capture.records import Findings, Interface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.chain import Storage

SECTION, INTERFACE, OBSOLETE, SIMPLE, NAMES, STATISTICS, ENHANCED, JOURNAL, SECRETS, CUSTOM, CUSTOM_KEPT = (
    0x0A0D0D0A,
    1,
    2,
    3,
    4,
    5,
    6,
    9,
    10,
    0xBAD,
    0x40000BAD,
)
"""Block types (draft-ietf-opsawg-pcapng section 4). Custom blocks have two: one that editors copy, one they do not."""

_GUESSES = 64
"""Places of a lane that are looked at."""
_DROPPED_BY = {5: "interface", 7: "operating system"}
"""Options isb_ifdrop and isb_osdrop."""


class SectionState:
    """Byte order and interfaces of the section that is being read.

    interfaces: those of this section, whose numbers its packets use. drops: (interface, who dropped) -> packets, offset
    of the block that says so; a later block counts on from an earlier one.
    """

    def __init__(self, order: str) -> None:
        self.order = order
        self.interfaces: list[Interface] = []
        self.drops: dict[tuple[int, str], tuple[int, int]] = {}
        self._columns: list[tuple[int, int, int, int, int, int]] = []
        self._table: NDArray[np.int64] | None = None

    def add(self, interface: Interface, offset_seconds: int, point: int) -> None:
        """Add the next interface; `point` is its position among all interfaces of the file."""
        self.interfaces.append(interface)
        ticks = interface.ticks_per_second
        multiply = divide = 0
        if 10**9 % ticks == 0:
            multiply, divide = 10**9 // ticks, 1
        elif ticks % 10**9 == 0 and ticks < 2**63:
            multiply, divide = 1, ticks // 10**9
        # An offset that does not fit into 64 bits wraps: a damaged file must not raise.
        offset_ns = (offset_seconds * 10**9 + 2**63) % 2**64 - 2**63
        self._columns.append((interface.link_type, point, interface.snaplen, multiply, divide, offset_ns))
        self._table = None

    def _lookup(self, column: int, interface: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._table is None:
            self._table = np.array(self._columns, np.int64).reshape(-1, 6).T.copy()
        values: NDArray[np.int64] = self._table[column][interface]
        return values

    def columns(self, interface: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        """Give link type, capture point and snap length of each packet's interface."""
        link_type, point = self._lookup(0, interface), self._lookup(1, interface)
        return link_type.astype(np.int32), point.astype(np.int32), self._lookup(2, interface)

    def nanoseconds(self, ticks: NDArray[np.uint64], interface: NDArray[np.int64]) -> NDArray[np.int64]:
        """Turn timestamps in the units of their interfaces into Unix nanoseconds, exactly, rounding down."""
        multiply, divide, offset = (self._lookup(column, interface) for column in (3, 4, 5))
        time_ns = ticks // np.maximum(divide, 1).astype(np.uint64) * multiply.astype(np.uint64)
        unusual = np.flatnonzero(divide == 0)
        if len(unusual):
            exact = [
                tick * 10**9 // self.interfaces[number].ticks_per_second & (2**64 - 1)
                for tick, number in zip(ticks[unusual].tolist(), interface[unusual].tolist(), strict=True)
            ]
            time_ns[unusual] = np.array(exact, np.uint64)
        return time_ns.view(np.int64) + offset

    def guess(self, storage: Storage, start: int, stop: int) -> int:
        """Find a likely enhanced packet block: its type, its length, and the same length again at its end."""
        kind = struct.pack(f"{self.order}I", ENHANCED)
        read_length = struct.Struct(f"{self.order}I").unpack_from
        for found in islice(occurrences(storage, kind, start, stop), _GUESSES):
            if found + 8 > len(storage):
                break
            (length,) = read_length(storage, found + 4)
            last = found + length - 4
            if (
                length >= 32
                and length % 4 == 0
                and last + 4 <= len(storage)
                and read_length(storage, last)[0] == length
            ):
                return found
        return -1


def _options(body: memoryview, start: int, order: str) -> Iterator[tuple[int, bytes]]:
    """Give (code, value) of each option; stops silently where they are damaged."""
    head = struct.Struct(f"{order}HH").unpack_from
    position = start
    while position + 4 <= len(body):
        code, length = head(body, position)
        position += 4
        if code == 0 or position + length > len(body):
            return
        yield code, bytes(body[position : position + length])
        position += length + (-length % 4)


def read_interface(body: memoryview, order: str) -> tuple[Interface, int]:
    """Read an interface description block; gives the interface and if_tsoffset in seconds."""
    if len(body) < 8:
        return Interface(-1), 0
    link_type, _, snaplen = struct.unpack_from(f"{order}HHI", body)
    text = {2: "", 3: ""}
    ticks, offset, fcs_length = 10**6, 0, 0
    for code, value in _options(body, 8, order):
        if code in text:
            text[code] = value.rstrip(b"\0").decode("utf-8", "replace")
        elif code == 9 and len(value) == 1:
            ticks = 1 << (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        elif code == 13 and len(value) == 1:
            fcs_length = value[0]
        elif code == 14 and len(value) == 8:
            (offset,) = struct.unpack(f"{order}q", value)
    return Interface(link_type, text[2], snaplen, ticks, text[3], fcs_length), offset


def read_names(body: memoryview, order: str, findings: Findings) -> None:
    """Read a name resolution block: IPv4 and IPv6 addresses with their names."""
    head = struct.Struct(f"{order}HH").unpack_from
    position = 0
    while position + 4 <= len(body):
        kind, length = head(body, position)
        position += 4
        if kind == 0 or position + length > len(body):
            return
        value = bytes(body[position : position + length])
        size = {1: 4, 2: 16}.get(kind, 0)
        if size and length > size:
            address = str(IPv4Address(value[:4]) if size == 4 else IPv6Address(value[:16]))
            for name in filter(None, value[size:].split(b"\0")):
                findings.add_name(address, name.decode("utf-8", "replace"))
        position += length + (-length % 4)


def read_secrets(body: memoryview, order: str, findings: Findings) -> None:
    """Read a decryption secrets block."""
    if len(body) >= 8:
        _, length = struct.unpack_from(f"{order}II", body)
        findings.add_secret(bytes(body[8 : 8 + length]))


def read_statistics(body: memoryview, section: SectionState, offset: int) -> None:
    """Read an interface statistics block: a capture that dropped packets must say so."""
    if len(body) < 12:
        return
    (interface,) = struct.unpack_from(f"{section.order}I", body)
    for code, value in _options(body, 12, section.order):
        if code in _DROPPED_BY and len(value) == 8 and interface < len(section.interfaces):
            (count,) = struct.unpack(f"{section.order}Q", value)
            section.drops[interface, _DROPPED_BY[code]] = count, offset


def report_drops(section: SectionState, findings: Findings) -> None:
    """Turn what was dropped in a section into warnings."""
    for (interface, by), (count, offset) in section.drops.items():
        if count:
            findings.dropped += count
            findings.warn(f"interface {interface}: the {by} dropped {count} packets", offset=offset)
    section.drops.clear()
