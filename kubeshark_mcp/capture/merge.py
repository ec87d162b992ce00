"""Put the packets of several captures in the order of time, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.capture.records import Records, u4
from kubeshark_mcp.capture.source import PADDING

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Chosen:
    """Records with the number of the source that each comes from."""

    records: Records
    source: NDArray[np.int64]

    def part(self, first: int, last: int) -> Chosen:
        """Give the records first..last (excluded)."""
        return Chosen(self.records.part(first, last), self.source[first:last])


def merge_by_time(streams: Sequence[Iterator[Chosen]]) -> Iterator[Chosen]:
    """Merge by time; the order inside a source stays, also where its times step back; ties go to the first source."""
    heads: dict[int, Chosen] = {}
    latest = [np.iinfo(np.int64).min] * len(streams)
    keys: dict[int, NDArray[np.int64]] = {}
    waiting = set(range(len(streams)))
    while True:
        for position in sorted(waiting):
            following = next(streams[position], None)
            if following is not None:
                heads[position] = following
                # A packet that is late inside its own file goes with the one before it.
                times = np.maximum.accumulate(following.records.time_ns)
                keys[position] = np.maximum(times, latest[position])
        waiting.clear()
        if not heads:
            return
        # The source whose block ends first may go on with the same time, and then goes before those behind it.
        horizon, ending = min((int(keys[position][-1]), position) for position in heads)
        parts, part_keys = [], []
        for position in sorted(heads):
            head, key = heads[position], keys[position]
            cut = int(np.searchsorted(key, horizon, side="right" if position <= ending else "left"))
            parts.append(head.part(0, cut))
            part_keys.append(key[:cut])
            latest[position] = max(latest[position], int(key[cut - 1])) if cut else latest[position]
            if cut == len(key):
                waiting.add(position)
                del heads[position], keys[position]
            else:
                heads[position], keys[position] = head.part(cut, len(key)), key[cut:]
        yield _interleave(parts, np.concatenate(part_keys))


def _interleave(parts: list[Chosen], keys: NDArray[np.int64]) -> Chosen:
    """Join blocks of several files in the order of their keys; their packets are copied behind each other."""
    pieces, shifted = [], []
    at = 0
    for part in parts:
        records = part.records
        if not len(records):
            continue
        low = int(records.offset.min())
        high = int((records.offset + records.captured).max())
        pieces.append(records.data[low:high])
        shifted.append(replace(part, records=replace(records, offset=records.offset - low + at)))
        at += high - low
    order = np.argsort(keys, kind="stable")

    def column(name: str) -> NDArray[np.int64]:
        joined: NDArray[np.int64] = np.concatenate([getattr(part.records, name) for part in shifted])[order]
        return joined

    data = np.concatenate(pieces)
    records = Records(
        data,
        0,
        len(data),
        0,
        column("offset"),
        column("offset"),
        column("time_ns"),
        u4(column("captured")),
        u4(column("original")),
        column("link_type").astype(np.int32),
        column("point").astype(np.int32),
    )
    return Chosen(records, np.concatenate([part.source for part in shifted])[order])


def as_records(packets: Sequence[tuple[int, int, bytes, int]]) -> Records:
    """Build records from single packets: time in ns, original length, bytes, link type."""
    lengths = np.array([len(data) for _, _, data, _ in packets], np.int64)
    offset = np.cumsum(lengths) - lengths
    joined = b"".join(data for _, _, data, _ in packets)
    return Records(
        np.frombuffer(joined + bytes(PADDING), np.uint8),
        0,
        len(joined),
        1,
        offset,
        offset,
        np.array([time_ns for time_ns, _, _, _ in packets], np.int64),
        u4(lengths),
        u4([original for _, original, _, _ in packets]),
        np.array([kind for _, _, _, kind in packets], np.int32),
        np.zeros(len(packets), np.int32),
    )
