"""What is odd about whole records, whoever reads them: times that go back, link types that nobody can decode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kubeshark_mcp.capture import link
from kubeshark_mcp.capture.pktap import USER2_LINK, is_pktap
from kubeshark_mcp.capture.records import NO_PACKET

if TYPE_CHECKING:
    from kubeshark_mcp.capture.records import Findings, Records

USUAL_STEP_NS = 1_000_000_000
"""Packets of several queues or interfaces are written a little out of order; what is more is worth a word."""
MOST_LINK_TYPES = 100


class Watch:
    """Looks at the records of one file in their order, and adds what it finds to the findings."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._latest_ns: int | None = None
        self._largest_ns = 0
        self._steps = 0
        self._first = (0, -1)
        self._known: set[int] = {*link.LINKS, NO_PACKET} - {USER2_LINK}
        self._most_known = len(self._known) + MOST_LINK_TYPES

    def look(self, records: Records) -> None:
        """Take the next records."""
        if not len(records):
            return
        self._look_at_times(records)
        kinds = records.link_type
        if (kinds != kinds[0]).any() or int(kinds[0]) not in self._known:
            self._look_at_link_types(records)

    def finish(self) -> None:
        """Tell how often, where first, and how far time went back."""
        if self._steps:
            packet, offset = self._first
            often = "once" if self._steps == 1 else f"{self._steps} times, first here"
            self._findings.warn(
                f"time goes back {often}, by up to {self._largest_ns / 1e9:.6f} s: packets are in the file's order",
                packet,
                offset,
            )

    def _look_at_times(self, records: Records) -> None:
        times = records.time_ns
        before = int(times[0]) if self._latest_ns is None else self._latest_ns
        back = np.diff(times, prepend=before)
        if back.min() <= -USUAL_STEP_NS:
            rows = np.flatnonzero(back <= -USUAL_STEP_NS)
            if not self._steps:
                self._first = records.number + int(rows[0]), records.base + int(records.header[rows[0]])
            self._steps += len(rows)
            self._largest_ns = max(self._largest_ns, -int(back.min()))
        self._latest_ns = int(times[-1])

    def _look_at_link_types(self, records: Records) -> None:
        for kind in sorted(set(np.unique(records.link_type).tolist()) - self._known)[:MOST_LINK_TYPES]:
            if len(self._known) < self._most_known:
                self._known.add(kind)
                row = int(np.argmax(records.link_type == kind))
                start = int(records.offset[row])
                if kind == USER2_LINK and is_pktap(bytes(records.data[start : start + int(records.captured[row])])):
                    continue
                what = "is not known here" if 0 <= kind <= 0xFFFF else "cannot be"
                self._findings.warn(
                    f"packets of link type {kind} are not decoded: it {what}",
                    records.number + row,
                    records.base + int(records.header[row]),
                )
