"""The packets of a conversation: those of a span of numbers that belong to one connection, and its handshake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.model.packet import PROTOCOL_TCP, TCP_ACK, TCP_SYN, PacketBlock

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_PACKETS = 20_000
"""Packets that one cut holds at most: evidence is for reading."""
_ENDS = (
    "source_high", "source_low", "destination_high", "destination_low", "source_port", "destination_port", "protocol",
)  # fmt: skip
_TURNED = (2, 3, 0, 1, 5, 4, 6)

Ends = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FoundPacket:
    """A packet with what is needed to change its payload. Offsets are positions in `data`.

    ends: of the connection as the packet has it (addresses as halves, ports, protocol). network, transport, payload:
    where these begin; payload is -1 where it does not lie in this packet alone (fragments, nothing decoded).
    handshake: it opens the connection.
    """

    number: int
    time_ns: int
    original: int
    data: bytes
    link_type: int
    ends: Ends
    ip_version: int
    sequence: int
    network: int
    transport: int
    payload: int
    payload_length: int
    handshake: bool


@dataclass(slots=True)
class _Opening:
    """The latest handshake of a connection: rows up to the ACK that ends it."""

    packets: list[FoundPacket] = field(default_factory=list)
    whole: bool = False


def find_packets(path: Path, spans: Sequence[tuple[int, int]]) -> list[FoundPacket]:
    """Give the packets first..last of each span that belong to the connection of its first packet, in order.

    The handshake of each TCP connection before its first span comes with them. At most MOST_PACKETS.
    """
    anchors = _anchors(path, {first for first, _ in spans})
    wanted: dict[Ends, list[tuple[int, int]]] = {}
    for first, last in spans:
        if first in anchors:
            wanted.setdefault(_undirected(anchors[first]), []).append((first, last))
    found: dict[int, FoundPacket] = {}
    openings: dict[Ends, _Opening] = {}
    end = max((last for _, last in spans), default=0)
    for block in _blocks(path, end):
        for ends, own in wanted.items():
            _take(block, ends, own, found, openings)
        if len(found) >= MOST_PACKETS:
            break
    return [found[number] for number in sorted(found)][:MOST_PACKETS]


def _blocks(path: Path, last: int) -> Iterator[PacketBlock]:
    with open_capture(path) as capture:
        for block in capture.blocks():
            yield block
            if len(block) and int(block.number[-1]) >= last:
                return


def _anchors(path: Path, numbers: set[int]) -> dict[int, Ends]:
    found: dict[int, Ends] = {}
    for block in _blocks(path, max(numbers, default=0)):
        for row in np.flatnonzero(np.isin(block.number, list(numbers))).tolist():
            found[int(block.number[row])] = _ends(block, row)
    return found


def _ends(block: PacketBlock, row: int) -> Ends:
    return tuple(int(getattr(block, name)[row]) for name in _ENDS)


def _undirected(ends: Ends) -> Ends:
    return min(ends, tuple(ends[place] for place in _TURNED))


def _between(block: PacketBlock, ends: Ends) -> NDArray[np.bool_]:
    def toward(values: Ends) -> NDArray[np.bool_]:
        same = np.ones(len(block), np.bool_)
        for name, value in zip(_ENDS, values, strict=True):
            same &= getattr(block, name) == value
        return same

    return toward(ends) | toward(tuple(ends[place] for place in _TURNED))


def _take(
    block: PacketBlock, ends: Ends, spans: Sequence[tuple[int, int]], found: dict[int, FoundPacket], openings: Any
) -> None:
    mine = _between(block, ends)
    inside = np.zeros(len(block), np.bool_)
    for first, last in spans:
        inside |= (block.number >= first) & (block.number <= last)
    if ends[6] == PROTOCOL_TCP:
        earliest = min(first for first, _ in spans)
        opening = openings.setdefault(ends, _Opening())
        before = np.flatnonzero(mine & (block.number < earliest))
        _open(block, before, opening)
        if (mine & inside).any() or (len(block) and block.number[-1] >= earliest):
            found.update((packet.number, packet) for packet in opening.packets)
    for row in np.flatnonzero(mine & inside)[:MOST_PACKETS].tolist():
        number = int(block.number[row])
        if number not in found:
            found[number] = _packet(block, row, bool(block.flags[row] & TCP_SYN))


def _open(block: PacketBlock, rows: NDArray[np.intp], opening: _Opening) -> None:
    """Follow the handshake; a new one on the same ports takes the place of the former."""
    flags = block.flags[rows]
    syn = (flags & TCP_SYN) != 0
    begins = np.flatnonzero(syn & ((flags & TCP_ACK) == 0))
    if len(begins):
        # A SYN that is sent again belongs to the same handshake: begin at the first of the last run.
        start = int(begins[-1])
        while start and syn[start - 1]:
            start -= 1
        rows, syn = rows[start:], syn[start:]
        opening.packets, opening.whole = [], False
    elif not opening.packets:
        return
    for row, opens in zip(rows[:16].tolist(), syn[:16].tolist(), strict=True):
        if opening.whole:
            return
        opening.packets.append(_packet(block, row, True))
        opening.whole = not opens


def _packet(block: PacketBlock, row: int, handshake: bool) -> FoundPacket:
    start, size = int(block.record_offset[row]), int(block.captured_length[row])

    def place(column: NDArray[np.int64]) -> int:
        at = int(column[row]) - start
        return at if 0 <= at <= size else -1

    length = int(block.payload_length[row])
    payload = place(block.payload_offset)
    whole = block.ip_version[row] != 0 and not block.fragment[row] and payload >= 0 and payload + length <= size
    return FoundPacket(
        int(block.number[row]), int(block.time_ns[row]), int(block.original_length[row]),
        bytes(block.data[start : start + size]), int(block.link_type[row]), _ends(block, row),
        int(block.ip_version[row]), int(block.sequence[row]), place(block.network_offset),
        place(block.transport_offset), payload if whole else -1, length if whole else 0, handshake,
    )  # fmt: skip
