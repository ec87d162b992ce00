"""The columns of a block while they are being filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.model.packet import PacketBlock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.records import Records

NETWORK_COLUMNS = {
    "ip_version": np.uint8,
    "protocol": np.uint8,
    "fragment": np.bool_,
    "source_high": np.uint64,
    "source_low": np.uint64,
    "destination_high": np.uint64,
    "destination_low": np.uint64,
    "ttl": np.uint8,
    "ip_id": np.uint16,
    "network_offset": np.int64,
    "transport_offset": np.int64,
}
TRANSPORT_COLUMNS = {
    "source_port": np.uint16,
    "destination_port": np.uint16,
    "payload_offset": np.int64,
    "payload_length": np.int32,
    "payload_missing": np.int32,
    "sequence": np.uint32,
    "acknowledgment": np.uint32,
    "flags": np.uint16,
    "window": np.uint16,
}


class Columns:
    """One array a decoded column, zero until set, under the names of PacketBlock.

    data: the bytes of the window. start, end, wire_end: where each record begins, where its captured bytes end, and
    where it would end had nothing been cut off. stop, wire_stop: the same ends for the layer that is being read; inside
    a tunnel they are those of the outer packet's payload.
    """

    def __init__(self, records: Records) -> None:
        count = len(records)
        self.records = records
        self.data = records.data
        self.point = records.point
        self.start = records.offset
        self.end = self.start + records.captured
        # A length beyond 31 bits is damage; it must not overflow the columns that are counted from it.
        self.wire_end = np.maximum(self.start + np.minimum(records.original, 2**31 - 1), self.end)
        self.stop = self.end.copy()
        self.wire_stop = self.wire_end.copy()
        self._arrays: dict[str, NDArray[Any]] = {
            name: np.zeros(count, kind) for name, kind in (NETWORK_COLUMNS | TRANSPORT_COLUMNS).items()
        }

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def reset(self, rows: NDArray[np.intp] | slice) -> None:
        """Forget what outer headers put into the columns."""
        for array in self._arrays.values():
            array[rows] = 0

    def block(self, appended: list[bytes]) -> PacketBlock:
        """Give the finished block; reassembled bytes go behind the captured ones."""
        records = self.records
        data = records.data[: records.limit]
        if appended:
            data = np.concatenate([data, *(np.frombuffer(part, np.uint8) for part in appended)])
        return PacketBlock(
            data=data,
            number=np.arange(records.number, records.number + len(records), dtype=np.int64),
            time_ns=records.time_ns,
            point=self.point,
            captured_length=records.captured,
            original_length=records.original,
            record_offset=records.offset,
            link_type=records.link_type,
            **self._arrays,
        )
