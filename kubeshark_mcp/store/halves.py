"""The requests or responses of a batch as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubeshark_mcp.model.entry_columns import SpanColumns
from kubeshark_mcp.model.stream import Span

Int64 = NDArray[np.int64]

_NO_SPAN = Span(0, 0, 0, 0, 0, 0)
_PARTS = ("offset", "length", "first_packet", "last_packet", "start_ns", "end_ns", "missing")
_PARTS_OF = attrgetter(*_PARTS)


class Half:
    """Requests or responses of a batch as arrays; zeros where `seen` is false."""

    def __init__(self, seen: NDArray[np.bool_], parts: Sequence[Int64]) -> None:
        self.seen, self._parts = seen, parts
        self.offset, self.length, self.first, self.last, self.start, self.end, self.missing = parts

    @classmethod
    def of_spans(cls, spans: Sequence[Span | None]) -> Self:
        """Make them of objects."""
        seen = np.fromiter([span is not None for span in spans], np.bool_, len(spans))
        present = [_NO_SPAN if span is None else span for span in spans]
        # A span is the tuple of its parts.
        flat = np.fromiter(chain.from_iterable(present), np.int64, len(_PARTS) * len(spans))
        return cls(seen, list(np.ascontiguousarray(flat.reshape(-1, len(_PARTS)).T)))

    @classmethod
    def of_columns(cls, columns: SpanColumns) -> Self:
        """Make them of columns."""
        return cls(columns.seen, list(_PARTS_OF(columns)))

    def taken(self, order: Int64) -> Half:
        """Give them in another order."""
        return Half(self.seen[order], [part[order] for part in self._parts])

    def column(self, values: Int64) -> pa.Array:
        """Make a column that is null where nothing was seen."""
        return pa.array(values, mask=None if self.seen.all() else ~self.seen)


def in_order_of_time(request: Half, response: Half) -> tuple[Int64, Int64 | None]:
    """Give when each row begins, rows as they come, and their order in time; None where they are in it already."""
    start = np.where(request.seen, request.start, response.start)
    start = np.where(response.seen, np.minimum(start, response.start), start)
    if bool((np.diff(start) >= 0).all()):
        return start, None
    return start, np.argsort(start, kind="stable")
