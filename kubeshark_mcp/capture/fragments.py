"""Reassembly of IPv4 and IPv6 fragments (RFC 815, RFC 8200 section 4.5) in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from kubeshark_mcp.capture.records import Findings

MOST_DATAGRAMS = 4096
MOST_BYTES = 16 << 20
MOST_AGE_NS = 30 * 10**9
"""How long a datagram waits for its fragments, as Linux does (net.ipv4.ipfrag_time)."""
MOST_DATAGRAM_BYTES = 65_535
_UNIT = 8

Key = tuple[int, int, int, int, int]
"""What the fragments of a datagram share: IP version, source, destination, identification, protocol."""


@dataclass(slots=True)
class _Datagram:
    since_ns: int
    data: bytearray = field(default_factory=bytearray)
    have: int = 0
    """Bit n: the n-th unit of 8 bytes is there."""
    total: int = -1


class Fragments:
    """Datagrams that wait for fragments. Where fragments overlap, the first one counts."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._open: OrderedDict[Key, _Datagram] = OrderedDict()
        self._bytes = 0
        self._dropped = 0

    def add(self, key: Key, offset: int, more: bool, data: bytes, time_ns: int) -> bytes | None:
        """Add a fragment (offset in bytes); gives the whole payload when it is the last that was missing."""
        self._expire(time_ns)
        end = offset + len(data)
        if not data or end > MOST_DATAGRAM_BYTES or (more and len(data) % _UNIT):
            return None
        datagram = self._open.get(key)
        if datagram is None:
            datagram = self._open[key] = _Datagram(time_ns)
        if not more:
            if datagram.total not in {-1, end}:
                return None
            datagram.total = end
        self._put(datagram, offset, data)
        if not self._complete(datagram):
            return None
        del self._open[key]
        self._bytes -= len(datagram.data)
        return bytes(datagram.data[: datagram.total])

    @staticmethod
    def _complete(datagram: _Datagram) -> bool:
        if datagram.total < 0:
            return False
        units = -(-datagram.total // _UNIT)
        return datagram.have & ((1 << units) - 1) == (1 << units) - 1

    def _put(self, datagram: _Datagram, offset: int, data: bytes) -> None:
        first = offset // _UNIT
        units = -(-len(data) // _UNIT)
        mask = ((1 << units) - 1) << first
        grown = offset + len(data) - len(datagram.data)
        if grown > 0:
            datagram.data.extend(bytes(grown))
            self._bytes += grown
        present = datagram.have & mask
        if not present:
            datagram.data[offset : offset + len(data)] = data
        elif present != mask:
            for unit in range(units):
                if not datagram.have >> (first + unit) & 1:
                    piece = data[unit * _UNIT : (unit + 1) * _UNIT]
                    datagram.data[offset + unit * _UNIT : offset + unit * _UNIT + len(piece)] = piece
        datagram.have |= mask

    def _expire(self, now_ns: int) -> None:
        """Drop what is too old or too much; datagrams are in the order of their first fragments."""
        while self._open:
            key, oldest = next(iter(self._open.items()))
            full = len(self._open) >= MOST_DATAGRAMS or self._bytes > MOST_BYTES
            if not full and now_ns - oldest.since_ns <= MOST_AGE_NS:
                return
            del self._open[key]
            self._bytes -= len(oldest.data)
            self._dropped += 1

    def finish(self) -> None:
        """Report the datagrams that never became whole."""
        count = self._dropped + len(self._open)
        if count:
            self._findings.warn(f"{count} fragmented IP datagram(s) could not be completed from this capture")
        self._open.clear()
        self._bytes = self._dropped = 0
