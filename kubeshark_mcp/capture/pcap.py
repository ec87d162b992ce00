"""Classic pcap files (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds, and the modified variants."""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.capture.chain import Chain, occurrences, walk
from kubeshark_mcp.capture.gather import gather
from kubeshark_mcp.capture.records import Findings, Interface, Records, join_records, u4
from kubeshark_mcp.capture.resume import Damage, Search, Trail, values_at
from kubeshark_mcp.errors import CaptureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.chain import Storage
    from kubeshark_mcp.capture.index import CaptureIndex
    from kubeshark_mcp.capture.source import Window

MICROSECONDS, NANOSECONDS, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
"""Magic numbers. The modified one is of Alexey Kuznetsov's libpcap patches: longer record headers."""
FILE_HEADER = 24
MOST_CAPTURED = 262_144
"""Largest packet that libpcap and Wireshark believe (MAXIMUM_SNAPLEN)."""

_GUESSES = 64
"""Places of a lane that are looked at."""
_MOST_ORIGINAL = 1 << 24
_NEAR_SECONDS = 30 * 86_400
"""How far behind a damage time may have moved on, or back."""
_FIRST_SECOND = 315_532_800
"""1980: before there were captures."""

_ORDERS = {
    struct.pack(f"{order}I", magic): (order, magic) for order in "<>" for magic in (0xA1B2C3D4, 0xA1B23C4D, MODIFIED)
}


def is_pcap(head: bytes) -> bool:
    """Tell whether these first bytes are a pcap magic number."""
    return head[:4] in _ORDERS


