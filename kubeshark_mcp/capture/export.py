"""Write chosen packets of captures to a new one, and read single packets back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.capture import write
from kubeshark_mcp.capture.bpf import BpfFilter
from kubeshark_mcp.capture.index import CaptureIndex, Progress
from kubeshark_mcp.capture.merge import Chosen, merge_by_time
from kubeshark_mcp.capture.reader import CaptureFile, open_capture
from kubeshark_mcp.capture.records import NO_PACKET
from kubeshark_mcp.errors import CaptureError, StoreError, UsageError

if TYPE_CHECKING:
    from io import FileIO

    from kubeshark_mcp.capture.records import Records

_GLANCE_BYTES = 256 << 10
_INDEXED_BYTES = 2 << 20
"""Window of a capture whose packets need not be searched: small enough for the processor's cache."""

RawPacket = tuple[int, int, bytes, int]
"""time in Unix nanoseconds, original length, captured bytes, LINKTYPE."""


@dataclass(frozen=True, slots=True)
class Source:
    """A capture to export from.

    node: names its interfaces in a pcapng output; may be empty. index: that of this file, if there is one: packets of
    a plain pcap are not looked for again then, and of a time window only its own part is read.
    """

    path: Path
    node: str = ""
    index: CaptureIndex | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote. truncated: `max_bytes` was reached before the last packet."""

    packets: int
    bytes: int
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to write. link_type: of a pcap; None for pcapng. snaplen: of the output."""

    link_type: int | None
    nanoseconds: bool
    snaplen: int


class _OtherPlanError(Exception):
    """The packets met do not fit the plan: begin again with the one it carries."""

    def __init__(self, plan: _Plan) -> None:
        super().__init__()
        self.plan = plan


@dataclass(slots=True)
class _Job:
    sources: Sequence[Source]
    bpf: BpfFilter | None
    start_ns: int | None
    end_ns: int | None
    max_bytes: int | None
    progress: Progress | None
    done: dict[int, tuple[int, int]] = field(default_factory=dict)


