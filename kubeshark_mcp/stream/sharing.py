"""One capture followed by several engines: which packets are whose, and how connections are numbered all the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.stream.keys import NO_TRANSPORT, TRANSPORTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.model.packet import PacketBlock

_ICMP = TRANSPORTS.index("icmp")
_HIGH, _LOW, _PORT, _TRANSPORT = (
    np.uint64(odd) for odd in (0xC2B2AE3D27D4EB4F, 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
)
"""Odd numbers whose bits are spread evenly; the same in every process."""
_HALF = np.uint64(32)


class Selector:
    """Tells which packets of a capture belong to one of several pieces: each conversation is whole in one of them.

    piece: from 0, of so many `pieces`. together: ports whose conversations are all in the same piece, because what one
    of them says explains another. Packets of no conversation belong to the first piece.
    """

    def __init__(self, piece: int = 0, pieces: int = 1, together: Collection[int] = ()) -> None:
        self._piece = piece
        self._pieces = pieces
        self._together: NDArray[np.bool_] | None = None
        if together:
            self._together = np.zeros(1 << 16, dtype=np.bool_)
            self._together[sorted(together)] = True

    def own(self, block: PacketBlock, codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell of each packet whether it is this piece's own. codes: index in TRANSPORTS, or NO_TRANSPORT."""
        if self._pieces == 1:
            return np.ones(len(block), dtype=np.bool_)
        ports = (codes != _ICMP) * _PORT  # an ICMP exchange is a pair of addresses
        mixed = codes * _TRANSPORT
        for high, low, port in (
            (block.source_high, block.source_low, block.source_port),
            (block.destination_high, block.destination_low, block.destination_port),
        ):  # a sum, so that both directions give the same
            mixed += _mixed(high * _HIGH + low * _LOW + port * ports)
        mixed = _mixed(mixed)
        if self._together is not None:
            mixed[self._together[block.source_port] | self._together[block.destination_port]] = 0
        mixed[codes == NO_TRANSPORT] = 0
        # The upper half as a fraction of 2^32, times the number of pieces.
        owner: NDArray[np.uint64] = ((mixed >> _HALF) * np.uint64(self._pieces)) >> _HALF
        return np.equal(owner, self._piece)


class Numbering:
    """Numbers the connections of each transport from 0 in order of their first packets, as Wireshark's tcp.stream.

    firsts: for each transport the first packets of all connections, as far as they are remembered.
    """

    def __init__(self, *, remembered: bool = False) -> None:
        self._made = [0] * len(TRANSPORTS)
        self._remembered = remembered
        self._firsts: list[list[NDArray[np.int64]]] = [[] for _ in TRANSPORTS]

    def give(self, transport: int, firsts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give new connections numbers. transport: index in TRANSPORTS; firsts: their first packets, ascending."""
        if self._remembered:
            self._firsts[transport].append(firsts)
        made = self._made[transport]
        self._made[transport] += len(firsts)
        return np.arange(made, made + len(firsts))

    @property
    def firsts(self) -> list[NDArray[np.int64]]:
        """Give the first packets of all connections so far, transport by transport."""
        nothing = [np.zeros(0, dtype=np.int64)]
        return [np.concatenate(nothing + parts) for parts in self._firsts]


class ToldNumbering(Numbering):
    """Numbers connections as they are numbered in the whole capture, of which only a piece is followed.

    told: for each transport the first packets of all connections of the capture, ascending. beyond: where numbers begin
    for connections that are not among them; there are none as long as no limit of memory is reached.
    """

    def __init__(self, told: Sequence[NDArray[np.int64]], beyond: int) -> None:
        super().__init__()
        self._told = told
        self._made = [beyond] * len(TRANSPORTS)

    def give(self, transport: int, firsts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give new connections numbers. transport: index in TRANSPORTS; firsts: their first packets, ascending."""
        told = self._told[transport]
        if not len(told):
            return super().give(transport, firsts)
        numbers = np.minimum(np.searchsorted(told, firsts), len(told) - 1)
        strange = np.flatnonzero(told[numbers] != firsts)
        numbers[strange] = super().give(transport, firsts[strange])
        return numbers


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Bring the upper bits of a product, which alone depend on all bits of its factors, to the lower ones and back."""
    values ^= values >> _HALF
    values *= _LOW
    values ^= values >> _HALF
    return values