class PcapFormat:
    """Reads pcap records; see records.Format."""

    def __init__(self, window: Window) -> None:
        """Read the file header. Raises CaptureError when it is cut short."""
        head = window.peek(FILE_HEADER)
        if len(head) < FILE_HEADER:
            raise CaptureError(
                f"{window.stream.name!r} ends inside its pcap header (it has {len(head)} of {FILE_HEADER} bytes);"
                " capture again or copy it anew."
            )
        self.order, self.magic = _ORDERS[head[:4]]
        self.snaplen, network = struct.unpack_from(f"{self.order}II", head, 16)
        self.nanoseconds = self.magic == NANOSECONDS
        # The upper bits of the link type tell the length of the frame check sequence (in 16-bit units).
        fcs_length = (network >> 28) * 2 if network & 0x04000000 else 0
        self.findings = Findings(
            [
                Interface(
                    network & 0x03FFFFFF,
                    snaplen=self.snaplen,
                    ticks_per_second=10**9 if self.nanoseconds else 10**6,
                    fcs_length=fcs_length,
                )
            ]
        )
        window.start += FILE_HEADER
        self.need = 0
        self.stopped = False
        self.record_header = _modified_header(window, self.order) if self.magic == MODIFIED else 16
        self._item = np.dtype(
            {
                "names": ["seconds", "fraction", "captured", "original"],
                "formats": [f"{self.order}u4"] * 4,
                "itemsize": 16,
            }
        )
        self._fields = struct.Struct(f"{self.order}III").unpack_from
        self._same_as = ""
        if self.order == "<" and self.record_header == 16:
            self._same_as = "nanoseconds" if self.nanoseconds else "microseconds"
        self._seconds_prefix = b""
        self._seconds: int | None = None
        self._fractions = 1_000_000_000 if self.nanoseconds else 1_000_000
        self._search = Search(self.findings)
        self._trail = Trail(self._likely, self._follow, self.record_header + MOST_CAPTURED)
        self._chain = Chain(self.order, 8, self.record_header, 0, MOST_CAPTURED, 1, self._guess)

    def scan(self, window: Window, number: int) -> Records:
        """Take all whole records from the window; behind a damage, from where they begin again."""
        parts: list[Records] = []
        self.need = 0
        going = True
        while going and self._resume(window):
            part, going = self._check_stop(window, self._scan_part(window, number))
            if len(part):
                parts.append(part)
                number += len(part)
                self._seconds = int(part.time_ns[-1] // 1_000_000_000)
        return join_records(parts, window, number)

    def indexed(self, window: Window, index: CaptureIndex, row: int) -> Records:
        """Give the records from position `row` of an index on, as far as they are whole in the window."""
        stop = max(row, int(np.searchsorted(index.offsets, window.base + window.end)))
        offset = np.asarray(index.offsets[row:stop]) - window.base
        cut = offset + index.captured[row:stop] > window.end
        stop = row + int(np.argmax(cut)) if cut.any() else stop
        return Records(
            window.data,
            window.base,
            window.end,
            row + 1,
            offset[: stop - row] - self.record_header,
            offset[: stop - row],
            np.array(index.times[row:stop]),
            u4(index.captured[row:stop]),
            u4(index.originals[row:stop]),
            np.array(index.link_types[row:stop]),
            np.zeros(stop - row, np.int32),
            same_as=self._same_as,
        )

    def finish(self) -> None:
        """Do nothing: a pcap says all about a packet in its record."""

    def _resume(self, window: Window) -> bool:
        """Go to the next record behind a damage, if there is one; False when it is not in this window."""
        need = self._search.advance(window, self._trail)
        if need is not None:
            self.need, self.stopped = need, not need
        return need is None

    def _scan_part(self, window: Window, number: int) -> Records:
        """Read records up to the window's end, or as far as the search wants it."""
        first = window.start
        if window.end - first >= 4:
            seconds = window.peek(4)
            # The upper half of the seconds changes every 18 hours: a good mark to find record headers by.
            self._seconds_prefix = seconds[2:] if self.order == "<" else seconds[:2]
        starts, stop = walk(
            self._chain, window.storage, window.data, first, min(window.end, first + self._search.reach)
        )
        self._search.relax()
        window.start = stop
        headers = gather(window.data, starts, self._item)
        unit = 1 if self.nanoseconds else 1000
        time_ns = headers["seconds"].astype(np.int64) * 1_000_000_000 + headers["fraction"].astype(np.int64) * unit
        part = Records(
            window.data,
            window.base,
            window.end,
            number,
            starts,
            starts + self.record_header,
            time_ns,
            u4(headers["captured"]),
            u4(headers["original"]),
            np.full(len(starts), self.findings.interfaces[0].link_type, np.int32),
            np.zeros(len(starts), np.int32),
            same_as=self._same_as,
        )
        return self._believe(window, part, headers)

    def _check_stop(self, window: Window, part: Records) -> tuple[Records, bool]:
        """Look why reading stopped; give the records that are to be believed, and whether to go on in this window."""
        packet = part.number + len(part)
        head, rest = window.peek(self.record_header), window.end - window.start
        if len(head) < self.record_header:
            self.need = self.record_header
            if not window.finished or not rest:
                return part, False
            reason = f"the file ends inside the record header of packet {packet}"
            return self._lose(window, part, Damage(reason, packet, window.position, reason)), True
        (length,) = struct.unpack_from(f"{self.order}I", head, 8)
        self.need = self.record_header + length
        if length > MOST_CAPTURED:
            reason = f"packet {packet} claims {length} bytes, more than any capture keeps"
            hopeless = f"{reason}, so the file is damaged there and nothing behind it can be read"
            return self._lose(window, part, Damage(reason, packet, window.position, hopeless)), True
        if self.need <= rest or not window.finished:
            return part, self.need <= rest
        there = rest - self.record_header
        hopeless = f"the file ends inside packet {packet}: {there} of {length} bytes are there"
        reason = f"packet {packet} claims {length} bytes, more than the {there} that follow"
        return self._lose(window, part, Damage(reason, packet, window.position, hopeless)), True

    def _lose(self, window: Window, part: Records, damage: Damage) -> Records:
        """Begin a search, in the last record first: its length may have been the lie."""
        last = len(part) - 1
        if last >= 0 and self._swallowed(window, part, last, int(part.offset[last]), window.start):
            return part.part(0, last)
        self._search.begin(damage)
        window.start += min(1, window.end - window.start)
        return part

    def _believe(self, window: Window, part: Records, headers: NDArray[Any]) -> Records:
        """Cut the records where headers make no sense and a chain that does leads out of them: a length lied there.

        Odd headers alone prove nothing: there are writers of odd files, whose records are whole.
        """
        if self._seconds is None and len(part):
            self._seconds = int(np.median(headers["seconds"]))
        odd = np.flatnonzero(~self._sane(headers))
        runs = odd[np.diff(odd, prepend=-2) > 1].tolist()
        lasts = odd[np.diff(odd, append=len(headers) + 1) > 1].tolist()
        for first, last in zip(runs, lasts, strict=True):
            begin = int(part.offset[first - 1] if first else part.header[0] + 1)
            beyond = int(part.header[last + 1]) if last + 1 < len(part) else window.start
            suspect = max(first - 1, 0)
            if self._swallowed(window, part, suspect, begin, beyond):
                return part.part(0, first if window.start > part.header[first] else suspect)
        return part

    def _swallowed(self, window: Window, part: Records, suspect: int, begin: int, beyond: int) -> bool:
        """Look for records that begin in begin..beyond; go to the first and say whose length lied."""
        found = self._search.inside(self._trail, window, begin, beyond)
        if found < 0:
            return False
        if suspect + 1 < len(part) and found > part.header[suspect + 1]:
            suspect += 1
        packet, length = part.number + suspect, int(part.captured[suspect])
        offset = window.base + int(part.header[suspect])
        reason = f"packet {packet} claims {length} bytes, but other packets begin where it is"
        self._search.begin(Damage(reason, packet, offset, reason))
        window.start = found
        self._search.settle(window.position - offset)
        return True

    def _sane(self, headers: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell which record headers make sense, by all but their length."""
        low, high = self._believable_seconds()
        sane: NDArray[np.bool_] = (headers["fraction"] < self._fractions) & (headers["captured"] <= headers["original"])
        return sane & (headers["seconds"] >= low) & (headers["seconds"] <= high)

    def _believable_seconds(self) -> tuple[int, int]:
        """Give the bounds of times that may follow: near the last packet, or any year in which there were captures."""
        if self._seconds is None:
            return _FIRST_SECOND, 2**32 - 1
        return max(self._seconds - _NEAR_SECONDS, 0), min(self._seconds + _NEAR_SECONDS, 2**32 - 1)

    def _likely(self, data: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.int64]:
        low, high = self._believable_seconds()
        seconds = values_at(data, self.order, start, stop)
        return np.flatnonzero((seconds - np.uint32(low)) <= high - low) + start

    def _follow(self, data: NDArray[np.uint8], positions: NDArray[np.int64], end: int) -> NDArray[np.int64]:
        headers = gather(data, positions, self._item)
        good = self._sane(headers) & (headers["captured"] <= MOST_CAPTURED)
        good &= (headers["captured"] > 0) & (headers["original"] <= _MOST_ORIGINAL)
        following = positions + self.record_header + headers["captured"].astype(np.int64)
        return np.where(good & (following <= end), following, -1)

    def _guess(self, storage: Storage, start: int, stop: int) -> int:
        """Find a likely record header: its own fields and those of the record behind it must make sense."""
        shift = 2 if self.order == "<" else 0
        prefix, overhead, fractions = self._seconds_prefix, self.record_header, self._fractions
        fields = self._fields
        room = len(storage) - overhead - 16
        for found in islice(occurrences(storage, prefix, start + shift, stop), _GUESSES):
            candidate = found - shift
            if candidate > room:
                break
            fraction, captured, original = fields(storage, candidate + 4)
            following = candidate + overhead + captured
            if (
                fraction < fractions
                and captured <= original
                and captured <= MOST_CAPTURED
                and following <= room
                and bytes(storage[following + shift : following + shift + 2]) == prefix
            ):
                return candidate
        return -1


def _modified_header(window: Window, order: str) -> int:
    """Tell the record header's size of a modified pcap: 24 bytes, or 28 in one vendor's; the next record decides."""
    for size in (24, 28):
        head = window.peek(12)
        if len(head) < 12:
            break
        (captured,) = struct.unpack_from(f"{order}I", head, 8)
        following = window.start + size + captured
        if following == window.end:
            return size
        if following + 16 <= window.end:
            seconds, _, length, original = struct.unpack_from(f"{order}IIII", window.storage, following)
            (before,) = struct.unpack_from(f"{order}I", head)
            if length <= min(original, MOST_CAPTURED) and abs(seconds - before) < 1_000_000:
                return size
    return 24
