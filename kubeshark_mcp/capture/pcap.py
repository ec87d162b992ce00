"""Classic pcap files (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds, and the modified variants."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.capture.chain import Chain, walk
from kubeshark_mcp.capture.gather import gather
from kubeshark_mcp.capture.records import Findings, Interface, Records, u4
from kubeshark_mcp.errors import CaptureError

if TYPE_CHECKING:
    from kubeshark_mcp.capture.source import Window

MICROSECONDS, NANOSECONDS, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
"""Magic numbers. The modified one is of Alexey Kuznetsov's libpcap patches: longer record headers."""
FILE_HEADER = 24
MOST_CAPTURED = 262_144
"""Largest packet that libpcap and Wireshark believe (MAXIMUM_SNAPLEN)."""

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
        self._same_as = ""
        if self.order == "<" and self.record_header == 16:
            self._same_as = "nanoseconds" if self.nanoseconds else "microseconds"
        self._seconds_prefix = b""
        self._chain = Chain(self.order, 8, self.record_header, 0, MOST_CAPTURED, 1, self._guess)

    def scan(self, window: Window, number: int) -> Records:
        """Take all whole records from the window."""
        first = window.start
        if window.end - first >= 4:
            seconds = window.peek(4)
            # The upper half of the seconds changes every 18 hours: a good mark to find record headers by.
            self._seconds_prefix = seconds[2:] if self.order == "<" else seconds[:2]
        starts, stop = walk(self._chain, window.storage, window.data, first, window.end)
        window.start = stop
        headers = gather(window.data, starts, self._item)
        unit = 1 if self.nanoseconds else 1000
        time_ns = headers["seconds"].astype(np.int64) * 1_000_000_000 + headers["fraction"].astype(np.int64) * unit
        self._check_stop(window, number + len(starts))
        return Records(
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

    def finish(self) -> None:
        """Do nothing: a pcap says all about a packet in its record."""

    def _check_stop(self, window: Window, packet: int) -> None:
        head = window.peek(self.record_header)
        if len(head) < self.record_header:
            self.need = self.record_header
            if window.finished and head:
                self.findings.warn(
                    f"the file ends inside the record header of packet {packet}", packet, window.position
                )
            return
        (length,) = struct.unpack_from(f"{self.order}I", head, 8)
        self.need = self.record_header + length
        if length > MOST_CAPTURED:
            self.stopped = True
            self.findings.warn(
                f"packet {packet} claims {length} bytes, more than any capture keeps, so the file is damaged there and"
                " nothing behind it can be read",
                packet,
                window.position,
            )
        elif window.finished:
            self.findings.warn(
                f"the file ends inside packet {packet}: {window.end - window.start - self.record_header} of {length}"
                " bytes are there",
                packet,
                window.position,
            )

    def _guess(self, storage: bytearray, start: int, stop: int) -> int:
        """Find a likely record header: its own fields and those of the record behind it must make sense."""
        shift = 2 if self.order == "<" else 0
        prefix, overhead = self._seconds_prefix, self.record_header
        fractions = 1_000_000_000 if self.nanoseconds else 1_000_000
        fields = struct.Struct(f"{self.order}III").unpack_from
        room = len(storage) - overhead - 16
        found = storage.find(prefix, start + shift, stop)
        for _ in range(64):
            if found < 0:
                break
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
                and storage[following + shift : following + shift + 2] == prefix
            ):
                return candidate
            found = storage.find(prefix, found + 1, stop)
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
