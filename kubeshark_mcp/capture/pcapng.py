"""pcapng files (draft-ietf-opsawg-pcapng): sections, interfaces, packets, names, secrets, statistics."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.capture.blocks import (
    CUSTOM,
    CUSTOM_KEPT,
    ENHANCED,
    INTERFACE,
    JOURNAL,
    NAMES,
    OBSOLETE,
    SECRETS,
    SECTION,
    SIMPLE,
    STATISTICS,
    SectionState,
    read_interface,
    read_names,
    read_secrets,
    read_statistics,
    report_drops,
)
from kubeshark_mcp.capture.chain import Chain, walk
from kubeshark_mcp.capture.gather import gather
from kubeshark_mcp.capture.records import NO_PACKET, Findings, Interface, Records, join_records, u4
from kubeshark_mcp.capture.resume import FIRST_REACH, PROOF, Damage, Search, Trail, find_trail, values_at
from kubeshark_mcp.errors import CaptureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.source import Window

MOST_BLOCK = 16 << 20
"""Largest block that is believed, as in Wireshark."""
MOST_INTERFACES = 65_536
_MAGIC = struct.pack("<I", SECTION)
_SHORTEST_REACH = 1024
_LARGEST_RESUMED = 1 << 18
"""Largest block that is believed behind a damage."""
_UNUSUAL = (SECTION, CUSTOM, CUSTOM_KEPT)
"""Block types that are no small numbers."""

_LAYOUTS = {
    ENHANCED: (28, [("interface", 8, "u4"), ("high", 12, "u4"), ("low", 16, "u4"), ("captured", 20, "u4")], 24),
    OBSOLETE: (28, [("interface", 8, "u2"), ("high", 12, "u4"), ("low", 16, "u4"), ("captured", 20, "u4")], 24),
    SIMPLE: (12, [], 8),
}
"""Block type -> (where packet bytes begin, fields with offset and size, where the original length is)."""
_FRAMES_ONLY = {CUSTOM: 12, CUSTOM_KEPT: 12, JOURNAL: 8}
"""Type of blocks that hold no packet, but which Wireshark numbers as frames -> where their content begins."""


def is_pcapng(head: bytes) -> bool:
    """Tell whether these first bytes begin a section header block."""
    return head[:4] == _MAGIC and head[8:12] in {b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a"}


def _layout(kind: int, order: str) -> np.dtype[Any]:
    size, fields, original = _LAYOUTS[kind]
    fields = [("length", 4, "u4"), *fields, ("original", original, "u4")]
    return np.dtype(
        {
            "names": [name for name, _, _ in fields],
            "offsets": [offset for _, offset, _ in fields],
            "formats": [order + form for _, _, form in fields],
            "itemsize": size,
        }
    )


class PcapngFormat:
    """Reads pcapng blocks; see records.Format."""

    def __init__(self, window: Window) -> None:
        """Prepare to read; the first section header is read by the first scan. Raises CaptureError if it is cut."""
        if len(window.peek(28)) < 28:
            raise CaptureError(
                f"{window.stream.name!r} ends inside its first pcapng section header; capture again or copy it anew."
            )
        self.findings = Findings()
        self.need = 0
        self.stopped = False
        self._section = SectionState("<")
        self._last_ns = 0
        self._reach = _SHORTEST_REACH
        self._untimed = False
        self._forgiven = -1
        self._search = Search(self.findings)
        self._trail = Trail(self._likely, self._follow, _LARGEST_RESUMED)

    def scan(self, window: Window, number: int) -> Records:
        """Take all whole blocks from the window; behind a damage, from where they begin again."""
        parts: list[Records] = []
        self.need = 0
        going = True
        while going and self._resume(window):
            if window.peek(4) == _MAGIC:
                going = self._begin_section(window, number)
                continue
            before = window.start
            part = self._scan_section(window, number)
            if len(part):
                parts.append(part)
                number += len(part)
            if window.start == before:
                going = self._check_stop(window, number)
        return join_records(parts, window, number)

    def finish(self) -> None:
        """Report what the last section dropped."""
        report_drops(self._section, self.findings)

    def _resume(self, window: Window) -> bool:
        """Go to the next block behind a damage, if there is one; False when it is not in this window."""
        need = self._search.advance(window, self._trail)
        if need is not None:
            self.need, self.stopped = need, not need
        return need is None

    def _begin_section(self, window: Window, number: int) -> bool:
        """Read a section header block; False when more of the file is needed for that."""
        head = window.peek(12)
        if len(head) < 12:
            return self._incomplete(window, number, 28)
        if not is_pcapng(head):
            return self._lose(window, number, "a section header has no byte-order magic")
        order = "<" if head[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
        (length,) = struct.unpack_from(f"{order}I", head, 4)
        sensible = 28 <= length <= MOST_BLOCK and not length % 4
        if sensible and window.end - window.start < length:
            return self._incomplete(window, number, length)
        report_drops(self._section, self.findings)
        self._section = SectionState(order)
        if not sensible:
            return self._lose(window, number, f"a section header claims {length} bytes")
        window.start += length
        return True

    def _scan_section(self, window: Window, number: int) -> Records:
        """Read blocks of the present section, at most as far as `_reach`: a file may have very many sections."""
        section = self._section
        start = window.start
        chain = Chain(section.order, 4, 0, 12, MOST_BLOCK, 4, section.guess)
        end = min(window.end, start + min(self._reach, self._search.reach))
        starts, stop = walk(chain, window.storage, window.data, start, end)
        if stop == start and end < window.end:
            (length,) = struct.unpack_from(f"{section.order}I", window.storage, start + 4)
            end = min(window.end, start + length)
            starts, stop = walk(chain, window.storage, window.data, start, end)
        self._search.relax()
        kinds = gather(window.data, starts, np.dtype(f"{section.order}u4"))
        sections = np.flatnonzero(kinds == SECTION)
        if len(sections):
            stop = int(starts[sections[0]])
            starts, kinds = starts[: sections[0]], kinds[: sections[0]]
            self._reach = max(_SHORTEST_REACH, 2 * (stop - start))
        else:
            self._reach = min(self._reach * 4, 1 << 30)
        window.start = stop
        agreeing = self._agreeing(window, starts)
        if agreeing < len(starts):
            window.start = int(starts[agreeing])
            starts, kinds = starts[:agreeing], kinds[:agreeing]
        packets = (kinds == ENHANCED) | (kinds == OBSOLETE) | (kinds == SIMPLE)
        if not packets.all():
            for kind in _FRAMES_ONLY:
                packets |= kinds == kind
            for position, kind in zip(starts[~packets].tolist(), kinds[~packets].tolist(), strict=True):
                self._read_control(window, position, kind)
            starts, kinds = starts[packets], kinds[packets]
        return self._read_packets(window, number, starts, kinds)

    def _agreeing(self, window: Window, starts: NDArray[np.int64]) -> int:
        """Count the blocks before the first that ends with another length than it begins with."""
        kind = np.dtype(f"{self._section.order}u4")
        lengths = gather(window.data, starts + 4, kind)
        wrong = np.flatnonzero(gather(window.data, starts + lengths - 4, kind) != lengths)
        if len(wrong) and window.base + int(starts[wrong[0]]) == self._forgiven:
            wrong = wrong[1:]
        return int(wrong[0]) if len(wrong) else len(starts)

    def _read_control(self, window: Window, position: int, kind: int) -> None:
        section, findings = self._section, self.findings
        (length,) = struct.unpack_from(f"{section.order}I", window.storage, position + 4)
        body = memoryview(window.storage)[position + 8 : position + length - 4]
        if kind == INTERFACE and len(findings.interfaces) >= MOST_INTERFACES:
            findings.warn(f"more than {MOST_INTERFACES} interfaces; packets of the others are left out")
        elif kind == INTERFACE:
            interface, offset_seconds = read_interface(body, section.order)
            section.add(interface, offset_seconds, len(findings.interfaces))
            findings.interfaces.append(interface)
        elif kind == NAMES:
            read_names(body, section.order, findings)
        elif kind == SECRETS:
            read_secrets(body, section.order, findings)
        elif kind == STATISTICS:
            read_statistics(body, section, window.base + position)

    def _read_packets(self, window: Window, number: int, starts: NDArray[np.int64], kinds: NDArray[Any]) -> Records:
        """Read blocks of any of the kinds that are numbered, in the order of the file."""
        parts = []
        for kind in (*_LAYOUTS, *_FRAMES_ONLY):
            read = self._read_frames_only if kind in _FRAMES_ONLY else self._read_kind
            chosen = kinds == kind
            if chosen.all():
                parts = [read(window, number, starts, kind)] if len(starts) else []
                break
            if chosen.any():
                parts.append(read(window, number, starts[chosen], kind))
        joined = join_records(parts, window, number)
        if len(parts) > 1:
            joined = joined.pick(np.argsort(joined.header, kind="stable"))
        self._fill_times(joined)
        return joined

    def _read_kind(self, window: Window, number: int, starts: NDArray[np.int64], kind: int) -> Records:
        section = self._section
        layout = _layout(kind, section.order)
        blocks = gather(window.data, starts, layout)
        room = blocks["length"].astype(np.int64) - layout.itemsize - 4
        if kind == SIMPLE:
            interface = np.zeros(len(blocks), np.int64)
            captured = np.minimum(blocks["original"].astype(np.int64), room)
        else:
            interface = blocks["interface"].astype(np.int64)
            captured = blocks["captured"].astype(np.int64)
        good = (interface < len(section.interfaces)) & (captured <= room) & (room >= 0)
        if not good.all():
            first = int(np.argmin(good))
            why = "an unknown interface" if captured[first] <= room[first] else "more bytes than its block holds"
            self.findings.warn(
                f"{len(good) - int(good.sum())} packet block(s) left out, the first names {why}",
                number + first,
                window.base + int(starts[first]),
            )
            starts, blocks, interface, captured = starts[good], blocks[good], interface[good], captured[good]
        link_type, point, snaplen = section.columns(interface)
        if kind == SIMPLE:
            captured = np.minimum(captured, np.where(snaplen > 0, snaplen, captured))
            time_ns = np.full(len(blocks), -1, np.int64)
        else:
            ticks = blocks["high"].astype(np.uint64) << np.uint64(32) | blocks["low"].astype(np.uint64)
            time_ns = section.nanoseconds(ticks, interface)
        return Records(
            window.data,
            window.base,
            window.end,
            number,
            starts,
            starts + layout.itemsize,
            time_ns,
            u4(captured),
            u4(blocks["original"]),
            link_type,
            point,
        )

    def _read_frames_only(self, window: Window, number: int, starts: NDArray[np.int64], kind: int) -> Records:
        """Read blocks that only count, so that a packet has the number here that it has in Wireshark."""
        offset = starts + _FRAMES_ONLY[kind]
        lengths = gather(window.data, starts + 4, np.dtype(f"{self._section.order}u4")).astype(np.int64)
        size = u4(np.maximum(0, starts + lengths - 4 - offset))
        nowhere = np.zeros(len(starts), np.int32)
        time_ns, link_type = np.full(len(starts), -1, np.int64), nowhere + NO_PACKET
        return Records(
            window.data, window.base, window.end, number, starts, offset, time_ns, size, size, link_type, nowhere
        )

    def _fill_times(self, records: Records) -> None:
        """Give blocks without a time, such as simple packet blocks, that of the packet before, else of the first."""
        time_ns = records.time_ns
        missing = time_ns == -1
        if missing.any():
            if not self._untimed and (missing & (records.link_type != NO_PACKET)).any():
                self._untimed = True
                self.findings.warn("packets without a time (simple packet blocks) take the time of the packet before")
            timed = np.flatnonzero(~missing)
            before = self._last_ns or (int(time_ns[timed[0]]) if len(timed) else 0)
            latest = np.maximum.accumulate(np.where(missing, -1, np.arange(len(time_ns))))
            time_ns[missing] = np.where(latest >= 0, time_ns[latest], before)[missing]
        if len(time_ns):
            self._last_ns = int(time_ns[-1])

    def _check_stop(self, window: Window, number: int) -> bool:
        """Look why reading stopped; False when more of the file is needed."""
        head = window.peek(12)
        if len(head) < 8:
            return self._incomplete(window, number, 12)
        kind, length = struct.unpack_from(f"{self._section.order}II", head)
        if length < 12 or length > MOST_BLOCK or length % 4:
            return self._lose(window, number, f"a block of type {kind:#010x} claims {length} bytes")
        if window.end - window.start < length:
            return self._incomplete(window, number, length)
        return self._doubt(window, number, kind, length)

    def _doubt(self, window: Window, number: int, kind: int, length: int) -> bool:
        """Decide which of a block's two lengths lies: the first, unless whole blocks follow where it says."""
        (again,) = struct.unpack_from(f"{self._section.order}I", window.storage, window.start + length - 4)
        reason = f"a block of type {kind:#010x} claims {length} bytes at its beginning and {again} at its end"
        following = window.start + length
        if window.finished and following == window.end:
            proven = True
        elif not window.finished and window.end - following <= PROOF * self._trail.largest:
            self.need = length + PROOF * self._trail.largest + FIRST_REACH
            return False
        else:
            bounds = following, following + 1, window.end
            proven = find_trail(self._trail, window.data, *bounds, whole=window.finished) >= 0
        if not proven or not self._search.spend():
            return self._lose(window, number, reason)
        self.findings.warn(f"{reason}; it is read as the first says", number, window.position)
        self._forgiven = window.position
        return True

    def _incomplete(self, window: Window, number: int, need: int) -> bool:
        self.need = need
        rest = window.end - window.start
        if not window.finished or not rest:
            return False
        reason = f"the file ends inside a block: {rest} of {need} bytes are there"
        return self._lose(window, number, f"a block claims {need} bytes, more than the {rest} that follow", reason)

    def _lose(self, window: Window, number: int, reason: str, hopeless: str = "") -> bool:
        """Begin a search for the next whole block."""
        hopeless = hopeless or f"{reason}, so the file is damaged there and nothing behind it can be read"
        self._search.begin(Damage(reason, number, window.position, hopeless))
        window.start = min(window.start + 4, window.end)
        return True

    def _likely(self, data: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.int64]:
        kinds = values_at(data, self._section.order, start, stop)
        likely = (kinds - np.uint32(1)) < SECRETS
        for kind in _UNUSUAL:
            likely |= kinds == kind
        return np.flatnonzero(likely) + start

    def _follow(self, data: NDArray[np.uint8], positions: NDArray[np.int64], end: int) -> NDArray[np.int64]:
        kind = np.dtype(f"{self._section.order}u4")
        lengths = gather(data, positions + 4, kind).astype(np.int64)
        following = positions + lengths
        good = (lengths >= 12) & (lengths <= _LARGEST_RESUMED) & (lengths % 4 == 0) & (following <= end)
        good &= gather(data, np.where(good, following - 4, 0), kind) == lengths
        return np.where(good, following, -1)


__all__ = ["Interface", "PcapngFormat", "is_pcapng"]
