"""Many DNS messages walked at the same time: all headers, then all questions, then the first record of each, and so on.

Finds where everything is and words nothing. What is unusual in any way is marked: it is for `wire_dns`, which reads
message by message. No position is looked at that the walk has not checked, and every loop is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.dissect.wire_dns_records import HEADER_LENGTH, NAME_LIMIT, TYPES, label_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECORD_LIMIT = 24
"""Records of a usual message, at most."""
LABEL_LIMIT = 40
"""Labels of a usual name that are written out, at most: a reverse name of an IPv6 address has 34."""
POINTER_LIMIT = 6
"""Compression pointers that are followed one after another, at most."""

_PADDING = 16
_POINTER = 0xC0
_NETBIOS_LABEL = 32
_UNKNOWN, _WORDED, _ADDRESS, _NAMED, _SOA, _OPT = range(6)
_SOA_NUMBERS = 20
_NAMED_TYPES = {2: 0, 5: 0, 12: 0, 39: 0, 15: 2, 33: 6}
"""NS, CNAME, PTR, DNAME, MX and SRV, whose data end with a name: how many bytes are before it."""
_WORDED_TYPES = (13, 16, 43, 44, 46, 48, 50, 51, 52, 59, 60, 64, 65, 99)
"""HINFO, TXT, DS, SSHFP, RRSIG, DNSKEY, NSEC3, NSEC3PARAM, TLSA, CDS, CDNSKEY, SVCB, HTTPS and SPF: no name of theirs
is compressed."""
_PLAIN = np.array([byte < 128 and label_text(bytes([byte])) == chr(byte) for byte in range(256)])


def _ways() -> NDArray[np.uint8]:
    """Tell of the record types how their data are read; the last stands for all that have none."""
    ways = np.full(257, _UNKNOWN, np.uint8)
    ways[list(_WORDED_TYPES)] = _WORDED
    ways[list(_NAMED_TYPES)] = _NAMED
    ways[[1, 28, 6, 41]] = _ADDRESS, _ADDRESS, _SOA, _OPT
    return ways


_WAYS = _ways()
_OFFSETS = np.array([_NAMED_TYPES.get(kind, 0) for kind in range(len(_WAYS))])


@dataclass(frozen=True, slots=True)
class Records:
    """n records in order of their messages. All int64 of n.

    message: which it belongs to. section: 0 answers, 1 authority, 2 additional. kind, ttl: as they are sent.
    size: the class, which is 1 but in OPT records. owner: where its name begins. start, stop: where its data are.
    first, second: where the names in them begin, 0 where there is none.
    """

    message: NDArray[np.int64]
    section: NDArray[np.int64]
    kind: NDArray[np.int64]
    size: NDArray[np.int64]
    ttl: NDArray[np.int64]
    owner: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def taken(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Records:
        """Give some of them."""
        return Records(*(getattr(self, name)[chosen] for name in self.__slots__))


class Walk:
    """n messages of at least a header's length without their ids.

    data: their bytes one after the other. good: bool of n, they are usual. flags, asked: int64 of n, their flags, and
    the type asked for. question: int64 of n, where the name asked for begins. records: of those that are usual.
    """

    def __init__(self, rests: Sequence[bytes]) -> None:
        lengths = np.fromiter(map(len, rests), np.int64, len(rests))
        self.data = b"".join([*rests, bytes(_PADDING)])
        self._octets = np.frombuffer(self.data, np.uint8)
        self._end = np.cumsum(lengths)
        self._base = self._end - lengths - 2
        self._stop = np.zeros(len(self.data), np.int32)
        """At the beginning of a label: where it and those that are written out behind it end."""
        self._runs: list[tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]] = []
        self._labels: list[NDArray[np.int64]] = []
        self.flags = self._number(self._base + 2)
        counts = [self._number(self._base + place) for place in (4, 6, 8, 10)]
        self._counts = np.array(counts[1:])
        total = self._counts.sum(axis=0)
        answer = self.flags >= 0x8000
        # A query of opcode 0 without an outcome, or its answer; neither cut nor with the reserved bit.
        self.good = (self.flags & 0x7A40 == 0) & (answer | (self.flags & 15 == 0))
        self.good &= (counts[0] == 1) & (total <= RECORD_LIMIT)
        self.question = self._base + HEADER_LENGTH
        self.asked = np.zeros(len(rests), np.int64)
        self.records = self._walk(total)
        self._text = ""

    def _walk(self, total: NDArray[np.int64]) -> Records:
        position = self._questions()
        rounds = []
        for turn in range(int(total[self.good].max(initial=0))):
            rows = np.flatnonzero(self.good & (total > turn))
            rounds.append(self._record(rows, position[rows], turn))
            position[rows] = rounds[-1].stop
        self.good &= position == self._end
        self._look_at_labels()
        none = np.zeros(0, np.int64)
        columns = [[getattr(one, name) for one in rounds] or [none] for name in Records.__slots__]
        found = Records(*map(np.concatenate, columns))
        found = found.taken(np.argsort(found.message, kind="stable"))
        return found.taken(self.good[found.message])

    def _questions(self) -> NDArray[np.int64]:
        """Walk the questions; give where the first record is."""
        rows = np.flatnonzero(self.good)
        position = self._end.copy()
        behind = self._name(rows, self.question[rows], self._end[rows])
        self.asked[rows] = kinds = self._number(behind)
        known = np.isin(kinds, np.fromiter(TYPES, np.int64))
        fits = known & (self._number(behind + 2) == 1) & (behind + 4 <= self._end[rows])
        self.good[rows[~fits]] = False
        position[rows] = behind + 4
        return position

    def _record(self, rows: NDArray[np.intp], position: NDArray[np.int64], turn: int) -> Records:
        """Walk the next record of each of these messages."""
        behind = self._name(rows, position, self._end[rows])
        kind, size = self._number(behind), self._number(behind + 2)
        ttl = self._number(behind + 4) << 16 | self._number(behind + 6)
        start = behind + 10
        stop = start + self._number(behind + 8)
        way = _WAYS[np.minimum(kind, len(_WAYS) - 1)]
        section = (turn >= self._counts[0][rows]).astype(np.int64) + (turn >= self._counts[:2, rows].sum(axis=0))
        fits = (stop <= self._end[rows]) & (way != _UNKNOWN) & ((size == 1) | (way == _OPT))
        fits &= (way != _ADDRESS) | (stop - start == np.where(kind == 1, 4, 16))
        # An outcome of more than four bits is rare, and so is EDNS where it does not belong.
        fits &= (way != _OPT) | ((section == 2) & (ttl < 1 << 24))
        self.good[rows[~fits]] = False
        first, second = np.zeros_like(start), np.zeros_like(start)
        named = np.flatnonzero(fits & (way == _NAMED))
        if len(named):
            first[named] = start[named] + _OFFSETS[kind[named]]
            self._filling(rows[named], first[named], stop[named], 0)
        authority = np.flatnonzero(fits & (way == _SOA))
        if len(authority):
            first[authority] = start[authority]
            second[authority] = self._name(rows[authority], start[authority], stop[authority])
            self._filling(rows[authority], second[authority], stop[authority], _SOA_NUMBERS)
        stop = np.where(fits, stop, position)
        return Records(rows.astype(np.int64), section, kind, size, ttl, position, start, stop, first, second)

    def _filling(self, rows: NDArray[np.intp], position: NDArray[np.int64], stop: NDArray[np.int64], rest: int) -> None:
        """Walk names behind which as many bytes follow as are left of a record."""
        self.good[rows[self._name(rows, position, stop) + rest != stop]] = False

    def _name(self, rows: NDArray[np.intp], position: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
        """Walk a name of each of these messages, all within `end`; give the positions behind them."""
        stop = np.full(len(rows), -1, np.int64)
        place, at = np.arange(len(rows)), np.minimum(position, end)
        walked: list[tuple[NDArray[np.intp], NDArray[np.int64]]] = []
        for _ in range(LABEL_LIMIT):
            size = self._octets[at].astype(np.int64)
            following = at + size + 1
            label = (size > 0) & (size < 64) & (following <= end[place])
            stop[place[~label]] = at[~label]
            place, at, following = place[label], at[label], following[label]
            if not len(place):
                break
            walked.append((place, at))
            at = following
        base, last = self._base[rows], self._octets[stop]
        target = base + (self._number(stop) & 0x3FFF)
        pointer = (last >= _POINTER) & (stop + 2 <= end) & (target >= base + HEADER_LENGTH) & (target < position)
        pointer &= self._stop[np.where(pointer, target, 0)] > 0  # the first byte is no label's
        plain = (last == 0) & (stop < end)
        self.good[rows[~(pointer | plain) | (stop < 0)]] = False
        for place, at in walked:
            self._stop[at] = stop[place]
            self._labels.append(at)
        self._runs.append((rows, position, stop))
        return stop + np.where(plain, 1, 2)

    def _look_at_labels(self) -> None:
        """Mark messages with bytes in names that are written in another way than as they are."""
        odd = ~_PLAIN[self._octets]
        labels = np.concatenate(self._labels) if self._labels else np.zeros(0, np.int64)
        odd[labels] = False
        before = np.zeros(len(odd) + 1, np.int64)
        np.cumsum(odd, out=before[1:])
        for rows, position, stop in self._runs:
            odd_ones = before[np.maximum(stop, 0)] > before[np.maximum(np.minimum(position, stop), 0)]
            self.good[rows[odd_ones]] = False
        self._labels = [labels]

    def texts(self, message: NDArray[np.int64], position: NDArray[np.int64]) -> list[str]:
        """Word names of usual messages that begin at these positions; what is too long is marked, and is not worded."""
        levels = self._levels(message, position)
        text = self.text()
        found = ["."] * len(message)
        for depth, (rows, at, stop) in enumerate(levels):
            pieces = [text[start:end] for start, end in zip((at + 1).tolist(), stop.tolist(), strict=True)]
            if depth == 0 and len(rows) == len(found):
                found = pieces
                continue
            for row, piece in zip(rows.tolist(), pieces, strict=True):
                found[row] = piece if depth == 0 else f"{found[row]}.{piece}"
        return found

    def text(self) -> str:
        """Give all bytes as letters, with dots between labels."""
        if not self._text:
            dotted = self._octets.copy()
            dotted[self._labels[0]] = ord(".")
            self._text = dotted.tobytes().decode("latin-1")
        return self._text

    def _levels(
        self, message: NDArray[np.int64], position: NDArray[np.int64]
    ) -> list[tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]]:
        """Give the labels of names that are written out, those that their pointers lead to, and so on."""
        levels = []
        length = np.ones(len(message), np.int64)
        base = self._base[message]
        at = self._followed(base, position)
        rows = np.flatnonzero(self._octets[at] > 0)
        at = at[rows]
        netbios = self._octets[at] == _NETBIOS_LABEL
        self.good[message[rows[netbios]]] = False
        for _ in range(POINTER_LIMIT):
            stop = self._stop[at].astype(np.int64)
            levels.append((rows, at, stop))
            length[rows] += stop - at
            more = self._octets[stop] >= _POINTER
            rows = rows[more]
            if not len(rows):
                break
            at = self._followed(base[rows], stop[more])
        self.good[message[rows]] = False
        self.good[message[length > NAME_LIMIT]] = False
        return levels

    def _followed(self, base: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give where pointers lead to; where there is none, the position itself."""
        return np.where(self._octets[at] >= _POINTER, base + (self._number(at) & 0x3FFF), at)

    def _number(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Read numbers of two bytes; what is behind all messages is zero."""
        return self._octets[at].astype(np.int64) << 8 | self._octets[at + 1]