def export_packets(
    sources: Sequence[Source],
    destination: Path,
    *,
    bpf: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    max_bytes: int | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write the packets that match `bpf` in start_ns <= time < end_ns; those of several files in the order of time.

    The output is a pcap when all packets have one link type, else a pcapng with one interface for each source and link
    type. `max_bytes` bounds its size. It appears under `destination` only when it is whole.
    Raises UsageError, FilterError, CaptureError, or StoreError when it cannot be written.
    """
    if not sources:
        raise UsageError("There is nothing to export from: no capture was given.")
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise UsageError(f"The export window is empty: it starts at {start_ns} ns and ends at {end_ns} ns; swap them.")
    job = _Job(sources, BpfFilter(bpf) if bpf else None, start_ns, end_ns, max_bytes, progress)
    plan = _first_plan(sources)
    temporary = destination.with_name(f".{destination.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    try:
        while True:
            try:
                with temporary.open("wb", buffering=0) as file:
                    exported = _write(job, plan, file)
                break
            except _OtherPlanError as other:
                plan = other.plan
        temporary.replace(destination)
    except OSError as error:
        raise StoreError(
            f"The export cannot be written to {str(destination)!r}: {error}; check the folder and its disk."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return exported


def _first_plan(sources: Sequence[Source]) -> _Plan:
    """Guess from what the headers of the files say; packets that do not fit correct the guess."""
    interfaces = []
    for source in sources:
        with open_capture(source.path, _GLANCE_BYTES) as capture:
            if not capture.interfaces:
                next(capture.records(1), None)
            interfaces += capture.interfaces
    kinds = {interface.link_type for interface in interfaces}
    nanoseconds = any(interface.ticks_per_second > 1_000_000 for interface in interfaces)
    snaplens = [interface.snaplen for interface in interfaces]
    unlimited = not snaplens or any(not 0 < snaplen <= write.LARGEST_SNAPLEN for snaplen in snaplens)
    snaplen = write.LARGEST_SNAPLEN if unlimited else max(snaplens)
    return _Plan(kinds.pop() if len(kinds) == 1 else None if kinds else 1, nanoseconds, snaplen)


def _write(job: _Job, plan: _Plan, file: FileIO) -> Exported:
    if plan.link_type is None:
        output: _Output = _PcapngOutput(job, plan, file)
    else:
        output = _PcapOutput(job, plan, file)
    with contextlib.ExitStack() as opened:
        captures = [opened.enter_context(_open(source)) for source in job.sources]
        streams = [_choose(job, position, capture) for position, capture in enumerate(captures)]
        for chosen in streams[0] if len(streams) == 1 else merge_by_time(streams):
            output.check(chosen, captures)
            if not output.write(chosen):
                break
    return Exported(output.packets, output.bytes, output.truncated)


def _open(source: Source) -> CaptureFile:
    return open_capture(source.path) if source.index is None else open_capture(source.path, _INDEXED_BYTES)


def _choose(job: _Job, position: int, capture: CaptureFile) -> Iterator[Chosen]:
    """Give the packets of one source that are wanted."""
    for records in _read(job, job.sources[position].index, capture):
        keep = records.link_type != NO_PACKET
        if job.start_ns is not None:
            keep &= records.time_ns >= job.start_ns
        if job.end_ns is not None:
            keep &= records.time_ns < job.end_ns
        if job.bpf is not None and keep.any():
            keep &= job.bpf.mask(records)
        if job.progress is not None:
            job.done[position] = capture.position, capture.size
            job.progress(sum(done for done, _ in job.done.values()), sum(size for _, size in job.done.values()))
        if keep.any():
            chosen = records if keep.all() else records.pick(np.flatnonzero(keep))
            yield Chosen(chosen, np.full(len(chosen), position, np.int64))


def _read(job: _Job, index: CaptureIndex | None, capture: CaptureFile) -> Iterator[Records]:
    """Give the records of the window and some around it: as few as an index allows."""
    if index is not None and capture.serves(index):
        yield from capture.records_by_index(index, job.start_ns, job.end_ns)
        return
    behind = None if index is None else index.behind(job.start_ns, job.end_ns)
    for records in capture.records():
        yield records
        if behind is not None and records.number + len(records) > behind:
            return


class _Output:
    """What both formats share: counting and the limit."""

    def __init__(self, job: _Job, plan: _Plan, file: FileIO) -> None:
        self.job = job
        self.plan = plan
        self.file = file
        self.packets = self.bytes = 0
        self.truncated = False

    def check(self, chosen: Chosen, captures: list[CaptureFile]) -> None:
        """Raise _OtherPlanError when these packets need another kind of file."""

    def sizes(self, records: Records) -> Iterator[int]:
        raise NotImplementedError

    def parts(self, chosen: Chosen) -> list[bytes | memoryview]:
        raise NotImplementedError

    def put(self, parts: list[bytes | memoryview]) -> None:
        """Write, and count the bytes."""
        self.bytes += write.put(self.file, parts)

    def write(self, chosen: Chosen) -> bool:
        """Write packets; False when the limit is reached."""
        if self.job.max_bytes is not None:
            room = self.job.max_bytes - self.bytes
            fitting = 0
            for size in self.sizes(chosen.records):
                room -= size
                if room < 0:
                    break
                fitting += 1
            if fitting < len(chosen.records):
                self.truncated = True
                chosen = chosen.part(0, fitting)
        self.put(self.parts(chosen))
        self.packets += len(chosen.records)
        return not self.truncated


class _PcapOutput(_Output):
    """One link type, classic pcap."""

    def __init__(self, job: _Job, plan: _Plan, file: FileIO) -> None:
        super().__init__(job, plan, file)
        self.put([write.pcap_header(plan.link_type or 0, plan.snaplen, nanoseconds=plan.nanoseconds)])

    def check(self, chosen: Chosen, captures: list[CaptureFile]) -> None:
        if (chosen.records.link_type != self.plan.link_type).any():
            raise _OtherPlanError(_Plan(None, True, self.plan.snaplen))
        if not self.plan.nanoseconds:
            points = ((capture, point) for capture in captures for point in capture.interfaces)
            if any(point.ticks_per_second > 1_000_000 for _, point in points):
                raise _OtherPlanError(_Plan(self.plan.link_type, True, self.plan.snaplen))

    def sizes(self, records: Records) -> Iterator[int]:
        return (16 + size for size in records.captured.tolist())

    def parts(self, chosen: Chosen) -> list[bytes | memoryview]:
        return write.pcap_records(chosen.records, nanoseconds=self.plan.nanoseconds)


class _PcapngOutput(_Output):
    """Several link types: one interface for each source and link type, described when it is first needed."""

    def __init__(self, job: _Job, plan: _Plan, file: FileIO) -> None:
        super().__init__(job, plan, file)
        self._interfaces: dict[tuple[int, int], int] = {}
        self.put([write.pcapng_section()])

    def sizes(self, records: Records) -> Iterator[int]:
        return (32 + size + -size % 4 for size in records.captured.tolist())

    def parts(self, chosen: Chosen) -> list[bytes | memoryview]:
        kinds = chosen.records.link_type
        interfaces = np.zeros(len(kinds), np.int64)
        described: list[bytes | memoryview] = []
        for source, kind in np.unique(np.stack((chosen.source, kinds)), axis=1).T.tolist():
            if (source, kind) not in self._interfaces:
                self._interfaces[source, kind] = len(self._interfaces)
                described.append(write.pcapng_interface(kind, self.plan.snaplen, self.job.sources[source].node))
            interfaces[(chosen.source == source) & (kinds == kind)] = self._interfaces[source, kind]
        return described + write.pcapng_records(chosen.records, interfaces)


def read_packets(path: Path, numbers: Sequence[int], index: CaptureIndex | None = None) -> list[RawPacket]:
    """Read packets by number (1-based), in the order asked for; with an index of a plain file without a scan.

    Raises CaptureError when the capture cannot be read or has no such packet.
    """
    wanted = set(numbers)
    found = _read_by_index(index, wanted) if index is not None and index.random_access else _read_by_scan(path, wanted)
    missing = sorted(wanted - set(found))
    if missing:
        raise CaptureError(f"{str(path)!r} has no packet number {missing[0]}; its packets count from 1.")
    return [found[number] for number in numbers]


def _read_by_index(index: CaptureIndex, wanted: set[int]) -> dict[int, RawPacket]:
    found: dict[int, RawPacket] = {}
    try:
        with index.path.open("rb") as file:
            for number in sorted(wanted):
                if 1 <= number <= index.count:
                    file.seek(int(index.offsets[number - 1]))
                    data = file.read(int(index.captured[number - 1]))
                    time_ns, original = int(index.times[number - 1]), int(index.originals[number - 1])
                    found[number] = time_ns, original, data, int(index.link_types[number - 1])
    except OSError as error:
        raise CaptureError(f"{str(index.path)!r} cannot be read: {error}; check the path.") from None
    return found


def _read_by_scan(path: Path, wanted: set[int]) -> dict[int, RawPacket]:
    found: dict[int, RawPacket] = {}
    left = sorted(wanted, reverse=True)
    with open_capture(path) as capture:
        for records in capture.records():
            while left and left[-1] < records.number + len(records):
                row = left.pop() - records.number
                if row >= 0:
                    start = int(records.offset[row])
                    data = bytes(records.data[start : start + int(records.captured[row])])
                    time_ns, original = int(records.time_ns[row]), int(records.original[row])
                    found[row + records.number] = time_ns, original, data, int(records.link_type[row])
            if not left:
                break
    return found


def write_packets(packets: Sequence[RawPacket]) -> bytes:
    """Give a nanosecond pcap of these packets, or a pcapng when their link types differ; for evidence."""
    from kubeshark_mcp.capture.merge import as_records

    packets = [packet for packet in packets if packet[3] != NO_PACKET]
    records = as_records(packets)
    kinds = sorted({kind for _, _, _, kind in packets}) or [1]
    if len(kinds) == 1:
        parts = write.pcap_records(records, nanoseconds=True)
        return write.pcap_header(kinds[0], write.LARGEST_SNAPLEN, nanoseconds=True) + b"".join(parts)
    described = [write.pcapng_interface(kind, write.LARGEST_SNAPLEN, "") for kind in kinds]
    interfaces = np.array([kinds.index(kind) for _, _, _, kind in packets], np.int64)
    return b"".join([write.pcapng_section(), *described, *write.pcapng_records(records, interfaces)])
