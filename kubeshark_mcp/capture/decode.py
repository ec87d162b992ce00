"""Decode records to columns: whole blocks at once for what is common, packet by packet for the rest.

`columnar` is fast and knows what is common; `packet` is plain and knows everything. What both know, both decode alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.capture import columnar, link, packet
from kubeshark_mcp.capture.columns import NETWORK_COLUMNS, TRANSPORT_COLUMNS, Columns
from kubeshark_mcp.capture.fragments import Fragments
from kubeshark_mcp.capture.layer import Packet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.columnar import Rows
    from kubeshark_mcp.capture.records import Findings, Records
    from kubeshark_mcp.model.packet import PacketBlock


class Decoder:
    """Decodes the blocks of one capture in order; keeps fragments between them."""

    def __init__(self, findings: Findings) -> None:
        self._fragments = Fragments(findings)

    def decode(self, records: Records) -> PacketBlock:
        """Decode one block of records."""
        columns = Columns(records)
        fast = columnar.Columnar(columns)
        self._decode_links(fast, records)
        appended: list[bytes] = []
        if fast.rest:
            self._decode_singly(columns, records, np.sort(np.concatenate(fast.rest)), appended)
        return columns.block(appended)

    def finish(self) -> None:
        """Report what stayed incomplete at the end of the capture."""
        self._fragments.finish()

    def _decode_links(self, fast: columnar.Columnar, records: Records) -> None:
        kinds = records.link_type
        if not len(kinds):
            return
        same = bool((kinds == kinds[0]).all())
        for kind in [int(kinds[0])] if same else np.unique(kinds).tolist():
            rows: Rows = slice(0, len(kinds)) if same else np.flatnonzero(kinds == kind)
            if kind in columnar.LINKS:
                columnar.LINKS[kind](fast, rows)
            elif kind in link.LINKS:
                fast.leave(rows)

    def _decode_singly(self, columns: Columns, records: Records, rows: NDArray[np.intp], appended: list[bytes]) -> None:
        data = memoryview(records.data)  # type: ignore[arg-type]
        appended_at = records.limit
        names = (*NETWORK_COLUMNS, *TRANSPORT_COLUMNS)
        chosen = (columns.start, columns.end, columns.wire_end, records.time_ns, columns.point, records.link_type)
        found: list[tuple[Any, ...]] = []
        points: list[int] = []
        for start, end, wire_end, time_ns, point, kind in zip(*(array[rows].tolist() for array in chosen), strict=True):
            one = Packet(data, end, wire_end, time_ns, point, self._fragments, appended, appended_at)
            packet.decode_packet(one, kind, start)
            appended_at = one.appended_at
            found.append(tuple(getattr(one, name) for name in names))
            points.append(one.point)
        for name, values in zip(names, zip(*found, strict=True), strict=True):
            columns[name][rows] = values
        if points != columns.point[rows].tolist():
            columns.point = columns.point.copy()
            columns.point[rows] = points
